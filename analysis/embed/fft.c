/* The FFT engine: repulsion and Z by one convolution on a grid (fft_grid.h), attraction over packed edges (edges.h).
 *
 * 1. The bounding box says what grid the layout asks for. Where that has more nodes a side than the engine takes, the
 *    repulsion is computed without a grid: by Barnes-Hut, or over all pairs where that does not fit (one dimension,
 *    alpha other than 1). For embed_fft this bounds memory when a point flies off; for embed_hybrid it is the rule that
 *    chooses the faster way, iteration by iteration: a grid costs its area, a tree does not, so maps begin with the grid
 *    and end with the tree. The rule knows the box and n, never a clock.
 * 2. Attraction for alpha: sum p (y_i - y_j)/(1 + r^2/alpha) is sqrt(alpha) times that of the layout y/sqrt(alpha) at
 *    alpha = 1. A map of one dimension is one of two whose second is 0.
 *
 * A call depends on the layout alone, except for the tree (see barnes_hut.c), which `restart` forgets. */
#include <math.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "embed/barnes_hut.h"
#include "embed/curve.h"
#include "embed/edges.h"
#include "embed/engine.h"
#include "embed/fft_grid.h"

enum { BLOCK = 2048, FIRST_REPACK = 16 };

static const double H0 = 0.35; /* error of the force about 9e-3 where the map is spread out */

typedef struct {
    embed_engine_setup s;
    size_t n, blocks, limit; /* nodes of a period that the engine takes */
    fft_grid *grid;
    bh_repulsion tree;
    int has_tree;
    void *pairs;      /* an exact engine, or NULL */
    double *unwanted; /* (n, dims): its attraction */
    embed_edges edges;
    embed_curve curve;
    size_t calls, repack;
    double *flat;       /* (n, 2) y/sqrt(alpha), zeros in the second column of a line; or NULL: as Y */
    double *attraction; /* (n, 2) of it */
    double *box;        /* (blocks, 4): lo, hi */
    const double *Y;    /* the caller's, during a call */
    double *out;
} fft;

/* ---- the layout ---------------------------------------------------------------------------------------------------- */

static void block_range(const fft *f, size_t task, size_t *b, size_t *e) {
    *b = task * BLOCK;
    *e = *b + BLOCK < f->n ? *b + BLOCK : f->n;
}

static void measure(void *ctx, size_t task, int worker) {
    fft *f = ctx;
    size_t b, e, dims = (size_t)f->s.dims;
    double *box = f->box + 4 * task, shrink = 1 / sqrt(f->s.alpha);
    (void)worker;
    block_range(f, task, &b, &e);
    for (size_t d = 0; d < dims; d++) {
        box[d] = INFINITY;
        box[2 + d] = -INFINITY;
        for (size_t i = b; i < e; i++) {
            double y = f->Y[i * dims + d];
            if (y < box[d]) box[d] = y;
            if (y > box[2 + d]) box[2 + d] = y;
            if (f->flat) f->flat[2 * i + d] = y * shrink;
        }
    }
}

static fft_plan plan_of(const fft *f) {
    double lo[2] = {INFINITY, INFINITY}, hi[2] = {-INFINITY, -INFINITY};
    for (size_t b = 0; b < f->blocks; b++)
        for (int d = 0; d < f->s.dims; d++) {
            lo[d] = fmin(lo[d], f->box[4 * b + (size_t)d]);
            hi[d] = fmax(hi[d], f->box[4 * b + 2 + (size_t)d]);
        }
    return fft_plan_for(lo, hi, f->s.dims, H0);
}

/* ---- attraction ---------------------------------------------------------------------------------------------------- */

static void gather(void *ctx, size_t task, int worker) {
    fft *f = ctx;
    (void)worker;
    embed_edges_gather(&f->edges, f->flat ? f->flat : f->Y, task);
}

static void attract(void *ctx, size_t task, int worker) {
    fft *f = ctx;
    (void)worker;
    embed_edges_attract(&f->edges, f->flat ? f->attraction : f->out, task);
}

static void unflatten(void *ctx, size_t task, int worker) {
    fft *f = ctx;
    size_t b, e, dims = (size_t)f->s.dims;
    double grow = sqrt(f->s.alpha);
    (void)worker;
    block_range(f, task, &b, &e);
    for (size_t i = b; i < e; i++)
        for (size_t d = 0; d < dims; d++) f->out[i * dims + d] = f->attraction[2 * i + d] * grow;
}

/* Lays the edges out where it is time to; the order matters for speed alone: sums have the order of P's columns. */
static void pack_edges(fft *f) {
    if (f->calls >= f->repack) {
        embed_curve_sort(&f->curve, f->flat ? f->flat : f->Y, 2, f->s.threads);
        embed_edges_pack(&f->edges, f->curve.order);
        f->repack = f->calls == 0 ? FIRST_REPACK : 2 * f->calls + FIRST_REPACK;
    }
    f->calls++;
}

/* ---- without a grid ------------------------------------------------------------------------------------------------ */

