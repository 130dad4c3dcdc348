/* The hot loops of embedding, compiled once per instruction set and chosen at run time.
 *
 * The body of every loop stands once, in kernels.inc, written with GNU C vectors. It is compiled for the baseline (16
 * byte vectors), for AVX2 (32) and for AVX-512 (64). Sums run over a fixed number of logical lanes (16 floats, 8
 * doubles) or have one lane per output, and products are never contracted into fused ones (-ffp-contract=off), so
 * every set gives the same bits: tests/property/test_kernels.c holds them against each other and against plain loops.
 *
 * Kernels are pure: they write only what is named as output, and may run in any thread. */
#ifndef LIMN_EMBED_KERNELS_H
#define LIMN_EMBED_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum {
    BH_GROUP = 32,    /* targets that share a walk of the tree */
    BH_BLOCK = 4,     /* places of a block of the tree */
    BH_STEP = 16,     /* nodes that a step of the walk tests */
    BH_LEAF = 16,     /* points of a leaf at most */
    BH_CHUNK = 128,   /* sources that are summed in float32 before the sum goes on in float64, or few more */
    BH_LEAVES = 8,    /* leaves of a chunk, or few more */
    EDGE_AHEAD = 512, /* edges that are asked of memory before their turn */
    EDGE_SHIFT = 12,  /* bits of a float32 that a brief affinity drops: 11 of its mantissa are left */
    EDGE_LANES = 16,  /* rows of the packed affinities are padded to a multiple of it */
    EXACT_LANES = 8,  /* targets of one call of the exact kernels */
    COV_ROWS = 4,     /* a tile of the covariance */
    COV_COLS = 16
};

/* What a tree node is to a target: centre of mass, mass, 4 x its second moments about the centre, and their trace (not
 * times 4). In 2-D the first half suffices. */
enum { BH_X, BH_Y, BH_M, BH_XX, BH_XY, BH_YY, BH_T, BH_Z, BH_XZ, BH_YZ, BH_ZZ, BH_RECORD = 12 };

/* What the walk compares, a block of four nodes after the other, each field four times: centre of mass (dims), the
 * largest side s of the tight box squared, and s M^(1/3). Both are infinite for a node that is never taken whole, and all
 * fields NaN in a place without a node. */
#define BH_TEST(dims) (size_t)(BH_BLOCK * ((dims) + 2))

/* A node's link: BH_IS_LEAF, or its first block of children << 2 | BH_ONE or BH_TWO blocks. */
enum { BH_IS_LEAF, BH_ONE, BH_TWO };

typedef struct {
    int dims;
    const float *test, *record; /* (blocks, BH_TEST), (places, BH_RECORD) */
    const uint32_t *link;       /* (places) */
} bh_view;

typedef struct {
    float centre[3], half[3]; /* the box of the targets */
    float theta2, kappa;      /* a node is taken where s^2 < theta2 q and s M^(1/3) <= kappa q, q = 1 + d^2 */
    uint32_t *stack;          /* blocks that wait; room for all of the tree and BH_STEP more */
    size_t waiting;
    size_t nodes, leaves; /* found so far */
    uint32_t node[BH_CHUNK + BH_STEP], leaf[BH_LEAVES + BH_STEP];
} bh_walk;

typedef struct {
    uint32_t begin, end; /* places on the curve */
} bh_range;

/* The tight box of a leaf's points, their centre of mass, second moments xx xy yy xz yz zz about it. */
typedef struct {
    float lo[3], hi[3], centre[3], moment[6];
} bh_leaf;

/* A step of the descent: tsne.c has the rule. */
typedef struct {
    double exaggeration, Z, rate, momentum, up, down, least;
} tsne_move;

