/* Keras configurations: how each option is read, and the sentence where it cannot be. Weights come from a table here,
 * so that no file takes part; their values are their places, so that a wrong transposition shows. */
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

static float values[4096];
static hdf5_entry array[8]; /* what the next layers with weights get, in order */
static int n_arrays, next_array;
static char places[256];

static limn_status find_next(const keras_weights *w, const char *name, const char *place, const char *const *parts,
                             int n, const hdf5_entry **out) {
    (void)w;
    (void)parts;
    size_t used = strlen(places);
    snprintf(places + used, sizeof places - used, "%s=%s ", name, place);
    for (int i = 0; i < n; i++) {
        if (next_array == n_arrays) return limn_fail(LIMN_EINPUT, "no weights");
        out[i] = &array[next_array++];
    }
    return LIMN_OK;
}

static void give(int rank, size_t a, size_t b, size_t c, size_t d) {
    array[n_arrays++] = (hdf5_entry){.kind = ANSWER_DATASET,
                                     .type = ANSWER_VALUES,
                                     .rank = rank,
                                     .dim = {a, b, c, d},
                                     .n = a * (rank > 1 ? b : 1) * (rank > 2 ? c * d : 1),
                                     .path = "p",
                                     .name = "",
                                     .data = values};
}

static int start(void **state) {
    (void)state;
    n_arrays = next_array = 0;
    places[0] = 0;
    for (int i = 0; i < 4096; i++) values[i] = (float)i;
    return 0;
}

/* Reads a Sequential of these layers, JSON with ' for ". NULL where it was refused. */
static limn_graph *read_layers(const char *layers) {
    char text[4096];
    keras_weights w = {.find = find_next};
    limn_graph *g;
    int n = snprintf(text, sizeof text, "{'class_name':'Sequential','config':{'name':'s','layers':[%s]}}", layers);
    assert_true(n > 0 && (size_t)n < sizeof text);
    for (char *p = text; *p; p++)
        if (*p == '\'') *p = '"';
    assert_int_equal(graph_new(&g), LIMN_OK);
    if (keras_build(g, text, strlen(text), &w) == LIMN_OK) return g;
    graph_free(g);
    return NULL;
}

static void refused(const char *layers, const char *part) {
    start(NULL);
    give(4, 3, 3, 1, 2);
    give(1, 2, 0, 0, 0);
    limn_graph *g = read_layers(layers);
    if (g) fail_msg("read: %s", layers);
    if (!strstr(limn_message(), part)) fail_msg("`%s` lacks `%s`", limn_message(), part);
}

#define IN "{'class_name':'InputLayer','config':{'name':'in','batch_shape':[null,5,6,1]}},"
#define CONV(options) "{'class_name':'Conv2D','config':{'name':'c','filters':2,'kernel_size':[3,3]," options "}}"
#define LAYER(type, options) "{'class_name':'" type "','config':{'name':'x'," options "}}"

static void kernels_are_turned_output_first(void **state) {
    (void)state;
    give(4, 3, 2, 1, 2); /* (kh, kw, in, out) */
    give(1, 2, 0, 0, 0);
    give(2, 40, 3, 0, 0); /* (in, out) */
    limn_graph *g =
        read_layers(IN "{'class_name':'Conv2D','config':{'name':'c','filters':2,'kernel_size':[3,2],"
                       "'activation':'relu'}}," LAYER(
                           "Flatten", "'trainable':true") ",{'class_name':"
                                                          "'Dense','config':{'name':'d','units':3,'use_bias':false}}");
    /* 5x6 -> 3x5, 2 filters: 30 values, so the dense kernel must have 30 rows */
    assert_null(g);
    assert_non_null(strstr(limn_message(),
                           "layer `d` (Dense): its kernel has 120 values where its input and options need"
                           " 90"));
    start(NULL);
    give(4, 3, 2, 1, 2);
    give(1, 2, 0, 0, 0);
    give(2, 30, 3, 0, 0);
    g = read_layers(IN
                    "{'class_name':'Conv2D','config':{'name':'c','filters':2,'kernel_size':[3,2],'activation':'relu'}"
                    "}," LAYER("Flatten", "'trainable':true") ",{'class_name':'Dense','config':{'name':'d','units':3,"
                                                              "'use_bias':false}}");
    assert_non_null(g);
    assert_int_equal(g->n_layers, 3);
    assert_int_equal(g->n_nodes, 5);
    for (int o = 0; o < 2; o++)
        for (int k = 0; k < 6; k++) assert_true(g->node[1].weight[o * 6 + k] == (float)(k * 2 + o));
    assert_true(g->node[1].bias[1] == 1);
    assert_int_equal(g->node[2].op, LIMN_OP_RELU);
    assert_int_equal(g->node[3].attr.hwc, 1);
    for (int o = 0; o < 3; o++)
        for (int i = 0; i < 30; i++) assert_true(g->node[4].weight[o * 30 + i] == (float)(i * 3 + o));
    assert_null(g->node[4].bias);
    assert_int_equal(g->input_hwc, 1);
    assert_int_equal(g->layer[0].hwc, 1);
    assert_int_equal(g->layer[1].hwc, 0);
    graph_free(g);
}

