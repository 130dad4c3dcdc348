/* Nearest neighbours and the affinities P of t-SNE. */
#ifndef LIMN_EMBED_AFFINITIES_H
#define LIMN_EMBED_AFFINITIES_H

#include <stddef.h>
#include <stdint.h>

#include "base/progress.h"
#include "base/status.h"
#include "embed/embed.h"
#include "embed/rows.h"

typedef struct {
    size_t n, k;
    uint32_t *index; /* (n, k), nearest first; ties to the lower index; never the point itself */
    double *sqdist;  /* (n, k), by direct difference in float64 */
    double recall;   /* share of the true neighbours that were found: 1, or measured on 1,000 rows */
} embed_knn;

/* The k < n nearest of each row, exact: every row that might be one is compared in float64. */
limn_status embed_knn_exact(embed_knn *out, const embed_rows *x, size_t k, int threads, limn_progress_fn progress,
                            void *ctx) LIMN_CHECK;
/* At least about `recall` of them in [0, 1]: rows are sought in the nearest of n/400 cells, as many as a sample of 1,000
 * rows needs. Exact where recall is 1, or n is below 10,000. */
limn_status embed_knn_near(embed_knn *out, const embed_rows *x, size_t k, double recall, int threads,
                           limn_progress_fn progress, void *ctx) LIMN_CHECK;
/* By any metric; exact where it is manhattan. x's rows are finite. */
limn_status embed_knn_metric(embed_knn *out, const embed_rows *x, size_t k, limn_embed_metric metric, double recall,
                             int threads, limn_progress_fn progress, void *ctx) LIMN_CHECK;
/* Of points whose distances (n, n) are given; the diagonal is not read. LIMN_EINPUT: one is no distance. */
limn_status embed_knn_matrix(embed_knn *out, const float *distance, size_t n, size_t k, int threads,
                             limn_progress_fn progress, void *ctx) LIMN_CHECK;
/* Of neighbours (n, k), in any order, and their distances. LIMN_EINPUT: a point has itself or one twice, … */
limn_status embed_knn_given(embed_knn *out, const uint32_t *index, const float *distance, size_t n,
                            size_t k) LIMN_CHECK;
/* Arrays for n rows of k; recall 1. */
limn_status embed_knn_new(embed_knn *out, size_t n, size_t k) LIMN_CHECK;
/* The same by all n^2 distances and a full sort: the oracle. */
limn_status embed_knn_ref(embed_knn *out, const embed_rows *x, size_t k) LIMN_CHECK;
void embed_knn_clear(embed_knn *k);

/* The symmetric P as compressed rows: p_ij > 0, columns ascending, sum over all = 1. */
typedef struct {
    size_t n;
    size_t *start; /* (n + 1) */
    uint32_t *col; /* (start[n]) */
    double *p;     /* (start[n]) */
    double *beta;  /* (n): p_j|i ~ exp(-beta_i d2_ij); 0: all equal, infinity: the nearest ties alone */
} embed_affinities;

/* 1 <= perplexity < n - 1. */
limn_status embed_affinities_make(embed_affinities *out, const embed_knn *knn, double perplexity,
                                  int threads) LIMN_CHECK;
/* Several scales: the mean of the conditional weights at `first` and at more (count). beta is that of `first`. */
limn_status embed_affinities_scales(embed_affinities *out, const embed_knn *knn, const double *first,
                                    const double *more, size_t count, int threads) LIMN_CHECK;
void embed_affinities_clear(embed_affinities *a);

/* One row: e (k rounded up to 8) = the conditional weights for the squared distances d2 (k), ascending; *beta as above.
 * scratch has the same room as e. */
void embed_row_weights(const embed_kernels *kernels, const double *d2, size_t k, double perplexity, double *beta,
                       double *e, double *scratch);

#endif
