/* The Barnes-Hut engine (van der Maaten, JMLR 15, 2014), O(n log n) an iteration.
 *
 * 1. Points lie along a Hilbert curve, under a tree of tight boxes (tree.h). The layout is kept for up to 20 calls, and
 *    made anew where the work has grown by 8 % since it was made.
 * 2. Targets are taken 32 at a time along the curve. One walk of the tree serves them all: a node of full width s whose
 *    centre of mass is d away from the targets' box is taken whole where s < theta sqrt(1 + d^2). For d >> 1 that is
 * the usual s/d < theta; near and inside the unit disc, where w = 1/(1 + d^2) is flat, it spares work at no cost in
 *    accuracy (the series converges with s/sqrt(1 + d^2)). Leaves that are not taken whole are summed point by point.
 *    theta = 0 takes nothing whole.
 * 3. A node acts through its mass and second moments (the first vanish): kernels.inc has the formula. Interactions are
 *    float32 in chunks of 128, added up in float64.
 * 4. A target is no source to itself: inside its own group's leaves it is masked; where a whole node holds the target,
 *    its 1 is taken off Z (the force of a point on itself is nil to the order of the series).
 * Attraction: edges.h, in the order of the curve at a few iterations, ever rarer.
 *
 * Tasks are eight groups; Z is added up in the order of the groups. */
#include "embed/barnes_hut.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "embed/edges.h"
#include "embed/engine.h"

enum { TASK_GROUPS = 8, KEEP_TREE = 20, LANES = 8 };

static const double GROWN = 1.08;

/* ---- one group of targets ---------------------------------------------------------------------------------------- */

typedef struct {
    const bh_repulsion *b;
    uint32_t g0, g1;                    /* its places on the curve */
    _Alignas(64) float t[3 * BH_GROUP]; /* (dims, 32) coordinates, behind g1 those of the first target */
    double acc[4 * BH_GROUP];           /* (dims + 1, 32) forces and sum of w */
    uint8_t point[BH_GROUP];            /* whether a target met itself as a point of a leaf, not in a whole node */
    uint64_t items;
    bh_walk walk;
} group;

/* Least and largest of the targets' coordinates, in LANES chains that do not wait for one another. */
static void load_targets(group *g) {
    uint32_t count = g->g1 - g->g0;
    for (int d = 0; d < g->b->dims; d++) {
        const float *y = g->b->tree.y[d] + g->g0;
        float *t = g->t + d * BH_GROUP, lo[LANES], hi[LANES];
        memcpy(t, y, count * sizeof *t);
        for (uint32_t i = count; i < BH_GROUP; i++) t[i] = y[0];
        for (int l = 0; l < LANES; l++) lo[l] = hi[l] = t[l];
        for (int i = LANES; i < BH_GROUP; i += LANES)
            for (int l = 0; l < LANES; l++) {
                lo[l] = t[i + l] < lo[l] ? t[i + l] : lo[l];
                hi[l] = t[i + l] > hi[l] ? t[i + l] : hi[l];
            }
        for (int l = 1; l < LANES; l++) {
            lo[0] = lo[l] < lo[0] ? lo[l] : lo[0];
            hi[0] = hi[l] > hi[0] ? hi[l] : hi[0];
        }
        g->walk.centre[d] = lo[0] + (hi[0] - lo[0]) / 2;
        g->walk.half[d] = (hi[0] - lo[0]) / 2;
    }
}

static void sum_nodes(group *g) {
    const bh_repulsion *b = g->b;
    if (b->alpha == 1)
        b->kernels->bh_nodes(b->dims, g->t, b->tree.record, g->walk.node, g->walk.nodes, g->acc);
    else
        b->kernels->bh_tail_nodes(b->dims, (float)b->alpha, g->t, b->tree.record, g->walk.node, g->walk.nodes, g->acc);
    g->items += g->walk.nodes;
    g->walk.nodes = 0;
}

