/* Options, sentences, progress of limn_embed, and figures whose values are plain. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/try.h"
#include "embed/embed.h"
#include "embed/tsne.h"
#include "quality/quality.h"

enum { N = 60, D = 5 };
static float X[N * D];

static int setup(void **state) {
    (void)state;
    limn_rng r = limn_rng_stream(1, LIMN_RNG_TEST, 0);
    for (size_t i = 0; i < N * D; i++) X[i] = (float)limn_rng_normal(&r);
    return 0;
}

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

static void refused(const limn_embed_options *o, size_t n, size_t dims, const char *sentence) {
    assert_int_equal(limn_embed_check(o, n, dims), LIMN_EINPUT);
    assert_string_equal(limn_message(), sentence);
}

static void options_out_of_range_are_sentences(void **state) {
    (void)state;
    limn_embed_options good, o;
    limn_embed_defaults(&good);
    must(limn_embed_check(&good, 100, 5));
#define BAD(change, n, dims, sentence)                                                                                 \
    do {                                                                                                               \
        o = good;                                                                                                      \
        change;                                                                                                        \
        refused(&o, n, dims, sentence);                                                                                \
    } while (0)
    BAD((void)0, 31, 5, "perplexity 30 is too large for 31 vectors: it must be below n - 1 = 30");
    BAD(o.perplexity = 99, 100, 5, "perplexity 99 is too large for 100 vectors: it must be below n - 1 = 99");
    BAD(o.perplexity = 0.5, 100, 5, "perplexity 0.5 is too small: it must be at least 1");
    BAD(o.perplexity = NAN, 100, 5, "perplexity nan is too small: it must be at least 1");
    BAD(o.perplexity = 1, 2, 5, "t-SNE needs at least 3 vectors, here are 2: perplexity must be below n - 1");
    BAD(o.theta = -0.1, 100, 5, "theta -0.1 is out of range: it must lie in [0, 1]");
    BAD(o.force_error = 1.5, 100, 5, "force_error 1.5 is out of range: it must lie in [0, 1]");
    BAD(o.recall = 0.4, 100, 5, "recall 0.4 is out of range: it must lie in [0.5, 1]");
    BAD(o.metric = 9, 100, 5, "there is no metric number 9");
    BAD(o.theta = NAN, 100, 5, "theta nan is out of range: it must lie in [0, 1]");
    BAD(o.exaggeration = 0.5, 100, 5, "exaggeration 0.5 is out of range: it must lie in [1, 1000]");
    BAD(o.iterations = 0, 100, 5, "iterations 0 is out of range: it must lie in [1, 1e+06]");
    BAD(o.early = -1, 100, 5, "early -1 is out of range: it must lie in [0, 1e+06]");
    BAD(o.learning_rate = INFINITY, 100, 5, "learning_rate inf is out of range: it must lie in [0, 1e+12]");
    BAD(o.momentum = 1, 100, 5, "momentum 1 is out of range: it must lie in [0, 0.999]");
    BAD(o.trace_every = 0, 100, 5, "trace_every 0 is out of range: it must lie in [1, 1e+06]");
    BAD(o.dims = 4, 100, 5, "a map has 1, 2 or 3 dimensions, not 4");
    BAD(o.alpha = 0, 100, 5, "alpha 0 is out of range: it must be above 0, and at most 1000");
    BAD((o.dims = 3, o.engine = LIMN_TSNE_FFT), 100, 5,
        "the fft and hybrid engines make maps of 1 or 2 dimensions, not of 3: take barnes-hut or exact");
    BAD((o.n_scales = 1, o.scale[0] = 99), 100, 5,
        "perplexity 99 is out of range for 100 vectors: from 1 to below n - 1 = 99");
    BAD(o.init = LIMN_INIT_GIVEN, 100, 5, "the start is to be given, but there is none");
    BAD(o.pca = -1, 100, 5, "pca -1 is out of range: it must be 0 (off) or a number of dimensions");
    BAD((void)0, 0, 5, "there is nothing to embed: 0 vectors of 5 dimensions");
    BAD((void)0, 5, 0, "there is nothing to embed: 5 vectors of 0 dimensions");
    BAD((o.method = LIMN_EMBED_PCA, o.dims = 3), 5, 2,
        "a PCA map of 3 dimensions needs vectors of at least as many, here are 2");
#undef BAD
    o = good;
    o.method = LIMN_EMBED_PCA;
    must(limn_embed_check(&o, 1, 2)); /* perplexity doesn't matter */
}

