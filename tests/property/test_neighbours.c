/* Neighbours: nearly exact ones, other metrics, and maps of distances or neighbours that are given. */
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
#include "embed/affinities.h"
#include "embed/embed.h"

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

static float *clusters(size_t n, size_t D, size_t groups, uint64_t key) {
    float *X = malloc(n * D * sizeof *X);
    for (size_t i = 0; i < n; i++) {
        limn_rng centre = limn_rng_stream(key, LIMN_RNG_TEST, i % groups);
        limn_rng noise = limn_rng_stream(key, LIMN_RNG_TEST, 1000 + i);
        for (size_t c = 0; c < D; c++) X[i * D + c] = (float)(2 * limn_rng_normal(&centre) + limn_rng_normal(&noise));
    }
    return X;
}

/* ---- nearly exact ------------------------------------------------------------------------------------------------- */

static double recall_of(const embed_knn *got, const embed_knn *want) {
    size_t found = 0, k = want->k;
    for (size_t i = 0; i < want->n; i++)
        for (size_t j = 0; j < k; j++) found += got->sqdist[i * k + j] <= want->sqdist[i * k + k - 1];
    return (double)found / (double)(want->n * k);
}

/* The recall asked for is reached over all rows, what is reported is near it, and threads change nothing. */
static void recall_is_what_is_said(void **state) {
    (void)state;
    enum { N = 12000, D = 8, K = 15 };
    static const double wanted[] = {0.8, 0.99};
    float *X = clusters(N, D, 9, 1);
    embed_rows x = {.n = N, .D = D, .f = X};
    embed_knn exact, near, again;
    must(embed_knn_exact(&exact, &x, K, 2, NULL, NULL));
    assert_true(exact.recall == 1);
    for (size_t w = 0; w < COUNT_OF(wanted); w++) {
        must(embed_knn_near(&near, &x, K, wanted[w], 1, NULL, NULL));
        must(embed_knn_near(&again, &x, K, wanted[w], 3, NULL, NULL));
        double recall = recall_of(&near, &exact);
        /* 15,000 neighbours in the sample: a standard error of 0.3 % at 0.8, and they come in bunches */
        assert_true(recall >= wanted[w] - 0.01 && recall < 1 && fabs(near.recall - recall) < 0.015);
        assert_memory_equal(near.index, again.index, (size_t)N * K * sizeof *near.index);
        assert_memory_equal(near.sqdist, again.sqdist, (size_t)N * K * sizeof *near.sqdist);
        assert_true(near.recall == again.recall);
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < K; j++) {
                assert_true(near.index[i * K + j] != i && near.index[i * K + j] < N);
                assert_true(j == 0 || near.sqdist[i * K + j] >= near.sqdist[i * K + j - 1]);
                for (size_t l = 0; l < j; l++) assert_true(near.index[i * K + j] != near.index[i * K + l]);
            }
        embed_knn_clear(&near), embed_knn_clear(&again);
    }
    embed_knn_clear(&exact);
    free(X);
}

/* Cells of very different sizes, most of them empty: rows that are all one of three, and one far away. */
static void cells_of_duplicates_still_have_neighbours(void **state) {
    (void)state;
    enum { N = 10500, D = 3, K = 5 };
    float *X = clusters(N, D, 3, 2);
    for (size_t i = 3; i < N; i++) memcpy(X + i * D, X + i % 3 * D, D * sizeof *X);
    X[7 * D] = 1e20f;
    embed_rows x = {.n = N, .D = D, .f = X};
    embed_knn near;
    must(embed_knn_near(&near, &x, K, 0.9, 2, NULL, NULL));
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < K; j++) {
            uint32_t other = near.index[i * K + j];
            if (i != 7) assert_true(near.sqdist[i * K + j] == 0 && other % 3 == i % 3 && other != i);
        }
    assert_true(near.recall >= 0.9);
    embed_knn_clear(&near);
    free(X);
}

