/* Keras configurations of more than a chain: what reads what, names, weights of networks within, Keras 1; and the
 * sentence where a configuration cannot be read. Weights come from a table here, so that no file takes part. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/keras.h"

static float values[512];
static hdf5_entry array[16]; /* what is asked for, by its place in the group */
static char asked[512];      /* "group=place:count " of every question */

static limn_status find(const keras_weights *w, const char *name, const char *place, const char *const *parts, int n,
                        const hdf5_entry **out) {
    (void)w;
    (void)parts;
    size_t used = strlen(asked);
    snprintf(asked + used, sizeof asked - used, "%s=%s:%d ", name, place, n);
    assert_true(n <= 16);
    for (int i = 0; i < n; i++) out[i] = &array[i];
    return LIMN_OK;
}

static void give(int i, const char *path, int rank, size_t a, size_t b, size_t c, size_t d) {
    array[i] = (hdf5_entry){.kind = ANSWER_DATASET,
                            .type = ANSWER_VALUES,
                            .rank = rank,
                            .dim = {a, b, c, d},
                            .n = a * (rank > 1 ? b : 1) * (rank > 2 ? c * d : 1),
                            .path = path,
                            .name = "",
                            .data = values + i};
}

static int start(void **state) {
    (void)state;
    asked[0] = 0;
    for (int i = 0; i < 512; i++) values[i] = (float)i;
    return 0;
}

/* Reads JSON with ' for ". NULL where it was refused. */
static limn_graph *read_json(const char *json, int grouped) {
    char text[8192];
    limn_graph *g;
    assert_true(strlen(json) < sizeof text);
    snprintf(text, sizeof text, "%s", json);
    for (char *p = text; *p; p++)
        if (*p == '\'') *p = '"';
    assert_int_equal(graph_new(&g), LIMN_OK);
    if (keras_build(g, text, strlen(text), &(keras_weights){.find = find, .grouped = grouped}) == LIMN_OK) return g;
    graph_free(g);
    return NULL;
}

#define IN(name)                                                                                                       \
    "{'class_name':'InputLayer','config':{'name':'" name "','batch_shape':[null,4,4,1]},'inbound_nodes':[]},"
#define LAYER(type, name, options, reads)                                                                              \
    "{'class_name':'" type "','config':{'name':'" name "'" options "},'inbound_nodes':[" reads "]}"
#define FROM(name) "[['" name "',0,0,{}]]"
#define GRAPH(layers, in, out)                                                                                         \
    "{'class_name':'Functional','config':{'name':'m','layers':[" layers "],'input_layers':[" in                        \
    "],'output_layers':[" out "]}}"
#define ONE GRAPH(IN("i") LAYER("ReLU", "r", "", FROM("i")), "['i',0,0]", "['r',0,0]")

static void refused(const char *json, const char *part) {
    limn_graph *g = read_json(json, 1);
    if (g) fail_msg("read: %s", json);
    if (!strstr(limn_message(), part)) fail_msg("`%s` lacks `%s`", limn_message(), part);
}

static void calls_become_nodes_in_the_order_of_what_they_read(void **state) {
    (void)state;
    /* the sum stands before what it reads; `dead` is not needed */
    limn_graph *g =
        read_json(GRAPH(IN("i") LAYER("Add", "sum", "", "[['b',0,0,{}],['a',0,0,{}]]") "," LAYER(
                            "ReLU", "a", "", FROM("i")) "," LAYER("ReLU", "b", "", FROM("a")) "," LAYER("ReLU", "dead",
                                                                                                        "", FROM("a")),
                        "['i',0,0]", "['sum',0,0],['dead',0,0]"),
                  1);
    if (!g) fail_msg("%s", limn_message());
    assert_int_equal(g->n_layers, 3);
    assert_string_equal(g->layer[0].name, "a");
    assert_string_equal(g->layer[1].name, "b");
    assert_string_equal(g->layer[2].name, "sum");
    assert_int_equal(g->node[3].n_in, 2);
    assert_int_equal(g->node[3].in[0], 2);
    assert_int_equal(g->node[3].in[1], 1);
    graph_free(g);
}

