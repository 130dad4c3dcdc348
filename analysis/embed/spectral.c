/* Laplacian eigenmaps (Belkin & Niyogi 2003) of the affinities, as a start of t-SNE (Kobak & Linderman 2021).
 *
 * With degrees D_i = sum of p_ij, S = (I + D^-1/2 P D^-1/2)/2 has eigenvalues in [0, 1], the largest with the known
 * vector D^1/2. Subspace iteration on dims + 2 vectors, kept orthogonal to it and to one another (Gram-Schmidt, twice);
 * the map is D^-1/2 v, in the order of their Rayleigh quotients. It is a start and not a result: STEPS products find
 * the broad shape. Each vector's largest entry by magnitude is made positive.
 *
 * Rows are independent tasks; dot products run in one thread, in order. */
#include "embed/spectral.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/try.h"

enum { BLOCK = 256, STEPS = 200, EXTRA = 2 };

typedef struct {
    const embed_affinities *P;
    size_t n, count; /* vectors iterated */
    double *root;    /* (n) sqrt(D_i) */
    double *v, *w;   /* (count, n) */
} spectral;

static void multiply_rows(void *ctx, size_t task, int worker) {
    spectral *s = ctx;
    size_t end = (task + 1) * BLOCK < s->n ? (task + 1) * BLOCK : s->n;
    (void)worker;
    for (size_t i = task * BLOCK; i < end; i++)
        for (size_t c = 0; c < s->count; c++) {
            const double *v = s->v + c * s->n;
            double sum = 0;
            for (size_t e = s->P->start[i]; e < s->P->start[i + 1]; e++)
                sum += s->P->p[e] * v[s->P->col[e]] / s->root[s->P->col[e]];
            s->w[c * s->n + i] = (v[i] + (s->root[i] > 0 ? sum / s->root[i] : 0)) / 2;
        }
}

static double dot(const double *a, const double *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* Takes `along` (of length 1) out of v. */
static void take_out(double *v, const double *along, size_t n) {
    double d = dot(v, along, n);
    for (size_t i = 0; i < n; i++) v[i] -= d * along[i];
}

static void orthonormal(spectral *s) {
    for (size_t c = 0; c < s->count; c++) {
        double *v = s->v + c * s->n;
        for (int twice = 0; twice < 2; twice++) {
            take_out(v, s->root, s->n);
            for (size_t b = 0; b < c; b++) take_out(v, s->v + b * s->n, s->n);
        }
        double length = sqrt(dot(v, v, s->n));
        for (size_t i = 0; length > 0 && i < s->n; i++) v[i] /= length;
    }
}

static void write_out(double *out, const spectral *s, size_t dims, const size_t *order) {
    for (size_t d = 0; d < dims; d++) {
        const double *v = s->v + order[d] * s->n;
        double most = 0;
        for (size_t i = 0; i < s->n; i++)
            if (fabs(v[i]) > fabs(most)) most = v[i];
        for (size_t i = 0; i < s->n; i++)
            out[i * dims + d] = s->root[i] > 0 ? (most < 0 ? -v[i] : v[i]) / s->root[i] : 0;
    }
}

limn_status embed_spectral(double *out, const embed_affinities *P, size_t dims, uint64_t seed, int threads) {
    limn_status status = LIMN_OK;
    spectral s = {.P = P, .n = P->n, .count = dims + EXTRA};
    size_t order[8] = {0};
    double quotient[8] = {0};
    if (s.count > s.n - 1) s.count = s.n - 1;
    TRY(limn_new(&s.root, s.n, sizeof *s.root));
    TRY(limn_new(&s.v, s.count, s.n * sizeof *s.v));
    TRY(limn_new(&s.w, s.count, s.n * sizeof *s.w));
    for (size_t i = 0; i < s.n; i++) {
        double degree = 0;
        for (size_t e = P->start[i]; e < P->start[i + 1]; e++) degree += P->p[e];
        s.root[i] = sqrt(degree); /* P sums to 1: root has length 1 */
        limn_rng r = limn_rng_stream(seed, LIMN_RNG_EMBED_INIT, i);
        for (size_t c = 0; c < s.count; c++) s.v[c * s.n + i] = limn_rng_normal(&r);
    }
    orthonormal(&s);
    for (int step = 0; step < STEPS; step++) {
        limn_parallel(threads, (s.n + BLOCK - 1) / BLOCK, multiply_rows, &s);
        for (size_t c = 0; c < s.count; c++) quotient[c] = dot(s.v + c * s.n, s.w + c * s.n, s.n);
        memcpy(s.v, s.w, s.count * s.n * sizeof *s.v);
        orthonormal(&s);
    }
    for (size_t c = 0; c < s.count; c++) { /* insertion by quotient */
        size_t at = c;
        for (; at > 0 && quotient[order[at - 1]] < quotient[c]; at--) order[at] = order[at - 1];
        order[at] = c;
    }
    write_out(out, &s, dims < s.count ? dims : s.count, order);
done:
    free(s.root);
    free(s.v);
    free(s.w);
    return status;
}