/* ---- exact, by cells and by brief numbers ------------------------------------------------------------------------- */

/* Rows of an exact search against all distances. */
static void assert_exact(const embed_knn *knn, const embed_rows *x) {
    double *d = malloc(x->n * sizeof *d);
    for (size_t i = 0; i < x->n; i += x->n / 100) {
        for (size_t j = 0; j < x->n; j++) {
            d[j] = 0;
            for (size_t c = 0; c < x->D; c++) d[j] += pow(embed_get(x, i, c) - embed_get(x, j, c), 2);
        }
        for (size_t r = 0; r < knn->k; r++) {
            size_t best = i == 0;
            for (size_t j = 0; j < x->n; j++)
                if (j != i && d[j] < d[best]) best = j;
            if (knn->index[i * knn->k + r] != best)
                fail_msg("row %zu: neighbour %zu is %u, not %zu", i, r, knn->index[i * knn->k + r], best);
            d[best] = INFINITY;
        }
    }
    free(d);
}

/* Groups whose size is a 10,000th of their distance, where bfloat16 cannot tell one member from another; and rows that are
 * what it is made for. An odd number of components leaves half a word. */
static void neighbours_are_exact_where_brief_numbers_are_not(void **state) {
    (void)state;
    enum { N = 10300, D = 7, K = 9 };
    for (int tight = 0; tight < 2; tight++) {
        float *X = clusters(N, D, 6, 3);
        for (size_t i = 0; tight && i < N; i++)
            for (size_t c = 0; c < D; c++)
                X[i * D + c] = (float)((double)X[i * D + c] * 1e-3 + (i % 6 == c ? 10 : 0) + (i % 6 == 0 ? -10 : 0));
        embed_rows x = {.n = N, .D = D, .f = X};
        embed_knn knn;
        must(embed_knn_exact(&knn, &x, K, 2, NULL, NULL));
        assert_exact(&knn, &x);
        embed_knn_clear(&knn);
        free(X);
    }
}

/* ---- metrics ------------------------------------------------------------------------------------------------------ */

static double distance_of(const float *a, const float *b, size_t D, limn_embed_metric metric) {
    double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0, l1 = 0, l2 = 0;
    for (size_t c = 0; c < D && metric == LIMN_METRIC_CORRELATION; c++)
        ma += (double)a[c] / (double)D, mb += (double)b[c] / (double)D;
    for (size_t c = 0; c < D; c++) {
        double u = (double)a[c] - ma, v = (double)b[c] - mb;
        aa += u * u, bb += v * v, ab += u * v;
        l1 += fabs(u - v), l2 += (u - v) * (u - v);
    }
    return metric == LIMN_METRIC_MANHATTAN ? l1 : metric == LIMN_METRIC_EUCLIDEAN ? sqrt(l2) : 1 - ab / sqrt(aa * bb);
}

/* Each row's distances ascend and are those of the metric, and no row left out is nearer. */
static void metrics_are_as_defined(void **state) {
    (void)state;
    enum { N = 230, D = 13, K = 12 };
    float *X = clusters(N, D, 5, 3);
    embed_rows x = {.n = N, .D = D, .f = X};
    for (int m = 0; m < LIMN_METRICS; m++) {
        embed_knn knn;
        must(embed_knn_metric(&knn, &x, K, (limn_embed_metric)m, 1, 2, NULL, NULL));
        for (size_t i = 0; i < N; i++) {
            char in[N] = {0};
            double last = 0;
            in[i] = 1;
            for (size_t j = 0; j < K; j++) {
                size_t other = knn.index[i * K + j];
                double d = distance_of(X + i * D, X + other * D, D, (limn_embed_metric)m);
                /* cosines: unit vectors of float32 */
                assert_true(fabs(sqrt(knn.sqdist[i * K + j]) - d) < 1e-6 * (d + 0.1));
                assert_true(!in[other] && knn.sqdist[i * K + j] >= last);
                in[other] = 1;
                last = knn.sqdist[i * K + j];
            }
            for (size_t j = 0; j < N; j++)
                if (!in[j])
                    assert_true(distance_of(X + i * D, X + j * D, D, (limn_embed_metric)m) >= sqrt(last) - 1e-6);
        }
        embed_knn_clear(&knn);
    }
    free(X);
}

