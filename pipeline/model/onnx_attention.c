/* ONNX's Attention (opset 23): see onnx_ops.h.
 *
 *   Y = softmax(cap(scale Q K^T) + mask) V, by heads; cap(x) = c tanh(x / c) where softcap c > 0.
 *
 * 1. Q (B, heads, T, d), K, V (B, heads of them, S, …), or with the heads side by side: (B, T, heads d), which are taken apart.
 * 2. Where there are fewer heads of K and V, each serves as many of Q's, one after the other.
 * 3. The mask is added, or, of truth values, hides where it is false; is_causal hides what comes later.
 *
 * Not done: keys and values of earlier calls, and outputs other than the first. Threading: none of its own. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/onnx_ops.h"

static limn_status binary(onnx_op *o, limn_binary f, int a, int b, int *node) {
    limn_op_attr attr = {.f = (int)f};
    int in[2] = {a, b};
    return onnx_emit(o, LIMN_OP_BINARY, 2, in, &attr, LIMN_NO_VALUES, LIMN_NO_VALUES, node);
}

static limn_status affine(onnx_op *o, double factor, int *node) {
    limn_op_attr a = {.f = LIMN_F_AFFINE, .p = {(float)factor}};
    return factor == 1 ? LIMN_OK : onnx_emit1(o, LIMN_OP_UNARY, *node, &a, node);
}

/* Exchanges two of the node's axes, counted from its end. */
static limn_status exchange(onnx_op *o, int one, int other, int *node) {
    limn_op_attr a = {0};
    int rank = onnx_node_shape(o, *node)->rank;
    for (int i = 0; i < rank; i++) a.perm[i] = i == rank - one ? rank - other : i == rank - other ? rank - one : i;
    return onnx_emit1(o, LIMN_OP_TRANSPOSE, *node, &a, node);
}

/* Input i as (…, heads, steps, size). `key`: the attribute that counts its heads where they lie side by side. */
static limn_status heads_of(onnx_op *o, size_t i, const char *key, int *node) {
    limn_status status = LIMN_OK;
    onnx_value *v;
    int64_t heads;
    TRY(onnx_need(o, i, &v));
    if (v->batch > 0 || v->times > 1 || v->rank < 3 || v->rank > 4)
        FAIL(LIMN_EINPUT, "its input %zu must be (batch, heads, steps, size) or (batch, steps, heads size)", i + 1);
    TRY(onnx_node_of(o, v, node));
    if (v->rank == 4) return LIMN_OK;
    TRY(onnx_int(o->b->m, o->n, key, 0, &heads));
    limn_shape s = *onnx_node_shape(o, *node);
    size_t all = s.dim[s.rank - 1];
    if (heads < 1 || (size_t)heads > all || all % (size_t)heads != 0)
        FAIL(LIMN_EINPUT, "its %s is %lld, for rows of %zu numbers", key, (long long)heads, all);
    s.dim[s.rank - 1] = (size_t)heads;
    s.dim[s.rank++] = all / (size_t)heads;
    TRY(onnx_reshape(o, *node, &s, node));
    status = exchange(o, 2, 3, node);
done:
    return status;
}

/* Each of the node's heads `times` times, one after the other. */
static limn_status repeat(onnx_op *o, size_t times, int *node) {
    limn_status status = LIMN_OK;
    limn_shape s = *onnx_node_shape(o, *node), t = s;
    limn_op_attr a = {0};
    int at = s.rank - 3;
    if (times == 1) return LIMN_OK;
    t.rank++;
    for (int i = t.rank - 1; i > at + 1; i--) t.dim[i] = t.dim[i - 1];
    t.dim[at + 1] = 1;
    TRY(onnx_reshape(o, *node, &t, node));
    a.shape = t;
    a.shape.dim[at + 1] = times;
    TRY(onnx_emit1(o, LIMN_OP_EXPAND, *node, &a, node));
    s.dim[at] *= times;
    status = onnx_reshape(o, *node, &s, node);
done:
    return status;
}

/* *node = a constant of `rows` x `columns`, 0 where a row's number is at least the column's, else -inf; 1 x 1: `value`. */
static limn_status hide(onnx_op *o, size_t rows, size_t columns, float value, int *node) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.shape = {2, {rows, columns}}};
    limn_values v = {.n = rows * columns};
    TRY(onnx_spend(o->b, v.n));
    TRY(limn_new(&v.v, v.n, sizeof *v.v));
    for (size_t i = 0; i < v.n; i++) v.v[i] = i % columns > i / columns ? -INFINITY : 0;
    if (v.n == 1) v.v[0] = value;
    status = onnx_emit(o, LIMN_OP_CONST, 0, NULL, &a, v, LIMN_NO_VALUES, node);
done:
    return status;
}

