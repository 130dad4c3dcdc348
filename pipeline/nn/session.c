/* A session: the buffers of one chunk, and the passes over it (see net.h, plan.h).
 *
 * forward: steps in order. vjp: from a layer's last node down the path of inputs to another's, each step taking the
 * gradient at its output to that at its input; steps above or beside the path are not touched, and weight gradients are
 * never computed. Where the lower layer is not on the path the gradient is zero.
 *
 * The session owns its arena; the net is borrowed. Used by one thread; nothing is allocated while running. */
#include "nn/plan.h"

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

limn_status net_run_backward(const net_step *s, limn_session *run, limn_rule rule) {
    (void)rule;
    return net_call_run(&s->backward, run);
}

limn_status net_step_forward(const net_step *s, limn_session *run) {
    limn_status status = LIMN_OK;
    TRY(net_call_run(&s->load_x, run));
    TRY(s->op->forward(s, run));
done:
    return status;
}

limn_status net_step_vjp(const net_step *s, limn_session *run, limn_rule rule) {
    limn_status status = LIMN_OK;
    if (s->op->vjp_reads_x) TRY(net_call_run(&s->load_x, run));
    TRY(net_call_run(&s->load_gy, run));
    TRY(s->op->vjp(s, run, rule));
    TRY(net_call_run(&s->store_gx, run));
done:
    return status;
}

/* ---- taps -------------------------------------------------------------------------------------------------------- */
static size_t plain_bytes(const limn_session *run, const net_step *s) {
    return run->net->B * limn_shape_size(&s->node->out) * sizeof(float);
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

static const net_step *layer_step(const limn_session *run, int layer) {
    const limn_graph *g = run->net->graph;
    return &run->net->step[layer == LIMN_INPUT ? 0 : g->layer[layer].last];
}

/* ---- limn_diff --------------------------------------------------------------------------------------------------- */
static limn_status forward(void *ctx, const float *x) {
    limn_status status = LIMN_OK;
    limn_session *run = ctx;
    const limn_net *n = run->net;
    int threads = net_one_thread();
    TRY(net_put(run, &n->step[0], n->step[0].value, x));
    for (int k = 1; k < n->graph->n_nodes; k++) TRY(net_step_forward(&n->step[k], run));
    run->ran = 1;
done:
    net_threads_again(threads);
    return status;
}

static limn_status check_layer(const limn_session *run, int layer) {
    if (!run->ran) return limn_fail(LIMN_EFAIL, "the network was asked for a layer before any forward pass");
    if (layer < LIMN_INPUT || layer >= run->diff.n_layers)
        return limn_fail(LIMN_EFAIL, "layer %d does not exist: the network has %d", layer, run->diff.n_layers);
    return LIMN_OK;
}

static limn_status value(void *ctx, int layer, float *out) {
    limn_status status = LIMN_OK;
    limn_session *run = ctx;
    int threads = net_one_thread();
    TRY(check_layer(run, layer));
    const net_step *s = layer_step(run, layer);
    TRY(net_get(run, s, s->value, out));
done:
    net_threads_again(threads);
    return status;
}

static limn_status vjp(void *ctx, int from, const float *seed, limn_rule rule, int to, float *grad) {
    limn_status status = LIMN_OK;
    limn_session *run = ctx;
    int threads = net_one_thread();
    TRY(check_layer(run, from));
    TRY(check_layer(run, to));
    if (to >= from) FAIL(LIMN_EFAIL, "no gradient goes from layer %d up to layer %d", from, to);
    const net_step *first = run->net->step, *s = layer_step(run, from), *end = layer_step(run, to);
    TRY(net_put(run, s, s->grad, seed));
    while (s > end) {
        TRY(net_step_vjp(s, run, rule));
        s = first + s->in;
    }
    if (s == end)
        TRY(net_get(run, s, s->grad, grad));
    else
        memset(grad, 0, plain_bytes(run, end));
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
        run->layer[i] =
            (limn_diff_layer){.name = g->layer[i].name, .kind = g->layer[i].kind, .out = g->node[g->layer[i].last].out};
    run->diff = (limn_diff){.ctx = run,
                            .B = run->net->B,
                            .input = g->node[0].out,
                            .n_layers = g->n_layers,
                            .layer = run->layer,
                            .forward = forward,
                            .value = value,
                            .vjp = vjp};
done:
    return status;
}

static limn_status make_places(limn_session *run) {
    limn_status status = LIMN_OK;
    const limn_net *n = run->net;
    TRY(limn_new(&run->arena, n->arena_bytes, 1));
    TRY(limn_new(&run->address, (size_t)n->n_mem, sizeof *run->address));
    TRY(limn_new(&run->memory, (size_t)n->n_mem, sizeof *run->memory));
    for (int i = 0; i < n->n_mem; i++) {
        const net_mem *m = &n->mem[i];
        if (m->region == NET_FIXED)
            run->address[i] = m->owned ? m->owned : (float *)(uintptr_t)m->fixed;
        else
            run->address[i] = (float *)(run->arena + n->region_start[m->region] + m->offset);
        if (!m->handle) continue;
        void *at = run->address[i] ? run->address[i] : DNNL_MEMORY_NONE;
        TRY(net_dnnl(dnnl_memory_create(&run->memory[i], m->md, n->engine, at), "a session's memory"));
    }
done:
    return status;
}

limn_status limn_session_new(limn_session **out, const limn_net *n) {
    limn_status status = LIMN_OK;
    limn_session *run = NULL;
    int threads = net_one_thread();
    *out = NULL;
    TRY(limn_new(&run, 1, sizeof *run));
    run->net = n;
    TRY(describe(run));
    TRY(net_dnnl(dnnl_stream_create(&run->stream, n->engine, dnnl_stream_default_flags), "a stream"));
    TRY(make_places(run));
    *out = run;
    run = NULL;
done:
    limn_session_free(run);
    net_threads_again(threads);
    return status;
}

void limn_session_free(limn_session *s) {
    if (!s) return;
    for (int i = 0; s->memory && i < s->net->n_mem; i++)
        if (s->memory[i]) dnnl_memory_destroy(s->memory[i]);
    if (s->stream) dnnl_stream_destroy(s->stream);
    free(s->memory);
    free(s->address);
    free(s->arena);
    free(s->layer);
    free(s);
}

const limn_diff *limn_session_diff(limn_session *s) {
    return &s->diff;
}
