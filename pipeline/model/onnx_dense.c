/* ONNX's Gemm and MatMul: see onnx_ops.h.
 *
 * With a known matrix on the right they are DENSE nodes, weights (out, in), over the last axis of the left; otherwise
 * MATMUL nodes of two operands. Threading: none of its own. */
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/onnx_ops.h"

/* Weights (out, in) times alpha from a known matrix, (in, out) or, transposed, (out, in). */
static limn_status dense_weights(onnx_op *o, onnx_value *w, int transposed, double alpha, limn_values *out,
                                 int *units) {
    limn_status status = LIMN_OK;
    limn_values all = LIMN_NO_VALUES;
    size_t in = (size_t)w->dim[transposed ? 1 : 0], n = (size_t)w->dim[transposed ? 0 : 1];
    if (n < 1 || n > 1 << 28) FAIL(LIMN_EINPUT, "%zu units make no sense", n);
    *units = (int)n;
    TRY(onnx_weights(o, w, &all));
    if (transposed)
        *out = all, all = LIMN_NO_VALUES;
    else {
        TRY(limn_new(&out->v, all.n, sizeof *out->v));
        out->n = all.n;
        for (size_t i = 0; i < in; i++)
            for (size_t k = 0; k < n; k++) out->v[k * in + i] = all.v[i * n + k];
    }
    for (size_t i = 0; i < out->n && alpha != 1; i++) out->v[i] = (float)(out->v[i] * alpha);
done:
    free(all.v);
    return status;
}

/* Emits DENSE over the last axis; the rows of a batched value are made one axis. Takes weight and bias. */
static limn_status dense(onnx_op *o, int in, int units, limn_values weight, limn_values bias, int *node) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.units = units};
    limn_shape s = *onnx_node_shape(o, in), rows = s;
    if (s.rank > 2) {
        rows = (limn_shape){2, {limn_shape_size(&s) / s.dim[s.rank - 1], s.dim[s.rank - 1]}};
        TRY(onnx_reshape(o, in, &rows, &in));
    }
    status = onnx_emit(o, LIMN_OP_DENSE, 1, &in, &a, weight, bias, node);
    weight = bias = LIMN_NO_VALUES;
    if (status != LIMN_OK) goto done;
    o->b->g->layer[o->layer].kind = LIMN_KIND_DENSE;
    s.dim[s.rank - 1] = (size_t)units;
    status = onnx_reshape(o, *node, &s, node);
done:
    free(weight.v);
    free(bias.v);
    return status;
}

/* ---- Gemm: alpha A B + beta C ---------------------------------------------------------------------------------------
 */
/* C as a bias vector of `units` numbers times beta; out->v stays NULL where it is a matrix. */
static limn_status gemm_bias(onnx_op *o, onnx_value *c, int units, double beta, limn_values *out) {
    limn_status status = LIMN_OK;
    limn_values v = LIMN_NO_VALUES;
    size_t n = onnx_size(c), last = c->rank ? (size_t)c->dim[c->rank - 1] : 1;
    if (!onnx_is_known(c) || n != last || (n != 1 && n != (size_t)units)) return LIMN_OK;
    TRY(onnx_weights(o, c, &v));
    TRY(limn_new(&out->v, (size_t)units, sizeof *out->v));
    out->n = (size_t)units;
    for (size_t i = 0; i < out->n; i++) out->v[i] = (float)(v.v[n == 1 ? 0 : i] * beta);
done:
    free(v.v);
    return status;
}

static limn_status times(onnx_op *o, double factor, int *node) {
    limn_op_attr a = {.f = LIMN_F_AFFINE, .p = {(float)factor}};
    return factor == 1 ? LIMN_OK : onnx_emit1(o, LIMN_OP_UNARY, *node, &a, node);
}

static limn_status turned(onnx_op *o, int64_t yes, int *node) {
    limn_op_attr a = {.perm = {1, 0}};
    return yes ? onnx_emit1(o, LIMN_OP_TRANSPOSE, *node, &a, node) : LIMN_OK;
}

static limn_status add_matrix(onnx_op *o, onnx_value *c, double beta, int batch, int *node) {
    limn_status status = LIMN_OK;
    limn_op_attr add = {.f = LIMN_F_ADD};
    int in[2] = {*node};
    TRY(onnx_node_beside(o, c, 2, batch, &in[1]));
    TRY(times(o, beta, &in[1]));
    status = onnx_emit(o, LIMN_OP_BINARY, 2, in, &add, LIMN_NO_VALUES, LIMN_NO_VALUES, node);
done:
    return status;
}

