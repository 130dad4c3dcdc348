/* Aggregates of vectors, which are window functions too: vec_avg, vec_sum, vec_std; vec_collect, which makes a vector of
 * numbers. See functions.h.
 *
 * Sums run in float64, of x - shift, where shift is the group's first vector (so that vec_std loses no digits to a large
 * mean); std^2 = (sum d^2 - (sum d)^2 / n) / (n - 1). A row that leaves a window is subtracted. An element that is not
 * finite is counted instead, so that what follows it is sound once it has left; while it is there, that element of the
 * result is what IEEE arithmetic gives. */
#include <math.h>
#include <string.h>

#include "db/functions.h"

enum { ODD_NAN, ODD_PLUS, ODD_MINUS, ODDS };

typedef struct {
    double *shift, *sum, *square; /* (n); square of vec_std alone */
    sqlite3_int64 *odd;           /* (n, ODDS) how many are not finite, or NULL while none is */
    size_t n;
    sqlite3_int64 count;
    int failed; /* the result is an error */
} sums;

static void *fresh(sqlite3_context *ctx, size_t n, size_t size) {
    void *p = sqlite3_malloc64(n * size + 1);
    if (p)
        memset(p, 0, n * size + 1);
    else
        sqlite3_result_error_nomem(ctx);
    return p;
}

/* The group's state, with room for vectors like v; NULL: the result is an error. */
static sums *sums_of(sqlite3_context *ctx, const sql_array *v, int squares) {
    sums *a = sqlite3_aggregate_context(ctx, sizeof *a);
    if (!a) {
        sqlite3_result_error_nomem(ctx);
        return NULL;
    }
    if (a->failed) return NULL;
    if (!a->sum) {
        a->n = v->n;
        a->shift = fresh(ctx, v->n, sizeof *a->shift);
        a->sum = fresh(ctx, v->n, sizeof *a->sum);
        a->square = squares ? fresh(ctx, v->n, sizeof *a->square) : NULL;
        if (!a->shift || !a->sum || (squares && !a->square)) {
            a->failed = 1;
            return NULL;
        }
        for (size_t i = 0; i < v->n && squares; i++) {
            double x = sql_float(v, i);
            a->shift[i] = isfinite(x) ? x : 0;
        }
    }
    if (a->n == v->n) return a;
    a->failed = 1;
    sql_error(ctx, "vectors of %lld and of %lld elements have no mean", (long long)a->n, (long long)v->n);
    return NULL;
}

/* An element that is not finite comes (+1) or goes (-1). */
static void odd(sqlite3_context *ctx, sums *a, size_t i, double x, int sign) {
    if (!a->odd && !(a->odd = fresh(ctx, a->n * ODDS, sizeof *a->odd)))
        a->failed = 1;
    else
        a->odd[i * ODDS + (isnan(x) ? ODD_NAN : x > 0 ? ODD_PLUS : ODD_MINUS)] += sign;
}

static void add(sqlite3_context *ctx, sqlite3_value *value, int sign, int squares) {
    sql_array v;
    if (sqlite3_value_type(value) == SQLITE_NULL || !sql_array_of(ctx, value, &v)) return;
    sums *a = sums_of(ctx, &v, squares);
    if (!a) return;
    double all = 0;
    for (size_t i = 0; i < v.n; i++) all += sql_float(&v, i) * 0; /* NaN where one is not finite */
    for (size_t i = 0; i < v.n && isnan(all); i++)
        if (!isfinite(sql_float(&v, i))) odd(ctx, a, i, sql_float(&v, i), sign);
    if (a->failed) return;
    a->count += sign;
    if (isnan(all) || squares)
        for (size_t i = 0; i < v.n; i++) {
            double x = sql_float(&v, i), d = isfinite(x) ? x - a->shift[i] : 0;
            a->sum[i] += sign * d;
            if (squares) a->square[i] += sign * d * d;
        }
    else
        for (size_t i = 0; i < v.n; i++) a->sum[i] += sign * sql_float(&v, i);
}

