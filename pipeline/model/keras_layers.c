/* Keras's layers with kernels, and its pools; and how builders add nodes.
 *
 * A layer's activation is a node of the same layer. Keras keeps kernels as (kh, kw, in, out) and (in, out), the graph
 * as (out, in, kh, kw) and (out, in):
 *   Conv2D            W[o][i][s]          = K[s][i][o]; Keras 1, channels first: K[o][i][s]
 *   Conv1D            the same of K[s][i][o]; Keras 1 keeps K[s][0][i][o]
 *   DepthwiseConv2D   W[c m + k][0][s]    = K[s][c][k], m the depth multiplier: groups of one channel
 *   Conv2DTranspose   W[i][o][s]          = K[s][o][i]
 * where s runs over the kernel's pixels. Theano convolves where the others correlate: its kernels are rotated.
 * A sequence (steps, channels) is convolved as a picture (channels, 1, steps).
 *
 * Not done here: shapes and numbers of weights (ops.c). Threading: pure functions. */
#include "model/keras_layers.h"

#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

/* ---- nodes ------------------------------------------------------------------------------------------------------- */
/* Infers the last node's shape, which graph_finish will infer again. */
static limn_status infer(keras_layer *l) {
    enum { MANY = LIMN_MAX_IN };
    const limn_node *in[MANY];
    limn_node *n = &l->g->node[l->g->n_nodes - 1];
    for (int i = 0; i < n->n_in; i++) in[i] = &l->g->node[n->in[i]];
    n->batched = n->op != LIMN_OP_CONST;
    return limn_op_table[n->op].shape(n, in);
}

limn_status keras_add(keras_layer *l, limn_op op, const limn_op_attr *a, limn_values weight, limn_values bias) {
    limn_status s = graph_add_node(l->g, op, l->at.node, a, weight, bias, &l->at.node);
    return s == LIMN_OK ? infer(l) : s;
}

limn_status keras_plain(keras_layer *l, limn_op op, const limn_op_attr *a) {
    return keras_add(l, op, a, LIMN_NO_VALUES, LIMN_NO_VALUES);
}

limn_status keras_add_n(keras_layer *l, limn_op op, int n, const int *in, const limn_op_attr *a) {
    limn_status s = graph_add_node_n(l->g, op, n, in, a, LIMN_NO_VALUES, LIMN_NO_VALUES, &l->at.node);
    return s == LIMN_OK ? infer(l) : s;
}

limn_status keras_binary(keras_layer *l, limn_binary f, int other) {
    limn_op_attr a = {.f = (int)f};
    int in[2] = {l->at.node, other};
    return keras_add_n(l, LIMN_OP_BINARY, 2, in, &a);
}

limn_status keras_unary(keras_layer *l, limn_unary f, double p0, double p1) {
    limn_op_attr a = {.f = (int)f, .p = {(float)p0, (float)p1}};
    return keras_plain(l, LIMN_OP_UNARY, &a);
}

limn_status keras_const(keras_layer *l, const limn_shape *s, limn_values v, int *node) {
    limn_op_attr a = {.shape = *s};
    limn_status status = graph_add_node(l->g, LIMN_OP_CONST, -1, &a, v, LIMN_NO_VALUES, node);
    return status == LIMN_OK ? infer(l) : status;
}

const limn_shape *keras_shape(const keras_layer *l) {
    return &l->g->node[l->at.node].out;
}

int keras_graph_axis(const keras_layer *l, int p) {
    return l->at.hwc && keras_shape(l)->rank == 3 ? (p + 1) % 3 : p;
}

limn_status keras_axis(const keras_layer *l, int axis, int *out) {
    int rank = keras_shape(l)->rank, p = axis < 0 ? rank + axis : axis - 1;
    if (p < 0 || p >= rank || axis < -rank) return limn_fail(LIMN_EINPUT, "its axis %d is none of its input's", axis);
    *out = keras_graph_axis(l, p);
    return LIMN_OK;
}

