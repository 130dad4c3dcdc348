/* Known values: what ONNX's operators give of constants and of shapes, computed while the file is read.
 *
 * Numbers are float64, in which every integer that counts or indexes is exact; NaN among integers is the batch's unknown
 * size. Operators that only move numbers are one loop over the output with a stride for each axis. Threading: none. */
#include "model/onnx_fold.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

enum { MAX_OUT = ONNX_MAX_NUMBERS };

static int is_integer(int type) {
    return type != ONNX_FLOAT && type != ONNX_DOUBLE && type != ONNX_FLOAT16 && type != ONNX_BFLOAT16;
}

/* Room for a tensor of this shape, within the budget; *n its numbers. */
limn_status onnx_fold_make(onnx_op *o, int rank, const int64_t *dim, double **out, size_t *n) {
    limn_status status = LIMN_OK;
    int empty = 0;
    *n = 1;
    for (int i = 0; i < rank; i++) {
        empty |= dim[i] == 0;
        if (dim[i] < 0) FAIL(LIMN_EINPUT, "a shape with an axis of %lld", (long long)dim[i]);
        if (dim[i] > 0 && *n > (size_t)MAX_OUT / (size_t)dim[i]) FAIL(LIMN_EINPUT, "more than %d values", MAX_OUT);
        *n *= dim[i] > 0 ? (size_t)dim[i] : 1; /* bounded also where there is a 0 */
    }
    if (empty) *n = 0;
    TRY(onnx_spend(o->b, *n));
    status = limn_new(out, *n, sizeof **out);
done:
    return status;
}

/* ---- numbers that move ----------------------------------------------------------------------------------------------
 */
static void strides_of(const onnx_value *v, int64_t *stride) {
    int64_t s = 1;
    for (int i = v->rank - 1; i >= 0; i--) {
        stride[i] = s;
        s *= v->dim[i];
    }
}

/* The next index of a tensor of this shape, and the offsets that follow from it. */
static void next(int rank, const int64_t *dim, int64_t *index, const int64_t *a, int64_t *at, const int64_t *b,
                 int64_t *bt) {
    for (int i = rank - 1; i >= 0; i--) {
        *at += a[i];
        if (b) *bt += b[i];
        if (++index[i] < dim[i]) return;
        index[i] = 0;
        *at -= a[i] * dim[i];
        if (b) *bt -= b[i] * dim[i];
    }
}

/* out[i, j, …] = v[base + i stride0 + j stride1 + …] */
static limn_status moved(onnx_op *o, size_t which, onnx_value *v, int rank, const int64_t *dim, int64_t base,
                         const int64_t *stride) {
    limn_status status = LIMN_OK;
    int64_t index[ONNX_MAX_RANK] = {0};
    const double *x;
    double *out;
    size_t n;
    TRY(onnx_numbers(o, v, &x));
    TRY(onnx_fold_make(o, rank, dim, &out, &n));
    for (size_t i = 0; i < n; i++) {
        out[i] = x[base];
        next(rank, dim, index, stride, &base, NULL, NULL);
    }
    onnx_set_known(o, which, v->type, rank, dim, out);
done:
    return status;
}

/* The same numbers in another shape: an initialiser stays in the file. */
static limn_status reshaped(onnx_op *o, onnx_value *v, int rank, const int64_t *dim) {
    limn_status s = onnx_set_alias(o, 0, v);
    if (s != LIMN_OK || !o->out[0]) return s;
    o->out[0]->rank = rank;
    if (rank > 0) memcpy(o->out[0]->dim, dim, (size_t)rank * sizeof *dim);
    return LIMN_OK;
}

limn_status onnx_fold_identity(onnx_op *o) {
    onnx_value *v;
    limn_status s = onnx_need(o, 0, &v);
    return s == LIMN_OK ? onnx_set_alias(o, 0, v) : s;
}

