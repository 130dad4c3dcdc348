/* Passes over the nodes: each with nodes that it changes and nodes that it must leave; and whatever they do, every layer's
 * value, and the gradient from and to every layer, under every rule, is what the plain engine computes of the graph as it
 * stands. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "tests/lib/nets.h"

/* Two float32 paths of a whole net against each other, relative to the largest value. */
static const double NET_TOLERANCE = 1e-5;

static const limn_op_attr NONE, SCALE = {.axis = 0}, CLIP = {.f = LIMN_F_CLIP, .p = {0, 6}};
static const limn_op_attr SAME = CONV(17, 1, WINDOW(3, 3, 1, 1, 1, 1), .same = 1),
                          VALID = CONV(17, 1, WINDOW(3, 3, 1, 1, 1, 1));

/* ---- asking ------------------------------------------------------------------------------------------------------- */
static void says(const limn_net *n, int node, const char *want) {
    char buf[LIMN_PASSES_TEXT];
    if (strcmp(limn_net_passes(n, node, buf), want) != 0)
        fail_msg("node %d (%s): `%s`, expected `%s`", node, limn_op_name(&n->graph->node[node]), buf, want);
}

static void close_to(const float *a, const float *b, size_t n, const char *what, int from, int to) {
    double largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)b[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)a[i] - b[i]) <= NET_TOLERANCE * largest))
            fail_msg("%s (%d, %d), element %zu: %.9g and %.9g", what, from, to, i, (double)a[i], (double)b[i]);
}

/* The same bits, and the values of the plain engine, of a session that is asked for this alone. */
static void agrees_alone(const nets_engine *a, const limn_graph *g, const float *x, int from, const float *seed, int to,
                         const float *all) {
    unsigned char *asks;
    limn_session *s;
    assert_int_equal(limn_new(&asks, (size_t)g->n_layers + 1, 1), LIMN_OK);
    asks[from + 1] = LIMN_ASK_FROM;
    asks[to + 1] |= LIMN_ASK_TO;
    assert_int_equal(limn_session_new_for(&s, a->net, asks), LIMN_OK);
    const limn_diff *d = limn_session_diff(s);
    nets_forward(d, x);
    float *alone = nets_vjp(d, from, seed, LIMN_RULE_GUIDED, to);
    if (memcmp(alone, all, d->B * limn_shape_size(graph_layer_shape(g, to)) * sizeof *all) != 0)
        fail_msg("the gradient from layer %d to %d has other bits where it alone is asked for", from, to);
    free(alone);
    limn_session_free(s);
    free(asks);
}

static void layers_are_what_they_were(const limn_graph *g) {
    nets_engine a = nets_open(g, LIMN_BACKEND_AUTO), r = nets_open(g, LIMN_BACKEND_REF);
    size_t B = a.d->B, nx = B * limn_shape_size(&a.d->input);
    float *x = nets_floats(nx);
    assert_int_equal(limn_net_fallbacks(a.net), 0);
    nets_fill(x, nx, 1, 5);
    nets_forward(a.d, x);
    nets_forward(r.d, x);
    for (int from = LIMN_INPUT; from < g->n_layers; from++) {
        size_t n = B * limn_shape_size(graph_layer_shape(g, from));
        float *va = nets_value(a.d, from), *vr = nets_value(r.d, from), *seed = nets_floats(n);
        close_to(va, vr, n, "value", from, from);
        nets_fill(seed, n, 1, (uint64_t)(from + 50));
        for (int to = LIMN_INPUT; to < from; to++)
            for (int rule = 0; rule < LIMN_RULES; rule++) {
                float *ga = nets_vjp(a.d, from, seed, (limn_rule)rule, to),
                      *gr = nets_vjp(r.d, from, seed, (limn_rule)rule, to);
                close_to(ga, gr, B * limn_shape_size(graph_layer_shape(g, to)), "gradient", from, to);
                if (rule == LIMN_RULE_GUIDED) agrees_alone(&a, g, x, from, seed, to, ga);
                free(ga);
                free(gr);
            }
        free(va);
        free(vr);
        free(seed);
    }
    free(x);
    nets_close(&a);
    nets_close(&r);
}

