/* Winograd convolution F(4x4, 3x3), of each instruction set that this processor has:
 *   - a product against plain sums, for every count of rows and channels
 *   - tiles in, product, tiles out against the definition, at every place of pictures of odd sizes
 *   - as an op of a net, either direction, blocked or plain: against the definition in float64; at any thread count */
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
#include "nn/conv_kernels.h"
#include "tests/lib/nets.h"

/* A float32 sum of K <= 64 terms below 1. */
static const double PRODUCT_TOLERANCE = 64 * 0x1p-24;
/* The transforms multiply by up to 5 * 5 and 8 * 8 before terms cancel: some tens of 2^-24 of the sum of |terms|, 1e-6
 * in the mean. A wrong coefficient errs by more than 1e-2. */
static const double WINOGRAD_TOLERANCE = 1e-5;

static float *padded(size_t n, uint64_t key) {
    float *x = nets_floats(n);
    nets_fill(x, n, 1, key);
    return x;
}

static void products_are_sums(void **state) {
    (void)state;
    enum { C = 64 };
    const conv_kernels *k;
    for (int set = 0; (k = conv_kernels_at(set)); set++)
        for (size_t T = k->rows; T <= 40; T += k->rows)
            for (size_t K = k->lanes; K <= 5 * k->lanes; K += k->lanes) {
                float *v = padded(T * C, T), *u = padded(C * K, K), *m = nets_floats(T * K);
                size_t panel = 2 * k->lanes;
                k->products(v, u, m, T, C, K, K, &CONV_SUM);
                for (size_t t = 0; t < T; t++)
                    for (size_t o = 0; o < K; o++) {
                        size_t first = o / panel * panel, wide = K - first < panel ? K - first : panel;
                        double sum = 0, scale = 0;
                        for (size_t c = 0; c < C; c++) {
                            double term = (double)v[t * C + c] * u[first * C + c * wide + o - first];
                            sum += term;
                            scale += fabs(term);
                        }
                        if (fabs(sum - m[t * K + o]) > PRODUCT_TOLERANCE * scale)
                            fail_msg("%s, %zu rows, %zu channels: %g should be %g", k->name, T, K, m[t * K + o], sum);
                    }
                free(m);
                free(u);
                free(v);
            }
}

/* One input channel a lane, the kernel all ones: U = G 1 G^T. */
static void one_tile(const conv_kernels *k, long H, long W, long i, long j) {
    static const double g[6] = {1. / 4, -1. / 2, -1. / 6, 7. / 24, 1. / 8, 1}; /* G (1, 1, 1) */
    size_t L = k->lanes, n = (size_t)(H * W) * L;
    float *x = padded(n, 3), *y = nets_floats(n), *v = nets_floats(36 * L), *bias = padded(L, 4);
    conv_plane from = {x, (size_t)W * L, L, H, W}, to = {y, (size_t)W * L, L, H, W};
    k->input(&from, i - 1, j - 1, v, L);
    for (size_t e = 0; e < 36 * L; e++) v[e] *= (float)(g[e / L / 6] * g[e / L % 6]);
    k->output(v, L, bias, &to, i, j);
    for (long r = 0; r < H; r++)
        for (long c = 0; c < W; c++)
            for (size_t l = 0; l < L; l++) {
                double sum = bias[l];
                float got = y[(size_t)(r * W + c) * L + l];
                for (long q = 0; q < 9; q++) {
                    long a = r + q / 3 - 1, b = c + q % 3 - 1;
                    if (a >= 0 && b >= 0 && a < H && b < W) sum += x[(size_t)(a * W + b) * L + l];
                }
                int inside = r >= i && r < i + 4 && c >= j && c < j + 4;
                if (inside ? fabs(sum - got) > 10 * WINOGRAD_TOLERANCE : got != 0)
                    fail_msg("%s: tile (%ld, %ld) of %ldx%ld, pixel (%ld, %ld): %g should be %g", k->name, i, j, H, W,
                             r, c, got, inside ? sum : 0);
            }
    free(bias);
    free(v);
    free(y);
    free(x);
}

static void tiles_are_convolutions(void **state) {
    (void)state;
    const conv_kernels *k;
    for (int set = 0; (k = conv_kernels_at(set)); set++)
        for (long H = 1; H <= 13; H += 3)
            for (long W = 1; W <= 13; W += 4)
                for (long i = 0; i < H; i += 4)
                    for (long j = 0; j < W; j += 4) one_tile(k, H, W, i, j);
}

