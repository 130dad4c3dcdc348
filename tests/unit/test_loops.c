/* The ops that are own loops on either backend:
 *   - gradients at every operand against differences of the values along a random direction
 *   - in blocked layouts the same as in plain ones
 *   - small tensors without a batch axis, worked out by hand */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "tests/lib/nets.h"

/* Central differences of float32 values with h = 2^-7: 2^-24 / h = 8e-6 by rounding, h^2 / 6 = 1e-5 by third derivatives
 * (some here are near 10), of the sum of the |terms|. A wrong sign or element is of the order of 1. */
static const double DIFFERENCE_TOLERANCE = 5e-4;
static const float STEP = 0x1p-7f;
/* The same loops over two layouts, behind a convolution: rounding. */
static const double LAYOUT_TOLERANCE = 1e-5;

enum { OPERANDS = 3 };
typedef struct {
    const char *name;
    limn_op op;
    limn_op_attr a;
    int n_in;
    limn_shape in[OPERANDS];
    int still[OPERANDS]; /* a constant */
    float at;            /* operands lie in at + [-spread, spread) */
    float spread;
} loop_case;

#define AT(x, spread_) .at = x, .spread = spread_
#define ONE(...) .n_in = 1, .in = {__VA_ARGS__}
#define TWO(...) .n_in = 2, .in = {__VA_ARGS__}
#define UNARY(name_, f_, at_, spread_, ...)                                                                            \
    { name_, LIMN_OP_UNARY, {.f = f_, .p = {__VA_ARGS__}}, ONE(PICTURE(5, 3, 2)), AT(at_, spread_) }
#define BINARY(name_, f_, at_, spread_, ...)                                                                           \
    { name_, LIMN_OP_BINARY, {.f = f_}, TWO(__VA_ARGS__), AT(at_, spread_) }
#define REDUCE(name_, f_, axes_, keep_, at_, spread_)                                                                  \
    { name_, LIMN_OP_REDUCE, {.f = f_, .axes = axes_, .keep = keep_}, ONE(PICTURE(3, 4, 5)), AT(at_, spread_) }
#define RESIZE(name_, to_, mode_, coordinates_, antialias_)                                                            \
    {                                                                                                                  \
        name_, LIMN_OP_RESIZE,                                                                                         \
            {.shape = to_, .mode = mode_, .coordinates = coordinates_, .antialias = antialias_, .p = {-0.75f}},        \
            ONE(PICTURE(17, 3, 4)), AT(0, 1)                                                                           \
    }

