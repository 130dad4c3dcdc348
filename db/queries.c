/* Questions of plots, reports and commands: see queries.h. */
#include "db/queries.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "db/db.h"

/* ---- arrays of structs with strings, in one block ------------------------------------------------------- */

/* While rows are collected, a string field holds its offset in `text` plus 1 (0: NULL); pack() makes pointers of them.
 */
typedef struct {
    char *row, *text;
    size_t n, room, bytes, room_text;
    size_t size;         /* of a row */
    const size_t *field; /* (n_fields) offsets of the char * in a row */
    size_t n_fields;
} collector;

static limn_status collect_row(collector *c, void **row) {
    limn_status status = limn_grow(&c->row, c->n, &c->room, c->size);
    if (status == LIMN_OK) *row = c->row + c->size * c->n++;
    return status;
}

static limn_status collect_text(collector *c, char **field, sqlite3_stmt *stmt, int column) {
    limn_status status = LIMN_OK;
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    uintptr_t place = text ? c->bytes + 1 : 0;
    size_t n = text ? strlen(text) + 1 : 0;
    memcpy(field, &place, sizeof place);
    if (n == 0) return LIMN_OK;
    TRY(limn_grow(&c->text, c->bytes + n, &c->room_text, 1));
    memcpy(c->text + c->bytes, text, n);
    c->bytes += n;
done:
    return status;
}

static limn_status pack(collector *c, void *out, size_t *n) {
    limn_status status = LIMN_OK;
    char *block = NULL;
    size_t rows = 0;
    TRY(limn_mul(&rows, c->n, c->size));
    TRY(limn_new(&block, rows + c->bytes, 1));
    if (rows) memcpy(block, c->row, rows);
    if (c->bytes) memcpy(block + rows, c->text, c->bytes);
    for (size_t i = 0; i < c->n; i++)
        for (size_t f = 0; f < c->n_fields; f++) {
            char *at = block + i * c->size + c->field[f];
            uintptr_t place = 0;
            memcpy(&place, at, sizeof place);
            const char *text = place ? block + rows + place - 1 : NULL;
            memcpy(at, &text, sizeof text);
        }
    memcpy(out, &block, sizeof block);
    *n = c->n;
done:
    return status;
}

static void collector_free(collector *c) {
    free(c->row);
    free(c->text);
}

/* fill(c, row, stmt) for every row of the query, into an array of `size` bytes a row. */
typedef limn_status (*fill_fn)(collector *c, void *row, sqlite3_stmt *stmt);
static limn_status gather(limn_store *s, void *out, size_t *n, collector *c, fill_fn fill, const char *sql,
                          const db_value *value, size_t n_values) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    const void *none = NULL;
    int more = 0;
    void *row = NULL;
    memcpy(out, &none, sizeof none);
    *n = 0;
    TRY(db_query(s, &stmt, sql, value, n_values));
    for (;;) {
        TRY(db_next(s, stmt, &more));
        if (!more) break;
        TRY(collect_row(c, &row));
        TRY(fill(c, row, stmt));
    }
    TRY(pack(c, out, n));
done:
    db_reset(stmt);
    collector_free(c);
    return status;
}

/* ---- runs and names ------------------------------------------------------------------------------------- */

limn_status query_last_run(limn_store *s, query_run *out, const char *experiment, const char *how) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    int row = 0;
    *out = (query_run){0};
    char **text[] = {&out->experiment, &out->config,  &out->options, &out->version, &out->libraries,
                     &out->isa,        &out->started, &out->status,  &out->message, &out->digest};
    TRY(db_query(s, &stmt,
                 "SELECT experiment, config, options, version, libraries, isa, started, status, message, digest, run_id"
                 " FROM run WHERE (experiment = ?1 OR (?1 IS NULL AND config <> '')) AND (?2 IS NULL OR status = ?2)"
                 " ORDER BY run_id DESC LIMIT 1",
                 DB_ARGS(DB_TEXT(experiment), DB_TEXT(how))));
    TRY(db_next(s, stmt, &row));
    if (!row) goto done;
    for (size_t i = 0; i < COUNT_OF(text); i++) TRY(db_text(text[i], stmt, (int)i));
    out->run_id = sqlite3_column_int64(stmt, COUNT_OF(text));
done:
    db_reset(stmt);
    if (status != LIMN_OK) query_run_clear(out);
    return status;
}

void query_run_clear(query_run *r) {
    char *text[] = {r->experiment, r->config,  r->options, r->version, r->libraries,
                    r->isa,        r->started, r->status,  r->message, r->digest};
    for (size_t i = 0; i < COUNT_OF(text); i++) free(text[i]);
    *r = (query_run){0};
}

