/* A session: the buffers of one chunk, and the passes over it (see net.h, plan.h).
 *
 * forward: steps in order. vjp: from a layer's last node down to another's, in the reverse order of the steps, over the
 * steps that lie above the lower one and have a gradient; each takes the gradient at its output to its inputs. Where
 * several steps read a node the first contribution is copied and the others are added. Weight gradients are never
 * computed. Where no path leads down the gradient is zero. Steps that nothing asked for depends on do not run (memory.c).
 *
 * The session owns its arena; the net is borrowed. Used by one thread; nothing is allocated while running. */
#include "nn/expand.h"

#include <string.h>

#include "base/mem.h"
#include "base/try.h"

/* ---- one step ---------------------------------------------------------------------------------------------------- */
limn_status net_call_run(const net_call *c, limn_session *run) {
    dnnl_exec_arg_t a[NET_MAX_ARGS];
    if (!c->primitive) return LIMN_OK;
    for (int i = 0; i < c->n; i++) a[i] = (dnnl_exec_arg_t){c->a[i].arg, run->memory[c->a[i].mem]};
    return net_dnnl(dnnl_primitive_execute(c->primitive, run->stream, c->n, a), "a primitive");
}

limn_status net_run_forward(const net_step *s, limn_session *run) {
    return net_call_run(&s->forward, run);
}

limn_status net_run_backward(const net_step *s, limn_session *run, limn_rule rule, int j) {
    (void)rule;
    (void)j;
    return net_call_run(&s->backward, run);
}

static limn_status load(const net_step *s, limn_session *run) {
    limn_status status = LIMN_OK;
    for (int j = 0; j < s->n_in; j++) TRY(net_call_run(&s->link[j].load, run));
done:
    return status;
}

limn_status net_step_forward(const net_step *s, limn_session *run) {
    limn_status status = LIMN_OK;
    if (!s->op) return LIMN_OK; /* an input or a constant */
    TRY(load(s, run));
    TRY(s->op->forward(s, run));
    if (s->act.op && !s->acts) net_act_forward(&s->act, run->address[s->value], net_floats(run->net, s->value));
done:
    return status;
}

/* Adds the contribution of link l to the gradient at what it reads, or copies the first. */
static void add_up(const net_link *l, limn_session *run) {
    int to = run->net->step[l->from].grad;
    size_t n = net_floats(run->net, to);
    const float *from = run->address[l->sum];
    float *sum = run->address[to];
    if (!run->has[l->from]) {
        memcpy(sum, from, n * sizeof *sum);
        return;
    }
#pragma omp simd
    for (size_t i = 0; i < n; i++) sum[i] += from[i];
}

limn_status net_step_vjp(const net_step *s, limn_session *run, limn_rule rule) {
    limn_status status = LIMN_OK;
    if (s->act.op)
        TRY(net_act_back(&s->act, rule, run->address[s->value], run->address[s->grad], net_floats(run->net, s->grad)));
    if (s->op->vjp_reads_x) TRY(load(s, run));
    TRY(net_call_run(&s->load_gy, run));
    for (int j = 0; j < s->n_in; j++) {
        const net_link *l = &s->link[j];
        if (l->gx < 0 || !run->above[l->from]) continue;
        TRY(s->op->vjp(s, run, rule, j));
        TRY(net_call_run(&l->store, run));
        if (l->sum >= 0) add_up(l, run);
        run->has[l->from] = 1;
    }
done:
    return status;
}

/* ---- taps -------------------------------------------------------------------------------------------------------- */
static size_t plain_bytes(const limn_session *run, const net_step *s) {
    return net_elements(run->net, s->node) * sizeof(float);
}

