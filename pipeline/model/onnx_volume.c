/* Volumes (C, D, H, W), and where a maximum was found, in terms of the engine's windows of two axes: see onnx_ops.h.
 *
 *   pools                    one over rows and columns with C D channels, then one over D with H W columns (maxima and means
 *                            over boxes separate, the counts of pixels too)
 *   convolutions             one over pictures whose channels are the kd shifted copies of the volume, with a group for each
 *                            output plane that has the same weights
 *   transposed convolutions  one over pictures, with a group for each plane, gives each plane kd pictures of each filter;
 *                            the k-th of them, a stride apart, begin at plane k, and are added
 *   MaxPool's Indices        each tap of the window is a slice of the padded input; the place of the largest is kept along
 * Threading: none of its own. */
#include <float.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/onnx_ops.h"

/* ---- pools ----------------------------------------------------------------------------------------------------------
 */
limn_status onnx_pool_volume(onnx_op *o, limn_op op, const onnx_window *w, limn_op_attr a, int *node) {
    limn_status status = LIMN_OK;
    limn_shape s = *onnx_node_shape(o, *node), t;
    int c = s.rank - 4;
    size_t C = s.dim[c], D = s.dim[c + 1];
    t = s;
    t.rank--;
    t.dim[c] = C * D, t.dim[c + 1] = s.dim[c + 2], t.dim[c + 2] = s.dim[c + 3];
    TRY(onnx_reshape(o, *node, &t, node));
    onnx_two_axes(w, 1, 2, &a);
    TRY(onnx_emit1(o, op, *node, &a, node));
    limn_shape flat = *onnx_node_shape(o, *node), out;
    size_t H = flat.dim[c + 1], W = flat.dim[c + 2];
    t.dim[c] = C, t.dim[c + 1] = D, t.dim[c + 2] = H * W;
    TRY(onnx_reshape(o, *node, &t, node));
    onnx_two_axes(w, 0, -1, &a);
    TRY(onnx_emit1(o, op, *node, &a, node));
    out = s;
    out.dim[c + 1] = onnx_node_shape(o, *node)->dim[c + 1], out.dim[c + 2] = H, out.dim[c + 3] = W;
    status = onnx_reshape(o, *node, &out, node);
done:
    return status;
}

/* ---- convolutions ---------------------------------------------------------------------------------------------------
 */
/* The depth axis of a volume padded and cut into kd copies, each of D planes: (…, D g, kd C/g, H, W) joined. */
static limn_status shifted_planes(onnx_op *o, const onnx_window *w, int groups, int *node, size_t *D) {
    limn_status status = LIMN_OK;
    limn_shape s = *onnx_node_shape(o, *node), t;
    int c = s.rank - 4, before = w->before[0], after = w->after[0], *piece = NULL;
    long span = (long)(w->kernel[0] - 1) * w->dilation[0] + 1;
    if (w->same) {
        long n = ((long)s.dim[c + 1] + w->stride[0] - 1) / w->stride[0],
             need = (n - 1) * w->stride[0] + span - (long)s.dim[c + 1];
        need = need < 0 ? 0 : need;
        before = (int)(w->same == 2 ? need - need / 2 : need / 2);
        after = (int)need - before;
    }
    if (before > 0 || after > 0) {
        limn_op_attr a = {0};
        a.before[c + 1] = before, a.after[c + 1] = after;
        TRY(onnx_emit1(o, LIMN_OP_PAD, *node, &a, node));
        s = *onnx_node_shape(o, *node);
    }
    if (span > (long)s.dim[c + 1] || w->kernel[0] > LIMN_MAX_IN || s.dim[c] % (size_t)groups != 0)
        FAIL(LIMN_EINPUT, "its window or its groups do not fit its input");
    *D = ((size_t)((long)s.dim[c + 1] - span)) / (size_t)w->stride[0] + 1;
    TRY(limn_new(&piece, (size_t)w->kernel[0], sizeof *piece));
    for (int k = 0; k < w->kernel[0]; k++) {
        limn_op_attr cut = {.shape = s}, turn = {0};
        for (int i = 0; i < s.rank; i++) cut.step[i] = 1, turn.perm[i] = i;
        cut.start[c + 1] = (long)k * w->dilation[0];
        cut.step[c + 1] = w->stride[0];
        cut.shape.dim[c + 1] = *D;
        turn.perm[c] = c + 1, turn.perm[c + 1] = c;
        TRY(onnx_emit1(o, LIMN_OP_SLICE, *node, &cut, &piece[k]));
        TRY(onnx_emit1(o, LIMN_OP_TRANSPOSE, piece[k], &turn, &piece[k]));
        t = *onnx_node_shape(o, piece[k]);
        t.dim[c] = *D * (size_t)groups, t.dim[c + 1] = s.dim[c] / (size_t)groups;
        TRY(onnx_reshape(o, piece[k], &t, &piece[k]));
    }
    limn_op_attr join = {.axis = c + 1};
    TRY(onnx_emit(o, LIMN_OP_CONCAT, w->kernel[0], piece, &join, LIMN_NO_VALUES, LIMN_NO_VALUES, node));
    t = *onnx_node_shape(o, *node);
    t.dim[c] *= t.dim[c + 1];
    t.dim[c + 1] = t.dim[c + 2], t.dim[c + 2] = t.dim[c + 3];
    t.rank--;
    status = onnx_reshape(o, *node, &t, node);
done:
    free(piece);
    return status;
}

