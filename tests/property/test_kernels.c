/* The kernels of every instruction set that this processor has, against plain float64 loops and, bit by bit, against
 * one another. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/try.h"
#include "embed/kernels.h"
#include "embed/knn_tile.h"

/* Up to 128 float32 terms of like size, each with a handful of roundings. */
static const double FLOAT_SUM = 2e-6;
/* The same in float64, for up to 300 terms. */
static const double DOUBLE_SUM = 1e-13;

enum { N = 300, STRIDE = 304 };

static float points[3 * BH_CHUNK], targets[3 * BH_GROUP];
static double layout[3 * STRIDE];

static int setup(void **state) {
    (void)state;
    limn_rng r = limn_rng_stream(1, LIMN_RNG_TEST, 0);
    for (size_t i = 0; i < COUNT_OF(points); i++) points[i] = (float)(3 * limn_rng_normal(&r));
    for (size_t i = 0; i < COUNT_OF(targets); i++) targets[i] = (float)(3 * limn_rng_normal(&r));
    for (size_t i = 0; i < COUNT_OF(layout); i++) layout[i] = 3 * limn_rng_normal(&r);
    return 0;
}

static void assert_near(double got, double want, double scale, double tolerance) {
    if (!(fabs(got - want) <= tolerance * scale)) fail_msg("%.17g is not %.17g", got, want);
}

/* acc of the kernel against the float64 sum over `count` points (self: those are the targets from `first` on). */
static void check_points(const embed_kernels *k, int dims, size_t count, int self, size_t first) {
    double acc[4 * BH_GROUP] = {0};
    const float *y[3];
    uint32_t cut = (uint32_t)count / 3;
    bh_range ranges[] = {{cut, (uint32_t)count}, {0, cut}};
    for (int d = 0; d < 3; d++) y[d] = self ? targets + d * BH_GROUP + first : points + d * BH_CHUNK;
    if (self)
        k->bh_self(dims, targets, first, count, acc);
    else
        k->bh_points(dims, targets, y, ranges, COUNT_OF(ranges), acc);
    for (size_t i = 0; i < BH_GROUP; i++) {
        double want[4] = {0}, size[4] = {0};
        for (size_t j = 0; j < count; j++) {
            double diff[3], r = 1;
            if (self && j + first == i) continue;
            for (int d = 0; d < dims; d++) {
                diff[d] = (double)targets[(size_t)d * BH_GROUP + i] - (double)y[d][j];
                r += diff[d] * diff[d];
            }
            for (int d = 0; d < dims; d++) {
                want[d] += diff[d] / (r * r);
                size[d] += fabs(diff[d]) / (r * r);
            }
            want[dims] += 1 / r;
        }
        size[dims] = want[dims];
        for (int d = 0; d <= dims; d++) assert_near(acc[(size_t)d * BH_GROUP + i], want[d], size[d] + 1e-30, FLOAT_SUM);
    }
}

static void points_sum_as_plain_loops(void **state) {
    (void)state;
    for (int s = 0; embed_kernels_at(s); s++)
        for (int dims = 2; dims <= 3; dims++) {
            check_points(embed_kernels_at(s), dims, BH_CHUNK, 0, 0);
            check_points(embed_kernels_at(s), dims, 1, 0, 0);
            check_points(embed_kernels_at(s), dims, BH_GROUP, 1, 0);
            check_points(embed_kernels_at(s), dims, 7, 1, 20);
        }
}

