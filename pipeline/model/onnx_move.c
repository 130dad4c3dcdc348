/* ONNX operators that move, join, cut, pad or resize: see onnx_ops.h. Axes and shapes become the sample's here. Threading:
 * none of its own. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/onnx_ops.h"

static limn_status set(onnx_op *o, int node, int batch) {
    return onnx_set_node(o, 0, node, batch, o->in[0]->type);
}

static limn_status copy(onnx_op *o, int in, int batch) {
    int node;
    limn_status s = onnx_emit1(o, LIMN_OP_IDENTITY, in, NULL, &node);
    return s == LIMN_OK ? set(o, node, batch) : s;
}

/* ---- shapes ---------------------------------------------------------------------------------------------------------
 */
static limn_status sample_of(const onnx_op *o, int rank, const int64_t *dim, int batch, limn_shape *out) {
    onnx_value v = {.rank = rank, .batch = batch, .times = o->times};
    memcpy(v.dim, dim, (size_t)rank * sizeof *dim);
    return onnx_sample(&v, out);
}

typedef limn_status (*dims_fn)(onnx_op *o, const onnx_value *v, int64_t *dim, int *rank, int *batch);

static limn_status emit_dims(onnx_op *o, dims_fn dims) {
    limn_status status = LIMN_OK;
    int64_t dim[ONNX_MAX_RANK];
    limn_shape s, have;
    onnx_value *v;
    int rank, batch, node, out;
    TRY(onnx_need(o, 0, &v));
    TRY(dims(o, v, dim, &rank, &batch));
    TRY(sample_of(o, rank, dim, batch, &s));
    if (v->nhwc && s.rank == 3) { /* (H, W, 1) as (1, H, W) is what the node has */
        have = *onnx_node_shape(o, v->node);
        if (have.dim[0] == 1 && s.dim[0] == 1 && have.dim[1] == s.dim[1] && have.dim[2] == s.dim[2])
            return copy(o, v->node, batch);
    }
    TRY(onnx_node_of(o, v, &node));
    TRY(onnx_reshape(o, node, &s, &out));
    status = out == node ? copy(o, node, batch) : set(o, out, batch);
done:
    return status;
}

limn_status onnx_emit_reshape(onnx_op *o) {
    return emit_dims(o, onnx_reshape_dims);
}
limn_status onnx_emit_squeeze(onnx_op *o) {
    return emit_dims(o, onnx_squeeze_dims);
}
limn_status onnx_emit_unsqueeze(onnx_op *o) {
    return emit_dims(o, onnx_unsqueeze_dims);
}

limn_status onnx_emit_flatten(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_shape s = {2, {1, 1}};
    onnx_value *v;
    int64_t axis;
    int node;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_int(o->b->m, o->n, "axis", 1, &axis));
    if (axis < 0) axis += v->rank;
    if (axis < 0 || axis > v->rank) FAIL(LIMN_EINPUT, "there is no axis %lld of %d", (long long)axis, v->rank);
    if (v->batch > 0 || (v->batch == 0 && axis != 1))
        FAIL(LIMN_EINPUT, "it mixes the samples of a batch, which is not supported");
    TRY(onnx_node_of(o, v, &node));
    if (v->batch == 0)
        TRY(onnx_emit1(o, LIMN_OP_FLATTEN, node, NULL, &node));
    else {
        for (int i = 0; i < v->rank; i++) s.dim[i >= axis] *= (size_t)v->dim[i];
        limn_op_attr a = {.shape = s};
        TRY(onnx_emit1(o, LIMN_OP_RESHAPE, node, &a, &node));
    }
    status = set(o, node, v->batch);
done:
    return status;
}

