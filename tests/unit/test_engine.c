/* Whole nets of the engine:
 *   - taps, values in place, every pair of layers, what is beside the path
 *   - the bits of a row: independent of the other rows, of threads and workers
 *   - the self-test finds a node that computes wrongly, and _ref takes over; the doctor says so */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "base/try.h"
#include "tests/lib/nets.h"

/* Two float32 paths of a whole net against each other, relative to the largest value. */
static const double NET_TOLERANCE = 1e-5;

static const limn_op_attr NONE;

/* ---- whole nets -------------------------------------------------------------------------------------------------- */
/* What a trained net has: layers with and without their own ReLU, dropout, a flatten that turns, dense layers; and a
 * side branch, which no gradient of the main path may touch. */
static limn_graph *whole(void) {
    limn_graph *g = nets_begin((limn_shape)PICTURE(3, 17, 15));
    limn_op_attr same = CONV(17, 1, WINDOW(3, 3, 1, 1, 1, 1), .same = 1), valid = CONV(32, 1, WINDOW(3, 3, 1, 1, 1, 1));
    limn_op_attr pool = CONV(0, 1, WINDOW(2, 2, 2, 2, 1, 1)), one = CONV(24, 1, WINDOW(1, 1, 1, 1, 1, 1));
    nets_add(g, "conv1", LIMN_OP_CONV2D, same);
    nets_add(g, NULL, LIMN_OP_RELU, NONE); /* overwrites the convolution's output */
    nets_add(g, "conv2", LIMN_OP_CONV2D, valid);
    int branch = nets_add(g, "relu2", LIMN_OP_RELU, NONE); /* a layer of its own: conv2's output stays */
    nets_add(g, "pool1", LIMN_OP_MAXPOOL, pool);
    nets_add(g, "dropout1", LIMN_OP_IDENTITY, NONE);
    nets_add(g, "relu3", LIMN_OP_RELU, NONE);
    nets_add(g, "flatten", LIMN_OP_FLATTEN, (limn_op_attr){.hwc = 1});
    nets_add(g, "dense1", LIMN_OP_DENSE, (limn_op_attr){.units = 129});
    nets_add(g, NULL, LIMN_OP_RELU, NONE);
    nets_add(g, "dropout2", LIMN_OP_IDENTITY, NONE);
    nets_add(g, "dense2", LIMN_OP_DENSE, (limn_op_attr){.units = 10});
    nets_add(g, "softmax", LIMN_OP_SOFTMAX, NONE);
    nets_add_at(g, "side", LIMN_OP_CONV2D, branch, one);
    return g;
}

/* A net with branches: two residual blocks (one over a 1x1 convolution), a value that three nodes read, one that a node
 * reads twice, a concatenation, a gate per channel, a constant, an average over all pixels. */
