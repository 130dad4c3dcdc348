/* Walks through a network node by node (walk.h), and forward passes from a replaced layer on.
 *
 *  1. The side of a session that the walk needs (the expanded net, folded for LRP) has the values of the session's last
 *     forward pass, each when it is first needed: taken from the session where that keeps it and nothing was folded, computed
 *     otherwise. Several walks of one chunk share them.
 *  2. What comes to a node's output stands in plain order in a buffer of a pool; a node is done when all its readers
 *     are, which the order of the nodes grants; then its buffer is free again.
 *  3. At a node its kind of step (walk_lrp.c, walk_rescale.c) makes of R what comes to its inputs.
 *
 * Sums are made in the reverse order of the nodes: the bits depend on nothing else. The session owns its walker, which
 * allocates what it needs in the first walk of a kind and keeps it. One thread. */
#include "nn/expand.h"

#include <string.h>

#include "base/mem.h"
#include "base/try.h"

/* ---- buffers ----------------------------------------------------------------------------------------------------- */
limn_status net_take(net_walker *w, size_t n, float **out) {
    limn_status status = LIMN_OK;
    net_buffer *best = NULL;
    for (int i = 0; i < w->n_pool; i++) {
        net_buffer *b = &w->pool[i];
        if (!b->taken && b->room >= n && (!best || b->room < best->room)) best = b;
    }
    if (!best) {
        TRY(limn_grow(&w->pool, (size_t)w->n_pool, &w->room_pool, sizeof *w->pool));
        best = &w->pool[w->n_pool];
        TRY(limn_new(&best->v, n, sizeof *best->v));
        best->room = n;
        w->n_pool++;
    }
    best->taken = 1;
    *out = best->v;
done:
    return status;
}

void net_give(net_walker *w, float *v) {
    for (int i = 0; v && i < w->n_pool; i++)
        if (w->pool[i].v == v) w->pool[i].taken = 0;
}

static void give_all(net_walker *w) {
    for (int i = 0; i < w->n_pool; i++) w->pool[i].taken = 0;
    memset(w->at, 0, (size_t)w->main->net->graph->n_nodes * sizeof(float *));
}

/* ---- single nodes ------------------------------------------------------------------------------------------------- */
const limn_node *net_walk_node(const net_walker *w, int k) {
    return &w->now->of->graph.node[k];
}

size_t net_walk_size(const net_walker *w, int k) {
    return w->B * limn_shape_size(&net_walk_node(w, k)->out);
}

/* Node k's value, the layer's in the session itself: the step there, or NULL. */
static const net_step *kept_in_main(const net_walker *w, const net_side *side, int k) {
    const limn_session *main = w->main;
    int layer = side->of->shares ? side->of->layer_of[k] : -1;
    if (layer < 0 || side == &w->side[NET_SIDE_REFERENCE]) return NULL;
    if (main->asks && !(main->asks[layer + 1] & LIMN_ASK_VALUE)) return NULL;
    return &main->net->step[main->net->graph->layer[layer].last];
}

static limn_status copy_from_main(net_walker *w, net_side *side, int k, const net_step *from) {
    limn_status status = LIMN_OK;
    const net_step *s = &side->of->net->step[k];
    float *v = NULL;
    TRY(net_take(w, net_elements(side->of->net, s->node), &v));
    TRY(net_get(w->main, from, from->value, v));
    TRY(net_put(side->run, s, s->value, v));
    side->valid[k] = 1;
done:
    net_give(w, v);
    return status;
}

/* The value of node k is there (state 1), or its step has run (2), and what that needs. */
static limn_status need(net_walker *w, net_side *side, int k, unsigned char state) {
    limn_status status = LIMN_OK;
    const net_step *step = side->of->net->step;
    int low = k;
    if (side->valid[k] >= state) return LIMN_OK;
    w->mark[k] = state;
    for (int i = k, open = 1; open > 0; i--) {
        if (!w->mark[i]) continue;
        open--, low = i;
        const net_step *from = w->mark[i] == 1 ? kept_in_main(w, side, i) : NULL;
        if (side->valid[i] >= w->mark[i]) {
            w->mark[i] = 0;
        } else if (from) {
            w->mark[i] = 0;
            TRY(copy_from_main(w, side, i, from));
        }
        for (int j = 0; w->mark[i] && j < step[i].n_in; j++) {
            int in = step[i].link[j].from;
            open += !w->mark[in];
            w->mark[in] = w->mark[in] ? w->mark[in] : 1;
        }
    }
    for (int i = low; i <= k; i++) {
        if (!w->mark[i]) continue;
        w->mark[i] = 0;
        TRY(net_step_forward(&step[i], side->run));
        side->valid[i] = 2;
    }
done:
    if (status != LIMN_OK) memset(w->mark, 0, (size_t)side->of->graph.n_nodes);
    return status;
}

