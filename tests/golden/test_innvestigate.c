/* Networks of one layer through the engine, against iNNvestigate's own reference files: 26 analyzers x 6 layers, each of 8
 * inputs and the layer's largest output (../shared/goldens/README.md). Biases are zero there. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/hdf5.h"
#include "tests/lib/explain.h"
#include "tests/lib/nets.h"
#include "tests/lib/record.h"

/* Relative L2 of a map: gradients 1e-5, relevance 1e-4 is what the project promises; float32 sums of 27 terms differ by
 * a few 1e-7. */
#define SAME 1e-6

enum { ROWS = 8, SIDE = 10, CHANNELS = 3, SIZE = SIDE * SIDE * CHANNELS };
#define FILES "../shared/goldens/innvestigate/"

typedef struct {
    const char *file, *method, *options;
    int linear_only; /* the file stores no noise: a linear layer's gradient does not depend on it */
} analyzer;
static const analyzer analyzers[] = {
    {"Gradient", "saliency", "", 0},
    {"InputTimesGradient", "input-x-gradient", "", 0},
    {"GuidedBackprop", "guided", "", 0},
    {"Deconvnet", "deconvnet", "", 0},
    {"IntegratedGradients", "integrated-gradients", "", 0},
    {"SmoothGrad", "saliency", "noise=smoothgrad noise_samples=3", 1},
    {"LRPZ", "lrp", "", 0},
    {"LRPZIgnoreBias", "lrp", "bias=ignore", 0},
    {"LRPZ_Flat_input_layer_rule", "lrp", "input_rule=flat", 0},
    {"LRPZ_boxed_input_layer_rule", "lrp", "input_rule=z-box low=-10 high=10", 0},
    {"LRPEpsilon", "lrp", "composite=epsilon", 0},
    {"LRPEpsilonIgnoreBias", "lrp", "composite=epsilon bias=ignore", 0},
    {"LRPWSquare", "lrp", "composite=w-square", 0},
    {"LRPFlat", "lrp", "composite=flat", 0},
    {"LRPAlpha1Beta0", "lrp", "composite=alpha1-beta0", 0},
    {"LRPAlpha1Beta0IgnoreBias", "lrp", "composite=alpha1-beta0 bias=ignore", 0},
    {"LRPAlpha2Beta1", "lrp", "composite=alpha2-beta1", 0},
    {"LRPAlpha2Beta1IgnoreBias", "lrp", "composite=alpha2-beta1 bias=ignore", 0},
    {"LRPZPlus", "lrp", "composite=z-plus", 0},
    {"LRPZPlusFast", "lrp", "composite=z-plus-fast", 0},
    {"LRPSequentialPresetA", "lrp", "composite=sequential-preset-a", 0},
    {"LRPSequentialPresetAFlat", "lrp", "composite=sequential-preset-a-flat", 0},
    {"LRPSequentialPresetB", "lrp", "composite=sequential-preset-b", 0},
    {"LRPSequentialPresetBFlat", "lrp", "composite=sequential-preset-b-flat", 0},
    {"DeepTaylor", "lrp", "composite=deep-taylor", 0},
    {"BoundedDeepTaylor", "lrp", "composite=bounded-deep-taylor", 0},
};

typedef struct {
    const char *name;
    limn_op op;
    int relu, linear;
} layer;
static const layer layers[] = {{"Dense", LIMN_OP_DENSE, 0, 1},
                               {"Dense_relu", LIMN_OP_DENSE, 1, 0},
                               {"Conv2D", LIMN_OP_CONV2D, 0, 1},
                               {"Conv2D_relu", LIMN_OP_CONV2D, 1, 0},
                               {"AveragePooling2D", LIMN_OP_AVGPOOL, 0, 1},
                               {"MaxPooling2D", LIMN_OP_MAXPOOL, 0, 0}};

static const float *array_of(const hdf5_file *f, const char *layer_name, const char *what, size_t n) {
    char path[96];
    snprintf(path, sizeof path, "%s%s%s", layer_name, *layer_name ? "/" : "", what);
    const hdf5_entry *e = hdf5_find(f, ANSWER_DATASET, path, "");
    if (!e || e->n != n) fail_msg("the file has no `%s` of %zu values", path, n);
    return e->data;
}

