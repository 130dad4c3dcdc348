/* Walks through a network (walk.h) on networks whose answers are known: a ReLU network of two neurons, worked out by hand,
 * and seeded networks with what real ones have (batch norms, residual sums, depthwise convolutions, gates) on which
 * relevance is conserved and DeepLIFT is complete. */
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
#include "tests/lib/nets.h"

/* Epsilon is 1e-6 of denominators of the order of 1. */
#define BY_HAND 4e-6

/* x (3); h = max(W x, 0), W = (1 -1 0; 2 -1/2 1); y = 3 h_0 + h_1. At x = (1, 2, 3): W x = (-1, 4), y = 4. */
static const float W[] = {1, -1, 0, 2, -0.5F, 1}, V[] = {3, 1};

static limn_graph *two_neurons(void) {
    limn_graph *g = nets_begin((limn_shape){1, {3}});
    int k = nets_add(g, "hidden", LIMN_OP_DENSE, (limn_op_attr){.units = 2});
    memcpy(g->node[k].weight, W, sizeof W);
    nets_add(g, "relu", LIMN_OP_RELU, (limn_op_attr){0});
    k = nets_add(g, "out", LIMN_OP_DENSE, (limn_op_attr){.units = 1});
    memcpy(g->node[k].weight, V, sizeof V);
    g->node[k].bias[0] = 0;
    return g;
}

static void fill_rows(float *to, size_t B, const float *row, size_t n) {
    for (size_t i = 0; i < B * n; i++) to[i] = row[i % n];
}

/* A job on an engine: rows of x, the seed 1 at unit 0 (of K) of every row. */
typedef struct {
    nets_engine e;
    float *x, *seed, *residual;
} bench;

static bench bench_open(const limn_graph *g, limn_backend backend) {
    bench b = {.e = nets_open(g, backend)};
    const limn_diff *d = b.e.d;
    size_t K = limn_shape_size(&d->layer[d->n_layers - 1].out);
    b.x = nets_floats(d->B * limn_shape_size(&d->input));
    b.seed = nets_floats(d->B * K);
    b.residual = nets_floats(d->B);
    for (size_t i = 0; i < d->B; i++) b.seed[i * K] = 1;
    return b;
}

static void bench_close(bench *b) {
    free(b->x), free(b->seed), free(b->residual);
    nets_close(&b->e);
}

static float *maps(bench *b, const char *method, const char *options) {
    limn_shape s;
    const limn_diff *d = b->e.d;
    nets_forward(d, b->x);
    float *map = explain_job(method, NULL, options,
                             &(limn_attribute_job){.diff = d, .x = b->x, .seed = b->seed, .residual = b->residual}, &s);
    if (!map) fail_msg("%s %s: %s", method, options, limn_message());
    return map;
}

static void by_hand(void **state) {
    (void)state;
    /* The second layer gives h = (0, R) R = 4, whatever its rule; of the first only the neuron that is on counts: its
     * products w x are 2, -1, 3, their sum 4. */
    static const struct {
        const char *options;
        double want[3];
    } row[] = {
        {"composite=epsilon", {2, -1, 3}}, /* x times gradient: no bias */
        {"composite=z", {2, -1, 3}},
        {"composite=z-plus", {4 * 2 / 5., 0, 4 * 3 / 5.}},
        /* the second layer has no negative product: 2 R comes to h, and nothing is taken away */
        {"composite=alpha-beta", {16 * 2 / 5., -8, 16 * 3 / 5.}},
        {"composite=epsilon-alpha2-beta1 input_rule=z-plus", {4 * 2 / 5., 0, 4 * 3 / 5.}},
        {"composite=alpha-beta alpha=1", {4 * 2 / 5., 0, 4 * 3 / 5.}},
        {"composite=gamma", {4 * 2.5 / 5.25, -4 / 5.25, 4 * 3.75 / 5.25}},
        {"composite=gamma gamma=1", {4 * 4 / 9., -4 / 9., 4 * 6 / 9.}},
        {"composite=epsilon epsilon=1", {4 * .8 * 2 / 5., -4 * .8 / 5., 4 * .8 * 3 / 5.}},
        {"composite=epsilon input_rule=flat", {4 / 3., 4 / 3., 4 / 3.}},
        {"composite=epsilon input_rule=w-square", {4 * 4 / 5.25, 4 * .25 / 5.25, 4 / 5.25}},
        /* w x - w- high: 2, -1 + 3/2, 3 */
        {"composite=epsilon input_rule=z-box low=0 high=3", {4 * 2 / 5.5, 4 * .5 / 5.5, 4 * 3 / 5.5}},
        {"composite=epsilon start=one", {2 / 4., -1 / 4., 3 / 4.}},
    };
    static const float x[] = {1, 2, 3};
    limn_graph *g = two_neurons();
    for (int backend = 0; backend < 2; backend++) {
        bench b = bench_open(g, backend ? LIMN_BACKEND_REF : LIMN_BACKEND_AUTO);
        fill_rows(b.x, b.e.d->B, x, 3);
        for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
            float *map = maps(&b, "lrp", row[i].options);
            for (size_t c = 0; c < 3 * b.e.d->B; c++)
                if (!(fabs(map[c] - row[i].want[c % 3]) < BY_HAND * 4))
                    fail_msg("%s: [%zu] is %.9g, not %.9g", row[i].options, c, (double)map[c], row[i].want[c % 3]);
            int loses = strstr(row[i].options, "epsilon=1") || strcmp(row[i].options, "composite=alpha-beta") == 0;
            if (!loses && !(b.residual[0] < BY_HAND)) fail_msg("%s: %g is lost", row[i].options, (double)b.residual[0]);
            free(map);
        }
        bench_close(&b);
    }
    graph_free(g);
}

