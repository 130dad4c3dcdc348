/* The graph: shapes, checks, choices of layers, the softmax swap. Expected shapes are worked out by hand from
 * floor((in + pad - span) / stride) + 1 and, for SAME, ceil(in / stride). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/graph.h"

static limn_values zeros(size_t n) {
    limn_values w = {NULL, n};
    assert_int_equal(limn_new(&w.v, n, sizeof *w.v), LIMN_OK);
    return w;
}

static int add(limn_graph *g, limn_op op, limn_op_attr a, size_t weight, size_t bias) {
    int k = -1;
    limn_values none = LIMN_NO_VALUES;
    assert_int_equal(
        graph_add_node(g, op, g->n_nodes - 1, &a, weight ? zeros(weight) : none, bias ? zeros(bias) : none, &k),
        LIMN_OK);
    return k;
}

static void layer(limn_graph *g, const char *name, const char *type, limn_kind kind) {
    int k;
    assert_int_equal(graph_add_layer(g, name, type, kind, &k), LIMN_OK);
    assert_int_equal(k, g->n_layers - 1);
}

static limn_op_attr conv(int units, int k, int stride, int same) {
    return (limn_op_attr){
        .kernel = {k, k}, .stride = {stride, stride}, .dilation = {1, 1}, .groups = 1, .units = units, .same = same};
}

static limn_graph *begin(size_t c, size_t h, size_t w) {
    limn_graph *g;
    assert_int_equal(graph_new(&g), LIMN_OK);
    add(g, LIMN_OP_INPUT, (limn_op_attr){.shape = {3, {c, h, w}}}, 0, 0);
    return g;
}

/* conv 3x3 relu, pool, dropout, flatten, dense 5 relu, dense 3 softmax over a (2, 9, 8) picture */
static limn_graph *small(void) {
    limn_graph *g = begin(2, 9, 8);
    layer(g, "conv", "Conv2D", LIMN_KIND_CONV);
    add(g, LIMN_OP_CONV2D, conv(4, 3, 1, 0), 4 * 2 * 9, 4);
    add(g, LIMN_OP_RELU, (limn_op_attr){0}, 0, 0);
    layer(g, "pool", "MaxPooling2D", LIMN_KIND_POOL);
    add(g, LIMN_OP_MAXPOOL, conv(0, 2, 2, 0), 0, 0);
    layer(g, "drop", "Dropout", LIMN_KIND_OTHER);
    add(g, LIMN_OP_IDENTITY, (limn_op_attr){0}, 0, 0);
    layer(g, "flat", "Flatten", LIMN_KIND_OTHER);
    add(g, LIMN_OP_FLATTEN, (limn_op_attr){.hwc = 1}, 0, 0);
    layer(g, "d1", "Dense", LIMN_KIND_DENSE);
    add(g, LIMN_OP_DENSE, (limn_op_attr){.units = 5}, 5 * 36, 5);
    add(g, LIMN_OP_RELU, (limn_op_attr){0}, 0, 0);
    layer(g, "d2", "Dense", LIMN_KIND_DENSE);
    add(g, LIMN_OP_DENSE, (limn_op_attr){.units = 3}, 15, 3);
    add(g, LIMN_OP_SOFTMAX, (limn_op_attr){0}, 0, 0);
    return g;
}

static void assert_shape(const limn_shape *s, int rank, size_t a, size_t b, size_t c) {
    assert_int_equal(s->rank, rank);
    assert_int_equal(s->dim[0], a);
    if (rank > 1) assert_int_equal(s->dim[1], b);
    if (rank > 2) assert_int_equal(s->dim[2], c);
}

static void shapes_and_parameters_follow(void **state) {
    (void)state;
    limn_graph *g = small();
    assert_int_equal(graph_finish(g), LIMN_OK);
    assert_shape(graph_layer_shape(g, LIMN_INPUT), 3, 2, 9, 8);
    assert_shape(graph_layer_shape(g, 0), 3, 4, 7, 6);
    assert_shape(graph_layer_shape(g, 1), 3, 4, 3, 3);
    assert_shape(graph_layer_shape(g, 3), 1, 36, 0, 0);
    assert_shape(graph_layer_shape(g, 5), 1, 3, 0, 0);
    assert_int_equal(g->layer[0].params, 76);
    assert_int_equal(g->layer[0].first, 1);
    assert_int_equal(g->layer[0].last, 2);
    assert_int_equal(g->layer[2].params, 0);
    assert_int_equal(g->layer[5].params, 18);
    assert_int_equal(g->node[0].layer, -1);
    graph_free(g);
}

