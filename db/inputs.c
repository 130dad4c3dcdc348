/* Runs, models, data sets, samples, and what is there of each: see store.h. */
#include "db/db.h"

#include <string.h>

#include "base/try.h"

/* ---- runs and stages ------------------------------------------------------------------------------------ */

limn_status store_run_begin(limn_store *s, int64_t *run_id, const store_run *r) {
    limn_status status = LIMN_OK;
    int own = 0;
    TRY(db_scope(s, &own));
    /* The lock is ours, so whoever is still "running" is dead. */
    TRY(db_run(s, "UPDATE stage SET status = 'interrupted' WHERE status = 'running'", NULL, 0));
    TRY(db_run(s, "UPDATE run SET status = 'killed' WHERE status = 'running'", NULL, 0));
    TRY(db_insert(s, run_id,
                  "INSERT INTO run (experiment, config, options, version, libraries, isa, started, status)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'running')",
                  DB_ARGS(DB_TEXT(r->experiment), DB_TEXT(r->config), DB_TEXT(r->options), DB_TEXT(r->version),
                          DB_TEXT(r->libraries), DB_TEXT(r->isa))));
done:
    return db_scope_end(s, own, status);
}

limn_status store_run_end(limn_store *s, int64_t run_id, const char *how, const char *message, const char *digest) {
    return db_run(s,
                  "UPDATE run SET status = ?2, message = ?3, digest = ?4,"
                  " ended = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE run_id = ?1",
                  DB_ARGS(DB_INT(run_id), DB_TEXT(how), DB_TEXT(message), DB_TEXT(digest)));
}

limn_status store_stage_put(limn_store *s, int64_t run_id, const store_stage *stage) {
    return db_run(s,
                  "INSERT INTO stage (run_id, name, status, done, total, seconds, peak_memory)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                  " ON CONFLICT (run_id, name) DO UPDATE SET status = excluded.status, done = excluded.done,"
                  " total = excluded.total, seconds = excluded.seconds, peak_memory = excluded.peak_memory",
                  DB_ARGS(DB_INT(run_id), DB_TEXT(stage->name), DB_TEXT(stage->status), DB_INT(stage->done),
                          DB_INT(stage->total), DB_REAL(stage->seconds), DB_INT(stage->peak_memory)));
}

/* ---- models --------------------------------------------------------------------------------------------- */

static limn_status put_model(limn_store *s, int64_t *model_id, int64_t run_id, const store_model *m) {
    limn_status status = LIMN_OK;
    TRY(db_insert(s, model_id,
                  "INSERT INTO model (run_id, hash, path, format, producer, input_shape, parameters)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                  DB_ARGS(DB_INT(run_id), DB_TEXT(m->hash), DB_TEXT(m->path), DB_TEXT(m->format), DB_TEXT(m->producer),
                          DB_TEXT(m->input_shape), DB_INT(m->parameters))));
    for (size_t i = 0; i < m->n_layers; i++) {
        const store_layer *l = &m->layer[i];
        TRY(db_run(s,
                   "INSERT INTO layer (model_id, idx, name, op, output_shape, parameters)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                   DB_ARGS(DB_INT(*model_id), DB_INT(l->idx), DB_TEXT(l->name), DB_TEXT(l->op),
                           DB_TEXT(l->output_shape), DB_INT(l->parameters))));
    }
done:
    return status;
}

limn_status store_model_find(limn_store *s, int64_t *model_id, int64_t run_id, const store_model *m) {
    limn_status status = LIMN_OK;
    int own = 0, found = 0;
    TRY(db_scope(s, &own));
    TRY(db_get(s, model_id, &found, "SELECT model_id FROM model WHERE hash = ?1", DB_ARGS(DB_TEXT(m->hash))));
    if (!found) TRY(put_model(s, model_id, run_id, m));
    TRY(db_run(s, "UPDATE run SET model_id = ?2 WHERE run_id = ?1", DB_ARGS(DB_INT(run_id), DB_INT(*model_id))));
done:
    return db_scope_end(s, own, status);
}

/* ---- data sets ------------------------------------------------------------------------------------------ */

static limn_status put_classes(limn_store *s, int64_t dataset_id, const store_dataset *d) {
    limn_status status = LIMN_OK;
    size_t named = 0;
    for (size_t i = 0; i < d->n_classes; i++) named += d->class_name[i] != NULL;
    if (named > 0)
        TRY(db_run(s, "DELETE FROM class WHERE dataset_id = ?1 AND label >= ?2",
                   DB_ARGS(DB_INT(dataset_id), DB_INT(d->n_classes))));
    for (size_t i = 0; i < d->n_classes; i++)
        TRY(db_run(s,
                   "INSERT INTO class (dataset_id, label, name) VALUES (?1, ?2, ifnull(?3, ?2))"
                   " ON CONFLICT (dataset_id, label) DO UPDATE SET name = excluded.name WHERE ?3 IS NOT NULL",
                   DB_ARGS(DB_INT(dataset_id), DB_INT(i), DB_TEXT(d->class_name[i]))));
done:
    return status;
}

