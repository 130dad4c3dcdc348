/* Every op of the engine, on oneDNN and on _ref, forward and backward:
 *   - net_exact_vjp against central differences of net_exact_forward (float64)
 *   - both backends against net_exact_*, every element
 *   - the rules at a ReLU against their formulas; ties of max pooling
 *   - whole nets: taps, in-place values, every pair of layers
 *   - the bits of a row: independent of the other rows, of threads and workers
 *   - the self-test finds a node that computes wrongly, and _ref takes over */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/try.h"
#include "nn/plan.h"

/* One node, float32 against float64: |error| over sum of |terms|. K terms in some order err by less than K 2^-24, and
 * by some sqrt(K) 2^-24 in fact; the longest sum here has 2,400 terms. */
static const double OP_TOLERANCE = 3e-6;
/* Central differences in float64 of functions that are linear within the step (all but softmax): rounding only. The
 * softmax has third derivatives below 1 and h = 2^-9: h^2 / 6 = 6e-7. */
static const double DIFFERENCE_TOLERANCE = 2e-6;
/* Two float32 paths of a whole net against each other, relative to the largest value. */
static const double NET_TOLERANCE = 1e-5;

/* ---- building
 * ------------------------------------------------------------------------------------------------------*/
static float *floats(size_t n) {
    float *p;
    assert_int_equal(limn_new(&p, n, sizeof *p), LIMN_OK);
    return p;
}

static void fill(float *x, size_t n, double scale, uint64_t key) {
    limn_rng r = limn_rng_stream(7, LIMN_RNG_TEST, key);
    for (size_t i = 0; i < n; i++) x[i] = (float)(scale * (2 * limn_rng_uniform(&r) - 1));
}

static limn_values weights(size_t n, double scale, uint64_t key) {
    limn_values v = {floats(n), n};
    fill(v.v, n, scale, key);
    return v;
}

static limn_graph *begin(limn_shape in) {
    limn_graph *g;
    limn_op_attr a = {.shape = in};
    assert_int_equal(graph_new(&g), LIMN_OK);
    assert_int_equal(graph_add_node(g, LIMN_OP_INPUT, -1, &a, LIMN_NO_VALUES, LIMN_NO_VALUES, NULL), LIMN_OK);
    return g;
}

/* Adds a node that reads node `in`, in a layer of its own or (name NULL) in the last one. Weights are sized by the
 * shape of `in`, scaled so that values stay near 1; nodes with an odd number of units have a bias. */
static int add_at(limn_graph *g, const char *name, limn_op op, int in, limn_op_attr a) {
    int k, units = a.units, index;
    limn_values w = LIMN_NO_VALUES, b = LIMN_NO_VALUES;
    if (g->n_layers == 0) g->node[0].out = g->node[0].attr.shape;
    if (op == LIMN_OP_CONV2D || op == LIMN_OP_DENSE) {
        const limn_shape *s = &g->node[in].out;
        size_t terms = limn_shape_size(s);
        if (op == LIMN_OP_CONV2D) terms = s->dim[0] / (size_t)a.groups * (size_t)a.kernel[0] * (size_t)a.kernel[1];
        w = weights((size_t)units * terms, 1.7 / sqrt((double)terms), (uint64_t)g->n_nodes);
        if (units % 2) b = weights((size_t)units, 0.5, 1000 + (uint64_t)g->n_nodes);
    }
    if (name) assert_int_equal(graph_add_layer(g, name, "test", LIMN_KIND_OTHER, &index), LIMN_OK);
    assert_int_equal(graph_add_node(g, op, in, &a, w, b, &k), LIMN_OK);
    limn_status s = graph_finish(g);
    if (s != LIMN_OK) fail_msg("%s", limn_message());
    return k;
}

static int add(limn_graph *g, const char *name, limn_op op, limn_op_attr a) {
    return add_at(g, name, op, g->n_nodes - 1, a);
}

static const limn_op_attr NONE;

/* A net with one session. */
typedef struct {
    limn_net *net;
    limn_session *session;
    const limn_diff *d;
} engine;

static engine open_tampered(const limn_graph *g, limn_backend backend, net_tamper_fn tamper, void *ctx) {
    engine e;
    assert_int_equal(net_new(&e.net, g, backend, tamper, ctx), LIMN_OK);
    assert_int_equal(limn_session_new(&e.session, e.net), LIMN_OK);
    e.d = limn_session_diff(e.session);
    return e;
}

static engine open_engine(const limn_graph *g, limn_backend backend) {
    return open_tampered(g, backend, NULL, NULL);
}

static void close_engine(engine *e) {
    limn_session_free(e->session);
    limn_net_free(e->net);
}

static void forward(const limn_diff *d, const float *x) {
    assert_int_equal(d->forward(d->ctx, x), LIMN_OK);
}

static float *value(const limn_diff *d, int at) {
    float *out = floats(d->B * limn_shape_size(at < 0 ? &d->input : &d->layer[at].out));
    assert_int_equal(d->value(d->ctx, at, out), LIMN_OK);
    return out;
}

static float *vjp(const limn_diff *d, int from, const float *seed, limn_rule rule, int to) {
    size_t n = d->B * limn_shape_size(to < 0 ? &d->input : &d->layer[to].out);
    float *out = floats(n);
    for (size_t i = 0; i < n; i++) out[i] = NAN; /* all of it must be written */
    assert_int_equal(d->vjp(d->ctx, from, seed, rule, to, out), LIMN_OK);
    return out;
}

