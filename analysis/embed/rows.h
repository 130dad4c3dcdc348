/* n vectors of D components, float32 or float64: what PCA, the neighbour search and the quality figures read.
 * The public calls take float32; float64 is for data that float32 cannot hold, and for tests against float64 goldens.
 */
#ifndef LIMN_EMBED_ROWS_H
#define LIMN_EMBED_ROWS_H

#include <stddef.h>

#include "embed/kernels.h"

/* One of f and d is set; both are (n, D), row-major, borrowed. */
typedef struct {
    size_t n, D;
    const float *f;
    const double *d;
} embed_rows;

static inline double embed_get(const embed_rows *x, size_t i, size_t c) {
    return x->f ? (double)x->f[i * x->D + c] : x->d[i * x->D + c];
}

/* Squared euclidean distance of rows i and j by direct difference in float64. */
static inline double embed_sqdist(const embed_kernels *k, const embed_rows *x, size_t i, size_t j) {
    return x->f ? k->sqdist_f(x->f + i * x->D, x->f + j * x->D, x->D)
                : k->sqdist_d(x->d + i * x->D, x->d + j * x->D, x->D);
}

/* Asks memory for the beginning of row i ahead of its use. */
static inline void embed_ask(const embed_rows *x, size_t i) {
    size_t size = x->D * (x->f ? sizeof *x->f : sizeof *x->d);
    const char *at = x->f ? (const char *)(x->f + i * x->D) : (const char *)(x->d + i * x->D);
    for (size_t b = 0; b < size && b < 512; b += 64) __builtin_prefetch(at + b);
}

#endif
