/* limn's SQL functions: one table, which registration, the docs and the tests iterate. The same files make the loadable
 * extension (LIMN_EXTENSION: SQLite is reached through the host's table of calls).
 *
 * Values: a vector or map is a BLOB of little-endian float32. NULL in, NULL out; rows with NULL are not counted by
 * aggregates. A BLOB of a wrong size or another type is an SQL error that says so. NaN becomes NULL, as everywhere in
 * SQLite. All but knn() are deterministic and innocuous (a view may use them), keep no state, and may be called from any
 * connection on any thread.
 *
 * Adding one = a function in a file below + one row in functions.c:
 *   vec.c        arithmetic of vectors, by vec_kernels.c      vec_means.c  vec_avg, vec_sum, vec_std, vec_collect
 *   map.c        figures of one map and of two                picture.c    map_png, image_png      npy.c  npy
 *   series.c     statistics: rows become numbers, statistics.c computes, tests.c has the tests of two groups
 *   tables.c     table-valued: vec_each, map_each, histogram  knn.c        knn */
#ifndef LIMN_SQL_FUNCTIONS_H
#define LIMN_SQL_FUNCTIONS_H

#ifdef LIMN_EXTENSION
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3
#else
#include <sqlite3.h>
#endif
#include <stddef.h>

#include "base/status.h"

typedef struct sql_statistic sql_statistic;
typedef struct sql_table sql_table;

typedef struct sql_function {
    const char *name;
    int nargs;                                                /* of a table-valued function: at most */
    const char *args;                                         /* "(a, b)" for people */
    const char *help;                                         /* one line */
    void (*scalar)(sqlite3_context *, int, sqlite3_value **); /* or NULL and the four of an aggregate … */
    void (*step)(sqlite3_context *, int, sqlite3_value **);
    void (*inverse)(sqlite3_context *, int, sqlite3_value **);
    void (*value)(sqlite3_context *);
    void (*final)(sqlite3_context *);
    const sql_statistic *statistic; /* … whose rows are numbers */
    const sql_table *table;         /* … or a table-valued function */
} sql_function;
extern const sql_function sql_functions[]; /* ends with name NULL */

enum { SQL_PURE = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS };

/* Makes all of them known to a connection; SQLite's code. */
int sql_functions_register(sqlite3 *db);

/* ---- for the functions themselves ----------------------------------------------------------------------- */

typedef struct {
    const unsigned char *p; /* not aligned: read with sql_float() */
    size_t n;               /* elements */
} sql_array;

/* 1: *out is the BLOB's array, borrowed until the next call on the value. 0: the result is set, to NULL or an error. */
int sql_array_of(sqlite3_context *ctx, sqlite3_value *value, sql_array *out);
/* The same for two arrays of one length. */
int sql_arrays_of(sqlite3_context *ctx, sqlite3_value **value, sql_array *a, sql_array *b);
/* What is wrong with a value that should be an array, as a sentence for sqlite3_free(); NULL: it is one, or NULL. */
char *sql_array_wrong(sqlite3_value *value);
/* Height and width of a map: 1 and *h, *w; 0: the result is set. */
int sql_sides_of(sqlite3_context *ctx, sqlite3_value **value, size_t *h, size_t *w);
/* The same where a (channels, h, w) must have a whole number of channels, at most `most`. */
int sql_shape_of(sqlite3_context *ctx, sqlite3_value **value, const sql_array *a, size_t most, size_t *channels,
                 size_t *h, size_t *w);
/* A number: 1 and *x; 0: the result is set, to NULL or an error. */
int sql_number_of(sqlite3_context *ctx, sqlite3_value *value, const char *what, double *x);
/* A copy (n) of the array's floats, aligned, for sqlite3_free(); NULL: the result is an error. */
float *sql_floats(sqlite3_context *ctx, const sql_array *a);
/* The result becomes the array v (n), which is given away. */
void sql_result_floats(sqlite3_context *ctx, float *v, size_t n);
/* The result becomes the error "NAME: …". */
void sql_error(sqlite3_context *ctx, const char *fmt, ...) LIMN_PRINTF(2, 3);