static void grouped_and_many_channelled_kernels_too(void **state) {
    (void)state;
    give(4, 3, 3, 2, 40); /* groups 2 of 4 input channels */
    limn_graph *g =
        read_layers("{'class_name':'Conv2D','config':{'name':'c','batch_input_shape':[7,5,5,4],'filters':40,"
                    "'kernel_size':3,'groups':2,'use_bias':false,'strides':2,'padding':'same'}}");
    assert_non_null(g);
    for (int o = 0; o < 40; o++)
        for (int i = 0; i < 2; i++)
            for (int k = 0; k < 9; k++)
                assert_true(g->node[1].weight[(o * 2 + i) * 9 + k] == (float)((k * 2 + i) * 40 + o));
    assert_int_equal(graph_layer_shape(g, 0)->dim[1], 3);
    graph_free(g);
}

static void inputs_are_found_where_each_version_puts_them(void **state) {
    (void)state;
    static const char *const text[] = {
        IN LAYER("Dropout", "'rate':0.5"),
        LAYER("Dropout", "'batch_input_shape':[null,5,6,1]"),
        "{'class_name':'InputLayer','config':{'batch_input_shape':[null,5,6,1],'name':'i'}}," LAYER("Dropout",
                                                                                                    "'rate':0"),
        "{'class_name':'Dropout','config':{'name':'x'},'build_config':{'input_shape':[null,5,6,1]}}",
    };
    for (int i = 0; i < 4; i++) {
        limn_graph *g = read_layers(text[i]);
        if (!g) fail_msg("%d: %s", i, limn_message());
        assert_int_equal(g->n_layers, 1);
        assert_memory_equal(graph_layer_shape(g, LIMN_INPUT)->dim, ((size_t[3]){1, 5, 6}), sizeof(size_t[3]));
        graph_free(g);
    }
    /* a list in the place of the object; build_input_shape beside the layers */
    static const char *const whole[] = {
        "{\"class_name\":\"Sequential\",\"config\":[{\"class_name\":\"Dropout\",\"config\":{\"name\":\"x\","
        "\"batch_input_shape\":[null,4]}}]}",
        "{\"class_name\":\"Sequential\",\"config\":{\"build_input_shape\":[null,4],\"layers\":[{\"class_name\":"
        "\"Dropout\""
        ",\"config\":{\"name\":\"x\"}}]}}"};
    for (int i = 0; i < 2; i++) {
        limn_graph *g;
        assert_int_equal(graph_new(&g), LIMN_OK);
        assert_int_equal(keras_build(g, whole[i], strlen(whole[i]), &(keras_weights){.find = find_next}), LIMN_OK);
        assert_int_equal(graph_layer_shape(g, 0)->rank, 1);
        graph_free(g);
    }
}

