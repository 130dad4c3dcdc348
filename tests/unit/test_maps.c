/* Attribution maps on toys with exact answers: linear, quadratic, two ReLU neurons, small convolutional nets.
 *
 * The small toys are worked out by hand. On the convolutional net every method and option is held against the
 * definition of docs/attribution.md, written out again in float64 over the toy's activations and gradients, which in
 * turn are held against finite differences. */
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
#include "base/mem.h"
#include "base/rng.h"
#include "base/try.h"
#include "base/bilinear.h"
#include "cam/spline.h"
#include "tests/lib/explain.h"
#include "tests/lib/toy.h"

/* Hand-made answers are sums of few dyadic numbers: float32 has them exactly; a division by (1 + 1e-7) is one ulp. */
#define EXACT 2e-7
/* Relative to the largest |value| of a map: float32 sums of up to 20 terms against float64. */
#define ROUNDED 2e-6

static void assert_floats(const float *a, const float *want, size_t n, double tolerance) {
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)a[i] - want[i]) <= tolerance * fmax(1, fabs(want[i]))))
            fail_msg("[%zu] is %.9g, not %.9g", i, (double)a[i], (double)want[i]);
}

/* ---- gradient family, by hand --------------------------------------------------------------------------- */

/* f_k = w_k . x on (3 channels, 1 x 2): the map is the weights', whatever x. */
static void linear(void **state) {
    (void)state;
    static const float w[] = {1, -2, -4, 0.5F, 2,  1, /* class 0: channels (1, -2), (-4, .5), (2, 1) */
                              0, 1,  3,  -1,   -1, 2};
    const toy_layer one[] = {{.name = "out", .op = TOY_DENSE, .units = 2, .w = w}};
    toy *t = toy_new(2, &(limn_shape){3, {3, 1, 2}}, one, 1);
    const limn_diff *d = toy_diff(t);
    const float x[12] = {5, -3, 1, 0, 0, 2}, first[] = {1, 0, 0, 1}, contrast[] = {1, -1, -1, 1};
    static const struct {
        const char *method, *flavour, *options;
        int contrast;
        float want[4]; /* two rows of two places */
    } row[] = {
        {"saliency", NULL, "", 0, {4, 2, 3, 2}}, /* the largest |w| over channels */
        {"saliency", NULL, "grad_modifier=none", 0, {-1, -0.5F, 2, 2}},
        {"saliency", NULL, "grad_modifier=negate", 0, {1, 0.5F, -2, -2}},
        {"saliency", NULL, "grad_modifier=relu", 0, {2, 1, 3, 2}},
        {"saliency", NULL, "", 1, {7, 3, 7, 3}}, /* w_0 - w_1 = 1 -3, -7 1.5, 3 -1 */
        {"saliency", NULL, "backprop_modifier=guided", 0, {4, 2, 3, 2}},
        {"guided", NULL, "", 0, {-1, -0.5F, 2, 2}}, /* no ReLU: the gradient, summed */
        {"guided", NULL, "grad_modifier=absolute", 0, {4, 2, 3, 2}},
        {"guided", NULL, "", 1, {-3, -2.5F, 3, 2.5F}},
        {"saliency", "keras-vis", "", 0, {1, 0, 1, 0}},
        {"saliency", "keras-vis", "grad_modifier=none", 0, {1, 0, 1, 0}},   /* maxima 2, 1 and 3, 2 */
        {"saliency", "keras-vis", "grad_modifier=negate", 0, {1, 0, 0, 0}}, /* maxima of -w: 4, 2 and 1, 1 */
        {"guided", "keras-vis", "", 0, {1, 0, 1, 0}},
    };
    assert_int_equal(d->forward(d->ctx, x), LIMN_OK);
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        limn_shape s;
        float *map = explain(d, row[i].method, row[i].flavour, row[i].options, row[i].contrast ? contrast : first, &s);
        assert_non_null(map);
        assert_floats(map, row[i].want, 4, EXACT);
        free(map);
    }
    limn_shape s;
    float *map = explain(d, "saliency", NULL, "channels=keep grad_modifier=none", first, &s);
    assert_floats(map, w, 12, 0); /* row 0 explains class 0, row 1 class 1 */
    free(map);
    map = explain(d, "saliency", NULL, "channels=keep grad_modifier=small_values", first, &s);
    for (int i = 0; i < 12; i++) assert_true(map[i] == fabsf(1.0F / (w[i] + 1e-7F)));
    free(map);
    map = explain(d, "saliency", NULL, "grad_modifier=invert", first, &s);
    assert_true(map[0] == 1.0F / (1.0F + 1e-7F) + 1.0F / (-4.0F + 1e-7F) + 1.0F / (2.0F + 1e-7F)); /* signed: summed */
    free(map);
    toy_free(t);
}

