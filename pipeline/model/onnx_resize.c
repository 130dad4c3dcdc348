/* ONNX's Resize and Upsample: see onnx_ops.h.
 *
 * They are RESIZE nodes. tf_crop_and_resize, which looks at a window of the input (roi, as parts of each axis), is a matrix
 * for each axis instead: output pixel i of n looks at x = (m - 1) (start + i (end - start) / (n - 1)), or in the middle where
 * n = 1; its row holds the taps' weights (nearest, linear, or Keys's cubic with edges repeated), and nothing where x lies
 * outside 0 … m - 1, so that such pixels are 0, and the extrapolation value is added there.
 * Threading: none of its own. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/onnx_ops.h"

static limn_status set(onnx_op *o, int node, int batch) {
    return onnx_set_node(o, 0, node, batch, o->in[0]->type);
}

/* ---- Resize, Upsample -----------------------------------------------------------------------------------------------
 */
static limn_status choose(const onnx_op *o, const char *name, const char *fallback, const char *const *list, int n,
                          int *out) {
    onnx_bytes text;
    limn_status s = onnx_string(o->b->m, o->n, name, fallback, &text);
    if (s != LIMN_OK) return s;
    for (*out = 0; *out < n; ++*out)
        if (onnx_is(text, list[*out])) return LIMN_OK;
    return limn_fail(LIMN_EINPUT, "its %s %s is not supported", name, onnx_text(text));
}

/* Where the opset keeps scales and sizes. */
static limn_status scales_of(onnx_op *o, double *scale, size_t *n_scale, double *size, size_t *n_size) {
    limn_status status = LIMN_OK;
    int upsample = strcmp(o->row->type, "Upsample") == 0;
    *n_size = 0;
    if (upsample && o->opset < 9) return onnx_floats(o->b->m, o->n, "scales", scale, ONNX_MAX_RANK, n_scale);
    TRY(onnx_need_ints(o, upsample || o->opset < 11 ? 1 : 2, scale, ONNX_MAX_RANK, n_scale));
    if (!upsample && o->opset >= 11) TRY(onnx_need_ints(o, 3, size, ONNX_MAX_RANK, n_size));
done:
    return status;
}

/* Output sizes and factors of every axis of v: out[i] and factor[i] (0: out / in). */
static limn_status resized(onnx_op *o, const onnx_value *v, int64_t *out, double *factor) {
    limn_status status = LIMN_OK;
    static const char *const policies[] = {"stretch", "not_larger", "not_smaller"};
    double scale[ONNX_MAX_RANK], size[ONNX_MAX_RANK], best = 0;
    int64_t axes[ONNX_MAX_RANK];
    size_t n_scale, n_size, n_axes;
    int policy, axis[ONNX_MAX_RANK];
    TRY(scales_of(o, scale, &n_scale, size, &n_size));
    TRY(onnx_ints(o->b->m, o->n, "axes", axes, ONNX_MAX_RANK, &n_axes));
    TRY(choose(o, "keep_aspect_ratio_policy", "stretch", policies, 3, &policy));
    size_t n = n_size ? n_size : n_scale;
    if (n != (n_axes ? n_axes : (size_t)v->rank)) FAIL(LIMN_EINPUT, "%zu sizes do not fit its axes", n);
    for (int i = 0; i < v->rank; i++) out[i] = v->dim[i], factor[i] = 1;
    for (size_t k = 0; k < n; k++) {
        TRY(onnx_axis(n_axes ? axes[k] : (int64_t)k, v->rank, &axis[k]));
        if (axis[k] == v->batch) continue;
        double ratio = n_size ? size[k] / (double)v->dim[axis[k]] : 0;
        if (best == 0 || (policy == 1 ? ratio < best : ratio > best)) best = ratio;
    }
    for (size_t k = 0; k < n; k++) {
        int i = axis[k];
        if (i == v->batch) {
            if (n_size ? isnan(size[k]) || size[k] == (double)o->b->n_batch : scale[k] == 1) continue;
            FAIL(LIMN_EINPUT, "it changes the size of the batch, which is not supported");
        }
        double want = !n_size  ? floor((double)v->dim[i] * scale[k])
                      : policy ? floor(best * (double)v->dim[i] + 0.5)
                               : size[k];
        if (!(want >= 1 && want <= ONNX_MAX_NUMBERS)) FAIL(LIMN_EINPUT, "its axis %d would have the size %g", i, want);
        out[i] = (int64_t)want;
        factor[i] = !n_size ? scale[k] : policy ? best : 0;
    }
done:
    return status;
}

/* ---- tf_crop_and_resize ---------------------------------------------------------------------------------------------
 */
enum { CROP = LIMN_AT_HALF_PIXEL_SYMMETRIC + 1, MAX_MATRIX = 1 << 24 };

