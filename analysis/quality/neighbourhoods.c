/* Figures of neighbourhoods, query point by query point.
 *
 * With r(i, j) the rank of j among the neighbours of i (1 = nearest; by distance, ties to the lower index; the point
 * itself is none):
 *   trustworthiness(k) = 1 - 2/(m k (2n - 3k - 1)) sum over queries i, over the k nearest j of i in y, of
 *                        max(0, r_x(i, j) - k)                                    (Venna & Kaski 2001), m queries
 *   continuity(k)        the same with x and y exchanged
 *   knn_recall         = |N_10(x) & N_10(y)| / 10
 *
 * A rank is a count over the row of distances, so no row is sorted. A query's results go to its own place and are added
 * in order. A worker owns two rows of distances. */
#include <math.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "quality/quality.h"

const int quality_k[QUALITY_KS] = {5, 12, QUALITY_MOST_K};

typedef struct {
    uint64_t trust[QUALITY_KS], continuity[QUALITY_KS]; /* sums of max(0, r - k) */
    uint64_t shared;
} result;

typedef struct {
    const embed_kernels *kernels;
    const embed_rows *x;
    const quality_map *y;
    const uint32_t *query;
    result *result; /* (queries) */
    double *row;    /* (workers, 2, stride): squared distances in x, in y */
} pass;

limn_status quality_map_new(quality_map *m, const float *Y32, const double *Y64, size_t n, int dims) {
    limn_status status = LIMN_OK;
    *m = (quality_map){.n = n, .stride = (n + 7) / 8 * 8, .dims = dims};
    TRY(limn_new(&m->y, (size_t)dims * m->stride, sizeof *m->y));
    for (size_t i = 0; i < n; i++)
        for (size_t d = 0; d < (size_t)dims; d++)
            m->y[d * m->stride + i] = Y32 ? (double)Y32[i * (size_t)dims + d] : Y64[i * (size_t)dims + d];
done:
    return status;
}

void quality_map_clear(quality_map *m) {
    free(m->y);
    *m = (quality_map){0};
}

void quality_nearest(const double *d, size_t n, size_t k, uint32_t *out) {
    double best[QUALITY_MOST_K];
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

static void run_query(void *ctx, size_t task, int worker) {
    pass *p = ctx;
    result *r = &p->result[task];
    size_t n = p->x->n, i = p->query[task], found = n - 1 < QUALITY_MOST_K ? n - 1 : QUALITY_MOST_K;
    double *dx = p->row + (size_t)worker * 2 * p->y->stride, *dy = dx + p->y->stride;
    uint32_t near_x[QUALITY_MOST_K], near_y[QUALITY_MOST_K];
    for (size_t j = 0; j < n; j++) dx[j] = embed_sqdist(p->kernels, p->x, i, j);
    p->kernels->sqdist_row(p->y->dims, p->y->y, p->y->stride, n, i, dy);
    dx[i] = dy[i] = INFINITY;
    quality_nearest(dx, n, found, near_x);
    quality_nearest(dy, n, found, near_y);
    penalties(p, dx, near_y, found, r->trust);
    penalties(p, dy, near_x, found, r->continuity);
    size_t k = found < QUALITY_RECALL_K ? found : QUALITY_RECALL_K;
    for (size_t a = 0; a < k; a++)
        for (size_t b = 0; b < k; b++) r->shared += near_x[a] == near_y[b];
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
    }
    for (int k = 0; k < QUALITY_KS; k++) {
        out->trustworthiness[k] = scaled(sum.trust[k], p->x->n, queries, quality_k[k]);
        out->continuity[k] = scaled(sum.continuity[k], p->x->n, queries, quality_k[k]);
    }
    out->knn_recall = p->x->n > QUALITY_RECALL_K ? (double)sum.shared / QUALITY_RECALL_K / (double)queries : NAN;
}

limn_status quality_neighbourhoods(quality_local *out, const embed_rows *x, const quality_map *y, const uint32_t *query,
                                   size_t queries, int threads) {
    limn_status status = LIMN_OK;
    pass p = {.kernels = embed_kernels_best(), .x = x, .y = y, .query = query};
    TRY(limn_new(&p.result, queries, sizeof *p.result));
    TRY(limn_new(&p.row, (size_t)limn_threads(threads) * 2, y->stride * sizeof *p.row));
    limn_parallel(threads, queries, run_query, &p);
    summarise(out, &p, queries);
done:
    free(p.result);
    free(p.row);
    return status;
}