static void same_padding_is_tensorflows(void **state) {
    (void)state;
    limn_graph *g = begin(1, 7, 8);
    layer(g, "a", "Conv2D", LIMN_KIND_CONV);
    int a = add(g, LIMN_OP_CONV2D, conv(1, 3, 2, 1), 9, 0); /* 7 -> 4: 3*2+3-7 = 2; 8 -> 4: 1, at the right */
    layer(g, "b", "MaxPooling2D", LIMN_KIND_POOL);
    int b = add(g, LIMN_OP_MAXPOOL, conv(0, 2, 3, 1), 0, 0); /* 4 -> 2: 1*3+2-4 = 1 */
    layer(g, "c", "Conv2D", LIMN_KIND_CONV);
    limn_op_attr dilated = conv(1, 3, 1, 1);
    dilated.dilation[0] = 2; /* span 5: 4 pixels of padding */
    int c = add(g, LIMN_OP_CONV2D, dilated, 9, 0);
    assert_int_equal(graph_finish(g), LIMN_OK);
    assert_shape(&g->node[a].out, 3, 1, 4, 4);
    assert_memory_equal(g->node[a].attr.pad, ((int[4]){1, 0, 1, 1}), sizeof(int[4]));
    assert_shape(&g->node[b].out, 3, 1, 2, 2);
    assert_memory_equal(g->node[b].attr.pad, ((int[4]){0, 0, 1, 1}), sizeof(int[4]));
    assert_shape(&g->node[c].out, 3, 1, 2, 2);
    assert_memory_equal(g->node[c].attr.pad, ((int[4]){2, 1, 2, 1}), sizeof(int[4]));
    graph_free(g);
}

static void layers_are_found_and_chosen(void **state) {
    (void)state;
    limn_graph *g = small();
    assert_int_equal(graph_finish(g), LIMN_OK);
    assert_int_equal(graph_find_layer(g, "pool"), 1);
    assert_int_equal(graph_find_layer(g, "4"), 4);
    assert_int_equal(graph_find_layer(g, "6"), -1);
    assert_int_equal(graph_find_layer(g, ""), -1);
    assert_int_equal(graph_find_layer(g, "99999999999999999999"), -1);
    assert_int_equal(graph_find_layer(g, "-1"), -1);
    assert_int_equal(graph_feature_layer(g), 4);
    assert_int_equal(graph_cam_layer(g), 0);
    graph_free(g);
    /* one dense layer: its input; a conv layer of 1x1 is not for CAMs */
    g = begin(1, 3, 3);
    layer(g, "conv", "Conv2D", LIMN_KIND_CONV);
    add(g, LIMN_OP_CONV2D, conv(2, 3, 1, 0), 18, 0);
    layer(g, "flat", "Flatten", LIMN_KIND_OTHER);
    add(g, LIMN_OP_FLATTEN, (limn_op_attr){0}, 0, 0);
    layer(g, "d", "Dense", LIMN_KIND_DENSE);
    add(g, LIMN_OP_DENSE, (limn_op_attr){.units = 2}, 4, 0);
    assert_int_equal(graph_finish(g), LIMN_OK);
    assert_int_equal(graph_feature_layer(g), 1);
    assert_int_equal(graph_cam_layer(g), -1);
    graph_free(g);
}

/* A convolution settles behind what follows it place by place: a batch norm, a sum with a shortcut, an activation of several
 * layers, but not at what passes its input on, pools, turns or ends the network. */