static const loop_case cases[] = {
    UNARY("leaky", LIMN_F_LEAKY, 0.5f, 0.4f, 0.1f),
    UNARY("leaky, negative", LIMN_F_LEAKY, -0.5f, 0.4f, 0.1f),
    UNARY("rect", LIMN_F_RECT, 1, 2, 0.25f, 100, -50),
    UNARY("elu", LIMN_F_ELU, -0.6f, 0.5f, 1.5f),
    UNARY("selu", LIMN_F_SELU, -0.6f, 0.5f, 1.67f, 1.05f),
    UNARY("celu", LIMN_F_CELU, -0.6f, 0.5f, 0.7f),
    UNARY("thresholded", LIMN_F_THRESHOLDED, 2, 0.5f, 1),
    UNARY("shrink", LIMN_F_SHRINK, 2, 0.5f, 0.5f, 0.25f),
    UNARY("clip", LIMN_F_CLIP, 3, 2, 0, 6),
    UNARY("sigmoid", LIMN_F_SIGMOID, 0, 3),
    UNARY("hard sigmoid", LIMN_F_HARD_SIGMOID, 0, 2, 0.2f, 0.5f),
    UNARY("log sigmoid", LIMN_F_LOG_SIGMOID, 0, 3),
    UNARY("tanh", LIMN_F_TANH, 0, 2),
    UNARY("tanh shrink", LIMN_F_TANH_SHRINK, 0, 2),
    UNARY("gelu", LIMN_F_GELU, 0, 3),
    UNARY("gelu by tanh", LIMN_F_GELU_TANH, 0, 3),
    UNARY("silu", LIMN_F_SILU, 0, 3, 1),
    UNARY("swish", LIMN_F_SILU, 0, 3, 1.7f),
    UNARY("mish", LIMN_F_MISH, 0, 3),
    UNARY("hard swish", LIMN_F_HARD_SWISH, 0, 2.5f),
    UNARY("softplus", LIMN_F_SOFTPLUS, 0, 3),
    UNARY("softsign", LIMN_F_SOFTSIGN, 1, 0.9f),
    UNARY("exp", LIMN_F_EXP, 0, 1),
    UNARY("log", LIMN_F_LOG, 2, 1),
    UNARY("sqrt", LIMN_F_SQRT, 2, 1),
    UNARY("rsqrt", LIMN_F_RSQRT, 2, 1),
    UNARY("abs", LIMN_F_ABS, -2, 1),
    UNARY("neg", LIMN_F_NEG, 0, 1),
    UNARY("reciprocal", LIMN_F_RECIPROCAL, 2, 1),
    UNARY("square", LIMN_F_SQUARE, 0, 1),
    UNARY("erf", LIMN_F_ERF, 0, 1),
    UNARY("sign", LIMN_F_SIGN, 2, 1),
    UNARY("sin", LIMN_F_SIN, 0, 1),
    UNARY("cos", LIMN_F_COS, 0, 1),
    UNARY("tan", LIMN_F_TAN, 0, 0.7f),
    UNARY("asin", LIMN_F_ASIN, 0, 0.7f),
    UNARY("acos", LIMN_F_ACOS, 0, 0.7f),
    UNARY("atan", LIMN_F_ATAN, 0, 1),
    UNARY("sinh", LIMN_F_SINH, 0, 1),
    UNARY("cosh", LIMN_F_COSH, 0, 1),
    UNARY("asinh", LIMN_F_ASINH, 0, 1),
    UNARY("acosh", LIMN_F_ACOSH, 3, 1),
    UNARY("atanh", LIMN_F_ATANH, 0, 0.6f),
    UNARY("affine", LIMN_F_AFFINE, 0, 1, 0.3f, -2),
    BINARY("add", LIMN_F_ADD, 0, 1, PICTURE(17, 3, 2), PICTURE(17, 3, 2)),
    BINARY("add a row", LIMN_F_ADD, 0, 1, PICTURE(3, 3, 2), PICTURE(1, 1, 2)),
    BINARY("sub, channels", LIMN_F_SUB, 0, 1, PICTURE(3, 3, 2), PICTURE(3, 1, 1)),
    BINARY("mul", LIMN_F_MUL, 0, 1, PICTURE(17, 3, 2), PICTURE(17, 3, 2)),
    BINARY("mul, channels first", LIMN_F_MUL, 0, 1, PICTURE(3, 1, 1), PICTURE(3, 3, 2)),
    BINARY("mul, both broadcast", LIMN_F_MUL, 0, 1, PICTURE(3, 1, 2), PICTURE(1, 4, 1)),
    BINARY("div", LIMN_F_DIV, 2, 1, PICTURE(3, 3, 2), PICTURE(1, 3, 2)),
    BINARY("pow", LIMN_F_POW, 2, 1, PICTURE(3, 3, 2), PICTURE(3, 3, 2)),
    BINARY("prelu", LIMN_F_PRELU, 2, 1, PICTURE(3, 3, 2), PICTURE(3, 1, 1)),
    BINARY("prelu, negative", LIMN_F_PRELU, -2, 1, PICTURE(3, 3, 2), PICTURE(3, 1, 1)),
    BINARY("max", LIMN_F_MAX, 0, 40, PICTURE(3, 3, 2), PICTURE(1, 1, 1)),
    BINARY("min", LIMN_F_MIN, 0, 40, PICTURE(3, 3, 2), PICTURE(1, 1, 1)),
    BINARY("equal", LIMN_F_EQUAL, 0, 1, PICTURE(3, 3, 2), PICTURE(3, 3, 2)),
    {"mul by a constant",
     LIMN_OP_BINARY,
     {.f = LIMN_F_MUL},
     TWO(PICTURE(3, 3, 2), PICTURE(3, 1, 1)),
     .still = {0, 1},
     AT(0, 1)},
    {"constant less it", LIMN_OP_BINARY, {.f = LIMN_F_SUB}, TWO({0, {0}}, PICTURE(3, 3, 2)), .still = {1, 0}, AT(0, 1)},
    {"where",
     LIMN_OP_WHERE,
     {.f = 0},
     .n_in = 3,
     .in = {PICTURE(3, 3, 2), PICTURE(3, 3, 2), {1, {2}}},
     .still = {1, 0, 1},
     AT(0, 1)},
    {"scale", LIMN_OP_SCALE, {.axis = 0}, ONE(PICTURE(17, 3, 5)), AT(0, 1)},
    {"scale columns", LIMN_OP_SCALE, {.axis = 2}, ONE(PICTURE(3, 4, 5)), AT(0, 1)},
    {"concat channels",
     LIMN_OP_CONCAT,
     {.axis = 0},
     .n_in = 3,
     .in = {PICTURE(3, 2, 4), PICTURE(17, 2, 4), PICTURE(1, 2, 4)},
     AT(0, 1)},
    {"concat columns", LIMN_OP_CONCAT, {.axis = 2}, TWO(PICTURE(3, 2, 4), PICTURE(3, 2, 1)), AT(0, 1)},
    {"concat a constant", LIMN_OP_CONCAT, {.axis = 1}, TWO({2, {3, 1}}, {2, {3, 4}}), .still = {1, 0}, AT(0, 1)},
    {"slice",
     LIMN_OP_SLICE,
     {.shape = PICTURE(2, 3, 2), .start = {1, 0, 4}, .step = {1, 2, -2}},
     ONE(PICTURE(4, 5, 5)),
     AT(0, 1)},
    {"crop",
     LIMN_OP_SLICE,
     {.shape = PICTURE(17, 3, 2), .start = {0, 1, 2}, .step = {1, 1, 1}},
     ONE(PICTURE(17, 5, 5)),
     AT(0, 1)},
    {"pad", LIMN_OP_PAD, {.before = {0, 2, 1}, .after = {0, 0, 1}}, ONE(PICTURE(17, 3, 4)), AT(0, 1)},
    {"pad all by 2.5",
     LIMN_OP_PAD,
     {.before = {1, 2, 1}, .after = {1, 0, 1}, .p = {2.5f}},
     ONE(PICTURE(3, 3, 4)),
     AT(0, 1)},
    {"pad, reflected",
     LIMN_OP_PAD,
     {.before = {0, 2, 1}, .after = {0, 1, 3}, .mode = LIMN_PAD_REFLECT},
     ONE(PICTURE(17, 3, 4)),
     AT(0, 1)},
    {"pad, edge",
     LIMN_OP_PAD,
     {.before = {1, 2, 1}, .after = {0, 1, 3}, .mode = LIMN_PAD_EDGE},
     ONE(PICTURE(3, 3, 4)),
     AT(0, 1)},
    {"pad, wrapped",
     LIMN_OP_PAD,
     {.before = {0, 2, 1}, .after = {0, 1, 3}, .mode = LIMN_PAD_WRAP},
     ONE(PICTURE(3, 3, 4)),
     AT(0, 1)},
    {"transpose", LIMN_OP_TRANSPOSE, {.perm = {1, 2, 0}}, ONE(PICTURE(17, 3, 4)), AT(0, 1)},
    {"expand", LIMN_OP_EXPAND, {.shape = PICTURE(3, 4, 5)}, ONE({2, {4, 1}}), AT(0, 1)},
    {"reshape", LIMN_OP_RESHAPE, {.shape = {2, {12, 17}}}, ONE(PICTURE(17, 3, 4)), AT(0, 1)},
    REDUCE("sum", LIMN_F_SUM, 2, 0, 0, 1),
    REDUCE("mean of pixels", LIMN_F_MEAN, 6, 1, 0, 1),
    REDUCE("mean of channels", LIMN_F_MEAN, 1, 0, 0, 1),
    REDUCE("largest", LIMN_F_MAXIMUM, 6, 0, 0, 8),
    REDUCE("smallest", LIMN_F_MINIMUM, 5, 0, 0, 8),
    REDUCE("product", LIMN_F_PROD, 2, 0, 1, 0.5f),
    REDUCE("l1", LIMN_F_L1, 7, 0, 2, 1),
    REDUCE("l2", LIMN_F_L2, 6, 0, 0, 1),
    REDUCE("sum of squares", LIMN_F_SUM_SQUARE, 6, 0, 0, 1),
    REDUCE("log sum", LIMN_F_LOG_SUM, 6, 1, 2, 1),
    REDUCE("log sum exp", LIMN_F_LOG_SUM_EXP, 6, 0, 0, 1),
    {"matmul", LIMN_OP_MATMUL, {.f = 0}, TWO({2, {3, 19}}, {2, {19, 5}}), AT(0, 1)},
    {"matmul, heads", LIMN_OP_MATMUL, {.f = 0}, TWO(PICTURE(3, 2, 4), PICTURE(3, 4, 17)), AT(0, 1)},
    {"matmul, broadcast", LIMN_OP_MATMUL, {.f = 0}, TWO(PICTURE(3, 2, 4), PICTURE(1, 4, 5)), AT(0, 1)},
    {"matmul by a constant", LIMN_OP_MATMUL, {.f = 0}, TWO(PICTURE(3, 2, 4), {2, {4, 5}}), .still = {0, 1}, AT(0, 1)},
    {"constant matmul", LIMN_OP_MATMUL, {.f = 0}, TWO({2, {4, 3}}, {2, {3, 5}}), .still = {1, 0}, AT(0, 1)},
    RESIZE("nearest, up", PICTURE(17, 6, 8), LIMN_RESIZE_NEAREST, LIMN_AT_ASYMMETRIC, 0),
    RESIZE("nearest, down", PICTURE(17, 2, 3), LIMN_RESIZE_NEAREST, LIMN_AT_HALF_PIXEL, 0),
    RESIZE("linear, up", PICTURE(17, 7, 8), LIMN_RESIZE_LINEAR, LIMN_AT_HALF_PIXEL, 0),
    RESIZE("linear, corners", PICTURE(17, 5, 9), LIMN_RESIZE_LINEAR, LIMN_AT_ALIGN_CORNERS, 0),
    RESIZE("linear, antialiased", PICTURE(17, 2, 2), LIMN_RESIZE_LINEAR, LIMN_AT_HALF_PIXEL, 1),
    RESIZE("cubic", PICTURE(17, 5, 9), LIMN_RESIZE_CUBIC, LIMN_AT_HALF_PIXEL, 0),
    RESIZE("cubic, antialiased", PICTURE(17, 2, 3), LIMN_RESIZE_CUBIC, LIMN_AT_HALF_PIXEL, 1),
    {"layer norm", LIMN_OP_NORM, {.axes = 4, .p = {1e-3f}}, ONE(PICTURE(3, 4, 7)), AT(1, 1)},
    {"instance norm", LIMN_OP_NORM, {.axes = 6, .p = {1e-3f}}, ONE(PICTURE(3, 4, 7)), AT(1, 1)},
    {"lrn", LIMN_OP_LRN, {.axis = 0, .units = 4, .p = {0.4f, 0.75f, 1}}, ONE(PICTURE(7, 2, 3)), AT(1, 1)},
    {"lrn, odd window", LIMN_OP_LRN, {.axis = 1, .units = 3, .p = {0.4f, 0.75f, 1}}, ONE(PICTURE(2, 8, 3)), AT(1, 1)},
    {"lrn, of each alone", LIMN_OP_LRN, {.axis = 0, .units = 1, .p = {0.4f, 0.5f, 1}}, ONE(PICTURE(3, 2, 2)), AT(1, 1)},
    {"lrn, wider than it has channels",
     LIMN_OP_LRN,
     {.axis = 0, .units = 65536, .p = {9e3f, 0.75f, 1}},
     ONE(PICTURE(5, 2, 2)),
     AT(1, 1)},
    {"softmax of columns", LIMN_OP_SOFTMAX, {.axis = 2}, ONE(PICTURE(3, 4, 5)), AT(0, 2)},
    {"log softmax", LIMN_OP_LOG_SOFTMAX, {.axis = 0}, ONE({1, {9}}), AT(0, 2)},
    {"concat few channels", LIMN_OP_CONCAT, {.axis = 0}, TWO(PICTURE(3, 4, 4), PICTURE(5, 4, 4)), AT(0, 1)},
};