/* A node of a tight cluster acts as its points do, up to the third power of size over distance. */
static void nodes_act_as_their_points(void **state) {
    (void)state;
    enum { MEMBERS = 40 };
    const double width = 0.05;
    for (int dims = 2; dims <= 3; dims++) {
        limn_rng r = limn_rng_stream(2, LIMN_RNG_TEST, (uint64_t)dims);
        double y[3][MEMBERS], c[3] = {0}, q[6] = {0};
        static const int pair[6][2] = {{0, 0}, {0, 1}, {1, 1}, {0, 2}, {1, 2}, {2, 2}};
        for (int d = 0; d < dims; d++) {
            for (int j = 0; j < MEMBERS; j++) c[d] += (y[d][j] = 0.4 + width * limn_rng_normal(&r)) / MEMBERS;
        }
        for (int t = 0; t < (dims == 3 ? 6 : 3); t++)
            for (int j = 0; j < MEMBERS; j++)
                q[t] += (y[pair[t][0]][j] - c[pair[t][0]]) * (y[pair[t][1]][j] - c[pair[t][1]]);
        static const int place[3] = {BH_X, BH_Y, BH_Z}, moment[6] = {BH_XX, BH_XY, BH_YY, BH_XZ, BH_YZ, BH_ZZ};
        float record[2 * BH_RECORD] = {0}, *v = record + BH_RECORD;
        uint32_t index = 1;
        for (int d = 0; d < dims; d++) v[place[d]] = (float)c[d];
        v[BH_M] = MEMBERS;
        for (int t = 0; t < 6; t++) v[moment[t]] = (float)(4 * q[t]);
        v[BH_T] = (float)(q[0] + q[2] + q[5]);
        for (int s = 0; embed_kernels_at(s); s++) {
            double acc[4 * BH_GROUP] = {0};
            embed_kernels_at(s)->bh_nodes(dims, targets, record, &index, 1, acc);
            for (size_t i = 0; i < BH_GROUP; i++) {
                double want[4] = {0}, reach = 1;
                for (int j = 0; j < MEMBERS; j++) {
                    double diff[3], rr = 1;
                    for (int d = 0; d < dims; d++) {
                        diff[d] = (double)targets[(size_t)d * BH_GROUP + i] - y[d][j];
                        rr += diff[d] * diff[d];
                    }
                    for (int d = 0; d < dims; d++) want[d] += diff[d] / (rr * rr);
                    want[dims] += 1 / rr;
                    reach = rr;
                }
                /* third order: (width/sqrt(1 + d^2))^3 = 1.3e-4 at most, times about 6 */
                double order3 = 6 * pow(width, 3) / sqrt(reach) + FLOAT_SUM;
                for (int d = 0; d <= dims; d++)
                    assert_near(acc[(size_t)d * BH_GROUP + i], want[d], MEMBERS / reach, order3);
            }
        }
    }
}

static void moments_are_those_of_plain_loops(void **state) {
    (void)state;
    static const int pair[6][2] = {{0, 0}, {0, 1}, {1, 1}, {0, 2}, {1, 2}, {2, 2}};
    for (int s = 0; embed_kernels_at(s); s++)
        for (int dims = 2; dims <= 3; dims++)
            for (size_t count = 1; count <= BH_LEAF; count++) {
                const float *y[3] = {points, points + BH_CHUNK, points + 2 * BH_CHUNK};
                double c[3] = {0}, q[6] = {0}, size = 0;
                bh_leaf leaf;
                embed_kernels_at(s)->bh_moments(dims, y, count, &leaf);
                for (int d = 0; d < dims; d++) {
                    float lo = y[d][0], hi = lo;
                    for (size_t i = 0; i < count; i++) {
                        c[d] += (double)y[d][i] / (double)count;
                        lo = fminf(lo, y[d][i]);
                        hi = fmaxf(hi, y[d][i]);
                    }
                    assert_true(leaf.lo[d] == lo && leaf.hi[d] == hi);
                    assert_near((double)leaf.centre[d], c[d], 10, FLOAT_SUM);
                    size += ((double)hi - (double)lo) * ((double)hi - (double)lo) * (double)count;
                }
                for (int t = 0; t < (dims == 3 ? 6 : 3); t++) {
                    for (size_t i = 0; i < count; i++)
                        q[t] += ((double)y[pair[t][0]][i] - c[pair[t][0]]) * ((double)y[pair[t][1]][i] - c[pair[t][1]]);
                    assert_near((double)leaf.moment[t], q[t], size, FLOAT_SUM);
                }
            }
}

