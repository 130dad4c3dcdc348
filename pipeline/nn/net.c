/* The network: chunk size, plan, self-test, fallback (see net.h, plan.h).
 *
 * limn_net_new: choose B from the graph; simplify (passes.c); plan, where a node that the library cannot plan goes to
 * _ref; run the self-test; what the library computes wrongly goes to _ref and all is planned again (layouts of the
 * neighbours change), until every node passes. */
#include "nn/expand.h"

#include <pthread.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/try.h"

/* Rows of a chunk by the bytes of one row's values: batches of 8 to 32 are fastest, as long as they fit (engine.md).
 * The table is part of what makes a result: with another B some bits change. */
static const struct {
    size_t row_bytes, B;
} chunk_rows[] = {{(size_t)8 << 20, 16}, {(size_t)64 << 20, 8}, {(size_t)256 << 20, 4}};

static size_t chunk_of(const limn_graph *g) {
    double bytes = 0;
    for (int k = 0; k < g->n_nodes; k++) {
        if (!g->node[k].batched) continue;
        double size = sizeof(float);
        for (int i = 0; i < g->node[k].out.rank; i++) size *= (double)g->node[k].out.dim[i];
        bytes += size;
    }
    for (size_t i = 0; i < COUNT_OF(chunk_rows); i++)
        if (bytes <= (double)chunk_rows[i].row_bytes) return chunk_rows[i].B;
    return 1;
}

/* Own loops, the same on either backend. */
#define LOOPS                                                                                                          \
    [LIMN_OP_RELU] = &net_relu, [LIMN_OP_UNARY] = &net_unary, [LIMN_OP_BINARY] = &net_binary,                          \
    [LIMN_OP_WHERE] = &net_where, [LIMN_OP_SCALE] = &net_scale, [LIMN_OP_CONCAT] = &net_concat,                        \
    [LIMN_OP_SLICE] = &net_move, [LIMN_OP_PAD] = &net_move, [LIMN_OP_TRANSPOSE] = &net_move,                           \
    [LIMN_OP_EXPAND] = &net_move, [LIMN_OP_RESHAPE] = &net_reshape, [LIMN_OP_REDUCE] = &net_reduce,                    \
    [LIMN_OP_MATMUL] = &net_matmul, [LIMN_OP_RESIZE] = &net_resize, [LIMN_OP_NORM] = &net_norm,                        \
    [LIMN_OP_LRN] = &net_lrn, [LIMN_OP_SOFTMAX] = &net_softmax, [LIMN_OP_LOG_SOFTMAX] = &net_log_softmax,              \
    [LIMN_OP_IDENTITY] = &net_identity

const net_op *const net_ops_ref[LIMN_OPS] = {
    LOOPS,
    [LIMN_OP_CONV2D] = &net_ref_conv,
    [LIMN_OP_DENSE] = &net_ref_dense,
    [LIMN_OP_CONVT2D] = &net_ref_convt,
    [LIMN_OP_MAXPOOL] = &net_ref_maxpool,
    [LIMN_OP_AVGPOOL] = &net_ref_avgpool,
    [LIMN_OP_FLATTEN] = &net_ref_flatten,
};

const net_op *const net_ops_dnnl[LIMN_OPS] = {
    LOOPS,
    [LIMN_OP_CONV2D] = &net_dnnl_conv,
    [LIMN_OP_DENSE] = &net_dnnl_dense,
    [LIMN_OP_CONVT2D] = &net_dnnl_convt,
    [LIMN_OP_MAXPOOL] = &net_dnnl_maxpool,
    [LIMN_OP_AVGPOOL] = &net_dnnl_avgpool,
    [LIMN_OP_FLATTEN] = &net_dnnl_flatten,
};

