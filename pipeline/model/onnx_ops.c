/* The table of ONNX operators, and those that work element by element or along axes.
 *
 * A row says from which opset on an operator's meaning is followed (older ones differ, or are far from use), what it
 * computes of known values (fold) and which nodes it becomes otherwise (emit). Where the meaning changed between
 * opsets, its function asks o->opset. Adding an operator is one row. Threading: const tables and pure functions. */
#include "model/onnx_ops.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

/* ---- element by element ---------------------------------------------------------------------------------------------
 */
limn_status onnx_parameters(const onnx_op *o, float p[4]) {
    limn_status status = LIMN_OK;
    for (int i = 0; i < 2; i++) {
        double v = o->row->p[i].fallback;
        int64_t whole;
        const char *name = o->row->p[i].name;
        if (name && strncmp(name, "detect_", 7) == 0) { /* IsInf's are integers */
            TRY(onnx_int(o->b->m, o->n, name, (int64_t)v, &whole));
            v = (double)whole;
        } else if (name)
            TRY(onnx_float(o->b->m, o->n, name, v, &v));
        p[i] = (float)v;
    }
done:
    return status;
}

/* Emits a unary node that reads input 0 and gives output 0. */
static limn_status emit_function(onnx_op *o, limn_op op, const limn_op_attr *a) {
    limn_status status = LIMN_OK;
    onnx_value *v;
    int in, node;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_node_of(o, v, &in));
    TRY(onnx_emit1(o, op, in, a, &node));
    status = onnx_set_node(o, 0, node, v->batch, v->type);
done:
    return status;
}

static limn_status emit_unary(onnx_op *o) {
    limn_op_attr a = {.f = o->row->f};
    limn_status s = onnx_parameters(o, a.p);
    return s == LIMN_OK ? emit_function(o, LIMN_OP_UNARY, &a) : s;
}

static limn_status emit_relu(onnx_op *o) {
    return emit_function(o, LIMN_OP_RELU, NULL);
}

static limn_status emit_gelu(onnx_op *o) {
    limn_op_attr a = {.f = LIMN_F_GELU};
    onnx_bytes how;
    limn_status s = onnx_string(o->b->m, o->n, "approximate", "none", &how);
    if (onnx_is(how, "tanh")) a.f = LIMN_F_GELU_TANH;
    return s == LIMN_OK ? emit_function(o, LIMN_OP_UNARY, &a) : s;
}

/* Bounds as attributes before opset 11, then as inputs 1 and 2. */
static limn_status clip_bounds(onnx_op *o, double bound[2]) {
    limn_status status = LIMN_OK;
    size_t n;
    bound[0] = -FLT_MAX;
    bound[1] = FLT_MAX;
    if (o->opset < 11) {
        TRY(onnx_float(o->b->m, o->n, "min", bound[0], &bound[0]));
        TRY(onnx_float(o->b->m, o->n, "max", bound[1], &bound[1]));
    } else
        for (size_t i = 0; i < 2; i++) TRY(onnx_need_ints(o, i + 1, &bound[i], 1, &n));
done:
    return status;
}

/* Of known numbers; NaN among integers, the batch's size, stays: more than any bound is not known of it. */
static limn_status fold_clip(onnx_op *o) {
    limn_status status = LIMN_OK;
    double bound[2], *out;
    const double *x;
    onnx_value *v;
    size_t n;
    TRY(onnx_need(o, 0, &v));
    TRY(clip_bounds(o, bound));
    TRY(onnx_numbers(o, v, &x));
    TRY(onnx_fold_make(o, v->rank, v->dim, &out, &n));
    for (size_t i = 0; i < n; i++) out[i] = x[i] < bound[0] ? bound[0] : x[i];
    for (size_t i = 0; i < n; i++) out[i] = out[i] > bound[1] ? bound[1] : out[i];
    onnx_set_known(o, 0, v->type, v->rank, v->dim, out);
done:
    return status;
}

