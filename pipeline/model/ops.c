/* The table of primitive operations: what each needs, and how its output's shape follows from its inputs'. Here those
 * with weights or windows; the rest is in ops_shape.c.
 *
 * Shapes are one sample's, pictures (C, H, W); without a batch axis (N, C, H, W). A window of k taps with dilation d
 * spans (k-1)d + 1 pixels; over `in` pixels with a + b pixels of padding and stride s it gives
 * floor((in + a + b - span) / s) + 1 outputs, or with `ceil` the ceiling, where the last window begins within the input
 * or the padding before it. SAME, as in TensorFlow: out = ceil(in / s), padded by max((out-1)s + span - in, 0) in all,
 * the odd pixel at bottom and right. A transposed convolution turns this round: out = (in-1)s + span - a - b + out_pad.
 *
 * Every number may come from a hostile file: each is bounded before it is used, so that int and size_t arithmetic here
 * and in the engine cannot overflow. Threading: const tables and pure functions. */
#include "model/ops.h"

#include <stdint.h>

#include "base/mem.h"
#include "base/try.h"

enum { MAX_WINDOW = 1 << 16 }; /* kernel, stride, dilation, padding, in pixels */

limn_status ops_check_size(const limn_shape *s) {
    size_t n = 1;
    for (int i = 0; i < s->rank; i++) {
        if (s->dim[i] == 0) return limn_fail(LIMN_EINPUT, "its output would be empty");
        if (s->dim[i] > (size_t)OPS_MAX_ELEMENTS / n)
            return limn_fail(LIMN_EINPUT, "its output would have more than %d values", OPS_MAX_ELEMENTS);
        n *= s->dim[i];
    }
    return LIMN_OK;
}

static limn_status wrong_rank(const limn_shape *in, const char *what) {
    char buf[LIMN_SHAPE_TEXT];
    if (in->rank == 3)
        return limn_fail(LIMN_EINPUT, "it needs %s as input, not a picture of %zux%zu pixels with %zu channels", what,
                         in->dim[1], in->dim[2], in->dim[0]);
    return limn_fail(LIMN_EINPUT, "it needs %s as input, not an array of shape %s", what, graph_shape_text(in, 0, buf));
}

limn_status ops_need_count(size_t have, size_t want, const char *what) {
    if (have == want) return LIMN_OK;
    return limn_fail(LIMN_EINPUT, "its %s has %zu values where its input and options need %zu", what, have, want);
}

/* *c = the axis of channels of a picture, which rows and columns follow. */
static limn_status need_picture(const limn_node *n, const limn_shape *in, int *c) {
    *c = n->batched ? 0 : 1;
    return in->rank == *c + 3 ? LIMN_OK : wrong_rank(in, "a picture");
}

/* ---- dense ------------------------------------------------------------------------------------------------------- */
/* Over a vector, or each row of a matrix. */
static limn_status dense_shape(limn_node *n, const limn_node *const *in) {
    limn_status status = LIMN_OK;
    const limn_shape *s = &in[0]->out;
    size_t want;
    if (s->rank < 1 || (s->rank > 2 && n->batched)) TRY(wrong_rank(s, "a vector (of a Flatten layer)"));
    if (n->attr.units < 1) FAIL(LIMN_EINPUT, "%d units make no sense", n->attr.units);
    TRY(limn_mul(&want, (size_t)n->attr.units, s->dim[s->rank - 1]));
    TRY(ops_need_count(n->n_weight, want, "kernel"));
    if (n->bias) TRY(ops_need_count(n->n_bias, (size_t)n->attr.units, "bias"));
    n->out = *s;
    n->out.dim[s->rank - 1] = (size_t)n->attr.units;
    status = ops_check_size(&n->out);
done:
    return status;
}

/* ---- windows ----------------------------------------------------------------------------------------------------- */
static limn_status check_window(const limn_op_attr *a, int axis, int64_t *span) {
    if (a->kernel[axis] < 1 || a->kernel[axis] > MAX_WINDOW || a->stride[axis] < 1 || a->stride[axis] > MAX_WINDOW ||
        a->dilation[axis] < 1 || a->dilation[axis] > MAX_WINDOW)
        return limn_fail(LIMN_EINPUT, "kernel %d, stride %d, dilation %d: each must be from 1 to %d", a->kernel[axis],
                         a->stride[axis], a->dilation[axis], MAX_WINDOW);
    *span = (int64_t)(a->kernel[axis] - 1) * a->dilation[axis] + 1;
    if (*span > OPS_MAX_ELEMENTS) return limn_fail(LIMN_EINPUT, "its window spans %lld pixels", (long long)*span);
    return LIMN_OK;
}