limn_status onnx_emit_transpose(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    int perm[ONNX_MAX_RANK], n = 0, batch = -1, node, moved = 0;
    onnx_value *v;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_perm(o, v, perm));
    if (v->nhwc && perm[0] == 0 && perm[1] == 3 && perm[2] == 1) return copy(o, v->node, 0);
    for (int i = 0; i < v->rank; i++) {
        if (perm[i] == v->batch) {
            batch = i;
            if (onnx_is_batch(v, perm[i])) continue;
        }
        if (n >= LIMN_MAX_RANK) FAIL(LIMN_EINPUT, "tensors of more than %d axes are not supported", LIMN_MAX_RANK);
        a.perm[n] = perm[i] - (v->batch >= 0 && v->times <= 1 && perm[i] > v->batch);
        moved |= a.perm[n] != n;
        n++;
    }
    TRY(onnx_node_of(o, v, &node));
    if (!moved) return copy(o, node, batch);
    TRY(onnx_emit1(o, LIMN_OP_TRANSPOSE, node, &a, &node));
    status = set(o, node, batch);
done:
    return status;
}

/* The shape that input 1 asks for; NaN is the batch. */
limn_status onnx_emit_expand(onnx_op *o) {
    limn_status status = LIMN_OK;
    double t[ONNX_MAX_RANK];
    int64_t dim[ONNX_MAX_RANK];
    limn_op_attr a = {0};
    onnx_value *v;
    size_t n;
    int node;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_need_ints(o, 1, t, ONNX_MAX_RANK, &n));
    int rank = (int)n > v->rank ? (int)n : v->rank, batch = v->batch < 0 ? -1 : v->batch + rank - v->rank;
    for (int i = 0; i < rank; i++) {
        int from = i - (rank - v->rank), to = i - (rank - (int)n);
        double want = to < 0 ? 1 : t[to];
        dim[i] = from < 0 ? 1 : v->dim[from];
        if (i == batch) {
            if (isnan(want) || want == 1 || want == (double)o->b->n_batch) continue;
            FAIL(LIMN_EINPUT, "it changes the size of the batch, which is not supported");
        }
        if (isnan(want) || want < 1 || want > ONNX_MAX_NUMBERS || (want != 1 && dim[i] != 1 && want != (double)dim[i]))
            FAIL(LIMN_EINPUT, "its input does not fit its shape");
        if (dim[i] == 1) dim[i] = (int64_t)want;
    }
    TRY(sample_of(o, rank, dim, batch, &a.shape));
    TRY(onnx_node_beside(o, v, rank, batch, &node));
    TRY(onnx_emit1(o, LIMN_OP_EXPAND, node, &a, &node));
    status = set(o, node, batch);
done:
    return status;
}

/* DepthToSpace, and with row->f SpaceToDepth: blocks of b x b pixels lie in channels. */
limn_status onnx_emit_depth_to_space(onnx_op *o) {
    limn_status status = LIMN_OK;
    static const int back[5] = {2, 4, 0, 1, 3}, depth_first[5] = {2, 3, 0, 4, 1}, column_first[5] = {0, 3, 1, 4, 2};
    onnx_bytes mode;
    onnx_value *v;
    int64_t block;
    int node;
    TRY(onnx_picture(o, 0, &v, &node));
    TRY(onnx_int(o->b->m, o->n, "blocksize", 0, &block));
    TRY(onnx_string(o->b->m, o->n, "mode", "DCR", &mode));
    limn_shape s = *onnx_node_shape(o, node), in = s, cut, out;
    if (s.rank == 4 && s.dim[0] == 1 && v->batch < 0) in = (limn_shape){3, {s.dim[1], s.dim[2], s.dim[3]}};
    size_t b = block < 1 || block > 1 << 12 ? 0 : (size_t)block, C = in.dim[0], H = in.dim[1], W = in.dim[2];
    if (in.rank != 3 || b == 0 || (o->row->f ? H % b + W % b : C % (b * b)) != 0)
        FAIL(LIMN_EINPUT, "blocks of %lld do not fit its input", (long long)block);
    int crd = onnx_is(mode, "CRD");
    if (o->row->f) {
        cut = (limn_shape){5, {C, H / b, b, W / b, b}};
        out = (limn_shape){3, {b * b * C, H / b, W / b}};
    } else {
        cut = crd ? (limn_shape){5, {C / (b * b), b, b, H, W}} : (limn_shape){5, {b, b, C / (b * b), H, W}};
        out = (limn_shape){3, {C / (b * b), H * b, W * b}};
    }
    if (s.rank == 4) out = (limn_shape){4, {1, out.dim[0], out.dim[1], out.dim[2]}};
    limn_op_attr a = {0};
    memcpy(a.perm, o->row->f ? back : crd ? column_first : depth_first, sizeof back);
    TRY(onnx_reshape(o, node, &cut, &node));
    TRY(onnx_emit1(o, LIMN_OP_TRANSPOSE, node, &a, &node));
    TRY(onnx_reshape(o, node, &out, &node));
    status = set(o, node, v->batch);
done:
    return status;
}