static void activations_are_nodes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int nodes;
        limn_op last;
    } is[] = {
        {CONV("'activation':null"), 2, LIMN_OP_CONV2D},
        {CONV("'activation':'linear'"), 2, LIMN_OP_CONV2D},
        {CONV("'activation':'relu'"), 3, LIMN_OP_RELU},
        {CONV("'activation':{'module':'builtins','class_name':'function','config':'relu'}"), 3, LIMN_OP_RELU},
        {LAYER("Activation", "'activation':'relu'"), 2, LIMN_OP_RELU},
        {LAYER("Activation", "'activation':'linear'"), 2, LIMN_OP_IDENTITY},
        {LAYER("ReLU", "'max_value':null,'negative_slope':0.0,'threshold':0"), 2, LIMN_OP_RELU},
        {LAYER("Flatten", "'a':1") ",{'class_name':'Softmax','config':{'name':'y','axis':-1}}", 3, LIMN_OP_SOFTMAX},
        {LAYER("MaxPooling2D", "'pool_size':[2,3],'strides':null"), 2, LIMN_OP_MAXPOOL}};
    for (size_t i = 0; i < sizeof is / sizeof is[0]; i++) {
        char text[1024];
        start(NULL);
        give(4, 3, 3, 1, 2);
        give(1, 2, 0, 0, 0);
        snprintf(text, sizeof text, "%s%s", IN, is[i].text);
        limn_graph *g = read_layers(text);
        if (!g) fail_msg("%s: %s", text, limn_message());
        assert_int_equal(g->n_nodes, is[i].nodes);
        assert_int_equal(g->node[g->n_nodes - 1].op, is[i].last);
        if (is[i].last == LIMN_OP_MAXPOOL)
            assert_memory_equal(g->node[1].attr.stride, ((int[2]){2, 3}), sizeof(int[2]));
        graph_free(g);
    }
}

/* Keras 3 numbers its groups by class, whatever the layers are called. */
static void places_are_numbered_class_names(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        give(4, 1, 1, 1, 1);
        give(1, 1, 0, 0, 0);
    }
    limn_graph *g = read_layers(IN "{'class_name':'Conv2D','config':{'name':'b','filters':1,'kernel_size':1}}," LAYER(
        "MaxPooling2D",
        "'pool_size':1") ","
                         "{'class_name':'Conv2D','config':{'name':'conv2d','filters':1,'kernel_size':1}},"
                         "{'class_name':'Conv2D','config':{'name':'\xc3\xa9','filters':1,'kernel_size':1}}");
    assert_non_null(g);
    assert_string_equal(places, "b=conv2d conv2d=conv2d_1 \xc3\xa9=conv2d_2 ");
    graph_free(g);
}