/* D copies of weights (O, C/g, kd, kh, kw) as (O, kd, C/g, kh, kw). */
static limn_status plane_weights(onnx_op *o, const onnx_value *w, const limn_values *all, size_t D, limn_values *out) {
    limn_status status = LIMN_OK;
    size_t O = (size_t)w->dim[0], C = (size_t)w->dim[1], K = (size_t)w->dim[2], P = (size_t)(w->dim[3] * w->dim[4]);
    TRY(limn_mul(&out->n, all->n, D));
    TRY(onnx_spend(o->b, out->n));
    TRY(limn_new(&out->v, out->n, sizeof *out->v));
    for (size_t f = 0; f < O * C * K; f++) {
        size_t oc = f / (C * K), c = f / K % C, k = f % K;
        memcpy(out->v + ((oc * K + k) * C + c) * P, all->v + f * P, P * sizeof *out->v);
    }
    for (size_t d = 1; d < D; d++) memcpy(out->v + d * all->n, out->v, all->n * sizeof *out->v);
done:
    return status;
}

static limn_status repeat(limn_values *v, size_t times) {
    limn_status status = LIMN_OK;
    float *out = NULL;
    size_t n;
    if (!v->v) return LIMN_OK;
    TRY(limn_mul(&n, v->n, times));
    TRY(limn_new(&out, n, sizeof *out));
    for (size_t i = 0; i < n; i++) out[i] = v->v[i % v->n];
    free(v->v);
    *v = (limn_values){out, n};
done:
    return status;
}

limn_status onnx_conv_volume(onnx_op *o, const onnx_window *w, const onnx_value *kernel, limn_values *weight,
                             limn_values *bias, limn_op_attr a, int *node) {
    limn_status status = LIMN_OK;
    limn_values planes = LIMN_NO_VALUES;
    limn_shape s;
    size_t D = 0;
    int O = a.units;
    TRY(shifted_planes(o, w, a.groups, node, &D));
    if (D > (size_t)INT16_MAX || D * (size_t)O > 1 << 20) FAIL(LIMN_EINPUT, "a volume of %zu planes is too large", D);
    TRY(plane_weights(o, kernel, weight, D, &planes));
    TRY(repeat(bias, D));
    onnx_two_axes(w, 1, 2, &a);
    a.units = O * (int)D;
    a.groups *= (int)D;
    limn_values b = *bias;
    *bias = LIMN_NO_VALUES;
    int in = *node;
    status = onnx_emit(o, LIMN_OP_CONV2D, 1, &in, &a, planes, b, node);
    planes = LIMN_NO_VALUES;
    if (status != LIMN_OK) goto done;
    s = *onnx_node_shape(o, *node);
    int c = s.rank - 3;
    s.rank++;
    s.dim[c + 3] = s.dim[c + 2], s.dim[c + 2] = s.dim[c + 1];
    s.dim[c] = D, s.dim[c + 1] = (size_t)O;
    TRY(onnx_reshape(o, *node, &s, node));
    limn_op_attr turn = {0};
    for (int i = 0; i < s.rank; i++) turn.perm[i] = i;
    turn.perm[c] = c + 1, turn.perm[c + 1] = c;
    status = onnx_emit1(o, LIMN_OP_TRANSPOSE, *node, &turn, node);
done:
    free(planes.v);
    return status;
}