limn_status onnx_emit_gemm(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_values weight = LIMN_NO_VALUES, bias = LIMN_NO_VALUES;
    onnx_value *a, *b, *c = o->n_in > 2 ? o->in[2] : NULL;
    double alpha, beta;
    int64_t ta, tb;
    int in[2], node, units;
    TRY(onnx_need(o, 0, &a));
    TRY(onnx_need(o, 1, &b));
    TRY(onnx_float(o->b->m, o->n, "alpha", 1, &alpha));
    TRY(onnx_float(o->b->m, o->n, "beta", 1, &beta));
    TRY(onnx_int(o->b->m, o->n, "transA", 0, &ta));
    TRY(onnx_int(o->b->m, o->n, "transB", 0, &tb));
    if (a->rank != 2 || b->rank != 2)
        FAIL(LIMN_EINPUT, "it needs matrices, not tensors of %d and %d axes", a->rank, b->rank);
    if (a->batch > 0 || (a->batch == 0 && ta) || b->batch >= 0)
        FAIL(LIMN_EINPUT, "it multiplies across the samples of a batch, which is not supported");
    TRY(onnx_node_of(o, a, &in[0]));
    TRY(turned(o, ta, &in[0]));
    if (onnx_is_known(b)) {
        TRY(dense_weights(o, b, tb != 0, alpha, &weight, &units));
        if (c) TRY(gemm_bias(o, c, units, beta, &bias));
        if (bias.v) c = NULL;
        limn_values w = weight, v = bias;
        weight = bias = LIMN_NO_VALUES;
        TRY(dense(o, in[0], units, w, v, &node));
    } else {
        if (a->batch == 0) FAIL(LIMN_EINPUT, "weights that the network computes are not supported");
        TRY(onnx_node_of(o, b, &in[1]));
        TRY(turned(o, tb, &in[1]));
        TRY(onnx_emit(o, LIMN_OP_MATMUL, 2, in, NULL, LIMN_NO_VALUES, LIMN_NO_VALUES, &node));
        TRY(times(o, alpha, &node));
    }
    if (c) TRY(add_matrix(o, c, beta, a->batch, &node));
    status = onnx_set_node(o, 0, node, a->batch, a->type);
done:
    free(weight.v);
    free(bias.v);
    return status;
}

/* ---- MatMul ---------------------------------------------------------------------------------------------------------
 */
static limn_status by_matrix(onnx_op *o, onnx_value *a, onnx_value *b) {
    limn_status status = LIMN_OK;
    limn_values weight = LIMN_NO_VALUES;
    onnx_value w = *b;
    int in, node, units;
    if (a->batch == a->rank - 1 && a->batch >= 0)
        FAIL(LIMN_EINPUT, "it multiplies across the samples of a batch, which is not supported");
    if (b->rank == 1) w.rank = 2, w.dim[1] = 1;
    TRY(onnx_node_of(o, a, &in));
    TRY(dense_weights(o, &w, 0, 1, &weight, &units));
    TRY(dense(o, in, units, weight, LIMN_NO_VALUES, &node));
    if (b->rank == 1) {
        limn_shape s = *onnx_node_shape(o, node);
        s.rank--;
        TRY(onnx_reshape(o, node, &s, &node));
    }
    status = onnx_set_node(o, 0, node, a->batch, a->type);
done:
    return status;
}

/* A vector becomes a matrix of one row (left) or one column (right). */
static limn_status as_matrix(onnx_op *o, const onnx_value *v, int left, int *node) {
    limn_shape s = *onnx_node_shape(o, *node);
    if (v->rank != 1) return LIMN_OK;
    s = left ? (limn_shape){2, {1, s.dim[0]}} : (limn_shape){2, {s.dim[0], 1}};
    return onnx_reshape(o, *node, &s, node);
}

limn_status onnx_emit_matmul(onnx_op *o) {
    limn_status status = LIMN_OK;
    onnx_value *a, *b;
    limn_shape s, t = {0};
    int rank, batch, in[2], node;
    TRY(onnx_need(o, 0, &a));
    TRY(onnx_need(o, 1, &b));
    if (a->rank < 1 || b->rank < 1) FAIL(LIMN_EINPUT, "it multiplies a single number");
    if (onnx_is_known(b) && b->rank <= 2 && b->batch < 0) return by_matrix(o, a, b);
    TRY(onnx_together(o, 0, 2, &rank, &batch));
    if (batch >= 0 && (batch >= rank - 2 || a->rank < 2 || b->rank < 2))
        FAIL(LIMN_EINPUT, "it multiplies across the samples of a batch, which is not supported");
    TRY(onnx_node_beside(o, a, rank, batch, &in[0]));
    TRY(onnx_node_beside(o, b, rank, batch, &in[1]));
    TRY(as_matrix(o, a, 1, &in[0]));
    TRY(as_matrix(o, b, 0, &in[1]));
    TRY(onnx_emit(o, LIMN_OP_MATMUL, 2, in, NULL, LIMN_NO_VALUES, LIMN_NO_VALUES, &node));
    s = *onnx_node_shape(o, node);
    for (int i = 0; i < s.rank; i++)
        if (!(a->rank == 1 && i == s.rank - 2) && !(b->rank == 1 && i == s.rank - 1)) t.dim[t.rank++] = s.dim[i];
    TRY(onnx_reshape(o, node, &t, &node));
    status = onnx_set_node(o, 0, node, batch, a->type);
done:
    return status;
}
