/* Keras's layers: a row a type, a builder a row.
 *
 * A layer's activation is a node of the same layer. Keras keeps kernels as (kh, kw, in, out) and (in, out); the graph
 * wants (out, in, kh, kw) and (out, in). Pictures are channels last in the file and (C, H, W) in the graph, so Flatten
 * notes the order of the file (attr.hwc).
 *
 * Not done here: shapes and numbers of weights (graph_finish). Threading: const tables and pure functions. */
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/keras.h"

/* ---- activations ------------------------------------------------------------------------------------------------- */
static const struct {
    const char *name;
    limn_op op;
} activations[] = {{"linear", LIMN_OP_IDENTITY}, {"relu", LIMN_OP_RELU}, {"softmax", LIMN_OP_SOFTMAX}};

static limn_status add_plain(keras_layer *l, limn_op op) {
    return graph_add_node(l->g, op, l->at, NULL, LIMN_NO_VALUES, LIMN_NO_VALUES, &l->at);
}

/* "relu", null, or Keras 3's {"class_name": "function", "config": "relu"}. */
static limn_status activation_name(const cJSON *config, const char **out) {
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(config, "activation");
    if (cJSON_IsObject(v)) v = cJSON_GetObjectItemCaseSensitive(v, "config");
    *out = !v || cJSON_IsNull(v) ? "linear" : cJSON_GetStringValue(v);
    return *out ? LIMN_OK
                : limn_fail(LIMN_EINPUT, "its activation is a layer or a function of its own, which is not supported");
}

static limn_status find_activation(const char *name, limn_op *op) {
    for (size_t i = 0; i < COUNT_OF(activations); i++)
        if (strcmp(activations[i].name, name) == 0) {
            *op = activations[i].op;
            return LIMN_OK;
        }
    return limn_fail(LIMN_EINPUT, "the activation `%.80s` is not supported (linear, relu, softmax)",
                     keras_is_name(name) ? name : "?");
}

/* The activation after a layer's operation; linear adds nothing. */
static limn_status add_activation(keras_layer *l) {
    limn_status status = LIMN_OK;
    const char *name;
    limn_op op;
    TRY(activation_name(l->config, &name));
    TRY(find_activation(name, &op));
    if (op != LIMN_OP_IDENTITY) TRY(add_plain(l, op));
done:
    return status;
}

/* ---- options and weights ----------------------------------------------------------------------------------------- */
static limn_status channels_last(const keras_layer *l) {
    limn_status status = LIMN_OK;
    const char *format;
    TRY(keras_string(l->config, "data_format", "channels_last", &format));
    if (strcmp(format, "channels_last") != 0)
        FAIL(LIMN_EINPUT, "its data_format is `%.40s`: only channels_last is supported",
             keras_is_name(format) ? format : "?");
done:
    return status;
}

/* A stride as long as the kernel: no number that keras_pair reads. */
enum { AS_KERNEL = INT_MIN };

