/* Shapes of the operations that have neither weights nor windows: element-wise ones, and those that move, join, reduce
 * or normalise along axes (see ops.c).
 *
 * Broadcasting is numpy's: shapes are aligned at their last axes, and a length of 1 (or no axis) fits any. Two batched
 * values must have equally many axes, since a missing one would be the batch. Threading: pure functions. */
#include "base/try.h"
#include "model/ops.h"

static limn_status bad_axis(int axis, const limn_shape *s) {
    char buf[LIMN_SHAPE_TEXT];
    return limn_fail(LIMN_EINPUT, "there is no axis %d in an array of shape %s", axis, graph_shape_text(s, 0, buf));
}

static limn_status do_not_fit(const limn_shape *a, const limn_shape *b) {
    char first[LIMN_SHAPE_TEXT], second[LIMN_SHAPE_TEXT];
    return limn_fail(LIMN_EINPUT, "the shapes %s and %s do not fit together", graph_shape_text(a, 0, first),
                     graph_shape_text(b, 0, second));
}

static int equal(const limn_shape *a, const limn_shape *b) {
    int same = a->rank == b->rank;
    for (int i = 0; same && i < a->rank; i++) same = a->dim[i] == b->dim[i];
    return same;
}

int limn_broadcast(const limn_shape *a, const limn_shape *b, limn_shape *out) {
    if (a->rank < b->rank) {
        const limn_shape *t = a;
        a = b;
        b = t;
    }
    limn_shape s = *a;
    for (int i = 0; i < b->rank; i++) {
        size_t *d = &s.dim[a->rank - b->rank + i];
        if (*d == 1) *d = b->dim[i];
        if (b->dim[i] != 1 && b->dim[i] != *d) return 0;
    }
    *out = s;
    return 1;
}

/* ---- sources, element-wise --------------------------------------------------------------------------------------- */
limn_status ops_source_shape(limn_node *n, const limn_node *const *in) {
    limn_status status = LIMN_OK;
    (void)in;
    if (n->attr.shape.rank < (n->batched ? 1 : 0) || n->attr.shape.rank > LIMN_MAX_RANK)
        FAIL(LIMN_EINPUT, "an input of rank %d is not supported", n->attr.shape.rank);
    n->out = n->attr.shape;
    TRY(ops_check_size(&n->out));
    if (n->op == LIMN_OP_CONST) TRY(ops_need_count(n->n_weight, limn_shape_size(&n->out), "tensor"));
done:
    return status;
}

limn_status ops_same_shape(limn_node *n, const limn_node *const *in) {
    n->out = in[0]->out;
    return LIMN_OK;
}

limn_status ops_unary_shape(limn_node *n, const limn_node *const *in) {
    if (n->attr.f < 0 || n->attr.f >= LIMN_UNARIES) return limn_fail(LIMN_EFAIL, "there is no function %d", n->attr.f);
    return ops_same_shape(n, in);
}

limn_status ops_broadcast_shape(limn_node *n, const limn_node *const *in) {
    limn_status status = LIMN_OK;
    if (n->op == LIMN_OP_BINARY && (n->attr.f < 0 || n->attr.f >= LIMN_BINARIES))
        FAIL(LIMN_EFAIL, "there is no function %d", n->attr.f);
    n->out = in[0]->out;
    for (int i = 1; i < n->n_in; i++) {
        const limn_shape *s = &in[i]->out;
        if (in[i]->batched && in[i - 1]->batched && s->rank != in[i - 1]->out.rank) TRY(do_not_fit(&n->out, s));
        if (!limn_broadcast(&n->out, s, &n->out)) TRY(do_not_fit(&n->out, s));
    }
    status = ops_check_size(&n->out);
done:
    return status;
}

/* ---- one axis ---------------------------------------------------------------------------------------------------- */
limn_status ops_axis_shape(limn_node *n, const limn_node *const *in) {
    if (n->attr.axis < 0 || n->attr.axis >= in[0]->out.rank) return bad_axis(n->attr.axis, &in[0]->out);
    return ops_same_shape(n, in);
}