/* Shares `need` pixels of padding between both ends. */
static void share(const limn_op_attr *a, int64_t need, int *before, int *after) {
    if (need < 0) need = 0;
    int less = (int)(need / 2), more = (int)(need - need / 2);
    *before = a->same == 2 ? more : less;
    *after = a->same == 2 ? less : more;
}

/* Checks kernel, stride, dilation and padding of one axis (0 = rows, 1 = columns) and gives its output's length. */
static limn_status window(limn_op_attr *a, int axis, size_t in, size_t *out) {
    limn_status status = LIMN_OK;
    int *before = &a->pad[axis], *after = &a->pad[axis + 2];
    int64_t span, size = (int64_t)in, stride = a->stride[axis];
    TRY(check_window(a, axis, &span));
    if (a->same) share(a, ((size + stride - 1) / stride - 1) * stride + span - size, before, after);
    if (*before < 0 || *after < 0 || *before >= span || *after >= span)
        FAIL(LIMN_EINPUT, "padding of %d and %d pixels does not fit a window of %lld", *before, *after,
             (long long)span);
    int64_t room = size + *before + *after - span, n = room / stride + 1;
    if (room < 0)
        FAIL(LIMN_EINPUT, "its window of %lld pixels is larger than its input of %lld", (long long)span,
             (long long)(size + *before + *after));
    a->hang[axis] = 0;
    if (a->ceil && !a->same && room % stride != 0 && n * stride < size + *before) {
        a->hang[axis] = (int)(n * stride - room);
        n++;
    }
    *out = (size_t)n;
done:
    return status;
}

/* The same for a transposed convolution. */
static limn_status window_back(limn_op_attr *a, int axis, size_t in, size_t *out) {
    limn_status status = LIMN_OK;
    int *before = &a->pad[axis], *after = &a->pad[axis + 2], *more = &a->out_pad[axis];
    int64_t span, size = (int64_t)in, stride = a->stride[axis];
    TRY(check_window(a, axis, &span));
    if (a->same) {
        share(a, span - stride, before, after);
        *more = span < stride ? (int)(stride - span) : 0;
    }
    if (*before < 0 || *after < 0 || *before > OPS_MAX_ELEMENTS || *after > OPS_MAX_ELEMENTS || *more < 0 ||
        *more > MAX_WINDOW)
        FAIL(LIMN_EINPUT, "padding of %d and %d pixels, and %d more, does not fit a transposed convolution", *before,
             *after, *more);
    int64_t n = (size - 1) * stride + span - *before - *after + *more;
    if (n < 1 || n > OPS_MAX_ELEMENTS) FAIL(LIMN_EINPUT, "its output would have %lld rows or columns", (long long)n);
    *out = (size_t)n;
done:
    return status;
}

/* Convolutions, plain and transposed: O = units, C channels in; the weights are (A, B/groups, kh, kw). */
static limn_status conv_any(limn_node *n, const limn_shape *in, int transposed) {
    limn_status status = LIMN_OK;
    limn_op_attr *a = &n->attr;
    size_t want;
    int c;
    TRY(need_picture(n, in, &c));
    if (a->units < 1) FAIL(LIMN_EINPUT, "%d filters make no sense", a->units);
    if (a->groups < 1 || in->dim[c] % (size_t)a->groups != 0 || a->units % a->groups != 0)
        FAIL(LIMN_EINPUT, "%d groups do not divide %zu input channels and %d filters", a->groups, in->dim[c], a->units);
    n->out = *in;
    n->out.dim[c] = (size_t)a->units;
    for (int i = 0; i < 2; i++)
        TRY((transposed ? window_back : window)(a, i, in->dim[c + 1 + i], &n->out.dim[c + 1 + i]));
    TRY(ops_check_size(&n->out));
    TRY(limn_mul(&want, (size_t)a->units, in->dim[c] / (size_t)a->groups));
    TRY(limn_mul(&want, want, (size_t)a->kernel[0]));
    TRY(limn_mul(&want, want, (size_t)a->kernel[1]));
    TRY(ops_need_count(n->n_weight, want, "kernel"));
    if (n->bias) TRY(ops_need_count(n->n_bias, (size_t)a->units, "bias"));
done:
    return status;
}