static limn_graph *branched(void) {
    limn_graph *g = nets_begin((limn_shape)PICTURE(3, 12, 11));
    limn_op_attr same = CONV(17, 1, WINDOW(3, 3, 1, 1, 1, 1), .same = 1), one = CONV(17, 1, WINDOW(1, 1, 1, 1, 1, 1));
    limn_op_attr add = {.f = LIMN_F_ADD}, mul = {.f = LIMN_F_MUL}, pixels = {.f = LIMN_F_MEAN, .axes = 6, .keep = 1};
    nets_add(g, "conv1", LIMN_OP_CONV2D, same);
    int stem = nets_add(g, NULL, LIMN_OP_RELU, NONE);
    nets_add(g, "conv2", LIMN_OP_CONV2D, same);
    int main1 = nets_add(g, "bn2", LIMN_OP_SCALE, (limn_op_attr){.axis = 0});
    int skip1 = nets_add_at(g, "conv3", LIMN_OP_CONV2D, stem, one);
    nets_add_n(g, "add1", LIMN_OP_BINARY, 2, (int[]){main1, skip1}, add);
    int block1 = nets_add(g, NULL, LIMN_OP_RELU, NONE);
    nets_add(g, "depthwise", LIMN_OP_CONV2D, (limn_op_attr)CONV(17, 17, WINDOW(3, 3, 1, 1, 1, 1), .same = 1));
    int main2 = nets_add(g, NULL, LIMN_OP_UNARY, (limn_op_attr){.f = LIMN_F_CLIP, .p = {0, 6}});
    int block2 = nets_add_n(g, "add2", LIMN_OP_BINARY, 2, (int[]){block1, main2}, add);
    int square = nets_add_n(g, "square", LIMN_OP_BINARY, 2, (int[]){block2, block2}, mul);
    nets_add(g, "squeeze", LIMN_OP_REDUCE, pixels);
    nets_add(g, "excite", LIMN_OP_CONV2D, one);
    int gate = nets_add(g, NULL, LIMN_OP_UNARY, (limn_op_attr){.f = LIMN_F_SIGMOID});
    int gated = nets_add_n(g, "gate", LIMN_OP_BINARY, 2, (int[]){square, gate}, mul);
    int joined = nets_add_n(g, "concat", LIMN_OP_CONCAT, 3, (int[]){stem, gated, block1}, (limn_op_attr){.axis = 0});
    int offset = nets_add_n(g, "offset", LIMN_OP_CONST, 0, NULL, (limn_op_attr){.shape = {3, {51, 1, 1}}});
    nets_add_n(g, NULL, LIMN_OP_BINARY, 2, (int[]){offset, joined}, (limn_op_attr){.f = LIMN_F_SUB});
    nets_add(g, "pad", LIMN_OP_PAD, (limn_op_attr){.before = {0, 1, 0}, .after = {0, 0, 1}});
    nets_add(g, "conv4", LIMN_OP_CONV2D, (limn_op_attr)CONV(32, 1, WINDOW(3, 3, 2, 2, 1, 1)));
    nets_add(g, "pool", LIMN_OP_AVGPOOL, (limn_op_attr)CONV(0, 1, WINDOW(2, 2, 2, 2, 1, 1)));
    nets_add(g, "global", LIMN_OP_REDUCE, (limn_op_attr){.f = LIMN_F_MEAN, .axes = 6});
    nets_add(g, "dense", LIMN_OP_DENSE, (limn_op_attr){.units = 10});
    return g;
}

static void close_to(const float *a, const float *b, size_t n, const char *what, int layer) {
    double largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)b[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)a[i] - b[i]) <= NET_TOLERANCE * largest))
            fail_msg("%s %d, element %zu: %.9g and %.9g", what, layer, i, (double)a[i], (double)b[i]);
}

static void agree_between_every_two_layers(limn_graph *g) {
    nets_engine a = nets_open(g, LIMN_BACKEND_AUTO), r = nets_open(g, LIMN_BACKEND_REF);
    size_t B = a.d->B, nx = B * limn_shape_size(&a.d->input);
    float *x = nets_floats(nx);
    assert_int_equal(limn_net_fallbacks(a.net), 0);
    nets_fill(x, nx, 1, 5);
    nets_forward(a.d, x);
    nets_forward(r.d, x);
    for (int from = LIMN_INPUT; from < g->n_layers; from++) {
        size_t n = B * limn_shape_size(graph_layer_shape(g, from));
        float *va = nets_value(a.d, from), *vr = nets_value(r.d, from), *seed = nets_floats(n);
        close_to(va, vr, n, "value of layer", from);
        nets_fill(seed, n, 1, (uint64_t)(from + 50));
        for (int to = LIMN_INPUT; to < from; to++) {
            float *ga = nets_vjp(a.d, from, seed, LIMN_RULE_GRADIENT, to),
                  *gr = nets_vjp(r.d, from, seed, LIMN_RULE_GRADIENT, to);
            close_to(ga, gr, B * limn_shape_size(graph_layer_shape(g, to)), "gradient from layer", from);
            free(ga);
            free(gr);
        }
        free(va);
        free(vr);
        free(seed);
    }
    free(x);
    nets_close(&a);
    nets_close(&r);
    graph_free(g);
}

static void whole_nets_agree_between_every_two_layers(void **state) {
    (void)state;
    agree_between_every_two_layers(whole());
}

static void branched_nets_agree_between_every_two_layers(void **state) {
    (void)state;
    agree_between_every_two_layers(branched());
}