/* kernel, stride, dilation, padding of a window. `size`: the key of its kernel; stride absent: `stride`. */
static limn_status read_window(const keras_layer *l, const char *size, int stride, limn_op_attr *a) {
    limn_status status = LIMN_OK;
    const char *padding;
    TRY(channels_last(l));
    TRY(keras_pair(l->config, size, 0, a->kernel));
    if (a->kernel[0] < 1 || a->kernel[1] < 1) FAIL(LIMN_EINPUT, "its `%s` is missing or less than 1", size);
    TRY(keras_pair(l->config, "strides", stride, a->stride));
    for (int i = 0; i < 2; i++)
        if (a->stride[i] == AS_KERNEL) a->stride[i] = a->kernel[i];
    TRY(keras_pair(l->config, "dilation_rate", 1, a->dilation));
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

/* *out = the kernel `e`, whose last dimension is the output's and the one before the input's, output first. */
static limn_status take_kernel(const keras_layer *l, const hdf5_entry *e, limn_values *out) {
    limn_status s = limn_new(&out->v, e->n, sizeof *out->v);
    if (s != LIMN_OK) return s;
    out->n = e->n;
    size_t units = e->dim[e->rank - 1], in = e->dim[e->rank - 2];
    if (e->n > 0) out_first(e->data, e->n / units / in, in, units, out->v);
    if (l->weights->file) hdf5_done(l->weights->file, e);
    return LIMN_OK;
}

static limn_status take_vector(const hdf5_entry *e, limn_values *out) {
    limn_status s = limn_new(&out->v, e->n, sizeof *out->v);
    if (s != LIMN_OK) return s;
    out->n = e->n;
    memcpy(out->v, e->data, e->n * sizeof *out->v);
    return LIMN_OK;
}

static limn_status wrong_kernel(const hdf5_entry *e) {
    limn_shape s = {e->rank < LIMN_MAX_RANK ? e->rank : LIMN_MAX_RANK, {0}};
    char buf[LIMN_SHAPE_TEXT];
    for (int i = 0; i < s.rank; i++) s.dim[i] = e->dim[i];
    return limn_fail(LIMN_EINPUT, "its weights `%s` have the shape %s, which its options contradict", e->path,
                     graph_shape_text(&s, 0, buf));
}

/* Adds a node with kernel and perhaps bias; `rank` dims of the kernel, whose outer ones must be kernel[] (NULL: none)
 * and whose last must be `units`. */
static limn_status add_weighted(keras_layer *l, limn_op op, const limn_op_attr *a, int rank) {
    limn_status status = LIMN_OK;
    const hdf5_entry *array[2] = {NULL, NULL};
    limn_values kernel = LIMN_NO_VALUES, bias = LIMN_NO_VALUES;
    int use_bias;
    TRY(keras_bool(l->config, "use_bias", 1, &use_bias));
    TRY(l->weights->find(l->weights, l->name, l->place, 1 + use_bias, array));
    const hdf5_entry *k = array[0];
    if (k->rank != rank || k->dim[rank - 1] != (size_t)a->units) TRY(wrong_kernel(k));
    if (rank == 4 && (k->dim[0] != (size_t)a->kernel[0] || k->dim[1] != (size_t)a->kernel[1])) TRY(wrong_kernel(k));
    if (use_bias && array[1]->rank != 1) TRY(wrong_kernel(array[1]));
    TRY(take_kernel(l, k, &kernel));
    if (use_bias) TRY(take_vector(array[1], &bias));
    limn_values given[2] = {kernel, bias};
    kernel = bias = LIMN_NO_VALUES; /* the graph takes both, also when it fails */
    TRY(graph_add_node(l->g, op, l->at, a, given[0], given[1], &l->at));
    status = add_activation(l);
done:
    free(kernel.v);
    free(bias.v);
    return status;
}

/* ---- builders ---------------------------------------------------------------------------------------------------- */
static limn_status build_conv2d(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    TRY(read_window(l, "kernel_size", 1, &a));
    TRY(keras_required_int(l->config, "filters", &a.units));
    TRY(keras_int(l->config, "groups", 1, &a.groups));
    TRY(add_weighted(l, LIMN_OP_CONV2D, &a, 4));
done:
    return status;
}

static limn_status build_dense(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    TRY(keras_required_int(l->config, "units", &a.units));
    TRY(add_weighted(l, LIMN_OP_DENSE, &a, 2));
done:
    return status;
}

static limn_status build_maxpool(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    TRY(read_window(l, "pool_size", AS_KERNEL, &a));
    TRY(graph_add_node(l->g, LIMN_OP_MAXPOOL, l->at, &a, LIMN_NO_VALUES, LIMN_NO_VALUES, &l->at));
done:
    return status;
}

static limn_status build_flatten(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.hwc = 1};
    TRY(channels_last(l));
    TRY(graph_add_node(l->g, LIMN_OP_FLATTEN, l->at, &a, LIMN_NO_VALUES, LIMN_NO_VALUES, &l->at));
done:
    return status;
}

static limn_status build_identity(keras_layer *l) {
    return add_plain(l, LIMN_OP_IDENTITY);
}

static limn_status build_activation(keras_layer *l) {
    limn_status status = LIMN_OK;
    const char *name;
    limn_op op;
    TRY(activation_name(l->config, &name));
    TRY(find_activation(name, &op));
    TRY(add_plain(l, op)); /* linear too: every layer has a node */
done:
    return status;
}

static limn_status build_relu(keras_layer *l) {
    limn_status status = LIMN_OK;
    double slope, threshold;
    const cJSON *top = cJSON_GetObjectItemCaseSensitive(l->config, "max_value");
    TRY(keras_number(l->config, "negative_slope", 0, &slope));
    TRY(keras_number(l->config, "threshold", 0, &threshold));
    if ((top && !cJSON_IsNull(top)) || slope != 0 || threshold != 0)
        FAIL(LIMN_EINPUT, "only the plain ReLU is supported, without max_value, negative_slope and threshold");
    TRY(add_plain(l, LIMN_OP_RELU));
done:
    return status;
}

static limn_status build_softmax(keras_layer *l) {
    limn_status status = LIMN_OK;
    int axis;
    TRY(keras_int(l->config, "axis", -1, &axis));
    if (axis != -1 && axis != 1) FAIL(LIMN_EINPUT, "softmax over axis %d is not supported, only over a vector's", axis);
    TRY(add_plain(l, LIMN_OP_SOFTMAX));
done:
    return status;
}

const keras_layer_row keras_layer_table[] = {
    {"Activation", LIMN_KIND_OTHER, build_activation},
    {"Conv2D", LIMN_KIND_CONV, build_conv2d},
    {"Dense", LIMN_KIND_DENSE, build_dense},
    {"Dropout", LIMN_KIND_OTHER, build_identity},
    {"Flatten", LIMN_KIND_OTHER, build_flatten},
    {"MaxPooling2D", LIMN_KIND_POOL, build_maxpool},
    {"ReLU", LIMN_KIND_OTHER, build_relu},
    {"Softmax", LIMN_KIND_OTHER, build_softmax},
    {NULL, LIMN_KIND_OTHER, NULL},
};

const keras_layer_row *keras_find_layer(const char *type) {
    for (const keras_layer_row *r = keras_layer_table; r->type; r++)
        if (strcmp(r->type, type) == 0) return r;
    return NULL;
}

limn_status keras_layer_names(char **out) {
    limn_status status = LIMN_OK;
    char *all = NULL, *longer;
    TRY(limn_strdup(&all, "InputLayer"));
    for (const keras_layer_row *r = keras_layer_table; r->type; r++) {
        TRY(limn_format(&longer, "%s, %s", all, r->type));
        free(all);
        all = longer;
    }
    *out = all;
    return LIMN_OK;
done:
    free(all);
    return status;
}
