/* The digest: see digest.h. What it covers is one const table; docs/store.md gives the encoding.
 *
 * 1. A table's rows come in the order of their natural key: a parent query walks (models, data sets, results …) in the
 *    order of hashes and options, and for each parent a row query walks its samples in the order of idx. Each row query
 *    is answered from an index, without sorting, so memory stays constant (a test reads the query plans).
 * 2. A table's hash is the SHA-256 of its values: one byte for the type, then 8 bytes little-endian (integers; floats
 * by their bits) or the length in 8 bytes and the bytes (text, BLOBs).
 * 3. The digest is the SHA-256 of the lines "HASH ROWS TABLE\n" of all tables.
 *
 * Left out: ids, references to runs, times, paths and how a data file is packed, memory, versions, rendered files, and
 * words that no result depends on (warnings). */
#include "db/digest.h"

#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "base/try.h"
#include "db/db.h"

/* `of`: the parents in the order of their natural key: two ids, then the key, which is hashed before the parent's rows.
 * The first n_keys of the ids are bound to the row query. NULL: the row query stands alone. */
typedef struct {
    const char *table, *of;
    int n_keys;
    const char *rows;
} digest_row;

enum { LATER = 8 /* beside n_keys: the table came later, and while it is empty the digest is what it was before */ };

#define MODELS "SELECT model_id, NULL, hash FROM model ORDER BY hash"
#define DATASETS "SELECT dataset_id, NULL, fingerprint, options FROM dataset ORDER BY fingerprint, options"
#define EXTRACTIONS                                                                                                    \
    "SELECT x.extraction_id, x.dataset_id, m.hash, d.fingerprint, d.options, x.layer, x.options FROM extraction x"     \
    " JOIN model m USING (model_id) JOIN dataset d USING (dataset_id)"                                                 \
    " ORDER BY m.hash, d.fingerprint, d.options, x.layer, x.options"
#define EMBEDDINGS                                                                                                     \
    "SELECT e.embedding_id, x.dataset_id, m.hash, d.fingerprint, d.options, x.layer, x.options, e.method, e.options,"  \
    " e.seed FROM embedding e JOIN extraction x USING (extraction_id) JOIN model m USING (model_id)"                   \
    " JOIN dataset d USING (dataset_id)"                                                                               \
    " ORDER BY m.hash, d.fingerprint, d.options, x.layer, x.options, e.method, e.options, e.seed"
#define COMPARISONS                                                                                                    \
    "SELECT c.comparison_id, x.dataset_id, m.hash, d.fingerprint, d.options, x.layer, x.options, e.method, e.options," \
    " e.seed, n.hash, y.layer, y.options, o.method, o.options, o.seed FROM comparison c"                               \
    " JOIN embedding e USING (embedding_id) JOIN extraction x USING (extraction_id) JOIN model m USING (model_id)"     \
    " JOIN dataset d USING (dataset_id) JOIN embedding o ON o.embedding_id = c.other_embedding_id"                     \
    " JOIN extraction y ON y.extraction_id = o.extraction_id JOIN model n ON n.model_id = y.model_id"                  \
    " ORDER BY m.hash, d.fingerprint, d.options, x.layer, x.options, e.method, e.options, e.seed, n.hash, y.layer,"    \
    " y.options, o.method, o.options, o.seed"
#define ATTRIBUTIONS                                                                                                   \
    "SELECT a.attribution_id, a.dataset_id, m.hash, d.fingerprint, d.options, a.method, a.flavour, a.layer, a.output," \
    " a.targets, a.options FROM attribution a JOIN model m USING (model_id) JOIN dataset d USING (dataset_id)"         \
    " ORDER BY m.hash, d.fingerprint, d.options, a.method, a.flavour, a.layer, a.output, a.targets, a.options"
#define MEASUREMENTS                                                                                                   \
    "SELECT t.measurement_id, a.dataset_id, m.hash, d.fingerprint, d.options, a.method, a.flavour, a.layer, a.output," \
    " a.targets, a.options, b.method, b.flavour, b.layer, b.output, b.targets, b.options, t.metric, t.options"         \
    " FROM measurement t JOIN attribution a USING (attribution_id)"                                                    \
    " LEFT JOIN attribution b ON b.attribution_id = t.other_attribution_id"                                            \
    " JOIN model m ON m.model_id = a.model_id JOIN dataset d ON d.dataset_id = a.dataset_id"                           \
    " ORDER BY m.hash, d.fingerprint, d.options, a.method, a.flavour, a.layer, a.output, a.targets, a.options,"        \
    " b.method, b.flavour, b.layer, b.output, b.targets, b.options, t.metric, t.options"