limn_status net_walk_value(net_walker *w, net_side *side, int k, float **out) {
    limn_status status = LIMN_OK;
    const net_step *s = &side->of->net->step[k], *from = side->valid[k] ? NULL : kept_in_main(w, side, k);
    size_t size = limn_shape_size(&s->node->out);
    TRY(net_take(w, w->B * size, out));
    if (from) {
        TRY(net_get(w->main, from, from->value, *out));
    } else {
        TRY(need(w, side, k, 1));
        TRY(net_get(side->run, s, s->value, *out));
    }
    for (size_t b = net_rows(side->of->net, s->node); b < w->B; b++)
        memcpy(*out + b * size, *out, size * sizeof(float));
done:
    return status;
}

int net_walk_goes(const net_walker *w, int k, int j) {
    const limn_node *node = net_walk_node(w, k);
    if (!w->now->of->net->moves[node->in[j]]) return 0;
    for (int i = 0; i < j; i++)
        if (node->in[i] == node->in[j]) return 0;
    return 1;
}

limn_status net_walk_vjp(net_walker *w, net_side *side, int k, const float *seed) {
    limn_status status = LIMN_OK;
    limn_session *run = side->run;
    const net_step *s = &side->of->net->step[k];
    if (!side->of->linear[k]) TRY(need(w, side, k, 2)); /* a linear node's needs nothing of the forward pass */
    for (int j = 0; j < s->n_in; j++) {
        int in = s->link[j].from;
        run->above[in] = side->of->net->moves[in];
        run->has[in] = 0;
    }
    TRY(net_put(run, s, s->grad, seed));
    TRY(net_step_vjp(s, run, LIMN_RULE_GRADIENT));
done:
    for (int j = 0; j < s->n_in; j++) run->above[s->link[j].from] = 0;
    return status;
}

limn_status net_walk_grad(net_walker *w, const net_side *side, int j, int k, float **out) {
    limn_status status = LIMN_OK;
    int in = side->of->net->step[k].link[j].from;
    const net_step *s = &side->of->net->step[in];
    TRY(net_take(w, net_walk_size(w, in), out));
    if (side->run->has[in])
        TRY(net_get(side->run, s, s->grad, *out));
    else
        memset(*out, 0, net_walk_size(w, in) * sizeof(float));
done:
    return status;
}

void net_bring(net_walker *w, int k, float *v) {
    float *sum = w->at[k];
    size_t n = net_walk_size(w, k);
    if (!sum) {
        w->at[k] = v;
        return;
    }
    for (size_t i = 0; i < n; i++) sum[i] += v[i];
    net_give(w, v);
}

/* The arena has room for a guest, which then has it. */
static limn_status host(net_walker *w, limn_session *guest) {
    limn_status status = LIMN_OK;
    size_t bytes = limn_session_bytes(guest);
    if (bytes > w->arena_bytes) {
        free(w->arena);
        w->arena = NULL, w->arena_bytes = 0;
        TRY(limn_new(&w->arena, bytes, 1));
        w->arena_bytes = bytes;
    }
    TRY(net_session_host(guest, w->arena));
done:
    return status;
}

limn_status net_walk_mini(net_walker *w, int k, limn_lrp_weight weight, int bias, limn_session **run) {
    limn_status status = LIMN_OK;
    const net_variant *v;
    TRY(net_variant_of(w->main->net, k, weight, bias, w->how->gamma, &v));
    for (int i = 0; i < w->n_mini; i++)
        if (w->mini[i].of == v) {
            *run = w->mini[i].run;
            return host(w, *run);
        }
    TRY(limn_grow(&w->mini, (size_t)w->n_mini, &w->room_mini, sizeof *w->mini));
    TRY(net_session_guest(run, v->net));
    w->mini[w->n_mini++] = (net_mini){v, *run};
    TRY(host(w, *run));
done:
    return status;
}

limn_status net_walk_gradient(net_walker *w, int k, const float *R) {
    limn_status status = LIMN_OK;
    TRY(net_walk_vjp(w, w->now, k, R));
    for (int j = 0; j < net_walk_node(w, k)->n_in; j++) {
        float *g = NULL;
        if (!net_walk_goes(w, k, j)) continue;
        TRY(net_walk_grad(w, w->now, j, k, &g));
        net_bring(w, net_walk_node(w, k)->in[j], g);
    }
done:
    return status;
}

