/* The graph of a network: building, checking, asking. See graph.h for the data model and ownership.
 *
 * Nodes are appended in topological order, so that one pass in order infers every shape (graph_finish); what an op
 * needs of its input stands in limn_op_table (ops.c). Threading: a graph under construction belongs to one thread; a
 * finished one is only read. */
#include "model/graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

enum { MAX_NODES = 1 << 16 }; /* far beyond any network, far below int */
/* A file of a kilobyte can ask for years. The largest networks of pictures take some 3e12 multiplications a sample, and
 * a number that a pool looks at costs as much as a hundred of them. */
static const double MAX_WORK = 1e13, POOL_WORK = 100;

limn_status graph_new(limn_graph **out) {
    limn_status status = limn_new(out, 1, sizeof **out);
    if (status == LIMN_OK) (*out)->final_activation = LIMN_OP_IDENTITY;
    return status;
}

void graph_free(limn_graph *g) {
    if (!g) return;
    for (int i = 0; i < g->n_nodes; i++) {
        free(g->node[i].weight);
        free(g->node[i].bias);
        free(g->node[i].in);
    }
    for (int i = 0; i < g->n_layers; i++) {
        free(g->layer[i].name);
        free(g->layer[i].type);
    }
    for (int i = 0; i < g->n_outputs; i++) free(g->output[i]);
    free(g->output);
    free(g->node);
    free(g->layer);
    free(g->format);
    free(g->producer);
    free(g);
}

limn_status graph_add_layer(limn_graph *g, const char *name, const char *type, limn_kind kind, int *index) {
    limn_status status = LIMN_OK;
    limn_layer l = {.first = g->n_nodes, .last = g->n_nodes - 1, .kind = kind};
    if (g->n_layers >= MAX_NODES) FAIL(LIMN_EINPUT, "more than %d layers", MAX_NODES);
    TRY(limn_grow(&g->layer, (size_t)g->n_layers, &g->room_layers, sizeof *g->layer));
    TRY(limn_strdup(&l.name, name));
    TRY(limn_strdup(&l.type, type));
    g->layer[g->n_layers] = l;
    *index = g->n_layers++;
done:
    if (status != LIMN_OK) {
        free(l.name);
        free(l.type);
    }
    return status;
}

/* Whether a node of n_in inputs may be the next one. */
static limn_status may_add(const limn_graph *g, limn_op op, int n_in, const int *in) {
    if ((unsigned)op >= LIMN_OPS) return limn_fail(LIMN_EFAIL, "there is no operation %d", (int)op);
    if (g->n_nodes >= MAX_NODES) return limn_fail(LIMN_EINPUT, "more than %d nodes", MAX_NODES);
    int source = op == LIMN_OP_INPUT || op == LIMN_OP_CONST, inputs = g->n_inputs == g->n_nodes;
    if ((op == LIMN_OP_INPUT && (!inputs || g->n_layers > 0)) || (g->n_nodes == 0 && op != LIMN_OP_INPUT))
        return limn_fail(LIMN_EFAIL, "a graph begins with its inputs, before any layer");
    if (g->n_layers == 0 && !source) return limn_fail(LIMN_EFAIL, "a node that is no input or constant needs a layer");
    if (source != (n_in == 0) || n_in > LIMN_MAX_IN)
        return limn_fail(LIMN_EFAIL, "node %d cannot read %d nodes", g->n_nodes, n_in);
    for (int i = 0; i < n_in; i++)
        if (in[i] < 0 || in[i] >= g->n_nodes)
            return limn_fail(LIMN_EFAIL, "node %d cannot read node %d", g->n_nodes, in[i]);
    return LIMN_OK;
}