/* Runs pack or unpack with `mem` (the step's value or gradient) on the layout's side and `plain` on the other. */
static limn_status tap(limn_session *run, const net_step *s, net_call call, int side, int mem, const float *plain) {
    limn_status status = LIMN_OK;
    call.a[side].mem = mem;
    TRY(net_dnnl(dnnl_memory_set_data_handle(run->memory[s->user], (void *)(uintptr_t)plain), "a layer's values"));
    TRY(net_call_run(&call, run));
done:
    return status;
}

limn_status net_put(limn_session *run, const net_step *s, int mem, const float *plain) {
    if (s->pack.primitive) return tap(run, s, s->pack, 1, mem, plain);
    memcpy(run->address[mem], plain, plain_bytes(run, s));
    return LIMN_OK;
}

limn_status net_get(limn_session *run, const net_step *s, int mem, float *plain) {
    if (s->unpack.primitive) return tap(run, s, s->unpack, 0, mem, plain);
    memcpy(plain, run->address[mem], plain_bytes(run, s));
    return LIMN_OK;
}

static int layer_node(const limn_session *run, int layer) {
    const limn_graph *g = run->net->graph;
    return layer == LIMN_INPUT ? 0 : g->layer[layer].last;
}

/* What is the same for every row, B times. */
static void repeat_rows(const limn_session *run, const net_step *s, float *out) {
    size_t size = limn_shape_size(&s->node->out);
    for (size_t b = net_rows(run->net, s->node); b < run->net->B; b++) memcpy(out + b * size, out, size * sizeof *out);
}

/* ---- limn_diff --------------------------------------------------------------------------------------------------- */
static limn_status forward(void *ctx, const float *x) {
    limn_status status = LIMN_OK;
    limn_session *run = ctx;
    const limn_net *n = run->net;
    int threads = net_one_thread();
    TRY(net_put(run, &n->step[0], n->step[0].value, x));
    for (int k = 0; k < n->graph->n_nodes; k++)
        if (run->map.forward[k] && !n->once[k]) TRY(net_step_forward(&n->step[k], run));
    run->ran++;
done:
    net_threads_again(threads);
    return status;
}

static limn_status check_layer(const limn_session *run, int layer, int what) {
    if (!run->ran) return limn_fail(LIMN_EFAIL, "the network was asked for a layer before any forward pass");
    if (layer < LIMN_INPUT || layer >= run->diff.n_layers)
        return limn_fail(LIMN_EFAIL, "layer %d does not exist: the network has %d", layer, run->diff.n_layers);
    if (run->asks && !(run->asks[layer + 1] & what))
        return limn_fail(LIMN_EFAIL, "layer %d was not asked for when the session was made", layer);
    return LIMN_OK;
}

static limn_status value(void *ctx, int layer, float *out) {
    limn_status status = LIMN_OK;
    limn_session *run = ctx;
    int threads = net_one_thread();
    TRY(check_layer(run, layer, LIMN_ASK_VALUE));
    const net_step *s = &run->net->step[layer_node(run, layer)];
    TRY(net_get(run, s, s->value, out));
    repeat_rows(run, s, out);
done:
    net_threads_again(threads);
    return status;
}

/* By the short way, or where it does not lead to the end, the long one. */
static limn_status step_back(limn_session *run, int k, limn_rule rule) {
    limn_status status = LIMN_OK;
    const net_step *s = &run->net->step[k];
    if (run->above[k] == NET_LONG) {
        s = &run->net->step[run->net->twin[k]];
        TRY(net_call_run(&s->cross, run));
        TRY(net_call_run(&s->cross_value, run));
    }
    status = net_step_vjp(s, run, rule);
done:
    return status;
}

