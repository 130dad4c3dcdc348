/* Networks that are made of a network for walks through its nodes (walk.h), lazily and once for all its sessions.
 *
 *  plain    the same nodes, each a layer of its own: a session keeps every node's value
 *  folded   the same without the batch norms that follow a convolution or dense layer which nothing else reads: they are
 *           part of its weights (model/fold.h); where there are none it is `plain`
 *  variant  one linear node of `folded` behind an input, with max(w, 0), w^2 … for weights: what the rules of LRP are
 *           made of, through the engine's own primitives
 *
 * All are planned for the net's own chunk and backend. The net owns them; a mutex guards the making. */
#include "nn/expand.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/fold.h"

struct net_extras {
    pthread_mutex_t lock;
    net_expanded *expanded[NET_EXPANSIONS];
    int unfolded;          /* there is nothing to fold: `folded` is `plain` */
    net_variant **variant; /* owned, each on its own: sessions keep pointers */
    int n_variants;
    size_t room_variants;
};

limn_status net_extras_new(net_extras **out) {
    limn_status status = LIMN_OK;
    TRY(limn_new(out, 1, sizeof **out));
    pthread_mutex_init(&(*out)->lock, NULL);
done:
    return status;
}

static void expanded_free(net_expanded *e) {
    if (!e) return;
    limn_net_free(e->net);
    for (int k = 0; e->graph.node && k < e->graph.n_nodes; k++) free(e->graph.node[k].in);
    for (int i = 0; e->own && i < 2 * e->graph.n_nodes; i++) free(e->own[i]);
    free(e->layer_of);
    free(e->linear);
    free(e->own);
    free(e->node_of);
    free(e->graph.layer);
    free(e->graph.node);
    free(e);
}

static void variant_free(net_variant *v) {
    if (!v) return;
    limn_net_free(v->net);
    free(v->own[0]);
    free(v->own[1]);
    free(v);
}