/* ---- options and weights ----------------------------------------------------------------------------------------- */
limn_status keras_check_format(const keras_layer *l) {
    limn_status status = LIMN_OK;
    const char *format;
    TRY(keras_string(l->config, "data_format", NULL, &format));
    if (!format || keras_shape(l)->rank != 3) goto done;
    if (strcmp(format, "channels_last") != 0 && strcmp(format, "channels_first") != 0)
        FAIL(LIMN_EINPUT, "its data_format is `%.40s`: channels_last and channels_first are supported",
             keras_is_name(format) ? format : "?");
    if ((strcmp(format, "channels_last") == 0) != l->at.hwc)
        FAIL(LIMN_EINPUT, "its data_format is `%s`, unlike that of the layers before", format);
done:
    return status;
}

/* A stride as long as the kernel: no number that keras_pair reads. */
enum { AS_KERNEL = INT_MIN };

/* kernel, stride, dilation of a window. `size`: the key of its kernel; stride absent: `stride`. */
static limn_status read_sizes(const keras_layer *l, const char *size, int stride, limn_op_attr *a) {
    limn_status status = LIMN_OK;
    TRY(keras_check_format(l));
    TRY(keras_pair(l->config, size, 0, a->kernel));
    if (a->kernel[0] < 1 || a->kernel[1] < 1) FAIL(LIMN_EINPUT, "its `%s` is missing or less than 1", size);
    TRY(keras_pair(l->config, "strides", stride, a->stride));
    for (int i = 0; i < 2; i++)
        if (a->stride[i] == AS_KERNEL) a->stride[i] = a->kernel[i];
    TRY(keras_pair(l->config, "dilation_rate", 1, a->dilation));
done:
    return status;
}

/* The same, and padding. */
static limn_status read_window(const keras_layer *l, const char *size, int stride, limn_op_attr *a) {
    limn_status status = LIMN_OK;
    const char *padding;
    TRY(read_sizes(l, size, stride, a));
    TRY(keras_string(l->config, "padding", "valid", &padding));
    a->same = strcmp(padding, "same") == 0;
    if (!a->same && strcmp(padding, "valid") != 0)
        FAIL(LIMN_EINPUT, "its padding is `%.40s`: valid and same are supported",
             keras_is_name(padding) ? padding : "?");
done:
    return status;
}

/* out (out, in, S) = in (S, in, out): S is kh*kw, or 1 of a matrix. In tiles, so that both sides stay in the cache. */
static void out_first(const float *from, size_t S, size_t in, size_t out, float *to) {
    enum { TILE = 32 };
    size_t rows = S * in;
    for (size_t r0 = 0; r0 < rows; r0 += TILE)
        for (size_t o0 = 0; o0 < out; o0 += TILE)
            for (size_t o = o0; o < out && o < o0 + TILE; o++)
                for (size_t r = r0; r < rows && r < r0 + TILE; r++)
                    to[(o * in + r % in) * S + r / in] = from[r * out + o];
}

/* Turns each of n runs of S numbers round: a rotation by 180 degrees. */
static void rotate(float *w, size_t n, size_t S) {
    for (size_t k = 0; k < n; k++, w += S)
        for (size_t i = 0; i < S / 2; i++) {
            float t = w[i];
            w[i] = w[S - 1 - i];
            w[S - 1 - i] = t;
        }
}

/* *out = the kernel e (S, in, out) as (out, in, S); one that is so already where kernel_first. */
static limn_status take_kernel(const keras_layer *l, const hdf5_entry *e, size_t in, size_t out, limn_values *to) {
    limn_status s = limn_new(&to->v, e->n, sizeof *to->v);
    if (s != LIMN_OK) return s;
    to->n = e->n;
    size_t S = in && out ? e->n / in / out : 0;
    if (l->kernel_first)
        memcpy(to->v, e->data, e->n * sizeof *to->v);
    else if (S > 0)
        out_first(e->data, S, in, out, to->v);
    if (l->rotated && S > 0) rotate(to->v, in * out, S);
    if (l->file) hdf5_done(l->file, e);
    return LIMN_OK;
}