static void values_that_are_not_finite_are_named(void **state) {
    (void)state;
    float bad[N * D];
    limn_embed_options o;
    limn_embedding *e = (limn_embedding *)1;
    limn_embed_defaults(&o);
    o.perplexity = 10;
    memcpy(bad, X, sizeof bad);
    bad[7 * D + 3] = NAN;
    assert_int_equal(limn_embed(&e, bad, N, D, &o, NULL, NULL), LIMN_EFAIL);
    assert_string_equal(limn_message(), "vector 7 holds NaN at component 3: all values must be finite");
    assert_null(e);
    bad[7 * D + 3] = -INFINITY;
    o.method = LIMN_EMBED_PCA;
    assert_int_equal(limn_embed(&e, bad, N, D, &o, NULL, NULL), LIMN_EFAIL);
    assert_string_equal(limn_message(), "vector 7 holds an infinity at component 3: all values must be finite");
}

static void a_transform_s_options_are_checked_too(void **state) {
    (void)state;
    limn_transform_options good, o;
    float out[2 * N], Y[2 * N] = {0}, bad[N * D];
    limn_transform_defaults(&good);
#define BAD(change, m, n, dims, sentence)                                                                              \
    do {                                                                                                               \
        o = good;                                                                                                      \
        change;                                                                                                        \
        assert_int_equal(limn_transform(out, X, m, X, n, D, Y, dims, &o, NULL, NULL), LIMN_EINPUT);                    \
        assert_string_equal(limn_message(), sentence);                                                                 \
    } while (0)
    BAD((void)0, 0, N, 2, "0 new vectors of 5 dimensions have no place in a map of 60 points");
    BAD((void)0, 4, N, 4, "a map has 1, 2 or 3 dimensions, not 4");
    BAD((void)0, 4, 5, 2, "perplexity 5 is out of range: from 1 to below the 5 points of the map");
    BAD(o.alpha = NAN, 4, N, 2, "alpha nan is out of range: it must be above 0, and at most 1000");
    BAD(o.pca = -2, 4, N, 2, "pca -2 is out of range: it must be 0 (off) or a number of dimensions");
    BAD(o.iterations = -1, 4, N, 2, "iterations -1 is out of range: it must lie in [0, 1e+06]");
    BAD(o.momentum = 1, 4, N, 2, "momentum 1 is out of range: it must lie in [0, 0.999]");
    BAD(o.rate = 0, 4, N, 2, "rate 0 is out of range: it must lie in [1e-12, 1e+12]");
    BAD(o.longest = NAN, 4, N, 2, "longest nan is out of range: it must lie in [1e-12, 1e+12]");
    BAD(o.exaggeration = 0, 4, N, 2, "exaggeration 0 is out of range: it must lie in [1e-09, 1000]");
#undef BAD
    memcpy(bad, X, sizeof bad);
    bad[3 * D + 2] = INFINITY;
    assert_int_equal(limn_transform(out, bad, N, X, N, D, Y, 2, &good, NULL, NULL), LIMN_EFAIL);
    assert_string_equal(limn_message(), "new vector 3 holds an infinity at component 2: all values must be finite");
}

typedef struct {
    size_t calls, stop_at;
    size_t last;
} listener;

static int listen(void *ctx, const limn_progress *p) {
    listener *l = ctx;
    if (strcmp(p->stage, "map") != 0) return 0;
    assert_true(p->done >= l->last && p->done <= p->total);
    l->last = p->done;
    return ++l->calls == l->stop_at;
}

