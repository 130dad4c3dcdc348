/* Agreement of maps: neighbours by the tree against all pairs, Procrustes and overlap of maps whose answer is plain. */
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
#include "quality/quality.h"

enum { N = 700, K = 10 };

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

/* Kind 0: a cloud; 1: on a coarse lattice, so that many are equal or equally far; 2: all equal; 3: a line. */
static void fill(float *Y, int dims, int kind, uint64_t seed) {
    limn_rng r = limn_rng_stream(seed, LIMN_RNG_TEST, (uint64_t)kind);
    for (int i = 0; i < N * dims; i++) {
        double v = limn_rng_normal(&r);
        Y[i] = (float)(kind == 0 ? v : kind == 1 ? floor(2 * v) : kind == 2 ? 3 : i % dims ? 0 : v);
    }
}

static void the_tree_finds_what_all_pairs_say(void **state) {
    (void)state;
    static const size_t ks[] = {1, K, QUALITY_MOST_K};
    float Y[N * 3];
    uint32_t *got = malloc(N * QUALITY_MOST_K * sizeof *got);
    for (int dims = 1; dims <= 3; dims++)
        for (int kind = 0; kind < 4; kind++)
            for (size_t q = 0; q < COUNT_OF(ks); q++) {
                embed_knn want = {0};
                fill(Y, dims, kind, 3);
                must(quality_map_nearest(got, Y, N, dims, ks[q], 2));
                must(embed_knn_ref(&want, &(embed_rows){.n = N, .D = (size_t)dims, .f = Y}, ks[q]));
                if (memcmp(got, want.index, N * ks[q] * sizeof *got))
                    fail_msg("%d dimensions, kind %d, k = %zu", dims, kind, ks[q]);
                embed_knn_clear(&want);
            }
    float few[4] = {1, 2, 4, 8};
    must(quality_map_nearest(got, few, 4, 1, 3, 1));
    const uint32_t want[12] = {1, 2, 3, 0, 2, 3, 1, 0, 3, 2, 1, 0};
    assert_memory_equal(got, want, sizeof want);
    free(got);
}

static const double SAME = 1e-6; /* float32 coordinates of a moved map */

static void a_moved_map_is_the_same(void **state) {
    (void)state;
    float A[N * 2], B[N * 2], share[N];
    const float *maps[] = {A, B};
    const int dims[] = {2, 2};
    limn_map_agreement a;
    fill(A, 2, 0, 1);
    for (int i = 0; i < N; i++) { /* turned, mirrored, scaled, moved */
        B[2 * i] = -3 * (0.6f * A[2 * i] - 0.8f * A[2 * i + 1]) + 100;
        B[2 * i + 1] = 3 * (0.8f * A[2 * i] + 0.6f * A[2 * i + 1]) - 7;
    }
    must(limn_maps_agree(&a, share, maps, dims, 2, N, 1, 2));
    assert_true(a.k == K && a.points == N);
    assert_true(fabs(a.procrustes - 1) < SAME && fabs(a.distances - 1) < SAME);
    assert_true(a.overlap > 0.999); /* rounding may change who is tenth */
    for (int i = 0; i < N; i++) assert_true(share[i] >= 0.9f);
}

/* By hand: four points of a square, and the same with one axis doubled. A'B has the singular values 4 and 8, |A|^2 is 8,
 * |B|^2 20: 144/160. */
