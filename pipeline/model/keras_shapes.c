/* Keras's layers that move values about, and those that merge several.
 *
 * The file's order of a picture is (H, W, C) (or (C, H, W) where its network is channels first), the graph's always (C,
 * H, W). So a layer that counts axes or lays values out anew goes through the file's order: Reshape turns (C, H, W) to
 * (H, W, C), reshapes, and turns a new picture back.
 *
 *   Resizing, UpSampling2D   as tf.image.resize: half-pixel centres; nearest looks at floor((i + 1/2) m / n); bicubic is
 *                            Keys's with a = -1/2, taps outside left out
 *   merging                  values of a lower rank get axes of length 1 behind the batch, as in Keras
 * Threading: pure functions. */
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/keras_layers.h"

static limn_status need_picture(const keras_layer *l) {
    return keras_shape(l)->rank == 3 ? LIMN_OK : limn_fail(LIMN_EINPUT, "it needs a picture as input");
}

/* ---- order ------------------------------------------------------------------------------------------------------- */
/* In the file's order: its data_format "channels_first" means that Flatten turns such pictures to channels last first,
 * so that a Dense layer fits both. */
limn_status keras_flatten(keras_layer *l) {
    limn_status status = LIMN_OK;
    const char *format;
    TRY(keras_string(l->config, "data_format", "channels_last", &format));
    int rank = keras_shape(l)->rank, turn = rank == 3 && strcmp(format, "channels_first") == 0;
    if (rank != 3 && rank > 1 && strcmp(format, "channels_first") == 0) { /* the first axis last, of any array */
        limn_op_attr last = {.perm = {0}};
        for (int i = 0; i < rank; i++) last.perm[i] = (i + 1) % rank;
        TRY(keras_plain(l, LIMN_OP_TRANSPOSE, &last));
    }
    if (turn && l->at.hwc) FAIL(LIMN_EINPUT, "its data_format is channels_first, unlike that of the layers before");
    limn_op_attr a = {.hwc = keras_shape(l)->rank == 3 && (l->at.hwc || turn)};
    TRY(keras_plain(l, LIMN_OP_FLATTEN, &a));
done:
    return status;
}

/* l->at in the file's order, as it lies. */
static limn_status to_file_order(keras_layer *l) {
    limn_op_attr a = {.perm = {1, 2, 0}};
    if (!l->at.hwc || keras_shape(l)->rank != 3) return LIMN_OK;
    return keras_plain(l, LIMN_OP_TRANSPOSE, &a);
}

/* From the file's order, where it is a picture of a network with channels last. */
static limn_status from_file_order(keras_layer *l) {
    limn_op_attr a = {.perm = {2, 0, 1}};
    l->at.hwc = l->hwc && keras_shape(l)->rank == 3;
    return l->at.hwc ? keras_plain(l, LIMN_OP_TRANSPOSE, &a) : LIMN_OK;
}

/* -1 in the target is what the others leave. */
static limn_status resolve(limn_shape *s, const int *target, int n, size_t size) {
    size_t known = 1;
    int open = -1;
    *s = (limn_shape){n, {0}};
    for (int i = 0; i < n; i++) {
        if (target[i] == -1 && open < 0) {
            open = i;
            continue;
        }
        if (target[i] < 1 || (size_t)target[i] > size / known)
            return limn_fail(LIMN_EINPUT, "its target_shape does not fit %zu values", size);
        known *= (size_t)target[i];
        s->dim[i] = (size_t)target[i];
    }
    if (open >= 0) s->dim[open] = size / known;
    if (size % known != 0 || (open < 0 && known != size))
        return limn_fail(LIMN_EINPUT, "its target_shape does not fit %zu values", size);
    return LIMN_OK;
}

limn_status keras_reshape(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.hwc = l->at.hwc};
    int target[LIMN_MAX_RANK], n = 0;
    TRY(keras_ints(l->config, "target_shape", LIMN_MAX_RANK, target, &n));
    TRY(resolve(&a.shape, target, n, limn_shape_size(keras_shape(l))));
    if (n == 1 && keras_shape(l)->rank == 3) { /* what Flatten does has a kernel of its own */
        TRY(keras_plain(l, LIMN_OP_FLATTEN, &a));
        l->at.hwc = 0;
        goto done;
    }
    TRY(to_file_order(l));
    TRY(keras_plain(l, LIMN_OP_RESHAPE, &a));
    TRY(from_file_order(l));
