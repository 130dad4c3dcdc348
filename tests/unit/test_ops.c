/* Every op of the engine, on oneDNN and on _ref, forward and backward:
 *   - net_exact_vjp against central differences of net_exact_forward (float64)
 *   - both backends against net_exact_*, every element
 *   - the rules at a ReLU against their formulas; ties of max pooling */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/try.h"
#include "tests/lib/nets.h"

/* One node, float32 against float64: |error| over sum of |terms|. K terms in some order err by less than K 2^-24, and
 * by some sqrt(K) 2^-24 in fact; the longest sum here has 2,400 terms. */
static const double OP_TOLERANCE = 3e-6;
/* Central differences in float64 of functions that are linear within the step (all but softmax): rounding only. The
 * softmax has third derivatives below 1 and h = 2^-9: h^2 / 6 = 6e-7. */
static const double DIFFERENCE_TOLERANCE = 2e-6;
/* ---- every op in every shape ------------------------------------------------------------------------------------- */
typedef struct {
    const char *name;
    limn_op op;
    limn_shape in;
    limn_op_attr a;
} op_case;

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
    {"maxpool far wider than its input", LIMN_OP_MAXPOOL, PICTURE(3, 5, 4),
     CONV(0, 1, WINDOW(65535, 65536, 2, 1, 1, 1), .same = 1)},
    {"avgpool far wider than its input", LIMN_OP_AVGPOOL, PICTURE(3, 4, 5),
     CONV(0, 1, WINDOW(1025, 1024, 1, 2, 2, 1), .same = 2)},
    {"maxpool ceil", LIMN_OP_MAXPOOL, PICTURE(17, 7, 8), CONV(0, 1, WINDOW(3, 2, 2, 3, 1, 1), .ceil = 1)},
    {"maxpool same, odd pad at the start", LIMN_OP_MAXPOOL, PICTURE(3, 8, 7),
     CONV(0, 1, WINDOW(3, 3, 2, 2, 1, 1), .same = 2)},
    {"conv same, odd pad at the start", LIMN_OP_CONV2D, PICTURE(3, 8, 9),
     CONV(17, 1, WINDOW(3, 2, 2, 2, 1, 1), .same = 2)},
    {"avgpool 2x2", LIMN_OP_AVGPOOL, PICTURE(17, 8, 8), CONV(0, 1, WINDOW(2, 2, 2, 2, 1, 1))},
    {"avgpool 3x3, same", LIMN_OP_AVGPOOL, PICTURE(16, 7, 8), CONV(0, 1, WINDOW(3, 3, 2, 1, 1, 1), .same = 1)},
    {"avgpool padding counts", LIMN_OP_AVGPOOL, PICTURE(3, 7, 6),
     CONV(0, 1, WINDOW(3, 3, 2, 2, 1, 1), .pad = {1, 0, 2, 1}, .count_pad = 1)},
    {"avgpool ceil", LIMN_OP_AVGPOOL, PICTURE(3, 7, 8), CONV(0, 1, WINDOW(3, 2, 2, 3, 1, 1), .ceil = 1)},
    {"avgpool ceil, padding counts", LIMN_OP_AVGPOOL, PICTURE(5, 6, 8),
     CONV(0, 1, WINDOW(3, 3, 2, 2, 1, 1), .pad = {1, 1, 1, 1}, .ceil = 1, .count_pad = 1)},
    {"avgpool of all", LIMN_OP_AVGPOOL, PICTURE(17, 5, 7), CONV(0, 1, WINDOW(5, 7, 5, 7, 1, 1))},
    {"convt 3 to 17", LIMN_OP_CONVT2D, PICTURE(3, 5, 6), CONV(17, 1, WINDOW(3, 3, 1, 1, 1, 1))},
    {"convt 16 to 4, stride 2, same", LIMN_OP_CONVT2D, PICTURE(16, 5, 4),
     CONV(4, 1, WINDOW(3, 3, 2, 2, 1, 1), .same = 1)},
    {"convt stride 3 over kernel 2, same", LIMN_OP_CONVT2D, PICTURE(3, 4, 5),
     CONV(5, 1, WINDOW(2, 2, 3, 3, 1, 1), .same = 1)},
    {"convt pads and more", LIMN_OP_CONVT2D, PICTURE(4, 5, 6),
     CONV(6, 2, WINDOW(3, 4, 2, 2, 2, 1), .pad = {1, 2, 0, 1}, .out_pad = {1, 0})},
    {"convt depthwise", LIMN_OP_CONVT2D, PICTURE(16, 4, 4),
     CONV(16, 16, WINDOW(4, 4, 2, 2, 1, 1), .pad = {1, 1, 1, 1})},
    {"dense over rows", LIMN_OP_DENSE, {2, {5, 9}}, {.units = 7}},
    {"softmax of channels", LIMN_OP_SOFTMAX, PICTURE(5, 3, 2), {.axis = 0}},
    {"softmax of columns", LIMN_OP_SOFTMAX, PICTURE(3, 2, 7), {.axis = 2}},
    {"flatten channels first", LIMN_OP_FLATTEN, PICTURE(17, 3, 5), {.hwc = 0}},
    {"flatten channels last", LIMN_OP_FLATTEN, PICTURE(17, 3, 5), {.hwc = 1}},
    {"flatten a vector", LIMN_OP_FLATTEN, {1, {9}}, {.hwc = 1}},
    {"relu of a picture", LIMN_OP_RELU, PICTURE(17, 3, 5), {.hwc = 0}},
    {"relu of a vector", LIMN_OP_RELU, {1, {33}}, {.hwc = 0}},
    {"softmax", LIMN_OP_SOFTMAX, {1, {10}}, {.hwc = 0}},
    {"identity", LIMN_OP_IDENTITY, PICTURE(3, 4, 5), {.hwc = 0}},
};