limn_status keras_vector(const hdf5_entry *e, limn_values *out) {
    limn_status s = limn_new(&out->v, e->n, sizeof *out->v);
    if (s != LIMN_OK) return s;
    out->n = e->n;
    memcpy(out->v, e->data, e->n * sizeof *out->v);
    return LIMN_OK;
}

limn_status keras_wrong_array(const hdf5_entry *e) {
    limn_shape s = {e->rank < LIMN_MAX_RANK ? e->rank : LIMN_MAX_RANK, {0}};
    char buf[LIMN_SHAPE_TEXT];
    for (int i = 0; i < s.rank; i++) s.dim[i] = e->dim[i];
    return limn_fail(LIMN_EINPUT, "its weights `%s` have the shape %s, which its options contradict", e->path,
                     graph_shape_text(&s, 0, buf));
}

/* Checks the shape of a kernel: its outer dims are a->kernel[] (`pixels` of them) and it has two more; in the order of
 * Keras 1 they are the inner ones. dim[0], dim[1]: its other two, the input's first. */
static limn_status kernel_dims(const keras_layer *l, const hdf5_entry *e, const limn_op_attr *a, int pixels,
                               size_t dim[2]) {
    if (e->rank != pixels + 2) return keras_wrong_array(e);
    int at = l->kernel_first ? 2 : 0;
    for (int i = 0; i < pixels; i++)
        if (e->dim[at + i] != (size_t)a->kernel[2 - pixels + i]) return keras_wrong_array(e);
    dim[0] = l->kernel_first ? e->dim[1] : e->dim[pixels];
    dim[1] = l->kernel_first ? e->dim[0] : e->dim[pixels + 1];
    return LIMN_OK;
}

/* Adds a node with the kernel `e` as (out, in, S), and the bias where there is one. */
static limn_status add_weighted(keras_layer *l, limn_op op, const limn_op_attr *a, const hdf5_entry *e, size_t in,
                                size_t out, const hdf5_entry *bias) {
    limn_status status = LIMN_OK;
    limn_values w = LIMN_NO_VALUES, b = LIMN_NO_VALUES;
    if (bias && bias->rank != 1) TRY(keras_wrong_array(bias));
    TRY(take_kernel(l, e, in, out, &w));
    if (bias) TRY(keras_vector(bias, &b));
    limn_values given[2] = {w, b};
    w = b = LIMN_NO_VALUES; /* the graph takes both, also when it fails */
    TRY(keras_add(l, op, a, given[0], given[1]));
done:
    free(w.v);
    free(b.v);
    return status;
}

limn_status keras_add_dense(keras_layer *l, const hdf5_entry *kernel, size_t in, size_t out, const hdf5_entry *bias) {
    limn_op_attr a = {.units = (int)out};
    hdf5_entry flat = bias ? *bias : (hdf5_entry){0};
    flat.rank = 1;
    if (kernel->n != in * out || (bias && bias->n != out))
        return keras_wrong_array(bias && bias->n != out ? bias : kernel);
    return add_weighted(l, LIMN_OP_DENSE, &a, kernel, in, out, bias ? &flat : NULL);
}

/* ---- convolutions ------------------------------------------------------------------------------------------------ */
limn_status keras_conv2d(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    size_t dim[2];
    TRY(read_window(l, "kernel_size", 1, &a));
    TRY(keras_required_int(l->config, "filters", &a.units));
    TRY(keras_int(l->config, "groups", 1, &a.groups));
    TRY(kernel_dims(l, l->array[0], &a, 2, dim));
    if (dim[1] != (size_t)a.units) TRY(keras_wrong_array(l->array[0]));
    TRY(add_weighted(l, LIMN_OP_CONV2D, &a, l->array[0], dim[0], dim[1], l->array[1]));
    status = keras_activation(l, 0);
done:
    return status;
}

/* Keras's output of one axis, and what has to be cut off (or added) for it: out = in s + max(k - s, 0) of valid, in s
 * of same, (in - 1) s + k - 2 floor(k/2) + p of same with an output padding p, (in - 1) s + k + p of valid with one;
 * before it, half of what is too much, as TensorFlow does. */
