/* Shapes that ONNX's Reshape, Squeeze, Unsqueeze, Slice, Split and Transpose give: for known values and for nodes alike.
 *
 * Where a value has a batch axis its size is not known, so Reshape has to find where that axis goes: (a) where the target
 * holds the batch's size (NaN, or a 0 that copies it), or so many times it; (b) where it holds -1 and the other sizes are one sample's; (c)
 * where it holds the size that the file fixes (or 1) and the others are one sample's: networks saved with a batch of 1
 * reshape to [1, 256]; then (d) the same where that axis has several rows of each sample, as attention heads are often
 * written, (B, h, T, d) as (B h, T, d), and tokens, (T, B, d) as (T B, d). In each case as many elements must count slower
 * than the samples as did. Threading: pure functions. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/onnx_build.h"

enum { INFER = -1, BATCH = -2 }; /* BATCH - k: k times the batch's size; BATCH: a number that follows from it */

/* A size or an axis out of doubles, which may be far beyond. */
static int64_t clamp(double v, int64_t low, int64_t high) {
    return v <= (double)low ? low : v >= (double)high ? high : (int64_t)v;
}

/* ---- Reshape --------------------------------------------------------------------------------------------------------
 */
/* Whether d (rank) is v's shape with the batch, `times` rows of each sample (0: as many as fit), at axis `at`. Elements that
 * count slower than the samples still must: those of the axes before, and the rows of the axis itself where it is `inner`. */
static int batch_fits(const onnx_value *v, const int64_t *d, int rank, int at, size_t *times, int *inner) {
    double others = 1, before = 1, had = 1, all = (double)onnx_size(v), missing;
    int open = -1;
    for (int i = 0; i < rank; i++) {
        if (i == at) continue;
        if (d[i] <= BATCH || (d[i] == INFER && open >= 0)) return 0;
        if (d[i] == INFER)
            open = i;
        else
            others *= (double)d[i];
    }
    if (*times == 0 && open >= 0) return 0;
    double rows = *times ? (double)*times : others > 0 ? all / others : 0;
    missing = others > 0 ? all / (others * rows) : 0;
    if (rows < 1 || rows != floor(rows) || rows > ONNX_MAX_NUMBERS) return 0;
    if (open < 0 ? missing != 1 : missing < 1 || missing != floor(missing)) return 0;
    for (int i = 0; i < at; i++) before *= d[i] == INFER ? missing : (double)d[i];
    for (int i = 0; i < v->batch; i++) had *= (double)v->dim[i];
    if (v->inner) had *= (double)v->times;
    if (before != had && before * rows != had) return 0;
    *inner = before != had;
    *times = (size_t)rows;
    return 1;
}

/* Puts the batch at axis `at`, and its size where one is INFER. */
static void fill(const onnx_value *v, int64_t *d, int rank, int at, size_t times) {
    size_t others = times;
    for (int i = 0; i < rank; i++) others *= i == at || d[i] == INFER ? 1 : (size_t)d[i];
    for (int i = 0; i < rank; i++)
        if (i != at && d[i] == INFER) d[i] = (int64_t)(onnx_size(v) / others);
    d[at] = -1;
}

/* What may be the batch's axis, in the order in which it is tried. Where all sizes are numbers more than one axis can fit: one
 * that is not the last, which layers work along, comes first. */
typedef enum { SAYS_BATCH, SAYS_INFER, SAYS_SIZE, SAYS_MULTIPLE } how_said;
static const struct {
    how_said how;
    int one_row, may_be_inner, must_be_inner, may_be_last;
} tries[] = {{SAYS_BATCH, 0, 1, 0, 1},   {SAYS_INFER, 1, 0, 0, 1},    {SAYS_SIZE, 1, 0, 0, 1},
             {SAYS_INFER, 0, 1, 0, 1},   {SAYS_MULTIPLE, 0, 0, 0, 0}, {SAYS_MULTIPLE, 0, 1, 1, 0},
             {SAYS_MULTIPLE, 0, 1, 0, 1}};

/* Whether a size can be so many times the batch's; *times: how many, 0: not said. */
static int says(how_said how, int64_t size, int64_t n_batch, size_t *times) {
    *times = how == SAYS_SIZE;
    switch (how) {
    case SAYS_BATCH:
        if (size <= BATCH) *times = (size_t)(BATCH - size);
        return size <= BATCH;
    case SAYS_INFER:
        return size == INFER;
    case SAYS_SIZE:
        return size == n_batch;
    default:
        if (size > 0 && n_batch > 0 && size % n_batch == 0) *times = (size_t)(size / n_batch);
        return *times > 0;
    }
}

