/* What must hold of any embedding, whatever the data: invariances, gradients, bits at any thread count, odd input. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/try.h"
#include "embed/affinities.h"
#include "embed/barnes_hut.h"
#include "embed/embed.h"
#include "embed/engine.h"
#include "embed/pca.h"

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

/* n points of D dimensions in `groups` gaussian groups. */
static float *clusters(size_t n, size_t D, size_t groups, uint64_t key) {
    float *X = malloc(n * D * sizeof *X);
    for (size_t i = 0; i < n; i++) {
        limn_rng centre = limn_rng_stream(key, LIMN_RNG_TEST, i % groups);
        limn_rng noise = limn_rng_stream(key, LIMN_RNG_TEST, 1000 + i);
        for (size_t c = 0; c < D; c++) X[i * D + c] = (float)(4 * limn_rng_normal(&centre) + limn_rng_normal(&noise));
    }
    return X;
}

static double *layout(size_t n, size_t dims, double scale, uint64_t key) {
    double *Y = malloc(n * dims * sizeof *Y);
    limn_rng r = limn_rng_stream(key, LIMN_RNG_TEST, 7);
    for (size_t i = 0; i < n * dims; i++) Y[i] = scale * limn_rng_normal(&r);
    return Y;
}

static embed_affinities affinities_of(const float *X, size_t n, size_t D, double perplexity, int threads) {
    embed_rows x = {.n = n, .D = D, .f = X};
    embed_knn knn;
    embed_affinities P;
    size_t want = (size_t)(3 * perplexity);
    must(embed_knn_exact(&knn, &x, want < n - 1 ? want : n - 1, threads, NULL, NULL));
    must(embed_affinities_make(&P, &knn, perplexity, threads));
    embed_knn_clear(&knn);
    return P;
}

static double kl_of(const embed_affinities *P, const double *Y, int dims) {
    double Z, kl;
    must(embed_exact_z(&Z, Y, P->n, dims, 1, 2));
    must(embed_kl(&kl, P, Y, dims, 1, Z, 2));
    return kl;
}

typedef struct {
    double *attraction, *repulsion, Z;
} field;

static field forces_of(const embed_engine *engine, const embed_affinities *P, const double *Y, int dims, double theta,
                       int threads) {
    field f = {calloc(P->n * (size_t)dims, sizeof(double)), calloc(P->n * (size_t)dims, sizeof(double)), 0};
    embed_engine_setup setup = {.P = P, .dims = dims, .theta = theta, .alpha = 1, .threads = threads};
    void *self;
    must(engine->create(&self, &setup));
    must(engine->forces(self, Y, f.attraction, f.repulsion, &f.Z));
    engine->destroy(self);
    return f;
}

static void free_field(field *f) {
    free(f->attraction);
    free(f->repulsion);
}

/* ---- affinities and neighbours ----------------------------------------------------------------------------------- */

static void every_row_has_its_perplexity(void **state) {
    (void)state;
    enum { NEAR = 61 };
    static const double perplexities[] = {1.0001, 2, 7.5, 20, 60, 60.999};
    const embed_kernels *k = embed_kernels_best();
    double d2[64], e[64], scratch[64], beta;
    limn_rng r = limn_rng_stream(4, LIMN_RNG_TEST, 0);
    for (int round = 0; round < 40; round++) {
        double scale = pow(10, 10 * (round % 7) - 30), sum = limn_rng_uniform(&r);
        for (int i = 0; i < NEAR; i++) {
            d2[i] = scale * sum;
            sum += round % 3 == 0 ? exp(6 * limn_rng_normal(&r)) : limn_rng_uniform(&r);
        }
        for (size_t q = 0; q < COUNT_OF(perplexities); q++) {
            double H = 0, total = 0;
            embed_row_weights(k, d2, NEAR, perplexities[q], &beta, e, scratch);
            for (int i = 0; i < NEAR; i++) {
                total += e[i];
                if (e[i] > 0) H -= e[i] * log(e[i]);
            }
            assert_true(beta > 0 && isfinite(beta));
            assert_true(fabs(total - 1) < 1e-13);
            /* the promise is 1e-10 */
            if (!(fabs(H - log(perplexities[q])) < 1e-12))
                fail_msg("perplexity %g: entropy off by %g", perplexities[q], H - log(perplexities[q]));
        }
    }
}