static void progress_is_told_and_can_stop(void **state) {
    (void)state;
    limn_embed_options o;
    limn_embedding *e;
    listener all = {0}, some = {.stop_at = 3};
    limn_embed_defaults(&o);
    o.perplexity = 10;
    o.iterations = 95;
    must(limn_embed(&e, X, N, D, &o, listen, &all));
    assert_int_equal(all.calls, 11); /* 0, 10, … 90, and the end */
    assert_int_equal(all.last, 95);
    assert_int_equal(e->n_trace, 2);
    assert_int_equal(e->trace[0].iteration, 50);
    assert_int_equal(e->trace[1].iteration, 95);
    assert_true(e->trace[1].kl == e->kl);
    limn_embedding_free(e);
    assert_int_equal(limn_embed(&e, X, N, D, &o, listen, &some), LIMN_EINTERRUPTED);
    assert_string_equal(limn_message(), "stopped at iteration 20 of 95");
    assert_null(e);
}

static void seeds_matter_and_repeat(void **state) {
    (void)state;
    limn_embed_options o;
    limn_embedding *a, *b, *c;
    limn_embed_defaults(&o);
    o.perplexity = 10;
    o.iterations = 30;
    must(limn_embed(&a, X, N, D, &o, NULL, NULL));
    must(limn_embed(&b, X, N, D, &o, NULL, NULL));
    o.seed = 2;
    must(limn_embed(&c, X, N, D, &o, NULL, NULL));
    assert_memory_equal(a->Y, b->Y, N * 2 * sizeof(float));
    assert_memory_not_equal(a->Y, c->Y, N * 2 * sizeof(float));
    limn_embedding_free(a);
    limn_embedding_free(b);
    limn_embedding_free(c);
}

static void seeds_share_their_neighbours_and_nothing_else(void **state) {
    (void)state;
    static const uint64_t seed[3] = {5, 1, 9};
    limn_embed_options o;
    limn_embedding *all[3], *one;
    listener stop = {.stop_at = 5};
    limn_embed_defaults(&o);
    o.perplexity = 10;
    o.iterations = 120;
    o.pca = 3;
    must(limn_embed_seeds(all, seed, 3, X, N, D, &o, NULL, NULL));
    for (int i = 0; i < 3; i++) {
        o.seed = seed[i];
        must(limn_embed(&one, X, N, D, &o, NULL, NULL));
        assert_memory_equal(all[i]->Y, one->Y, N * 2 * sizeof(float));
        assert_true(all[i]->kl == one->kl && all[i]->k == one->k && all[i]->n_trace == one->n_trace);
        assert_true(all[i]->n_explained == 3 && all[i]->explained[2] == one->explained[2]);
        assert_memory_equal(all[i]->neighbour, one->neighbour, N * one->k * sizeof(uint32_t));
        assert_memory_equal(all[i]->distance, one->distance, N * one->k * sizeof(float));
        limn_embedding_free(one);
        limn_embedding_free(all[i]);
    }
    assert_int_equal(limn_embed_seeds(all, seed, 0, X, N, D, &o, NULL, NULL), LIMN_EINPUT);
    assert_int_equal(limn_embed_seeds(all, seed, 3, X, N, D, &o, listen, &stop), LIMN_EINTERRUPTED);
    for (int i = 0; i < 3; i++) assert_null(all[i]);
}

static void pca_explains_all_of_what_it_spans(void **state) {
    (void)state;
    float flat[N * D];
    limn_embed_options o;
    limn_embedding *e;
    for (size_t i = 0; i < N; i++)
        for (size_t c = 0; c < D; c++) flat[i * D + c] = c == 1 ? X[i * D] : c == 4 ? -2 * X[i * D + 1] : 3;
    limn_embed_defaults(&o);
    o.method = LIMN_EMBED_PCA;
    must(limn_embed(&e, flat, N, D, &o, NULL, NULL));
    assert_int_equal(e->n_explained, 2);
    assert_true(fabs(e->explained[0] + e->explained[1] - 1) < 1e-12);
    assert_true(e->explained[0] > e->explained[1]);
    /* two points lie as far apart in the map as in the five dimensions */
    double far = hypot((double)flat[1] - (double)flat[D + 1], (double)flat[4] - (double)flat[D + 4]);
    assert_true(fabs(hypot((double)e->Y[0] - (double)e->Y[2], (double)e->Y[1] - (double)e->Y[3]) - far) < 1e-5);
    assert_null(e->neighbour);
    assert_true(isnan(e->kl));
    limn_embedding_free(e);
}