#define RELATIONS                                                                                                      \
    "SELECT t.relation_id, a.dataset_id, m.hash, d.fingerprint, d.options, a.method, a.flavour, a.layer, a.output,"    \
    " a.targets, a.options, x.layer, x.options, e.method, e.options, e.seed, b.method, b.flavour, b.layer, b.output,"  \
    " b.targets, b.options, t.options FROM relation t JOIN attribution a USING (attribution_id)"                       \
    " JOIN model m ON m.model_id = a.model_id JOIN dataset d ON d.dataset_id = a.dataset_id"                           \
    " LEFT JOIN embedding e ON e.embedding_id = t.embedding_id"                                                        \
    " LEFT JOIN extraction x ON x.extraction_id = ifnull(t.extraction_id, e.extraction_id)"                            \
    " LEFT JOIN attribution b ON b.attribution_id = t.other_attribution_id"                                            \
    " ORDER BY m.hash, d.fingerprint, d.options, a.method, a.flavour, a.layer, a.output, a.targets, a.options,"        \
    " x.layer, x.options, e.method, e.options, e.seed, b.method, b.flavour, b.layer, b.output, b.targets, b.options,"  \
    " t.options"
#define MAXIMISATIONS                                                                                                  \
    "SELECT x.maximisation_id, NULL, m.hash, x.flavour, x.output, x.targets, x.options, x.seed FROM maximisation x"    \
    " JOIN model m USING (model_id) ORDER BY m.hash, x.flavour, x.output, x.targets, x.options, x.seed"
/* The figures of a measurement, by sample and target. */
#define OF_MAPS(table)                                                                                                 \
    "SELECT s.idx, m.target, m.contrast, c.value FROM measurement t CROSS JOIN sample s"                               \
    " CROSS JOIN map m ON m.attribution_id = t.attribution_id AND m.sample_id = s.sample_id CROSS JOIN " table         \
    " c ON c.measurement_id = ?1 AND c.map_id = m.map_id WHERE t.measurement_id = ?1 AND s.dataset_id = ?2"            \
    " ORDER BY s.idx, m.target, ifnull(m.contrast, -1)"
/* ?1 = the result, ?2 = its data set: its rows by idx. */
#define BY_SAMPLE(columns, table, key)                                                                                 \
    "SELECT s.idx, " columns " FROM sample s CROSS JOIN " table " c ON c." key " = ?1 AND c.sample_id = s.sample_id"   \
    " WHERE s.dataset_id = ?2 ORDER BY s.idx"