/* The points of the leaves; those of the group itself are noted, and summed at the end. */
static void sum_leaves(group *g) {
    const bh_tree *tree = &g->b->tree;
    const float *y[3] = {tree->y[0], tree->y[1], tree->y[2]};
    bh_range range[2 * (BH_LEAVES + BH_STEP)];
    size_t ranges = 0;
    for (size_t i = 0; i < g->walk.leaves; i++) {
        const bh_node *v = &tree->node[g->walk.leaf[i]];
        uint32_t in0 = v->begin > g->g0 ? v->begin : g->g0, in1 = v->end < g->g1 ? v->end : g->g1;
        g->items += v->end - v->begin;
        if (in0 >= in1) {
            range[ranges++] = (bh_range){v->begin, v->end};
            continue;
        }
        for (uint32_t s = in0; s < in1; s++) g->point[s - g->g0] = 1;
        if (v->begin < in0) range[ranges++] = (bh_range){v->begin, in0};
        if (in1 < v->end) range[ranges++] = (bh_range){in1, v->end};
    }
    if (g->b->alpha == 1)
        g->b->kernels->bh_points(g->b->dims, g->t, y, range, ranges, g->acc);
    else
        g->b->kernels->bh_tail_points(g->b->dims, (float)g->b->alpha, g->t, y, range, ranges, g->acc);
    g->walk.leaves = 0;
}

/* Targets as sources of one another, in runs; those inside a whole node are no sources any more. */
static void sum_self(group *g) {
    size_t count = g->g1 - g->g0;
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && g->point[end] == g->point[i]; end++) continue;
        if (!g->point[i]) continue;
        if (g->b->alpha == 1)
            g->b->kernels->bh_self(g->b->dims, g->t, i, end - i, g->acc);
        else
            g->b->kernels->bh_tail_self(g->b->dims, (float)g->b->alpha, g->t, i, end - i, g->acc);
    }
}

/* The forces to their points, and what they add to the sums. */
static void write_group(group *g, size_t index) {
    const bh_repulsion *b = g->b;
    int dims = b->dims, count = (int)(g->g1 - g->g0), inside = 0;
    double z[LANES] = {0}, square[LANES] = {0};
    for (int d = 0; d <= dims; d++)
        for (int i = count; i < BH_GROUP; i++) g->acc[d * BH_GROUP + i] = 0;
    for (int i = 0; i < count; i++) {
        double *to = b->repulsion + (size_t)b->tree.curve.order[g->g0 + (uint32_t)i] * (size_t)dims;
        for (int d = 0; d < dims; d++) to[d] = g->acc[d * BH_GROUP + i];
        inside += !g->point[i];
    }
    for (int i = 0; i < BH_GROUP; i += LANES)
        for (int l = 0; l < LANES; l++) {
            z[l] += g->acc[dims * BH_GROUP + i + l];
            for (int d = 0; d < dims; d++) square[l] += g->acc[d * BH_GROUP + i + l] * g->acc[d * BH_GROUP + i + l];
        }
    for (int l = 1; l < LANES; l++) {
        z[0] += z[l];
        square[0] += square[l];
    }
    b->group_sum[index] = (bh_sum){z[0] - inside, square[0], g->items * BH_GROUP};
}

static void run_group(bh_repulsion *b, size_t index, int worker) {
    group g;
    uint32_t end = (uint32_t)((index + 1) * BH_GROUP);
    bh_view view = bh_tree_view(&b->tree);
    g.b = b;
    g.g0 = (uint32_t)(index * BH_GROUP);
    g.g1 = end < b->n ? end : (uint32_t)b->n;
    g.items = 0;
    memset(g.acc, 0, sizeof g.acc);
    memset(g.point, 0, sizeof g.point);
    load_targets(&g);
    /* u^alpha of a light tail falls within 1/sqrt(alpha) of this layout's unit */
    g.walk.theta2 = (float)(b->theta * b->theta / fmax(1, b->alpha));
    g.walk.kappa = (float)b->kappa;
    g.walk.stack = b->stack + (size_t)worker * b->stack_room;
    g.walk.stack[0] = 0;
    g.walk.waiting = 1;
    g.walk.nodes = g.walk.leaves = 0;
    while (g.walk.waiting > 0) {
        b->kernels->bh_walk(&view, &g.walk);
        if (g.walk.nodes >= BH_CHUNK || g.walk.waiting == 0) sum_nodes(&g);
        if (g.walk.leaves >= BH_LEAVES || g.walk.waiting == 0) sum_leaves(&g);
    }
    sum_self(&g);
    write_group(&g, index);
}

/* ---- all groups -------------------------------------------------------------------------------------------------- */