done:
    return status;
}

limn_status keras_permute(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    int dims[LIMN_MAX_RANK], n = 0, rank = keras_shape(l)->rank;
    unsigned seen = 0;
    TRY(keras_ints(l->config, "dims", LIMN_MAX_RANK, dims, &n));
    for (int i = 0; i < n; i++)
        if (dims[i] >= 1 && dims[i] <= n) seen |= 1u << dims[i];
    if (n != rank || seen != (2u << n) - 2) FAIL(LIMN_EINPUT, "its dims are no order of its input's %d axes", rank);
    for (int i = 0; i < n; i++) a.perm[keras_graph_axis(l, i)] = keras_graph_axis(l, dims[i] - 1);
    TRY(keras_plain(l, LIMN_OP_TRANSPOSE, &a));
done:
    return status;
}

/* (D) -> (n, D). */
limn_status keras_repeat(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    int n;
    const limn_shape *s = keras_shape(l);
    TRY(keras_required_int(l->config, "n", &n));
    if (s->rank != 1 || n < 1) FAIL(LIMN_EINPUT, "it needs a vector as input, and repeats it at least once");
    a.shape = (limn_shape){2, {1, s->dim[0]}};
    TRY(keras_plain(l, LIMN_OP_RESHAPE, &a));
    a.shape.dim[0] = (size_t)n;
    TRY(keras_plain(l, LIMN_OP_EXPAND, &a));
done:
    return status;
}

/* ---- edges ------------------------------------------------------------------------------------------------------- */
/* 1, [1, 2], [[1, 2], [3, 4]] or Keras 1's four numbers, object or list: edge = top, bottom, left, right. */
static limn_status read_edges(const keras_layer *l, const char *key, int fallback, int edge[4]) {
    limn_status status = LIMN_OK;
    const cJSON *v = keras_given(l->config, key);
    int pair[2], n;
    if (cJSON_IsArray(v) && cJSON_GetArraySize(v) == 2 && cJSON_IsArray(v->child)) {
        const cJSON *side = v->child;
        for (int i = 0; i < 2; i++, side = side->next) {
            const cJSON *a = side->child, *b = a ? a->next : NULL;
            if (!cJSON_IsNumber(a) || !cJSON_IsNumber(b) || b->next) FAIL(LIMN_EINPUT, "`%s` cannot be read", key);
            edge[2 * i] = a->valueint;
            edge[2 * i + 1] = b->valueint;
        }
    } else if (cJSON_IsArray(v) && cJSON_GetArraySize(v) == 4) {
        TRY(keras_ints(l->config, key, 4, edge, &n));
    } else {
        TRY(keras_pair(l->config, key, fallback, pair));
        edge[0] = edge[1] = pair[0];
        edge[2] = edge[3] = pair[1];
    }
    for (int i = 0; i < 4; i++)
        if (edge[i] < 0 || edge[i] > 1 << 16) FAIL(LIMN_EINPUT, "`%s` of %d pixels makes no sense", key, edge[i]);
done:
    return status;
}

limn_status keras_zeropad(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.mode = LIMN_PAD_CONSTANT};
    int edge[4];
    TRY(need_picture(l));
    TRY(keras_check_format(l));
    TRY(read_edges(l, "padding", 1, edge));
    for (int i = 0; i < 2; i++) {
        a.before[1 + i] = edge[2 * i];
        a.after[1 + i] = edge[2 * i + 1];
    }
    TRY(keras_plain(l, LIMN_OP_PAD, &a));
done:
    return status;
}

/* Leaves h rows from `top` on, and w columns from `left` on. */
static limn_status crop(keras_layer *l, long top, long left, size_t h, size_t w) {
    const limn_shape *s = keras_shape(l);
    limn_op_attr a = {.start = {0, top, left}, .step = {1, 1, 1}, .shape = {3, {s->dim[0], h, w}}};
    return keras_plain(l, LIMN_OP_SLICE, &a);
}