static limn_status vjp(void *ctx, int from, const float *seed, limn_rule rule, int to, float *grad) {
    limn_status status = LIMN_OK;
    limn_session *run = ctx;
    int threads = net_one_thread();
    TRY(check_layer(run, from, LIMN_ASK_FROM));
    TRY(check_layer(run, to, LIMN_ASK_TO));
    if (to >= from) FAIL(LIMN_EFAIL, "no gradient goes from layer %d up to layer %d", from, to);
    const net_step *step = run->net->step;
    int top = layer_node(run, from), end = layer_node(run, to);
    net_mark_above(run->net, end, top, run->above);
    memset(run->has, 0, (size_t)run->net->graph->n_nodes);
    if (run->above[top]) {
        TRY(net_put(run, &step[top], step[top].grad, seed));
        run->has[top] = 1;
    }
    for (int k = top; k > end; k--)
        if (run->has[k]) TRY(step_back(run, k, rule));
    if (run->has[end])
        TRY(net_get(run, &step[end], step[end].grad, grad));
    else
        memset(grad, 0, run->net->B * limn_shape_size(&step[end].node->out) * sizeof *grad);
done:
    net_threads_again(threads);
    return status;
}

/* ---- more inputs than one (model/graph.h: INPUT nodes) ----------------------------------------------------------- */
limn_status limn_session_input(limn_session *s, int input, const float *x) {
    limn_status status = LIMN_OK;
    int threads = net_one_thread();
    if (input < 0 || input >= s->net->graph->n_inputs) FAIL(LIMN_EFAIL, "the network has no input %d", input);
    TRY(net_put(s, &s->net->step[input], s->net->step[input].value, x));
done:
    net_threads_again(threads);
    return status;
}

/* ---- making and freeing ------------------------------------------------------------------------------------------ */
static limn_status describe(limn_session *run) {
    limn_status status = LIMN_OK;
    const limn_graph *g = run->net->graph;
    TRY(limn_new(&run->layer, (size_t)g->n_layers, sizeof *run->layer));
    for (int i = 0; i < g->n_layers; i++)
        run->layer[i] = (limn_diff_layer){.name = g->layer[i].name,
                                          .kind = g->layer[i].kind,
                                          .out = g->node[g->layer[i].last].out,
                                          .settles = g->layer[i].settled - i};
    run->diff = (limn_diff){.ctx = run,
                            .B = run->net->B,
                            .input = g->node[0].out,
                            .n_layers = g->n_layers,
                            .layer = run->layer,
                            .forward = forward,
                            .value = value,
                            .vjp = vjp,
                            .walk = net_walk,
                            .replace = net_replace};
done:
    return status;
}

static limn_status make_places(limn_session *run) {
    limn_status status = LIMN_OK;
    const limn_net *n = run->net;
    size_t nodes = (size_t)n->graph->n_nodes, mems = (size_t)n->n_mem;
    TRY(limn_new(&run->map.forward, nodes, 1));
    TRY(limn_new(&run->map.backward, nodes, 1));
    TRY(limn_new(&run->map.offset, mems, sizeof *run->map.offset));
    TRY(limn_new(&run->address, mems, sizeof *run->address));
    TRY(limn_new(&run->memory, mems, sizeof *run->memory));
    TRY(limn_new(&run->above, nodes, 1));
    TRY(limn_new(&run->has, nodes, 1));
    for (int i = 0; i < n->n_mem; i++) {
        const net_mem *m = &n->mem[i];
        if (m->region == NET_FIXED) run->address[i] = m->owned ? m->owned : (float *)(uintptr_t)m->fixed;
        if (!m->handle) continue;
        void *at = run->address[i] ? run->address[i] : DNNL_MEMORY_NONE;
        TRY(net_dnnl(dnnl_memory_create(&run->memory[i], m->md, n->engine, at), "a session's memory"));
    }
done:
    return status;
}

/* Addresses as the map has them. */
static limn_status set_addresses(limn_session *run) {
    limn_status status = LIMN_OK;
    for (int i = 0; i < run->net->n_mem; i++) {
        size_t offset = run->map.offset[i];
        if (run->net->mem[i].region == NET_FIXED) continue;
        run->address[i] = offset == NET_NOWHERE ? NULL : (float *)(void *)(run->arena + offset);
        if (run->memory[i])
            TRY(net_dnnl(dnnl_memory_set_data_handle(run->memory[i], run->address[i]), "a session's memory"));
    }
done:
    return status;
}