static void rows_without_a_bandwidth_are_uniform(void **state) {
    (void)state;
    const embed_kernels *k = embed_kernels_best();
    double same[8] = {2, 2, 2, 2, 2, 2, 2, 2}, ties[8] = {1, 1, 1, 5, 6, 7, 8, 9}, e[8], scratch[8], beta;
    embed_row_weights(k, same, 6, 2, &beta, e, scratch);
    assert_true(beta == 0);
    for (int i = 0; i < 6; i++) assert_true(e[i] == 1.0 / 6);
    embed_row_weights(k, ties, 8, 2.5, &beta, e, scratch);
    assert_true(isinf(beta));
    for (int i = 0; i < 8; i++) assert_true(e[i] == (i < 3 ? 1.0 / 3 : 0));
    embed_row_weights(k, ties, 8, 8, &beta, e, scratch);
    assert_true(beta == 0 && e[7] == 1.0 / 8);
}

static void affinities_are_symmetric_and_know_no_scale(void **state) {
    (void)state;
    enum { N = 300, D = 6 };
    float *X = clusters(N, D, 4, 5), *big = malloc(N * D * sizeof *big);
    embed_affinities P = affinities_of(X, N, D, 10, 2);
    double total = 0;
    for (size_t i = 0; i < N; i++)
        for (size_t e = P.start[i]; e < P.start[i + 1]; e++) {
            size_t j = P.col[e], back = P.start[j];
            while (back < P.start[j + 1] && P.col[back] != i) back++;
            assert_true(back < P.start[j + 1] && P.p[back] == P.p[e] && j != i);
            assert_true(e == P.start[i] || P.col[e - 1] < j);
            total += P.p[e];
        }
    assert_true(fabs(total - 1) < 1e-12);
    for (int s = 0; s < 2; s++) {
        /* powers of two: every distance scales without rounding */
        for (size_t i = 0; i < N * D; i++) big[i] = X[i] * (s ? 0x1p100f : 0x1p-100f);
        embed_affinities Q = affinities_of(big, N, D, 10, 2);
        assert_int_equal(Q.start[N], P.start[N]);
        assert_memory_equal(Q.p, P.p, P.start[N] * sizeof *P.p);
        embed_affinities_clear(&Q);
    }
    embed_affinities_clear(&P);
    free(X);
    free(big);
}

static void same_neighbours(const char *what, const float *X, size_t n, size_t D, size_t k) {
    embed_rows x = {.n = n, .D = D, .f = X};
    embed_knn fast, ref;
    must(embed_knn_exact(&fast, &x, k, 3, NULL, NULL));
    must(embed_knn_ref(&ref, &x, k));
    for (size_t i = 0; i < n * k; i++) {
        /* a plain sum over the components may round otherwise: then the distances differ in the last bits only */
        double close = fabs(fast.sqdist[i] - ref.sqdist[i]);
        if (fast.index[i] != ref.index[i] && !(close <= 1e-14 * ref.sqdist[i]))
            fail_msg("%s: neighbour %zu of point %zu is %u, not %u", what, i % k, i / k, fast.index[i], ref.index[i]);
        assert_true(fast.index[i] != i / k);
    }
    embed_knn_clear(&fast);
    embed_knn_clear(&ref);
}

static void neighbours_are_exact_on_odd_data(void **state) {
    (void)state;
    enum { N = 1100 }; /* two tiles */
    static const size_t widths[] = {2, 33};
    for (size_t w = 0; w < COUNT_OF(widths); w++) {
        size_t D = widths[w];
        float *X = clusters(N, D, 7, 6);
        same_neighbours("clusters", X, N, D, 40);
        for (size_t i = 0; i < N * D; i++) X[i] = roundf(X[i]);
        same_neighbours("grid", X, N, D, 40);
        for (size_t i = 0; i < N; i++) memcpy(X + i * D, X + i % 10 * D, D * sizeof *X);
        same_neighbours("duplicates", X, N, D, 200);
        for (size_t i = 0; i < N * D; i++) X[i] = 3;
        same_neighbours("equal", X, N, D, 5);
        float *V = clusters(N, D, 7, 8);
        V[5 * D] = 1e30f;
        same_neighbours("outlier", V, N, D, 40);
        for (size_t i = 0; i < N * D; i++) V[i] = V[i] > 1e20f ? 2e38f : V[i] * 1e-38f;
        same_neighbours("subnormal", V, N, D, 3);
        free(V);
        V = clusters(N, D, 7, 26);
        for (size_t i = 0; i < N * D; i++) V[i] = 1000 + V[i] * 1e-3f;
        same_neighbours("shifted", V, N, D, 40);
        free(X);
        free(V);
    }
}

