/* Keras's layers that work on each value, or on each channel: activations, norms at inference, layers that only train.
 *
 *   BatchNormalization   y = gamma (x - mean) / sqrt(variance + epsilon) + beta, the moments being weights: SCALE with
 *                        a = gamma / sqrt(variance + epsilon), b = beta - a mean, in float64
 *   LayerNormalization   the moments are the sample's: NORM, then SCALE by gamma and beta
 *   GroupNormalization   NORM of the channels in groups: (C, H, W) as (groups, C/groups, H, W)
 *   Normalization        y = (x - mean) / max(sqrt(variance), 1e-7), the moments being weights or options
 * Threading: const tables and pure functions. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/keras_layers.h"

/* ---- activations ------------------------------------------------------------------------------------------------- */
static const struct {
    const char *name;
    limn_op op;
    limn_unary f;
    double p0, p1;
} activations[] = {
    {"linear", LIMN_OP_IDENTITY, 0, 0, 0},
    {"relu", LIMN_OP_RELU, 0, 0, 0},
    {"softmax", LIMN_OP_SOFTMAX, 0, 0, 0},
    {"log_softmax", LIMN_OP_LOG_SOFTMAX, 0, 0, 0},
    {"sigmoid", LIMN_OP_UNARY, LIMN_F_SIGMOID, 0, 0},
    {"tanh", LIMN_OP_UNARY, LIMN_F_TANH, 0, 0},
    {"elu", LIMN_OP_UNARY, LIMN_F_ELU, 1, 0},
    {"selu", LIMN_OP_UNARY, LIMN_F_SELU, 1.6732632423543772, 1.0507009873554805},
    {"celu", LIMN_OP_UNARY, LIMN_F_CELU, 1, 0},
    {"relu6", LIMN_OP_UNARY, LIMN_F_CLIP, 0, 6},
    {"leaky_relu", LIMN_OP_UNARY, LIMN_F_LEAKY, 0.2, 0},
    {"gelu", LIMN_OP_UNARY, LIMN_F_GELU, 0, 0},
    {"swish", LIMN_OP_UNARY, LIMN_F_SILU, 1, 0},
    {"silu", LIMN_OP_UNARY, LIMN_F_SILU, 1, 0},
    {"mish", LIMN_OP_UNARY, LIMN_F_MISH, 0, 0},
    {"hard_silu", LIMN_OP_UNARY, LIMN_F_HARD_SWISH, 0, 0},
    {"hard_swish", LIMN_OP_UNARY, LIMN_F_HARD_SWISH, 0, 0},
    {"hard_sigmoid", LIMN_OP_UNARY, LIMN_F_HARD_SIGMOID, 0.2, 0.5}, /* Keras 3: 1/6 */
    {"hard_tanh", LIMN_OP_UNARY, LIMN_F_CLIP, -1, 1},
    {"log_sigmoid", LIMN_OP_UNARY, LIMN_F_LOG_SIGMOID, 0, 0},
    {"softplus", LIMN_OP_UNARY, LIMN_F_SOFTPLUS, 0, 0},
    {"softsign", LIMN_OP_UNARY, LIMN_F_SOFTSIGN, 0, 0},
    {"soft_sign", LIMN_OP_UNARY, LIMN_F_SOFTSIGN, 0, 0},
    {"exponential", LIMN_OP_UNARY, LIMN_F_EXP, 0, 0},
    {"tanh_shrink", LIMN_OP_UNARY, LIMN_F_TANH_SHRINK, 0, 0},
    {"soft_shrink", LIMN_OP_UNARY, LIMN_F_SHRINK, 0.5, 0.5},
    {"hard_shrink", LIMN_OP_UNARY, LIMN_F_SHRINK, 0.5, 0},
};

static limn_status unknown_activation(const char *name) {
    char all[512] = "";
    for (size_t i = 0; i < COUNT_OF(activations); i++) {
        if (i) strcat(all, ", ");
        strcat(all, activations[i].name);
    }
    return limn_fail(LIMN_EINPUT, "the activation `%.80s` is not supported (%s)", keras_is_name(name) ? name : "?",
                     all);
}