/* The sum of gradients of a net with branches against differences along the signs of the gradient. */
static void gradients_of_branches_add_up(void **state) {
    (void)state;
    limn_graph *g = branched();
    nets_engine e = nets_open(g, LIMN_BACKEND_REF);
    int last = g->n_layers - 1;
    size_t nx = e.d->B * limn_shape_size(&e.d->input), ny = e.d->B * limn_shape_size(&e.d->layer[last].out);
    float *x = nets_floats(nx), *moved = nets_floats(nx), *d = nets_floats(nx), *seed = nets_floats(ny);
    const float h = 0x1p-12f; /* few ReLUs switch within it */
    nets_fill(x, nx, 1, 5);
    nets_fill(seed, ny, 1, 7);
    nets_forward(e.d, x);
    float *gx = nets_vjp(e.d, last, seed, LIMN_RULE_GRADIENT, LIMN_INPUT), *y[2];
    for (size_t i = 0; i < nx; i++) d[i] = gx[i] > 0 ? 1 : -1;
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < nx; i++) moved[i] = x[i] + (side ? -h : h) * d[i];
        nets_forward(e.d, moved);
        y[side] = nets_value(e.d, last);
    }
    double got = 0, want = 0;
    for (size_t i = 0; i < nx; i++) got += (double)gx[i] * d[i];
    for (size_t i = 0; i < ny; i++) want += seed[i] * ((double)y[0][i] - y[1][i]) / (2 * (double)h);
    /* a missing branch changes this by tenths */
    if (!(fabs(got - want) <= 0.005 * fabs(want))) fail_msg("the gradient says %g, differences %g", got, want);
    float *all[] = {x, moved, d, seed, gx, y[0], y[1]};
    for (size_t i = 0; i < COUNT_OF(all); i++) free(all[i]);
    nets_close(&e);
    graph_free(g);
}

/* The side branch reads relu2: its gradient at pool1, which is beside it, is zero; at conv2 it is not. */
static void no_gradient_goes_to_a_layer_beside_the_path(void **state) {
    (void)state;
    limn_graph *g = whole();
    nets_engine e = nets_open(g, LIMN_BACKEND_AUTO);
    int side = graph_find_layer(g, "side"), pool = graph_find_layer(g, "pool1"), conv = graph_find_layer(g, "conv2");
    size_t nx = e.d->B * limn_shape_size(&e.d->input), n = e.d->B * limn_shape_size(&e.d->layer[side].out);
    float *x = nets_floats(nx), *seed = nets_floats(n);
    nets_fill(x, nx, 1, 5);
    nets_fill(seed, n, 1, 6);
    nets_forward(e.d, x);
    float *beside = nets_vjp(e.d, side, seed, LIMN_RULE_GRADIENT, pool),
          *below = nets_vjp(e.d, side, seed, LIMN_RULE_GRADIENT, conv);
    double sum = 0;
    for (size_t i = 0; i < e.d->B * limn_shape_size(&e.d->layer[pool].out); i++) assert_true(beside[i] == 0);
    for (size_t i = 0; i < e.d->B * limn_shape_size(&e.d->layer[conv].out); i++) sum += fabs((double)below[i]);
    assert_true(sum > 1);
    free(beside);
    free(below);
    free(seed);
    free(x);
    nets_close(&e);
    graph_free(g);
}

