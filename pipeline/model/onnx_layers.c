/* ONNX operators with windows or normalisations: see onnx_ops.h.
 *
 * The engine's windows have two axes. A row of pixels (C, W) is a picture (C, 1, W); volumes: onnx_volume.c.
 * Threading: none of its own. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/onnx_ops.h"

static limn_status set(onnx_op *o, int node, int batch) {
    return onnx_set_node(o, 0, node, batch, o->in[0]->type);
}

limn_status onnx_picture(onnx_op *o, size_t i, onnx_value **v, int *node) {
    limn_status status = LIMN_OK;
    TRY(onnx_need(o, i, v));
    if ((*v)->batch > 0) FAIL(LIMN_EINPUT, "the batch must be the first axis of its input");
    if ((*v)->rank < 2) FAIL(LIMN_EINPUT, "its input has no channels");
    status = onnx_node_of(o, *v, node);
done:
    return status;
}

/* The sample's axis of channels. */
static int channels(const onnx_value *v) {
    return v->batch == 0 ? 0 : 1;
}

/* ---- windows --------------------------------------------------------------------------------------------------------
 */
static limn_status three(const onnx_op *o, const char *name, size_t n, int64_t fallback, int64_t *out) {
    size_t count;
    limn_status s = onnx_ints(o->b->m, o->n, name, out, n, &count);
    if (s != LIMN_OK) return s;
    if (count != 0 && count != n)
        return limn_fail(LIMN_EINPUT, "its %s has %zu numbers where its input needs %zu", name, count, n);
    for (size_t i = 0; i < n; i++) {
        if (count == 0) out[i] = fallback;
        if (out[i] < 0 || out[i] > 1 << 16) return limn_fail(LIMN_EINPUT, "its %s is %lld", name, (long long)out[i]);
    }
    return LIMN_OK;
}

/* kernel: the sizes that the weights have; NULL: kernel_shape says. */
static limn_status read_window(const onnx_op *o, const onnx_value *v, const int64_t *kernel, onnx_window *w) {
    limn_status status = LIMN_OK;
    int64_t list[6];
    onnx_bytes pad;
    *w = (onnx_window){.n = v->rank - 2};
    size_t n = (size_t)w->n;
    if (w->n < 1 || w->n > 3) FAIL(LIMN_EINPUT, "windows of %d axes are not supported", w->n);
    TRY(three(o, "kernel_shape", n, 0, list));
    for (size_t i = 0; i < n; i++) {
        if (kernel && list[i] != 0 && list[i] != kernel[i])
            FAIL(LIMN_EINPUT, "its kernel_shape is not that of its weights");
        if (kernel && kernel[i] > 1 << 16) FAIL(LIMN_EINPUT, "a kernel of %lld", (long long)kernel[i]);
        w->kernel[i] = (int)(kernel ? kernel[i] : list[i]);
        if (w->kernel[i] < 1) FAIL(LIMN_EINPUT, "it does not say its kernel_shape");
    }
    TRY(three(o, "strides", n, 1, list));
    for (size_t i = 0; i < n; i++) w->stride[i] = (int)list[i];
    TRY(three(o, "dilations", n, 1, list));
    for (size_t i = 0; i < n; i++) w->dilation[i] = (int)list[i];
    TRY(three(o, "pads", 2 * n, 0, list));
    TRY(onnx_string(o->b->m, o->n, "auto_pad", "NOTSET", &pad));
    int valid = onnx_is(pad, "VALID");
    w->same = onnx_is(pad, "SAME_UPPER") ? 1 : onnx_is(pad, "SAME_LOWER") ? 2 : 0;
    for (size_t i = 0; i < n && !w->same && !valid; i++) {
        w->before[i] = (int)list[i];
        w->after[i] = (int)list[n + i];
    }
    for (size_t i = 0; i < n; i++)
        if (w->stride[i] < 1 || w->dilation[i] < 1) FAIL(LIMN_EINPUT, "a stride or dilation of 0");
done:
    return status;
}

/* Two axes of w, the first of which may be none (-1: a single row), as the engine's window. */
void onnx_two_axes(const onnx_window *w, int rows, int columns, limn_op_attr *a) {
    for (int k = 0; k < 2; k++) {
        int i = k ? columns : rows;
        a->kernel[k] = i < 0 ? 1 : w->kernel[i];
        a->stride[k] = i < 0 ? 1 : w->stride[i];
        a->dilation[k] = i < 0 ? 1 : w->dilation[i];
        a->pad[k] = i < 0 ? 0 : w->before[i];
        a->pad[k + 2] = i < 0 ? 0 : w->after[i];
    }
    a->same = w->same;
}

