/* A store's life: open, transactions, finish, close. See store.h.
 *
 * While a run writes: journal_mode = WAL with synchronous = NORMAL. A commit then costs no fsync, a killed process
 * loses nothing that was committed, and a power cut loses at most the last batches, never the file's consistency: the
 * run computes them again. store_finish() goes to synchronous = FULL, copies the -wal into the file and returns to
 * journal_mode = DELETE, so that one file remains, which can be read from a read-only folder. */
#include "db/db.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"

static const char for_all_sql[] = "PRAGMA busy_timeout = 10000;" /* ms: a reader's lock passes */
                                  "PRAGMA foreign_keys = ON;"
                                  "PRAGMA cell_size_check = ON;"
                                  "PRAGMA cache_size = -8000;"; /* KiB */

static limn_status store_new(limn_store **out, const char *path) {
    limn_status status = LIMN_OK;
    *out = NULL;
    TRY(limn_new(out, 1, sizeof **out));
    (*out)->lock = -1;
    TRY(limn_strdup(&(*out)->path, path));
    TRY(db_file_resolve(&(*out)->real, path));
done:
    return status;
}

/* *same = whether the pragma, run as a query, answers `want`. */
static limn_status pragma_is(limn_store *s, int *same, const char *sql, const char *want) {
    sqlite3_stmt *stmt = NULL;
    int row = 0;
    limn_status status = db_query(s, &stmt, sql, NULL, 0);
    if (status == LIMN_OK) status = db_next(s, stmt, &row);
    *same = row && sqlite3_column_text(stmt, 0) && strcmp((const char *)sqlite3_column_text(stmt, 0), want) == 0;
    db_reset(stmt);
    return status;
}

static limn_status begin_writing(limn_store *s) {
    limn_status status = LIMN_OK;
    int64_t version = 0;
    int found = 0, wal = 0, deleted = 0;
    TRY(db_exec(s, for_all_sql));
    if (db_file_is_remote(s->real)) TRY(db_exec(s, "PRAGMA locking_mode = EXCLUSIVE"));
    TRY(db_get(s, &version, &found, "PRAGMA user_version", NULL, 0));
    if (version < DB_VERSION) {
        /* Not in a -wal: db_file_check() reads the version in the file itself. */
        TRY(pragma_is(s, &deleted, "PRAGMA journal_mode = DELETE", "delete"));
        if (!deleted) FAIL(LIMN_EBUSY, "%s: other processes read it, so it cannot be brought to this version", s->path);
        TRY(db_migrate(s->db, s->path, db_migrations));
    }
    TRY(pragma_is(s, &wal, "PRAGMA journal_mode = WAL", "wal"));
    if (!wal) FAIL(LIMN_EFAIL, "%s: its file system does not allow write-ahead logging", s->path);
    TRY(db_exec(s, "PRAGMA synchronous = NORMAL"));
done:
    return status;
}

