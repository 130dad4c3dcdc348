/* Table-valued functions: what all of them share, and those of one array: see functions.h.
 *
 * Each is an eponymous virtual table: its arguments are hidden columns, which must be given as values or come from a
 * table to the left. A call copies what it needs, and its rows are counted: row i is computed where it is read. */
#include <math.h>
#include <string.h>

#include "db/functions.h"

typedef struct {
    sqlite3_vtab base;
    sqlite3 *db;
    const sql_function *f;
} table;

/* ---- SQLite's side -------------------------------------------------------------------------------------- */

static int fail(sqlite3_vtab *v, const char *name, char *what) {
    sqlite3_free(v->zErrMsg);
    v->zErrMsg = what ? sqlite3_mprintf("%s: %s", name, what) : NULL;
    sqlite3_free(what);
    return v->zErrMsg ? SQLITE_ERROR : SQLITE_NOMEM;
}

static int connect(sqlite3 *db, void *row, int argc, const char *const *argv, sqlite3_vtab **out, char **message) {
    const sql_function *f = row;
    (void)argc, (void)argv, (void)message;
    char *sql = sqlite3_mprintf("CREATE TABLE x (%s", f->table->columns);
    for (const char *a = f->table->args; sql && *a;) {
        size_t n = strcspn(a, ",");
        char *longer = sqlite3_mprintf("%s, %.*s HIDDEN", sql, (int)n, a);
        sqlite3_free(sql);
        sql = longer;
        a += n;
        a += strspn(a, ", ");
    }
    char *whole = sql ? sqlite3_mprintf("%s)", sql) : NULL;
    int rc = whole ? sqlite3_declare_vtab(db, whole) : SQLITE_NOMEM;
    sqlite3_free(whole);
    sqlite3_free(sql);
    if (rc != SQLITE_OK) return rc;
    table *t = sqlite3_malloc(sizeof *t);
    if (!t) return SQLITE_NOMEM;
    *t = (table){.db = db, .f = f};
    if (f->table->innocuous) sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
    *out = &t->base;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *v) {
    sqlite3_free(v);
    return SQLITE_OK;
}

/* idxNum: a bit an argument that is given; they come to filter() in their order. */
static int best_index(sqlite3_vtab *v, sqlite3_index_info *info) {
    const table *t = (const table *)v;
    const sql_table *s = t->f->table;
    int at[SQL_TABLE_ARGS], n = 0;
    memset(at, -1, sizeof at);
    for (int i = 0; i < info->nConstraint; i++) {
        int arg = info->aConstraint[i].iColumn - s->n_columns;
        if (arg < 0 || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
        if (!info->aConstraint[i].usable) return SQLITE_CONSTRAINT; /* another order of tables can */
        at[arg] = i;
    }
    info->idxNum = 0;
    for (int arg = 0; arg < s->n_args; arg++) {
        if (at[arg] < 0) {
            if (arg < s->needed) return fail(v, t->f->name, sqlite3_mprintf("needs %s", t->f->args));
            continue;
        }
        info->aConstraintUsage[at[arg]].argvIndex = ++n;
        info->aConstraintUsage[at[arg]].omit = 1;
        info->idxNum |= 1 << arg;
    }
    info->estimatedCost = 1000;
    info->estimatedRows = 1000;
    return SQLITE_OK;
}

static int cursor_open(sqlite3_vtab *v, sqlite3_vtab_cursor **out) {
    (void)v;
    sql_cursor *c = sqlite3_malloc(sizeof *c);
    if (!c) return SQLITE_NOMEM;
    memset(c, 0, sizeof *c);
    *out = &c->base;
    return SQLITE_OK;
}

static int cursor_close(sqlite3_vtab_cursor *cursor) {
    sqlite3_free(((sql_cursor *)cursor)->data);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *cursor, int given, const char *text, int argc, sqlite3_value **argv) {
    sql_cursor *c = (sql_cursor *)cursor;
    const table *t = (const table *)cursor->pVtab;
    sqlite3_value *arg[SQL_TABLE_ARGS] = {NULL};
    (void)text, (void)argc;
    sqlite3_free(c->data);
    *c = (sql_cursor){.base = c->base};
    for (int i = 0, k = 0; i < t->f->table->n_args; i++) {
        if (!(given & 1 << i)) continue;
        arg[i] = argv[k++];
        if (sqlite3_value_type(arg[i]) == SQLITE_NULL) return SQLITE_OK; /* NULL in: no rows */
    }
    char *wrong = t->f->table->open(c, t->db, arg);
    if (!wrong) return SQLITE_OK;
    c->n = 0;
    return fail(cursor->pVtab, t->f->name, wrong);
}

static int next(sqlite3_vtab_cursor *cursor) {
    ((sql_cursor *)cursor)->at++;
    return SQLITE_OK;
}

static int eof(sqlite3_vtab_cursor *cursor) {
    const sql_cursor *c = (const sql_cursor *)cursor;
    return c->at >= c->n;
}

static int column(sqlite3_vtab_cursor *cursor, sqlite3_context *ctx, int i) {
    const table *t = (const table *)cursor->pVtab;
    if (i < t->f->table->n_columns) t->f->table->column((const sql_cursor *)cursor, i, ctx);
    return SQLITE_OK; /* an argument reads as NULL: it was used, and is not kept */
}

static int rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *id) {
    *id = ((sql_cursor *)cursor)->at;
    return SQLITE_OK;
}

