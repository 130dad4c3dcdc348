/* Methods that change the input and look at the score, on toys: an additive score, whose parts every one of them must
 * find, and an AND of two pixels, whose Shapley values are a half each. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attribution/attribute.h"
#include "perturb/perturb.h"
#include "tests/lib/explain.h"
#include "tests/lib/toy.h"

/* Few float32 terms, a fit in float64. */
#define ROUNDED 2e-6

enum { H = 4, W = 6, N = H * W };
static const limn_shape input = {3, {1, H, W}};

typedef struct {
    float x[N], w[N];
    toy *t;
    const limn_diff *d;
} additive;

/* S = w . x, and for the second target 1 - 2 w . x. */
static void open_additive(additive *a) {
    static float weights[2 * N];
    static const float bias[] = {0, 1};
    static toy_layer layer[1];
    for (size_t i = 0; i < N; i++) {
        a->x[i] = (float)((i * 7) % 5) - 1;
        a->w[i] = weights[i] = (float)((i * 11) % 7) / 4 - 0.5F;
        weights[N + i] = -2 * weights[i];
    }
    layer[0] = (toy_layer){.name = "out", .op = TOY_DENSE, .units = 2, .w = weights, .b = bias};
    a->t = toy_new(1, &input, layer, 1);
    a->d = toy_diff(a->t);
}

static float *map_of(const limn_diff *d, const float *x, const char *method, const char *options) {
    limn_shape s;
    static const float seed[] = {1, 0, 0, 1};
    assert_int_equal(d->forward(d->ctx, x), LIMN_OK);
    float *map = explain_job(method, NULL, options,
                             &(limn_attribute_job){.diff = d, .x = x, .n_seeds = 2, .seed = seed, .random = 3}, &s);
    if (!map) fail_msg("%s: %s", method, limn_message());
    return map;
}

static void near(const char *what, const float *a, const double *want, size_t n, double tolerance) {
    for (size_t i = 0; i < n; i++)
        if (!(fabs(a[i] - want[i]) <= tolerance * fmax(1, fabs(want[i]))))
            fail_msg("%s: [%zu] is %.9g, not %.9g", what, i, (double)a[i], want[i]);
}

/* want (2, N): the mean over the windows at (0, s, 2s …) that cover a pixel of the sums of w (x - base) in them. */
static void occluded(const additive *a, size_t window, size_t stride, double base, double *want) {
    double sum[N] = {0}, count[N] = {0};
    for (size_t i = 0; i == 0 || i + window < H + stride; i += stride)
        for (size_t j = 0; j == 0 || j + window < W + stride; j += stride) {
            double lost = 0;
            for (size_t k = 0; k < N; k++)
                if (k / W >= i && k / W < i + window && k % W >= j && k % W < j + window)
                    lost += a->w[k] * (a->x[k] - base);
            for (size_t k = 0; k < N; k++)
                if (k / W >= i && k / W < i + window && k % W >= j && k % W < j + window) sum[k] += lost, count[k]++;
        }
    for (size_t k = 0; k < N; k++) want[k] = count[k] > 0 ? sum[k] / count[k] : 0, want[N + k] = -2 * want[k];
}

static void windows_of_an_additive_score(void **state) {
    (void)state;
    additive a;
    double want[2 * N];
    open_additive(&a);
    static const struct {
        const char *method, *options;
        size_t window, stride;
        double base;
    } row[] = {{"occlusion", "window=1 stride=1", 1, 1, 0},
               {"occlusion", "window=3 stride=2", 3, 2, 0},
               {"occlusion", "window=2 stride=3", 2, 3, 0}, /* not every pixel is covered */
               {"occlusion", "window=3", 3, 2, 0},
               {"occlusion", "window=9", 9, 5, 0},
               {"feature-ablation", "window=2", 2, 2, 0},
               {"feature-ablation", "window=4 baseline_value=1.5", 4, 4, 1.5},
               {"feature-ablation", "", 1, 1, 0}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        float *map = map_of(a.d, a.x, row[i].method, row[i].options);
        occluded(&a, row[i].window, row[i].stride, row[i].base, want);
        near(row[i].options, map, want, 2 * N, ROUNDED);
        free(map);
    }
    toy_free(a.t);
}

/* KernelSHAP of an additive score: each segment's own part, exactly, from few samples and from all coalitions. */
static void shapley_values_of_an_additive_score(void **state) {
    (void)state;
    additive a;
    double want[2 * N];
    open_additive(&a);
    static const char *const options[] = {"cells=2 samples=14", "cells=2 samples=100", "cells=3 samples=60"};
    for (size_t o = 0; o < 3; o++) {
        int segment[N];
        size_t cells = o == 2 ? 3 : 2;
        double part[9] = {0};
        segments_grid(&input, cells, segment);
        for (size_t i = 0; i < N; i++) part[segment[i]] += a.w[i] * a.x[i];
        for (size_t i = 0; i < N; i++) want[i] = part[segment[i]], want[N + i] = -2 * want[i];
        float *map = map_of(a.d, a.x, "kernelshap", options[o]);
        near(options[o], map, want, 2 * N, ROUNDED);
        free(map);
    }
    toy_free(a.t);
}

/* S = max(x_0 + x_1 - 1, 0) of 2 x 2 ones: each of the two gets a half, the others nothing; by the definition, averaged
 * over all orders. */
