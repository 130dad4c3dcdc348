/* The CAM family on two toys. A layer of two channels, 2 x 2, whose activations and gradients are given: every map is
 * worked out by hand. A network of a 1 x 1 convolution, global average pooling and a dense layer: CAM is Grad-CAM times
 * the number of places there, Score-CAM follows from its definition, several layers fuse. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attribution/attribute.h"
#include "base/mem.h"
#include "tests/lib/explain.h"
#include "tests/lib/toy.h"

/* Sums of few dyadic numbers: float32 has them exactly but for an epsilon of 1e-6 below a line. */
#define BY_HAND 2e-6

static void assert_map(const char *what, const float *a, const double *want, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!(fabs(a[i] - want[i]) <= BY_HAND * fmax(1, fabs(want[i]))))
            fail_msg("%s: [%zu] is %.9g, not %.9g", what, i, (double)a[i], want[i]);
}

/* A_0 = 1 2 / 0 1, A_1 = 0 4 / 2 2; G_0 = 1 -1 / 2 0, G_1 = -1 .5 / 0 -.5; sums of A: 4, 8. */
static const float A[] = {1, 2, 0, 1, 0, 4, 2, 2}, G[] = {1, -1, 2, 0, -1, 0.5F, 0, -0.5F};

static void by_hand(void **state) {
    (void)state;
    const toy_record record[] = {{{"conv", LIMN_KIND_CONV, {3, {2, 2, 2}}, 0}, A, {G}},
                                 {{"out", LIMN_KIND_DENSE, {1, {1}}, 0}, NULL, {NULL}}};
    /* Grad-CAM++: channel 0: 1 (1 / (2 + 4)) + 2 (4 / (8 + 8 4)) = 11/30; channel 1: .5 (.25 / (.5 + .125 8)) = 1/12.
     * XGrad-CAM: (1 - 2 + 0 + 0) / 4 = -1/4; (0 + 2 + 0 - 1) / 8 = 1/8. */
    static const struct {
        const char *method, *options;
        double want[4];
    } row[] = {
        {"gradcam", "relu=false", {0.5, 1 - 1, 0 - 0.5, 0.5 - 0.5}}, /* means .5, -.25 */
        {"gradcam", "", {0.5, 0, 0, 0}},
        {"gradcam++", "", {11. / 30, 22. / 30 + 4. / 12, 2. / 12, 11. / 30 + 2. / 12}},
        {"xgradcam", "relu=false", {-0.25, -0.5 + 0.5, 0.25, 0}},
        {"hirescam", "relu=false", {1, -2 + 2, 0, -1}},
        {"hirescam", "", {1, 0, 0, 0}},
        {"gradcam-elementwise", "", {1, 2, 0, 0}},
        {"layercam", "", {1, 2, 0, 0}},
        /* less their means (1, 2) the columns of X are (0 1 -1 0) and (-2 2 0 0): X'X = (2 2; 2 8) */
        {"eigencam", "relu=false", {0, 0, 0, 0}},
    };
    toy_replay r;
    limn_shape s;
    const float seed[] = {1};
    toy_replay_init(&r, 1, &(limn_shape){3, {1, 2, 2}}, record, 2);
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        double want[4];
        float *map = explain(&r.diff, row[i].method, NULL, row[i].options, seed, &s);
        if (!map) fail_msg("%s: %s", row[i].method, limn_message());
        memcpy(want, row[i].want, sizeof want);
        if (strcmp(row[i].method, "eigencam") == 0) { /* v = (2, l - 2) / norm, l the larger eigenvalue of (2 2; 2 8) */
            double l = 5 + sqrt(13), a = 2, b = l - 2, norm = sqrt(a * a + b * b);
            const double x[4][2] = {{0, -2}, {1, 2}, {-1, 0}, {0, 0}};
            for (size_t p = 0; p < 4; p++) want[p] = (x[p][0] * a + x[p][1] * b) / norm;
        }
        assert_map(row[i].method, map, want, 4);
        free(map);
    }
    toy_replay_clear(&r);
}

/* x (1, 2, 2); conv 1 x 1: channels x and 2 - x, with a ReLU; mean; scores w. */
static const float conv_w[] = {1, -1}, conv_b[] = {0, 2}, out_w[] = {3, -1, 1, 1};
static const toy_layer pooled[] = {
    {.name = "first", .op = TOY_CONV, .units = 2, .k = 1, .w = conv_w, .b = conv_b, .relu = 1},
    {.name = "pool", .op = TOY_MEAN},
    {.name = "flat", .op = TOY_SAME, .flat = 1},
    {.name = "out", .op = TOY_DENSE, .units = 2, .w = out_w}};
static const float px[] = {1, 0, 0.5F, 2};

static float *map_of(const limn_diff *d, const char *method, const char *flavour, const char *options, size_t n_seeds) {
    limn_shape s;
    static const float seed[] = {1, 0, 0, 1};
    assert_int_equal(d->forward(d->ctx, px), LIMN_OK);
    float *map = explain_job(method, flavour, options,
                             &(limn_attribute_job){.diff = d, .x = px, .n_seeds = n_seeds, .seed = seed}, &s);
    if (!map) fail_msg("%s: %s", method, limn_message());
    assert_int_equal(limn_shape_size(&s), 4);
    return map;
}

static toy *pooled_toy(const limn_diff **d) {
    toy *t = toy_new(1, &(limn_shape){3, {1, 2, 2}}, pooled, 4);
    *d = toy_diff(t);
    return t;
}