typedef limn_status (*dims_fn)(onnx_op *o, const onnx_value *v, int64_t *dim, int *rank, int *batch);

static limn_status fold_dims(onnx_op *o, dims_fn dims) {
    limn_status status = LIMN_OK;
    int64_t dim[ONNX_MAX_RANK];
    int rank, batch;
    onnx_value *v;
    TRY(onnx_need(o, 0, &v));
    TRY(dims(o, v, dim, &rank, &batch));
    status = reshaped(o, v, rank, dim);
done:
    return status;
}

limn_status onnx_fold_reshape(onnx_op *o) {
    return fold_dims(o, onnx_reshape_dims);
}
limn_status onnx_fold_squeeze(onnx_op *o) {
    return fold_dims(o, onnx_squeeze_dims);
}
limn_status onnx_fold_unsqueeze(onnx_op *o) {
    return fold_dims(o, onnx_unsqueeze_dims);
}

static limn_status flatten_dims(onnx_op *o, const onnx_value *v, int64_t *dim, int *rank, int *batch) {
    int64_t at;
    limn_status s = onnx_int(o->b->m, o->n, "axis", 1, &at);
    if (s != LIMN_OK) return s;
    at = at < 0 ? at + v->rank : at;
    *rank = 2;
    *batch = -1;
    dim[0] = dim[1] = 1;
    for (int i = 0; i < v->rank; i++) dim[i >= at] *= v->dim[i];
    return LIMN_OK;
}

limn_status onnx_fold_flatten(onnx_op *o) {
    return fold_dims(o, flatten_dims);
}

limn_status onnx_fold_transpose(onnx_op *o) {
    limn_status status = LIMN_OK;
    int64_t dim[ONNX_MAX_RANK], stride[ONNX_MAX_RANK], turned[ONNX_MAX_RANK];
    int perm[ONNX_MAX_RANK];
    onnx_value *v;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_perm(o, v, perm));
    strides_of(v, stride);
    for (int i = 0; i < v->rank; i++) {
        dim[i] = v->dim[perm[i]];
        turned[i] = stride[perm[i]];
    }
    status = moved(o, 0, v, v->rank, dim, 0, turned);
done:
    return status;
}

limn_status onnx_fold_slice(onnx_op *o) {
    limn_status status = LIMN_OK;
    onnx_range r[ONNX_MAX_RANK];
    int64_t dim[ONNX_MAX_RANK], stride[ONNX_MAX_RANK], base = 0;
    onnx_value *v;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_slice_ranges(o, v, r));
    strides_of(v, stride);
    for (int i = 0; i < v->rank; i++) {
        dim[i] = r[i].size;
        base += r[i].start * stride[i];
        stride[i] *= r[i].step;
    }
    status = moved(o, 0, v, v->rank, dim, base, stride);
done:
    return status;
}

limn_status onnx_fold_split(onnx_op *o) {
    limn_status status = LIMN_OK;
    int64_t dim[ONNX_MAX_RANK], stride[ONNX_MAX_RANK], *sizes = NULL, at = 0;
    onnx_value *v;
    int axis;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_split_sizes(o, v, &axis, &sizes));
    strides_of(v, stride);
    memcpy(dim, v->dim, sizeof dim);
    for (size_t i = 0; i < o->n_out; i++) {
        dim[axis] = sizes[i];
        TRY(moved(o, i, v, v->rank, dim, at * stride[axis], stride));
        at += sizes[i];
    }
done:
    free(sizes);
    return status;
}