/* (…, C, W) as (…, C, 1, W). */
static limn_status as_picture(onnx_op *o, int *node) {
    limn_shape s = *onnx_node_shape(o, *node);
    s.dim[s.rank] = s.dim[s.rank - 1];
    s.dim[s.rank - 1] = 1;
    s.rank++;
    return onnx_reshape(o, *node, &s, node);
}

static limn_status as_row(onnx_op *o, int *node) {
    limn_shape s = *onnx_node_shape(o, *node);
    s.dim[s.rank - 2] = s.dim[s.rank - 1];
    s.rank--;
    return onnx_reshape(o, *node, &s, node);
}

/* Padding as large as the window, or larger, is a node of its own. */
static limn_status pad_before(onnx_op *o, onnx_window *w, int *node) {
    limn_op_attr a = {0};
    int large = 0, rank = onnx_node_shape(o, *node)->rank;
    for (int i = 0; i < w->n; i++) {
        int span = (w->kernel[i] - 1) * w->dilation[i] + 1;
        large |= w->before[i] >= span || w->after[i] >= span;
        a.before[rank - w->n + i] = w->before[i];
        a.after[rank - w->n + i] = w->after[i];
    }
    if (!large) return LIMN_OK;
    memset(w->before, 0, sizeof w->before);
    memset(w->after, 0, sizeof w->after);
    return onnx_emit1(o, LIMN_OP_PAD, *node, &a, node);
}

/* ---- pools ----------------------------------------------------------------------------------------------------------
 */
limn_status onnx_emit_pool(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op op = strcmp(o->row->type, "MaxPool") == 0 ? LIMN_OP_MAXPOOL : LIMN_OP_AVGPOOL;
    limn_op_attr a = {0};
    int64_t flag;
    onnx_value *v;
    onnx_window w;
    int node;
    TRY(onnx_picture(o, 0, &v, &node));
    TRY(read_window(o, v, NULL, &w));
    TRY(onnx_int(o->b->m, o->n, "ceil_mode", 0, &flag));
    a.ceil = flag != 0;
    TRY(onnx_int(o->b->m, o->n, "count_include_pad", 0, &flag));
    a.count_pad = flag != 0;
    if (op == LIMN_OP_MAXPOOL && o->n_out > 1 && o->out[1] && onnx_is_read(o->b, o->out[1]->name))
        TRY(onnx_emit_indices(o, v, &w, &a, node));
    if (w.n == 3)
        TRY(onnx_pool_volume(o, op, &w, a, &node));
    else {
        if (w.n == 1) TRY(as_picture(o, &node));
        onnx_two_axes(&w, w.n - 2, w.n - 1, &a);
        TRY(onnx_emit1(o, op, node, &a, &node));
        if (w.n == 1) TRY(as_row(o, &node));
    }
    status = set(o, node, v->batch);
done:
    return status;
}

limn_status onnx_emit_global_pool(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.f = o->row->f, .keep = 1};
    onnx_value *v;
    int node;
    TRY(onnx_picture(o, 0, &v, &node));
    for (int i = channels(v) + 1; i < onnx_node_shape(o, node)->rank; i++) a.axes |= 1u << i;
    TRY(onnx_emit1(o, LIMN_OP_REDUCE, node, &a, &node));
    status = set(o, node, v->batch);
done:
    return status;
}

/* ---- convolutions ---------------------------------------------------------------------------------------------------
 */
static limn_status weights_and_bias(onnx_op *o, const onnx_value *v, onnx_value **kernel, limn_values *weight,
                                    limn_values *bias) {
    limn_status status = LIMN_OK;
    TRY(onnx_need(o, 1, kernel));
    if ((*kernel)->rank != v->rank)
        FAIL(LIMN_EINPUT, "its weights have %d axes where its input has %d", (*kernel)->rank, v->rank);
    TRY(onnx_weights(o, *kernel, weight));
    if (o->n_in > 2 && o->in[2]) TRY(onnx_weights(o, o->in[2], bias));
done:
    return status;
}

