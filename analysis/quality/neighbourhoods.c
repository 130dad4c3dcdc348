/* Figures of neighbourhoods, query point by query point.
 *
 * With r(i, j) the rank of j among the neighbours of i (1 = nearest; by distance, ties to the lower index; the point
 * itself is none):
 *   trustworthiness(k) = 1 - 2/(m k (2n - 3k - 1)) sum over queries i, over the k nearest j of i in y, of
 *                        max(0, r_x(i, j) - k)                                    (Venna & Kaski 2001), m queries
 *   continuity(k)        the same with x and y exchanged
 *   knn_recall         = |N_10(x) & N_10(y)| / 10
 *   label_accuracy       the label most common among the 10 nearest in y (the lowest where two are) is the point's own
 *   silhouette         = (b - a)/max(a, b) in y: a the mean distance to the point's class, b to the nearest other one;
 * 0 where the class has no other point                                      (Rousseeuw 1987) Points without a label
 * (-1) are no queries of the last two, cast no vote and belong to no class.
 *
 * A rank is a count over the row of distances, so no row is sorted. A query's results go to its own place and are added
 * in order. A worker owns two rows of distances. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "quality/quality.h"

const int quality_k[QUALITY_KS] = {5, 12, 30};
enum { MOST_K = 30 };

typedef struct {
    uint64_t trust[QUALITY_KS], continuity[QUALITY_KS]; /* sums of max(0, r - k) */
    int shared, right, labelled;
    double silhouette;
} result;

typedef struct {
    const embed_kernels *kernels;
    const embed_rows *x, *y;
    const int *labels;
    const uint32_t *query;
    size_t classes; /* labels are below it */
    result *result; /* (queries) */
    double *row;    /* (workers, 2 n): squared distances in x, in y */
    double *sum;    /* (workers, classes) distances to each class */
    size_t *size;   /* (classes) */
} pass;

/* The k nearest by (distance, index), k <= n - 1; d[self] is infinite. */
static void nearest(const double *d, size_t n, size_t k, uint32_t *out) {
    double best[MOST_K];
    size_t have = 0;
    for (size_t j = 0; j < n; j++) {
        if (have == k && !(d[j] < best[k - 1])) continue;
        if (isinf(d[j])) continue;
        size_t at = have < k ? have++ : k - 1;
        for (; at > 0 && best[at - 1] > d[j]; at--) {
            best[at] = best[at - 1];
            out[at] = out[at - 1];
        }
        best[at] = d[j];
        out[at] = (uint32_t)j;
    }
}

static uint64_t rank_of(const pass *p, const double *d, size_t n, size_t j) {
    return 1 + p->kernels->count_upto(d, j, d[j]) + p->kernels->count_below(d + j + 1, n - j - 1, d[j]);
}

/* Sums of max(0, r - k) over the first k of `near`, ranks taken in d. */
static void penalties(const pass *p, const double *d, const uint32_t *near, size_t found, uint64_t *sum) {
    for (size_t a = 0; a < found; a++) {
        uint64_t r = rank_of(p, d, p->x->n, near[a]);
        for (int q = 0; q < QUALITY_KS; q++)
            if (a < (size_t)quality_k[q] && r > (uint64_t)quality_k[q]) sum[q] += r - (uint64_t)quality_k[q];
    }
}

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

static double silhouette(const pass *p, const double *dy, size_t i, double *sum) {
    size_t own = (size_t)p->labels[i];
    double b = INFINITY;
    if (p->size[own] < 2) return 0;
    memset(sum, 0, p->classes * sizeof *sum);
    for (size_t j = 0; j < p->y->n; j++)
        if (p->labels[j] >= 0 && j != i) sum[p->labels[j]] += sqrt(dy[j]);
    double a = sum[own] / (double)(p->size[own] - 1);
    for (size_t c = 0; c < p->classes; c++)
        if (c != own && p->size[c] > 0 && sum[c] / (double)p->size[c] < b) b = sum[c] / (double)p->size[c];
    if (isinf(b)) return NAN; /* one class only */
    return a == b ? 0 : (b - a) / (a > b ? a : b);
}