static limn_status new_session(limn_session **out, const limn_net *n, const unsigned char *asks) {
    limn_status status = LIMN_OK;
    TRY(limn_new(out, 1, sizeof **out));
    limn_session *run = *out;
    run->net = n;
    if (asks) {
        TRY(limn_new(&run->asks, (size_t)n->graph->n_layers + 1, 1));
        memcpy(run->asks, asks, (size_t)n->graph->n_layers + 1);
    }
    TRY(describe(run));
    TRY(net_dnnl(dnnl_stream_create(&run->stream, n->engine, dnnl_stream_default_flags), "a stream"));
    TRY(make_places(run));
done:
    return status;
}

limn_status limn_session_new_for(limn_session **out, const limn_net *n, const unsigned char *asks) {
    limn_status status = LIMN_OK;
    limn_session *run = NULL;
    int threads = net_one_thread();
    *out = NULL;
    TRY(new_session(&run, n, asks));
    TRY(net_lay_memory(n, asks, &run->map));
    TRY(limn_new(&run->arena, run->map.bytes, 1));
    TRY(set_addresses(run));
    for (int k = 0; k < n->graph->n_nodes; k++)
        if (run->map.forward[k] && n->once[k]) TRY(net_step_forward(&n->step[k], run));
    *out = run;
    run = NULL;
done:
    limn_session_free(run);
    net_threads_again(threads);
    return status;
}

limn_status limn_session_new(limn_session **out, const limn_net *n) {
    return limn_session_new_for(out, n, NULL);
}

limn_status net_session_tester(limn_session **out, const limn_net *n) {
    limn_status status = LIMN_OK;
    limn_session *run = NULL;
    size_t most = 0;
    *out = NULL;
    TRY(new_session(&run, n, NULL));
    for (int k = 0; k < n->n_steps; k++) {
        if (!n->step[k].op || !net_exact_knows(n->step[k].node)) continue;
        net_lay_alone(n, k, &run->map);
        most = run->map.bytes > most ? run->map.bytes : most;
    }
    TRY(limn_new(&run->arena, most, 1));
    *out = run;
    run = NULL;
done:
    limn_session_free(run);
    return status;
}

limn_status net_session_guest(limn_session **out, const limn_net *n) {
    limn_status status = LIMN_OK;
    limn_session *run = NULL;
    int threads = net_one_thread();
    *out = NULL;
    TRY(new_session(&run, n, NULL));
    TRY(net_lay_memory(n, NULL, &run->map));
    *out = run;
    run = NULL;
done:
    limn_session_free(run);
    net_threads_again(threads);
    return status;
}

limn_status net_session_host(limn_session *run, unsigned char *arena) {
    limn_status status = LIMN_OK;
    run->arena = arena;
    TRY(set_addresses(run));
done:
    run->arena = NULL; /* not its own: addresses are all that it keeps */
    return status;
}

limn_status net_session_alone(limn_session *run, int k) {
    net_lay_alone(run->net, k, &run->map);
    return set_addresses(run);
}

size_t limn_session_bytes(const limn_session *s) {
    return s->map.bytes;
}

void limn_session_free(limn_session *s) {
    if (!s) return;
    net_walker_free(s->walker);
    for (int i = 0; s->memory && i < s->net->n_mem; i++)
        if (s->memory[i]) dnnl_memory_destroy(s->memory[i]);
    if (s->stream) dnnl_stream_destroy(s->stream);
    free(s->has);
    free(s->above);
    free(s->memory);
    free(s->address);
    free(s->arena);
    free(s->map.offset);
    free(s->map.backward);
    free(s->map.forward);
    free(s->asks);
    free(s->layer);
    free(s);
}

const limn_diff *limn_session_diff(limn_session *s) {
    return &s->diff;
}
