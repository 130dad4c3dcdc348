/* The tree of the Barnes-Hut engine.
 *
 * 1. Points are sorted along a Hilbert curve (curve.h); a cell of the quadtree is a range of the sorted keys.
 * 2. A range of more than BH_LEAF points is cut where the first digit on which its keys differ changes: levels where
 *    all points share a cell cost nothing, whatever the outliers. A range of equal keys (duplicates) is cut in equal
 *    parts. Nodes are laid out breadth first, so children follow their parent and lie side by side.
 * 3. refit: from the last node to the first, the tight box, mass M, centre of mass c and second moments about it,
 *    Q = sum of (y - c)(y - c)'; a parent's from its children's by the parallel axis rule
 *    Q = sum of Q_k + m_k (c_k - c)(c_k - c)'. Sums in float64, kept in float32.
 * The layout may be kept while points move: a stale one has larger boxes, which costs time and not accuracy.
 *
 * The tree owns its arrays. Calls use the threads given; the result doesn't depend on them. */
#include "embed/tree.h"

#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "embed/kernels.h"

enum { NODE_BLOCK = 256 };

limn_status bh_tree_new(bh_tree *t, size_t n, int dims, int threads) {
    limn_status status = LIMN_OK;
    *t = (bh_tree){.dims = dims, .threads = threads};
    TRY(embed_curve_new(&t->curve, n));
    for (int d = 0; d < dims; d++) TRY(limn_new(&t->y[d], n, sizeof(float)));
done:
    if (status != LIMN_OK) bh_tree_clear(t);
    return status;
}

void bh_tree_clear(bh_tree *t) {
    embed_curve_clear(&t->curve);
    for (int d = 0; d < 3; d++) free(t->y[d]);
    free(t->node);
    free(t->box);
    *t = (bh_tree){0};
}

/* The end of the run of keys that begins at `b` and shares with key[b] all bits from `shift` on. */
static uint32_t run_end(const uint64_t *key, uint32_t b, uint32_t e, int shift) {
    uint64_t digit = key[b] >> shift;
    while (b < e) {
        uint32_t mid = b + (e - b) / 2;
        if (key[mid] >> shift == digit)
            b = mid + 1;
        else
            e = mid;
    }
    return b;
}

static limn_status add_node(bh_tree *t, uint32_t begin, uint32_t end) {
    limn_status s = limn_grow(&t->node, t->nodes, &t->room, sizeof *t->node);
    if (s == LIMN_OK) t->node[t->nodes++] = (bh_node){.begin = begin, .end = end};
    return s;
}

static limn_status split(bh_tree *t, size_t i) {
    limn_status status = LIMN_OK;
    uint32_t b = t->node[i].begin, e = t->node[i].end, parts = 1u << t->dims;
    if (e - b <= BH_LEAF) return LIMN_OK;
    uint64_t differ = t->curve.key[b] ^ t->curve.key[e - 1];
    int shift = differ ? (63 - __builtin_clzll(differ)) / t->dims * t->dims : 0;
    t->node[i].first = (uint32_t)t->nodes;
    for (uint32_t at = b, next; at < e; at = next) {
        next = differ ? run_end(t->curve.key, at, e, shift) : at + (e - b + parts - 1) / parts;
        if (next > e) next = e;
        TRY(add_node(t, at, next));
    }
    t->node[i].children = (uint32_t)(t->nodes - t->node[i].first);
done:
    return status;
}

limn_status bh_tree_build(bh_tree *t, const double *Y) {
    limn_status status = LIMN_OK;
    size_t room = t->room;
    embed_curve_sort(&t->curve, Y, t->dims, t->threads);
    t->nodes = 0;
    TRY(add_node(t, 0, (uint32_t)t->curve.n));
    for (size_t i = 0; i < t->nodes; i++) TRY(split(t, i));
    if (t->room != room) {
        free(t->box);
        TRY(limn_new(&t->box, t->room, 6 * sizeof(float)));
    }
done:
    return status;
}

/* ---- moments ----------------------------------------------------------------------------------------------------- */

typedef struct {
    double m, c[3], q[6];
    float lo[3], hi[3];
} moments;

