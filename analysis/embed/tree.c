/* The tree of the Barnes-Hut engine.
 *
 * 1. Points are sorted along a Hilbert curve (curve.h); a cell of the quadtree is a range of the sorted keys.
 * 2. A range of more than BH_LEAF points is cut where the first digit on which its keys differ changes: levels where
 *    all points share a cell cost nothing, whatever the outliers. A range of equal keys (duplicates) is cut in equal
 *    parts. Nodes are laid out breadth first in blocks of four, so children follow their parent and lie side by side.
 * 3. refit: from children to parents, the tight box, mass M, centre of mass c and second moments about it,
 *    Q = sum of (y - c)(y - c)'; a parent's from its children's by the parallel axis rule
 *    Q = sum of Q_k + m_k (c_k - c)(c_k - c)'. A leaf's sums are float32, of differences to its first point; a
 *    parent's float64.
 * The layout may be kept while points move: a stale one has larger boxes, which costs time and not accuracy.
 *
 * Tasks of a refit are subtrees of at most n/32 points; what lies above them is left to bh_tree_finish. The tree owns its
 * arrays. Calls use the threads given; the result doesn't depend on them. */
#include "embed/tree.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

enum { SUBTREES = 32, WHOLE_AT_LEAST = 3 };

limn_status bh_tree_new(bh_tree *t, size_t n, int dims, int threads) {
    limn_status status = LIMN_OK;
    *t = (bh_tree){.dims = dims, .threads = threads, .kernels = embed_kernels_best()};
    TRY(embed_curve_new(&t->curve, n));
    for (int d = 0; d < dims; d++) TRY(limn_new(&t->y[d], n + BH_LEAF, sizeof(float)));
done:
    if (status != LIMN_OK) bh_tree_clear(t);
    return status;
}

static void clear_places(bh_tree *t) {
    free(t->box);
    free(t->root3);
    free(t->test);
    free(t->record);
    free(t->link);
    free(t->order);
    t->box = t->root3 = t->test = t->record = NULL;
    t->link = t->order = NULL;
    t->per_place = 0;
}

void bh_tree_clear(bh_tree *t) {
    embed_curve_clear(&t->curve);
    for (int d = 0; d < 3; d++) free(t->y[d]);
    clear_places(t);
    free(t->node);
    free(t->part);
    *t = (bh_tree){0};
}

/* ---- layout ------------------------------------------------------------------------------------------------------ */

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

static limn_status add_place(bh_tree *t, uint32_t begin, uint32_t end) {
    limn_status s = limn_grow(&t->node, t->places, &t->room, sizeof *t->node);
    if (s == LIMN_OK) t->node[t->places++] = (bh_node){.begin = begin, .end = end};
    return s;
}

static limn_status fill_block(bh_tree *t) {
    limn_status status = LIMN_OK;
    while (t->places % BH_BLOCK > 0) TRY(add_place(t, 0, 0));
done:
    return status;
}

static limn_status split(bh_tree *t, size_t i) {
    limn_status status = LIMN_OK;
    uint32_t b = t->node[i].begin, e = t->node[i].end, parts = 1u << t->dims;
    if (e - b <= BH_LEAF) return LIMN_OK;
    uint64_t differ = t->curve.key[b] ^ t->curve.key[e - 1];
    int shift = differ ? (63 - __builtin_clzll(differ)) / t->dims * t->dims : 0;
    t->node[i].first = (uint32_t)t->places;
    for (uint32_t at = b, next; at < e; at = next) {
        next = differ ? run_end(t->curve.key, at, e, shift) : at + (e - b + parts - 1) / parts;
        if (next > e) next = e;
        TRY(add_place(t, at, next));
    }
    t->node[i].children = (uint32_t)(t->places - t->node[i].first);
    TRY(fill_block(t));
done:
    return status;
}

static limn_status make_room(bh_tree *t) {
    limn_status status = LIMN_OK;
    if (t->per_place >= t->places) return LIMN_OK;
    clear_places(t);
    TRY(limn_new(&t->box, t->room, 6 * sizeof *t->box));
    TRY(limn_new(&t->root3, t->room, sizeof *t->root3));
    TRY(limn_new(&t->test, t->room, 5 * sizeof *t->test));
    TRY(limn_new(&t->record, t->room, BH_RECORD * sizeof *t->record));
    TRY(limn_new(&t->link, t->room, sizeof *t->link));
    TRY(limn_new(&t->order, t->room, sizeof *t->order));
    t->per_place = t->room;
done:
    return status;
}