limn_status keras_cropping(keras_layer *l) {
    limn_status status = LIMN_OK;
    int edge[4];
    const limn_shape *s = keras_shape(l);
    TRY(need_picture(l));
    TRY(keras_check_format(l));
    TRY(read_edges(l, "cropping", 0, edge));
    size_t rows = (size_t)edge[0] + (size_t)edge[1], cols = (size_t)edge[2] + (size_t)edge[3];
    if (rows >= s->dim[1] || cols >= s->dim[2]) FAIL(LIMN_EINPUT, "it crops the whole picture away");
    TRY(crop(l, edge[0], edge[2], s->dim[1] - rows, s->dim[2] - cols));
done:
    return status;
}

limn_status keras_center_crop(keras_layer *l) {
    limn_status status = LIMN_OK;
    int h, w;
    const limn_shape *s = keras_shape(l);
    TRY(need_picture(l));
    TRY(keras_required_int(l->config, "height", &h));
    TRY(keras_required_int(l->config, "width", &w));
    if (h < 1 || w < 1 || (size_t)h > s->dim[1] || (size_t)w > s->dim[2])
        FAIL(LIMN_EINPUT, "a picture of %zux%zu cannot be cropped to %dx%d", s->dim[1], s->dim[2], h, w);
    TRY(crop(l, (long)((s->dim[1] - (size_t)h) / 2), (long)((s->dim[2] - (size_t)w) / 2), (size_t)h, (size_t)w));
done:
    return status;
}

/* 1 or [1, 2] of a sequence: steps before and after. */
static limn_status read_ends(const keras_layer *l, const char *key, int end[2]) {
    limn_status s = keras_pair(l->config, key, 1, end);
    if (s != LIMN_OK) return s;
    if (keras_shape(l)->rank != 2) return limn_fail(LIMN_EINPUT, "it needs a sequence (steps, channels) as input");
    if (end[0] >= 0 && end[1] >= 0 && end[0] <= 1 << 16 && end[1] <= 1 << 16) return LIMN_OK;
    return limn_fail(LIMN_EINPUT, "`%s` of %d and %d steps makes no sense", key, end[0], end[1]);
}

limn_status keras_zeropad1d(keras_layer *l) {
    int end[2] = {0};
    limn_status s = read_ends(l, "padding", end);
    limn_op_attr a = {.mode = LIMN_PAD_CONSTANT, .before = {end[0]}, .after = {end[1]}};
    return s == LIMN_OK ? keras_plain(l, LIMN_OP_PAD, &a) : s;
}

limn_status keras_cropping1d(keras_layer *l) {
    limn_status status = LIMN_OK;
    int end[2];
    TRY(read_ends(l, "cropping", end));
    const limn_shape *s = keras_shape(l);
    size_t less = (size_t)end[0] + (size_t)end[1];
    if (less >= s->dim[0]) FAIL(LIMN_EINPUT, "it crops the whole sequence away");
    limn_op_attr a = {.start = {end[0], 0}, .step = {1, 1}, .shape = {2, {s->dim[0] - less, s->dim[1]}}};
    TRY(keras_plain(l, LIMN_OP_SLICE, &a));
done:
    return status;
}

