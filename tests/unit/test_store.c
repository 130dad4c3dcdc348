/* The store's rows: what is written is read, the same result is found again, one experiment is forgotten, versions. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "db/db.h"
#include "db/queries.h"
#include "tests/lib/files.h"
#include "tests/lib/stored.h"

static limn_store *filled(const char *path, stored *o) {
    limn_store *s = NULL;
    OK(store_open(&s, path));
    stored_fill(s, o, "x", 0);
    return s;
}

/* ---- rows -------------------------------------------------------------------------------------------- */

static void what_is_written_is_read(void **state) {
    (void)state;
    const char *path = temp_path("whole.db");
    stored o;
    limn_store *s = filled(path, &o);
    static const struct {
        const char *sql;
        int64_t want;
    } row[] = {
        {"SELECT count(*) FROM sample", STORED_N},
        {"SELECT count(*) FROM layer", 2},
        {"SELECT count(*) FROM class", STORED_CLASSES},
        {"SELECT count(*) FROM prediction", STORED_N},
        {"SELECT count(*) FROM feature", STORED_N},
        {"SELECT count(*) FROM point", 2 * STORED_N},
        {"SELECT count(*) FROM neighbour", STORED_N * STORED_K},
        {"SELECT count(*) FROM map", 3 * STORED_N},
        {"SELECT count(*) FROM map WHERE min = -4 AND max = 5 AND sum = 5.5", 1},
        {"SELECT count(*) FROM prediction WHERE loss = 2.5 AND class = 0", 1},
        {"SELECT count(*) FROM embedding WHERE kl IS NULL AND iterations IS NULL AND warning = 'few'", 1},
        {"SELECT count(*) FROM point WHERE z IS NOT NULL", 0},
        {"SELECT count(*) FROM map WHERE contrast IS NOT NULL", 0},
        {"SELECT count(*) FROM result", 6},
        {"SELECT count(*) FROM stage WHERE name = 'predict' AND done = 6 AND peak_memory = 1048576", 1},
        {"SELECT count(*) FROM run WHERE model_id = 1 AND dataset_id = 1 AND status = 'running'", 1},
        {"SELECT count(*) FROM pragma_foreign_key_check", 0},
        {"SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'", 1},
    };
    OK(store_finish(s, NULL));
    for (size_t i = 0; i < COUNT_OF(row); i++)
        if (stored_count(path, row[i].sql) != row[i].want) fail_msg("%s: not %lld", row[i].sql, (long long)row[i].want);
    float X[STORED_N][STORED_DIM];
    query_point *p = NULL;
    size_t n = 0;
    OK(store_features_read(s, o.extraction, X[0], STORED_N, STORED_DIM));
    OK(query_points(s, &p, &n, o.map));
    assert_int_equal(n, STORED_N);
    for (int i = 0; i < STORED_N; i++) {
        assert_true(X[i][0] == (float)i && X[i][1] == (float)(i * i) && X[i][3] == 1);
        assert_true(p[i].x == i && p[i].y == -i);
    }
    free(p);
    store_close(s);
    char *source = stored_ask(path, "SELECT source || ' ' || CAST(image AS TEXT) FROM sample WHERE idx = 4");
    assert_string_equal(source, "4 PNG of 4");
    free(source);
}

static void strings_are_kept_as_they_are(void **state) {
    (void)state;
    static const char *const nasty[] = {"it's", "`touch /tmp/x`", "\"; DROP TABLE class; --", "%s%n", "\xff\xfe", ""};
    const char *path = temp_path("strings.db");
    limn_store *s = NULL;
    int64_t run = 0, dataset = 0;
    OK(store_open(&s, path));
    const store_run r = {"n", "c", "{}", "v", "{}", NULL};
    OK(store_run_begin(s, &run, &r));
    const store_dataset d = {.fingerprint = "f",
                             .options = "{}",
                             .format = "IDX",
                             .n = 1,
                             .class_name = nasty,
                             .n_classes = COUNT_OF(nasty)};
    OK(store_dataset_find(s, &dataset, run, &d));
    OK(store_finish(s, NULL));
    for (size_t i = 0; i < COUNT_OF(nasty); i++) {
        char sql[80];
        snprintf(sql, sizeof sql, "SELECT name FROM class WHERE label = %zu", i);
        char *name = stored_ask(path, sql);
        assert_string_equal(name, nasty[i]);
        free(name);
    }
    const store_run broken = {"n", "c", "{not JSON", "v", "{}", NULL};
    assert_int_equal(store_run_begin(s, &run, &broken), LIMN_EFAIL);
    store_close(s);
}

