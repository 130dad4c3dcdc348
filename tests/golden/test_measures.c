/* Measures of maps against Quantus's and Captum's numbers (../shared/goldens/cnn), on the example network through the
 * engine, with those programs' own random draws. */
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
#include "base/try.h"
#include "measures/measures.h"
#include "model/graph.h"
#include "nn/net.h"
#include "tests/lib/explain.h"
#include "tests/lib/fidelity.h"

/* Quantus divides float32 maps by their maximum and sums in float32: 8e-6 off by the goldens' README; it adds 1e-7 to
 * each |a| and 1e-12 to each share. */
#define QUANTUS_SUMS 2e-5
/* Scores of two float32 programs, of the order of 10, and quotients of their differences. */
#define SCORES 2e-5
/* A mean of squares of differences of two such numbers. */
#define SQUARES 1e-4

enum { R = FIDELITY_ROWS, N = 784 };
typedef struct {
    limn_graph *graph;
    limn_net *net;
    limn_session *session;
    const limn_diff *d;
    int *sample, *target;
    float *x; /* (R, N) */
} network;

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

static void open_network(network *e) {
    size_t count;
    must(model_read(&e->graph, "examples/mnist/mnist_cnn.h5", NULL));
    must(graph_swap_softmax(e->graph));
    must(limn_net_new(&e->net, e->graph, LIMN_BACKEND_AUTO));
    must(limn_session_new(&e->session, e->net));
    e->d = limn_session_diff(e->session);
    e->sample = fidelity_ints("quantus.npz", "sample", R);
    e->target = fidelity_ints("quantus.npz", "target", R);
    float *images = fidelity_floats("keras_activations.npz", "x", &count);
    must(limn_new(&e->x, R * N, sizeof *e->x));
    for (size_t i = 0; i < R * N; i++) e->x[i] = images[(size_t)e->sample[i / N] * N + i % N];
    free(images);
}

static void close_network(network *e) {
    limn_session_free(e->session);
    limn_net_free(e->net);
    graph_free(e->graph);
    free(e->sample);
    free(e->target);
    free(e->x);
}

/* value (R) and, where not NULL, curve (R, steps + 1) of a measure of maps (R, N). places (samples, R, size) and changes
 * (samples, R, N) are another program's draws. */
static void measure(const network *e, const char *name, const char *options, const float *map, float *value,
                    float *curve, size_t steps, const int *places, size_t size, const float *changes, size_t samples) {
    const limn_diff *d = e->d;
    const size_t B = d->B;
    const limn_method *m;
    char text[256], *save = NULL;
    must(limn_measure_get(&m, name));
    limn_attribute_options o = limn_attribute_defaults(m);
    snprintf(text, sizeof text, "%s", options);
    for (char *p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
        char *v = strchr(p, '=');
        *v++ = 0;
        must(limn_attribute_set(m, &o, p, v));
    }
    o.output.index = d->n_layers - 1;
    float *x, *maps, *seed, *scratch, *values, *curves, *mine = NULL;
    int *sets = NULL;
    uint64_t *key;
    must(limn_new(&x, B * N, sizeof *x));
    must(limn_new(&maps, B * N, sizeof *maps));
    must(limn_new(&seed, B * 10, sizeof *seed));
    must(limn_new(&values, B, sizeof *values));
    must(limn_new(&curves, B * (steps + 1), sizeof *curves));
    must(limn_new(&key, B, sizeof *key));
    must(limn_new(&sets, B * size * samples + 1, sizeof *sets));
    must(limn_new(&mine, (changes ? B * N * samples : 0) + 1, sizeof *mine));
    limn_attribute_job job = {.diff = d,
                              .x = x,
                              .n_seeds = 1,
                              .seed = seed,
                              .random = 1,
                              .key = key,
                              .map = maps,
                              .value = values,
                              .channels = 1,
                              .curve = curve ? curves : NULL,
                              .places = places ? sets : NULL,
                              .changes = changes ? mine : NULL};
    must(limn_new(&scratch, limn_measure_scratch(m, &o, &job), sizeof *scratch));
    job.scratch = scratch;
    for (size_t first = 0; first < R; first += B) {
        size_t n = first + B < R ? B : R - first;
        memset(seed, 0, B * 10 * sizeof *seed);
        for (size_t b = 0; b < n; b++) {
            memcpy(x + b * N, e->x + (first + b) * N, N * sizeof *x);
            memcpy(maps + b * N, map + (first + b) * N, N * sizeof *maps);
            for (size_t k = 0; k < samples; k++) {
                if (places) memcpy(sets + (k * B + b) * size, places + (k * R + first + b) * size, size * sizeof *sets);
                if (changes)
                    memcpy(mine + (k * B + b) * N, changes + ((first + b) * samples + k) * N, N * sizeof *mine);
            }
        }
        explain_seed(seed, n, 10, e->target + first);
        must(d->forward(d->ctx, x));
        must(limn_measure_run(m, &o, &job));
        memcpy(value + first, values, n * sizeof *value);
        if (curve) memcpy(curve + first * (steps + 1), curves, n * (steps + 1) * sizeof *curve);
    }
    free(x), free(maps), free(seed), free(values), free(curves), free(key), free(sets), free(mine), free(scratch);
}