#define FIND(key) "SELECT " key " FROM result WHERE run_id = ?1 AND " key " IS NOT NULL AND name = ?2"
#define LIST(key)                                                                                                      \
    "SELECT group_concat(name, ', ') FROM (SELECT DISTINCT name FROM result WHERE run_id = ?1 AND " key " IS NOT NULL" \
    " ORDER BY name)"
typedef struct {
    const char *what, *find, *list;
} kind_row;
static const kind_row kind_table[STORE_KINDS] = {
    [STORE_EXTRACTION] = {"features", FIND("extraction_id"), LIST("extraction_id")},
    [STORE_EMBEDDING] = {"map of points", FIND("embedding_id"), LIST("embedding_id")},
    [STORE_ATTRIBUTION] = {"attribution", FIND("attribution_id"), LIST("attribution_id")},
    [STORE_MAXIMISATION] = {"maximisation", FIND("maximisation_id"), LIST("maximisation_id")},
};

limn_status query_result(limn_store *s, int64_t *id, store_kind kind, int64_t run_id, const char *name) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    int found = 0;
    TRY(db_get(s, id, &found, kind_table[kind].find, DB_ARGS(DB_INT(run_id), DB_TEXT(name))));
    if (found) goto done;
    TRY(db_query(s, &stmt, kind_table[kind].list, DB_ARGS(DB_INT(run_id))));
    TRY(db_next(s, stmt, &found));
    const char *names = found ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    FAIL(LIMN_EINPUT, "%s: there is no %s named '%s'; there %s%s", s->path, kind_table[kind].what, name,
         names ? "are: " : "is none", names ? names : "");
done:
    db_reset(stmt);
    return status;
}

limn_status query_summary(limn_store *s, query_summary_row *out, int64_t run_id) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    int row = 0;
    *out = (query_summary_row){.accuracy = (double)NAN, .kl = (double)NAN};
    TRY(db_query(s, &stmt,
                 "SELECT m.model_id, d.dataset_id, m.hash, d.fingerprint, (SELECT e.kl FROM result o"
                 " JOIN embedding e USING (embedding_id) WHERE o.run_id = ?1 AND e.method = 'tsne' AND e.complete"
                 " ORDER BY o.result_id LIMIT 1) FROM run r JOIN model m ON m.model_id = r.model_id"
                 " JOIN dataset d ON d.dataset_id = r.dataset_id WHERE r.run_id = ?1",
                 DB_ARGS(DB_INT(run_id))));
    TRY(db_next(s, stmt, &row));
    if (!row) goto done;
    out->model_id = sqlite3_column_int64(stmt, 0);
    out->dataset_id = sqlite3_column_int64(stmt, 1);
    sqlite3_snprintf(sizeof out->model_hash, out->model_hash, "%s", sqlite3_column_text(stmt, 2));
    sqlite3_snprintf(sizeof out->dataset_fingerprint, out->dataset_fingerprint, "%s", sqlite3_column_text(stmt, 3));
    out->kl = db_real(stmt, 4);
    db_reset(stmt);
    TRY(db_query(s, &stmt,
                 "SELECT count(*), avg(s.label = p.class) FROM sample s JOIN prediction p USING (sample_id)"
                 " WHERE p.model_id = ?1 AND s.dataset_id = ?2",
                 DB_ARGS(DB_INT(out->model_id), DB_INT(out->dataset_id))));
    TRY(db_next(s, stmt, &row));
    out->n = (size_t)sqlite3_column_int64(stmt, 0);
    out->accuracy = db_real(stmt, 1);
done:
    db_reset(stmt);
    return status;
}

static limn_status fill_figure(collector *c, void *row, sqlite3_stmt *stmt) {
    limn_status status = LIMN_OK;
    query_figure *f = row;
    char **text[] = {&f->name, &f->spec, &f->format, &f->file, &f->hash};
    for (size_t i = 0; i < COUNT_OF(text); i++) TRY(collect_text(c, text[i], stmt, (int)i));
done:
    return status;
}

limn_status query_figures(limn_store *s, query_figure **out, size_t *n, int64_t run_id) {
    static const size_t field[] = {offsetof(query_figure, name), offsetof(query_figure, spec),
                                   offsetof(query_figure, format), offsetof(query_figure, file),
                                   offsetof(query_figure, hash)};
    collector c = {.size = sizeof **out, .field = field, .n_fields = COUNT_OF(field)};
    return gather(s, out, n, &c, fill_figure,
                  "SELECT name, spec, format, file, hash FROM figure WHERE run_id = ?1 ORDER BY figure_id",
                  DB_ARGS(DB_INT(run_id)));
}

/* ---- classes and points --------------------------------------------------------------------------------- */