/* First with one row of a sample, then with more: (B, h, T, d) as (B h, T, d), and back. */
static limn_status place_batch(onnx_op *o, const onnx_value *v, int64_t *d, int rank, int *batch) {
    for (size_t t = 0; t < COUNT_OF(tries); t++) {
        for (*batch = 0; *batch < rank; ++*batch) {
            size_t times;
            int inner;
            if (!says(tries[t].how, d[*batch], o->b->n_batch, &times)) continue;
            if (*batch == rank - 1 && !tries[t].may_be_last) continue;
            if (tries[t].one_row) times = 1;
            if (!batch_fits(v, d, rank, *batch, &times, &inner)) continue;
            if (inner ? !tries[t].may_be_inner : tries[t].must_be_inner) continue;
            fill(v, d, rank, *batch, times);
            o->times = times;
            o->inner = inner;
            return LIMN_OK;
        }
    }
    return limn_fail(LIMN_EINPUT, "its shape mixes the samples of a batch, which is not supported");
}

static limn_status whole(const onnx_value *v, int64_t *d, int rank) {
    double others = 1, all = (double)onnx_size(v), filled = 1;
    int open = -1;
    for (int i = 0; i < rank; i++) {
        filled *= d[i] > 0 ? (double)d[i] : 1;
        if (d[i] == INFER && open >= 0) return limn_fail(LIMN_EINPUT, "its shape has more than one -1");
        if (d[i] <= BATCH) return limn_fail(LIMN_EINPUT, "its shape holds the size of the batch, which is not known");
        if (d[i] == INFER)
            open = i;
        else
            others *= (double)d[i];
    }
    double missing = others > 0 ? all / others : 0;
    if (filled > ONNX_MAX_NUMBERS || (open >= 0 ? missing != floor(missing) : others != all))
        return limn_fail(LIMN_EINPUT, "%.0f values do not fit its shape", all);
    if (open >= 0) d[open] = (int64_t)missing;
    return LIMN_OK;
}

limn_status onnx_reshape_dims(onnx_op *o, const onnx_value *v, int64_t dim[ONNX_MAX_RANK], int *rank, int *batch) {
    limn_status status = LIMN_OK;
    double t[ONNX_MAX_RANK];
    int64_t list[ONNX_MAX_RANK], keep;
    size_t n = 0;
    TRY(onnx_int(o->b->m, o->n, "allowzero", 0, &keep));
    if (o->opset < 5) {
        TRY(onnx_ints(o->b->m, o->n, "shape", list, ONNX_MAX_RANK, &n));
        for (size_t i = 0; i < n; i++) t[i] = (double)list[i];
    } else
        TRY(onnx_need_ints(o, 1, t, ONNX_MAX_RANK, &n));
    *rank = (int)n;
    *batch = -1;
    for (int i = 0; i < *rank; i++) {
        if (t[i] == 0 && !keep) {
            if (i >= v->rank) FAIL(LIMN_EINPUT, "its shape copies the axis %d, which its input does not have", i);
            dim[i] = i == v->batch ? BATCH - (int64_t)(v->times > 1 ? v->times : 1) : v->dim[i];
        } else if (isnan(t[i]))
            dim[i] = BATCH - (int64_t)onnx_batch_times(t[i]);
        else if (t[i] < -1 || t[i] > ONNX_MAX_NUMBERS)
            FAIL(LIMN_EINPUT, "its shape has an axis of %g", t[i]);
        else
            dim[i] = (int64_t)t[i];
    }
    status = v->batch >= 0 ? place_batch(o, v, dim, *rank, batch) : whole(v, dim, *rank);
done:
    return status;
}

/* ---- Squeeze, Unsqueeze: axes as an attribute, from opset 13 on as input 1 ----------------------------------------------
 */
static limn_status axes_of(onnx_op *o, int rank, unsigned *axes, int *given) {
    limn_status status = LIMN_OK;
    double t[ONNX_MAX_RANK];
    int64_t list[ONNX_MAX_RANK];
    size_t n = 0;
    int axis;
    if (o->opset < 13) {
        TRY(onnx_ints(o->b->m, o->n, "axes", list, ONNX_MAX_RANK, &n));
        for (size_t i = 0; i < n; i++) t[i] = (double)list[i];
    } else
        TRY(onnx_need_ints(o, 1, t, ONNX_MAX_RANK, &n));
    *axes = 0;
    *given = n > 0;
    for (size_t i = 0; i < n; i++) {
        TRY(onnx_axis(clamp(t[i], -64, 64), rank, &axis));
        *axes |= 1u << axis;
    }
done:
    return status;
}

