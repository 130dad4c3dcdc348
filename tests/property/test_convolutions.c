/* The engine's own convolutions, by one tap and depthwise, over seeded random shapes:
 *   - the kernels of each instruction set that this processor has against plain sums in float64, with bias and bounds
 *   - as nodes of a net, channels last and in blocks: either direction against the definition
 *   - joined with the activation: the bits of the convolution and the activation one after the other; NaN stays NaN */
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
#include "nn/conv_kernels.h"
#include "tests/lib/nets.h"

/* One chain of fused multiply-adds of at most 120 terms: K 2^-24 of the sum of |terms| at the worst. A wrong tap errs by
 * more than 1e-2. */
static const double TOLERANCE = 120 * 0x1p-24;

static size_t between(limn_rng *r, size_t lo, size_t hi) {
    return lo + (size_t)limn_rng_below(r, hi - lo + 1);
}

static float *filled(size_t n, uint64_t key) {
    float *x = nets_floats(n);
    nets_fill(x, n, 1, key);
    return x;
}

static double bounded(double v, const conv_end *e) {
    return v < e->lo ? e->lo : v > e->hi ? e->hi : v;
}

/* ---- kernels -------------------------------------------------------------------------------------------------------- */
static void products_are_sums_within_bounds(void **state) {
    (void)state;
    limn_rng r = limn_rng_stream(1, LIMN_RNG_TEST, 1);
    const conv_kernels *k;
    for (int set = 0; (k = conv_kernels_at(set)); set++)
        for (int trial = 0; trial < 60; trial++) {
            size_t T = between(&r, 1, 40), C = between(&r, 1, 50), K = k->lanes * between(&r, 1, 6),
                   panel = 2 * k->lanes;
            size_t pitch = K + between(&r, 0, 9);
            float *v = filled(T * C, 1), *u = filled(C * K, 2), *bias = filled(K, 3), *m = nets_floats(T * pitch);
            conv_end end = {trial % 3 ? bias : NULL, trial % 2 ? 0 : -INFINITY, trial % 4 > 1 ? 1 : INFINITY};
            v[0] = NAN;
            k->products(v, u, m, T, C, K, pitch, &end);
            for (size_t t = 0; t < T; t++)
                for (size_t o = 0; o < K; o++) {
                    size_t first = o / panel * panel, wide = K - first < panel ? K - first : panel;
                    double sum = end.bias ? end.bias[o] : 0, scale = fabs(sum);
                    for (size_t c = 0; c < C; c++) {
                        double term = (double)v[t * C + c] * u[first * C + c * wide + o - first];
                        sum += term;
                        scale += fabs(term);
                    }
                    float got = m[t * pitch + o];
                    if (t == 0 ? !isnan(got) : !(fabs(bounded(sum, &end) - got) <= TOLERANCE * scale))
                        fail_msg("%s %zux%zux%zu: %g should be %g", k->name, T, C, K, got, bounded(sum, &end));
                }
            free(m);
            free(bias);
            free(u);
            free(v);
        }
}