static void few_points_have_few_neighbours(void **state) {
    (void)state;
    for (size_t n = 2; n < 70; n += 3) {
        float *X = clusters(n, 3, 2, 9);
        same_neighbours("few", X, n, 3, n - 1);
        free(X);
    }
}

/* ---- forces ------------------------------------------------------------------------------------------------------ */

static const embed_engine *const all_engines[] = {&embed_exact_ref, &embed_exact, &embed_barnes_hut};

static void forces_add_up_to_nothing(void **state) {
    (void)state;
    enum { N = 501 };
    float *X = clusters(N, 5, 6, 10);
    embed_affinities P = affinities_of(X, N, 5, 12, 2);
    for (int dims = 2; dims <= 3; dims++)
        for (size_t e = 0; e < COUNT_OF(all_engines); e++) {
            double *Y = layout(N, (size_t)dims, 4, 11);
            field f = forces_of(all_engines[e], &P, Y, dims, 0, 2);
            double sum[2][3] = {{0}}, size[2] = {0}, tolerance = all_engines[e] == &embed_barnes_hut ? 1e-6 : 1e-13;
            for (size_t i = 0; i < N * (size_t)dims; i++) {
                sum[0][i % (size_t)dims] += f.attraction[i];
                sum[1][i % (size_t)dims] += f.repulsion[i];
                size[0] += fabs(f.attraction[i]);
                size[1] += fabs(f.repulsion[i]);
            }
            for (int d = 0; d < dims; d++)
                for (int k = 0; k < 2; k++) assert_true(fabs(sum[k][d]) < tolerance * size[k]);
            free_field(&f);
            free(Y);
        }
    embed_affinities_clear(&P);
    free(X);
}

static double relative(const double *got, const double *want, size_t n) {
    double error = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        error += (got[i] - want[i]) * (got[i] - want[i]);
        norm += want[i] * want[i];
    }
    return sqrt(error / norm);
}

/* Layouts that trees find hard: compact, spread, many equal points, one far away, on a line. */
static double *hard_layout(int kind, size_t n, size_t dims) {
    double *Y = layout(n, dims, kind == 0 ? 1e-4 : kind == 1 ? 0.5 : 20, 12);
    if (kind == 3)
        for (size_t i = 0; i < n; i++) memcpy(Y + i * dims, Y + i % 9 * dims, dims * sizeof *Y);
    if (kind == 4) Y[0] = 1e7;
    if (kind == 5)
        for (size_t i = 0; i < n; i++) memset(Y + i * dims + 1, 0, (dims - 1) * sizeof *Y);
    if (kind == 6) memset(Y, 0, n * dims * sizeof *Y);
    return Y;
}

