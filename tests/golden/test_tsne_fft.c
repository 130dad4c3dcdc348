/* The FFT engine, heavy tails, maps of one dimension and the transform, against ../shared/goldens/tsne. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "embed/affinities.h"
#include "embed/engine.h"
#include "embed/fft_grid.h"
#include "embed/transform.h"
#include "tests/lib/golden.h"

/* Sums of 2,000 float64 terms, and pow, in another order. */
static const double FLOAT64_SUM = 1e-11;
/* Where the rounding of a float32 transform begins to show in the force. */
static const double FLOAT32_GRID = 2e-4;
/* float32 coordinates and sums of the attraction. */
static const double ATTRACTION = 1e-5;
/* Of the repulsion's L2 norm, and of Z, on the engine's own grid: cubic splines of at most 0.35 a cell. The fewer points
 * a cell has, the more the interpolant's force of a point on itself weighs: 2.2e-2 here, 9e-3 for 70,000 points. */
static const double FORCE_GRID = 3e-2, Z_GRID = 1e-3;

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

static const struct {
    const char *path;
    double alpha;
    int dims, digits;
} layouts[] = {
    {"tsne/forces_digits_final.npz", 1, 2, 1},
    {"tsne/forces_digits_random.npz", 1, 2, 1},
    {"tsne/forces_mnist2000_final.npz", 1, 2, 0},
    {"tsne/forces_mnist2000_random.npz", 1, 2, 0},
    {"tsne/forces_digits_final_alpha0.5.npz", 0.5, 2, 1},
    {"tsne/forces_digits_final_alpha2.npz", 2, 2, 1},
    {"tsne/forces_digits_random_alpha0.5.npz", 0.5, 2, 1},
    {"tsne/forces_digits_1d.npz", 1, 1, 1},
    {"tsne/forces_digits_1d_alpha0.5.npz", 0.5, 1, 1},
    {"tsne/forces_digits_3d.npz", 1, 3, 1},
    {"tsne/forces_digits_3d_alpha2.npz", 2, 3, 1},
};

static embed_affinities affinities_of(int digits) {
    embed_knn knn;
    embed_affinities P;
    size_t count, n = digits ? 1797 : 2000;
    double *v = golden(digits ? "tsne/digits_u8.npy" : "tsne/mnist2000_pca50_f32.npy", NULL, &count);
    embed_rows x = {.n = n, .D = count / n, .d = v};
    must(embed_knn_exact(&knn, &x, 90, 2, NULL, NULL));
    must(embed_affinities_make(&P, &knn, 30, 2));
    embed_knn_clear(&knn);
    free(v);
    return P;
}

static double relative_l2(const double *got, const double *want, size_t n) {
    double error = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        error += (got[i] - want[i]) * (got[i] - want[i]);
        norm += want[i] * want[i];
    }
    return sqrt(error / norm);
}

typedef struct {
    double attraction, repulsion, Z, kl;
} errors;

static errors errors_of(const embed_engine *engine, const embed_affinities *P, size_t l) {
    size_t count;
    const char *path = layouts[l].path;
    double *Y = golden(path, "Y", &count), *fa = golden(path, "F_attr", NULL), *fr = golden(path, "F_rep", NULL);
    double *want = golden(path, "Z", NULL), *want_kl = golden(path, "KL", NULL), Z, kl;
    double *a = calloc(count, sizeof *a), *r = calloc(count, sizeof *r);
    void *self;
    embed_engine_setup setup = {.P = P, .dims = layouts[l].dims, .theta = 0.5, .alpha = layouts[l].alpha, .threads = 2};
    must(engine->create(&self, &setup));
    must(engine->forces(self, Y, a, r, &Z));
    engine->destroy(self);
    must(embed_kl(&kl, P, Y, layouts[l].dims, layouts[l].alpha, Z, 2));
    errors e = {relative_l2(a, fa, count), relative_l2(r, fr, count), fabs(Z / want[0] - 1), fabs(kl - want_kl[0])};
    if (getenv("LIMN_SHOW"))
        fprintf(stderr, "%-9s %s: attraction %.2e repulsion %.2e Z %.2e KL %.2e\n", engine->name, path, e.attraction,
                e.repulsion, e.Z, e.kl);
    free(Y), free(fa), free(fr), free(want), free(want_kl), free(a), free(r);
    return e;
}

static void engines_equal_the_reference(void **state) {
    (void)state;
    if (!goldens_present()) skip();
    embed_affinities P[2] = {affinities_of(0), affinities_of(1)};
    for (size_t l = 0; l < COUNT_OF(layouts); l++) {
        const embed_affinities *p = &P[layouts[l].digits];
        errors e = errors_of(&embed_exact, p, l);
        assert_true(e.attraction < FLOAT64_SUM && e.repulsion < FLOAT64_SUM && e.Z < FLOAT64_SUM && e.kl < FLOAT64_SUM);
        e = errors_of(&embed_exact_ref, p, l);
        assert_true(e.attraction < FLOAT64_SUM && e.repulsion < FLOAT64_SUM && e.Z < FLOAT64_SUM && e.kl < FLOAT64_SUM);
        if (layouts[l].dims == 3) continue;
        e = errors_of(&embed_fft, p, l);
        assert_true(e.attraction < ATTRACTION && e.repulsion < FORCE_GRID && e.Z < Z_GRID);
    }
    for (int i = 0; i < 2; i++) embed_affinities_clear(&P[i]);
}