/* One step by hand. Point 0: gradient and update of the same sign in x, opposite in y. Point 1: a step that is cut. */
static void a_step_is_as_by_hand(void **state) {
    (void)state;
    tsne_state s;
    tsne_rates r = {.exaggeration = 2, .rate = 10, .momentum = 0.5};
    const double attraction[4] = {0.1, 0.1, 30, 40}, repulsion[4] = {0.4, 0.4, 0, 0}, Z = 4; /* g = 0.1, 0.1, 60, 80 */
    must(tsne_state_new(&s, 2, 2, 1));
    const double Y[4] = {1, 2, 3, 4}, update[4] = {0.2, -0.2, 0, 0}, gain[4] = {0.0101, 1, 1, 1};
    memcpy(s.Y, Y, sizeof Y);
    memcpy(s.update, update, sizeof update);
    memcpy(s.gain, gain, sizeof gain);
    tsne_step(&s, attraction, repulsion, Z, &r);
    /* 0.8 x 0.0101 is below the floor of 0.01; 1 + 0.2; two first steps, 1.2 each */
    const double want_gain[4] = {0.01, 1.2, 1.2, 1.2};
    /* 0.5 x 0.2 - 10 x 0.01 x 0.1; 0.5 x -0.2 - 10 x 1.2 x 0.1; (-720, -960) cut to length 5 */
    const double want_update[4] = {0.09, -1.3, -3, -4};
    double mean[2] = {0};
    for (int i = 0; i < 4; i++) {
        assert_true(fabs(s.gain[i] - want_gain[i]) < 1e-14);
        assert_true(fabs(s.update[i] - want_update[i]) < 1e-12);
        mean[i % 2] += (Y[i] + want_update[i]) / 2;
    }
    for (int i = 0; i < 4; i++) assert_true(fabs(s.Y[i] - (Y[i] + want_update[i] - mean[i % 2])) < 1e-12);
    tsne_state_clear(&s);
}

static void rates_follow_the_exaggeration(void **state) {
    (void)state;
    limn_embed_options o;
    limn_embed_defaults(&o);
    tsne_rates early = tsne_rates_at(&o, 12000, 249), late = tsne_rates_at(&o, 12000, 250);
    assert_true(early.exaggeration == 12 && early.rate == 1000 && early.momentum == 0.8);
    assert_true(late.exaggeration == 1 && late.rate == 12000);
    assert_true(tsne_rates_at(&o, 400, 0).rate == 50); /* never below */
    o.learning_rate = 7;
    assert_true(tsne_rates_at(&o, 12000, 0).rate == 7);
}

/* ---- quality ----------------------------------------------------------------------------------------------------- */

static double figure(const limn_quality *q, size_t rows, const char *metric, int k) {
    for (size_t i = 0; i < rows; i++)
        if (strcmp(q[i].metric, metric) == 0 && q[i].k == k) return q[i].value;
    return NAN;
}

static void a_map_of_itself_is_perfect(void **state) {
    (void)state;
    limn_quality q[16];
    size_t rows;
    float Y[N * 2];
    int labels[N];
    for (size_t i = 0; i < N * 2; i++) Y[i] = X[i];
    for (int i = 0; i < N; i++) labels[i] = Y[2 * i] > 0; /* left and right */
    must(limn_embed_quality(q, 16, &rows, Y, N, 2, Y, 2, labels, 1, 1));
    assert_true(figure(q, rows, "trustworthiness", 5) == 1);
    assert_true(figure(q, rows, "continuity", 12) == 1);
    assert_true(isnan(figure(q, rows, "trustworthiness", 30))); /* k is not below n/2 */
    assert_true(figure(q, rows, "knn_recall", 10) == 1);
    assert_true(fabs(figure(q, rows, "cpd", 0) - 1) < 1e-12);
    assert_true(isnan(figure(q, rows, "knc", 0))); /* two classes */
    assert_true(figure(q, rows, "label_accuracy", 10) > 0.8);
    must(limn_embed_quality(q, 3, &rows, Y, N, 2, Y, 2, NULL, 1, 1));
    assert_int_equal(rows, 3);
}