/* f = sum a_i x_i^2 on (1, 2, 2): the gradient is 2 a x. */
static void quadratic(void **state) {
    (void)state;
    static const float a[] = {1, -1, 0.5F, 2};
    const toy_layer two[] = {{.name = "square", .op = TOY_SQUARE, .flat = 1},
                             {.name = "out", .op = TOY_DENSE, .units = 1, .w = a}};
    toy *t = toy_new(1, &(limn_shape){3, {1, 2, 2}}, two, 2);
    const limn_diff *d = toy_diff(t);
    const float x[] = {3, 1, -4, 0}, seed[] = {1};
    static const struct {
        const char *method, *flavour, *options;
        float want[4];
    } row[] = {
        {"saliency", NULL, "", {6, 2, 4, 0}},
        {"saliency", NULL, "grad_modifier=none", {6, -2, -4, 0}},
        {"saliency", NULL, "grad_modifier=relu", {6, 0, 0, 0}},
        {"saliency", "keras-vis", "", {1, 2 / 6.0F, 4 / 6.0F, 0}},
        {"saliency", "keras-vis", "grad_modifier=none", {1, 0.2F, 0, 0.4F}},
        {"saliency", "keras-vis", "grad_modifier=relu", {1, 0, 0, 0}},
        {"saliency", "keras-vis", "grad_modifier=negate", {0, 0.8F, 1, 0.6F}},
        {"guided", NULL, "", {6, -2, -4, 0}},
        {"guided", "keras-vis", "", {1, 2 / 6.0F, 4 / 6.0F, 0}},
    };
    assert_int_equal(d->forward(d->ctx, x), LIMN_OK);
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        limn_shape s;
        float *map = explain(d, row[i].method, row[i].flavour, row[i].options, seed, &s);
        assert_non_null(map);
        assert_floats(map, row[i].want, 4, EXACT);
        free(map);
    }
    toy_free(t);
}

/* h = ReLU(x1 - 2 x2, 3 x1 + x2 - 1), f = 2 h1 - h2: the rules part where g < 0 (row 0) and where h = 0 (row 1).
 * Row 0, x = (4, 1): h = (2, 12); g at h (2, -1). Row 1, x = (1, 2): h = (0, 4); g at h (2, -1). */
