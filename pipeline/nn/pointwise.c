/* Convolution by one tap, channels last: the engine's own (see plan.h).
 *
 *   forward    y (P, K) = a(x (P, C) W^T + bias), P the pixels of a chunk; a: the activation that the step took over, or none
 *   gradient   gx (P, C) = gy (P, K) W
 * A product of matrices by conv_kernels.h, whose sums become outputs before they leave the registers. Rows of x go in groups
 * that stay in the cache while every panel of W passes. Half the last vector, where channels leave one, goes to the set of
 * half its width. The library's does the same sums as fast, but its activation turns NaN into 0. */
#include "nn/conv_kernels.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/try.h"
#include "nn/plan.h"

enum { UNIT = 8, GROUP_BYTES = 256 << 10, GROUP_STEP = 48 };

typedef struct {
    const conv_kernels *kernels, *half;
    size_t P, C, K;
    int u, u_back; /* places: W in panels */
} pointwise;

int net_pointwise_fits(const limn_net *n, const limn_node *node) {
    const limn_op_attr *a = &node->attr;
    if (node->op != LIMN_OP_CONV2D || a->groups > 1) return 0;
    for (int i = 0; i < 2; i++)
        if (a->kernel[i] != 1 || a->stride[i] != 1 || a->pad[i] || a->pad[i + 2]) return 0;
    return net_picture_of(n, &n->graph->node[node->in[0]]).C % UNIT == 0 && net_picture_of(n, node).C % UNIT == 0;
}

/* ---- planning ----------------------------------------------------------------------------------------------------- */
/* Channels in whole vectors of the set; what is left, 0 or UNIT, goes to `half`. */
static size_t whole(const pointwise *t, size_t K) {
    return K / t->kernels->lanes * t->kernels->lanes;
}

/* *mem = a place of w (K, C) as (C, K), or back (K, C), in panels of two vectors of columns. */
static limn_status add_panels(limn_net *n, const pointwise *t, const float *w, int back, int *mem) {
    limn_status status = LIMN_OK;
    size_t columns = back ? t->C : t->K, rows = back ? t->K : t->C, panel = 2 * t->kernels->lanes;
    const dnnl_dims_t dims = {1, back ? 1 : (dnnl_dim_t)rows, (dnnl_dim_t)(back ? rows : columns), (dnnl_dim_t)columns};
    float *u;
    TRY(net_add_own(n, w, back ? 4 : 3, dims, mem, &u));
    if (!u) goto done;
    for (size_t first = 0, wide; first < columns; first += wide, u += rows * wide) {
        size_t left = columns - first, all = whole(t, left);
        wide = all >= panel ? panel : all ? all : left;
        for (size_t r = 0; r < rows; r++)
            for (size_t i = 0; i < wide; i++) u[r * wide + i] = w[back ? r * t->C + first + i : (first + i) * t->C + r];
    }
done:
    return status;
}

static limn_status plan(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    pointwise *t;
    dc_md x = NULL, y = NULL;
    const limn_node *from = net_node_in(n, s);
    net_picture in = net_picture_of(n, from), out = net_picture_of(n, s->node);
    TRY(limn_new(&t, 1, sizeof *t));
    s->table = t;
    *t = (pointwise){.P = in.N * in.H * in.W, .C = in.C, .K = out.C, .kernels = conv_kernels_best()};
    t->half = conv_kernels_of(UNIT);
    TRY(net_blocked(n, from, in.C, &x));
    TRY(net_blocked(n, s->node, out.C, &y));
    TRY(net_place(n, s, x, y, y, x));
    TRY(add_panels(n, t, s->node->weight, 0, &t->u));
    if (s->link->gx >= 0) TRY(add_panels(n, t, s->node->weight, 1, &t->u_back));
    s->acts = 1;
    snprintf(s->backend, sizeof s->backend, "pointwise %s", t->kernels->name);
done:
    dc_md_free(x);
    dc_md_free(y);
    return status;
}

/* ---- running ------------------------------------------------------------------------------------------------------ */
static void multiply(const pointwise *t, const float *x, const float *u, float *y, size_t C, size_t K, conv_end end) {
    size_t main = whole(t, K), group = GROUP_BYTES / (C * sizeof *x) / GROUP_STEP * GROUP_STEP;
    conv_end rest = end;
    if (rest.bias) rest.bias += main;
    if (group == 0) group = GROUP_STEP;
    for (size_t p = 0; p < t->P; p += group, x += group * C, y += group * K) {
        size_t T = t->P - p < group ? t->P - p : group;
        if (main) t->kernels->products(x, u, y, T, C, main, K, &end);
        if (main < K) t->half->products(x, u + C * main, y + main, T, C, K - main, K, &rest);
    }
}

static limn_status forward(const net_step *s, limn_session *run) {
    const pointwise *t = s->table;
    conv_end end = {s->node->bias, s->act.lo, s->act.hi};
    multiply(t, run->address[s->link->x], run->address[t->u], run->address[s->value], t->C, t->K, end);
    return LIMN_OK;
}

static limn_status vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    const pointwise *t = s->table;
    (void)rule;
    (void)j;
    multiply(t, run->address[s->gy], run->address[t->u_back], run->address[s->link->gx], t->K, t->C, CONV_SUM);
    return LIMN_OK;
}

const net_op net_pointwise = {"pointwise", plan, forward, vjp, 0, 0};
