/* The example network on both backends against Keras: activations of every layer, logits, probabilities of its three
 * files, the gradient of every logit at the input and at every layer. ../shared/goldens/cnn/README.md says what made
 * the arrays; Keras's are (row, column, channel). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/graph.h"
#include "nn/net.h"
#include "tests/lib/fidelity.h"

#define FILE_NAME "keras_activations.npz"
#define MODEL "examples/mnist/mnist_cnn"

/* Relative L2 of each row. Two float32 programs with sums in other orders; 3e-7 was seen. */
static const double VALUES = 1e-5;
static const double PROBABILITIES = 1e-5; /* absolute */
enum { IMAGES = 16, CLASSES = 10 };

typedef struct {
    limn_graph *graph;
    limn_net *net;
    limn_session *session;
    const limn_diff *d;
} engine;

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

static float *floats(size_t n) {
    float *p;
    must(limn_new(&p, n, sizeof *p));
    return p;
}

static engine open_engine(const char *file, int swap, limn_backend backend) {
    engine e;
    must(model_read(&e.graph, file, NULL));
    if (swap) must(graph_swap_softmax(e.graph));
    must(limn_net_new(&e.net, e.graph, backend));
    must(limn_session_new(&e.session, e.net));
    e.d = limn_session_diff(e.session);
    return e;
}

static void close_engine(engine *e) {
    limn_session_free(e->session);
    limn_net_free(e->net);
    graph_free(e->graph);
}

static void forward_images(const engine *e) {
    size_t n;
    float *x = fidelity_floats(FILE_NAME, "x", &n); /* one channel: the two orders are one */
    assert_int_equal(n, IMAGES * 784);
    assert_true(e->d->B >= IMAGES);
    float *chunk = floats(e->d->B * 784);
    memcpy(chunk, x, n * sizeof *x);
    must(e->d->forward(e->d->ctx, chunk));
    free(chunk);
    free(x);
}

/* Element i of a row in Keras's order, from ours. */
static size_t ours(const limn_shape *s, size_t i) {
    if (s->rank != 3) return i;
    size_t C = s->dim[0], P = s->dim[1] * s->dim[2];
    return i % C * P + i / C;
}

/* Rows of shape s: `want` lies in Keras's order. */
static void compare_rows(record *r, const float *got, const float *want, size_t rows, const limn_shape *s) {
    size_t size = limn_shape_size(s);
    float *there = floats(size);
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < size; i++) there[i] = got[row * size + ours(s, i)];
        record_map(r, there, want + row * size, size);
    }
    free(there);
}

static const limn_backend backends[] = {LIMN_BACKEND_AUTO, LIMN_BACKEND_REF};
static const char *const engines[] = {"the engine", "the engine, plain operations"};
static const char *const layers[] = {"conv2d_1", "conv2d_2", "max_pooling2d_1", "dense_1", "dense_2"};

static void need_goldens(void) {
    if (access(FIDELITY_GOLDENS, R_OK) != 0) skip();
}

static void activations_are_keras(void **state) {
    (void)state;
    need_goldens();
    for (size_t b = 0; b < 2; b++) {
        engine e = open_engine(MODEL ".h5", 1, backends[b]);
        assert_int_equal(limn_net_fallbacks(e.net), 0);
        forward_images(&e);
        for (size_t k = 0; k < 5; k++) {
            size_t n;
            int l = graph_find_layer(e.graph, layers[k]);
            const limn_shape *s = &e.d->layer[l].out;
            float *want = fidelity_floats(FILE_NAME, k == 4 ? "logits" : layers[k], &n);
            float *got = floats(e.d->B * limn_shape_size(s));
            assert_int_equal(n, IMAGES * limn_shape_size(s));
            must(e.d->value(e.d->ctx, l, got));
            record r = {
                .file = FILE_NAME, .member = k == 4 ? "logits" : layers[k], .what = engines[b], .limit = VALUES};
            compare_rows(&r, got, want, IMAGES, s);
            free(got);
            free(want);
            assert_int_equal(record_failed(&r), 0);
        }
        close_engine(&e);
    }
}

