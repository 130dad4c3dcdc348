/* SQL functions of maps: see functions.h. A map is an array of h * w (or channels * h * w) float32, row by row. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/agreement.h"
#include "base/bilinear.h"
#include "db/functions.h"

/* sum, min and max in the order of the array; a NaN makes its figure NaN. */
typedef struct {
    double sum, min, max;
} figures;

static figures figures_of(const sql_array *a) {
    figures f = {0, a->n ? (double)INFINITY : (double)NAN, a->n ? (double)-INFINITY : (double)NAN};
    for (size_t i = 0; i < a->n; i++) {
        double v = sql_float(a, i);
        f.sum += v;
        f.min = v < f.min || isnan(v) ? v : f.min;
        f.max = v > f.max || isnan(v) ? v : f.max;
    }
    return f;
}

SQL_SCALAR(sql_map_sum) {
    sql_array a;
    (void)n;
    if (sql_array_of(ctx, value[0], &a)) sqlite3_result_double(ctx, figures_of(&a).sum);
}

SQL_SCALAR(sql_map_mean) {
    sql_array a;
    (void)n;
    if (sql_array_of(ctx, value[0], &a)) sqlite3_result_double(ctx, figures_of(&a).sum / (double)a.n);
}

SQL_SCALAR(sql_map_min) {
    sql_array a;
    (void)n;
    if (sql_array_of(ctx, value[0], &a)) sqlite3_result_double(ctx, figures_of(&a).min);
}

SQL_SCALAR(sql_map_max) {
    sql_array a;
    (void)n;
    if (sql_array_of(ctx, value[0], &a)) sqlite3_result_double(ctx, figures_of(&a).max);
}

/* ---- how a map lies, by m = abs(value) ------------------------------------------------------------------ */

/* The map's absolute values, aligned; NULL: the result is set (NaN in it: to NULL). */
static float *magnitudes(sqlite3_context *ctx, const sql_array *a) {
    float *m = sql_floats(ctx, a);
    double all = 0;
    for (size_t i = 0; m && i < a->n; i++) m[i] = fabsf(m[i]), all += (double)m[i];
    if (m && isfinite(all)) return m;
    sqlite3_free(m);
    return NULL;
}

static void sparseness(sqlite3_context *ctx, sqlite3_value **value, int entropy) {
    sql_array a;
    if (!sql_array_of(ctx, value[0], &a)) return;
    float *m = magnitudes(ctx, &a);
    if (m) sqlite3_result_double(ctx, entropy ? limn_entropy(m, a.n) : limn_gini(m, a.n));
    sqlite3_free(m);
}

SQL_SCALAR(sql_map_entropy) {
    (void)n;
    sparseness(ctx, value, 1);
}

SQL_SCALAR(sql_map_gini) {
    (void)n;
    sparseness(ctx, value, 0);
}

/* sum of m * (column or row) / sum of m, over all channels */
static void centroid(sqlite3_context *ctx, sqlite3_value **value, int row) {
    sql_array a;
    size_t c, h, w;
    double mass = 0, moment = 0;
    if (!sql_array_of(ctx, value[0], &a) || !sql_shape_of(ctx, value + 1, &a, SIZE_MAX, &c, &h, &w)) return;
    for (size_t i = 0; i < a.n; i++) {
        double m = fabs(sql_float(&a, i));
        mass += m;
        moment += m * (double)(row ? i / w % h : i % w);
    }
    sqlite3_result_double(ctx, moment / mass); /* 0 / 0: NULL */
}

SQL_SCALAR(sql_map_centroid_x) {
    (void)n;
    centroid(ctx, value, 0);
}

SQL_SCALAR(sql_map_centroid_y) {
    (void)n;
    centroid(ctx, value, 1);
}

/* The part of pixel i (from i to i + 1) that lies between from and from + size. */
static double part(size_t i, double from, double size) {
    double low = fmax((double)i, from), high = fmin((double)i + 1, from + size);
    return fmax(high - low, 0);
}

SQL_SCALAR(sql_map_mass_in) {
    static const char *const what[] = {"the box's x", "its y", "its width", "its height"};
    sql_array a;
    size_t c, h, w;
    double box[4], mass = 0, in = 0;
    (void)n;
    if (!sql_array_of(ctx, value[0], &a) || !sql_shape_of(ctx, value + 1, &a, SIZE_MAX, &c, &h, &w)) return;
    for (int i = 0; i < 4; i++)
        if (!sql_number_of(ctx, value[3 + i], what[i], &box[i])) return;
    if (!(box[2] >= 0 && box[3] >= 0)) {
        sql_error(ctx, "the box's width and height are not negative");
        return;
    }
    for (size_t i = 0; i < a.n; i++) {
        double m = fabs(sql_float(&a, i));
        mass += m;
        in += m * part(i % w, box[0], box[2]) * part(i / w % h, box[1], box[3]);
    }
    sqlite3_result_double(ctx, in / mass);
}

