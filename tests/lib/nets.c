/* Small networks for tests of the engine: see nets.h. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "tests/lib/nets.h"

float *nets_floats(size_t n) {
    float *p;
    assert_int_equal(limn_new(&p, n, sizeof *p), LIMN_OK);
    return p;
}

void nets_fill(float *x, size_t n, double scale, uint64_t key) {
    limn_rng r = limn_rng_stream(7, LIMN_RNG_TEST, key);
    for (size_t i = 0; i < n; i++) x[i] = (float)(scale * (2 * limn_rng_uniform(&r) - 1));
}

static limn_values weights(size_t n, double scale, uint64_t key) {
    limn_values v = {nets_floats(n), n};
    nets_fill(v.v, n, scale, key);
    return v;
}

limn_graph *nets_begin(limn_shape in) {
    limn_graph *g;
    limn_op_attr a = {.shape = in};
    assert_int_equal(graph_new(&g), LIMN_OK);
    assert_int_equal(graph_add_node(g, LIMN_OP_INPUT, -1, &a, LIMN_NO_VALUES, LIMN_NO_VALUES, NULL), LIMN_OK);
    return g;
}

/* Weights and bias that a node with input shape s needs, for values near 1. */
static void draw_weights(const limn_graph *g, limn_op op, const limn_shape *s, const limn_op_attr *a, limn_values *w,
                         limn_values *b) {
    uint64_t key = (uint64_t)g->n_nodes;
    size_t units = (size_t)a->units, taps = (size_t)a->kernel[0] * (size_t)a->kernel[1], terms;
    switch (op) {
    case LIMN_OP_CONV2D:
        terms = s->dim[s->rank - 3] / (size_t)a->groups * taps;
        break;
    case LIMN_OP_CONVT2D:
        terms = s->dim[s->rank - 3] / (size_t)a->groups * taps;
        break;
    case LIMN_OP_DENSE:
        terms = s->dim[s->rank - 1];
        break;
    case LIMN_OP_SCALE:
        *w = weights(s->dim[a->axis], 1, key);
        *b = weights(s->dim[a->axis], 0.5, 1000 + key);
        return;
    case LIMN_OP_CONST:
        *w = weights(limn_shape_size(&a->shape), 1, key);
        return;
    default:
        return;
    }
    *w = weights(units * terms, 1.7 / sqrt((double)terms), key);
    if (units % 2) *b = weights(units, 0.5, 1000 + key);
}

int nets_add_n(limn_graph *g, const char *name, limn_op op, int n_in, const int *in, limn_op_attr a) {
    int k, index;
    limn_values w = LIMN_NO_VALUES, b = LIMN_NO_VALUES;
    for (int i = 0; i < g->n_inputs; i++) g->node[i].out = g->node[i].attr.shape;
    draw_weights(g, op, n_in ? &g->node[in[0]].out : NULL, &a, &w, &b);
    if (name) assert_int_equal(graph_add_layer(g, name, "test", LIMN_KIND_OTHER, &index), LIMN_OK);
    assert_int_equal(graph_add_node_n(g, op, n_in, in, &a, w, b, &k), LIMN_OK);
    if (op == LIMN_OP_CONST) { /* what reads it will finish the layer */
        g->node[k].out = a.shape;
        return k;
    }
    limn_status s = graph_finish(g);
    if (s != LIMN_OK) fail_msg("%s: %s", limn_op_table[op].name, limn_message());
    return k;
}

int nets_add_at(limn_graph *g, const char *name, limn_op op, int in, limn_op_attr a) {
    return nets_add_n(g, name, op, 1, &in, a);
}

int nets_add(limn_graph *g, const char *name, limn_op op, limn_op_attr a) {
    return nets_add_at(g, name, op, g->n_nodes - 1, a);
}

nets_engine nets_open_tampered(const limn_graph *g, limn_backend backend, net_tamper_fn tamper, void *ctx) {
    nets_engine e;
    assert_int_equal(net_new(&e.net, g, backend, tamper, ctx), LIMN_OK);
    assert_int_equal(limn_session_new(&e.session, e.net), LIMN_OK);
    e.d = limn_session_diff(e.session);
    return e;
}

nets_engine nets_open(const limn_graph *g, limn_backend backend) {
    return nets_open_tampered(g, backend, NULL, NULL);
}

void nets_close(nets_engine *e) {
    limn_session_free(e->session);
    limn_net_free(e->net);
}

void nets_forward(const limn_diff *d, const float *x) {
    assert_int_equal(d->forward(d->ctx, x), LIMN_OK);
}

static float *unwritten(const limn_diff *d, int layer) {
    size_t n = d->B * limn_shape_size(layer < 0 ? &d->input : &d->layer[layer].out);
    float *out = nets_floats(n);
    for (size_t i = 0; i < n; i++) out[i] = NAN;
    return out;
}

float *nets_value(const limn_diff *d, int at) {
    float *out = unwritten(d, at);
    assert_int_equal(d->value(d->ctx, at, out), LIMN_OK);
    return out;
}

float *nets_vjp(const limn_diff *d, int from, const float *seed, limn_rule rule, int to) {
    float *out = unwritten(d, to);
    assert_int_equal(d->vjp(d->ctx, from, seed, rule, to, out), LIMN_OK);
    return out;
}
