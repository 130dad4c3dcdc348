/* ONNX operators that are written with others: see onnx_ops.h.
 *
 *   Tile                        reshape (…, d, …) to (…, 1, d, …), expand to (…, r, d, …), reshape to (…, r d, …)
 *   Einsum                      of two operands: each turned to (shared, own, summed) or (shared, summed, own) labels and
 *                               made of three axes, one product of matrices, turned to the output's order; of one operand
 *                               an order of its axes
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

/* ---- Einsum ---------------------------------------------------------------------------------------------------------
 */
enum { LABELS = ONNX_MAX_RANK };

/* Labels of an operand or of the result, without the batch's. */
typedef struct {
    int n;
    char label[LABELS];
} labels;

static int place_in(const labels *l, char c) {
    for (int i = 0; i < l->n; i++)
        if (l->label[i] == c) return i;
    return -1;
}

/* "bij,jk->bik" as its parts. */
static limn_status parse(onnx_bytes text, labels *part, size_t most, size_t *n) {
    *n = 0;
    part[0].n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = (char)text.p[i];
        int arrow = c == '-' && i + 1 < text.n && text.p[i + 1] == '>';
        if (c == ' ') continue;
        if (c == ',' || arrow) {
            if (++*n >= most) return limn_fail(LIMN_EINPUT, "an equation of more than two operands is not supported");
            part[*n].n = 0;
            i += (size_t)arrow;
            continue;
        }
        int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter || part[*n].n == LABELS || place_in(&part[*n], c) >= 0)
            return limn_fail(LIMN_EINPUT, "its equation `%s` is of a kind that is not supported", onnx_text(text));
        part[*n].label[part[*n].n++] = c;
    }
    ++*n;
    return LIMN_OK;
}

/* Takes the batch's label out of an operand (c: the one found so far, 0: none). */
static limn_status without_batch(const onnx_value *v, labels *l, char *c) {
    if (l->n != v->rank) return limn_fail(LIMN_EINPUT, "an operand of %d axes has %d labels", v->rank, l->n);
    if (v->batch < 0) return LIMN_OK;
    if (*c && *c != l->label[v->batch])
        return limn_fail(LIMN_EINPUT, "it works across the samples of a batch, which is not supported");
    *c = l->label[v->batch];
    memmove(l->label + v->batch, l->label + v->batch + 1, (size_t)(l->n - v->batch - 1));
    l->n--;
    return LIMN_OK;
}

/* Turns a node with labels `from` to the order `to`. */
static limn_status turn(onnx_op *o, const labels *from, const labels *to, int *node) {
    limn_op_attr a = {0};
    int moved = 0;
    for (int i = 0; i < to->n; i++) {
        a.perm[i] = place_in(from, to->label[i]);
        moved |= a.perm[i] != i;
    }
    return moved ? onnx_emit1(o, LIMN_OP_TRANSPOSE, *node, &a, node) : LIMN_OK;
}

static void append(labels *to, const labels *from, const labels *other, int in_other, const labels *out, int in_out) {
    for (int i = 0; i < from->n; i++) {
        char c = from->label[i];
        if ((place_in(other, c) >= 0) == in_other && (place_in(out, c) >= 0) == in_out) to->label[to->n++] = c;
    }
}

/* The product of two nodes with labels a and b; its labels: *is. */
static limn_status product(onnx_op *o, const labels *a, const labels *b, const labels *out, int in[2], labels *is,
                           int *node) {
    limn_status status = LIMN_OK;
    labels shared = {0}, left = {0}, right = {0}, summed = {0}, order[2] = {{0}};
    append(&shared, a, b, 1, out, 1);
    append(&summed, a, b, 1, out, 0);
    append(&left, a, b, 0, out, 1);
    append(&right, b, a, 0, out, 1);
    if (shared.n + summed.n + left.n != a->n || shared.n + summed.n + right.n != b->n ||
        shared.n + left.n + right.n != out->n || out->n > LABELS)
        FAIL(LIMN_EINPUT, "its equation is of a kind that is not supported");
    const labels *list[2][3] = {{&shared, &left, &summed}, {&shared, &summed, &right}};
    *is = (labels){0};
    limn_shape result = {0};
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < list[k][i]->n; j++) order[k].label[order[k].n++] = list[k][i]->label[j];
        TRY(turn(o, k ? b : a, &order[k], &in[k]));
        limn_shape s = *onnx_node_shape(o, in[k]), t = {3, {1, 1, 1}};
        for (int i = 0, at = 0; i < 3; i++)
            for (int j = 0; j < list[k][i]->n; j++, at++) {
                t.dim[i] *= s.dim[at];
                if (k == 0 ? i == 2 : i < 2) continue; /* summed, or there already */
                is->label[is->n++] = list[k][i]->label[j];
                result.dim[result.rank++] = s.dim[at];
            }
        TRY(onnx_reshape(o, in[k], &t, &in[k]));
    }
    TRY(onnx_emit(o, LIMN_OP_MATMUL, 2, in, NULL, LIMN_NO_VALUES, LIMN_NO_VALUES, node));
    status = onnx_reshape(o, *node, &result, node);
done:
    return status;
}

limn_status onnx_emit_einsum(onnx_op *o) {
    limn_status status = LIMN_OK;
    labels part[3], is;
    onnx_bytes text;
    onnx_value *v[2] = {NULL, NULL};
    size_t n;
    char batch = 0;
    int in[2], node, at = -1;
    TRY(onnx_string(o->b->m, o->n, "equation", "", &text));
    TRY(parse(text, part, 3, &n));
    if (n != o->n_in + 1 || n < 2) FAIL(LIMN_EINPUT, "its equation `%s` does not fit its inputs", onnx_text(text));
    labels *out = &part[n - 1];
    for (size_t i = 0; i + 1 < n; i++) {
        TRY(onnx_need(o, i, &v[i]));
        TRY(without_batch(v[i], &part[i], &batch));
        TRY(onnx_node_of(o, v[i], &in[i]));
    }
    for (size_t i = 0; i + 1 < n && batch; i++)
        if (v[i]->batch < 0 && place_in(&part[i], batch) >= 0)
            FAIL(LIMN_EINPUT, "it works across the samples of a batch, which is not supported");
    if (batch) {
        at = place_in(out, batch);
        if (at < 0) FAIL(LIMN_EINPUT, "it works across the samples of a batch, which is not supported");
        memmove(out->label + at, out->label + at + 1, (size_t)(out->n - at - 1));
        out->n--;
    }
    if (n == 2) {
        is = part[0];
        for (int i = 0; i < out->n; i++)
            if (place_in(&is, out->label[i]) < 0 || out->n != is.n)
                FAIL(LIMN_EINPUT, "its equation `%s` is of a kind that is not supported", onnx_text(text));
        TRY(onnx_emit1(o, LIMN_OP_IDENTITY, in[0], NULL, &node));
    } else
        TRY(product(o, &part[0], &part[1], out, in, &is, &node));
    TRY(turn(o, &is, out, &node));
    status = set(o, node, at);
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