/* ---- every op in every shape
 * ---------------------------------------------------------------------------------------*/
typedef struct {
    const char *name;
    limn_op op;
    limn_shape in;
    limn_op_attr a;
} op_case;

#define WINDOW(kh, kw, sh, sw, dh, dw) .kernel = {kh, kw}, .stride = {sh, sw}, .dilation = {dh, dw}
#define CONV(units_, groups_, ...)                                                                                     \
    { __VA_ARGS__, .groups = groups_, .units = units_ }
#define PICTURE(c, h, w)                                                                                               \
    {                                                                                                                  \
        3, {                                                                                                           \
            c, h, w                                                                                                    \
        }                                                                                                              \
    }

static const op_case cases[] = {
    {"conv 1 to 8, 3x3", LIMN_OP_CONV2D, PICTURE(1, 9, 9), CONV(8, 1, WINDOW(3, 3, 1, 1, 1, 1))},
    {"conv 3 to 17, 3x3, same", LIMN_OP_CONV2D, PICTURE(3, 7, 9), CONV(17, 1, WINDOW(3, 3, 1, 1, 1, 1), .same = 1)},
    {"conv 17 to 3, 5x3", LIMN_OP_CONV2D, PICTURE(17, 11, 8), CONV(3, 1, WINDOW(5, 3, 1, 1, 1, 1))},
    {"conv 17 to 33, 1x1", LIMN_OP_CONV2D, PICTURE(17, 5, 6), CONV(33, 1, WINDOW(1, 1, 1, 1, 1, 1))},
    {"conv 16 to 32, 3x3", LIMN_OP_CONV2D, PICTURE(16, 10, 10), CONV(32, 1, WINDOW(3, 3, 1, 1, 1, 1))},
    {"conv stride 2, same, odd pad at the end", LIMN_OP_CONV2D, PICTURE(3, 8, 10),
     CONV(9, 1, WINDOW(3, 3, 2, 2, 1, 1), .same = 1)},
    {"conv stride 2, rest left over", LIMN_OP_CONV2D, PICTURE(16, 10, 9), CONV(5, 1, WINDOW(3, 2, 2, 3, 1, 1))},
    {"conv 2x2, same: asymmetric", LIMN_OP_CONV2D, PICTURE(4, 6, 7), CONV(16, 1, WINDOW(2, 2, 1, 1, 1, 1), .same = 1)},
    {"conv asymmetric pads", LIMN_OP_CONV2D, PICTURE(17, 7, 5),
     CONV(17, 1, WINDOW(4, 3, 1, 2, 1, 1), .pad = {0, 2, 3, 1})},
    {"conv dilation 2, same", LIMN_OP_CONV2D, PICTURE(3, 9, 11), CONV(7, 1, WINDOW(3, 3, 1, 1, 2, 2), .same = 1)},
    {"conv dilation 3x1", LIMN_OP_CONV2D, PICTURE(16, 12, 7), CONV(16, 1, WINDOW(3, 3, 1, 1, 3, 1))},
    {"conv depthwise 16", LIMN_OP_CONV2D, PICTURE(16, 9, 9), CONV(16, 16, WINDOW(3, 3, 1, 1, 1, 1), .same = 1)},
    {"conv depthwise 17, stride 2", LIMN_OP_CONV2D, PICTURE(17, 9, 8),
     CONV(17, 17, WINDOW(3, 3, 2, 2, 1, 1), .same = 1)},
    {"conv depthwise times 2", LIMN_OP_CONV2D, PICTURE(3, 7, 7), CONV(6, 3, WINDOW(3, 3, 1, 1, 1, 1))},
    {"conv 2 groups of 16", LIMN_OP_CONV2D, PICTURE(32, 6, 6), CONV(32, 2, WINDOW(3, 3, 1, 1, 1, 1))},
    {"conv 3 groups, 6 to 9", LIMN_OP_CONV2D, PICTURE(6, 7, 8), CONV(9, 3, WINDOW(3, 3, 1, 1, 1, 1))},
    {"conv kernel as large as the picture", LIMN_OP_CONV2D, PICTURE(3, 5, 4), CONV(10, 1, WINDOW(5, 4, 1, 1, 1, 1))},
    {"conv 1 pixel", LIMN_OP_CONV2D, PICTURE(5, 1, 1), CONV(3, 1, WINDOW(3, 3, 1, 1, 1, 1), .same = 1)},
    {"dense 7 to 3", LIMN_OP_DENSE, {1, {7}}, {.units = 3}},
    {"dense 1 to 1", LIMN_OP_DENSE, {1, {1}}, {.units = 1}},
    {"dense 2400 to 17", LIMN_OP_DENSE, {1, {2400}}, {.units = 17}},
    {"dense 65 to 128", LIMN_OP_DENSE, {1, {65}}, {.units = 128}},
    {"maxpool 2x2", LIMN_OP_MAXPOOL, PICTURE(3, 8, 8), CONV(0, 1, WINDOW(2, 2, 2, 2, 1, 1))},
    {"maxpool 2x2, odd size", LIMN_OP_MAXPOOL, PICTURE(17, 9, 7), CONV(0, 1, WINDOW(2, 2, 2, 2, 1, 1))},
    {"maxpool 3x3 stride 2, same", LIMN_OP_MAXPOOL, PICTURE(16, 8, 7), CONV(0, 1, WINDOW(3, 3, 2, 2, 1, 1), .same = 1)},
    {"maxpool overlapping", LIMN_OP_MAXPOOL, PICTURE(1, 7, 6), CONV(0, 1, WINDOW(3, 2, 1, 1, 1, 1))},
    {"maxpool asymmetric pads", LIMN_OP_MAXPOOL, PICTURE(17, 6, 5),
     CONV(0, 1, WINDOW(3, 3, 2, 1, 1, 1), .pad = {0, 1, 2, 0})},
    {"maxpool dilated", LIMN_OP_MAXPOOL, PICTURE(3, 9, 9), CONV(0, 1, WINDOW(2, 2, 1, 1, 2, 2))},
    {"maxpool dilated and padded", LIMN_OP_MAXPOOL, PICTURE(3, 2, 5),
     CONV(0, 1, WINDOW(2, 2, 1, 1, 3, 2), .pad = {1, 1, 3, 0})},
    {"flatten channels first", LIMN_OP_FLATTEN, PICTURE(17, 3, 5), {.hwc = 0}},
    {"flatten channels last", LIMN_OP_FLATTEN, PICTURE(17, 3, 5), {.hwc = 1}},
    {"flatten a vector", LIMN_OP_FLATTEN, {1, {9}}, {.hwc = 1}},
    {"relu of a picture", LIMN_OP_RELU, PICTURE(17, 3, 5), {.hwc = 0}},
    {"relu of a vector", LIMN_OP_RELU, {1, {33}}, {.hwc = 0}},
    {"softmax", LIMN_OP_SOFTMAX, {1, {10}}, {.hwc = 0}},
    {"identity", LIMN_OP_IDENTITY, PICTURE(3, 4, 5), {.hwc = 0}},
};

