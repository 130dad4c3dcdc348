/* Averages over noisy copies, around any method, on toys whose answers are known: a linear score, where noise changes
 * nothing, and a quadratic one, where every copy's map follows from the noise that its key gives. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attribution/attribute.h"
#include "base/rng.h"
#include "tests/lib/explain.h"
#include "tests/lib/toy.h"

/* float32 maps summed in float64: one rounding of the input, one of the map. */
#define ROUNDED 1e-6

enum { B = 2, N = 3, COPIES = 4 };
static const limn_shape input = {1, {N}};
static const float seed[] = {1, 1}, x[B * N] = {1, 2, 4, -1, 0, 3};

static float *maps(const limn_diff *d, const char *options, const float *at, const uint64_t *key, size_t n_seeds) {
    limn_shape s;
    static const float many[] = {1, 1, -2, -2}; /* the second target's score is -2 times the first's */
    assert_int_equal(d->forward(d->ctx, at), LIMN_OK);
    float *map = explain_job(
        "smoothgrad", NULL, options,
        &(limn_attribute_job){
            .diff = d, .x = at, .n_seeds = n_seeds, .seed = n_seeds == 2 ? many : seed, .random = 7, .key = key},
        &s);
    if (!map) fail_msg("%s", limn_message());
    return map;
}

static void noise_changes_no_linear_score(void **state) {
    (void)state;
    static const float w[N] = {1, -2, 0.5F};
    const toy_layer layer[] = {{.name = "out", .op = TOY_DENSE, .units = 1, .w = w}};
    toy *t = toy_new(B, &input, layer, 1);
    float *mean = maps(toy_diff(t), "", x, NULL, 1);
    float *square = maps(toy_diff(t), "noise=smoothgrad2", x, NULL, 1);
    float *variance = maps(toy_diff(t), "noise=vargrad", x, NULL, 1);
    for (size_t i = 0; i < B * N; i++) {
        assert_true(mean[i] == w[i % N]);
        assert_true(square[i] == w[i % N] * w[i % N]);
        assert_true(variance[i] == 0);
    }
    free(mean), free(square), free(variance);
    toy_free(t);
}

/* y = sum x^2: the map of copy k is 2 (x + sigma n_k). */
static toy *quadratic(void) {
    static const float ones[N] = {1, 1, 1};
    const toy_layer layer[] = {{.name = "square", .op = TOY_SQUARE},
                               {.name = "out", .op = TOY_DENSE, .units = 1, .w = ones}};
    return toy_new(B, &input, layer, 2);
}

static void copies_are_those_of_the_key(void **state) {
    (void)state;
    toy *t = quadratic();
    const uint64_t key[B] = {5, 2};
    float *mean = maps(toy_diff(t), "noise_samples=4 noise_sigma=1/4", x, key, 1);
    float *square = maps(toy_diff(t), "noise=smoothgrad2 noise_samples=4 noise_sigma=1/4", x, key, 1);
    float *variance = maps(toy_diff(t), "noise=vargrad noise_samples=4 noise_sigma=1/4", x, key, 1);
    float *absolute = maps(toy_diff(t), "noise_samples=4 noise_sigma=1/4 noise_scale=absolute", x, key, 1);
    for (size_t b = 0; b < B; b++) {
        const double range = b ? 4 : 3; /* 3 - -1, 4 - 1 */
        double sum[N] = {0}, power[N] = {0}, unit[N] = {0};
        for (uint64_t k = 0; k < COPIES; k++) {
            limn_rng r = limn_rng_stream(7, LIMN_RNG_NOISE, key[b] << 20 | k);
            for (size_t i = 0; i < N; i++) {
                double n = limn_rng_normal(&r), g = 2 * (x[b * N + i] + range / 4 * n);
                sum[i] += g / COPIES;
                power[i] += g * g / COPIES;
                unit[i] += 2 * (x[b * N + i] + n / 4) / COPIES;
            }
        }
        for (size_t i = 0; i < N; i++) {
            size_t at = b * N + i;
            assert_true(fabs(mean[at] - sum[i]) <= ROUNDED * fmax(1, fabs(sum[i])));
            assert_true(fabs(square[at] - power[i]) <= ROUNDED * fmax(1, power[i]));
            assert_true(fabs(variance[at] - (power[i] - sum[i] * sum[i])) <= ROUNDED * fmax(1, power[i]));
            assert_true(fabs(absolute[at] - unit[i]) <= ROUNDED * fmax(1, fabs(unit[i])));
        }
    }
    free(mean), free(square), free(variance), free(absolute);
    toy_free(t);
}

