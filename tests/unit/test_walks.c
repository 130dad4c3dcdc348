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

/* ---- DeepLIFT and rectified gradients ---------------------------------------------------------------------------- */
static void expect(const char *what, const float *map, const double *want, size_t n, double tolerance) {
    for (size_t i = 0; i < n; i++)
        if (!(fabs(map[i] - want[i]) < tolerance))
            fail_msg("%s: [%zu] is %.9g, not %.9g", what, i, (double)map[i], want[i]);
}

/* x = (3, 1, 1/2) gives W x = (2, 6); x0 = (-1, -1, -1) gives (0, -5/2), (1, 1, 1) gives (0, 5/2). */
static void differences_from_a_reference(void **state) {
    (void)state;
    static const float x[] = {3, 1, 0.5F}, background[] = {-1, -1, -1, 1, 1, 1};
    const double m_low[] = {1, 6 / 8.5}, m_high[] = {1, 1};
    double low[3], high[3], mean[3];
    for (size_t i = 0; i < 3; i++) {
        low[i] = (x[i] + 1.) * (3 * m_low[0] * (double)W[i] + m_low[1] * (double)W[3 + i]);
        high[i] = (x[i] - 1.) * (3 * m_high[0] * (double)W[i] + m_high[1] * (double)W[3 + i]);
        mean[i] = (low[i] + high[i]) / 2;
    }
    limn_graph *g = two_neurons();
    bench b = bench_open(g, LIMN_BACKEND_REF);
    fill_rows(b.x, b.e.d->B, x, 3);
    float *map = maps(&b, "deeplift", "baseline_value=-1");
    expect("from -1", map, low, 3, BY_HAND);
    assert_true(b.residual[0] < BY_HAND);
    free(map);
    map = maps(&b, "deeplift", "baseline_value=1");
    expect("from 1", map, high, 3, BY_HAND);
    free(map);
    limn_shape s;
    const limn_attribute_job job = {
        .diff = b.e.d, .x = b.x, .seed = b.seed, .background = background, .n_background = 2};
    map = explain_job("deepshap", NULL, "", &job, &s);
    expect("from both", map, mean, 3, BY_HAND);
    free(map);
    bench_close(&b);
    graph_free(g);
}

static void what_matters_most_passes(void **state) {
    (void)state;
    static const float x[] = {3, 1, 1}; /* h = (2, 13/2), its gradient (3, 1): products 6 and 13/2 */
    const double second[] = {6, -0.5, 1}, none[] = {0, 0, 0};
    limn_graph *g = two_neurons();
    bench b = bench_open(g, LIMN_BACKEND_REF);
    fill_rows(b.x, b.e.d->B, x, 3);
    float *map = maps(&b, "rectgrad", "quantile=0");
    expect("above the least", map, second, 3, BY_HAND);
    free(map);
    map = maps(&b, "rectgrad", "quantile=1");
    expect("above the most", map, none, 3, BY_HAND);
    free(map);
    bench_close(&b);
    graph_free(g);
}

/* Every activation, product and maximum of the network has a rule that is complete; differences of float32 scores. */
static void multipliers_are_complete(void **state) {
    (void)state;
    limn_graph *g = real_one(1);
    bench b = bench_open(g, LIMN_BACKEND_AUTO);
    nets_fill(b.x, b.e.d->B * limn_shape_size(&b.e.d->input), 1, 3);
    float *map = maps(&b, "deeplift", "baseline_value=0.25");
    for (size_t r = 0; r < b.e.d->B; r++)
        if (!(b.residual[r] < 1e-3)) fail_msg("row %zu: the gap is %g", r, (double)b.residual[r]);
    free(map);
    bench_close(&b);
    graph_free(g);
}

