/* Real networks that others trained, whole, against the programs that made them (../shared/goldens/cnn/make_nets.py):
 * every layer's statistics and samples, logits, output, the gradients from the CAM layer on, and Grad-CAM; then the
 * networks of MNIST by their accuracy on its first 1000 test images, and what cannot be loaded. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "data/array.h"
#include "tests/lib/peer.h"
#include "tests/lib/record.h"

#define MODELS "../shared/models/"
#define GOLDENS "../shared/goldens/cnn/"
#define MNIST "../shared/data/mnist/t10k-"

/* Relative to an array's largest value. Two float32 programs, up to 90 layers deep; up to 2e-6 was seen. */
static const double VALUES = 1e-4;
/* The same for gradients, for this share of the elements: a ReLU whose input is rounding noise may pass in one program
 * and not in the other, and the whole receptive field then differs. */
static const double GRADIENTS = 1e-4, SHARE = 0.99;
/* Relative L2 of a gradient where such a mask differs. */
#define FLIPPED 5e-3
#define FLIPS "a ReLU6 whose input is rounding noise at 0 or 6 passes in one program and not in the other"
/* Of a statistic over a layer, relative to the layer's largest value. */
static const double STATISTICS = 1e-4;
enum { SAMPLES = 16, MOST_ROWS = 4 };

static const struct {
    const char *model, *numbers, *activation;
    int layers;
    int lost;  /* the gradients at its layers are all 0 in the file: Keras 3 had lost their connection to the logits */
    int flips; /* a mask of one row differs at the input */
} nets[] = {
    {"fer2013_mini_xception.hdf5", "net_fer2013_mini_xception.npz", "softmax", 45, 0, 0},
    {"cifar10_resnet8.h5", "net_cifar10_resnet8.npz", "softmax", 29, 0, 0},
    {"imagenet_mobilenet_v1_025_224.h5", "net_imagenet_mobilenet_v1_025_224.npz", "softmax", 90, 0, 1},
    {"malaria_functional.h5", "net_malaria_functional.npz", "sigmoid", 13, 0, 0},
    {"mnist_keras311.keras", "net_mnist_keras311.npz", "softmax", 7, 1, 0},
};

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

static void need_shared(void) {
    if (access(MODELS, R_OK) != 0 || access(GOLDENS, R_OK) != 0) skip();
}

/* x = input_u8 * scale + offset in float32, in that order, as make_nets.py did. */
static double *input(const char *npz, size_t *count) {
    size_t n;
    double *u8 = peer_need(npz, "input_u8", count), *s = peer_need(npz, "scale", &n);
    float a = (float)s[0], b = (float)s[1];
    assert_int_equal(n, 2);
    for (size_t i = 0; i < *count; i++) {
        float scaled = (float)u8[i] * a;
        u8[i] = (double)(scaled + b);
    }
    free(s);
    return u8;
}

/* All rows of a network's inputs: the chunk may be smaller. */
typedef struct {
    peer_net net;
    const char *name, *npz;
    double *x;
    size_t rows, size; /* size of one input */
    double worst, worst_gradient;
    int lost, flips;
} run;

/* *out = rows of a layer's values, concatenated, of `what` = the layer's output (seed NULL) or the gradient there. */
static void collect(const run *r, int layer, const double *seed, double **out) {
    size_t n = limn_shape_size(graph_layer_shape(r->net.graph, layer)), B = r->net.d->B, o = 0;
    size_t classes = limn_shape_size(graph_layer_shape(r->net.graph, r->net.graph->n_layers - 1));
    must(limn_new(out, r->rows * n, sizeof **out));
    for (size_t at = 0; at < r->rows; at += B, o += B) {
        size_t k = r->rows - at < B ? r->rows - at : B;
        if (r->rows > B) peer_forward(&r->net, r->x + at * r->size, k);
        double *v = seed ? peer_gradient(&r->net, seed + at * classes, k, layer) : peer_value(&r->net, layer, k);
        memcpy(*out + at * n, v, k * n * sizeof *v);
        free(v);
    }
}