/* ---- two maps ------------------------------------------------------------------------------------------- */

/* The result = the agreement of value[0] and value[1], of h x w places (0: in one row). */
static void agree(sqlite3_context *ctx, sqlite3_value **value, limn_agreement which, size_t h, size_t w, double top) {
    sql_array a, b;
    float *one = NULL, *other = NULL;
    double r = NAN, all = 0;
    if (!sql_arrays_of(ctx, value, &a, &b)) return;
    if (h > 0 && a.n != h * w) {
        sql_error(ctx, "%lld values are no map of %lld x %lld", (long long)a.n, (long long)h, (long long)w);
        return;
    }
    one = sql_floats(ctx, &a);
    other = one ? sql_floats(ctx, &b) : NULL;
    for (size_t i = 0; other && i < a.n; i++) all += (double)one[i] * 0 + (double)other[i] * 0;
    if (other && all == 0) { /* else NULL: an element is not finite */
        if (limn_agree(which, one, other, h ? h : 1, h ? w : a.n, top, &r) == LIMN_OK)
            sqlite3_result_double(ctx, r);
        else
            sqlite3_result_error_nomem(ctx);
    }
    sqlite3_free(one);
    sqlite3_free(other);
}

SQL_SCALAR(sql_map_corr) {
    (void)n;
    agree(ctx, value, LIMN_AGREE_PEARSON, 0, 0, 0);
}

SQL_SCALAR(sql_map_spearman) {
    (void)n;
    agree(ctx, value, LIMN_AGREE_SPEARMAN, 0, 0, 0);
}

SQL_SCALAR(sql_map_ssim) {
    size_t h, w;
    (void)n;
    if (sql_sides_of(ctx, value + 2, &h, &w)) agree(ctx, value, LIMN_AGREE_SSIM, h, w, 0);
}

SQL_SCALAR(sql_map_iou) {
    double q = 0;
    (void)n;
    if (!sql_number_of(ctx, value[2], "the share", &q)) return;
    if (q > 0 && q <= 1)
        agree(ctx, value, LIMN_AGREE_IOU, 0, 0, q);
    else
        sql_error(ctx, "the share is above 0 and at most 1");
}

/* ---- maps out of maps ----------------------------------------------------------------------------------- */

SQL_SCALAR(sql_map_resize) {
    sql_array a;
    size_t c, h, w, H, W;
    float *in = NULL, *out = NULL;
    (void)n;
    if (!sql_array_of(ctx, value[0], &a) || !sql_shape_of(ctx, value + 1, &a, SIZE_MAX, &c, &h, &w) ||
        !sql_sides_of(ctx, value + 3, &H, &W))
        return;
    if (c * H * W > INT32_MAX / sizeof *out) {
        sqlite3_result_error_toobig(ctx);
        return;
    }
    if ((in = sql_floats(ctx, &a)) == NULL) return;
    if ((out = sqlite3_malloc64(c * H * W * sizeof *out)) == NULL) {
        sqlite3_result_error_nomem(ctx);
    } else {
        for (size_t i = 0; i < c; i++) limn_resize_bilinear(in + i * h * w, h, w, out + i * H * W, H, W);
        sql_result_floats(ctx, out, c * H * W);
    }
    sqlite3_free(in);
}

/* v = (v - shift) / size, 0 where size is 0 */
static void rescale(float *v, size_t n, double shift, double size) {
    for (size_t i = 0; i < n; i++) v[i] = size > 0 ? (float)(((double)v[i] - shift) / size) : 0;
}

SQL_SCALAR(sql_map_normalise) {
    sql_array a;
    const char *how = n > 1 ? (const char *)sqlite3_value_text(value[1]) : "range";
    if (!sql_array_of(ctx, value[0], &a) || !how) return;
    const int range = !strcmp(how, "range"), max = !strcmp(how, "max");
    if (!range && !max && strcmp(how, "sum") != 0) {
        sql_error(ctx, "there is no way '%s'; there are range, max, sum", how);
        return;
    }
    double sum = 0;
    for (size_t i = 0; i < a.n; i++) sum += fabs(sql_float(&a, i));
    if (!isfinite(sum)) return; /* NULL */
    float *v = sql_floats(ctx, &a);
    if (!v) return;
    const figures f = figures_of(&a);
    if (range)
        rescale(v, a.n, f.min, f.max - f.min);
    else
        rescale(v, a.n, 0, max ? fmax(fabs(f.min), fabs(f.max)) : sum);
    sql_result_floats(ctx, v, a.n);
}