/* ---- a layer replaced, biases ------------------------------------------------------------------------------------ */
static void a_layer_put_back_changes_nothing(void **state) {
    (void)state;
    limn_graph *g = real_one(1);
    bench b = bench_open(g, LIMN_BACKEND_AUTO);
    const limn_diff *d = b.e.d;
    int last = d->n_layers - 1;
    size_t K = limn_shape_size(&d->layer[last].out);
    nets_fill(b.x, d->B * limn_shape_size(&d->input), 1, 5);
    float *before = maps(&b, "rectgrad", ""), *scores = nets_floats(d->B * K), *want = nets_value(d, last);
    for (int l = 0; l < last; l++) {
        float *v = nets_value(d, l);
        size_t n = d->B * limn_shape_size(&d->layer[l].out);
        assert_int_equal(d->replace(d->ctx, b.x, l, v, last, scores), LIMN_OK);
        for (size_t i = 0; i < d->B * K; i++) assert_true(fabsf(scores[i] - want[i]) <= 1e-5F * (1 + fabsf(want[i])));
        for (size_t i = 0; i < n; i++) v[i] += 1;
        assert_int_equal(d->replace(d->ctx, b.x, l, v, last, scores), LIMN_OK);
        assert_memory_not_equal(scores, want, K * sizeof *want);
        free(v);
    }
    float *after = maps(&b, "rectgrad", "");
    assert_memory_equal(before, after, d->B * 120 * sizeof *after);
    free(before), free(after), free(scores), free(want);
    bench_close(&b);
    graph_free(g);
}

/* Whether a walk finds values in its session or computes them changes no bit. */
static void what_is_kept_changes_nothing(void **state) {
    (void)state;
    static const char *const methods[] = {"lrp", "deeplift", "rectgrad", "fullgrad"};
    const limn_op_attr conv = {.kernel = {3, 3}, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1, .units = 8},
                       pool = {.kernel = {2, 2}, .stride = {2, 2}, .dilation = {1, 1}, .groups = 1};
    limn_graph *g = nets_begin((limn_shape){3, {3, 12, 10}});
    nets_add(g, "conv", LIMN_OP_CONV2D, conv);
    nets_add(g, NULL, LIMN_OP_RELU, (limn_op_attr){0});
    nets_add(g, "conv_2", LIMN_OP_CONV2D, conv);
    nets_add(g, NULL, LIMN_OP_RELU, (limn_op_attr){0});
    nets_add(g, "max", LIMN_OP_MAXPOOL, pool);
    nets_add(g, "flatten", LIMN_OP_FLATTEN, (limn_op_attr){.hwc = 1});
    nets_add(g, "out", LIMN_OP_DENSE, (limn_op_attr){.units = 3});
    bench b = bench_open(g, LIMN_BACKEND_AUTO);
    const limn_diff *all = b.e.d;
    unsigned char asks[6] = {LIMN_ASK_TO};
    asks[all->n_layers] = LIMN_ASK_VALUE | LIMN_ASK_FROM;
    limn_session *little;
    assert_int_equal(limn_session_new_for(&little, b.e.net, asks), LIMN_OK);
    assert_true(limn_net_walks_share(b.e.net));
    nets_fill(b.x, all->B * limn_shape_size(&all->input), 1, 3);
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        float *with = maps(&b, methods[i], "");
        b.e.d = limn_session_diff(little);
        float *without = maps(&b, methods[i], "");
        b.e.d = all;
        assert_memory_equal(with, without, all->B * 120 * sizeof *with);
        free(with), free(without);
    }
    limn_session_free(little);
    bench_close(&b);
    graph_free(g);
}

/* x (1, 2, 2) = 1 0 / 1/2 -2; A_0 = max(x, 0), A_1 = max(-x, 0); means 3/8, 1/2; scores 3 m_0 - m_1, m_0 + m_1. */
static void channels_taken_out(void **state) {
    (void)state;
    static const float x[] = {1, 0, 0.5F, -2}, w[] = {1, -1}, v[] = {3, -1, 1, 1};
    const double S[] = {0.625, 0.875}, part[2][2] = {{1.125, -0.5}, {0.375, 0.5}};
    const limn_op_attr conv = {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1, .units = 2};
    limn_graph *g = nets_begin((limn_shape){3, {1, 2, 2}});
    int k = nets_add(g, "conv", LIMN_OP_CONV2D, conv);
    memcpy(g->node[k].weight, w, sizeof w);
    nets_add(g, "relu", LIMN_OP_RELU, (limn_op_attr){0});
    nets_add(g, "mean", LIMN_OP_REDUCE, (limn_op_attr){.f = LIMN_F_MEAN, .axes = 6});
    k = nets_add(g, "out", LIMN_OP_DENSE, (limn_op_attr){.units = 2});
    memcpy(g->node[k].weight, v, sizeof v);
    bench b = bench_open(g, LIMN_BACKEND_REF);
    const limn_diff *d = b.e.d;
    float *seed = nets_floats(2 * d->B * 2);
    for (size_t r = 0; r < 2 * d->B; r++) seed[r * 2 + r / d->B] = 1;
    fill_rows(b.x, d->B, x, 4);
    nets_forward(d, b.x);
    limn_shape s;
    const limn_attribute_job job = {.diff = d, .x = b.x, .n_seeds = 2, .seed = seed};
    float *map = explain_job("ablationcam", NULL, "layer=relu relu=false size=layer", &job, &s);
    for (size_t t = 0; t < 2; t++) {
        double want[4];
        for (size_t i = 0; i < 4; i++) want[i] = part[t][0] / S[t] * fmax(x[i], 0) + part[t][1] / S[t] * fmax(-x[i], 0);
        expect("ablationcam", map + t * d->B * 4, want, 4, BY_HAND);
    }
    free(map), free(seed);
    bench_close(&b);
    graph_free(g);
}

