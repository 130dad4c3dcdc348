/* Pairs of a sample and a class by a query: see store.h.
 *
 * What a query may read is complete before the first map is made, and the same whenever it is asked again: models, data
 * sets, samples, predictions, features, embeddings, through views too; neither maps and their figures, which a run that was
 * killed has in part, nor chance or the clock. SQLite's authorizer holds it to that while the statement is compiled. */
#include "db/db.h"

#include <stdio.h>
#include <string.h>

#include "base/try.h"
#include "db/functions.h"

static int in(const char *const *words, const char *word) {
    for (; *words; words++)
        if (sqlite3_stricmp(*words, word) == 0) return 1;
    return 0;
}

/* What a query was refused for; its address is the authorizer's context. */
typedef struct {
    char what[80];
} refusal;

static int authorize(void *ctx, int action, const char *first, const char *second, const char *database,
                     const char *within) {
    static const char *const tables[] = {"map",       "attribution",  "measure", "measurement",
                                         "agreement", "maximisation", "optimum", "figure",
                                         "result",    "run",          "stage",   NULL};
    static const char *const chance[] = {"random",
                                         "randomblob",
                                         "date",
                                         "time",
                                         "datetime",
                                         "julianday",
                                         "strftime",
                                         "unixepoch",
                                         "timediff",
                                         "current_date",
                                         "current_time",
                                         "current_timestamp",
                                         "last_insert_rowid",
                                         "changes",
                                         "total_changes",
                                         "load_extension",
                                         NULL};
    refusal *r = ctx;
    (void)database;
    if (action == SQLITE_SELECT || action == SQLITE_RECURSIVE) return SQLITE_OK;
    if (action == SQLITE_FUNCTION && second && !in(chance, second)) return SQLITE_OK;
    if (action == SQLITE_READ && first && !in(tables, first)) return SQLITE_OK;
    /* v_point names its map, which is neither a sample's nor a class's number. */
    if (action == SQLITE_READ && first && within && !strcmp(first, "result") && !strcmp(within, "v_point"))
        return SQLITE_OK;
    snprintf(r->what, sizeof r->what, "%s", action == SQLITE_READ && first ? first : second ? second : "a change");
    return SQLITE_DENY;
}

/* The compiled query, of two columns. */
static limn_status prepare(sqlite3_stmt **out, sqlite3 *db, const char *sql) {
    limn_status status = LIMN_OK;
    refusal r = {""};
    const char *rest = NULL;
    if (sql_functions_register(db) != SQLITE_OK) FAIL(LIMN_ENOMEM, "no memory for SQLite");
    (void)sqlite3_set_authorizer(db, authorize, &r);
    int rc = sqlite3_prepare_v2(db, sql, -1, out, &rest);
    if (r.what[0])
        FAIL(LIMN_EINPUT,
             "the query of `target` uses `%s`; it may ask for samples, predictions, features and points alone, without "
             "chance or the clock: put the answer of another into a file (`limn sql --csv`, `target: {file: …}`)",
             r.what);
    if (rc != SQLITE_OK) FAIL(LIMN_EINPUT, "the query of `target`: %s", sqlite3_errmsg(db));
    if (!*out || rest[strspn(rest, " \t\r\n;")]) FAIL(LIMN_EINPUT, "`sql` of `target` is not one query");
    if (sqlite3_column_count(*out) != 2)
        FAIL(LIMN_EINPUT, "the query of `target` has %d column%s, where two are needed: a sample's idx and a class",
             sqlite3_column_count(*out), sqlite3_column_count(*out) == 1 ? "" : "s");
    for (int i = 1; i <= sqlite3_bind_parameter_count(*out); i++) {
        const char *name = sqlite3_bind_parameter_name(*out, i);
        if (!name || (strcmp(name, ":model") != 0 && strcmp(name, ":dataset") != 0))
            FAIL(LIMN_EINPUT, "the query of `target` has the parameter `%s`; :model and :dataset are known",
                 name ? name : "?");
    }
done:
    (void)sqlite3_set_authorizer(db, NULL, NULL);
    return status;
}

limn_status store_pairs_check(const char *sql) {
    limn_status status = LIMN_OK;
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK || sqlite3_exec(db, db_schema, NULL, NULL, NULL) != SQLITE_OK)
        FAIL(LIMN_ENOMEM, "no memory for SQLite");
    TRY(prepare(&stmt, db, sql));
done:
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return status;
}

limn_status store_pairs(limn_store *s, const char *sql, int64_t model_id, int64_t dataset_id, store_pair_fn pair,
                        void *ctx) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    int rc = SQLITE_ROW;
    TRY(prepare(&stmt, s->db, sql));
    const int model = sqlite3_bind_parameter_index(stmt, ":model"),
              set = sqlite3_bind_parameter_index(stmt, ":dataset");
    if (model) rc = sqlite3_bind_int64(stmt, model, model_id);
    if (set) rc = sqlite3_bind_int64(stmt, set, dataset_id);
    for (size_t row = 1; (rc = sqlite3_step(stmt)) == SQLITE_ROW; row++) {
        for (int c = 0; c < 2; c++)
            if (sqlite3_column_type(stmt, c) != SQLITE_INTEGER)
                FAIL(LIMN_EINPUT, "row %zu of the query of `target`: column %d is no whole number", row, c + 1);
        TRY(pair(ctx, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1)));
    }
    if (rc != SQLITE_DONE) TRY(db_fail(s->db, s->path));
done:
    sqlite3_finalize(stmt);
    return status;
}
