/* How alike two maps of one sample are, and how few places carry one: see agreement.h.
 *
 * pearson, spearman  of the values (ties: mean ranks, GSL)
 * iou                of the places that are among the top share of each, |A n B| / |A u B|; of equals the first counts
 * ssim               mean over all 7 x 7 windows that fit (a smaller map: one window) of ((2 m_a m_b + c1)(2 s_ab + c2)) /
 *                    ((m_a^2 + m_b^2 + c1)(s_a^2 + s_b^2 + c2)), sample variances, c1 = (.01 R)^2, c2 = (.03 R)^2, R = 1,
 *                    both maps scaled to [0, 1] before (Wang et al. 2004; as scikit-image has it with data_range 1)
 *
 * NaN where one map is constant. Threading: no state. */
#include "base/agreement.h"

#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

/* The maps (n) as they are, a and b (n) in float64, and work space. */
typedef struct {
    const float *one, *other;
    const double *a, *b;
    size_t h, w, n;
    double top;
    double *work; /* (2 n) */
} pair;

static limn_status pearson(const pair *p, double *value) {
    *value = limn_pearson(p->a, p->b, p->n, 1);
    return LIMN_OK;
}

static limn_status spearman(const pair *p, double *value) {
    *value = gsl_stats_spearman(p->a, 1, p->b, 1, p->n, p->work);
    return LIMN_OK;
}

/* A number that orders as the float does: larger float, larger key; both zeros are one. */
static uint32_t key_of(float v) {
    uint32_t bits;
    v += 0.0f;
    memcpy(&bits, &v, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/* in[i] += 1 for the `count` largest of a (n), of equals the first ones: the count-th largest key is found byte by byte
 * (a radix select), which is linear where a sort is not. */
static void mark_top(const float *a, size_t n, size_t count, uint32_t *key, unsigned char *in) {
    uint32_t at = 0, known = 0; /* the key's bytes found so far, and their mask */
    size_t left = count;        /* how many of those that share them are still to take */
    for (size_t i = 0; i < n; i++) key[i] = key_of(a[i]);
    for (int shift = 24; shift >= 0; shift -= 8) {
        size_t with[256] = {0};
        unsigned byte = 255;
        for (size_t i = 0; i < n; i++)
            if ((key[i] & known) == at) with[key[i] >> shift & 255]++;
        for (; with[byte] < left; byte--) left -= with[byte];
        at |= (uint32_t)byte << shift;
        known |= (uint32_t)255 << shift;
    }
    for (size_t i = 0; i < n; i++) {
        int equal = key[i] == at && left > 0;
        left -= (size_t)equal;
        in[i] = (unsigned char)(in[i] + (key[i] > at || equal));
    }
}

static limn_status iou(const pair *p, double *value) {
    const size_t count = (size_t)ceil(p->top * (double)p->n);
    size_t both = 0;
    uint32_t *key = (uint32_t *)p->work;
    unsigned char *in = (unsigned char *)(key + p->n); /* zeros: work is fresh */
    if (count == 0) return LIMN_OK;
    mark_top(p->one, p->n, count, key, in);
    mark_top(p->other, p->n, count, key, in);
    for (size_t i = 0; i < p->n; i++) both += in[i] == 2;
    *value = (double)both / (double)(2 * count - both);
    return LIMN_OK;
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
    TRY(agree[which](&(pair){a, b, room, room + n, h, w, n, top, room + 2 * n}, value));
done:
    free(room);
    return status;
}

/* ---- series, and one map ------------------------------------------------------------------------------------------------------ */

double limn_pearson(const double *a, const double *b, size_t n, size_t step) {
    double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
    for (size_t i = 0; i < n; i++) ma += a[i * step] / (double)n, mb += b[i * step] / (double)n;
    for (size_t i = 0; i < n; i++) {
        double x = a[i * step] - ma, y = b[i * step] - mb;
        aa += x * x, bb += y * y, ab += x * y;
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : NAN;
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

double limn_gini(float *a, size_t n) {
    double above = 0, sum = 0;
    qsort(a, n, sizeof *a, ascending);
    for (size_t i = 0; i < n; i++) {
        above += (2 * ((double)i + 1) - (double)n - 1) * (double)a[i];
        sum += (double)a[i];
    }
    return sum > 0 ? above / ((double)n * sum) : NAN;
}

double limn_entropy(const float *a, size_t n) {
    double sum = 0, h = 0;
    for (size_t i = 0; i < n; i++) sum += (double)a[i];
    for (size_t i = 0; i < n; i++)
        if (a[i] > 0) h -= (double)a[i] / sum * log((double)a[i] / sum);
    return sum > 0 ? h : NAN;
}
