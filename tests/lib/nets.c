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

int nets_add_at(limn_graph *g, const char *name, limn_op op, int in, limn_op_attr a) {
    int k, units = a.units, index;
    limn_values w = LIMN_NO_VALUES, b = LIMN_NO_VALUES;
    if (g->n_layers == 0) g->node[0].out = g->node[0].attr.shape;
    if (op == LIMN_OP_CONV2D || op == LIMN_OP_DENSE) {
        const limn_shape *s = &g->node[in].out;
        size_t terms = limn_shape_size(s);
        if (op == LIMN_OP_CONV2D) terms = s->dim[0] / (size_t)a.groups * (size_t)a.kernel[0] * (size_t)a.kernel[1];
        w = weights((size_t)units * terms, 1.7 / sqrt((double)terms), (uint64_t)g->n_nodes);
        if (units % 2) b = weights((size_t)units, 0.5, 1000 + (uint64_t)g->n_nodes);
    }
    if (name) assert_int_equal(graph_add_layer(g, name, "test", LIMN_KIND_OTHER, &index), LIMN_OK);
    assert_int_equal(graph_add_node(g, op, in, &a, w, b, &k), LIMN_OK);
    limn_status s = graph_finish(g);
    if (s != LIMN_OK) fail_msg("%s", limn_message());
    return k;
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
