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

#include "base/mem.h"
#include "base/try.h"
#include "measures/measures.h"
#include "tests/lib/example.h"

/* Quantus divides float32 maps by their maximum and sums in float32: 8e-6 off by the goldens' README; it adds 1e-7 to
 * each |a| and 1e-12 to each share. */
#define QUANTUS_SUMS 2e-5
/* The 1e-7 added to |a| matters where a map is of the order of 1e-3. */
#define SMALL_MAPS 2e-4
/* Scores of two float32 programs, of the order of 10, and quotients of their differences. */
#define SCORES 2e-5
/* A mean of squares of differences of two such numbers. */
#define SQUARES 1e-4

enum { R = FIDELITY_ROWS, N = 784 };
static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

/* value (R) and, where not NULL, curve (R, steps + 1) of a measure of maps (R, N). places (samples, R, size) and changes
 * (samples, R, N) are another program's draws. */
static void measure(const example *e, const char *name, const char *options, const float *map, float *value,
                    float *curve, size_t steps, const int *places, size_t size, const float *changes, size_t samples) {
    const limn_diff *d = e->net[ON_LOGITS].d;
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
        size_t n = example_forward(e, d, first, x, seed);
        for (size_t b = 0; b < n; b++) {
            memcpy(maps + b * N, map + (first + b) * N, N * sizeof *maps);
            for (size_t k = 0; k < samples; k++) {
                if (places) memcpy(sets + (k * B + b) * size, places + (k * R + first + b) * size, size * sizeof *sets);
                if (changes)
                    memcpy(mine + (k * B + b) * N, changes + ((first + b) * samples + k) * N, N * sizeof *mine);
            }
        }
        must(limn_measure_run(m, &o, &job));
        memcpy(value + first, values, n * sizeof *value);
        if (curve) memcpy(curve + first * (steps + 1), curves, n * (steps + 1) * sizeof *curve);
    }
    free(x), free(maps), free(seed), free(values), free(curves), free(key), free(sets), free(mine), free(scratch);
}

/* Row by row of `n` values each: |ours - theirs| / max(1, |theirs|), the worst of the row's. */
static int differ(const char *file, const char *member, const char *what, const float *a, size_t stride,
                  const float *golden, size_t n, double tolerance) {
    record r = {.file = file, .member = member, .what = what, .limit = tolerance};
    for (size_t row = 0; row < R; row++) {
        double worst = 0;
        for (size_t i = 0; i < n; i++) {
            double g = golden[row * n + i], off = fabs((double)a[row * stride + i] - g) / fmax(1, fabs(g));
            worst = off <= worst ? worst : off;
        }
        record_difference(&r, worst);
    }
    return record_failed(&r);
}

static const char *const maps_of[] = {"saliency", "saliency_signed", "integrated_gradients_50_gausslegendre",
                                      "guided_backprop", "GradCAM"};

static float *golden_map(int i) {
    size_t count;
    float *map = fidelity_floats(i == 4 ? "gradcam.npz" : "captum.npz", maps_of[i], &count);
    assert_int_equal(count, R * N);
    return map;
}

static float *quantus(char *member, const char *metric, const char *map, const char *suffix, size_t n) {
    size_t count;
    snprintf(member, 128, "%s_%s%s", metric, map, suffix);
    float *golden = fidelity_floats("quantus.npz", member, &count);
    assert_int_equal(count, n);
    return golden;
}

/* Quantus's normalising: each map over its largest |value|. */
static void normalise(float *map) {
    for (size_t r = 0; r < R; r++) {
        float most = 0;
        for (size_t i = 0; i < N; i++) most = fmaxf(most, fabsf(map[r * N + i]));
        for (size_t i = 0; most > 0 && i < N; i++) map[r * N + i] /= most;
    }
}

static void sparseness_is_quantuss(void **state) {
    (void)state;
    static const struct {
        const char *metric, *ours;
        double tolerance;
    } of[] = {{"Sparseness", "gini", SMALL_MAPS}, {"Complexity", "entropy", QUANTUS_SUMS}};
    example e;
    char member[128];
    float value[R];
    int bad = 0;
    example_open(&e);
    for (int i = 0; i < 5; i++) {
        float *map = golden_map(i);
        for (int scaled = 0; scaled < 2; scaled++) {
            if (scaled) normalise(map);
            for (size_t k = 0; k < COUNT_OF(of); k++) {
                float *golden = quantus(member, of[k].metric, maps_of[i], scaled ? "" : "_not_normalised", R);
                measure(&e, of[k].ours, "", map, value, NULL, 0, NULL, 0, NULL, 0);
                bad += differ("quantus.npz", member, of[k].ours, value, 1, golden, 1, of[k].tolerance);
                free(golden);
            }
        }
        free(map);
    }
    example_close(&e);
    assert_int_equal(bad, 0);
}

