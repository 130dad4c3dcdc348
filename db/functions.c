/* The table of SQL functions and what they share: see functions.h. */
#include "db/functions.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#define SCALAR(fn) fn, NULL, NULL, NULL, NULL, NULL, NULL
#define WINDOW(fn) NULL, fn##_step, fn##_inverse, fn##_value, fn##_final, NULL, NULL
#define STATISTIC(s) NULL, sql_series_step, sql_series_inverse, sql_series_value, sql_series_final, &(s), NULL
#define TABLE(t) NULL, NULL, NULL, NULL, NULL, NULL, &(t)

const sql_function sql_functions[] = {
    {"vec_dim", 1, "(v)", "number of elements", SCALAR(sql_vec_dim)},
    {"vec_get", 2, "(v, i)", "element i, counted from 0", SCALAR(sql_vec_get)},
    {"vec_dot", 2, "(a, b)", "dot product", SCALAR(sql_vec_dot)},
    {"vec_l2", 2, "(a, b)", "euclidean distance", SCALAR(sql_vec_l2)},
    {"vec_cosine", 2, "(a, b)", "cosine of the angle; NULL where one is all zero", SCALAR(sql_vec_cosine)},
    {"vec_norm", 1, "(v)", "euclidean length", SCALAR(sql_vec_norm)},
    {"vec_add", 2, "(a, b)", "sum, element by element", SCALAR(sql_vec_add)},
    {"vec_sub", 2, "(a, b)", "difference a - b, element by element", SCALAR(sql_vec_sub)},
    {"vec_scale", 2, "(v, s)", "each element times s", SCALAR(sql_vec_scale)},
    {"vec_avg", 1, "(v)", "aggregate or window: mean of the vectors or maps, element by element", WINDOW(sql_vec_avg)},
    {"vec_sum", 1, "(v)", "aggregate or window: their sum", WINDOW(sql_vec_sum)},
    {"vec_std", 1, "(v)", "aggregate or window: their sample standard deviation (n - 1); NULL for one",
     WINDOW(sql_vec_std)},
    {"vec_collect", 1, "(x)", "aggregate or window: the rows' numbers as one vector, in the rows' order",
     WINDOW(sql_vec_collect)},
    {"vec_each", 1, "(v)", "table of i, value: a row an element", TABLE(sql_vec_each)},
    {"knn", 4, "(extraction, sample, k[, metric])",
     "table of rank, sample_id, distance: the k nearest to the sample among the extraction's vectors, `euclidean` or "
     "`cosine` (1 - cosine); exact",
     TABLE(sql_knn)},
    {"map_sum", 1, "(data)", "sum of all values", SCALAR(sql_map_sum)},
    {"map_mean", 1, "(data)", "mean of all values", SCALAR(sql_map_mean)},
    {"map_min", 1, "(data)", "smallest value; NULL where one is NaN", SCALAR(sql_map_min)},
    {"map_max", 1, "(data)", "largest value; NULL where one is NaN", SCALAR(sql_map_max)},
    {"map_entropy", 1, "(data)", "entropy of q = abs(value) / their sum, nats; NULL where all are zero",
     SCALAR(sql_map_entropy)},
    {"map_gini", 1, "(data)", "Gini index of abs(value), 0 (all alike) to 1 (one place); NULL where all are zero",
     SCALAR(sql_map_gini)},
    {"map_centroid_x", 3, "(data, h, w)", "column of the centre of mass of abs(value), pixels, 0 is the first's centre",
     SCALAR(sql_map_centroid_x)},
    {"map_centroid_y", 3, "(data, h, w)", "row of the same", SCALAR(sql_map_centroid_y)},
    {"map_mass_in", 7, "(data, h, w, x, y, width, height)",
     "share of the sum of abs(value) inside the box, whose corner is x, y (pixels, from the top left corner); a pixel "
     "cut by its edge counts by its part",
     SCALAR(sql_map_mass_in)},
    {"map_corr", 2, "(a, b)", "Pearson's correlation of the values; NULL where one map is constant",
     SCALAR(sql_map_corr)},
    {"map_spearman", 2, "(a, b)", "Spearman's rank correlation, mean ranks for ties; NULL likewise",
     SCALAR(sql_map_spearman)},
    {"map_ssim", 4, "(a, b, h, w)",
     "structural similarity: 7 x 7 windows, both maps scaled to 0 ... 1 first; NULL likewise", SCALAR(sql_map_ssim)},
    {"map_iou", 3, "(a, b, q)",
     "intersection over union of the places among the top share q of each (0.1: a tenth); NULL likewise",
     SCALAR(sql_map_iou)},
    {"map_resize", 5, "(data, h, w, height, width)", "the map in another size, bilinear with half-pixel centres",
     SCALAR(sql_map_resize)},
    {"map_normalise", 1, "(data)", "scaled to 0 ... 1 from its least to its largest value; zeros where constant",
     SCALAR(sql_map_normalise)},
    {"map_normalise", 2, "(data, how)",
     "`range`: that; `max`: largest abs(value) is 1; `sum`: the sum of abs(value) is 1", SCALAR(sql_map_normalise)},
    {"map_png", 3, "(data, h, w)", "a PNG of the map in viridis, from its least to its largest value",
     SCALAR(sql_map_png)},
    {"map_png", 4, "(data, h, w, palette)", "the same in the palette of that name", SCALAR(sql_map_png)},
    {"map_each", 3, "(data, h, w)", "table of x, y, value, channel: a row a pixel, row by row", TABLE(sql_map_each)},
    {"image_png", 3, "(data, h, w)", "a PNG of an array of h x w in gray, or of 3 x h x w in colour, least to largest",
     SCALAR(sql_image_png)},
    {"image_png", 5, "(data, h, w, black, white)", "the same between two given values", SCALAR(sql_image_png)},
    {"npy", 1, "(data)", "the content of a .npy file with the array in one dimension", SCALAR(sql_npy)},
    {"npy", 2, "(data, shape)", "the same in the shape of a list such as '[28, 28]'", SCALAR(sql_npy)},
    {"histogram", 4, "(data, bins[, from, to])",
     "table of bin, low, high, count: bins of equal width from the least to the largest value, or from ... to; the "
     "last holds its upper end",
     TABLE(sql_histogram)},
    {"median", 1, "(x)", "aggregate or window: the middle value, or the mean of the two", STATISTIC(sql_median)},
    {"quantile", 2, "(x, q)", "aggregate or window: linear between order statistics, as numpy has it, q from 0 to 1",
     STATISTIC(sql_quantile)},
    {"variance", 1, "(x)", "aggregate or window: sample variance (n - 1); NULL for one", STATISTIC(sql_variance)},
    {"stddev", 1, "(x)", "aggregate or window: its root", STATISTIC(sql_stddev)},
    {"corr", 2, "(x, y)", "aggregate or window: Pearson's correlation; NULL where one is constant",
     STATISTIC(sql_corr)},
    {"spearman", 2, "(x, y)", "aggregate or window: Spearman's, mean ranks for ties; NULL likewise",
     STATISTIC(sql_spearman)},
    {"regr_slope", 2, "(y, x)", "aggregate or window: slope of the least-squares line of y over x",
     STATISTIC(sql_slope)},
    {"regr_intercept", 2, "(y, x)", "aggregate or window: where that line meets x = 0", STATISTIC(sql_intercept)},
    {"welch_t", 2, "(x, side)",
     "aggregate or window: Welch's t of two groups, x where side is true less x where it is 0", STATISTIC(sql_welch_t)},
    {"welch_p", 2, "(x, side)", "aggregate or window: its two-sided p-value", STATISTIC(sql_welch_p)},
    {"mann_whitney_u", 2, "(x, side)",
     "aggregate or window: U of the group where side is true: the pairs in which it has the larger x, ties half",
     STATISTIC(sql_mann_whitney_u)},
    {"mann_whitney_p", 2, "(x, side)",
     "aggregate or window: its two-sided p-value; exact without ties where one group has 8 or fewer and the other 500 "
     "or fewer, else normal with correction for ties and continuity",
     STATISTIC(sql_mann_whitney_p)},
    {"bootstrap_low", 3, "(x, level, seed)",
     "aggregate or window: lower end of the percentile bootstrap interval of the mean (level 0.95), 2,000 resamples",
     STATISTIC(sql_bootstrap_low)},
    {"bootstrap_high", 3, "(x, level, seed)", "aggregate or window: its upper end", STATISTIC(sql_bootstrap_high)},
    {NULL, 0, NULL, NULL, SCALAR(NULL)},
};