/* Softmax over the file's axis. */
static limn_status over_axis(keras_layer *l, limn_op op, int axis) {
    limn_op_attr a = {0};
    limn_status s = keras_axis(l, axis, &a.axis);
    return s == LIMN_OK ? keras_plain(l, op, &a) : s;
}

static limn_status named(keras_layer *l, const char *name, int always) {
    size_t i = 0;
    while (i < COUNT_OF(activations) && strcmp(activations[i].name, name) != 0) i++;
    if (i == COUNT_OF(activations)) return unknown_activation(name);
    limn_op op = activations[i].op;
    if (op == LIMN_OP_IDENTITY && !always) return LIMN_OK;
    if (op == LIMN_OP_SOFTMAX || op == LIMN_OP_LOG_SOFTMAX) return over_axis(l, op, -1);
    if (op != LIMN_OP_UNARY) return keras_plain(l, op, NULL);
    double p0 = activations[i].p0;
    if (activations[i].f == LIMN_F_HARD_SIGMOID && l->keras3) p0 = 1.0 / 6;
    return keras_unary(l, activations[i].f, p0, activations[i].p1);
}

/* A layer as an activation: {"class_name": "LeakyReLU", "config": {…}}; those without weights. */
static limn_status layer_as_activation(keras_layer *l, const cJSON *v) {
    static const char *const may[] = {"ReLU", "LeakyReLU", "ELU", "Softmax", "Activation", "ThresholdedReLU"};
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(v, "class_name"));
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(v, "config"), *outer = l->config;
    size_t i = 0;
    while (type && i < COUNT_OF(may) && strcmp(may[i], type) != 0) i++;
    if (!type || i == COUNT_OF(may) || !cJSON_IsObject(config) || config == outer)
        return limn_fail(LIMN_EINPUT, "its activation is a layer or a function of its own, which is not supported");
    l->config = config;
    limn_status s = keras_find_layer(type)->build(l);
    l->config = outer;
    return s;
}

/* "relu", null, Keras 3's {"class_name": "function", "config": "relu"}, or a layer. */
limn_status keras_activation(keras_layer *l, int always) {
    const cJSON *v = keras_given(l->config, "activation");
    const cJSON *inner = cJSON_IsObject(v) ? cJSON_GetObjectItemCaseSensitive(v, "config") : v;
    if (!v) return named(l, "linear", always);
    if (!cJSON_IsString(inner)) return layer_as_activation(l, v);
    return named(l, inner->valuestring, always);
}

limn_status keras_activation_layer(keras_layer *l) {
    return keras_activation(l, 1); /* linear too: every layer has a node */
}

limn_status keras_relu(keras_layer *l) {
    limn_status status = LIMN_OK;
    double slope, threshold, top;
    TRY(keras_number(l->config, "negative_slope", 0, &slope));
    TRY(keras_number(l->config, "threshold", 0, &threshold));
    TRY(keras_number(l->config, "max_value", (double)INFINITY, &top));
    if (isinf(top) && slope == 0 && threshold == 0) return keras_plain(l, LIMN_OP_RELU, NULL);
    if (slope == 0 && threshold == 0) return keras_unary(l, LIMN_F_CLIP, 0, top);
    if (isinf(top) && threshold == 0) return keras_unary(l, LIMN_F_LEAKY, slope, 0);
    limn_op_attr a = {.f = LIMN_F_RECT, .p = {(float)slope, (float)top, (float)threshold}};
    TRY(keras_plain(l, LIMN_OP_UNARY, &a));
done:
    return status;
}