limn_status store_open(limn_store **out, const char *path) {
    limn_status status = LIMN_OK;
    limn_store *s = NULL;
    db_file what = DB_FILE_ABSENT;
    *out = NULL;
    TRY(store_new(&s, path));
    s->finished = 1; /* nothing to finish yet */
    TRY(db_file_check(s->real, &what));
    TRY(db_file_writable(path, s->real, what));
    TRY(limn_format(&s->lock_path, "%s.lock", s->real));
    TRY(db_lock(&s->lock, s->lock_path, path));
    TRY(db_file_check(s->real, &what)); /* again: now nobody else writes */
    if (what != DB_FILE_OURS) TRY(db_file_make(path, s->real));
    if (sqlite3_open_v2(s->real, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        TRY(db_fail(s->db, path));
    s->finished = 0;
    TRY(begin_writing(s));
    *out = s;
    s = NULL;
done:
    store_close(s);
    return status;
}

/* ---- reading -------------------------------------------------------------------------------------------- */

/* Whether the file says WAL and has none beside it: then nothing is missing in it, but SQLite would want to make one.
 */
static int wal_is_absent(const limn_store *s) {
    unsigned char head[20] = {0};
    char wal[4200];
    struct stat st;
    FILE *f = fopen(s->real, "rb");
    if (!f) return 0;
    size_t got = fread(head, 1, sizeof head, f);
    fclose(f);
    snprintf(wal, sizeof wal, "%s-wal", s->real);
    return got == sizeof head && head[18] == 2 && (stat(wal, &st) != 0 || st.st_size == 0);
}

/* *uri = file:PATH?immutable=1 with what URIs reserve escaped. */
static limn_status immutable_uri(char **uri, const char *real) {
    static const char hex[] = "0123456789ABCDEF";
    static const char head[] = "file:", tail[] = "?immutable=1";
    limn_status status = limn_new(uri, sizeof head + sizeof tail + 3 * strlen(real), 1);
    if (status != LIMN_OK) return status;
    memcpy(*uri, head, sizeof head - 1);
    char *p = *uri + sizeof head - 1;
    for (const unsigned char *c = (const unsigned char *)real; *c; c++)
        if (strchr("%?#", *c) || *c < ' ' || *c > '~')
            *p++ = '%', *p++ = hex[*c >> 4], *p++ = hex[*c & 15];
        else
            *p++ = (char)*c;
    memcpy(p, tail, sizeof tail);
    return LIMN_OK;
}

/* Whether a file of this ending lies beside the database. */
static int has_file(const limn_store *s, const char *ending) {
    char path[4200];
    snprintf(path, sizeof path, "%s%s", s->real, ending);
    return access(path, F_OK) == 0;
}

/* Opens the file, as one that nobody changes or with SQLite's locks, and reads its first page. */
static limn_status try_reader(limn_store *s, int still) {
    limn_status status = LIMN_OK;
    char *uri = NULL;
    int64_t tables = 0;
    int found = 0, flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    if (still) TRY(immutable_uri(&uri, s->real));
    if (sqlite3_open_v2(still ? uri : s->real, &s->db, still ? flags | SQLITE_OPEN_URI : flags, NULL) != SQLITE_OK)
        TRY(db_fail(s->db, s->path));
    TRY(db_exec(s, for_all_sql));
    TRY(db_get(s, &tables, &found, "SELECT count(*) FROM sqlite_schema", NULL, 0));
done:
    free(uri);
    return status;
}

static limn_status open_reader(limn_store *s) {
    int still = wal_is_absent(s), locked = has_file(s, ".lock");
    /* .lock: a run may be writing, or was killed: then only SQLite's own locks make reading safe */
    limn_status status = try_reader(s, still && !locked);
    int rc = s->db ? sqlite3_errcode(s->db) : SQLITE_OK;
    if (status == LIMN_OK || (rc != SQLITE_CANTOPEN && rc != SQLITE_READONLY)) return status;
    if (still && locked) { /* a read-only folder: nothing is missing, and nobody can write there */
        db_finalize(s);
        sqlite3_close(s->db);
        s->db = NULL;
        return try_reader(s, 1);
    }
    if (has_file(s, "-journal"))
        return limn_fail(LIMN_EINPUT,
                         "%s: a writer was cut off in the middle of a change, which the next `limn run` mends",
                         s->path);
    return limn_fail(LIMN_EINPUT,
                     "%s: a run was cut off and its -wal cannot be used in a read-only folder: let a run finish, or "
                     "copy %s and its -wal into a folder that can be written",
                     s->path, s->path);
}

limn_status store_open_readonly(limn_store **out, const char *path) {
    limn_status status = LIMN_OK;
    limn_store *s = NULL;
    db_file what = DB_FILE_ABSENT;
    *out = NULL;
    TRY(store_new(&s, path));
    s->readonly = s->finished = 1;
    TRY(db_file_check(s->real, &what));
    if (what == DB_FILE_ABSENT) FAIL(LIMN_EINPUT, "%s: there is no such database", path);
    if (what == DB_FILE_EMPTY) FAIL(LIMN_EINPUT, "%s: not a limn database: the file is empty", path);
    TRY(open_reader(s));
    *out = s;
    s = NULL;
done:
    store_close(s);
    return status;
}

limn_status store_probe(const char *path, int *exists) {
    limn_status status = LIMN_OK;
    char *real = NULL;
    db_file what = DB_FILE_ABSENT;
    *exists = 0;
    TRY(db_file_resolve(&real, path));
    TRY(db_file_check(real, &what));
    TRY(db_file_writable(path, real, what));
    *exists = what == DB_FILE_OURS;
done:
    free(real);
    return status;
}

int store_is_sqlite(const char *path) {
    char head[sizeof DB_MAGIC] = "";
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) return 0; /* a pipe would keep us waiting */
    FILE *f = fopen(path, "rb");
    size_t got = f ? fread(head, 1, sizeof head, f) : 0;
    if (f) fclose(f);
    return got == sizeof head && memcmp(head, DB_MAGIC, sizeof head) == 0;
}

/* ---- the end -------------------------------------------------------------------------------------------- */

/* SQLite's code; sets no message, so that store_close() keeps the caller's. */
static int finish(limn_store *s, int *one_file) {
    sqlite3_stmt *stmt = NULL;
    db_finalize(s);
    /* Statistics for the planner; without them queries are slower, nothing else: a failure is no matter. */
    if (sqlite3_total_changes(s->db) > 0)
        (void)sqlite3_exec(s->db, "PRAGMA analysis_limit = 1000; ANALYZE", NULL, NULL, NULL);
    int rc = sqlite3_exec(s->db, "PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_prepare_v2(s->db, "PRAGMA journal_mode = DELETE", -1, &stmt, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(stmt, 0);
        *one_file = mode && strcmp(mode, "delete") == 0;
        rc = SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    return (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED ? SQLITE_OK : rc; /* readers: *one_file says so */
}

limn_status store_finish(limn_store *s, int *one_file) {
    int one = 0;
    if (one_file) *one_file = 1;
    if (s->readonly || s->finished) return LIMN_OK;
    if (!sqlite3_get_autocommit(s->db)) return limn_fail(LIMN_EFAIL, "%s: a transaction is open", s->path);
    if (finish(s, &one) != SQLITE_OK) return db_fail(s->db, s->path);
    if (one_file) *one_file = one;
    s->finished = one;
    return LIMN_OK;
}

void store_close(limn_store *s) {
    int one = 0;
    if (!s) return;
    if (s->db) {
        store_rollback(s);
        if (!s->finished) (void)finish(s, &one);
        db_finalize(s);
        sqlite3_close(s->db);
    }
    db_unlock(s->lock, s->lock_path);
    free(s->cache);
    free(s->lock_path);
    free(s->real);
    free(s->path);
    free(s);
}

limn_status store_begin(limn_store *s) {
    return db_run(s, "BEGIN IMMEDIATE", NULL, 0);
}

limn_status store_commit(limn_store *s) {
    return db_run(s, "COMMIT", NULL, 0);
}

void store_rollback(limn_store *s) {
    if (s->db && !sqlite3_get_autocommit(s->db)) (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}
