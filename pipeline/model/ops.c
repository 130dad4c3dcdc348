/* The table of primitive operations: what each needs, and how its output's shape follows from its input's.
 *
 * Shapes are one sample's, pictures (C, H, W). A window of k taps with dilation d spans (k-1)d + 1 pixels; over `in`
 * pixels with a + b pixels of padding and stride s it gives floor((in + a + b - span) / s) + 1 outputs. SAME, as in
 * TensorFlow: out = ceil(in / s), padded by max((out-1)s + span - in, 0) in all, the odd pixel at bottom and right.
 *
 * Every number may come from a hostile file: each is bounded before it is used, so that int and size_t arithmetic here
 * and in the engine cannot overflow. Threading: const tables and pure functions. */
#include <stdint.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/graph.h"

enum {
    MAX_ELEMENTS = 1 << 28, /* of one sample's tensor: 1 GiB */
    MAX_WINDOW = 1 << 16    /* kernel, stride, dilation, padding, in pixels */
};

static limn_status check_size(const limn_shape *s) {
    size_t n = 1;
    for (int i = 0; i < s->rank; i++) {
        if (s->dim[i] == 0) return limn_fail(LIMN_EINPUT, "its output would be empty");
        if (s->dim[i] > (size_t)MAX_ELEMENTS / n)
            return limn_fail(LIMN_EINPUT, "its output would have more than %d values", MAX_ELEMENTS);
        n *= s->dim[i];
    }
    return LIMN_OK;
}

static limn_status need_rank(const limn_shape *in, int rank, const char *what) {
    char buf[LIMN_SHAPE_TEXT];
    if (in->rank == rank) return LIMN_OK;
    if (in->rank == 3)
        return limn_fail(LIMN_EINPUT, "it needs %s as input, not a picture of %zux%zu pixels with %zu channels", what,
                         in->dim[1], in->dim[2], in->dim[0]);
    return limn_fail(LIMN_EINPUT, "it needs %s as input, not an array of shape %s", what, graph_shape_text(in, 0, buf));
}

static limn_status need_count(size_t have, size_t want, const char *what) {
    if (have == want) return LIMN_OK;
    return limn_fail(LIMN_EINPUT, "its %s has %zu values where its input and options need %zu", what, have, want);
}

static limn_status input_shape(limn_node *n, const limn_shape *in) {
    (void)in;
    if (n->attr.shape.rank < 1 || n->attr.shape.rank > LIMN_MAX_RANK)
        return limn_fail(LIMN_EINPUT, "an input of rank %d is not supported", n->attr.shape.rank);
    n->out = n->attr.shape;
    return check_size(&n->out);
}

static limn_status same_shape(limn_node *n, const limn_shape *in) {
    n->out = *in;
    return LIMN_OK;
}

static limn_status softmax_shape(limn_node *n, const limn_shape *in) {
    limn_status s = need_rank(in, 1, "a vector");
    return s == LIMN_OK ? same_shape(n, in) : s;
}

static limn_status flatten_shape(limn_node *n, const limn_shape *in) {
    n->out = (limn_shape){1, {limn_shape_size(in)}};
    return LIMN_OK;
}

static limn_status dense_shape(limn_node *n, const limn_shape *in) {
    limn_status status = LIMN_OK;
    size_t want;
    TRY(need_rank(in, 1, "a vector (of a Flatten layer)"));
    if (n->attr.units < 1) FAIL(LIMN_EINPUT, "%d units make no sense", n->attr.units);
    TRY(limn_mul(&want, (size_t)n->attr.units, in->dim[0]));
    TRY(need_count(n->n_weight, want, "kernel"));
    if (n->bias) TRY(need_count(n->n_bias, (size_t)n->attr.units, "bias"));
    n->out = (limn_shape){1, {(size_t)n->attr.units}};
    status = check_size(&n->out);
done:
    return status;
}