static void steps_are_those_of_plain_loops(void **state) {
    (void)state;
    enum { COUNT = 101 };
    tsne_move m = {12, 7, 200, 0.8, 0.2, 0.8, 0.01};
    for (int s = 0; embed_kernels_at(s); s++) {
        double gain[COUNT], u[COUNT], most = 0;
        const double *a = layout, *r = layout + 150;
        for (int i = 0; i < COUNT; i++) {
            gain[i] = i % 5 == 0 ? 0.01 : 1 + 0.1 * i;
            u[i] = i % 7 == 0 ? 0 : layout[300 + i];
        }
        double got = embed_kernels_at(s)->move(&m, COUNT, a, r, gain, u);
        for (int i = 0; i < COUNT; i++) {
            double before = i % 5 == 0 ? 0.01 : 1 + 0.1 * i, was = i % 7 == 0 ? 0 : layout[300 + i];
            double g = 12 * a[i] - r[i] / 7;
            double want = (was > 0) - (was < 0) != (g > 0) - (g < 0) ? before + 0.2 : fmax(0.8 * before, 0.01);
            assert_near(gain[i], want, 1, 1e-15 * want);
            assert_near(u[i], 0.8 * was - 200 * want * g, 1, 1e-12 * fabs(200 * want * g));
            most = fmax(most, u[i] * u[i]);
        }
        assert_true(got == most);
    }
}

/* A random tree's tests: the walk takes and opens what a plain recursion would, whatever the order. */
enum { BLOCKS = 80, PLACES = BLOCKS * BH_BLOCK };

typedef struct {
    float test[BLOCKS * BH_TEST(3)];
    uint32_t link[PLACES], stack[BLOCKS + BH_STEP];
    uint8_t want[PLACES], got[PLACES]; /* 1: taken, 2: a leaf that is opened */
    bh_walk walk;
    size_t taken, leaves;
} forest;

static void random_tree(forest *f, int dims) {
    limn_rng r = limn_rng_stream(5, LIMN_RNG_TEST, (uint64_t)dims);
    uint32_t next = 2;
    memset(f, 0, sizeof *f);
    for (uint32_t b = 0; b < BLOCKS; b++)
        for (uint32_t i = 0; i < BH_BLOCK; i++) {
            float *test = f->test + b * BH_TEST(dims) + i;
            uint32_t more = 1 + (i & 1);
            int none = b == 1 || (b == 0 && i > 0) || limn_rng_uniform(&r) < 0.1;
            for (int d = 0; d < dims; d++) test[d * BH_BLOCK] = none ? NAN : (float)(3 * limn_rng_normal(&r));
            float side = (float)(2 * exp(limn_rng_normal(&r)));
            test[dims * BH_BLOCK] = none ? NAN : b == 0 ? INFINITY : side * side;
            test[(dims + 1) * BH_BLOCK] = none ? NAN : side * 2;
            if (b == 0 && i == 0) f->test[0] = f->test[BH_BLOCK] = 0;
            if (b == 0 && i == 0 && dims == 3) f->test[2 * BH_BLOCK] = 0;
            f->link[b * BH_BLOCK + i] = BH_IS_LEAF;
            if (none || next + more > BLOCKS || (b > 0 && limn_rng_uniform(&r) < 0.3)) continue;
            f->link[b * BH_BLOCK + i] = next << 2 | (more == 2 ? BH_TWO : BH_ONE);
            next += more;
        }
    f->test[dims * BH_BLOCK] = INFINITY; /* the root is opened */
    f->test[(dims + 1) * BH_BLOCK] = INFINITY;
}

static void plain_walk(forest *f, int dims, uint32_t block) {
    for (uint32_t i = 0; i < BH_BLOCK; i++) {
        const float *test = f->test + block * BH_TEST(dims) + i;
        uint32_t place = block * BH_BLOCK + i, link = f->link[place];
        float q = 1;
        if (isnan(test[dims * BH_BLOCK])) continue;
        for (int d = 0; d < dims; d++) {
            float away = fabsf(test[d * BH_BLOCK] - f->walk.centre[d]) - f->walk.half[d];
            if (away > 0) q += away * away;
        }
        if (test[dims * BH_BLOCK] < q * f->walk.theta2 && test[(dims + 1) * BH_BLOCK] <= q * f->walk.kappa)
            f->want[place] = 1;
        else if ((link & 3) == BH_IS_LEAF)
            f->want[place] = 2;
        else
            for (uint32_t b = 0; b < (link & 3); b++) plain_walk(f, dims, (link >> 2) + b);
    }
}

