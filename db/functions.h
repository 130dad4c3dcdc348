/* limn's SQL functions: one table, which registration, `limn methods`, the docs and the tests iterate.
 *
 * Values: a vector or map is a BLOB of little-endian float32. NULL in, NULL out. A BLOB of a wrong size or another type
 * is an SQL error that says so. NaN becomes NULL, as everywhere in SQLite. All are deterministic and innocuous (a view
 * may use them), keep no state, and may be called from any connection on any thread.
 *
 * Adding one = a function in vec.c, map.c or a file of its own + one row in functions.c. */
#ifndef LIMN_SQL_FUNCTIONS_H
#define LIMN_SQL_FUNCTIONS_H

#include <sqlite3.h>
#include <stddef.h>

typedef struct sql_function {
    const char *name;
    int nargs;        /* -1: as many as xFunc accepts */
    const char *args; /* "(a, b)" for people */
    int flags;
    void (*scalar)(sqlite3_context *, int, sqlite3_value **); /* or NULL and the four of an aggregate: */
    void (*step)(sqlite3_context *, int, sqlite3_value **);
    void (*inverse)(sqlite3_context *, int, sqlite3_value **);
    void (*value)(sqlite3_context *);
    void (*final)(sqlite3_context *);
    const char *help; /* one line */
} sql_function;
extern const sql_function sql_functions[]; /* ends with name NULL */

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
/* The result becomes the error "NAME: …". */
void sql_error(sqlite3_context *ctx, const char *fmt, ...);

static inline double sql_float(const sql_array *a, size_t i) {
    float v;
    __builtin_memcpy(&v, a->p + 4 * i, sizeof v);
    return (double)v;
}

#define SQL_SCALAR(name) void name(sqlite3_context *ctx, int n, sqlite3_value **value)
SQL_SCALAR(sql_vec_dim);
SQL_SCALAR(sql_vec_get);
SQL_SCALAR(sql_vec_dot);
SQL_SCALAR(sql_vec_l2);
SQL_SCALAR(sql_vec_cosine);
SQL_SCALAR(sql_vec_norm);
SQL_SCALAR(sql_vec_avg_step);
SQL_SCALAR(sql_vec_avg_inverse);
void sql_vec_avg_value(sqlite3_context *ctx);
void sql_vec_avg_final(sqlite3_context *ctx);
SQL_SCALAR(sql_map_sum);
SQL_SCALAR(sql_map_mean);
SQL_SCALAR(sql_map_min);
SQL_SCALAR(sql_map_max);
SQL_SCALAR(sql_map_png);

#endif
