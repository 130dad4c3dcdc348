/* A neighbour graph and its leading eigenvectors: see graph.h.
 *
 * Subspace iteration on m + EXTRA vectors, filtered by Chebyshev polynomials (Zhou, Saad, Tiago & Chelikowsky 2006):
 *   1. Rayleigh-Ritz in the subspace; done when the residuals of the first m are small
 *   2. T_DEGREE of the matrix, scaled so that [-1, the least Ritz value] falls on [-1, 1], where it stays small, while it
 *      grows fast above; then orthonormal again (Gram-Schmidt, twice).
 * Several equal eigenvalues (a graph in pieces) are all found, since there are as many vectors. Rows are independent tasks;
 * products of vectors run in one thread, in order. */
#include "cluster/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/try.h"
#include "embed/eigen.h"

enum { BLOCK = 256, EXTRA = 6, DEGREE = 16, ROUNDS = 100 };
static const double SMALL = 1e-6;

/* ---- the graph --------------------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Rows of all that are neighbours in one direction or both, each column twice where in both. */
static limn_status lay_rows(cluster_graph *g, const uint32_t *near, size_t n, size_t k) {
    limn_status status = LIMN_OK;
    size_t *next = NULL;
    TRY(limn_new(&g->start, n + 1, sizeof *g->start));
    TRY(limn_new(&g->col, 2 * n * k, sizeof *g->col));
    TRY(limn_new(&g->value, 2 * n * k, sizeof *g->value));
    TRY(limn_new(&next, n, sizeof *next));
    for (size_t i = 0; i < n; i++) g->start[i + 1] += k;
    for (size_t e = 0; e < n * k; e++) g->start[near[e] + 1]++;
    for (size_t i = 0; i < n; i++) g->start[i + 1] += g->start[i];
    for (size_t i = 0; i < n; i++) next[i] = g->start[i];
    for (size_t e = 0; e < n * k; e++) {
        g->col[next[e / k]++] = near[e];
        g->col[next[near[e]]++] = (uint32_t)(e / k);
    }
done:
    free(next);
    return status;
}

limn_status cluster_graph_new(cluster_graph *g, const uint32_t *near, size_t n, size_t k) {
    limn_status status = LIMN_OK;
    double *degree = NULL;
    size_t used = 0;
    *g = (cluster_graph){.n = n};
    TRY(lay_rows(g, near, n, k));
    TRY(limn_new(&degree, n, sizeof *degree));
    for (size_t i = 0; i < n; i++) { /* columns that stand twice become one of weight 1 */
        size_t begin = g->start[i], end = g->start[i + 1];
        qsort(g->col + begin, end - begin, sizeof *g->col, ascending);
        g->start[i] = used;
        for (size_t e = begin; e < end; e++) {
            int again = used > g->start[i] && g->col[used - 1] == g->col[e];
            if (!again) {
                g->col[used] = g->col[e];
                g->value[used++] = 0;
            }
            g->value[used - 1] += .5;
            degree[i] += .5;
        }
    }
    g->start[n] = used;
    for (size_t i = 0; i < n; i++)
        for (size_t e = g->start[i]; e < g->start[i + 1]; e++) g->value[e] /= sqrt(degree[i] * degree[g->col[e]]);
done:
    free(degree);
    return status;
}

void cluster_graph_clear(cluster_graph *g) {
    free(g->start);
    free(g->col);
    free(g->value);
    *g = (cluster_graph){0};
}

/* ---- eigenvectors ------------------------------------------------------------------------------------------------ */

typedef struct {
    const cluster_graph *g;
    size_t n, count; /* vectors */
    int threads;
    double *v, *w, *u; /* (count, n); w = the matrix times v */
    /* out = factor (matrix - shift) in - minus before */
    const double *in, *before;
    double *out;
    double factor, shift, minus;
} subspace;

static void multiply_rows(void *ctx, size_t task, int worker) {
    const subspace *s = ctx;
    size_t end = (task + 1) * BLOCK < s->n ? (task + 1) * BLOCK : s->n;
    (void)worker;
    for (size_t i = task * BLOCK; i < end; i++)
        for (size_t c = 0; c < s->count; c++) {
            const double *in = s->in + c * s->n;
            double sum = -s->shift * in[i];
            for (size_t e = s->g->start[i]; e < s->g->start[i + 1]; e++) sum += s->g->value[e] * in[s->g->col[e]];
            s->out[c * s->n + i] = s->factor * sum - (s->before ? s->minus * s->before[c * s->n + i] : 0);
        }
}