static limn_status cut(limn_op_attr *a, int axis, size_t in, const int *output_padding) {
    long long s = a->stride[axis], k = (long long)(a->kernel[axis] - 1) * a->dilation[axis] + 1, out;
    if (in > INT_MAX || s < 1 || k < 1 || k > INT_MAX || a->stride[axis] > 1 << 16)
        return limn_fail(LIMN_EINPUT, "kernel %d and stride %d make no sense", a->kernel[axis], a->stride[axis]);
    long long full = ((long long)in - 1) * s + k;
    if (output_padding)
        out = full - (a->same ? 2 * (k / 2) : 0) + output_padding[axis];
    else
        out = (long long)in * s + (a->same || k < s ? 0 : k - s);
    long long much = full - out;
    a->pad[axis] = much > 0 ? (int)(much / 2) : 0;
    a->pad[axis + 2] = much > 0 ? (int)(much - much / 2) : 0;
    a->out_pad[axis] = much < 0 ? (int)-much : 0;
    return LIMN_OK;
}

limn_status keras_transposed(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.groups = 1};
    size_t dim[2];
    int more[2], *output_padding = keras_given(l->config, "output_padding") ? more : NULL;
    const limn_shape *in = keras_shape(l);
    if (in->rank != 3) FAIL(LIMN_EINPUT, "it needs a picture as input");
    TRY(read_window(l, "kernel_size", 1, &a));
    TRY(keras_pair(l->config, "output_padding", 0, more));
    TRY(keras_required_int(l->config, "filters", &a.units));
    TRY(kernel_dims(l, l->array[0], &a, 2, dim));
    if (dim[0] != (size_t)a.units) TRY(keras_wrong_array(l->array[0]));
    for (int i = 0; i < 2; i++) TRY(cut(&a, i, in->dim[1 + i], output_padding));
    a.same = 0;
    TRY(add_weighted(l, LIMN_OP_CONVT2D, &a, l->array[0], dim[0], dim[1], l->array[1]));
    status = keras_activation(l, 0);
done:
    return status;
}

/* ---- sequences --------------------------------------------------------------------------------------------------- */
/* (steps, channels) -> (channels, 1, steps). */
static limn_status to_picture(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.perm = {2, 0, 1}};
    const limn_shape *s = keras_shape(l);
    if (s->rank != 2) FAIL(LIMN_EINPUT, "it needs a sequence (steps, channels) as input");
    a.shape = (limn_shape){3, {1, s->dim[0], s->dim[1]}};
    TRY(keras_plain(l, LIMN_OP_RESHAPE, &a));
    TRY(keras_plain(l, LIMN_OP_TRANSPOSE, &a));
done:
    return status;
}

/* And back. */
static limn_status to_sequence(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.perm = {1, 2, 0}};
    TRY(keras_plain(l, LIMN_OP_TRANSPOSE, &a));
    const limn_shape *s = keras_shape(l);
    a.shape = (limn_shape){2, {s->dim[1], s->dim[2]}};
    TRY(keras_plain(l, LIMN_OP_RESHAPE, &a));
done:
    return status;
}

/* [3] or 3 of a sequence: the columns of a window whose rows are `rows`. */
static limn_status read_steps(const keras_layer *l, const char *key, int fallback, int out[2]) {
    int n = 0;
    limn_status s = keras_ints(l->config, key, 1, &out[1], &n);
    if (n == 0) out[1] = fallback == AS_KERNEL ? AS_KERNEL : fallback;
    out[0] = 1;
    return s;
}