/* ---- identity ------------------------------------------------------------------------------------------- */

static void the_same_result_is_found_and_another_is_made(void **state) {
    (void)state;
    limn_store *s = NULL;
    stored o;
    int64_t id = 0;
    int complete = 0;
    s = filled(temp_path("found.db"), &o);
    const store_model m = {.hash = "aa11", .format = "other words", .input_shape = "[1]"};
    OK(store_model_find(s, &id, o.run, &m));
    assert_int_equal(id, o.model);
    store_extraction x = {o.model, o.dataset, "dense_1", "{}", STORED_DIM};
    OK(store_extraction_find(s, &id, &complete, o.run, &x));
    assert_int_equal(id, o.extraction);
    assert_int_equal(complete, 1);
    x.dim++;
    assert_int_equal(store_extraction_find(s, &id, &complete, o.run, &x), LIMN_EFAIL);
    x.dim--, x.options = "{\"pool\": \"mean\"}";
    OK(store_extraction_find(s, &id, &complete, o.run, &x));
    assert_int_not_equal(id, o.extraction);
    assert_int_equal(complete, 0);
    store_embedding e = {o.extraction, "tsne", "{\"perplexity\": 1}", 1, 2, 0};
    OK(store_embedding_find(s, &id, &complete, o.run, &e));
    assert_true(id == o.map && complete);
    e.seed = UINT64_MAX;
    OK(store_embedding_find(s, &id, &complete, o.run, &e));
    assert_true(id != o.map && !complete);
    store_attribution a = {o.model,     o.dataset, "saliency", "limn",      NULL,       "dense_1",
                           "predicted", "{}",      1,          STORED_SIDE, STORED_SIDE};
    OK(store_attribution_find(s, &id, &complete, o.run, &a));
    assert_true(id == o.saliency && complete);
    a.layer = "conv2d_1";
    OK(store_attribution_find(s, &id, &complete, o.run, &a));
    assert_true(id != o.saliency && !complete);
    /* nothing that is there is overwritten */
    const store_prediction p = {0};
    assert_int_equal(store_prediction_put(s, o.run, o.model, o.sample[0], &p), LIMN_EFAIL);
    assert_int_equal(store_map_put(s, o.saliency, o.sample[0], 0, -1, (const float[]){0, 0, 0, 0}, 4), LIMN_EFAIL);
    OK(store_map_put(s, o.saliency, o.sample[0], 0, 1, (const float[]){0, 0, 0, 0}, 4)); /* a contrast is another map */
    assert_int_equal(store_map_put(s, o.saliency, o.sample[0], 0, 1, (const float[]){0, 0, 0, 0}, 4), LIMN_EFAIL);
    store_close(s);
}

static void gaps_are_not_read_as_data(void **state) {
    (void)state;
    stored o;
    float X[STORED_N * STORED_DIM];
    limn_store *s = filled(temp_path("gaps.db"), &o);
    assert_int_equal(store_features_read(s, o.extraction, X, STORED_N + 1, STORED_DIM), LIMN_EFAIL);
    assert_int_equal(store_features_read(s, o.extraction, X, STORED_N - 1, STORED_DIM), LIMN_EFAIL);
    assert_int_equal(store_features_read(s, o.extraction, X, STORED_N, STORED_DIM - 1), LIMN_EFAIL);
    OK(db_exec(s, "DELETE FROM feature WHERE feature_id = 3"));
    assert_int_equal(store_features_read(s, o.extraction, X, STORED_N, STORED_DIM), LIMN_EFAIL);
    SAYS("sample 2 is missing");
    store_close(s);
}

