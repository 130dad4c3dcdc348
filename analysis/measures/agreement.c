/* How alike two maps of one sample are: see measures.h.
 *
 * pearson, spearman  of the values (ties: mean ranks, GSL)
 * iou                of the places that are among the top share of each, |A n B| / |A u B|; of equals the first counts
 * ssim               mean over all 7 x 7 windows that fit (a smaller map: one window) of ((2 m_a m_b + c1)(2 s_ab + c2)) /
 *                    ((m_a^2 + m_b^2 + c1)(s_a^2 + s_b^2 + c2)), sample variances, c1 = (.01 R)^2, c2 = (.03 R)^2, R = 1,
 *                    both maps scaled to [0, 1] before (Wang et al. 2004; as scikit-image has it with data_range 1)
 *
 * NaN where one map is constant. Threading: no state. */
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "measures/measures.h"

/* a and b (n), and work space. */
typedef struct {
    const double *a, *b;
    size_t h, w, n;
    double top;
    double *work; /* (2 n) */
} pair;

static limn_status pearson(const pair *p, double *value) {
    *value = measure_pearson(p->a, p->b, p->n, 1);
    return LIMN_OK;
}

static limn_status spearman(const pair *p, double *value) {
    *value = gsl_stats_spearman(p->a, 1, p->b, 1, p->n, p->work);
    return LIMN_OK;
}

static limn_status iou(const pair *p, double *value) {
    limn_status status = LIMN_OK;
    size_t count = (size_t)ceil(p->top * (double)p->n), both = 0, *order = NULL;
    float *one = NULL;
    unsigned char *in = NULL;
    TRY(limn_new(&order, p->n, sizeof *order));
    TRY(limn_new(&one, p->n, sizeof *one));
    TRY(limn_new(&in, p->n, 1));
    for (size_t i = 0; i < p->n; i++) one[i] = (float)p->a[i];
    TRY(measure_order(one, p->n, order));
    for (size_t k = 0; k < count; k++) in[order[k]] = 1;
    for (size_t i = 0; i < p->n; i++) one[i] = (float)p->b[i];
    TRY(measure_order(one, p->n, order));
    for (size_t k = 0; k < count; k++) both += in[order[k]];
    *value = count > 0 ? (double)both / (double)(2 * count - both) : NAN;
done:
    free(in);
    free(one);
    free(order);
    return status;
}

static double window(const pair *p, const double *a, const double *b, size_t top, size_t left, size_t h, size_t w) {
    const double c1 = 1e-4, c2 = 9e-4, n = (double)(h * w);
    double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
    for (size_t i = top; i < top + h; i++)
        for (size_t j = left; j < left + w; j++) {
            double x = a[i * p->w + j], y = b[i * p->w + j];
            ma += x, mb += y, aa += x * x, bb += y * y, ab += x * y;
        }
    ma /= n, mb /= n;
    const double unbiased = n > 1 ? n / (n - 1) : 1, va = (aa / n - ma * ma) * unbiased,
                 vb = (bb / n - mb * mb) * unbiased, vab = (ab / n - ma * mb) * unbiased;
    return (2 * ma * mb + c1) * (2 * vab + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
}

static void scale(const double *a, size_t n, double *out) {
    double low = a[0], high = a[0];
    for (size_t i = 1; i < n; i++) low = fmin(low, a[i]), high = fmax(high, a[i]);
    for (size_t i = 0; i < n; i++) out[i] = (a[i] - low) / (high - low);
}

static limn_status ssim(const pair *p, double *value) {
    double *a = p->work, *b = a + p->n, sum = 0;
    size_t h = p->h < 7 ? p->h : 7, w = p->w < 7 ? p->w : 7;
    scale(p->a, p->n, a);
    scale(p->b, p->n, b);
    for (size_t i = 0; i + h <= p->h; i++)
        for (size_t j = 0; j + w <= p->w; j++) sum += window(p, a, b, i, j, h, w);
    *value = sum / (double)((p->h - h + 1) * (p->w - w + 1));
    return LIMN_OK;
}

static limn_status (*const agree[LIMN_AGREEMENTS])(const pair *, double *) = {
    [LIMN_AGREE_PEARSON] = pearson, [LIMN_AGREE_SPEARMAN] = spearman, [LIMN_AGREE_SSIM] = ssim, [LIMN_AGREE_IOU] = iou};

limn_status limn_agree(limn_agreement which, const float *a, const float *b, size_t h, size_t w, double top,
                       double *value) {
    limn_status status = LIMN_OK;
    const size_t n = h * w;
    double *room = NULL;
    int flat_a = 1, flat_b = 1;
    *value = NAN;
    for (size_t i = 1; i < n; i++) flat_a &= a[i] == a[0], flat_b &= b[i] == b[0];
    if (flat_a || flat_b) return LIMN_OK;
    TRY(limn_new(&room, 4 * n, sizeof *room));
    for (size_t i = 0; i < n; i++) room[i] = a[i], room[n + i] = b[i];
    TRY(agree[which](&(pair){room, room + n, h, w, n, top, room + 2 * n}, value));
done:
    free(room);
    return status;
}