static void keras_3_writes_tensors_in_arguments(void **state) {
    (void)state;
#define TENSOR(name, call)                                                                                             \
    "{'class_name':'__keras_tensor__','config':{'shape':[null],'keras_history':['" name "'," call ",0]}}"
    limn_graph *g = read_json(
        "{'class_name':'Functional','config':{'name':'m','layers':[" IN("i") LAYER(
            "ReLU", "r", "",
            "{'args':[" TENSOR("i", "0") "],'kwargs':{}},{'args':[" TENSOR(
                "r", "0") "],'kwargs':{}}") "," LAYER("Concatenate", "c", ",'axis':-1",
                                                      "{'args':[[" TENSOR("r", "0") "," TENSOR(
                                                          "r", "1") "]],'kwargs':{}}") "],'input_layers':['i',0,0],'"
                                                                                       "output_layers':['c',0,0]}}",
        0);
    if (!g) fail_msg("%s", limn_message());
    assert_int_equal(g->n_layers, 3);
    assert_string_equal(g->layer[1].name, "r:2");
    assert_int_equal(graph_layer_shape(g, 2)->dim[0], 2);
    graph_free(g);
}

#define CONV(name, more) "{'class_name':'Conv2D','config':{'name':'" name "','filters':1,'kernel_size':1" more "}}"
#define BN(name, more) "{'class_name':'BatchNormalization','config':{'name':'" name "','epsilon':0" more "}}"

/* Conv, BN, frozen conv, BN: the trained arrays first. Each value is its place in the group. */
static void a_group_lists_what_is_trained_first(void **state) {
    (void)state;
    static const char net[] = "{'class_name':'Sequential','config':{'layers':[" IN(
        "i") "{'class_name':'Sequential','config':{'name':'inner',"
             "'layers':[" CONV("c", "") "," BN("n", ",'scale':false") "," CONV("d", ",'trainable':false") "," CONV(
                 "e", ",'use_bias':false") "]}}," CONV("c", ",'use_bias':false") "]}}";
    for (int i = 0; i < 8; i++) give(i, "p", 1, 1, 0, 0, 0);
    give(0, "p", 4, 1, 1, 1, 1); /* c: kernel 0, bias 1; n: beta 2, moments 4, 5; d: 6, 7; e: 3 */
    give(3, "p", 4, 1, 1, 1, 1);
    give(6, "p", 4, 1, 1, 1, 1);
    limn_graph *g = read_json(net, 1);
    if (!g) fail_msg("%s", limn_message());
    assert_string_equal(asked, "inner=sequential:8 c=conv2d:1 ");
    assert_string_equal(g->layer[0].name, "inner/c");
    assert_string_equal(g->layer[4].name, "c");
    assert_true(g->node[1].weight[0] == 0 && g->node[1].bias[0] == 1);
    assert_true(g->node[2].weight[0] == 1 / (float)2.2360679774997896964); /* 1 / sqrt 5 */
    assert_true(g->node[3].weight[0] == 6 && g->node[3].bias[0] == 7);
    assert_true(g->node[4].weight[0] == 3);
    graph_free(g);
    start(NULL);
    give(1, "p", 1, 1, 0, 0, 0);
    limn_graph *n = read_json("{'class_name':'Sequential','config':{'layers':[" IN(
                                  "i") "{'class_name':'Sequential',"
                                       "'config':{'name':'inner','layers':[" CONV("c", "") "]}}," CONV("c", "") "]}}",
                              0);
    assert_non_null(n);
    assert_string_equal(asked, "c=sequential/layers/conv2d:2 c=conv2d:2 ");
    graph_free(n);
}

