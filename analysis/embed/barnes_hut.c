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

#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "embed/edges.h"
#include "embed/engine.h"

enum { TASK_GROUPS = 8, KEEP_TREE = 20, WHOLE_AT_LEAST = 3 };

static const double GROWN = 1.08;

/* ---- one group of targets ---------------------------------------------------------------------------------------- */

typedef struct {
    const bh_repulsion *b;
    uint32_t g0, g1;                    /* its places on the curve */
    _Alignas(64) float t[3 * BH_GROUP]; /* (dims, 32) coordinates, behind g1 those of the first target */
    float centre[3], half[3];           /* its box */
    double acc[4 * BH_GROUP];           /* (dims + 1, 32) forces and sum of w */
    double self[BH_GROUP];              /* how often a target was inside a whole node: 0 or 1 */
    uint32_t begin, end;                /* points that wait to be summed: places on the curve */
    uint64_t items;
    bh_list list; /* nodes that wait to be summed */
} group;

static void load_targets(group *g) {
    for (int d = 0; d < g->b->dims; d++) {
        const float *y = g->b->tree.y[d] + g->g0;
        float *t = g->t + d * BH_GROUP, lo = y[0], hi = y[0];
        for (uint32_t i = 0; i < BH_GROUP; i++) {
            t[i] = i < g->g1 - g->g0 ? y[i] : y[0];
            if (t[i] < lo) lo = t[i];
            if (t[i] > hi) hi = t[i];
        }
        g->centre[d] = lo + (hi - lo) / 2;
        g->half[d] = (hi - lo) / 2;
    }
}

static void flush_nodes(group *g) {
    if (g->list.n == 0) return;
    g->b->kernels->bh_nodes(g->b->dims, g->t, &g->list, g->acc);
    g->items += g->list.n;
    g->list.n = 0;
}

static void add_points(group *g, uint32_t from, uint32_t to) {
    const bh_tree *tree = &g->b->tree;
    for (uint32_t s = from; s < to; s += BH_CHUNK) {
        const float *y[3] = {tree->y[0] + s, tree->y[1] + s, g->b->dims == 3 ? tree->y[2] + s : NULL};
        g->b->kernels->bh_points(g->b->dims, g->t, y, to - s < BH_CHUNK ? to - s : BH_CHUNK, g->acc);
    }
}

static void flush_points(group *g) {
    uint32_t a = g->begin, b = g->end, in0 = a > g->g0 ? a : g->g0, in1 = b < g->g1 ? b : g->g1;
    g->begin = g->end = 0;
    g->items += b - a;
    if (in0 >= in1) {
        add_points(g, a, b);
        return;
    }
    add_points(g, a, in0);
    g->b->kernels->bh_self(g->b->dims, g->t, in0 - g->g0, in1 - in0, g->acc);
    add_points(g, in1, b);
}

static void take_whole(group *g, const bh_node *v) {
    size_t i = g->list.n++;
    for (int d = 0; d < 3; d++) g->list.field[BH_X + d][i] = v->c[d];
    g->list.field[BH_M][i] = v->m;
    for (int q = 0; q < 6; q++) g->list.field[BH_XX + q][i] = v->q[q];
    g->list.field[BH_T][i] = v->t;
    for (uint32_t s = v->begin > g->g0 ? v->begin : g->g0; s < g->g1 && s < v->end; s++) g->self[s - g->g0] = 1;
    if (g->list.n == BH_CHUNK) flush_nodes(g);
}

static void take_points(group *g, const bh_node *v) {
    if (g->end != v->begin) {
        flush_points(g);
        g->begin = v->begin;
    }
    g->end = v->end;
}

static void walk(group *g) {
    const bh_tree *tree = &g->b->tree;
    float theta2 = (float)(g->b->theta * g->b->theta);
    uint32_t stack[BH_STACK];
    size_t waiting = 0;
    stack[waiting++] = 0;
    while (waiting > 0) {
        const bh_node *v = &tree->node[stack[--waiting]];
        float d2 = 0;
        for (int d = 0; d < g->b->dims; d++) {
            float away = v->c[d] - g->centre[d];
            away = (away < 0 ? -away : away) - g->half[d];
            if (away > 0) d2 += away * away;
        }
        if (v->width2 < theta2 * (1 + d2) && v->end - v->begin >= WHOLE_AT_LEAST)
            take_whole(g, v);
        else if (v->children == 0)
            take_points(g, v);
        else
            for (uint32_t c = v->children; c-- > 0;) stack[waiting++] = v->first + c;
    }
    flush_points(g);
    flush_nodes(g);
}

static void run_group(bh_repulsion *b, size_t index) {
    group g;
    uint32_t end = (uint32_t)((index + 1) * BH_GROUP);
    double z = 0;
    g.b = b;
    g.g0 = (uint32_t)(index * BH_GROUP);
    g.g1 = end < b->n ? end : (uint32_t)b->n;
    g.begin = g.end = 0;
    g.items = 0;
    g.list.n = 0;
    memset(g.acc, 0, sizeof g.acc);
    memset(g.self, 0, sizeof g.self);
    load_targets(&g);
    walk(&g);
    for (uint32_t i = 0; i < g.g1 - g.g0; i++) {
        double *to = b->repulsion + (size_t)b->tree.curve.order[g.g0 + i] * (size_t)b->dims;
        for (int d = 0; d < b->dims; d++) to[d] = g.acc[d * BH_GROUP + (int)i];
        z += g.acc[b->dims * BH_GROUP + (int)i] - g.self[i];
    }
    b->group_z[index] = z;
    b->group_items[index] = g.items * BH_GROUP;
}