/* Swaps the axes c and c + 1. */
static limn_status swap(onnx_op *o, int c, int *node) {
    limn_op_attr a = {0};
    for (int i = 0; i < onnx_node_shape(o, *node)->rank; i++) a.perm[i] = i;
    a.perm[c] = c + 1, a.perm[c + 1] = c;
    return onnx_emit1(o, LIMN_OP_TRANSPOSE, *node, &a, node);
}

/* Axis c of a node begins at `before` of an axis of `size`: padded with 0, or cut, at either end. */
static limn_status place(onnx_op *o, int c, long before, long size, int *node) {
    limn_status status = LIMN_OK;
    limn_shape s = *onnx_node_shape(o, *node);
    limn_op_attr pad = {0}, cut = {.shape = s};
    long after = size - before - (long)s.dim[c];
    for (int i = 0; i < s.rank; i++) cut.step[i] = 1;
    cut.start[c] = before < 0 ? -before : 0;
    cut.shape.dim[c] = (size_t)((long)s.dim[c] - cut.start[c] + (after < 0 ? after : 0));
    if (before < 0 || after < 0) TRY(onnx_emit1(o, LIMN_OP_SLICE, *node, &cut, node));
    pad.before[c] = before > 0 ? before : 0;
    pad.after[c] = after > 0 ? after : 0;
    if (before > 0 || after > 0) TRY(onnx_emit1(o, LIMN_OP_PAD, *node, &pad, node));
done:
    return status;
}

/* Tap k of (…, D, O, kd, P): (…, O, D stride, P), with planes of 0 between. */
static limn_status planes_apart(onnx_op *o, int c, int k, long stride, int all, int *node) {
    limn_status status = LIMN_OK;
    limn_shape s = *onnx_node_shape(o, all);
    limn_op_attr cut = {.shape = s}, apart = {0};
    for (int i = 0; i < s.rank; i++) cut.step[i] = 1;
    cut.start[c + 2] = k;
    cut.shape.dim[c + 2] = 1;
    TRY(onnx_emit1(o, LIMN_OP_SLICE, all, &cut, node));
    TRY(swap(o, c, node)); /* (O, D, 1, P): the axis of 1 takes the planes between */
    apart.after[c + 2] = stride - 1;
    if (stride > 1) TRY(onnx_emit1(o, LIMN_OP_PAD, *node, &apart, node));
    s = *onnx_node_shape(o, *node);
    s.dim[c + 1] *= s.dim[c + 2];
    s.dim[c + 2] = s.dim[c + 3];
    s.rank--;
    status = onnx_reshape(o, *node, &s, node);
done:
    return status;
}

/* (…, D, O, kd, P) -> the sum over k of (…, O, D', P), with plane d of tap k at d stride + k dilation - pad. */
static limn_status add_planes(onnx_op *o, const onnx_window *w, int out_pad, int *node) {
    limn_status status = LIMN_OK;
    limn_op_attr add = {.f = LIMN_F_ADD};
    const limn_shape *s = onnx_node_shape(o, *node);
    int c = s->rank - 4, all = *node, sum = -1, one;
    long D = (long)s->dim[c], stride = w->stride[0],
         size = (D - 1) * stride + (long)(w->kernel[0] - 1) * w->dilation[0] + 1 + out_pad - w->before[0] - w->after[0];
    if (size < 1 || size > 1 << 20) FAIL(LIMN_EINPUT, "it would give %ld planes", size);
    for (int k = 0; k < w->kernel[0]; k++) {
        long from = (long)k * w->dilation[0] - w->before[0];
        if (from + D * stride <= 0 || from >= size) continue; /* wholly in the padding */
        TRY(planes_apart(o, c, k, stride, all, &one));
        TRY(place(o, c + 1, from, size, &one));
        int in[2] = {sum, one};
        if (sum < 0)
            sum = one;
        else
            TRY(onnx_emit(o, LIMN_OP_BINARY, 2, in, &add, LIMN_NO_VALUES, LIMN_NO_VALUES, &sum));
    }
    if (sum < 0) FAIL(LIMN_EINPUT, "its padding leaves nothing");
    *node = sum;
done:
    return status;
}