/* The angle knows no length, the correlation no offset either. */
static void angles_know_no_length(void **state) {
    (void)state;
    enum { N = 150, D = 9, K = 10 };
    float *X = clusters(N, D, 5, 4), *V = malloc(N * D * sizeof *V);
    for (size_t i = 0; i < N; i++)
        for (size_t c = 0; c < D; c++) V[i * D + c] = X[i * D + c] * (i % 3 == 0 ? 0x1p90f : i % 3 == 1 ? 1 : 0x1p-90f);
    embed_rows x = {.n = N, .D = D, .f = X}, v = {.n = N, .D = D, .f = V};
    for (int m = LIMN_METRIC_COSINE; m <= LIMN_METRIC_CORRELATION; m++) {
        embed_knn a, b;
        must(embed_knn_metric(&a, &x, K, (limn_embed_metric)m, 1, 2, NULL, NULL));
        must(embed_knn_metric(&b, &v, K, (limn_embed_metric)m, 1, 2, NULL, NULL));
        assert_memory_equal(a.index, b.index, N * K * sizeof *a.index);
        assert_memory_equal(a.sqdist, b.sqdist, N * K * sizeof *a.sqdist);
        embed_knn_clear(&a), embed_knn_clear(&b);
    }
    for (size_t c = 0; c < D; c++) X[5 * D + c] = 2, V[7 * D + c] = 0;
    embed_knn none;
    assert_int_equal(embed_knn_metric(&none, &x, K, LIMN_METRIC_CORRELATION, 1, 2, NULL, NULL), LIMN_EINPUT);
    assert_string_equal(limn_message(), "vector 5 is constant: it has no correlation to others");
    assert_int_equal(embed_knn_metric(&none, &v, K, LIMN_METRIC_COSINE, 1, 2, NULL, NULL), LIMN_EINPUT);
    assert_string_equal(limn_message(), "vector 7 is zero: it has no angle to others");
    free(X);
    free(V);
}

/* ---- given -------------------------------------------------------------------------------------------------------- */

enum { POINTS = 120, WIDTH = 6, NEAR = 24 };

static limn_embed_options few(void) {
    limn_embed_options o;
    limn_embed_defaults(&o);
    o.perplexity = 8;
    o.iterations = 60;
    o.early = 20;
    o.init = LIMN_INIT_SPECTRAL;
    return o;
}