static void class_names_are_replaced_and_images_added(void **state) {
    (void)state;
    static const char *const better[] = {"nought", "one"};
    const char *path = temp_path("names.db");
    stored o;
    int64_t id = 0;
    limn_store *s = filled(path, &o);
    store_dataset d = {.fingerprint = "bb22", .options = "{\"scale\": 1}", .format = "IDX", .n = STORED_N};
    OK(store_dataset_find(s, &id, o.run, &d)); /* none given: those that are there stay */
    assert_int_equal(id, o.dataset);
    d.class_name = better, d.n_classes = 2;
    OK(store_dataset_find(s, &id, o.run, &d));
    d.options = "{\"scale\": 2}";
    OK(store_dataset_find(s, &id, o.run, &d));
    assert_int_not_equal(id, o.dataset);
    const store_sample bare = {0, 2, "a.png", NULL, 0}, full = {0, 2, "a.png", "image", 5},
                       late = {0, 2, "b", "late", 4};
    OK(store_sample_put(s, id, &bare));
    OK(store_sample_put(s, id, &full));
    OK(store_sample_put(s, id, &late));
    OK(store_finish(s, NULL));
    char *names = stored_ask(path, "SELECT group_concat(name) FROM class WHERE dataset_id = 1");
    assert_string_equal(names, "nought,one");
    free(names);
    char *image = stored_ask(path, "SELECT source || CAST(image AS TEXT) FROM sample WHERE dataset_id = 2");
    assert_string_equal(image, "a.pngimage");
    free(image);
    store_close(s);
}

static void maps_of_one_and_three_dimensions_are_kept(void **state) {
    (void)state;
    const char *path = temp_path("solid.db");
    stored o;
    int64_t id = 0;
    float Y[STORED_N * 3], distance[STORED_N * 2] = {0};
    uint32_t neighbour[STORED_N * 2];
    query_point *p = NULL;
    size_t n = 0;
    limn_store *s = filled(path, &o);
    for (uint32_t i = 0; i < STORED_N * 3; i++) Y[i] = (float)i * 0.1f;
    for (uint32_t i = 0; i < STORED_N * 2; i++) neighbour[i] = i % STORED_N;
    for (int dims = 1; dims <= 3; dims += 2) {
        const store_embedding e = {o.extraction, "tsne", "{}", (uint64_t)dims, dims, 0};
        const store_map_of_points m = {.sample_id = o.sample,
                                       .Y = Y,
                                       .n = STORED_N,
                                       .dims = dims,
                                       .kl = 1,
                                       .neighbour = neighbour,
                                       .distance = distance,
                                       .k = 2,
                                       .k_stored = 1};
        OK(store_embedding_find(s, &id, NULL, o.run, &e));
        OK(store_embedding_put(s, id, &m));
        OK(query_points(s, &p, &n, id));
        assert_int_equal(n, STORED_N);
        for (size_t i = 0; i < n; i++) {
            const float *y = Y + i * (size_t)dims;
            assert_true(p[i].x == (double)y[0] &&
                        (dims < 2 ? isnan(p[i].y) && isnan(p[i].z) : p[i].y == (double)y[1] && p[i].z == (double)y[2]));
        }
        free(p);
    }
    neighbour[3] = STORED_N;
    const store_embedding e = {o.extraction, "tsne", "{}", 9, 1, 0};
    const store_map_of_points m = {
        .sample_id = o.sample, .Y = Y, .n = STORED_N, .dims = 1, .neighbour = neighbour, .distance = distance, .k = 2};
    OK(store_embedding_find(s, &id, NULL, o.run, &e));
    assert_int_equal(store_embedding_put(s, id, &m), LIMN_EFAIL);
    SAYS("neighbour 6 of sample 1");
    OK(store_finish(s, NULL));
    assert_int_equal(stored_count(path, "SELECT count(*) FROM point WHERE z IS NOT NULL AND y IS NOT NULL"), STORED_N);
    assert_int_equal(stored_count(path, "SELECT count(*) FROM point WHERE z IS NULL AND y IS NULL"), STORED_N);
    assert_int_equal(stored_count(path, "SELECT count(*) FROM neighbour"), STORED_N * (STORED_K + 2));
    store_close(s);
}

static void nan_is_null(void **state) {
    (void)state;
    const char *path = temp_path("nan.db");
    stored o;
    limn_store *s = filled(path, &o);
    const float v[] = {1, NAN, 3, 4};
    OK(store_map_put(s, o.saliency, o.sample[0], 2, -1, v, 4));
    OK(store_finish(s, NULL));
    assert_int_equal(stored_count(path, "SELECT min IS NULL AND max IS NULL AND sum IS NULL AND length(data) = 16"
                                        " FROM map ORDER BY map_id DESC LIMIT 1"),
                     1);
    store_close(s);
}