/* Adds a number to each channel; takes them. */
static limn_status add_bias(onnx_op *o, int axis, limn_values *bias, int *node) {
    limn_op_attr a = {.axis = axis};
    limn_values ones = {NULL, bias->n}, b = *bias;
    int in = *node;
    if (!bias->v) return LIMN_OK;
    limn_status s = limn_new(&ones.v, ones.n, sizeof *ones.v);
    if (s != LIMN_OK) return s;
    for (size_t i = 0; i < ones.n; i++) ones.v[i] = 1;
    *bias = LIMN_NO_VALUES;
    return onnx_emit(o, LIMN_OP_SCALE, 1, &in, &a, ones, b, node);
}

limn_status onnx_convt_volume(onnx_op *o, const onnx_window *w, limn_values *weight, limn_values *bias, limn_op_attr a,
                              const int out_pad[3], int *node) {
    limn_status status = LIMN_OK;
    limn_shape s = *onnx_node_shape(o, *node), t = s;
    int c = s.rank - 4, O = a.units;
    size_t D = s.dim[c + 1], kd = (size_t)w->kernel[0];
    if (w->same) FAIL(LIMN_EINPUT, "auto_pad of volumes is not supported for transposed convolutions");
    if (s.rank >= LIMN_MAX_RANK || D > 1 << 12 || kd > 1 << 10 || D * (size_t)O * kd > 1 << 20)
        FAIL(LIMN_EINPUT, "a volume of %zu planes is too large", D);
    TRY(swap(o, c, node));
    t.dim[c] = D * s.dim[c], t.dim[c + 1] = s.dim[c + 2], t.dim[c + 2] = s.dim[c + 3];
    t.rank--;
    TRY(onnx_reshape(o, *node, &t, node));
    TRY(onnx_spend(o->b, weight->n * D));
    TRY(repeat(weight, D));
    onnx_two_axes(w, 1, 2, &a);
    a.out_pad[0] = out_pad[1], a.out_pad[1] = out_pad[2];
    a.units = O * (int)kd * (int)D;
    a.groups *= (int)D;
    limn_values k = *weight;
    int in = *node;
    *weight = LIMN_NO_VALUES;
    TRY(onnx_emit(o, LIMN_OP_CONVT2D, 1, &in, &a, k, LIMN_NO_VALUES, node));
    t = *onnx_node_shape(o, *node);
    size_t H = t.dim[c + 1], W = t.dim[c + 2];
    t.dim[c] = D, t.dim[c + 1] = (size_t)O, t.dim[c + 2] = kd, t.dim[c + 3] = H * W;
    t.rank = c + 4;
    TRY(onnx_reshape(o, *node, &t, node));
    TRY(add_planes(o, w, out_pad[0], node));
    t = *onnx_node_shape(o, *node);
    t.dim[c + 2] = H, t.dim[c + 3] = W;
    t.rank = c + 4;
    TRY(onnx_reshape(o, *node, &t, node));
    status = add_bias(o, c, bias, node);
done:
    return status;
}

/* ---- where a maximum was found --------------------------------------------------------------------------------------
 */
/* Places of one tap of the window, flat in the whole input, whose planes of H x W pixels follow one another. */
static limn_status tap_places(onnx_op *o, const limn_shape *in, const limn_shape *out, const limn_op_attr *a, int dy,
                              int dx, int column_major, int *node) {
    limn_status status = LIMN_OK;
    limn_values v = LIMN_NO_VALUES;
    limn_op_attr c = {.shape = *out};
    int r = out->rank;
    size_t h = out->dim[r - 2], w = out->dim[r - 1];
    long H = (long)in->dim[r - 2], W = (long)in->dim[r - 1];
    v.n = limn_shape_size(out);
    TRY(onnx_spend(o->b, v.n));
    TRY(limn_new(&v.v, v.n, sizeof *v.v));
    for (size_t i = 0; i < v.n; i++) {
        long y = (long)(i / w % h) * a->stride[0] + dy * a->dilation[0] - a->pad[0],
             x = (long)(i % w) * a->stride[1] + dx * a->dilation[1] - a->pad[1];
        v.v[i] = (float)((long)(i / (h * w)) * H * W + (column_major ? x * H + y : y * W + x));
    }
    limn_values given = v;
    v = LIMN_NO_VALUES;
    status = onnx_emit(o, LIMN_OP_CONST, 0, NULL, &c, given, LIMN_NO_VALUES, node);
done:
    free(v.v);
    return status;
}