static void a_cam_looks_behind_the_activation(void **state) {
    (void)state;
    limn_graph *g = begin(2, 5, 5);
    layer(g, "shortcut", "Conv2D", LIMN_KIND_CONV);
    add(g, LIMN_OP_CONV2D, conv(2, 1, 1, 0), 4, 0);
    layer(g, "conv", "Conv2D", LIMN_KIND_CONV);
    int c = add(g, LIMN_OP_CONV2D, conv(2, 3, 1, 1), 36, 0);
    layer(g, "norm", "BatchNormalization", LIMN_KIND_OTHER);
    add(g, LIMN_OP_SCALE, (limn_op_attr){0}, 2, 2);
    layer(g, "sum", "Add", LIMN_KIND_OTHER);
    int sum, y, in[2] = {1, c + 1};
    assert_int_equal(graph_add_node_n(g, LIMN_OP_BINARY, 2, in, &(limn_op_attr){.f = LIMN_F_ADD}, LIMN_NO_VALUES,
                                      LIMN_NO_VALUES, &sum),
                     LIMN_OK);
    layer(g, "gate", "Sigmoid", LIMN_KIND_OTHER);
    in[0] = sum;
    in[1] = add(g, LIMN_OP_UNARY, (limn_op_attr){.f = LIMN_F_SIGMOID}, 0, 0);
    layer(g, "swish", "Mul", LIMN_KIND_OTHER);
    assert_int_equal(graph_add_node_n(g, LIMN_OP_BINARY, 2, in, &(limn_op_attr){.f = LIMN_F_MUL}, LIMN_NO_VALUES,
                                      LIMN_NO_VALUES, &y),
                     LIMN_OK);
    layer(g, "drop", "Dropout", LIMN_KIND_OTHER);
    add(g, LIMN_OP_IDENTITY, (limn_op_attr){0}, 0, 0);
    layer(g, "turn", "Permute", LIMN_KIND_OTHER); /* of the same size, rows and columns exchanged */
    add(g, LIMN_OP_TRANSPOSE, (limn_op_attr){.perm = {0, 2, 1}}, 0, 0);
    layer(g, "last", "ReLU", LIMN_KIND_OTHER);
    add(g, LIMN_OP_RELU, (limn_op_attr){0}, 0, 0);
    if (graph_finish(g) != LIMN_OK) fail_msg("%s", limn_message());
    assert_string_equal(g->layer[graph_cam_layer(g)].name, "swish");
    assert_int_equal(g->layer[0].settled, 5);
    assert_int_equal(g->layer[6].settled, 6);
    graph_free(g);
}

static void a_final_softmax_is_swapped(void **state) {
    (void)state;
    limn_graph *g = small();
    assert_int_equal(graph_finish(g), LIMN_OK);
    assert_int_equal(g->final_activation, LIMN_OP_IDENTITY);
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(graph_swap_softmax(g), LIMN_OK);
        assert_int_equal(g->final_activation, LIMN_OP_SOFTMAX);
        assert_int_equal(g->n_nodes, 9);
        assert_int_equal(g->layer[5].last, 8);
        assert_int_equal(g->node[8].op, LIMN_OP_DENSE);
    }
    graph_free(g);
    /* softmax as a layer of its own, with a dropout after it: both stay, as identities */
    g = small();
    layer(g, "soft", "Softmax", LIMN_KIND_OTHER);
    add(g, LIMN_OP_SOFTMAX, (limn_op_attr){0}, 0, 0);
    layer(g, "drop2", "Dropout", LIMN_KIND_OTHER);
    add(g, LIMN_OP_IDENTITY, (limn_op_attr){0}, 0, 0);
    assert_int_equal(graph_finish(g), LIMN_OK);
    assert_int_equal(graph_swap_softmax(g), LIMN_OK);
    assert_int_equal(g->n_nodes, 12);
    assert_int_equal(g->node[10].op, LIMN_OP_IDENTITY);
    assert_int_equal(g->node[9].op, LIMN_OP_SOFTMAX); /* softmax of softmax: only the last goes */
    graph_free(g);
}

