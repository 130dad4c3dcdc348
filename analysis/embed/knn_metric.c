/* Nearest neighbours by any metric, and from distances or neighbours that are given.
 *
 * euclidean    d = |a - b|
 * cosine       d = 1 - a.b/(|a||b|) = |a/|a| - b/|b||^2 / 2: the search runs over unit vectors
 * correlation  the same of vectors whose own mean is taken off
 * manhattan    d = sum of |a_c - b_c|, every pair in float64
 * embed_knn.sqdist is d^2, whatever the metric: what affinities are made of. Ties go to the lower index.
 *
 * Rows are independent tasks; a worker owns one row of distances. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "embed/affinities.h"

enum { ROWS = 32 };

/* ---- unit vectors ------------------------------------------------------------------------------------------------ */

/* to (D) = row i of unit length, less its mean where `centred`; 0 where it has no direction. */
static int unit_row(const embed_rows *x, size_t i, int centred, float *to) {
    double mean = 0, sum = 0, most = 0;
    for (size_t c = 0; c < x->D && centred; c++) mean += embed_get(x, i, c) / (double)x->D;
    for (size_t c = 0; c < x->D; c++) most = fmax(most, fabs(embed_get(x, i, c) - mean));
    if (!(most > 1e-300) || (centred && most <= 1e-14 * fabs(mean))) return 0;
    for (size_t c = 0; c < x->D; c++) {
        double v = (embed_get(x, i, c) - mean) / most; /* no square overflows or vanishes */
        sum += v * v;
    }
    for (size_t c = 0; c < x->D; c++) to[c] = (float)((embed_get(x, i, c) - mean) / most / sqrt(sum));
    return 1;
}

static limn_status by_angle(embed_knn *out, const embed_rows *x, size_t k, int centred, double recall, int threads,
                            limn_progress_fn progress, void *ctx) {
    limn_status status = LIMN_OK;
    float *unit = NULL;
    size_t size = 0;
    TRY(limn_mul(&size, x->n, x->D));
    TRY(limn_new(&unit, size, sizeof *unit));
    for (size_t i = 0; i < x->n; i++)
        if (!unit_row(x, i, centred, unit + i * x->D))
            FAIL(LIMN_EINPUT, "vector %zu is %s: it has no %s to others", i, centred ? "constant" : "zero",
                 centred ? "correlation" : "angle");
    embed_rows u = {.n = x->n, .D = x->D, .f = unit};
    TRY(embed_knn_near(out, &u, k, recall, threads, progress, ctx));
    for (size_t e = 0; e < x->n * k; e++) out->sqdist[e] = out->sqdist[e] / 2 * (out->sqdist[e] / 2);
done:
    free(unit);
    return status;
}

/* ---- one row of distances ---------------------------------------------------------------------------------------- */

typedef struct {
    const embed_kernels *kernels;
    const embed_rows *x;
    const float *matrix; /* (n, n), or NULL: manhattan distances of x */
    embed_knn *out;
    double *row; /* (workers, n) */
    size_t n, first;
} scan;

/* The k nearest of row i, by insertion: few of a row's distances are below the k-th least of those before. */
static void select_row(const scan *s, size_t i, const double *d) {
    size_t k = s->out->k, have = 0;
    double *best = s->out->sqdist + i * k;
    uint32_t *index = s->out->index + i * k;
    for (size_t j = 0; j < s->n; j++) {
        if (j == i || (have == k && !(d[j] < best[k - 1]))) continue;
        size_t at = have < k ? have++ : k - 1;
        for (; at > 0 && best[at - 1] > d[j]; at--) {
            best[at] = best[at - 1];
            index[at] = index[at - 1];
        }
        best[at] = d[j];
        index[at] = (uint32_t)j;
    }
    for (size_t j = 0; j < k; j++) best[j] *= best[j];
}

static void scan_rows(void *ctx, size_t task, int worker) {
    scan *s = ctx;
    double *d = s->row + (size_t)worker * s->n;
    size_t first = (s->first + task) * ROWS, end = first + ROWS < s->n ? first + ROWS : s->n;
    for (size_t i = first; i < end; i++) {
        for (size_t j = 0; j < s->n; j++) {
            if (s->matrix)
                d[j] = (double)s->matrix[i * s->n + j];
            else
                d[j] = s->x->f ? s->kernels->l1_f(s->x->f + i * s->x->D, s->x->f + j * s->x->D, s->x->D)
                               : s->kernels->l1_d(s->x->d + i * s->x->D, s->x->d + j * s->x->D, s->x->D);
        }
        select_row(s, i, d);
    }
}