limn_status onnx_squeeze_dims(onnx_op *o, const onnx_value *v, int64_t dim[ONNX_MAX_RANK], int *rank, int *batch) {
    limn_status status = LIMN_OK;
    unsigned axes;
    int given;
    TRY(axes_of(o, v->rank, &axes, &given));
    *rank = 0;
    *batch = -1;
    for (int i = 0; i < v->rank; i++) {
        int out = given ? axes >> i & 1 : i != v->batch && v->dim[i] == 1;
        if (out && i == v->batch) FAIL(LIMN_EINPUT, "it takes away the batch's axis, which is not supported");
        if (out && v->dim[i] != 1) FAIL(LIMN_EINPUT, "it takes away an axis of %lld", (long long)v->dim[i]);
        if (out) continue;
        if (i == v->batch) *batch = *rank;
        dim[(*rank)++] = v->dim[i];
    }
done:
    return status;
}

limn_status onnx_unsqueeze_dims(onnx_op *o, const onnx_value *v, int64_t dim[ONNX_MAX_RANK], int *rank, int *batch) {
    limn_status status = LIMN_OK;
    unsigned axes;
    int given, more = 0, from = 0;
    double t[ONNX_MAX_RANK];
    int64_t list[ONNX_MAX_RANK];
    size_t n = 0;
    if (o->opset < 13)
        TRY(onnx_ints(o->b->m, o->n, "axes", list, ONNX_MAX_RANK, &n));
    else
        TRY(onnx_need_ints(o, 1, t, ONNX_MAX_RANK, &n));
    if (v->rank + (int)n > ONNX_MAX_RANK) FAIL(LIMN_EINPUT, "a tensor of more than %d axes", ONNX_MAX_RANK);
    *rank = v->rank + (int)n;
    *batch = -1;
    TRY(axes_of(o, *rank, &axes, &given));
    for (int i = 0; i < *rank; i++) more += axes >> i & 1;
    if (more != (int)n) FAIL(LIMN_EINPUT, "it adds one axis twice");
    for (int i = 0; i < *rank; i++) {
        if (axes >> i & 1) {
            dim[i] = 1;
            continue;
        }
        if (from == v->batch) *batch = i;
        dim[i] = v->dim[from++];
    }
done:
    return status;
}

/* ---- Slice: starts, ends, axes, steps: attributes before opset 10, then inputs 1 to 4 ------------------------------------
 */
static limn_status slice_list(onnx_op *o, const char *name, size_t input, double *t, size_t *n) {
    limn_status status = LIMN_OK;
    int64_t list[ONNX_MAX_RANK];
    if (o->opset >= 10) return onnx_need_ints(o, input, t, ONNX_MAX_RANK, n);
    TRY(onnx_ints(o->b->m, o->n, name, list, ONNX_MAX_RANK, n));
    for (size_t i = 0; i < *n; i++) t[i] = (double)list[i];
done:
    return status;
}

static limn_status one_range(const onnx_op *o, const onnx_value *v, int axis, double start, double end, double step,
                             onnx_range *r) {
    int64_t n = v->dim[axis];
    if (axis == v->batch && v->batch >= 0) {
        if (start == 0 && step == 1 && (isnan(end) || end >= INT32_MAX || (o->b->n_batch > 0 && end == o->b->n_batch)))
            return LIMN_OK;
        return limn_fail(LIMN_EINPUT, "it takes some samples out of a batch, which is not supported");
    }
    if (isnan(start) || isnan(end) || isnan(step))
        return limn_fail(LIMN_EINPUT, "it depends on the size of the batch, which is not known");
    if (step == 0) return limn_fail(LIMN_EINPUT, "a step of 0");
    if (n == 0) { /* nothing, from either end */
        *r = (onnx_range){0, 1, 0};
        return LIMN_OK;
    }
    int back = step < 0;
    int64_t s = clamp(step, -ONNX_MAX_NUMBERS, ONNX_MAX_NUMBERS),
            from = clamp(start < 0 ? start + (double)n : start, 0, n - back),
            to = clamp(end < 0 ? end + (double)n : end, -back, n - back), room = back ? from - to : to - from;
    *r = (onnx_range){from, s, room <= 0 ? 0 : (room - 1) / (back ? -s : s) + 1};
    return LIMN_OK;
}

