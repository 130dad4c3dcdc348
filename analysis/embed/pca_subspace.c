/* The first principal axes of large data by subspace iteration (Halko, Martinsson & Tropp, SIAM Review 53, 2011).
 *
 * 1. V (D, l): l = count + 16 seeded normal columns, orthonormalised (Gram-Schmidt, twice, float64).
 * 2. S = Xc V, then V = orthonormal(Xc'S), until the variance |S|^2 that V holds grows by less than 1e-6 of itself (at
 *    most 30 rounds).
 * 3. Rayleigh-Ritz: eigenvectors of S'S (l, l); axes are V times them, variances the eigenvalues over n - 1.
 * Products are float32 by dnnl_sgemm over tiles of Xc that are packed centred and scaled to 1: one thread on fixed
 * tiles, sums over tiles in order, so threads change no bit. Variances are right to about 1e-4 where the spectrum is
 * flat, and far better where it falls.
 *
 * A worker owns one tile. */
#include <math.h>
#include <string.h>

#include <oneapi/dnnl/dnnl.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/try.h"
#include "embed/eigen.h"
#include "embed/pca.h"

enum { EXTRA = 16, ROUNDS = 30, TILE = 256 };

static const double SETTLED = 1e-6;

typedef struct {
    const embed_rows *x;
    const double *mean;
    size_t l;
    double scale;
    float *V, *S;   /* (D, l), (n, l) */
    float *tile;    /* (workers, TILE, TILE) */
    double *column; /* (l, D): V's columns in float64 */
    int failed;     /* a product failed; set with an atomic store */
} subspace;

/* tile (rows, cols) = (X - mean) scale at (r0, c0). */
static void pack(const subspace *s, float *tile, size_t r0, size_t rows, size_t c0, size_t cols) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            tile[r * cols + c] = (float)((embed_get(s->x, r0 + r, c0 + c) - s->mean[c0 + c]) * s->scale);
}

static size_t clip(size_t first, size_t n) {
    return n - first < TILE ? n - first : TILE;
}

/* C (m, l) += op(A) B, A a packed tile. */
static void multiply(subspace *s, char op, size_t m, size_t inner, const float *A, size_t lda, const float *B,
                     float *C) {
    dnnl_dim_t l = (dnnl_dim_t)s->l;
    if (dnnl_sgemm(op, 'N', (dnnl_dim_t)m, l, (dnnl_dim_t)inner, 1, A, (dnnl_dim_t)lda, B, l, 1, C, l) != dnnl_success)
        __atomic_store_n(&s->failed, 1, __ATOMIC_RELAXED);
}

/* Rows of S = Xc V. */
static void forward(void *ctx, size_t task, int worker) {
    subspace *s = ctx;
    size_t r0 = task * TILE, rows = clip(r0, s->x->n);
    float *tile = s->tile + (size_t)worker * TILE * TILE;
    memset(s->S + r0 * s->l, 0, rows * s->l * sizeof *s->S);
    for (size_t c0 = 0; c0 < s->x->D; c0 += TILE) {
        size_t cols = clip(c0, s->x->D);
        pack(s, tile, r0, rows, c0, cols);
        multiply(s, 'N', rows, cols, tile, cols, s->V + c0 * s->l, s->S + r0 * s->l);
    }
}

/* Rows of V = Xc'S. */
static void backward(void *ctx, size_t task, int worker) {
    subspace *s = ctx;
    size_t c0 = task * TILE, cols = clip(c0, s->x->D);
    float *tile = s->tile + (size_t)worker * TILE * TILE;
    memset(s->V + c0 * s->l, 0, cols * s->l * sizeof *s->V);
    for (size_t r0 = 0; r0 < s->x->n; r0 += TILE) {
        size_t rows = clip(r0, s->x->n);
        pack(s, tile, r0, rows, c0, cols);
        multiply(s, 'T', cols, rows, tile, cols, s->S + r0 * s->l, s->V + c0 * s->l);
    }
}