/* Shape of input 1, of which NaN is the batch; the result of a broadcast may have a batch axis: one sample's numbers. */
limn_status onnx_fold_expand(onnx_op *o) {
    limn_status status = LIMN_OK;
    int64_t dim[ONNX_MAX_RANK], have[ONNX_MAX_RANK], stride[ONNX_MAX_RANK] = {0};
    double t[ONNX_MAX_RANK];
    onnx_value *v;
    size_t n;
    int batch = -1;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_need_ints(o, 1, t, ONNX_MAX_RANK, &n));
    int rank = (int)n > v->rank ? (int)n : v->rank;
    strides_of(v, have);
    for (int i = 0; i < rank; i++) {
        int from = i - (rank - v->rank), to = i - (rank - (int)n);
        int64_t size = from < 0 ? 1 : v->dim[from];
        double want = to < 0 ? 1 : t[to];
        if (isnan(want) && size == 1 && batch < 0 && onnx_batch_times(want) <= 1) {
            batch = i;
            want = 1;
        }
        if (isnan(want) || want < 0 || want > ONNX_MAX_NUMBERS || (want != 1 && size != 1 && (double)size != want))
            FAIL(LIMN_EINPUT, "its input does not fit its shape");
        dim[i] = size != 1 ? size : (int64_t)want;
        stride[i] = size == 1 ? 0 : have[from];
    }
    TRY(moved(o, 0, v, rank, dim, 0, stride));
    if (batch >= 0 && o->out[0]) {
        o->out[0]->batch = batch;
        o->out[0]->dim[batch] = -1;
    }
done:
    return status;
}

limn_status onnx_fold_concat(onnx_op *o) {
    limn_status status = LIMN_OK;
    int64_t dim[ONNX_MAX_RANK], at;
    onnx_value *first, *v;
    double *out = NULL;
    const double *x;
    size_t n, outer = 1, inner = 1, done_rows = 0;
    int axis;
    TRY(onnx_need(o, 0, &first));
    TRY(onnx_int(o->b->m, o->n, "axis", 1, &at));
    TRY(onnx_axis(at, first->rank, &axis));
    memcpy(dim, first->dim, sizeof dim);
    dim[axis] = 0;
    for (size_t k = 0; k < o->n_in; k++) {
        TRY(onnx_need(o, k, &v));
        for (int i = 0; i < first->rank; i++)
            if (v->rank != first->rank || (i != axis && v->dim[i] != first->dim[i]))
                FAIL(LIMN_EINPUT, "its inputs have shapes that do not fit");
        dim[axis] += v->dim[axis];
    }
    TRY(onnx_fold_make(o, first->rank, dim, &out, &n));
    for (int i = 0; i < first->rank; i++) *(i < axis ? &outer : &inner) *= i == axis ? 1 : (size_t)dim[i];
    for (size_t k = 0; k < o->n_in; k++) {
        size_t block = (size_t)o->in[k]->dim[axis] * inner, all = (size_t)dim[axis] * inner;
        TRY(onnx_numbers(o, o->in[k], &x));
        for (size_t i = 0; i < outer && block > 0; i++)
            memcpy(out + i * all + done_rows * inner, x + i * block, block * sizeof *out);
        done_rows += (size_t)o->in[k]->dim[axis];
    }
    onnx_set_known(o, 0, first->type, first->rank, dim, out);
    out = NULL;
done:
    free(out);
    return status;
}