/* theta 0 is exact, 0.5 keeps the promise, and a tree that is refitted for another layout is as good. */
static void barnes_hut_keeps_its_promise(void **state) {
    (void)state;
    enum { N = 1003 };
    float *X = clusters(N, 5, 6, 13);
    embed_affinities P = affinities_of(X, N, 5, 12, 2);
    for (int dims = 2; dims <= 3; dims++)
        for (int kind = 0; kind <= 5; kind++) {
            double *Y = hard_layout(kind, N, (size_t)dims), *before = layout(N, (size_t)dims, 3, 14);
            double *R = calloc(N * (size_t)dims, sizeof *R), Z;
            field want = forces_of(&embed_exact, &P, Y, dims, 0, 2), zero, half;
            zero = forces_of(&embed_barnes_hut, &P, Y, dims, 0, 2);
            half = forces_of(&embed_barnes_hut, &P, Y, dims, 0.5, 2);
            size_t size = N * (size_t)dims;
            /* an outlier of 1e7 leaves the others' forces and Z as they are: float32 rounds it alone */
            assert_true(relative(zero.repulsion, want.repulsion, size) < 1e-5);
            assert_true(relative(half.repulsion, want.repulsion, size) < 2e-2);
            assert_true(fabs(zero.Z - want.Z) < 1e-5 * want.Z && fabs(half.Z - want.Z) < 1e-2 * want.Z);
            /* brief affinities: 2^-12 off each, and still equal both ways */
            embed_engine_setup setup = {
                .P = &P, .dims = dims, .theta = 0.8, .force_error = 0.02, .alpha = 1, .threads = 2};
            void *self;
            double sum[3] = {0}, pull = 0;
            must(embed_barnes_hut.create(&self, &setup));
            must(embed_barnes_hut.forces(self, Y, half.attraction, R, &Z));
            embed_barnes_hut.destroy(self);
            assert_true(relative(half.attraction, want.attraction, size) < 2e-4);
            for (size_t i = 0; i < size; i++) {
                sum[i % (size_t)dims] += half.attraction[i];
                pull += fabs(half.attraction[i]);
            }
            for (int d = 0; d < dims; d++) assert_true(fabs(sum[d]) < 1e-6 * pull);
            bh_repulsion b;
            must(bh_repulsion_new(&b, N, dims, 0.5, 0, 2));
            must(bh_repulsion_forces(&b, before, R, &Z));
            b.since = 0;
            b.interactions = 0; /* keeps the tree of the layout before */
            must(bh_repulsion_forces(&b, Y, R, &Z));
            assert_int_equal(b.since, 1);
            assert_true(relative(R, want.repulsion, size) < 2e-2 && fabs(Z - want.Z) < 1e-2 * want.Z);
            bh_repulsion_clear(&b);
            /* theta of no use, the error alone: the second call knows the size of the forces */
            must(bh_repulsion_new(&b, N, dims, 1, 0.02, 2));
            for (int call = 0; call < 2; call++) must(bh_repulsion_forces(&b, Y, R, &Z));
            assert_true(relative(R, want.repulsion, size) < 2e-2 && fabs(Z - want.Z) < 1e-2 * want.Z);
            bh_repulsion_clear(&b);
            free_field(&want), free_field(&zero), free_field(&half);
            free(Y), free(before), free(R);
        }
    embed_affinities_clear(&P);
    free(X);
}

static void equal_points_do_not_push(void **state) {
    (void)state;
    enum { N = 333 };
    float *X = clusters(N, 5, 3, 15);
    embed_affinities P = affinities_of(X, N, 5, 12, 2);
    double *Y = hard_layout(6, N, 2);
    for (int theta = 0; theta < 2; theta++) {
        field f = forces_of(&embed_barnes_hut, &P, Y, 2, theta, 2);
        assert_true(fabs(f.Z - (double)N * (N - 1)) < 1e-6 * N * N);
        for (size_t i = 0; i < 2 * N; i++) assert_true(f.repulsion[i] == 0 && f.attraction[i] == 0);
        free_field(&f);
    }
    free(Y);
    embed_affinities_clear(&P);
    free(X);
}

static void gradient_is_that_of_the_kl(void **state) {
    (void)state;
    enum { N = 120 };
    float *X = clusters(N, 5, 4, 16);
    embed_affinities P = affinities_of(X, N, 5, 8, 2);
    for (int dims = 2; dims <= 3; dims++) {
        double *Y = layout(N, (size_t)dims, 2, 17), step = 1e-5;
        field exact = forces_of(&embed_exact, &P, Y, dims, 0, 2),
              tree = forces_of(&embed_barnes_hut, &P, Y, dims, 0, 2);
        for (size_t i = 0; i < N * (size_t)dims; i += 17) {
            double keep = Y[i], up, down;
            Y[i] = keep + step;
            up = kl_of(&P, Y, dims);
            Y[i] = keep - step;
            down = kl_of(&P, Y, dims);
            Y[i] = keep;
            double want = (up - down) / (2 * step) / 4; /* without the factor 4 */
            /* central differences: step^2 and 1e-16/step */
            assert_true(fabs(exact.attraction[i] - exact.repulsion[i] / exact.Z - want) < 1e-9);
            assert_true(fabs(tree.attraction[i] - tree.repulsion[i] / tree.Z - want) < 1e-7);
        }
        free_field(&exact), free_field(&tree);
        free(Y);
    }
    embed_affinities_clear(&P);
    free(X);
}