int sql_functions_register(sqlite3 *db) {
    for (const sql_function *f = sql_functions; f->name; f++) {
        void *row = (void *)(size_t)f; /* const for them all the same */
        int rc = f->table ? sql_table_register(db, f)
                 : f->scalar
                     ? sqlite3_create_function_v2(db, f->name, f->nargs, SQL_PURE, row, f->scalar, NULL, NULL, NULL)
                     : sqlite3_create_window_function(db, f->name, f->nargs, SQL_PURE, row, f->step, f->final, f->value,
                                                      f->inverse, NULL);
        if (rc != SQLITE_OK) return rc;
    }
    return SQLITE_OK;
}

void sql_error(sqlite3_context *ctx, const char *fmt, ...) {
    const sql_function *f = sqlite3_user_data(ctx);
    va_list ap;
    va_start(ap, fmt);
    char *what = sqlite3_vmprintf(fmt, ap);
    va_end(ap);
    char *text = what ? sqlite3_mprintf("%s: %s", f->name, what) : NULL;
    if (text)
        sqlite3_result_error(ctx, text, -1);
    else
        sqlite3_result_error_nomem(ctx);
    sqlite3_free(text);
    sqlite3_free(what);
}

static const char *type_of(sqlite3_value *value) {
    static const char *const type[] = {[SQLITE_INTEGER] = "an integer",
                                       [SQLITE_FLOAT] = "a number",
                                       [SQLITE_TEXT] = "text",
                                       [SQLITE_BLOB] = "a BLOB",
                                       [SQLITE_NULL] = "NULL"};
    return type[sqlite3_value_type(value)];
}