int sql_table_register(sqlite3 *db, const sql_function *f) {
    static const sqlite3_module module = {.iVersion = 0,
                                          .xConnect = connect, /* no xCreate: it is there without CREATE */
                                          .xBestIndex = best_index,
                                          .xDisconnect = disconnect,
                                          .xDestroy = disconnect,
                                          .xOpen = cursor_open,
                                          .xClose = cursor_close,
                                          .xFilter = filter,
                                          .xNext = next,
                                          .xEof = eof,
                                          .xColumn = column,
                                          .xRowid = rowid};
    return sqlite3_create_module(db, f->name, &module, (void *)(size_t)f);
}

/* ---- tables of one array -------------------------------------------------------------------------------- */

/* c->data = a copy of the array, c->n its elements; a sentence where it is none. */
static char *keep(sql_cursor *c, sqlite3_value *value) {
    char *wrong = sql_array_wrong(value);
    if (wrong) return wrong;
    const void *p = sqlite3_value_blob(value);
    int bytes = sqlite3_value_bytes(value);
    c->data = sqlite3_malloc64((sqlite3_uint64)bytes + 1);
    if (!c->data) return sqlite3_mprintf("out of memory");
    if (bytes > 0) memcpy(c->data, p, (size_t)bytes);
    c->n = bytes / 4;
    return NULL;
}

static double element(const sql_cursor *c, sqlite3_int64 i) {
    return sql_float(&(sql_array){c->data, (size_t)c->n}, (size_t)i);
}

static char *vec_each_open(sql_cursor *c, sqlite3 *db, sqlite3_value **arg) {
    (void)db;
    return keep(c, arg[0]);
}

static void vec_each_column(const sql_cursor *c, int i, sqlite3_context *ctx) {
    if (i == 0)
        sqlite3_result_int64(ctx, c->at);
    else
        sqlite3_result_double(ctx, element(c, c->at));
}

const sql_table sql_vec_each = {"i, value", "v", 2, 1, 1, 1, vec_each_open, vec_each_column};

static char *map_each_open(sql_cursor *c, sqlite3 *db, sqlite3_value **arg) {
    sqlite3_int64 h = sqlite3_value_int64(arg[1]), w = sqlite3_value_int64(arg[2]);
    (void)db;
    if (sqlite3_value_type(arg[1]) != SQLITE_INTEGER || sqlite3_value_type(arg[2]) != SQLITE_INTEGER || h < 1 ||
        h > SQL_MAX_SIDE || w < 1 || w > SQL_MAX_SIDE)
        return sqlite3_mprintf("height and width are integers from 1 to %d", SQL_MAX_SIDE);
    char *wrong = keep(c, arg[0]);
    if (wrong) return wrong;
    c->h = (size_t)h;
    c->w = (size_t)w;
    if (c->n > 0 && c->n % (h * w) == 0) return NULL;
    return sqlite3_mprintf("%lld values are no map of %lld x %lld", c->n, h, w);
}