static limn_graph *graph_of(const op_case *c, int blocked) {
    limn_graph *g = begin(c->in);
    if (blocked) { /* a 1x1 convolution before it, so that its input is blocked */
        limn_op_attr a = CONV((int)c->in.dim[0], 1, WINDOW(1, 1, 1, 1, 1, 1));
        add(g, "before", LIMN_OP_CONV2D, a);
    }
    add(g, "op", c->op, c->a);
    return g;
}

/* Values at which max and ReLU have no kink within the step below: a shuffled grid of step 1/64, off zero. */
static void fill_apart(float *x, size_t n, uint64_t key) {
    limn_rng r = limn_rng_stream(7, LIMN_RNG_TEST, key);
    for (size_t i = 0; i < n; i++) x[i] = ((float)i - (float)(n / 2) + 0.5f) / 64;
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)limn_rng_below(&r, i);
        float t = x[i - 1];
        x[i - 1] = x[j];
        x[j] = t;
    }
}

static void exact_gradients_agree_with_differences(void **state) {
    (void)state;
    const float h = 0x1p-9f;
    for (size_t k = 0; k < COUNT_OF(cases); k++) {
        limn_graph *g = graph_of(&cases[k], 0);
        const limn_node *n = &g->node[1];
        size_t nx = limn_shape_size(&cases[k].in), ny = limn_shape_size(&n->out);
        float *x = floats(nx), *seed = floats(ny);
        fill_apart(x, nx, k);
        fill(seed, ny, 1, k + 100);
        for (size_t probe = 0; probe < 12; probe++) {
            size_t i = (probe * 7919 + k) % nx;
            float was = x[i], up = was + h, down = was - h;
            double difference = 0, scale = 0;
            for (size_t j = 0; j < ny; j++) {
                x[i] = up;
                double a = net_exact_forward(n, &cases[k].in, x, j).value;
                x[i] = down;
                double b = net_exact_forward(n, &cases[k].in, x, j).value;
                difference += seed[j] * (a - b) / ((double)up - down);
                scale += fabs(seed[j] * (a - b) / ((double)up - down));
            }
            x[i] = was;
            double got = net_exact_vjp(n, &cases[k].in, x, seed, i).value;
            if (!(fabs(got - difference) <= DIFFERENCE_TOLERANCE * (scale + 1e-3)))
                fail_msg("%s, input %zu: gradient %.9g, differences say %.9g", cases[k].name, i, got, difference);
        }
        free(seed);
        free(x);
        graph_free(g);
    }
}

static void hold(const char *name, const char *what, size_t at, float got, net_exact e) {
    if (!(fabs((double)got - e.value) <= OP_TOLERANCE * e.scale + FLT_MIN))
        fail_msg("%s: %s %zu is %.9g, should be %.9g", name, what, at, (double)got, e.value);
}

/* Runs case c on a backend and holds every element of value and gradient against the definition. Quantised inputs make
 * ties. */
static void hold_case(const op_case *c, limn_backend backend, int blocked, int ties, uint64_t key) {
    limn_graph *g = graph_of(c, blocked);
    engine e = open_engine(g, backend);
    int op = g->n_layers - 1;
    size_t B = e.d->B, nx = limn_shape_size(&c->in), ny = limn_shape_size(&e.d->layer[op].out);
    float *input = floats(B * nx), *seed = floats(B * ny);
    fill(input, B * nx, 2, key);
    for (size_t i = 0; ties && i < B * nx; i++) input[i] = roundf(input[i]);
    fill(seed, B * ny, 1, key + 100);
    forward(e.d, input);
    float *x = value(e.d, op - 1), *y = value(e.d, op), *gx = vjp(e.d, op, seed, LIMN_RULE_GRADIENT, op - 1);
    const limn_node *n = &g->node[g->n_nodes - 1];
    for (size_t b = 0; b < B; b += b + 1 < B ? B - 1 : 1) { /* first and last row: the rest is the same code */
        for (size_t i = 0; i < ny; i++)
            hold(c->name, "output", i, y[b * ny + i], net_exact_forward(n, &c->in, x + b * nx, i));
        for (size_t i = 0; i < nx; i++)
            hold(c->name, "gradient", i, gx[b * nx + i], net_exact_vjp(n, &c->in, x + b * nx, seed + b * ny, i));
    }
    free(input);
    free(seed);
    free(x);
    free(y);
    free(gx);
    close_engine(&e);
    graph_free(g);
}