static limn_status conv_shape(limn_node *n, const limn_node *const *in) {
    return conv_any(n, &in[0]->out, 0);
}

static limn_status convt_shape(limn_node *n, const limn_node *const *in) {
    return conv_any(n, &in[0]->out, 1);
}

static limn_status pool_shape(limn_node *n, const limn_node *const *in) {
    limn_status status = LIMN_OK;
    const limn_shape *s = &in[0]->out;
    int c;
    TRY(need_picture(n, s, &c));
    n->out = *s;
    for (int i = 0; i < 2; i++) TRY(window(&n->attr, i, s->dim[c + 1 + i], &n->out.dim[c + 1 + i]));
    status = ops_check_size(&n->out);
done:
    return status;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */
const limn_op_row limn_op_table[LIMN_OPS] = {
    [LIMN_OP_INPUT] = {"input", 0, 0, 0, 0, ops_source_shape},
    [LIMN_OP_CONST] = {"const", 1, 0, 0, 0, ops_source_shape},
    [LIMN_OP_CONV2D] = {"conv2d", 1, 1, 1, 1, conv_shape},
    [LIMN_OP_CONVT2D] = {"convt2d", 1, 1, 1, 1, convt_shape},
    [LIMN_OP_DENSE] = {"dense", 1, 1, 1, 1, dense_shape},
    [LIMN_OP_MATMUL] = {"matmul", 0, 0, 2, 2, ops_matmul_shape},
    [LIMN_OP_MAXPOOL] = {"maxpool", 0, 0, 1, 1, pool_shape},
    [LIMN_OP_AVGPOOL] = {"avgpool", 0, 0, 1, 1, pool_shape},
    [LIMN_OP_FLATTEN] = {"flatten", 0, 0, 1, 1, ops_flatten_shape},
    [LIMN_OP_RELU] = {"relu", 0, 0, 1, 1, ops_same_shape},
    [LIMN_OP_UNARY] = {"unary", 0, 0, 1, 1, ops_unary_shape},
    [LIMN_OP_BINARY] = {"binary", 0, 0, 2, 2, ops_broadcast_shape},
    [LIMN_OP_WHERE] = {"where", 0, 0, 3, 3, ops_broadcast_shape},
    [LIMN_OP_SCALE] = {"scale", 1, 1, 1, 1, ops_scale_shape},
    [LIMN_OP_CONCAT] = {"concat", 0, 0, 1, LIMN_MAX_IN, ops_concat_shape},
    [LIMN_OP_SLICE] = {"slice", 0, 0, 1, 1, ops_slice_shape},
    [LIMN_OP_PAD] = {"pad", 0, 0, 1, 1, ops_pad_shape},
    [LIMN_OP_RESIZE] = {"resize", 0, 0, 1, 1, ops_resize_shape},
    [LIMN_OP_RESHAPE] = {"reshape", 0, 0, 1, 1, ops_reshape_shape},
    [LIMN_OP_TRANSPOSE] = {"transpose", 0, 0, 1, 1, ops_transpose_shape},
    [LIMN_OP_EXPAND] = {"expand", 0, 0, 1, 1, ops_expand_shape},
    [LIMN_OP_REDUCE] = {"reduce", 0, 0, 1, 1, ops_reduce_shape},
    [LIMN_OP_NORM] = {"norm", 0, 0, 1, 1, ops_norm_shape},
    [LIMN_OP_LRN] = {"lrn", 0, 0, 1, 1, ops_lrn_shape},
    [LIMN_OP_SOFTMAX] = {"softmax", 0, 0, 1, 1, ops_axis_shape},
    [LIMN_OP_LOG_SOFTMAX] = {"log_softmax", 0, 0, 1, 1, ops_axis_shape},
    [LIMN_OP_IDENTITY] = {"identity", 0, 0, 1, 1, ops_same_shape},
};

const char *limn_op_name(const limn_node *n) {
    switch (n->op) {
    case LIMN_OP_UNARY:
        return limn_unary_table[n->attr.f].name;
    case LIMN_OP_BINARY:
        return limn_binary_table[n->attr.f].name;
    case LIMN_OP_REDUCE:
        return limn_reduce_names[n->attr.f];
    default:
        return limn_op_table[n->op].name;
    }
}