limn_status ops_scale_shape(limn_node *n, const limn_node *const *in) {
    limn_status status = LIMN_OK;
    TRY(ops_axis_shape(n, in));
    TRY(ops_need_count(n->n_weight, n->out.dim[n->attr.axis], "scale"));
    if (n->bias) TRY(ops_need_count(n->n_bias, n->out.dim[n->attr.axis], "offset"));
done:
    return status;
}

limn_status ops_lrn_shape(limn_node *n, const limn_node *const *in) {
    if (n->attr.units < 1) return limn_fail(LIMN_EINPUT, "its window of %d channels makes no sense", n->attr.units);
    return ops_axis_shape(n, in);
}

limn_status ops_concat_shape(limn_node *n, const limn_node *const *in) {
    limn_status status = LIMN_OK;
    int axis = n->attr.axis;
    TRY(ops_axis_shape(n, in));
    for (int i = 1; i < n->n_in; i++) {
        limn_shape s = in[i]->out;
        if (s.rank != n->out.rank || s.dim[axis] > (size_t)OPS_MAX_ELEMENTS) TRY(do_not_fit(&n->out, &in[i]->out));
        s.dim[axis] = n->out.dim[axis];
        if (!equal(&s, &n->out)) TRY(do_not_fit(&n->out, &in[i]->out));
        n->out.dim[axis] += in[i]->out.dim[axis];
    }
    status = ops_check_size(&n->out);
done:
    return status;
}

/* ---- moving ------------------------------------------------------------------------------------------------------ */
limn_status ops_flatten_shape(limn_node *n, const limn_node *const *in) {
    n->out = (limn_shape){1, {limn_shape_size(&in[0]->out)}};
    return LIMN_OK;
}

limn_status ops_slice_shape(limn_node *n, const limn_node *const *in) {
    limn_status status = LIMN_OK;
    const limn_op_attr *a = &n->attr;
    const limn_shape *s = &in[0]->out;
    if (a->shape.rank != s->rank) TRY(do_not_fit(s, &a->shape));
    n->out = a->shape;
    TRY(ops_check_size(&n->out));
    for (int i = 0; i < s->rank; i++) {
        long size = (long)s->dim[i], first = a->start[i], step = a->step[i], count = (long)n->out.dim[i];
        if (step == 0 || step > OPS_MAX_ELEMENTS || step < -OPS_MAX_ELEMENTS || first < 0 || first >= size ||
            first + (count - 1) * step < 0 || first + (count - 1) * step >= size)
            FAIL(LIMN_EINPUT, "it takes %ld elements from %ld on in steps of %ld, of an axis of %ld", count, first,
                 step, size);
    }
done:
    return status;
}

limn_status ops_pad_shape(limn_node *n, const limn_node *const *in) {
    limn_status status = LIMN_OK;
    const limn_op_attr *a = &n->attr;
    n->out = in[0]->out;
    if (a->mode < LIMN_PAD_CONSTANT || a->mode > LIMN_PAD_WRAP) FAIL(LIMN_EFAIL, "there is no padding %d", a->mode);
    for (int i = 0; i < n->out.rank; i++) {
        long size = (long)n->out.dim[i], b = a->before[i], e = a->after[i];
        long most = a->mode == LIMN_PAD_REFLECT ? size - 1 : a->mode == LIMN_PAD_WRAP ? size : OPS_MAX_ELEMENTS;
        if (b < 0 || e < 0 || b > most || e > most)
            FAIL(LIMN_EINPUT, "padding of %ld and %ld does not fit an axis of %ld", b, e, size);
        n->out.dim[i] += (size_t)(b + e);
    }
    status = ops_check_size(&n->out);
done:
    return status;
}

limn_status ops_resize_shape(limn_node *n, const limn_node *const *in) {
    limn_status status = LIMN_OK;
    const limn_op_attr *a = &n->attr;
    if (a->shape.rank != in[0]->out.rank) TRY(do_not_fit(&in[0]->out, &a->shape));
    if (a->mode < LIMN_RESIZE_NEAREST || a->mode > LIMN_RESIZE_CUBIC || a->coordinates < LIMN_AT_HALF_PIXEL ||
        a->coordinates > LIMN_AT_HALF_PIXEL_SYMMETRIC || a->rounding < LIMN_ROUND_PREFER_FLOOR ||
        a->rounding > LIMN_ROUND_CEIL)
        FAIL(LIMN_EFAIL, "there is no such way to resize (%d, %d, %d)", a->mode, a->coordinates, a->rounding);
    for (int i = 0; i < a->shape.rank; i++)
        if (!(a->factor[i] >= 0) || a->factor[i] > OPS_MAX_ELEMENTS)
            FAIL(LIMN_EINPUT, "it cannot resize by a factor of %g", a->factor[i]);
    n->out = a->shape;
    status = ops_check_size(&n->out);
done:
    return status;
}