/* `negative_slope` in Keras 3, `alpha` before; a number, or an array of one as an early Keras wrote it. */
limn_status keras_leaky(keras_layer *l) {
    limn_status status = LIMN_OK;
    double slope;
    const cJSON *alpha = keras_given(l->config, "alpha");
    if (cJSON_IsObject(alpha) && cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(alpha, "value")))
        TRY(keras_number(alpha, "value", 0.3, &slope));
    else
        TRY(keras_number(l->config, "alpha", 0.3, &slope));
    TRY(keras_number(l->config, "negative_slope", slope, &slope));
    TRY(keras_unary(l, LIMN_F_LEAKY, slope, 0));
done:
    return status;
}

limn_status keras_elu(keras_layer *l) {
    double alpha;
    limn_status s = keras_number(l->config, "alpha", 1, &alpha);
    return s == LIMN_OK ? keras_unary(l, LIMN_F_ELU, alpha, 0) : s;
}

limn_status keras_thresholded(keras_layer *l) {
    double theta;
    limn_status s = keras_number(l->config, "theta", 1, &theta);
    return s == LIMN_OK ? keras_unary(l, LIMN_F_THRESHOLDED, theta, 0) : s;
}

limn_status keras_softmax(keras_layer *l) {
    limn_status status = LIMN_OK;
    int axis = -1, n = 0;
    TRY(keras_ints(l->config, "axis", 1, &axis, &n));
    TRY(over_axis(l, LIMN_OP_SOFTMAX, n ? axis : -1));
done:
    return status;
}

/* The array e, whose dims are the file's axes of l->at, as a constant in the graph's order. */
static limn_status add_array(keras_layer *l, const hdf5_entry *e, int *node) {
    limn_status status = LIMN_OK;
    limn_values v = LIMN_NO_VALUES;
    int rank = keras_shape(l)->rank, turn = l->at.hwc && rank == 3;
    limn_shape s = {rank, {0}};
    if (e->rank != rank) return keras_wrong_array(e);
    for (int i = 0; i < rank; i++) s.dim[keras_graph_axis(l, i)] = e->dim[i];
    for (int i = 0; i < rank; i++)
        if (s.dim[i] != 1 && s.dim[i] != keras_shape(l)->dim[i]) return keras_wrong_array(e);
    TRY(keras_vector(e, &v));
    size_t C = s.dim[0], pixels = turn ? s.dim[1] * s.dim[2] : 0;
    const float *from = e->data;
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < C; c++) v.v[c * pixels + p] = from[p * C + c];
    limn_values given = v;
    v = LIMN_NO_VALUES;
    TRY(keras_const(l, &s, given, node));
done:
    free(v.v);
    return status;
}

limn_status keras_prelu(keras_layer *l) {
    int alpha;
    limn_status s = add_array(l, l->array[0], &alpha);
    return s == LIMN_OK ? keras_binary(l, LIMN_F_PRELU, alpha) : s;
}

/* ---- what only training does ------------------------------------------------------------------------------------- */
limn_status keras_identity(keras_layer *l) {
    return keras_plain(l, LIMN_OP_IDENTITY, NULL);
}

/* ---- norms ------------------------------------------------------------------------------------------------------- */
/* `axis`: a number, or a list of one; absent: the last. */
static limn_status one_axis(const keras_layer *l, int *axis) {
    limn_status status = LIMN_OK;
    int given = -1, n = 0;
    TRY(keras_ints(l->config, "axis", 1, &given, &n));
    TRY(keras_axis(l, n ? given : -1, axis));
done:
    return status;
}

/* Factors and summands of n channels. */
typedef struct {
    float *a, *b;
    size_t n;
} factors;

static void factors_free(factors *f) {
    free(f->a);
    free(f->b);
}

static limn_status factors_new(factors *f, size_t n) {
    limn_status s = limn_new(&f->a, n, sizeof *f->a);
    f->n = n;
    return s == LIMN_OK ? limn_new(&f->b, n, sizeof *f->b) : s;
}

/* y = a[c] x + b[c] along an axis of the graph; takes both. */
static limn_status scale(keras_layer *l, int axis, factors *f) {
    limn_values a = {f->a, f->n}, b = {f->b, f->n};
    *f = (factors){NULL, NULL, 0};
    return keras_add(l, LIMN_OP_SCALE, &(limn_op_attr){.axis = axis}, a, b);
}