static double dot(const double *a, const double *b, size_t n) {
    double s[4] = {0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (size_t k = 0; k < 4; k++) s[k] += a[i + k] * b[i + k];
    for (; i < n; i++) s[0] += a[i] * b[i];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

/* V's columns made orthonormal; one that depends on those before it becomes 0. */
static void orthonormalise(subspace *s) {
    size_t D = s->x->D, l = s->l;
    for (size_t j = 0; j < l; j++) {
        double *v = s->column + j * D;
        for (size_t c = 0; c < D; c++) v[c] = (double)s->V[c * l + j];
        double before = sqrt(dot(v, v, D));
        for (int pass = 0; pass < 2; pass++)
            for (size_t i = 0; i < j; i++) {
                const double *u = s->column + i * D;
                double along = dot(u, v, D);
                for (size_t c = 0; c < D; c++) v[c] -= along * u[c];
            }
        double norm = sqrt(dot(v, v, D));
        for (size_t c = 0; c < D; c++) v[c] = norm > 1e-6 * before ? v[c] / norm : 0;
        for (size_t c = 0; c < D; c++) s->V[c * l + j] = (float)v[c];
    }
}

static limn_status iterate(subspace *s, int threads) {
    size_t row_tiles = (s->x->n + TILE - 1) / TILE, col_tiles = (s->x->D + TILE - 1) / TILE;
    double held = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double sum = 0;
        orthonormalise(s);
        limn_parallel(threads, row_tiles, forward, s);
        for (size_t i = 0; i < s->x->n * s->l; i++) sum += (double)s->S[i] * (double)s->S[i];
        if (s->failed) return limn_fail(LIMN_EFAIL, "a matrix product of the principal components failed");
        if (round > 1 && sum - held <= SETTLED * sum) break;
        held = sum;
        if (round + 1 < ROUNDS) limn_parallel(threads, col_tiles, backward, s);
    }
    return LIMN_OK;
}

/* Axes and variances from V and S = Xc V. */
static limn_status ritz(subspace *s, embed_pca *p) {
    limn_status status = LIMN_OK;
    size_t l = s->l, D = p->D;
    double *B = NULL, *values = NULL, *vectors = NULL, freedom = (double)(s->x->n - 1);
    TRY(limn_new(&B, l * l, sizeof *B));
    TRY(limn_new(&values, l, sizeof *values));
    TRY(limn_new(&vectors, l * l, sizeof *vectors));
    for (size_t r = 0; r < s->x->n; r++)
        for (size_t i = 0; i < l; i++)
            for (size_t j = i; j < l; j++) B[i * l + j] += (double)s->S[r * l + i] * (double)s->S[r * l + j];
    TRY(embed_eigen(B, l, l, 1, values, vectors));
    for (size_t a = 0; a < p->count; a++) {
        double *axis = p->axis + a * D;
        p->variance[a] = values[a] > 0 ? values[a] / freedom / (s->scale * s->scale) : 0;
        for (size_t j = 0; j < l; j++)
            for (size_t c = 0; c < D; c++) axis[c] += vectors[j * l + a] * s->column[j * D + c];
    }
done:
    free(B);
    free(values);
    free(vectors);
    return status;
}

limn_status embed_pca_subspace(embed_pca *p, const embed_rows *x, int threads) {
    limn_status status = LIMN_OK;
    subspace s = {.x = x, .mean = p->mean, .l = p->count + EXTRA < p->D ? p->count + EXTRA : p->D};
    size_t elements = 0;
    s.scale = 1 / sqrt(p->total);
    TRY(limn_mul(&elements, p->D, s.l));
    TRY(limn_new(&s.V, elements, sizeof *s.V));
    TRY(limn_new(&s.column, elements, sizeof *s.column));
    TRY(limn_mul(&elements, x->n, s.l));
    TRY(limn_new(&s.S, elements, sizeof *s.S));
    TRY(limn_new(&s.tile, (size_t)limn_threads(threads) * TILE * TILE, sizeof *s.tile));
    for (size_t c = 0; c < p->D; c++) {
        limn_rng r = limn_rng_stream(0, LIMN_RNG_EMBED_INIT, c);
        for (size_t j = 0; j < s.l; j++) s.V[c * s.l + j] = (float)limn_rng_normal(&r);
    }
    TRY(iterate(&s, threads));
    TRY(ritz(&s, p));
done:
    free(s.V);
    free(s.S);
    free(s.column);
    free(s.tile);
    return status;
}