/* The kinds that a toy's operations have are those of the engine's layers. */
static void classic_cam_is_gradcam_times_the_places(void **state) {
    (void)state;
    const limn_diff *d;
    toy *t = pooled_toy(&d);
    float *cam = map_of(d, "cam", NULL, "", 1), *grad = map_of(d, "gradcam", NULL, "relu=false", 1);
    double want[4];
    for (size_t i = 0; i < 4; i++) want[i] = 3 * px[i] - fmax(2 - px[i], 0); /* w_0 A_0 + w_1 A_1 */
    assert_map("cam", cam, want, 4);
    for (size_t i = 0; i < 4; i++) want[i] = 4.0 * grad[i];
    assert_map("cam", cam, want, 4);
    free(cam), free(grad);
    toy_free(t);
}

static void scores_of_masked_inputs(void **state) {
    (void)state;
    const limn_diff *d;
    toy *t = pooled_toy(&d);
    float *map = map_of(d, "scorecam", NULL, "relu=false", 2);
    double s[2][2], w[2][2], want[8];
    for (size_t c = 0; c < 2; c++) { /* the layer has the input's size: its channels are the masks */
        double a = 0, b = 0;
        for (size_t i = 0; i < 4; i++) {
            double A_c = c == 0 ? px[i] : 2 - px[i], x = px[i] * A_c / 2; /* both range from 0 to 2 */
            a += x / 4, b += (2 - x) / 4;
        }
        s[0][c] = 3 * a - b, s[1][c] = a + b;
    }
    for (size_t k = 0; k < 2; k++) {
        double total = exp(s[k][0]) + exp(s[k][1]);
        for (size_t c = 0; c < 2; c++) w[k][c] = exp(s[k][c]) / total;
        for (size_t i = 0; i < 4; i++) want[k * 4 + i] = w[k][0] * px[i] + w[k][1] * (2 - px[i]);
    }
    assert_map("scorecam", map, want, 8);
    free(map);
    toy_free(t);
}

static void several_layers_fuse(void **state) {
    (void)state;
    static const float second_w[] = {1, 1}, last_w[] = {1, -1};
    static const toy_layer deep[] = {
        {.name = "first", .op = TOY_CONV, .units = 2, .k = 1, .w = conv_w, .b = conv_b, .relu = 1},
        {.name = "second", .op = TOY_CONV, .units = 1, .k = 1, .w = second_w, .relu = 1},
        {.name = "pool", .op = TOY_MEAN},
        {.name = "flat", .op = TOY_SAME, .flat = 1},
        {.name = "out", .op = TOY_DENSE, .units = 2, .w = last_w}};
    toy *t = toy_new(1, &(limn_shape){3, {1, 2, 2}}, deep, 5);
    const limn_diff *d = toy_diff(t);
    float *one = map_of(d, "gradcam", NULL, "layer=first", 1), *two = map_of(d, "gradcam", NULL, "layer=second", 1);
    float *both = map_of(d, "gradcam", NULL, "layer=first\nsecond", 1);
    double want[4], most[2] = {0, 0};
    for (size_t i = 0; i < 4; i++) most[0] = fmax(most[0], one[i]), most[1] = fmax(most[1], two[i]);
    for (size_t i = 0; i < 4; i++) want[i] = (one[i] / most[0] + two[i] / most[1]) / 2;
    assert_map("two layers", both, want, 4);
    free(one), free(two), free(both);
    toy_free(t);
}

/* Guided Grad-CAM is a product of two maps that exist. */
static void guided_times_gradcam(void **state) {
    (void)state;
    const limn_diff *d;
    toy *t = pooled_toy(&d);
    float *both = map_of(d, "guided-gradcam", NULL, "", 1), *cam = map_of(d, "gradcam", NULL, "", 1),
          *guided = map_of(d, "guided", NULL, "", 1);
    double want[4];
    for (size_t i = 0; i < 4; i++) want[i] = (double)cam[i] * guided[i];
    assert_map("guided-gradcam", both, want, 4);
    free(both), free(cam), free(guided);
    toy_free(t);
}

/* Where it is not defined CAM says so: here the pooling takes the maximum. */
static void classic_cam_refuses_other_networks(void **state) {
    (void)state;
    static const toy_layer maximum[] = {
        {.name = "first", .op = TOY_CONV, .units = 2, .k = 1, .w = conv_w, .b = conv_b, .relu = 1},
        {.name = "max", .op = TOY_MAX, .k = 2},
        {.name = "flat", .op = TOY_SAME, .flat = 1},
        {.name = "out", .op = TOY_DENSE, .units = 2, .w = out_w}};
    toy *t = toy_new(1, &(limn_shape){3, {1, 2, 2}}, maximum, 4);
    const limn_diff *d = toy_diff(t);
    limn_shape s;
    const float seed[] = {1, 0};
    assert_int_equal(d->forward(d->ctx, px), LIMN_OK);
    assert_null(explain(d, "cam", NULL, "", seed, &s));
    assert_string_equal(limn_message(),
                        "method `cam` of flavour `limn` finds no global pooling between a layer of rows "
                        "and columns and the dense layer before `out` to look at; name one with `layer`");
    assert_null(explain(d, "cam", NULL, "layer=first", seed, &s));
    assert_non_null(strstr(limn_message(), "its gradient differs from place to place"));
    toy_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(classic_cam_is_gradcam_times_the_places),
        cmocka_unit_test(scores_of_masked_inputs),
        cmocka_unit_test(several_layers_fuse),
        cmocka_unit_test(guided_times_gradcam),
        cmocka_unit_test(classic_cam_refuses_other_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
