/* LIME and KernelSHAP: a linear model of the score over the presence of M segments (Ribeiro, Singh & Guestrin 2016;
 * Lundberg & Lee 2017). z in {0, 1}^M says which segments are there; the network sees the sample with the others at the
 * baseline; y(z) is the score. A map gives each pixel its segment's coefficient.
 *
 * LIME: z of independent halves, weight pi(z) = exp(-D^2 / width^2), D = 1 - sqrt(|z| / M), the cosine distance to all
 * segments; ridge regression with penalty 1 and a free intercept.
 *
 * KernelSHAP: the coefficients phi that minimise E (y(z) - y(0) - z phi)^2 under sum phi = y(1) - y(0), z drawn with its
 * size s by the Shapley kernel, weight (M - 1) / (s (M - s)), and then any s segments; each with its complement. With
 * A = E z z', b = E z (y - y(0)):  phi = A^-1 (b - 1 (1'A^-1 b - sum) / (1'A^-1 1)). Where 2^M - 2 is not more than
 * `samples` all z are taken with their exact weights, and phi are the Shapley values.
 *
 * The z depend on the experiment's seed and their number alone: all samples and targets share them, and with them A, which
 * is factorised once (Cholesky, float64). Threading: no state. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/mem.h"
#include "base/try.h"
#include "perturb/perturb.h"

const surrogate_recipe surrogate_lime = {0}, surrogate_shap = {.shapley = 1};

enum { MOST_SEGMENTS = 1024 };
#define RIDGE 1.0

/* Scratch: changed inputs, scores (B, K), segments (B, H W) of int, and in float64: scores y and y(0) (n_seeds, B), the
 * right sides (n_seeds, B, M + 1), A (M, M), its sums of z (M + 1), a vector (M), the superpixels' work (7 M). */
typedef struct {
    size_t M, input, scores, segments, rows, right, A, vector, superpixels;
} pieces;

static pieces pieces_of(const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    const limn_shape in = limn_shape_picture(&d->input);
    const size_t cells = (size_t)o->number[PERTURB_CELLS], M = cells * cells;
    return (pieces){.M = M,
                    .input = limn_align_floats(d->B * limn_shape_size(&in)),
                    .scores = limn_align_floats(d->B * limn_shape_size(&d->layer[o->output.index].out)),
                    .segments = limn_align_floats(d->B * in.dim[1] * in.dim[2]),
                    .rows = 2 * limn_align_floats(n_seeds * d->B),
                    .right = 2 * limn_align_floats(n_seeds * d->B * (M + 1)),
                    .A = 2 * limn_align_floats(M * M),
                    .vector = 2 * limn_align_floats(M + 1),
                    .superpixels = 2 * limn_align_floats(7 * M)};
}

size_t surrogate_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    pieces p = pieces_of(d, o, n_seeds);
    (void)m;
    return p.input + p.scores + p.segments + 2 * p.rows + p.right + p.A + 2 * p.vector + p.superpixels;
}

/* ---- which segments are there ------------------------------------------------------------------------------------ */

/* Whether all coalitions are taken; then their number. */
static size_t all_of(size_t M, size_t samples) {
    return M < 31 && ((size_t)1 << M) - 2 <= samples ? ((size_t)1 << M) - 2 : 0;
}

/* Shapley's kernel of size s among M, without the binomial: of all subsets of that size together. */
static double kernel(size_t M, size_t s) {
    return (double)(M - 1) / ((double)s * (double)(M - s));
}

static double choose(size_t M, size_t s) {
    double c = 1;
    for (size_t i = 1; i <= s; i++) c = c * (double)(M - s + i) / (double)i;
    return c;
}

/* z (M) number k, and its weight. */
static double draw(int shapley, size_t M, size_t samples, const limn_attribute_options *o, uint64_t random, size_t k,
                   unsigned char *z) {
    size_t there = 0;
    if (shapley && all_of(M, samples)) {
        for (size_t i = 0; i < M; i++) there += z[i] = (k + 1) >> i & 1;
        return kernel(M, there) / choose(M, there);
    }
    limn_rng r = limn_rng_stream(random, LIMN_RNG_MASK, shapley ? k / 2 : k);
    if (!shapley) {
        for (size_t i = 0; i < M; i++) there += z[i] = limn_rng_u64(&r) >> 63;
        double D = 1 - sqrt((double)there / (double)M), width = o->number[PERTURB_WIDTH];
        return exp(-D * D / (width * width));
    }
    double total = 0, u;
    for (size_t s = 1; s < M; s++) total += kernel(M, s);
    u = limn_rng_uniform(&r) * total;
    size_t s = 1, index[MOST_SEGMENTS];
    while (s + 1 < M && (u -= kernel(M, s)) >= 0) s++;
    for (size_t i = 0; i < M; i++) index[i] = i;
    limn_rng_shuffle(&r, index, M);
    for (size_t i = 0; i < M; i++) z[index[i]] = (i < s) ^ (k & 1);
    return 1;
}

/* ---- the fit ----------------------------------------------------------------------------------------------------- */

/* Adds weight z z' to the lower triangle of A, and weight z to sums (sums[M]: of weights). */
static void add_to_matrix(const unsigned char *z, size_t M, double weight, double *A, double *sums) {
    for (size_t i = 0; i < M; i++) {
        if (!z[i]) continue;
        sums[i] += weight;
        for (size_t j = 0; j <= i; j++) A[i * M + j] += weight * z[j];
    }
    sums[M] += weight;
}

/* A = L L', L in the lower triangle; a segment that is never, or always, there has no column of its own: its pivot is
 * lifted to a small positive number. */