limn_status bh_repulsion_new(bh_repulsion *b, size_t n, int dims, double theta, double force_error, int threads) {
    limn_status status = LIMN_OK;
    *b = (bh_repulsion){.kernels = embed_kernels_best(), .n = n, .theta = theta, .force_error = force_error};
    b->alpha = 1;
    b->dims = dims;
    b->threads = limn_threads(threads);
    b->groups = (n + BH_GROUP - 1) / BH_GROUP;
    TRY(bh_tree_new(&b->tree, n, dims, threads));
    TRY(limn_new(&b->group_sum, b->groups, sizeof *b->group_sum));
done:
    if (status != LIMN_OK) bh_repulsion_clear(b);
    return status;
}

void bh_repulsion_clear(bh_repulsion *b) {
    bh_tree_clear(&b->tree);
    free(b->group_sum);
    free(b->stack);
    *b = (bh_repulsion){0};
}

static limn_status make_stacks(bh_repulsion *b) {
    size_t room = b->tree.room / BH_BLOCK + 4 * BH_STEP;
    if (room <= b->stack_room) return LIMN_OK;
    free(b->stack);
    b->stack_room = 0;
    limn_status s = limn_new(&b->stack, room * (size_t)b->threads, sizeof *b->stack);
    if (s == LIMN_OK) b->stack_room = room;
    return s;
}

/* A call is: begin, the leaf tasks, bh_tree_finish, the group tasks, end. */
static limn_status begin(bh_repulsion *b, const double *Y, double *repulsion) {
    limn_status status = LIMN_OK;
    b->Y = Y;
    b->repulsion = repulsion;
    b->built = b->tree.places == 0 || b->since >= KEEP_TREE || (double)b->interactions > GROWN * (double)b->at_build;
    if (b->built) {
        TRY(bh_tree_build(&b->tree, Y));
        TRY(make_stacks(b));
        b->since = 0;
    }
    b->since++;
    /* the first call knows no forces yet: theta alone */
    b->kappa = b->force_error > 0 && b->calls > 0 ? cbrt(b->force_error * b->rms) : INFINITY;
    b->calls++;
done:
    return status;
}

static size_t group_tasks(const bh_repulsion *b) {
    return (b->groups + TASK_GROUPS - 1) / TASK_GROUPS;
}

static void run_groups(bh_repulsion *b, size_t task, int worker) {
    for (size_t g = task * TASK_GROUPS; g < (task + 1) * TASK_GROUPS && g < b->groups; g++) run_group(b, g, worker);
}

static void end(bh_repulsion *b, double *Z) {
    *Z = 0;
    b->interactions = 0;
    double square = 0;
    for (size_t g = 0; g < b->groups; g++) {
        *Z += b->group_sum[g].z;
        square += b->group_sum[g].square;
        b->interactions += b->group_sum[g].items;
    }
    b->rms = sqrt(square / (double)b->n);
    if (b->built) b->at_build = b->interactions;
}

static void leaf_task(void *ctx, size_t task, int worker) {
    bh_repulsion *b = ctx;
    (void)worker;
    bh_tree_task(&b->tree, b->Y, task);
}

static void group_task(void *ctx, size_t task, int worker) {
    run_groups(ctx, task, worker);
}

limn_status bh_repulsion_forces(bh_repulsion *b, const double *Y, double *repulsion, double *Z) {
    limn_status status = LIMN_OK;
    TRY(begin(b, Y, repulsion));
    limn_parallel(b->threads, bh_tree_tasks(&b->tree), leaf_task, b);
    bh_tree_finish(&b->tree);
    limn_parallel(b->threads, group_tasks(b), group_task, b);
    end(b, Z);
done:
    return status;
}

/* ---- the engine -------------------------------------------------------------------------------------------------- */

/* Both halves share their parallel loops: two an iteration, since each costs a meeting of all threads. */
typedef struct {
    bh_repulsion repulsion;
    embed_edges edges;
    size_t calls, repack; /* forces() so far; when the edges are laid out again */
    double *attraction;   /* the caller's, during a call */
    int dims;             /* of the caller's layout */
    double alpha;
    double *flat, *pull, *push; /* (n, repulsion.dims) y/sqrt(alpha), zeros in a line's second column; its forces; or
                                 * NULL: the caller's layout is taken as it is */
} barnes_hut;