static const digest_row digest_table[] = {
    {"model", NULL, 0, "SELECT hash, format, input_shape, parameters FROM model ORDER BY hash"},
    {"layer", MODELS, 1, "SELECT idx, name, op, output_shape, parameters FROM layer WHERE model_id = ?1 ORDER BY idx"},
    {"dataset", NULL, 0,
     "SELECT fingerprint, options, samples, channels, h, w FROM dataset ORDER BY fingerprint, options"},
    {"class", DATASETS, 1, "SELECT label, name FROM class WHERE dataset_id = ?1 ORDER BY label"},
    {"sample", DATASETS, 1, "SELECT idx, label, image FROM sample WHERE dataset_id = ?1 ORDER BY idx"},
    {"prediction",
     "SELECT m.model_id, d.dataset_id, m.hash, d.fingerprint, d.options FROM model m CROSS JOIN dataset d"
     " ORDER BY m.hash, d.fingerprint, d.options",
     2, BY_SAMPLE("c.class, c.probability, c.margin, c.entropy, c.loss, c.logits", "prediction", "model_id")},
    {"extraction", EXTRACTIONS, 1, "SELECT dim, complete FROM extraction WHERE extraction_id = ?1"},
    {"feature", EXTRACTIONS, 2, BY_SAMPLE("c.vector", "feature", "extraction_id")},
    {"embedding", EMBEDDINGS, 1, "SELECT dims, kl, iterations, complete FROM embedding WHERE embedding_id = ?1"},
    {"point", EMBEDDINGS, 2, BY_SAMPLE("c.x, c.y, c.z", "point", "embedding_id")},
    {"trace", EMBEDDINGS, 1, "SELECT iteration, kl FROM trace WHERE embedding_id = ?1 ORDER BY iteration"},
    {"quality", EMBEDDINGS, 1,
     "SELECT metric, k, value, points FROM quality WHERE embedding_id = ?1 ORDER BY metric, k"},
    {"neighbour", EMBEDDINGS, 2,
     "SELECT s.idx, c.rank, o.idx, c.distance FROM sample s"
     " CROSS JOIN neighbour c ON c.embedding_id = ?1 AND c.sample_id = s.sample_id"
     " CROSS JOIN sample o ON o.sample_id = c.neighbour WHERE s.dataset_id = ?2 ORDER BY s.idx, c.rank"},
    {"comparison", COMPARISONS, LATER | 1,
     "SELECT k, overlap, procrustes, distances, points FROM comparison WHERE comparison_id = ?1"},
    {"overlap", COMPARISONS, LATER | 2, BY_SAMPLE("c.value", "overlap", "comparison_id")},
    {"attribution", ATTRIBUTIONS, 1, "SELECT channels, h, w, complete FROM attribution WHERE attribution_id = ?1"},
    {"map", ATTRIBUTIONS, 2,
     BY_SAMPLE("c.target, c.contrast, c.min, c.max, c.sum, c.data", "map",
               "attribution_id") ", c.target, ifnull(c.contrast, -1)"},
    {"maximisation", MAXIMISATIONS, LATER | 1,
     "SELECT channels, h, w, complete FROM maximisation WHERE maximisation_id = ?1"},
    {"optimum", MAXIMISATIONS, LATER | 1,
     "SELECT target, score, start, loss, iteration, data FROM optimum WHERE maximisation_id = ?1 ORDER BY target"},
    {"relation", RELATIONS, LATER | 1,
     "SELECT k, overlap, cka, distance_correlation, p, points, permutations FROM relation WHERE relation_id = ?1"},
    {"kinship", RELATIONS, LATER | 2, BY_SAMPLE("c.value", "kinship", "relation_id")},
    {"measurement", MEASUREMENTS, 1, "SELECT complete FROM measurement WHERE measurement_id = ?1"},
    {"measure", MEASUREMENTS, 2, OF_MAPS("measure")},
    {"agreement", MEASUREMENTS, 2, OF_MAPS("agreement")},
};

/* ---- hashing -------------------------------------------------------------------------------------------- */

/* The columns from `first` on of the current row. */
static limn_status hash_row(limn_sha256 *md, sqlite3_stmt *stmt, int first) {
    limn_status status = LIMN_OK;
    for (int i = first; i < sqlite3_column_count(stmt); i++) {
        unsigned char head[9] = {0};
        const void *p = NULL;
        uint64_t word = 0;
        int type = sqlite3_column_type(stmt, i);
        head[0] = (unsigned char)"?ifsbn"[type]; /* SQLITE_INTEGER is 1 … SQLITE_NULL is 5 */
        if (type == SQLITE_INTEGER) {
            word = (uint64_t)sqlite3_column_int64(stmt, i);
        } else if (type == SQLITE_FLOAT) {
            double d = sqlite3_column_double(stmt, i);
            memcpy(&word, &d, sizeof word);
        } else if (type != SQLITE_NULL) {
            p = type == SQLITE_TEXT ? (const void *)sqlite3_column_text(stmt, i) : sqlite3_column_blob(stmt, i);
            word = (uint64_t)sqlite3_column_bytes(stmt, i);
            if (!p && word > 0) FAIL(LIMN_ENOMEM, "no memory for SQLite");
        }
        for (int k = 0; k < 8; k++) head[1 + k] = (unsigned char)(word >> 8 * k);
        TRY(limn_sha256_add(md, head, sizeof head));
        if (p && word > 0) TRY(limn_sha256_add(md, p, (size_t)word));
    }
done:
    return status;
}