static void two_neurons(void **state) {
    (void)state;
    static const float w[] = {1, -2, 3, 1}, b[] = {0, -1}, v[] = {2, -1};
    const toy_layer two[] = {{.name = "hidden", .op = TOY_DENSE, .units = 2, .w = w, .b = b, .relu = 1},
                             {.name = "out", .op = TOY_DENSE, .units = 1, .w = v}};
    toy *t = toy_new(2, &(limn_shape){1, {2}}, two, 2);
    const limn_diff *d = toy_diff(t);
    const float x[] = {4, 1, 1, 2}, seed[] = {1, 1}, hidden[] = {1, 0, 0, 1};
    static const struct {
        const char *method, *flavour, *options;
        float want[4];
    } row[] = {
        {"saliency", NULL, "grad_modifier=none", {-1, -5, -3, -1}},
        {"saliency", NULL, "", {1, 5, 3, 1}},
        {"guided", NULL, "", {2, -4, 0, 0}},
        {"guided", NULL, "grad_modifier=absolute", {2, 4, 0, 0}},
        {"saliency", NULL, "backprop_modifier=guided", {2, 4, 0, 0}},
        {"saliency", NULL, "backprop_modifier=relu grad_modifier=none", {2, -4, 2, -4}},
        {"saliency", "keras-vis", "", {0, 1, 1, 0}},
        {"saliency", "keras-vis", "backprop_modifier=guided", {0, 1, 0, 0}}, /* a map of zeros stays zeros */
        {"guided", "keras-vis", "", {0, 1, 0, 0}},
        {"guided", "keras-vis", "grad_modifier=relu", {1, 0, 0, 0}},
        {"saliency", "keras-vis", "backprop_modifier=relu", {0, 1, 0, 1}},
    };
    assert_int_equal(d->forward(d->ctx, x), LIMN_OK);
    limn_shape s;
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        float *map = explain(d, row[i].method, row[i].flavour, row[i].options, seed, &s);
        assert_non_null(map);
        assert_true(s.dim[0] == 1 && s.dim[1] == 1 && s.dim[2] == 2);
        assert_floats(map, row[i].want, 4, EXACT);
        free(map);
    }
    /* a unit of a hidden layer, after its ReLU */
    const float want[] = {1, -2, 3, 1};
    float *map = explain(d, "saliency", NULL, "grad_modifier=none output=hidden", hidden, &s);
    assert_floats(map, want, 4, EXACT);
    free(map);
    toy_free(t);
}

/* ---- CAM, by hand --------------------------------------------------------------------------------------- */

/* (1, 2, 3) - conv 1x1 to two channels x and -x, ReLU - dense. With x = (3 -1 2; -2 1 -3):
 * A_0 = (3 0 2; 0 1 0), A_1 = (0 1 0; 2 0 3); the gradients there are the dense weights. */
static void cam_by_hand(void **state) {
    (void)state;
    static const float c[] = {1, -1},
                       v[] = {1, 2, 3, 0, 0, 0, /**/ -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, -6, /**/ 4, 0, 0, 0, 0, -1};
    const toy_layer three[] = {{.name = "conv", .op = TOY_CONV, .units = 2, .k = 1, .w = c, .relu = 1},
                               {.name = "flatten", .op = TOY_SAME, .flat = 1},
                               {.name = "out", .op = TOY_DENSE, .units = 2, .w = v}};
    toy *t = toy_new(2, &(limn_shape){3, {1, 2, 3}}, three, 3);
    const limn_diff *d = toy_diff(t);
    const float x[] = {3, -1, 2, -2, 1, -3, 3, -1, 2, -2, 1, -3}, seed[] = {1, 0, 0, 1};
    assert_int_equal(d->forward(d->ctx, x), LIMN_OK);
    limn_shape s;
    /* row 0: w = (1, -1): A_0 - A_1 = (3 -1 2; -2 1 -3). Row 1: w = (-1, 1/2): (-3 .5 -2; 1 -1 1.5). */
    const float raw[] = {3, 0, 2, 0, 1, 0, 0, 0.5F, 0, 1, 0, 1.5F};
    float *map = explain(d, "gradcam", NULL, "", seed, &s);
    assert_floats(map, raw, 12, EXACT);
    free(map);
    /* keras-vis: G / max G scales row 0 by 1/3 and row 1 by 1/4; then to [0, 1], which takes both out again */
    const float scaled[] = {1, 0, 2 / 3.0F, 0, 1 / 3.0F, 0, 0, 1 / 3.0F, 0, 2 / 3.0F, 0, 1};
    map = explain(d, "gradcam", "keras-vis", "", seed, &s);
    assert_floats(map, scaled, 12, 5e-7); /* 1e-7 beside a largest value of 3/8 */
    free(map);
    /* only where the gradient is positive: w = (1, 0) and (0, 2/3) */
    const float positive[] = {1, 0, 2 / 3.0F, 0, 1 / 3.0F, 0, 0, 1 / 3.0F, 0, 2 / 3.0F, 0, 1};
    map = explain(d, "gradcam", "keras-vis", "grad_modifier=relu", seed, &s);
    assert_floats(map, positive, 12, 5e-7);
    free(map);
    /* negated gradients: row 0: w = (-1, 1) / max 1; row 1: (1, -1/2) / max 6 */
    const float negated[] = {0, 1 / 3.0F, 0, 2 / 3.0F, 0, 1, 1, 0, 2 / 3.0F, 0, 1 / 3.0F, 0};
    map = explain(d, "gradcam", "keras-vis", "grad_modifier=negate", seed, &s);
    assert_floats(map, negated, 12, 5e-7);
    free(map);
    toy_free(t);
}

