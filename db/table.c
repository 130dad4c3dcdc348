/* Any query's answer as a table: see table.h.
 *
 * The statement is a stranger's: while it is prepared and runs, SQLite's authorizer lets it select, read, recur and call
 * functions, and nothing else. Texts are collected in one block; a cell holds its offset plus 1 until the block is
 * whole. */
#include "db/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "db/db.h"
#include "db/functions.h"

static int reads(void *ctx, int action, const char *a, const char *b, const char *database, const char *trigger) {
    (void)ctx, (void)a, (void)b, (void)database, (void)trigger;
    return action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_FUNCTION || action == SQLITE_RECURSIVE
               ? SQLITE_OK
               : SQLITE_DENY;
}

static limn_status failed(limn_store *s, const char *sql) {
    int rc = sqlite3_errcode(s->db), at = sqlite3_error_offset(s->db);
    size_t line = 1, column = 1;
    if (rc == SQLITE_AUTH) return limn_fail(LIMN_EINPUT, "SQL: a figure's query may only read: SELECT …");
    if (rc != SQLITE_ERROR && rc != SQLITE_TOOBIG && rc != SQLITE_MISMATCH && rc != SQLITE_RANGE)
        return db_fail(s->db, s->path);
    if (at < 0) return limn_fail(LIMN_EINPUT, "SQL: %s", sqlite3_errmsg(s->db));
    for (const char *c = sql; c < sql + at; c++) line += *c == '\n', column = *c == '\n' ? 1 : column + 1;
    return limn_fail(LIMN_EINPUT, "SQL, line %zu, column %zu: %s", line, column, sqlite3_errmsg(s->db));
}

static limn_status prepare(limn_store *s, sqlite3_stmt **stmt, const char *sql, const query_parameter *parameter,
                           size_t n) {
    limn_status status = LIMN_OK;
    const char *rest = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, stmt, &rest) != SQLITE_OK) TRY(failed(s, sql));
    if (!*stmt || sqlite3_column_count(*stmt) == 0) FAIL(LIMN_EINPUT, "SQL: there is no SELECT in it");
    if (rest[strspn(rest, "; \t\r\n")] != 0) FAIL(LIMN_EINPUT, "SQL: one statement, and not several");
    if (sqlite3_column_count(*stmt) > QUERY_TABLE_COLUMNS)
        FAIL(LIMN_EINPUT, "SQL: %d columns are too many (at most %d)", sqlite3_column_count(*stmt),
             QUERY_TABLE_COLUMNS);
    for (int i = 1; i <= sqlite3_bind_parameter_count(*stmt); i++) {
        const char *name = sqlite3_bind_parameter_name(*stmt, i);
        size_t k = 0;
        while (k < n && (!name || strcmp(name, parameter[k].name) != 0)) k++;
        if (k == n) FAIL(LIMN_EINPUT, "SQL: there is no value for the parameter `%s`", name ? name : "?");
        int rc = parameter[k].text ? sqlite3_bind_text(*stmt, i, parameter[k].text, -1, SQLITE_STATIC)
                                   : sqlite3_bind_int64(*stmt, i, parameter[k].value);
        if (rc != SQLITE_OK) TRY(failed(s, sql));
    }
done:
    return status;
}

typedef struct {
    query_table *out;
    size_t room, bytes, room_texts;
} reader;

static limn_status add_row(reader *r, sqlite3_stmt *stmt) {
    limn_status status = LIMN_OK;
    query_table *t = r->out;
    if (t->rows == QUERY_TABLE_ROWS) FAIL(LIMN_EINPUT, "SQL: more than %d rows cannot be drawn", QUERY_TABLE_ROWS);
    for (size_t c = 0; c < t->columns; c++) {
        TRY(limn_grow(&t->cell, t->rows * t->columns + c, &r->room, sizeof *t->cell));
        query_cell *cell = &t->cell[t->rows * t->columns + c];
        int type = sqlite3_column_type(stmt, (int)c);
        *cell = (query_cell){NAN, NULL};
        if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) cell->number = sqlite3_column_double(stmt, (int)c);
        if (type != SQLITE_TEXT) continue;
        const char *text = (const char *)sqlite3_column_text(stmt, (int)c);
        if (!text) FAIL(LIMN_EFAIL, "there is no memory for a text of the query");
        size_t n = strlen(text) + 1;
        TRY(limn_grow(&t->texts, r->bytes + n, &r->room_texts, 1));
        memcpy(t->texts + r->bytes, text, n);
        uintptr_t place = r->bytes + 1;
        memcpy(&cell->text, &place, sizeof place);
        r->bytes += n;
    }
    t->rows++;
done:
    return status;
}

limn_status query_any(limn_store *s, query_table *out, const char *sql, const query_parameter *parameter, size_t n) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    reader r = {.out = out};
    int rc;
    *out = (query_table){0};
    if (sql_functions_register(s->db) != SQLITE_OK) TRY(db_fail(s->db, s->path));
    (void)sqlite3_set_authorizer(s->db, reads, NULL);
    TRY(prepare(s, &stmt, sql, parameter, n));
    size_t columns = (size_t)sqlite3_column_count(stmt);
    TRY(limn_new(&out->name, columns, sizeof *out->name));
    for (out->columns = 0; out->columns < columns; out->columns++)
        TRY(limn_strdup(&out->name[out->columns], sqlite3_column_name(stmt, (int)out->columns)));
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) TRY(add_row(&r, stmt));
    if (rc != SQLITE_DONE) TRY(failed(s, sql));
    for (size_t i = 0; i < out->rows * out->columns; i++) {
        uintptr_t place = 0;
        memcpy(&place, &out->cell[i].text, sizeof place);
        out->cell[i].text = place ? out->texts + place - 1 : NULL;
    }
done:
    sqlite3_finalize(stmt);
    (void)sqlite3_set_authorizer(s->db, NULL, NULL);
    return status;
}

void query_table_clear(query_table *t) {
    for (size_t c = 0; t->name && c < t->columns; c++) free(t->name[c]);
    free(t->name);
    free(t->cell);
    free(t->texts);
    *t = (query_table){0};
}