static void kl_knows_no_place_and_no_turn(void **state) {
    (void)state;
    enum { N = 200 };
    float *X = clusters(N, 5, 4, 18);
    embed_affinities P = affinities_of(X, N, 5, 8, 2);
    double *Y = layout(N, 2, 3, 19), kl = kl_of(&P, Y, 2), c = cos(0.7), s = sin(0.7);
    for (size_t i = 0; i < N; i++) {
        double x = Y[2 * i], y = Y[2 * i + 1];
        Y[2 * i] = c * x - s * y + 5;
        Y[2 * i + 1] = s * x + c * y - 3;
    }
    assert_true(fabs(kl_of(&P, Y, 2) - kl) < 1e-12);
    Y[0] += 1;
    assert_true(fabs(kl_of(&P, Y, 2) - kl) > 1e-9);
    free(Y);
    embed_affinities_clear(&P);
    free(X);
}

/* ---- whole maps -------------------------------------------------------------------------------------------------- */

static limn_embedding *map_of(const float *X, size_t n, size_t D, limn_embed_options o) {
    limn_embedding *e = NULL;
    must(limn_embed(&e, X, n, D, &o, NULL, NULL));
    for (size_t i = 0; i < n * (size_t)o.dims; i++) assert_true(isfinite(e->Y[i]));
    return e;
}

static limn_embed_options options(double perplexity, int iterations) {
    limn_embed_options o;
    limn_embed_defaults(&o);
    o.perplexity = perplexity;
    o.iterations = iterations;
    o.early = iterations / 4;
    return o;
}

static void threads_change_no_bit(void **state) {
    (void)state;
    enum { N = 1100, D = 70 };
    static const int threads[] = {1, 2, 3, 8, 16};
    float *X = clusters(N, D, 8, 20);
    int labels[N];
    for (int i = 0; i < N; i++) labels[i] = i % 8;
    for (int variant = 0; variant < 3; variant++) {
        limn_embed_options o = options(15, 22); /* two trees, and edges packed twice */
        limn_embedding *first = NULL;
        limn_quality q0[16], q[16];
        size_t n0 = 0, nq;
        o.trace_every = 7;
        if (variant == 1) o.engine = LIMN_TSNE_EXACT, o.iterations = 5;
        if (variant == 2) o.dims = 3, o.iterations = 8, o.init = LIMN_INIT_RANDOM;
        for (size_t t = 0; t < COUNT_OF(threads); t++) {
            o.threads = threads[t];
            limn_embedding *e = map_of(X, N, D, o);
            nq = 0;
            if (variant == 0) must(limn_embed_quality(q, 16, &nq, X, N, D, e->Y, o.dims, labels, 1, threads[t]));
            if (!first) {
                first = e;
                n0 = nq;
                memcpy(q0, q, sizeof q);
                continue;
            }
            assert_memory_equal(e->Y, first->Y, N * (size_t)o.dims * sizeof *e->Y);
            assert_memory_equal(e->neighbour, first->neighbour, N * e->k * sizeof *e->neighbour);
            assert_memory_equal(e->distance, first->distance, N * e->k * sizeof *e->distance);
            assert_memory_equal(e->explained, first->explained, e->n_explained * sizeof *e->explained);
            assert_memory_equal(&e->kl, &first->kl, sizeof e->kl);
            assert_int_equal(e->n_trace, first->n_trace);
            for (size_t i = 0; i < e->n_trace; i++) assert_true(e->trace[i].kl == first->trace[i].kl);
            assert_int_equal(nq, n0);
            for (size_t i = 0; i < nq; i++) assert_true(q[i].value == q0[i].value);
            limn_embedding_free(e);
        }
        limn_embedding_free(first);
    }
    free(X);
}

