/* Rows in cells, for the approximate neighbour search. */
#ifndef LIMN_EMBED_KNN_CELLS_H
#define LIMN_EMBED_KNN_CELLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct {
    size_t n, cells;
    uint32_t *order; /* (n) rows, cell by cell, ascending inside one */
    uint32_t *cell;  /* (n) the cell of each row */
    size_t *start;   /* (cells + 1) */
    uint32_t *near;  /* (cells, cells) all cells by the distance of their centres, the cell itself first */
    size_t probes;   /* how many of them are searched: the caller's to set */
} embed_cells;

/* Some `size` rows a cell. a (n, D) float32, finite; seedless: the same rows give the same cells. */
limn_status embed_cells_make(embed_cells *c, const float *a, size_t n, size_t D, size_t size, int threads) LIMN_CHECK;
void embed_cells_clear(embed_cells *c);

#endif