limn_status onnx_slice_ranges(onnx_op *o, const onnx_value *v, onnx_range range[ONNX_MAX_RANK]) {
    limn_status status = LIMN_OK;
    double start[ONNX_MAX_RANK], end[ONNX_MAX_RANK], axes[ONNX_MAX_RANK], step[ONNX_MAX_RANK];
    size_t n, n_end, n_axes, n_step;
    int axis;
    TRY(slice_list(o, "starts", 1, start, &n));
    TRY(slice_list(o, "ends", 2, end, &n_end));
    TRY(slice_list(o, "axes", 3, axes, &n_axes));
    TRY(slice_list(o, "steps", 4, step, &n_step));
    if (n != n_end || (n_axes > 0 && n_axes != n) || (n_step > 0 && n_step != n) || (int)n > v->rank)
        FAIL(LIMN_EINPUT, "%zu starts, %zu ends, %zu axes and %zu steps do not go together", n, n_end, n_axes, n_step);
    for (int i = 0; i < v->rank; i++) range[i] = (onnx_range){0, 1, v->dim[i]};
    for (size_t i = 0; i < n; i++) {
        TRY(onnx_axis(n_axes ? clamp(axes[i], -64, 64) : (int64_t)i, v->rank, &axis));
        TRY(one_range(o, v, axis, start[i], end[i], n_step ? step[i] : 1, &range[axis]));
    }
done:
    return status;
}

/* ---- Split ----------------------------------------------------------------------------------------------------------
 */
limn_status onnx_split_sizes(onnx_op *o, const onnx_value *v, int *axis, int64_t **sizes) {
    limn_status status = LIMN_OK;
    int64_t at, parts, sum = 0;
    size_t n = 0;
    double *t = NULL;
    *sizes = NULL;
    TRY(onnx_int(o->b->m, o->n, "axis", 0, &at));
    TRY(onnx_axis(at, v->rank, axis));
    if (*axis == v->batch) FAIL(LIMN_EINPUT, "it takes a batch apart, which is not supported");
    TRY(limn_new(sizes, o->n_out, sizeof **sizes));
    TRY(limn_new(&t, o->n_out, sizeof *t));
    if (o->opset < 13)
        TRY(onnx_ints(o->b->m, o->n, "split", *sizes, o->n_out, &n));
    else
        TRY(onnx_need_ints(o, 1, t, o->n_out, &n));
    for (size_t i = 0; i < n && o->opset >= 13; i++) (*sizes)[i] = clamp(t[i], -1, ONNX_MAX_NUMBERS);
    TRY(onnx_int(o->b->m, o->n, "num_outputs", (int64_t)o->n_out, &parts));
    if (parts != (int64_t)o->n_out)
        FAIL(LIMN_EINPUT, "its num_outputs is %lld, but it has %zu", (long long)parts, o->n_out);
    if (n == 0) {
        int64_t size = v->dim[*axis], each = parts > 0 ? (size + parts - 1) / parts : 0;
        for (size_t i = 0; i < o->n_out; i++, size -= each) (*sizes)[i] = size < each ? size : each;
        n = o->n_out;
    }
    for (size_t i = 0; i < n; i++) {
        if ((*sizes)[i] < 0 || (*sizes)[i] > ONNX_MAX_NUMBERS)
            FAIL(LIMN_EINPUT, "a part of %lld", (long long)(*sizes)[i]);
        sum += (*sizes)[i];
    }
    if (n != o->n_out || sum != v->dim[*axis])
        FAIL(LIMN_EINPUT, "%zu parts of %lld in all do not fit %zu outputs and an axis of %lld", n, (long long)sum,
             o->n_out, (long long)v->dim[*axis]);
done:
    free(t);
    if (status != LIMN_OK) {
        free(*sizes);
        *sizes = NULL;
    }
    return status;
}

/* ---- Transpose ------------------------------------------------------------------------------------------------------
 */
limn_status onnx_perm(const onnx_op *o, const onnx_value *v, int perm[ONNX_MAX_RANK]) {
    limn_status status = LIMN_OK;
    int64_t list[ONNX_MAX_RANK];
    size_t n;
    unsigned seen = 0;
    TRY(onnx_ints(o->b->m, o->n, "perm", list, ONNX_MAX_RANK, &n));
    for (int i = 0; i < v->rank; i++) {
        int64_t from = n == 0 ? v->rank - 1 - i : i < (int)n ? list[i] : -1;
        if (from < 0 || from >= v->rank || seen >> from & 1 || (n > 0 && (int)n != v->rank))
            FAIL(LIMN_EINPUT, "its perm is no order of %d axes", v->rank);
        seen |= 1u << from;
        perm[i] = (int)from;
    }
done:
    return status;
}