/* ---- the walker ---------------------------------------------------------------------------------------------------- */
static limn_status walker_of(limn_session *main, net_walker **out) {
    limn_status status = LIMN_OK;
    net_walker *w = main->walker;
    if (!w) {
        TRY(limn_new(&w, 1, sizeof *w));
        main->walker = w;
        w->main = main;
        w->B = main->net->B;
        TRY(limn_new(&w->at, (size_t)main->net->graph->n_nodes, sizeof *w->at));
        TRY(limn_new(&w->mark, (size_t)main->net->graph->n_nodes, 1));
    }
    *out = w;
done:
    return status;
}

void net_walker_free(net_walker *w) {
    if (!w) return;
    for (int i = 0; i < NET_SIDES; i++) {
        limn_session_free(w->side[i].run);
        free(w->side[i].valid);
    }
    for (int i = 0; i < w->n_mini; i++) limn_session_free(w->mini[i].run);
    for (int i = 0; i < w->n_pool; i++) free(w->pool[i].v);
    free(w->arena);
    free(w->mark);
    free(w->at);
    free(w->mini);
    free(w->pool);
    free(w);
}

/* A network's other inputs are what they are in the main session. */
static limn_status copy_inputs(net_walker *w, limn_session *to) {
    limn_status status = LIMN_OK;
    const limn_net *n = w->main->net;
    for (int i = 1; i < n->graph->n_inputs; i++) {
        float *v = NULL;
        TRY(net_take(w, net_elements(n, n->step[i].node), &v));
        TRY(net_get(w->main, &n->step[i], n->step[i].value, v));
        TRY(limn_session_input(to, i, v));
        net_give(w, v);
    }
done:
    return status;
}

static limn_status open_side(net_walker *w, int which) {
    limn_status status = LIMN_OK;
    net_side *s = &w->side[which];
    if (s->run) return LIMN_OK;
    TRY(net_expand(w->main->net, which == NET_SIDE_FOLDED ? NET_FOLDED : NET_PLAIN, &s->of));
    TRY(limn_new(&s->valid, (size_t)s->of->graph.n_nodes, 1));
    TRY(limn_session_new(&s->run, s->of->net));
done:
    return status;
}

/* The side is there, at x, the session's pass number `pass` (0: in any case anew); nothing but the inputs is computed. */
static limn_status side_at(net_walker *w, int which, const float *x, size_t pass) {
    limn_status status = LIMN_OK;
    net_side *s = &w->side[which];
    TRY(open_side(w, which));
    if (pass && s->pass == pass && !s->stale) goto done;
    const net_step *step = s->of->net->step;
    s->pass = 0;
    TRY(copy_inputs(w, s->run));
    TRY(net_put(s->run, &step[0], step[0].value, x));
    for (int k = 0; k < s->of->graph.n_nodes; k++) s->valid[k] = step[k].op ? 0 : 2; /* inputs, constants */
    s->run->ran++;
    s->pass = pass;
    s->stale = 0;
done:
    return status;
}

/* The expanded net's node of a layer's output. */
static limn_status node_at(const net_side *s, const limn_session *main, int layer, int *node) {
    limn_status status = LIMN_OK;
    const limn_graph *g = main->net->graph;
    if (layer < 0 || layer >= g->n_layers)
        FAIL(LIMN_EFAIL, "layer %d does not exist: the network has %d", layer, g->n_layers);
    *node = s->of->node_of[g->layer[layer].last];
    if (*node < 0)
        FAIL(LIMN_EINPUT, "relevance does not start at `%s`: the batch norm behind it is folded into it; start there",
             g->layer[layer].name);
done:
    return status;
}

/* What each kind does at a node, and on which side of the session. */
static const struct {
    net_walk_step step;
    int side;
} kinds[LIMN_WALKS] = {[LIMN_WALK_LRP] = {net_walk_lrp, NET_SIDE_FOLDED},
                       [LIMN_WALK_RESCALE] = {net_walk_rescale, NET_SIDE_PLAIN},
                       [LIMN_WALK_RECTIFY] = {net_walk_rectify, NET_SIDE_PLAIN},
                       [LIMN_WALK_BIASES] = {net_walk_biases, NET_SIDE_PLAIN}};

