/* What is simplified before a network is planned: a table of passes over the net's own copy of the nodes.
 *
 * No pass changes what a layer is: each can still be named, its value taken, a gradient sent to it and from it. A pass
 * that computes two nodes in one *bypasses* the first: nothing reads it any more, and only where it is asked for is it
 * computed, as it was. The node that took over keeps a *long way*, the step as it was before, by which a gradient goes to
 * the bypassed node and no further:
 *
 *     pad -> conv -> relu     conv reads what pad reads, with the zeros as its own padding; pad is bypassed
 *     dy at conv              to x and below: the gradient of that convolution;
 *                             to pad: the gradient of the convolution as it was
 *
 * So the bits of what is asked for do not depend on what else is: a run that stores one layer more has the same numbers.
 * No sum changes but by terms that are zero. The plain backend leaves the padding too: it is the oracle.
 *
 *   once       what depends on no input is computed when a session is made
 *   drop       a node that changes nothing (reshape to the same shape, zero padding by nothing, ...) is its input
 *   padding    zeros around a picture become the padding of the convolution that alone reads them
 *   norm       a scale (a batch norm at inference) and the activation that alone reads it are one walk over memory: scale.c
 *   fused      a ReLU or a clip is computed by the convolution that it alone reads, before the values leave it
 *   over       an activation or a scale that alone reads a value may lie over it
 *
 * The softmax at the end is not swapped here, since that does change a layer: graph_swap_softmax. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "nn/plan.h"

/* ---- what passes ask ------------------------------------------------------------------------------------------------- */
static limn_node *node_at(const limn_net *n, int k) {
    return &n->work.node[k];
}

static int same_shape(const limn_shape *a, const limn_shape *b) {
    if (a->rank != b->rank) return 0;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return 0;
    return 1;
}

/* Node k's only input, if k alone reads it, it is one of a picture's or a vector's for every sample, and no output of the
 * whole; else -1. */
static int alone_with(const limn_net *n, int k) {
    const limn_node *node = node_at(n, k);
    if (node->n_in != 1 || !node->batched || n->twin[k] >= 0) return -1;
    int in = node->in[0];
    return n->readers[in] == 1 && node_at(n, in)->n_in == 1 && !n->bypassed[in] ? in : -1;
}

/* Node k takes over what node `in` does, and reads what that read; *node = its new form. */
static void bypass(limn_net *n, int k, int in, limn_node form) {
    limn_node *node = node_at(n, k);
    int twin = n->n_steps++;
    *node_at(n, twin) = *node;
    n->twin[k] = twin;
    n->in_room[k] = node_at(n, in)->in[0];
    form.layer = node->layer;
    form.in = &n->in_room[k];
    form.out = node->out;
    *node = form;
    n->bypassed[in] = 1;
}

/* ---- the passes ------------------------------------------------------------------------------------------------------ */
static limn_status compute_once(limn_net *n, int k, int *done) {
    const limn_node *node = node_at(n, k);
    int still = node->op != LIMN_OP_INPUT;
    for (int j = 0; j < node->n_in; j++) still &= n->once[node->in[j]];
    n->once[k] = (unsigned char)still;
    *done = still && node->op != LIMN_OP_CONST;
    return LIMN_OK;
}

static int moves_nothing(const limn_op_attr *a, int rank) {
    for (int i = 0; i < rank; i++)
        if (a->before[i] || a->after[i]) return 0;
    return 1;
}

static int is_in_order(const limn_op_attr *a, int rank) {
    for (int i = 0; i < rank; i++)
        if (a->perm[i] != i) return 0;
    return 1;
}

static int takes_all(const limn_op_attr *a, int rank) {
    for (int i = 0; i < rank; i++)
        if (a->start[i] != 0 || a->step[i] != 1) return 0;
    return 1;
}

static int is_one_pixel(const limn_op_attr *a, int rank) {
    (void)rank;
    return a->kernel[0] * a->kernel[1] * a->stride[0] * a->stride[1] == 1 &&
           !(a->pad[0] | a->pad[1] | a->pad[2] | a->pad[3]);
}

static int always(const limn_op_attr *a, int rank) {
    (void)a;
    (void)rank;
    return 1;
}