static void walks_find_what_a_recursion_finds(void **state) {
    (void)state;
    static forest f;
    for (int dims = 2; dims <= 3; dims++)
        for (int s = 0; embed_kernels_at(s); s++)
            for (int tight = 0; tight < 3; tight++) {
                random_tree(&f, dims);
                bh_view view = {.dims = dims, .test = f.test, .link = f.link};
                f.walk = (bh_walk){.centre = {0.5f, -1, 0.25f}, .half = {1, 0.5f, 0.75f}, .theta2 = 0.64f};
                f.walk.kappa = tight == 0 ? INFINITY : tight == 1 ? 0.7f : 0;
                f.walk.stack = f.stack;
                f.walk.waiting = 1;
                plain_walk(&f, dims, 0);
                while (f.walk.waiting > 0) {
                    embed_kernels_at(s)->bh_walk(&view, &f.walk);
                    for (size_t i = 0; i < f.walk.nodes; i++) f.got[f.walk.node[i]] += 1;
                    for (size_t i = 0; i < f.walk.leaves; i++) f.got[f.walk.leaf[i]] += 2;
                    f.taken += f.walk.nodes;
                    f.leaves += f.walk.leaves;
                    f.walk.nodes = f.walk.leaves = 0;
                }
                assert_memory_equal(f.got, f.want, sizeof f.got);
                assert_true(f.leaves > 0 && (f.taken > 0) == (tight < 2));
            }
}

static void exact_kernels_equal_plain_loops(void **state) {
    (void)state;
    for (int s = 0; embed_kernels_at(s); s++)
        for (int dims = 1; dims <= 3; dims++)
            for (size_t i0 = 0; i0 < N; i0 += 96) {
                double F[3 * EXACT_LANES], z[EXACT_LANES], half[EXACT_LANES];
                embed_kernels_at(s)->exact_forces(dims, layout, STRIDE, N, i0, F, z);
                embed_kernels_at(s)->exact_z(dims, layout, STRIDE, N, i0, half);
                for (size_t l = 0; l < EXACT_LANES && i0 + l < N; l++) {
                    double want[3] = {0}, sum = 0, above = 0;
                    for (size_t j = 0; j < N; j++) {
                        double r = 1, diff[3];
                        if (j == i0 + l) continue;
                        for (int d = 0; d < dims; d++) {
                            diff[d] = layout[(size_t)d * STRIDE + i0 + l] - layout[(size_t)d * STRIDE + j];
                            r += diff[d] * diff[d];
                        }
                        for (int d = 0; d < dims; d++) want[d] += diff[d] / (r * r);
                        sum += 1 / r;
                        if (j >= i0 + EXACT_LANES) above += 1 / r;
                    }
                    for (int d = 0; d < dims; d++) assert_near(F[d * EXACT_LANES + (int)l], want[d], sum, DOUBLE_SUM);
                    assert_near(z[l], sum, sum, DOUBLE_SUM);
                    assert_near(half[l], above, sum, DOUBLE_SUM);
                }
            }
}

static void entropy_is_that_of_libm(void **state) {
    (void)state;
    enum { K = 83, ROOM = 88 };
    double d[ROOM] = {0}, e[ROOM], sums[3];
    for (int i = 0; i < K; i++) d[i] = i == K - 1 ? 1e200 : 0.001 * i * i * i;
    static const double betas[] = {1e-300, 1e-3, 0.7, 5, 1e6, 1e150};
    for (int s = 0; embed_kernels_at(s); s++)
        for (size_t b = 0; b < COUNT_OF(betas); b++) {
            double want[3] = {0};
            embed_kernels_at(s)->entropy(d, K, betas[b], e, sums);
            for (int i = 0; i < K; i++) {
                double t = betas[b] * d[i], w = t > 708 ? 0 : exp(-t);
                assert_near(e[i], w, w, 4e-16 * (1 + (w > 0 ? t : 0)));
                want[0] += w;
                if (w > 0) want[1] += t * w, want[2] += t * t * w;
            }
            for (int q = 0; q < 3; q++) assert_near(sums[q], want[q], want[q], DOUBLE_SUM);
        }
}