/* A ReLU may write over its input only where nobody sees it: not a layer's output, not what another node reads. */
static void a_relu_leaves_what_others_see(void **state) {
    (void)state;
    for (int backend = LIMN_BACKEND_AUTO; backend <= LIMN_BACKEND_REF; backend++) {
        limn_graph *g = nets_begin((limn_shape)PICTURE(3, 9, 8));
        limn_op_attr conv = CONV(17, 1, WINDOW(3, 3, 1, 1, 1, 1));
        int before = nets_add(g, "conv1", LIMN_OP_CONV2D, conv);
        int inside = nets_add(g, "relu1", LIMN_OP_RELU, NONE);
        int own = nets_add(g, "conv2", LIMN_OP_CONV2D, conv);
        nets_add(g, NULL, LIMN_OP_RELU, NONE); /* of conv2's layer, but `seen` reads the convolution too */
        nets_add_at(g, "seen", LIMN_OP_IDENTITY, own, NONE);
        nets_add(g, "act", LIMN_OP_IDENTITY, NONE); /* shares its place with `seen`, whose output must stay */
        nets_add(g, NULL, LIMN_OP_RELU, NONE);
        nets_engine e = nets_open(g, (limn_backend)backend);
        size_t nx = e.d->B * limn_shape_size(&e.d->input), n1 = e.d->B * 17 * 7 * 6, n2 = e.d->B * 17 * 5 * 4;
        float *x = nets_floats(nx);
        nets_fill(x, nx, 1, 5);
        nets_forward(e.d, x);
        float *v[] = {nets_value(e.d, 0), nets_value(e.d, 1), nets_value(e.d, 3), nets_value(e.d, 2)};
        for (size_t i = 0; i < n1; i++) assert_true(v[1][i] == (v[0][i] < 0 ? 0 : v[0][i]));
        for (size_t i = 0; i < n2; i++) assert_true(v[3][i] == (v[2][i] < 0 ? 0 : v[2][i]));
        size_t negative = 0;
        for (size_t i = 0; i < n2; i++) negative += v[2][i] < 0;
        assert_true(negative > n2 / 10);
        assert_true(e.net->step[before].value != e.net->step[inside].value);
        for (size_t k = 0; k < COUNT_OF(v); k++) free(v[k]);
        free(x);
        nets_close(&e);
        graph_free(g);
    }
}

static void wrong_questions_are_refused(void **state) {
    (void)state;
    limn_graph *g = whole();
    nets_engine e = nets_open(g, LIMN_BACKEND_AUTO);
    float *x = nets_floats(e.d->B * 32 * 17 * 17);
    assert_int_equal(e.d->value(e.d->ctx, 0, x), LIMN_EFAIL);
    assert_non_null(strstr(limn_message(), "before any forward pass"));
    nets_forward(e.d, x);
    assert_int_equal(e.d->value(e.d->ctx, e.d->n_layers, x), LIMN_EFAIL);
    assert_int_equal(e.d->value(e.d->ctx, -2, x), LIMN_EFAIL);
    assert_int_equal(e.d->vjp(e.d->ctx, 1, x, LIMN_RULE_GRADIENT, 1, x), LIMN_EFAIL);
    assert_int_equal(e.d->vjp(e.d->ctx, LIMN_INPUT, x, LIMN_RULE_GRADIENT, LIMN_INPUT, x), LIMN_EFAIL);
    assert_int_equal(e.d->vjp(e.d->ctx, 1, x, LIMN_RULES, LIMN_INPUT, x), LIMN_EFAIL);
    free(x);
    nets_close(&e);
    graph_free(g);
}

