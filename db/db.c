/* Statements, values, errors: see db.h. */
#include "db/db.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

limn_status db_fail(sqlite3 *db, const char *path) {
    int rc = sqlite3_extended_errcode(db), os = sqlite3_system_errno(db);
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return limn_fail(LIMN_ENOMEM, "%s: no memory for SQLite", path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return limn_fail(LIMN_EBUSY, "%s: another process has it locked (%s)", path, sqlite3_errmsg(db));
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        if (os) return limn_fail(LIMN_EFAIL, "%s: %s (%s)", path, sqlite3_errmsg(db), strerror(os));
        break;
    case SQLITE_READONLY:
        if (rc == SQLITE_READONLY_DBMOVED)
            return limn_fail(LIMN_EFAIL, "%s: the file was removed or renamed while it was in use", path);
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return limn_fail(LIMN_EFAIL, "%s: the file is damaged (%s)", path, sqlite3_errmsg(db));
    default:
        break;
    }
    return limn_fail(LIMN_EFAIL, "%s: %s", path, sqlite3_errmsg(db));
}

limn_status db_exec(limn_store *s, const char *sql) {
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? LIMN_OK : db_fail(s->db, s->path);
}

/* *stmt = the statement of this text, prepared at its first use. */
static limn_status prepare(limn_store *s, sqlite3_stmt **stmt, const char *sql) {
    for (size_t i = 0; i < s->n_cache; i++)
        if (s->cache[i].sql == sql) {
            *stmt = s->cache[i].stmt;
            return LIMN_OK;
        }
    limn_status status = limn_grow(&s->cache, s->n_cache, &s->room_cache, sizeof *s->cache);
    if (status != LIMN_OK) return status;
    if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) != SQLITE_OK)
        return db_fail(s->db, s->path);
    s->cache[s->n_cache++] = (db_cached){sql, *stmt};
    return LIMN_OK;
}

static int bind(sqlite3_stmt *stmt, int place, const db_value *v) {
    switch (v->type) {
    case SQLITE_INTEGER:
        return sqlite3_bind_int64(stmt, place, v->i);
    case SQLITE_FLOAT:
        return sqlite3_bind_double(stmt, place, v->d);
    case SQLITE_TEXT:
        return sqlite3_bind_text(stmt, place, v->p, -1, SQLITE_STATIC);
    case SQLITE_BLOB:
        return sqlite3_bind_blob64(stmt, place, v->p, v->n, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(stmt, place);
    }
}

limn_status db_query(limn_store *s, sqlite3_stmt **out, const char *sql, const db_value *value, size_t n) {
    sqlite3_stmt *stmt = NULL;
    *out = NULL;
    limn_status status = prepare(s, &stmt, sql);
    if (status != LIMN_OK) return status;
    sqlite3_reset(stmt);
    for (size_t i = 0; i < n; i++)
        if (bind(stmt, (int)i + 1, &value[i]) != SQLITE_OK) {
            status = db_fail(s->db, s->path);
            db_reset(stmt);
            return status;
        }
    *out = stmt;
    return LIMN_OK;
}

limn_status db_next(limn_store *s, sqlite3_stmt *stmt, int *row) {
    int rc = sqlite3_step(stmt);
    *row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) return LIMN_OK;
    return db_fail(s->db, s->path);
}

void db_reset(sqlite3_stmt *stmt) {
    if (!stmt) return;
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt); /* texts and blobs were the caller's */
}

limn_status db_run(limn_store *s, const char *sql, const db_value *value, size_t n) {
    sqlite3_stmt *stmt = NULL;
    int row = 0;
    limn_status status = db_query(s, &stmt, sql, value, n);
    if (status == LIMN_OK) status = db_next(s, stmt, &row);
    db_reset(stmt);
    return status;
}

limn_status db_insert(limn_store *s, int64_t *id, const char *sql, const db_value *value, size_t n) {
    limn_status status = db_run(s, sql, value, n);
    if (status == LIMN_OK) *id = sqlite3_last_insert_rowid(s->db);
    return status;
}

limn_status db_get(limn_store *s, int64_t *result, int *found, const char *sql, const db_value *value, size_t n) {
    sqlite3_stmt *stmt = NULL;
    *found = 0;
    limn_status status = db_query(s, &stmt, sql, value, n);
    if (status == LIMN_OK) status = db_next(s, stmt, found);
    if (status == LIMN_OK && *found) *result = sqlite3_column_int64(stmt, 0);
    db_reset(stmt);
    return status;
}

void db_finalize(limn_store *s) {
    for (size_t i = 0; i < s->n_cache; i++) sqlite3_finalize(s->cache[i].stmt);
    s->n_cache = 0;
}

double db_real(sqlite3_stmt *stmt, int column) {
    return sqlite3_column_type(stmt, column) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(stmt, column);
}

int db_class(sqlite3_stmt *stmt, int column) {
    return sqlite3_column_type(stmt, column) == SQLITE_NULL ? -1 : sqlite3_column_int(stmt, column);
}

limn_status db_text(char **out, sqlite3_stmt *stmt, int column) {
    return limn_strdup(out, (const char *)sqlite3_column_text(stmt, column));
}

limn_status db_scope(limn_store *s, int *own) {
    *own = sqlite3_get_autocommit(s->db);
    return *own ? store_begin(s) : LIMN_OK;
}

limn_status db_scope_end(limn_store *s, int own, limn_status status) {
    if (!own) return status;
    if (status == LIMN_OK) status = store_commit(s);
    if (status != LIMN_OK) store_rollback(s);
    return status;
}
