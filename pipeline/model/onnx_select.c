/* ONNX operators that find the largest along an axis: see onnx_ops.h.
 *
 *   ArgMax, ArgMin   of the places i where x_i is the extremum, the least (or, select_last_index, the greatest):
 *                    min_i { i if x_i = max x, else n }
 *   TopK             the same k times, each time with -inf (or inf) in the place that was found; the value is
 *                    sum_i { x_i if i is the place, else 0 }, so that its gradient goes there alone
 *
 * Places are float32 here, exact up to 2^24; no gradient goes through them. Threading: none of its own. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/onnx_ops.h"

enum { MAX_TOP = 256, MAX_NUMBERS = 1 << 24 };

/* *node = a constant that lies along one axis: 0, 1, …; or (n = 1) `value`. */
static limn_status along(onnx_op *o, int rank, int axis, size_t n, float value, int *node) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.shape = {.rank = rank}};
    limn_values v = {.n = n};
    for (int i = 0; i < rank; i++) a.shape.dim[i] = i == axis ? n : 1;
    TRY(onnx_spend(o->b, n));
    TRY(limn_new(&v.v, n, sizeof *v.v));
    for (size_t i = 0; i < n; i++) v.v[i] = n == 1 ? value : (float)i;
    status = onnx_emit(o, LIMN_OP_CONST, 0, NULL, &a, v, LIMN_NO_VALUES, node);
done:
    return status;
}

static limn_status equal(onnx_op *o, int a, int b, int *node) {
    limn_op_attr attr = {.f = LIMN_F_EQUAL};
    int in[2] = {a, b};
    return onnx_emit(o, LIMN_OP_BINARY, 2, in, &attr, LIMN_NO_VALUES, LIMN_NO_VALUES, node);
}

static limn_status where(onnx_op *o, int condition, int yes, int no, int *node) {
    int in[3] = {condition, yes, no};
    return onnx_emit(o, LIMN_OP_WHERE, 3, in, NULL, LIMN_NO_VALUES, LIMN_NO_VALUES, node);
}

/* What a search along an axis needs, made once. */
typedef struct {
    int rank, axis, places, beyond, last;
    limn_reduce best;
} search;

static limn_status begin(onnx_op *o, int node, int axis, limn_reduce best, int last, search *s) {
    limn_status status = LIMN_OK;
    const limn_shape *x = onnx_node_shape(o, node);
    size_t n = x->dim[axis];
    *s = (search){.rank = x->rank, .axis = axis, .last = last, .best = best};
    if (n > MAX_NUMBERS) FAIL(LIMN_EINPUT, "an axis of %zu is too long", n);
    TRY(along(o, s->rank, axis, n, 0, &s->places));
    TRY(along(o, s->rank, axis, 1, last ? -1 : (float)n, &s->beyond));
done:
    return status;
}

/* *place = the place of the extremum, with its axis of 1 or without. */
static limn_status find(onnx_op *o, const search *s, int x, int keep, int *place) {
    limn_status status = LIMN_OK;
    limn_op_attr extremum = {.f = (int)s->best, .axes = 1u << s->axis, .keep = 1},
                 of_places = {.f = s->last ? LIMN_F_MAXIMUM : LIMN_F_MINIMUM, .axes = 1u << s->axis, .keep = keep};
    int node;
    TRY(onnx_emit1(o, LIMN_OP_REDUCE, x, &extremum, &node));
    TRY(equal(o, x, node, &node));
    TRY(where(o, node, s->places, s->beyond, &node));
    TRY(onnx_emit1(o, LIMN_OP_REDUCE, node, &of_places, place));
done:
    return status;
}

limn_status onnx_emit_arg(onnx_op *o) {
    limn_status status = LIMN_OK;
    onnx_value *v;
    int64_t at, keep, last;
    int axis, along_axis, node;
    search s;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_int(o->b->m, o->n, "axis", 0, &at));
    TRY(onnx_int(o->b->m, o->n, "keepdims", 1, &keep));
    TRY(onnx_int(o->b->m, o->n, "select_last_index", 0, &last));
    TRY(onnx_axis(at, v->rank, &axis));
    TRY(onnx_sample_axis(v, axis, &along_axis));
    TRY(onnx_node_of(o, v, &node));
    TRY(begin(o, node, along_axis, (limn_reduce)o->row->f, last != 0, &s));
    TRY(find(o, &s, node, keep != 0, &node));
    status = onnx_set_node(o, 0, node, v->batch - (v->batch > axis && !keep), ONNX_INT64);
done:
    return status;
}

static limn_status how_many(onnx_op *o, int *k) {
    limn_status status = LIMN_OK;
    double many = 0;
    int64_t attribute;
    size_t n;
    if (o->opset < 10) {
        TRY(onnx_int(o->b->m, o->n, "k", 0, &attribute));
        many = (double)attribute;
    } else
        TRY(onnx_need_ints(o, 1, &many, 1, &n));
    if (!(many >= 1 && many <= MAX_TOP))
        FAIL(LIMN_EINPUT, "the first %g of an axis: 1 to %d are supported", many, (int)MAX_TOP);
    *k = (int)many;
done:
    return status;
}

limn_status onnx_emit_top(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr sum = {.f = LIMN_F_SUM, .keep = 1}, join = {0};
    int64_t at, largest;
    onnx_value *v;
    int list[2][MAX_TOP], axis, k = 0, x, node, rest, zero, gone;
    search s;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_int(o->b->m, o->n, "axis", -1, &at));
    TRY(onnx_int(o->b->m, o->n, "largest", 1, &largest));
    TRY(how_many(o, &k));
    TRY(onnx_axis(at, v->rank, &axis));
    TRY(onnx_sample_axis(v, axis, &join.axis));
    TRY(onnx_node_of(o, v, &x));
    const limn_shape *shape = onnx_node_shape(o, x);
    if (shape->dim[join.axis] < (size_t)k || limn_shape_size(shape) > (size_t)MAX_NUMBERS / (size_t)k)
        FAIL(LIMN_EINPUT, "the first %d of an axis of %zu: there are fewer, or too many numbers", k,
             shape->dim[join.axis]);
    TRY(begin(o, x, join.axis, largest ? LIMN_F_MAXIMUM : LIMN_F_MINIMUM, 0, &s));
    TRY(along(o, s.rank, s.axis, 1, 0, &zero));
    TRY(along(o, s.rank, s.axis, 1, largest ? -INFINITY : INFINITY, &gone));
    sum.axes = 1u << s.axis;
    rest = x;
    for (int i = 0; i < k; i++) {
        TRY(find(o, &s, rest, 1, &list[1][i]));
        TRY(equal(o, s.places, list[1][i], &node));
        if (i + 1 < k) TRY(where(o, node, gone, rest, &rest));
        TRY(where(o, node, x, zero, &node));
        TRY(onnx_emit1(o, LIMN_OP_REDUCE, node, &sum, &list[0][i]));
    }
    for (size_t i = 2; i-- > 0;) { /* the values last: a layer's output is its last node's */
        TRY(onnx_emit(o, LIMN_OP_CONCAT, k, list[i], &join, LIMN_NO_VALUES, LIMN_NO_VALUES, &node));
        TRY(onnx_set_node(o, i, node, v->batch, i ? ONNX_INT64 : v->type));
    }
done:
    return status;
}