static void ref_agrees_with_the_definition(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT_OF(cases); k++) hold_case(&cases[k], LIMN_BACKEND_REF, 0, k % 2, k);
}

static void onednn_agrees_with_the_definition(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT_OF(cases); k++) {
        hold_case(&cases[k], LIMN_BACKEND_AUTO, 0, 0, k);
        if (cases[k].in.rank == 3) hold_case(&cases[k], LIMN_BACKEND_AUTO, 1, 0, k);
        if (cases[k].op == LIMN_OP_MAXPOOL) hold_case(&cases[k], LIMN_BACKEND_AUTO, 0, 1, k);
    }
}

static void nothing_here_falls_back(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT_OF(cases); k++) {
        limn_graph *g = graph_of(&cases[k], cases[k].in.rank == 3);
        engine e = open_engine(g, LIMN_BACKEND_AUTO);
        int want = strcmp(cases[k].name, "maxpool dilated and padded") == 0; /* not for the library: dnnl_pool.c */
        if (limn_net_fallbacks(e.net) != want)
            fail_msg("%s: %d nodes fall back", cases[k].name, limn_net_fallbacks(e.net));
        close_engine(&e);
        graph_free(g);
    }
}

/* A constant picture: each window's first pixel gets the whole gradient. */
static void ties_go_to_the_first_maximum(void **state) {
    (void)state;
    const op_case c = {"ties", LIMN_OP_MAXPOOL, PICTURE(17, 6, 6), CONV(0, 1, WINDOW(2, 3, 2, 3, 1, 1))};
    for (int backend = LIMN_BACKEND_AUTO; backend <= LIMN_BACKEND_REF; backend++) {
        limn_graph *g = graph_of(&c, 0);
        engine e = open_engine(g, (limn_backend)backend);
        float *x = floats(e.d->B * 17 * 36), *seed = floats(e.d->B * 17 * 6);
        for (size_t i = 0; i < e.d->B * 17 * 36; i++) x[i] = 0.25f;
        for (size_t i = 0; i < e.d->B * 17 * 6; i++) seed[i] = (float)(i + 1);
        forward(e.d, x);
        float *gx = vjp(e.d, 0, seed, LIMN_RULE_GRADIENT, LIMN_INPUT);
        for (size_t i = 0; i < e.d->B * 17 * 36; i++) {
            size_t r = i / 6 % 6, col = i % 6, plane = i / 36;
            float want = r % 2 == 0 && col % 3 == 0 ? seed[plane * 6 + r / 2 * 2 + col / 3] : 0;
            assert_true(gx[i] == want);
        }
        free(gx);
        free(seed);
        free(x);
        close_engine(&e);
        graph_free(g);
    }
}

/* ---- rules
 * ---------------------------------------------------------------------------------------------------------*/
static float by_formula(limn_rule rule, float y, float g) {
    switch (rule) {
    case LIMN_RULE_GRADIENT:
        return y > 0 ? g : 0;
    case LIMN_RULE_GUIDED:
        return y > 0 && g > 0 ? g : 0;
    default:
        return g > 0 ? g : 0;
    }
}

static void rules_follow_their_formulas(void **state) {
    (void)state;
    for (int blocked = 0; blocked < 2; blocked++)
        for (int rule = 0; rule < LIMN_RULES; rule++) {
            const op_case c = {"rule", LIMN_OP_RELU, PICTURE(17, 5, 7), {.hwc = 0}};
            limn_graph *g = graph_of(&c, blocked);
            engine e = open_engine(g, LIMN_BACKEND_AUTO);
            int op = g->n_layers - 1;
            size_t n = e.d->B * 17 * 35;
            float *x = floats(n), *seed = floats(n);
            fill(x, n, 1, 1);
            fill(seed, n, 1, 2);
            for (size_t i = 0; i < n; i += 3) x[i] = 0; /* at y = 0 the gradient is 0 */
            forward(e.d, x);
            float *y = value(e.d, op), *gx = vjp(e.d, op, seed, (limn_rule)rule, op - 1);
            for (size_t i = 0; i < n; i++) assert_true(gx[i] == by_formula((limn_rule)rule, y[i], seed[i]));
            free(gx);
            free(y);
            free(seed);
            free(x);
            close_engine(&e);
            graph_free(g);
        }
}

static void nan_passes_a_relu(void **state) {
    (void)state;
    const op_case c = {"nan", LIMN_OP_RELU, PICTURE(3, 2, 2), {.hwc = 0}};
    limn_graph *g = graph_of(&c, 1);
    engine e = open_engine(g, LIMN_BACKEND_AUTO);
    float *x = floats(e.d->B * 12);
    x[5] = NAN;
    forward(e.d, x);
    float *y = value(e.d, 1);
    int seen = 0;
    for (size_t i = 0; i < 12; i++) seen += isnan(y[i]);
    assert_true(seen > 0);
    free(y);
    free(x);
    close_engine(&e);
    graph_free(g);
}

