/* The repulsion of the Barnes-Hut engine, by itself. */
#ifndef LIMN_EMBED_BARNES_HUT_H
#define LIMN_EMBED_BARNES_HUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "embed/kernels.h"
#include "embed/tree.h"

typedef struct {
    double z, square; /* sum of w, and of the squared forces */
    uint64_t items;   /* target x source evaluations */
} bh_sum;

typedef struct {
    bh_tree tree;
    const embed_kernels *kernels;
    size_t n, groups;
    double theta, force_error;
    double alpha; /* 1; else the layout is y/sqrt(alpha), and forces come out for that: kernels_tails.inc */
    int dims, threads;
    unsigned since;                  /* calls since the tree was laid out */
    uint64_t calls;                  /* in all */
    uint64_t interactions, at_build; /* evaluations of the last call; of the call after the build */
    double rms, kappa;               /* root mean square of the last call's forces; this call's limit */
    bh_sum *group_sum;               /* (groups) */
    uint32_t *stack;                 /* (workers, stack_room) */
    size_t stack_room;
    int built;       /* whether this call laid out the tree */
    const double *Y; /* the caller's, during a call */
    double *repulsion;
} bh_repulsion;

limn_status bh_repulsion_new(bh_repulsion *b, size_t n, int dims, double theta, double force_error,
                             int threads) LIMN_CHECK;
void bh_repulsion_clear(bh_repulsion *b);
/* repulsion (n, dims) and *Z of the layout Y (n, dims), finite. */
limn_status bh_repulsion_forces(bh_repulsion *b, const double *Y, double *repulsion, double *Z) LIMN_CHECK;

#endif