limn_status ops_reshape_shape(limn_node *n, const limn_node *const *in) {
    limn_status status = LIMN_OK;
    n->out = n->attr.shape;
    if (n->out.rank < 0 || n->out.rank > LIMN_MAX_RANK) FAIL(LIMN_EINPUT, "rank %d is not supported", n->out.rank);
    TRY(ops_check_size(&n->out));
    if (limn_shape_size(&n->out) != limn_shape_size(&in[0]->out)) TRY(do_not_fit(&in[0]->out, &n->out));
done:
    return status;
}

limn_status ops_transpose_shape(limn_node *n, const limn_node *const *in) {
    const limn_shape *s = &in[0]->out;
    unsigned seen = 0;
    n->out.rank = s->rank;
    for (int i = 0; i < s->rank; i++) {
        int from = n->attr.perm[i];
        if (from < 0 || from >= s->rank || seen >> from & 1)
            return limn_fail(LIMN_EINPUT, "its axes are not a permutation");
        seen |= 1U << from;
        n->out.dim[i] = s->dim[from];
    }
    return LIMN_OK;
}

limn_status ops_expand_shape(limn_node *n, const limn_node *const *in) {
    limn_status status = LIMN_OK;
    n->out = n->attr.shape;
    if (n->out.rank < 0 || n->out.rank > LIMN_MAX_RANK) FAIL(LIMN_EINPUT, "rank %d is not supported", n->out.rank);
    TRY(ops_check_size(&n->out));
    if (!limn_broadcast(&in[0]->out, &n->out, &n->out) || !equal(&n->out, &n->attr.shape))
        TRY(do_not_fit(&in[0]->out, &n->attr.shape));
done:
    return status;
}

/* ---- several axes ------------------------------------------------------------------------------------------------ */
limn_status ops_norm_shape(limn_node *n, const limn_node *const *in) {
    if (n->attr.axes >> in[0]->out.rank) return limn_fail(LIMN_EINPUT, "it names axes that its input does not have");
    return ops_same_shape(n, in);
}

limn_status ops_reduce_shape(limn_node *n, const limn_node *const *in) {
    limn_status status = LIMN_OK;
    const limn_shape *s = &in[0]->out;
    if (n->attr.f < 0 || n->attr.f >= LIMN_REDUCES) FAIL(LIMN_EFAIL, "there is no reduction %d", n->attr.f);
    TRY(ops_norm_shape(n, in));
    n->out.rank = 0;
    for (int i = 0; i < s->rank; i++) {
        int reduced = n->attr.axes >> i & 1;
        if (!reduced || n->attr.keep) n->out.dim[n->out.rank++] = reduced ? 1 : s->dim[i];
    }
done:
    return status;
}

limn_status ops_matmul_shape(limn_node *n, const limn_node *const *in) {
    limn_status status = LIMN_OK;
    limn_shape a = in[0]->out, b = in[1]->out;
    if (a.rank < 2 || b.rank < 2 || a.dim[a.rank - 1] != b.dim[b.rank - 2] ||
        (in[0]->batched && in[1]->batched && a.rank != b.rank))
        TRY(do_not_fit(&a, &b));
    size_t M = a.dim[a.rank - 2], N = b.dim[b.rank - 1];
    a.rank -= 2;
    b.rank -= 2;
    if (!limn_broadcast(&a, &b, &n->out)) TRY(do_not_fit(&in[0]->out, &in[1]->out));
    n->out.dim[n->out.rank++] = M;
    n->out.dim[n->out.rank++] = N;
    status = ops_check_size(&n->out);
done:
    return status;
}
