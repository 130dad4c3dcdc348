/* The nearest neighbours of all points of a map, by a k-d tree (Bentley 1975).
 *
 * 1. Points are split at the median of their widest axis, by (coordinate, index), down to leaves of LEAF points; the tree
 *    is the points in order, and each split's axis and place where its second half begins: no pointers.
 * 2. A point looks into its own side first, and into the other one where that is no farther than its k-th best so far.
 *    Ties go to the lower index, so a side just as far is looked into too.
 *
 * About n log n for maps as they are; n^2 where most points are equal. Tasks are fixed blocks of points. */
#include <math.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "quality/quality.h"

enum { LEAF = 12, BLOCK = 256, AXES = 3 };

typedef struct {
    double at[AXES];
    uint32_t index;
} place;

typedef struct {
    place *point;        /* (n) in the order of the tree */
    unsigned char *axis; /* (n) of the split whose second half begins there */
    double *plane;       /* (n) and its place on that axis */
    size_t n, k;
    int dims;
    uint32_t *out; /* (n, k) */
} tree;

typedef struct {
    const tree *t;
    place of;
    size_t have;
    double best[QUALITY_MOST_K];
    uint32_t *index; /* (k) */
} search;

static int before(const place *a, const place *b, int axis) {
    return a->at[axis] < b->at[axis] || (a->at[axis] == b->at[axis] && a->index < b->index);
}

/* The widest axis of points [a, b). */
static int widest(const tree *t, size_t a, size_t b) {
    int axis = 0;
    double most = -1;
    for (int d = 0; d < t->dims; d++) {
        double lo = t->point[a].at[d], hi = lo;
        for (size_t i = a; i < b; i++) {
            lo = fmin(lo, t->point[i].at[d]);
            hi = fmax(hi, t->point[i].at[d]);
        }
        if (hi - lo > most) {
            most = hi - lo;
            axis = d;
        }
    }
    return axis;
}

/* Hoare's selection: the place of rank `mid` comes to be there, those before it in front. */
static void split(place *p, size_t a, size_t b, size_t mid, int axis) {
    while (b - a > 1) {
        place pivot = p[a + (b - a - 1) / 2]; /* never the last: each round leaves less */
        size_t i = a, j = b - 1;
        for (;;) {
            while (before(&p[i], &pivot, axis)) i++;
            while (before(&pivot, &p[j], axis)) j--;
            if (i >= j) break;
            place swap = p[i];
            p[i++] = p[j];
            p[j--] = swap;
        }
        if (mid <= j)
            b = j + 1;
        else
            a = j + 1;
    }
}

static void build(tree *t, size_t a, size_t b) {
    if (b - a <= LEAF) return;
    size_t mid = a + (b - a) / 2;
    int axis = widest(t, a, b);
    t->axis[mid] = (unsigned char)axis;
    split(t->point, a, b, mid, axis);
    t->plane[mid] = t->point[mid].at[axis];
    build(t, a, mid);
    build(t, mid, b);
}

static void consider(search *s, const place *p) {
    double d = 0;
    size_t at = s->have;
    if (p->index == s->of.index) return;
    for (int c = 0; c < s->t->dims; c++) d += (p->at[c] - s->of.at[c]) * (p->at[c] - s->of.at[c]);
    while (at > 0 && (s->best[at - 1] > d || (s->best[at - 1] == d && s->index[at - 1] > p->index))) at--;
    if (at == s->t->k) return;
    if (s->have < s->t->k) s->have++;
    for (size_t i = s->have - 1; i > at; i--) {
        s->best[i] = s->best[i - 1];
        s->index[i] = s->index[i - 1];
    }
    s->best[at] = d;
    s->index[at] = p->index;
}

static void look(search *s, size_t a, size_t b) {
    if (b - a <= LEAF) {
        for (size_t i = a; i < b; i++) consider(s, &s->t->point[i]);
        return;
    }
    size_t mid = a + (b - a) / 2;
    int axis = s->t->axis[mid];
    double off = s->of.at[axis] - s->t->plane[mid];
    look(s, off < 0 ? a : mid, off < 0 ? mid : b);
    if (s->have == s->t->k && off * off > s->best[s->t->k - 1]) return;
    look(s, off < 0 ? mid : a, off < 0 ? b : mid);
}

static void search_block(void *ctx, size_t task, int worker) {
    const tree *t = ctx;
    (void)worker;
    for (size_t i = task * BLOCK; i < t->n && i < (task + 1) * BLOCK; i++) {
        search s = {.t = t, .of = t->point[i], .index = t->out + t->point[i].index * t->k};
        look(&s, 0, t->n);
    }
}

limn_status quality_map_nearest(uint32_t *out, const float *Y, size_t n, int dims, size_t k, int threads) {
    limn_status status = LIMN_OK;
    tree t = {.n = n, .k = k, .dims = dims, .out = out};
    TRY(limn_new(&t.point, n, sizeof *t.point));
    TRY(limn_new(&t.axis, n, 1));
    TRY(limn_new(&t.plane, n, sizeof *t.plane));
    for (size_t i = 0; i < n; i++) {
        t.point[i].index = (uint32_t)i;
        for (size_t d = 0; d < (size_t)dims; d++) t.point[i].at[d] = (double)Y[i * (size_t)dims + d];
    }
    build(&t, 0, n);
    limn_parallel(threads, (n + BLOCK - 1) / BLOCK, search_block, &t);
done:
    free(t.point);
    free(t.axis);
    free(t.plane);
    return status;
}
