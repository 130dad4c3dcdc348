/* The digest: equal for equal results however they came to be there, different for any difference in a result. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/try.h"
#include "db/db.h"
#include "db/digest.h"
#include "tests/lib/files.h"
#include "tests/lib/stored.h"

static void order_and_ids_do_not_count(void **state) {
    (void)state;
    limn_store *a = NULL, *b = NULL;
    char one[65], two[65];
    stored o, p;
    OK(store_open(&a, temp_path("a.db")));
    stored_fill(a, &o, "x", 0);
    OK(store_open(&b, temp_path("b.db")));
    /* rows that push the ids up, and go again */
    OK(db_exec(
        b, "INSERT INTO model (model_id, hash, format, input_shape, parameters) VALUES (40, 'z', 'f', '[]', 0);"
           "INSERT INTO dataset (dataset_id, fingerprint, options, format, samples, channels, h, w)"
           " VALUES (50, 'z', '{}', 'f', 0, 0, 0, 0);"
           "INSERT INTO sample (sample_id, dataset_id, idx) VALUES (60, 50, 0);"
           "INSERT INTO extraction (extraction_id, model_id, dataset_id, layer, options, dim)"
           " VALUES (70, 40, 50, 'l', '{}', 1);"
           "INSERT INTO embedding (embedding_id, extraction_id, method, options, seed, dims)"
           " VALUES (80, 70, 'm', '{}', 1, 2);"
           "INSERT INTO attribution (attribution_id, model_id, dataset_id, method, flavour, output, targets, options,"
           " channels, h, w) VALUES (90, 40, 50, 'm', 'f', 'o', 't', '{}', 1, 1, 1)"));
    stored_fill(b, &p, "another name", 1);
    OK(db_exec(b, "DELETE FROM model WHERE model_id = 40; DELETE FROM dataset WHERE dataset_id = 50"));
    assert_true(o.map != p.map && o.sample[0] != p.sample[0] && o.sample[0] < o.sample[1] && p.sample[0] > p.sample[1]);
    OK(store_digest(a, one, NULL, NULL));
    OK(store_digest(b, two, NULL, NULL));
    assert_int_equal(strlen(one), 64);
    assert_string_equal(one, two);
    store_close(a);
    store_close(b);
}

/* What is no result: docs/store.md. Everything else, also a column that a later version adds, must count. */
static const char *const left_out[] = {
    "model.path",    "model.producer",    "dataset.path",      "dataset.format",
    "sample.source", "embedding.seconds", "embedding.warning",
};
static const char *const tables[] = {
    "model",   "layer",      "dataset", "class",        "sample",  "prediction", "extraction",
    "feature", "embedding",  "point",   "trace",        "quality", "neighbour",  "attribution",
    "map",     "comparison", "overlap", "maximisation", "optimum", "relation",   "kinship",
};

/* A statement that changes the column in one row by the least that there is: a bit of a float, a byte, a blank. */
static void change_of(char *sql, size_t n, const char *table, const char *column, const char *type) {
    static const struct {
        const char *type, *value;
    } change[] = {
        {"BLOB", "CAST(substr(CAST(%s AS BLOB), 2) || x'41' AS BLOB)"},
        {"TEXT", "ifnull(%s, '') || ' '"},
        {"REAL", "ifnull(%s, 0.0) * (1 + 2.2204460492503131e-16) + 1e-300"},
        {"INTEGER", "ifnull(%s, 0) + 100"},
    };
    size_t i = 0;
    while (i + 1 < COUNT_OF(change) && strcmp(change[i].type, type) != 0) i++;
    const char *value = change[i].value;
    if (!strcmp(column, "complete")) value = "1 - %s"; /* CHECK: 0 or 1 */
    if (!strcmp(column, "dims")) value = "3 - %s";     /* CHECK: 1 to 3 */
    const char *hole = strstr(value, "%s");
    snprintf(sql, n, "UPDATE %s SET \"%s\" = %.*s\"%s\"%s WHERE rowid = (SELECT min(rowid) FROM %s)", table, column,
             (int)(hole - value), value, column, hole + 2, table);
}