/* A sample's noise goes with its key, not with its row; all targets of a sample see the same copies. */
static void rows_and_targets(void **state) {
    (void)state;
    toy *t = quadratic();
    const float swapped[B * N] = {-1, 0, 3, 1, 2, 4};
    float *here = maps(toy_diff(t), "", x, (const uint64_t[]){5, 2}, 2);
    float *there = maps(toy_diff(t), "", swapped, (const uint64_t[]){2, 5}, 1);
    float *other = maps(toy_diff(t), "", x, (const uint64_t[]){5, 3}, 1);
    assert_memory_equal(here, there + N, N * sizeof *here);
    assert_memory_equal(here + N, there, N * sizeof *here);
    assert_memory_equal(here, other, N * sizeof *here);
    assert_memory_not_equal(here + N, other + N, N * sizeof *here);
    for (size_t i = 0; i < B * N; i++) assert_true(here[B * N + i] == -2 * here[i]);
    free(here), free(there), free(other);
    toy_free(t);
}

static void options_have_their_range(void **state) {
    (void)state;
    static const struct {
        const char *options, *message;
    } row[] = {
        {"noise_samples=0", "`0` is no value of `noise_samples`; it takes a whole number from 1 to 100000"},
        {"noise_samples=2.5", "`2.5` is no value of `noise_samples`; it takes a whole number from 1 to 100000"},
        {"noise_sigma=-1", "`-1` is no value of `noise_sigma`; it takes a number from 0 to 1e+12"},
        {"noise_sigma=nan", "`nan` is no value of `noise_sigma`; it takes a number from 0 to 1e+12"},
        {"noise_sigma=1/", "`1/` is no value of `noise_sigma`; it takes a number from 0 to 1e+12"},
        {"noise_sigma=1/0", "`1/0` is no value of `noise_sigma`; it takes a number from 0 to 1e+12"},
    };
    toy *t = quadratic();
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        const limn_method *m;
        limn_attribute_options o;
        char text[256];
        assert_int_equal(explain_options(toy_diff(t), "saliency", NULL, row[i].options, &m, &o, text), LIMN_EINPUT);
        assert_string_equal(limn_message(), row[i].message);
    }
    toy_free(t);
}

/* Without noise none of its options is stored: what was computed before they existed keeps its identity. */
static void json_holds_noise_where_there_is_some(void **state) {
    (void)state;
    static const struct {
        const char *options, *json;
    } row[] = {
        {"noise_sigma=3", "{\"backprop_modifier\":\"none\",\"channels\":\"reduce\",\"grad_modifier\":\"absolute\","
                          "\"output\":\"out\"}"},
        {"noise=vargrad noise_sigma=0.1",
         "{\"backprop_modifier\":\"none\",\"channels\":\"reduce\",\"grad_modifier\":\"absolute\",\"noise\":\"vargrad\","
         "\"noise_samples\":50,\"noise_scale\":\"range\",\"noise_sigma\":0.1,\"output\":\"out\"}"},
    };
    toy *t = quadratic();
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        const limn_method *m;
        limn_attribute_options o;
        char text[256], *json;
        assert_int_equal(explain_options(toy_diff(t), "saliency", NULL, row[i].options, &m, &o, text), LIMN_OK);
        assert_int_equal(limn_attribute_json(&json, m, &o), LIMN_OK);
        assert_string_equal(json, row[i].json);
        free(json);
    }
    toy_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_changes_no_linear_score),
        cmocka_unit_test(copies_are_those_of_the_key),
        cmocka_unit_test(rows_and_targets),
        cmocka_unit_test(options_have_their_range),
        cmocka_unit_test(json_holds_noise_where_there_is_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