/* All rows of a prepared query. */
static limn_status hash_query(limn_store *s, limn_sha256 *md, const char *sql, const db_value *key, size_t n_keys,
                              size_t *rows) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    int row = 0;
    TRY(db_query(s, &stmt, sql, key, n_keys));
    for (;; ++*rows) {
        TRY(db_next(s, stmt, &row));
        if (!row) break;
        TRY(hash_row(md, stmt, 0));
    }
done:
    db_reset(stmt);
    return status;
}

static limn_status hash_table(limn_store *s, const digest_row *t, char hex[65], size_t *rows) {
    limn_status status = LIMN_OK;
    limn_sha256 *md = NULL, *end = NULL;
    sqlite3_stmt *parent = NULL;
    int row = 0;
    *rows = 0;
    TRY(limn_sha256_new(&md));
    if (!t->of) {
        TRY(hash_query(s, md, t->rows, NULL, 0, rows));
    } else {
        TRY(db_query(s, &parent, t->of, NULL, 0));
        for (;;) {
            TRY(db_next(s, parent, &row));
            if (!row) break;
            TRY(hash_row(md, parent, 2));
            const db_value key[] = {DB_INT(sqlite3_column_int64(parent, 0)), DB_INT(sqlite3_column_int64(parent, 1))};
            TRY(hash_query(s, md, t->rows, key, (size_t)(t->n_keys & ~LATER), rows));
        }
    }
    end = md;
    md = NULL;
    TRY(limn_sha256_end(end, hex));
done:
    limn_sha256_free(md);
    db_reset(parent);
    return status;
}

limn_status store_digest(limn_store *s, char hex[65], store_text_fn lines, void *ctx) {
    limn_status status = LIMN_OK;
    limn_sha256 *whole = NULL, *end = NULL;
    int own = 0;
    TRY(limn_sha256_new(&whole));
    /* One read transaction: a run that writes meanwhile does not show through. */
    if (sqlite3_get_autocommit(s->db)) {
        TRY(db_run(s, "BEGIN", NULL, 0));
        own = 1;
    }
    for (size_t i = 0; i < COUNT_OF(digest_table); i++) {
        char sum[65], line[128];
        size_t rows = 0;
        TRY(hash_table(s, &digest_table[i], sum, &rows));
        if (rows == 0 && digest_table[i].n_keys & LATER) continue;
        int n = snprintf(line, sizeof line, "%s %zu %s\n", sum, rows, digest_table[i].table);
        TRY(limn_sha256_add(whole, line, (size_t)n));
        if (lines && lines(ctx, line, (size_t)n)) FAIL(LIMN_EFAIL, "the output cannot be written");
    }
    end = whole;
    whole = NULL;
    TRY(limn_sha256_end(end, hex));
done:
    if (own) store_rollback(s);
    limn_sha256_free(whole);
    return status;
}

/* ---- for people ----------------------------------------------------------------------------------------- */

static limn_status compare(limn_store *s, const char *hex) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    int row = 0;
    TRY(db_query(s, &stmt,
                 "SELECT digest, run_id FROM run WHERE status = 'finished' AND digest IS NOT NULL"
                 " ORDER BY run_id DESC LIMIT 1",
                 NULL, 0));
    TRY(db_next(s, stmt, &row));
    if (!row) FAIL(LIMN_EFAIL, "%s: no finished run stored a digest to compare with", s->path);
    const char *then = (const char *)sqlite3_column_text(stmt, 0);
    if (!then || strcmp(then, hex) != 0)
        FAIL(LIMN_EFAIL, "%s: the results are not those of run %lld: its digest was %s", s->path,
             (long long)sqlite3_column_int64(stmt, 1), then ? then : "lost");
done:
    db_reset(stmt);
    return status;
}

limn_status store_digest_file(const char *path, int tables, int check, store_text_fn write, void *ctx) {
    limn_status status = LIMN_OK;
    limn_store *s = NULL;
    char line[80];
    TRY(store_open_readonly(&s, path));
    TRY(store_digest(s, line, tables ? write : NULL, ctx));
    if (check) TRY(compare(s, line));
    memcpy(line + 64, "\n", 2);
    if (write(ctx, line, strlen(line))) FAIL(LIMN_EFAIL, "the output cannot be written");
done:
    store_close(s);
    return status;
}
