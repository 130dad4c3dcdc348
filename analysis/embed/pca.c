/* Principal components, exact.
 *
 * 1. Mean and total variance, float64.
 * 2. Where D <= n: the second moments C = Xc'Xc (D, D); else the Gram matrix G = XcXc' (n, n). The sum runs over blocks
 *    of 256 terms that are packed centred into float64, in tiles of 4 x 16 entries (kernels.h); each entry adds its
 * terms in order, so neither tiles nor threads change a bit.
 * 3. Eigenvalues l and vectors v by GSL (Householder and QR). Axes are v, or Xc'v/sqrt(l) from the Gram matrix;
 *    variances l/(n - 1). The sign: the largest entry by magnitude is positive.
 * Scores: the same tiles, over a block of 64 points beside the axes.
 * Above EMBED_PCA_EXACT on both sides: pca_subspace.c. */
#include "embed/pca.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "embed/eigen.h"

enum { TERMS = 256, POINTS = 64 };

void embed_pca_clear(embed_pca *p) {
    free(p->mean);
    free(p->axis);
    free(p->variance);
    *p = (embed_pca){0};
}

static size_t round_up(size_t n, size_t to) {
    return (n + to - 1) / to * to;
}

static void mean_and_total(embed_pca *p, const embed_rows *x) {
    for (size_t i = 0; i < x->n; i++)
        for (size_t c = 0; c < x->D; c++) p->mean[c] += embed_get(x, i, c);
    for (size_t c = 0; c < x->D; c++) p->mean[c] /= (double)x->n;
    for (size_t i = 0; i < x->n; i++)
        for (size_t c = 0; c < x->D; c++) {
            double v = embed_get(x, i, c) - p->mean[c];
            p->total += v * v;
        }
    if (x->n > 1) p->total /= (double)(x->n - 1);
}

/* ---- second moments or Gram matrix ------------------------------------------------------------------------------- */

typedef struct {
    const embed_kernels *kernels;
    const embed_rows *x;
    const double *mean;
    int gram;            /* entries are points and terms components, not the other way round */
    size_t size, stride; /* of the matrix; stride a multiple of 16 */
    size_t first, terms; /* of the block at hand */
    double *block, *C;   /* (TERMS, stride), (stride, stride): tiles at and right of the diagonal */
} product;

static void pack_term(void *ctx, size_t term, int worker) {
    product *m = ctx;
    double *to = m->block + term * m->stride;
    size_t t = m->first + term;
    (void)worker;
    if (m->gram)
        for (size_t i = 0; i < m->size; i++) to[i] = embed_get(m->x, i, t) - m->mean[t];
    else
        for (size_t c = 0; c < m->size; c++) to[c] = embed_get(m->x, t, c) - m->mean[c];
}

static void add_strip(void *ctx, size_t strip, int worker) {
    product *m = ctx;
    size_t i0 = strip * COV_ROWS;
    (void)worker;
    for (size_t j0 = i0 / COV_COLS * COV_COLS; j0 < m->stride; j0 += COV_COLS)
        m->kernels->covariance(m->block, m->terms, m->stride, i0, j0, m->C);
}

static void add_all(product *m, int threads) {
    size_t total = m->gram ? m->x->D : m->x->n;
    for (m->first = 0; m->first < total; m->first += TERMS) {
        m->terms = total - m->first < TERMS ? total - m->first : TERMS;
        limn_parallel(threads, m->terms, pack_term, m);
        limn_parallel(threads, m->stride / COV_ROWS, add_strip, m);
    }
}

/* ---- axes -------------------------------------------------------------------------------------------------------- */

static void largest_entry_positive(double *axis, size_t D) {
    size_t most = 0;
    for (size_t c = 1; c < D; c++)
        if (fabs(axis[c]) > fabs(axis[most])) most = c;
    if (axis[most] < 0)
        for (size_t c = 0; c < D; c++) axis[c] = -axis[c];
}

/* Axis a from eigenvector a of the Gram matrix: Xc'v, normalised; 0 where there is nothing along it. */
static void axis_from_points(embed_pca *p, const embed_rows *x, const double *v, size_t a) {
    double *axis = p->axis + a * p->D, sum = 0;
    for (size_t i = 0; i < x->n; i++)
        for (size_t c = 0; c < p->D; c++) axis[c] += v[i * x->n + a] * (embed_get(x, i, c) - p->mean[c]);
    for (size_t c = 0; c < p->D; c++) sum += axis[c] * axis[c];
    for (size_t c = 0; c < p->D; c++) axis[c] = sum > 0 ? axis[c] / sqrt(sum) : 0;
}