static limn_status fill_class(collector *c, void *row, sqlite3_stmt *stmt) {
    query_class *r = row;
    r->label = sqlite3_column_int(stmt, 0);
    return collect_text(c, &r->name, stmt, 1);
}

limn_status query_classes(limn_store *s, query_class **out, size_t *n, int64_t dataset_id) {
    static const size_t field[] = {offsetof(query_class, name)};
    collector c = {.size = sizeof **out, .field = field, .n_fields = COUNT_OF(field)};
    return gather(s, out, n, &c, fill_class, "SELECT label, name FROM class WHERE dataset_id = ?1 ORDER BY label",
                  DB_ARGS(DB_INT(dataset_id)));
}

static limn_status fill_point(collector *c, void *row, sqlite3_stmt *stmt) {
    (void)c;
    *(query_point *)row = (query_point){.sample_id = sqlite3_column_int64(stmt, 0),
                                        .idx = (size_t)sqlite3_column_int64(stmt, 1),
                                        .x = db_real(stmt, 2),
                                        .y = db_real(stmt, 3),
                                        .z = db_real(stmt, 4),
                                        .label = db_class(stmt, 5),
                                        .prediction = db_class(stmt, 6),
                                        .correct = db_class(stmt, 7),
                                        .probability = db_real(stmt, 8),
                                        .margin = db_real(stmt, 9),
                                        .entropy = db_real(stmt, 10),
                                        .loss = db_real(stmt, 11),
                                        .overlap = db_real(stmt, 12)};
    return LIMN_OK;
}

limn_status query_points(limn_store *s, query_point **out, size_t *n, int64_t embedding_id) {
    collector c = {.size = sizeof **out};
    return gather(s, out, n, &c, fill_point,
                  "SELECT s.sample_id, s.idx, pt.x, pt.y, pt.z, s.label, p.class, s.label = p.class, p.probability,"
                  " p.margin, p.entropy, p.loss, (SELECT avg(v.value) FROM overlap v WHERE v.sample_id = s.sample_id"
                  " AND v.comparison_id IN (SELECT comparison_id FROM comparison WHERE embedding_id = ?1"
                  " UNION ALL SELECT comparison_id FROM comparison WHERE other_embedding_id = ?1))"
                  " FROM embedding e JOIN extraction x USING (extraction_id)"
                  " CROSS JOIN sample s ON s.dataset_id = x.dataset_id"
                  " JOIN point pt ON pt.embedding_id = e.embedding_id AND pt.sample_id = s.sample_id"
                  " LEFT JOIN prediction p ON p.model_id = x.model_id AND p.sample_id = s.sample_id"
                  " WHERE e.embedding_id = ?1 ORDER BY s.idx",
                  DB_ARGS(DB_INT(embedding_id)));
}

/* ---- heatmap grids -------------------------------------------------------------------------------------- */

static limn_status fill_sample(collector *c, void *row, sqlite3_stmt *stmt) {
    (void)c;
    *(query_sample *)row = (query_sample){.sample_id = sqlite3_column_int64(stmt, 0),
                                          .idx = (size_t)sqlite3_column_int64(stmt, 1),
                                          .label = db_class(stmt, 2),
                                          .prediction = db_class(stmt, 3),
                                          .correct = db_class(stmt, 4),
                                          .probability = db_real(stmt, 5),
                                          .margin = db_real(stmt, 6)};
    return LIMN_OK;
}

#define SAMPLES "SELECT s.sample_id, s.idx, s.label, p.class, s.label = p.class AS correct, p.probability, p.margin"
#define PREDICTED                                                                                                      \
    " FROM sample s JOIN prediction p ON p.model_id = ?1 AND p.sample_id = s.sample_id WHERE s.dataset_id = ?2"
static const char *const select_sql[] = {
    [QUERY_PER_CLASS] = "SELECT * FROM (" SAMPLES ", ifnull(s.label, p.class) AS of_class,"
                        " row_number() OVER (PARTITION BY ifnull(s.label, p.class) ORDER BY s.idx) AS place" PREDICTED
                        " AND (s.label = p.class OR NOT EXISTS (SELECT 1 FROM sample l WHERE l.dataset_id = ?2 AND "
                        "l.label IS NOT NULL)))"
                        " WHERE place <= ?3 ORDER BY of_class, idx",
    [QUERY_ERRORS] =
        SAMPLES PREDICTED " AND s.label <> p.class ORDER BY s.idx LIMIT CASE ?3 WHEN 0 THEN -1 ELSE ?3 END",
    [QUERY_FIRST] = SAMPLES " FROM sample s LEFT JOIN prediction p ON p.model_id = ?1 AND p.sample_id = s.sample_id"
                            " WHERE s.dataset_id = ?2 ORDER BY s.idx LIMIT ?3",
};