/* Dense reads the last axis of (100, 3); what has rows and columns reads (3, 10, 10). */
static limn_graph *graph_of(const hdf5_file *f, const layer *l) {
    const limn_op_attr window = {.kernel = {3, 3}, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1, .units = 5},
                       pool = {.kernel = {2, 2}, .stride = {2, 2}, .dilation = {1, 1}, .groups = 1},
                       units = {.units = 5};
    int dense = l->op == LIMN_OP_DENSE, conv = l->op == LIMN_OP_CONV2D;
    limn_graph *g =
        nets_begin(dense ? (limn_shape){2, {SIDE * SIDE, CHANNELS}} : (limn_shape){3, {CHANNELS, SIDE, SIDE}});
    int k = nets_add(g, "layer", l->op, dense ? units : conv ? window : pool);
    if (dense || conv) {
        size_t taps = conv ? 9 : 1;
        const float *w = array_of(f, l->name, "weights/0", taps * CHANNELS * 5);
        memcpy(g->node[k].bias, array_of(f, l->name, "weights/1", 5), 5 * sizeof(float));
        for (size_t t = 0; t < taps; t++)
            for (size_t c = 0; c < CHANNELS; c++)
                for (size_t o = 0; o < 5; o++)
                    g->node[k].weight[(o * CHANNELS + c) * taps + t] = w[(t * CHANNELS + c) * 5 + o];
    }
    if (l->relu) nets_add(g, "relu", LIMN_OP_RELU, (limn_op_attr){0});
    nets_add(g, "flatten", LIMN_OP_FLATTEN, (limn_op_attr){.hwc = !dense});
    return g;
}

/* Place i of (10, 10, 3) in the order that the graph reads. */
static size_t place(const layer *l, size_t i) {
    return l->op == LIMN_OP_DENSE ? i : i % CHANNELS * SIDE * SIDE + i / CHANNELS;
}

/* The 8 maps into the record. */
static void compare(const hdf5_file *f, const analyzer *a, const layer *l, record *record_of) {
    limn_graph *g = graph_of(f, l);
    nets_engine e = nets_open(g, LIMN_BACKEND_AUTO);
    const limn_diff *d = e.d;
    const size_t K = limn_shape_size(&d->layer[d->n_layers - 1].out);
    const float *x = array_of(f, "", "input", ROWS * SIZE), *y = array_of(f, l->name, "output", ROWS * K),
                *want = array_of(f, l->name, "attribution", ROWS * SIZE);
    float *in = nets_floats(d->B * SIZE), *seed = nets_floats(d->B * K);
    limn_shape s;
    assert_true(d->B >= ROWS);
    for (size_t r = 0; r < ROWS; r++) {
        size_t top = 0;
        for (size_t k = 0; k < K; k++)
            if (y[r * K + k] > y[r * K + top]) top = k;
        seed[r * K + top] = 1;
        for (size_t i = 0; i < SIZE; i++) in[r * SIZE + place(l, i)] = x[r * SIZE + i];
    }
    nets_forward(d, in);
    const limn_attribute_job job = {.diff = d, .x = in, .seed = seed};
    float *map = explain_job(a->method, "innvestigate", a->options, &job, &s);
    if (!map) fail_msg("%s %s: %s", a->file, l->name, limn_message());
    assert_int_equal(limn_shape_size(&s), SIZE);
    for (size_t r = 0; r < ROWS; r++) {
        float there[SIZE];
        for (size_t i = 0; i < SIZE; i++) there[i] = map[r * SIZE + place(l, i)];
        record_map(record_of, there, want + r * SIZE, SIZE);
    }
    free(map), free(in), free(seed);
    nets_close(&e);
    graph_free(g);
}

static void analyzers_agree(void **state) {
    (void)state;
    int bad = 0, compared = 0;
    if (access(FILES, R_OK) != 0) skip();
    for (size_t i = 0; i < sizeof analyzers / sizeof analyzers[0]; i++) {
        const analyzer *a = &analyzers[i];
        char path[128];
        hdf5_file *f;
        snprintf(path, sizeof path, FILES "%s.hdf5", a->file);
        int fd = open(path, O_RDONLY);
        if (fd < 0 || hdf5_open(&f, fd, NULL) != LIMN_OK) fail_msg("%s can't be read", path);
        close(fd);
        for (size_t k = 0; k < sizeof layers / sizeof layers[0]; k++) {
            char file[64], what[160];
            snprintf(file, sizeof file, "%s.hdf5", a->file);
            if (a->linear_only && !layers[k].linear) {
                record_input(file, layers[k].name, "not compared: the noise is not stored");
                continue;
            }
            snprintf(what, sizeof what, "%s%s%s", a->method, *a->options ? " " : "", a->options);
            record r = {.file = file, .member = layers[k].name, .what = what, .limit = SAME};
            compare(f, a, &layers[k], &r);
            compared++;
            bad += record_failed(&r);
        }
        hdf5_close(f);
    }
    assert_int_equal(bad, 0);
    assert_int_equal(compared, 26 * 6 - 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(analyzers_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