static void distances_and_counts_equal_plain_loops(void **state) {
    (void)state;
    for (int s = 0; embed_kernels_at(s); s++) {
        const embed_kernels *k = embed_kernels_at(s);
        for (size_t D = 1; D < 40; D++) {
            double f = 0, d = 0;
            for (size_t i = 0; i < D; i++) {
                double u = (double)points[i] - (double)points[100 + i], v = layout[i] - layout[100 + i];
                f += u * u;
                d += v * v;
            }
            assert_near(k->sqdist_f(points, points + 100, D), f, f, D < 8 ? 0 : 1e-15);
            assert_near(k->sqdist_d(layout, layout + 100, D), d, d, D < 8 ? 0 : 1e-15);
        }
        for (int dims = 1; dims <= 3; dims++) {
            double row[STRIDE];
            k->sqdist_row(dims, layout, STRIDE, N, 77, row);
            for (size_t j = 0; j < N; j++) {
                double r = 0;
                for (int d = 0; d < dims; d++)
                    r += pow(layout[(size_t)d * STRIDE + j] - layout[(size_t)d * STRIDE + 77], 2);
                assert_true(row[j] == r);
            }
        }
        double values[101];
        float floats[101];
        for (int i = 0; i < 101; i++) values[i] = i % 10, floats[i] = (float)values[i];
        for (size_t n = 0; n <= 101; n++) {
            size_t below = 0, upto = 0;
            for (size_t i = 0; i < n; i++) below += values[i] < 4, upto += values[i] <= 4;
            assert_int_equal(k->count_below(values, n, 4), below);
            assert_int_equal(k->count_upto(values, n, 4), upto);
            assert_int_equal(k->count_upto_f(floats, n, 4), upto);
        }
    }
}

/* Products of a tile as plain sums, and the threshold: rows outside the range, the query itself and infinity never. */
static void tiles_keep_what_is_below(void **state) {
    (void)state;
    enum { D = 5 };
    static float X[KNN_STRIP + KNN_WIDTH][D], norm[KNN_WIDTH];
    float value[KNN_STRIP][2 * KNN_WIDTH];
    uint32_t index[KNN_STRIP][2 * KNN_WIDTH], query[D * KNN_STRIP] = {0}, panel[D * KNN_WIDTH] = {0};
    limn_rng r = limn_rng_stream(3, LIMN_RNG_TEST, 0);
    for (size_t i = 0; i < COUNT_OF(X); i++) /* eighths below 8: bfloat16 holds them */
        for (size_t c = 0; c < D; c++) X[i][c] = (float)(int)(8 * limn_rng_uniform(&r) * 8) / 8 - 4;
    for (size_t i = 0; i < KNN_WIDTH; i++) norm[i] = i == 63 ? INFINITY : (float)i;
    const knn_tile *tile;
    for (int t = 0; (tile = knn_tile_at(t)) != NULL; t++) {
        size_t steps = tile->brief ? (D + 1) / 2 : D;
        knn_list list[KNN_STRIP];
        memset(query, 0, sizeof query);
        memset(panel, 0, sizeof panel);
        for (size_t i = 0; i < COUNT_OF(X); i++)
            for (size_t c = 0; c < D; c++) {
                uint32_t bits, *to = i < KNN_STRIP ? query + i : panel + i - KNN_STRIP;
                size_t stride = i < KNN_STRIP ? KNN_STRIP : KNN_WIDTH;
                memcpy(&bits, &X[i][c], sizeof bits);
                if (tile->brief)
                    to[c / 2 * stride] |= bits >> 16 << 16 * (c % 2);
                else
                    to[c * stride] = bits;
            }
        for (uint32_t q = 0; q < KNN_STRIP; q++)
            list[q] = (knn_list){value[q], index[q], 0, q == 0 ? -INFINITY : (float)(20 * q), 100 + q};
        uint32_t grown = tile->run(query, panel, norm, steps, (knn_range){100, 98, 160}, list);
        for (uint32_t q = 0; q < KNN_STRIP; q++) {
            size_t at = 0;
            for (uint32_t i = 0; i < KNN_WIDTH; i++) {
                float v = norm[i]; /* sums of few eighths: exact in any order */
                for (size_t c = 0; c < D; c++) v += X[q][c] * X[KNN_STRIP + i][c];
                if (!(v <= list[q].limit) || i == q || i >= 60) continue;
                assert_true(at < list[q].n && index[q][at] == 100 + i && value[q][at] == v);
                at++;
            }
            assert_int_equal(list[q].n, at);
            assert_int_equal(grown >> q & 1, at > 0);
            assert_true(q == 0 || at > 0);
        }
    }
}