/* One wrong node at the end of small(): graph_finish names its layer. */
static void refused(limn_op op, limn_op_attr a, size_t weight, size_t bias, const char *part) {
    limn_graph *g = small();
    layer(g, "bad", "Thing", LIMN_KIND_OTHER);
    add(g, op, a, weight, bias);
    assert_int_equal(graph_finish(g), LIMN_EINPUT);
    if (!strstr(limn_message(), "layer `bad` (Thing): ") || !strstr(limn_message(), part))
        fail_msg("%s", limn_message());
    graph_free(g);
}

static void refused_conv(limn_op_attr a, size_t weight, const char *part) {
    limn_graph *g = begin(2, 9, 8);
    layer(g, "bad", "Thing", LIMN_KIND_CONV);
    add(g, LIMN_OP_CONV2D, a, weight, 0);
    assert_int_equal(graph_finish(g), LIMN_EINPUT);
    if (!strstr(limn_message(), "layer `bad` (Thing): ") || !strstr(limn_message(), part))
        fail_msg("%s", limn_message());
    graph_free(g);
}

/* A window over each of 2048^2 pixels: 2048^4 numbers, of which same padding leaves a part; then many small steps. */
static void endless_work_is_refused(void **state) {
    (void)state;
    for (int many = 0; many < 2; many++) {
        limn_graph *g = begin(1, 2048, 2048);
        layer(g, "some", "Thing", LIMN_KIND_POOL);
        for (int i = 0; i < (many ? 1 : 1000); i++) add(g, LIMN_OP_MAXPOOL, conv(0, many ? 3 : 1, 1, 1), 0, 0);
        assert_int_equal(graph_finish(g), LIMN_OK);
        layer(g, "bad", "Thing", LIMN_KIND_POOL);
        for (int i = 0; i < (many ? 3000 : 1); i++) add(g, LIMN_OP_MAXPOOL, conv(0, many ? 3 : 2047, 1, 1), 0, 0);
        assert_int_equal(graph_finish(g), LIMN_EINPUT);
        if (!strstr(limn_message(), "layer `bad` (Thing): up to here one sample takes")) fail_msg("%s", limn_message());
        graph_free(g);
    }
}

static void what_does_not_fit_is_refused(void **state) {
    (void)state;
    limn_op_attr a;
    refused(LIMN_OP_CONV2D, conv(1, 1, 1, 0), 3, 0, "needs a picture");
    refused(LIMN_OP_DENSE, (limn_op_attr){.units = 2}, 5, 0, "5 values where its input and options need 6");
    refused(LIMN_OP_DENSE, (limn_op_attr){.units = 2}, 6, 3, "bias has 3 values");
    refused(LIMN_OP_DENSE, (limn_op_attr){.units = 2}, 0, 0, "no weights");
    refused(LIMN_OP_DENSE, (limn_op_attr){.units = -2}, 6, 0, "-2 units");
    refused(LIMN_OP_RELU, (limn_op_attr){0}, 6, 0, "cannot have weights");
    refused_conv(conv(4, 10, 1, 0), 800, "larger than its input");
    refused_conv(conv(4, 0, 1, 0), 8, "must be from 1");
    refused_conv(conv(4, 3, 0, 1), 72, "must be from 1");
    refused_conv(conv(4, 65536, 65536, 1), 72, "kernel has 72 values");
    refused_conv(conv(INT32_MAX, 1, 1, 0), 72, "more than");
    refused_conv(conv(0, 3, 1, 0), 72, "0 filters");
    a = conv(4, 3, 1, 0);
    a.groups = 3;
    refused_conv(a, 24, "groups");
    a.groups = 0;
    refused_conv(a, 24, "groups");
    a = conv(4, 3, 1, 0);
    a.pad[2] = 3;
    refused_conv(a, 72, "padding");
    a = conv(4, 3, 1, 0);
    a.dilation[1] = 65536;
    refused_conv(a, 72, "larger than its input");
    limn_graph *g;
    assert_int_equal(graph_new(&g), LIMN_OK);
    add(g, LIMN_OP_INPUT, (limn_op_attr){.shape = {3, {1, 1 << 16, 1 << 16}}}, 0, 0);
    layer(g, "drop", "Dropout", LIMN_KIND_OTHER);
    add(g, LIMN_OP_IDENTITY, (limn_op_attr){0}, 0, 0);
    assert_int_equal(graph_finish(g), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "the input: "));
    graph_free(g);
}