/* ---- the passes ------------------------------------------------------------------------------------------------------ */
static void constants_are_computed_once(void **state) {
    (void)state;
    limn_graph *g = nets_begin((limn_shape)PICTURE(3, 6, 5));
    int c = nets_add_n(g, "offset", LIMN_OP_CONST, 0, NULL, (limn_op_attr){.shape = {3, {3, 1, 1}}});
    int twice = nets_add_n(g, NULL, LIMN_OP_BINARY, 2, (int[]){c, c}, (limn_op_attr){.f = LIMN_F_ADD});
    int wide = nets_add(g, "expanded", LIMN_OP_EXPAND, (limn_op_attr){.shape = {3, {3, 6, 5}}});
    int sum = nets_add_n(g, "sum", LIMN_OP_BINARY, 2, (int[]){0, wide}, (limn_op_attr){.f = LIMN_F_ADD});
    nets_engine e = nets_open(g, LIMN_BACKEND_AUTO);
    says(e.net, c, "");
    says(e.net, twice, "once");
    says(e.net, wide, "once");
    says(e.net, sum, "");
    size_t nx = e.d->B * 90;
    float *x = nets_floats(nx);
    nets_fill(x, nx, 1, 5);
    nets_forward(e.d, x);
    /* not computed again: what is put in its place stays */
    float *at = e.session->address[e.net->step[wide].value], *y;
    for (size_t i = 0; i < 90; i++) at[i] = 7;
    nets_forward(e.d, x);
    y = nets_value(e.d, g->n_layers - 1);
    for (size_t i = 0; i < nx; i++) assert_true(y[i] == x[i] + 7);
    free(x);
    free(y);
    nets_close(&e);
    layers_are_what_they_were(g);
    graph_free(g);
}

static void what_changes_nothing_is_dropped(void **state) {
    (void)state;
    limn_graph *g = nets_begin((limn_shape)PICTURE(17, 6, 5));
    limn_op_attr pool1 = CONV(0, 1, WINDOW(1, 1, 1, 1, 1, 1)), pool2 = CONV(0, 1, WINDOW(2, 2, 1, 1, 1, 1));
    limn_op_attr slice = {.shape = {3, {17, 6, 5}}, .step = {1, 1, 1}}, turned = slice;
    turned.start[2] = 4;
    turned.step[2] = -1;
    nets_add(g, "conv", LIMN_OP_CONV2D, SAME);
    const int yes[] = {
        nets_add(g, "identity", LIMN_OP_IDENTITY, NONE),
        nets_add(g, "reshape", LIMN_OP_RESHAPE, (limn_op_attr){.shape = {3, {17, 6, 5}}}),
        nets_add(g, "transpose", LIMN_OP_TRANSPOSE, (limn_op_attr){.perm = {0, 1, 2}}),
        nets_add(g, "pad", LIMN_OP_PAD, NONE),
        nets_add(g, "slice", LIMN_OP_SLICE, slice),
        nets_add(g, "expand", LIMN_OP_EXPAND, (limn_op_attr){.shape = {3, {17, 6, 5}}}),
        nets_add(g, "pool1", LIMN_OP_MAXPOOL, pool1),
    };
    const int no[] = {
        nets_add(g, "turned", LIMN_OP_SLICE, turned),
        nets_add(g, "padded", LIMN_OP_PAD, (limn_op_attr){.after = {0, 1, 1}}),
        nets_add(g, "pool2", LIMN_OP_MAXPOOL, pool2), /* the same shape as before the padding */
        nets_add(g, "other", LIMN_OP_RESHAPE, (limn_op_attr){.shape = {3, {17, 5, 6}}}),
        nets_add(g, "swapped", LIMN_OP_TRANSPOSE, (limn_op_attr){.perm = {0, 2, 1}}),
    };
    nets_engine e = nets_open(g, LIMN_BACKEND_AUTO);
    for (size_t i = 0; i < COUNT_OF(yes); i++) says(e.net, yes[i], "drop");
    for (size_t i = 0; i < COUNT_OF(no); i++) says(e.net, no[i], "");
    nets_close(&e);
    layers_are_what_they_were(g);
    graph_free(g);
}

