/* Known values along axes: what ReduceX, Tile, Trilu, CumSum give of them (see onnx_fold.c).
 *
 * NaN among integers is the batch's unknown size, and whatever is computed from it. Threading: none of its own. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/onnx_fold.h"

/* Index of element i of a tensor of this shape along each axis. */
static void index_of(size_t i, int rank, const int64_t *dim, int64_t *index) {
    for (int k = rank - 1; k >= 0; k--) {
        index[k] = (int64_t)(i % (size_t)dim[k]);
        i /= (size_t)dim[k];
    }
}

/* ---- ReduceX --------------------------------------------------------------------------------------------------------
 */
static double step(int f, double sum, double x) {
    switch (f) {
    case LIMN_F_MAXIMUM:
        return sum > x || isnan(sum) ? sum : x;
    case LIMN_F_MINIMUM:
        return sum < x || isnan(sum) ? sum : x;
    case LIMN_F_PROD:
        return sum * x;
    case LIMN_F_L1:
        return sum + fabs(x);
    case LIMN_F_L2:
    case LIMN_F_SUM_SQUARE:
        return sum + x * x;
    default: /* SUM, MEAN */
        return sum + x;
    }
}

limn_status onnx_fold_reduce(onnx_op *o, onnx_value *v, unsigned axes, int keep) {
    limn_status status = LIMN_OK;
    int64_t dim[ONNX_MAX_RANK], index[ONNX_MAX_RANK];
    const double *x;
    double *out;
    size_t n, size = onnx_size(v);
    int rank = 0, f = o->row->f;
    TRY(onnx_numbers(o, v, &x));
    for (int i = 0; i < v->rank; i++)
        if (keep || !(axes >> i & 1)) dim[rank++] = axes >> i & 1 ? 1 : v->dim[i];
    TRY(onnx_fold_make(o, rank, dim, &out, &n));
    double start = f == LIMN_F_PROD ? 1 : f == LIMN_F_MAXIMUM ? -INFINITY : f == LIMN_F_MINIMUM ? INFINITY : 0;
    for (size_t i = 0; i < n; i++) out[i] = start;
    for (size_t i = 0; i < size; i++) {
        size_t to = 0;
        index_of(i, v->rank, v->dim, index);
        for (int k = 0; k < v->rank; k++)
            if (!(axes >> k & 1)) to = to * (size_t)v->dim[k] + (size_t)index[k];
        out[to] = step(f, out[to], x[i]);
    }
    for (size_t i = 0; i < n; i++)
        out[i] = f == LIMN_F_MEAN ? out[i] / ((double)size / (double)n) : f == LIMN_F_L2 ? sqrt(out[i]) : out[i];
    onnx_set_known(o, 0, v->type, rank, dim, out);
done:
    return status;
}

/* ---- Tile, Trilu, CumSum --------------------------------------------------------------------------------------------
 */
limn_status onnx_fold_tile(onnx_op *o) {
    limn_status status = LIMN_OK;
    double times[ONNX_MAX_RANK];
    int64_t dim[ONNX_MAX_RANK], index[ONNX_MAX_RANK];
    const double *x;
    double *out;
    onnx_value *v;
    size_t n;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_need_ints(o, 1, times, ONNX_MAX_RANK, &n));
    if (n != (size_t)v->rank) FAIL(LIMN_EINPUT, "%zu repeats do not fit %d axes", n, v->rank);
    for (int i = 0; i < v->rank; i++) {
        if (!(times[i] >= 0 && times[i] <= 1 << 20)) FAIL(LIMN_EINPUT, "it repeats an axis %g times", times[i]);
        dim[i] = v->dim[i] * (int64_t)times[i];
    }
    TRY(onnx_numbers(o, v, &x));
    TRY(onnx_fold_make(o, v->rank, dim, &out, &n));
    for (size_t i = 0; i < n; i++) {
        size_t from = 0;
        index_of(i, v->rank, dim, index);
        for (int k = 0; k < v->rank; k++) from = from * (size_t)v->dim[k] + (size_t)(index[k] % v->dim[k]);
        out[i] = x[from];
    }
    onnx_set_known(o, 0, v->type, v->rank, dim, out);
done:
    return status;
}

/* The triangle of the last two axes above (upper) or below the k-th diagonal, that included; 0 elsewhere. */
limn_status onnx_fold_trilu(onnx_op *o) {
    limn_status status = LIMN_OK;
    int64_t index[ONNX_MAX_RANK], upper;
    double k = 0, *out;
    const double *x;
    onnx_value *v;
    size_t n;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_need_ints(o, 1, &k, 1, &n));
    TRY(onnx_int(o->b->m, o->n, "upper", 1, &upper));
    if (v->rank < 2 || v->batch >= 0 || isnan(k)) FAIL(LIMN_EINPUT, "it needs known matrices");
    TRY(onnx_numbers(o, v, &x));
    TRY(onnx_fold_make(o, v->rank, v->dim, &out, &n));
    for (size_t i = 0; i < n; i++) {
        index_of(i, v->rank, v->dim, index);
        double right = (double)(index[v->rank - 1] - index[v->rank - 2]);
        out[i] = (upper ? right >= k : right <= k) ? x[i] : 0;
    }
    onnx_set_known(o, 0, v->type, v->rank, v->dim, out);
done:
    return status;
}

limn_status onnx_fold_cumsum(onnx_op *o) {
    limn_status status = LIMN_OK;
    int64_t exclusive, reverse;
    double at, sum, *out;
    const double *x;
    onnx_value *v;
    size_t n, inner = 1;
    int axis;
    TRY(onnx_need(o, 0, &v));
    TRY(onnx_need_ints(o, 1, &at, 1, &n));
    if (n != 1 || v->batch >= 0 || !(fabs(at) < 64)) FAIL(LIMN_EINPUT, "it needs a known axis");
    TRY(onnx_axis((int64_t)at, v->rank, &axis));
    TRY(onnx_int(o->b->m, o->n, "exclusive", 0, &exclusive));
    TRY(onnx_int(o->b->m, o->n, "reverse", 0, &reverse));
    TRY(onnx_numbers(o, v, &x));
    TRY(onnx_fold_make(o, v->rank, v->dim, &out, &n));
    for (int i = axis + 1; i < v->rank; i++) inner *= (size_t)v->dim[i];
    size_t length = (size_t)v->dim[axis];
    for (size_t i = 0; i < n; i++) {
        if (i / inner % length != 0) continue; /* the first of its row */
        sum = 0;
        for (size_t k = 0; k < length; k++) {
            size_t here = i + (reverse ? length - 1 - k : k) * inner;
            out[here] = exclusive ? sum : sum + x[here];
            sum += x[here];
        }
    }
    onnx_set_known(o, 0, v->type, v->rank, v->dim, out);
done:
    return status;
}
