/* The table of SQL functions and what they share: see functions.h. */
#include "db/functions.h"

#include <stdarg.h>

enum { PURE = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS };
#define SCALAR(fn) fn, NULL, NULL, NULL, NULL
#define WINDOW(fn) NULL, fn##_step, fn##_inverse, fn##_value, fn##_final

const sql_function sql_functions[] = {
    {"vec_dim", 1, "(v)", PURE, SCALAR(sql_vec_dim), "number of elements"},
    {"vec_get", 2, "(v, i)", PURE, SCALAR(sql_vec_get), "element i, counted from 0"},
    {"vec_dot", 2, "(a, b)", PURE, SCALAR(sql_vec_dot), "dot product"},
    {"vec_l2", 2, "(a, b)", PURE, SCALAR(sql_vec_l2), "euclidean distance"},
    {"vec_cosine", 2, "(a, b)", PURE, SCALAR(sql_vec_cosine), "cosine of the angle; NULL where one is all zero"},
    {"vec_norm", 1, "(v)", PURE, SCALAR(sql_vec_norm), "euclidean length"},
    {"vec_avg", 1, "(v)", PURE, WINDOW(sql_vec_avg),
     "aggregate or window: mean of the vectors or maps, element by element"},
    {"map_sum", 1, "(data)", PURE, SCALAR(sql_map_sum), "sum of all values"},
    {"map_mean", 1, "(data)", PURE, SCALAR(sql_map_mean), "mean of all values"},
    {"map_min", 1, "(data)", PURE, SCALAR(sql_map_min), "smallest value; NULL where one is NaN"},
    {"map_max", 1, "(data)", PURE, SCALAR(sql_map_max), "largest value; NULL where one is NaN"},
    {"map_png", 3, "(data, h, w)", PURE, SCALAR(sql_map_png),
     "a PNG of the map in viridis, from its least to its largest value"},
    {"map_png", 4, "(data, h, w, palette)", PURE, SCALAR(sql_map_png), "the same in the palette of that name"},
    {NULL, 0, NULL, 0, SCALAR(NULL), NULL},
};

int sql_functions_register(sqlite3 *db) {
    for (const sql_function *f = sql_functions; f->name; f++) {
        void *row = (void *)(size_t)f; /* const for them all the same */
        int rc = f->scalar
                     ? sqlite3_create_function_v2(db, f->name, f->nargs, f->flags, row, f->scalar, NULL, NULL, NULL)
                     : sqlite3_create_window_function(db, f->name, f->nargs, f->flags, row, f->step, f->final, f->value,
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

int sql_array_of(sqlite3_context *ctx, sqlite3_value *value, sql_array *out) {
    static const char *const type[] = {
        [SQLITE_INTEGER] = "an integer", [SQLITE_FLOAT] = "a number", [SQLITE_TEXT] = "text", [SQLITE_BLOB] = "a BLOB"};
    int t = sqlite3_value_type(value);
    if (t == SQLITE_NULL) {
        sqlite3_result_null(ctx);
        return 0;
    }
    if (t != SQLITE_BLOB) {
        sql_error(ctx, "needs a BLOB of float32, not %s", type[t]);
        return 0;
    }
    out->p = sqlite3_value_blob(value);
    int bytes = sqlite3_value_bytes(value);
    if (bytes % 4 != 0) {
        sql_error(ctx, "a BLOB of %d bytes is no array of float32: 4 bytes each", bytes);
        return 0;
    }
    out->n = (size_t)bytes / 4;
    return 1;
}

int sql_arrays_of(sqlite3_context *ctx, sqlite3_value **value, sql_array *a, sql_array *b) {
    if (!sql_array_of(ctx, value[0], a) || !sql_array_of(ctx, value[1], b)) return 0;
    if (a->n == b->n) return 1;
    sql_error(ctx, "the arrays have %lld and %lld elements", (long long)a->n, (long long)b->n);
    return 0;
}
