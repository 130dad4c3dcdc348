/* Tiles of the neighbour search: KNN_STRIP queries against a panel of KNN_WIDTH rows, products and threshold in one.
 *
 * A word is a float32, or two brief (bfloat16) numbers: components 2s (low half) and 2s + 1. Products of brief numbers
 * are exact in float32; only rounding to brief loses. */
#ifndef LIMN_EMBED_KNN_TILE_H
#define LIMN_EMBED_KNN_TILE_H

#include <stddef.h>
#include <stdint.h>

enum { KNN_STRIP = 6, KNN_WIDTH = 64 };

/* What may be among the nearest of one query. */
typedef struct {
    float *value;    /* room for n + KNN_WIDTH at least */
    uint32_t *index; /* rows */
    size_t n;
    float limit;   /* values up to it are kept; -infinity: none */
    uint32_t self; /* the row that is never kept */
} knn_list;

/* Rows of a panel: its first, and those that count: from … to - 1. */
typedef struct {
    uint32_t first, from, to;
} knn_range;

typedef struct {
    const char *name;
    int brief; /* whether words hold two numbers */
    /* query (steps, KNN_STRIP) words, panel (steps, KNN_WIDTH) words: value = sum of products + lower (KNN_WIDTH). Appends
     * those that a list wants to its end; bit r of the result: list r has grown. */
    uint32_t (*run)(const uint32_t *query, const uint32_t *panel, const float *lower, size_t steps, knn_range in,
                    knn_list *list);
} knn_tile;

/* The widest set of this processor for float32, and for brief numbers: NULL where it has no instructions for them. */
const knn_tile *knn_tile_best(void);
const knn_tile *knn_tile_brief(void);
/* All that this processor has; NULL past the last one. */
const knn_tile *knn_tile_at(int i);

#endif
