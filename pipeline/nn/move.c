/* What only moves elements, on either backend: own loops (see plan.h).
 *
 * SLICE, PAD, TRANSPOSE and EXPAND are one gather, whose source splits by axes: output element (i_0, i_1, …) is input
 * element off_0[i_0] + off_1[i_1] + …, or where any of those is NONE the constant. The gradient scatters back the same
 * way, summing where an element was taken several times. Where rows and columns move and channels do not, a picture in
 * blocks of b channels is the array (N, C/b, H, W, b) to the same loops (b = C: channels last): layouts stay.
 *
 * CONCAT copies each input's part of a line, (outer, length, inner); of channels in one pass over blocked pictures too,
 * where each input fills its blocks, and where channels come last. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "nn/plan.h"

enum { AXES = LIMN_MAX_RANK + 1 };
#define NONE (-1L)

typedef struct {
    int rank;
    size_t dim[AXES];
    long *off[AXES]; /* (dim) into the room behind */
    int runs;        /* along the last axis the elements lie one after another */
    long room[];
} gather;

/* ---- the sources of one axis ----------------------------------------------------------------------------------------
 */
/* The input's index along its axis for output index i, or NONE. */
typedef long source_fn(const limn_op_attr *a, int axis, long size, long i);

static long slice_source(const limn_op_attr *a, int axis, long size, long i) {
    (void)size;
    return a->start[axis] + i * a->step[axis];
}

static long pad_source(const limn_op_attr *a, int axis, long size, long i) {
    i -= a->before[axis];
    if (i >= 0 && i < size) return i;
    switch ((limn_pad)a->mode) {
    case LIMN_PAD_REFLECT:
        return i < 0 ? -i : 2 * (size - 1) - i;
    case LIMN_PAD_EDGE:
        return i < 0 ? 0 : size - 1;
    case LIMN_PAD_WRAP:
        return i < 0 ? i + size : i - size;
    default:
        return NONE;
    }
}

static long same_source(const limn_op_attr *a, int axis, long size, long i) {
    (void)a;
    (void)axis;
    return size == 1 ? 0 : i;
}

static source_fn *const sources[LIMN_OPS] = {
    [LIMN_OP_SLICE] = slice_source,
    [LIMN_OP_PAD] = pad_source,
    [LIMN_OP_TRANSPOSE] = same_source,
    [LIMN_OP_EXPAND] = same_source,
};

/* ---- planning -------------------------------------------------------------------------------------------------------
 */
/* Whether a picture's blocks may stay: rows and columns move, channels do not, and nothing but zero comes in. */
static size_t block_that_stays(const limn_net *n, const net_step *s) {
    const limn_node *node = s->node, *in = net_node_in(n, s);
    int c = node->batched ? 0 : 1;
    if ((node->op != LIMN_OP_SLICE && node->op != LIMN_OP_PAD) || node->out.rank != c + 3) return 1;
    for (int i = 0; i <= c; i++)
        if (node->out.dim[i] != in->out.dim[i] || (node->op == LIMN_OP_SLICE && node->attr.step[i] != 1)) return 1;
    if (node->op == LIMN_OP_PAD && node->attr.mode == LIMN_PAD_CONSTANT && node->attr.p[0] != 0) return 1;
    size_t b = net_block(n, in, n->step[s->link->from].value);
    return b > 0 ? b : 1;
}

/* One axis of the gather: `size` long in the input, whose elements are `stride` apart. */
static void add_axis(gather *g, const net_step *s, source_fn *f, int axis, size_t dim, size_t size, size_t stride) {
    long *off = g->rank == 0 ? g->room : g->off[g->rank - 1] + g->dim[g->rank - 1];
    for (size_t i = 0; i < dim; i++) {
        long from = f ? f(&s->node->attr, axis, (long)size, (long)i) : (long)i;
        off[i] = from == NONE ? NONE : from * (long)stride;
    }
    g->dim[g->rank] = dim;
    g->off[g->rank++] = off;
}