/* Every gradient negative: keras-vis divides by the negative maximum, so the sign flips; ours says that nothing speaks
 * for the class. */
static void all_gradients_negative(void **state) {
    (void)state;
    static const float c[] = {1}, v[] = {-1, -2, -3, -2};
    const toy_layer three[] = {{.name = "conv", .op = TOY_CONV, .units = 1, .k = 1, .w = c},
                               {.name = "flatten", .op = TOY_SAME, .flat = 1},
                               {.name = "out", .op = TOY_DENSE, .units = 1, .w = v}};
    toy *t = toy_new(1, &(limn_shape){3, {1, 1, 4}}, three, 3);
    const limn_diff *d = toy_diff(t);
    const float x[] = {1, 2, 4, 3}, seed[] = {1}, flipped[] = {0, 1 / 3.0F, 1, 2 / 3.0F};
    limn_shape s;
    assert_int_equal(d->forward(d->ctx, x), LIMN_OK);
    float *map = explain(d, "gradcam", NULL, "", seed, &s);
    assert_int_equal(limn_attribute_zeros(map, 1, 4), 1);
    free(map);
    map = explain(d, "gradcam", "keras-vis", "", seed, &s);
    assert_floats(map, flipped, 4, 5e-7);
    free(map);
    toy_free(t);
}

/* ---- every method and option on a convolutional net ----------------------------------------------------- */

enum { B = 2, C = 3, H = 7, W = 6, PIXELS = H * W, CLASSES = 3 };

typedef struct {
    toy *t;
    const limn_diff *d;
    float weight[2048], x[B * C * PIXELS], seed[B * CLASSES];
} net;

static void net_open(net *n, size_t channels) {
    limn_rng r = limn_rng_stream(7, LIMN_RNG_TEST, channels);
    for (size_t i = 0; i < COUNT_OF(n->weight); i++) n->weight[i] = (float)limn_rng_normal(&r) * 0.5F;
    for (size_t i = 0; i < COUNT_OF(n->x); i++) n->x[i] = (float)limn_rng_uniform(&r);
    const float *w = n->weight;
    const toy_layer layer[] = {
        {.name = "conv1", .op = TOY_CONV, .units = 4, .k = 2, .w = w, .b = w + 2000, .relu = 1},      /* (4, 6, 5) */
        {.name = "conv2", .op = TOY_CONV, .units = 5, .k = 2, .w = w + 48, .b = w + 2010, .relu = 1}, /* (5, 5, 4) */
        {.name = "pool", .op = TOY_MAX, .k = 2},                                                      /* (5, 2, 2) */
        {.name = "flatten", .op = TOY_SAME, .flat = 1},                                               /* (20) */
        {.name = "dense1", .op = TOY_DENSE, .units = 6, .w = w + 200, .b = w + 2020, .relu = 1},      /* (6) */
        {.name = "dense2", .op = TOY_DENSE, .units = CLASSES, .w = w + 400, .b = w + 2030},           /* (3) */
    };
    n->t = toy_new(B, &(limn_shape){3, {channels, H, W}}, layer, (int)COUNT_OF(layer));
    n->d = toy_diff(n->t);
    explain_seed(n->seed, B, CLASSES, (const int[]){2, 0});
    assert_int_equal(n->d->forward(n->d->ctx, n->x), LIMN_OK);
}