limn_status graph_add_node_n(limn_graph *g, limn_op op, int n_in, const int *in, const limn_op_attr *attr,
                             limn_values weight, limn_values bias, int *index) {
    limn_status status = LIMN_OK;
    limn_node n = {.op = op, .layer = g->n_layers - 1, .n_in = n_in};
    TRY(may_add(g, op, n_in, in));
    TRY(limn_grow(&g->node, (size_t)g->n_nodes, &g->room_nodes, sizeof *g->node));
    if (n_in > 0) {
        TRY(limn_new(&n.in, (size_t)n_in, sizeof *n.in));
        memcpy(n.in, in, (size_t)n_in * sizeof *in);
    }
    if (attr) n.attr = *attr;
    n.weight = weight.v;
    n.n_weight = weight.v ? weight.n : 0;
    n.bias = bias.v;
    n.n_bias = bias.v ? bias.n : 0;
    g->node[g->n_nodes] = n;
    if (n.layer >= 0) g->layer[n.layer].last = g->n_nodes;
    if (index) *index = g->n_nodes;
    g->n_nodes++;
    g->n_inputs += op == LIMN_OP_INPUT;
    return LIMN_OK;
done:
    free(weight.v);
    free(bias.v);
    return status;
}

limn_status graph_add_node(limn_graph *g, limn_op op, int in, const limn_op_attr *attr, limn_values weight,
                           limn_values bias, int *index) {
    int source = op == LIMN_OP_INPUT || op == LIMN_OP_CONST;
    return graph_add_node_n(g, op, !(source && in == -1), &in, attr, weight, bias, index);
}

static limn_status finish_node(limn_graph *g, limn_node *n) {
    const limn_op_row *row = &limn_op_table[n->op];
    const limn_node *in[LIMN_MAX_IN];
    if (row->has_weight != (n->weight != NULL) || (!row->has_bias && n->bias))
        return limn_fail(LIMN_EINPUT, "%s", row->has_weight ? "it has no weights" : "it cannot have weights");
    if (n->n_in < row->min_in || n->n_in > row->max_in)
        return limn_fail(LIMN_EINPUT, "it cannot have %d inputs", n->n_in);
    n->batched = n->op == LIMN_OP_INPUT && !g->unbatched;
    for (int i = 0; i < n->n_in; i++) {
        in[i] = &g->node[n->in[i]];
        n->batched |= in[i]->batched;
    }
    return row->shape(n, in);
}

/* Multiplications, or numbers looked at, of one sample. */
static double work_of(const limn_graph *g, const limn_node *n) {
    const limn_shape *in = n->n_in ? &g->node[n->in[0]].out : &n->out;
    double out = (double)limn_shape_size(&n->out), k = 1;
    switch (n->op) {
    case LIMN_OP_CONV2D:
    case LIMN_OP_DENSE:
        return out * (double)n->n_weight / n->attr.units;
    case LIMN_OP_CONVT2D:
        return (double)limn_shape_size(in) * (double)n->n_weight / (double)in->dim[n->batched ? 0 : 1];
    case LIMN_OP_MATMUL:
        return out * (double)in->dim[in->rank - 1];
    case LIMN_OP_MAXPOOL:
    case LIMN_OP_AVGPOOL:
        for (int i = 0; i < 2; i++) k *= fmin(n->attr.kernel[i], (double)in->dim[in->rank - 2 + i]);
        return out * k * POOL_WORK;
    default:
        return out;
    }
}

static int is_identity(const limn_graph *g, const limn_layer *l) {
    for (int k = l->first; k <= l->last; k++)
        if (g->node[k].op != LIMN_OP_IDENTITY) return 0;
    return 1;
}

/* Whether layer `to` gives pictures of the rows and columns of layer `from`, place by place. */
static int goes_on(const limn_graph *g, int from, int to) {
    const limn_layer *l = &g->layer[to];
    const limn_shape *a = graph_layer_shape(g, from), *b = graph_layer_shape(g, to);
    limn_op only = l->first == l->last ? g->node[l->last].op : LIMN_OPS;
    return l->kind == LIMN_KIND_OTHER && to < g->n_layers - 1 && a->rank == 3 && b->rank == 3 &&
           a->dim[1] == b->dim[1] && a->dim[2] == b->dim[2] && only != LIMN_OP_TRANSPOSE && only != LIMN_OP_RESHAPE;
}

