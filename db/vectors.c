/* Layers and maps of a database by their names, whatever run stored them: see queries.h. */
#include <stddef.h>
#include <string.h>

#include "base/try.h"
#include "db/db.h"
#include "db/queries.h"

/* LIMN_EINPUT that names those that there are. */
static limn_status none(limn_store *s, const char *what, const char *name, const char *list_sql) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    int row = 0;
    TRY(db_query(s, &stmt, list_sql, NULL, 0));
    TRY(db_next(s, stmt, &row));
    const char *names = row ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    FAIL(LIMN_EINPUT, "%s: there is no %s `%s` in it; there %s%s", s->path, what, name, names ? "are: " : "is none",
         names ? names : "");
done:
    db_reset(stmt);
    return status;
}

limn_status query_layer(limn_store *s, query_vectors *out, const char *name) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    int row = 0;
    *out = (query_vectors){0};
    TRY(db_query(
        s, &stmt,
        "SELECT x.extraction_id, x.dataset_id, d.samples, x.dim FROM extraction x JOIN dataset d USING"
        " (dataset_id) WHERE x.complete AND (?1 IS NULL OR x.layer = ?1) ORDER BY x.extraction_id DESC LIMIT 1",
        DB_ARGS(DB_TEXT(name))));
    TRY(db_next(s, stmt, &row));
    if (row)
        *out = (query_vectors){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
                               (size_t)sqlite3_column_int64(stmt, 2), (size_t)sqlite3_column_int64(stmt, 3)};
done:
    db_reset(stmt);
    if (status == LIMN_OK && !row)
        status = none(s, "layer whose vectors are all there,", name ? name : "(any)",
                      "SELECT group_concat(layer, ', ') FROM (SELECT DISTINCT layer FROM extraction WHERE complete)");
    return status;
}

limn_status query_map_named(limn_store *s, query_vectors *out, const char *name) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    int row = 0;
    *out = (query_vectors){0};
    TRY(db_query(s, &stmt,
                 "SELECT e.embedding_id, x.dataset_id, d.samples, e.dims FROM embedding e JOIN extraction x USING"
                 " (extraction_id) JOIN dataset d USING (dataset_id) JOIN result r USING (embedding_id)"
                 " WHERE e.complete AND (?1 IS NULL OR r.name = ?1) ORDER BY r.result_id DESC LIMIT 1",
                 DB_ARGS(DB_TEXT(name))));
    TRY(db_next(s, stmt, &row));
    if (row)
        *out = (query_vectors){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
                               (size_t)sqlite3_column_int64(stmt, 2), (size_t)sqlite3_column_int64(stmt, 3)};
done:
    db_reset(stmt);
    if (status == LIMN_OK && !row)
        status =
            none(s, "map", name ? name : "(any)",
                 "SELECT group_concat(name, ', ') FROM (SELECT DISTINCT r.name FROM result r JOIN embedding e USING"
                 " (embedding_id) WHERE e.complete)");
    return status;
}

limn_status query_placed(limn_store *s, int64_t *embedding_id, int64_t run_id, int64_t into) {
    int found = 0;
    *embedding_id = 0;
    return db_get(s, embedding_id, &found,
                  "SELECT embedding_id FROM result r JOIN embedding e USING (embedding_id) WHERE r.run_id = ?1"
                  " AND e.into_embedding_id = ?2 AND e.complete ORDER BY r.result_id DESC LIMIT 1",
                  DB_ARGS(DB_INT(run_id), DB_INT(into)));
}

limn_status query_labels(limn_store *s, int *label, size_t n, int64_t dataset_id) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    size_t i = 0;
    int row = 0;
    TRY(db_query(s, &stmt, "SELECT idx, label FROM sample WHERE dataset_id = ?1 ORDER BY idx",
                 DB_ARGS(DB_INT(dataset_id))));
    for (;; i++) {
        TRY(db_next(s, stmt, &row));
        if (!row || i == n || (size_t)sqlite3_column_int64(stmt, 0) != i) break;
        label[i] = db_class(stmt, 1);
    }
    if (row || i != n) FAIL(LIMN_EFAIL, "%s: a data set has not just its %zu samples", s->path, n);
done:
    db_reset(stmt);
    return status;
}
