/* How two spaces relate: the numbers of dcor, numpy and scikit-learn (tests/data/relate/make.py), and what must hold of
 * any: the same space, turned spaces, independent ones, any number of threads. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "relate/dependence.h"
#include "relate/relate.h"
#include "tests/lib/stored.h"

enum { N = 60, DX = 3, DY = 5 };
/* Distances of float32 vectors in float64 here and there: roundings of the sums alone. */
static const double SAME = 1e-9;

static double noise(int i, int d, int a) {
    return ((i * 37 + d * 101 + a) * (i + 3 * d + 7) % 1009) / 500.0 - 1;
}

static void vectors(float x[N][DX], float y[N][DY]) {
    for (int i = 0; i < N; i++) {
        for (int d = 0; d < DX; d++) x[i][d] = (float)noise(i, d, 17);
        for (int d = 0; d < DY; d++) y[i][d] = (float)((d < DX ? (double)x[i][d] : 0) + .75 * noise(i, d, 400));
    }
}

static limn_relation relate(const float *x, size_t dx, const float *y, size_t dy, size_t n, limn_relate_options o,
                            float *share) {
    limn_space *a, *b;
    limn_relation r;
    OK(limn_space_new(&a, x, n, dx, &o));
    OK(limn_space_new(&b, y, n, dy, &o));
    OK(limn_relate(&r, share, a, b));
    limn_space_free(a);
    limn_space_free(b);
    return r;
}

static void figures_are_those_of_other_programs(void **state) {
    (void)state;
    float x[N][DX], y[N][DY], share[N];
    double sum = 0;
    vectors(x, y);
    limn_relation r = relate(x[0], DX, y[0], DY, N, (limn_relate_options){.seed = 1}, share);
    assert_true(fabs(r.overlap - 0.396666666666667) < 1e-12);
    assert_true(fabs(r.cka - 0.605697320826848) < SAME);
    assert_true(fabs(r.distance_correlation - 0.599644751342328) < SAME);
    assert_true(r.p == .001 && r.permutations == 999 && r.points == N && r.k == 10);
    for (int i = 0; i < N; i++) sum += (double)share[i];
    assert_true(fabs(sum / N - r.overlap) < 1e-6);
    r = relate(x[0], DX, y[0], DY, N, (limn_relate_options){.unit = 1}, NULL);
    assert_true(fabs(r.overlap - .41) < 1e-12);
    assert_true(fabs(r.cka - 0.581740114154308) < 1e-6); /* rows of length 1 are rounded to float32 */
    assert_true(fabs(r.distance_correlation - 0.575050322193181) < 1e-6);
    float back[N][DY];
    for (int i = 0; i < N; i++) memcpy(back[i], y[N - 1 - i], sizeof back[i]);
    r = relate(x[0], DX, back[0], DY, N, (limn_relate_options){.seed = 1}, NULL);
    assert_true(fabs(r.cka + 0.0100645644105421) < SAME && fabs(r.distance_correlation + 0.0174492187153205) < SAME);
    assert_true(r.p > .5);
}

static void a_space_is_itself_however_it_is_turned(void **state) {
    (void)state;
    float x[N][DX], y[N][DY], turned[N][DX];
    vectors(x, y);
    for (int i = 0; i < N; i++) { /* a turn by 90 degrees, a mirror, a move and a scale */
        turned[i][0] = 2 * x[i][1] + 4;
        turned[i][1] = -2 * x[i][0];
        turned[i][2] = -2 * x[i][2] + 1;
    }
    limn_relation r = relate(x[0], DX, turned[0], DX, N, (limn_relate_options){.seed = 3}, NULL);
    assert_true(r.overlap == 1 && fabs(r.cka - 1) < 1e-6 && fabs(r.distance_correlation - 1) < 1e-6);
}

/* A dependence without correlation, y = x^2: distances see it, the linear alignment does not. */
static void distances_see_what_lines_do_not(void **state) {
    (void)state;
    enum { M = 400 };
    float x[M], y[M];
    for (int i = 0; i < M; i++) {
        x[i] = (float)(i % 2 ? i : -i) / M;
        y[i] = x[i] * x[i];
    }
    limn_relation r = relate(x, 1, y, 1, M, (limn_relate_options){.seed = 1}, NULL);
    assert_true(fabs(r.cka) < .02);
    assert_true(r.distance_correlation > .2 && r.p == .001);
}

