/* The SQLite plumbing under the store: files that are checked before SQLite sees them, statements prepared once, errors
 * as sentences. Internal to db/.
 *
 * A statement is cached by the address of its text, so a text lives in a `static const char[]` or a literal. Values are
 * bound by type: db_run(s, "… WHERE a = ?1", DB_ARGS(DB_INT(id), DB_TEXT(name))); texts and blobs need to live for the
 * call only (db_run) or until db_reset (db_query). */
#ifndef LIMN_DB_H
#define LIMN_DB_H

#include <sqlite3.h>
#include <stdint.h>

#include "db/store.h"

#define DB_MAGIC "SQLite format 3" /* the first 16 bytes, with the NUL, of every SQLite file */
enum {
    DB_APPLICATION_ID = 0x6c696d6e, /* "limn" */
    DB_VERSION = 5,                 /* user_version of db/schema.sql */
    DB_PAGE_SIZE = 16384            /* measured: docs/store.md */
};

typedef struct {
    const char *sql;
    sqlite3_stmt *stmt;
} db_cached;

struct limn_store {
    sqlite3 *db;
    char *path;      /* as the caller wrote it, for sentences */
    char *real;      /* resolved, absolute: what SQLite opens */
    char *lock_path; /* FILE.lock */
    int lock;        /* its descriptor while held, or -1 */
    int readonly, finished;
    db_cached *cache;
    size_t n_cache, room_cache;
};

/* ---- the file (file.c) ---------------------------------------------------------------------------------- */

typedef enum { DB_FILE_ABSENT, DB_FILE_EMPTY, DB_FILE_OURS } db_file;
/* Reads the header of the file at `path` without SQLite: LIMN_EINPUT where it is no file, not a limn database, or of a
 * newer version. */
limn_status db_file_check(const char *path, db_file *what) LIMN_CHECK;
/* *out = the absolute path of `path`, symbolic links resolved; the file itself may be absent, its folder may not. */
limn_status db_file_resolve(char **out, const char *path) LIMN_CHECK;
/* LIMN_EINPUT where the file or its folder cannot be written. */
limn_status db_file_writable(const char *path, const char *real, db_file what) LIMN_CHECK;
/* Makes an empty database of this version under FILE.limn-new, then gives it its name. The lock is held. */
limn_status db_file_make(const char *path, const char *real) LIMN_CHECK;
/* *fd = the descriptor of the locked file; LIMN_EBUSY where another process holds it. */
limn_status db_lock(int *fd, const char *lock_path, const char *path) LIMN_CHECK;
/* Removes the lock file and releases the lock. */
void db_unlock(int fd, const char *lock_path);
/* Whether the file lies on a network file system, where shared memory between processes does not work. */
int db_file_is_remote(const char *real);

/* ---- versions (migrate.c) ------------------------------------------------------------------------------- */

typedef struct {
    int version; /* that it makes out of the one before */
    const char *sql;
} db_migration;
extern const db_migration db_migrations[]; /* in order, ends with version 0 */
extern const char db_schema[];             /* db/schema.sql */
/* Runs the rows of `m` above the file's user_version, each in a transaction of its own that sets user_version. */
limn_status db_migrate(sqlite3 *db, const char *path, const db_migration *m) LIMN_CHECK;

/* ---- statements ----------------------------------------------------------------------------------------- */

typedef struct {
    int type; /* SQLITE_INTEGER, SQLITE_FLOAT, SQLITE_TEXT, SQLITE_BLOB, SQLITE_NULL */
    int64_t i;
    double d;
    const void *p;
    size_t n;
} db_value;
#define DB_INT(x) ((db_value){.type = SQLITE_INTEGER, .i = (int64_t)(x)})
#define DB_REAL(x) ((db_value){.type = SQLITE_FLOAT, .d = (x)})                     /* NaN: NULL */
#define DB_TEXT(x) ((db_value){.type = SQLITE_TEXT, .p = (x)})                      /* NULL: NULL */
#define DB_BLOB(x, bytes) ((db_value){.type = SQLITE_BLOB, .p = (x), .n = (bytes)}) /* NULL: NULL */
#define DB_LABEL(x) db_label(x)                                                     /* negative: NULL */
#define DB_ARGS(...) (const db_value[]){__VA_ARGS__}, sizeof((const db_value[]){__VA_ARGS__}) / sizeof(db_value)

static inline db_value db_label(int64_t x) {
    return (db_value){.type = x < 0 ? SQLITE_NULL : SQLITE_INTEGER, .i = x};
}

/* Records "FILE: SQLite's words" for the last failure on `db` and returns the status that it deserves. */
limn_status db_fail(sqlite3 *db, const char *path) LIMN_CHECK;
/* One or more statements without values or rows. */
limn_status db_exec(limn_store *s, const char *sql) LIMN_CHECK;
/* Runs a statement that returns no row. */
limn_status db_run(limn_store *s, const char *sql, const db_value *value, size_t n) LIMN_CHECK;
/* The same for one that inserts; *id = the new row's. */
limn_status db_insert(limn_store *s, int64_t *id, const char *sql, const db_value *value, size_t n) LIMN_CHECK;
/* Starts a query; then db_next() until *row is 0, then db_reset(). *stmt is borrowed. */
limn_status db_query(limn_store *s, sqlite3_stmt **stmt, const char *sql, const db_value *value, size_t n) LIMN_CHECK;
limn_status db_next(limn_store *s, sqlite3_stmt *stmt, int *row) LIMN_CHECK;
void db_reset(sqlite3_stmt *stmt); /* NULL is fine */
/* The first column of the first row as an integer; *found = 0 where there is no row (then *value stays). */
limn_status db_get(limn_store *s, int64_t *result, int *found, const char *sql, const db_value *value,
                   size_t n) LIMN_CHECK;
void db_finalize(limn_store *s);

/* Columns of the current row; NULL gives NaN, -1, NULL. */
double db_real(sqlite3_stmt *stmt, int column);
int db_class(sqlite3_stmt *stmt, int column);
limn_status db_text(char **out, sqlite3_stmt *stmt, int column) LIMN_CHECK; /* a copy: the caller's */

/* A transaction of its own where none is open: db_scope() … db_scope_end(s, own, status). */
limn_status db_scope(limn_store *s, int *own) LIMN_CHECK;
limn_status db_scope_end(limn_store *s, int own, limn_status status) LIMN_CHECK;

#endif