static limn_status emit_clip(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.f = LIMN_F_CLIP};
    double bound[2];
    TRY(clip_bounds(o, bound));
    for (int i = 0; i < 2; i++) a.p[i] = (float)bound[i];
    status = emit_function(o, LIMN_OP_UNARY, &a);
done:
    return status;
}

/* Before opset 7 the second input's axes begin at the first's `axis` (PRelu's: at the channels), or end with it: those
 * that are missing behind are put in, so that numpy's rule says the same. *stand_in is used in its place. */
static limn_status old_broadcast(onnx_op *o, onnx_value *stand_in) {
    limn_status status = LIMN_OK;
    int prelu = o->row->f == LIMN_F_PRELU;
    int64_t at;
    int axis;
    if (o->opset >= 7 || o->n_in != 2 || !o->in[0] || !o->in[1] || o->in[1] == stand_in) return LIMN_OK;
    onnx_value *v = o->in[1];
    TRY(onnx_int(o->b->m, o->n, "axis", prelu && v->rank == 1 && v->dim[0] > 1 ? 1 : o->in[0]->rank - v->rank, &at));
    if (v->rank >= o->in[0]->rank) return LIMN_OK;
    TRY(onnx_axis(at, o->in[0]->rank, &axis));
    int more = o->in[0]->rank - axis - v->rank;
    if (more <= 0) return LIMN_OK;
    if (!onnx_is_known(v))
        FAIL(LIMN_EINPUT, "its opset %lld is too old: from 7 on it is supported", (long long)o->opset);
    *stand_in = *v;
    if (v->known) {
        TRY(limn_new(&stand_in->known, onnx_size(v), sizeof *v->known));
        memcpy(stand_in->known, v->known, onnx_size(v) * sizeof *v->known);
    }
    for (int i = 0; i < more; i++) stand_in->dim[stand_in->rank++] = 1;
    o->in[1] = stand_in;
done:
    return status;
}

/* Two inputs, or any number one after the other. */
static limn_status emit_inputs(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.f = o->row->f};
    int rank, batch, in[2], node;
    onnx_value *first;
    TRY(onnx_need(o, 0, &first));
    TRY(onnx_together(o, 0, o->n_in, &rank, &batch));
    TRY(onnx_node_beside(o, o->in[0], rank, batch, &in[0]));
    if (o->n_in == 1) TRY(onnx_emit1(o, LIMN_OP_IDENTITY, in[0], NULL, &in[0]));
    for (size_t i = 1; i < o->n_in; i++) {
        TRY(onnx_node_beside(o, o->in[i], rank, batch, &in[1]));
        TRY(onnx_emit(o, LIMN_OP_BINARY, 2, in, &a, LIMN_NO_VALUES, LIMN_NO_VALUES, &node));
        in[0] = node;
    }
    status = onnx_set_node(o, 0, in[0], batch, o->in[0]->type);
done:
    return status;
}

static limn_status emit_binary(onnx_op *o) {
    limn_status status = LIMN_OK;
    onnx_value stand_in = {0};
    TRY(old_broadcast(o, &stand_in));
    status = emit_inputs(o);
done:
    free(stand_in.known);
    return status;
}

/* fmod: the dividend's sign; else the divisor's. */
static limn_status by_sign(onnx_op *o, limn_status (*run)(onnx_op *o)) {
    onnx_row row = *o->row;
    int64_t c;
    limn_status s = onnx_int(o->b->m, o->n, "fmod", 0, &c);
    if (s != LIMN_OK) return s;
    row.f = c ? LIMN_F_FMOD : LIMN_F_MOD;
    o->row = &row;
    s = run(o);
    o->row = onnx_find_op(o->n->type);
    return s;
}
static limn_status emit_mod(onnx_op *o) {
    return by_sign(o, emit_binary);
}
static limn_status fold_mod(onnx_op *o) {
    return by_sign(o, onnx_fold_binary);
}