/* The window of each axis of v: start[i] … end[i], by default 0 … 1. */
static limn_status read_roi(onnx_op *o, const onnx_value *v, double *start, double *end) {
    limn_status status = LIMN_OK;
    double roi[2 * ONNX_MAX_RANK];
    int64_t axes[ONNX_MAX_RANK];
    size_t n, n_axes;
    int axis;
    for (int i = 0; i < v->rank; i++) start[i] = 0, end[i] = 1;
    TRY(onnx_need_ints(o, 1, roi, 2 * ONNX_MAX_RANK, &n));
    TRY(onnx_ints(o->b->m, o->n, "axes", axes, ONNX_MAX_RANK, &n_axes));
    size_t pairs = n_axes ? n_axes : (size_t)v->rank;
    if (n != 2 * pairs) FAIL(LIMN_EINPUT, "its roi of %zu numbers does not fit %zu axes", n, pairs);
    for (size_t k = 0; k < pairs; k++) {
        TRY(onnx_axis(n_axes ? axes[k] : (int64_t)k, v->rank, &axis));
        start[axis] = roi[k];
        end[axis] = roi[pairs + k];
        if (!(fabs(start[axis]) < 1e6 && fabs(end[axis]) < 1e6)) FAIL(LIMN_EINPUT, "its roi makes no sense");
    }
done:
    return status;
}

/* Weight of the tap at distance d. */
static double tap(const limn_op_attr *a, double d) {
    double c = a->p[0];
    d = fabs(d);
    if (a->mode == LIMN_RESIZE_LINEAR) return d < 1 ? 1 - d : 0;
    if (d < 1) return ((c + 2) * d - (c + 3)) * d * d + 1;
    return d < 2 ? ((c * d - 5 * c) * d + 8 * c) * d - 4 * c : 0;
}

static double nearest(const limn_op_attr *a, double x) {
    const double to[] = {[LIMN_ROUND_PREFER_FLOOR] = ceil(x - 0.5),
                         [LIMN_ROUND_PREFER_CEIL] = floor(x + 0.5),
                         [LIMN_ROUND_FLOOR] = floor(x),
                         [LIMN_ROUND_CEIL] = ceil(x)};
    return to[a->rounding];
}

/* One row (m) of the matrix; 0 where x lies outside, and the row stays empty. */
static int fill_row(const limn_op_attr *a, double x, size_t m, float *row) {
    double sum = 0, last = (double)(m - 1);
    if (!(x >= 0 && x <= last)) return 0;
    if (a->mode == LIMN_RESIZE_NEAREST) {
        row[(size_t)fmin(fmax(nearest(a, x), 0), last)] = 1;
        return 1;
    }
    for (int scaled = 0; scaled < 2; scaled++)
        for (double at = floor(x) - 1; at <= floor(x) + 2; at++) {
            double w = a->outside && (at < 0 || at > last) ? 0 : tap(a, at - x);
            if (scaled)
                row[(size_t)fmin(fmax(at, 0), last)] += (float)(a->outside && sum != 0 ? w / sum : w);
            else
                sum += w;
        }
    return 1;
}

/* Resizes the sample's axis `axis` of a node to n pixels; inside[i]: whether output pixel i lies within the input. */
static limn_status crop_axis(onnx_op *o, const limn_op_attr *a, int axis, size_t n, double start, double end, int *node,
                             unsigned char *inside) {
    limn_status status = LIMN_OK;
    limn_values w = LIMN_NO_VALUES;
    limn_shape s = *onnx_node_shape(o, *node), t;
    limn_op_attr turn = {0}, dense = {.units = (int)n};
    size_t m = s.dim[axis];
    if (n > MAX_MATRIX / m) FAIL(LIMN_EINPUT, "a window of %zu pixels is too large", n);
    for (int i = 0; i < s.rank; i++) turn.perm[i] = i;
    turn.perm[axis] = s.rank - 1, turn.perm[s.rank - 1] = axis;
    TRY(onnx_spend(o->b, n * m));
    TRY(limn_new(&w.v, n * m, sizeof *w.v));
    w.n = n * m;
    for (size_t i = 0; i < n; i++) {
        double at = n > 1 ? start + (double)i * (end - start) / (double)(n - 1) : (start + end) / 2;
        inside[i] = (unsigned char)fill_row(a, at * (double)(m - 1), m, w.v + i * m);
    }
    TRY(onnx_emit1(o, LIMN_OP_TRANSPOSE, *node, &turn, node));
    s = *onnx_node_shape(o, *node);
    t = (limn_shape){2, {limn_shape_size(&s) / m, m}};
    TRY(onnx_reshape(o, *node, &t, node));
    limn_values given = w;
    int in = *node;
    w = LIMN_NO_VALUES;
    TRY(onnx_emit(o, LIMN_OP_DENSE, 1, &in, &dense, given, LIMN_NO_VALUES, node));
    s.dim[s.rank - 1] = n;
    TRY(onnx_reshape(o, *node, &s, node));
    status = onnx_emit1(o, LIMN_OP_TRANSPOSE, *node, &turn, node);
done:
    free(w.v);
    return status;
}