/* Of the layers that read a layer and go on from it the last is followed (of Sigmoid and Mul, that are a swish, Mul). One
 * that passes its input on is no place to settle. */
static void settle(limn_graph *g) {
    for (int i = 0; i < g->n_layers; i++) g->layer[i].settled = i;
    for (int k = 0; k < g->n_nodes; k++)
        for (int i = 0; i < g->node[k].n_in && g->node[k].layer >= 0; i++) {
            int from = g->node[g->node[k].in[i]].layer, to = g->node[k].layer;
            if (from >= 0 && from != to && g->layer[from].last == g->node[k].in[i] && goes_on(g, from, to))
                g->layer[from].settled = to;
        }
    for (int i = g->n_layers - 1; i >= 0; i--) {
        int to = g->layer[i].settled, end = g->layer[to].settled;
        g->layer[i].settled = end == to && is_identity(g, &g->layer[to]) ? i : end;
    }
}

limn_status graph_finish(limn_graph *g) {
    double work = 0;
    if (g->n_nodes == 0) return limn_fail(LIMN_EINPUT, "the network has no input");
    if (g->n_layers == 0) return limn_fail(LIMN_EINPUT, "the network has no layers");
    for (int i = 0; i < g->n_nodes; i++) {
        limn_node *n = &g->node[i];
        limn_status s = finish_node(g, n);
        if (s == LIMN_OK) work += work_of(g, n);
        if (s == LIMN_OK && work > MAX_WORK)
            s = limn_fail(LIMN_EINPUT, "up to here one sample takes more than %.0e multiplications: that is too much",
                          MAX_WORK);
        if (s == LIMN_OK) continue;
        if (n->layer < 0) return limn_fail_at(s, n->op == LIMN_OP_INPUT ? "the input: " : "a constant: ");
        return limn_fail_at(s, "layer `%s` (%s): ", g->layer[n->layer].name, g->layer[n->layer].type);
    }
    for (int i = 0; i < g->n_layers; i++) {
        limn_layer *l = &g->layer[i];
        if (l->last < l->first) return limn_fail(LIMN_EFAIL, "layer `%s` (%s) has no nodes", l->name, l->type);
        if (!l->counted) l->params = 0;
        for (int k = l->first; k <= l->last && !l->counted; k++) l->params += g->node[k].n_weight + g->node[k].n_bias;
    }
    settle(g);
    return LIMN_OK;
}

/* Whether node k makes probabilities of scores: a softmax of a vector, or the sigmoid of a single output. */
static int is_final(const limn_node *n) {
    if (n->op == LIMN_OP_SOFTMAX || n->op == LIMN_OP_LOG_SOFTMAX) return 1;
    return n->op == LIMN_OP_UNARY && n->attr.f == LIMN_F_SIGMOID && limn_shape_size(&n->out) == 1;
}

limn_status graph_swap_softmax(limn_graph *g) {
    if (g->n_layers == 0) return LIMN_OK;
    int last = g->layer[g->n_layers - 1].last;
    while (last > 0 && g->node[last].op == LIMN_OP_IDENTITY) last = g->node[last].in[0];
    if (last <= 0 || g->node[last].layer < 0 || !is_final(&g->node[last])) return LIMN_OK;
    limn_layer *l = &g->layer[g->node[last].layer];
    limn_op was = g->node[last].op;
    /* A layer keeps at least one node, which gives its output; elsewhere than at the very end, removing a node would
     * renumber others. */
    if (last == g->n_nodes - 1 && l->first < last && g->node[last].in[0] == last - 1) {
        free(g->node[last].in);
        l->last--;
        g->n_nodes--;
    } else {
        g->node[last].op = LIMN_OP_IDENTITY;
    }
    g->final_activation = was;
    return LIMN_OK;
}