static limn_status emit_mean(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.f = LIMN_F_AFFINE, .p = {1 / (float)o->n_in}};
    onnx_value *out = o->out[0];
    int node;
    TRY(emit_binary(o));
    if (!out) return LIMN_OK;
    TRY(onnx_emit1(o, LIMN_OP_UNARY, out->node, &a, &node));
    status = onnx_set_node(o, 0, node, out->batch, out->type);
done:
    return status;
}

static limn_status emit_where(onnx_op *o) {
    limn_status status = LIMN_OK;
    int rank, batch, in[3], node;
    TRY(onnx_together(o, 0, 3, &rank, &batch));
    for (int i = 0; i < 3; i++) TRY(onnx_node_beside(o, o->in[i], rank, batch, &in[i]));
    TRY(onnx_emit(o, LIMN_OP_WHERE, 3, in, NULL, LIMN_NO_VALUES, LIMN_NO_VALUES, &node));
    status = onnx_set_node(o, 0, node, batch, o->in[1]->type);
done:
    return status;
}

static limn_status emit_identity(onnx_op *o) {
    return emit_function(o, LIMN_OP_IDENTITY, NULL);
}

/* To integers: towards zero. The engine computes in float32 throughout. */
static limn_status emit_cast(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.f = LIMN_F_TRUNC};
    int64_t to;
    TRY(onnx_int(o->b->m, o->n, "to", 0, &to));
    if (to == ONNX_FLOAT || to == ONNX_DOUBLE || to == ONNX_FLOAT16 || to == ONNX_BFLOAT16) return emit_identity(o);
    if (to == ONNX_BOOL || to == ONNX_STRING || to < 1 || to > ONNX_UINT64)
        FAIL(LIMN_EINPUT, "a cast of what the network computes to %s is not supported",
             to == ONNX_BOOL || to == ONNX_STRING ? onnx_type_name((int)to) : "an unknown type");
    status = emit_function(o, LIMN_OP_UNARY, &a);
done:
    return status;
}

/* At inference it passes its input on; the mask is all ones. */
static limn_status emit_dropout(onnx_op *o) {
    limn_status status = LIMN_OK;
    double training = 0, ratio = 0.5;
    size_t n;
    if (o->opset >= 12) {
        TRY(onnx_need_ints(o, 1, &ratio, 1, &n));
        TRY(onnx_need_ints(o, 2, &training, 1, &n));
    }
    if (training != 0 && ratio != 0) FAIL(LIMN_EINPUT, "it is in training mode, where it drops values at random");
    TRY(emit_identity(o));
    if (o->n_out > 1 && o->out[1] && o->in[0]->batch < 0) {
        double *ones;
        size_t size = onnx_size(o->in[0]);
        TRY(onnx_spend(o->b, size));
        TRY(limn_new(&ones, size, sizeof *ones));
        for (size_t i = 0; i < size; i++) ones[i] = 1;
        onnx_set_known(o, 1, ONNX_BOOL, o->in[0]->rank, o->in[0]->dim, ones);
    }
done:
    return status;
}

/* ---- along axes -----------------------------------------------------------------------------------------------------
 */
/* Along one axis, by default the last; before opset 13 along all from `axis` (default 1) on, as one. */
static limn_status emit_softmax(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    limn_shape have, flat;
    onnx_value *v;
    int64_t at;
    int axis, node;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_int(o->b->m, o->n, "axis", o->opset < 13 ? 1 : -1, &at));
    TRY(onnx_axis(at, v->rank, &axis));
    TRY(onnx_sample_axis(v, axis, &a.axis));
    TRY(onnx_node_of(o, v, &node));
    have = flat = *onnx_node_shape(o, node);
    if (o->opset < 13 && axis < v->rank - 1) {
        if (v->batch > axis) FAIL(LIMN_EINPUT, "it works across the samples of a batch, which is not supported");
        flat.rank = a.axis + 1;
        for (int i = flat.rank; i < have.rank; i++) flat.dim[a.axis] *= have.dim[i];
    }
    TRY(onnx_reshape(o, node, &flat, &node));
    TRY(onnx_emit1(o, (limn_op)o->row->f, node, &a, &node));
    TRY(onnx_reshape(o, node, &have, &node));
    status = onnx_set_node(o, 0, node, v->batch, v->type);
