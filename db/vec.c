/* SQL functions of vectors: see functions.h. Sums run in float64 (vec_kernels.h); what comes out as a vector is rounded
 * to float32 once. */
#include <math.h>

#include "db/functions.h"
#include "db/vec_kernels.h"

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
    if (sql_arrays_of(ctx, value, &a, &b)) sqlite3_result_double(ctx, vec_kernels_best()->dot(a.p, b.p, a.n));
}

SQL_SCALAR(sql_vec_l2) {
    sql_array a, b;
    (void)n;
    if (sql_arrays_of(ctx, value, &a, &b))
        sqlite3_result_double(ctx, sqrt(vec_kernels_best()->square_distance(a.p, b.p, a.n)));
}

SQL_SCALAR(sql_vec_cosine) {
    sql_array a, b;
    double p[3];
    (void)n;
    if (!sql_arrays_of(ctx, value, &a, &b)) return;
    vec_kernels_best()->products(a.p, b.p, a.n, p);
    double c = p[0] / (sqrt(p[1]) * sqrt(p[2])); /* 0 / 0: NaN, which is NULL */
    sqlite3_result_double(ctx, c > 1 ? 1 : c < -1 ? -1 : c);
}

SQL_SCALAR(sql_vec_norm) {
    sql_array v;
    (void)n;
    if (sql_array_of(ctx, value[0], &v)) sqlite3_result_double(ctx, sqrt(vec_kernels_best()->dot(v.p, v.p, v.n)));
}

/* The result = a + sign * b. */
static void combine(sqlite3_context *ctx, sqlite3_value **value, float sign) {
    sql_array a, b;
    if (!sql_arrays_of(ctx, value, &a, &b)) return;
    float *v = sql_floats(ctx, &a);
    if (!v) return;
    for (size_t i = 0; i < a.n; i++) v[i] += sign * (float)sql_float(&b, i);
    sql_result_floats(ctx, v, a.n);
}

SQL_SCALAR(sql_vec_add) {
    (void)n;
    combine(ctx, value, 1);
}

SQL_SCALAR(sql_vec_sub) {
    (void)n;
    combine(ctx, value, -1);
}

SQL_SCALAR(sql_vec_scale) {
    sql_array a;
    double s = 0;
    (void)n;
    if (!sql_array_of(ctx, value[0], &a) || !sql_number_of(ctx, value[1], "the factor", &s)) return;
    float *v = sql_floats(ctx, &a);
    if (!v) return;
    for (size_t i = 0; i < a.n; i++) v[i] = (float)(v[i] * s);
    sql_result_floats(ctx, v, a.n);
}