/* ---- joining and cutting --------------------------------------------------------------------------------------------
 */
limn_status onnx_emit_concat(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    int rank, batch, axis, *in = NULL, node, n = 0;
    int64_t at;
    TRY(onnx_together(o, 0, o->n_in, &rank, &batch));
    TRY(onnx_int(o->b->m, o->n, "axis", 1, &at));
    TRY(onnx_axis(at, rank, &axis));
    TRY(onnx_sample_axis(&(onnx_value){.rank = rank, .batch = batch}, axis, &a.axis));
    if (o->n_in == 0 || o->n_in > LIMN_MAX_IN) FAIL(LIMN_EINPUT, "it joins %zu tensors", o->n_in);
    TRY(limn_new(&in, o->n_in, sizeof *in));
    for (size_t i = 0; i < o->n_in; i++)
        if (onnx_size(o->in[i]) > 0) TRY(onnx_node_beside(o, o->in[i], rank, batch, &in[n++]));
    if (n == 0) FAIL(LIMN_EINPUT, "it joins tensors without a number in them");
    TRY(onnx_emit(o, LIMN_OP_CONCAT, n, in, &a, LIMN_NO_VALUES, LIMN_NO_VALUES, &node));
    status = set(o, node, batch);
done:
    free(in);
    return status;
}

/* A SLICE node that takes a range of each axis of v. */
static limn_status cut(onnx_op *o, const onnx_value *v, int in, const onnx_range *range, int *node) {
    limn_op_attr a = {0};
    limn_status s = onnx_sample(v, &a.shape);
    int n = 0;
    if (s != LIMN_OK) return s;
    for (int i = 0; i < v->rank; i++) {
        if (i == v->batch) continue;
        a.start[n] = (long)range[i].start;
        a.step[n] = (long)range[i].step;
        a.shape.dim[n++] = (size_t)range[i].size;
    }
    return onnx_emit1(o, LIMN_OP_SLICE, in, &a, node);
}

static void all_of(const onnx_value *v, onnx_range *range) {
    for (int i = 0; i < v->rank; i++) range[i] = (onnx_range){0, 1, v->dim[i]};
}

/* Output `which` is v's part of no elements. */
static limn_status nothing_of(onnx_op *o, size_t which, const onnx_value *v, const onnx_range *range) {
    limn_status status = LIMN_OK;
    int64_t dim[ONNX_MAX_RANK];
    double *none;
    TRY(limn_new(&none, 1, sizeof *none));
    for (int i = 0; i < v->rank; i++) dim[i] = i == v->batch ? -1 : range[i].size;
    onnx_set_known(o, which, v->type, v->rank, dim, none);
    if (which < o->n_out && o->out[which])
        o->out[which]->batch = v->batch, o->out[which]->times = v->times, o->out[which]->inner = v->inner;
done:
    return status;
}

limn_status onnx_emit_slice(onnx_op *o) {
    limn_status status = LIMN_OK;
    onnx_range range[ONNX_MAX_RANK];
    onnx_value *v;
    int node;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_slice_ranges(o, v, range));
    for (int i = 0; i < v->rank; i++)
        if (i != v->batch && range[i].size == 0) return nothing_of(o, 0, v, range);
    TRY(onnx_node_of(o, v, &node));
    TRY(cut(o, v, node, range, &node));
    status = set(o, node, v->batch);
