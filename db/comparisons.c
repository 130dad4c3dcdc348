/* Maps of points read back, and how far two of them agree: see store.h. */
#include <math.h>

#include "base/try.h"
#include "db/db.h"

limn_status store_points_read(limn_store *s, int64_t embedding_id, float *Y, size_t n, int dims) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    size_t i = 0;
    int row = 0;
    TRY(db_query(s, &stmt,
                 "SELECT s.idx, pt.x, pt.y, pt.z FROM embedding e JOIN extraction x USING (extraction_id)"
                 " CROSS JOIN sample s ON s.dataset_id = x.dataset_id"
                 " JOIN point pt ON pt.embedding_id = e.embedding_id AND pt.sample_id = s.sample_id"
                 " WHERE e.embedding_id = ?1 ORDER BY s.idx",
                 DB_ARGS(DB_INT(embedding_id))));
    for (;; i++) {
        TRY(db_next(s, stmt, &row));
        if (!row) break;
        if (i == n || (size_t)sqlite3_column_int64(stmt, 0) != i) break;
        for (int d = 0; d < dims; d++) {
            double v = db_real(stmt, 1 + d);
            if (isnan(v)) FAIL(LIMN_EFAIL, "%s: point %zu of a map has fewer than %d coordinates", s->path, i, dims);
            Y[i * (size_t)dims + (size_t)d] = (float)v;
        }
    }
    if (row || i != n) FAIL(LIMN_EFAIL, "%s: a map has not just the %zu points of its samples", s->path, n);
done:
    db_reset(stmt);
    return status;
}

limn_status store_comparison_have(limn_store *s, int *have, int64_t embedding_id, int64_t other) {
    int64_t id;
    return db_get(s, &id, have,
                  "SELECT comparison_id FROM comparison WHERE (embedding_id = ?1 AND other_embedding_id = ?2)"
                  " OR (embedding_id = ?2 AND other_embedding_id = ?1)",
                  DB_ARGS(DB_INT(embedding_id), DB_INT(other)));
}

limn_status store_comparison_put(limn_store *s, int64_t run_id, int64_t embedding_id, int64_t other,
                                 const store_comparison *c) {
    limn_status status = LIMN_OK;
    int64_t first = embedding_id, id;
    int own = 0, found = 0;
    TRY(db_scope(s, &own));
    /* the order of the digest, so that it doesn't matter who asked first */
    TRY(db_get(s, &first, &found,
               "SELECT e.embedding_id FROM embedding e JOIN extraction x USING (extraction_id)"
               " JOIN model m USING (model_id) WHERE e.embedding_id IN (?1, ?2)"
               " ORDER BY m.hash, x.layer, x.options, e.method, e.options, e.seed LIMIT 1",
               DB_ARGS(DB_INT(embedding_id), DB_INT(other))));
    if (first == other) other = embedding_id;
    TRY(db_insert(s, &id,
                  "INSERT INTO comparison (run_id, embedding_id, other_embedding_id, k, overlap, procrustes, distances,"
                  " points) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                  DB_ARGS(DB_INT(run_id), DB_INT(first), DB_INT(other), DB_INT(c->k), DB_REAL(c->overlap),
                          DB_REAL(c->procrustes), DB_REAL(c->distances), DB_INT(c->points))));
    for (size_t i = 0; i < c->n; i++)
        TRY(db_run(s, "INSERT INTO overlap (comparison_id, sample_id, value) VALUES (?1, ?2, ?3)",
                   DB_ARGS(DB_INT(id), DB_INT(c->sample_id[i]), DB_REAL((double)c->share[i]))));
done:
    return db_scope_end(s, own, status);
}