/* A network with what real ones have; without biases where `bias` is 0. */
static limn_graph *real_one(int bias) {
    const limn_op_attr
        conv = {.kernel = {3, 3}, .stride = {1, 1}, .dilation = {1, 1}, .same = 1, .groups = 1, .units = 8},
        deep = {.kernel = {3, 3}, .stride = {2, 2}, .dilation = {1, 1}, .same = 1, .groups = 8, .units = 8},
        pool = {.kernel = {2, 2}, .stride = {2, 2}, .dilation = {1, 1}, .groups = 1};
    limn_graph *g = nets_begin((limn_shape){3, {3, 12, 10}});
    nets_add(g, "conv", LIMN_OP_CONV2D, conv);
    nets_add(g, "norm", LIMN_OP_SCALE, (limn_op_attr){.axis = 0});
    int a = nets_add(g, "relu", LIMN_OP_RELU, (limn_op_attr){0});
    nets_add(g, "conv_2", LIMN_OP_CONV2D, conv);
    int c = nets_add(g, "swish", LIMN_OP_UNARY, (limn_op_attr){.f = LIMN_F_SILU, .p = {1}});
    nets_add_n(g, "add", LIMN_OP_BINARY, 2, (const int[]){a, c}, (limn_op_attr){.f = LIMN_F_ADD});
    nets_add(g, "deep", LIMN_OP_CONV2D, deep);
    int e = nets_add(g, "clip", LIMN_OP_UNARY, (limn_op_attr){.f = LIMN_F_CLIP, .p = {0, 6}});
    nets_add_at(g, "gate", LIMN_OP_CONV2D, e, conv);
    int s = nets_add(g, "sigmoid", LIMN_OP_UNARY, (limn_op_attr){.f = LIMN_F_SIGMOID});
    nets_add_n(g, "mul", LIMN_OP_BINARY, 2, (const int[]){e, s}, (limn_op_attr){.f = LIMN_F_MUL});
    nets_add(g, "max", LIMN_OP_MAXPOOL, pool);
    nets_add(g, "mean", LIMN_OP_REDUCE, (limn_op_attr){.f = LIMN_F_MEAN, .axes = 6});
    nets_add(g, "out", LIMN_OP_DENSE, (limn_op_attr){.units = 4});
    for (int k = 0; k < g->n_nodes; k++)
        for (size_t i = 0; !bias && g->node[k].bias && i < g->node[k].n_bias; i++) g->node[k].bias[i] = 0;
    return g;
}

/* Without biases nothing is lost. z-plus on ReLUs alone; where an activation is not zero at zero, or a product stands,
 * epsilon can amplify, so that the tolerance is float32's by the largest relevance. */
static void relevance_is_conserved(void **state) {
    (void)state;
    static const char *const composites[] = {"composite=z-plus", "composite=epsilon-plus",
                                             "composite=epsilon-plus-flat", "composite=epsilon",
                                             "composite=alpha-beta alpha=1"};
    limn_graph *g = real_one(0);
    bench b = bench_open(g, LIMN_BACKEND_AUTO);
    nets_fill(b.x, b.e.d->B * limn_shape_size(&b.e.d->input), 1, 3);
    for (size_t i = 0; i < sizeof composites / sizeof composites[0]; i++) {
        float *map = maps(&b, "lrp", composites[i]);
        for (size_t r = 0; r < b.e.d->B; r++)
            if (!(b.residual[r] < 2e-3)) fail_msg("%s, row %zu: %g is lost", composites[i], r, (double)b.residual[r]);
        free(map);
    }
    bench_close(&b);
    graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand), cmocka_unit_test(relevance_is_conserved)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