static limn_status read_window1d(const keras_layer *l, const char *size, int stride, limn_op_attr *a) {
    limn_status status = LIMN_OK;
    const char *padding, *format;
    TRY(keras_string(l->config, "data_format", "channels_last", &format));
    if (strcmp(format, "channels_last") != 0) FAIL(LIMN_EINPUT, "of sequences only channels_last is supported");
    TRY(read_steps(l, size, 0, a->kernel));
    if (a->kernel[1] < 1) FAIL(LIMN_EINPUT, "its `%s` is missing or less than 1", size);
    TRY(read_steps(l, "strides", stride, a->stride));
    if (a->stride[1] == AS_KERNEL) a->stride[1] = a->kernel[1];
    TRY(read_steps(l, "dilation_rate", 1, a->dilation));
    TRY(keras_string(l->config, "padding", "valid", &padding));
    a->same = strcmp(padding, "same") == 0;
    if (strcmp(padding, "causal") == 0) {
        if (a->dilation[1] < 1 || a->kernel[1] > (1 << 16) || a->dilation[1] > (1 << 14) / a->kernel[1])
            FAIL(LIMN_EINPUT, "kernel %d, dilation %d: too large", a->kernel[1], a->dilation[1]);
        a->pad[1] = (a->kernel[1] - 1) * a->dilation[1];
    } else if (!a->same && strcmp(padding, "valid") != 0)
        FAIL(LIMN_EINPUT, "its padding is `%.40s`: valid, same and causal are supported",
             keras_is_name(padding) ? padding : "?");
done:
    return status;
}

limn_status keras_conv1d(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    size_t dim[2];
    TRY(read_window1d(l, "kernel_size", 1, &a));
    TRY(keras_required_int(l->config, "filters", &a.units));
    TRY(keras_int(l->config, "groups", 1, &a.groups));
    hdf5_entry k = *l->array[0];
    if (k.rank == 4 && k.dim[1] == 1) { /* Keras 1's: a column of pixels */
        l->kernel_first = 0;
        k.dim[1] = k.dim[2];
        k.dim[2] = k.dim[3];
        k.rank = 3;
    }
    TRY(kernel_dims(l, &k, &a, 1, dim));
    if (dim[1] != (size_t)a.units) TRY(keras_wrong_array(l->array[0]));
    TRY(to_picture(l));
    TRY(add_weighted(l, LIMN_OP_CONV2D, &a, &k, dim[0], dim[1], l->array[1]));
    TRY(to_sequence(l));
    status = keras_activation(l, 0);
done:
    return status;
}

/* ---- by channel -------------------------------------------------------------------------------------------------- */
/* The depthwise part of a picture (2 axes) or a sequence (1), with the bias where it is given. */
static limn_status add_depthwise(keras_layer *l, int axes, const hdf5_entry *kernel, const hdf5_entry *bias) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    size_t dim[2];
    int times;
    TRY((axes == 2 ? read_window : read_window1d)(l, "kernel_size", 1, &a));
    TRY(keras_int(l->config, "depth_multiplier", 1, &times));
    TRY(kernel_dims(l, kernel, &a, axes, dim));
    if (times < 1 || dim[1] != (size_t)times || dim[0] < 1 || dim[0] > (size_t)INT_MAX / dim[1])
        TRY(keras_wrong_array(kernel));
    a.groups = (int)dim[0];
    a.units = (int)(dim[0] * dim[1]);
    TRY(add_weighted(l, LIMN_OP_CONV2D, &a, kernel, 1, (size_t)a.units, bias));
done:
    return status;
}

/* DepthwiseConv; with a pointwise part behind it, SeparableConv. */
static limn_status depthwise(keras_layer *l, int axes, int separable) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1};
    size_t dim[2];
    if (axes == 1) TRY(to_picture(l));
    TRY(add_depthwise(l, axes, l->array[0], separable ? NULL : l->array[1]));
    if (separable) {
        TRY(keras_required_int(l->config, "filters", &a.units));
        TRY(kernel_dims(l, l->array[1], &a, axes, dim));
        if (dim[1] != (size_t)a.units) TRY(keras_wrong_array(l->array[1]));
        TRY(add_weighted(l, LIMN_OP_CONV2D, &a, l->array[1], dim[0], dim[1], l->array[2]));
    }
    if (axes == 1) TRY(to_sequence(l));
    status = keras_activation(l, 0);
done:
    return status;
}