void net_extras_free(net_extras *e) {
    if (!e) return;
    for (int i = 0; i < NET_EXPANSIONS; i++) expanded_free(e->expanded[i]);
    for (int i = 0; i < e->n_variants; i++) variant_free(e->variant[i]);
    free(e->variant);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

/* ---- expanded ---------------------------------------------------------------------------------------------------- */
/* The node that batch norm k is folded into, or -1. */
static int folds_into(const limn_graph *g, const int *readers, int k) {
    const limn_node *node = &g->node[k];
    if (node->op != LIMN_OP_SCALE || !node->batched) return -1;
    int in = node->in[0];
    return readers[in] == 1 && graph_folds(&g->node[in], node) ? in : -1;
}

/* into[k]: the node into which k is folded; gone[k]: k has been folded into its reader. */
static limn_status fold_all(const limn_graph *g, net_expanded *e, int *into, unsigned char *gone) {
    limn_status status = LIMN_OK;
    int *readers = NULL;
    TRY(limn_new(&readers, (size_t)g->n_nodes, sizeof *readers));
    for (int k = 0; k < g->n_nodes; k++)
        for (int j = 0; j < g->node[k].n_in; j++) readers[g->node[k].in[j]]++;
    for (int k = 0; k < g->n_nodes; k++) {
        int fits = 0, at = folds_into(g, readers, k);
        into[k] = -1;
        if (at < 0) continue;
        const limn_node *from = &g->node[at];
        TRY(graph_fold(from, g->node[from->in[0]].out.dim[0], &g->node[k], &e->own[2 * k], &e->own[2 * k + 1], &fits));
        if (!fits) continue;
        into[k] = at;
        gone[at] = 1;
        e->folds++;
    }
done:
    free(readers);
    return status;
}

static limn_status copy_inputs(limn_node *to, const limn_node *from, const int *node_of) {
    limn_status status = LIMN_OK;
    to->in = NULL;
    to->n_in = from->n_in;
    TRY(limn_new(&to->in, (size_t)from->n_in, sizeof *to->in));
    for (int j = 0; j < from->n_in; j++) to->in[j] = node_of[from->in[j]];
done:
    return status;
}

static int has_rule(const limn_node *node) {
    return node->batched && (node->op == LIMN_OP_CONV2D || node->op == LIMN_OP_CONVT2D || node->op == LIMN_OP_DENSE);
}

/* linear[k]: 2 where no linear node lies below, else 1. */
static limn_status mark_linear(net_expanded *e) {
    limn_status status = LIMN_OK;
    unsigned char *above = NULL; /* a linear node lies below the node's output */
    TRY(limn_new(&above, (size_t)e->graph.n_nodes, 1));
    for (int k = 0; k < e->graph.n_nodes; k++) {
        const limn_node *node = &e->graph.node[k];
        for (int j = 0; j < node->n_in; j++) above[k] |= above[node->in[j]];
        if (!has_rule(node)) continue;
        e->linear[k] = above[k] ? 1 : 2;
        above[k] = 1;
    }
done:
    free(above);
    return status;
}

static limn_status expand(const limn_net *n, int which, net_expanded **out) {
    limn_status status = LIMN_OK;
    const limn_graph *g = n->given;
    net_expanded *e = NULL;
    int *into = NULL;
    unsigned char *gone = NULL;
    size_t nodes = (size_t)g->n_nodes;
    TRY(limn_new(&e, 1, sizeof *e));
    TRY(limn_new(&into, nodes, sizeof *into));
    TRY(limn_new(&gone, nodes, 1));
    TRY(limn_new(&e->node_of, nodes, sizeof *e->node_of));
    TRY(limn_new(&e->own, 2 * nodes, sizeof *e->own));
    TRY(limn_new(&e->linear, nodes, 1));
    TRY(limn_new(&e->layer_of, nodes, sizeof *e->layer_of));
    e->graph = *g;
    e->graph.node = NULL;
    e->graph.layer = NULL;
    TRY(limn_new(&e->graph.node, nodes, sizeof *e->graph.node));
    TRY(limn_new(&e->graph.layer, nodes, sizeof *e->graph.layer));
    for (size_t k = 0; k < nodes; k++) into[k] = -1;
    if (which == NET_FOLDED) TRY(fold_all(g, e, into, gone));
    int next = 0, layers = 0;
    for (int k = 0; k < g->n_nodes; k++) {
        e->node_of[k] = -1;
        if (gone[k]) continue;
        const limn_node *from = into[k] < 0 ? &g->node[k] : &g->node[into[k]];
        limn_node *to = &e->graph.node[next];
        *to = *from;
        if (into[k] >= 0) {
            to->weight = e->own[2 * k];
            to->bias = e->own[2 * k + 1];
            to->n_bias = (size_t)from->attr.units;
        }
        TRY(copy_inputs(to, from, e->node_of));
        to->layer = -1;
        int layer = g->node[k].layer;
        e->layer_of[next] = layer >= 0 && g->layer[layer].last == k ? layer : -1;
        e->node_of[k] = next++;
        if (to->op == LIMN_OP_INPUT || (to->op == LIMN_OP_CONST && g->node[k].layer < 0)) continue;
        to->layer = layers;
        e->graph.layer[layers++] = (limn_layer){.name = g->layer[g->node[k].layer].name,
                                                .type = g->layer[g->node[k].layer].type,
                                                .first = next - 1,
                                                .last = next - 1};
    }
    e->graph.n_nodes = next;
    e->graph.n_layers = layers;
    TRY(mark_linear(e));
    e->shares = !e->folds && n->n_steps == g->n_nodes; /* no pass has put two nodes into one */
    if (which == NET_FOLDED && !e->folds) goto done;   /* it is the plain one */
    TRY(net_new_of(&e->net, &e->graph, n->backend, n->B));
    *out = e;
    e = NULL;
done:
    /* own holds two arrays for each node of the first graph: nodes that are gone leave room that stays unused */
    if (e) e->graph.n_nodes = g->n_nodes;
    expanded_free(e);
    free(into);
    free(gone);
    return status;
}

int limn_net_walks_share(const limn_net *n) {
    if (n->n_steps != n->given->n_nodes) return 0;
    for (int k = 0; k < n->given->n_nodes; k++)
        if (n->given->node[k].op == LIMN_OP_SCALE) return 0;
    return 1;
}

limn_status net_expand(const limn_net *n, int which, const net_expanded **out) {
    limn_status status = LIMN_OK;
    net_extras *e = n->extras;
    pthread_mutex_lock(&e->lock);
    if (which == NET_FOLDED && !e->expanded[which] && !e->unfolded) {
        TRY(expand(n, which, &e->expanded[which]));
        e->unfolded = !e->expanded[which];
    }
    if (which == NET_FOLDED && e->unfolded) which = NET_PLAIN;
    if (!e->expanded[which]) TRY(expand(n, which, &e->expanded[which]));
    *out = e->expanded[which];
done:
    pthread_mutex_unlock(&e->lock);
    return status;
}

/* ---- variants ---------------------------------------------------------------------------------------------------- */
static void change(float *w, size_t n, limn_lrp_weight how, double gamma) {
    for (size_t i = 0; i < n; i++) {
        float pos = w[i] > 0 ? w[i] : 0, neg = w[i] < 0 ? w[i] : 0;
        const float to[] = {[LIMN_LRP_W] = w[i],
                            [LIMN_LRP_W_POS] = pos,
                            [LIMN_LRP_W_NEG] = neg,
                            [LIMN_LRP_W_ONE] = 1,
                            [LIMN_LRP_W_SQUARE] = w[i] * w[i],
                            [LIMN_LRP_W_POS_MORE] = (float)(w[i] + gamma * pos),
                            [LIMN_LRP_W_NEG_MORE] = (float)(w[i] + gamma * neg)};
        w[i] = to[how];
    }
}

static limn_status changed(const net_variant *v, const float *from, size_t n, float **out) {
    limn_status status = LIMN_OK;
    TRY(limn_new(out, n, sizeof **out));
    memcpy(*out, from, n * sizeof **out);
    change(*out, n, v->weight, v->gamma);
done:
    return status;
}

static limn_status make_variant(const limn_net *n, const net_expanded *e, net_variant *v) {
    limn_status status = LIMN_OK;
    const limn_node *node = &e->graph.node[v->node], *in = &e->graph.node[node->in[0]];
    v->graph = (limn_graph){.node = v->nodes, .n_nodes = 2, .layer = &v->layer, .n_layers = 1, .n_inputs = 1};
    v->graph.unbatched = e->graph.unbatched;
    v->nodes[0] = (limn_node){.op = LIMN_OP_INPUT, .layer = -1, .batched = 1, .out = in->out};
    v->nodes[0].attr.shape = in->out;
    v->nodes[1] = *node;
    v->nodes[1].in = &v->in;
    v->nodes[1].layer = 0;
    v->layer = (limn_layer){.name = e->graph.layer[node->layer].name, .type = "", .first = 1, .last = 1};
    TRY(changed(v, node->weight, node->n_weight, &v->own[0]));
    v->nodes[1].weight = v->own[0];
    v->nodes[1].bias = NULL;
    v->nodes[1].n_bias = 0;
    if (v->bias && node->bias) {
        TRY(changed(v, node->bias, node->n_bias, &v->own[1]));
        v->nodes[1].bias = v->own[1];
        v->nodes[1].n_bias = node->n_bias;
    }
    TRY(net_new_of(&v->net, &v->graph, n->backend, n->B));
done:
    return status;
}

static limn_status find_variant(const limn_net *n, const net_variant *want, const net_variant **out) {
    limn_status status = LIMN_OK;
    net_extras *e = n->extras;
    net_variant *v = NULL;
    for (int i = 0; i < e->n_variants; i++) {
        const net_variant *have = e->variant[i];
        if (have->node != want->node || have->weight != want->weight || have->bias != want->bias) continue;
        if (have->gamma != want->gamma) continue;
        *out = have;
        return LIMN_OK;
    }
    TRY(limn_grow(&e->variant, (size_t)e->n_variants, &e->room_variants, sizeof(net_variant *)));
    TRY(limn_new(&v, 1, sizeof *v));
    *v = *want;
    TRY(make_variant(n, e->expanded[e->unfolded ? NET_PLAIN : NET_FOLDED], v));
    *out = e->variant[e->n_variants++] = v;
    v = NULL;
done:
    variant_free(v);
    return status;
}

limn_status net_variant_of(const limn_net *n, int node, limn_lrp_weight weight, int bias, double gamma,
                           const net_variant **out) {
    int by_gamma = weight == LIMN_LRP_W_POS_MORE || weight == LIMN_LRP_W_NEG_MORE;
    net_variant want = {.node = node, .bias = bias, .weight = weight, .gamma = by_gamma ? gamma : 0};
    pthread_mutex_lock(&n->extras->lock);
    limn_status status = find_variant(n, &want, out);
    pthread_mutex_unlock(&n->extras->lock);
    return status;
}