static void shapley_values_of_an_and(void **state) {
    (void)state;
    static const float both[] = {1, 1, 0, 0, 1, 0, 0, 0}, bias[] = {-1, 0}, top[] = {1, 0, 1, 1}, x[] = {1, 1, 1, 1};
    static const toy_layer layer[] = {{.name = "and", .op = TOY_DENSE, .units = 2, .w = both, .b = bias, .relu = 1},
                                      {.name = "out", .op = TOY_DENSE, .units = 2, .w = top}};
    toy *t = toy_new(1, &(limn_shape){3, {1, 2, 2}}, layer, 2);
    const double want[] = {0.5, 0.5, 0, 0, /* the second target: the AND and x_0 beside it */ 1.5, 0.5, 0, 0};
    float *map = map_of(toy_diff(t), x, "kernelshap", "cells=2");
    near("kernelshap", map, want, 8, ROUNDED);
    free(map);
    map = map_of(toy_diff(t), x, "kernelshap", "cells=2 segments=superpixels");
    double sum = 0;
    for (size_t i = 0; i < 4; i++) sum += map[i];
    assert_true(isfinite(sum));
    free(map);
    toy_free(t);
}

/* LIME of an additive score: ridge with penalty 1 shrinks what 4,000 neighbours say by less than a hundredth. */
static void lime_of_an_additive_score(void **state) {
    (void)state;
    additive a;
    double want[2 * N], part[4] = {0}, largest = 0;
    int segment[N];
    open_additive(&a);
    segments_grid(&input, 2, segment);
    for (size_t i = 0; i < N; i++) part[segment[i]] += a.w[i] * a.x[i];
    for (size_t i = 0; i < N; i++) want[i] = part[segment[i]], want[N + i] = -2 * want[i];
    for (size_t i = 0; i < 2 * N; i++) largest = fmax(largest, fabs(want[i]));
    float *map = map_of(a.d, a.x, "lime", "cells=2 samples=4000 score=logit");
    for (size_t i = 0; i < 2 * N; i++) assert_true(fabs(map[i] - want[i]) < 0.01 * largest);
    free(map);
    toy_free(a.t);
}

/* A score of one pixel: masks that leave it are those with the high scores, so the map is largest there. Where every cell
 * is kept all masks are one, and the map is the score everywhere. */
static void rise_finds_the_pixel(void **state) {
    (void)state;
    enum { SIDE = 16, PIXEL = 5 * SIDE + 10 };
    static float one[2 * SIDE * SIDE], x[SIDE * SIDE];
    toy_layer layer[] = {{.name = "out", .op = TOY_DENSE, .units = 2, .w = one}};
    one[PIXEL] = 1;
    one[SIDE * SIDE + PIXEL] = -1;
    for (size_t i = 0; i < SIDE * SIDE; i++) x[i] = 1;
    toy *t = toy_new(1, &(limn_shape){3, {1, SIDE, SIDE}}, layer, 1);
    float *map = map_of(toy_diff(t), x, "rise", "samples=2000 score=logit cells=4");
    size_t top = 0, bottom = 0;
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        if (map[i] > map[top]) top = i;
        if (map[SIDE * SIDE + i] < map[SIDE * SIDE + bottom]) bottom = i;
    }
    long away = labs((long)(top / SIDE) - PIXEL / SIDE) + labs((long)(top % SIDE) - PIXEL % SIDE);
    assert_true(away <= 1);
    assert_int_equal(bottom, top);
    free(map);
    map = map_of(toy_diff(t), x, "rise", "samples=3 keep=1 score=logit");
    for (size_t i = 0; i < SIDE * SIDE; i++) assert_true(fabs(map[i] - 1.0) < ROUNDED);
    free(map);
    map = map_of(toy_diff(t), x, "rise", "samples=3 keep=1"); /* e / (e + 1/e) */
    for (size_t i = 0; i < SIDE * SIDE; i++) assert_true(fabs(map[i] - 1 / (1 + exp(-2))) < ROUNDED);
    free(map);
    toy_free(t);
}

/* A picture of two tones, parted where no cell of the grid ends: no superpixel holds both. */
static void superpixels_follow_edges(void **state) {
    (void)state;
    enum { SIDE = 24, CELLS = 3, EDGE = 10 };
    static float x[3 * SIDE * SIDE];
    static int segment[SIDE * SIDE], tone[CELLS * CELLS];
    double work[7 * CELLS * CELLS];
    for (size_t i = 0; i < 3 * SIDE * SIDE; i++) x[i] = i % SIDE < EDGE ? 0.2F : 0.9F;
    memset(tone, -1, sizeof tone);
    segments_superpixels(x, &(limn_shape){3, {3, SIDE, SIDE}}, CELLS, segment, work);
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        int here = i % SIDE < EDGE;
        assert_in_range(segment[i], 0, CELLS * CELLS - 1);
        if (tone[segment[i]] < 0) tone[segment[i]] = here;
        assert_int_equal(tone[segment[i]], here);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_of_an_additive_score), cmocka_unit_test(shapley_values_of_an_additive_score),
        cmocka_unit_test(shapley_values_of_an_and),     cmocka_unit_test(lime_of_an_additive_score),
        cmocka_unit_test(rise_finds_the_pixel),         cmocka_unit_test(superpixels_follow_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