static void maps_of_odd_data_are_finite(void **state) {
    (void)state;
    enum { N = 90, D = 4 };
    float X[N * D], *good = clusters(N, D, 3, 21);
    for (int kind = 0; kind < 8; kind++) {
        memcpy(X, good, sizeof X);
        for (size_t i = 0; i < N; i++)
            for (size_t c = 0; c < D; c++) {
                float *v = &X[i * D + c];
                if (kind == 0) *v = 1.25f;                    /* all equal */
                if (kind == 1 && c > 0) *v = 7;               /* constant columns */
                if (kind == 2 && i == 3) *v = 1e6f;           /* one outlier */
                if (kind == 3) *v *= 1e-38f;                  /* tiny */
                if (kind == 4) *v = *v > 0 ? 3e38f : -3e38f;  /* huge, with ties */
                if (kind == 5) *v = good[i % 3 * D + c];      /* three points, many times */
                if (kind == 6) *v = 0;                        /* zeros */
                if (kind == 7) *v = (float)(i == 0) * 1e-45f; /* one point a subnormal away */
            }
        for (int engine = 0; engine < 2; engine++)
            for (int dims = 2; dims <= 3; dims++) {
                limn_embed_options o = options(5, 120);
                o.engine = engine ? LIMN_TSNE_EXACT : LIMN_TSNE_BARNES_HUT;
                o.dims = dims;
                o.threads = 1;
                limn_embedding *e = map_of(X, N, D, o);
                assert_true(isfinite(e->kl) && e->kl > -1e-9);
                limn_embedding_free(e);
            }
        limn_embed_options o = options(5, 1);
        o.method = LIMN_EMBED_PCA;
        limn_embedding *e = map_of(X, N, D, o);
        assert_true(isnan(e->kl));
        limn_embedding_free(e);
    }
    free(good);
}

static void few_points_make_a_map(void **state) {
    (void)state;
    for (size_t n = 3; n <= 40; n += n < 10 ? 1 : 7)
        for (size_t D = 1; D <= 60; D += 59) {
            float *X = clusters(n, D, 2, 22);
            limn_embed_options o = options(1, 300);
            o.threads = 1;
            limn_embedding *e = map_of(X, n, D, o);
            assert_true(isfinite(e->kl));
            assert_int_equal(e->k, n - 1 < 3 ? n - 1 : 3);
            assert_int_equal(e->warning[0] != 0, n - 1 < 3);
            limn_embedding_free(e);
            free(X);
        }
}

/* A map of clearly separate groups keeps them apart: the neighbours of a point in the map are of its own group. */
static void groups_stay_groups(void **state) {
    (void)state;
    enum { N = 400 };
    float *X = clusters(N, 12, 5, 23);
    int labels[N];
    limn_quality q[16];
    size_t rows;
    for (int i = 0; i < N; i++) labels[i] = i % 5;
    for (int dims = 2; dims <= 3; dims++) {
        limn_embed_options o = options(20, 400);
        o.dims = dims;
        limn_embedding *e = map_of(X, N, 12, o);
        must(limn_embed_quality(q, 16, &rows, X, N, 12, e->Y, dims, labels, 1, 2));
        for (size_t i = 0; i < rows; i++) {
            if (strcmp(q[i].metric, "label_accuracy") == 0) assert_true(q[i].value > 0.99);
            if (strcmp(q[i].metric, "silhouette") == 0) assert_true(q[i].value > 0.5);
            assert_int_equal(q[i].sample, N);
        }
        assert_true(e->trace[e->n_trace - 1].kl < e->trace[0].kl);
        assert_true(e->trace[e->n_trace - 1].kl == e->kl);
        limn_embedding_free(e);
    }
    free(X);
}

/* ---- principal components ---------------------------------------------------------------------------------------- */