limn_status store_dataset_find(limn_store *s, int64_t *dataset_id, int64_t run_id, const store_dataset *d) {
    limn_status status = LIMN_OK;
    int own = 0, found = 0;
    TRY(db_scope(s, &own));
    TRY(db_get(s, dataset_id, &found, "SELECT dataset_id FROM dataset WHERE fingerprint = ?1 AND options = ?2",
               DB_ARGS(DB_TEXT(d->fingerprint), DB_TEXT(d->options))));
    if (!found)
        TRY(db_insert(s, dataset_id,
                      "INSERT INTO dataset (run_id, fingerprint, options, path, format, samples, channels, h, w)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                      DB_ARGS(DB_INT(run_id), DB_TEXT(d->fingerprint), DB_TEXT(d->options), DB_TEXT(d->path),
                              DB_TEXT(d->format), DB_INT(d->n), DB_INT(d->channels), DB_INT(d->h), DB_INT(d->w))));
    TRY(put_classes(s, *dataset_id, d));
    TRY(db_run(s, "UPDATE run SET dataset_id = ?2 WHERE run_id = ?1", DB_ARGS(DB_INT(run_id), DB_INT(*dataset_id))));
done:
    return db_scope_end(s, own, status);
}

limn_status store_sample_put(limn_store *s, int64_t dataset_id, const store_sample *sample) {
    return db_run(s,
                  "INSERT INTO sample (dataset_id, idx, label, source, image) VALUES (?1, ?2, ?3, ?4, ?5)"
                  " ON CONFLICT (dataset_id, idx) DO UPDATE SET image = excluded.image"
                  " WHERE image IS NULL AND excluded.image IS NOT NULL",
                  DB_ARGS(DB_INT(dataset_id), DB_INT(sample->idx), DB_LABEL(sample->label), DB_TEXT(sample->source),
                          DB_BLOB(sample->image, sample->image_size)));
}

limn_status store_sample_ids(limn_store *s, int64_t dataset_id, int64_t *id, size_t n) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    int row = 0;
    memset(id, 0, n * sizeof *id);
    TRY(db_query(s, &stmt, "SELECT idx, sample_id FROM sample WHERE dataset_id = ?1 AND idx >= 0 AND idx < ?2",
                 DB_ARGS(DB_INT(dataset_id), DB_INT(n))));
    for (;;) {
        TRY(db_next(s, stmt, &row));
        if (!row) break;
        id[sqlite3_column_int64(stmt, 0)] = sqlite3_column_int64(stmt, 1);
    }
done:
    db_reset(stmt);
    return status;
}

/* ---- what is there -------------------------------------------------------------------------------------- */

/* ?1 = of, ?2 = dataset_id, ?3 = n: the idx of the samples that have their rows. */
#define HAVE "SELECT idx FROM sample s WHERE dataset_id = ?2 AND idx >= 0 AND idx < ?3 AND "
#define CHILD(table, key) HAVE "EXISTS (SELECT 1 FROM " table " c WHERE c." key " = ?1 AND c.sample_id = s.sample_id)"
static const char *const have_sql[STORE_PARTS] = {
    [STORE_SAMPLES] = HAVE "?1 = ?2",
    [STORE_IMAGES] = HAVE "?1 = ?2 AND image IS NOT NULL",
    [STORE_PREDICTIONS] = CHILD("prediction", "model_id"),
    [STORE_FEATURES] = CHILD("feature", "extraction_id"),
    [STORE_POINTS] = CHILD("point", "embedding_id"),
    [STORE_MAPS] = CHILD("map", "attribution_id"),
    [STORE_MEASURES] =
        HAVE "NOT EXISTS (SELECT 1 FROM measurement t JOIN map m ON m.attribution_id = t.attribution_id"
             " WHERE t.measurement_id = ?1 AND m.sample_id = s.sample_id"
             " AND NOT EXISTS (SELECT 1 FROM measure c WHERE c.measurement_id = ?1 AND c.map_id = m.map_id)"
             " AND NOT EXISTS (SELECT 1 FROM agreement c WHERE c.measurement_id = ?1 AND c.map_id = m.map_id)"
             " AND (t.other_attribution_id IS NULL OR EXISTS (SELECT 1 FROM map o"
             " WHERE o.attribution_id = t.other_attribution_id AND o.sample_id = s.sample_id AND o.target = m.target"
             " AND ifnull(o.contrast, -1) = ifnull(m.contrast, -1))))",
};

limn_status store_have(limn_store *s, store_part part, int64_t of, int64_t dataset_id, unsigned char *have, size_t n,
                       size_t *done) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    size_t count = 0;
    int row = 0;
    if (have) memset(have, 0, n);
    TRY(db_query(s, &stmt, have_sql[part], DB_ARGS(DB_INT(of), DB_INT(dataset_id), DB_INT(n))));
    for (;;) {
        TRY(db_next(s, stmt, &row));
        if (!row) break;
        if (have) have[sqlite3_column_int64(stmt, 0)] = 1;
        count++;
    }
done:
    if (done) *done = count;
    db_reset(stmt);
    return status;
}
