/* Predictions, features, embeddings, maps; names, marks, removal: see store.h.
 *
 * find(): every result has a row found by its identity (the UNIQUE of its table) or made. What is written below it is
 * written once: a second insert of the same sample is SQLite's constraint error, not an overwrite. */
#include "db/db.h"

#include <math.h>
#include <string.h>

#include "base/try.h"

/* Arrays go into BLOBs as they lie in memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the store holds little-endian float32");
_Static_assert(sizeof(float) == 4, "the store holds float32");

/* A row's identity, how to find it and how to make it. */
typedef struct {
    const char *find; /* of the first n_key values: id, complete, and a number that must equal `shape` */
    const char *make; /* of all values */
    size_t n_key;
    int64_t shape;
} identity;

/* *id = the row that is there, or a new one. */
static limn_status find(limn_store *s, int64_t *id, int *complete, const identity *what, const db_value *value,
                        size_t n) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    int own = 0, row = 0;
    if (complete) *complete = 0;
    TRY(db_scope(s, &own));
    TRY(db_query(s, &stmt, what->find, value, what->n_key));
    TRY(db_next(s, stmt, &row));
    if (row) {
        *id = sqlite3_column_int64(stmt, 0);
        if (complete) *complete = sqlite3_column_int(stmt, 1);
        if (sqlite3_column_int64(stmt, 2) != what->shape)
            FAIL(LIMN_EFAIL, "%s: holds this result with %lld values a sample, not %lld", s->path,
                 (long long)sqlite3_column_int64(stmt, 2), (long long)what->shape);
    } else {
        TRY(db_insert(s, id, what->make, value, n));
    }
done:
    db_reset(stmt);
    return db_scope_end(s, own, status);
}

/* ---- predictions and features --------------------------------------------------------------------------- */

limn_status store_prediction_put(limn_store *s, int64_t run_id, int64_t model_id, int64_t sample_id,
                                 const store_prediction *p) {
    return db_run(
        s,
        "INSERT INTO prediction (run_id, model_id, sample_id, class, probability, margin, entropy, loss, logits)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        DB_ARGS(DB_INT(run_id), DB_INT(model_id), DB_INT(sample_id), DB_LABEL(p->class_), DB_REAL(p->probability),
                DB_REAL(p->margin), DB_REAL(p->entropy), DB_REAL(p->loss),
                DB_BLOB(p->logits, p->n_logits * sizeof(float))));
}

limn_status store_extraction_find(limn_store *s, int64_t *extraction_id, int *complete, int64_t run_id,
                                  const store_extraction *e) {
    const identity what = {.find = "SELECT extraction_id, complete, dim FROM extraction"
                                   " WHERE model_id = ?1 AND dataset_id = ?2 AND layer = ?3 AND options = ?4",
                           .make = "INSERT INTO extraction (model_id, dataset_id, layer, options, dim, run_id)"
                                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                           .n_key = 4,
                           .shape = (int64_t)e->dim};
    return find(s, extraction_id, complete, &what,
                DB_ARGS(DB_INT(e->model_id), DB_INT(e->dataset_id), DB_TEXT(e->layer), DB_TEXT(e->options),
                        DB_INT(e->dim), DB_INT(run_id)));
}

limn_status store_feature_put(limn_store *s, int64_t extraction_id, int64_t sample_id, const float *vector,
                              size_t dim) {
    return db_run(s, "INSERT INTO feature (extraction_id, sample_id, vector) VALUES (?1, ?2, ?3)",
                  DB_ARGS(DB_INT(extraction_id), DB_INT(sample_id), DB_BLOB(vector, dim * sizeof(float))));
}