/* ---- whole nets
 * ----------------------------------------------------------------------------------------------------*/
/* What a trained net has: layers with and without their own ReLU, dropout, a flatten that turns, dense layers; and a
 * side branch, which no gradient of the main path may touch. */
static limn_graph *whole(void) {
    limn_graph *g = begin((limn_shape)PICTURE(3, 17, 15));
    limn_op_attr same = CONV(17, 1, WINDOW(3, 3, 1, 1, 1, 1), .same = 1), valid = CONV(32, 1, WINDOW(3, 3, 1, 1, 1, 1));
    limn_op_attr pool = CONV(0, 1, WINDOW(2, 2, 2, 2, 1, 1)), one = CONV(24, 1, WINDOW(1, 1, 1, 1, 1, 1));
    add(g, "conv1", LIMN_OP_CONV2D, same);
    add(g, NULL, LIMN_OP_RELU, NONE); /* overwrites the convolution's output */
    add(g, "conv2", LIMN_OP_CONV2D, valid);
    int branch = add(g, "relu2", LIMN_OP_RELU, NONE); /* a layer of its own: conv2's output stays */
    add(g, "pool1", LIMN_OP_MAXPOOL, pool);
    add(g, "dropout1", LIMN_OP_IDENTITY, NONE);
    add(g, "relu3", LIMN_OP_RELU, NONE);
    add(g, "flatten", LIMN_OP_FLATTEN, (limn_op_attr){.hwc = 1});
    add(g, "dense1", LIMN_OP_DENSE, (limn_op_attr){.units = 129});
    add(g, NULL, LIMN_OP_RELU, NONE);
    add(g, "dropout2", LIMN_OP_IDENTITY, NONE);
    add(g, "dense2", LIMN_OP_DENSE, (limn_op_attr){.units = 10});
    add(g, "softmax", LIMN_OP_SOFTMAX, NONE);
    add_at(g, "side", LIMN_OP_CONV2D, branch, one);
    return g;
}

static void close_to(const float *a, const float *b, size_t n, const char *what, int layer) {
    double largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)b[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)a[i] - b[i]) <= NET_TOLERANCE * largest))
            fail_msg("%s %d, element %zu: %.9g and %.9g", what, layer, i, (double)a[i], (double)b[i]);
}

static void whole_nets_agree_between_every_two_layers(void **state) {
    (void)state;
    limn_graph *g = whole();
    engine a = open_engine(g, LIMN_BACKEND_AUTO), r = open_engine(g, LIMN_BACKEND_REF);
    size_t B = a.d->B, nx = B * limn_shape_size(&a.d->input);
    float *x = floats(nx);
    assert_int_equal(limn_net_fallbacks(a.net), 0);
    fill(x, nx, 1, 5);
    forward(a.d, x);
    forward(r.d, x);
    for (int from = LIMN_INPUT; from < g->n_layers; from++) {
        size_t n = B * limn_shape_size(graph_layer_shape(g, from));
        float *va = value(a.d, from), *vr = value(r.d, from), *seed = floats(n);
        close_to(va, vr, n, "value of layer", from);
        fill(seed, n, 1, (uint64_t)(from + 50));
        for (int to = LIMN_INPUT; to < from; to++) {
            float *ga = vjp(a.d, from, seed, LIMN_RULE_GRADIENT, to),
                  *gr = vjp(r.d, from, seed, LIMN_RULE_GRADIENT, to);
            close_to(ga, gr, B * limn_shape_size(graph_layer_shape(g, to)), "gradient from layer", from);
            free(ga);
            free(gr);
        }
        free(va);
        free(vr);
        free(seed);
    }
    free(x);
    close_engine(&a);
    close_engine(&r);
    graph_free(g);
}

/* The side branch reads relu2: its gradient at pool1, which is beside it, is zero; at conv2 it is not. */
static void no_gradient_goes_to_a_layer_beside_the_path(void **state) {
    (void)state;
    limn_graph *g = whole();
    engine e = open_engine(g, LIMN_BACKEND_AUTO);
    int side = graph_find_layer(g, "side"), pool = graph_find_layer(g, "pool1"), conv = graph_find_layer(g, "conv2");
    size_t nx = e.d->B * limn_shape_size(&e.d->input), n = e.d->B * limn_shape_size(&e.d->layer[side].out);
    float *x = floats(nx), *seed = floats(n);
    fill(x, nx, 1, 5);
    fill(seed, n, 1, 6);
    forward(e.d, x);
    float *beside = vjp(e.d, side, seed, LIMN_RULE_GRADIENT, pool),
          *below = vjp(e.d, side, seed, LIMN_RULE_GRADIENT, conv);
    double sum = 0;
    for (size_t i = 0; i < e.d->B * limn_shape_size(&e.d->layer[pool].out); i++) assert_true(beside[i] == 0);
    for (size_t i = 0; i < e.d->B * limn_shape_size(&e.d->layer[conv].out); i++) sum += fabs((double)below[i]);
    assert_true(sum > 1);
    free(beside);
    free(below);
    free(seed);
    free(x);
    close_engine(&e);
    graph_free(g);
}