/* In the order of the output's axes: rows, then each axis; of a blocked picture then the channels of a block. */
static void fill(const limn_net *n, const net_step *s, size_t block, gather *g) {
    const limn_node *node = s->node;
    const limn_shape *in = net_shape_in(n, s), *out = &node->out;
    int c = node->batched ? 0 : 1, shift = out->rank - in->rank;
    size_t size[AXES], stride[AXES], step = block;
    for (int i = in->rank - 1; i >= 0; i--) {
        size[i] = i == c && block > 1 ? (in->dim[i] + block - 1) / block : in->dim[i];
        stride[i] = step;
        step *= size[i];
    }
    g->rank = 0;
    add_axis(g, s, NULL, 0, net_rows(n, node), 0, step);
    for (int i = 0; i < out->rank; i++) {
        int from = node->op == LIMN_OP_TRANSPOSE ? node->attr.perm[i] : i - shift;
        size_t dim = i == c && block > 1 ? size[i] : out->dim[i];
        if (from < 0)
            add_axis(g, s, same_source, i, dim, 1, 0); /* an axis that EXPAND adds */
        else
            add_axis(g, s, i == c && block > 1 ? NULL : sources[node->op], from, dim, size[from], stride[from]);
    }
    if (block > 1) add_axis(g, s, NULL, 0, block, 0, 1);
}

static limn_status place(limn_net *n, net_step *s, size_t block) {
    limn_status status = LIMN_OK;
    dc_md md = NULL;
    if (block == 1) {
        TRY(net_place_plain(n, s));
    } else {
        TRY(net_blocked(n, s->node, block, &md));
        TRY(net_place(n, s, NULL, md, NULL, NULL));
    }
    snprintf(s->backend, sizeof s->backend, "loop");
done:
    dc_md_free(md);
    return status;
}

static limn_status plan_move(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    size_t block = block_that_stays(n, s), room = net_rows(n, s->node) + block;
    gather *g;
    for (int i = 0; i < s->node->out.rank; i++) room += s->node->out.dim[i];
    TRY(limn_new((char **)&g, sizeof *g + room * sizeof(long), 1));
    s->table = g;
    fill(n, s, block, g);
    const long *last = g->off[g->rank - 1];
    g->runs = last[0] != NONE;
    for (size_t i = 1; i < g->dim[g->rank - 1]; i++) g->runs &= last[i] == last[0] + (long)i;
    status = place(n, s, block);
done:
    return status;
}

/* ---- running --------------------------------------------------------------------------------------------------------
 */
/* The line's offset in the input, or NONE; moves on to the next line. */
static long line_source(const gather *g, size_t at[AXES]) {
    long sum = 0;
    for (int i = 0; i < g->rank - 1 && sum != NONE; i++) sum = g->off[i][at[i]] == NONE ? NONE : sum + g->off[i][at[i]];
    for (int i = g->rank - 2; i >= 0; i--) {
        if (++at[i] < g->dim[i]) break;
        at[i] = 0;
    }
    return sum;
}

static size_t lines_of(const gather *g) {
    size_t n = 1;
    for (int i = 0; i < g->rank - 1; i++) n *= g->dim[i];
    return n;
}

static limn_status move_forward(const net_step *s, limn_session *run) {
    const gather *g = s->table;
    size_t at[AXES + 1] = {0}, n = g->dim[g->rank - 1], lines = lines_of(g);
    const float *x = run->address[s->link->x];
    const long *off = g->off[g->rank - 1];
    float *y = run->address[s->value], blank = s->node->op == LIMN_OP_PAD ? s->node->attr.p[0] : 0;
    for (size_t l = 0; l < lines; l++, y += n) {
        long base = line_source(g, at);
        if (base != NONE && g->runs)
            memcpy(y, x + base + off[0], n * sizeof *y);
        else
            for (size_t i = 0; i < n; i++) y[i] = base == NONE || off[i] == NONE ? blank : x[base + off[i]];
    }
    return LIMN_OK;
}

static limn_status move_vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    const gather *g = s->table;
    size_t at[AXES + 1] = {0}, n = g->dim[g->rank - 1], lines = lines_of(g);
    const float *gy = run->address[s->gy];
    const long *off = g->off[g->rank - 1];
    float *gx = run->address[s->link->gx];
    (void)rule;
    (void)j;
    memset(gx, 0, net_floats(run->net, s->link->gx) * sizeof *gx);
    for (size_t l = 0; l < lines; l++, gy += n) {
        long base = line_source(g, at);
        if (base != NONE && g->runs) {
            float *to = gx + base + off[0];
#pragma omp simd
            for (size_t i = 0; i < n; i++) to[i] += gy[i];
        } else {
            for (size_t i = 0; base != NONE && i < n; i++)
                if (off[i] != NONE) gx[base + off[i]] += gy[i];
        }
    }
    return LIMN_OK;
}

