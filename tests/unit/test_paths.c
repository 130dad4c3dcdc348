/* Gradients along a path, on toys: a linear score, where every path gives w (x - x0), a quadratic one, where integrated
 * gradients give x^2 - x0^2, and two ReLU neurons, whose kink the path crosses. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attribution/attribute.h"
#include "attribution/blur.h"
#include "tests/lib/explain.h"
#include "tests/lib/toy.h"

/* float32 points and gradients, float64 sums. */
#define ROUNDED 2e-6

enum { B = 2, N = 4 };
static const limn_shape input = {3, {1, 2, 2}};
static const float x[B * N] = {1, 2, 4, -1, 0, 3, -2, 0.5F}, w[N] = {1, -2, 0.5F, 3};
static const toy_layer linear[] = {{.name = "out", .op = TOY_DENSE, .units = 1, .w = w}};
static const float ones[N] = {1, 1, 1, 1};
static const toy_layer quadratic[] = {{.name = "square", .op = TOY_SQUARE},
                                      {.name = "out", .op = TOY_DENSE, .units = 1, .w = ones}};

static float *map_of(const limn_diff *d, const char *method, const char *flavour, const char *options,
                     const float *background, float *residual) {
    limn_shape s;
    static const float seed[] = {1, 1};
    assert_int_equal(d->forward(d->ctx, x), LIMN_OK);
    float *map = explain_job(
        method, flavour, options,
        &(limn_attribute_job){
            .diff = d, .x = x, .seed = seed, .residual = residual, .background = background, .n_background = 1},
        &s);
    if (!map) fail_msg("%s: %s", method, limn_message());
    return map;
}

static void near(const char *what, const float *a, const double *want) {
    for (size_t i = 0; i < B * N; i++)
        if (!(fabs(a[i] - want[i]) <= ROUNDED * fmax(1, fabs(want[i]))))
            fail_msg("%s: [%zu] is %.9g, not %.9g", what, i, (double)a[i], want[i]);
}

static void a_linear_score(void **state) {
    (void)state;
    toy *t = toy_new(B, &input, linear, 1);
    const float base[N] = {1, 1, -1, 2};
    static const char *const rule[] = {"gauss-legendre", "riemann-left", "riemann-right",
                                       "riemann-middle", "trapezoid",    "mean"};
    double want[B * N];
    char options[128];
    for (size_t i = 0; i < B * N; i++) want[i] = w[i % N] * x[i];
    float *map = map_of(toy_diff(t), "input-x-gradient", NULL, "", NULL, NULL);
    near("input-x-gradient", map, want);
    free(map);
    for (size_t i = 0; i < B * N; i++) want[i] = w[i % N] * (x[i] - 0.5);
    for (size_t r = 0; r < sizeof rule / sizeof rule[0]; r++) {
        float gap[B];
        snprintf(options, sizeof options, "rule=%s steps=7 baseline_value=1/2", rule[r]);
        map = map_of(toy_diff(t), "integrated-gradients", NULL, options, NULL, gap);
        near(rule[r], map, want);
        assert_true(gap[0] < ROUNDED && gap[1] < ROUNDED);
        free(map);
    }
    for (size_t i = 0; i < B * N; i++) want[i] = w[i % N] * (x[i] - base[i % N]);
    map = map_of(toy_diff(t), "expected-gradients", NULL, "steps=9", base, NULL);
    near("expected-gradients", map, want);
    free(map);
    for (size_t b = 0; b < B; b++) {
        float z[N], work[N];
        limn_blur(x + b * N, &input, 1.5, z, work);
        for (size_t i = 0; i < N; i++) want[b * N + i] = w[i] * (x[b * N + i] - z[i]);
    }
    map = map_of(toy_diff(t), "blur-ig", NULL, "blur_sigma=1.5 steps=5", NULL, NULL);
    near("blur-ig", map, want);
    free(map);
    map = map_of(toy_diff(t), "integrated-gradients", NULL, "baseline=blur blur_sigma=1.5", NULL, NULL);
    near("blurred baseline", map, want);
    free(map);
    toy_free(t);
}