done:
    return status;
}

limn_status onnx_emit_split(onnx_op *o) {
    limn_status status = LIMN_OK;
    onnx_range range[ONNX_MAX_RANK];
    int64_t *sizes = NULL;
    onnx_value *v;
    int axis, in, node;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_split_sizes(o, v, &axis, &sizes));
    TRY(onnx_node_of(o, v, &in));
    all_of(v, range);
    range[axis].size = 0;
    for (size_t i = 0; i < o->n_out; i++) {
        range[axis].start += range[axis].size;
        range[axis].size = sizes[i];
        if (!o->out[i]) continue;
        if (sizes[i] == 0) {
            TRY(nothing_of(o, i, v, range));
            continue;
        }
        TRY(cut(o, v, in, range, &node));
        TRY(onnx_set_node(o, i, node, v->batch, v->type));
    }
done:
    free(sizes);
    return status;
}

/* Indices that are known: one slice where they are evenly spaced, else one for each, joined. */
limn_status onnx_emit_gather(onnx_op *o) {
    limn_status status = LIMN_OK;
    onnx_range range[ONNX_MAX_RANK];
    onnx_value *v, *index;
    const double *t;
    int64_t at, dim[ONNX_MAX_RANK], step = 1;
    limn_op_attr a = {0};
    limn_shape s;
    int axis, in, node, pieces[LIMN_MAX_IN], rank = 0, even = 1;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_need(o, 1, &index));
    TRY(onnx_int(o->b->m, o->n, "axis", 0, &at));
    TRY(onnx_axis(at, v->rank, &axis));
    TRY(onnx_sample_axis(v, axis, &a.axis));
    TRY(onnx_numbers(o, index, &t));
    size_t n = onnx_size(index);
    if (n == 0 || n > LIMN_MAX_IN || index->batch >= 0) FAIL(LIMN_EINPUT, "%zu indices are not supported", n);
    if (v->rank - 1 + index->rank > ONNX_MAX_RANK) FAIL(LIMN_EINPUT, "a tensor of more than %d axes", ONNX_MAX_RANK);
    int64_t place[LIMN_MAX_IN];
    for (size_t i = 0; i < n; i++) {
        if (!(t[i] >= -(double)v->dim[axis] && t[i] < (double)v->dim[axis]))
            FAIL(LIMN_EINPUT, "there is no element %g of %lld", t[i], (long long)v->dim[axis]);
        place[i] = (int64_t)t[i] + (t[i] < 0 ? v->dim[axis] : 0);
        if (i == 1) step = place[1] - place[0];
        even &= step != 0 && (i == 0 || place[i] - place[i - 1] == step);
    }
    TRY(onnx_node_of(o, v, &in));
    all_of(v, range);
    for (size_t i = 0; i < (even ? 1 : n); i++) {
        range[axis] = (onnx_range){place[i], even ? step : 1, even ? (int64_t)n : 1};
        TRY(cut(o, v, in, range, &pieces[i]));
    }
    node = pieces[0];
    if (!even) TRY(onnx_emit(o, LIMN_OP_CONCAT, (int)n, pieces, &a, LIMN_NO_VALUES, LIMN_NO_VALUES, &node));
    for (int i = 0; i < axis; i++) dim[rank++] = v->dim[i];
    for (int i = 0; i < index->rank; i++) dim[rank++] = index->dim[i];
    for (int i = axis + 1; i < v->rank; i++) dim[rank++] = v->dim[i];
    int batch = v->batch > axis ? v->batch - 1 + index->rank : v->batch;
    TRY(sample_of(o, rank, dim, batch, &s));
    TRY(onnx_reshape(o, node, &s, &node));
    status = set(o, node, batch);
done:
    return status;
}

/* ---- Pad ------------------------------------------------------------------------------------------------------------
 */
