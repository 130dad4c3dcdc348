/* ONNX's Einsum of one operand or two: see onnx_ops.h.
 *
 * 1. An ellipsis stands for the axes that an operand's labels leave over; they bear labels of their own, the last of them in
 *    each operand the same, since they broadcast. Where no result is given, it is the ellipsis and then the labels that
 *    stand once, in their order.
 * 2. The batch's label is taken out of operands and result. An axis of 1 that broadcasts is dropped.
 * 3. What stands in one operand alone and not in the result is summed there.
 * 4. Of two operands each is turned to (shared, own, summed) or (shared, summed, own) labels and made of three axes: one product
 *    of matrices.
 * 5. The result is turned to its order.
 *
 * Not done: a label twice in one operand, more than two operands. Threading: none of its own. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/onnx_ops.h"

enum { LABELS = ONNX_MAX_RANK, OPERANDS = 2, DOTS = '.', LAST_OF_DOTS = '9' };

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

static limn_status odd(onnx_bytes text) {
    return limn_fail(LIMN_EINPUT, "its equation `%s` is of a kind that is not supported", onnx_text(text));
}

/* "bij,...jk->bik" as its operands, *n of them, and the result (*given: whether there is one); an ellipsis is DOTS. */
static limn_status parse(onnx_bytes text, labels operand[OPERANDS], labels *out, size_t *n, int *given) {
    labels *to = operand;
    *n = 1;
    *given = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = (char)text.p[i];
        int arrow = c == '-' && i + 1 < text.n && text.p[i + 1] == '>';
        if (c == ' ') continue;
        if (arrow && !*given) {
            to = out;
            *given = 1;
            i++;
            continue;
        }
        if (c == ',' && !*given) {
            if (*n == OPERANDS) return limn_fail(LIMN_EINPUT, "an equation of more than two operands is not supported");
            to = &operand[(*n)++];
            continue;
        }
        int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'),
            dots = c == DOTS && i + 2 < text.n && text.p[i + 1] == DOTS && text.p[i + 2] == DOTS;
        if ((!letter && !dots) || to->n == LABELS || place_in(to, c) >= 0) return odd(text);
        to->label[to->n++] = c;
        if (dots) i += 2;
    }
    return LIMN_OK;
}

/* DOTS as so many labels, the last of them LAST_OF_DOTS. */
static limn_status spell_dots(labels *l, int axes) {
    int at = place_in(l, DOTS);
    if (at < 0) return LIMN_OK;
    if (axes < 0 || l->n - 1 + axes > LABELS)
        return limn_fail(LIMN_EINPUT, "its equation has more labels than its operands have axes");
    memmove(l->label + at + axes, l->label + at + 1, (size_t)(l->n - at - 1));
    for (int i = 0; i < axes; i++) l->label[at + i] = (char)(LAST_OF_DOTS - (axes - 1 - i));
    l->n += axes - 1;
    return LIMN_OK;
}

/* The result that is not given: what stands once, in the order of letters; the ellipsis, as DOTS, before it. */
static void imply(const labels operand[OPERANDS], size_t n, int dots, labels *out) {
    *out = (labels){0};
    if (dots) out->label[out->n++] = DOTS;
    for (char c = 'A'; c <= 'z' && out->n < LABELS; c++) {
        int count = 0;
        for (size_t i = 0; i < n; i++) count += place_in(&operand[i], c) >= 0;
        if (count == 1) out->label[out->n++] = c;
    }
}

static void drop(labels *l, int at) {
    memmove(l->label + at, l->label + at + 1, (size_t)(l->n - at - 1));
    l->n--;
}

/* Takes the batch's label out of an operand (c: the one found so far, 0: none). */
static limn_status without_batch(const onnx_value *v, labels *l, char *c) {
    if (l->n != v->rank) return limn_fail(LIMN_EINPUT, "an operand of %d axes has %d labels", v->rank, l->n);
    if (v->batch < 0) return LIMN_OK;
    if (*c && *c != l->label[v->batch])
        return limn_fail(LIMN_EINPUT, "it works across the samples of a batch, which is not supported");
    *c = l->label[v->batch];
    drop(l, v->batch);
    return LIMN_OK;
}