/* Adds `value` where a pixel lies outside along any axis. */
static limn_status extrapolate(onnx_op *o, double value, unsigned char *const *inside, int *node) {
    limn_status status = LIMN_OK;
    limn_values c = LIMN_NO_VALUES;
    limn_op_attr a = {.shape = *onnx_node_shape(o, *node)}, add = {.f = LIMN_F_ADD};
    const limn_shape *s = &a.shape;
    int in[2] = {*node};
    c.n = limn_shape_size(s);
    TRY(onnx_spend(o->b, c.n));
    TRY(limn_new(&c.v, c.n, sizeof *c.v));
    for (size_t i = 0; i < c.n; i++) {
        size_t rest = i;
        for (int k = s->rank - 1; k >= 0; k--, rest /= s->dim[k + 1])
            if (inside[k] && !inside[k][rest % s->dim[k]]) c.v[i] = (float)value;
    }
    limn_values given = c;
    c = LIMN_NO_VALUES;
    TRY(onnx_emit(o, LIMN_OP_CONST, 0, NULL, &a, given, LIMN_NO_VALUES, &in[1]));
    status = onnx_emit(o, LIMN_OP_BINARY, 2, in, &add, LIMN_NO_VALUES, LIMN_NO_VALUES, node);
done:
    free(c.v);
    return status;
}

static limn_status crop(onnx_op *o, const onnx_value *v, const limn_op_attr *a, const int64_t *out, int node) {
    limn_status status = LIMN_OK;
    unsigned char *inside[LIMN_MAX_RANK] = {NULL};
    double start[ONNX_MAX_RANK], end[ONNX_MAX_RANK], value;
    int axis = 0;
    if (a->antialias) FAIL(LIMN_EINPUT, "tf_crop_and_resize with antialias is not supported");
    TRY(onnx_float(o->b->m, o->n, "extrapolation_value", 0, &value));
    TRY(read_roi(o, v, start, end));
    TRY(onnx_emit1(o, LIMN_OP_IDENTITY, node, NULL, &node));
    for (int i = 0; i < v->rank; i++) {
        if (i == v->batch) continue;
        if (out[i] != v->dim[i] || start[i] != 0 || end[i] != 1) {
            TRY(limn_new(&inside[axis], (size_t)out[i], 1));
            TRY(crop_axis(o, a, axis, (size_t)out[i], start[i], end[i], &node, inside[axis]));
        }
        axis++;
    }
    if (value != 0) TRY(extrapolate(o, value, inside, &node));
    status = set(o, node, v->batch);
done:
    for (int i = 0; i < LIMN_MAX_RANK; i++) free(inside[i]);
    return status;
}

limn_status onnx_emit_resize(onnx_op *o) {
    limn_status status = LIMN_OK;
    static const char *const modes[] = {"nearest", "linear", "cubic", "bilinear"},
                             *const at[] = {"half_pixel",         "asymmetric",           "align_corners",
                                            "pytorch_half_pixel", "half_pixel_symmetric", "tf_crop_and_resize"},
                             *const rounding[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    int old = o->opset < 11 || strcmp(o->row->type, "Upsample") == 0, node, n = 0;
    limn_op_attr a = {0};
    int64_t out[ONNX_MAX_RANK], flag;
    double factor[ONNX_MAX_RANK], cubic;
    onnx_value *v;
    TRY(onnx_need(o, 0, &v));
    TRY(choose(o, "mode", "nearest", modes, 4, &a.mode));
    if (a.mode == 3) a.mode = LIMN_RESIZE_LINEAR;
    TRY(choose(o, "coordinate_transformation_mode", old ? "asymmetric" : "half_pixel", at, 6, &a.coordinates));
    TRY(choose(o, "nearest_mode", old ? "floor" : "round_prefer_floor", rounding, 4, &a.rounding));
    TRY(onnx_float(o->b->m, o->n, "cubic_coeff_a", -0.75, &cubic));
    a.p[0] = (float)cubic;
    TRY(onnx_int(o->b->m, o->n, "exclude_outside", 0, &flag));
    a.outside = flag != 0;
    TRY(onnx_int(o->b->m, o->n, "antialias", 0, &flag));
    a.antialias = flag != 0;
    TRY(resized(o, v, out, factor));
    TRY(onnx_node_of(o, v, &node));
    if (a.coordinates == CROP) return crop(o, v, &a, out, node);
    for (int i = 0; i < v->rank; i++) {
        if (i == v->batch) continue;
        a.factor[n] = factor[i];
        a.shape.dim[n++] = (size_t)out[i];
    }
    a.shape.rank = n;
    TRY(onnx_emit1(o, LIMN_OP_RESIZE, node, &a, &node));
    status = set(o, node, v->batch);
done:
    return status;
}
