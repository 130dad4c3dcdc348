/* What the programs' maps are made of (../shared/goldens/cnn): weights of CAMs, completeness gaps, scores; and where a
 * program is less exact than its own formula, our maps against the formula in float64. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "tests/lib/example.h"
#include "tests/lib/explain.h"

/* Completeness gaps are differences of numbers of about 10: in shares of f(x) - f(0). */
#define GAPS 1e-5
/* Of float32 maps against float64 sums of the same activations and gradients. */
#define FORMULA 1e-5

enum { R = FIDELITY_ROWS, PIXELS = 784, CLASSES = 10, CHANNELS = 64, GRID = 24 * 24 };

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

static float *floats(size_t n) {
    float *p;
    must(limn_new(&p, n, sizeof *p));
    return p;
}

/* Of all pairs: maps (R, n), the layer's output and its gradient (R, layer's size), scores (R), the method's residual. */
typedef struct {
    float *map, *value, *grad;
    float score[R], residual[R];
    size_t n, size;
} pairs;

static pairs explain_pairs(const example *e, const char *method, const char *flavour, const char *options,
                           const char *layer) {
    const limn_diff *d = e->net[ON_LOGITS].d;
    const size_t B = d->B;
    int l;
    must(limn_diff_find(&l, d, layer));
    pairs p = {.size = limn_shape_size(&d->layer[l].out)};
    float *x = floats(B * PIXELS), *seed = floats(B * CLASSES), *scores = floats(B * CLASSES), *gap = floats(B);
    float *chunk = floats(B * p.size);
    p.value = floats(R * p.size), p.grad = floats(R * p.size);
    for (size_t first = 0; first < R; first += B) {
        limn_shape s;
        size_t n = example_forward(e, d, first, x, seed);
        must(d->value(d->ctx, d->n_layers - 1, scores));
        for (size_t b = 0; b < n; b++) p.score[first + b] = scores[b * CLASSES + (size_t)e->target[first + b]];
        must(d->value(d->ctx, l, chunk));
        memcpy(p.value + first * p.size, chunk, n * p.size * sizeof *chunk);
        must(d->vjp(d->ctx, d->n_layers - 1, seed, LIMN_RULE_GRADIENT, l, chunk));
        memcpy(p.grad + first * p.size, chunk, n * p.size * sizeof *chunk);
        const limn_attribute_job job = {.diff = d, .x = x, .seed = seed, .residual = gap};
        float *map = explain_job(method, flavour, options, &job, &s);
        if (!map) fail_msg("%s: %s", method, limn_message());
        p.n = limn_shape_size(&s);
        if (!p.map) p.map = floats(R * p.n);
        memcpy(p.map + first * p.n, map, n * p.n * sizeof *map);
        memcpy(p.residual + first, gap, n * sizeof *gap);
        free(map);
    }
    free(x), free(seed), free(scores), free(gap), free(chunk);
    return p;
}

static void pairs_free(pairs *p) {
    free(p->map), free(p->value), free(p->grad);
}

/* a (n) -> a - min over max - min. */
static void min_max(double *a, size_t n) {
    double low = a[0], high = a[0];
    for (size_t i = 1; i < n; i++) low = fmin(low, a[i]), high = fmax(high, a[i]);
    for (size_t i = 0; high > low && i < n; i++) a[i] = (a[i] - low) / (high - low);
}

/* out (n) = sum_c w_c A_c. */
static void weighted(const double *w, const float *A, size_t C, size_t n, double *out) {
    memset(out, 0, n * sizeof *out);
    for (size_t c = 0; c < C; c++)
        for (size_t i = 0; i < n; i++) out[i] += w[c] * A[c * n + i];
}

/* A program's weights on our activations are our map: up to its scale for Score-CAM, whose raw map no option gives. */
static void weights_make_our_maps(void **state) {
    (void)state;
    static const struct {
        const char *member, *method, *flavour;
        int scaled;
    } of[] = {{"GradCAM_weights", "gradcam", "limn", 0},
              {"GradCAMPlusPlus_weights", "gradcam++", "limn", 0},
              {"XGradCAM_weights", "xgradcam", "limn", 0},
              {"ScoreCAM_weights", "scorecam", "pytorch-grad-cam", 1},
              {"AblationCAM_weights", "ablationcam", "limn", 0}};
    example e;
    int bad = 0;
    example_open(&e);
    for (size_t k = 0; k < COUNT_OF(of); k++) {
        size_t count;
        float *golden = fidelity_floats("gradcam.npz", of[k].member, &count);
        pairs p = explain_pairs(&e, of[k].method, of[k].flavour, "size=layer relu=false", "conv2d_2");
        record r = {.file = "gradcam.npz", .member = of[k].member, .what = of[k].method, .limit = RECORD_CAM};
        assert_int_equal(count, R * CHANNELS);
        assert_int_equal(p.n, GRID);
        for (size_t row = 0; row < R; row++) {
            double w[CHANNELS], theirs[GRID], ours[GRID];
            for (size_t c = 0; c < CHANNELS; c++) w[c] = golden[row * CHANNELS + c];
            weighted(w, p.value + row * p.size, CHANNELS, GRID, theirs);
            for (size_t i = 0; i < GRID; i++) ours[i] = p.map[row * GRID + i];
            if (of[k].scaled) min_max(theirs, GRID), min_max(ours, GRID);
            record_values(&r, ours, theirs, GRID);
        }
        bad += record_failed(&r);
        free(golden);
        pairs_free(&p);
    }
    example_close(&e);
    assert_int_equal(bad, 0);
}

