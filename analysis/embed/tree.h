/* A quadtree (2-D) or octree (3-D) over points sorted along a Hilbert curve, with moments for Barnes-Hut. */
#ifndef LIMN_EMBED_TREE_H
#define LIMN_EMBED_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "embed/curve.h"
#include "embed/kernels.h"

/* Nodes sit in blocks of four places, children of one parent side by side in one or two blocks; spare places are empty.
 * Block 0 holds the root alone, block 1 nothing. */
typedef struct {
    uint32_t begin, end; /* its points: places on the curve; an empty place: none */
    uint32_t first;      /* its children: places first … first + children - 1, all behind it; first % 4 = 0 */
    uint32_t children;   /* 0: a leaf */
} bh_node;

typedef struct {
    int dims, threads;
    embed_curve curve;
    const embed_kernels *kernels;
    float *y[3]; /* (n + BH_LEAF) coordinates in curve order */
    bh_node *node;
    size_t places, room;  /* places a multiple of 4; 0: no tree yet */
    float *box;           /* (places, 6): lo, hi of the tight box */
    float *root3;         /* (places) cube root of the mass */
    float *test, *record; /* what the walk compares, and what the sums read: bh_view (kernels.h) */
    uint32_t *link;
    size_t per_place; /* places that the arrays have room for */
    uint32_t *order;  /* (nodes) children before parents; subtree s is order[part[s] … part[s+1]-1] */
    size_t *part;     /* (parts + 1); the last part holds the nodes above all subtrees */
    size_t parts, part_room, nodes;
} bh_tree;

limn_status bh_tree_new(bh_tree *t, size_t n, int dims, int threads) LIMN_CHECK;
void bh_tree_clear(bh_tree *t);

/* Sorts the points Y (n, dims), finite, and lays out the nodes. */
limn_status bh_tree_build(bh_tree *t, const double *Y) LIMN_CHECK;
/* Takes new coordinates into the nodes that are there: boxes and moments are exact again, however far points moved.
 * First every task, in any order and any thread, then bh_tree_finish. */
size_t bh_tree_tasks(const bh_tree *t);
void bh_tree_task(bh_tree *t, const double *Y, size_t task);
void bh_tree_finish(bh_tree *t);

bh_view bh_tree_view(const bh_tree *t);

#endif