/* An input vector, of which each operand that moves is a slice under its own shape, a layer of its own ("operand 0" …);
 * then the op. blocked: pictures go through a 1x1 convolution first. */
static limn_graph *graph_of(const loop_case *c, int blocked) {
    size_t whole = 0;
    int in[OPERANDS];
    for (int j = 0; j < c->n_in; j++) whole += c->still[j] ? 0 : limn_shape_size(&c->in[j]);
    limn_graph *g = nets_begin((limn_shape){1, {whole}});
    long at = 0;
    for (int j = 0; j < c->n_in; j++) {
        char name[32];
        long size = (long)limn_shape_size(&c->in[j]);
        snprintf(name, sizeof name, "operand %d", j);
        if (c->still[j]) {
            in[j] = nets_add_n(g, name, LIMN_OP_CONST, 0, NULL, (limn_op_attr){.shape = c->in[j]});
            continue;
        }
        nets_add_at(g, name, LIMN_OP_SLICE, 0,
                    (limn_op_attr){.shape = {1, {(size_t)size}}, .start = {at}, .step = {1}});
        in[j] = nets_add(g, NULL, LIMN_OP_RESHAPE, (limn_op_attr){.shape = c->in[j]});
        limn_op_attr conv = CONV((int)c->in[j].dim[0], 1, WINDOW(1, 1, 1, 1, 1, 1));
        if (blocked && c->in[j].rank == 3) in[j] = nets_add(g, NULL, LIMN_OP_CONV2D, conv);
        at += size;
    }
    nets_add_n(g, "op", c->op, c->n_in, in, c->a);
    return g;
}