/* Appends the subtree of `top` to the order, children first. The nodes of a subtree lie in one run a level. */
static void subtree_order(bh_tree *t, uint32_t top) {
    size_t from = t->nodes;
    t->order[t->nodes++] = top;
    for (size_t i = from; i < t->nodes; i++) {
        const bh_node *v = &t->node[t->order[i]];
        for (uint32_t c = 0; c < v->children; c++) t->order[t->nodes++] = v->first + c;
    }
    for (size_t i = from, j = t->nodes; i + 1 < j; i++) { /* parents came first */
        uint32_t keep = t->order[i];
        t->order[i] = t->order[--j];
        t->order[j] = keep;
    }
}

/* Subtrees of at most n/SUBTREES points, or leaves, below nodes with more; those nodes are the last part. */
static limn_status plan_refit(bh_tree *t) {
    limn_status status = LIMN_OK;
    uint32_t most = (uint32_t)(t->curve.n / SUBTREES) + BH_LEAF;
    t->parts = t->nodes = 0;
    TRY(limn_grow(&t->part, 0, &t->part_room, sizeof *t->part));
    t->part[0] = 0;
    for (uint32_t i = 0; i < t->places; i++) {
        const bh_node *v = &t->node[i];
        if (v->end - v->begin <= most && i > 0) continue;
        for (uint32_t c = v->first; c < v->first + v->children; c++)
            if (t->node[c].end - t->node[c].begin <= most) {
                subtree_order(t, c);
                TRY(limn_grow(&t->part, ++t->parts, &t->part_room, sizeof *t->part));
                t->part[t->parts] = t->nodes;
            }
    }
    for (uint32_t i = (uint32_t)t->places; i-- > 0;)
        if (i == 0 || t->node[i].end - t->node[i].begin > most) t->order[t->nodes++] = i;
done:
    return status;
}

/* What depends on the layout alone. An empty place is neither taken nor opened: nothing compares with NaN. */
static void set_links(bh_tree *t) {
    memset(t->record, 0, t->places * BH_RECORD * sizeof *t->record);
    for (size_t i = 0; i < t->places; i++) {
        const bh_node *v = &t->node[i];
        float *test = t->test + i / BH_BLOCK * BH_TEST(t->dims) + i % BH_BLOCK;
        t->root3[i] = (float)cbrt(v->end - v->begin);
        t->link[i] =
            v->children > 0 ? v->first / BH_BLOCK << 2 | (v->children > BH_BLOCK ? BH_TWO : BH_ONE) : BH_IS_LEAF;
        if (v->begin < v->end) continue;
        for (int d = 0; d < t->dims + 2; d++) test[d * BH_BLOCK] = NAN;
    }
}

limn_status bh_tree_build(bh_tree *t, const double *Y) {
    limn_status status = LIMN_OK;
    embed_curve_sort(&t->curve, Y, t->dims, t->threads);
    t->places = 0;
    TRY(add_place(t, 0, (uint32_t)t->curve.n));
    TRY(fill_block(t));
    for (int i = 0; i < BH_BLOCK; i++) TRY(add_place(t, 0, 0));
    for (size_t i = 0; i < t->places; i++) TRY(split(t, i));
    TRY(make_room(t));
    TRY(plan_refit(t));
    set_links(t);
done:
    return status;
}

/* ---- moments ----------------------------------------------------------------------------------------------------- */

typedef struct {
    double m, c[3], q[6];
    float lo[3], hi[3];
} moments;

static const int QUAD[6][2] = {{0, 0}, {0, 1}, {1, 1}, {0, 2}, {1, 2}, {2, 2}};
static const int PLACE[3] = {BH_X, BH_Y, BH_Z}; /* of a coordinate in a record */
static const int Q_PLACE[6] = {BH_XX, BH_XY, BH_YY, BH_XZ, BH_YZ, BH_ZZ};