/* A map of vectors, of their distances, and of their neighbours in any order: the same but for float32's rounding. */
static void maps_of_what_is_given_are_those_of_the_vectors(void **state) {
    (void)state;
    float *X = clusters(POINTS, WIDTH, 4, 5), *distance = malloc(POINTS * POINTS * sizeof *distance);
    limn_embed_options o = few();
    limn_embedding *vectors, *matrix, *graph;
    for (size_t i = 0; i < POINTS; i++)
        for (size_t j = 0; j < POINTS; j++)
            distance[i * POINTS + j] =
                i == j ? NAN : (float)distance_of(X + i * WIDTH, X + j * WIDTH, WIDTH, LIMN_METRIC_EUCLIDEAN);
    must(limn_tsne(&vectors, X, POINTS, WIDTH, &o, NULL, NULL));
    must(limn_tsne_distances(&matrix, distance, POINTS, &o, NULL, NULL));
    assert_int_equal(matrix->k, NEAR);
    uint32_t index[POINTS * NEAR];
    float given[POINTS * NEAR];
    for (size_t e = 0; e < POINTS * NEAR; e++) { /* farthest first */
        size_t from = e / NEAR * NEAR + NEAR - 1 - e % NEAR;
        index[e] = matrix->neighbour[from];
        given[e] = matrix->distance[from];
    }
    must(limn_tsne_neighbours(&graph, index, given, POINTS, NEAR, &o, NULL, NULL));
    assert_memory_equal(matrix->Y, graph->Y, 2 * POINTS * sizeof *graph->Y);
    assert_memory_equal(matrix->neighbour, vectors->neighbour, POINTS * NEAR * sizeof *vectors->neighbour);
    assert_true(matrix->kl == graph->kl && fabs(matrix->kl - vectors->kl) < 0.02 * vectors->kl);
    o.init = LIMN_INIT_PCA; /* there are no vectors: spectral */
    limn_embedding *other;
    must(limn_tsne_distances(&other, distance, POINTS, &o, NULL, NULL));
    assert_memory_equal(matrix->Y, other->Y, 2 * POINTS * sizeof *other->Y);
    limn_embedding_free(vectors), limn_embedding_free(matrix), limn_embedding_free(graph), limn_embedding_free(other);
    free(X);
    free(distance);
}

static void what_is_no_distance_is_told(void **state) {
    (void)state;
    limn_embed_options o = few();
    limn_embedding *e = NULL;
    static float distance[POINTS * POINTS], near[POINTS * NEAR];
    static uint32_t index[POINTS * NEAR];
    for (size_t i = 0; i < POINTS * NEAR; i++) {
        index[i] = (uint32_t)((i / NEAR + 1 + i % NEAR) % POINTS);
        near[i] = (float)(i % NEAR);
    }
#define BAD(call, sentence)                                                                                            \
    do {                                                                                                               \
        assert_int_equal(call, LIMN_EINPUT);                                                                           \
        assert_string_equal(limn_message(), sentence);                                                                 \
        assert_null(e);                                                                                                \
    } while (0)
    distance[3 * POINTS + 5] = -1;
    BAD(limn_tsne_distances(&e, distance, POINTS, &o, NULL, NULL),
        "the distance of points 3 and 5 is -1: it must be finite and not negative");
    near[2 * NEAR + 3] = INFINITY;
    BAD(limn_tsne_neighbours(&e, index, near, POINTS, NEAR, &o, NULL, NULL),
        "the distance of points 2 and 6 is inf: it must be finite and not negative");
    near[2 * NEAR + 3] = 1;
    index[NEAR] = 1;
    BAD(limn_tsne_neighbours(&e, index, near, POINTS, NEAR, &o, NULL, NULL), "point 1 is among its own neighbours");
    index[NEAR] = POINTS;
    BAD(limn_tsne_neighbours(&e, index, near, POINTS, NEAR, &o, NULL, NULL),
        "point 1 has neighbour 120, but there are 120 points");
    index[NEAR] = index[NEAR + 1];
    BAD(limn_tsne_neighbours(&e, index, near, POINTS, NEAR, &o, NULL, NULL), "point 1 has neighbour 3 twice");
    BAD(limn_tsne_neighbours(&e, index, near, POINTS, 7, &o, NULL, NULL),
        "perplexity 8 is too large for 7 neighbours: give about 24");
    BAD(limn_tsne_neighbours(&e, index, near, POINTS, POINTS, &o, NULL, NULL),
        "120 points have from 1 to 119 neighbours each, not 120");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recall_is_what_is_said),
        cmocka_unit_test(cells_of_duplicates_still_have_neighbours),
        cmocka_unit_test(neighbours_are_exact_where_brief_numbers_are_not),
        cmocka_unit_test(metrics_are_as_defined),
        cmocka_unit_test(angles_know_no_length),
        cmocka_unit_test(maps_of_what_is_given_are_those_of_the_vectors),
        cmocka_unit_test(what_is_no_distance_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