/* A ReLU may write over its input only where nobody sees it: not a layer's output, not what another node reads. */
static void a_relu_leaves_what_others_see(void **state) {
    (void)state;
    for (int backend = LIMN_BACKEND_AUTO; backend <= LIMN_BACKEND_REF; backend++) {
        limn_graph *g = begin((limn_shape)PICTURE(3, 9, 8));
        limn_op_attr conv = CONV(17, 1, WINDOW(3, 3, 1, 1, 1, 1));
        int before = add(g, "conv1", LIMN_OP_CONV2D, conv);
        int inside = add(g, "relu1", LIMN_OP_RELU, NONE);
        int own = add(g, "conv2", LIMN_OP_CONV2D, conv);
        add(g, NULL, LIMN_OP_RELU, NONE); /* of conv2's layer, but `seen` reads the convolution too */
        add_at(g, "seen", LIMN_OP_IDENTITY, own, NONE);
        add(g, "act", LIMN_OP_IDENTITY, NONE); /* shares its place with `seen`, whose output must stay */
        add(g, NULL, LIMN_OP_RELU, NONE);
        engine e = open_engine(g, (limn_backend)backend);
        size_t nx = e.d->B * limn_shape_size(&e.d->input), n1 = e.d->B * 17 * 7 * 6, n2 = e.d->B * 17 * 5 * 4;
        float *x = floats(nx);
        fill(x, nx, 1, 5);
        forward(e.d, x);
        float *v[] = {value(e.d, 0), value(e.d, 1), value(e.d, 3), value(e.d, 2)};
        for (size_t i = 0; i < n1; i++) assert_true(v[1][i] == (v[0][i] < 0 ? 0 : v[0][i]));
        for (size_t i = 0; i < n2; i++) assert_true(v[3][i] == (v[2][i] < 0 ? 0 : v[2][i]));
        size_t negative = 0;
        for (size_t i = 0; i < n2; i++) negative += v[2][i] < 0;
        assert_true(negative > n2 / 10);
        assert_true(e.net->step[before].value != e.net->step[inside].value);
        for (size_t k = 0; k < COUNT_OF(v); k++) free(v[k]);
        free(x);
        close_engine(&e);
        graph_free(g);
    }
}

static void wrong_questions_are_refused(void **state) {
    (void)state;
    limn_graph *g = whole();
    engine e = open_engine(g, LIMN_BACKEND_AUTO);
    float *x = floats(e.d->B * 32 * 17 * 17);
    assert_int_equal(e.d->value(e.d->ctx, 0, x), LIMN_EFAIL);
    assert_non_null(strstr(limn_message(), "before any forward pass"));
    forward(e.d, x);
    assert_int_equal(e.d->value(e.d->ctx, e.d->n_layers, x), LIMN_EFAIL);
    assert_int_equal(e.d->value(e.d->ctx, -2, x), LIMN_EFAIL);
    assert_int_equal(e.d->vjp(e.d->ctx, 1, x, LIMN_RULE_GRADIENT, 1, x), LIMN_EFAIL);
    assert_int_equal(e.d->vjp(e.d->ctx, LIMN_INPUT, x, LIMN_RULE_GRADIENT, LIMN_INPUT, x), LIMN_EFAIL);
    assert_int_equal(e.d->vjp(e.d->ctx, 1, x, LIMN_RULES, LIMN_INPUT, x), LIMN_EFAIL);
    free(x);
    close_engine(&e);
    graph_free(g);
}

/* ---- the same bits
 * -------------------------------------------------------------------------------------------------*/