static void factorise(double *A, size_t M) {
    double largest = 0;
    for (size_t i = 0; i < M; i++) largest = fmax(largest, A[i * M + i]);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j <= i; j++) {
            double s = A[i * M + j];
            for (size_t k = 0; k < j; k++) s -= A[i * M + k] * A[j * M + k];
            A[i * M + j] = i == j ? sqrt(fmax(s, 1e-12 * largest)) : s / A[j * M + j];
        }
}

static void solve(const double *L, size_t M, double *v) {
    for (size_t i = 0; i < M; i++) {
        for (size_t k = 0; k < i; k++) v[i] -= L[i * M + k] * v[k];
        v[i] /= L[i * M + i];
    }
    for (size_t i = M; i-- > 0;) {
        for (size_t k = i + 1; k < M; k++) v[i] -= L[k * M + i] * v[k];
        v[i] /= L[i * M + i];
    }
}

/* right (M + 1): sums of weight z y, and of weight y -> coefficients. */
static void lime(const double *L, const double *sums, size_t M, double *right) {
    for (size_t i = 0; i < M; i++) right[i] -= sums[i] * right[M] / sums[M];
    solve(L, M, right);
}

/* ones (M): A^-1 1; total: what the coefficients must sum to. */
static void shapley(const double *L, const double *ones, size_t M, double total, double *right) {
    double above = -total, below = 0;
    solve(L, M, right);
    for (size_t i = 0; i < M; i++) above += right[i], below += ones[i];
    for (size_t i = 0; i < M; i++) right[i] -= ones[i] * above / below;
}

/* ---- one chunk --------------------------------------------------------------------------------------------------- */

/* changed (B, C, H, W) = x with the segments of z alone (NULL: none). */
static void compose(const limn_attribute_job *job, const limn_shape *in, const int *segment, const unsigned char *z,
                    float value, float *changed) {
    const size_t n = in->dim[1] * in->dim[2];
    for (size_t b = 0; b < job->diff->B; b++)
        for (size_t c = 0; c < in->dim[0]; c++)
            for (size_t i = 0; i < n; i++) {
                size_t at = (b * in->dim[0] + c) * n + i;
                changed[at] = z && z[segment[b * n + i]] ? job->x[at] : value;
            }
}

limn_status surrogate_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const int shap = ((const surrogate_recipe *)m->recipe)->shapley;
    const limn_diff *d = job->diff;
    const limn_shape in = limn_shape_picture(&d->input);
    const pieces q = pieces_of(d, o, job->n_seeds);
    const size_t n = in.dim[1] * in.dim[2], rows = job->n_seeds * d->B, M = q.M,
                 cells = (size_t)o->number[PERTURB_CELLS];
    const size_t asked = (size_t)o->number[PERTURB_SAMPLES], all = shap ? all_of(M, asked) : 0;
    const float value = (float)o->number[PERTURB_VALUE];
    unsigned char z[MOST_SEGMENTS];
    float *changed = job->scratch, *scores = changed + q.input;
    int *segment = (int *)(void *)(scores + q.scores);
    double *y = (double *)(void *)(scores + q.scores + q.segments), *empty = y + q.rows / 2,
           *right = empty + q.rows / 2;
    double *A = right + q.right / 2, *sums = A + q.A / 2, *ones = sums + q.vector / 2, *work = ones + q.vector / 2;

    for (size_t b = 0; b < d->B; b++)
        if (o->choice[PERTURB_SEGMENTS] == SEGMENTS_GRID)
            segments_grid(&in, cells, segment + b * n);
        else
            segments_superpixels(job->x + b * in.dim[0] * n, &in, cells, segment + b * n, work);
    memset(right, 0, (q.right + q.A + q.vector) * sizeof(float));
    /* S(x), which the coefficients sum to, waits in the last column, which KernelSHAP does not use otherwise */
    TRY(perturb_scores(o, job, scores, y));
    for (size_t r = 0; shap && r < rows; r++) right[r * (M + 1) + M] = y[r];
    compose(job, &in, segment, NULL, value, changed);
    TRY(d->forward(d->ctx, changed));
    TRY(perturb_scores(o, job, scores, empty));
    for (size_t k = 0; k < (all ? all : asked); k++) {
        double weight = draw(shap, M, asked, o, job->random, k, z);
        compose(job, &in, segment, z, value, changed);
        TRY(d->forward(d->ctx, changed));
        TRY(perturb_scores(o, job, scores, y));
        add_to_matrix(z, M, weight, A, sums);
        for (size_t r = 0; r < rows; r++) {
            double v = weight * (y[r] - (shap ? empty[r] : 0));
            for (size_t i = 0; i < M; i++) right[r * (M + 1) + i] += z[i] ? v : 0;
            if (!shap) right[r * (M + 1) + M] += v;
        }
    }
    for (size_t i = 0; !shap && i < M; i++) {
        for (size_t j = 0; j <= i; j++) A[i * M + j] -= sums[i] * sums[j] / sums[M];
        A[i * M + i] += RIDGE;
    }
    factorise(A, M);
    for (size_t i = 0; i < M; i++) ones[i] = 1;
    solve(A, M, ones);
    for (size_t r = 0; r < rows; r++) {
        double *v = right + r * (M + 1);
        if (shap)
            shapley(A, ones, M, v[M] - empty[r], v);
        else
            lime(A, sums, M, v);
        for (size_t i = 0; i < n; i++) job->map[r * n + i] = (float)v[segment[r % d->B * n + i]];
    }
done:
    return status;
}