/* Each step `size` times: (steps, C) -> (steps, 1, C) -> (steps, size, C) -> (steps size, C). */
limn_status keras_upsampling1d(keras_layer *l) {
    limn_status status = LIMN_OK;
    int size;
    const limn_shape s = *keras_shape(l);
    limn_op_attr a = {.shape = {3, {s.dim[0], 1, s.dim[1]}}};
    TRY(keras_int(l->config, "size", 2, &size));
    if (s.rank != 2) FAIL(LIMN_EINPUT, "it needs a sequence (steps, channels) as input");
    if (size < 1 || size > 1 << 16) FAIL(LIMN_EINPUT, "its size of %d makes no sense", size);
    TRY(keras_plain(l, LIMN_OP_RESHAPE, &a));
    a.shape.dim[1] = (size_t)size;
    TRY(keras_plain(l, LIMN_OP_EXPAND, &a));
    a.shape = (limn_shape){2, {s.dim[0] * (size_t)size, s.dim[1]}};
    TRY(keras_plain(l, LIMN_OP_RESHAPE, &a));
done:
    return status;
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */
static const struct {
    const char *name;
    limn_resize mode;
} interpolations[] = {
    {"nearest", LIMN_RESIZE_NEAREST}, {"bilinear", LIMN_RESIZE_LINEAR}, {"bicubic", LIMN_RESIZE_CUBIC}};

/* To h rows and w columns; the sizes that it has already stay a node, for a layer needs one. */
static limn_status resize(keras_layer *l, size_t h, size_t w, const char *fallback) {
    limn_status status = LIMN_OK;
    const limn_shape *s = keras_shape(l);
    const char *name;
    size_t i = 0;
    TRY(keras_string(l->config, "interpolation", fallback, &name));
    while (i < COUNT_OF(interpolations) && strcmp(interpolations[i].name, name) != 0) i++;
    if (i == COUNT_OF(interpolations))
        FAIL(LIMN_EINPUT, "its interpolation is `%.40s`: nearest, bilinear and bicubic are supported",
             keras_is_name(name) ? name : "?");
    if (h == s->dim[1] && w == s->dim[2]) return keras_identity(l);
    limn_op_attr a = {.mode = (int)interpolations[i].mode,
                      .coordinates = LIMN_AT_HALF_PIXEL,
                      .rounding = LIMN_ROUND_PREFER_CEIL,
                      .p = {-0.5f},
                      .outside = 1,
                      .shape = {3, {s->dim[0], h, w}}};
    TRY(keras_plain(l, LIMN_OP_RESIZE, &a));
done:
    return status;
}

limn_status keras_upsampling(keras_layer *l) {
    limn_status status = LIMN_OK;
    int size[2];
    const limn_shape *s = keras_shape(l);
    TRY(need_picture(l));
    TRY(keras_check_format(l));
    TRY(keras_pair(l->config, "size", 2, size));
    if (size[0] < 1 || size[1] < 1 || size[0] > 1 << 16 || size[1] > 1 << 16)
        FAIL(LIMN_EINPUT, "its size of %d and %d makes no sense", size[0], size[1]);
    TRY(resize(l, s->dim[1] * (size_t)size[0], s->dim[2] * (size_t)size[1], "nearest"));
done:
    return status;
}

limn_status keras_resizing(keras_layer *l) {
    limn_status status = LIMN_OK;
    int size[2], keep, pad, smooth;
    TRY(need_picture(l));
    TRY(keras_required_int(l->config, "height", &size[0]));
    TRY(keras_required_int(l->config, "width", &size[1]));
    TRY(keras_bool(l->config, "crop_to_aspect_ratio", 0, &keep));
    TRY(keras_bool(l->config, "pad_to_aspect_ratio", 0, &pad));
    TRY(keras_bool(l->config, "antialias", 0, &smooth));
    if (pad || smooth) FAIL(LIMN_EINPUT, "pad_to_aspect_ratio and antialias are not supported");
    if (size[0] < 1 || size[1] < 1) FAIL(LIMN_EINPUT, "its size of %dx%d makes no sense", size[0], size[1]);
    if (keep) { /* as tf.image's smart_resize: the largest window of the target's proportions, in the middle */
        size_t H = keras_shape(l)->dim[1], W = keras_shape(l)->dim[2], th = (size_t)size[0], tw = (size_t)size[1];
        size_t h = W * th / tw, w = H * tw / th;
        h = h < 1 ? 1 : h < H ? h : H;
        w = w < 1 ? 1 : w < W ? w : W;
        if (h != H || w != W) TRY(crop(l, (long)((H - h) / 2), (long)((W - w) / 2), h, w));
    }
    TRY(resize(l, (size_t)size[0], (size_t)size[1], "bilinear"));
done:
    return status;
}

/* ---- merging ----------------------------------------------------------------------------------------------------- */
/* A value of a lower rank with axes of length 1 behind the batch: (C) beside (H, W, C) as (1, 1, C). */
static limn_status raise(keras_layer *l, keras_value *v, int rank, int hwc) {
    limn_status status = LIMN_OK;
    keras_value before = l->at;
    limn_op_attr a = {.shape = {rank, {0}}};
    l->at = *v;
    const limn_shape *s = keras_shape(l);
    if (s->rank == rank) {
        if (rank == 3 && v->hwc != hwc) FAIL(LIMN_EINPUT, "it merges pictures of different data_formats");
        goto done;
    }
    if (hwc && rank == 3 && s->rank > 1) FAIL(LIMN_EINPUT, "it merges a picture and a sequence");
    int turned = hwc && rank == 3; /* (1, 1, C) is (C, 1, 1) */
    for (int i = 0; i < rank; i++) a.shape.dim[i] = 1;
    for (int i = 0; i < s->rank; i++) a.shape.dim[turned ? 0 : rank - s->rank + i] = s->dim[i];
    TRY(keras_plain(l, LIMN_OP_RESHAPE, &a));
    v->node = l->at.node;
    v->hwc = hwc;
done:
    l->at = before;
    return status;
}

/* All inputs as (n_in) values of one rank, the caller's to free; l->at = the first. */
static limn_status align(keras_layer *l, keras_value **out) {
    limn_status status = LIMN_OK;
    int rank = 0, hwc = 0;
    *out = NULL;
    if (l->n_in < 2) FAIL(LIMN_EINPUT, "it merges %d values, but needs at least two", l->n_in);
    TRY(limn_new(out, (size_t)l->n_in, sizeof **out));
    for (int i = 0; i < l->n_in; i++) {
        int r = l->g->node[l->in[i].node].out.rank;
        if (r > rank) {
            rank = r;
            hwc = l->in[i].hwc;
        }
    }
    for (int i = 0; i < l->n_in; i++) {
        (*out)[i] = l->in[i];
        TRY(raise(l, &(*out)[i], rank, hwc));
    }
    l->at = (*out)[0];
done:
    return status;
}

/* x + 3.0 in Keras 3's code is an operation "Add" whose call has the arguments [tensor, 3.0]. *out = the number, *first
 * whether it stands before the tensor; 0 where there is none. */
static int number_beside(const keras_layer *l, double *out, int *first) {
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(l->call, "args"), *a = args ? args->child : NULL;
    if (!cJSON_IsArray(args) || cJSON_GetArraySize(args) != 2) return 0;
    *first = cJSON_IsNumber(a);
    if (cJSON_IsNumber(a) == cJSON_IsNumber(a->next)) return 0;
    *out = *first ? a->valuedouble : a->next->valuedouble;
    return 1;
}

static limn_status merge(keras_layer *l, limn_binary f) {
    limn_status status = LIMN_OK;
    keras_value *v = NULL;
    double c;
    int first;
    if (l->n_in == 1 && number_beside(l, &c, &first)) {
        if (f == LIMN_F_ADD) return keras_unary(l, LIMN_F_AFFINE, 1, c);
        if (f == LIMN_F_MUL) return keras_unary(l, LIMN_F_AFFINE, c, 0);
        if (f == LIMN_F_SUB) return keras_unary(l, LIMN_F_AFFINE, first ? -1 : 1, first ? c : -c);
    }
    TRY(align(l, &v));
    for (int i = 1; i < l->n_in; i++) TRY(keras_binary(l, f, v[i].node));
done:
    free(v);
    return status;
}

limn_status keras_add_layers(keras_layer *l) {
    return merge(l, LIMN_F_ADD);
}

limn_status keras_multiply(keras_layer *l) {
    return merge(l, LIMN_F_MUL);
}

limn_status keras_maximum(keras_layer *l) {
    return merge(l, LIMN_F_MAX);
}

limn_status keras_minimum(keras_layer *l) {
    return merge(l, LIMN_F_MIN);
}

limn_status keras_subtract(keras_layer *l) {
    if (l->n_in > 2) return limn_fail(LIMN_EINPUT, "it subtracts one value from another, but reads %d", l->n_in);
    return merge(l, LIMN_F_SUB);
}

limn_status keras_average(keras_layer *l) {
    limn_status s = merge(l, LIMN_F_ADD);
    return s == LIMN_OK ? keras_unary(l, LIMN_F_AFFINE, 1.0 / l->n_in, 0) : s;
}

limn_status keras_concatenate(keras_layer *l) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    int axis, *in = NULL;
    keras_value *v;
    TRY(align(l, &v));
    TRY(keras_int(l->config, "axis", -1, &axis));
    TRY(keras_axis(l, axis, &a.axis));
    TRY(limn_new(&in, (size_t)l->n_in, sizeof *in));
    for (int i = 0; i < l->n_in; i++) in[i] = v[i].node;
    TRY(keras_add_n(l, LIMN_OP_CONCAT, l->n_in, in, &a));
done:
    free(in);
    free(v);
    return status;
}