static const int QUAD[6][2] = {{0, 0}, {0, 1}, {1, 1}, {0, 2}, {1, 2}, {2, 2}};

static void store(bh_tree *t, size_t i, const moments *a) {
    bh_node *v = &t->node[i];
    float *box = t->box + 6 * i, side = 0;
    for (int d = 0; d < t->dims; d++) {
        v->c[d] = (float)a->c[d];
        box[d] = a->lo[d];
        box[3 + d] = a->hi[d];
        if (a->hi[d] - a->lo[d] > side) side = a->hi[d] - a->lo[d];
    }
    v->width2 = side * side;
    v->m = (float)a->m;
    for (int q = 0; q < 6; q++) v->q[q] = (float)(4 * a->q[q]);
    v->t = (float)(a->q[0] + a->q[2] + a->q[5]);
}

static void from_points(bh_tree *t, size_t i) {
    const bh_node *v = &t->node[i];
    moments a = {.m = v->end - v->begin};
    int terms = t->dims == 3 ? 6 : 3;
    for (int d = 0; d < t->dims; d++) {
        const float *y = t->y[d];
        a.lo[d] = a.hi[d] = y[v->begin];
        for (uint32_t p = v->begin; p < v->end; p++) {
            a.c[d] += (double)y[p];
            if (y[p] < a.lo[d]) a.lo[d] = y[p];
            if (y[p] > a.hi[d]) a.hi[d] = y[p];
        }
        a.c[d] /= a.m;
    }
    for (int q = 0; q < terms; q++) {
        const float *y = t->y[QUAD[q][0]], *z = t->y[QUAD[q][1]];
        double cy = a.c[QUAD[q][0]], cz = a.c[QUAD[q][1]];
        for (uint32_t p = v->begin; p < v->end; p++) a.q[q] += ((double)y[p] - cy) * ((double)z[p] - cz);
    }
    store(t, i, &a);
}

static void from_children(bh_tree *t, size_t i) {
    const bh_node *v = &t->node[i], *k = t->node + v->first;
    moments a = {.m = v->end - v->begin};
    int terms = t->dims == 3 ? 6 : 3;
    for (int d = 0; d < t->dims; d++) {
        a.lo[d] = t->box[6 * v->first + (size_t)d];
        a.hi[d] = t->box[6 * v->first + 3 + (size_t)d];
        for (uint32_t c = 0; c < v->children; c++) {
            const float *box = t->box + 6 * (size_t)(v->first + c);
            a.c[d] += (double)k[c].m * (double)k[c].c[d];
            if (box[d] < a.lo[d]) a.lo[d] = box[d];
            if (box[3 + d] > a.hi[d]) a.hi[d] = box[3 + d];
        }
        a.c[d] /= a.m;
    }
    for (int q = 0; q < terms; q++) {
        int y = QUAD[q][0], z = QUAD[q][1];
        for (uint32_t c = 0; c < v->children; c++)
            a.q[q] +=
                (double)k[c].q[q] / 4 + (double)k[c].m * ((double)k[c].c[y] - a.c[y]) * ((double)k[c].c[z] - a.c[z]);
    }
    store(t, i, &a);
}

size_t bh_tree_leaf_tasks(const bh_tree *t) {
    return (t->nodes + NODE_BLOCK - 1) / NODE_BLOCK;
}

/* The leaves among a block of nodes: their points' coordinates, in curve order, and their moments. */
void bh_tree_leaf_task(bh_tree *t, const double *Y, size_t task) {
    size_t end = (task + 1) * NODE_BLOCK < t->nodes ? (task + 1) * NODE_BLOCK : t->nodes, dims = (size_t)t->dims;
    for (size_t i = task * NODE_BLOCK; i < end; i++) {
        const bh_node *v = &t->node[i];
        if (v->children > 0) continue;
        for (uint32_t s = v->begin; s < v->end; s++)
            for (size_t d = 0; d < dims; d++) t->y[d][s] = (float)Y[t->curve.order[s] * dims + d];
        from_points(t, i);
    }
}

void bh_tree_finish(bh_tree *t) {
    for (size_t i = t->nodes; i-- > 0;)
        if (t->node[i].children > 0) from_children(t, i);
}