/* *bias = what is added to scores (…, heads, T, S) of this shape; -1: nothing. */
static limn_status read_mask(onnx_op *o, limn_shape s, int batch, int *bias) {
    limn_status status = LIMN_OK;
    onnx_value *mask = o->n_in > 3 ? o->in[3] : NULL;
    int64_t causal;
    int in[3];
    *bias = -1;
    if (mask && mask->rank > 4) FAIL(LIMN_EINPUT, "a mask of %d axes", mask->rank);
    if (mask) {
        TRY(onnx_node_beside(o, mask, 4, batch, bias));
        if (mask->type == ONNX_BOOL) {
            in[0] = *bias;
            TRY(hide(o, 1, 1, 0, &in[1]));
            TRY(hide(o, 1, 1, -INFINITY, &in[2]));
            TRY(onnx_emit(o, LIMN_OP_WHERE, 3, in, NULL, LIMN_NO_VALUES, LIMN_NO_VALUES, bias));
        }
    }
    TRY(onnx_int(o->b->m, o->n, "is_causal", 0, &causal));
    if (causal) {
        TRY(hide(o, s.dim[s.rank - 2], s.dim[s.rank - 1], 0, &in[0]));
        if (mask) TRY(binary(o, LIMN_F_ADD, *bias, in[0], &in[0]));
        *bias = in[0];
    }
done:
    return status;
}

/* softmax(scores + bias); a row that is hidden whole weighs nothing. What is hidden stays finite, so that gradients do too. */
static limn_status weights_of(onnx_op *o, int bias, int *node) {
    limn_status status = LIMN_OK;
    limn_op_attr finite = {.f = LIMN_F_CLIP, .p = {-FLT_MAX, FLT_MAX}}, last = {0},
                 most = {.f = LIMN_F_MAXIMUM, .keep = 1};
    int in[3];
    last.axis = onnx_node_shape(o, *node)->rank - 1;
    if (bias < 0) return onnx_emit1(o, LIMN_OP_SOFTMAX, *node, &last, node);
    TRY(binary(o, LIMN_F_ADD, *node, bias, node));
    TRY(onnx_emit1(o, LIMN_OP_UNARY, *node, &finite, node));
    TRY(onnx_emit1(o, LIMN_OP_SOFTMAX, *node, &last, &in[2]));
    most.axes = 1u << (onnx_node_shape(o, bias)->rank - 1);
    TRY(onnx_emit1(o, LIMN_OP_REDUCE, bias, &most, &in[0]));
    TRY(hide(o, 1, 1, -INFINITY, &in[1]));
    TRY(binary(o, LIMN_F_EQUAL, in[0], in[1], &in[0]));
    TRY(hide(o, 1, 1, 0, &in[1]));
    TRY(onnx_emit(o, LIMN_OP_WHERE, 3, in, NULL, LIMN_NO_VALUES, LIMN_NO_VALUES, node));
done:
    return status;
}

static limn_status check(onnx_op *o) {
    limn_status status = LIMN_OK;
    int64_t left, right;
    for (size_t i = 4; i < o->n_in; i++)
        if (o->in[i]) FAIL(LIMN_EINPUT, "keys and values of earlier calls, or their lengths, are not supported");
    TRY(onnx_int(o->b->m, o->n, "left_window_size", -1, &left));
    TRY(onnx_int(o->b->m, o->n, "right_window_size", -1, &right));
    if (left >= 0 || right >= 0) FAIL(LIMN_EINPUT, "attention within a window is not supported");
done:
    return status;
}

limn_status onnx_emit_attention(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr tanh_of = {.f = LIMN_F_TANH};
    double scale, cap;
    int q, in[2], k, v, bias, node;
    TRY(check(o));
    TRY(heads_of(o, 0, "q_num_heads", &q));
    TRY(heads_of(o, 1, "kv_num_heads", &k));
    TRY(heads_of(o, 2, "kv_num_heads", &v));
    const limn_shape *s = onnx_node_shape(o, q), *t = onnx_node_shape(o, k), *u = onnx_node_shape(o, v);
    int rank = s->rank;
    size_t heads = s->dim[rank - 3], fewer = t->rank == rank ? t->dim[rank - 3] : 0;
    if (fewer == 0 || u->rank != rank || u->dim[rank - 3] != fewer || heads % fewer != 0)
        FAIL(LIMN_EINPUT, "its query, key and value have heads that do not fit");
    TRY(onnx_float(o->b->m, o->n, "scale", 1 / sqrt((double)s->dim[rank - 1]), &scale));
    TRY(onnx_float(o->b->m, o->n, "softcap", 0, &cap));
    TRY(repeat(o, heads / fewer, &k));
    TRY(repeat(o, heads / fewer, &v));
    TRY(exchange(o, 1, 2, &k));
    TRY(affine(o, scale, &q));
    in[0] = q, in[1] = k;
    TRY(onnx_emit(o, LIMN_OP_MATMUL, 2, in, NULL, LIMN_NO_VALUES, LIMN_NO_VALUES, &node));
    if (cap > 0) {
        TRY(affine(o, 1 / cap, &node));
        TRY(onnx_emit1(o, LIMN_OP_UNARY, node, &tanh_of, &node));
        TRY(affine(o, cap, &node));
    }
    TRY(read_mask(o, *onnx_node_shape(o, node), o->in[0]->batch, &bias));
    TRY(weights_of(o, bias, &node));
    in[0] = node, in[1] = v;
    TRY(onnx_emit(o, LIMN_OP_MATMUL, 2, in, NULL, LIMN_NO_VALUES, LIMN_NO_VALUES, &node));
    if (o->in[0]->rank == 3) {
        TRY(exchange(o, 2, 3, &node));
        limn_shape y = *onnx_node_shape(o, node);
        y.dim[y.rank - 2] *= y.dim[y.rank - 1];
        y.rank--;
        TRY(onnx_reshape(o, node, &y, &node));
    }
    status = onnx_set_node(o, 0, node, o->in[0]->batch, o->in[0]->type);
done:
    return status;
}