static void run_query(void *ctx, size_t task, int worker) {
    pass *p = ctx;
    result *r = &p->result[task];
    size_t n = p->x->n, i = p->query[task], found = n - 1 < MOST_K ? n - 1 : MOST_K;
    double *dx = p->row + (size_t)worker * 2 * n, *dy = dx + n;
    uint32_t near_x[MOST_K], near_y[MOST_K];
    for (size_t j = 0; j < n; j++) {
        dx[j] = embed_sqdist(p->kernels, p->x, i, j);
        dy[j] = embed_sqdist(p->kernels, p->y, i, j);
    }
    dx[i] = dy[i] = INFINITY;
    nearest(dx, n, found, near_x);
    nearest(dy, n, found, near_y);
    penalties(p, dx, near_y, found, r->trust);
    penalties(p, dy, near_x, found, r->continuity);
    size_t k = found < QUALITY_RECALL_K ? found : QUALITY_RECALL_K;
    for (size_t a = 0; a < k; a++)
        for (size_t b = 0; b < k; b++) r->shared += near_x[a] == near_y[b];
    if (!p->labels || p->labels[i] < 0) return;
    r->labelled = 1;
    r->right = vote(p, near_y, k) == p->labels[i];
    r->silhouette = silhouette(p, dy, i, p->sum + (size_t)worker * p->classes);
}

static limn_status count_classes(pass *p) {
    limn_status status = LIMN_OK;
    int most = -1;
    for (size_t i = 0; i < p->x->n; i++)
        if (p->labels[i] > most) most = p->labels[i];
    if (most >= 1 << 24) FAIL(LIMN_EINPUT, "label %d is too large: at most %d", most, (1 << 24) - 1);
    p->classes = (size_t)(most + 1);
    TRY(limn_new(&p->size, p->classes, sizeof *p->size));
    for (size_t i = 0; i < p->x->n; i++)
        if (p->labels[i] >= 0) p->size[p->labels[i]]++;
done:
    return status;
}

/* k is small enough for the normalisation of trustworthiness to mean anything: k < n/2. */
static double scaled(uint64_t sum, size_t n, size_t queries, int k) {
    if (2 * (size_t)k >= n) return NAN;
    return 1 - 2 / ((double)queries * k * (2 * (double)n - 3 * k - 1)) * (double)sum;
}

static void summarise(quality_local *out, const pass *p, size_t queries) {
    result sum = {0};
    for (size_t q = 0; q < queries; q++) {
        const result *r = &p->result[q];
        for (int k = 0; k < QUALITY_KS; k++) {
            sum.trust[k] += r->trust[k];
            sum.continuity[k] += r->continuity[k];
        }
        sum.shared += r->shared;
        sum.right += r->right;
        sum.labelled += r->labelled;
        sum.silhouette += r->silhouette;
    }
    for (int k = 0; k < QUALITY_KS; k++) {
        out->trustworthiness[k] = scaled(sum.trust[k], p->x->n, queries, quality_k[k]);
        out->continuity[k] = scaled(sum.continuity[k], p->x->n, queries, quality_k[k]);
    }
    out->labelled = (size_t)sum.labelled;
    int enough = p->x->n > QUALITY_RECALL_K;
    out->knn_recall = enough ? (double)sum.shared / QUALITY_RECALL_K / (double)queries : NAN;
    out->label_accuracy = enough && sum.labelled ? (double)sum.right / sum.labelled : NAN;
    out->silhouette = sum.labelled ? sum.silhouette / sum.labelled : NAN;
}

limn_status quality_neighbourhoods(quality_local *out, const embed_rows *x, const embed_rows *y, const int *labels,
                                   const uint32_t *query, size_t queries, int threads) {
    limn_status status = LIMN_OK;
    size_t workers = (size_t)limn_threads(threads);
    pass p = {.kernels = embed_kernels_best(), .x = x, .y = y, .labels = labels, .query = query};
    if (labels) TRY(count_classes(&p));
    TRY(limn_new(&p.result, queries, sizeof *p.result));
    TRY(limn_new(&p.row, workers * 2, x->n * sizeof *p.row));
    TRY(limn_new(&p.sum, workers * p.classes, sizeof *p.sum));
    limn_parallel(threads, queries, run_query, &p);
    summarise(out, &p, queries);
done:
    free(p.result);
    free(p.row);
    free(p.sum);
    free(p.size);
    return status;
}