static void three_files_give_keras_probabilities(void **state) {
    (void)state;
    static const char *const files[] = {MODEL ".h5", MODEL ".keras", MODEL "_keras3.h5"};
    need_goldens();
    for (size_t b = 0; b < 2; b++)
        for (size_t f = 0; f < 3; f++) {
            size_t n;
            engine e = open_engine(files[f], 0, backends[b]);
            float *want = fidelity_floats(FILE_NAME, "probabilities", &n), *got = floats(e.d->B * CLASSES);
            forward_images(&e);
            must(e.d->value(e.d->ctx, e.d->n_layers - 1, got));
            record r = {.file = FILE_NAME, .member = "probabilities", .what = files[f], .limit = PROBABILITIES};
            for (size_t i = 0; i < IMAGES * CLASSES; i++) record_difference(&r, fabs((double)got[i] - want[i]));
            assert_int_equal(record_failed(&r), 0);
            free(got);
            free(want);
            close_engine(&e);
        }
}

/* Gradient of score target[r] of each row at layer `to`; rows beyond n are padding. */
static float *gradient(const engine *e, const int *target, size_t n, int to) {
    float *seed = floats(e->d->B * CLASSES);
    float *grad = floats(e->d->B * limn_shape_size(to < 0 ? &e->d->input : &e->d->layer[to].out));
    for (size_t r = 0; r < n; r++) seed[r * CLASSES + (size_t)target[r]] = 1;
    must(e->d->vjp(e->d->ctx, e->d->n_layers - 1, seed, LIMN_RULE_GRADIENT, to, grad));
    free(seed);
    return grad;
}

static void input_gradients_are_keras(void **state) {
    (void)state;
    need_goldens();
    for (size_t b = 0; b < 2; b++) {
        size_t n;
        engine e = open_engine(MODEL ".h5", 1, backends[b]);
        float *all = fidelity_floats(FILE_NAME, "grad_input_per_class", &n), *want = floats(IMAGES * 784);
        assert_int_equal(n, IMAGES * CLASSES * 784);
        record r = {.file = FILE_NAME, .member = "grad_input_per_class", .what = engines[b], .limit = RECORD_GRADIENT};
        forward_images(&e);
        for (int c = 0; c < CLASSES; c++) {
            int target[IMAGES];
            for (size_t i = 0; i < IMAGES; i++) {
                target[i] = c;
                memcpy(want + i * 784, all + (i * CLASSES + (size_t)c) * 784, 784 * sizeof *want);
            }
            float *got = gradient(&e, target, IMAGES, LIMN_INPUT);
            compare_rows(&r, got, want, IMAGES, &e.d->input);
            free(got);
        }
        assert_int_equal(record_failed(&r), 0);
        free(want);
        free(all);
        close_engine(&e);
    }
}

/* 20 rows: row r < 16 is image r with its own class, 16 .. 19 are images 0 .. 3 with another. */
static void layer_gradients_are_keras(void **state) {
    (void)state;
    static const struct {
        const char *layer, *file, *member;
    } of[] = {{"conv2d_1", FILE_NAME, "grad_conv2d_1"},
              {"conv2d_2", FILE_NAME, "grad_conv2d_2"},
              {"max_pooling2d_1", FILE_NAME, "grad_max_pooling2d_1"},
              {"dense_1", FILE_NAME, "grad_dense_1"},
              {"max_pooling2d_1", "kerasvis.npz", "raw_grad_max_pooling2d_1"}};
    need_goldens();
    static const char *const inputs[] = {"x", "label", "sample", "target"};
    int *target = fidelity_ints(FILE_NAME, "target", FIDELITY_ROWS);
    for (int i = 0; i < 4; i++) record_input(FILE_NAME, inputs[i], "what is explained");
    for (size_t b = 0; b < 2; b++) {
        engine e = open_engine(MODEL ".h5", 1, backends[b]);
        forward_images(&e);
        for (size_t k = 0; k < COUNT_OF(of); k++) {
            size_t n;
            int l = graph_find_layer(e.graph, of[k].layer);
            const limn_shape *s = &e.d->layer[l].out;
            float *want = fidelity_floats(of[k].file, of[k].member, &n);
            float *own = gradient(&e, target, IMAGES, l), *other = gradient(&e, target + IMAGES, 4, l);
            record r = {.file = of[k].file, .member = of[k].member, .what = engines[b], .limit = RECORD_GRADIENT};
            assert_int_equal(n, FIDELITY_ROWS * limn_shape_size(s));
            compare_rows(&r, own, want, IMAGES, s);
            compare_rows(&r, other, want + IMAGES * limn_shape_size(s), 4, s);
            free(other);
            free(own);
            free(want);
            assert_int_equal(record_failed(&r), 0);
        }
        close_engine(&e);
    }
    free(target);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_are_keras),
        cmocka_unit_test(three_files_give_keras_probabilities),
        cmocka_unit_test(input_gradients_are_keras),
        cmocka_unit_test(layer_gradients_are_keras),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