static void one_depthwise(const conv_kernels *k, limn_rng *r, int trial) {
    size_t C = k->lanes * between(r, 1, 3), H = between(r, 1, 21), W = between(r, 1, 21);
    conv_depth d = {.channels = C, .kh = (long)between(r, 1, 7), .kw = (long)between(r, 1, 7), .pitch = C};
    size_t OH = between(r, 1, 21), OW = between(r, 1, 21), taps = (size_t)(d.kh * d.kw);
    d.stride = (long)between(r, 1, 2);
    d.top = (long)between(r, 0, 6) - 2; /* pictures of gradients lie the other way round too */
    d.left = (long)between(r, 0, 6) - 2;
    float *x = filled(H * W * C, 1), *w = filled(taps * C, 2), *bias = filled(C, 3), *y = filled(OH * OW * C, 4),
          *zeros = nets_floats(C);
    d.zeros = zeros;
    d.end = (conv_end){trial % 3 ? bias : NULL, trial % 2 ? 0 : -INFINITY, trial % 4 > 1 ? 1 : INFINITY};
    x[0] = NAN;
    conv_plane from = {x, W * C, C, (long)H, (long)W}, to = {y, OW * C, C, (long)OH, (long)OW};
    k->depthwise(&d, &from, w, &to);
    for (size_t i = 0; i < OH * OW * C; i++) {
        size_t c = i % C;
        double sum = d.end.bias ? bias[c] : 0, scale = fabs(sum) + DBL_MIN;
        for (long t = 0; t < (long)taps; t++) {
            long a = (long)(i / C / OW) * d.stride - d.top + t / d.kw,
                 b = (long)(i / C % OW) * d.stride - d.left + t % d.kw;
            if (a < 0 || b < 0 || a >= (long)H || b >= (long)W) continue;
            double term = (double)w[(size_t)t * C + c] * x[((size_t)a * W + (size_t)b) * C + c];
            sum += term;
            scale += fabs(term);
        }
        if (isnan(sum) ? !isnan(y[i]) : !(fabs(bounded(sum, &d.end) - y[i]) <= TOLERANCE * scale))
            fail_msg("%s, %ldx%ld / %ld over %zux%zu from (%ld, %ld), element %zu: %g should be %g", k->name, d.kh,
                     d.kw, d.stride, H, W, d.top, d.left, i, y[i], bounded(sum, &d.end));
    }
    free(zeros);
    free(y);
    free(bias);
    free(w);
    free(x);
}

static void depthwise_is_its_definition(void **state) {
    (void)state;
    limn_rng r = limn_rng_stream(1, LIMN_RNG_TEST, 2);
    for (int set = 0; conv_kernels_at(set); set++)
        for (int trial = 0; trial < 150; trial++) one_depthwise(conv_kernels_at(set), &r, trial);
}

/* ---- in a net ---------------------------------------------------------------------------------------------------- */
/* A seeded convolution that the kernels take, behind a layer in blocks (a 3x3 convolution) or a plain one. */
static limn_graph *random_net(limn_rng *r, int depthwise, int activation) {
    size_t C = 8 * between(r, 1, 9);
    limn_graph *g =
        nets_begin((limn_shape)PICTURE(depthwise ? C : 8 * between(r, 1, 9), between(r, 5, 17), between(r, 5, 17)));
    int front = (int)g->node[0].attr.shape.dim[0], k[2] = {(int)between(r, 1, 5), (int)between(r, 1, 5)},
        s = (int)between(r, 1, 2);
    limn_op_attr a = CONV((int)C, 1, WINDOW(1, 1, 1, 1, 1, 1));
    if (between(r, 0, 1))
        nets_add(g, "before", LIMN_OP_CONV2D, (limn_op_attr)CONV(front, 1, WINDOW(3, 3, 1, 1, 1, 1), .same = 1));
    if (depthwise) {
        a = (limn_op_attr)CONV((int)C, (int)C, WINDOW(k[0], k[1], s, s, 1, 1));
        for (int i = 0; i < 4; i++) a.pad[i] = (int)between(r, 0, (size_t)k[i % 2] - 1);
    }
    nets_add(g, "op", LIMN_OP_CONV2D, a);
    if (activation == 1) nets_add(g, "act", LIMN_OP_RELU, (limn_op_attr){0});
    if (activation == 2) nets_add(g, "act", LIMN_OP_UNARY, (limn_op_attr){.f = LIMN_F_CLIP, .p = {-0.1F, 0.3F}});
    return g;
}

static void hold(const char *what, int trial, size_t i, float got, net_exact e) {
    if (!(fabs((double)got - e.value) <= TOLERANCE * e.scale + FLT_MIN))
        fail_msg("net %d: %s %zu is %.9g, should be %.9g", trial, what, i, (double)got, e.value);
}