static void every_column_of_a_result_counts(void **state) {
    (void)state;
    limn_store *s = NULL;
    stored o;
    char before[65], after[65];
    size_t counted = 0, ignored = 0;
    OK(store_open(&s, temp_path("bits.db")));
    stored_fill(s, &o, "x", 0);
    OK(store_digest(s, before, NULL, NULL));
    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        sqlite3_stmt *stmt = NULL;
        char list[100];
        snprintf(list, sizeof list, "SELECT name, type FROM pragma_table_info('%s')", tables[t]);
        assert_int_equal(sqlite3_prepare_v2(s->db, list, -1, &stmt, NULL), SQLITE_OK);
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            const char *column = (const char *)sqlite3_column_text(stmt, 0);
            const char *type = (const char *)sqlite3_column_text(stmt, 1);
            char name[100], sql[500];
            size_t length = strlen(column);
            int skipped = 0;
            if (length > 3 && !strcmp(column + length - 3, "_id")) continue; /* moved rows: tested below */
            snprintf(name, sizeof name, "%s.%s", tables[t], column);
            for (size_t i = 0; i < COUNT_OF(left_out); i++) skipped |= !strcmp(name, left_out[i]);
            if (!strcmp(name, "neighbour.neighbour"))
                snprintf(sql, sizeof sql, "UPDATE neighbour SET neighbour = %lld WHERE rowid = 1",
                         (long long)o.sample[4]);
            else
                change_of(sql, sizeof sql, tables[t], column, type);
            OK(db_exec(s, "SAVEPOINT one"));
            OK(db_exec(s, sql));
            assert_int_equal(sqlite3_changes(s->db), 1);
            OK(store_digest(s, after, NULL, NULL));
            if ((strcmp(before, after) == 0) != skipped)
                fail_msg("%s: the digest %s", sql, skipped ? "differs" : "is the same");
            OK(db_exec(s, "ROLLBACK TO one; RELEASE one"));
            skipped ? ignored++ : counted++;
        }
        sqlite3_finalize(stmt);
    }
    assert_int_equal(ignored, COUNT_OF(left_out));
    assert_true(counted > 60);
    OK(store_digest(s, after, NULL, NULL));
    assert_string_equal(before, after);
    store_close(s);
}

static void rows_that_go_or_change_places_count_and_runs_do_not(void **state) {
    (void)state;
    static const struct {
        const char *sql;
        int same;
    } row[] = {
        {"DELETE FROM map WHERE map_id = 4", 0},
        {"DELETE FROM sample WHERE idx = 5", 0},
        {"DELETE FROM class WHERE label = 1", 0},
        {"UPDATE point SET y = (SELECT y FROM point p WHERE p.point_id = 3 - point.point_id) WHERE point_id < 3", 0},
        {"UPDATE prediction SET logits = (SELECT logits FROM prediction WHERE prediction_id = 2) WHERE prediction_id = "
         "1",
         0},
        {"DELETE FROM optimum WHERE optimum_id = 2", 0},
        {"DELETE FROM overlap WHERE overlap_id = 4", 0},
        {"UPDATE comparison SET embedding_id = other_embedding_id, other_embedding_id = embedding_id", 0},
        {"DELETE FROM run", 1},
        {"UPDATE run SET version = '9', started = 'then', message = 'm'", 1},
        {"DELETE FROM stage", 1},
        {"DELETE FROM figure", 1},
        {"DELETE FROM result", 1},
    };
    limn_store *s = NULL;
    stored o;
    char before[65], after[65];
    OK(store_open(&s, temp_path("rows.db")));
    stored_fill(s, &o, "x", 0);
    OK(store_digest(s, before, NULL, NULL));
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        OK(db_exec(s, "SAVEPOINT one"));
        OK(db_exec(s, row[i].sql));
        OK(store_digest(s, after, NULL, NULL));
        if ((strcmp(before, after) == 0) != row[i].same)
            fail_msg("%s: %s", row[i].sql, row[i].same ? "differs" : "is the same");
        OK(db_exec(s, "ROLLBACK TO one; RELEASE one"));
    }
    store_close(s);
}

/* A file of an earlier version keeps its digest: what came later counts where it has rows. */
static void later_tables_count_where_they_have_rows(void **state) {
    (void)state;
    limn_store *s = NULL;
    stored o;
    stored_text lines = {0}, without = {0};
    char hex[65];
    OK(store_open(&s, temp_path("later.db")));
    stored_fill(s, &o, "x", 0);
    OK(store_digest(s, hex, stored_write, &lines));
    OK(db_exec(s, "DELETE FROM comparison"));
    OK(db_exec(s, "DELETE FROM maximisation"));
    OK(store_digest(s, hex, stored_write, &without));
    assert_non_null(strstr(lines.text, " 1 comparison\n"));
    assert_non_null(strstr(lines.text, " 6 overlap\n"));
    assert_non_null(strstr(lines.text, " 2 optimum\n"));
    assert_null(strstr(without.text, "optimum"));
    assert_null(strstr(without.text, "comparison"));
    assert_null(strstr(without.text, "overlap"));
    assert_non_null(strstr(without.text, " 0 agreement\n"));
    free(lines.text);
    free(without.text);
    store_close(s);
}

/* ---- the encoding, written a second time -------------------------------------------------------------------- */

static void add_value(limn_sha256 *h, char type, uint64_t word, const void *bytes) {
    unsigned char head[9] = {(unsigned char)type};
    for (int i = 0; i < 8; i++) head[1 + i] = (unsigned char)(word >> 8 * i);
    OK(limn_sha256_add(h, head, 9));
    if (bytes) OK(limn_sha256_add(h, bytes, word));
}

static void add_text(limn_sha256 *h, const char *text) {
    add_value(h, 's', strlen(text), text);
}

static void add_real(limn_sha256 *h, double x) {
    uint64_t word;
    memcpy(&word, &x, sizeof word);
    add_value(h, 'f', word, NULL);
}