static void covariance_tiles_equal_plain_loops(void **state) {
    (void)state;
    enum { ROWS = 19, WIDE = 32 };
    for (int s = 0; embed_kernels_at(s); s++) {
        double C[WIDE * WIDE] = {0};
        embed_kernels_at(s)->covariance(layout, ROWS, WIDE, 8, 16, C);
        for (int i = 0; i < WIDE; i++)
            for (int j = 0; j < WIDE; j++) {
                double want = 0;
                for (int r = 0; r < ROWS; r++) want += layout[r * WIDE + i] * layout[r * WIDE + j];
                int inside = i >= 8 && i < 8 + COV_ROWS && j >= 16 && j < 16 + COV_COLS;
                assert_true(C[i * WIDE + j] == (inside ? want : 0));
            }
    }
}

/* One row of 48 edges, the last 5 of them padding. */
static void check_attraction(const embed_kernels *k, int dims) {
    enum { EDGES = 48, REAL = 43, POINTS = 40 };
    size_t start[2] = {0, EDGES}, stride = dims == 2 ? 2 : 4;
    uint32_t col[EDGES];
    float p[EDGES], F[3];
    double want[3] = {0}, size = 0;
    for (uint32_t e = 0; e < EDGES; e++) {
        col[e] = e < REAL ? (e * 7 + 1) % POINTS : 0;
        p[e] = e < REAL ? 0.01f * (float)(e + 1) : 0;
        double r = 1, diff[3];
        for (int d = 0; d < dims; d++) {
            diff[d] = (double)points[d] - (double)points[col[e] * stride + (size_t)d];
            r += diff[d] * diff[d];
        }
        for (int d = 0; d < dims; d++) want[d] += (double)p[e] * diff[d] / r;
        size += (double)p[e];
    }
    k->attract(dims, points, start, col, p, 0, 0, 1, F);
    for (int d = 0; d < dims; d++) assert_near((double)F[d], want[d], size, FLOAT_SUM);
    /* the same affinities with 11 bits behind the point: half of 2^-11 off at most */
    const uint32_t base = 100u << (23 - EDGE_SHIFT);
    uint16_t brief[EDGES];
    for (int e = 0; e < EDGES; e++) {
        uint32_t bits;
        memcpy(&bits, &p[e], sizeof bits);
        brief[e] = e < REAL ? (uint16_t)((bits >> EDGE_SHIFT) - base) : 0;
    }
    k->attract(dims, points, start, col, brief, base, 0, 1, F);
    for (int d = 0; d < dims; d++) assert_near((double)F[d], want[d], size, 0x1p-11);
}

static void logarithms_sum_as_those_of_libm(void **state) {
    (void)state;
    enum { TERMS = 64 };
    double p[TERMS], x[TERMS], want = 0, size = 0;
    limn_rng r = limn_rng_stream(6, LIMN_RNG_TEST, 0);
    static const double ends[] = {
        DBL_MIN, DBL_MAX, 1, 1 - 0x1p-53, 1 + 0x1p-52, 1.4142135623730951, 0.7071067811865476, 0x1p-1000};
    for (size_t i = 0; i < TERMS; i++) {
        p[i] = limn_rng_uniform(&r);
        x[i] = i < COUNT_OF(ends) ? ends[i] : exp(40 * limn_rng_normal(&r));
        want += p[i] * log(x[i]);
        size += fabs(p[i] * log(x[i]));
    }
    for (int s = 0; embed_kernels_at(s); s++) {
        const embed_kernels *k = embed_kernels_at(s);
        assert_near(k->log_sum(p, x, TERMS), want, size, DOUBLE_SUM);
        for (size_t i = 0; i < TERMS; i++) {
            double one[8] = {1}, at[8] = {x[i], 1, 1, 1, 1, 1, 1, 1};
            /* a unit in the last place of the result, or of 1 near 1 */
            assert_near(k->log_sum(one, at, 8), log(x[i]), fabs(log(x[i])) + 1, 4e-16);
        }
    }
}

