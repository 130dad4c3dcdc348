/* The parts of limn_embed_quality, on float32 or float64 rows and on given subsets: what its tests call. */
#ifndef LIMN_QUALITY_H
#define LIMN_QUALITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "embed/embed.h"
#include "embed/rows.h"

enum { QUALITY_KS = 3, QUALITY_MOST_K = 30, QUALITY_RECALL_K = 10 };
extern const int quality_k[QUALITY_KS]; /* 5, 12, 30 */

/* A map as the kernels want it. */
typedef struct {
    size_t n, stride;
    int dims;
    double *y; /* (dims, stride), zeros behind n */
} quality_map;

/* Y (n, dims), dims 1 … 3, from float32 or (Y32 NULL) float64. */
limn_status quality_map_new(quality_map *m, const float *Y32, const double *Y64, size_t n, int dims) LIMN_CHECK;
void quality_map_clear(quality_map *m);

/* The k nearest by (distance, index), k <= QUALITY_MOST_K and <= the number of finite d; d[self] is infinite. */
void quality_nearest(const double *d, size_t n, size_t k, uint32_t *out);

/* Means over the query points, each of which is compared with all n points. A figure whose k is too large for n is NaN.
 */
typedef struct {
    double trustworthiness[QUALITY_KS], continuity[QUALITY_KS];
    double knn_recall;
} quality_local;

/* query (queries) distinct points of 0 … n-1. */
limn_status quality_neighbourhoods(quality_local *out, const embed_rows *x, const quality_map *y, const uint32_t *query,
                                   size_t queries, int threads) LIMN_CHECK;

/* Means over those query points that have a label; NaN where there are none. */
typedef struct {
    double label_accuracy, silhouette;
    size_t labelled;
} quality_labelled;

/* labels (n), -1 = none. */
limn_status quality_labels(quality_labelled *out, const quality_map *y, const int *labels, const uint32_t *query,
                           size_t queries, int threads) LIMN_CHECK;

/* Spearman's correlation of the distances of all pairs of these m >= 3 points in x and in y. */
limn_status quality_cpd(double *out, const embed_rows *x, const embed_rows *y, const uint32_t *point,
                        size_t m) LIMN_CHECK;

/* out (n, k): the k nearest of each point of a map by (distance, index), nearest first. Y (n, dims) finite, k < n and <=
 * QUALITY_MOST_K. */
limn_status quality_map_nearest(uint32_t *out, const float *Y, size_t n, int dims, size_t k, int threads) LIMN_CHECK;

/* A map and, for each of its points, the k nearest. */
typedef struct {
    const float *Y; /* (n, dims) */
    int dims;
    const uint32_t *near; /* (n, k) */
} quality_view;

/* How many of k different indices are among k others. */
size_t quality_in_common(const uint32_t *a, const uint32_t *b, size_t k);

/* How far two maps of the same n >= 3 points agree; k is out->k. share (n) or NULL: of each point's neighbours. */
limn_status quality_agree(limn_map_agreement *out, float *share, const quality_view *a, const quality_view *b, size_t n,
                          int k, uint64_t seed) LIMN_CHECK;
/* Neighbours that a comparison of maps of n points looks at. */
int quality_agree_k(size_t n);

/* Share of the k nearest class means that x and y agree on, k = min(10, (classes - 1)/2) into *k; NaN below 3 classes.
 */
limn_status quality_knc(double *out, int *k, const embed_rows *x, const embed_rows *y, const int *labels) LIMN_CHECK;

/* The m <= n points of a seeded subset, ascending; all of them where m = n. */
limn_status quality_subset(uint32_t *out, size_t m, size_t n, uint64_t seed, uint64_t which) LIMN_CHECK;

#endif