static void gaps_and_scores_are_captums(void **state) {
    (void)state;
    static const struct {
        const char *member, *method, *flavour;
    } of[] = {{"integrated_gradients_50_gausslegendre_delta", "integrated-gradients", "captum"},
              {"integrated_gradients_20_riemann_right_delta", "integrated-gradients", "zennit"},
              {"deeplift_delta", "deeplift", "captum"}};
    example e;
    int bad = 0;
    size_t count;
    example_open(&e);
    const limn_diff *d = e.net[ON_LOGITS].d;
    float *score = fidelity_floats("captum.npz", "logit_of_target", &count),
          *zero = fidelity_floats("captum.npz", "logit_of_target_at_zero", &count), *x = floats(d->B * PIXELS),
          *scores = floats(d->B * CLASSES);
    record at = {.file = "captum.npz", .member = "logit_of_target", .what = "the engine", .limit = RECORD_GRADIENT},
           at_zero = {.file = "captum.npz", .member = "logit_of_target_at_zero", .what = "the engine", .limit = 1e-5};
    for (size_t k = 0; k < COUNT_OF(of); k++) {
        float *delta = fidelity_floats("captum.npz", of[k].member, &count);
        pairs p = explain_pairs(&e, of[k].method, of[k].flavour, "", "conv2d_2");
        record r = {.file = "captum.npz", .member = of[k].member, .what = "completeness_gap", .limit = GAPS};
        for (size_t row = 0; row < R; row++)
            record_difference(&r, fabs(p.residual[row] - fabs(delta[row] / ((double)score[row] - zero[row]))));
        for (size_t row = 0; k == 0 && row < R; row++) record_map(&at, &p.score[row], &score[row], 1);
        bad += record_failed(&r);
        free(delta);
        pairs_free(&p);
    }
    must(d->forward(d->ctx, x));
    must(d->value(d->ctx, d->n_layers - 1, scores));
    for (size_t row = 0; row < R; row++) record_map(&at_zero, &scores[e.target[row]], &zero[row], 1);
    bad += record_failed(&at) + record_failed(&at_zero);
    free(score), free(zero), free(x), free(scores);
    example_close(&e);
    assert_int_equal(bad, 0);
}

/* tf-keras-vis's weight of a channel, in float64: alpha = g^2 / (2 g^2 + g^3 sum A), 1 where nothing is below the line
 * but alpha's own 0; scaled to sum 1; w = sum alpha max(g, 0). */
static double plusplus(const float *A, const float *G, size_t n) {
    double total = 0, alphas = 0, w = 0;
    for (size_t i = 0; i < n; i++) total += A[i];
    for (size_t i = 0; i < n; i++) {
        double g = G[i], below = 2 * g * g + g * g * g * total, alpha = g * g / (below == 0 ? 1 : below);
        alphas += alpha;
        w += g > 0 ? alpha * g : 0;
    }
    return w / (alphas == 0 ? 1 : alphas);
}

static void plusplus_is_its_formula(void **state) {
    (void)state;
    static const struct {
        const char *layer, *options;
        size_t channels;
    } of[] = {{"conv2d_1", "size=layer layer=conv2d_1", 32}, {"conv2d_2", "size=layer layer=conv2d_2", 64}};
    example e;
    example_open(&e);
    for (size_t k = 0; k < COUNT_OF(of); k++) {
        pairs p = explain_pairs(&e, "gradcam++", "tf-keras-vis", of[k].options, of[k].layer);
        record r = {.file = "formula", .member = of[k].layer, .what = "gradcam++ in float64", .limit = FORMULA};
        for (size_t row = 0; row < R; row++) {
            double w[CHANNELS], want[26 * 26], ours[26 * 26];
            const float *A = p.value + row * p.size, *G = p.grad + row * p.size;
            for (size_t c = 0; c < of[k].channels; c++) w[c] = plusplus(A + c * p.n, G + c * p.n, p.n);
            weighted(w, A, of[k].channels, p.n, want);
            for (size_t i = 0; i < p.n; i++) want[i] = fmax(want[i], 0), ours[i] = p.map[row * p.n + i];
            min_max(want, p.n), min_max(ours, p.n);
            record_values(&r, ours, want, p.n);
        }
        assert_int_equal(record_failed(&r), 0);
        pairs_free(&p);
    }
    example_close(&e);
}

/* Eigen-CAM's columns are centred, so that a map's sum says nothing of its sign: ours is positive where it is largest. */
static void eigencams_have_a_sign(void **state) {
    (void)state;
    static const char *const method[] = {"eigencam", "eigengradcam"};
    example e;
    example_open(&e);
    for (int k = 0; k < 2; k++) {
        pairs p = explain_pairs(&e, method[k], "limn", "size=layer relu=false", "conv2d_2");
        for (size_t row = 0; row < R; row++) {
            double low = 0, high = 0, sum = 0;
            for (size_t i = 0; i < p.n; i++) {
                double v = p.map[row * p.n + i];
                low = fmin(low, v), high = fmax(high, v), sum += v;
            }
            assert_true(high >= -low);
            assert_true(fabs(sum) <= FORMULA * (double)p.n * high);
        }
        pairs_free(&p);
    }
    example_close(&e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_make_our_maps), cmocka_unit_test(gaps_and_scores_are_captums),
        cmocka_unit_test(plusplus_is_its_formula), cmocka_unit_test(eigencams_have_a_sign)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