char *sql_array_wrong(sqlite3_value *value) {
    int t = sqlite3_value_type(value);
    if (t == SQLITE_NULL) return NULL;
    if (t != SQLITE_BLOB) return sqlite3_mprintf("needs a BLOB of float32, not %s", type_of(value));
    int bytes = sqlite3_value_bytes(value);
    if (bytes % 4 == 0) return NULL;
    return sqlite3_mprintf("a BLOB of %d bytes is no array of float32: 4 bytes each", bytes);
}

int sql_array_of(sqlite3_context *ctx, sqlite3_value *value, sql_array *out) {
    if (sqlite3_value_type(value) == SQLITE_BLOB) {
        out->p = sqlite3_value_blob(value);
        int bytes = sqlite3_value_bytes(value);
        out->n = (size_t)bytes / 4;
        if (bytes % 4 == 0) return 1;
    }
    char *wrong = sql_array_wrong(value);
    if (wrong)
        sql_error(ctx, "%s", wrong);
    else
        sqlite3_result_null(ctx);
    sqlite3_free(wrong);
    return 0;
}

int sql_arrays_of(sqlite3_context *ctx, sqlite3_value **value, sql_array *a, sql_array *b) {
    if (!sql_array_of(ctx, value[0], a) || !sql_array_of(ctx, value[1], b)) return 0;
    if (a->n == b->n) return 1;
    sql_error(ctx, "the arrays have %lld and %lld elements", (long long)a->n, (long long)b->n);
    return 0;
}

int sql_sides_of(sqlite3_context *ctx, sqlite3_value **value, size_t *h, size_t *w) {
    if (sqlite3_value_type(value[0]) == SQLITE_NULL || sqlite3_value_type(value[1]) == SQLITE_NULL) return 0;
    sqlite3_int64 height = sqlite3_value_int64(value[0]), width = sqlite3_value_int64(value[1]);
    *h = (size_t)height;
    *w = (size_t)width;
    if (sqlite3_value_type(value[0]) == SQLITE_INTEGER && sqlite3_value_type(value[1]) == SQLITE_INTEGER &&
        height >= 1 && height <= SQL_MAX_SIDE && width >= 1 && width <= SQL_MAX_SIDE)
        return 1;
    sql_error(ctx, "height and width are integers from 1 to %d", SQL_MAX_SIDE);
    return 0;
}

int sql_shape_of(sqlite3_context *ctx, sqlite3_value **value, const sql_array *a, size_t most, size_t *channels,
                 size_t *h, size_t *w) {
    if (!sql_sides_of(ctx, value, h, w)) return 0;
    *channels = a->n / (*h * *w);
    if (*channels >= 1 && *channels <= most && a->n % (*h * *w) == 0) return 1;
    sql_error(ctx, "%lld values are no map of %lld x %lld", (long long)a->n, (long long)*h, (long long)*w);
    return 0;
}

int sql_number_of(sqlite3_context *ctx, sqlite3_value *value, const char *what, double *x) {
    int t = sqlite3_value_type(value);
    if (t == SQLITE_INTEGER || t == SQLITE_FLOAT) {
        *x = sqlite3_value_double(value);
        return 1;
    }
    if (t != SQLITE_NULL) sql_error(ctx, "%s is a number, not %s", what, type_of(value));
    return 0;
}

float *sql_floats(sqlite3_context *ctx, const sql_array *a) {
    float *v = sqlite3_malloc64(a->n * sizeof *v + 1);
    if (!v)
        sqlite3_result_error_nomem(ctx);
    else if (a->n > 0)
        memcpy(v, a->p, a->n * sizeof *v);
    return v;
}

void sql_result_floats(sqlite3_context *ctx, float *v, size_t n) {
    sqlite3_result_blob64(ctx, v, n * sizeof *v, sqlite3_free);
}