static limn_status filters(int64_t units, int64_t groups, limn_op_attr *a) {
    if (units < 1 || units > 1 << 20 || groups < 1 || groups > 1 << 20)
        return limn_fail(LIMN_EINPUT, "%lld filters in %lld groups make no sense", (long long)units, (long long)groups);
    a->units = (int)units;
    a->groups = (int)groups;
    return LIMN_OK;
}

limn_status onnx_emit_conv(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_values weight = LIMN_NO_VALUES, bias = LIMN_NO_VALUES;
    limn_op_attr a = {0};
    onnx_value *v, *kernel;
    int64_t groups;
    onnx_window w;
    int in, node;
    TRY(onnx_picture(o, 0, &v, &node));
    TRY(weights_and_bias(o, v, &kernel, &weight, &bias));
    TRY(onnx_int(o->b->m, o->n, "group", 1, &groups));
    TRY(filters(kernel->dim[0], groups, &a));
    TRY(read_window(o, v, kernel->dim + 2, &w));
    TRY(pad_before(o, &w, &node));
    if (w.n == 3)
        TRY(onnx_conv_volume(o, &w, kernel, &weight, &bias, a, &node));
    else {
        if (w.n == 1) TRY(as_picture(o, &node));
        onnx_two_axes(&w, w.n - 2, w.n - 1, &a);
        limn_values k = weight, b = bias;
        weight = bias = LIMN_NO_VALUES;
        in = node;
        TRY(onnx_emit(o, LIMN_OP_CONV2D, 1, &in, &a, k, b, &node));
        if (w.n == 1) TRY(as_row(o, &node));
    }
    status = set(o, node, v->batch);
done:
    free(weight.v);
    free(bias.v);
    return status;
}

/* Padding that follows from the output's size: total = (in - 1) stride + out_pad + span - out. */
static limn_status pads_from_output(const onnx_op *o, const onnx_value *v, onnx_window *w, int *out_pad) {
    limn_status status = LIMN_OK;
    int64_t size[2 * ONNX_MAX_RANK];
    size_t n;
    TRY(onnx_ints(o->b->m, o->n, "output_shape", size, 2 * ONNX_MAX_RANK, &n));
    if (n == 0) return LIMN_OK;
    if (n < (size_t)w->n) FAIL(LIMN_EINPUT, "its output_shape has %zu sizes", n);
    for (size_t i = 0; i < n; i++)
        if (size[i] < 1 || size[i] > ONNX_MAX_NUMBERS)
            FAIL(LIMN_EINPUT, "its output_shape holds %lld", (long long)size[i]);
    for (int i = 0; i < w->n; i++) {
        int64_t span = (int64_t)(w->kernel[i] - 1) * w->dilation[i] + 1,
                total = (v->dim[i + 2] - 1) * w->stride[i] + out_pad[i] + span - size[n - (size_t)w->n + (size_t)i];
        if (total < 0) {
            out_pad[i] -= (int)(total < -(1 << 16) ? -(1 << 16) : total);
            total = 0;
        }
        if (total > 1 << 16) FAIL(LIMN_EINPUT, "its output_shape is far smaller than its input gives");
        w->before[i] = (int)(w->same == 1 ? total / 2 : total - total / 2);
        w->after[i] = (int)total - w->before[i];
    }
    w->same = 0;
done:
    return status;
}

limn_status onnx_emit_conv_transpose(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_values weight = LIMN_NO_VALUES, bias = LIMN_NO_VALUES;
    limn_op_attr a = {0};
    onnx_value *v, *kernel;
    int64_t groups, more[3];
    onnx_window w;
    int in, node, out_pad[3] = {0};
    TRY(onnx_picture(o, 0, &v, &node));
    TRY(weights_and_bias(o, v, &kernel, &weight, &bias));
    TRY(onnx_int(o->b->m, o->n, "group", 1, &groups));
    if (groups < 1 || groups > 1 << 20) FAIL(LIMN_EINPUT, "%lld groups make no sense", (long long)groups);
    TRY(filters(kernel->dim[1] * groups, groups, &a));
    TRY(read_window(o, v, kernel->dim + 2, &w));
    TRY(three(o, "output_padding", (size_t)w.n, 0, more));
    for (int i = 0; i < w.n; i++) out_pad[i] = (int)more[i];
    TRY(pads_from_output(o, v, &w, out_pad));
    if (w.n == 3) {
        TRY(onnx_convt_volume(o, &w, &weight, &bias, a, out_pad, &node));
        status = set(o, node, v->batch);
        goto done;
    }
    if (w.n == 1) TRY(as_picture(o, &node));
    onnx_two_axes(&w, w.n - 2, w.n - 1, &a);
    a.out_pad[0] = w.n == 2 ? out_pad[0] : 0;
    a.out_pad[1] = out_pad[w.n - 1];
    limn_values k = weight, b = bias;
    weight = bias = LIMN_NO_VALUES;
    in = node;
    TRY(onnx_emit(o, LIMN_OP_CONVT2D, 1, &in, &a, k, b, &node));
    if (w.n == 1) TRY(as_row(o, &node));
    status = set(o, node, v->batch);
done:
    free(weight.v);
    free(bias.v);
    return status;
}