static void zeros_around_become_the_padding(void **state) {
    (void)state;
    limn_graph *g = nets_begin((limn_shape)PICTURE(3, 9, 8));
    limn_op_attr zeros = {.before = {0, 1, 0}, .after = {0, 1, 2}}, edge = zeros, ones = zeros,
                 many = {.before = {0, 3, 0}}, channels = {.after = {1, 0, 0}};
    edge.mode = LIMN_PAD_EDGE;
    ones.p[0] = 1;
    int pad1 = nets_add(g, "pad1", LIMN_OP_PAD, zeros), conv1 = nets_add(g, "conv1", LIMN_OP_CONV2D, VALID);
    nets_add(g, NULL, LIMN_OP_RELU, NONE);
    int pad2 = nets_add(g, "pad2", LIMN_OP_PAD, (limn_op_attr){.before = {0, 0, 1}, .after = {0, 1, 0}}),
        conv2 = nets_add(g, "conv2", LIMN_OP_CONV2D, SAME);
    const int no[] = {
        nets_add(g, "edge", LIMN_OP_PAD, edge),         nets_add(g, "conv3", LIMN_OP_CONV2D, VALID),
        nets_add(g, "ones", LIMN_OP_PAD, ones),         nets_add(g, "conv4", LIMN_OP_CONV2D, VALID),
        nets_add(g, "many", LIMN_OP_PAD, many),         nets_add(g, "conv5", LIMN_OP_CONV2D, VALID),
        nets_add(g, "channels", LIMN_OP_PAD, channels), nets_add(g, "conv6", LIMN_OP_CONV2D, VALID),
        nets_add(g, "two", LIMN_OP_PAD, zeros),
    };
    int two = g->n_nodes - 1; /* read twice */
    int left = nets_add(g, "left", LIMN_OP_CONV2D, VALID), right = nets_add_at(g, "right", LIMN_OP_CONV2D, two, VALID);
    nets_add_n(g, "sum", LIMN_OP_BINARY, 2, (int[]){left, right}, (limn_op_attr){.f = LIMN_F_ADD});
    nets_engine e = nets_open(g, LIMN_BACKEND_AUTO), r = nets_open(g, LIMN_BACKEND_REF);
    says(e.net, pad1, "bypassed");
    says(e.net, conv1, "padding");
    says(e.net, pad2, "bypassed");
    says(e.net, conv2, "padding");
    says(e.net, left, "");
    says(e.net, right, "");
    for (size_t i = 0; i < COUNT_OF(no); i++) says(e.net, no[i], "");
    says(r.net, conv1, "");
    nets_close(&r);
    nets_close(&e);
    layers_are_what_they_were(g);
    graph_free(g);
}

static void scales_are_joined_with_activations(void **state) {
    (void)state;
    limn_graph *g = nets_begin((limn_shape)PICTURE(3, 9, 8));
    nets_add(g, "conv1", LIMN_OP_CONV2D, SAME);
    int bn1 = nets_add(g, "bn1", LIMN_OP_SCALE, SCALE), relu1 = nets_add(g, "relu1", LIMN_OP_RELU, NONE);
    nets_add(g, "conv2", LIMN_OP_CONV2D, SAME);
    int bn2 = nets_add(g, "bn2", LIMN_OP_SCALE, SCALE), clip2 = nets_add(g, "clip2", LIMN_OP_UNARY, CLIP);
    int last = nets_add(g, "bn3", LIMN_OP_SCALE, SCALE); /* a sigmoid is no walk of this kind */
    int sigmoid = nets_add(g, "sigmoid", LIMN_OP_UNARY, (limn_op_attr){.f = LIMN_F_SIGMOID});
    int bn4 = nets_add(g, "bn4", LIMN_OP_SCALE, SCALE), relu4 = nets_add(g, "relu4", LIMN_OP_RELU, NONE);
    nets_add_n(g, "sum", LIMN_OP_BINARY, 2, (int[]){bn4, relu4},
               (limn_op_attr){.f = LIMN_F_ADD}); /* bn4 is read twice */
    nets_add(g, "flatten", LIMN_OP_FLATTEN, NONE);
    nets_add(g, "dense", LIMN_OP_DENSE, (limn_op_attr){.units = 33});
    int bn5 = nets_add(g, "bn5", LIMN_OP_SCALE, SCALE), relu5 = nets_add(g, NULL, LIMN_OP_RELU, NONE);
    nets_engine e = nets_open(g, LIMN_BACKEND_AUTO);
    says(e.net, bn1, "bypassed");
    says(e.net, relu1, "norm, over");
    says(e.net, bn2, "bypassed");
    says(e.net, clip2, "norm, over");
    says(e.net, last, "over");
    says(e.net, sigmoid, "");
    says(e.net, bn4, "over");
    says(e.net, relu4, "");
    says(e.net, bn5, "bypassed");
    says(e.net, relu5, "norm, over");
    nets_close(&e);
    layers_are_what_they_were(g);
    graph_free(g);
}