static void nodes_agree_with_the_definition(void **state) {
    (void)state;
    limn_rng r = limn_rng_stream(1, LIMN_RNG_TEST, 3);
    for (int trial = 0; trial < 40; trial++) {
        limn_graph *g = random_net(&r, trial % 2, 0);
        nets_engine e = nets_open(g, LIMN_BACKEND_AUTO);
        int op = g->n_layers - 1, last = g->n_nodes - 1;
        const limn_node *n = &g->node[last];
        const limn_shape *in = &g->node[last - 1].out;
        assert_int_equal(strncmp(limn_net_backend(e.net, last), trial % 2 ? "depthwise" : "pointwise", 9), 0);
        assert_int_equal(limn_net_fallbacks(e.net), 0);
        size_t B = e.d->B, nx = limn_shape_size(in), ny = limn_shape_size(&n->out), size = limn_shape_size(&e.d->input);
        float *input = filled(B * size, (uint64_t)trial), *seed = filled(B * ny, 7);
        nets_forward(e.d, input);
        float *x = op ? nets_value(e.d, op - 1) : filled(B * size, (uint64_t)trial), *y = nets_value(e.d, op),
              *gx = nets_vjp(e.d, op, seed, LIMN_RULE_GRADIENT, op - 1);
        for (size_t b = 0; b < B; b += B - 1) {
            for (size_t i = 0; i < ny; i++)
                hold("output", trial, i, y[b * ny + i], net_exact_forward(n, in, x + b * nx, i));
            for (size_t i = 0; i < nx; i++)
                hold("gradient", trial, i, gx[b * nx + i], net_exact_vjp(n, in, x + b * nx, seed + b * ny, i));
        }
        free(gx);
        free(y);
        free(x);
        free(seed);
        free(input);
        nets_close(&e);
        graph_free(g);
    }
}

/* Layer `act` of the joined nodes is bit by bit the bounded value of layer `op`, which is computed alone; a row of NaN stays
 * NaN and leaves the others; the gradient through both is the one through each in turn. */
static void joined_is_one_after_the_other(void **state) {
    (void)state;
    limn_rng r = limn_rng_stream(1, LIMN_RNG_TEST, 4);
    for (int trial = 0; trial < 40; trial++) {
        limn_graph *g = random_net(&r, trial % 2, 1 + trial / 2 % 2);
        nets_engine e = nets_open(g, LIMN_BACKEND_AUTO);
        int act = g->n_layers - 1, last = g->n_nodes - 1;
        char passes[LIMN_PASSES_TEXT];
        assert_string_equal(limn_net_passes(e.net, last, passes), "fused");
        assert_string_equal(limn_net_passes(e.net, last - 1, passes), "bypassed");
        size_t B = e.d->B, ny = limn_shape_size(&g->node[last].out), size = limn_shape_size(&e.d->input);
        float *x = filled(B * size, (uint64_t)trial), *seed = filled(B * ny, 7);
        for (size_t i = 0; i < size; i++) x[i] = NAN; /* row 0 */
        nets_forward(e.d, x);
        float *pre = nets_value(e.d, act - 1), *y = nets_value(e.d, act);
        conv_end end = trial / 2 % 2 ? (conv_end){NULL, -0.1F, 0.3F} : (conv_end){NULL, 0, INFINITY};
        size_t nans = 0;
        for (size_t i = 0; i < B * ny; i++) {
            float want = pre[i] < end.lo ? end.lo : pre[i] > end.hi ? end.hi : pre[i];
            nans += isnan(y[i]) != 0;
            if (isnan(want) ? !isnan(y[i]) : memcmp(&want, &y[i], sizeof want) != 0)
                fail_msg("net %d, element %zu: %.9g should be %.9g", trial, i, (double)y[i], (double)want);
        }
        if (nans == 0 || nans > ny) fail_msg("net %d: %zu NaN", trial, nans); /* a tap can lie on padding alone */
        float *whole = nets_vjp(e.d, act, seed, LIMN_RULE_GUIDED, LIMN_INPUT),
              *above = nets_vjp(e.d, act, seed, LIMN_RULE_GUIDED, act - 1),
              *parts = nets_vjp(e.d, act - 1, above, LIMN_RULE_GUIDED, LIMN_INPUT);
        assert_memory_equal(whole + size, parts + size, (B - 1) * size * sizeof *whole);
        free(parts);
        free(above);
        free(whole);
        free(y);
        free(pre);
        free(seed);
        free(x);
        nets_close(&e);
        graph_free(g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_sums_within_bounds),
        cmocka_unit_test(depthwise_is_its_definition),
        cmocka_unit_test(nodes_agree_with_the_definition),
        cmocka_unit_test(joined_is_one_after_the_other),
    };
    return cmocka_run_group_tests_name("convolutions", tests, NULL, NULL);
}
