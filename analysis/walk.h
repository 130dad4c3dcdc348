/* Backward passes that go through a network node by node and do something else than the gradient: layer-wise relevance
 * propagation, DeepLIFT, rectified gradients, and the gradient at every bias. A limn_diff that can has walk() (diff.h).
 *
 * A walk starts with a seed at a layer's output and ends at the input. What each kind of it does at a node:
 *
 *   LRP        linear nodes (convolutions, dense layers) by a rule, below; the network is one whose batch norms have been
 *              folded into them. Activations pass. Maximum pooling: to the maximum. Sums, means, average pooling, resizing
 *              and scales share it in proportion to what each input brings: x vjp(R / guard(y)). Products share it evenly.
 *              Moves (concatenation, padding, reshape …) move it.
 *   RESCALE    DeepLIFT (Shrikumar et al. 2017): the multiplier from x0 to x. Linear nodes: the gradient. Activations:
 *              (y - y0) / (x - x0), the gradient where |x - x0| < 1e-10. Maximum pooling as Captum and SHAP: g (max(y, y0)
 *              - y0) at x's maximum and g (y - max(y, y0)) at x0's, over x - x0. Products: (a + a0) / 2 for b.
 *   RECTIFY    Kim et al. 2019: at a ReLU, or ReLU6, with output a, g passes where a g > its q-quantile over the layer (per row)
 *   BIASES     the gradient; visit() sees it at each node that adds a bias */
#ifndef LIMN_WALK_H
#define LIMN_WALK_H

#include <stddef.h>

#include "base/shape.h"

/* A rule is a sum of terms, each the node itself with another input x' and other weights w', b':
 *     z_t = w' x' + b';  s_g = share_g R / guard(sum of the z_t of group g);  R_in = sum over t of sign x' vjp_w'(s_g)
 * (Montavon et al., "Layer-wise relevance propagation: an overview", 2019, in the form that Zennit gave it). */
typedef enum { LIMN_LRP_X, LIMN_LRP_X_POS, LIMN_LRP_X_NEG, LIMN_LRP_ONE, LIMN_LRP_LOW, LIMN_LRP_HIGH } limn_lrp_input;
typedef enum {
    LIMN_LRP_W,
    LIMN_LRP_W_POS, /* max(w, 0) */
    LIMN_LRP_W_NEG,
    LIMN_LRP_W_ONE,
    LIMN_LRP_W_SQUARE,
    LIMN_LRP_W_POS_MORE, /* w + gamma max(w, 0) */
    LIMN_LRP_W_NEG_MORE, /* w + gamma min(w, 0) */
} limn_lrp_weight;
typedef struct {
    limn_lrp_input x;
    limn_lrp_weight w; /* of the bias too */
    int bias;          /* whether there is one */
    int group;         /* 0 or 1 */
    float sign;        /* of z_t in the sum, and of its share */
} limn_lrp_term;
typedef enum {
    LIMN_GUARD_SIGN, /* z + epsilon sign(z), sign(0) = 1 */
    LIMN_GUARD_ZERO  /* z, epsilon where it is 0 */
} limn_lrp_guard;
enum { LIMN_LRP_TERMS = 4 };
typedef struct {
    int n;
    limn_lrp_term term[LIMN_LRP_TERMS];
    int by_sign;     /* group 0 counts where the node's own output is positive, group 1 where it is negative */
    double share[2]; /* of the groups: alpha, -beta */
    limn_lrp_guard guard;
    double epsilon;
} limn_lrp_rule;

typedef enum { LIMN_WALK_LRP, LIMN_WALK_RESCALE, LIMN_WALK_RECTIFY, LIMN_WALK_BIASES, LIMN_WALKS } limn_walk_kind;
typedef struct {
    limn_walk_kind kind;
    /* LRP: linear nodes below which there is none, convolutions, dense layers; nodes that share */
    limn_lrp_rule first, conv, dense, rest;
    double gamma;     /* of W_POS_MORE and W_NEG_MORE */
    double low, high; /* of the inputs LOW and HIGH */
    int spread;       /* LRP: average pooling and means pass the gradient instead of sharing in proportion */
    const float *x0;  /* RESCALE: (B, input) the reference */
    float *y0;        /* RESCALE: NULL, or (B, size of `from`): filled with its output at x0 */
    double quantile;  /* RECTIFY: 0 to 1 */
    /* BIASES: out: the shape of one row; bias (out.dim[0]), one for each channel or unit; g (B, size of out). */
    void (*visit)(void *arg, const limn_shape *out, const float *bias, const float *g);
    void *arg;
} limn_walk;

#endif