static void what_cannot_be_read_is_said(void **state) {
    (void)state;
    refused(IN CONV("'data_format':'up'"), "layer `c` (Conv2D): its data_format is `up`");
    refused(IN CONV("'data_format':'channels_last'") "," LAYER("MaxPooling2D",
                                                               "'pool_size':1,'data_format':'channels_first'"),
            "layer `x` (MaxPooling2D): its data_format is `channels_first`, unlike that of the layers before");
    refused(IN CONV("'padding':'causal'"), "its padding is `causal`");
    refused(IN CONV("'activation':'my_own'"), "the activation `my_own` is not supported (linear, relu, softmax, ");
    refused(IN CONV("'activation':{'class_name':'Custom','config':{}}"),
            "activation is a layer or a function of its own");
    refused(IN CONV("'activation':'\\u0007'"), "the activation `?`");
    refused(IN CONV("'strides':[1,2,3]"), "`strides` must be one or two whole numbers");
    refused(IN CONV("'strides':[]"), "`strides` must be one or two");
    refused(IN CONV("'strides':1.5"), "`strides` must be a whole number");
    refused(IN CONV("'strides':-1"), "must be from 1");
    refused(IN CONV("'strides':0"), "kernel 3, stride 0, dilation 1: each must be from 1");
    refused(IN LAYER("MaxPooling2D", "'pool_size':2,'strides':[2,0]"), "stride 0");
    refused(IN LAYER("Dropout", "'a':1") "," LAYER("Flatten", "'a':1"), "two of its layers are called `x`");
    refused(IN CONV("'dilation_rate':1e300"), "`dilation_rate` must be a whole number");
    refused(IN CONV("'groups':'two'"), "`groups` must be a whole number");
    refused(IN CONV("'use_bias':1"), "`use_bias` must be true or false");
    refused(IN CONV("'padding':2"), "`padding` must be a string");
    refused(IN "{'class_name':'Conv2D','config':{'name':'c','filters':3,'kernel_size':3}}",
            "which its options contradict");
    refused(IN "{'class_name':'Conv2D','config':{'name':'c','filters':2,'kernel_size':[3,2]}}", "(3, 3, 1, 2)");
    refused(IN "{'class_name':'Conv2D','config':{'name':'c','filters':2}}", "`kernel_size` is missing");
    refused(IN "{'class_name':'Conv2D','config':{'name':'c','kernel_size':3}}", "`filters` is missing");
    refused(IN "{'class_name':'Dense','config':{'name':'c','units':2}}", "(3, 3, 1, 2), which its options contradict");
    refused(IN LAYER("MyLayer", "'units':2"),
            "layer `x` is of the type MyLayer, which is not supported; what is: Activation, ");
    refused(IN LAYER("LSTM", "'units':2"), "layer `x` is of the type LSTM, a recurrent layer");
    refused(IN LAYER("Bidirectional", "'units':2"), "a recurrent layer");
    refused(IN LAYER("Lambda", "'function':'x'"), "layer `x` is of the type Lambda, which runs Python code");
    refused(IN CONV("'dtype':{'class_name':'QuantizedDTypePolicy','config':{'mode':'int8','source_name':'float32'}}"),
            "layer `c` (Conv2D): its weights are quantised (int8): limn reads float16, float32 and float64");
    refused(IN LAYER("GRU", "'units':2"), "a recurrent layer: limn reads networks without memory");
    refused(IN LAYER("Conv3D", "'filters':2"), "a layer for volumes: limn reads networks of pictures and sequences");
    refused(IN LAYER("Embedding", "'input_dim':2"), "whole numbers or words up: limn reads networks whose input is");
    refused(IN LAYER("TFOpLambda", "'function':'x'"), "an operation of TensorFlow");
    refused(IN LAYER("TimeDistributed", "'layer':{'class_name':'LSTM','config':{}}"), "only Dense and what works");
    refused(IN LAYER("TimeDistributed", "'units':1"), "only Dense and what works");
    refused(IN LAYER("Reshape", "'target_shape':[7,-1]"), "its target_shape does not fit 30 values");
    refused(IN LAYER("Reshape", "'target_shape':[-1,-1]"), "does not fit");
    refused(IN LAYER("Reshape", "'target_shape':[1,2,3,4,5,6,7]"), "more than 6 numbers");
    refused(IN LAYER("Permute", "'dims':[1,1,3]"), "no order of its input's 3 axes");
    refused(IN LAYER("Cropping2D", "'cropping':3"), "crops the whole picture away");
    refused(IN LAYER("ZeroPadding2D", "'padding':-1"), "of -1 pixels makes no sense");
    refused(IN LAYER("ZeroPadding2D", "'padding':[[1],[2,3]]"), "`padding` cannot be read");
    refused(IN LAYER("UpSampling2D", "'size':0"), "its size of 0 and 0");
    refused(IN LAYER("UpSampling2D", "'interpolation':'lanczos3'"), "its interpolation is `lanczos3`");
    refused(IN LAYER("Resizing", "'height':0,'width':4"), "its size of 0x4");
    refused(IN LAYER("GroupNormalization", "'groups':2,'scale':false,'center':false"),
            "2 groups do not divide 1 channels");
    refused(IN LAYER("BatchNormalization", "'axis':[1,2],'scale':false,'center':false"),
            "`axis` has more than 1 numbers");
    refused(IN LAYER("BatchNormalization", "'scale':false,'center':false"),
            "(3, 3, 1, 2), which its options contradict");
    refused(IN LAYER("BatchNormalization", "'mode':1"), "BatchNormalization of Keras 1 in the mode 1");
    refused(IN LAYER("Conv1D", "'filters':2,'kernel_size':3"), "its weights `p` have the shape (3, 3, 1, 2)");
    refused(IN LAYER("Conv2DTranspose", "'filters':2,'kernel_size':3"), "which its options contradict");
    refused(IN LAYER("DepthwiseConv2D", "'kernel_size':3,'depth_multiplier':3"), "which its options contradict");
    refused(IN LAYER("PReLU", "'shared_axes':[1,2]"), "which its options contradict");
    refused(IN LAYER("Add", "'a':1"), "it merges 1 values, but needs at least two");
    refused(IN, "not JSON"); /* a comma too many */
    refused("", "the network has no input");
    refused(IN "{'class_name':'InputLayer','config':{'name':'two','batch_shape':[null,5,6,1]}}," LAYER("Dropout",
                                                                                                       "'rate':1"),
            "more than one input");
    refused(IN IN LAYER("Dropout", "'rate':1"), "two of its layers are called `in`");
    refused(LAYER("Dropout", "'rate':1"), "does not say how large the network's input is");
    refused(LAYER("Dropout", "'batch_input_shape':[null,null,null,3]"), "the size of its input is open");
    refused(LAYER("Dropout", "'batch_input_shape':[null,5,3,1,1]"), "4 dimensions");
    refused(LAYER("Dropout", "'batch_input_shape':[null,1,2,3,4,5,6,7]"), "more than 6 dimensions");
    refused(LAYER("Dropout", "'batch_input_shape':[null,0]"), "a dimension of 0");
    refused(LAYER("Dropout", "'batch_input_shape':[]"), "its input has 0 dimensions");
    refused(LAYER("Dropout", "'batch_input_shape':[null,99999,99999,1]"), "more than 268435456 values");
    refused(IN "{'class_name':'Dropout','config':{}}", "layer 1 has no class_name or no name");
    refused(IN "{'class_name':'Dropout','config':{'name':'a\\nb'}}", "layer 1 has no class_name or no name");
    refused(IN "{'class_name':'Dropout','config':{'name':'\xff'}}", "layer 1 has no class_name or no name");
    refused(IN "7", "layer 1 has no class_name or no name");
    limn_graph *g;
    static const char *const text[][2] = {
        {"", "not JSON"},
        {"{\"class_name\":\"Mine\",\"config\":{}}", "the network is of the type Mine: limn reads Sequential"},
        {"[]", "lacks class_name or config"},
        {"{\"class_name\":\"Functional\",\"config\":{}}", "no list of layers"},
        {"{\"class_name\":\"Sequential\",\"config\":{\"layers\":{}}}", "no list of layers"},
        {"{\"class_name\":\"Sequential\",\"config\":3}", "no list of layers"}};
    for (int i = 0; i < 6; i++) {
        assert_int_equal(graph_new(&g), LIMN_OK);
        assert_int_equal(keras_build(g, text[i][0], strlen(text[i][0]), &(keras_weights){.find = find_next}),
                         LIMN_EINPUT);
        if (!strstr(limn_message(), text[i][1])) fail_msg("%s: %s", text[i][0], limn_message());
        graph_free(g);
    }
}

