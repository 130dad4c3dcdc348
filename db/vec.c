/* SQL functions of vectors: see functions.h.
 *
 * Sums run in float64 over LANES interleaved partial sums, added in a fixed order: fast without -ffast-math, and the
 * same bits everywhere. */
#include "db/functions.h"

#include <math.h>
#include <string.h>

enum { LANES = 8 };

static double total(const double s[LANES]) {
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

/* sum of a_i * b_i */
static double dot(const sql_array *a, const sql_array *b) {
    double s[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= a->n; i += LANES)
        for (size_t l = 0; l < LANES; l++) s[l] += sql_float(a, i + l) * sql_float(b, i + l);
    for (size_t l = 0; i < a->n; i++, l++) s[l] += sql_float(a, i) * sql_float(b, i);
    return total(s);
}

/* sum of (a_i - b_i)^2 */
static double square_distance(const sql_array *a, const sql_array *b) {
    double s[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= a->n; i += LANES)
        for (size_t l = 0; l < LANES; l++) {
            double d = sql_float(a, i + l) - sql_float(b, i + l);
            s[l] += d * d;
        }
    for (size_t l = 0; i < a->n; i++, l++) {
        double d = sql_float(a, i) - sql_float(b, i);
        s[l] += d * d;
    }
    return total(s);
}

SQL_SCALAR(sql_vec_dim) {
    sql_array v;
    (void)n;
    if (sql_array_of(ctx, value[0], &v)) sqlite3_result_int64(ctx, (sqlite3_int64)v.n);
}

SQL_SCALAR(sql_vec_get) {
    sql_array v;
    (void)n;
    if (!sql_array_of(ctx, value[0], &v)) return;
    int type = sqlite3_value_type(value[1]);
    if (type == SQLITE_NULL) return;
    sqlite3_int64 i = sqlite3_value_int64(value[1]);
    if (type != SQLITE_INTEGER)
        sql_error(ctx, "the place of an element is an integer");
    else if (i < 0 || (size_t)i >= v.n)
        sql_error(ctx, "there is no element %lld in a vector of %lld (the first is 0)", (long long)i, (long long)v.n);
    else
        sqlite3_result_double(ctx, sql_float(&v, (size_t)i));
}

SQL_SCALAR(sql_vec_dot) {
    sql_array a, b;
    (void)n;
    if (sql_arrays_of(ctx, value, &a, &b)) sqlite3_result_double(ctx, dot(&a, &b));
}

SQL_SCALAR(sql_vec_l2) {
    sql_array a, b;
    (void)n;
    if (sql_arrays_of(ctx, value, &a, &b)) sqlite3_result_double(ctx, sqrt(square_distance(&a, &b)));
}

SQL_SCALAR(sql_vec_cosine) {
    sql_array a, b;
    (void)n;
    if (!sql_arrays_of(ctx, value, &a, &b)) return;
    double ab[LANES] = {0}, aa[LANES] = {0}, bb[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= a.n; i += LANES)
        for (size_t l = 0; l < LANES; l++) {
            double x = sql_float(&a, i + l), y = sql_float(&b, i + l);
            ab[l] += x * y, aa[l] += x * x, bb[l] += y * y;
        }
    for (size_t l = 0; i < a.n; i++, l++) {
        double x = sql_float(&a, i), y = sql_float(&b, i);
        ab[l] += x * y, aa[l] += x * x, bb[l] += y * y;
    }
    double c = total(ab) / (sqrt(total(aa)) * sqrt(total(bb))); /* 0 / 0: NaN, which is NULL */
    sqlite3_result_double(ctx, c > 1 ? 1 : c < -1 ? -1 : c);
}

SQL_SCALAR(sql_vec_norm) {
    sql_array v;
    (void)n;
    if (sql_array_of(ctx, value[0], &v)) sqlite3_result_double(ctx, sqrt(dot(&v, &v)));
}

/* ---- vec_avg -------------------------------------------------------------------------------------------- */

typedef struct {
    double *sum; /* (n) */
    size_t n;
    sqlite3_int64 count;
} average;

/* The group's state, with room for vectors of n elements; NULL: the result is an error. */
static average *average_of(sqlite3_context *ctx, size_t n) {
    average *a = sqlite3_aggregate_context(ctx, sizeof *a);
    if (a && !a->sum && (a->sum = sqlite3_malloc64(n * sizeof *a->sum + 1)) != NULL) {
        memset(a->sum, 0, n * sizeof *a->sum);
        a->n = n;
    }
    if (!a || !a->sum) {
        sqlite3_result_error_nomem(ctx);
        return NULL;
    }
    if (a->n == n) return a;
    sql_error(ctx, "vectors of %lld and of %lld elements have no mean", (long long)a->n, (long long)n);
    return NULL;
}

static void add(sqlite3_context *ctx, sqlite3_value *value, int sign) {
    sql_array v;
    if (sqlite3_value_type(value) == SQLITE_NULL || !sql_array_of(ctx, value, &v)) return;
    average *a = average_of(ctx, v.n);
    if (!a) return;
    for (size_t i = 0; i < v.n; i++) a->sum[i] += sign * sql_float(&v, i);
    a->count += sign;
}

SQL_SCALAR(sql_vec_avg_step) {
    (void)n;
    add(ctx, value[0], 1);
}

SQL_SCALAR(sql_vec_avg_inverse) {
    (void)n;
    add(ctx, value[0], -1);
}

void sql_vec_avg_value(sqlite3_context *ctx) {
    const average *a = sqlite3_aggregate_context(ctx, 0);
    if (!a || !a->sum || a->count == 0) return; /* NULL */
    float *mean = sqlite3_malloc64(a->n * sizeof *mean + 1);
    if (!mean) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    for (size_t i = 0; i < a->n; i++) mean[i] = (float)(a->sum[i] / (double)a->count);
    sqlite3_result_blob64(ctx, mean, a->n * sizeof *mean, sqlite3_free);
}

void sql_vec_avg_final(sqlite3_context *ctx) {
    average *a = sqlite3_aggregate_context(ctx, 0);
    sql_vec_avg_value(ctx);
    if (a) sqlite3_free(a->sum);
}