limn_status onnx_fold_gather(onnx_op *o) {
    limn_status status = LIMN_OK;
    int64_t dim[ONNX_MAX_RANK], at;
    onnx_value *v, *index;
    const double *x, *take;
    double *out = NULL;
    size_t n, outer = 1, inner = 1;
    int axis, rank = 0;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_need(o, 1, &index));
    TRY(onnx_int(o->b->m, o->n, "axis", 0, &at));
    TRY(onnx_axis(at, v->rank, &axis));
    if (v->rank - 1 + index->rank > ONNX_MAX_RANK) FAIL(LIMN_EINPUT, "a tensor of more than %d axes", ONNX_MAX_RANK);
    for (int i = 0; i < axis; i++) outer *= (size_t)(dim[rank++] = v->dim[i]);
    for (int i = 0; i < index->rank; i++) dim[rank++] = index->dim[i];
    for (int i = axis + 1; i < v->rank; i++) inner *= (size_t)(dim[rank++] = v->dim[i]);
    TRY(onnx_numbers(o, v, &x));
    TRY(onnx_numbers(o, index, &take));
    TRY(onnx_fold_make(o, rank, dim, &out, &n));
    size_t count = onnx_size(index);
    for (size_t k = 0; k < count; k++) {
        double from = take[k] < 0 ? take[k] + (double)v->dim[axis] : take[k];
        if (!(from >= 0 && from < (double)v->dim[axis]))
            FAIL(LIMN_EINPUT, "there is no element %g of %lld", take[k], (long long)v->dim[axis]);
        for (size_t i = 0; i < outer && inner > 0; i++)
            memcpy(out + (i * count + k) * inner, x + (i * (size_t)v->dim[axis] + (size_t)from) * inner,
                   inner * sizeof *out);
    }
    onnx_set_known(o, 0, v->type, rank, dim, out);
    out = NULL;
done:
    free(out);
    return status;
}

/* ---- numbers that are made ------------------------------------------------------------------------------------------
 */
limn_status onnx_fold_constant(onnx_op *o) {
    limn_status status = LIMN_OK;
    onnx_tensor t;
    double *out = NULL;
    int64_t one = 1, *ints = NULL;
    int found;
    TRY(onnx_attr_tensor(o->b->m, o->n, "value", &t, &found));
    if (found) {
        TRY(onnx_spend(o->b, t.count));
        TRY(onnx_tensor_doubles(o->b->m, &t, &out));
        onnx_set_known(o, 0, t.type, t.rank, t.dim, out);
        return LIMN_OK;
    }
    int list = onnx_has(o->b->m, o->n, "value_ints") || onnx_has(o->b->m, o->n, "value_floats"),
        floats = onnx_has(o->b->m, o->n, "value_float") || onnx_has(o->b->m, o->n, "value_floats");
    size_t count = 1, most = 1;
    if (list) most = onnx_attr_bytes(o->b->m, o->n, floats ? "value_floats" : "value_ints");
    TRY(onnx_spend(o->b, most));
    TRY(limn_new(&out, most, sizeof *out));
    TRY(limn_new(&ints, most, sizeof *ints));
    if (list && floats)
        TRY(onnx_floats(o->b->m, o->n, "value_floats", out, most, &count));
    else if (list)
        TRY(onnx_ints(o->b->m, o->n, "value_ints", ints, most, &count));
    else if (floats)
        TRY(onnx_float(o->b->m, o->n, "value_float", 0, out));
    else if (onnx_has(o->b->m, o->n, "value_int"))
        TRY(onnx_int(o->b->m, o->n, "value_int", 0, ints));
    else
        FAIL(LIMN_EINPUT, "its value is of a kind that is not supported");
    for (size_t i = 0; i < count && !floats; i++) out[i] = (double)ints[i];
    one = (int64_t)count;
    onnx_set_known(o, 0, floats ? ONNX_FLOAT : ONNX_INT64, list, &one, out);
    out = NULL;
done:
    free(out);
    free(ints);
    return status;
}