const net_op net_move = {"move", plan_move, move_forward, move_vjp, 0, 0};

/* ---- concat ---------------------------------------------------------------------------------------------------------
 */
/* Whether all inputs are pictures in one layout of blocks (the first's) that a concatenation of channels keeps. */
static size_t common_block(const limn_net *n, const net_step *s) {
    size_t block = 0;
    if (s->node->attr.axis != (s->node->batched ? 0 : 1)) return 1;
    for (int j = 0; j < s->n_in; j++) {
        const limn_node *in = &n->graph->node[s->link[j].from];
        if (in->batched != s->node->batched) return 1;
        size_t b = net_block(n, in, n->step[s->link[j].from].value), C = b ? net_picture_of(n, in).C : 0;
        if (b < 2 || C % b != 0) return 1;   /* not full: a block has room that is no channel */
        size_t kind = b == C ? SIZE_MAX : b; /* channels last, or blocks of b */
        if (j > 0 && kind != block) return 1;
        block = kind;
    }
    return block == SIZE_MAX ? net_picture_of(n, s->node).C : block;
}

static limn_status plan_concat(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    dc_md md = NULL;
    s->block = common_block(n, s);
    if (s->block < 2) {
        TRY(net_place_plain(n, s));
        goto done;
    }
    TRY(net_blocked(n, s->node, s->block, &md));
    TRY(net_place_output(n, s, md, NULL));
    for (int j = 0; j < s->n_in; j++) TRY(net_place_input(n, s, j, NULL, NULL));
    snprintf(s->backend, sizeof s->backend, "loop");
done:
    dc_md_free(md);
    return status;
}

/* Elements of one line's part: of the output (in NULL), or of an input. */
static size_t part(const net_step *s, const limn_node *in) {
    const limn_shape *o = in ? &in->out : &s->node->out;
    size_t n = 1;
    int last = s->block > 1 && s->block == s->node->out.dim[s->node->attr.axis]; /* channels last: a line is a pixel */
    for (int i = s->node->attr.axis; i < (last ? s->node->attr.axis + 1 : o->rank); i++) n *= o->dim[i];
    return n;
}

/* Where input j's part begins in a line, how long it is, and whether it is the same for every row. */
typedef struct {
    size_t begin, length, whole, rows, lines;
    int still;
} concat_part;

static concat_part part_of(const net_step *s, const limn_session *run, int j) {
    const limn_net *n = run->net;
    concat_part p = {0, 0, part(s, NULL), net_rows(n, s->node), 1, 0};
    for (int i = 0; i < j; i++) p.begin += part(s, &n->graph->node[s->link[i].from]);
    const limn_node *in = &n->graph->node[s->link[j].from];
    p.length = part(s, in);
    p.lines = limn_shape_size(&s->node->out) / p.whole;
    p.still = !in->batched && s->node->batched;
    return p;
}

static limn_status concat_forward(const net_step *s, limn_session *run) {
    for (int j = 0; j < s->n_in; j++) {
        concat_part p = part_of(s, run, j);
        const float *x = run->address[s->link[j].x];
        float *y = run->address[s->value] + p.begin;
        for (size_t r = 0; r < p.rows; r++)
            for (size_t l = 0; l < p.lines; l++, y += p.whole)
                memcpy(y, x + ((p.still ? 0 : r) * p.lines + l) * p.length, p.length * sizeof *y);
    }
    return LIMN_OK;
}

static limn_status concat_vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    concat_part p = part_of(s, run, j);
    const float *gy = run->address[s->gy] + p.begin;
    float *gx = run->address[s->link[j].gx];
    (void)rule;
    for (size_t l = 0; l < p.rows * p.lines; l++) memcpy(gx + l * p.length, gy + l * p.whole, p.length * sizeof *gx);
    return LIMN_OK;
}

const net_op net_concat = {"concat", plan_concat, concat_forward, concat_vjp, 0, 0};