/* Where the output has the input's shape, what else makes a node change nothing. */
static int (*const changes_nothing[LIMN_OPS])(const limn_op_attr *a, int rank) = {
    [LIMN_OP_RESHAPE] = always,       [LIMN_OP_EXPAND] = always,        [LIMN_OP_TRANSPOSE] = is_in_order,
    [LIMN_OP_PAD] = moves_nothing,    [LIMN_OP_SLICE] = takes_all,      [LIMN_OP_CONCAT] = always,
    [LIMN_OP_MAXPOOL] = is_one_pixel, [LIMN_OP_AVGPOOL] = is_one_pixel,
};

static limn_status drop(limn_net *n, int k, int *done) {
    limn_node *node = node_at(n, k);
    *done = node->op == LIMN_OP_IDENTITY;
    if (node->n_in != 1 || !changes_nothing[node->op]) return LIMN_OK;
    const limn_node *in = node_at(n, node->in[0]);
    if (in->batched != node->batched || !same_shape(&in->out, &node->out)) return LIMN_OK;
    if (!changes_nothing[node->op](&node->attr, node->out.rank)) return LIMN_OK;
    node->op = LIMN_OP_IDENTITY;
    *done = 1;
    return LIMN_OK;
}

static limn_status fold_padding(limn_net *n, int k, int *done) {
    const limn_node *conv = node_at(n, k);
    int at = conv->op == LIMN_OP_CONV2D ? alone_with(n, k) : -1;
    if (at < 0) return LIMN_OK;
    const limn_op_attr *p = &node_at(n, at)->attr;
    if (node_at(n, at)->op != LIMN_OP_PAD || p->mode != LIMN_PAD_CONSTANT || p->p[0] != 0) return LIMN_OK;
    limn_node form = *conv;
    for (int i = 0; i < 2; i++) {
        long span = (long)(form.attr.kernel[i] - 1) * form.attr.dilation[i] + 1;
        long before = form.attr.pad[i] + p->before[i + 1], after = form.attr.pad[i + 2] + p->after[i + 1];
        if (before >= span || after >= span) return LIMN_OK; /* not what a library is asked for elsewhere */
        form.attr.pad[i] = (int)before;
        form.attr.pad[i + 2] = (int)after;
    }
    if (p->before[0] || p->after[0]) return LIMN_OK;
    bypass(n, k, at, form);
    *done = 1;
    return LIMN_OK;
}

static int is_clip(const limn_node *node) {
    return node->op == LIMN_OP_UNARY && node->attr.f == LIMN_F_CLIP;
}

static limn_status join_scale(limn_net *n, int k, int *done) {
    const limn_node *act = node_at(n, k);
    int at = act->op == LIMN_OP_RELU || is_clip(act) ? alone_with(n, k) : -1;
    if (at < 0 || node_at(n, at)->op != LIMN_OP_SCALE) return LIMN_OK;
    const limn_node *scale = node_at(n, at);
    limn_node form = *act;
    form.attr.axis = scale->attr.axis;
    form.weight = scale->weight;
    form.bias = scale->bias;
    form.n_weight = scale->n_weight;
    form.n_bias = scale->n_bias;
    bypass(n, k, at, form);
    *done = 1;
    return LIMN_OK;
}

/* Where the engine's own kernels compute the convolution: their sums, and so all bits, are the same without it. */
static limn_status fuse_activation(limn_net *n, int k, int *done) {
    const limn_node *act = node_at(n, k);
    int relu = act->op == LIMN_OP_RELU, at = (relu || is_clip(act)) && !act->weight ? alone_with(n, k) : -1;
    if (at < 0 || !(net_pointwise_fits(n, node_at(n, at)) || net_depthwise_fits(n, node_at(n, at)))) return LIMN_OK;
    net_act took = {act->op, relu ? 0 : act->attr.p[0], relu ? INFINITY : act->attr.p[1]};
    if (!(took.lo <= 0 && took.hi >= 0)) return LIMN_OK; /* channels that fill up a block stay zero */
    bypass(n, k, at, *node_at(n, at));
    n->act[k] = took;
    *done = 1;
    return LIMN_OK;
}