/* ---- in a net ---------------------------------------------------------------------------------------------------- */
static const struct {
    int C, K, H, W, pad[4];
} cases[] = {
    {32, 32, 9, 9, {0, 0, 0, 0}},  {32, 48, 10, 7, {1, 1, 1, 1}}, {48, 64, 3, 3, {0, 0, 0, 0}},
    {64, 33, 8, 8, {1, 1, 1, 1}},  {64, 32, 1, 5, {1, 1, 1, 1}},  {32, 80, 13, 6, {2, 2, 2, 2}},
    {80, 32, 5, 12, {0, 1, 2, 2}}, {32, 32, 4, 4, {2, 0, 1, 2}},
};

static limn_graph *graph_of(size_t c, int blocked) {
    limn_graph *g = nets_begin((limn_shape)PICTURE((size_t)cases[c].C, (size_t)cases[c].H, (size_t)cases[c].W));
    limn_op_attr one = CONV(cases[c].C, 1, WINDOW(1, 1, 1, 1, 1, 1)), a = CONV(cases[c].K, 1, WINDOW(3, 3, 1, 1, 1, 1));
    memcpy(a.pad, cases[c].pad, sizeof a.pad);
    if (blocked) nets_add(g, "before", LIMN_OP_CONV2D, one);
    nets_add(g, "op", LIMN_OP_CONV2D, a);
    return g;
}

static void hold(size_t c, const char *what, size_t i, float got, net_exact e) {
    if (!(fabs((double)got - e.value) <= WINOGRAD_TOLERANCE * e.scale + FLT_MIN))
        fail_msg("case %zu: %s %zu is %.9g, should be %.9g", c, what, i, (double)got, e.value);
}

static void nets_agree_with_the_definition(void **state) {
    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++)
        for (int blocked = 0; blocked < 2; blocked++) {
            limn_graph *g = graph_of(c, blocked);
            nets_engine e = nets_open(g, LIMN_BACKEND_WINOGRAD);
            int op = g->n_layers - 1, last = g->n_nodes - 1;
            const limn_node *n = &g->node[last];
            const limn_shape *in = &g->node[last - 1].out;
            int is = strncmp(limn_net_backend(e.net, last), "winograd", 8) == 0;
            assert_int_equal(is, cases[c].K % 16 == 0);
            assert_int_equal(limn_net_fallbacks(e.net), 0);
            size_t B = e.d->B, nx = limn_shape_size(in), ny = limn_shape_size(&n->out);
            float *input = padded(B * nx, c), *seed = padded(B * ny, c + 100);
            nets_forward(e.d, input);
            float *x = nets_value(e.d, op - 1), *y = nets_value(e.d, op),
                  *gx = nets_vjp(e.d, op, seed, LIMN_RULE_GRADIENT, op - 1);
            for (size_t b = 0; b<B; b += B> 1 ? B - 1 : 1) {
                for (size_t i = 0; i < ny; i++)
                    hold(c, "output", i, y[b * ny + i], net_exact_forward(n, in, x + b * nx, i));
                for (size_t i = 0; i < nx; i += 3)
                    hold(c, "gradient", i, gx[b * nx + i], net_exact_vjp(n, in, x + b * nx, seed + b * ny, i));
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

/* A row's bits do not depend on the rows beside it, although tiles of several share a group. */
static void rows_are_apart(void **state) {
    (void)state;
    limn_graph *g = graph_of(1, 1);
    nets_engine e = nets_open(g, LIMN_BACKEND_WINOGRAD);
    size_t B = e.d->B, nx = limn_shape_size(&e.d->input), ny = limn_shape_size(&e.d->layer[1].out);
    float *x = padded(B * nx, 9);
    nets_forward(e.d, x);
    float *y = nets_value(e.d, 1);
    for (size_t b = 0; b < B; b++)
        for (size_t i = 0; b != 2 && i < nx; i++) x[b * nx + i] = NAN;
    nets_forward(e.d, x);
    float *z = nets_value(e.d, 1);
    assert_memory_equal(y + 2 * ny, z + 2 * ny, ny * sizeof *y);
    free(z);
    free(y);
    free(x);
    nets_close(&e);
    graph_free(g);
}

/* It is an option: nobody gets it unasked. */
static void never_by_default(void **state) {
    (void)state;
    limn_graph *g = graph_of(0, 1);
    nets_engine e = nets_open(g, LIMN_BACKEND_AUTO);
    assert_int_not_equal(strncmp(limn_net_backend(e.net, g->n_nodes - 1), "winograd", 8), 0);
    nets_close(&e);
    graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_sums),
        cmocka_unit_test(tiles_are_convolutions),
        cmocka_unit_test(nets_agree_with_the_definition),
        cmocka_unit_test(rows_are_apart),
        cmocka_unit_test(never_by_default),
    };
    return cmocka_run_group_tests_name("winograd", tests, NULL, NULL);
}