int graph_find_layer(const limn_graph *g, const char *name_or_index) {
    for (int i = 0; i < g->n_layers; i++)
        if (strcmp(g->layer[i].name, name_or_index) == 0) return i;
    int index = 0;
    if (!*name_or_index) return -1;
    for (const char *p = name_or_index; *p; p++) {
        if (*p < '0' || *p > '9' || index > MAX_NODES) return -1;
        index = index * 10 + (*p - '0');
    }
    return index < g->n_layers ? index : -1;
}

static int last_dense_before(const limn_graph *g, int end) {
    int i = end - 1;
    while (i >= 0 && g->layer[i].kind != LIMN_KIND_DENSE) i--;
    return i;
}

/* The only layer that this one reads; LIMN_INPUT, or -2 where it reads several. */
static int layer_before(const limn_graph *g, int layer) {
    const limn_layer *l = &g->layer[layer];
    int from = -1;
    for (int k = l->first; k <= l->last; k++)
        for (int i = 0; i < g->node[k].n_in; i++) {
            int at = g->node[k].in[i];
            if (at >= l->first || g->node[at].op == LIMN_OP_CONST) continue;
            if (from >= 0 && at != from) return -2;
            from = at;
        }
    return from < 0 ? LIMN_INPUT : g->node[from].layer;
}

/* A classifier that is a convolution of one pixel: of the last such layer. */
static int last_one_pixel_conv(const limn_graph *g) {
    for (int i = g->n_layers - 1; i >= 0; i--) {
        if (g->layer[i].kind != LIMN_KIND_CONV) continue;
        const limn_shape *s = graph_layer_shape(g, i);
        int from = layer_before(g, i);
        const limn_shape *in = from >= 0 ? graph_layer_shape(g, from) : s;
        return from >= 0 && s->rank == 3 && s->dim[1] * s->dim[2] == 1 && in->rank == 3 && in->dim[1] * in->dim[2] == 1
                   ? i
                   : -1;
    }
    return -1;
}

/* The dense layer that feeds the scores, through activations and the like only: one of a branch is none. */
int graph_feature_layer(const limn_graph *g) {
    int scores = last_dense_before(g, g->n_layers), hidden;
    if (scores < 0) scores = last_one_pixel_conv(g);
    if (scores < 0) return -1;
    hidden = layer_before(g, scores);
    while (hidden >= 0 && g->layer[hidden].kind == LIMN_KIND_OTHER) hidden = layer_before(g, hidden);
    if (hidden >= 0 && g->layer[hidden].kind == LIMN_KIND_DENSE) return hidden;
    hidden = layer_before(g, scores);
    return hidden >= 0 ? hidden : -1;
}

int graph_cam_layer(const limn_graph *g) {
    for (int i = g->n_layers - 1; i >= 0; i--) {
        const limn_shape *s = graph_layer_shape(g, i);
        if (g->layer[i].kind == LIMN_KIND_CONV && s->rank == 3 && s->dim[1] * s->dim[2] > 1) return g->layer[i].settled;
    }
    return -1;
}

const limn_shape *graph_layer_shape(const limn_graph *g, int layer) {
    return &g->node[layer < 0 ? 0 : g->layer[layer].last].out;
}

const char *graph_shape_text(const limn_shape *s, int hwc, char buf[LIMN_SHAPE_TEXT]) {
    size_t used = 0;
    int turn = hwc && s->rank == 3; /* H, W, C: dim 1, 2, 0 */
    for (int i = 0; i < s->rank && used < LIMN_SHAPE_TEXT; i++)
        used += (size_t)snprintf(buf + used, LIMN_SHAPE_TEXT - used, "%s%zu", i ? ", " : "(",
                                 s->dim[turn ? (i + 1) % 3 : i]);
    if (used < LIMN_SHAPE_TEXT)
        snprintf(buf + used, LIMN_SHAPE_TEXT - used, s->rank == 1 ? ",)" : s->rank ? ")" : "()");
    return buf;
}
