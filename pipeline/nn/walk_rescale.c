/* The other kinds of walks (walk.h): DeepLIFT's rescale rule, rectified gradients, the gradient at every bias.
 *
 * DeepLIFT (Shrikumar, Greenside & Kundaje, "Learning important features through propagating activation differences",
 * 2017): m = multiplier at a node's input, from g, that at its output; differences are those from the reference's pass.
 *   linear nodes   m = vjp(g)
 *   functions      m = g (y - y0) / (x - x0); vjp(g) where |x - x0| < 1e-10
 *   maxima         (vjp_x(g (max(y, y0) - y0)) + vjp_x0(g (y - max(y, y0)))) / (x - x0); the same exception
 *   others         (vjp_x(g) + vjp_x0(g)) / 2: exact for products
 * so that the sum of m (x - x0) over the input is the difference of the scores, but for what has no such rule (softmax,
 * normalisation and division within the network). */
#include "nn/expand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"

#define SAME 1e-10F /* differences below it are none (Captum) */

/* *out (taken) = the difference of node k's values. */
static limn_status difference(net_walker *w, int k, float **out) {
    limn_status status = LIMN_OK;
    float *y0 = NULL;
    TRY(net_walk_value(w, w->now, k, out));
    TRY(net_walk_value(w, &w->side[NET_SIDE_REFERENCE], k, &y0));
    for (size_t i = 0; i < net_walk_size(w, k); i++) (*out)[i] -= y0[i];
done:
    net_give(w, y0);
    return status;
}

/* m of input 0 of node k. */
static limn_status function(net_walker *w, int k, const float *g) {
    limn_status status = LIMN_OK;
    float *m = NULL, *dx = NULL, *dy = NULL;
    int in = net_walk_node(w, k)->in[0];
    size_t n = net_walk_size(w, k);
    if (!net_walk_goes(w, k, 0)) return LIMN_OK;
    TRY(net_walk_vjp(w, w->now, k, g));
    TRY(net_walk_grad(w, w->now, 0, k, &m));
    TRY(difference(w, in, &dx));
    TRY(difference(w, k, &dy));
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(dx[i]) < SAME)) m[i] = g[i] * (dy[i] / dx[i]);
    net_bring(w, in, m);
done:
    net_give(w, dx);
    net_give(w, dy);
    return status;
}

/* up (n) = g (max(y, y0) - y0), down = g (y - max(y, y0)). */
static limn_status split(net_walker *w, int k, const float *g, float **up, float **down) {
    limn_status status = LIMN_OK;
    TRY(net_walk_value(w, w->now, k, up));
    TRY(net_walk_value(w, &w->side[NET_SIDE_REFERENCE], k, down));
    for (size_t i = 0; i < net_walk_size(w, k); i++) {
        float y = (*up)[i], y0 = (*down)[i], most = fmaxf(y, y0);
        (*up)[i] = g[i] * (most - y0);
        (*down)[i] = g[i] * (y - most);
    }
done:
    return status;
}

static limn_status maximum_of(net_walker *w, int k, int j, const float *g, const float *up, const float *down) {
    limn_status status = LIMN_OK;
    net_side *reference = &w->side[NET_SIDE_REFERENCE];
    int in = net_walk_node(w, k)->in[j];
    float *m = NULL, *a = NULL, *b = NULL, *dx = NULL;
    TRY(net_walk_vjp(w, w->now, k, g));
    TRY(net_walk_grad(w, w->now, j, k, &m));
    TRY(net_walk_vjp(w, w->now, k, up));
    TRY(net_walk_grad(w, w->now, j, k, &a));
    TRY(net_walk_vjp(w, reference, k, down));
    TRY(net_walk_grad(w, reference, j, k, &b));
    TRY(difference(w, in, &dx));
    for (size_t i = 0; i < net_walk_size(w, in); i++)
        if (!(fabsf(dx[i]) < SAME)) m[i] = (a[i] + b[i]) / dx[i];
    net_bring(w, in, m);
done:
    net_give(w, a);
    net_give(w, b);
    net_give(w, dx);
    return status;
}

static limn_status maximum(net_walker *w, int k, const float *g) {
    limn_status status = LIMN_OK;
    float *up = NULL, *down = NULL;
    TRY(split(w, k, g, &up, &down));
    for (int j = 0; j < net_walk_node(w, k)->n_in; j++)
        if (net_walk_goes(w, k, j)) TRY(maximum_of(w, k, j, g, up, down));
done:
    net_give(w, up);
    net_give(w, down);
    return status;
}