/* Checks kernel, stride, dilation and padding of one axis (0 = rows, 1 = columns) and gives its output's length. */
static limn_status window(limn_op_attr *a, int axis, size_t in, size_t *out) {
    int *before = &a->pad[axis], *after = &a->pad[axis + 2];
    if (a->kernel[axis] < 1 || a->kernel[axis] > MAX_WINDOW || a->stride[axis] < 1 || a->stride[axis] > MAX_WINDOW ||
        a->dilation[axis] < 1 || a->dilation[axis] > MAX_WINDOW)
        return limn_fail(LIMN_EINPUT, "kernel %d, stride %d, dilation %d: each must be from 1 to %d", a->kernel[axis],
                         a->stride[axis], a->dilation[axis], MAX_WINDOW);
    int64_t size = (int64_t)in, stride = a->stride[axis], span = (int64_t)(a->kernel[axis] - 1) * a->dilation[axis] + 1;
    if (span > MAX_ELEMENTS) return limn_fail(LIMN_EINPUT, "its window spans %lld pixels", (long long)span);
    if (a->same) {
        int64_t n = (size + stride - 1) / stride, need = (n - 1) * stride + span - size;
        if (need < 0) need = 0;
        *before = (int)(need / 2);
        *after = (int)(need - need / 2);
    }
    if (*before < 0 || *after < 0 || *before >= span || *after >= span)
        return limn_fail(LIMN_EINPUT, "padding of %d and %d pixels does not fit a window of %lld", *before, *after,
                         (long long)span);
    int64_t room = size + *before + *after - span;
    if (room < 0)
        return limn_fail(LIMN_EINPUT, "its window of %lld pixels is larger than its input of %lld", (long long)span,
                         (long long)(size + *before + *after));
    *out = (size_t)(room / stride) + 1;
    return LIMN_OK;
}

static limn_status conv_shape(limn_node *n, const limn_shape *in) {
    limn_status status = LIMN_OK;
    limn_op_attr *a = &n->attr;
    size_t want;
    TRY(need_rank(in, 3, "a picture"));
    if (a->units < 1) FAIL(LIMN_EINPUT, "%d filters make no sense", a->units);
    if (a->groups < 1 || in->dim[0] % (size_t)a->groups != 0 || a->units % a->groups != 0)
        FAIL(LIMN_EINPUT, "%d groups do not divide %zu input channels and %d filters", a->groups, in->dim[0], a->units);
    n->out = (limn_shape){3, {(size_t)a->units}};
    TRY(window(a, 0, in->dim[1], &n->out.dim[1]));
    TRY(window(a, 1, in->dim[2], &n->out.dim[2]));
    TRY(check_size(&n->out));
    TRY(limn_mul(&want, (size_t)a->units, in->dim[0] / (size_t)a->groups));
    TRY(limn_mul(&want, want, (size_t)a->kernel[0]));
    TRY(limn_mul(&want, want, (size_t)a->kernel[1]));
    TRY(need_count(n->n_weight, want, "kernel"));
    if (n->bias) TRY(need_count(n->n_bias, (size_t)a->units, "bias"));
done:
    return status;
}

static limn_status pool_shape(limn_node *n, const limn_shape *in) {
    limn_status status = LIMN_OK;
    TRY(need_rank(in, 3, "a picture"));
    n->out = (limn_shape){3, {in->dim[0]}};
    TRY(window(&n->attr, 0, in->dim[1], &n->out.dim[1]));
    TRY(window(&n->attr, 1, in->dim[2], &n->out.dim[2]));
    status = check_size(&n->out);
done:
    return status;
}

const limn_op_row limn_op_table[LIMN_OPS] = {
    [LIMN_OP_INPUT] = {"input", 0, 0, input_shape},       [LIMN_OP_CONV2D] = {"conv2d", 1, 1, conv_shape},
    [LIMN_OP_DENSE] = {"dense", 1, 1, dense_shape},       [LIMN_OP_MAXPOOL] = {"maxpool", 0, 0, pool_shape},
    [LIMN_OP_FLATTEN] = {"flatten", 0, 0, flatten_shape}, [LIMN_OP_RELU] = {"relu", 0, 0, same_shape},
    [LIMN_OP_SOFTMAX] = {"softmax", 0, 0, softmax_shape}, [LIMN_OP_IDENTITY] = {"identity", 0, 0, same_shape},
};