/* <seed, values of the op> at x + side h d. */
static double along(const nets_engine *e, const float *x, const float *d, float h, const float *seed, double *scale) {
    int op = e->d->n_layers - 1;
    size_t nx = e->d->B * limn_shape_size(&e->d->input), ny = e->d->B * limn_shape_size(&e->d->layer[op].out);
    float *moved = nets_floats(nx);
    double sum = 0;
    for (size_t i = 0; i < nx; i++) moved[i] = x[i] + h * d[i];
    nets_forward(e->d, moved);
    float *y = nets_value(e->d, op);
    *scale = 0;
    for (size_t i = 0; i < ny; i++) {
        assert_true(isfinite(y[i]));
        sum += (double)seed[i] * y[i];
        *scale += fabs((double)seed[i] * y[i]);
    }
    free(y);
    free(moved);
    return sum;
}

static void gradients_agree_with_differences(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT_OF(cases); k++) {
        const loop_case *c = &cases[k];
        limn_graph *g = graph_of(c, 0);
        nets_engine e = nets_open(g, LIMN_BACKEND_AUTO);
        int op = e.d->n_layers - 1;
        size_t nx = e.d->B * limn_shape_size(&e.d->input), ny = e.d->B * limn_shape_size(&e.d->layer[op].out);
        float *x = nets_floats(nx), *d = nets_floats(nx), *seed = nets_floats(ny);
        nets_fill(x, nx, c->spread, k);
        nets_fill(d, nx, 1, k + 500);
        nets_fill(seed, ny, 1, k + 1000);
        for (size_t i = 0; i < nx; i++) x[i] += c->at;
        double scale, up = along(&e, x, d, STEP, seed, &scale), down = along(&e, x, d, -STEP, seed, &scale), got = 0;
        nets_forward(e.d, x);
        float *gx = nets_vjp(e.d, op, seed, LIMN_RULE_GRADIENT, LIMN_INPUT);
        for (size_t i = 0; i < nx; i++) got += (double)gx[i] * d[i];
        float *after = nets_value(e.d, LIMN_INPUT); /* a backward pass leaves values alone */
        assert_memory_equal(after, x, nx * sizeof *x);
        free(after);
        double want = (up - down) / (2 * (double)STEP);
        if (!(fabs(got - want) <= DIFFERENCE_TOLERANCE * (scale + fabs(want))))
            fail_msg("%s: the gradient says %g, differences %g (of %g)", c->name, got, want, scale);
        assert_int_equal(limn_net_fallbacks(e.net), 0);
        free(gx);
        free(seed);
        free(d);
        free(x);
        nets_close(&e);
        graph_free(g);
    }
}

