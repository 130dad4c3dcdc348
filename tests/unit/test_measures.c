/* Measures on toys: maps of a linear score that are its own parts, whose curves, correlations and gaps follow by hand. */
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
#include "measures/measures.h"
#include "tests/lib/explain.h"
#include "tests/lib/toy.h"

#define ROUNDED 2e-6

enum { N = 4 };
static const float w[] = {4, -1, 2, 0.5F}, x[N] = {1, 1, 1, 1};
static const toy_layer layer[] = {{.name = "out", .op = TOY_DENSE, .units = 1, .w = w}};

/* The measure of a map of the linear score, for a chunk of one sample. */
static double measure_of(const char *name, const char *options, const float *map, const limn_method *of,
                         const limn_attribute_options *of_options) {
    toy *t = toy_new(1, &(limn_shape){3, {1, 2, 2}}, layer, 1);
    const limn_diff *d = toy_diff(t);
    const limn_method *m;
    static const float seed[] = {1};
    static const uint64_t key[] = {0};
    char text[256], *save = NULL;
    float value = 0, *scratch, copy[N];
    memcpy(copy, map, sizeof copy);
    assert_int_equal(limn_measure_get(&m, name), LIMN_OK);
    limn_attribute_options o = limn_attribute_defaults(m);
    snprintf(text, sizeof text, "%s", options);
    for (char *p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
        char *v = strchr(p, '=');
        *v++ = 0;
        assert_int_equal(limn_attribute_set(m, &o, p, v), LIMN_OK);
    }
    o.output.index = 0;
    limn_attribute_job job = {.diff = d,
                              .x = x,
                              .n_seeds = 1,
                              .seed = seed,
                              .random = 5,
                              .key = key,
                              .map = copy,
                              .value = &value,
                              .channels = 1,
                              .of = of,
                              .of_options = of_options};
    assert_int_equal(limn_new(&scratch, limn_measure_scratch(m, &o, &job), sizeof *scratch), LIMN_OK);
    job.scratch = scratch;
    assert_int_equal(d->forward(d->ctx, x), LIMN_OK);
    assert_int_equal(limn_measure_run(m, &o, &job), LIMN_OK);
    assert_memory_equal(copy, map, sizeof copy);
    free(scratch);
    toy_free(t);
    return value;
}

static void near(const char *what, double a, double want) {
    if (!(fabs(a - want) <= ROUNDED * fmax(1, fabs(want)))) fail_msg("%s is %.9g, not %.9g", what, a, want);
}

static void of_the_map_alone(void **state) {
    (void)state;
    near("gini of one place", measure_of("gini", "", (const float[]){0, 0, -5, 0}, NULL, NULL), 0.75);
    near("gini of equals", measure_of("gini", "", (const float[]){2, -2, 2, -2}, NULL, NULL), 0);
    near("entropy of one place", measure_of("entropy", "", (const float[]){0, 0, -5, 0}, NULL, NULL), 0);
    near("entropy of equals", measure_of("entropy", "", (const float[]){2, -2, 2, -2}, NULL, NULL), log(4));
    assert_true(isnan(measure_of("gini", "", (const float[]){0, 0, 0, 0}, NULL, NULL)));
    assert_true(isnan(measure_of("entropy", "", (const float[]){0, 0, 0, 0}, NULL, NULL)));
}

/* S = 5.5; in the order of w: 4 goes, then 2, .5, -1: 5.5 1.5 -.5 -1 0. */
static void curves(void **state) {
    (void)state;
    near("deletion", measure_of("deletion", "score=logit steps=4", w, NULL, NULL), (5.5 / 2 + 1.5 - 0.5 - 1 + 0) / 4);
    near("insertion", measure_of("insertion", "score=logit steps=4 baseline=value", w, NULL, NULL),
         (0 + 4 + 6 + 6.5 + 5.5 / 2) / 4);
    near("flipping", measure_of("pixel-flipping", "steps=4", w, NULL, NULL), (1.5 - 0.5 - 1 + 0) / 4);
    near("two at a time", measure_of("pixel-flipping", "steps=2", w, NULL, NULL), (-0.5 + 0) / 2);
    /* by size: 4, 2, -1, .5 */
    near("absolute", measure_of("pixel-flipping", "steps=4 order=absolute", w, NULL, NULL), (1.5 - 0.5 + 0.5 + 0) / 4);
    /* equals: the first place first */
    near("equals", measure_of("pixel-flipping", "steps=4", x, NULL, NULL), (1.5 + 2.5 + 0.5 + 0) / 4);
    /* all pixels are one value: imputing gives it back, whatever is gone */
    near("road", measure_of("road", "steps=4 noise=0 score=logit", w, NULL, NULL), 5.5);
    assert_true(isnan(measure_of("deletion", "", (const float[]){0, 0, 0, 0}, NULL, NULL)));
}