/* Halving the cells divides the error of phi by 16 and of the force by 8 and more, down to rounding. */
static void error_falls_with_the_grid(void **state) {
    (void)state;
    if (!goldens_present()) skip();
    for (size_t l = 0; l < COUNT_OF(layouts); l++) {
        size_t count, dims = (size_t)layouts[l].dims;
        if (dims == 3) continue;
        double *Y = golden(layouts[l].path, "Y", &count), *want = golden(layouts[l].path, "F_rep", NULL);
        double *z = golden(layouts[l].path, "Z", NULL), *force = calloc(count, sizeof *force), sum, before = 1,
               error = 1;
        double lo[2] = {INFINITY, INFINITY}, hi[2] = {-INFINITY, -INFINITY};
        fft_grid *g;
        for (size_t i = 0; i < count; i++) {
            lo[i % dims] = fmin(lo[i % dims], Y[i]);
            hi[i % dims] = fmax(hi[i % dims], Y[i]);
        }
        must(fft_grid_new(&g, count / dims, (int)dims, layouts[l].alpha, 2));
        for (double h = 0.4; h > 0.04; h /= 2) {
            fft_plan plan = fft_plan_for(lo, hi, (int)dims, h);
            if (plan.h < h || plan.M == 0) break; /* a small box, whose cells depend on it alone; or too many nodes */
            must(fft_grid_field(g, &plan, Y, force, &sum, NULL));
            error = relative_l2(force, want, count);
            if (getenv("LIMN_SHOW"))
                fprintf(stderr, "%s h %.3f, %zu nodes: force %.2e Z %.2e\n", layouts[l].path, h, plan.M, error,
                        fabs((sum - (double)(count / dims)) / z[0] - 1));
            if (h < 0.4 && before > FLOAT32_GRID && !(error < before / 7))
                fail_msg("%s: %.2e after %.2e", layouts[l].path, error, before);
            before = error;
        }
        fft_grid_free(g);
        free(Y), free(want), free(z), free(force);
    }
}

/* ---- transform ----------------------------------------------------------------------------------------------------- */

static void new_points_go_where_the_reference_puts_them(void **state) {
    (void)state;
    if (!goldens_present()) skip();
    static const char *const file = "tsne/transform_mnist1500_500.npz";
    size_t count;
    double *v = golden("tsne/mnist2000_pca50_f32.npy", NULL, &count), *map = golden(file, "reference", NULL);
    double *ours = golden(file, "final_ours_floor_gains", &count),
           *theirs = golden(file, "final_openTSNE_bh_theta0", NULL);
    double *start = golden(file, "init_median15", NULL), *got = calloc(count, sizeof *got), off[500];
    embed_rows x = {.n = 1500, .D = 50, .d = v}, z = {.n = 500, .D = 50, .d = v + 1500 * 50};
    limn_transform_options o;
    limn_transform_defaults(&o);
    o.iterations = 0;
    must(embed_transform(got, &z, &x, map, 2, &o, NULL, NULL));
    for (size_t i = 0; i < count; i++) assert_true(got[i] == start[i]);
    limn_transform_defaults(&o);
    must(embed_transform(got, &z, &x, map, 2, &o, NULL, NULL));
    size_t far = 0;
    for (size_t i = 0; i < 500; i++) {
        off[i] = fmax(fabs(got[2 * i] - ours[2 * i]), fabs(got[2 * i + 1] - ours[2 * i + 1]));
        far += hypot(got[2 * i] - theirs[2 * i], got[2 * i + 1] - theirs[2 * i + 1]) > 0.01;
    }
    for (size_t i = 1; i < 500; i++)
        for (size_t j = i; j > 0 && off[j - 1] > off[j]; j--) {
            double t = off[j];
            off[j] = off[j - 1];
            off[j - 1] = t;
        }
    if (getenv("LIMN_SHOW"))
        fprintf(stderr,
                "transform: median %.2e, 98 %% %.2e, most %.2e of the reference; %zu of 500 beyond 0.01 of openTSNE\n",
                off[250], off[490], off[499], far);
    assert_true(off[250] < 1e-6);
    assert_true(far <= 10); /* 98 % of the points are within 0.01 */
    free(v), free(map), free(ours), free(theirs), free(start), free(got);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engines_equal_the_reference),
        cmocka_unit_test(error_falls_with_the_grid),
        cmocka_unit_test(new_points_go_where_the_reference_puts_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