/* The links of all steps, and where gradients may pass. */
static limn_status connect(limn_net *n) {
    limn_status status = LIMN_OK;
    const limn_node *node = n->work.node;
    size_t links = 0, steps = (size_t)n->n_steps;
    for (int k = 0; k < n->n_steps; k++) links += (size_t)node[k].n_in;
    TRY(limn_new(&n->step, steps, sizeof *n->step));
    TRY(limn_new(&n->link, links, sizeof *n->link));
    TRY(limn_new(&n->moves, steps, 1));
    TRY(limn_new(&n->ref, steps, 1));
    n->moves[0] = 1;
    net_link *next = n->link;
    for (int k = 0; k < n->n_steps; k++) {
        n->step[k].link = next;
        next += node[k].n_in;
        for (int j = 0; j < node[k].n_in; j++) n->moves[k] |= n->moves[node[k].in[j]];
    }
done:
    return status;
}

static limn_status open_library(limn_net *n) {
    limn_status status = LIMN_OK;
    TRY(net_dnnl(dnnl_engine_create(&n->engine, dnnl_cpu, 0), "an engine"));
    TRY(net_dnnl(dnnl_stream_create(&n->stream, n->engine, dnnl_stream_default_flags), "a stream"));
    TRY(net_dnnl(dnnl_primitive_attr_create(&n->attr), "attributes"));
    TRY(net_dnnl(dnnl_primitive_attr_set_scratchpad_mode(n->attr, dnnl_scratchpad_mode_user), "attributes"));
    /* float32 stays float32, whatever the environment allows the library */
    TRY(net_dnnl(dnnl_primitive_attr_set_fpmath_mode(n->attr, dnnl_fpmath_mode_strict), "attributes"));
done:
    return status;
}

/* Plans until the library passes the self-test on every node that is not on _ref. */
static limn_status plan_and_test(limn_net *n, net_tamper_fn tamper, void *ctx) {
    limn_status status = LIMN_OK;
    for (;;) {
        int failed = 0;
        TRY(net_plan(n));
        if (n->backend != LIMN_BACKEND_REF) TRY(net_selftest(n, tamper, ctx, n->ref, &failed));
        if (failed == 0) break;
        n->fallbacks += failed;
        net_unplan(n);
    }
done:
    return status;
}

static limn_status new_net(limn_net **out, const limn_graph *g, limn_backend backend, size_t B, int as_it_stands,
                           net_tamper_fn tamper, void *ctx) {
    limn_status status = LIMN_OK;
    limn_net *n = NULL;
    int threads = net_one_thread();
    *out = NULL;
    TRY(limn_new(&n, 1, sizeof *n));
    n->graph = &n->work;
    n->backend = backend;
    n->B = B;
    TRY(net_extras_new(&n->extras));
    TRY(net_simplify(n, g, as_it_stands));
    TRY(connect(n));
    TRY(open_library(n));
    TRY(plan_and_test(n, tamper, ctx));
    *out = n;
    n = NULL;
done:
    limn_net_free(n);
    net_threads_again(threads);
    return status;
}

limn_status net_new(limn_net **out, const limn_graph *g, limn_backend backend, net_tamper_fn tamper, void *ctx) {
    return new_net(out, g, backend, g->unbatched ? 1 : chunk_of(g), 0, tamper, ctx);
}

limn_status net_new_of(limn_net **out, const limn_graph *g, limn_backend backend, size_t B) {
    return new_net(out, g, backend, B, 1, NULL, NULL);
}

limn_status limn_net_new(limn_net **out, const limn_graph *g, limn_backend backend) {
    return net_new(out, g, backend, NULL, NULL);
}

void limn_net_free(limn_net *n) {
    if (!n) return;
    net_extras_free(n->extras);
    net_unplan(n);
    if (n->attr) dnnl_primitive_attr_destroy(n->attr);
    if (n->stream) dnnl_stream_destroy(n->stream);
    if (n->engine) dnnl_engine_destroy(n->engine);
    free(n->mem);
    free(n->ref);
    free(n->moves);
    free(n->link);
    free(n->step);
    net_unsimplify(n);
    free(n);
}

size_t limn_net_chunk(const limn_net *n) {
    return n->B;
}

const char *limn_net_backend(const limn_net *n, int node) {
    return node >= 0 && node < n->graph->n_nodes ? n->step[node].backend : "";
}

int limn_net_fallbacks(const limn_net *n) {
    return n->fallbacks;
}