/* Keras 1: (out, in, h, w) where channels come first, rotated by Theano, whose names end otherwise than TensorFlow's. */
static void keras_1_has_words_and_kernels_of_its_own(void **state) {
    (void)state;
#define OLD(order, shape)                                                                                              \
    "{'class_name':'Sequential','keras_version':'1.2.2','config':[{'class_name':'Convolution2D','config':{'name':'c'," \
    "'nb_filter':2,'nb_row':3,'nb_col':2,'dim_ordering':'" order                                                       \
    "','border_mode':'same','subsample':[2,1],'bias':false,"                                                           \
    "'activation':'relu','batch_input_shape':" shape "}}]}"
    give(0, "c/c_W", 4, 2, 3, 3, 2);
    limn_graph *g = read_json(OLD("th", "[null,3,5,6]"), 1);
    if (!g) fail_msg("%s", limn_message());
    for (int k = 0; k < 6; k++) /* kernel k of 6, turned round */
        for (int s = 0; s < 6; s++) assert_true(g->node[1].weight[k * 6 + s] == (float)(k * 6 + 5 - s));
    assert_int_equal(g->input_hwc, 0);
    assert_int_equal(g->layer[0].hwc, 0);
    assert_string_equal(g->layer[0].type, "Conv2D");
    assert_memory_equal(graph_layer_shape(g, 0)->dim, ((size_t[3]){2, 3, 6}), sizeof(size_t[3]));
    graph_free(g);
    give(0, "c/c_W:0", 4, 3, 2, 3, 2);
    g = read_json(OLD("tf", "[null,5,6,3]"), 1);
    if (!g) fail_msg("%s", limn_message());
    for (int o = 0; o < 2; o++)
        for (int i = 0; i < 3; i++)
            for (int s = 0; s < 6; s++)
                assert_true(g->node[1].weight[(o * 3 + i) * 6 + s] == (float)((s * 3 + i) * 2 + o));
    assert_int_equal(g->input_hwc, 1);
    graph_free(g);
}

/* (steps, 1, in, out) */
static void keras_1_keeps_kernels_of_sequences_as_columns(void **state) {
    (void)state;
#define OLD1                                                                                                           \
    "{'class_name':'Sequential','keras_version':'1.2.2','config':[{'class_name':'Convolution1D','config':{'name':'c'," \
    "'nb_filter':2,'filter_length':3,'border_mode':'valid','subsample_length':2,'bias':false,"                         \
    "'activation':'relu','batch_input_shape':[null,9,4]}}]}"
    for (int theano = 0; theano < 2; theano++) {
        give(0, theano ? "c/c_W" : "c/c_W:0", 4, 3, 1, 4, 2);
        limn_graph *g = read_json(OLD1, 1);
        if (!g) fail_msg("%s", limn_message());
        int conv = 1;
        while (g->node[conv].op != LIMN_OP_CONV2D) conv++;
        for (int o = 0; o < 2; o++)
            for (int i = 0; i < 4; i++)
                for (int s = 0; s < 3; s++)
                    assert_true(g->node[conv].weight[(o * 4 + i) * 3 + (theano ? 2 - s : s)] ==
                                (float)((s * 4 + i) * 2 + o));
        assert_memory_equal(graph_layer_shape(g, 0)->dim, ((size_t[2]){4, 2}), sizeof(size_t[2]));
        graph_free(g);
    }
    give(0, "c/c_W:0", 4, 3, 2, 2, 2); /* two columns are none */
    assert_null(read_json(OLD1, 1));
    assert_non_null(strstr(limn_message(), "which its options contradict"));
}

/* A few kilobytes of zip can hold megabytes of zeros. */
static void a_configuration_has_so_many_values(void **state) {
    (void)state;
    enum { MANY = 1 << 20 };
    char *json = calloc(2 * MANY + 2, 1);
    assert_non_null(json);
    for (int i = 0; i < MANY; i++) memcpy(json + 1 + 2 * i, "0,", 2);
    json[0] = '[';
    json[2 * MANY] = ']';
    cJSON *root;
    assert_int_equal(keras_parse(&root, json, 2 * MANY + 1), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "more than 524288 values"));
    free(json);
}

