/* What must hold of the FFT engine on any layout, of the hybrid, and of a descent that is cut and goes on. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/try.h"
#include "embed/affinities.h"
#include "embed/embed.h"
#include "embed/engine.h"
#include "embed/fft_grid.h"

enum { N = 3000, D = 5 };
static float X[N * D];
static embed_affinities P;

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

static int setup(void **state) {
    (void)state;
    embed_knn knn;
    embed_rows x = {.n = N, .D = D, .f = X};
    for (size_t i = 0; i < N; i++) {
        limn_rng centre = limn_rng_stream(31, LIMN_RNG_TEST, i % 6), noise = limn_rng_stream(31, LIMN_RNG_TEST, 10 + i);
        for (size_t c = 0; c < D; c++) X[i * D + c] = (float)(4 * limn_rng_normal(&centre) + limn_rng_normal(&noise));
    }
    must(embed_knn_exact(&knn, &x, 36, 2, NULL, NULL));
    must(embed_affinities_make(&P, &knn, 12, 2));
    embed_knn_clear(&knn);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    embed_affinities_clear(&P);
    return 0;
}

typedef struct {
    double *attraction, *repulsion, Z;
} field;

static field forces_of(const embed_engine *engine, const double *Y, int dims, double alpha, int threads) {
    field f = {calloc(N * (size_t)dims, sizeof(double)), calloc(N * (size_t)dims, sizeof(double)), 0};
    embed_engine_setup s = {.P = &P, .dims = dims, .theta = 0.5, .alpha = alpha, .threads = threads};
    void *self;
    must(engine->create(&self, &s));
    must(engine->forces(self, Y, f.attraction, f.repulsion, &f.Z));
    engine->destroy(self);
    return f;
}

static void free_field(field *f) {
    free(f->attraction);
    free(f->repulsion);
}

static double relative(const double *got, const double *want, size_t n) {
    double error = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        error += (got[i] - want[i]) * (got[i] - want[i]);
        norm += want[i] * want[i];
    }
    return sqrt(error / norm);
}

static double *layout(int dims, double scale) {
    double *Y = malloc(N * (size_t)dims * sizeof *Y);
    limn_rng r = limn_rng_stream(33, LIMN_RNG_TEST, 7);
    for (size_t i = 0; i < N * (size_t)dims; i++) Y[i] = scale * limn_rng_normal(&r);
    return Y;
}

/* From the start of a descent to its end, and beyond: while it is small a box is at least 24 cells wide. */
static void every_scale_is_accurate(void **state) {
    (void)state;
    static const double scales[] = {1e-30, 1e-4, 1e-2, 0.2, 0.4, 1, 3, 10, 30};
    static const double alphas[] = {1, 0.5, 3};
    for (int dims = 1; dims <= 2; dims++)
        for (size_t a = 0; a < COUNT_OF(alphas); a++)
            for (size_t s = 0; s < COUNT_OF(scales); s++) {
                double *Y = layout(dims, scales[s]);
                field want = forces_of(&embed_exact, Y, dims, alphas[a], 2);
                field got = forces_of(&embed_fft, Y, dims, alphas[a], 2);
                double error = relative(got.repulsion, want.repulsion, N * (size_t)dims);
                if (getenv("LIMN_SHOW"))
                    fprintf(stderr, "%d-D alpha %g scale %g: attraction %.1e force %.1e Z %.1e\n", dims, alphas[a],
                            scales[s], relative(got.attraction, want.attraction, N * (size_t)dims), error,
                            fabs(got.Z / want.Z - 1));
                assert_true(error < 3e-2 && fabs(got.Z / want.Z - 1) < 2e-3);
                assert_true(relative(got.attraction, want.attraction, N * (size_t)dims) < 1e-5);
                free_field(&want), free_field(&got);
                free(Y);
            }
}

/* Equal points, one point, one far away: what no grid holds is computed without one, in bounded memory. */
static void odd_layouts_are_served(void **state) {
    (void)state;
    for (int dims = 1; dims <= 2; dims++)
        for (int kind = 0; kind < 5; kind++) {
            double *Y = layout(dims, 8);
            size_t d = (size_t)dims;
            if (kind == 0) memset(Y, 0, N * d * sizeof *Y);
            if (kind == 1)
                for (size_t i = 0; i < N; i++) memcpy(Y + i * d, Y + i % 9 * d, d * sizeof *Y);
            if (kind == 2) Y[0] = 500;
            if (kind == 3) Y[0] = 1e7;
            if (kind == 4) Y[0] = 1e15;
            field want = forces_of(&embed_exact, Y, dims, 1, 2), got = forces_of(&embed_fft, Y, dims, 1, 2);
            assert_true(fabs(got.Z / want.Z - 1) < 1e-2);
            for (size_t i = 0; i < N * d; i++) assert_true(isfinite(got.repulsion[i]));
            if (kind == 0)
                for (size_t i = 0; i < N * d; i++) assert_true(fabs(got.repulsion[i]) < 1e-4 * N);
            else if (kind > 1)
                assert_true(relative(got.repulsion, want.repulsion, N * d) < 3e-2);
            else
                for (size_t i = 0; i < N * d; i++) /* N/9 equal points: of their mutual force, nil, a part remains */
                    assert_true(fabs(got.repulsion[i] - want.repulsion[i]) < 2e-2 * N / 9);
            free_field(&want), free_field(&got);
            free(Y);
        }
}