/* By the convolution that they alone read, where the engine's own kernels compute it; with padding before them, too. */
static void activations_are_fused(void **state) {
    (void)state;
    limn_graph *g = nets_begin((limn_shape)PICTURE(16, 9, 8));
    const limn_op_attr one = CONV(24, 1, WINDOW(1, 1, 1, 1, 1, 1)), deep = CONV(24, 24, WINDOW(3, 3, 2, 2, 1, 1));
    limn_op_attr above = CLIP;
    above.p[0] = 0.1F;
    int conv1 = nets_add(g, "conv1", LIMN_OP_CONV2D, one), relu1 = nets_add(g, "relu1", LIMN_OP_RELU, NONE);
    nets_add(g, "pad", LIMN_OP_PAD, (limn_op_attr){.after = {0, 1, 1}});
    int conv2 = nets_add(g, "conv2", LIMN_OP_CONV2D, deep), clip2 = nets_add(g, "clip2", LIMN_OP_UNARY, CLIP);
    nets_add(g, "conv3", LIMN_OP_CONV2D, one);
    int no1 = nets_add(g, "zero is not within", LIMN_OP_UNARY, above);
    int conv4 = nets_add(g, "conv4", LIMN_OP_CONV2D, one), no2 = nets_add(g, "read twice", LIMN_OP_RELU, NONE);
    nets_add_n(g, "sum", LIMN_OP_BINARY, 2, (int[]){conv4, no2}, (limn_op_attr){.f = LIMN_F_ADD});
    nets_engine e = nets_open(g, LIMN_BACKEND_AUTO), r = nets_open(g, LIMN_BACKEND_REF);
    says(e.net, conv1, "bypassed");
    says(e.net, relu1, "fused");
    says(e.net, conv2, "bypassed, padding");
    says(e.net, clip2, "fused");
    says(e.net, no1, "over");
    says(e.net, no2, "");
    says(r.net, relu1, "over");
    nets_close(&r);
    nets_close(&e);
    layers_are_what_they_were(g);
    graph_free(g);
}

/* A ReLU may lie over its input only where nobody sees that: the session knows. */
static void values_lie_over_each_other(void **state) {
    (void)state;
    limn_graph *g = nets_begin((limn_shape)PICTURE(3, 9, 8));
    unsigned char asks[3] = {0};
    limn_session *s;
    int conv = nets_add(g, "conv", LIMN_OP_CONV2D, SAME), relu = nets_add(g, "relu", LIMN_OP_RELU, NONE);
    nets_engine e = nets_open(g, LIMN_BACKEND_AUTO);
    says(e.net, conv, "");
    says(e.net, relu, "over");
    assert_true(e.session->address[e.net->step[conv].value] != e.session->address[e.net->step[relu].value]);
    asks[2] = LIMN_ASK_VALUE;
    assert_int_equal(limn_session_new_for(&s, e.net, asks), LIMN_OK);
    assert_true(s->address[e.net->step[conv].value] == s->address[e.net->step[relu].value]);
    limn_session_free(s);
    asks[1] = LIMN_ASK_VALUE;
    assert_int_equal(limn_session_new_for(&s, e.net, asks), LIMN_OK);
    assert_true(s->address[e.net->step[conv].value] != s->address[e.net->step[relu].value]);
    limn_session_free(s);
    nets_close(&e);
    graph_free(g);
}

