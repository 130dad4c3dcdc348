/* Keras's attention: MultiHeadAttention, Attention, AdditiveAttention, of a query (T, d), keys and values (S, …).
 *
 *   MultiHeadAttention   for each head h: q = Q W_q + b_q (T, k), K (S, k), V (S, v) alike;
 *                        a = softmax(q K^T / sqrt(k)) over S; y = (a V of all heads, side by side) W_o + b_o.
 *                        Kernels are (d, heads, k), the last (heads, v, out). (Vaswani et al. 2017)
 *   Attention            softmax(scale Q K^T) V; score_mode concat: weight sum_c tanh(scale (Q_c + K_c))
 *   AdditiveAttention    scores sum_c scale_c tanh(Q_c + K_c) (Bahdanau et al. 2015)
 *
 * A picture (rows, columns, channels) is attended to as a list of its pixels. Not done: masks, some of several axes.
 * Threading: pure functions. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/keras_layers.h"

enum { QUERY, VALUE, KEY, ROLES }; /* the order in which Keras takes them */

/* Whether the call says `key: true`. */
static int call_says(const keras_layer *l, const char *key) {
    const cJSON *kwargs = cJSON_IsObject(l->call) ? cJSON_GetObjectItemCaseSensitive(l->call, "kwargs")
                                                  : cJSON_GetArrayItem(cJSON_GetArrayItem(l->call, 0), 3);
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(kwargs, key));
}

/* What it is given, by name or by place; a key that is left out is the value. */
static limn_status take_roles(const keras_layer *l, keras_value role[ROLES]) {
    static const char *const name[ROLES] = {"query", "value", "key"};
    limn_status status = LIMN_OK;
    int given[ROLES] = {0}, place = 0;
    for (int i = 0; i < l->n_in; i++) {
        const char *arg = l->arg ? l->arg[i] : NULL;
        int r = 0;
        while (arg && r < ROLES && strcmp(arg, name[r]) != 0) r++;
        if (!arg || strcmp(arg, "inputs") == 0) r = place++;
        if (r >= ROLES) FAIL(LIMN_EINPUT, "it is given more than a query, a value and a key, which is not supported");
        given[r] = 1;
        role[r] = l->in[i];
    }
    if (!given[QUERY] || !given[VALUE]) FAIL(LIMN_EINPUT, "it needs a query and a value");
    if (!given[KEY]) role[KEY] = role[VALUE];
    if (call_says(l, "use_causal_mask")) FAIL(LIMN_EINPUT, "a causal mask is not supported");
done:
    return status;
}

/* l->at = v as (steps, channels). */
static limn_status tokens(keras_layer *l, keras_value v) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.perm = {1, 2, 0}};
    l->at = v;
    if (keras_shape(l)->rank == 3 && v.hwc) TRY(keras_plain(l, LIMN_OP_TRANSPOSE, &a));
    const limn_shape *s = keras_shape(l);
    if (s->rank != 2 && s->rank != 3) FAIL(LIMN_EINPUT, "it needs sequences (steps, channels) or pictures");
    if (s->rank == 3) {
        a.shape = (limn_shape){2, {s->dim[0] * s->dim[1], s->dim[2]}};
        TRY(keras_plain(l, LIMN_OP_RESHAPE, &a));
    }
    l->at.hwc = 0;
done:
    return status;
}

/* l->at = softmax(l->at) values, over the last axis. */
static limn_status weigh(keras_layer *l, int values) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.axis = keras_shape(l)->rank - 1};
    TRY(keras_plain(l, LIMN_OP_SOFTMAX, &a));
    int in[2] = {l->at.node, values};
    TRY(keras_add_n(l, LIMN_OP_MATMUL, 2, in, NULL));
done:
    return status;
}

/* ---- several heads ----------------------------------------------------------------------------------------------- */
/* All axes but the batch's and the channels', which are attended to as one. */
static limn_status check_axes(const keras_layer *l, int rank) {
    limn_status status = LIMN_OK;
    int axes[LIMN_MAX_RANK], n = 0;
    TRY(keras_ints(l->config, "attention_axes", LIMN_MAX_RANK, axes, &n));
    int all = n == 0 || n == rank - 1;
    for (int i = 0; i < n; i++) all &= axes[i] == i + 1;
    if (!all) FAIL(LIMN_EINPUT, "attention along some of its input's axes only is not supported");
done:
    return status;
}