static void what_cannot_be_read_is_said(void **state) {
    (void)state;
    limn_graph *g = read_json(ONE, 1);
    assert_non_null(g);
    graph_free(g);
#define RELU(reads) GRAPH(IN("i") LAYER("ReLU", "r", "", reads), "['i',0,0]", "['r',0,0]")
    refused(RELU(FROM("x")), "layer `r` (ReLU): a layer reads `x`, which is no layer of its network");
    refused(RELU("[['i',1,0,{}]]"), "reads the call 1 of `i`, which is called 1 times");
    refused(RELU("[['i',-1,0,{}]]"), "reads the call -1");
    refused(RELU("[['i',0,1,{}]]"), "reads the output 1 of `i`: only the first");
    refused(RELU("[['i',0]]"), "a connection of its layers cannot be read");
    refused(RELU("[]"), "a connection of its layers cannot be read");
    refused(RELU("7"), "a connection of its layers cannot be read");
    refused(RELU("{'args':[[[[[[[[[[1]]]]]]]]]]}"), "a connection of its layers cannot be read");
    refused(RELU("{'args':[]}"), "its output does not depend on any input");
    refused(RELU("[['i',0,0,{}],['i',0,0,{}]]"), "layer `r` (ReLU): it reads 2 values: only one is supported");
    refused(RELU(FROM("r")), "its output does not depend on any input");
    refused(GRAPH(IN("i") LAYER("Add", "r", "", "[['i',0,0,{}],['r',0,0,{}]]"), "['i',0,0]", "['r',0,0]"),
            "its layers read one another in a circle (`r`)");
    refused(GRAPH(IN("i") LAYER("ReLU", "a", "", FROM("b")) "," LAYER("ReLU", "b", "", FROM("a")), "['i',0,0]",
                  "['a',0,0]"),
            "does not depend on any input");
    refused(GRAPH(IN("i") LAYER("Add", "a", "", "[['i',0,0,{}],['b',0,0,{}]]") "," LAYER("ReLU", "b", "", FROM("a")),
                  "['i',0,0]", "['a',0,0]"),
            "in a circle");
    refused(
        GRAPH(IN("i") IN("j") LAYER("Add", "a", "", "[['i',0,0,{}],['j',0,0,{}]]"), "['i',0,0],['j',0,0]", "['a',0,0]"),
        "a network with more than one input is not supported");
    refused(GRAPH(IN("i") LAYER("ReLU", "r", "", FROM("i")), "['r',0,0]", "['r',0,0]"),
            "its input `r` is no InputLayer");
    refused(GRAPH(IN("i") LAYER("ReLU", "r", "", FROM("i")), "", "['r',0,0]"), "the network has no input_layers");
    refused("{'class_name':'Model','config':{'layers':[" IN("i")
                LAYER("ReLU", "r", "", FROM("i")) "],'input_layers':[['i',0,0]]}}",
            "the network has no output_layers");
    refused(GRAPH(IN("i") "{'class_name':'Functional','config':{'name':'w','layers':[" IN("k")
                      LAYER("ReLU", "r", "", FROM("k")) "],'input_layers':[['k',0,0]],'output_layers':[['r',0,0]]},'"
                                                        "inbound_nodes':[[['i',0,0,{}],['i',0,0,{}]]]}",
                  "['i',0,0]", "['w',0,0]"),
            "the network `w` within it is given 2 values where it has 1 inputs");
    char deep[8192] = "", end[1024] = "";
    for (int i = 0; i < 20; i++) {
        strcat(deep, "{'class_name':'Sequential','config':{'name':'s','layers':[");
        strcat(end, "]}}");
    }
    strcat(deep, end);
    refused(deep, "more than 16 networks within one another");
}

/* Two calls of a network of two calls of …: 2^16 layers from a few lines. */
static void calls_multiply_only_so_far(void **state) {
    (void)state;
    char json[8192] = "", end[4096] = "";
    for (int i = 0; i < 15; i++) {
        strcat(
            json,
            "{'class_name':'Functional','config':{'name':'w','layers':[{'class_name':'InputLayer','config':{'name':'i',"
            "'batch_shape':[null,4,4,1]}},");
        char tail[256] =
            "],'input_layers':['i',0,0],'output_layers':['w',1,0]},'inbound_nodes':[[['i',0,0]],[['w',0,0]]]}";
        memmove(end + strlen(tail), end, strlen(end) + 1);
        memcpy(end, tail, strlen(tail));
    }
    strcat(json, "{'class_name':'ReLU','config':{'name':'w'},'inbound_nodes':[[['i',0,0]],[['w',0,0]]]}");
    strcat(json, end);
    refused(json, "more than 4096 calls of networks within networks");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(calls_become_nodes_in_the_order_of_what_they_read, start),
        cmocka_unit_test_setup(keras_3_writes_tensors_in_arguments, start),
        cmocka_unit_test_setup(a_group_lists_what_is_trained_first, start),
        cmocka_unit_test_setup(keras_1_has_words_and_kernels_of_its_own, start),
        cmocka_unit_test_setup(keras_1_keeps_kernels_of_sequences_as_columns, start),
        cmocka_unit_test_setup(a_configuration_has_so_many_values, start),
        cmocka_unit_test_setup(what_cannot_be_read_is_said, start),
        cmocka_unit_test_setup(calls_multiply_only_so_far, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