/* Over 200 pairs of independent spaces p is uniform: below .1 in about a tenth of them (20 +- 3 * 4.2). */
static void p_is_as_often_small_as_it_says(void **state) {
    (void)state;
    enum { PAIRS = 200, M = 24 };
    int below = 0;
    for (uint64_t k = 0; k < PAIRS; k++) {
        float x[M][2], y[M][2];
        limn_rng r = limn_rng_stream(5, LIMN_RNG_TEST, k);
        for (int i = 0; i < M; i++)
            for (int d = 0; d < 2; d++) x[i][d] = (float)limn_rng_normal(&r), y[i][d] = (float)limn_rng_normal(&r);
        limn_relate_options o = {.k = 3, .permutations = 99, .seed = k, .threads = 1};
        below += relate(x[0], 2, y[0], 2, M, o, NULL).p <= .1;
    }
    assert_in_range(below, 8, 33);
}

static void threads_and_subsets(void **state) {
    (void)state;
    enum { M = 300 };
    float x[M][2], y[M][2];
    limn_rng g = limn_rng_stream(9, LIMN_RNG_TEST, 0);
    for (int i = 0; i < M; i++)
        for (int d = 0; d < 2; d++)
            x[i][d] = (float)limn_rng_normal(&g), y[i][d] = x[i][d] + (float)limn_rng_normal(&g);
    limn_relation r[4];
    const int threads[] = {1, 2, 3, 8};
    for (int t = 0; t < 4; t++)
        r[t] =
            relate(x[0], 2, y[0], 2, M, (limn_relate_options){.points = 100, .seed = 7, .threads = threads[t]}, NULL);
    for (int t = 1; t < 4; t++) assert_memory_equal(&r[0], &r[t], sizeof r[0]);
    assert_int_equal(r[0].points, 100);
    limn_relation all = relate(x[0], 2, y[0], 2, M, (limn_relate_options){.seed = 7}, NULL);
    assert_true(all.cka != r[0].cka && fabs(all.cka - r[0].cka) < .2); /* another sample of the same */
}

static void odd_spaces(void **state) {
    (void)state;
    float same[8][2], x[8][2];
    for (int i = 0; i < 8; i++)
        for (int d = 0; d < 2; d++) same[i][d] = 3, x[i][d] = (float)(i * i % 5 + d);
    limn_relation r = relate(x[0], 2, same[0], 2, 8, (limn_relate_options){.seed = 1}, NULL);
    assert_true(isnan(r.cka) && isnan(r.distance_correlation) && isnan(r.p) && r.k == 7 && r.overlap == 1);
    limn_space *s, *t;
    limn_relate_options o = {.seed = 1};
    assert_int_equal(limn_space_new(&s, x[0], 3, 2, &o), LIMN_EINPUT);
    SAYS("four");
    x[2][1] = INFINITY;
    assert_int_equal(limn_space_new(&s, x[0], 8, 2, &o), LIMN_EINPUT);
    SAYS("number 1 of vector 2 is not finite");
    x[2][1] = 0;
    o.k = 8;
    assert_int_equal(limn_space_new(&s, x[0], 8, 2, &o), LIMN_EINPUT);
    o.k = 3;
    OK(limn_space_new(&s, x[0], 8, 2, &o));
    OK(limn_space_new(&t, x[0], 7, 2, &o));
    assert_int_equal(limn_relate(&r, NULL, s, t), LIMN_EINPUT);
    limn_space_free(s);
    limn_space_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_of_other_programs),
        cmocka_unit_test(a_space_is_itself_however_it_is_turned),
        cmocka_unit_test(distances_see_what_lines_do_not),
        cmocka_unit_test(p_is_as_often_small_as_it_says),
        cmocka_unit_test(threads_and_subsets),
        cmocka_unit_test(odd_spaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
