/* New points into a finished map (openTSNE's transform, Policar, Strazar & Zupan 2019).
 *
 * 1. Both sets go through the reference's own PCA, where the map was made after one.
 * 2. New point i: its k = floor(3 perplexity) nearest reference points by (distance, index), conditional weights p_j|i.
 * 3. It starts at the median of their places, coordinate by coordinate.
 * 4. Descent with g_i = rho sum_j p_j|i w_ij (z_i - y_j) - sum_j w_ij^2 (z_i - y_j)/sum_j w_ij over the reference points
 *    alone, shortened to 0.25; gains and momentum as in tsne.c; no recentring. (w to the powers of engine.h for alpha.)
 *
 * The map stands still, so the sums over all its points are a field: where there are many pairs, one convolution
 * (fft_grid.h) makes it once for all iterations, and a point reads it at its place; a point that leaves the grid, and
 * every point where there are few pairs or three dimensions, sums over all. New points are independent tasks. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "embed/affinities.h"
#include "embed/embed.h"
#include "embed/fft_grid.h"
#include "embed/options.h"
#include "embed/pca.h"
#include "embed/transform.h"

enum { ROWS = 16, REPORT_EVERY = 10, MOST_DIMS = 3 };

static const double GAIN_UP = 0.2, GAIN_DOWN = 0.8, LEAST_GAIN = 0.01, SHORTEN = 1e-6;
static const double FEW_PAIRS = 4e6, H0 = 0.1; /* force error 1e-4 of a map that is spread out */

typedef struct {
    const embed_kernels *kernels;
    const embed_rows *x, *z;
    const limn_transform_options *o;
    const double *Y; /* (n, dims) */
    size_t k, dims;
    uint32_t *index; /* (m, k) */
    double *p;       /* (m, k rounded up to 8) */
    size_t room;
    double *row;                /* (workers, 2 room) */
    double *at, *update, *gain; /* (m, dims) */
    fft_grid *grid;             /* or NULL */
    fft_plan plan;
} transform;

/* ---- neighbours and weights ---------------------------------------------------------------------------------------- */

static void nearest(const transform *t, size_t i, double *d2, uint32_t *index) {
    size_t have = 0, D = t->x->D;
    for (size_t j = 0; j < t->x->n; j++) {
        double d = t->x->f ? t->kernels->sqdist_f(t->z->f + i * D, t->x->f + j * D, D)
                           : t->kernels->sqdist_d(t->z->d + i * D, t->x->d + j * D, D);
        if (have == t->k && !(d < d2[t->k - 1])) continue;
        size_t at = have < t->k ? have++ : t->k - 1;
        for (; at > 0 && d2[at - 1] > d; at--) {
            d2[at] = d2[at - 1];
            index[at] = index[at - 1];
        }
        d2[at] = d;
        index[at] = (uint32_t)j;
    }
}