static void hold_close(const char *name, const char *what, const float *a, const float *b, size_t n) {
    double largest = 1e-6;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)b[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)a[i] - b[i]) <= LAYOUT_TOLERANCE * largest))
            fail_msg("%s: %s %zu is %.9g blocked, %.9g plain", name, what, i, (double)a[i], (double)b[i]);
}

/* On oneDNN behind convolutions, whose layouts are blocked, against _ref, where all is plain. Functions with poles and
 * jumps are left out: the convolution's values lie anywhere. */
static void layouts_change_nothing(void **state) {
    (void)state;
    static const char *const out[] = {"log",   "sqrt",    "rsqrt",    "reciprocal", "div",  "pow",  "log sum",
                                      "acosh", "equal",   "atanh",    "tan",        "asin", "acos", "product",
                                      "sign",  "largest", "smallest", "max",        "min"};
    for (size_t k = 0; k < COUNT_OF(cases); k++) {
        const loop_case *c = &cases[k];
        int skip_it = 0;
        for (size_t i = 0; i < COUNT_OF(out); i++) skip_it |= strcmp(out[i], c->name) == 0;
        if (skip_it) continue;
        limn_graph *g = graph_of(c, 1);
        nets_engine a = nets_open(g, LIMN_BACKEND_AUTO), r = nets_open(g, LIMN_BACKEND_REF);
        int op = a.d->n_layers - 1;
        size_t nx = a.d->B * limn_shape_size(&a.d->input), ny = a.d->B * limn_shape_size(&a.d->layer[op].out);
        float *x = nets_floats(nx), *seed = nets_floats(ny);
        nets_fill(x, nx, 1, k);
        nets_fill(seed, ny, 1, k + 1000);
        nets_forward(a.d, x);
        nets_forward(r.d, x);
        float *ya = nets_value(a.d, op), *yr = nets_value(r.d, op);
        float *ga = nets_vjp(a.d, op, seed, LIMN_RULE_GRADIENT, LIMN_INPUT),
              *gr = nets_vjp(r.d, op, seed, LIMN_RULE_GRADIENT, LIMN_INPUT);
        hold_close(c->name, "value", ya, yr, ny);
        hold_close(c->name, "gradient", ga, gr, nx);
        float *all[] = {x, seed, ya, yr, ga, gr};
        for (size_t i = 0; i < COUNT_OF(all); i++) free(all[i]);
        nets_close(&a);
        nets_close(&r);
        graph_free(g);
    }
}