static void close_to(run *r, const char *what, const double *have, size_t n, int gradient) {
    size_t count;
    double *want = peer_need(r->npz, what, &count);
    assert_int_equal(count, n);
    if (r->lost && gradient && strcmp(what, "grad_input") != 0) {
        for (size_t i = 0; i < n; i++) assert_true(want[i] == 0);
        record_input(strrchr(r->npz, '/') + 1, what, "not compared: lost by Keras 3, all 0");
        free(want);
        return;
    }
    double d = peer_difference(have, want, n, gradient ? SHARE : 1);
    if (!(d <= (gradient ? GRADIENTS : VALUES))) fail_msg("%s: %s differs by %g", r->name, what, d);
    record kept = {.file = strrchr(r->npz, '/') + 1,
                   .member = what,
                   .what = "the engine",
                   .wide = FLIPPED,
                   .cause = r->flips && strcmp(what, "grad_input") == 0 ? FLIPS : NULL,
                   .limit = strncmp(what, "cam", 3) == 0 ? RECORD_CAM
                            : gradient                   ? RECORD_GRADIENT
                                                         : VALUES};
    for (size_t row = 0, size = n / r->rows; row < r->rows; row++)
        record_values(&kept, have + row * size, want + row * size, size);
    if (record_failed(&kept)) fail_msg("%s: %s differs by %g", r->name, what, kept.worst);
    if (gradient)
        r->worst_gradient = fmax(r->worst_gradient, d);
    else
        r->worst = fmax(r->worst, d);
    free(want);
}

/* Mean, deviation, least, largest, and 16 samples of every layer. */
static void layers_agree(run *r) {
    size_t n_stats, n_samples;
    double *stats = peer_need(r->npz, "stats", &n_stats), *samples = peer_need(r->npz, "samples", &n_samples);
    int layers = r->net.graph->n_layers;
    assert_int_equal(n_stats, (size_t)layers * 4);
    assert_int_equal(n_samples, (size_t)layers * SAMPLES);
    for (int i = 0; i < layers; i++) {
        size_t n = r->rows * limn_shape_size(graph_layer_shape(r->net.graph, i));
        double *v, sum = 0, squares = 0, least = INFINITY, most = -INFINITY, *s = stats + 4 * i;
        collect(r, i, NULL, &v);
        for (size_t k = 0; k < n; k++) {
            sum += v[k];
            least = fmin(least, v[k]);
            most = fmax(most, v[k]);
        }
        for (size_t k = 0; k < n; k++) squares += (v[k] - sum / (double)n) * (v[k] - sum / (double)n);
        double is[4] = {sum / (double)n, sqrt(squares / (double)n), least, most}, unit = fmax(fabs(s[2]), fabs(s[3]));
        for (int k = 0; k < 4; k++)
            if (!(fabs(is[k] - s[k]) <= STATISTICS * unit))
                fail_msg("%s: layer %s: statistic %d is %g, not %g", r->name, r->net.graph->layer[i].name, k, is[k],
                         s[k]);
        for (int k = 0; k < SAMPLES; k++) {
            size_t at = (size_t)((double)k * (double)(n - 1) / 15);
            double d = fabs(v[at] - samples[SAMPLES * i + k]) / (unit > 0 ? unit : 1);
            r->worst = fmax(r->worst, d);
            if (!(d <= VALUES)) fail_msg("%s: layer %s differs by %g", r->name, r->net.graph->layer[i].name, d);
        }
        free(v);
    }
    record_input(strrchr(r->npz, '/') + 1, "stats", "compared layer by layer (test_nets)");
    record_input(strrchr(r->npz, '/') + 1, "samples", "compared layer by layer (test_nets)");
    free(samples);
    free(stats);
}

/* The mean gradients of each channel, the weighted sum of the CAM layer's maps, its positive part. */
static void cam_agrees(run *r, int layer, const double *gradient) {
    const limn_shape *s = graph_layer_shape(r->net.graph, layer);
    size_t C = s->dim[0], P = s->dim[1] * s->dim[2];
    double *v, *w, *map;
    collect(r, layer, NULL, &v);
    must(limn_new(&w, r->rows * C, sizeof *w));
    must(limn_new(&map, r->rows * P, sizeof *map));
    for (size_t row = 0; row < r->rows; row++)
        for (size_t p = 0; p < P; p++)
            for (size_t c = 0; c < C; c++) w[row * C + c] += gradient[(row * P + p) * C + c] / (double)P;
    for (size_t row = 0; row < r->rows; row++)
        for (size_t p = 0; p < P; p++)
            for (size_t c = 0; c < C; c++) map[row * P + p] += w[row * C + c] * v[(row * P + p) * C + c];
    close_to(r, "cam_weights", w, r->rows * C, 1);
    close_to(r, "cam_raw", map, r->rows * P, 1);
    for (size_t i = 0; i < r->rows * P; i++) map[i] = fmax(map[i], 0);
    close_to(r, "cam", map, r->rows * P, 1);
    free(map);
    free(w);
    free(v);
}