static double median(double *v, size_t n) {
    for (size_t i = 1; i < n; i++) {
        double x = v[i];
        size_t j = i;
        for (; j > 0 && v[j - 1] > x; j--) v[j] = v[j - 1];
        v[j] = x;
    }
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void begin_rows(void *ctx, size_t task, int worker) {
    transform *t = ctx;
    double *d2 = t->row + (size_t)worker * 2 * t->room, *scratch = d2 + t->room, beta;
    for (size_t i = task * ROWS; i < t->z->n && i < (task + 1) * ROWS; i++) {
        uint32_t *index = t->index + i * t->k;
        nearest(t, i, d2, index);
        embed_row_weights(t->kernels, d2, t->k, t->o->perplexity, &beta, t->p + i * t->room, scratch);
        for (size_t d = 0; d < t->dims; d++) {
            for (size_t j = 0; j < t->k; j++) scratch[j] = t->Y[index[j] * t->dims + d];
            t->at[i * t->dims + d] = median(scratch, t->k);
            t->gain[i * t->dims + d] = 1;
        }
    }
}

/* ---- descent ------------------------------------------------------------------------------------------------------- */

/* repulsion/sum of w at `at`. */
static void repel(const transform *t, const double *at, double *out) {
    double sum = 0, f[MOST_DIMS] = {0}, alpha = t->o->alpha;
    if (!t->grid || !fft_grid_read(t->grid, &t->plan, at, f, &sum))
        for (size_t j = 0; j < t->x->n; j++) {
            double diff[MOST_DIMS], r = 0;
            for (size_t d = 0; d < t->dims; d++) {
                diff[d] = at[d] - t->Y[j * t->dims + d];
                r += diff[d] * diff[d];
            }
            double u = 1 / (1 + r / alpha), w = alpha == 1 ? u : pow(u, alpha);
            for (size_t d = 0; d < t->dims; d++) f[d] += w * u * diff[d];
            sum += w;
        }
    for (size_t d = 0; d < t->dims; d++) out[d] = f[d] / sum;
}

static void gradient(const transform *t, size_t i, double *g) {
    const double *at = t->at + i * t->dims, *p = t->p + i * t->room;
    double push[MOST_DIMS], length = 0;
    repel(t, at, push);
    for (size_t d = 0; d < t->dims; d++) g[d] = 0;
    for (size_t j = 0; j < t->k; j++) {
        const double *y = t->Y + t->index[i * t->k + j] * t->dims;
        double r = 0;
        for (size_t d = 0; d < t->dims; d++) r += (at[d] - y[d]) * (at[d] - y[d]);
        for (size_t d = 0; d < t->dims; d++) g[d] += p[j] / (1 + r / t->o->alpha) * (at[d] - y[d]);
    }
    for (size_t d = 0; d < t->dims; d++) {
        g[d] = t->o->exaggeration * g[d] - push[d];
        length += g[d] * g[d];
    }
    double keep = t->o->longest / (sqrt(length) + SHORTEN);
    for (size_t d = 0; keep < 1 && d < t->dims; d++) g[d] *= keep;
}

static int sign(double x) {
    return (x > 0) - (x < 0);
}

/* REPORT_EVERY iterations of some points: they do not feel one another. */
static void move_rows(void *ctx, size_t task, int worker) {
    transform *t = ctx;
    (void)worker;
    for (size_t i = task * ROWS; i < t->z->n && i < (task + 1) * ROWS; i++)
        for (int it = 0; it < REPORT_EVERY; it++) {
            double g[MOST_DIMS], *u = t->update + i * t->dims, *gain = t->gain + i * t->dims;
            gradient(t, i, g);
            for (size_t d = 0; d < t->dims; d++) {
                double down = gain[d] * GAIN_DOWN;
                gain[d] = sign(u[d]) != sign(g[d]) ? gain[d] + GAIN_UP : down > LEAST_GAIN ? down : LEAST_GAIN;
                u[d] = t->o->momentum * u[d] - t->o->rate * gain[d] * g[d];
                t->at[i * t->dims + d] += u[d];
            }
        }
}

static limn_status descend(transform *t, limn_progress_fn progress, void *ctx) {
    limn_status status = LIMN_OK;
    struct timespec began, now;
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (int it = 0; it < t->o->iterations; it += REPORT_EVERY) {
        limn_parallel(t->o->threads, (t->z->n + ROWS - 1) / ROWS, move_rows, t);
        clock_gettime(CLOCK_MONOTONIC, &now);
        limn_progress p = {"transform", (size_t)it + REPORT_EVERY, (size_t)t->o->iterations,
                           (double)(now.tv_sec - began.tv_sec) + 1e-9 * (double)(now.tv_nsec - began.tv_nsec), NAN};
        if (progress && progress(ctx, &p))
            FAIL(LIMN_EINTERRUPTED, "stopped at iteration %d of %d", it, t->o->iterations);
    }
done:
    return status;
}

/* ---- all of it ----------------------------------------------------------------------------------------------------- */

static limn_status make_field(transform *t) {
    limn_status status = LIMN_OK;
    double lo[2] = {INFINITY, INFINITY}, hi[2] = {-INFINITY, -INFINITY}, *unwanted = NULL, sum;
    if (t->dims > 2 || (double)t->x->n * (double)t->z->n < FEW_PAIRS) return LIMN_OK;
    for (size_t i = 0; i < t->x->n; i++)
        for (size_t d = 0; d < t->dims; d++) {
            lo[d] = fmin(lo[d], t->Y[i * t->dims + d]);
            hi[d] = fmax(hi[d], t->Y[i * t->dims + d]);
        }
    t->plan = fft_plan_for(lo, hi, (int)t->dims, H0);
    t->plan.minus_one = 0; /* a place that is read needs phi itself */
    if (t->plan.M == 0) return LIMN_OK;
    TRY(limn_new(&unwanted, t->x->n, t->dims * sizeof *unwanted));
    TRY(fft_grid_new(&t->grid, t->x->n, (int)t->dims, t->o->alpha, t->o->threads));
    TRY(fft_grid_field(t->grid, &t->plan, t->Y, unwanted, &sum, NULL));
done:
    free(unwanted);
    return status;
}

limn_status embed_transform(double *out, const embed_rows *z, const embed_rows *x, const double *Y, int dims,
                            const limn_transform_options *o, limn_progress_fn progress, void *ctx) {
    limn_status status = LIMN_OK;
    transform t = {.kernels = embed_kernels_best(), .x = x, .z = z, .o = o, .Y = Y, .dims = (size_t)dims, .at = out};
    size_t want = (size_t)(3 * o->perplexity);
    t.k = want < x->n ? want : x->n;
    t.room = (t.k + 7) / 8 * 8;
    TRY(limn_new(&t.index, z->n, t.k * sizeof *t.index));
    TRY(limn_new(&t.p, z->n, t.room * sizeof *t.p));
    TRY(limn_new(&t.row, (size_t)limn_threads(o->threads), 2 * t.room * sizeof *t.row));
    TRY(limn_new(&t.update, z->n, t.dims * sizeof *t.update));
    TRY(limn_new(&t.gain, z->n, t.dims * sizeof *t.gain));
    TRY(make_field(&t));
    limn_parallel(o->threads, (z->n + ROWS - 1) / ROWS, begin_rows, &t);
    TRY(descend(&t, progress, ctx));
done:
    fft_grid_free(t.grid);
    free(t.index);
    free(t.p);
    free(t.row);
    free(t.update);
    free(t.gain);
    return status;
}

/* scores of both sets on the reference's axes; float32, as limn_embed() takes them. */
static limn_status reduce(embed_rows *x, embed_rows *z, float **own, const limn_transform_options *o) {
    limn_status status = LIMN_OK;
    embed_pca p = {0};
    double *scores = NULL;
    size_t count = (size_t)o->pca, most = x->n - 1;
    if (count == 0 || count >= x->D) return LIMN_OK;
    if (count > most) count = most;
    TRY(embed_pca_make(&p, x, count, o->threads));
    TRY(limn_new(&scores, x->n > z->n ? x->n : z->n, count * sizeof *scores));
    TRY(limn_new(own, x->n + z->n, count * sizeof **own));
    TRY(embed_pca_scores(&p, x, scores, o->threads));
    for (size_t i = 0; i < x->n * count; i++) (*own)[i] = (float)scores[i];
    TRY(embed_pca_scores(&p, z, scores, o->threads));
    for (size_t i = 0; i < z->n * count; i++) (*own)[x->n * count + i] = (float)scores[i];
    *z = (embed_rows){.n = z->n, .D = count, .f = *own + x->n * count};
    *x = (embed_rows){.n = x->n, .D = count, .f = *own};
done:
    embed_pca_clear(&p);
    free(scores);
    return status;
}

limn_status limn_transform(float *out, const float *Z, size_t m, const float *X, size_t n, size_t D, const float *Y,
                           int dims, const limn_transform_options *o, limn_progress_fn progress, void *ctx) {
    limn_status status = LIMN_OK;
    embed_rows x = {.n = n, .D = D, .f = X}, z = {.n = m, .D = D, .f = Z};
    double *map = NULL, *at = NULL;
    float *own = NULL;
    size_t d = (size_t)dims;
    TRY(embed_check_transform(o, m, n, D, dims));
    TRY(embed_check_finite(X, n, D, "reference vector"));
    TRY(embed_check_finite(Z, m, D, "new vector"));
    TRY(embed_check_finite(Y, n, d, "point of the map"));
    TRY(reduce(&x, &z, &own, o));
    TRY(limn_new(&map, n, d * sizeof *map));
    TRY(limn_new(&at, m, d * sizeof *at));
    for (size_t i = 0; i < n * d; i++) map[i] = (double)Y[i];
    TRY(embed_transform(at, &z, &x, map, dims, o, progress, ctx));
    for (size_t i = 0; i < m * d; i++) out[i] = (float)at[i];
done:
    free(map);
    free(at);
    free(own);
    return status;
}