/* Vectors of n values each: those of array[0 … count-1] that are there. */
static limn_status same_length(const keras_layer *l, int count, size_t n) {
    for (int i = 0; i < count; i++)
        if (l->array[i] && (l->array[i]->rank != 1 || l->array[i]->n != n)) return keras_wrong_array(l->array[i]);
    return LIMN_OK;
}

static double value_at(const hdf5_entry *e, size_t i, double fallback) {
    return e ? (double)((const float *)e->data)[i] : fallback;
}

limn_status keras_batchnorm(keras_layer *l) {
    limn_status status = LIMN_OK;
    factors f = {NULL, NULL, 0};
    double epsilon;
    int axis;
    TRY(keras_number(l->config, "epsilon", 1e-3, &epsilon));
    TRY(one_axis(l, &axis));
    size_t n = keras_shape(l)->dim[axis];
    TRY(same_length(l, 4, n));
    TRY(factors_new(&f, n));
    for (size_t i = 0; i < n; i++) {
        double k = value_at(l->array[0], i, 1) / sqrt(value_at(l->array[3], i, 1) + epsilon);
        f.a[i] = (float)k;
        f.b[i] = (float)(value_at(l->array[1], i, 0) - k * value_at(l->array[2], i, 0));
    }
    TRY(scale(l, axis, &f));
done:
    factors_free(&f);
    return status;
}

/* gamma (array 0) and beta (array 1) of a norm, where there is one of them. */
static limn_status affine(keras_layer *l, int axis) {
    limn_status status = LIMN_OK;
    factors f = {NULL, NULL, 0};
    size_t n = keras_shape(l)->dim[axis];
    if (!l->array[0] && !l->array[1]) return LIMN_OK;
    TRY(same_length(l, 2, n));
    TRY(factors_new(&f, n));
    for (size_t i = 0; i < n; i++) {
        f.a[i] = (float)value_at(l->array[0], i, 1);
        f.b[i] = (float)value_at(l->array[1], i, 0);
    }
    TRY(scale(l, axis, &f));
done:
    factors_free(&f);
    return status;
}

limn_status keras_layernorm(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr norm = {0};
    int given[LIMN_MAX_RANK], n = 0, axis = 0, rms;
    double epsilon;
    TRY(keras_number(l->config, "epsilon", 1e-3, &epsilon));
    TRY(keras_bool(l->config, "rms_scaling", 0, &rms));
    if (rms) FAIL(LIMN_EINPUT, "rms_scaling is not supported");
    TRY(keras_ints(l->config, "axis", LIMN_MAX_RANK, given, &n));
    if (n == 0) given[n++] = -1;
    for (int i = 0; i < n; i++) {
        TRY(keras_axis(l, given[i], &axis));
        norm.axes |= 1u << axis;
    }
    if (n > 1 && (l->array[0] || l->array[1]))
        FAIL(LIMN_EINPUT, "a norm over %d axes is supported without scale and center only", n);
    norm.p[0] = (float)epsilon;
    TRY(keras_plain(l, LIMN_OP_NORM, &norm));
    TRY(affine(l, axis));
done:
    return status;
}

limn_status keras_groupnorm(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    int axis, groups;
    double epsilon;
    TRY(keras_number(l->config, "epsilon", 1e-3, &epsilon));
    TRY(keras_int(l->config, "groups", 32, &groups));
    TRY(one_axis(l, &axis));
    limn_shape s = *keras_shape(l);
    if (groups == -1) groups = (int)s.dim[axis];
    if (groups < 1 || s.dim[axis] % (size_t)groups != 0 || s.rank >= LIMN_MAX_RANK)
        FAIL(LIMN_EINPUT, "%d groups do not divide %zu channels", groups, s.dim[axis]);
    a.shape = (limn_shape){s.rank + 1, {0}};
    for (int i = 0; i <= s.rank; i++) {
        a.shape.dim[i] = i < axis ? s.dim[i] : i == axis ? (size_t)groups : s.dim[i - 1];
        if (i != axis) a.axes |= 1u << i;
    }
    a.shape.dim[axis + 1] = s.dim[axis] / (size_t)groups;
    a.p[0] = (float)epsilon;
    TRY(keras_plain(l, LIMN_OP_RESHAPE, &a));
    TRY(keras_plain(l, LIMN_OP_NORM, &a));
    a.shape = s;
    TRY(keras_plain(l, LIMN_OP_RESHAPE, &a));
    TRY(affine(l, axis));
done:
    return status;
}