limn_status onnx_fold_constant_of_shape(onnx_op *o) {
    limn_status status = LIMN_OK;
    int64_t dim[ONNX_MAX_RANK];
    double t[ONNX_MAX_RANK], *out = NULL, *value = NULL;
    onnx_tensor tensor = {.type = ONNX_FLOAT};
    size_t rank, n;
    int found, batch = -1;
    TRY(onnx_need_ints(o, 0, t, ONNX_MAX_RANK, &rank));
    TRY(onnx_attr_tensor(o->b->m, o->n, "value", &tensor, &found));
    if (found) TRY(onnx_tensor_doubles(o->b->m, &tensor, &value));
    if (found && tensor.count != 1) FAIL(LIMN_EINPUT, "its value has %zu numbers", tensor.count);
    for (size_t i = 0; i < rank; i++) {
        if (isnan(t[i]) && (batch >= 0 || onnx_batch_times(t[i]) > 1))
            FAIL(LIMN_EINPUT, "its shape holds a multiple of the batch, which is not supported");
        if (isnan(t[i])) batch = (int)i;
        if (t[i] < 0 || t[i] > ONNX_MAX_NUMBERS) FAIL(LIMN_EINPUT, "its shape has an axis of %g", t[i]);
        dim[i] = isnan(t[i]) ? 1 : (int64_t)t[i];
    }
    TRY(onnx_fold_make(o, (int)rank, dim, &out, &n));
    for (size_t i = 0; i < n && found; i++) out[i] = value[0];
    onnx_set_known(o, 0, found ? tensor.type : ONNX_FLOAT, (int)rank, dim, out);
    if (batch >= 0 && o->out[0]) {
        o->out[0]->batch = batch;
        o->out[0]->dim[batch] = -1;
    }
done:
    free(value);
    return status;
}

limn_status onnx_fold_range(onnx_op *o) {
    limn_status status = LIMN_OK;
    double v[3], *out;
    size_t n;
    for (size_t i = 0; i < 3; i++) {
        TRY(onnx_need_ints(o, i, &v[i], 1, &n));
        if (n != 1) FAIL(LIMN_EINPUT, "it needs a start, an end and a step");
    }
    double count = ceil((v[1] - v[0]) / v[2]);
    if (!(count <= ONNX_MAX_NUMBERS)) FAIL(LIMN_EINPUT, "it has no end, or one that depends on the batch");
    int64_t dim = count > 0 ? (int64_t)count : 0;
    TRY(onnx_fold_make(o, 1, &dim, &out, &n));
    for (size_t i = 0; i < n; i++) out[i] = v[0] + (double)i * v[2];
    onnx_set_known(o, 0, o->in[0]->type, 1, &dim, out);
done:
    return status;
}

/* Shape and Size work on values that are not known, too. */
limn_status onnx_fold_shape(onnx_op *o) {
    limn_status status = LIMN_OK;
    int64_t from, to, n;
    onnx_value *v;
    double *out;
    size_t count;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_int(o->b->m, o->n, "start", 0, &from));
    TRY(onnx_int(o->b->m, o->n, "end", v->rank, &to));
    from = from < 0 ? from + v->rank : from;
    to = to < 0 ? to + v->rank : to;
    from = from < 0 ? 0 : from > v->rank ? v->rank : from;
    to = to < 0 ? 0 : to > v->rank ? v->rank : to;
    n = to > from ? to - from : 0;
    TRY(onnx_fold_make(o, 1, &n, &out, &count));
    for (int64_t i = 0; i < n; i++)
        out[i] = from + i == v->batch ? onnx_batch_size(v->times > 1 ? v->times : 1) : (double)v->dim[from + i];
    onnx_set_known(o, 0, ONNX_INT64, 1, &n, out);
done:
    return status;
}

limn_status onnx_fold_size(onnx_op *o) {
    limn_status status = LIMN_OK;
    onnx_value *v;
    double *out;
    size_t n;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_fold_make(o, 0, NULL, &out, &n));
    out[0] = v->batch >= 0 ? onnx_batch_size(onnx_size(v)) : (double)onnx_size(v);
    onnx_set_known(o, 0, ONNX_INT64, 0, NULL, out);
done:
    return status;
}

/* ---- arithmetic -----------------------------------------------------------------------------------------------------
 */