static void silhouette_is_as_by_hand(void **state) {
    (void)state;
    /* on a line: class 0 at 0, 1; class 1 at 10, 12; one point without a label, one alone in its class */
    double y[6] = {0, 1, 10, 12, 500, 30};
    int labels[6] = {0, 0, 1, 1, -1, 2};
    uint32_t all[6] = {0, 1, 2, 3, 4, 5};
    quality_map map;
    quality_labelled q;
    must(quality_map_new(&map, NULL, y, 6, 1));
    must(quality_labels(&q, &map, labels, all, 6, 2));
    quality_map_clear(&map);
    /* a, b: (1, 11), (1, 10), (2, 9.5), (2, 11.5); and 0 for the lone one */
    double want = ((11 - 1) / 11.0 + (10 - 1) / 10.0 + (9.5 - 2) / 9.5 + (11.5 - 2) / 11.5 + 0) / 5;
    assert_int_equal(q.labelled, 5);
    assert_true(fabs(q.silhouette - want) < 1e-14);
    assert_true(isnan(q.label_accuracy)); /* fewer than 11 points */
}

static void a_sample_estimates_the_whole(void **state) {
    (void)state;
    enum { MANY = 3000 };
    double *x = malloc(MANY * 4 * sizeof *x), *y = malloc(MANY * 2 * sizeof *y);
    uint32_t *point = malloc(MANY * sizeof *point);
    limn_rng r = limn_rng_stream(2, LIMN_RNG_TEST, 0);
    for (size_t i = 0; i < MANY; i++) {
        for (size_t c = 0; c < 4; c++) x[4 * i + c] = limn_rng_normal(&r);
        for (size_t c = 0; c < 2; c++) y[2 * i + c] = x[4 * i + c] + 0.3 * limn_rng_normal(&r);
    }
    embed_rows rx = {.n = MANY, .D = 4, .d = x};
    quality_map map;
    quality_local all, some;
    must(quality_map_new(&map, NULL, y, MANY, 2));
    must(quality_subset(point, MANY, MANY, 1, 0));
    must(quality_neighbourhoods(&all, &rx, &map, point, MANY, 2));
    must(quality_subset(point, 600, MANY, 1, 0));
    for (size_t i = 1; i < 600; i++) assert_true(point[i] > point[i - 1]);
    must(quality_neighbourhoods(&some, &rx, &map, point, 600, 2));
    /* 600 of 3,000 rows: about 1 % */
    assert_true(fabs(some.trustworthiness[1] - all.trustworthiness[1]) < 0.02);
    assert_true(fabs(some.continuity[1] - all.continuity[1]) < 0.02);
    assert_true(fabs(some.knn_recall - all.knn_recall) < 0.02);
    quality_map_clear(&map);
    assert_true(all.trustworthiness[1] > 0.6 && all.trustworthiness[1] < 0.95);
    free(x);
    free(y);
    free(point);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_out_of_range_are_sentences),
        cmocka_unit_test(a_transform_s_options_are_checked_too),
        cmocka_unit_test(values_that_are_not_finite_are_named),
        cmocka_unit_test(progress_is_told_and_can_stop),
        cmocka_unit_test(seeds_matter_and_repeat),
        cmocka_unit_test(seeds_share_their_neighbours_and_nothing_else),
        cmocka_unit_test(pca_explains_all_of_what_it_spans),
        cmocka_unit_test(a_step_is_as_by_hand),
        cmocka_unit_test(rates_follow_the_exaggeration),
        cmocka_unit_test(a_map_of_itself_is_perfect),
        cmocka_unit_test(silhouette_is_as_by_hand),
        cmocka_unit_test(a_sample_estimates_the_whole),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