static void of_random_changes(void **state) {
    (void)state;
    /* the map of a linear score's own parts says all of it */
    near("correlation", measure_of("faithfulness-correlation", "size=.5", w, NULL, NULL), 1);
    near("correlation",
         measure_of("faithfulness-correlation", "size=.5", (const float[]){-4, 1, -2, -0.5F}, NULL, NULL), -1);
    near("infidelity", measure_of("infidelity", "", w, NULL, NULL), 0);
    /* where the sample has no range no change is made */
    near("infidelity", measure_of("infidelity", "", (const float[]){1, 1, 1, 1}, NULL, NULL), 0);
}

static void of_the_method(void **state) {
    (void)state;
    toy *t = toy_new(1, &(limn_shape){3, {1, 2, 2}}, layer, 1);
    const limn_method *m;
    limn_attribute_options o;
    char text[256];
    assert_int_equal(explain_options(toy_diff(t), "saliency", NULL, "grad_modifier=none", &m, &o, text), LIMN_OK);
    near("a map that is the same everywhere", measure_of("max-sensitivity", "", w, m, &o), 0);
    assert_int_equal(explain_options(toy_diff(t), "input-x-gradient", NULL, "", &m, &o, text), LIMN_OK);
    double moved =
        measure_of("max-sensitivity", "radius=.5 samples=200", w, m, &o); /* each part moves by up to a half */
    assert_true(moved > 0.25 && moved <= 0.5 + ROUNDED);
    toy_free(t);
}

/* ROAD's imputation: a harmonic function of the place is what its neighbours' weighted mean is. */
static void imputing_a_plane(void **state) {
    (void)state;
    enum { H = 9, W = 8 };
    float a[H * W];
    double work[IMPUTE_WORK * H * W];
    unsigned char gone[H * W] = {0};
    limn_rng r = limn_rng_stream(1, LIMN_RNG_TEST, 0);
    for (size_t i = 0; i < H * W; i++) a[i] = 0.5F * (float)(i / W) - 0.25F * (float)(i % W);
    for (size_t i = 2; i < H - 2; i++)
        for (size_t j = 2; j < W - 3; j++) gone[i * W + j] = 1, a[i * W + j] = 99;
    measure_impute(a, 1, H, W, gone, 0, &r, work);
    for (size_t i = 0; i < H * W; i++)
        assert_true(fabs(a[i] - (0.5 * (double)(i / W) - 0.25 * (double)(i % W))) < 1e-4);
    double sum = 0, square = 0;
    memset(gone, 1, sizeof gone);
    gone[0] = 0;
    a[0] = 2;
    measure_impute(a, 1, H, W, gone, 0.5, &r, work); /* one value remains: it, and noise */
    for (size_t i = 1; i < H * W; i++) sum += a[i] - 2, square += (a[i] - 2) * (a[i] - 2);
    assert_true(fabs(sum / (H * W)) < 0.2 && fabs(sqrt(square / (H * W)) - 0.5) < 0.15);
}

static double agree(limn_agreement which, const float *a, const float *b, double top) {
    double value;
    assert_int_equal(limn_agree(which, a, b, 2, 2, top, &value), LIMN_OK);
    return value;
}

static void agreement_of_two_maps(void **state) {
    (void)state;
    const float a[] = {1, 2, 3, 4}, up[] = {10, 20, 30, 40}, down[] = {4, 3, 2, 1}, curved[] = {1, 4, 9, 16},
                flat[] = {1, 1, 1, 1};
    near("pearson", agree(LIMN_AGREE_PEARSON, a, up, 0), 1);
    near("pearson", agree(LIMN_AGREE_PEARSON, a, down, 0), -1);
    near("spearman", agree(LIMN_AGREE_SPEARMAN, a, curved, 0), 1);
    assert_true(agree(LIMN_AGREE_PEARSON, a, curved, 0) < 0.99);
    near("iou", agree(LIMN_AGREE_IOU, a, up, 0.5), 1);
    near("iou", agree(LIMN_AGREE_IOU, a, down, 0.5), 0);
    near("iou", agree(LIMN_AGREE_IOU, a, (const float[]){1, 4, 3, 2}, 0.5), 1. / 3);
    near("ssim", agree(LIMN_AGREE_SSIM, a, up, 0), 1);
    assert_true(agree(LIMN_AGREE_SSIM, a, down, 0) < 0);
    for (int k = 0; k < LIMN_AGREEMENTS; k++) assert_true(isnan(agree((limn_agreement)k, a, flat, 0.5)));
}

static void unknown_names(void **state) {
    (void)state;
    const limn_method *m;
    assert_int_equal(limn_measure_get(&m, "deleton"), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "unknown measure `deleton` (did you mean `deletion`?); there are `gini`"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_the_map_alone), cmocka_unit_test(curves),           cmocka_unit_test(of_random_changes),
        cmocka_unit_test(of_the_method),    cmocka_unit_test(imputing_a_plane), cmocka_unit_test(agreement_of_two_maps),
        cmocka_unit_test(unknown_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