limn_status store_features_read(limn_store *s, int64_t extraction_id, float *X, size_t n, size_t dim) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    size_t i = 0;
    int row = 0;
    TRY(db_query(s, &stmt,
                 "SELECT s.idx, f.vector FROM extraction e CROSS JOIN sample s ON s.dataset_id = e.dataset_id"
                 " JOIN feature f ON f.extraction_id = e.extraction_id AND f.sample_id = s.sample_id"
                 " WHERE e.extraction_id = ?1 ORDER BY s.idx",
                 DB_ARGS(DB_INT(extraction_id))));
    for (;; i++) {
        TRY(db_next(s, stmt, &row));
        if (!row || i == n) break;
        if (sqlite3_column_int64(stmt, 0) != (int64_t)i) break;
        if ((size_t)sqlite3_column_bytes(stmt, 1) != dim * sizeof(float))
            FAIL(LIMN_EFAIL, "%s: the vector of sample %zu has %d bytes, not %zu", s->path, i,
                 sqlite3_column_bytes(stmt, 1), dim * sizeof(float));
        if (dim > 0) memcpy(X + i * dim, sqlite3_column_blob(stmt, 1), dim * sizeof(float));
    }
    if (i < n) FAIL(LIMN_EFAIL, "%s: the vector of sample %zu is missing", s->path, i);
    if (row) FAIL(LIMN_EFAIL, "%s: holds more vectors than the %zu samples asked for", s->path, n);
done:
    db_reset(stmt);
    return status;
}

/* ---- embeddings ----------------------------------------------------------------------------------------- */

limn_status store_embedding_find(limn_store *s, int64_t *embedding_id, int *complete, int64_t run_id,
                                 const store_embedding *e) {
    const identity what = {.find = "SELECT embedding_id, complete, dims FROM embedding"
                                   " WHERE extraction_id = ?1 AND method = ?2 AND options = ?3 AND seed = ?4",
                           .make = "INSERT INTO embedding (extraction_id, method, options, seed, dims, run_id,"
                                   " into_embedding_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, nullif(?7, 0))",
                           .n_key = 4,
                           .shape = e->dims};
    return find(s, embedding_id, complete, &what,
                DB_ARGS(DB_INT(e->extraction_id), DB_TEXT(e->method), DB_TEXT(e->options), DB_INT(e->seed),
                        DB_INT(e->dims), DB_INT(run_id), DB_INT(e->into_embedding_id)));
}

static limn_status put_points(limn_store *s, int64_t embedding_id, const store_map_of_points *m) {
    limn_status status = LIMN_OK;
    for (size_t i = 0; i < m->n; i++) {
        const float *y = m->Y + i * (size_t)m->dims;
        TRY(db_run(s, "INSERT INTO point (embedding_id, sample_id, x, y, z) VALUES (?1, ?2, ?3, ?4, ?5)",
                   DB_ARGS(DB_INT(embedding_id), DB_INT(m->sample_id[i]), DB_REAL((double)y[0]),
                           DB_REAL(m->dims > 1 ? (double)y[1] : (double)NAN),
                           DB_REAL(m->dims > 2 ? (double)y[2] : (double)NAN))));
    }
done:
    return status;
}

static limn_status put_neighbours(limn_store *s, int64_t embedding_id, const store_map_of_points *m) {
    limn_status status = LIMN_OK;
    size_t k = m->k_stored == 0 || m->k_stored > m->k ? m->k : m->k_stored;
    if (!m->neighbour) return LIMN_OK;
    for (size_t i = 0; i < m->n; i++)
        for (size_t r = 0; r < k; r++) {
            uint32_t j = m->neighbour[i * m->k + r];
            if (j >= m->n) FAIL(LIMN_EFAIL, "neighbour %u of sample %zu is none of the %zu samples", j, i, m->n);
            TRY(db_run(s,
                       "INSERT INTO neighbour (embedding_id, sample_id, rank, neighbour, distance)"
                       " VALUES (?1, ?2, ?3, ?4, ?5)",
                       DB_ARGS(DB_INT(embedding_id), DB_INT(m->sample_id[i]), DB_INT(r + 1), DB_INT(m->sample_id[j]),
                               DB_REAL((double)m->distance[i * m->k + r]))));
        }
done:
    return status;
}