static void prepare(void *ctx, size_t task, int worker) {
    barnes_hut *b = ctx;
    size_t leaves = bh_tree_tasks(&b->repulsion.tree);
    (void)worker;
    if (task < leaves)
        bh_tree_task(&b->repulsion.tree, b->repulsion.Y, task);
    else
        embed_edges_gather(&b->edges, b->repulsion.Y, task - leaves);
}

static void act(void *ctx, size_t task, int worker) {
    barnes_hut *b = ctx;
    size_t groups = group_tasks(&b->repulsion);
    if (task < groups)
        run_groups(&b->repulsion, task, worker);
    else
        embed_edges_attract(&b->edges, b->attraction, task - groups);
}

static limn_status plain_forces(barnes_hut *b, const double *Y, double *attraction, double *repulsion, double *Z) {
    limn_status status = LIMN_OK;
    bh_repulsion *r = &b->repulsion;
    size_t edges = embed_edges_tasks(&b->edges);
    TRY(begin(r, Y, repulsion));
    if (b->calls >= b->repack && r->built) {
        embed_edges_pack(&b->edges, r->tree.curve.order);
        b->repack = 2 * b->calls + 16;
    }
    b->calls++;
    b->attraction = attraction;
    limn_parallel(r->threads, bh_tree_tasks(&r->tree) + edges, prepare, b);
    bh_tree_finish(&r->tree);
    limn_parallel(r->threads, group_tasks(r) + edges, act, b);
    end(r, Z);
done:
    return status;
}

/* A line is a plane whose second coordinate is 0; of another alpha, y/sqrt(alpha) is laid out, and both forces are
 * sqrt(alpha) times what comes out. */
static limn_status forces(void *self, const double *Y, double *attraction, double *repulsion, double *Z) {
    limn_status status = LIMN_OK;
    barnes_hut *b = self;
    size_t n = b->repulsion.n, inner = (size_t)b->repulsion.dims, outer = (size_t)b->dims;
    double shrink = 1 / sqrt(b->alpha), grow = sqrt(b->alpha);
    if (!b->flat) return plain_forces(b, Y, attraction, repulsion, Z);
    for (size_t i = 0; i < n; i++)
        for (size_t d = 0; d < outer; d++) b->flat[i * inner + d] = Y[i * outer + d] * shrink;
    TRY(plain_forces(b, b->flat, b->pull, b->push, Z));
    for (size_t i = 0; i < n; i++)
        for (size_t d = 0; d < outer; d++) {
            attraction[i * outer + d] = b->pull[i * inner + d] * grow;
            repulsion[i * outer + d] = b->push[i * inner + d] * grow;
        }
done:
    return status;
}

static void restart(void *self) {
    bh_repulsion *r = &((barnes_hut *)self)->repulsion;
    r->tree.places = 0; /* a new tree, and no force to know an error by */
    r->calls = 0;
}

static void destroy(void *self) {
    barnes_hut *b = self;
    if (!b) return;
    bh_repulsion_clear(&b->repulsion);
    embed_edges_clear(&b->edges);
    free(b->flat);
    free(b->pull);
    free(b->push);
    free(b);
}

static limn_status create(void **self, const embed_engine_setup *s) {
    limn_status status = LIMN_OK;
    barnes_hut *b = NULL;
    TRY(limn_new(&b, 1, sizeof *b));
    int dims = s->dims == 1 ? 2 : s->dims;
    b->dims = s->dims;
    b->alpha = s->alpha;
    TRY(bh_repulsion_new(&b->repulsion, s->P->n, dims, s->theta, s->force_error, s->threads));
    b->repulsion.alpha = s->alpha;
    if (s->dims == 1 || s->alpha != 1) {
        TRY(limn_new(&b->flat, s->P->n, (size_t)dims * sizeof *b->flat));
        TRY(limn_new(&b->pull, s->P->n, (size_t)dims * sizeof *b->pull));
        TRY(limn_new(&b->push, s->P->n, (size_t)dims * sizeof *b->push));
    }
    TRY(embed_edges_new(&b->edges, s->P, dims, embed_edges_brief(s->theta, s->force_error), s->threads));
    *self = b;
    b = NULL;
done:
    destroy(b);
    return status;
}

const embed_engine embed_barnes_hut = {
    .name = "barnes-hut",
    .help = "groups of points against cells of a tree, float32 with float64 sums",
    .create = create,
    .forces = forces,
    .restart = restart,
    .destroy = destroy,
};