/* ---- by hand --------------------------------------------------------------------------------------------------------
 * Without a batch axis: the input holds 0, 1, 2, … */
static const struct {
    const char *name;
    limn_op op;
    limn_shape in;
    limn_op_attr a;
    int n;
    float want[16];
} answers[] = {
    {"transpose", LIMN_OP_TRANSPOSE, {2, {2, 3}}, {.perm = {1, 0}}, 6, {0, 3, 1, 4, 2, 5}},
    {"slice back",
     LIMN_OP_SLICE,
     {2, {2, 3}},
     {.shape = {2, {2, 2}}, .start = {1, 2}, .step = {-1, -2}},
     4,
     {5, 3, 2, 0}},
    {"reflect", LIMN_OP_PAD, {1, {3}}, {.before = {2}, .after = {1}, .mode = LIMN_PAD_REFLECT}, 6, {2, 1, 0, 1, 2, 1}},
    {"edge", LIMN_OP_PAD, {1, {3}}, {.before = {2}, .after = {1}, .mode = LIMN_PAD_EDGE}, 6, {0, 0, 0, 1, 2, 2}},
    {"wrap", LIMN_OP_PAD, {1, {3}}, {.before = {2}, .after = {1}, .mode = LIMN_PAD_WRAP}, 6, {1, 2, 0, 1, 2, 0}},
    {"constant", LIMN_OP_PAD, {1, {2}}, {.before = {1}, .after = {1}, .p = {7}}, 4, {7, 0, 1, 7}},
    {"expand", LIMN_OP_EXPAND, {2, {2, 1}}, {.shape = {3, {2, 2, 2}}}, 8, {0, 0, 1, 1, 0, 0, 1, 1}},
    {"mean", LIMN_OP_REDUCE, {2, {2, 3}}, {.f = LIMN_F_MEAN, .axes = 2}, 2, {1, 4}},
    {"sum of rows", LIMN_OP_REDUCE, {2, {2, 3}}, {.f = LIMN_F_SUM, .axes = 1}, 3, {3, 5, 7}},
    {"l2", LIMN_OP_REDUCE, {1, {3}}, {.f = LIMN_F_L2, .axes = 1}, 1, {2.2360680f}},
    {"product", LIMN_OP_REDUCE, {2, {2, 2}}, {.f = LIMN_F_PROD, .axes = 2}, 2, {0, 6}},
    {"norm", LIMN_OP_NORM, {1, {3}}, {.axes = 1, .p = {0}}, 3, {-1.2247449f, 0, 1.2247449f}},
    {"lrn", LIMN_OP_LRN, {2, {3, 1}}, {.axis = 0, .units = 3, .p = {3, 1, 1}}, 3, {0, 1.0f / 6, 2.0f / 6}},
    {"lrn of seven",
     LIMN_OP_LRN,
     {1, {7}},
     {.axis = 0, .units = 3, .p = {3, 1, 1}},
     7,
     {0, 1.0f / 6, 2.0f / 15, 3.0f / 30, 4.0f / 51, 5.0f / 78, 6.0f / 62}},
    {"lrn wider than it is",
     LIMN_OP_LRN,
     {1, {3}},
     {.axis = 0, .units = 65536, .p = {65536, 1, 1}},
     3,
     {0, 1.0f / 6, 2.0f / 6}},
    {"average with ceil",
     LIMN_OP_AVGPOOL,
     {4, {1, 1, 1, 3}},
     CONV(0, 1, WINDOW(1, 2, 1, 2, 1, 1), .ceil = 1),
     2,
     {0.5f, 2}},
    {"two pictures", LIMN_OP_MAXPOOL, {4, {2, 1, 2, 2}}, CONV(0, 1, WINDOW(2, 2, 2, 2, 1, 1)), 2, {3, 7}},
    {"softmax", LIMN_OP_SOFTMAX, {2, {2, 2}}, {.axis = 1}, 4, {0.26894142f, 0.73105858f, 0.26894142f, 0.73105858f}},
    {"nearest",
     LIMN_OP_RESIZE,
     {1, {2}},
     {.shape = {1, {5}}, .factor = {2.5}, .coordinates = LIMN_AT_ASYMMETRIC, .rounding = LIMN_ROUND_FLOOR},
     5,
     {0, 0, 0, 1, 1}},
    {"linear", LIMN_OP_RESIZE, {1, {2}}, {.shape = {1, {4}}, .mode = LIMN_RESIZE_LINEAR}, 4, {0, 0.25f, 0.75f, 1}},
    {"corners",
     LIMN_OP_RESIZE,
     {1, {2}},
     {.shape = {1, {3}}, .mode = LIMN_RESIZE_LINEAR, .coordinates = LIMN_AT_ALIGN_CORNERS},
     3,
     {0, 0.5f, 1}},
    {"linear, antialiased",
     LIMN_OP_RESIZE,
     {1, {4}},
     {.shape = {1, {2}}, .mode = LIMN_RESIZE_LINEAR, .antialias = 1, .outside = 1},
     2,
     {5.0f / 7, 16.0f / 7}},
    {"cubic",
     LIMN_OP_RESIZE,
     {1, {4}},
     {.shape = {1, {2}}, .mode = LIMN_RESIZE_CUBIC, .p = {-0.5f}},
     2,
     {0.4375f, 2.5625f}},
    {"erf", LIMN_OP_UNARY, {1, {2}}, {.f = LIMN_F_ERF}, 2, {0, 0.84270079f}},
    {"gelu", LIMN_OP_UNARY, {1, {2}}, {.f = LIMN_F_GELU}, 2, {0, 0.84134475f}},
    {"mish", LIMN_OP_UNARY, {1, {2}}, {.f = LIMN_F_MISH}, 2, {0, 0.86509839f}},
};

static void small_tensors_by_hand(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT_OF(answers); k++) {
        limn_graph *g = nets_begin(answers[k].in);
        g->unbatched = 1;
        nets_add(g, "op", answers[k].op, answers[k].a);
        nets_engine e = nets_open(g, LIMN_BACKEND_AUTO);
        size_t nx = limn_shape_size(&e.d->input), ny = limn_shape_size(&e.d->layer[0].out);
        float *x = nets_floats(nx);
        assert_int_equal(e.d->B, 1);
        for (size_t i = 0; i < nx; i++) x[i] = (float)i;
        nets_forward(e.d, x);
        float *y = nets_value(e.d, 0);
        assert_int_equal(ny, answers[k].n);
        for (size_t i = 0; i < ny; i++)
            if (!(fabsf(y[i] - answers[k].want[i]) <= 1e-6f))
                fail_msg("%s: element %zu is %.9g, should be %.9g", answers[k].name, i, (double)y[i],
                         (double)answers[k].want[i]);
        free(y);
        free(x);
        nets_close(&e);
        graph_free(g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_agree_with_differences),
        cmocka_unit_test(layouts_change_nothing),
        cmocka_unit_test(small_tensors_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