static void grids_are_bounded(void **state) {
    (void)state;
    double lo[2] = {0, 0}, hi[2] = {0, 0};
    for (int dims = 1; dims <= 2; dims++)
        for (double side = 1e-320; side < 1e308; side *= 1.7) {
            hi[0] = side;
            hi[1] = side / 3;
            fft_plan p = fft_plan_for(lo, hi, dims, 0.35);
            assert_true(p.M <= (dims == 1 ? (size_t)FFT_LONGEST : (size_t)FFT_WIDEST));
            if (p.M == 0) continue;
            assert_true(p.M % 2 == 0 && p.M >= 2 * p.count[0] && p.h <= 0.35);
            assert_true(side / p.h >= 23.99 || p.h < 1e-270);
        }
    hi[0] = NAN;
    assert_int_equal(fft_plan_for(lo, hi, 2, 0.35).M, 0);
}

static void forces_add_up_to_nothing(void **state) {
    (void)state;
    /* to the interpolation's error: its kernel is symmetric, but knows where the nodes are */
    double *Y = layout(2, 10);
    field f = forces_of(&embed_fft, Y, 2, 1, 2);
    double sum[2] = {0}, size = 0;
    for (size_t i = 0; i < 2 * N; i++) {
        sum[i % 2] += f.repulsion[i];
        size += fabs(f.repulsion[i]);
    }
    assert_true(fabs(sum[0]) < 1e-3 * size && fabs(sum[1]) < 1e-3 * size);
    free_field(&f);
    free(Y);
}

static limn_embed_options options(int iterations) {
    limn_embed_options o;
    limn_embed_defaults(&o);
    o.perplexity = 10;
    o.iterations = iterations;
    o.early = 60;
    o.trace_every = 25;
    return o;
}

static void threads_change_no_bit(void **state) {
    (void)state;
    static const limn_tsne_engine engines[] = {LIMN_TSNE_HYBRID, LIMN_TSNE_FFT};
    for (int dims = 1; dims <= 2; dims++)
        for (size_t e = 0; e < COUNT_OF(engines); e++) {
            limn_embedding *first = NULL, *m;
            static const int threads[] = {1, 2, 3, 8};
            for (size_t t = 0; t < COUNT_OF(threads); t++) {
                limn_embed_options o = options(130);
                o.dims = dims;
                o.engine = engines[e];
                o.threads = threads[t];
                must(limn_embed(&m, X, N, D, &o, NULL, NULL));
                if (!first) {
                    first = m;
                    continue;
                }
                assert_memory_equal(m->Y, first->Y, N * (size_t)dims * sizeof *m->Y);
                for (size_t i = 0; i < m->n_trace; i++) assert_true(m->trace[i].kl == first->trace[i].kl);
                limn_embedding_free(m);
            }
            limn_embedding_free(first);
        }
}

/* ---- cut and gone on ------------------------------------------------------------------------------------------------ */

static int stop_late(void *ctx, const limn_progress *p) {
    (void)ctx;
    return !strcmp(p->stage, "map") && p->done >= 170;
}

static void a_cut_descent_ends_in_the_same_bits(void **state) {
    (void)state;
    static const limn_tsne_engine engines[] = {LIMN_TSNE_HYBRID, LIMN_TSNE_BARNES_HUT, LIMN_TSNE_FFT};
    char path[] = "/tmp/limn-descent-XXXXXX";
    close(mkstemp(path));
    for (size_t e = 0; e < COUNT_OF(engines); e++) {
        limn_embed_options o = options(220);
        limn_embedding *whole, *cut = NULL;
        o.engine = engines[e];
        must(limn_embed(&whole, X, N, D, &o, NULL, NULL));
        o.checkpoint = path;
        assert_int_equal(limn_embed(&cut, X, N, D, &o, stop_late, NULL), LIMN_EINTERRUPTED);
        assert_null(cut);
        o.threads = 3;
        must(limn_embed(&cut, X, N, D, &o, NULL, NULL));
        assert_memory_equal(cut->Y, whole->Y, 2 * N * sizeof *whole->Y);
        assert_int_equal(cut->n_trace, whole->n_trace);
        for (size_t i = 0; i < cut->n_trace; i++) assert_true(cut->trace[i].kl == whole->trace[i].kl);
        limn_embedding_free(cut);
        /* another descent does not take it, nor does anyone a damaged one */
        o.exaggeration = 11;
        must(limn_embed(&cut, X, N, D, &o, NULL, NULL));
        assert_memory_not_equal(cut->Y, whole->Y, 2 * N * sizeof *whole->Y);
        limn_embedding_free(cut);
        FILE *f = fopen(path, "r+b");
        fseek(f, 5000, SEEK_SET);
        fputc('x', f);
        fclose(f);
        o.exaggeration = 12;
        must(limn_embed(&cut, X, N, D, &o, NULL, NULL));
        assert_memory_equal(cut->Y, whole->Y, 2 * N * sizeof *whole->Y);
        limn_embedding_free(cut);
        limn_embedding_free(whole);
    }
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scale_is_accurate), cmocka_unit_test(odd_layouts_are_served),
        cmocka_unit_test(grids_are_bounded),       cmocka_unit_test(forces_add_up_to_nothing),
        cmocka_unit_test(threads_change_no_bit),   cmocka_unit_test(a_cut_descent_ends_in_the_same_bits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