limn_status query_samples(limn_store *s, query_sample **out, size_t *n, int64_t model_id, int64_t dataset_id,
                          query_select select, size_t count) {
    collector c = {.size = sizeof **out};
    return gather(s, out, n, &c, fill_sample, select_sql[select],
                  DB_ARGS(DB_INT(model_id), DB_INT(dataset_id), DB_INT(count)));
}

limn_status query_sample_of(limn_store *s, query_sample **out, size_t *n, int64_t model_id, int64_t sample_id) {
    collector c = {.size = sizeof **out};
    return gather(s, out, n, &c, fill_sample,
                  SAMPLES " FROM sample s LEFT JOIN prediction p ON p.model_id = ?1 AND p.sample_id = s.sample_id"
                          " WHERE s.sample_id = ?2",
                  DB_ARGS(DB_INT(model_id), DB_INT(sample_id)));
}

limn_status query_image(limn_store *s, void **png, size_t *size, int64_t sample_id) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    int row = 0;
    *png = NULL;
    *size = 0;
    TRY(db_query(s, &stmt, "SELECT image FROM sample WHERE sample_id = ?1 AND image IS NOT NULL",
                 DB_ARGS(DB_INT(sample_id))));
    TRY(db_next(s, stmt, &row));
    size_t bytes = row ? (size_t)sqlite3_column_bytes(stmt, 0) : 0;
    if (bytes == 0) goto done;
    TRY(limn_new(png, bytes, 1));
    memcpy(*png, sqlite3_column_blob(stmt, 0), bytes);
    *size = bytes;
done:
    db_reset(stmt);
    return status;
}

limn_status query_attribution_get(limn_store *s, query_attribution *out, int64_t attribution_id) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    int row = 0;
    *out = (query_attribution){0};
    char **text[] = {&out->method, &out->flavour, &out->layer, &out->output, &out->targets};
    TRY(db_query(s, &stmt,
                 "SELECT method, flavour, layer, output, targets, model_id, dataset_id, channels, h, w, complete"
                 " FROM attribution WHERE attribution_id = ?1",
                 DB_ARGS(DB_INT(attribution_id))));
    TRY(db_next(s, stmt, &row));
    if (!row) FAIL(LIMN_EINPUT, "%s: there is no attribution %lld", s->path, (long long)attribution_id);
    for (size_t i = 0; i < COUNT_OF(text); i++) TRY(db_text(text[i], stmt, (int)i));
    out->model_id = sqlite3_column_int64(stmt, 5);
    out->dataset_id = sqlite3_column_int64(stmt, 6);
    out->channels = (size_t)sqlite3_column_int64(stmt, 7);
    out->h = (size_t)sqlite3_column_int64(stmt, 8);
    out->w = (size_t)sqlite3_column_int64(stmt, 9);
    out->complete = sqlite3_column_int(stmt, 10);
done:
    db_reset(stmt);
    if (status != LIMN_OK) query_attribution_clear(out);
    return status;
}

void query_attribution_clear(query_attribution *a) {
    char *text[] = {a->method, a->flavour, a->layer, a->output, a->targets};
    for (size_t i = 0; i < COUNT_OF(text); i++) free(text[i]);
    *a = (query_attribution){0};
}

limn_status query_map(limn_store *s, float **data, size_t *n, int *target, int64_t attribution_id, int64_t sample_id) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    int row = 0;
    *data = NULL;
    *n = 0;
    *target = -1;
    TRY(db_query(s, &stmt,
                 "SELECT m.data, m.target, a.channels * a.h * a.w FROM attribution a JOIN map m USING (attribution_id)"
                 " LEFT JOIN prediction p ON p.model_id = a.model_id AND p.sample_id = m.sample_id"
                 " WHERE a.attribution_id = ?1 AND m.sample_id = ?2"
                 " ORDER BY ifnull(m.target = p.class, 0) DESC, m.target, m.contrast LIMIT 1",
                 DB_ARGS(DB_INT(attribution_id), DB_INT(sample_id))));
    TRY(db_next(s, stmt, &row));
    if (!row) goto done;
    size_t bytes = (size_t)sqlite3_column_bytes(stmt, 0);
    if (bytes != (size_t)sqlite3_column_int64(stmt, 2) * sizeof(float) || bytes == 0)
        FAIL(LIMN_EFAIL, "%s: a map has %zu bytes, not its %lld values", s->path, bytes,
             (long long)sqlite3_column_int64(stmt, 2));
    TRY(limn_new(data, bytes, 1));
    memcpy(*data, sqlite3_column_blob(stmt, 0), bytes);
    *n = bytes / sizeof(float);
    *target = db_class(stmt, 1);
done:
    db_reset(stmt);
    return status;
}