static void near(const char *what, const float *a, const float *golden, size_t n, double tolerance) {
    for (size_t i = 0; i < n; i++) {
        double off = fabs((double)a[i] - golden[i]) / fmax(1, fabs((double)golden[i]));
        if (!(off <= tolerance)) fail_msg("%s: [%zu] is %.9g, not %.9g", what, i, (double)a[i], (double)golden[i]);
    }
}

static const char *const maps_of[] = {"saliency", "saliency_signed", "integrated_gradients_50_gausslegendre",
                                      "guided_backprop", "GradCAM"};

static float *golden_map(int i) {
    size_t count;
    float *map = fidelity_floats(i == 4 ? "gradcam.npz" : "captum.npz", maps_of[i], &count);
    assert_int_equal(count, R * N);
    return map;
}

static float *quantus(const char *metric, const char *map, const char *suffix, size_t n) {
    char member[128];
    size_t count;
    snprintf(member, sizeof member, "%s_%s%s", metric, map, suffix);
    float *golden = fidelity_floats("quantus.npz", member, &count);
    assert_int_equal(count, n);
    return golden;
}

static void sparseness_is_quantuss(void **state) {
    (void)state;
    if (access(FIDELITY_GOLDENS, R_OK) != 0) skip();
    network e;
    float value[R];
    open_network(&e);
    for (int i = 0; i < 5; i++) {
        float *map = golden_map(i), *gini = quantus("Sparseness", maps_of[i], "_not_normalised", R),
              *entropy = quantus("Complexity", maps_of[i], "_not_normalised", R);
        measure(&e, "gini", "", map, value, NULL, 0, NULL, 0, NULL, 0);
        /* |a| + 1e-7 matters where a map is of the order of 1e-3 */
        near("gini", value, gini, R, 2e-4);
        measure(&e, "entropy", "", map, value, NULL, 0, NULL, 0, NULL, 0);
        near("entropy", value, entropy, R, QUANTUS_SUMS);
        free(map), free(gini), free(entropy);
    }
    close_network(&e);
}

static void curves_are_quantuss(void **state) {
    (void)state;
    if (access(FIDELITY_GOLDENS, R_OK) != 0) skip();
    network e;
    float value[R], curve[R * 29];
    open_network(&e);
    for (int i = 0; i < 5; i++) {
        char member[128];
        snprintf(member, sizeof member, "ranks_%s", maps_of[i]);
        int *ranks = fidelity_ints("quantus.npz", member, R * N);
        float *map;
        must(limn_new(&map, R * N, sizeof *map));
        for (size_t k = 0; k < R * N; k++) map[k] = (float)ranks[k];
        for (int soft = 0; soft < 2; soft++) {
            float *golden = quantus("PixelFlipping", maps_of[i], soft ? "_step28_softmax" : "_step28_logit", R * 28);
            measure(&e, "pixel-flipping", soft ? "score=probability" : "", map, value, curve, 28, NULL, 0, NULL, 0);
            for (size_t r = 0; r < R; r++) {
                double mean = 0;
                near("curve", curve + r * 29 + 1, golden + r * 28, 28, SCORES);
                for (size_t k = 0; k < 28; k++) mean += golden[r * 28 + k] / 28;
                assert_true(fabs(value[r] - mean) < SCORES * fmax(1, fabs(mean)));
            }
            free(golden);
        }
        free(map);
        free(ranks);
    }
    close_network(&e);
}

static void faithfulness_is_quantuss(void **state) {
    (void)state;
    if (access(FIDELITY_GOLDENS, R_OK) != 0) skip();
    network e;
    float value[R];
    open_network(&e);
    int *subsets = fidelity_ints("quantus.npz", "FaithfulnessCorrelation_subsets", 50 * R * 112);
    for (int i = 0; i < 5; i++) {
        float *map = golden_map(i), *golden = quantus("FaithfulnessCorrelation", maps_of[i], "", R);
        measure(&e, "faithfulness-correlation", "", map, value, NULL, 0, subsets, 112, NULL, 50);
        near(maps_of[i], value, golden, R, SCORES);
        free(map), free(golden);
    }
    free(subsets);
    close_network(&e);
}

static void infidelity_is_captums(void **state) {
    (void)state;
    if (access(FIDELITY_GOLDENS, R_OK) != 0) skip();
    static const char *const member[] = {"saliency", "saliency_signed", "integrated_gradients_50_gausslegendre",
                                         "guided_backprop", "deeplift"};
    network e;
    float value[R];
    size_t count;
    open_network(&e);
    float *p = fidelity_floats("captum.npz", "infidelity_perturbation", &count);
    assert_int_equal(count, R * 10 * N);
    for (size_t i = 0; i < COUNT_OF(member); i++)
        for (int normalise = 0; normalise < 2; normalise++) {
            char name[128];
            snprintf(name, sizeof name, "infidelity_%s%s", member[i], normalise ? "_normalized" : "");
            float *map = fidelity_floats("captum.npz", member[i], &count),
                  *golden = fidelity_floats("captum.npz", name, &count);
            assert_int_equal(count, R);
            measure(&e, "infidelity", normalise ? "samples=10 normalise=yes" : "samples=10", map, value, NULL, 0, NULL,
                    0, p, 10);
            near(name, value, golden, R, SQUARES);
            free(map), free(golden);
        }
    free(p);
    close_network(&e);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sparseness_is_quantuss), cmocka_unit_test(curves_are_quantuss),
                                       cmocka_unit_test(faithfulness_is_quantuss),
                                       cmocka_unit_test(infidelity_is_captums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