/* The definition of each modifier, again. */
static double modified(const char *name, double g) {
    if (strcmp(name, "absolute") == 0) return fabs(g);
    if (strcmp(name, "negate") == 0) return -g;
    if (strcmp(name, "relu") == 0) return g > 0 ? g : 0;
    if (strcmp(name, "invert") == 0) return (double)(1 / ((float)g + 1e-7F));
    if (strcmp(name, "small_values") == 0) return fabs((double)(1 / ((float)g + 1e-7F)));
    return g;
}

static const char *const modifiers[] = {"none", "absolute", "negate", "relu", "invert", "small_values"};
static const char *const rules[] = {
    [LIMN_RULE_GRADIENT] = "none", [LIMN_RULE_GUIDED] = "guided", [LIMN_RULE_DECONVNET] = "relu"};

static void scale_to_one(double *a, size_t n) {
    double low = a[0], high = a[0];
    for (size_t i = 1; i < n; i++) low = fmin(low, a[i]), high = fmax(high, a[i]);
    for (size_t i = 0; i < n; i++) a[i] = (a[i] - low) / (high - low + 1e-7);
}

static void assert_map(const float *map, const double *want, size_t n) {
    double high = 0;
    for (size_t i = 0; i < n; i++) high = fmax(high, fabs(want[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs(map[i] - want[i]) <= ROUNDED * high))
            fail_msg("[%zu] is %.9g, not %.9g", i, (double)map[i], want[i]);
}

/* The toy's gradient at the input, by central differences of the score. ReLU and max are linear around x but for a kink
 * within h, of which these seeded numbers have none. */
static void toys_differentiate(void **state) {
    (void)state;
    net n;
    const double h = 1.0 / 1024; /* differences of float32 scores of order 1: 1e-7 / 1e-3 */
    net_open(&n, C);
    float g[B * C * PIXELS], score[2][B * CLASSES];
    assert_int_equal(n.d->vjp(n.d->ctx, 5, n.seed, LIMN_RULE_GRADIENT, LIMN_INPUT, g), LIMN_OK);
    for (size_t i = 0; i < C * PIXELS; i++) {
        float x[COUNT_OF(n.x)];
        for (int side = 0; side < 2; side++) {
            memcpy(x, n.x, sizeof x);
            for (size_t b = 0; b < B; b++) x[b * C * PIXELS + i] += (float)(side ? h : -h);
            assert_int_equal(n.d->forward(n.d->ctx, x), LIMN_OK);
            assert_int_equal(n.d->value(n.d->ctx, 5, score[side]), LIMN_OK);
        }
        for (size_t b = 0; b < B; b++) {
            size_t k = b == 0 ? 2 : CLASSES;
            assert_true(fabs(((double)score[1][k] - score[0][k]) / (2 * h) - g[b * C * PIXELS + i]) < 1e-3);
        }
    }
    toy_free(n.t);
}

/* One combination of the gradient family against its definition. */
static void check_gradient(net *n, size_t channels, const char *method, const char *flavour, int rule,
                           const char *modifier, int keep) {
    char options[256];
    limn_shape s;
    int guided = strcmp(method, "guided") == 0, keras_vis = strcmp(flavour, "keras-vis") == 0;
    snprintf(options, sizeof options, "grad_modifier=%s channels=%s%s%s", modifier, keep ? "keep" : "reduce",
             guided ? "" : " backprop_modifier=", guided ? "" : rules[rule]);
    float *map = explain(n->d, method, flavour, options, n->seed, &s);
    assert_non_null(map);
    assert_int_equal(s.dim[0], keep ? channels : 1);
    float g[B * C * PIXELS];
    assert_int_equal(n->d->vjp(n->d->ctx, 5, n->seed, (limn_rule)rule, LIMN_INPUT, g), LIMN_OK);
    int can_be_negative =
        strcmp(modifier, "none") == 0 || strcmp(modifier, "negate") == 0 || strcmp(modifier, "invert") == 0;
    for (size_t b = 0; b < B; b++) {
        double want[C * PIXELS];
        size_t size = (keep ? channels : 1) * PIXELS;
        for (size_t i = 0; i < channels * PIXELS; i++) {
            double v = modified(modifier, g[b * channels * PIXELS + i]), *p = &want[keep ? i : i % PIXELS];
            if (keep || i < PIXELS)
                *p = v;
            else
                *p = can_be_negative && !keras_vis ? *p + v : fmax(*p, v);
        }
        if (keras_vis) scale_to_one(want, size);
        assert_map(map + b * size, want, size);
    }
    free(map);
}

static void gradient_methods_are_their_definitions(void **state) {
    (void)state;
    for (size_t channels = 1; channels <= C; channels += 2) {
        net n;
        net_open(&n, channels);
        for (size_t m = 0; m < COUNT_OF(modifiers); m++)
            for (int keep = 0; keep < 2; keep++)
                for (int f = 0; f < 2; f++) {
                    const char *flavour = f ? "keras-vis" : "limn";
                    for (int rule = 0; rule < LIMN_RULES; rule++)
                        check_gradient(&n, channels, "saliency", flavour, rule, modifiers[m], keep);
                    check_gradient(&n, channels, "guided", flavour, LIMN_RULE_GUIDED, modifiers[m], keep);
                }
        toy_free(n.t);
    }
}

/* One combination of Grad-CAM against its definition; layer -1: the flavour's own choice. */
static void check_cam(net *n, const char *flavour, int layer, int rule, const char *modifier, int layer_size) {
    static const char *const names[] = {"conv1", "conv2", "pool"};
    int keras_vis = strcmp(flavour, "keras-vis") == 0, at = layer >= 0 ? layer : keras_vis ? 2 : 1;
    char options[256];
    limn_shape s;
    snprintf(options, sizeof options, "layer=%s size=%s backprop_modifier=%s grad_modifier=%s",
             layer >= 0 ? names[layer] : "auto", layer_size ? "layer" : "input", rules[rule], modifier);
    float *map = explain(n->d, "gradcam", flavour, options, n->seed, &s);
    assert_non_null(map);
    const limn_shape *l = &n->d->layer[at].out;
    size_t c = l->dim[0], h = l->dim[1], w = l->dim[2], size = layer_size ? h * w : PIXELS;
    assert_int_equal(limn_shape_size(&s), size);
    float A[B * 128], G[B * 128], low[32], zoomed[PIXELS];
    double heat[32], want[PIXELS], work[128];
    assert_true(c * h * w <= 128 && limn_zoom_spline_work(h, w, H) <= 128);
    assert_int_equal(n->d->value(n->d->ctx, at, A), LIMN_OK);
    assert_int_equal(n->d->vjp(n->d->ctx, 5, n->seed, (limn_rule)rule, at, G), LIMN_OK);
    for (size_t b = 0; b < B; b++) {
        const float *a = A + b * c * h * w, *g = G + b * c * h * w;
        double largest = -INFINITY;
        for (size_t i = 0; i < c * h * w; i++) largest = fmax(largest, modified(modifier, g[i]));
        for (size_t i = 0; i < h * w; i++) {
            heat[i] = 0;
            for (size_t k = 0; k < c; k++) {
                double mean = 0;
                for (size_t j = 0; j < h * w; j++) mean += modified(modifier, g[k * h * w + j]) / (double)(h * w);
                heat[i] += mean / (keras_vis ? largest + 1e-7 : 1) * a[k * h * w + i];
            }
            low[i] = (float)fmax(heat[i], 0);
            want[i] = fmax(heat[i], 0);
        }
        if (!layer_size) {
            if (keras_vis)
                limn_zoom_spline(low, h, w, zoomed, H, W, work);
            else
                limn_resize_bilinear(low, h, w, zoomed, H, W);
            for (size_t i = 0; i < PIXELS; i++) want[i] = zoomed[i];
        }
        if (keras_vis) scale_to_one(want, size);
        assert_map(map + b * size, want, size);
    }
    free(map);
}

static void cams_are_their_definitions(void **state) {
    (void)state;
    for (size_t channels = 1; channels <= C; channels += 2) {
        net n;
        net_open(&n, channels);
        for (int layer = -1; layer < 3; layer++)
            for (int layer_size = 0; layer_size < 2; layer_size++) {
                check_cam(&n, "limn", layer, LIMN_RULE_GRADIENT, "none", layer_size);
                for (size_t m = 0; m < 4; m++) /* invert and small_values: where gradients are 0, all else vanishes */
                    for (int rule = 0; rule < LIMN_RULES; rule++)
                        check_cam(&n, "keras-vis", layer, rule, modifiers[m], layer_size);
            }
        toy_free(n.t);
    }
}

/* Whether the method is defined on this network. */
static int applies(const limn_diff *d, const limn_method *m) {
    const limn_method *found;
    limn_attribute_options o;
    char text[256];
    return explain_options(d, m->name, m->flavour, "", &found, &o, text) == LIMN_OK;
}

/* A row's map is its own: other rows of the chunk, and the methods run before, change nothing. */
static void rows_stand_alone(void **state) {
    (void)state;
    static const float blank[C * PIXELS];
    net n;
    net_open(&n, C);
    for (const limn_method *m = limn_methods_table; m->name; m++) {
        limn_shape s;
        if (!applies(n.d, m)) continue;
        const limn_attribute_job job = {.diff = n.d, .x = n.x, .seed = n.seed, .background = blank, .n_background = 1};
        assert_int_equal(n.d->forward(n.d->ctx, n.x), LIMN_OK);
        float *before = explain_job(m->name, m->flavour, "", &job, &s);
        size_t size = limn_shape_size(&s);
        for (size_t i = 0; i < C * PIXELS; i++) n.x[C * PIXELS + i] = 1 - n.x[C * PIXELS + i];
        assert_int_equal(n.d->forward(n.d->ctx, n.x), LIMN_OK);
        float *after = explain_job(m->name, m->flavour, "", &job, &s);
        assert_memory_equal(before, after, size * sizeof *after);
        assert_memory_not_equal(before + size, after + size, size * sizeof *after);
        free(before);
        free(after);
    }
    toy_free(n.t);
}

/* What the diff refuses, a method hands on. */
static void failures_are_handed_on(void **state) {
    (void)state;
    const toy_record record[] = {{{"conv", LIMN_KIND_CONV, {3, {1, 2, 2}}, 0}, NULL, {NULL}},
                                 {{"flatten", LIMN_KIND_OTHER, {1, {4}}, 0}, NULL, {NULL}},
                                 {{"out", LIMN_KIND_DENSE, {1, {1}}, 0}, NULL, {NULL}}};
    toy_replay r;
    limn_shape s;
    const float seed[] = {1}, x[4] = {0};
    toy_replay_init(&r, 1, &(limn_shape){3, {1, 2, 2}}, record, 3);
    for (const limn_method *m = limn_methods_table; m->name; m++) {
        if (!applies(&r.diff, m)) continue;
        const limn_attribute_job job = {.diff = &r.diff, .x = x, .seed = seed};
        assert_null(explain_job(m->name, m->flavour, "", &job, &s));
        assert_string_equal(limn_message(), "the replay does not hold this array");
    }
    toy_replay_clear(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear),
        cmocka_unit_test(quadratic),
        cmocka_unit_test(two_neurons),
        cmocka_unit_test(cam_by_hand),
        cmocka_unit_test(all_gradients_negative),
        cmocka_unit_test(toys_differentiate),
        cmocka_unit_test(gradient_methods_are_their_definitions),
        cmocka_unit_test(cams_are_their_definitions),
        cmocka_unit_test(rows_stand_alone),
        cmocka_unit_test(failures_are_handed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