/* y = mean of max(2 x + 1, 0): x g = x / 2, which scaled is x / 3; the bias's part is the same everywhere, scaled 0. On a
 * deeper ReLU network all parts together are the score. */
static void every_bias_has_its_part(void **state) {
    (void)state;
    static const float x[] = {1, 0, 0.5F, 3};
    const double want[] = {1 / 3., 0, 1 / 6., 1};
    const limn_op_attr one = {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1, .units = 1},
                       conv = {.kernel = {3, 3}, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1, .units = 5},
                       pool = {.kernel = {2, 2}, .stride = {2, 2}, .dilation = {1, 1}, .groups = 1},
                       mean = {.f = LIMN_F_MEAN, .axes = 6};
    limn_graph *g = nets_begin((limn_shape){3, {1, 2, 2}});
    int k = nets_add(g, "conv", LIMN_OP_CONV2D, one);
    g->node[k].weight[0] = 2, g->node[k].bias[0] = 1;
    nets_add(g, "relu", LIMN_OP_RELU, (limn_op_attr){0});
    nets_add(g, "mean", LIMN_OP_REDUCE, mean);
    bench b = bench_open(g, LIMN_BACKEND_REF);
    fill_rows(b.x, b.e.d->B, x, 4);
    float *map = maps(&b, "fullgrad", "");
    expect("fullgrad", map, want, 4, BY_HAND);
    assert_true(b.residual[0] < BY_HAND);
    free(map);
    bench_close(&b);
    graph_free(g);

    g = nets_begin((limn_shape){3, {3, 12, 10}});
    nets_add(g, "conv", LIMN_OP_CONV2D, conv);
    nets_add(g, "norm", LIMN_OP_SCALE, (limn_op_attr){.axis = 0});
    nets_add(g, "relu", LIMN_OP_RELU, (limn_op_attr){0});
    nets_add(g, "max", LIMN_OP_MAXPOOL, pool);
    nets_add(g, "conv_2", LIMN_OP_CONV2D, conv);
    nets_add(g, "relu_2", LIMN_OP_RELU, (limn_op_attr){0});
    nets_add(g, "mean", LIMN_OP_REDUCE, mean);
    nets_add(g, "out", LIMN_OP_DENSE, (limn_op_attr){.units = 3});
    b = bench_open(g, LIMN_BACKEND_AUTO);
    nets_fill(b.x, b.e.d->B * limn_shape_size(&b.e.d->input), 1, 3);
    map = maps(&b, "fullgrad", "");
    for (size_t r = 0; r < b.e.d->B; r++)
        if (!(b.residual[r] < 1e-4)) fail_msg("row %zu: the gap is %g", r, (double)b.residual[r]);
    free(map);
    bench_close(&b);
    graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(relevance_is_conserved),
        cmocka_unit_test(differences_from_a_reference),
        cmocka_unit_test(what_matters_most_passes),
        cmocka_unit_test(multipliers_are_complete),
        cmocka_unit_test(a_layer_put_back_changes_nothing),
        cmocka_unit_test(what_is_kept_changes_nothing),
        cmocka_unit_test(channels_taken_out),
        cmocka_unit_test(every_bias_has_its_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