/* Drops the axes of 1 that broadcast with another operand's, which all stand for an ellipsis. */
static limn_status without_ones(onnx_op *o, labels *l, const labels *other, const limn_shape *others, char batch,
                                int *node) {
    limn_shape s = *onnx_node_shape(o, *node);
    for (int i = l->n - 1; i >= 0; i--) {
        char c = l->label[i];
        int there = place_in(other, c);
        int wide = c == batch || (there >= 0 && others->dim[there] > 1);
        if (c > LAST_OF_DOTS || s.dim[i] != 1 || !wide) continue;
        memmove(s.dim + i, s.dim + i + 1, (size_t)(s.rank - i - 1) * sizeof *s.dim);
        s.rank--;
        drop(l, i);
    }
    return onnx_reshape(o, *node, &s, node);
}

/* Sums over the labels that neither the other operand (NULL: there is none) nor the result has. */
static limn_status sum_own(onnx_op *o, labels *l, const labels *other, const labels *out, int *node) {
    limn_op_attr a = {.f = LIMN_F_SUM};
    for (int i = l->n - 1; i >= 0; i--) {
        if (place_in(out, l->label[i]) >= 0 || (other && place_in(other, l->label[i]) >= 0)) continue;
        a.axes |= 1u << i;
        drop(l, i);
    }
    return a.axes ? onnx_emit1(o, LIMN_OP_REDUCE, *node, &a, node) : LIMN_OK;
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

/* The equation's operands and result, spelt out, without the batch; *at: where the result has it, -1: nowhere. */
static limn_status read_equation(onnx_op *o, labels operand[OPERANDS], labels *out, char *batch, int *at) {
    limn_status status = LIMN_OK;
    onnx_bytes text;
    onnx_value *v;
    size_t n;
    int given, dots = 0;
    TRY(onnx_string(o->b->m, o->n, "equation", "", &text));
    TRY(parse(text, operand, out, &n, &given));
    if (n != o->n_in) FAIL(LIMN_EINPUT, "its equation `%s` does not fit its inputs", onnx_text(text));
    if (!given) {
        for (size_t i = 0; i < n; i++) dots |= place_in(&operand[i], DOTS) >= 0;
        imply(operand, n, dots, out);
        dots = 0;
    }
    for (size_t i = 0; i < n; i++) {
        TRY(onnx_need(o, i, &v));
        int axes = v->rank - (operand[i].n - 1);
        if (place_in(&operand[i], DOTS) >= 0 && axes > dots) dots = axes;
        TRY(spell_dots(&operand[i], axes));
        TRY(without_batch(v, &operand[i], batch));
    }
    TRY(spell_dots(out, dots));
    *at = *batch ? place_in(out, *batch) : -1;
    if (*batch && *at < 0) FAIL(LIMN_EINPUT, "it works across the samples of a batch, which is not supported");
    if (*at >= 0) drop(out, *at);
    for (int i = 0; i < out->n; i++)
        if (place_in(&operand[0], out->label[i]) < 0 && (n == 1 || place_in(&operand[1], out->label[i]) < 0))
            return odd(text);
done:
    return status;
}

limn_status onnx_emit_einsum(onnx_op *o) {
    limn_status status = LIMN_OK;
    labels operand[OPERANDS] = {{0}}, out = {0}, is;
    limn_shape shape[OPERANDS];
    char batch = 0;
    int in[OPERANDS], node, at = -1;
    size_t n = o->n_in;
    if (n < 1 || n > OPERANDS) FAIL(LIMN_EINPUT, "%zu operands are not supported, one or two are", n);
    TRY(read_equation(o, operand, &out, &batch, &at));
    for (size_t i = 0; i < n; i++) {
        TRY(onnx_node_of(o, o->in[i], &in[i]));
        shape[i] = *onnx_node_shape(o, in[i]);
    }
    const labels was[OPERANDS] = {operand[0], operand[1]};
    for (size_t i = 0; i < n; i++) {
        const labels none = {0};
        TRY(without_ones(o, &operand[i], n == 2 ? &was[1 - i] : &none, &shape[n == 2 ? 1 - i : 0], batch, &in[i]));
        if (batch && place_in(&operand[i], batch) >= 0)
            FAIL(LIMN_EINPUT, "it works across the samples of a batch, which is not supported");
    }
    for (size_t i = 0; i < n; i++) TRY(sum_own(o, &operand[i], n == 2 ? &operand[1 - i] : NULL, &out, &in[i]));
    if (n == 1) {
        is = operand[0];
        TRY(onnx_emit1(o, LIMN_OP_IDENTITY, in[0], NULL, &node));
    } else
        TRY(product(o, &operand[0], &operand[1], &out, in, &is, &node));
    TRY(turn(o, &is, &out, &node));
    status = onnx_set_node(o, 0, node, at, o->in[0]->type);
done:
    return status;
}