/* Everything at once, with the passes one upon the other: padding, convolution, scale, activation, in two branches. */
static void passes_on_passes(void **state) {
    (void)state;
    limn_graph *g = nets_begin((limn_shape)PICTURE(3, 11, 10));
    limn_op_attr around = {.before = {0, 1, 1}, .after = {0, 1, 1}};
    nets_add(g, "pad1", LIMN_OP_PAD, around);
    nets_add(g, "conv1", LIMN_OP_CONV2D, VALID);
    nets_add(g, "bn1", LIMN_OP_SCALE, SCALE);
    int stem = nets_add(g, "relu1", LIMN_OP_UNARY, CLIP);
    nets_add(g, "drop", LIMN_OP_IDENTITY, NONE);
    nets_add(g, "pad2", LIMN_OP_PAD, around);
    nets_add(g, "depthwise", LIMN_OP_CONV2D, (limn_op_attr)CONV(17, 17, WINDOW(3, 3, 1, 1, 1, 1)));
    nets_add(g, "bn2", LIMN_OP_SCALE, SCALE);
    int main2 = nets_add(g, "relu2", LIMN_OP_RELU, NONE);
    nets_add_n(g, "add", LIMN_OP_BINARY, 2, (int[]){stem, main2}, (limn_op_attr){.f = LIMN_F_ADD});
    nets_add(g, "bn3", LIMN_OP_SCALE, SCALE);
    nets_add(g, "relu3", LIMN_OP_RELU, NONE);
    nets_add(g, "pool", LIMN_OP_MAXPOOL, (limn_op_attr)CONV(0, 1, WINDOW(2, 2, 2, 2, 1, 1)));
    nets_add(g, "global", LIMN_OP_REDUCE, (limn_op_attr){.f = LIMN_F_MEAN, .axes = 6});
    nets_add(g, "dense", LIMN_OP_DENSE, (limn_op_attr){.units = 10});
    layers_are_what_they_were(g);
    graph_free(g);
}

/* A step that the self-test finds wrong on the short way or the long one goes to _ref, and all agrees. */
static void spoil_node(void *ctx, int node, int backward, float *out, size_t n) {
    if (node == *(const int *)ctx && !backward) out[n / 2] += 1, out[n / 3] -= 1;
    for (size_t i = 0; i < n && node == *(const int *)ctx; i++) out[i] = out[i] * 1.001F + 1e-3F;
}

static void both_ways_are_tested(void **state) {
    (void)state;
    limn_graph *g = nets_begin((limn_shape)PICTURE(3, 9, 8));
    nets_add(g, "pad", LIMN_OP_PAD, (limn_op_attr){.before = {0, 1, 1}, .after = {0, 1, 1}});
    int conv = nets_add(g, "conv", LIMN_OP_CONV2D, VALID), bn = nets_add(g, "bn", LIMN_OP_SCALE, SCALE);
    int relu = nets_add(g, "relu", LIMN_OP_RELU, NONE);
    nets_engine e = nets_open(g, LIMN_BACKEND_AUTO);
    assert_int_equal(e.net->n_steps, g->n_nodes + 2);
    int spoilt[] = {conv, relu, e.net->twin[conv], e.net->twin[relu]};
    (void)bn;
    nets_close(&e);
    for (size_t i = 0; i < COUNT_OF(spoilt); i++) {
        e = nets_open_tampered(g, LIMN_BACKEND_AUTO, spoil_node, &spoilt[i]);
        if (limn_net_fallbacks(e.net) != 1) fail_msg("step %d: %d fallbacks", spoilt[i], limn_net_fallbacks(e.net));
        nets_close(&e);
    }
    graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_are_computed_once),
        cmocka_unit_test(what_changes_nothing_is_dropped),
        cmocka_unit_test(zeros_around_become_the_padding),
        cmocka_unit_test(scales_are_joined_with_activations),
        cmocka_unit_test(activations_are_fused),
        cmocka_unit_test(values_lie_over_each_other),
        cmocka_unit_test(passes_on_passes),
        cmocka_unit_test(both_ways_are_tested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