/* *node = v by the kernel (d, heads, size) as (heads, steps, size), or transposed (heads, size, steps). */
static limn_status project(keras_layer *l, keras_value v, int which, int heads, int size, int transposed, int *node) {
    limn_status status = LIMN_OK;
    const hdf5_entry *kernel = l->array[2 * which];
    limn_op_attr a = {.perm = {1, transposed ? 2 : 0, transposed ? 0 : 2}};
    TRY(tokens(l, v));
    size_t steps = keras_shape(l)->dim[0];
    if (kernel->rank != 3 || kernel->dim[1] != (size_t)heads || kernel->dim[2] != (size_t)size)
        TRY(keras_wrong_array(kernel));
    TRY(keras_add_dense(l, kernel, kernel->dim[0], (size_t)heads * (size_t)size, l->array[2 * which + 1]));
    a.shape = (limn_shape){3, {steps, (size_t)heads, (size_t)size}};
    TRY(keras_plain(l, LIMN_OP_RESHAPE, &a));
    TRY(keras_plain(l, LIMN_OP_TRANSPOSE, &a));
    *node = l->at.node;
done:
    return status;
}

/* The heads side by side, (heads, steps, size), through the last kernel (heads, size, out). */
static limn_status join_heads(keras_layer *l, int heads, int size) {
    limn_status status = LIMN_OK;
    const hdf5_entry *kernel = l->array[6];
    limn_op_attr a = {.perm = {1, 0, 2}};
    int out[2], n = 0;
    TRY(keras_ints(l->config, "output_shape", 2, out, &n));
    if (n > 1) FAIL(LIMN_EINPUT, "an output_shape of more than one axis is not supported");
    if (kernel->rank != 3 || kernel->dim[0] != (size_t)heads || kernel->dim[1] != (size_t)size ||
        (n == 1 && kernel->dim[2] != (size_t)out[0]))
        TRY(keras_wrong_array(kernel));
    TRY(keras_plain(l, LIMN_OP_TRANSPOSE, &a));
    a.shape = (limn_shape){2, {keras_shape(l)->dim[0], (size_t)heads * (size_t)size}};
    TRY(keras_plain(l, LIMN_OP_RESHAPE, &a));
    TRY(keras_add_dense(l, kernel, a.shape.dim[1], kernel->dim[2], l->array[7]));
done:
    return status;
}

/* l->at, tokens, in the shape of what was asked with: (…, channels of l->at). */
static limn_status as_asked(keras_layer *l, keras_value query) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.perm = {2, 0, 1}};
    limn_shape s = l->g->node[query.node].out;
    if (s.rank == 2) return LIMN_OK;
    if (query.hwc) s = (limn_shape){3, {s.dim[1], s.dim[2], 0}};
    s.dim[2] = keras_shape(l)->dim[1];
    a.shape = s;
    TRY(keras_plain(l, LIMN_OP_RESHAPE, &a));
    if (query.hwc) TRY(keras_plain(l, LIMN_OP_TRANSPOSE, &a));
    l->at.hwc = query.hwc;
done:
    return status;
}

limn_status keras_multi_head(keras_layer *l) {
    enum { MOST = 1 << 20 };
    limn_status status = LIMN_OK;
    keras_value role[ROLES];
    int heads, size, values, gate, q, k, v;
    TRY(take_roles(l, role));
    TRY(check_axes(l, l->g->node[role[QUERY].node].out.rank));
    TRY(keras_required_int(l->config, "num_heads", &heads));
    TRY(keras_required_int(l->config, "key_dim", &size));
    TRY(keras_int(l->config, "value_dim", size, &values));
    TRY(keras_bool(l->config, "use_gate", 0, &gate));
    if (gate || keras_given(l->config, "sliding_window"))
        FAIL(LIMN_EINPUT, "attention with a gate or within a sliding window is not supported");
    if (heads < 1 || size < 1 || values < 1 || heads > MOST || size > MOST || values > MOST)
        FAIL(LIMN_EINPUT, "%d heads of %d and %d make no sense", heads, size, values);
    TRY(project(l, role[KEY], 1, heads, size, 1, &k));
    TRY(project(l, role[VALUE], 2, heads, values, 0, &v));
    TRY(project(l, role[QUERY], 0, heads, size, 0, &q));
    TRY(keras_unary(l, LIMN_F_AFFINE, 1 / sqrt((double)size), 0));
    TRY(keras_add_n(l, LIMN_OP_MATMUL, 2, (int[2]){l->at.node, k}, NULL));
    TRY(weigh(l, v));
    TRY(join_heads(l, heads, values));
    status = as_asked(l, role[QUERY]);
done:
    return status;
}