/* ---- --fresh -------------------------------------------------------------------------------------------- */

static void forgetting_takes_this_experiments_results_only(void **state) {
    (void)state;
    const char *path = temp_path("forget.db");
    stored o;
    int64_t other = 0, own = 0;
    int complete = 0;
    limn_store *s = filled(path, &o);
    /* "y" shares the saliency of "x" under another name, and has an embedding of its own */
    const store_run r = {"y", "c", "{}", "v", "{}", NULL};
    OK(store_run_begin(s, &other, &r));
    OK(store_link(s, other, STORE_ATTRIBUTION, "mine", o.saliency));
    const store_embedding e = {o.extraction, "tsne", "{\"perplexity\": 2}", 1, 2, 0};
    OK(store_embedding_find(s, &own, NULL, other, &e));
    OK(store_link(s, other, STORE_EMBEDDING, "map", own));
    OK(store_forget(s, "nobody"));
    OK(store_finish(s, NULL));
    assert_int_equal(stored_count(path, "SELECT count(*) FROM map"), 3 * STORED_N);
    OK(store_forget(s, "x"));
    OK(store_finish(s, NULL));
    static const char *const empty[] = {"prediction", "feature", "point",      "trace",   "quality",  "neighbour",
                                        "map",        "figure",  "comparison", "overlap", "relation", "kinship"};
    for (size_t i = 0; i < COUNT_OF(empty); i++) {
        char sql[80];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", empty[i]);
        if (stored_count(path, sql) != 0) fail_msg("%s has rows left", empty[i]);
    }
    assert_int_equal(stored_count(path, "SELECT count(*) FROM sample"), STORED_N);
    assert_int_equal(stored_count(path, "SELECT count(*) FROM attribution"), 1);
    assert_int_equal(stored_count(path, "SELECT count(*) FROM embedding"), 1);
    assert_int_equal(stored_count(path, "SELECT count(*) FROM result"), 2);
    assert_int_equal(stored_count(path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    const store_attribution a = {o.model,     o.dataset, "saliency", "limn",      NULL,       "dense_1",
                                 "predicted", "{}",      1,          STORED_SIDE, STORED_SIDE};
    OK(store_attribution_find(s, &own, &complete, o.run, &a));
    assert_int_equal(own, o.saliency);
    assert_int_equal(complete, 0);
    store_close(s);
}

static void a_relation_is_found_by_what_it_is_of(void **state) {
    (void)state;
    const char *path = temp_path("relation.db");
    stored o;
    int have = 0;
    limn_store *s = filled(path, &o);
    store_relation t = {.attribution_id = o.saliency, .embedding_id = o.map, .options = "{\"neighbours\":2}"};
    OK(store_relation_have(s, &have, &t));
    assert_int_equal(have, 1);
    t.options = "{\"neighbours\":3}";
    OK(store_relation_have(s, &have, &t));
    assert_int_equal(have, 0);
    t = (store_relation){.attribution_id = o.cam, .extraction_id = o.extraction, .options = "{\"neighbours\":2}"};
    OK(store_relation_have(s, &have, &t));
    assert_int_equal(have, 0);
    t.embedding_id = o.map; /* of two at once there is none */
    assert_int_equal(store_relation_put(s, o.run, &t), LIMN_EFAIL);
    OK(store_finish(s, NULL));
    assert_int_equal(stored_count(path, "SELECT count(*) FROM v_relation WHERE other_name = 'map' AND kind = 'map'"),
                     1);
    assert_int_equal(stored_count(path, "SELECT count(*) FROM v_relation WHERE other_name = 'cam'"), 1);
    assert_int_equal(stored_count(path, "SELECT 100 * chance FROM v_relation WHERE kind = 'features'"), 40);
    assert_int_equal(stored_count(path, "SELECT count(*) FROM v_kinship WHERE kind = 'features' AND label = 2"), 2);
    store_close(s);
}

/* Whoever asks first, the pair has one row; points are read back as they were written. */
static void two_maps_are_compared_once(void **state) {
    (void)state;
    const char *path = temp_path("pair.db");
    stored o;
    int have = -1;
    float Y[STORED_N * 2], share[STORED_N] = {0};
    limn_store *s = filled(path, &o);
    const store_comparison c = {2, 0, (double)NAN, 0, STORED_N, o.sample, share, STORED_N};
    OK(store_comparison_have(s, &have, o.map, o.pca));
    assert_int_equal(have, 1);
    OK(store_comparison_have(s, &have, o.pca, o.map));
    assert_int_equal(have, 1);
    OK(store_comparison_have(s, &have, o.map, o.map));
    assert_int_equal(have, 0);
    assert_int_equal(store_comparison_put(s, o.run, o.pca, o.map, &c), LIMN_EFAIL);
    OK(store_points_read(s, o.map, Y, STORED_N, 2));
    for (int i = 0; i < STORED_N; i++) assert_true(Y[2 * i] == (float)i && Y[2 * i + 1] == -(float)i);
    assert_int_equal(store_points_read(s, o.map, Y, STORED_N, 3), LIMN_EFAIL);
    SAYS("fewer than 3 coordinates");
    assert_int_equal(store_points_read(s, o.map, Y, STORED_N - 1, 2), LIMN_EFAIL);
    SAYS("not just the 5 points");
    store_close(s);
}

/* ---- versions ------------------------------------------------------------------------------------------- */

/* The schema of a connection without comments and white space, by name: free(). */
static char *bare_schema(sqlite3 *db) {
    sqlite3_stmt *stmt = NULL;
    size_t n = 0, room = 1 << 16;
    char *out = calloc(1, room);
    assert_non_null(out);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name", -1, &stmt, NULL),
        SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *c = (const char *)sqlite3_column_text(stmt, 0);
        for (; *c && n + 2 < room; c++) {
            if (c[0] == '-' && c[1] == '-') c += strcspn(c, "\n");
            if (*c && !strchr(" \n", *c)) out[n++] = *c;
        }
        out[n++] = '\n';
    }
    sqlite3_finalize(stmt);
    return out;
}

static void the_migrations_lead_to_the_schema(void **state) {
    (void)state;
    sqlite3 *made = NULL, *grown = NULL;
    assert_int_equal(sqlite3_open(":memory:", &made), SQLITE_OK);
    assert_int_equal(sqlite3_open(":memory:", &grown), SQLITE_OK);
    assert_int_equal(sqlite3_exec(made, db_schema, NULL, NULL, NULL), SQLITE_OK);
    OK(db_migrate(grown, "x", db_migrations));
    char *a = bare_schema(made), *b = bare_schema(grown);
    assert_true(strlen(a) > 1000);
    assert_string_equal(a, b);
    int last = 0;
    for (const db_migration *m = db_migrations; m->sql; m++) assert_int_equal(m->version, ++last);
    assert_int_equal(last, DB_VERSION);
    /* what a further version would do: what is below is skipped, what fails is undone */
    const db_migration next[] = {{DB_VERSION, "syntax error"},
                                 {DB_VERSION + 1, "CREATE TABLE two (x)"},
                                 {DB_VERSION + 2, "CREATE TABLE three (x); DROP TABLE nix"},
                                 {0, NULL}};
    assert_int_equal(db_migrate(grown, "x.db", next), LIMN_EFAIL);
    SAYS("x.db");
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_prepare_v2(grown,
                                        "SELECT user_version, (SELECT count(*) FROM sqlite_schema WHERE name IN "
                                        "('two', 'three')) FROM pragma_user_version",
                                        -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(stmt, 0), DB_VERSION + 1);
    assert_int_equal(sqlite3_column_int(stmt, 1), 1);
    sqlite3_finalize(stmt);
    free(a);
    free(b);
    sqlite3_close(made);
    sqlite3_close(grown);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(strings_are_kept_as_they_are),
        cmocka_unit_test(the_same_result_is_found_and_another_is_made),
        cmocka_unit_test(gaps_are_not_read_as_data),
        cmocka_unit_test(class_names_are_replaced_and_images_added),
        cmocka_unit_test(maps_of_one_and_three_dimensions_are_kept),
        cmocka_unit_test(nan_is_null),
        cmocka_unit_test(forgetting_takes_this_experiments_results_only),
        cmocka_unit_test(a_relation_is_found_by_what_it_is_of),
        cmocka_unit_test(two_maps_are_compared_once),
        cmocka_unit_test(the_migrations_lead_to_the_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
