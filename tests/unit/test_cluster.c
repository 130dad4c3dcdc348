/* Clusters: the numbers of scikit-learn and scipy (tests/data/cluster/make.py); shapes that means cannot part; graphs in
 * pieces; any number of threads; odd input. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "cluster/cluster.h"
#include "tests/lib/stored.h"

enum { N = 60 };

static void vectors(float x[N][3]) {
    for (int i = 0; i < N; i++)
        for (int d = 0; d < 3; d++)
            x[i][d] = (float)(((i * 37 + d * 101 + 17) * (i + 3 * d + 7) % 1009) / 500.0 - 1 + 1.5 * (i % 3 == d));
}

/* Mean squared distance to the mean of one's cluster, by the definition. */
static double spread_of(const float x[N][3], const int *of, int k) {
    double sum = 0;
    for (int c = 0; c < k; c++) {
        double mean[3] = {0}, count = 0;
        for (int i = 0; i < N; i++)
            if (of[i] == c) {
                count++;
                for (int d = 0; d < 3; d++) mean[d] += (double)x[i][d];
            }
        for (int i = 0; i < N; i++)
            for (int d = 0; d < 3 && of[i] == c; d++)
                sum += ((double)x[i][d] - mean[d] / count) * ((double)x[i][d] - mean[d] / count);
    }
    return sum / N;
}

static void means_are_as_tight_as_scikit_learn_s(void **state) {
    (void)state;
    static const struct {
        int k;
        double spread; /* the best of 200 restarts */
    } row[] = {{2, 1.40538932952734}, {3, 0.854106517825125}, {5, 0.602774707844204}};
    float x[N][3];
    int of[N];
    limn_clustering c;
    vectors(x);
    for (size_t i = 0; i < 3; i++) {
        limn_cluster_options o = {.clusters = row[i].k, .restarts = 400, .seed = 1};
        OK(limn_cluster_kmeans(&c, of, x[0], N, 3, &o));
        assert_int_equal(c.clusters, row[i].k);
        assert_true(fabs(c.spread - spread_of(x, of, row[i].k)) < 1e-12);
        if (c.spread > row[i].spread + 1e-12) fail_msg("%d: %.15g", row[i].k, c.spread);
        assert_int_equal(of[0], 0);
    }
}

static void eigenvalues_are_scipy_s(void **state) {
    (void)state;
    static const double value[] = {0,
                                   0.0516971969788,
                                   0.080152806392,
                                   0.172420404162,
                                   0.224845873186,
                                   0.263764983437,
                                   0.335089831975,
                                   0.385337635125,
                                   0.469828614626};
    float x[N][3];
    int of[N];
    limn_clustering c;
    vectors(x);
    OK(limn_cluster_spectral(&c, of, x[0], N, 3, &(limn_cluster_options){.neighbours = 6, .seed = 1}));
    assert_int_equal(c.n_values, 9);
    assert_true(c.converged);
    /* an eigenvalue is off by the square of its vector's residual, 1e-6, over the gap */
    for (int i = 0; i < 9; i++) assert_true(fabs(c.value[i] - value[i]) < 1e-10);
}

/* Two rings, one within the other, and a disc far away: with means no three clusters. */
static int ring(float x[][2], int *true_of, int n) {
    limn_rng r = limn_rng_stream(3, LIMN_RNG_TEST, 0);
    for (int i = 0; i < n; i++) {
        double angle = 2 * 3.14159265358979 * limn_rng_uniform(&r), radius = i % 3 == 0 ? 1 : i % 3 == 1 ? 3 : .5;
        radius += .1 * limn_rng_normal(&r);
        true_of[i] = i % 3;
        x[i][0] = (float)(radius * cos(angle) + (i % 3 == 2 ? 9 : 0));
        x[i][1] = (float)(radius * sin(angle));
    }
    return n;
}

static void rings_are_found_and_counted(void **state) {
    (void)state;
    enum { M = 600 };
    static float x[M][2];
    int of[M], is[M];
    limn_clustering c, again;
    ring(x, is, M);
    OK(limn_cluster_spectral(&c, of, x[0], M, 2, &(limn_cluster_options){.seed = 1}));
    assert_int_equal(c.clusters, 3);
    assert_true(c.value[0] < 1e-6 && c.value[1] < 1e-6 && c.value[2] < 1e-6 && c.value[3] > 1e-4);
    assert_memory_equal(of, is, sizeof of); /* numbered by the first member, as i % 3 is */
    for (int threads = 2; threads <= 8; threads += 3) {
        int other[M];
        OK(limn_cluster_spectral(&again, other, x[0], M, 2, &(limn_cluster_options){.seed = 1, .threads = threads}));
        assert_memory_equal(of, other, sizeof of);
        assert_memory_equal(&c, &again, sizeof c);
    }
    OK(limn_cluster_kmeans(&c, of, x[0], M, 2, &(limn_cluster_options){.clusters = 3, .seed = 1}));
    assert_memory_not_equal(of, is, sizeof of); /* the check above can fail */
}

static void every_vector_is_in_one_cluster(void **state) {
    (void)state;
    float x[N][3];
    int of[N];
    limn_clustering c;
    vectors(x);
    for (int k = 1; k <= LIMN_CLUSTERS; k += 7) {
        int seen = 0;
        OK(limn_cluster_kmeans(&c, of, x[0], N, 3, &(limn_cluster_options){.clusters = k, .seed = 2}));
        for (int i = 0; i < N; i++) {
            assert_in_range(of[i], 0, seen);
            seen += of[i] == seen;
        }
        assert_int_equal(seen, c.clusters);
    }
}

static void odd_input(void **state) {
    (void)state;
    enum { M = 40 };
    static float same[M][2], x[M][2];
    int of[M];
    limn_clustering c;
    OK(limn_cluster_kmeans(&c, of, same[0], M, 2, &(limn_cluster_options){.clusters = 3, .seed = 1}));
    assert_true(c.spread == 0 && c.clusters >= 1);
    OK(limn_cluster_spectral(&c, of, same[0], M, 2, &(limn_cluster_options){.seed = 1}));
    assert_in_range(c.clusters, 1, 8);
    OK(limn_cluster_spectral(&c, of, x[0], 4, 2, &(limn_cluster_options){.seed = 1}));
    assert_int_equal(limn_cluster_spectral(&c, of, x[0], 3, 2, &(limn_cluster_options){.seed = 1}), LIMN_EINPUT);
    assert_int_equal(limn_cluster_kmeans(&c, of, x[0], 3, 2, &(limn_cluster_options){.clusters = 4}), LIMN_EINPUT);
    assert_int_equal(limn_cluster_kmeans(&c, of, x[0], 3, 2, &(limn_cluster_options){.clusters = 0}), LIMN_EINPUT);
    assert_int_equal(limn_cluster_spectral(&c, of, x[0], 9, 2, &(limn_cluster_options){.clusters = 8}), LIMN_EINPUT);
    SAYS("too few");
    x[3][1] = NAN;
    assert_int_equal(limn_cluster_spectral(&c, of, x[0], M, 2, &(limn_cluster_options){.seed = 1}), LIMN_EINPUT);
    SAYS("number 1 of vector 3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_are_as_tight_as_scikit_learn_s),
        cmocka_unit_test(eigenvalues_are_scipy_s),
        cmocka_unit_test(rings_are_found_and_counted),
        cmocka_unit_test(every_vector_is_in_one_cluster),
        cmocka_unit_test(odd_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
