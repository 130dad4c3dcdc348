/* Principal components. */
#ifndef LIMN_EMBED_PCA_H
#define LIMN_EMBED_PCA_H

#include <stddef.h>

#include "base/status.h"
#include "embed/rows.h"

typedef struct {
    size_t D, count;
    double *mean;     /* (D) */
    double *axis;     /* (count, D), each of length 1, its largest entry by magnitude positive */
    double *variance; /* (count), with n - 1 */
    double total;     /* variance along all axes */
} embed_pca;

enum { EMBED_PCA_EXACT = 1024 /* where min(n, D) is larger, axes come from a subspace iteration */ };

/* The first `count` <= D axes of x. Axes beyond the rank of the data have variance 0, and may be 0 themselves. */
limn_status embed_pca_make(embed_pca *out, const embed_rows *x, size_t count, int threads) LIMN_CHECK;
void embed_pca_clear(embed_pca *p);

/* scores (n, count), row-major: (x - mean) . axis. */
limn_status embed_pca_scores(const embed_pca *p, const embed_rows *x, double *scores, int threads) LIMN_CHECK;

/* pca_subspace.c: fills axis and variance, given mean. */
limn_status embed_pca_subspace(embed_pca *p, const embed_rows *x, int threads) LIMN_CHECK;

#endif