limn_status keras_depthwise(keras_layer *l) {
    return depthwise(l, 2, 0);
}

limn_status keras_separable(keras_layer *l) {
    return depthwise(l, 2, 1);
}

limn_status keras_depthwise1d(keras_layer *l) {
    return depthwise(l, 1, 0);
}

limn_status keras_separable1d(keras_layer *l) {
    return depthwise(l, 1, 1);
}

/* ---- dense ------------------------------------------------------------------------------------------------------- */
/* Over the last axis, as Keras does: of a picture (H, W, C) that is a 1x1 convolution; of any other array of several axes
 * the rows are laid side by side. */
limn_status keras_dense(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1};
    const hdf5_entry *k = l->array[0];
    limn_shape s = *keras_shape(l);
    int pixels = l->at.hwc && s.rank == 3, rows = !pixels && s.rank > 2;
    TRY(keras_required_int(l->config, "units", &a.units));
    if (k->rank != 2 || k->dim[1] != (size_t)a.units) TRY(keras_wrong_array(k));
    l->kernel_first = l->rotated = 0;
    if (rows) {
        a.shape = (limn_shape){2, {limn_shape_size(&s) / s.dim[s.rank - 1], s.dim[s.rank - 1]}};
        TRY(keras_plain(l, LIMN_OP_RESHAPE, &a));
    }
    TRY(add_weighted(l, pixels ? LIMN_OP_CONV2D : LIMN_OP_DENSE, &a, k, k->dim[0], k->dim[1], l->array[1]));
    if (rows) {
        a.shape = s;
        a.shape.dim[s.rank - 1] = (size_t)a.units;
        TRY(keras_plain(l, LIMN_OP_RESHAPE, &a));
    }
    status = keras_activation(l, 0);
done:
    return status;
}

/* ---- pools ------------------------------------------------------------------------------------------------------- */
/* TensorFlow's average leaves padding out, as AVGPOOL does without count_pad. */
static limn_status pool(keras_layer *l, limn_op op) {
    limn_op_attr a = {0};
    limn_status s = read_window(l, "pool_size", AS_KERNEL, &a);
    return s == LIMN_OK ? keras_plain(l, op, &a) : s;
}

limn_status keras_maxpool(keras_layer *l) {
    return pool(l, LIMN_OP_MAXPOOL);
}

limn_status keras_avgpool(keras_layer *l) {
    return pool(l, LIMN_OP_AVGPOOL);
}

static limn_status pool1d(keras_layer *l, limn_op op) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    TRY(read_window1d(l, "pool_size", AS_KERNEL, &a));
    TRY(to_picture(l));
    TRY(keras_plain(l, op, &a));
    TRY(to_sequence(l));
done:
    return status;
}

limn_status keras_maxpool1d(keras_layer *l) {
    return pool1d(l, LIMN_OP_MAXPOOL);
}

limn_status keras_avgpool1d(keras_layer *l) {
    return pool1d(l, LIMN_OP_AVGPOOL);
}

/* Of a picture over rows and columns, of a sequence over its steps. */
static limn_status global(keras_layer *l, limn_reduce f) {
    limn_status status = LIMN_OK;
    int rank = keras_shape(l)->rank;
    limn_op_attr a = {.f = (int)f, .axes = rank == 3 ? 6 : 1};
    const char *format;
    TRY(keras_check_format(l));
    TRY(keras_string(l->config, "data_format", "channels_last", &format));
    if (rank == 2 && strcmp(format, "channels_first") == 0) a.axes = 2; /* (channels, steps) */
    if (rank != 3 && rank != 2) FAIL(LIMN_EINPUT, "it needs a picture or a sequence as input");
    TRY(keras_bool(l->config, "keepdims", 0, &a.keep));
    TRY(keras_plain(l, LIMN_OP_REDUCE, &a));
done:
    return status;
}

limn_status keras_global_max(keras_layer *l) {
    return global(l, LIMN_F_MAXIMUM);
}

limn_status keras_global_mean(keras_layer *l) {
    return global(l, LIMN_F_MEAN);
}