/* Amounts of every axis of v, before and after. */
static limn_status pad_amounts(onnx_op *o, const onnx_value *v, double *before, double *after) {
    limn_status status = LIMN_OK;
    double t[2 * ONNX_MAX_RANK], axes[ONNX_MAX_RANK];
    int64_t list[2 * ONNX_MAX_RANK];
    size_t n = 0, n_axes = 0;
    int axis;
    if (o->opset < 11) {
        TRY(onnx_ints(o->b->m, o->n, "pads", list, 2 * ONNX_MAX_RANK, &n));
        for (size_t i = 0; i < n; i++) t[i] = (double)list[i];
    } else
        TRY(onnx_need_ints(o, 1, t, 2 * ONNX_MAX_RANK, &n));
    TRY(onnx_need_ints(o, 3, axes, ONNX_MAX_RANK, &n_axes));
    size_t pairs = n_axes ? n_axes : (size_t)v->rank;
    if (n != 2 * pairs) FAIL(LIMN_EINPUT, "%zu amounts do not fit %zu axes", n, pairs);
    for (int i = 0; i < v->rank; i++) before[i] = after[i] = 0;
    for (size_t i = 0; i < pairs; i++) {
        axis = (int)i;
        if (n_axes) TRY(onnx_axis(fabs(axes[i]) < 64 ? (int64_t)axes[i] : 64, v->rank, &axis));
        before[axis] = t[i];
        after[axis] = t[pairs + i];
        if (!(fabs(t[i]) <= ONNX_MAX_NUMBERS) || !(fabs(t[pairs + i]) <= ONNX_MAX_NUMBERS))
            FAIL(LIMN_EINPUT, "its amounts of padding depend on the batch, or are far too large");
        if (axis == v->batch && (t[i] != 0 || t[pairs + i] != 0))
            FAIL(LIMN_EINPUT, "it pads the batch, which is not supported");
    }
done:
    return status;
}

limn_status onnx_emit_pad(onnx_op *o) {
    limn_status status = LIMN_OK;
    static const char *const modes[] = {"constant", "reflect", "edge", "wrap"};
    double before[ONNX_MAX_RANK], after[ONNX_MAX_RANK], value = 0;
    onnx_range range[ONNX_MAX_RANK];
    limn_op_attr a = {0};
    limn_shape s;
    onnx_bytes mode;
    onnx_value *v;
    int node, n = 0, less = 0, more = 0;
    size_t count;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_string(o->b->m, o->n, "mode", "constant", &mode));
    while (a.mode < 4 && !onnx_is(mode, modes[a.mode])) a.mode++;
    if (a.mode == 4) FAIL(LIMN_EINPUT, "the mode %s is not supported", onnx_text(mode));
    TRY(onnx_float(o->b->m, o->n, "value", 0, &value));
    if (o->opset >= 11) TRY(onnx_need_ints(o, 2, &value, 1, &count));
    a.p[0] = (float)value;
    TRY(pad_amounts(o, v, before, after));
    TRY(onnx_sample(v, &s));
    for (int i = 0; i < v->rank; i++) {
        double b = before[i], e = after[i];
        range[i] = (onnx_range){b < 0 ? (int64_t)-b : 0, 1, v->dim[i] + (int64_t)(b + e)};
        if (i == v->batch) continue;
        less |= b < 0 || e < 0;
        more |= b > 0 || e > 0;
        a.before[n] = b > 0 ? (long)b : 0;
        a.after[n++] = e > 0 ? (long)e : 0;
    }
    TRY(onnx_node_of(o, v, &node));
    if (!less && !more) return copy(o, node, v->batch);
    if (more) TRY(onnx_emit1(o, LIMN_OP_PAD, node, &a, &node));
    for (int i = 0; i < v->rank && less; i++)
        if (range[i].size < 1 && i != v->batch) FAIL(LIMN_EINPUT, "nothing would be left of its axis %d", i);
    if (less) TRY(cut(o, v, node, range, &node));
    status = set(o, node, v->batch);
done:
    return status;
}