/* *at = where `one` is larger than *best the place `here`, else what it was; *best = the larger. */
static limn_status keep_larger(onnx_op *o, int one, int here, int *best, int *at) {
    limn_status status = LIMN_OK;
    limn_op_attr greater = {.f = LIMN_F_GREATER}, max = {.f = LIMN_F_MAX};
    int pair[2] = {one, *best}, three[3] = {0, here, *at};
    TRY(onnx_emit(o, LIMN_OP_BINARY, 2, pair, &greater, LIMN_NO_VALUES, LIMN_NO_VALUES, &three[0]));
    TRY(onnx_emit(o, LIMN_OP_WHERE, 3, three, NULL, LIMN_NO_VALUES, LIMN_NO_VALUES, at));
    TRY(onnx_emit(o, LIMN_OP_BINARY, 2, pair, &max, LIMN_NO_VALUES, LIMN_NO_VALUES, best));
done:
    return status;
}

limn_status onnx_emit_indices(onnx_op *o, const onnx_value *v, const onnx_window *w, const limn_op_attr *pool,
                              int node) {
    enum { EXACT = 1 << 24 }; /* whole numbers of a float32 */
    limn_status status = LIMN_OK;
    limn_op_attr a = *pool, pad = {.p = {-FLT_MAX}}, cut = {0};
    limn_shape in = *onnx_node_shape(o, node), out;
    int64_t column_major;
    int best = -1, at = -1, one, here, r = in.rank;
    if (w->n != 2) FAIL(LIMN_EINPUT, "the Indices of windows of %d axes are not supported", w->n);
    if (limn_shape_size(&in) > EXACT) FAIL(LIMN_EINPUT, "the Indices of so large an input are not supported");
    TRY(onnx_int(o->b->m, o->n, "storage_order", 0, &column_major));
    onnx_two_axes(w, 0, 1, &a);
    TRY(onnx_emit1(o, LIMN_OP_MAXPOOL, node, &a, &one)); /* its shape, and the padding that it resolves */
    out = *onnx_node_shape(o, one);
    a = o->b->g->node[one].attr;
    if ((long)a.kernel[0] * a.kernel[1] > LIMN_MAX_IN || a.kernel[0] * a.kernel[1] < 2)
        FAIL(LIMN_EINPUT, "the Indices of a window of %dx%d are not supported", a.kernel[0], a.kernel[1]);
    for (int i = 0; i < 2; i++) {
        pad.before[r - 2 + i] = a.pad[i];
        pad.after[r - 2 + i] = a.pad[2 + i] + a.hang[i];
    }
    TRY(onnx_emit1(o, LIMN_OP_PAD, node, &pad, &node));
    cut.shape = out;
    for (int i = 0; i < r; i++) cut.step[i] = i < r - 2 ? 1 : a.stride[i - r + 2];
    for (int k = 0; k < a.kernel[0] * a.kernel[1]; k++) {
        int dy = k / a.kernel[1], dx = k % a.kernel[1];
        cut.start[r - 2] = (long)dy * a.dilation[0];
        cut.start[r - 1] = (long)dx * a.dilation[1];
        TRY(onnx_emit1(o, LIMN_OP_SLICE, node, &cut, &one));
        TRY(tap_places(o, &in, &out, &a, dy, dx, column_major != 0, &here));
        if (best < 0)
            best = one, at = here;
        else
            TRY(keep_larger(o, one, here, &best, &at));
    }
    status = onnx_set_node(o, 1, at, v->batch, ONNX_INT64);
done:
    return status;
}