static limn_status write_over(limn_net *n, int k, int *done) {
    const limn_node *node = node_at(n, k);
    int may = node->op == LIMN_OP_RELU || node->op == LIMN_OP_SCALE || is_clip(node);
    n->over[k] = may && !n->bypassed[k] && node->n_in == 1 && n->readers[node->in[0]] == 1;
    *done = n->over[k];
    return LIMN_OK;
}

const net_pass net_passes[] = {
    {"once", "computed when a session is made", 1, compute_once},
    {"drop", "changes nothing", 1, drop},
    {"padding", "its padding is the convolution's own", 0, fold_padding},
    {"norm", "an activation with the scale that it reads", 1, join_scale},
    {"fused", "its convolution computes it", 0, fuse_activation},
    {"over", "may lie over its input", 1, write_over},
    {NULL, NULL, 0, NULL},
};

/* ---- the copy ------------------------------------------------------------------------------------------------------- */
/* Who reads whom: a bypassed node's links count for nothing, since at most one of it and of the node that took over has a
 * gradient; it is itself read by the long way alone. */
static void count_readers(limn_net *n) {
    memset(n->readers, 0, (size_t)n->n_steps * sizeof *n->readers);
    for (int k = 0; k < n->n_steps; k++)
        for (int j = 0; j < node_at(n, k)->n_in && !(k < n->work.n_nodes && n->bypassed[k]); j++)
            if (k < n->work.n_nodes || n->bypassed[node_at(n, k)->in[j]]) n->readers[node_at(n, k)->in[j]]++;
}

limn_status net_simplify(limn_net *n, const limn_graph *g, int as_it_stands) {
    limn_status status = LIMN_OK;
    size_t nodes = (size_t)g->n_nodes, most = 2 * nodes;
    n->given = g;
    n->work = *g;
    n->work.node = NULL;
    TRY(limn_new(&n->work.node, most, sizeof *n->work.node));
    memcpy(n->work.node, g->node, nodes * sizeof *g->node);
    n->n_steps = g->n_nodes;
    TRY(limn_new(&n->twin, most, sizeof *n->twin));
    TRY(limn_new(&n->in_room, nodes, sizeof *n->in_room));
    TRY(limn_new(&n->bypassed, nodes, 1));
    TRY(limn_new(&n->once, nodes, 1));
    TRY(limn_new(&n->over, most, 1));
    TRY(limn_new(&n->act, most, sizeof *n->act));
    TRY(limn_new(&n->passed, nodes, 1));
    TRY(limn_new(&n->readers, most, sizeof *n->readers));
    for (size_t k = 0; k < most; k++) {
        n->twin[k] = -1;
        n->act[k] = (net_act){LIMN_OP_INPUT, -INFINITY, INFINITY};
    }
    for (int p = 0; !as_it_stands && net_passes[p].name; p++) {
        if (!net_passes[p].exact && n->backend == LIMN_BACKEND_REF) continue;
        count_readers(n);
        for (int k = 0; k < g->n_nodes; k++) {
            int done = 0;
            TRY(net_passes[p].apply(n, k, &done));
            if (done) n->passed[k] |= (unsigned char)(1 << p);
        }
    }
    count_readers(n);
done:
    return status;
}

void net_unsimplify(limn_net *n) {
    free(n->readers);
    free(n->passed);
    free(n->act);
    free(n->over);
    free(n->once);
    free(n->bypassed);
    free(n->in_room);
    free(n->twin);
    free(n->work.node);
}

const char *limn_net_passes(const limn_net *n, int node, char buf[LIMN_PASSES_TEXT]) {
    size_t used = 0;
    *buf = 0;
    if (node < 0 || node >= n->work.n_nodes) return buf;
    if (n->bypassed[node]) used = (size_t)snprintf(buf, LIMN_PASSES_TEXT, "bypassed");
    for (int p = 0; net_passes[p].name; p++)
        if (n->passed[node] & 1 << p && used < LIMN_PASSES_TEXT)
            used += (size_t)snprintf(buf + used, LIMN_PASSES_TEXT - used, "%s%s", used ? ", " : "", net_passes[p].name);
    return buf;
}