/* ---- normalisations -------------------------------------------------------------------------------------------------
 */
/* Each channel times weight plus bias; takes both. */
static limn_status scale(onnx_op *o, const onnx_value *v, limn_values weight, limn_values bias, int *node) {
    limn_op_attr a = {.axis = channels(v)};
    int in = *node;
    return onnx_emit(o, LIMN_OP_SCALE, 1, &in, &a, weight, bias, node);
}

limn_status onnx_emit_batch_norm(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_values w[4] = {{NULL, 0}};
    onnx_value *v, *in;
    double eps;
    int64_t training, spatial;
    int node;
    TRY(onnx_picture(o, 0, &v, &node));
    TRY(onnx_float(o->b->m, o->n, "epsilon", 1e-5, &eps));
    TRY(onnx_int(o->b->m, o->n, "training_mode", 0, &training));
    TRY(onnx_int(o->b->m, o->n, "spatial", 1, &spatial));
    if (training)
        FAIL(LIMN_EINPUT, "it is in training mode, where a sample's value depends on the others of its batch");
    if (!spatial) FAIL(LIMN_EINPUT, "batch normalisation of each pixel by itself is not supported");
    for (size_t i = 0; i < 4; i++) {
        TRY(onnx_need(o, i + 1, &in));
        TRY(onnx_weights(o, in, &w[i]));
        if (w[i].n != onnx_node_shape(o, node)->dim[channels(v)])
            FAIL(LIMN_EINPUT, "its input `%s` has %zu values for %zu channels", onnx_text(in->name), w[i].n,
                 onnx_node_shape(o, node)->dim[channels(v)]);
    }
    for (size_t i = 0; i < w[0].n; i++) {
        double k = w[0].v[i] / sqrt((double)w[3].v[i] + eps);
        w[1].v[i] = (float)(w[1].v[i] - k * w[2].v[i]);
        w[0].v[i] = (float)k;
    }
    limn_values k = w[0], b = w[1];
    w[0] = w[1] = LIMN_NO_VALUES;
    TRY(scale(o, v, k, b, &node));
    status = set(o, node, v->batch);
done:
    for (int i = 0; i < 4; i++) free(w[i].v);
    return status;
}

/* Scales each channel by inputs 1 and 2, of which each number stands for `times` channels. */
static limn_status scale_by_inputs(onnx_op *o, const onnx_value *v, size_t times, int *node) {
    limn_status status = LIMN_OK;
    limn_values w[2] = {{NULL, 0}};
    onnx_value *in;
    for (size_t i = 0; i < 2; i++) {
        TRY(onnx_need(o, i + 1, &in));
        TRY(onnx_weights(o, in, &w[i]));
        limn_values more = {NULL, 0};
        TRY(onnx_spend(o->b, w[i].n * times));
        TRY(limn_new(&more.v, w[i].n * times, sizeof *more.v));
        more.n = w[i].n * times;
        for (size_t k = 0; k < more.n; k++) more.v[k] = w[i].v[k / times];
        free(w[i].v);
        w[i] = more;
    }
    limn_values k = w[0], b = w[1];
    w[0] = w[1] = LIMN_NO_VALUES;
    status = scale(o, v, k, b, node);
done:
    free(w[0].v);
    free(w[1].v);
    return status;
}