static void versions_become_formats(void **state) {
    (void)state;
    static const char *const is[][3] = {{"2.21.0", "Keras 2 HDF5", "keras 2.21.0"},
                                        {"3.15.1", "Keras 3 HDF5", "keras 3.15.1"},
                                        {"2.2.4-tf", "Keras 2 HDF5", "keras 2.2.4-tf"},
                                        {NULL, "Keras HDF5", "keras"},
                                        {"x\n", "Keras HDF5", "keras"}};
    limn_graph *g;
    assert_int_equal(graph_new(&g), LIMN_OK);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(keras_name_format(g, "HDF5", is[i][0]), LIMN_OK);
        assert_string_equal(g->format, is[i][1]);
        assert_string_equal(g->producer, is[i][2]);
    }
    graph_free(g);
}

static void names_are_utf8(void **state) {
    (void)state;
    static const char *const good[] = {"a", "a/b c", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "`x`"};
    static const char *const bad[] = {"",
                                      "\x1f",
                                      "\x7f",
                                      "\x80",
                                      "\xc3",
                                      "\xc0\xaf",
                                      "\xe0\x80\xaf",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "a\nb",
                                      "\xe2\x82"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) assert_true(keras_is_name(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(keras_is_name(bad[i]));
    char big[KERAS_MAX_NAME + 2];
    memset(big, 'x', sizeof big);
    big[KERAS_MAX_NAME] = 0;
    assert_true(keras_is_name(big));
    big[KERAS_MAX_NAME] = 'x';
    big[KERAS_MAX_NAME + 1] = 0;
    assert_false(keras_is_name(big));
}

/* A bias of (2, 1) has as many values as two units, but is none. */
static void a_bias_is_a_vector(void **state) {
    (void)state;
    give(4, 3, 3, 1, 2);
    give(2, 2, 1, 0, 0);
    assert_null(read_layers(IN CONV("'a':1")));
    assert_non_null(strstr(limn_message(), "layer `c` (Conv2D): its weights `p` have the shape (2, 1)"));
}

/* docs/models.md has a row for every reader and every layer type. */
static void the_documentation_is_whole(void **state) {
    (void)state;
    char *text, cell[64];
    FILE *f = fopen("docs/models.md", "r");
    assert_non_null(f);
    assert_int_equal(limn_new(&text, 1 << 16, 1), LIMN_OK);
    assert_true(fread(text, 1, (1 << 16) - 1, f) > 0 && feof(f));
    fclose(f);
    for (const keras_layer_row *r = keras_layer_table; r->type; r++) {
        snprintf(cell, sizeof cell, "\n| `%s` | ", r->type);
        if (!strstr(text, cell)) fail_msg("docs/models.md lacks the layer %s", r->type);
        assert_true(!r[1].type || strcmp(r->type, r[1].type) < 0);
    }
    for (const limn_model_reader *r = limn_model_readers; r->name; r++) {
        snprintf(cell, sizeof cell, "\n| `%s` | ", r->name);
        if (!strstr(text, cell)) fail_msg("docs/models.md lacks the reader %s", r->name);
    }
    free(text);
}

/* Sequences with channels first: the pools' steps are their last axis, and Flatten puts their first axis last. */
static void sequences_may_have_channels_first(void **state) {
    (void)state;
    static const char in[] = "{'class_name':'InputLayer','config':{'name':'in','batch_shape':[null,5,7]}},";
    char text[1024];
    snprintf(text, sizeof text, "%s%s", in, LAYER("GlobalAveragePooling1D", "'data_format':'channels_first'"));
    limn_graph *g = read_layers(text);
    if (!g) fail_msg("%s", limn_message());
    assert_int_equal(graph_layer_shape(g, 0)->dim[0], 5);
    graph_free(g);
    snprintf(text, sizeof text, "%s%s", in, LAYER("Flatten", "'data_format':'channels_first'"));
    g = read_layers(text);
    if (!g) fail_msg("%s", limn_message());
    assert_int_equal(g->node[1].op, LIMN_OP_TRANSPOSE);
    assert_int_equal(g->node[1].out.dim[0], 7);
    assert_int_equal(graph_layer_shape(g, 0)->dim[0], 35);
    graph_free(g);
}

/* Keras 3's to_json() has no keras_version, Keras 2's has: hard_sigmoid has another slope in each. */
static void keras3_is_known_by_its_modules(void **state) {
    (void)state;
    static const char *const head[] = {"", "\"module\":\"keras\","};
    for (int k = 0; k < 2; k++) {
        char text[512];
        keras_weights w = {.find = find_next};
        limn_graph *g;
        snprintf(
            text, sizeof text,
            "{%s\"class_name\":\"Sequential\",\"config\":{\"name\":\"s\",\"layers\":[{\"class_name\":\"Activation\","
            "\"config\":{\"name\":\"x\",\"activation\":\"hard_sigmoid\",\"batch_input_shape\":[null,4]}}]}}",
            head[k]);
        assert_int_equal(graph_new(&g), LIMN_OK);
        assert_int_equal(keras_name_format(g, "JSON and HDF5", NULL), LIMN_OK);
        if (keras_build(g, text, strlen(text), &w) != LIMN_OK) fail_msg("%s", limn_message());
        assert_true(g->node[1].attr.p[0] == (k ? 1.0f / 6 : 0.2f));
        graph_free(g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(kernels_are_turned_output_first, start),
        cmocka_unit_test_setup(grouped_and_many_channelled_kernels_too, start),
        cmocka_unit_test_setup(inputs_are_found_where_each_version_puts_them, start),
        cmocka_unit_test_setup(activations_are_nodes, start),
        cmocka_unit_test_setup(places_are_numbered_class_names, start),
        cmocka_unit_test_setup(what_cannot_be_read_is_said, start),
        cmocka_unit_test_setup(a_bias_is_a_vector, start),
        cmocka_unit_test_setup(sequences_may_have_channels_first, start),
        cmocka_unit_test_setup(keras3_is_known_by_its_modules, start),
        cmocka_unit_test(versions_become_formats),
        cmocka_unit_test(names_are_utf8),
        cmocka_unit_test(the_documentation_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