static limn_graph *graph_of(const op_case *c, int blocked) {
    limn_graph *g = nets_begin(c->in);
    if (blocked) { /* a 1x1 convolution before it, so that its input is blocked */
        limn_op_attr a = CONV((int)c->in.dim[0], 1, WINDOW(1, 1, 1, 1, 1, 1));
        nets_add(g, "before", LIMN_OP_CONV2D, a);
    }
    nets_add(g, "op", c->op, c->a);
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
        float *x = nets_floats(nx), *seed = nets_floats(ny);
        fill_apart(x, nx, k);
        nets_fill(seed, ny, 1, k + 100);
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
    nets_engine e = nets_open(g, backend);
    int op = g->n_layers - 1;
    size_t B = e.d->B, nx = limn_shape_size(&c->in), ny = limn_shape_size(&e.d->layer[op].out);
    float *input = nets_floats(B * nx), *seed = nets_floats(B * ny);
    nets_fill(input, B * nx, 2, key);
    for (size_t i = 0; ties && i < B * nx; i++) input[i] = roundf(input[i]);
    nets_fill(seed, B * ny, 1, key + 100);
    nets_forward(e.d, input);
    float *x = nets_value(e.d, op - 1), *y = nets_value(e.d, op),
          *gx = nets_vjp(e.d, op, seed, LIMN_RULE_GRADIENT, op - 1);
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
    nets_close(&e);
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

/* Not for the library: dnnl_pool.c. */
static const char *const for_ref[] = {"maxpool dilated and padded", "maxpool far wider than its input",
                                      "avgpool far wider than its input", "avgpool ceil, padding counts"};

static void nothing_here_falls_back(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT_OF(cases); k++) {
        limn_graph *g = graph_of(&cases[k], cases[k].in.rank == 3);
        nets_engine e = nets_open(g, LIMN_BACKEND_AUTO);
        int want = 0;
        for (size_t i = 0; i < COUNT_OF(for_ref); i++) want |= strcmp(cases[k].name, for_ref[i]) == 0;
        if (limn_net_fallbacks(e.net) != want)
            fail_msg("%s: %d nodes fall back", cases[k].name, limn_net_fallbacks(e.net));
        nets_close(&e);
        graph_free(g);
    }
}

/* A constant picture: each window's first pixel gets the whole gradient. */
static void ties_go_to_the_first_maximum(void **state) {
    (void)state;
    const op_case c = {"ties", LIMN_OP_MAXPOOL, PICTURE(17, 6, 6), CONV(0, 1, WINDOW(2, 3, 2, 3, 1, 1))};
    for (int backend = LIMN_BACKEND_AUTO; backend <= LIMN_BACKEND_REF; backend++) {
        limn_graph *g = graph_of(&c, 0);
        nets_engine e = nets_open(g, (limn_backend)backend);
        float *x = nets_floats(e.d->B * 17 * 36), *seed = nets_floats(e.d->B * 17 * 6);
        for (size_t i = 0; i < e.d->B * 17 * 36; i++) x[i] = 0.25f;
        for (size_t i = 0; i < e.d->B * 17 * 6; i++) seed[i] = (float)(i + 1);
        nets_forward(e.d, x);
        float *gx = nets_vjp(e.d, 0, seed, LIMN_RULE_GRADIENT, LIMN_INPUT);
        for (size_t i = 0; i < e.d->B * 17 * 36; i++) {
            size_t r = i / 6 % 6, col = i % 6, plane = i / 36;
            float want = r % 2 == 0 && col % 3 == 0 ? seed[plane * 6 + r / 2 * 2 + col / 3] : 0;
            assert_true(gx[i] == want);
        }
        free(gx);
        free(seed);
        free(x);
        nets_close(&e);
        graph_free(g);
    }
}

/* ---- rules ------------------------------------------------------------------------------------------------------- */
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
            nets_engine e = nets_open(g, LIMN_BACKEND_AUTO);
            int op = g->n_layers - 1;
            size_t n = e.d->B * 17 * 35;
            float *x = nets_floats(n), *seed = nets_floats(n);
            nets_fill(x, n, 1, 1);
            nets_fill(seed, n, 1, 2);
            for (size_t i = 0; i < n; i += 3) x[i] = 0; /* at y = 0 the gradient is 0 */
            nets_forward(e.d, x);
            float *y = nets_value(e.d, op), *gx = nets_vjp(e.d, op, seed, (limn_rule)rule, op - 1);
            for (size_t i = 0; i < n; i++) assert_true(gx[i] == by_formula((limn_rule)rule, y[i], seed[i]));
            free(gx);
            free(y);
            free(seed);
            free(x);
            nets_close(&e);
            graph_free(g);
        }
}

static void nan_passes_a_relu(void **state) {
    (void)state;
    const op_case c = {"nan", LIMN_OP_RELU, PICTURE(3, 2, 2), {.hwc = 0}};
    limn_graph *g = graph_of(&c, 1);
    nets_engine e = nets_open(g, LIMN_BACKEND_AUTO);
    float *x = nets_floats(e.d->B * 12);
    x[5] = NAN;
    nets_forward(e.d, x);
    float *y = nets_value(e.d, 1);
    int seen = 0;
    for (size_t i = 0; i < 12; i++) seen += isnan(y[i]);
    assert_true(seen > 0);
    free(y);
    free(x);
    nets_close(&e);
    graph_free(g);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