limn_status onnx_emit_instance_norm(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    onnx_value *v;
    double eps;
    int node;
    TRY(onnx_picture(o, 0, &v, &node));
    TRY(onnx_float(o->b->m, o->n, "epsilon", 1e-5, &eps));
    a.p[0] = (float)eps;
    for (int i = channels(v) + 1; i < onnx_node_shape(o, node)->rank; i++) a.axes |= 1u << i;
    TRY(onnx_emit1(o, LIMN_OP_NORM, node, &a, &node));
    TRY(scale_by_inputs(o, v, 1, &node));
    status = set(o, node, v->batch);
done:
    return status;
}

/* Scale and bias are per group before opset 21, then per channel. */
limn_status onnx_emit_group_norm(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    limn_shape s, t;
    onnx_value *v;
    double eps;
    int64_t groups;
    int node;
    TRY(onnx_picture(o, 0, &v, &node));
    TRY(onnx_float(o->b->m, o->n, "epsilon", 1e-5, &eps));
    TRY(onnx_int(o->b->m, o->n, "num_groups", 0, &groups));
    s = t = *onnx_node_shape(o, node);
    int c = channels(v);
    if (groups < 1 || groups > 1 << 20 || s.dim[c] % (size_t)groups != 0)
        FAIL(LIMN_EINPUT, "%lld groups do not divide %zu channels", (long long)groups, s.dim[c]);
    t.rank = c + 2;
    t.dim[c] = (size_t)groups;
    t.dim[c + 1] = s.dim[c] / (size_t)groups;
    for (int i = c + 1; i < s.rank; i++) t.dim[c + 1] *= s.dim[i];
    a.p[0] = (float)eps;
    a.axes = 1u << (c + 1);
    TRY(onnx_reshape(o, node, &t, &node));
    TRY(onnx_emit1(o, LIMN_OP_NORM, node, &a, &node));
    TRY(onnx_reshape(o, node, &s, &node));
    TRY(scale_by_inputs(o, v, o->opset < 21 ? s.dim[c] / (size_t)groups : 1, &node));
    status = set(o, node, v->batch);
done:
    return status;
}

limn_status onnx_emit_layer_norm(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0}, f = {0};
    onnx_value *v;
    double eps;
    int64_t at;
    int axis, first, in[2], node;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_float(o->b->m, o->n, "epsilon", 1e-5, &eps));
    TRY(onnx_int(o->b->m, o->n, "axis", -1, &at));
    TRY(onnx_axis(at, v->rank, &axis));
    TRY(onnx_sample_axis(v, axis, &first));
    if (v->batch > axis) FAIL(LIMN_EINPUT, "it works across the samples of a batch, which is not supported");
    TRY(onnx_node_of(o, v, &node));
    a.p[0] = (float)eps;
    for (int i = first; i < onnx_node_shape(o, node)->rank; i++) a.axes |= 1u << i;
    TRY(onnx_emit1(o, LIMN_OP_NORM, node, &a, &node));
    for (size_t i = 1; i <= 2; i++) {
        if (i >= o->n_in || !o->in[i]) continue;
        in[0] = node;
        f.f = i == 1 ? LIMN_F_MUL : LIMN_F_ADD;
        TRY(onnx_node_beside(o, o->in[i], v->rank, v->batch, &in[1]));
        TRY(onnx_emit(o, LIMN_OP_BINARY, 2, in, &f, LIMN_NO_VALUES, LIMN_NO_VALUES, &node));
    }
    status = set(o, node, v->batch);
done:
    return status;
}

limn_status onnx_emit_lrn(onnx_op *o) {
    limn_status status = LIMN_OK;
    static const char *const name[3] = {"alpha", "beta", "bias"};
    double p[3] = {1e-4, 0.75, 1};
    limn_op_attr a = {0};
    onnx_value *v;
    int64_t size;
    int node;
    TRY(onnx_picture(o, 0, &v, &node));
    TRY(onnx_int(o->b->m, o->n, "size", 0, &size));
    if (size < 1 || size > 1 << 16) FAIL(LIMN_EINPUT, "a window of %lld channels makes no sense", (long long)size);
    a.axis = channels(v);
    a.units = (int)size;
    for (int i = 0; i < 3; i++) {
        TRY(onnx_float(o->b->m, o->n, name[i], p[i], &p[i]));
        a.p[i] = (float)p[i];
    }
    TRY(onnx_emit1(o, LIMN_OP_LRN, node, &a, &node));
    status = set(o, node, v->batch);
done:
    return status;
}