/* ---- the same bits ----------------------------------------------------------------------------------------------- */
/* Everything of a forward and a backward pass that a caller can see of row b, as one sum of bits (FNV-1a). */
static uint64_t hash(uint64_t h, const float *x, size_t n) {
    const unsigned char *p = (const unsigned char *)x;
    for (size_t i = 0; i < n * sizeof *x; i++) h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

static uint64_t digest_row(const limn_diff *d, const float *x, const float *seed, int from, size_t b) {
    uint64_t h = 0xcbf29ce484222325u;
    nets_forward(d, x);
    for (int l = LIMN_INPUT; l < d->n_layers; l++) {
        size_t n = limn_shape_size(l < 0 ? &d->input : &d->layer[l].out);
        float *v = nets_value(d, l);
        h = hash(h, v + b * n, n);
        free(v);
    }
    for (int rule = 0; rule < LIMN_RULES; rule++) {
        size_t n = limn_shape_size(&d->input);
        float *g = nets_vjp(d, from, seed, (limn_rule)rule, LIMN_INPUT);
        h = hash(h, g + b * n, n);
        free(g);
    }
    return h;
}

static void rows_are_apart(limn_graph *g, const char *scores) {
    for (int backend = LIMN_BACKEND_AUTO; backend <= LIMN_BACKEND_REF; backend++) {
        nets_engine e = nets_open(g, (limn_backend)backend);
        int from = graph_find_layer(g, scores);
        size_t B = e.d->B, nx = limn_shape_size(&e.d->input);
        float *x = nets_floats(B * nx), *seed = nets_floats(B * 10);
        for (size_t b = 0; b < B; b += 5) {
            nets_fill(x, B * nx, 1, 5);
            nets_fill(seed, B * 10, 1, 6);
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
        nets_close(&e);
    }
    graph_free(g);
}

static void a_row_depends_on_no_other_row(void **state) {
    (void)state;
    rows_are_apart(whole(), "dense2");
    rows_are_apart(branched(), "dense");
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
    limn_graph *g = nets_begin((limn_shape)PICTURE(1, 14, 14));
    limn_op_attr c3 = CONV(16, 1, WINDOW(3, 3, 1, 1, 1, 1)), c1 = CONV(48, 1, WINDOW(1, 1, 1, 1, 1, 1)),
                 same = CONV(48, 1, WINDOW(3, 3, 1, 1, 1, 1), .same = 1);
    nets_add(g, "conv1", LIMN_OP_CONV2D, c3);
    nets_add(g, "conv2", LIMN_OP_CONV2D, c1);
    nets_add(g, "conv3", LIMN_OP_CONV2D, same); /* Winograd's, where that is asked for */
    nets_add(g, NULL, LIMN_OP_RELU, NONE);
    nets_add(g, "flatten", LIMN_OP_FLATTEN, (limn_op_attr){.hwc = 1});
    nets_add(g, "dense1", LIMN_OP_DENSE, (limn_op_attr){.units = 64}); /* 6,912 inputs */
    nets_add(g, "dense2", LIMN_OP_DENSE, (limn_op_attr){.units = 10});
    return g;
}

static void hold_bits(limn_backend backend) {
    static const int counts[] = {1, 2, 3, 8, 16};
    limn_graph *g = wide();
    uint64_t first[CHUNKS] = {0};
    int was = omp_get_max_threads();
    for (size_t t = 0; t < COUNT_OF(counts); t++) {
        crowd c = {.from = g->n_layers - 1};
        limn_net *net;
        omp_set_num_threads(counts[t]); /* what oneDNN would see if nobody minded */
        assert_int_equal(limn_net_new(&net, g, backend), LIMN_OK);
        assert_int_equal(omp_get_max_threads(), counts[t]); /* the caller's setting is put back */
        for (int w = 0; w < counts[t]; w++) assert_int_equal(limn_session_new(&c.session[w], net), LIMN_OK);
        size_t B = limn_net_chunk(net), nx = CHUNKS * B * 196;
        float *x = nets_floats(nx), *seed = nets_floats(B * 10);
        nets_fill(x, nx, 1, 5);
        nets_fill(seed, B * 10, 1, 6);
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

static void threads_and_workers_change_no_bit(void **state) {
    (void)state;
    hold_bits(LIMN_BACKEND_AUTO);
    hold_bits(LIMN_BACKEND_WINOGRAD);
}

static void chunks_depend_on_the_graph_alone(void **state) {
    (void)state;
    static const struct { size_t side, B; } want[] = {{8, 16}, {1000, 16}, {1500, 8}, {4000, 4}, {9000, 1}};
    for (size_t k = 0; k < COUNT_OF(want); k++) {
        limn_graph *g = nets_begin((limn_shape)PICTURE(1, want[k].side, want[k].side));
        limn_net *net;
        nets_add(g, "same", LIMN_OP_IDENTITY, NONE);
        assert_int_equal(limn_net_new(&net, g, LIMN_BACKEND_REF), LIMN_OK);
        assert_int_equal(limn_net_chunk(net), want[k].B);
        limn_net_free(net);
        graph_free(g);
    }
}

/* ---- the self-test ----------------------------------------------------------------------------------------------- */
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
    nets_engine r = nets_open(g, LIMN_BACKEND_REF);
    size_t nx = r.d->B * limn_shape_size(&r.d->input);
    float *x = nets_floats(nx), *seed = nets_floats(r.d->B * 10);
    int from = graph_find_layer(g, "dense2");
    nets_fill(x, nx, 1, 5);
    nets_fill(seed, r.d->B * 10, 1, 6);
    nets_forward(r.d, x);
    float *want = nets_value(r.d, from), *gwant = nets_vjp(r.d, from, seed, LIMN_RULE_GRADIENT, LIMN_INPUT);
    for (spoil s = {.node = 1}; s.node < g->n_nodes; s.node++)
        for (s.backward = 0; s.backward < 2; s.backward++) {
            nets_engine e = nets_open_tampered(g, LIMN_BACKEND_AUTO, spoil_node, &s);
            if (limn_net_fallbacks(e.net) != 1)
                fail_msg("node %d (%s), backward %d: %d fallbacks", s.node, limn_op_table[g->node[s.node].op].name,
                         s.backward, limn_net_fallbacks(e.net));
            for (int k = 1; k < g->n_nodes; k++)
                assert_int_equal(strcmp(limn_net_backend(e.net, k), "ref") == 0, k == s.node);
            nets_forward(e.d, x);
            float *got = nets_value(e.d, from), *ggot = nets_vjp(e.d, from, seed, LIMN_RULE_GRADIENT, LIMN_INPUT);
            close_to(got, want, e.d->B * 10, "scores, ref node", s.node);
            close_to(ggot, gwant, nx, "gradient, ref node", s.node);
            free(got);
            free(ggot);
            nets_close(&e);
        }
    free(want);
    free(gwant);
    free(seed);
    free(x);
    nets_close(&r);
    graph_free(g);
}

static void spoil_two(void *ctx, int node, int backward, float *out, size_t n) {
    const int *two = ctx;
    for (size_t i = 0; i < n && !backward && (node == two[0] || node == two[1]); i++) out[i] += 1;
}

/* The pooling on _ref reads its input again on the way back, when the last convolution's input lies in its place. */
static void several_nodes_go_to_ref(void **state) {
    (void)state;
    limn_graph *g = nets_begin((limn_shape)PICTURE(3, 15, 16));
    limn_op_attr conv = CONV(17, 1, WINDOW(3, 3, 1, 1, 1, 1)), pool = CONV(0, 1, WINDOW(2, 2, 2, 2, 1, 1));
    int two[2];
    nets_add(g, "conv1", LIMN_OP_CONV2D, conv);
    two[0] = nets_add(g, "pool", LIMN_OP_MAXPOOL, pool);
    nets_add(g, "conv2", LIMN_OP_CONV2D, conv);
    two[1] = nets_add(g, "conv3", LIMN_OP_CONV2D, conv);
    nets_engine a = nets_open_tampered(g, LIMN_BACKEND_AUTO, spoil_two, two), r = nets_open(g, LIMN_BACKEND_REF);
    size_t nx = a.d->B * limn_shape_size(&a.d->input), n = a.d->B * limn_shape_size(&a.d->layer[3].out);
    float *x = nets_floats(nx), *seed = nets_floats(n);
    nets_fill(x, nx, 1, 5);
    nets_fill(seed, n, 1, 6);
    assert_int_equal(limn_net_fallbacks(a.net), 2);
    nets_forward(a.d, x);
    nets_forward(r.d, x);
    float *ga = nets_vjp(a.d, 3, seed, LIMN_RULE_GRADIENT, LIMN_INPUT),
          *gr = nets_vjp(r.d, 3, seed, LIMN_RULE_GRADIENT, LIMN_INPUT);
    close_to(ga, gr, nx, "gradient from layer", 3);
    free(ga);
    free(gr);
    free(seed);
    free(x);
    nets_close(&a);
    nets_close(&r);
    graph_free(g);
}

static void spoil_all(void *ctx, int node, int backward, float *out, size_t n) {
    (void)ctx, (void)node, (void)backward;
    for (size_t i = 0; i < n; i++) out[i] = NAN;
}

static void all_nodes_can_go_to_ref(void **state) {
    (void)state;
    limn_graph *g = whole();
    nets_engine e = nets_open_tampered(g, LIMN_BACKEND_AUTO, spoil_all, NULL);
    assert_int_equal(limn_net_fallbacks(e.net), g->n_nodes - 1);
    nets_close(&e);
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
    assert_non_null(strstr(text, limn_engine_isa()));
    assert_true(limn_engine_version()[0] >= '2' && limn_engine_version()[0] <= '9');
    assert_non_null(strstr(text, "oneDNN"));
    assert_non_null(strstr(text, "every op agrees with float64"));
    assert_int_equal(limn_engine_doctor(refuse, NULL), LIMN_EFAIL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_nets_agree_between_every_two_layers),
        cmocka_unit_test(branched_nets_agree_between_every_two_layers),
        cmocka_unit_test(gradients_of_branches_add_up),
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
