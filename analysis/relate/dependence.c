/* U-centred matrices: see dependence.h.
 *
 * The U-centred product of two Gram matrices is the unbiased HSIC, that of two distance matrices the unbiased squared
 * distance covariance. A term of one row or one column falls out in centring, so a Gram matrix may be had from squared
 * distances: <x_i, x_j> = (|x_i|^2 + |x_j|^2 - d_ij^2)/2 becomes -d_ij^2/2.
 *
 * Sums run over rows in order. A permutation is a task with a random stream of its own. */
#include "relate/dependence.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/try.h"

void relate_centre(double *A, size_t m) {
    const double near = (double)m - 2, far = ((double)m - 1) * ((double)m - 2);
    double total = 0;
    for (size_t i = 0; i < m; i++) { /* the diagonal holds the row's sum, until the end */
        double sum = 0;
        for (size_t j = 0; j < m; j++) sum += i == j ? 0 : A[i * m + j];
        A[i * m + i] = sum;
        total += sum;
    }
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < m; j++)
            if (i != j) A[i * m + j] += total / far - A[i * m + i] / near - A[j * m + j] / near;
    for (size_t i = 0; i < m; i++) A[i * m + i] = 0;
}

double relate_product(const double *A, const double *B, size_t m, const uint32_t *p) {
    double sum = 0;
    for (size_t i = 0; i < m; i++) {
        const double *a = A + i * m, *b = B + (p ? p[i] : i) * m;
        double row = 0;
        if (p)
            for (size_t j = 0; j < i; j++) row += a[j] * b[p[j]];
        else
            for (size_t j = 0; j < i; j++) row += a[j] * b[j];
        sum += row;
    }
    return sum;
}

double relate_ratio(double ab, double aa, double bb) {
    return aa > 0 && bb > 0 ? ab / sqrt(aa) / sqrt(bb) : NAN;
}

typedef struct {
    const double *A, *B;
    size_t m;
    uint64_t seed;
    double identity;
    size_t *order;        /* (workers, m) */
    uint32_t *p;          /* (workers, m) */
    unsigned char *above; /* (permutations) */
} tests;

static void permute(void *ctx, size_t task, int worker) {
    tests *t = ctx;
    size_t *order = t->order + (size_t)worker * t->m;
    uint32_t *p = t->p + (size_t)worker * t->m;
    limn_rng r = limn_rng_stream(t->seed, LIMN_RNG_PERMUTE, task);
    for (size_t i = 0; i < t->m; i++) order[i] = i;
    limn_rng_shuffle(&r, order, t->m);
    for (size_t i = 0; i < t->m; i++) p[i] = (uint32_t)order[i];
    t->above[task] = relate_product(t->A, t->B, t->m, p) >= t->identity;
}

limn_status relate_permutations(double *p, const double *A, const double *B, size_t m, size_t permutations,
                                uint64_t seed, int threads) {
    limn_status status = LIMN_OK;
    tests t = {A, B, m, seed, relate_product(A, B, m, NULL), NULL, NULL, NULL};
    size_t workers = (size_t)limn_threads(threads), above = 0;
    TRY(limn_new(&t.order, workers, m * sizeof *t.order));
    TRY(limn_new(&t.p, workers, m * sizeof *t.p));
    TRY(limn_new(&t.above, permutations, 1));
    limn_parallel(threads, permutations, permute, &t);
    for (size_t i = 0; i < permutations; i++) above += t.above[i];
    *p = (1 + (double)above) / (1 + (double)permutations);
done:
    free(t.order);
    free(t.p);
    free(t.above);
    return status;
}