static limn_status put_figures(limn_store *s, int64_t embedding_id, const store_map_of_points *m) {
    limn_status status = LIMN_OK;
    for (size_t i = 0; i < m->n_trace; i++)
        TRY(db_run(s, "INSERT INTO trace (embedding_id, iteration, kl) VALUES (?1, ?2, ?3)",
                   DB_ARGS(DB_INT(embedding_id), DB_INT(m->trace[i].iteration), DB_REAL(m->trace[i].kl))));
    for (size_t i = 0; i < m->n_quality; i++) {
        const store_quality *q = &m->quality[i];
        TRY(db_run(
            s, "INSERT INTO quality (embedding_id, metric, k, value, points) VALUES (?1, ?2, ?3, ?4, ?5)",
            DB_ARGS(DB_INT(embedding_id), DB_TEXT(q->metric), DB_INT(q->k), DB_REAL(q->value), DB_INT(q->points))));
    }
done:
    return status;
}

limn_status store_embedding_put(limn_store *s, int64_t embedding_id, const store_map_of_points *m) {
    limn_status status = LIMN_OK;
    int own = 0;
    const char *warning = m->warning && *m->warning ? m->warning : NULL;
    TRY(db_scope(s, &own));
    TRY(put_points(s, embedding_id, m));
    TRY(put_neighbours(s, embedding_id, m));
    TRY(put_figures(s, embedding_id, m));
    TRY(db_run(
        s,
        "UPDATE embedding SET kl = ?2, iterations = nullif(?3, 0), seconds = ?4, warning = ?5, complete = 1"
        " WHERE embedding_id = ?1",
        DB_ARGS(DB_INT(embedding_id), DB_REAL(m->kl), DB_INT(m->iterations), DB_REAL(m->seconds), DB_TEXT(warning))));
done:
    return db_scope_end(s, own, status);
}

/* ---- attributions --------------------------------------------------------------------------------------- */

limn_status store_attribution_find(limn_store *s, int64_t *attribution_id, int *complete, int64_t run_id,
                                   const store_attribution *a) {
    const identity what = {
        .find = "SELECT attribution_id, complete, channels * h * w FROM attribution"
                " WHERE model_id = ?1 AND dataset_id = ?2 AND method = ?3 AND flavour = ?4"
                " AND ifnull(layer, '') = ifnull(?5, '') AND output = ?6 AND targets = ?7 AND options = ?8",
        .make = "INSERT INTO attribution (model_id, dataset_id, method, flavour, layer, output, targets, options,"
                " channels, h, w, run_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        .n_key = 8,
        .shape = (int64_t)(a->channels * a->h * a->w)};
    return find(s, attribution_id, complete, &what,
                DB_ARGS(DB_INT(a->model_id), DB_INT(a->dataset_id), DB_TEXT(a->method), DB_TEXT(a->flavour),
                        DB_TEXT(a->layer), DB_TEXT(a->output), DB_TEXT(a->targets), DB_TEXT(a->options),
                        DB_INT(a->channels), DB_INT(a->h), DB_INT(a->w), DB_INT(run_id)));
}

limn_status store_map_put(limn_store *s, int64_t attribution_id, int64_t sample_id, int target, int contrast,
                          const float *data, size_t n) {
    double min = n ? (double)data[0] : (double)NAN, max = min, sum = 0;
    for (size_t i = 0; i < n; i++) {
        double v = (double)data[i];
        sum += v;
        min = v < min || isnan(v) ? v : min; /* a NaN stays, and is stored as NULL */
        max = v > max || isnan(v) ? v : max;
    }
    return db_run(s,
                  "INSERT INTO map (attribution_id, sample_id, target, contrast, min, max, sum, data)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                  DB_ARGS(DB_INT(attribution_id), DB_INT(sample_id), DB_INT(target), DB_LABEL(contrast), DB_REAL(min),
                          DB_REAL(max), DB_REAL(sum), DB_BLOB(data, n * sizeof(float))));
}

/* ---- inputs that a unit answers most to ------------------------------------------------------------------- */

