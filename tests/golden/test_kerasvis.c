/* The example network through the engine, against other programs' maps of it: keras-vis above all, whose two calls on
 * one picture are where limn comes from. ../shared/goldens/cnn/README.md says what made the arrays. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/dataset.h"
#include "model/graph.h"
#include "nn/net.h"
#include "tests/lib/explain.h"
#include "tests/lib/fidelity.h"

/* What the project promises of the origin's numbers, in [0, 1], for 99 % of the pixels. */
#define PROMISED 1e-3
/* Differences relative to a map's largest value, for 99 % of its pixels: a quantile, because a ReLU's mask can flip where
 * its input is rounding noise. oneDNN on AVX-512, AVX2 and SSE4.1 and the plain ops all stay within 1e-6. */
#define SAME 1e-5
/* 1 / (g + 1e-7): gradients of the order of 1e-6 are themselves right to some 1e-9 only, and the largest of the inverted
 * ones scales the whole map: cam_small_values moves by 1.3e-3 between two runs of Keras itself. */
#define ILL_POSED 5e-3
/* tf-keras-vis's Grad-CAM++: alpha = g^2 / (2 g^2 + g^3 sum A) cancels where g < 0, and the program's own float32 is up to
 * 2e-4 off its formula on conv2d_2 and 1e-1 (one map; 5e-3 the next) on conv2d_1. */
#define CANCELS 5e-2

typedef struct {
    limn_graph *graph;
    limn_net *net;
    limn_session *session;
    const limn_diff *d;
} engine;

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

static void engine_open(engine *e) {
    must(model_read(&e->graph, "examples/mnist/mnist_cnn.h5", NULL));
    must(graph_swap_softmax(e->graph));
    must(limn_net_new(&e->net, e->graph, LIMN_BACKEND_AUTO));
    must(limn_session_new(&e->session, e->net));
    e->d = limn_session_diff(e->session);
}

static void engine_close(engine *e) {
    limn_session_free(e->session);
    limn_net_free(e->net);
    graph_free(e->graph);
}

static void maps_are_the_programs(void **state) {
    (void)state;
    if (access(FIDELITY_GOLDENS, R_OK) != 0) skip();
    engine e;
    size_t count;
    int bad = 0, *sample = fidelity_ints("keras_activations.npz", "sample", FIDELITY_ROWS),
        *target = fidelity_ints("keras_activations.npz", "target", FIDELITY_ROWS);
    float *images = fidelity_floats("keras_activations.npz", "x", &count), *x;
    must(limn_new(&x, FIDELITY_ROWS * 784, sizeof *x));
    for (size_t i = 0; i < FIDELITY_ROWS * 784; i++) x[i] = images[(size_t)sample[i / 784] * 784 + i % 784];
    engine_open(&e);
    for (const fidelity_row *row = fidelity_table; row->file; row++) {
        fidelity_result r = fidelity_compare(e.d, x, target, row);
        int wrong = r.nearly > ((const double[]){SAME, ILL_POSED, CANCELS})[row->ill_posed];
        bad += wrong;
        if (wrong || getenv("FIDELITY"))
            print_message("%s %s (%s %s): 99 %% within %.1e, all within %.1e, worst map %d\n", row->file, row->member,
                          row->method, row->options, r.nearly, r.most, r.row);
    }
    assert_int_equal(bad, 0);
    engine_close(&e);
    free(sample);
    free(target);
    free(images);
    free(x);
}

/* The origin's page: training image 1, class 0, raw 0-255 values, or scaled as the network was trained. */
static void the_origins_numbers(void **state) {
    (void)state;
    if (access(FIDELITY_GOLDENS, R_OK) != 0) skip();
    static const struct {
        const char *method, *member;
        double scale;
    } row[] = {{"saliency", "saliency_raw", 1},
               {"gradcam", "cam_raw", 1},
               {"saliency", "saliency_scaled", 1 / 255.0},
               {"gradcam", "cam_scaled", 1 / 255.0}};
    char *path[] = {"examples/mnist/x_train_1.png"};
    engine e;
    engine_open(&e);
    float *x, *seed;
    must(limn_new(&x, e.d->B * 784, sizeof *x));
    must(limn_new(&seed, e.d->B * 10, sizeof *seed));
    explain_seed(seed, 1, 10, (const int[]){0});
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        limn_data_options o = LIMN_DATA_OPTIONS_INIT;
        limn_dataset *data;
        limn_shape s;
        size_t count, off = 0;
        o.images = path, o.n_images = 1, o.channels = 1, o.pre.scale = row[i].scale;
        must(limn_dataset_open(&data, &o));
        must(limn_dataset_batch(data, 0, 1, x));
        limn_dataset_free(data);
        must(e.d->forward(e.d->ctx, x));
        float *map = explain(e.d, row[i].method, "keras-vis", "output=dense_2", seed, &s);
        if (!map) fail_msg("%s", limn_message());
        float *golden = fidelity_floats("origin.npz", row[i].member, &count);
        assert_true(count == 784 && limn_shape_size(&s) == 784);
        for (size_t p = 0; p < 784; p++) off += !(map[p] - golden[p] < PROMISED && golden[p] - map[p] < PROMISED);
        if (off > 7) fail_msg("%s: %zu of 784 pixels are off by more than %g", row[i].member, off, PROMISED);
        free(map);
        free(golden);
    }
    free(x);
    free(seed);
    engine_close(&e);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(maps_are_the_programs), cmocka_unit_test(the_origins_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