enum { MAX_LISTED = 4096 }; /* numbers of a list: finding each walks it */

/* The i-th number of an option that is a number or a list of them; 0 where it has none. */
static int number_at(const cJSON *v, size_t i, double *out) {
    while (cJSON_IsArray(v) && cJSON_GetArraySize(v) == 1) v = v->child;
    if (cJSON_IsArray(v)) v = i < MAX_LISTED ? cJSON_GetArrayItem(v, (int)i) : NULL;
    if (!cJSON_IsNumber(v)) return 0;
    *out = v->valuedouble;
    return 1;
}

/* A moment: of the array, or of the option of that name. */
static int moment(const keras_layer *l, int array, const char *key, size_t i, double *out) {
    const hdf5_entry *e = l->array[array];
    if (!e) return number_at(cJSON_GetObjectItemCaseSensitive(l->config, key), i, out);
    if (e->n == 0) return 0;
    *out = ((const float *)e->data)[e->n == 1 ? 0 : i];
    return 1;
}

limn_status keras_normalization(keras_layer *l) {
    limn_status status = LIMN_OK;
    factors f = {NULL, NULL, 0};
    int axis = 0, invert;
    TRY(keras_bool(l->config, "invert", 0, &invert));
    if (keras_given(l->config, "axis")) TRY(one_axis(l, &axis));
    size_t n = keras_shape(l)->dim[axis]; /* axis null: one moment of all, repeated along any axis */
    for (int i = 0; i < 2; i++)
        if (l->array[i] && l->array[i]->n != n && l->array[i]->n != 1) TRY(keras_wrong_array(l->array[i]));
    TRY(factors_new(&f, n));
    for (size_t i = 0; i < n; i++) {
        double mean, variance;
        if (!moment(l, 0, "mean", i, &mean) || !moment(l, 1, "variance", i, &variance))
            FAIL(LIMN_EINPUT, "its mean or its variance has not %zu values", n);
        double sd = fmax(sqrt(variance), 1e-7);
        f.a[i] = (float)(invert ? sd : 1 / sd);
        f.b[i] = (float)(invert ? mean : -mean / sd);
    }
    TRY(scale(l, axis, &f));
done:
    factors_free(&f);
    return status;
}

/* y = scale x + offset; numbers, or a list with one of each channel. */
limn_status keras_rescaling(keras_layer *l) {
    limn_status status = LIMN_OK;
    const cJSON *s = cJSON_GetObjectItemCaseSensitive(l->config, "scale");
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(l->config, "offset");
    factors f = {NULL, NULL, 0};
    int axis;
    double k = 1, c = 0;
    if (!cJSON_IsArray(s) && !cJSON_IsArray(o)) {
        TRY(keras_number(l->config, "scale", 1, &k));
        TRY(keras_number(l->config, "offset", 0, &c));
        return keras_unary(l, LIMN_F_AFFINE, k, c);
    }
    TRY(keras_axis(l, -1, &axis));
    size_t n = keras_shape(l)->dim[axis];
    TRY(factors_new(&f, n));
    for (size_t i = 0; i < n; i++) {
        if (!number_at(s, i, &k) || (o && !number_at(o, i, &c)))
            FAIL(LIMN_EINPUT, "its scale or its offset has not %zu numbers", n);
        f.a[i] = (float)k;
        f.b[i] = (float)c;
    }
    TRY(scale(l, axis, &f));
done:
    factors_free(&f);
    return status;
}