static void attraction_equals_plain_loops(void **state) {
    (void)state;
    for (int s = 0; embed_kernels_at(s); s++) {
        check_attraction(embed_kernels_at(s), 2);
        check_attraction(embed_kernels_at(s), 3);
    }
}

/* ---- the same bits from every set -------------------------------------------------------------------------------- */

typedef struct {
    double acc[4 * BH_GROUP], self[4 * BH_GROUP], F[3 * EXACT_LANES], z[EXACT_LANES], half[EXACT_LANES];
    double e[88], sums[3], f, d, C[32 * 32];
    float pull[3], brief[3];
    double log_sum, gain[37], step[37], most;
    bh_leaf leaf;
} outputs;

static void run_all(const embed_kernels *k, int dims, outputs *o) {
    const float *y[3] = {points, points + BH_CHUNK, points + 2 * BH_CHUNK};
    bh_range all = {0, BH_CHUNK};
    uint32_t index[20];
    size_t start[2] = {0, 48};
    uint32_t col[48];
    double d[88];
    memset(o, 0, sizeof *o);
    for (uint32_t i = 0; i < COUNT_OF(index); i++) index[i] = i * 7 % 32; /* 32 records lie in `points` */
    k->bh_points(dims, targets, y, &all, 1, o->acc);
    k->bh_nodes(dims, targets, points, index, COUNT_OF(index), o->acc);
    k->bh_self(dims, targets, 3, 20, o->self);
    k->exact_forces(dims, layout, STRIDE, N, 16, o->F, o->z);
    k->exact_z(dims, layout, STRIDE, N, 16, o->half);
    for (int i = 0; i < 88; i++) d[i] = fabs(layout[i]);
    k->entropy(d, 83, 1.7, o->e, o->sums);
    o->f = k->sqdist_f(points, points + 100, 77);
    o->d = k->sqdist_d(layout, layout + 100, 77);
    k->covariance(layout, 19, 32, 4, 0, o->C);
    for (uint32_t e = 0; e < 48; e++) col[e] = e * 5 % 40;
    k->attract(dims, points, start, col, points + 200, 0, 0, 1, o->pull);
    k->attract(dims, points, start, col, points + 200, 100u << (23 - EDGE_SHIFT), 0, 1, o->brief);
    k->bh_moments(dims, y, 11, &o->leaf);
    tsne_move m = {12, 7, 200, 0.8, 0.2, 0.8, 0.01};
    memcpy(o->gain, layout + 400, sizeof o->gain);
    memcpy(o->step, layout + 500, sizeof o->step);
    o->most = k->move(&m, COUNT_OF(o->gain), layout, layout + 200, o->gain, o->step);
    o->log_sum = k->log_sum(layout, o->e, 80);
}

static void every_set_gives_the_same_bits(void **state) {
    (void)state;
    static outputs first, other;
    for (int dims = 2; dims <= 3; dims++) {
        run_all(embed_kernels_at(0), dims, &first);
        for (int s = 1; embed_kernels_at(s); s++) {
            run_all(embed_kernels_at(s), dims, &other);
            assert_memory_equal(&first, &other, sizeof first);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_sum_as_plain_loops),
        cmocka_unit_test(nodes_act_as_their_points),
        cmocka_unit_test(moments_are_those_of_plain_loops),
        cmocka_unit_test(steps_are_those_of_plain_loops),
        cmocka_unit_test(walks_find_what_a_recursion_finds),
        cmocka_unit_test(exact_kernels_equal_plain_loops),
        cmocka_unit_test(logarithms_sum_as_those_of_libm),
        cmocka_unit_test(entropy_is_that_of_libm),
        cmocka_unit_test(distances_and_counts_equal_plain_loops),
        cmocka_unit_test(tiles_keep_what_is_below),
        cmocka_unit_test(covariance_tiles_equal_plain_loops),
        cmocka_unit_test(attraction_equals_plain_loops),
        cmocka_unit_test(every_set_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