/* The layer of the numbers: the last convolution larger than 1 x 1, before any activation that is a layer of its own. */
static int last_convolution(const limn_graph *g) {
    for (int i = g->n_layers - 1; i >= 0; i--) {
        const limn_shape *s = graph_layer_shape(g, i);
        if (g->layer[i].kind == LIMN_KIND_CONV && s->dim[1] * s->dim[2] > 1) return i;
    }
    return -1;
}

/* Logits, the gradient of each row's target at the input and from the CAM layer on. */
static void gradients_agree(run *r) {
    const limn_graph *g = r->net.graph;
    size_t classes = limn_shape_size(graph_layer_shape(g, g->n_layers - 1)), n;
    double *target = peer_need(r->npz, "target", &n), *seed, *v;
    int cam = last_convolution(g), compared = 0;
    assert_int_equal(n, r->rows);
    must(limn_new(&seed, r->rows * classes, sizeof *seed));
    for (size_t i = 0; i < r->rows; i++) seed[i * classes + (size_t)target[i]] = 1;
    collect(r, g->n_layers - 1, NULL, &v);
    close_to(r, "logits", v, r->rows * classes, 0);
    free(v);
    collect(r, LIMN_INPUT, seed, &v);
    close_to(r, "grad_input", v, r->rows * r->size, 1);
    free(v);
    assert_true(cam >= 0);
    collect(r, cam, seed, &v);
    cam_agrees(r, cam, v);
    free(v);
    for (int i = cam; i < g->n_layers - 1; i++) {
        char member[640];
        size_t count, size = r->rows * limn_shape_size(graph_layer_shape(g, i));
        snprintf(member, sizeof member, "grad_%s", g->layer[i].name);
        double *there = peer_array(r->npz, member, &count);
        if (!there) continue;
        collect(r, i, seed, &v);
        close_to(r, member, v, size, 1);
        free(v);
        snprintf(member, sizeof member, "act_%s", g->layer[i].name);
        collect(r, i, NULL, &v);
        close_to(r, member, v, size, 0);
        free(v);
        free(there);
        compared++;
    }
    assert_true(compared >= 1);
    free(seed);
    free(target);
}

static void check(size_t which) {
    char model[128], npz[128];
    need_shared();
    snprintf(model, sizeof model, MODELS "%s", nets[which].model);
    snprintf(npz, sizeof npz, GOLDENS "%s", nets[which].numbers);
    run r = {.name = nets[which].model, .npz = npz, .lost = nets[which].lost, .flips = nets[which].flips};
    size_t count;
    double *v;
    r.x = input(npz, &count);
    record_input(nets[which].numbers, "input_u8", "the input");
    record_input(nets[which].numbers, "scale", "of the input");
    record_input(nets[which].numbers, "target", "what is explained");
    r.net = peer_open(model, NULL, 0);
    r.size = limn_shape_size(&r.net.d->input);
    r.rows = count / r.size;
    assert_true(r.rows >= 1 && r.rows <= MOST_ROWS && r.rows * r.size == count);
    assert_int_equal(r.net.graph->n_layers, nets[which].layers);
    if (r.rows <= r.net.d->B) peer_forward(&r.net, r.x, r.rows);
    layers_agree(&r);
    collect(&r, r.net.graph->n_layers - 1, NULL, &v);
    close_to(&r, "output", v, r.rows * limn_shape_size(graph_layer_shape(r.net.graph, r.net.graph->n_layers - 1)), 0);
    free(v);
    peer_close(&r.net);

    r.net = peer_open(model, NULL, 1);
    limn_op removed = r.net.graph->final_activation;
    assert_int_equal(removed, strcmp(nets[which].activation, "sigmoid") == 0 ? LIMN_OP_UNARY : LIMN_OP_SOFTMAX);
    if (r.rows <= r.net.d->B) peer_forward(&r.net, r.x, r.rows);
    gradients_agree(&r);
    print_message("# %s: values within %.1e, %g of the gradients within %.1e\n", r.name, r.worst, SHARE,
                  r.worst_gradient);
    peer_close(&r.net);
    free(r.x);
}

static void fer2013_mini_xception(void **state) {
    (void)state;
    check(0);
}

static void cifar10_resnet8(void **state) {
    (void)state;
    check(1);
}

static void imagenet_mobilenet(void **state) {
    (void)state;
    check(2);
}

static void malaria_functional(void **state) {
    (void)state;
    check(3);
}

