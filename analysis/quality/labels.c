/* Figures of labels in a map, query point by query point.
 *
 *   label_accuracy: the label most common among the 10 nearest in y (the lowest where two are) is the point's own
 *   silhouette = (b - a)/max(a, b): a the mean distance to the point's class, b to the nearest other one; 0 where the
 *                class has no other point                                                        (Rousseeuw 1987)
 * Points without a label (-1) are no queries, cast no vote and belong to no class. Both need the map alone, so they are
 * cheap: 25 us a query at n = 10,000. A query's results go to its own place and are added in order. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "quality/quality.h"

enum { MOST_LABEL = (1 << 24) - 1 };

typedef struct {
    int labelled, right;
    double silhouette;
} result;

typedef struct {
    const embed_kernels *kernels;
    const quality_map *y;
    const int *labels;
    const uint32_t *query;
    size_t classes; /* labels are below it */
    size_t *size;   /* (classes) */
    result *result; /* (queries) */
    double *row;    /* (workers, stride) squared distances */
    double *sum;    /* (workers, classes) distances to each class */
} pass;

static int vote(const pass *p, const uint32_t *near, size_t k) {
    int best = -1, most = 0;
    for (size_t a = 0; a < k; a++) {
        int label = p->labels[near[a]], votes = 0;
        if (label < 0) continue;
        for (size_t b = 0; b < k; b++) votes += p->labels[near[b]] == label;
        if (votes > most || (votes == most && label < best)) best = label, most = votes;
    }
    return best;
}

static double silhouette(const pass *p, const double *d, size_t i, double *sum) {
    size_t own = (size_t)p->labels[i];
    double b = INFINITY;
    if (p->size[own] < 2) return 0;
    memset(sum, 0, p->classes * sizeof *sum);
    for (size_t j = 0; j < p->y->n; j++)
        if (p->labels[j] >= 0 && j != i) sum[p->labels[j]] += sqrt(d[j]);
    double a = sum[own] / (double)(p->size[own] - 1);
    for (size_t c = 0; c < p->classes; c++)
        if (c != own && p->size[c] > 0 && sum[c] / (double)p->size[c] < b) b = sum[c] / (double)p->size[c];
    if (isinf(b)) return NAN; /* one class only */
    return a == b ? 0 : (b - a) / (a > b ? a : b);
}

static void run_query(void *ctx, size_t task, int worker) {
    pass *p = ctx;
    result *r = &p->result[task];
    size_t n = p->y->n, i = p->query[task], k = n - 1 < QUALITY_RECALL_K ? n - 1 : QUALITY_RECALL_K;
    double *d = p->row + (size_t)worker * p->y->stride;
    uint32_t near[QUALITY_MOST_K];
    if (p->labels[i] < 0) return;
    p->kernels->sqdist_row(p->y->dims, p->y->y, p->y->stride, n, i, d);
    d[i] = INFINITY;
    quality_nearest(d, n, k, near);
    r->labelled = 1;
    r->right = vote(p, near, k) == p->labels[i];
    r->silhouette = silhouette(p, d, i, p->sum + (size_t)worker * p->classes);
}

static limn_status count_classes(pass *p) {
    limn_status status = LIMN_OK;
    int most = -1;
    for (size_t i = 0; i < p->y->n; i++)
        if (p->labels[i] > most) most = p->labels[i];
    if (most > MOST_LABEL) FAIL(LIMN_EINPUT, "label %d is too large: at most %d", most, MOST_LABEL);
    p->classes = (size_t)(most + 1);
    TRY(limn_new(&p->size, p->classes, sizeof *p->size));
    for (size_t i = 0; i < p->y->n; i++)
        if (p->labels[i] >= 0) p->size[p->labels[i]]++;
done:
    return status;
}

limn_status quality_labels(quality_labelled *out, const quality_map *y, const int *labels, const uint32_t *query,
                           size_t queries, int threads) {
    limn_status status = LIMN_OK;
    size_t workers = (size_t)limn_threads(threads), right = 0;
    pass p = {.kernels = embed_kernels_best(), .y = y, .labels = labels, .query = query};
    *out = (quality_labelled){NAN, NAN, 0};
    TRY(count_classes(&p));
    TRY(limn_new(&p.result, queries, sizeof *p.result));
    TRY(limn_new(&p.row, workers, y->stride * sizeof *p.row));
    TRY(limn_new(&p.sum, workers * p.classes, sizeof *p.sum));
    limn_parallel(threads, queries, run_query, &p);
    double sum = 0;
    for (size_t q = 0; q < queries; q++) {
        right += (size_t)p.result[q].right;
        out->labelled += (size_t)p.result[q].labelled;
        sum += p.result[q].silhouette;
    }
    if (out->labelled == 0) goto done;
    if (y->n > QUALITY_RECALL_K) out->label_accuracy = (double)right / (double)out->labelled;
    out->silhouette = sum / (double)out->labelled;
done:
    free(p.result);
    free(p.row);
    free(p.sum);
    free(p.size);
    return status;
}