typedef struct {
    const char *name;

    /* Goes on until nothing waits, or a list holds BH_CHUNK nodes or BH_LEAVES leaves. Block 1 of the tree is empty. */
    void (*bh_walk)(const bh_view *v, bh_walk *w);
    /* y[d][0 … count-1], 1 <= count <= BH_LEAF; all BH_LEAF can be read. */
    void (*bh_moments)(int dims, const float *const *y, size_t count, bh_leaf *out);
    /* acc (dims + 1, BH_GROUP): rows 0 … dims-1 += sum of w^2 (t - y), the last row += sum of w, over the nodes
     * index[0 … count-1]. t (dims, BH_GROUP), aligned to 64. */
    void (*bh_nodes)(int dims, const float *t, const float *record, const uint32_t *index, size_t count, double *acc);
    /* The same over the points y[d][i] of the ranges. */
    void (*bh_points)(int dims, const float *t, const float *const *y, const bh_range *range, size_t count,
                      double *acc);
    /* The same over the targets first … first + count - 1 themselves; a target never meets itself. */
    void (*bh_self)(int dims, const float *t, size_t first, size_t count, double *acc);
    /* The same three for w = (1 + d^2)^-alpha and forces w/(1 + d^2) d; those above are alpha = 1. */
    void (*bh_tail_nodes)(int dims, float alpha, const float *t, const float *record, const uint32_t *index,
                          size_t count, double *acc);
    void (*bh_tail_points)(int dims, float alpha, const float *t, const float *const *y, const bh_range *range,
                           size_t count, double *acc);
    void (*bh_tail_self)(int dims, float alpha, const float *t, size_t first, size_t count, double *acc);

    /* F (rows, dims) of rows r0 … r1-1: sum over the row's edges of p w (y_row - y_col). y (n, dims == 2 ? 2 : 4)
     * interleaved; edges start[r] … start[r+1]-1, a multiple of EDGE_LANES (padding: col = r). p: float32, or where
     * `brief` uint16 p's, the float32 with the bits (p + brief) << EDGE_SHIFT. */
    void (*attract)(int dims, const float *y, const size_t *start, const uint32_t *col, const void *p, uint32_t brief,
                    size_t r0, size_t r1, float *F);

    /* Targets i0 … i0+7 against all n points, float64. y (dims, stride), stride a multiple of 8, padded with anything
     * finite. F (dims, 8) = sum of w^2 (y_i - y_j), z (8) = sum of w over j != i. */
    void (*exact_forces)(int dims, const double *y, size_t stride, size_t n, size_t i0, double *F, double *z);
    /* z (8) = sum of w over j >= i0 + 8: half of the pairs, those inside the eight left out. */
    void (*exact_z)(int dims, const double *y, size_t stride, size_t n, size_t i0, double *z);

    /* e[i] = exp(-beta d[i]), d >= 0; sums[0] = sum of e, [1] = of t e, [2] = of t^2 e with t = beta d (t e = 0 where e
     * vanishes). d and e have room for a multiple of 8. */
    void (*entropy)(const double *d, size_t k, double beta, double *e, double *sums);

    /* New gains and updates of `count` coordinates from attraction a and repulsion r; the largest update squared. */
    double (*move)(const tsne_move *m, size_t count, const double *a, const double *r, double *gain, double *u);

    /* Sum of p[i] log x[i], x from DBL_MIN to DBL_MAX; count a multiple of 8. */
    double (*log_sum)(const double *p, const double *x, size_t count);

    /* Squared distance by direct difference in float64; in order of the components where D < 8. */
    double (*sqdist_f)(const float *a, const float *b, size_t D);
    double (*sqdist_d)(const double *a, const double *b, size_t D);
    /* Sum of the absolute differences, the same way. */
    double (*l1_f)(const float *a, const float *b, size_t D);
    double (*l1_d)(const double *a, const double *b, size_t D);

    /* out[j] = squared distance of points i and j of y (dims, stride), dims 1 … 3, for j = 0 … n-1 rounded up to a
     * multiple of 8; stride as above. */
    void (*sqdist_row)(int dims, const double *y, size_t stride, size_t n, size_t i, double *out);

    /* tile (COV_ROWS, COV_COLS) of C (.., stride) += sum over rows of x[i0 + a] x[j0 + b]; x (rows, stride). */
    void (*covariance)(const double *x, size_t rows, size_t stride, size_t i0, size_t j0, double *C);

    /* How many of d[0 … n-1] are < t, or <= t. */
    size_t (*count_below)(const double *d, size_t n, double t);
    size_t (*count_upto)(const double *d, size_t n, double t);
    size_t (*count_upto_f)(const float *v, size_t n, float t);
} embed_kernels;

/* The widest set that this processor has. */
const embed_kernels *embed_kernels_best(void);
/* Set number i, narrowest first; NULL past the last one that this processor has. */
const embed_kernels *embed_kernels_at(int i);

#endif
