/* A quadtree (2-D) or octree (3-D) over points sorted along a Hilbert curve, with moments for Barnes-Hut. */
#ifndef LIMN_EMBED_TREE_H
#define LIMN_EMBED_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "embed/curve.h"

enum {
    BH_LEAF = 16,  /* points of a leaf at most */
    BH_STACK = 512 /* nodes that wait in a depth-first walk: 7 a level, 16 levels of cells and 14 of equal points */
};

typedef struct {
    float c[3];          /* centre of mass */
    float width2;        /* the largest side of the tight box, squared */
    float m, q[6], t;    /* mass; 4 x second moments xx xy yy xz yz zz about c; their trace, not times 4 */
    uint32_t begin, end; /* its points: places on the curve */
    uint32_t first;      /* its children: nodes first … first + children - 1, all after it */
    uint32_t children;   /* 0: a leaf */
} bh_node;

typedef struct {
    int dims, threads;
    embed_curve curve;
    float *y[3]; /* (n) coordinates in curve order */
    bh_node *node;
    float *box; /* (nodes, 6): lo, hi of the tight box */
    size_t nodes, room;
} bh_tree;

limn_status bh_tree_new(bh_tree *t, size_t n, int dims, int threads) LIMN_CHECK;
void bh_tree_clear(bh_tree *t);

/* Sorts the points Y (n, dims), finite, and lays out the nodes. */
limn_status bh_tree_build(bh_tree *t, const double *Y) LIMN_CHECK;
/* Takes new coordinates into the nodes that are there: boxes and moments are exact again, however far points moved.
 * First every leaf task, in any order and any thread, then bh_tree_finish. */
size_t bh_tree_leaf_tasks(const bh_tree *t);
void bh_tree_leaf_task(bh_tree *t, const double *Y, size_t task);
void bh_tree_finish(bh_tree *t);

#endif