static limn_status scan_all(embed_knn *out, const embed_rows *x, const float *matrix, size_t n, size_t k, int threads,
                            limn_progress_fn progress, void *ctx) {
    limn_status status = LIMN_OK;
    scan s = {.kernels = embed_kernels_best(), .x = x, .matrix = matrix, .out = out, .n = n};
    size_t tasks = (n + ROWS - 1) / ROWS, step = tasks / 64 + 8;
    TRY(embed_knn_new(out, n, k));
    TRY(limn_new(&s.row, (size_t)limn_threads(threads), n * sizeof *s.row));
    for (; s.first < tasks; s.first += step) {
        size_t now = tasks - s.first < step ? tasks - s.first : step, done = (s.first + now) * ROWS;
        limn_parallel(threads, now, scan_rows, &s);
        limn_progress p = {"neighbours", done < n ? done : n, n, NAN, NAN};
        if (progress && progress(ctx, &p)) FAIL(LIMN_EINTERRUPTED, "stopped while neighbours were sought");
    }
done:
    free(s.row);
    if (status != LIMN_OK) embed_knn_clear(out);
    return status;
}

limn_status embed_knn_metric(embed_knn *out, const embed_rows *x, size_t k, limn_embed_metric metric, double recall,
                             int threads, limn_progress_fn progress, void *ctx) {
    if (metric == LIMN_METRIC_MANHATTAN) return scan_all(out, x, NULL, x->n, k, threads, progress, ctx);
    if (metric == LIMN_METRIC_EUCLIDEAN) return embed_knn_near(out, x, k, recall, threads, progress, ctx);
    return by_angle(out, x, k, metric == LIMN_METRIC_CORRELATION, recall, threads, progress, ctx);
}

/* ---- given ------------------------------------------------------------------------------------------------------- */

limn_status embed_knn_matrix(embed_knn *out, const float *distance, size_t n, size_t k, int threads,
                             limn_progress_fn progress, void *ctx) {
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (i != j && !(distance[i * n + j] >= 0 && distance[i * n + j] < INFINITY))
                return limn_fail(LIMN_EINPUT,
                                 "the distance of points %zu and %zu is %g: it must be finite and not negative", i, j,
                                 (double)distance[i * n + j]);
    return scan_all(out, NULL, distance, n, k, threads, progress, ctx);
}

typedef struct {
    float distance;
    uint32_t index;
} edge;

static int shorter(const void *a, const void *b) {
    const edge *x = a, *y = b;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static int lower(const void *a, const void *b) {
    const edge *x = a, *y = b;
    return x->index < y->index ? -1 : x->index > y->index;
}

static limn_status check_row(edge *row, size_t i, size_t n, size_t k) {
    qsort(row, k, sizeof *row, lower);
    for (size_t j = 0; j < k; j++) {
        if (row[j].index >= n)
            return limn_fail(LIMN_EINPUT, "point %zu has neighbour %u, but there are %zu points", i, row[j].index, n);
        if (row[j].index == i) return limn_fail(LIMN_EINPUT, "point %zu is among its own neighbours", i);
        if (j > 0 && row[j].index == row[j - 1].index)
            return limn_fail(LIMN_EINPUT, "point %zu has neighbour %u twice", i, row[j].index);
        if (!(row[j].distance >= 0 && row[j].distance < INFINITY))
            return limn_fail(LIMN_EINPUT, "the distance of points %zu and %u is %g: it must be finite and not negative",
                             i, row[j].index, (double)row[j].distance);
    }
    return LIMN_OK;
}

limn_status embed_knn_given(embed_knn *out, const uint32_t *index, const float *distance, size_t n, size_t k) {
    limn_status status = LIMN_OK;
    edge *row = NULL;
    TRY(embed_knn_new(out, n, k));
    TRY(limn_new(&row, k, sizeof *row));
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < k; j++) row[j] = (edge){distance[i * k + j], index[i * k + j]};
        TRY(check_row(row, i, n, k));
        qsort(row, k, sizeof *row, shorter);
        for (size_t j = 0; j < k; j++) {
            out->index[i * k + j] = row[j].index;
            out->sqdist[i * k + j] = (double)row[j].distance * (double)row[j].distance;
        }
    }
done:
    free(row);
    if (status != LIMN_OK) embed_knn_clear(out);
    return status;
}