/* What the elements that are not finite make of element i; 0 where there are none. */
static double odd_at(const sums *a, size_t i) {
    const sqlite3_int64 *o = a->odd + i * ODDS;
    if (o[ODD_NAN] > 0 || (o[ODD_PLUS] > 0 && o[ODD_MINUS] > 0)) return NAN;
    return o[ODD_PLUS] > 0 ? INFINITY : o[ODD_MINUS] > 0 ? -INFINITY : 0;
}

typedef enum { MEAN, SUM, DEVIATION } kind;

static void result(sqlite3_context *ctx, kind what) {
    const sums *a = sqlite3_aggregate_context(ctx, 0);
    if (!a || !a->sum || a->failed || a->count < (what == DEVIATION ? 2 : 1)) return; /* NULL, or the error */
    float *v = fresh(ctx, a->n, sizeof *v);
    if (!v) return;
    const double n = (double)a->count;
    for (size_t i = 0; i < a->n; i++) {
        double x = what == MEAN ? a->sum[i] / n : a->sum[i];
        if (what == DEVIATION) x = sqrt(fmax(a->square[i] - x * x / n, 0) / (n - 1));
        if (a->odd && odd_at(a, i) != 0) x = what == DEVIATION ? (double)NAN : odd_at(a, i);
        v[i] = (float)x;
    }
    sql_result_floats(ctx, v, a->n);
}

static void finish(sqlite3_context *ctx, kind what) {
    sums *a = sqlite3_aggregate_context(ctx, 0);
    if (!a) return;
    result(ctx, what);
    sqlite3_free(a->shift);
    sqlite3_free(a->sum);
    sqlite3_free(a->square);
    sqlite3_free(a->odd);
}

#define MEANS(name, what)                                                                                              \
    SQL_SCALAR(name##_step) {                                                                                          \
        (void)n;                                                                                                       \
        add(ctx, value[0], 1, (what) == DEVIATION);                                                                    \
    }                                                                                                                  \
    SQL_SCALAR(name##_inverse) {                                                                                       \
        (void)n;                                                                                                       \
        add(ctx, value[0], -1, (what) == DEVIATION);                                                                   \
    }                                                                                                                  \
    void name##_value(sqlite3_context *ctx) {                                                                          \
        result(ctx, what);                                                                                             \
    }                                                                                                                  \
    void name##_final(sqlite3_context *ctx) {                                                                          \
        finish(ctx, what);                                                                                             \
    }
MEANS(sql_vec_avg, MEAN)
MEANS(sql_vec_sum, SUM)
MEANS(sql_vec_std, DEVIATION)

/* ---- vec_collect: a queue, because the rows of a window leave in the order in which they came ------------ */

typedef struct {
    float *v;
    size_t first, n, room; /* v[first … n - 1] */
} queue;

SQL_SCALAR(sql_vec_collect_step) {
    double x = 0;
    (void)n;
    if (!sql_number_of(ctx, value[0], "what is collected", &x)) return;
    queue *q = sqlite3_aggregate_context(ctx, sizeof *q);
    if (q && q->n == q->room) {
        size_t room = q->room ? 2 * q->room : 64;
        float *grown = sqlite3_realloc64(q->v, room * sizeof *grown);
        if (grown) q->v = grown, q->room = room;
    }
    if (!q || q->n == q->room)
        sqlite3_result_error_nomem(ctx);
    else
        q->v[q->n++] = (float)x;
}

SQL_SCALAR(sql_vec_collect_inverse) {
    queue *q = sqlite3_aggregate_context(ctx, 0);
    (void)n;
    if (q && q->first < q->n && sqlite3_value_type(value[0]) != SQLITE_NULL) q->first++;
}

void sql_vec_collect_value(sqlite3_context *ctx) {
    const queue *q = sqlite3_aggregate_context(ctx, 0);
    if (!q || q->first == q->n) return;
    sqlite3_result_blob64(ctx, q->v + q->first, (q->n - q->first) * sizeof *q->v, SQLITE_TRANSIENT);
}

void sql_vec_collect_final(sqlite3_context *ctx) {
    queue *q = sqlite3_aggregate_context(ctx, 0);
    if (!q) return;
    sql_vec_collect_value(ctx);
    sqlite3_free(q->v);
}