static void order_is_kept(void **state) {
    (void)state;
    limn_graph *g;
    int k;
    assert_int_equal(graph_new(&g), LIMN_OK);
    assert_int_equal(graph_finish(g), LIMN_EINPUT);
    assert_int_equal(graph_add_node(g, LIMN_OP_RELU, -1, NULL, zeros(3), zeros(3), NULL), LIMN_EFAIL); /* frees both */
    add(g, LIMN_OP_INPUT, (limn_op_attr){.shape = {1, {4}}}, 0, 0);
    assert_int_equal(graph_add_node(g, LIMN_OP_RELU, 0, NULL, LIMN_NO_VALUES, LIMN_NO_VALUES, NULL), LIMN_EFAIL);
    layer(g, "r", "ReLU", LIMN_KIND_OTHER);
    assert_int_equal(graph_finish(g), LIMN_EFAIL); /* a layer without nodes */
    assert_int_equal(graph_add_node(g, LIMN_OP_RELU, 1, NULL, LIMN_NO_VALUES, LIMN_NO_VALUES, &k), LIMN_EFAIL);
    assert_int_equal(graph_add_node(g, LIMN_OP_RELU, 0, NULL, LIMN_NO_VALUES, LIMN_NO_VALUES, &k), LIMN_OK);
    assert_int_equal(k, 1);
    assert_int_equal(graph_finish(g), LIMN_OK);
    graph_free(g);
    graph_free(NULL);
}

static void shapes_are_written_as_the_file_shows_them(void **state) {
    (void)state;
    char buf[LIMN_SHAPE_TEXT];
    assert_string_equal(graph_shape_text(&(limn_shape){3, {1, 28, 29}}, 1, buf), "(28, 29, 1)");
    assert_string_equal(graph_shape_text(&(limn_shape){3, {1, 28, 29}}, 0, buf), "(1, 28, 29)");
    assert_string_equal(graph_shape_text(&(limn_shape){1, {10}}, 1, buf), "(10,)");
    size_t big = SIZE_MAX;
    graph_shape_text(&(limn_shape){5, {big, big, big, big, big}}, 1, buf);
    assert_true(strlen(buf) < LIMN_SHAPE_TEXT);
}

/* ---- graph v2: more inputs, constants, functions ------------------------------------------------------------------ */
typedef struct {
    limn_op op;
    limn_op_attr a;
    limn_shape in[2]; /* one or two; the first is the input, the second a constant */
    int two;
    limn_shape want; /* rank -1: refused */
} shape_case;

#define REFUSED                                                                                                        \
    {                                                                                                                  \
        -1, {                                                                                                          \
            0                                                                                                          \
        }                                                                                                              \
    }