done:
    return status;
}

/* Axes as an attribute, or (ReduceSum from opset 13 on, all from 18 on) as input 1. */
static limn_status reduce_axes(onnx_op *o, const onnx_value *v, unsigned *axes) {
    limn_status status = LIMN_OK;
    double t[ONNX_MAX_RANK];
    int64_t list[ONNX_MAX_RANK], nothing;
    size_t n = 0;
    int axis;
    TRY(onnx_int(o->b->m, o->n, "noop_with_empty_axes", 0, &nothing));
    if (o->opset < (o->row->f == LIMN_F_SUM ? 13 : 18)) {
        TRY(onnx_ints(o->b->m, o->n, "axes", list, ONNX_MAX_RANK, &n));
        for (size_t i = 0; i < n; i++) t[i] = (double)list[i];
    } else
        TRY(onnx_need_ints(o, 1, t, ONNX_MAX_RANK, &n));
    *axes = n == 0 && !nothing ? (1u << v->rank) - 1 : 0;
    for (size_t i = 0; i < n; i++) {
        if (!(fabs(t[i]) < 64)) FAIL(LIMN_EINPUT, "there is no axis %g", t[i]);
        TRY(onnx_axis((int64_t)t[i], v->rank, &axis));
        *axes |= 1u << axis;
    }
done:
    return status;
}

static limn_status emit_reduce(onnx_op *o);

/* Of known values: those of shapes (products, sums, extrema), of which NaN is the batch's size; others are computed where
 * the network runs. */
static limn_status fold_reduce(onnx_op *o) {
    limn_status status = LIMN_OK;
    onnx_value *v;
    unsigned axes;
    int64_t keep;
    TRY(onnx_need(o, 0, &v));
    TRY(reduce_axes(o, v, &axes));
    TRY(onnx_int(o->b->m, o->n, "keepdims", 1, &keep));
    if (onnx_size(v) == 0 || o->row->f == LIMN_F_LOG_SUM || o->row->f == LIMN_F_LOG_SUM_EXP) return emit_reduce(o);
    status = onnx_fold_reduce(o, v, axes, keep != 0);
done:
    return status;
}

static limn_status emit_reduce(onnx_op *o) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.f = o->row->f};
    unsigned axes;
    int64_t keep;
    onnx_value *v;
    int in, node, batch = 0, at;
    TRY(onnx_need(o, 0, &v));
    TRY(reduce_axes(o, v, &axes));
    TRY(onnx_int(o->b->m, o->n, "keepdims", 1, &keep));
    a.keep = keep != 0;
    for (int i = 0; i < v->rank; i++) {
        if (axes >> i & 1) {
            TRY(onnx_sample_axis(v, i, &at));
            a.axes |= 1u << at;
        }
        batch += i < v->batch && (a.keep || !(axes >> i & 1));
    }
    TRY(onnx_node_of(o, v, &in));
    TRY(onnx_emit1(o, axes ? LIMN_OP_REDUCE : LIMN_OP_IDENTITY, in, axes ? &a : NULL, &node));
    TRY(onnx_set_node(o, 0, node, v->batch < 0 ? -1 : batch, v->type));
    if (v->rank == 4 && axes == 12 && o->row->f == LIMN_F_MEAN) o->b->g->layer[o->layer].kind = LIMN_KIND_GLOBAL_POOL;
done:
    return status;
}

/* ---- the table ------------------------------------------------------------------------------------------------------
 */