limn_status store_maximisation_find(limn_store *s, int64_t *maximisation_id, int *complete, int64_t run_id,
                                    const store_maximisation *m) {
    const identity what = {
        .find = "SELECT maximisation_id, complete, channels * h * w FROM maximisation WHERE model_id = ?1"
                " AND flavour = ?2 AND output = ?3 AND targets = ?4 AND options = ?5 AND seed = ?6",
        .make = "INSERT INTO maximisation (model_id, flavour, output, targets, options, seed, channels, h, w, run_id)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        .n_key = 6,
        .shape = (int64_t)(m->channels * m->h * m->w)};
    return find(s, maximisation_id, complete, &what,
                DB_ARGS(DB_INT(m->model_id), DB_TEXT(m->flavour), DB_TEXT(m->output), DB_TEXT(m->targets),
                        DB_TEXT(m->options), DB_INT(m->seed), DB_INT(m->channels), DB_INT(m->h), DB_INT(m->w),
                        DB_INT(run_id)));
}

limn_status store_optimum_put(limn_store *s, int64_t maximisation_id, const store_optimum *o) {
    return db_run(s,
                  "INSERT INTO optimum (maximisation_id, target, score, start, loss, iteration, data)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                  DB_ARGS(DB_INT(maximisation_id), DB_INT(o->target), DB_REAL(o->score), DB_REAL(o->start),
                          DB_REAL(o->loss), DB_INT(o->iteration), DB_BLOB(o->data, o->n * sizeof(float))));
}

limn_status store_optimum_there(limn_store *s, int64_t maximisation_id, int target, int *there) {
    int64_t id;
    return db_get(s, &id, there, "SELECT optimum_id FROM optimum WHERE maximisation_id = ?1 AND target = ?2",
                  DB_ARGS(DB_INT(maximisation_id), DB_INT(target)));
}

/* ---- marks and names ------------------------------------------------------------------------------------ */

static const char *const complete_sql[STORE_KINDS] = {
    [STORE_EXTRACTION] = "UPDATE extraction SET complete = 1 WHERE extraction_id = ?1",
    [STORE_EMBEDDING] = "UPDATE embedding SET complete = 1 WHERE embedding_id = ?1",
    [STORE_ATTRIBUTION] = "UPDATE attribution SET complete = 1 WHERE attribution_id = ?1",
    [STORE_MAXIMISATION] = "UPDATE maximisation SET complete = 1 WHERE maximisation_id = ?1",
};

limn_status store_complete(limn_store *s, store_kind kind, int64_t id) {
    return db_run(s, complete_sql[kind], DB_ARGS(DB_INT(id)));
}

limn_status store_link(limn_store *s, int64_t run_id, store_kind kind, const char *name, int64_t id) {
    static const char *const link_sql[STORE_KINDS] = {
        [STORE_EXTRACTION] = "INSERT OR IGNORE INTO result (run_id, name, extraction_id) VALUES (?1, ?2, ?3)",
        [STORE_EMBEDDING] = "INSERT OR IGNORE INTO result (run_id, name, embedding_id) VALUES (?1, ?2, ?3)",
        [STORE_ATTRIBUTION] = "INSERT OR IGNORE INTO result (run_id, name, attribution_id) VALUES (?1, ?2, ?3)",
        [STORE_MAXIMISATION] = "INSERT OR IGNORE INTO result (run_id, name, maximisation_id) VALUES (?1, ?2, ?3)",
    };
    return db_run(s, link_sql[kind], DB_ARGS(DB_INT(run_id), DB_TEXT(name), DB_INT(id)));
}

limn_status store_figure_put(limn_store *s, int64_t run_id, const store_figure *f) {
    return db_run(s,
                  "INSERT INTO figure (run_id, name, format, spec, file, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                  " ON CONFLICT (run_id, name, format) DO UPDATE SET spec = excluded.spec, file = excluded.file,"
                  " hash = excluded.hash",
                  DB_ARGS(DB_INT(run_id), DB_TEXT(f->name), DB_TEXT(f->format), DB_TEXT(f->spec), DB_TEXT(f->file),
                          DB_TEXT(f->hash)));
}

