/* The affinities packed for the attraction, rows and columns in the order of a curve. */
#ifndef LIMN_EMBED_EDGES_H
#define LIMN_EMBED_EDGES_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "embed/affinities.h"

typedef struct {
    size_t n;
    int dims, threads;
    const embed_affinities *P; /* borrowed */
    const embed_kernels *kernels;
    uint32_t *order, *place; /* (n) the point of each row, and the row of each point */
    size_t *start;           /* (n + 1) multiples of EDGE_LANES */
    uint32_t *col;           /* (start[n]) rows */
    float *p;                /* (start[n]), or NULL: */
    uint16_t *p16;           /* (start[n]) brief affinities: kernels.h */
    uint32_t brief;          /* what their bits count from; 0 where p is float32 */
    float *y, *F;            /* (n, 2) or (n, 4) coordinates by row; (n, dims) forces by row */
} embed_edges;

/* Whether brief affinities do: where the repulsion may be off by 0.2 % and more, 1e-4 in each affinity is nothing. */
int embed_edges_brief(double theta, double force_error);
/* brief: affinities of 16 bits, right to 1/4096 of themselves; those below 2^-30 of the largest count as about that. */
limn_status embed_edges_new(embed_edges *e, const embed_affinities *P, int dims, int brief, int threads) LIMN_CHECK;
void embed_edges_clear(embed_edges *e);

/* Lays rows and columns out in this order, a permutation of 0 … n-1. */
void embed_edges_pack(embed_edges *e, const uint32_t *order);
/* attraction (n, dims) of the layout Y (n, dims), both in the points' own order: first every gather task, then every
 * attract task, each in any order and any thread. */
size_t embed_edges_tasks(const embed_edges *e);
void embed_edges_gather(embed_edges *e, const double *Y, size_t task);
void embed_edges_attract(embed_edges *e, double *attraction, size_t task);

#endif