static void multiply(subspace *s, double *out, const double *in, double factor, double shift, double minus,
                     const double *before) {
    s->in = in;
    s->before = before;
    s->out = out;
    s->factor = factor;
    s->shift = shift;
    s->minus = minus;
    limn_parallel(s->threads, (s->n + BLOCK - 1) / BLOCK, multiply_rows, s);
}

static double dot(const double *a, const double *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static void orthonormal(subspace *s) {
    for (size_t c = 0; c < s->count; c++) {
        double *v = s->v + c * s->n;
        for (int twice = 0; twice < 2; twice++)
            for (size_t b = 0; b < c; b++) {
                double along = dot(v, s->v + b * s->n, s->n);
                for (size_t i = 0; i < s->n; i++) v[i] -= along * s->v[b * s->n + i];
            }
        double length = sqrt(dot(v, v, s->n));
        for (size_t i = 0; length > 0 && i < s->n; i++) v[i] /= length;
    }
}

/* v and w turned to the Ritz vectors, ritz (count) descending. */
static limn_status rayleigh_ritz(subspace *s, double *ritz) {
    limn_status status = LIMN_OK;
    const size_t c = s->count;
    double *H = NULL, *Q = NULL;
    TRY(limn_new(&H, c, c * sizeof *H));
    TRY(limn_new(&Q, c, c * sizeof *Q));
    multiply(s, s->w, s->v, 1, 0, 0, NULL);
    for (size_t a = 0; a < c; a++)
        for (size_t b = a; b < c; b++) H[a * c + b] = dot(s->v + a * s->n, s->w + b * s->n, s->n);
    TRY(embed_eigen(H, c, c, 1, ritz, Q));
    for (double **of = (double *[]){s->v, s->w, NULL}; *of; of++) {
        for (size_t a = 0; a < c; a++)
            for (size_t i = 0; i < s->n; i++) {
                double sum = 0;
                for (size_t b = 0; b < c; b++) sum += (*of)[b * s->n + i] * Q[b * c + a];
                s->u[a * s->n + i] = sum;
            }
        memcpy(*of, s->u, c * s->n * sizeof *s->u);
    }
done:
    free(H);
    free(Q);
    return status;
}

static double worst_residual(const subspace *s, const double *ritz, size_t m) {
    double worst = 0;
    for (size_t a = 0; a < m; a++) {
        double sum = 0;
        for (size_t i = 0; i < s->n; i++) {
            double r = s->w[a * s->n + i] - ritz[a] * s->v[a * s->n + i];
            sum += r * r;
        }
        worst = fmax(worst, sqrt(sum));
    }
    return worst;
}

/* v = T_DEGREE((matrix - middle)/half) v */
static void filter(subspace *s, double least) {
    double middle = (least - 1) / 2, half = fmax((least + 1) / 2, 1e-3);
    double *before = s->v, *now = s->w, *next = s->u;
    multiply(s, now, before, 1 / half, middle, 0, NULL);
    for (int k = 2; k <= DEGREE; k++) {
        multiply(s, next, now, 2 / half, middle, 1, before);
        double *free_one = before;
        before = now;
        now = next;
        next = free_one;
    }
    s->v = now;
    s->w = before;
    s->u = next;
}

limn_status cluster_eigen(double *value, double *vector, int *converged, const cluster_graph *g, size_t m,
                          uint64_t seed, int threads) {
    limn_status status = LIMN_OK;
    subspace s = {.g = g, .n = g->n, .count = m + EXTRA < g->n ? m + EXTRA : g->n, .threads = threads};
    double *ritz = NULL;
    limn_rng r = limn_rng_stream(seed, LIMN_RNG_CLUSTER, UINT32_MAX);
    *converged = 0;
    TRY(limn_new(&s.v, s.count, s.n * sizeof *s.v));
    TRY(limn_new(&s.w, s.count, s.n * sizeof *s.w));
    TRY(limn_new(&s.u, s.count, s.n * sizeof *s.u));
    TRY(limn_new(&ritz, s.count, sizeof *ritz));
    for (size_t i = 0; i < s.count * s.n; i++) s.v[i] = limn_rng_normal(&r);
    for (int round = 0; round < ROUNDS && !*converged; round++) {
        if (round > 0) filter(&s, ritz[s.count - 1]);
        orthonormal(&s);
        TRY(rayleigh_ritz(&s, ritz));
        *converged = worst_residual(&s, ritz, m) < SMALL;
    }
    memcpy(value, ritz, m * sizeof *value);
    memcpy(vector, s.v, m * s.n * sizeof *vector);
done:
    free(s.v);
    free(s.w);
    free(s.u);
    free(ritz);
    return status;
}