static limn_status average(net_walker *w, int k, const float *g) {
    limn_status status = LIMN_OK;
    net_side *reference = &w->side[NET_SIDE_REFERENCE];
    float *m = NULL, *m0 = NULL;
    TRY(net_walk_vjp(w, w->now, k, g));
    TRY(net_walk_vjp(w, reference, k, g));
    for (int j = 0; j < net_walk_node(w, k)->n_in; j++) {
        int in = net_walk_node(w, k)->in[j];
        if (!net_walk_goes(w, k, j)) continue;
        TRY(net_walk_grad(w, w->now, j, k, &m));
        TRY(net_walk_grad(w, reference, j, k, &m0));
        for (size_t i = 0; i < net_walk_size(w, in); i++) m[i] = (m[i] + m0[i]) / 2;
        net_bring(w, in, m);
        net_give(w, m0);
        m0 = NULL;
    }
done:
    return status;
}

static const net_walk_step binaries[LIMN_BINARIES] = {
    [LIMN_F_MUL] = average, [LIMN_F_DIV] = average, [LIMN_F_MAX] = maximum,
    [LIMN_F_MIN] = maximum, [LIMN_F_POW] = average, [LIMN_F_PRELU] = average};
static const net_walk_step steps[LIMN_OPS] = {
    [LIMN_OP_RELU] = function,   [LIMN_OP_UNARY] = function,     [LIMN_OP_MAXPOOL] = maximum,
    [LIMN_OP_MATMUL] = average,  [LIMN_OP_NORM] = average,       [LIMN_OP_LRN] = average,
    [LIMN_OP_SOFTMAX] = average, [LIMN_OP_LOG_SOFTMAX] = average};

limn_status net_walk_rescale(net_walker *w, int k, const float *R) {
    const limn_node *node = net_walk_node(w, k);
    net_walk_step step = steps[node->op];
    if (node->op == LIMN_OP_BINARY) step = binaries[node->attr.f];
    if (node->op == LIMN_OP_REDUCE && node->attr.f != LIMN_F_SUM && node->attr.f != LIMN_F_MEAN)
        step = node->attr.f == LIMN_F_MAXIMUM || node->attr.f == LIMN_F_MINIMUM ? maximum : average;
    return step ? step(w, k, R) : net_walk_gradient(w, k, R);
}

/* ---- rectified gradients --------------------------------------------------------------------------------------------- */
static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int rectifies(const limn_node *node) {
    int f = node->attr.f;
    return node->op == LIMN_OP_RELU || (node->op == LIMN_OP_UNARY && (f == LIMN_F_CLIP || f == LIMN_F_RECT));
}

limn_status net_walk_rectify(net_walker *w, int k, const float *R) {
    limn_status status = LIMN_OK;
    float *a = NULL, *sorted = NULL, *out = NULL;
    size_t n = net_walk_size(w, k) / w->B;
    if (!rectifies(net_walk_node(w, k))) return net_walk_gradient(w, k, R);
    if (!net_walk_goes(w, k, 0)) return LIMN_OK;
    TRY(net_walk_value(w, w->now, k, &a));
    TRY(net_take(w, n, &sorted));
    TRY(net_take(w, w->B * n, &out));
    for (size_t b = 0; b < w->B; b++) {
        float *product = a + b * n;
        for (size_t i = 0; i < n; i++) product[i] *= R[b * n + i];
        memcpy(sorted, product, n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, ascending);
        float threshold = sorted[(size_t)lround(w->how->quantile * (double)(n - 1))];
        for (size_t i = 0; i < n; i++) out[b * n + i] = product[i] > threshold ? R[b * n + i] : 0;
    }
    if (net_walk_node(w, k)->op == LIMN_OP_RELU) {
        net_bring(w, net_walk_node(w, k)->in[0], out);
        out = NULL;
    } else { /* ReLU6 and the like: what they cut off stays cut off */
        TRY(net_walk_gradient(w, k, out));
    }
done:
    net_give(w, out);
    net_give(w, a);
    net_give(w, sorted);
    return status;
}

/* ---- biases ---------------------------------------------------------------------------------------------------------- */
limn_status net_walk_biases(net_walker *w, int k, const float *R) {
    const limn_node *node = net_walk_node(w, k);
    if (node->bias && node->n_bias == node->out.dim[0]) w->how->visit(w->how->arg, &node->out, node->bias, R);
    return net_walk_gradient(w, k, R);
}