static limn_status by_tree(fft *f, double *repulsion, double *Z) {
    limn_status status = LIMN_OK;
    if (!f->has_tree) TRY(bh_repulsion_new(&f->tree, f->n, f->s.dims, f->s.theta, f->s.force_error, f->s.threads));
    f->has_tree = 1;
    TRY(bh_repulsion_forces(&f->tree, f->Y, repulsion, Z));
done:
    return status;
}

static limn_status by_pairs(fft *f, double *repulsion, double *Z) {
    limn_status status = LIMN_OK;
    if (!f->unwanted) TRY(limn_new(&f->unwanted, f->n, (size_t)f->s.dims * sizeof *f->unwanted));
    if (!f->pairs) TRY(embed_exact.create(&f->pairs, &f->s));
    TRY(embed_exact.forces(f->pairs, f->Y, f->unwanted, repulsion, Z));
done:
    return status;
}

/* ---- the engines --------------------------------------------------------------------------------------------------- */

static limn_status forces(void *self, const double *Y, double *attracted, double *repulsion, double *Z) {
    limn_status status = LIMN_OK;
    fft *f = self;
    f->Y = Y;
    f->out = attracted;
    limn_parallel(f->s.threads, f->blocks, measure, f);
    fft_plan plan = plan_of(f);
    fft_beside edges = {embed_edges_tasks(&f->edges), attract, f};
    pack_edges(f);
    limn_parallel(f->s.threads, edges.tasks, gather, f);
    if (plan.M > 0 && plan.M <= f->limit) {
        TRY(fft_grid_field(f->grid, &plan, Y, repulsion, Z, &edges));
        *Z -= (double)f->n;
        goto done;
    }
    limn_parallel(f->s.threads, edges.tasks, attract, f);
    if (f->s.dims == 2 && f->s.alpha == 1) {
        TRY(by_tree(f, repulsion, Z));
    } else {
        TRY(by_pairs(f, repulsion, Z));
    }
done:
    if (status == LIMN_OK && f->flat) limn_parallel(f->s.threads, f->blocks, unflatten, f);
    return status;
}

static void destroy(void *self) {
    fft *f = self;
    if (!f) return;
    fft_grid_free(f->grid);
    if (f->has_tree) bh_repulsion_clear(&f->tree);
    if (f->pairs) embed_exact.destroy(f->pairs);
    embed_edges_clear(&f->edges);
    embed_curve_clear(&f->curve);
    free(f->unwanted);
    free(f->flat);
    free(f->attraction);
    free(f->box);
    free(f);
}

static void restart(void *self) {
    fft *f = self;
    if (f->has_tree) bh_repulsion_clear(&f->tree);
    f->has_tree = 0;
}

static limn_status create_with(void **self, const embed_engine_setup *s, size_t limit) {
    limn_status status = LIMN_OK;
    fft *f = NULL;
    size_t n = s->P->n;
    if (s->dims > 2) FAIL(LIMN_EINPUT, "the fft engine makes maps of 1 or 2 dimensions, not of %d", s->dims);
    TRY(limn_new(&f, 1, sizeof *f));
    *f = (fft){.s = *s, .n = n, .limit = limit, .blocks = (n + BLOCK - 1) / BLOCK};
    TRY(fft_grid_new(&f->grid, n, s->dims, s->alpha, s->threads));
    TRY(embed_edges_new(&f->edges, s->P, 2, embed_edges_brief(s->theta, s->force_error), s->threads));
    TRY(embed_curve_new(&f->curve, n));
    TRY(limn_new(&f->box, f->blocks, 4 * sizeof *f->box));
    if (s->dims == 1 || s->alpha != 1) {
        TRY(limn_new(&f->flat, n, 2 * sizeof *f->flat));
        TRY(limn_new(&f->attraction, n, 2 * sizeof *f->attraction));
    }
    *self = f;
    f = NULL;
done:
    destroy(f);
    return status;
}

static limn_status create_fft(void **self, const embed_engine_setup *s) {
    return create_with(self, s, s->dims == 1 ? FFT_LONGEST : FFT_WIDEST);
}

/* Where the grid stops to be the faster way: embed_hybrid_limit(). */
static limn_status create_hybrid(void **self, const embed_engine_setup *s) {
    size_t limit = embed_hybrid_limit(s->P->n);
    return create_with(self, s, s->dims == 1 ? FFT_LONGEST : s->alpha != 1 ? FFT_WIDEST : limit);
}

/* Where the two cost the same, by `bench_tsne --engine hybrid` on 70,000 points: M^2 = 5 n. */
size_t embed_hybrid_limit(size_t n) {
    return (size_t)sqrt(5 * (double)n);
}

const embed_engine embed_fft = {
    .name = "fft",
    .help = "one convolution on a grid of cubic B-splines: 1 or 2 dimensions, any alpha",
    .create = create_fft,
    .forces = forces,
    .restart = restart,
    .destroy = destroy,
};

const embed_engine embed_hybrid = {
    .name = "hybrid",
    .help = "the grid while the map is compact, Barnes-Hut after",
    .create = create_hybrid,
    .forces = forces,
    .restart = restart,
    .destroy = destroy,
};