static inline double sql_float(const sql_array *a, size_t i) {
    float v;
    __builtin_memcpy(&v, a->p + 4 * i, sizeof v);
    return (double)v;
}

enum { SQL_MAX_SIDE = 65535 };

/* ---- statistics (series.c, statistics.c, tests.c) ------------------------------------------------------- */

/* What the rows of a group gave: x (n) and, where a row has two, y (n); parameters of the last row. */
typedef struct {
    const double *x, *y;
    size_t n;
    double parameter[2];
    double *work; /* (2 n + 2), fresh */
} sql_series;
struct sql_statistic {
    int columns, parameters; /* numbers that a row gives; what follows them is a parameter, the same for all rows */
    /* NaN: NULL. A sentence in *wrong: an error. */
    double (*of)(const sql_series *s, const char **wrong);
};
extern const sql_statistic sql_median, sql_quantile, sql_variance, sql_stddev, sql_corr, sql_spearman, sql_slope,
    sql_intercept, sql_welch_t, sql_welch_p, sql_mann_whitney_u, sql_mann_whitney_p, sql_bootstrap_low,
    sql_bootstrap_high;

/* ---- table-valued functions (tables.c, knn.c) ----------------------------------------------------------- */

enum { SQL_TABLE_ARGS = 5 };
/* One call: the values that it was given, and as many rows as it has. */
typedef struct {
    sqlite3_vtab_cursor base;
    sqlite3_int64 n, at;
    void *data; /* a copy of what the rows come from, for sqlite3_free() */
    size_t h, w;
    double low, step;
} sql_cursor;
struct sql_table {
    const char *columns; /* "x, y": then the arguments follow, hidden */
    const char *args;    /* "data, h, w" */
    int n_columns, n_args, needed;
    int innocuous;
    /* Sets up c for the arguments (NULL pointers: not given). A sentence for sqlite3_free(): an error; c->n stays 0 for
     * NULL in. */
    char *(*open)(sql_cursor *c, sqlite3 *db, sqlite3_value **arg);
    void (*column)(const sql_cursor *c, int column, sqlite3_context *ctx); /* of row c->at */
};
extern const sql_table sql_vec_each, sql_map_each, sql_histogram, sql_knn;
int sql_table_register(sqlite3 *db, const sql_function *f);

#define SQL_SCALAR(name) void name(sqlite3_context *ctx, int n, sqlite3_value **value)
#define SQL_WINDOW(name)                                                                                               \
    SQL_SCALAR(name##_step);                                                                                           \
    SQL_SCALAR(name##_inverse);                                                                                        \
    void name##_value(sqlite3_context *ctx);                                                                           \
    void name##_final(sqlite3_context *ctx)
SQL_SCALAR(sql_vec_dim);
SQL_SCALAR(sql_vec_get);
SQL_SCALAR(sql_vec_dot);
SQL_SCALAR(sql_vec_l2);
SQL_SCALAR(sql_vec_cosine);
SQL_SCALAR(sql_vec_norm);
SQL_SCALAR(sql_vec_add);
SQL_SCALAR(sql_vec_sub);
SQL_SCALAR(sql_vec_scale);
SQL_WINDOW(sql_vec_avg);
SQL_WINDOW(sql_vec_sum);
SQL_WINDOW(sql_vec_std);
SQL_WINDOW(sql_vec_collect);
SQL_SCALAR(sql_map_sum);
SQL_SCALAR(sql_map_mean);
SQL_SCALAR(sql_map_min);
SQL_SCALAR(sql_map_max);
SQL_SCALAR(sql_map_entropy);
SQL_SCALAR(sql_map_gini);
SQL_SCALAR(sql_map_centroid_x);
SQL_SCALAR(sql_map_centroid_y);
SQL_SCALAR(sql_map_mass_in);
SQL_SCALAR(sql_map_corr);
SQL_SCALAR(sql_map_spearman);
SQL_SCALAR(sql_map_ssim);
SQL_SCALAR(sql_map_iou);
SQL_SCALAR(sql_map_resize);
SQL_SCALAR(sql_map_normalise);
SQL_SCALAR(sql_map_png);
SQL_SCALAR(sql_image_png);
SQL_SCALAR(sql_npy);
SQL_WINDOW(sql_series);

#endif
