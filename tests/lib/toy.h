/* Small limn_diffs whose every value can be worked out by hand: for tests that need no CNN engine.
 *
 * A toy is a chain of layers evaluated by plain loops, in float32 with float64 sums. A replay answers value() and vjp()
 * with stored arrays, such as another program's. Both end the program where memory is missing: they are for tests. */
#ifndef LIMN_TOY_H
#define LIMN_TOY_H

#include "diff.h"

typedef enum {
    TOY_DENSE,  /* y = W x + b; W (units, in) */
    TOY_CONV,   /* valid, stride 1; W (units, C, k, k) */
    TOY_MAX,    /* max pooling k x k, stride k; a tie is the first's, row by row */
    TOY_MEAN,   /* global average pooling: (C, 1, 1) */
    TOY_SQUARE, /* y = x^2 */
    TOY_SAME    /* y = x: with relu, a ReLU layer; with `flat`, a flatten */
} toy_op;

typedef struct {
    const char *name;
    toy_op op;
    size_t units, k;
    const float *w, *b; /* borrowed; b may be NULL */
    int relu;           /* a ReLU after the operation, in the same layer */
    int flat;           /* the output is shown as a vector */
} toy_layer;

typedef struct toy toy;
/* `layer` is copied, its weights and names are borrowed. */
toy *toy_new(size_t B, const limn_shape *input, const toy_layer *layer, int n_layers);
void toy_free(toy *t);
const limn_diff *toy_diff(toy *t);

/* One stored layer of a replay; grad[rule]: the vjp of the replay's only seed down to it, NULL where not known. */
typedef struct {
    limn_diff_layer layer;
    const float *value;            /* (B, size), or NULL */
    const float *grad[LIMN_RULES]; /* (B, size) */
} toy_record;
typedef struct {
    limn_diff diff;
    const toy_record *record;            /* (n_layers) */
    const float *input_grad[LIMN_RULES]; /* (B, size of the input) */
    limn_diff_layer *layer;
} toy_replay;
void toy_replay_init(toy_replay *r, size_t B, const limn_shape *input, const toy_record *record, int n_layers);
void toy_replay_clear(toy_replay *r);

#endif