/* The Gram matrix (D > n), the covariance (D <= n) and the subspace iteration find the same axes. */
static void three_ways_to_the_same_axes(void **state) {
    (void)state;
    enum { N = 1030, D = 1040, COUNT = 5 };
    float *X = clusters(N, D, 7, 24);
    for (size_t i = 0; i < N; i++) /* a spectrum that falls */
        for (size_t c = 0; c < D; c++) X[i * D + c] *= 20.0f / (float)(20 + c);
    embed_rows x = {.n = N, .D = D, .f = X}, few = {.n = 300, .D = D, .f = X};
    embed_pca fast, gram;
    must(embed_pca_make(&fast, &x, COUNT, 2));
    double *scores = malloc(N * COUNT * sizeof *scores);
    must(embed_pca_scores(&fast, &x, scores, 2));
    for (size_t a = 0; a < COUNT; a++) {
        double sum = 0, unit = 0, other = 0;
        for (size_t i = 0; i < N; i++) {
            sum += scores[i * COUNT + a] * scores[i * COUNT + a];
            other += scores[i * COUNT + a] * scores[i * COUNT + (a + 1) % COUNT];
        }
        for (size_t c = 0; c < D; c++) unit += fast.axis[a * D + c] * fast.axis[a * D + c];
        assert_true(fabs(unit - 1) < 1e-5);
        assert_true(fabs(sum / (N - 1) - fast.variance[a]) < 1e-4 * fast.variance[a]);
        assert_true(fabs(other) < 1e-3 * sum);
        assert_true(a == 0 || fast.variance[a] <= fast.variance[a - 1]);
    }
    embed_pca_clear(&fast);
    must(embed_pca_make(&gram, &few, COUNT, 2));
    embed_pca sub = {.D = D, .count = COUNT, .mean = gram.mean, .total = gram.total};
    sub.axis = calloc(COUNT * D, sizeof(double));
    sub.variance = calloc(COUNT, sizeof(double));
    must(embed_pca_subspace(&sub, &few, 2));
    for (size_t a = 0; a < COUNT; a++) {
        double along = 0;
        for (size_t c = 0; c < D; c++) along += sub.axis[a * D + c] * gram.axis[a * D + c];
        assert_true(fabs(sub.variance[a] - gram.variance[a]) < 1e-4 * gram.variance[a]);
        assert_true(fabs(fabs(along) - 1) < 1e-4);
    }
    free(sub.axis), free(sub.variance);
    embed_pca_clear(&gram);
    free(scores);
    free(X);
}

static void gram_and_covariance_agree(void **state) {
    (void)state;
    enum { N = 40, WIDE = 41, NARROW = 40, COUNT = 6 };
    float *X = clusters(N, NARROW, 5, 25), *W = calloc(N * WIDE, sizeof *W);
    for (size_t i = 0; i < N; i++) memcpy(W + i * WIDE, X + i * NARROW, NARROW * sizeof *X); /* the last column is 0 */
    embed_rows x = {.n = N, .D = NARROW, .f = X}, w = {.n = N, .D = WIDE, .f = W};
    embed_pca cov, gram;
    must(embed_pca_make(&cov, &x, COUNT, 2));
    must(embed_pca_make(&gram, &w, COUNT, 2));
    for (size_t a = 0; a < COUNT; a++) {
        assert_true(fabs(cov.variance[a] - gram.variance[a]) < 1e-11 * cov.variance[0]);
        for (size_t c = 0; c < NARROW; c++)
            assert_true(fabs(cov.axis[a * NARROW + c] - gram.axis[a * WIDE + c]) < 1e-9);
    }
    embed_pca_clear(&cov);
    embed_pca_clear(&gram);
    free(X);
    free(W);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_its_perplexity),
        cmocka_unit_test(rows_without_a_bandwidth_are_uniform),
        cmocka_unit_test(affinities_are_symmetric_and_know_no_scale),
        cmocka_unit_test(neighbours_are_exact_on_odd_data),
        cmocka_unit_test(few_points_have_few_neighbours),
        cmocka_unit_test(forces_add_up_to_nothing),
        cmocka_unit_test(barnes_hut_keeps_its_promise),
        cmocka_unit_test(equal_points_do_not_push),
        cmocka_unit_test(gradient_is_that_of_the_kl),
        cmocka_unit_test(kl_knows_no_place_and_no_turn),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(maps_of_odd_data_are_finite),
        cmocka_unit_test(few_points_make_a_map),
        cmocka_unit_test(groups_stay_groups),
        cmocka_unit_test(three_ways_to_the_same_axes),
        cmocka_unit_test(gram_and_covariance_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