static void a_quadratic_score(void **state) {
    (void)state;
    toy *t = toy_new(B, &input, quadratic, 2);
    double want[B * N];
    for (size_t i = 0; i < B * N; i++) want[i] = x[i] * x[i] - 0.25;
    /* exact for a gradient that is linear: two points of Gauss-Legendre, the middle point, the trapezoid */
    static const char *const exact[] = {"steps=2", "rule=riemann-middle steps=3", "rule=trapezoid steps=2", "steps=50"};
    for (size_t i = 0; i < 4; i++) {
        char options[96];
        snprintf(options, sizeof options, "baseline_value=.5 %s", exact[i]);
        float *map = map_of(toy_diff(t), "integrated-gradients", NULL, options, NULL, NULL);
        near(exact[i], map, want);
        free(map);
    }
    /* the right ends of K intervals: (x - x0) mean of 2 x_k = (x - x0) (2 x0 + (x - x0) (K + 1) / K) */
    float gap[B], *map = map_of(toy_diff(t), "integrated-gradients", "zennit", "", NULL, gap);
    for (size_t i = 0; i < B * N; i++) want[i] = x[i] * x[i] * 21 / 20;
    near("zennit", map, want);
    assert_true(fabs(gap[0] - 0.05) < ROUNDED && fabs(gap[1] - 0.05) < ROUNDED);
    free(map);
    map = map_of(toy_diff(t), "integrated-gradients", "innvestigate", "", NULL, NULL);
    for (size_t i = 0; i < B * N; i++) want[i] = x[i] * x[i];
    near("innvestigate", map, want);
    free(map);
    map = map_of(toy_diff(t), "input-x-gradient", NULL, "", NULL, NULL);
    for (size_t i = 0; i < B * N; i++) want[i] = 2 * x[i] * x[i];
    near("input-x-gradient", map, want);
    free(map);
    toy_free(t);
}

/* max(x_0 - 1, 0): the way from 0 to 4 meets the neuron at a quarter; the gradient is 0 before and 1 after. */
static void a_kink(void **state) {
    (void)state;
    static const float pick[N] = {0, 0, 1, 0}, minus[] = {-1}, one[] = {1};
    static const toy_layer neuron[] = {{.name = "n", .op = TOY_DENSE, .units = 1, .w = pick, .b = minus, .relu = 1},
                                       {.name = "out", .op = TOY_DENSE, .units = 1, .w = one}};
    toy *t = toy_new(B, &input, neuron, 2);
    float gap[B], *map = map_of(toy_diff(t), "integrated-gradients", NULL, "rule=riemann-middle steps=8", NULL, gap);
    assert_true(map[2] == 3 && map[0] == 0); /* 6 of 8 points lie behind it */
    assert_true(gap[0] < ROUNDED);
    free(map);
    map = map_of(toy_diff(t), "input-x-gradient", NULL, "", NULL, NULL);
    assert_true(map[2] == 4);
    free(map);
    toy_free(t);
}

/* scipy.ndimage.gaussian_filter([[0, 0, 8], [0, 0, 0]], 1, mode="reflect", truncate=4) */
static void blur_is_scipys(void **state) {
    (void)state;
    const float in[6] = {0, 0, 8, 0, 0, 0};
    const double want[6] = {0.3253312165, 1.5293129059, 3.3102713807, 0.1785782338, 0.8394583237, 1.8170479394};
    float out[6], work[6];
    limn_blur(in, &(limn_shape){3, {1, 2, 3}}, 1, out, work);
    for (size_t i = 0; i < 6; i++) assert_true(fabs(out[i] - want[i]) < ROUNDED);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_linear_score), cmocka_unit_test(a_quadratic_score),
                                       cmocka_unit_test(a_kink), cmocka_unit_test(blur_is_scipys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
