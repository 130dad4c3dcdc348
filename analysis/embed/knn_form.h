/* Rows as the tiles of the neighbour search read them: centred, scaled, in panels, with the bound of their rounding. */
#ifndef LIMN_EMBED_KNN_FORM_H
#define LIMN_EMBED_KNN_FORM_H

#include "base/status.h"
#include "embed/knn_tile.h"
#include "embed/rows.h"

/* Where a pair's value v = |b|^2 (1 - e) - 2 a.b is computed, |a - b|^2 lies between v + |a|^2 (1 - e) and
 * v + |a|^2 (1 + e) + 2 e |b|^2. */
typedef struct {
    const knn_tile *tile;
    size_t steps;    /* words of a row */
    uint32_t *panel; /* (padded / KNN_WIDTH, steps, KNN_WIDTH) */
    float *lower;    /* (padded) |b|^2 (1 - e); behind n: infinity */
    float e;
} knn_form;

/* The scaling of rows: (x - mean) times a power of two, such that no magnitude exceeds 1. */
typedef struct {
    double *mean; /* (D) */
    double factor;
} knn_scale;

limn_status knn_scale_make(knn_scale *s, const embed_rows *x, int threads) LIMN_CHECK;
void knn_scale_clear(knn_scale *s);
/* One row, in float32: to (D). */
void knn_scale_row(const knn_scale *s, const embed_rows *x, size_t i, float *to);

/* Places 0 … n-1 hold the rows order[place], or where that is NULL themselves. norm (knn_padded(n)) = |a|^2 by place,
 * written by each form alike. */
size_t knn_padded(size_t n);
limn_status knn_form_make(knn_form *f, const knn_tile *tile, const embed_rows *x, const knn_scale *s,
                          const uint32_t *order, float *norm, int threads) LIMN_CHECK;
void knn_form_clear(knn_form *f);
/* -2 times the rows at these places, as `count` queries of strips: to (strips, steps, KNN_STRIP), the rest zeros. */
void knn_form_queries(const knn_form *f, const uint32_t *place, size_t count, uint32_t *to);

#endif