static void map_each_column(const sql_cursor *c, int i, sqlite3_context *ctx) {
    const sqlite3_int64 w = (sqlite3_int64)c->w, h = (sqlite3_int64)c->h;
    if (i == 2)
        sqlite3_result_double(ctx, element(c, c->at));
    else
        sqlite3_result_int64(ctx, i == 0 ? c->at % w : i == 1 ? c->at / w % h : c->at / (w * h));
}

const sql_table sql_map_each = {"x, y, value, channel", "data, h, w", 4, 3, 3, 1, map_each_open, map_each_column};

/* ---- histogram ------------------------------------------------------------------------------------------ */

enum { MOST_BINS = 1 << 20 };

/* The bounds: those given, or the least and the largest finite value; a single value gets half a unit on each side, as in
 * NumPy. */
static char *bounds(sql_cursor *c, sqlite3_value **arg, double *high) {
    if (arg[2] && arg[3]) {
        c->low = sqlite3_value_double(arg[2]);
        *high = sqlite3_value_double(arg[3]);
        if (c->low < *high && isfinite(*high - c->low)) return NULL;
        return sqlite3_mprintf("the lower bound is a number below the upper one");
    }
    c->low = (double)INFINITY, *high = (double)-INFINITY;
    for (sqlite3_int64 i = 0; i < c->n; i++) {
        double v = element(c, i);
        if (isfinite(v)) c->low = fmin(c->low, v), *high = fmax(*high, v);
    }
    if (c->low > *high) c->low = 0, *high = 1;
    if (c->low == *high) c->low -= .5, *high += .5;
    return NULL;
}

static char *histogram_open(sql_cursor *c, sqlite3 *db, sqlite3_value **arg) {
    sqlite3_int64 bins = sqlite3_value_int64(arg[1]);
    double high = 0;
    (void)db;
    if (sqlite3_value_type(arg[1]) != SQLITE_INTEGER || bins < 1 || bins > MOST_BINS)
        return sqlite3_mprintf("the number of bins is an integer from 1 to %d", MOST_BINS);
    if (!arg[2] != !arg[3]) return sqlite3_mprintf("both bounds are given, or none");
    char *wrong = keep(c, arg[0]);
    if (!wrong) wrong = bounds(c, arg, &high);
    if (wrong) return wrong;
    sqlite3_int64 *count = sqlite3_malloc64((sqlite3_uint64)bins * sizeof *count);
    if (!count) return sqlite3_mprintf("out of memory");
    memset(count, 0, (size_t)bins * sizeof *count);
    c->step = (high - c->low) / (double)bins;
    for (sqlite3_int64 i = 0; i < c->n; i++) {
        double v = element(c, i), k = floor((v - c->low) / (high - c->low) * (double)bins);
        if (v >= c->low && v <= high) count[k < (double)bins ? (sqlite3_int64)k : bins - 1]++;
    }
    sqlite3_free(c->data);
    c->data = count;
    c->n = bins;
    return NULL;
}

static void histogram_column(const sql_cursor *c, int i, sqlite3_context *ctx) {
    if (i == 0)
        sqlite3_result_int64(ctx, c->at);
    else if (i == 3)
        sqlite3_result_int64(ctx, ((const sqlite3_int64 *)c->data)[c->at]);
    else
        sqlite3_result_double(ctx, c->low + c->step * (double)(c->at + (i == 2)));
}

const sql_table sql_histogram = {"bin, low, high, count", "data, bins, lowest, highest", 4, 4, 2, 1, histogram_open,
                                 histogram_column};