/* Everything of a forward and a backward pass that a caller can see of row b, as one sum of bits (FNV-1a). */
static uint64_t hash(uint64_t h, const float *x, size_t n) {
    const unsigned char *p = (const unsigned char *)x;
    for (size_t i = 0; i < n * sizeof *x; i++) h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

static uint64_t digest_row(const limn_diff *d, const float *x, const float *seed, int from, size_t b) {
    uint64_t h = 0xcbf29ce484222325u;
    forward(d, x);
    for (int l = LIMN_INPUT; l < d->n_layers; l++) {
        size_t n = limn_shape_size(l < 0 ? &d->input : &d->layer[l].out);
        float *v = value(d, l);
        h = hash(h, v + b * n, n);
        free(v);
    }
    for (int rule = 0; rule < LIMN_RULES; rule++) {
        size_t n = limn_shape_size(&d->input);
        float *g = vjp(d, from, seed, (limn_rule)rule, LIMN_INPUT);
        h = hash(h, g + b * n, n);
        free(g);
    }
    return h;
}

static void a_row_depends_on_no_other_row(void **state) {
    (void)state;
    limn_graph *g = whole();
    for (int backend = LIMN_BACKEND_AUTO; backend <= LIMN_BACKEND_REF; backend++) {
        engine e = open_engine(g, (limn_backend)backend);
        int from = graph_find_layer(g, "dense2");
        size_t B = e.d->B, nx = limn_shape_size(&e.d->input);
        float *x = floats(B * nx), *seed = floats(B * 10);
        for (size_t b = 0; b < B; b += 5) {
            fill(x, B * nx, 1, 5);
            fill(seed, B * 10, 1, 6);
            uint64_t alone = digest_row(e.d, x, seed, from, b);
            for (int kind = 0; kind < 3; kind++) {
                for (size_t i = 0; i < B * nx; i++)
                    if (i / nx != b) x[i] = kind == 0 ? 0 : kind == 1 ? 1e6f * x[(i + 1) % (B * nx)] : NAN;
                for (size_t i = 0; i < B * 10; i++)
                    if (i / 10 != b) seed[i] = kind == 0 ? 0 : kind == 1 ? -3e5f : INFINITY;
                assert_true(digest_row(e.d, x, seed, from, b) == alone);
            }
        }
        free(x);
        free(seed);
        close_engine(&e);
    }
    graph_free(g);
}

enum { CHUNKS = 6 };
typedef struct {
    limn_session *session[16];
    uint64_t digest[CHUNKS];
    const float *x, *seed;
    int from;
} crowd;

static void one_chunk(void *ctx, size_t task, int worker) {
    crowd *c = ctx;
    const limn_diff *d = limn_session_diff(c->session[worker]);
    size_t nx = limn_shape_size(&d->input);
    uint64_t h = 0;
    for (size_t b = 0; b < d->B; b += 7) h ^= digest_row(d, c->x + task * d->B * nx, c->seed, c->from, b) * (b + 1);
    c->digest[task] = h;
}

/* A net on which oneDNN, left alone, gives other bits with other thread counts: wide dense layers, 1x1 convolutions. */
static limn_graph *wide(void) {
    limn_graph *g = begin((limn_shape)PICTURE(1, 14, 14));
    limn_op_attr c3 = CONV(16, 1, WINDOW(3, 3, 1, 1, 1, 1)), c1 = CONV(48, 1, WINDOW(1, 1, 1, 1, 1, 1));
    add(g, "conv1", LIMN_OP_CONV2D, c3);
    add(g, "conv2", LIMN_OP_CONV2D, c1);
    add(g, NULL, LIMN_OP_RELU, NONE);
    add(g, "flatten", LIMN_OP_FLATTEN, (limn_op_attr){.hwc = 1});
    add(g, "dense1", LIMN_OP_DENSE, (limn_op_attr){.units = 64}); /* 6,912 inputs */
    add(g, "dense2", LIMN_OP_DENSE, (limn_op_attr){.units = 10});
    return g;
}

static void threads_and_workers_change_no_bit(void **state) {
    (void)state;
    static const int counts[] = {1, 2, 3, 8, 16};
    limn_graph *g = wide();
    uint64_t first[CHUNKS] = {0};
    int was = omp_get_max_threads();
    for (size_t t = 0; t < COUNT_OF(counts); t++) {
        crowd c = {.from = g->n_layers - 1};
        limn_net *net;
        omp_set_num_threads(counts[t]); /* what oneDNN would see if nobody minded */
        assert_int_equal(limn_net_new(&net, g, LIMN_BACKEND_AUTO), LIMN_OK);
        assert_int_equal(omp_get_max_threads(), counts[t]); /* the caller's setting is put back */
        for (int w = 0; w < counts[t]; w++) assert_int_equal(limn_session_new(&c.session[w], net), LIMN_OK);
        size_t B = limn_net_chunk(net), nx = CHUNKS * B * 196;
        float *x = floats(nx), *seed = floats(B * 10);
        fill(x, nx, 1, 5);
        fill(seed, B * 10, 1, 6);
        c.x = x;
        c.seed = seed;
        limn_parallel(counts[t], CHUNKS, one_chunk, &c);
        if (t == 0) memcpy(first, c.digest, sizeof first);
        for (int k = 0; k < CHUNKS; k++) assert_true(c.digest[k] == first[k]);
        one_chunk(&c, 3, 0); /* on this thread, which may use counts[t] threads */
        assert_true(c.digest[3] == first[3]);
        for (int w = 0; w < counts[t]; w++) limn_session_free(c.session[w]);
        free(seed);
        free(x);
        limn_net_free(net);
    }
    omp_set_num_threads(was);
    graph_free(g);
}

static void chunks_depend_on_the_graph_alone(void **state) {
    (void)state;
    static const struct { size_t side, B; } want[] = {{8, 16}, {1000, 16}, {1500, 8}, {4000, 4}, {9000, 1}};
    for (size_t k = 0; k < COUNT_OF(want); k++) {
        limn_graph *g = begin((limn_shape)PICTURE(1, want[k].side, want[k].side));
        limn_net *net;
        add(g, "same", LIMN_OP_IDENTITY, NONE);
        assert_int_equal(limn_net_new(&net, g, LIMN_BACKEND_REF), LIMN_OK);
        assert_int_equal(limn_net_chunk(net), want[k].B);
        limn_net_free(net);
        graph_free(g);
    }
}

/* ---- the self-test
 * -------------------------------------------------------------------------------------------------*/
typedef struct {
    int node, backward;
} spoil;

/* A library that is off by 1e-3, less than one missing term of any layer here. */
static void spoil_node(void *ctx, int node, int backward, float *out, size_t n) {
    const spoil *s = ctx;
    if (node != s->node || backward != s->backward) return;
    for (size_t i = 0; i < n; i++) out[i] = out[i] * 1.001f + 1e-3f;
}

static void a_wrong_node_goes_to_ref(void **state) {
    (void)state;
    limn_graph *g = whole();
    engine r = open_engine(g, LIMN_BACKEND_REF);
    size_t nx = r.d->B * limn_shape_size(&r.d->input);
    float *x = floats(nx), *seed = floats(r.d->B * 10);
    int from = graph_find_layer(g, "dense2");
    fill(x, nx, 1, 5);
    fill(seed, r.d->B * 10, 1, 6);
    forward(r.d, x);
    float *want = value(r.d, from), *gwant = vjp(r.d, from, seed, LIMN_RULE_GRADIENT, LIMN_INPUT);
    for (spoil s = {.node = 1}; s.node < g->n_nodes; s.node++)
        for (s.backward = 0; s.backward < 2; s.backward++) {
            engine e = open_tampered(g, LIMN_BACKEND_AUTO, spoil_node, &s);
            if (limn_net_fallbacks(e.net) != 1)
                fail_msg("node %d (%s), backward %d: %d fallbacks", s.node, limn_op_table[g->node[s.node].op].name,
                         s.backward, limn_net_fallbacks(e.net));
            for (int k = 1; k < g->n_nodes; k++)
                assert_int_equal(strcmp(limn_net_backend(e.net, k), "ref") == 0, k == s.node);
            forward(e.d, x);
            float *got = value(e.d, from), *ggot = vjp(e.d, from, seed, LIMN_RULE_GRADIENT, LIMN_INPUT);
            close_to(got, want, e.d->B * 10, "scores, ref node", s.node);
            close_to(ggot, gwant, nx, "gradient, ref node", s.node);
            free(got);
            free(ggot);
            close_engine(&e);
        }
    free(want);
    free(gwant);
    free(seed);
    free(x);
    close_engine(&r);
    graph_free(g);
}

static void spoil_two(void *ctx, int node, int backward, float *out, size_t n) {
    const int *two = ctx;
    for (size_t i = 0; i < n && !backward && (node == two[0] || node == two[1]); i++) out[i] += 1;
}

/* The pooling on _ref reads its input again on the way back, when the last convolution's input lies in its place. */
static void several_nodes_go_to_ref(void **state) {
    (void)state;
    limn_graph *g = begin((limn_shape)PICTURE(3, 15, 16));
    limn_op_attr conv = CONV(17, 1, WINDOW(3, 3, 1, 1, 1, 1)), pool = CONV(0, 1, WINDOW(2, 2, 2, 2, 1, 1));
    int two[2];
    add(g, "conv1", LIMN_OP_CONV2D, conv);
    two[0] = add(g, "pool", LIMN_OP_MAXPOOL, pool);
    add(g, "conv2", LIMN_OP_CONV2D, conv);
    two[1] = add(g, "conv3", LIMN_OP_CONV2D, conv);
    engine a = open_tampered(g, LIMN_BACKEND_AUTO, spoil_two, two), r = open_engine(g, LIMN_BACKEND_REF);
    size_t nx = a.d->B * limn_shape_size(&a.d->input), n = a.d->B * limn_shape_size(&a.d->layer[3].out);
    float *x = floats(nx), *seed = floats(n);
    fill(x, nx, 1, 5);
    fill(seed, n, 1, 6);
    assert_int_equal(limn_net_fallbacks(a.net), 2);
    forward(a.d, x);
    forward(r.d, x);
    float *ga = vjp(a.d, 3, seed, LIMN_RULE_GRADIENT, LIMN_INPUT),
          *gr = vjp(r.d, 3, seed, LIMN_RULE_GRADIENT, LIMN_INPUT);
    close_to(ga, gr, nx, "gradient from layer", 3);
    free(ga);
    free(gr);
    free(seed);
    free(x);
    close_engine(&a);
    close_engine(&r);
    graph_free(g);
}

static void spoil_all(void *ctx, int node, int backward, float *out, size_t n) {
    (void)ctx, (void)node, (void)backward;
    for (size_t i = 0; i < n; i++) out[i] = NAN;
}

static void all_nodes_can_go_to_ref(void **state) {
    (void)state;
    limn_graph *g = whole();
    engine e = open_tampered(g, LIMN_BACKEND_AUTO, spoil_all, NULL);
    assert_int_equal(limn_net_fallbacks(e.net), g->n_nodes - 1);
    close_engine(&e);
    graph_free(g);
}

static int append(void *ctx, const char *text, size_t n) {
    char *all = ctx;
    size_t used = strlen(all);
    if (used + n >= 2048) return 1;
    memcpy(all + used, text, n);
    all[used + n] = 0;
    return 0;
}

static int refuse(void *ctx, const char *text, size_t n) {
    (void)ctx, (void)text, (void)n;
    return 1;
}

static void the_doctor_reports(void **state) {
    (void)state;
    char text[2048] = "";
    assert_int_equal(limn_engine_doctor(append, text), LIMN_OK);
    assert_non_null(strstr(text, limn_engine_version()));
    assert_non_null(strstr(text, "oneDNN"));
    assert_non_null(strstr(text, "every op agrees with float64"));
    assert_int_equal(limn_engine_doctor(refuse, NULL), LIMN_EFAIL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_gradients_agree_with_differences),
        cmocka_unit_test(ref_agrees_with_the_definition),
        cmocka_unit_test(onednn_agrees_with_the_definition),
        cmocka_unit_test(nothing_here_falls_back),
        cmocka_unit_test(ties_go_to_the_first_maximum),
        cmocka_unit_test(rules_follow_their_formulas),
        cmocka_unit_test(nan_passes_a_relu),
        cmocka_unit_test(whole_nets_agree_between_every_two_layers),
        cmocka_unit_test(no_gradient_goes_to_a_layer_beside_the_path),
        cmocka_unit_test(a_relu_leaves_what_others_see),
        cmocka_unit_test(wrong_questions_are_refused),
        cmocka_unit_test(a_row_depends_on_no_other_row),
        cmocka_unit_test(threads_and_workers_change_no_bit),
        cmocka_unit_test(chunks_depend_on_the_graph_alone),
        cmocka_unit_test(a_wrong_node_goes_to_ref),
        cmocka_unit_test(several_nodes_go_to_ref),
        cmocka_unit_test(all_nodes_can_go_to_ref),
        cmocka_unit_test(the_doctor_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
