/* A differentiable model, as attribution sees it: all that a method needs to know of a network.
 *
 * A limn_diff evaluates chunks of exactly B rows (B is fixed by the model, never by threads or memory; unused rows are
 * padding). Layers are numbered 0 … n_layers-1 in the order of the model; LIMN_INPUT (-1) is the input. The last
 * layer's output is the scores before softmax or sigmoid (the swap to linear has been made by whoever built the diff).
 * Values cross this interface as plain float32, rows first, a picture as (B, C, H, W), a vector as (B, D).
 *
 * forward() keeps the activations; value() and vjp() may then be called any number of times: one forward pass serves
 * all methods. A diff is used by one thread; several diffs may share one network. A toy net of two neurons is a diff
 * too. */
#ifndef LIMN_DIFF_H
#define LIMN_DIFF_H

#include <stddef.h>

#include "base/shape.h"
#include "base/status.h"
#include "walk.h"

enum { LIMN_INPUT = -1 };

/* What the backward pass does at a ReLU with output y and incoming g. */
typedef enum {
    LIMN_RULE_GRADIENT,  /* g 1[y > 0] */
    LIMN_RULE_GUIDED,    /* g 1[y > 0] 1[g > 0]   (Springenberg 2015) */
    LIMN_RULE_DECONVNET, /* g 1[g > 0]            (Zeiler & Fergus 2014) */
    LIMN_RULES
} limn_rule;

/* What attribution may ask of a layer by its kind. */
typedef enum { LIMN_KIND_OTHER, LIMN_KIND_CONV, LIMN_KIND_POOL, LIMN_KIND_GLOBAL_POOL, LIMN_KIND_DENSE } limn_kind;

typedef struct {
    const char *name; /* borrowed from the model */
    limn_kind kind;
    limn_shape out; /* one row's output, (C, h, w) or (D) */
    int settles; /* so many layers later its pictures end up, behind the batch norm, sum, activation that follow; or 0 */
} limn_diff_layer;

typedef struct limn_diff limn_diff;
struct limn_diff {
    void *ctx;
    size_t B;         /* rows of a chunk */
    limn_shape input; /* (C, H, W) of one row */
    int n_layers;
    const limn_diff_layer *layer; /* (n_layers) */

    /* Runs the chunk x (B, C, H, W) and keeps what value() and vjp() need. */
    limn_status (*forward)(void *ctx, const float *x);
    /* out (B, size of the layer's output) = the layer's output in the last forward pass. */
    limn_status (*value)(void *ctx, int layer, float *out);
    /* grad (B, size of `to`) = per row, the vector-Jacobian product of seed (B, size of `from`) from the output of
     * layer `from` back to the output of layer `to` < from (or LIMN_INPUT), under a rule, at the last forward pass. */
    limn_status (*vjp)(void *ctx, int from, const float *seed, limn_rule rule, int to, float *grad);

    /* What not every model can: NULL where it cannot. Both are given the x of the last forward pass once more, and leave that
     * pass as it is. */
    /* out (B, input) = what a walk (walk.h) from layer `from` brings to the input. */
    limn_status (*walk)(void *ctx, const limn_walk *how, const float *x, int from, const float *seed, float *out);
    /* out (B, size of `to`) = the output of layer `to`, were that of layer `at` < to `values`. */
    limn_status (*replace)(void *ctx, const float *x, int at, const float *values, int to, float *out);
};

/* *index = the layer of this name, or where no layer bears it, of this decimal index. LIMN_EINPUT with the nearest name
 * and the names that the model has. */
limn_status limn_diff_find(int *index, const limn_diff *d, const char *name) LIMN_CHECK;

/* A row's shape as a picture (C, H, W): (H, W) is one channel, (D) one channel of one row. rank 0 where it is none. */
limn_shape limn_shape_picture(const limn_shape *s);

#endif