static void store(bh_tree *t, size_t i, const moments *a) {
    float *box = t->box + 6 * i, *test = t->test + i / BH_BLOCK * BH_TEST(t->dims) + i % BH_BLOCK;
    float *record = t->record + i * BH_RECORD, side = 0;
    for (int d = 0; d < t->dims; d++) {
        test[d * BH_BLOCK] = record[PLACE[d]] = (float)a->c[d];
        box[d] = a->lo[d];
        box[3 + d] = a->hi[d];
        if (a->hi[d] - a->lo[d] > side) side = a->hi[d] - a->lo[d];
    }
    /* fewer points are cheaper one by one: never taken whole */
    int whole = a->m >= WHOLE_AT_LEAST;
    test[t->dims * BH_BLOCK] = whole ? side * side : INFINITY;
    test[(t->dims + 1) * BH_BLOCK] = whole ? side * t->root3[i] : INFINITY;
    record[BH_M] = (float)a->m;
    for (int q = 0; q < (t->dims == 3 ? 6 : 3); q++) record[Q_PLACE[q]] = (float)(4 * a->q[q]);
    record[BH_T] = (float)(a->q[0] + a->q[2] + a->q[5]);
}

static void from_points(bh_tree *t, size_t i) {
    const bh_node *v = &t->node[i];
    const float *y[3] = {t->y[0] + v->begin, t->y[1] + v->begin, t->dims == 3 ? t->y[2] + v->begin : NULL};
    bh_leaf leaf;
    moments a = {.m = v->end - v->begin};
    t->kernels->bh_moments(t->dims, y, v->end - v->begin, &leaf);
    for (int d = 0; d < t->dims; d++) {
        a.lo[d] = leaf.lo[d];
        a.hi[d] = leaf.hi[d];
        a.c[d] = (double)leaf.centre[d];
    }
    for (int q = 0; q < (t->dims == 3 ? 6 : 3); q++) a.q[q] = (double)leaf.moment[q];
    store(t, i, &a);
}

static void from_children(bh_tree *t, size_t i) {
    const bh_node *v = &t->node[i];
    moments a = {.m = v->end - v->begin};
    int terms = t->dims == 3 ? 6 : 3;
    for (int d = 0; d < t->dims; d++) {
        a.lo[d] = t->box[6 * (size_t)v->first + (size_t)d];
        a.hi[d] = t->box[6 * (size_t)v->first + 3 + (size_t)d];
        for (uint32_t c = v->first; c < v->first + v->children; c++) {
            const float *box = t->box + 6 * (size_t)c, *record = t->record + (size_t)c * BH_RECORD;
            a.c[d] += (double)record[BH_M] * (double)record[PLACE[d]];
            if (box[d] < a.lo[d]) a.lo[d] = box[d];
            if (box[3 + d] > a.hi[d]) a.hi[d] = box[3 + d];
        }
        a.c[d] /= a.m;
    }
    for (uint32_t c = v->first; c < v->first + v->children; c++) {
        const float *record = t->record + (size_t)c * BH_RECORD;
        double off[3] = {0};
        for (int d = 0; d < t->dims; d++) off[d] = (double)record[PLACE[d]] - a.c[d];
        for (int q = 0; q < terms; q++)
            a.q[q] += (double)record[Q_PLACE[q]] / 4 + (double)record[BH_M] * off[QUAD[q][0]] * off[QUAD[q][1]];
    }
    store(t, i, &a);
}

static void refit(bh_tree *t, size_t from, size_t to, const double *Y) {
    size_t dims = (size_t)t->dims;
    for (size_t o = from; o < to; o++) {
        uint32_t i = t->order[o];
        const bh_node *v = &t->node[i];
        if (v->children > 0) {
            from_children(t, i);
            continue;
        }
        for (uint32_t s = v->begin; s < v->end; s++) {
            const double *y = Y + t->curve.order[s] * dims;
            t->y[0][s] = (float)y[0];
            t->y[1][s] = (float)y[1];
            if (dims == 3) t->y[2][s] = (float)y[2];
        }
        from_points(t, i);
    }
}

/* A root that is a leaf has no subtree: the one task is the root itself. */
size_t bh_tree_tasks(const bh_tree *t) {
    return t->parts > 0 ? t->parts : 1;
}

void bh_tree_task(bh_tree *t, const double *Y, size_t task) {
    if (t->parts > 0)
        refit(t, t->part[task], t->part[task + 1], Y);
    else
        refit(t, 0, t->nodes, Y);
}

void bh_tree_finish(bh_tree *t) {
    if (t->parts > 0) refit(t, t->part[t->parts], t->nodes, NULL);
}

bh_view bh_tree_view(const bh_tree *t) {
    return (bh_view){.dims = t->dims, .test = t->test, .record = t->record, .link = t->link};
}