/* ---- one --------------------------------------------------------------------------------------------------------- */
/* l->at times an array of one number, or of one of each channel. */
static limn_status times(keras_layer *l, const hdf5_entry *e) {
    limn_status status = LIMN_OK;
    limn_values v = LIMN_NO_VALUES;
    const limn_shape *s = keras_shape(l), one = {1, {e->n}};
    int node;
    if (e->n != 1 && (e->rank != 1 || e->n != s->dim[s->rank - 1])) TRY(keras_wrong_array(e));
    TRY(keras_vector(e, &v));
    TRY(keras_const(l, &one, v, &node));
    TRY(keras_binary(l, LIMN_F_MUL, node));
done:
    return status;
}

/* l->at (steps, channels) with an axis of 1 put in at `axis`. */
static limn_status spread(keras_layer *l, int axis) {
    const limn_shape *s = keras_shape(l);
    limn_op_attr a = {.shape = {3, {axis == 0 ? 1 : s->dim[0], axis == 0 ? s->dim[0] : 1, s->dim[1]}}};
    return keras_plain(l, LIMN_OP_RESHAPE, &a);
}

/* l->at = sum_c weight tanh(scale (Q_c + K_c)); NULL: 1. */
static limn_status sums(keras_layer *l, int q, int k, const hdf5_entry *scale, const hdf5_entry *weight) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.f = LIMN_F_SUM, .axes = 4};
    l->at.node = k;
    TRY(spread(l, 0));
    k = l->at.node;
    l->at.node = q;
    TRY(spread(l, 1));
    TRY(keras_binary(l, LIMN_F_ADD, k));
    if (scale) TRY(times(l, scale));
    TRY(keras_unary(l, LIMN_F_TANH, 0, 0));
    if (weight) TRY(times(l, weight));
    TRY(keras_plain(l, LIMN_OP_REDUCE, &a));
done:
    return status;
}

static limn_status products(keras_layer *l, int q, int k, const hdf5_entry *scale) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.perm = {1, 0}};
    l->at.node = k;
    TRY(keras_plain(l, LIMN_OP_TRANSPOSE, &a));
    int in[2] = {q, l->at.node};
    TRY(keras_add_n(l, LIMN_OP_MATMUL, 2, in, NULL));
    if (scale) TRY(times(l, scale));
done:
    return status;
}

limn_status keras_attention(keras_layer *l) {
    limn_status status = LIMN_OK;
    keras_value role[ROLES];
    const char *mode;
    int node[ROLES];
    TRY(take_roles(l, role));
    TRY(keras_string(l->config, "score_mode", "dot", &mode));
    for (int i = 0; i < ROLES; i++) {
        if (l->g->node[role[i].node].out.rank != 2) FAIL(LIMN_EINPUT, "it needs sequences (steps, channels)");
        node[i] = role[i].node;
    }
    if (strcmp(l->type, "AdditiveAttention") == 0)
        TRY(sums(l, node[QUERY], node[KEY], NULL, l->array[0]));
    else if (strcmp(mode, "concat") == 0)
        TRY(sums(l, node[QUERY], node[KEY], l->array[0], l->array[1]));
    else if (strcmp(mode, "dot") == 0)
        TRY(products(l, node[QUERY], node[KEY], l->array[0]));
    else
        FAIL(LIMN_EINPUT, "its score_mode is `%.40s`: dot and concat are supported", keras_is_name(mode) ? mode : "?");
    TRY(weigh(l, node[VALUE]));
    l->at.hwc = 0;
done:
    return status;
}