static limn_status exact(embed_pca *p, const embed_rows *x, int threads) {
    limn_status status = LIMN_OK;
    product m = {.kernels = embed_kernels_best(), .x = x, .mean = p->mean, .gram = x->D > x->n};
    double *values = NULL, *vectors = NULL;
    m.size = m.gram ? x->n : x->D;
    m.stride = round_up(m.size, COV_COLS);
    TRY(limn_new(&m.block, TERMS * m.stride, sizeof *m.block));
    TRY(limn_new(&m.C, m.stride * m.stride, sizeof *m.C));
    TRY(limn_new(&values, m.size, sizeof *values));
    TRY(limn_new(&vectors, m.size * m.size, sizeof *vectors));
    add_all(&m, threads);
    TRY(embed_eigen(m.C, m.size, m.stride, p->total * (double)(x->n - 1), values, vectors));
    for (size_t a = 0; a < p->count && a < m.size; a++) {
        p->variance[a] = values[a] > 0 ? values[a] * p->total : 0;
        if (m.gram) {
            /* the last eigenvalue of a centred Gram matrix is 0, up to rounding */
            if (values[a] > 1e-13) axis_from_points(p, x, vectors, a);
        } else
            for (size_t c = 0; c < p->D; c++) p->axis[a * p->D + c] = vectors[c * p->D + a];
    }
done:
    free(values);
    free(vectors);
    free(m.block);
    free(m.C);
    return status;
}

limn_status embed_pca_make(embed_pca *out, const embed_rows *x, size_t count, int threads) {
    limn_status status = LIMN_OK;
    *out = (embed_pca){.D = x->D, .count = count};
    TRY(limn_new(&out->mean, x->D, sizeof *out->mean));
    TRY(limn_new(&out->axis, count * x->D, sizeof *out->axis));
    TRY(limn_new(&out->variance, count, sizeof *out->variance));
    mean_and_total(out, x);
    if (!(out->total > 0)) goto done; /* all points equal: no axis */
    if (x->n > EMBED_PCA_EXACT && x->D > EMBED_PCA_EXACT)
        TRY(embed_pca_subspace(out, x, threads));
    else
        TRY(exact(out, x, threads));
    for (size_t a = 0; a < count; a++) largest_entry_positive(out->axis + a * x->D, x->D);
done:
    if (status != LIMN_OK) embed_pca_clear(out);
    return status;
}

/* ---- scores ------------------------------------------------------------------------------------------------------ */

typedef struct {
    const embed_kernels *kernels;
    const embed_pca *p;
    const embed_rows *x;
    double *scores;
    size_t stride, room; /* POINTS + axes rounded up; doubles of a worker's buffer */
    double *buffer;      /* (workers, room): a packed block (D, stride), then the products (POINTS, stride) */
} projection;

static void score_block(void *ctx, size_t task, int worker) {
    projection *s = ctx;
    double *block = s->buffer + (size_t)worker * s->room, *C = block + s->p->D * s->stride;
    size_t first = task * POINTS, D = s->p->D, count = s->p->count;
    size_t points = s->x->n - first < POINTS ? s->x->n - first : POINTS;
    memset(block, 0, s->room * sizeof *block);
    for (size_t i = 0; i < points; i++)
        for (size_t c = 0; c < D; c++) block[c * s->stride + i] = embed_get(s->x, first + i, c) - s->p->mean[c];
    for (size_t a = 0; a < count; a++)
        for (size_t c = 0; c < D; c++) block[c * s->stride + POINTS + a] = s->p->axis[a * D + c];
    for (size_t i0 = 0; i0 < points; i0 += COV_ROWS)
        for (size_t j0 = POINTS; j0 < s->stride; j0 += COV_COLS) s->kernels->covariance(block, D, s->stride, i0, j0, C);
    for (size_t i = 0; i < points; i++)
        for (size_t a = 0; a < count; a++) s->scores[(first + i) * count + a] = C[i * s->stride + POINTS + a];
}

limn_status embed_pca_scores(const embed_pca *p, const embed_rows *x, double *scores, int threads) {
    limn_status status = LIMN_OK;
    projection s = {.kernels = embed_kernels_best(), .p = p, .x = x, .scores = scores};
    s.stride = POINTS + round_up(p->count, COV_COLS);
    TRY(limn_mul(&s.room, p->D + POINTS, s.stride));
    TRY(limn_new(&s.buffer, (size_t)limn_threads(threads) * s.room, sizeof *s.buffer));
    limn_parallel(threads, (x->n + POINTS - 1) / POINTS, score_block, &s);
done:
    free(s.buffer);
    return status;
}