/* ---- --fresh -------------------------------------------------------------------------------------------- */

/* ?1 = the experiment. A result is the experiment's where one of its runs began it or names it. What only this
 * experiment names is deleted with all below it; what another one names too is emptied and kept, so that that one's
 * names hold. Runs that saw what is now gone lose their digest, which no longer describes the file. */
#define RUNS "(SELECT run_id FROM run WHERE experiment = ?1)"
#define MINE(key) "(run_id IN " RUNS " OR " key " IN (SELECT " key " FROM result WHERE run_id IN " RUNS "))"
#define SHARED(table, key)                                                                                             \
    "EXISTS (SELECT 1 FROM result o JOIN run r ON r.run_id = o.run_id"                                                 \
    " WHERE o." key " = " table "." key " AND r.experiment <> ?1)"
#define REMOVE(table, key) "DELETE FROM " table " WHERE " MINE(key) " AND NOT " SHARED(table, key)
#define EMPTY(child, table, key)                                                                                       \
    "DELETE FROM " child " WHERE " key " IN (SELECT " key " FROM " table " WHERE " MINE(key) ")"
#define UNMARK(table, key) "UPDATE " table " SET complete = 0 WHERE " MINE(key)

static const char *const forget_sql[] = {
    REMOVE("maximisation", "maximisation_id"),
    EMPTY("optimum", "maximisation", "maximisation_id"),
    UNMARK("maximisation", "maximisation_id"),
    EMPTY("relation", "attribution", "attribution_id"),
    EMPTY("relation", "embedding", "embedding_id"),
    EMPTY("relation", "extraction", "extraction_id"),
    "DELETE FROM relation WHERE other_attribution_id IN (SELECT attribution_id FROM attribution WHERE " MINE(
        "attribution_id") ")",
    REMOVE("attribution", "attribution_id"),
    EMPTY("map", "attribution", "attribution_id"),
    UNMARK("attribution", "attribution_id"),
    REMOVE("embedding", "embedding_id"),
    EMPTY("comparison", "embedding", "embedding_id"),
    "DELETE FROM comparison WHERE other_embedding_id IN (SELECT embedding_id FROM embedding WHERE " MINE(
        "embedding_id") ")",
    EMPTY("point", "embedding", "embedding_id"),
    EMPTY("trace", "embedding", "embedding_id"),
    EMPTY("quality", "embedding", "embedding_id"),
    EMPTY("neighbour", "embedding", "embedding_id"),
    UNMARK("embedding", "embedding_id"),
    "DELETE FROM prediction WHERE run_id IN " RUNS " OR EXISTS (SELECT 1 FROM sample s JOIN run r"
    " ON r.dataset_id = s.dataset_id WHERE s.sample_id = prediction.sample_id AND r.model_id = prediction.model_id"
    " AND r.experiment = ?1)",
    REMOVE("extraction", "extraction_id") " AND NOT EXISTS (SELECT 1 FROM embedding b"
                                          " WHERE b.extraction_id = extraction.extraction_id)",
    EMPTY("feature", "extraction", "extraction_id"),
    UNMARK("extraction", "extraction_id"),
    "UPDATE run SET digest = NULL WHERE experiment = ?1 OR EXISTS (SELECT 1 FROM run m WHERE m.experiment = ?1"
    " AND m.model_id = run.model_id AND m.dataset_id = run.dataset_id)",
    "DELETE FROM figure WHERE run_id IN " RUNS,
    "DELETE FROM result WHERE run_id IN " RUNS,
};

limn_status store_forget(limn_store *s, const char *experiment) {
    limn_status status = LIMN_OK;
    int own = 0;
    TRY(db_scope(s, &own));
    for (size_t i = 0; i < COUNT_OF(forget_sql); i++) TRY(db_run(s, forget_sql[i], DB_ARGS(DB_TEXT(experiment))));
done:
    return db_scope_end(s, own, status);
}