static double apply(int f, double a, double b) {
    switch (f) {
    case LIMN_F_ADD:
        return a + b;
    case LIMN_F_SUB:
        return a - b;
    case LIMN_F_MUL:
        return a * b;
    case LIMN_F_DIV:
        return a / b;
    case LIMN_F_INT_DIV:
        return trunc(a / b);
    case LIMN_F_POW:
        return pow(a, b);
    case LIMN_F_MOD:
        return a - floor(a / b) * b;
    case LIMN_F_FMOD:
        return fmod(a, b);
    case LIMN_F_MAX:
        return a > b || isnan(a) ? a : b;
    case LIMN_F_MIN:
        return a < b || isnan(a) ? a : b;
    case LIMN_F_EQUAL:
        return a == b;
    case LIMN_F_LESS:
        return a < b;
    case LIMN_F_LESS_EQUAL:
        return a <= b;
    case LIMN_F_GREATER:
        return a > b;
    case LIMN_F_GREATER_EQUAL:
        return a >= b;
    default:
        return limn_binary_table[f].f((float)a, (float)b);
    }
}

/* The same where a or b is NaN: of the batch's size only whole multiples stay known. */
static double apply_to_nan(int f, double a, double b) {
    double other = isnan(a) ? b : a, result = apply(f, a, b), times = 0;
    size_t k = onnx_batch_times(isnan(a) ? a : b);
    if (!isnan(result)) return result;
    if (f == LIMN_F_MUL) times = (double)k * other;
    if ((f == LIMN_F_DIV || f == LIMN_F_INT_DIV) && isnan(a)) times = (double)k / other;
    return onnx_batch_size(times >= 1 && times == floor(times) && times <= MAX_OUT ? (size_t)times : 0);
}

/* The shape of a broadcast; strides of a value in it. */
static limn_status broadcast(const onnx_value *a, const onnx_value *b, int *rank, int64_t *dim) {
    *rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 0; i < *rank; i++) {
        int ia = i - (*rank - a->rank), ib = i - (*rank - b->rank);
        int64_t da = ia < 0 ? 1 : a->dim[ia], db = ib < 0 ? 1 : b->dim[ib];
        if (da != db && da != 1 && db != 1) return limn_fail(LIMN_EINPUT, "its inputs have shapes that do not fit");
        dim[i] = da == 1 ? db : da;
    }
    return LIMN_OK;
}

static void strides_in(const onnx_value *v, int rank, int64_t *stride) {
    int64_t own[ONNX_MAX_RANK];
    strides_of(v, own);
    for (int i = 0; i < rank; i++) {
        int at = i - (rank - v->rank);
        stride[i] = at < 0 || v->dim[at] == 1 ? 0 : own[at];
    }
}

/* v = f(v, w) for a running value v that has no name. */
static limn_status combine(onnx_op *o, int f, const onnx_value *v, onnx_value *w, onnx_value *out) {
    limn_status status = LIMN_OK;
    int64_t dim[ONNX_MAX_RANK], sv[ONNX_MAX_RANK], sw[ONNX_MAX_RANK], index[ONNX_MAX_RANK] = {0}, at = 0, bt = 0;
    const double *b;
    double *result;
    size_t n;
    int rank;
    TRY(broadcast(v, w, &rank, dim));
    TRY(onnx_numbers(o, w, &b));
    TRY(onnx_fold_make(o, rank, dim, &result, &n));
    strides_in(v, rank, sv);
    strides_in(w, rank, sw);
    for (size_t i = 0; i < n; i++) {
        int unknown = isnan(v->known[at]) || isnan(b[bt]);
        result[i] = (unknown ? apply_to_nan : apply)(f, v->known[at], b[bt]);
        next(rank, dim, index, sv, &at, sw, &bt);
    }
    *out = (onnx_value){.type = f >= LIMN_F_EQUAL ? ONNX_BOOL : v->type, .rank = rank, .batch = -1, .node = -1};
    memcpy(out->dim, dim, sizeof dim);
    out->known = result;
done:
    return status;
}