/* Curves of `steps` points: ours has the untouched input before them. */
static int curve_differs(const example *e, const float *map, const char *name, const char *suffix, const char *options,
                         size_t steps) {
    static float value[R], curve[R * (N + 1)];
    char member[128], what[64];
    float *golden = quantus(member, "PixelFlipping", name, suffix, R * steps);
    snprintf(what, sizeof what, "pixel-flipping%s%s", *options ? " " : "", options);
    measure(e, "pixel-flipping", options, map, value, curve, steps, NULL, 0, NULL, 0);
    int bad = differ("quantus.npz", member, what, curve + 1, steps + 1, golden, steps, SCORES);
    for (size_t r = 0; r < R; r++) {
        double mean = 0;
        for (size_t k = 0; k < steps; k++) mean += golden[r * steps + k] / (double)steps;
        assert_true(fabs(value[r] - mean) < SCORES * fmax(1, fabs(mean)));
    }
    free(golden);
    return bad;
}

static void curves_are_quantuss(void **state) {
    (void)state;
    example e;
    int bad = 0;
    example_open(&e);
    for (int i = 0; i < 5; i++) {
        char member[128];
        snprintf(member, sizeof member, "ranks_%s", maps_of[i]);
        int *ranks = fidelity_ints("quantus.npz", member, R * N);
        float *map;
        must(limn_new(&map, R * N, sizeof *map));
        for (size_t k = 0; k < R * N; k++) map[k] = (float)ranks[k];
        bad += curve_differs(&e, map, maps_of[i], "_step28_logit", "", 28);
        bad += curve_differs(&e, map, maps_of[i], "_step28_softmax", "score=probability", 28);
        if (i == 0 || i == 4) bad += curve_differs(&e, map, maps_of[i], "_step1_logit", "steps=784", N);
        record_input("quantus.npz", member, "the map that is flipped");
        free(map);
        free(ranks);
    }
    example_close(&e);
    assert_int_equal(bad, 0);
}

static void faithfulness_is_quantuss(void **state) {
    (void)state;
    example e;
    char member[128];
    float value[R];
    int bad = 0;
    example_open(&e);
    int *subsets = fidelity_ints("quantus.npz", "FaithfulnessCorrelation_subsets", 50 * R * 112);
    record_input("quantus.npz", "FaithfulnessCorrelation_subsets", "pixels drawn");
    for (int i = 0; i < 5; i++) {
        float *map = golden_map(i), *golden = quantus(member, "FaithfulnessCorrelation", maps_of[i], "", R);
        measure(&e, "faithfulness-correlation", "", map, value, NULL, 0, subsets, 112, NULL, 50);
        bad += differ("quantus.npz", member, "faithfulness-correlation", value, 1, golden, 1, SCORES);
        free(map), free(golden);
    }
    free(subsets);
    example_close(&e);
    assert_int_equal(bad, 0);
}

static void infidelity_is_captums(void **state) {
    (void)state;
    static const char *const member[] = {"saliency", "saliency_signed", "integrated_gradients_50_gausslegendre",
                                         "guided_backprop", "deeplift"};
    example e;
    float value[R];
    size_t count;
    int bad = 0;
    example_open(&e);
    float *p = fidelity_floats("captum.npz", "infidelity_perturbation", &count);
    record_input("captum.npz", "infidelity_perturbation", "changes drawn");
    assert_int_equal(count, R * 10 * N);
    for (size_t i = 0; i < COUNT_OF(member); i++)
        for (int normal = 0; normal < 2; normal++) {
            char name[128];
            const char *options = normal ? "samples=10 normalise=yes" : "samples=10";
            snprintf(name, sizeof name, "infidelity_%s%s", member[i], normal ? "_normalized" : "");
            float *map = fidelity_floats("captum.npz", member[i], &count),
                  *golden = fidelity_floats("captum.npz", name, &count);
            assert_int_equal(count, R);
            measure(&e, "infidelity", options, map, value, NULL, 0, NULL, 0, p, 10);
            bad += differ("captum.npz", name, "infidelity", value, 1, golden, 1, SQUARES);
            free(map), free(golden);
        }
    free(p);
    example_close(&e);
    assert_int_equal(bad, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sparseness_is_quantuss), cmocka_unit_test(curves_are_quantuss),
                                       cmocka_unit_test(faithfulness_is_quantuss),
                                       cmocka_unit_test(infidelity_is_captums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
