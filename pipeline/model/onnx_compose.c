/* ONNX operators that are written with others: see onnx_ops.h.
 *
 *   Tile                        reshape (…, d, …) to (…, 1, d, …), expand to (…, r, d, …), reshape to (…, r d, …)
 *   LpNormalization             x / norm along an axis, p = 1 or 2
 *   RMSNormalization            x / sqrt(mean x^2 + epsilon), times scale
 *   MeanVarianceNormalization   NORM over its axes
 * Threading: none of its own. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/onnx_ops.h"

static limn_status set(onnx_op *o, int node, int batch) {
    return onnx_set_node(o, 0, node, batch, o->in[0]->type);
}

static limn_status binary(onnx_op *o, limn_binary f, int a, int b, int *node) {
    limn_op_attr attr = {.f = (int)f};
    int in[2] = {a, b};
    return onnx_emit(o, LIMN_OP_BINARY, 2, in, &attr, LIMN_NO_VALUES, LIMN_NO_VALUES, node);
}

/* ---- Tile -----------------------------------------------------------------------------------------------------------
 */
limn_status onnx_emit_tile(onnx_op *o) {
    limn_status status = LIMN_OK;
    double times[ONNX_MAX_RANK];
    onnx_value *v;
    size_t n;
    int node, axis = 0;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_need_ints(o, 1, times, ONNX_MAX_RANK, &n));
    if (n != (size_t)v->rank) FAIL(LIMN_EINPUT, "%zu repeats do not fit %d axes", n, v->rank);
    TRY(onnx_node_of(o, v, &node));
    TRY(onnx_emit1(o, LIMN_OP_IDENTITY, node, NULL, &node));
    for (int i = 0; i < v->rank; i++) {
        if (!(times[i] >= 1 && times[i] <= 1 << 20)) FAIL(LIMN_EINPUT, "it repeats an axis %g times", times[i]);
        if (i == v->batch && times[i] != 1)
            FAIL(LIMN_EINPUT, "it works across the samples of a batch, which is not supported");
        if (i == v->batch) continue;
        limn_shape s = *onnx_node_shape(o, node), t = {s.rank + 1, {0}};
        size_t r = (size_t)times[i];
        if (r > 1 && s.rank == LIMN_MAX_RANK) {
            t.rank = 3; /* (before, 1, the axis and what is behind it) */
            t.dim[0] = t.dim[1] = t.dim[2] = 1;
            for (int k = 0; k < s.rank; k++) t.dim[k < axis ? 0 : 2] *= s.dim[k];
        } else
            for (int k = 0; k < t.rank; k++) t.dim[k] = k < axis ? s.dim[k] : k == axis ? 1 : s.dim[k - 1];
        if (r > 1) {
            limn_op_attr a = {.shape = t};
            a.shape.dim[s.rank == LIMN_MAX_RANK ? 1 : axis] = r;
            TRY(onnx_reshape(o, node, &t, &node));
            TRY(onnx_emit1(o, LIMN_OP_EXPAND, node, &a, &node));
            s.dim[axis] *= r;
            TRY(onnx_reshape(o, node, &s, &node));
        }
        axis++;
    }
    status = set(o, node, v->batch);
done:
    return status;
}

/* ---- norms ----------------------------------------------------------------------------------------------------------
 */
limn_status onnx_emit_lp_norm(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.keep = 1}, above = {.f = LIMN_F_CLIP, .p = {FLT_MIN, FLT_MAX}}; /* 0 / 0 is 0 */
    onnx_value *v;
    int64_t at, p;
    int axis, own, node, norm;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_int(o->b->m, o->n, "axis", -1, &at));
    TRY(onnx_int(o->b->m, o->n, "p", 2, &p));
    if (p != 1 && p != 2) FAIL(LIMN_EINPUT, "p = %lld is not supported", (long long)p);
    TRY(onnx_axis(at, v->rank, &axis));
    TRY(onnx_sample_axis(v, axis, &own));
    a.f = p == 1 ? LIMN_F_L1 : LIMN_F_L2;
    a.axes = 1u << own;
    TRY(onnx_node_of(o, v, &node));
    TRY(onnx_emit1(o, LIMN_OP_REDUCE, node, &a, &norm));
    TRY(onnx_emit1(o, LIMN_OP_UNARY, norm, &above, &norm));
    TRY(binary(o, LIMN_F_DIV, node, norm, &node));
    status = set(o, node, v->batch);
done:
    return status;
}

limn_status onnx_emit_mean_variance(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.p = {1e-9f}};
    int64_t list[ONNX_MAX_RANK] = {0, 2, 3};
    onnx_value *v;
    size_t n;
    int axis, own, node;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_ints(o->b->m, o->n, "axes", list, ONNX_MAX_RANK, &n));
    for (size_t i = 0; i < (onnx_has(o->b->m, o->n, "axes") ? n : 3); i++) {
        TRY(onnx_axis(list[i], v->rank, &axis));
        TRY(onnx_sample_axis(v, axis, &own));
        a.axes |= 1u << own;
    }
    TRY(onnx_node_of(o, v, &node));
    TRY(onnx_emit1(o, LIMN_OP_NORM, node, &a, &node));
    status = set(o, node, v->batch);
done:
    return status;
}

limn_status onnx_emit_rms_norm(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr mean = {.f = LIMN_F_MEAN, .keep = 1}, square = {.f = LIMN_F_SQUARE}, root = {.f = LIMN_F_RSQRT},
                 more = {.f = LIMN_F_AFFINE, .p = {1}};
    onnx_value *v, *scale;
    double eps;
    int64_t at;
    int axis, first, node, norm;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_need(o, 1, &scale));
    TRY(onnx_float(o->b->m, o->n, "epsilon", 1e-5, &eps));
    TRY(onnx_int(o->b->m, o->n, "axis", -1, &at));
    TRY(onnx_axis(at, v->rank, &axis));
    TRY(onnx_sample_axis(v, axis, &first));
    if (v->batch > axis) FAIL(LIMN_EINPUT, "it works across the samples of a batch, which is not supported");
    TRY(onnx_node_of(o, v, &node));
    for (int i = first; i < onnx_node_shape(o, node)->rank; i++) mean.axes |= 1u << i;
    more.p[1] = (float)eps;
    TRY(onnx_emit1(o, LIMN_OP_UNARY, node, &square, &norm));
    TRY(onnx_emit1(o, LIMN_OP_REDUCE, norm, &mean, &norm));
    TRY(onnx_emit1(o, LIMN_OP_UNARY, norm, &more, &norm));
    TRY(onnx_emit1(o, LIMN_OP_UNARY, norm, &root, &norm));
    TRY(binary(o, LIMN_F_MUL, node, norm, &node));
    TRY(onnx_node_beside(o, scale, v->rank, v->batch, &norm));
    TRY(binary(o, LIMN_F_MUL, node, norm, &node));
    status = set(o, node, v->batch);
done:
    return status;
}