static void mnist_keras_zip(void **state) {
    (void)state;
    check(4);
}

/* ---- accuracies -------------------------------------------------------------------------------------------------- */
enum { IMAGES = 1000, PIXELS = 784, CLASSES = 10 };

static double accuracy(const char *model, const char *weights) {
    limn_array image, label;
    must(limn_array_read(&image, MNIST "images-idx3-ubyte.gz"));
    must(limn_array_read(&label, MNIST "labels-idx1-ubyte.gz"));
    peer_net p = peer_open(model, weights, 1);
    size_t B = p.d->B, right = 0;
    double *x;
    must(limn_new(&x, B * PIXELS, sizeof *x));
    for (size_t at = 0; at < IMAGES; at += B) {
        size_t rows = IMAGES - at < B ? IMAGES - at : B;
        for (size_t i = 0; i < rows * PIXELS; i++) x[i] = limn_array_get(&image, at * PIXELS + i) / 255;
        peer_forward(&p, x, rows);
        double *v = peer_value(&p, p.graph->n_layers - 1, rows);
        for (size_t r = 0; r < rows; r++) {
            size_t best = 0;
            for (size_t c = 1; c < CLASSES; c++)
                if (v[r * CLASSES + c] > v[r * CLASSES + best]) best = c;
            right += best == (size_t)limn_array_get(&label, at + r);
        }
        free(v);
    }
    free(x);
    peer_close(&p);
    limn_array_clear(&image);
    limn_array_clear(&label);
    return (double)right / IMAGES;
}

/* Of ../shared/models/README.md, to the image. */
static void accuracies_on_mnist(void **state) {
    (void)state;
    static const struct {
        const char *model, *weights;
        double is;
    } of[] = {{"mnist_keras26.h5", NULL, .991},
              {"mnist_keras311.h5", NULL, .994},
              {"mnist_keras311.keras", NULL, .993},
              {"keras1_tf_config.json", "keras1_tf_weights.h5", .987},
              {"keras1_th_config.json", "keras1_th_weights.h5", .966}};
    need_shared();
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        char model[128], weights[128];
        snprintf(model, sizeof model, MODELS "%s", of[i].model);
        snprintf(weights, sizeof weights, MODELS "%s", of[i].weights ? of[i].weights : "");
        double a = accuracy(model, of[i].weights ? weights : NULL);
        print_message("# %s: %.3f\n", of[i].model, a);
        if (fabs(a - of[i].is) > 1e-9) fail_msg("%s: %.3f, not %.3f", of[i].model, a, of[i].is);
    }
}

/* ---- what only loads --------------------------------------------------------------------------------------------- */
/* A network within a network, with the preparation of its pictures; raw pixels go in, probabilities come out. */
static void a_network_that_prepares_its_pictures(void **state) {
    (void)state;
    need_shared();
    peer_net p = peer_open(MODELS "potato_nested_sequential.h5", NULL, 0);
    assert_int_equal(p.graph->n_layers, 17);
    assert_string_equal(p.graph->layer[0].name, "resizing");
    assert_string_equal(p.graph->layer[1].name, "rescaling");
    size_t n = limn_shape_size(&p.d->input);
    double *x, sum = 0;
    must(limn_new(&x, n, sizeof *x));
    for (size_t i = 0; i < n; i++) x[i] = (double)(i % 256);
    peer_forward(&p, x, 1);
    double *first = peer_value(&p, 1, 1), *v = peer_value(&p, 16, 1);
    for (size_t i = 0; i < n; i++) assert_true(fabs(first[i] - x[i] / 255) < 1e-6);
    for (int i = 0; i < 3; i++) sum += v[i];
    assert_true(fabs(sum - 1) < 1e-6);
    free(first);
    free(v);
    free(x);
    peer_close(&p);
}

static void weights_alone_are_refused(void **state) {
    (void)state;
    limn_graph *g;
    need_shared();
    assert_int_equal(model_read(&g, MODELS "keras1_th_weights.h5", NULL), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "weights only"));
    assert_non_null(strstr(limn_message(), "`model: {config: X.json, weights: Y.h5}`"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fer2013_mini_xception),
        cmocka_unit_test(cifar10_resnet8),
        cmocka_unit_test(imagenet_mobilenet),
        cmocka_unit_test(malaria_functional),
        cmocka_unit_test(mnist_keras_zip),
        cmocka_unit_test(accuracies_on_mnist),
        cmocka_unit_test(a_network_that_prepares_its_pictures),
        cmocka_unit_test(weights_alone_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