static limn_status walk_down(net_walker *w, int top, const float *seed, float *out) {
    limn_status status = LIMN_OK;
    size_t n = net_walk_size(w, top);
    float *R = NULL;
    if (w->now->of->net->moves[top]) {
        TRY(net_take(w, n, &R));
        memcpy(R, seed, n * sizeof *R);
        w->at[top] = R;
    }
    for (int k = top; k > 0; k--) {
        if (!w->at[k]) continue;
        TRY(kinds[w->how->kind].step(w, k, w->at[k]));
        net_give(w, w->at[k]);
        w->at[k] = NULL;
    }
    if (w->at[0])
        memcpy(out, w->at[0], net_walk_size(w, 0) * sizeof *out);
    else
        memset(out, 0, net_walk_size(w, 0) * sizeof *out);
done:
    return status;
}

static limn_status run_reference(net_walker *w, int top) {
    limn_status status = LIMN_OK;
    net_side *s = &w->side[NET_SIDE_REFERENCE];
    TRY(side_at(w, NET_SIDE_REFERENCE, w->how->x0, 0));
    TRY(need(w, s, top, 1));
    if (w->how->y0) TRY(net_get(s->run, &s->of->net->step[top], s->of->net->step[top].value, w->how->y0));
done:
    return status;
}

limn_status net_walk(void *ctx, const limn_walk *how, const float *x, int from, const float *seed, float *out) {
    limn_status status = LIMN_OK;
    limn_session *main = ctx;
    net_walker *w = NULL;
    int top, threads = net_one_thread();
    if (!main->ran) FAIL(LIMN_EFAIL, "the network was asked for a layer before any forward pass");
    TRY(walker_of(main, &w));
    give_all(w);
    w->how = how;
    w->now = &w->side[kinds[how->kind].side];
    TRY(side_at(w, kinds[how->kind].side, x, main->ran));
    TRY(node_at(w->now, main, from, &top));
    if (how->kind == LIMN_WALK_RESCALE) TRY(run_reference(w, top));
    TRY(walk_down(w, top, seed, out));
done:
    net_threads_again(threads);
    return status;
}

/* ---- a layer's output replaced -------------------------------------------------------------------------------------- */
/* A node that is its input under another name shares its place: what is put there would change what others read. */
static int has_own_place(const limn_net *n, int k) {
    const net_step *s = &n->step[k];
    for (int j = 0; j < s->n_in; j++) {
        const net_step *in = &n->step[s->link[j].from];
        if (n->mem[in->value].root == n->mem[s->value].root && n->readers[s->link[j].from] > 1) return 0;
    }
    return 1;
}

static limn_status run_from(net_walker *w, net_side *s, int first, const float *values, int last, float *out) {
    limn_status status = LIMN_OK;
    const limn_net *n = s->of->net;
    unsigned char *above = s->run->above;
    if (!has_own_place(n, first))
        FAIL(LIMN_EINPUT, "the output of `%s` can't be replaced: it is its input, which other layers read too",
             s->of->graph.layer[n->step[first].node->layer].name);
    net_mark_above(n, first, last, above);
    s->stale = first + 1;
    for (int k = first + 1; k <= last; k++) /* what comes in from beside */
        for (int j = 0; above[k] && j < n->step[k].n_in; j++)
            if (!above[n->step[k].link[j].from]) TRY(need(w, s, n->step[k].link[j].from, 1));
    TRY(net_put(s->run, &n->step[first], n->step[first].value, values));
    for (int k = first + 1; k <= last; k++)
        if (above[k]) TRY(net_step_forward(&n->step[k], s->run));
    TRY(net_get(s->run, &n->step[last], n->step[last].value, out));
done:
    memset(above, 0, (size_t)n->graph->n_nodes);
    return status;
}

limn_status net_replace(void *ctx, const float *x, int at, const float *values, int to, float *out) {
    limn_status status = LIMN_OK;
    limn_session *main = ctx;
    net_walker *w = NULL;
    int first, last, threads = net_one_thread();
    if (!main->ran) FAIL(LIMN_EFAIL, "the network was asked for a layer before any forward pass");
    TRY(walker_of(main, &w));
    give_all(w);
    net_side *s = w->now = &w->side[NET_SIDE_PLAIN];
    TRY(open_side(w, NET_SIDE_PLAIN));
    TRY(node_at(s, main, at, &first));
    TRY(node_at(s, main, to, &last));
    if (s->stale == first + 1) s->stale = 0; /* what lies above it runs anew anyway */
    TRY(side_at(w, NET_SIDE_PLAIN, x, main->ran));
    TRY(run_from(w, s, first, values, last, out));
done:
    net_threads_again(threads);
    return status;
}