static void procrustes_is_as_by_hand(void **state) {
    (void)state;
    const float A[8] = {-1, -1, -1, 1, 1, -1, 1, 1}, B[8] = {-1, -2, -1, 2, 1, -2, 1, 2}, line[4] = {-1, -1, 1, 1},
                point[4] = {5, 5, 5, 5};
    const float *pair[] = {A, B}, *flat[] = {A, line}, *lone[] = {A, point};
    const int two[] = {2, 2}, mixed[] = {2, 1};
    limn_map_agreement a;
    must(limn_maps_agree(&a, NULL, pair, two, 2, 4, 1, 1));
    assert_true(a.k == 3 && a.overlap == 1);
    assert_true(fabs(a.procrustes - 144. / 160) < 1e-12);
    must(limn_maps_agree(&a, NULL, flat, mixed, 2, 4, 1, 1)); /* half of the square's spread */
    assert_true(fabs(a.procrustes - 0.5) < 1e-12);
    must(limn_maps_agree(&a, NULL, lone, mixed, 2, 4, 1, 1));
    assert_true(isnan(a.procrustes) && isnan(a.distances));
    /* a cube, and one of axes 1, 2, 3: singular values 8, 16, 24; 48^2/(24 x 112) */
    float cube[24], brick[24];
    const float *solid[] = {cube, brick};
    const int three[] = {3, 3};
    for (int i = 0; i < 24; i++) {
        cube[i] = i / 3 >> i % 3 & 1 ? 1 : -1;
        brick[i] = cube[i] * (float)(i % 3 + 1);
    }
    must(limn_maps_agree(&a, NULL, solid, three, 2, 8, 1, 1));
    assert_true(fabs(a.procrustes - 48. * 48 / (24 * 112)) < 1e-12);
}

/* The first twenty points of a line keep their places on the second map, the others are dealt anew; the third is the first. */
static void shares_are_each_points_own(void **state) {
    (void)state;
    enum { M = 40 };
    float A[M], B[M], share[3 * M];
    const float *maps[] = {A, B, A};
    const int dims[] = {1, 1, 1};
    limn_map_agreement a[3];
    for (int i = 0; i < M; i++) {
        A[i] = (float)(i * 100 + i * i);
        B[i] = i < 20 ? A[i] : (float)(1e5 + 977 * ((i * 7) % 20));
    }
    must(limn_maps_agree(a, share, maps, dims, 3, M, 1, 1));
    double mean[3] = {0};
    for (int i = 0; i < M; i++)
        for (int p = 0; p < 3; p++) mean[p] += (double)share[p * M + i] / M;
    for (int p = 0; p < 3; p++) assert_true(fabs(mean[p] - a[p].overlap) < 1e-7);
    for (int i = 0; i < M; i++) assert_true(share[M + i] == 1); /* the pair 0, 2 */
    for (int i = 0; i < 15; i++) assert_true(share[i] == 1);
    assert_memory_equal(share, share + 2 * M, M * sizeof *share); /* A with B, B with A */
    assert_true(a[1].overlap == 1 && a[0].overlap < 1 && a[0].overlap == a[2].overlap);
}

static void unrelated_maps_have_nothing_in_common(void **state) {
    (void)state;
    float A[N * 2], B[N * 3];
    const float *maps[] = {A, B};
    const int dims[] = {2, 3};
    limn_map_agreement a;
    fill(A, 2, 0, 1);
    fill(B, 3, 0, 2);
    must(limn_maps_agree(&a, NULL, maps, dims, 2, N, 1, 2));
    assert_true(a.overlap < 0.05 && a.procrustes < 0.05 && fabs(a.distances) < 0.05);
}

static void what_is_no_map_is_said(void **state) {
    (void)state;
    float A[6] = {0, 1, 2, 3, 4, NAN};
    const float *maps[] = {A, A};
    int dims[] = {2, 2};
    limn_map_agreement a;
    assert_int_equal(limn_maps_agree(&a, NULL, maps, dims, 1, 3, 1, 1), LIMN_EINPUT);
    assert_int_equal(limn_maps_agree(&a, NULL, maps, dims, 2, 2, 1, 1), LIMN_EINPUT);
    assert_int_equal(limn_maps_agree(&a, NULL, maps, dims, 2, 3, 1, 1), LIMN_EINPUT);
    assert_string_equal(limn_message(), "point 2 of map 0 is not finite");
    dims[1] = 4;
    A[5] = 5;
    assert_int_equal(limn_maps_agree(&a, NULL, maps, dims, 2, 3, 1, 1), LIMN_EINPUT);
    assert_string_equal(limn_message(), "map 1 has 4 dimensions: a map has 1, 2 or 3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tree_finds_what_all_pairs_say),
        cmocka_unit_test(a_moved_map_is_the_same),
        cmocka_unit_test(procrustes_is_as_by_hand),
        cmocka_unit_test(shares_are_each_points_own),
        cmocka_unit_test(unrelated_maps_have_nothing_in_common),
        cmocka_unit_test(what_is_no_map_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