static const shape_case shape_cases[] = {
    {LIMN_OP_BINARY, {.f = LIMN_F_ADD}, {{3, {2, 3, 4}}, {2, {3, 1}}}, 1, {3, {2, 3, 4}}},
    {LIMN_OP_BINARY, {.f = LIMN_F_ADD}, {{2, {3, 1}}, {3, {2, 3, 4}}}, 1, {3, {2, 3, 4}}},
    {LIMN_OP_BINARY, {.f = LIMN_F_ADD}, {{3, {2, 3, 4}}, {2, {2, 1}}}, 1, REFUSED},
    {LIMN_OP_BINARY, {.f = LIMN_BINARIES}, {{1, {2}}, {1, {2}}}, 1, REFUSED},
    {LIMN_OP_UNARY, {.f = -1}, {{1, {2}}}, 0, REFUSED},
    {LIMN_OP_CONCAT, {.axis = 1}, {{2, {2, 3}}, {2, {2, 4}}}, 1, {2, {2, 7}}},
    {LIMN_OP_CONCAT, {.axis = 1}, {{2, {2, 3}}, {2, {3, 4}}}, 1, REFUSED},
    {LIMN_OP_CONCAT, {.axis = 2}, {{2, {2, 3}}, {2, {2, 3}}}, 1, REFUSED},
    {LIMN_OP_SLICE, {.shape = {2, {2, 2}}, .start = {2, 0}, .step = {-2, 3}}, {{2, {3, 4}}}, 0, {2, {2, 2}}},
    {LIMN_OP_SLICE, {.shape = {2, {2, 2}}, .start = {2, 0}, .step = {-2, 4}}, {{2, {3, 4}}}, 0, REFUSED},
    {LIMN_OP_SLICE, {.shape = {1, {2}}, .start = {0}, .step = {0}}, {{1, {3}}}, 0, REFUSED},
    {LIMN_OP_PAD, {.before = {1, 0}, .after = {0, 2}}, {{2, {3, 4}}}, 0, {2, {4, 6}}},
    {LIMN_OP_PAD, {.before = {3}, .mode = LIMN_PAD_REFLECT}, {{1, {3}}}, 0, REFUSED},
    {LIMN_OP_PAD, {.before = {-1}}, {{1, {3}}}, 0, REFUSED},
    {LIMN_OP_TRANSPOSE, {.perm = {2, 0, 1}}, {{3, {2, 3, 4}}}, 0, {3, {4, 2, 3}}},
    {LIMN_OP_TRANSPOSE, {.perm = {0, 0, 1}}, {{3, {2, 3, 4}}}, 0, REFUSED},
    {LIMN_OP_RESHAPE, {.shape = {2, {4, 3}}}, {{2, {2, 6}}}, 0, {2, {4, 3}}},
    {LIMN_OP_RESHAPE, {.shape = {2, {4, 4}}}, {{2, {2, 6}}}, 0, REFUSED},
    {LIMN_OP_EXPAND, {.shape = {3, {5, 2, 3}}}, {{2, {2, 1}}}, 0, {3, {5, 2, 3}}},
    {LIMN_OP_EXPAND, {.shape = {2, {1, 3}}}, {{2, {2, 1}}}, 0, REFUSED},
    {LIMN_OP_REDUCE, {.f = LIMN_F_MEAN, .axes = 6}, {{3, {2, 3, 4}}}, 0, {1, {2}}},
    {LIMN_OP_REDUCE, {.f = LIMN_F_MEAN, .axes = 6, .keep = 1}, {{3, {2, 3, 4}}}, 0, {3, {2, 1, 1}}},
    {LIMN_OP_REDUCE, {.f = LIMN_F_MEAN, .axes = 8}, {{3, {2, 3, 4}}}, 0, REFUSED},
    {LIMN_OP_MATMUL, {.f = 0}, {{3, {5, 2, 3}}, {2, {3, 4}}}, 1, {3, {5, 2, 4}}},
    {LIMN_OP_MATMUL, {.f = 0}, {{2, {2, 3}}, {2, {4, 3}}}, 1, REFUSED},
    {LIMN_OP_SOFTMAX, {.axis = 1}, {{1, {3}}}, 0, REFUSED},
    {LIMN_OP_MAXPOOL,
     {.kernel = {2, 2}, .stride = {2, 2}, .dilation = {1, 1}, .ceil = 1},
     {{3, {1, 5, 4}}},
     0,
     {3, {1, 3, 2}}},
    /* the second window would begin beyond input and padding before */
    {LIMN_OP_AVGPOOL,
     {.kernel = {1, 1}, .stride = {3, 3}, .dilation = {1, 1}, .ceil = 1},
     {{3, {1, 3, 4}}},
     0,
     {3, {1, 1, 2}}},
    {LIMN_OP_RESIZE, {.shape = {2, {4, 9}}}, {{2, {2, 3}}}, 0, {2, {4, 9}}},
    {LIMN_OP_RESIZE, {.shape = {2, {4, 9}}, .mode = 7}, {{2, {2, 3}}}, 0, REFUSED},
};