static void the_encoding_is_the_documented_one(void **state) {
    (void)state;
    static const char *const method[] = {"pca", "tsne"}, *const options[] = {"{}", "{\"perplexity\": 1}"};
    limn_store *s = NULL;
    stored o;
    stored_text lines = {0};
    char hex[65], whole[65], want[100];
    limn_sha256 *h = NULL;
    OK(store_open(&s, temp_path("encoding.db")));
    stored_fill(s, &o, "x", 0);
    OK(store_digest(s, hex, stored_write, &lines));
    OK(limn_sha256_new(&h));
    OK(limn_sha256_add(h, lines.text, lines.n));
    OK(limn_sha256_end(h, whole));
    assert_string_equal(whole, hex);
    OK(limn_sha256_new(&h));
    for (int e = 0; e < 2; e++) {
        add_text(h, "aa11"), add_text(h, "bb22"), add_text(h, "{\"scale\": 1}"), add_text(h, "dense_1"),
            add_text(h, "{}");
        add_text(h, method[e]), add_text(h, options[e]), add_value(h, 'i', 1, NULL);
        if (e == 0) continue; /* no trace of PCA */
        add_value(h, 'i', 50, NULL), add_real(h, 1.5), add_value(h, 'i', 100, NULL), add_real(h, 1.25);
    }
    OK(limn_sha256_end(h, whole));
    snprintf(want, sizeof want, "%s 2 trace\n", whole);
    if (!strstr(lines.text, want)) fail_msg("no '%s' in:\n%s", want, lines.text);
    OK(limn_sha256_new(&h));
    add_text(h, "bb22"), add_text(h, "{\"scale\": 1}");
    for (int i = 0; i < STORED_N; i++) {
        char image[16];
        int n = snprintf(image, sizeof image, "PNG of %d", i);
        add_value(h, 'i', (uint64_t)i, NULL), add_value(h, 'i', (uint64_t)(i % 3), NULL),
            add_value(h, 'b', (uint64_t)n, image);
    }
    OK(limn_sha256_end(h, whole));
    snprintf(want, sizeof want, "%s 6 sample\n", whole);
    if (!strstr(lines.text, want)) fail_msg("no '%s' in:\n%s", want, lines.text);
    free(lines.text);
    store_close(s);
}

/* Constant memory: what walks the rows of a result never sorts them. */
static void rows_come_from_an_index(void **state) {
    (void)state;
    limn_store *s = NULL;
    stored o;
    char hex[65];
    int seen = 0;
    OK(store_open(&s, temp_path("plan.db")));
    stored_fill(s, &o, "x", 0);
    db_finalize(s); /* the statements of the writing */
    OK(store_digest(s, hex, NULL, NULL));
    for (sqlite3_stmt *q = NULL; (q = sqlite3_next_stmt(s->db, q)) != NULL;) {
        if (!strstr(sqlite3_sql(q), "?1")) continue; /* a parent: a row a result */
        seen++;
        if (sqlite3_stmt_status(q, SQLITE_STMTSTATUS_SORT, 0) > 0) fail_msg("sorts: %s", sqlite3_sql(q));
    }
    assert_int_equal(seen, COUNT_OF(tables) - 2); /* all but model and dataset */
    store_close(s);
}

/* ---- --check ------------------------------------------------------------------------------------------------ */

static void a_check_compares_with_the_last_finished_run(void **state) {
    (void)state;
    const char *path = temp_path("check.db");
    limn_store *s = NULL;
    stored o;
    stored_text text = {0};
    char hex[65];
    OK(store_open(&s, path));
    stored_fill(s, &o, "x", 0);
    OK(store_digest(s, hex, NULL, NULL));
    store_close(s);
    assert_int_equal(store_digest_file(path, 0, 1, stored_write, &text), LIMN_EFAIL);
    assert_non_null(strstr(limn_message(), "no finished run"));
    assert_int_equal(text.n, 0);
    OK(store_open(&s, path));
    OK(store_run_end(s, o.run, "finished", NULL, hex));
    store_close(s);
    OK(store_digest_file(path, 0, 1, stored_write, &text));
    assert_int_equal(text.n, 65);
    assert_memory_equal(text.text, hex, 64);
    assert_int_equal(text.text[64], '\n');
    free(text.text);
    text = (stored_text){0};
    OK(store_digest_file(path, 1, 0, stored_write, &text));
    assert_non_null(strstr(text.text, " 18 map\n"));
    assert_memory_equal(text.text + text.n - 65, hex, 64);
    free(text.text);
    text = (stored_text){0};
    OK(store_open(&s, path));
    OK(db_exec(s, "UPDATE map SET data = zeroblob(16) WHERE map_id = 7"));
    store_close(s);
    assert_int_equal(store_digest_file(path, 0, 1, stored_write, &text), LIMN_EFAIL);
    assert_non_null(strstr(limn_message(), hex));
    assert_int_equal(text.n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_and_ids_do_not_count),
        cmocka_unit_test(every_column_of_a_result_counts),
        cmocka_unit_test(rows_that_go_or_change_places_count_and_runs_do_not),
        cmocka_unit_test(later_tables_count_where_they_have_rows),
        cmocka_unit_test(the_encoding_is_the_documented_one),
        cmocka_unit_test(rows_come_from_an_index),
        cmocka_unit_test(a_check_compares_with_the_last_finished_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