/* ---- all groups -------------------------------------------------------------------------------------------------- */

limn_status bh_repulsion_new(bh_repulsion *b, size_t n, int dims, double theta, int threads) {
    limn_status status = LIMN_OK;
    *b = (bh_repulsion){.kernels = embed_kernels_best(), .n = n, .theta = theta, .dims = dims, .threads = threads};
    b->groups = (n + BH_GROUP - 1) / BH_GROUP;
    TRY(bh_tree_new(&b->tree, n, dims, threads));
    TRY(limn_new(&b->group_z, b->groups, sizeof *b->group_z));
    TRY(limn_new(&b->group_items, b->groups, sizeof *b->group_items));
done:
    if (status != LIMN_OK) bh_repulsion_clear(b);
    return status;
}

void bh_repulsion_clear(bh_repulsion *b) {
    bh_tree_clear(&b->tree);
    free(b->group_z);
    free(b->group_items);
    *b = (bh_repulsion){0};
}

/* A call is: begin, the leaf tasks, bh_tree_finish, the group tasks, end. */
static limn_status begin(bh_repulsion *b, const double *Y, double *repulsion) {
    limn_status status = LIMN_OK;
    b->Y = Y;
    b->repulsion = repulsion;
    b->built = b->tree.nodes == 0 || b->since >= KEEP_TREE || (double)b->interactions > GROWN * (double)b->at_build;
    if (b->built) {
        TRY(bh_tree_build(&b->tree, Y));
        b->since = 0;
    }
    b->since++;
done:
    return status;
}

static size_t group_tasks(const bh_repulsion *b) {
    return (b->groups + TASK_GROUPS - 1) / TASK_GROUPS;
}

static void run_groups(bh_repulsion *b, size_t task) {
    for (size_t g = task * TASK_GROUPS; g < (task + 1) * TASK_GROUPS && g < b->groups; g++) run_group(b, g);
}

static void end(bh_repulsion *b, double *Z) {
    *Z = 0;
    b->interactions = 0;
    for (size_t g = 0; g < b->groups; g++) {
        *Z += b->group_z[g];
        b->interactions += b->group_items[g];
    }
    if (b->built) b->at_build = b->interactions;
}

static void leaf_task(void *ctx, size_t task, int worker) {
    bh_repulsion *b = ctx;
    (void)worker;
    bh_tree_leaf_task(&b->tree, b->Y, task);
}

static void group_task(void *ctx, size_t task, int worker) {
    (void)worker;
    run_groups(ctx, task);
}

limn_status bh_repulsion_forces(bh_repulsion *b, const double *Y, double *repulsion, double *Z) {
    limn_status status = LIMN_OK;
    TRY(begin(b, Y, repulsion));
    limn_parallel(b->threads, bh_tree_leaf_tasks(&b->tree), leaf_task, b);
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
} barnes_hut;

static void prepare(void *ctx, size_t task, int worker) {
    barnes_hut *b = ctx;
    size_t leaves = bh_tree_leaf_tasks(&b->repulsion.tree);
    (void)worker;
    if (task < leaves)
        bh_tree_leaf_task(&b->repulsion.tree, b->repulsion.Y, task);
    else
        embed_edges_gather(&b->edges, b->repulsion.Y, task - leaves);
}

static void act(void *ctx, size_t task, int worker) {
    barnes_hut *b = ctx;
    size_t groups = group_tasks(&b->repulsion);
    (void)worker;
    if (task < groups)
        run_groups(&b->repulsion, task);
    else
        embed_edges_attract(&b->edges, b->attraction, task - groups);
}

static limn_status forces(void *self, const double *Y, double *attraction, double *repulsion, double *Z) {
    limn_status status = LIMN_OK;
    barnes_hut *b = self;
    bh_repulsion *r = &b->repulsion;
    size_t edges = embed_edges_tasks(&b->edges);
    TRY(begin(r, Y, repulsion));
    if (b->calls >= b->repack && r->built) {
        embed_edges_pack(&b->edges, r->tree.curve.order);
        b->repack = 2 * b->calls + 16;
    }
    b->calls++;
    b->attraction = attraction;
    limn_parallel(r->threads, bh_tree_leaf_tasks(&r->tree) + edges, prepare, b);
    bh_tree_finish(&r->tree);
    limn_parallel(r->threads, group_tasks(r) + edges, act, b);
    end(r, Z);
done:
    return status;
}

static void destroy(void *self) {
    barnes_hut *b = self;
    if (!b) return;
    bh_repulsion_clear(&b->repulsion);
    embed_edges_clear(&b->edges);
    free(b);
}

static limn_status create(void **self, const embed_engine_setup *s) {
    limn_status status = LIMN_OK;
    barnes_hut *b = NULL;
    TRY(limn_new(&b, 1, sizeof *b));
    TRY(bh_repulsion_new(&b->repulsion, s->P->n, s->dims, s->theta, s->threads));
    TRY(embed_edges_new(&b->edges, s->P, s->dims, s->threads));
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
    .destroy = destroy,
};