static void shapes_of_many_ops_follow(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof shape_cases / sizeof *shape_cases; k++) {
        const shape_case *c = &shape_cases[k];
        limn_graph *g;
        int in[2] = {0, 0};
        assert_int_equal(graph_new(&g), LIMN_OK);
        add(g, LIMN_OP_INPUT, (limn_op_attr){.shape = c->in[0]}, 0, 0);
        layer(g, "op", "Op", LIMN_KIND_OTHER);
        if (c->two) {
            limn_op_attr constant = {.shape = c->in[1]};
            assert_int_equal(graph_add_node(g, LIMN_OP_CONST, -1, &constant, zeros(limn_shape_size(&c->in[1])),
                                            LIMN_NO_VALUES, &in[1]),
                             LIMN_OK);
        }
        assert_int_equal(graph_add_node_n(g, c->op, 1 + c->two, in, &c->a, LIMN_NO_VALUES, LIMN_NO_VALUES, NULL),
                         LIMN_OK);
        limn_status s = graph_finish(g);
        const limn_shape *got = graph_layer_shape(g, 0);
        int as_wanted = (s == LIMN_OK) == (c->want.rank >= 0);
        for (int i = 0; s == LIMN_OK && as_wanted && i < c->want.rank; i++)
            as_wanted = got->rank == c->want.rank && got->dim[i] == c->want.dim[i];
        if (!as_wanted)
            fail_msg("case %zu (%s): %s", k, limn_op_table[c->op].name, s == LIMN_OK ? "ok" : limn_message());
        if (s == LIMN_OK) assert_int_equal(g->node[g->n_nodes - 1].batched, 1);
        graph_free(g);
    }
}

/* Two batched values of different rank do not broadcast: the missing axis would be the batch. */
static void batches_do_not_broadcast(void **state) {
    (void)state;
    limn_graph *g = begin(2, 3, 4);
    layer(g, "mean", "Mean", LIMN_KIND_OTHER);
    int mean = add(g, LIMN_OP_REDUCE, (limn_op_attr){.f = LIMN_F_MEAN, .axes = 1}, 0, 0);
    layer(g, "add", "Add", LIMN_KIND_OTHER);
    limn_op_attr sum = {.f = LIMN_F_ADD};
    assert_int_equal(
        graph_add_node_n(g, LIMN_OP_BINARY, 2, (int[]){0, mean}, &sum, LIMN_NO_VALUES, LIMN_NO_VALUES, NULL), LIMN_OK);
    assert_int_equal(graph_finish(g), LIMN_EINPUT);
    graph_free(g);
}

/* The sigmoid of one output is the swap's; of several it is not. A layer that is nothing else becomes an identity. */
static void a_sigmoid_of_one_output_is_swapped(void **state) {
    (void)state;
    for (int units = 1; units <= 2; units++) {
        limn_graph *g;
        assert_int_equal(graph_new(&g), LIMN_OK);
        add(g, LIMN_OP_INPUT, (limn_op_attr){.shape = {1, {4}}}, 0, 0);
        layer(g, "dense", "Dense", LIMN_KIND_DENSE);
        add(g, LIMN_OP_DENSE, (limn_op_attr){.units = units}, 4 * (size_t)units, 0);
        layer(g, "activation", "Activation", LIMN_KIND_OTHER);
        add(g, LIMN_OP_UNARY, (limn_op_attr){.f = LIMN_F_SIGMOID}, 0, 0);
        assert_int_equal(graph_finish(g), LIMN_OK);
        assert_int_equal(graph_swap_softmax(g), LIMN_OK);
        assert_int_equal(g->final_activation, units == 1 ? LIMN_OP_UNARY : LIMN_OP_IDENTITY);
        assert_int_equal(g->node[2].op, units == 1 ? LIMN_OP_IDENTITY : LIMN_OP_UNARY);
        graph_free(g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_and_parameters_follow),
        cmocka_unit_test(same_padding_is_tensorflows),
        cmocka_unit_test(layers_are_found_and_chosen),
        cmocka_unit_test(a_cam_looks_behind_the_activation),
        cmocka_unit_test(a_final_softmax_is_swapped),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(endless_work_is_refused),
        cmocka_unit_test(order_is_kept),
        cmocka_unit_test(shapes_of_many_ops_follow),
        cmocka_unit_test(batches_do_not_broadcast),
        cmocka_unit_test(a_sigmoid_of_one_output_is_swapped),
        cmocka_unit_test(shapes_are_written_as_the_file_shows_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