/* Binary operators, and Max, Min, Sum of any number of inputs. */
limn_status onnx_fold_binary(onnx_op *o) {
    limn_status status = LIMN_OK;
    onnx_value *v, run = {0};
    const double *x;
    int f = o->row->f;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_numbers(o, v, &x));
    if (f == LIMN_F_DIV && is_integer(v->type)) f = LIMN_F_INT_DIV;
    run = *v;
    TRY(onnx_spend(o->b, onnx_size(v)));
    TRY(limn_new(&run.known, onnx_size(v), sizeof *run.known));
    memcpy(run.known, x, onnx_size(v) * sizeof *x);
    for (size_t i = 1; i < o->n_in; i++) {
        onnx_value out = {0};
        TRY(onnx_need(o, i, &v));
        TRY(combine(o, f, &run, v, &out));
        free(run.known);
        run = out;
    }
    onnx_set_known(o, 0, run.type, run.rank, run.dim, run.known);
    return LIMN_OK;
done:
    if (run.known != (o->n_in ? o->in[0]->known : NULL)) free(run.known);
    return status;
}

limn_status onnx_fold_unary(onnx_op *o) {
    limn_status status = LIMN_OK;
    float p[4] = {0};
    onnx_value *v;
    const double *x;
    double *out;
    size_t n;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_parameters(o, p));
    TRY(onnx_numbers(o, v, &x));
    TRY(onnx_fold_make(o, v->rank, v->dim, &out, &n));
    for (size_t i = 0; i < n; i++)
        out[i] = o->row->f == LIMN_F_NEG              ? -x[i]
                 : o->row->f == LIMN_F_ABS            ? fabs(x[i])
                 : isnan(x[i]) && is_integer(v->type) ? x[i]
                                                      : limn_unary_table[o->row->f].f((float)x[i], p);
    onnx_set_known(o, 0, v->type, v->rank, v->dim, out);
done:
    return status;
}

limn_status onnx_fold_cast(onnx_op *o) {
    limn_status status = LIMN_OK;
    onnx_value *v;
    int64_t to;
    const double *x;
    double *out;
    size_t n;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_int(o->b->m, o->n, "to", 0, &to));
    if (to < 1 || to > ONNX_BFLOAT16 || to == ONNX_STRING)
        FAIL(LIMN_EINPUT, "a cast to the type %lld is not supported", (long long)to);
    TRY(onnx_numbers(o, v, &x));
    TRY(onnx_fold_make(o, v->rank, v->dim, &out, &n));
    for (size_t i = 0; i < n; i++)
        out[i] = isnan(x[i]) ? x[i] : to == ONNX_BOOL ? x[i] != 0 : is_integer((int)to) ? trunc(x[i]) : x[i];
    onnx_set_known(o, 0, (int)to, v->rank, v->dim, out);
done:
    return status;
}

limn_status onnx_fold_where(onnx_op *o) {
    limn_status status = LIMN_OK;
    int64_t dim[ONNX_MAX_RANK], s[3][ONNX_MAX_RANK], index[3][ONNX_MAX_RANK] = {{0}}, at[3] = {0};
    onnx_value *v[3], both = {0};
    const double *x[3];
    double *out;
    size_t n;
    int rank;
    for (size_t i = 0; i < 3; i++) {
        TRY(onnx_need(o, i, &v[i]));
        TRY(onnx_numbers(o, v[i], &x[i]));
    }
    TRY(broadcast(v[0], v[1], &both.rank, both.dim));
    TRY(broadcast(&both, v[2], &rank, dim));
    TRY(onnx_fold_make(o, rank, dim, &out, &n));
    for (int i = 0; i < 3; i++) strides_in(v[i], rank, s[i]);
    for (size_t k = 0; k < n; k++) {
        out[k] = x[0][at[0]] != 0 ? x[1][at[1]] : x[2][at[2]];
        for (int i = 0; i < 3; i++) next(rank, dim, index[i], s[i], &at[i], NULL, NULL);
    }
    onnx_set_known(o, 0, v[1]->type, rank, dim, out);
done:
    return status;
}
