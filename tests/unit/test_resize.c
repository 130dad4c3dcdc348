/* Resizing of maps: cubic spline zoom against scipy's, bilinear against OpenCV's, and what must hold for any of them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/try.h"
#include "base/bilinear.h"
#include "cam/spline.h"
#include "tests/data/resize/resize.h"

/* Values are of order 1. Both sides compute in float64 and round once, so half an ulp each; OpenCV computes the
 * bilinear weights in float32: a few ulps. */
#define SPLINE_TOLERANCE 2e-7
#define OPENCV_TOLERANCE 1e-6

static float *zoomed(const float *in, size_t h, size_t w, size_t H, size_t W) {
    float *out;
    double *work;
    assert_int_equal(limn_new(&out, H * W, sizeof *out), LIMN_OK);
    assert_int_equal(limn_new(&work, limn_zoom_spline_work(h, w, H), sizeof *work), LIMN_OK);
    limn_zoom_spline(in, h, w, out, H, W, work);
    free(work);
    return out;
}

static void splines_are_scipys(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT_OF(resize_cases); k++) {
        size_t H = resize_cases[k].H, W = resize_cases[k].W;
        float *out = zoomed(resize_cases[k].in, resize_cases[k].h, resize_cases[k].w, H, W);
        for (size_t i = 0; i < H * W; i++) assert_true(fabs(out[i] - resize_cases[k].spline[i]) < SPLINE_TOLERANCE);
        free(out);
    }
}

static void bilinear_is_opencvs(void **state) {
    (void)state;
    float out[28 * 28];
    for (size_t k = 0; k < COUNT_OF(resize_cases); k++) {
        size_t H = resize_cases[k].H, W = resize_cases[k].W;
        limn_resize_bilinear(resize_cases[k].in, resize_cases[k].h, resize_cases[k].w, out, H, W);
        for (size_t i = 0; i < H * W; i++) assert_true(fabs(out[i] - resize_cases[k].bilinear[i]) < OPENCV_TOLERANCE);
    }
}

/* 2 samples to 4, worked out by hand: places -1/4 (clamped to 0), 1/4, 3/4, 5/4 (clamped to 1). */
static void bilinear_by_hand(void **state) {
    (void)state;
    const float in[] = {0, 4, 8, 20};
    const float want[] = {0, 1, 3, 4, 2, 3.5F, 6.5F, 8, 6, 8.5F, 13.5F, 16, 8, 11, 17, 20};
    float out[16];
    limn_resize_bilinear(in, 2, 2, out, 4, 4);
    for (int i = 0; i < 16; i++) assert_true(out[i] == want[i]);
}

/* From n to 2n - 1 places every second place is a sample: the spline goes through all of them. */
static void splines_go_through_the_samples(void **state) {
    (void)state;
    for (size_t n = 2; n < 40; n++) {
        float in[40 * 3];
        limn_rng r = limn_rng_stream(1, LIMN_RNG_TEST, n);
        for (size_t i = 0; i < 3 * n; i++) in[i] = (float)limn_rng_normal(&r);
        float *out = zoomed(in, n, 3, 2 * n - 1, 5);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < 3; j++)
                assert_true(fabs(out[2 * i * 5 + 2 * j] - in[i * 3 + j]) <
                            10 * SPLINE_TOLERANCE); /* |values| up to 4 */
        free(out);
    }
}

/* A constant stays one at all sizes, to its last row and column: places are never beyond the last sample. */
static void constants_stay(void **state) {
    (void)state;
    float in[30 * 2], flat[200];
    for (size_t i = 0; i < COUNT_OF(in); i++) in[i] = 0.75F;
    for (size_t n = 1; n <= 30; n++)
        for (size_t N = 1; N <= 100; N += 1 + N / 20) {
            float *out = zoomed(in, n, 2, N, 2);
            limn_resize_bilinear(in, n, 2, flat, N, 2);
            for (size_t i = 0; i < N * 2; i++) {
                assert_true(fabs(out[i] - 0.75F) < SPLINE_TOLERANCE);
                assert_true(flat[i] == 0.75F);
            }
            free(out);
        }
}

static void the_same_size_is_a_copy(void **state) {
    (void)state;
    float out[144];
    limn_resize_bilinear(in_1, 12, 12, out, 12, 12);
    float *spline = zoomed(in_1, 12, 12, 12, 12);
    for (int i = 0; i < 144; i++) assert_true(out[i] == in_1[i] && spline[i] == in_1[i]);
    free(spline);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splines_are_scipys), cmocka_unit_test(bilinear_is_opencvs),
        cmocka_unit_test(bilinear_by_hand),   cmocka_unit_test(splines_go_through_the_samples),
        cmocka_unit_test(constants_stay),     cmocka_unit_test(the_same_size_is_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