#define UNARY(type, since, f, ...)                                                                                     \
    {                                                                                                                  \
        type, since, LIMN_KIND_OTHER, emit_unary, onnx_fold_unary, f, {                                                \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
#define BINARY(type, since, f)                                                                                         \
    {                                                                                                                  \
        type, since, LIMN_KIND_OTHER, emit_binary, onnx_fold_binary, f, {                                              \
            { NULL, 0 }                                                                                                \
        }                                                                                                              \
    }
#define REDUCE(type, f)                                                                                                \
    {                                                                                                                  \
        type, 1, LIMN_KIND_OTHER, emit_reduce, fold_reduce, f, {                                                       \
            { NULL, 0 }                                                                                                \
        }                                                                                                              \
    }
#define ROW(type, since, kind, emit, fold)                                                                             \
    {                                                                                                                  \
        type, since, LIMN_KIND_##kind, emit, fold, 0, {                                                                \
            { NULL, 0 }                                                                                                \
        }                                                                                                              \
    }
#define NONE                                                                                                           \
    { NULL, 0 }

const onnx_row onnx_op_table[] = {
    UNARY("Abs", 6, LIMN_F_ABS, NONE),
    UNARY("Acos", 7, LIMN_F_ACOS, NONE),
    UNARY("Acosh", 9, LIMN_F_ACOSH, NONE),
    BINARY("Add", 1, LIMN_F_ADD),
    BINARY("And", 7, LIMN_F_AND),
    {"ArgMax", 1, LIMN_KIND_OTHER, onnx_emit_arg, NULL, LIMN_F_MAXIMUM, {NONE}},
    {"ArgMin", 1, LIMN_KIND_OTHER, onnx_emit_arg, NULL, LIMN_F_MINIMUM, {NONE}},
    UNARY("Asin", 7, LIMN_F_ASIN, NONE),
    UNARY("Asinh", 9, LIMN_F_ASINH, NONE),
    UNARY("Atan", 7, LIMN_F_ATAN, NONE),
    UNARY("Atanh", 9, LIMN_F_ATANH, NONE),
    ROW("Attention", 23, OTHER, onnx_emit_attention, NULL),
    ROW("AveragePool", 1, POOL, onnx_emit_pool, NULL),
    ROW("BatchNormalization", 6, OTHER, onnx_emit_batch_norm, NULL),
    ROW("Cast", 6, OTHER, emit_cast, onnx_fold_cast),
    UNARY("Ceil", 6, LIMN_F_CEIL, NONE),
    UNARY("Celu", 12, LIMN_F_CELU, {"alpha", 1}),
    ROW("Clip", 6, OTHER, emit_clip, fold_clip),
    ROW("Concat", 4, OTHER, onnx_emit_concat, onnx_fold_concat),
    ROW("Constant", 1, OTHER, NULL, onnx_fold_constant),
    ROW("ConstantOfShape", 9, OTHER, NULL, onnx_fold_constant_of_shape),
    ROW("Conv", 1, CONV, onnx_emit_conv, NULL),
    ROW("ConvTranspose", 1, CONV, onnx_emit_conv_transpose, NULL),
    UNARY("Cos", 7, LIMN_F_COS, NONE),
    UNARY("Cosh", 9, LIMN_F_COSH, NONE),
    ROW("CumSum", 11, OTHER, NULL, onnx_fold_cumsum),
    ROW("DepthToSpace", 1, OTHER, onnx_emit_depth_to_space, NULL),
    BINARY("Div", 1, LIMN_F_DIV),
    ROW("Dropout", 6, OTHER, emit_dropout, onnx_fold_identity),
    ROW("Einsum", 12, OTHER, onnx_emit_einsum, NULL),
    UNARY("Elu", 6, LIMN_F_ELU, {"alpha", 1}),
    BINARY("Equal", 7, LIMN_F_EQUAL),
    UNARY("Erf", 9, LIMN_F_ERF, NONE),
    UNARY("Exp", 6, LIMN_F_EXP, NONE),
    ROW("Expand", 8, OTHER, onnx_emit_expand, onnx_fold_expand),
    ROW("Flatten", 1, OTHER, onnx_emit_flatten, onnx_fold_flatten),
    UNARY("Floor", 6, LIMN_F_FLOOR, NONE),
    ROW("Gather", 1, OTHER, onnx_emit_gather, onnx_fold_gather),
    ROW("Gelu", 20, OTHER, emit_gelu, NULL),
    ROW("Gemm", 1, DENSE, onnx_emit_gemm, NULL),
    {"GlobalAveragePool", 1, LIMN_KIND_GLOBAL_POOL, onnx_emit_global_pool, NULL, LIMN_F_MEAN, {NONE}},
    {"GlobalMaxPool", 1, LIMN_KIND_GLOBAL_POOL, onnx_emit_global_pool, NULL, LIMN_F_MAXIMUM, {NONE}},
    BINARY("Greater", 7, LIMN_F_GREATER),
    BINARY("GreaterOrEqual", 12, LIMN_F_GREATER_EQUAL),
    ROW("GroupNormalization", 18, OTHER, onnx_emit_group_norm, NULL),
    UNARY("HardSigmoid", 6, LIMN_F_HARD_SIGMOID, {"alpha", 0.2}, {"beta", 0.5}),
    UNARY("HardSwish", 14, LIMN_F_HARD_SWISH, NONE),
    ROW("Identity", 1, OTHER, emit_identity, onnx_fold_identity),
    ROW("InstanceNormalization", 6, OTHER, onnx_emit_instance_norm, NULL),
    UNARY("IsInf", 10, LIMN_F_IS_INF, {"detect_negative", 1}, {"detect_positive", 1}),
    UNARY("IsNaN", 9, LIMN_F_IS_NAN, NONE),
    ROW("LRN", 1, OTHER, onnx_emit_lrn, NULL),
    ROW("LayerNormalization", 17, OTHER, onnx_emit_layer_norm, NULL),
    UNARY("LeakyRelu", 6, LIMN_F_LEAKY, {"alpha", 0.01}),
    BINARY("Less", 7, LIMN_F_LESS),
    BINARY("LessOrEqual", 12, LIMN_F_LESS_EQUAL),
    UNARY("Log", 6, LIMN_F_LOG, NONE),
    {"LogSoftmax", 1, LIMN_KIND_OTHER, emit_softmax, NULL, LIMN_OP_LOG_SOFTMAX, {NONE}},
    ROW("LpNormalization", 1, OTHER, onnx_emit_lp_norm, NULL),
    ROW("MatMul", 1, OTHER, onnx_emit_matmul, NULL),
    BINARY("Max", 8, LIMN_F_MAX),
    ROW("MaxPool", 1, POOL, onnx_emit_pool, NULL),
    {"Mean", 8, LIMN_KIND_OTHER, emit_mean, NULL, LIMN_F_ADD, {NONE}},
    ROW("MeanVarianceNormalization", 9, OTHER, onnx_emit_mean_variance, NULL),
    BINARY("Min", 8, LIMN_F_MIN),
    UNARY("Mish", 18, LIMN_F_MISH, NONE),
    {"Mod", 10, LIMN_KIND_OTHER, emit_mod, fold_mod, LIMN_F_MOD, {NONE}},
    BINARY("Mul", 1, LIMN_F_MUL),
    UNARY("Neg", 6, LIMN_F_NEG, NONE),
    UNARY("Not", 1, LIMN_F_NOT, NONE),
    BINARY("Or", 7, LIMN_F_OR),
    BINARY("PRelu", 1, LIMN_F_PRELU),
    ROW("Pad", 2, OTHER, onnx_emit_pad, NULL),
    BINARY("Pow", 7, LIMN_F_POW),
    ROW("RMSNormalization", 23, OTHER, onnx_emit_rms_norm, NULL),
    ROW("Range", 11, OTHER, NULL, onnx_fold_range),
    UNARY("Reciprocal", 6, LIMN_F_RECIPROCAL, NONE),
    REDUCE("ReduceL1", LIMN_F_L1),
    REDUCE("ReduceL2", LIMN_F_L2),
    REDUCE("ReduceLogSum", LIMN_F_LOG_SUM),
    REDUCE("ReduceLogSumExp", LIMN_F_LOG_SUM_EXP),
    REDUCE("ReduceMax", LIMN_F_MAXIMUM),
    REDUCE("ReduceMean", LIMN_F_MEAN),
    REDUCE("ReduceMin", LIMN_F_MINIMUM),
    REDUCE("ReduceProd", LIMN_F_PROD),
    REDUCE("ReduceSum", LIMN_F_SUM),
    REDUCE("ReduceSumSquare", LIMN_F_SUM_SQUARE),
    ROW("Relu", 6, OTHER, emit_relu, NULL),
    ROW("Reshape", 1, OTHER, onnx_emit_reshape, onnx_fold_reshape),
    ROW("Resize", 10, OTHER, onnx_emit_resize, NULL),
    UNARY("Round", 11, LIMN_F_ROUND, NONE),
    UNARY("Selu", 6, LIMN_F_SELU, {"alpha", 1.67326319217681884765625}, {"gamma", 1.05070102214813232421875}),
    ROW("Shape", 1, OTHER, NULL, onnx_fold_shape),
    UNARY("Shrink", 9, LIMN_F_SHRINK, {"lambd", 0.5}, {"bias", 0}),
    UNARY("Sigmoid", 6, LIMN_F_SIGMOID, NONE),
    UNARY("Sign", 9, LIMN_F_SIGN, NONE),
    UNARY("Sin", 7, LIMN_F_SIN, NONE),
    UNARY("Sinh", 9, LIMN_F_SINH, NONE),
    ROW("Size", 1, OTHER, NULL, onnx_fold_size),
    ROW("Slice", 1, OTHER, onnx_emit_slice, onnx_fold_slice),
    {"Softmax", 1, LIMN_KIND_OTHER, emit_softmax, NULL, LIMN_OP_SOFTMAX, {NONE}},
    UNARY("Softplus", 1, LIMN_F_SOFTPLUS, NONE),
    UNARY("Softsign", 1, LIMN_F_SOFTSIGN, NONE),
    {"SpaceToDepth", 1, LIMN_KIND_OTHER, onnx_emit_depth_to_space, NULL, 1, {NONE}},
    ROW("Split", 2, OTHER, onnx_emit_split, onnx_fold_split),
    UNARY("Sqrt", 6, LIMN_F_SQRT, NONE),
    ROW("Squeeze", 1, OTHER, onnx_emit_squeeze, onnx_fold_squeeze),
    BINARY("Sub", 1, LIMN_F_SUB),
    BINARY("Sum", 8, LIMN_F_ADD),
    UNARY("Swish", 24, LIMN_F_SILU, {"alpha", 1}),
    UNARY("Tan", 7, LIMN_F_TAN, NONE),
    UNARY("Tanh", 6, LIMN_F_TANH, NONE),
    UNARY("ThresholdedRelu", 10, LIMN_F_THRESHOLDED, {"alpha", 1}),
    ROW("Tile", 6, OTHER, onnx_emit_tile, onnx_fold_tile),
    ROW("TopK", 1, OTHER, onnx_emit_top, NULL),
    ROW("Transpose", 1, OTHER, onnx_emit_transpose, onnx_fold_transpose),
    ROW("Trilu", 14, OTHER, NULL, onnx_fold_trilu),
    ROW("Unsqueeze", 1, OTHER, onnx_emit_unsqueeze, onnx_fold_unsqueeze),
    ROW("Upsample", 7, OTHER, onnx_emit_resize, NULL),
    ROW("Where", 9, OTHER, emit_where, onnx_fold_where),
    BINARY("Xor", 7, LIMN_F_XOR),
    {NULL, 0, LIMN_KIND_OTHER, NULL, NULL, 0, {NONE}},
};

const onnx_row *onnx_find_op(onnx_bytes type) {
    for (const onnx_row *r = onnx_op_table; r->type; r++)
        if (onnx_is(type, r->type)) return r;
    return NULL;
}
