/* The tables have the columns that are promised; the views answer in a plain SQLite; the queries of plots and commands. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/try.h"
#include "db/db.h"
#include "db/queries.h"
#include "tests/lib/files.h"
#include "tests/lib/stored.h"

static const char *path;
static stored made;

static int fill(void **state) {
    (void)state;
    limn_store *s = NULL;
    path = temp_path("views.db");
    OK(store_open(&s, path));
    stored_fill(s, &made, "x", 0);
    OK(store_run_end(s, made.run, "finished", NULL, "dd44"));
    store_close(s);
    return 0;
}

static void says(const char *sql, const char *want) {
    char *got = stored_ask(path, sql);
    if (strcmp(got, want) != 0) fail_msg("%s: '%s', not '%s'", sql, got, want);
    free(got);
}

/* ---- the promised columns ----------------------------------------------------------------------------------- */

/* `says` is how ../shared/design/store.md names the column. */
static const struct {
    const char *table, *says, *column;
} promised[] = {
    {"measure", "metric", "metric"},
    {"measure", "value", "value"},
    {"agreement", "metric", "metric"},
    {"agreement", "value", "value"},
    {"run", "config as given", "config"},
    {"run", "resolved options as JSON", "options"},
    {"run", "version", "version"},
    {"run", "libraries", "libraries"},
    {"run", "status", "status"},
    {"stage", "status", "status"},
    {"stage", "done", "done"},
    {"stage", "total", "total"},
    {"stage", "seconds", "seconds"},
    {"stage", "peak memory", "peak_memory"},
    {"model", "format", "format"},
    {"model", "input shape", "input_shape"},
    {"model", "parameters", "parameters"},
    {"model", "", "hash"},
    {"layer", "idx", "idx"},
    {"layer", "name", "name"},
    {"layer", "op", "op"},
    {"layer", "output shape", "output_shape"},
    {"dataset", "", "fingerprint"},
    {"class", "label", "label"},
    {"class", "class name", "name"},
    {"sample", "idx", "idx"},
    {"sample", "label", "label"},
    {"sample", "source (file or index)", "source"},
    {"sample", "image", "image"},
    {"prediction", "class", "class"},
    {"prediction", "probability", "probability"},
    {"prediction", "margin", "margin"},
    {"prediction", "entropy", "entropy"},
    {"prediction", "loss", "loss"},
    {"prediction", "logits BLOB", "logits"},
    {"extraction", "layer", "layer"},
    {"extraction", "dim", "dim"},
    {"feature", "vector BLOB", "vector"},
    {"embedding", "method", "method"},
    {"embedding", "options", "options"},
    {"embedding", "seed", "seed"},
    {"embedding", "kl", "kl"},
    {"embedding", "iterations", "iterations"},
    {"embedding", "seconds", "seconds"},
    {"point", "x", "x"},
    {"point", "y", "y"},
    {"point", "z", "z"},
    {"trace", "iteration", "iteration"},
    {"trace", "kl", "kl"},
    {"quality", "metric", "metric"},
    {"quality", "k", "k"},
    {"quality", "value", "value"},
    {"neighbour", "sample", "sample_id"},
    {"neighbour", "rank", "rank"},
    {"neighbour", "neighbour", "neighbour"},
    {"neighbour", "distance", "distance"},
    {"attribution", "method", "method"},
    {"attribution", "flavour", "flavour"},
    {"attribution", "layer", "layer"},
    {"attribution", "h", "h"},
    {"attribution", "w", "w"},
    {"map", "target", "target"},
    {"map", "data BLOB", "data"},
    {"map", "min", "min"},
    {"map", "max", "max"},
    {"map", "sum", "sum"},
    {"figure", "spec", "spec"},
    {"figure", "file", "file"},
    {"figure", "hash", "hash"},
};
/* The tables "clustering, membership" come with what fills them. */
static const char *const later[] = {"clustering"};

static void promised_columns_exist(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(promised); i++) {
        char sql[200];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM pragma_table_info('%s') WHERE name = '%s'", promised[i].table,
                 promised[i].column);
        says(sql, "1");
    }
}

static void every_table_is_strict_with_its_own_key_and_keys_that_join(void **state) {
    (void)state;
#define TABLES "pragma_table_list t WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite%'"
    says("SELECT count(*) >= 19 FROM " TABLES, "1");
    says("SELECT group_concat(t.name) FROM " TABLES " AND NOT t.strict", "NULL");
    says("SELECT group_concat(t.name) FROM " TABLES
         " AND NOT EXISTS (SELECT 1 FROM pragma_table_info(t.name) c WHERE c.pk AND c.name = t.name || '_id'"
         " AND c.type = 'INTEGER')",
         "NULL");
    /* a foreign key bears the name of the key that it points to; a second one to the same table cannot */
    says("SELECT group_concat(name) FROM (SELECT t.name || '.' || f.\"from\" AS name FROM pragma_table_list t JOIN "
         "pragma_foreign_key_list(t.name) f"
         " WHERE f.\"from\" <> f.\"table\" || '_id' ORDER BY 1)",
         "agreement.other_map_id,comparison.other_embedding_id,embedding.into_embedding_id,"
         "measurement.other_attribution_id,neighbour.neighbour,relation.other_attribution_id");
    says("SELECT group_concat(c.name) FROM pragma_table_list t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'"
         " AND t.name NOT LIKE 'sqlite%' AND c.name LIKE '%_id' AND NOT c.pk AND NOT EXISTS"
         " (SELECT 1 FROM pragma_foreign_key_list(t.name) f WHERE f.\"from\" = c.name)",
         "NULL");
}

static int holds(const char *line, size_t n, const char *word) {
    const char *at = strstr(line, word);
    return at && at < line + n;
}

/* Every line of schema.sql that declares a column ends in a comment, so that `.schema` explains it. */
static void every_column_is_explained(void **state) {
    (void)state;
    size_t columns = 0;
    for (const char *line = db_schema; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        size_t n = strcspn(line, "\n");
        if (strncmp(line, "  ", 2) != 0 || !islower(line[2]) || holds(line, n, "PRIMARY KEY")) continue;
        if (!strncmp(line, "  ON ", 5)) continue;
        columns++;
        int own = holds(line, n, "REFERENCES"); /* a foreign key's name says it all */
        if (!own && !holds(line, n, " -- ")) fail_msg("no comment: %.*s", (int)n, line);
    }
    assert_true(columns > 100);
}

/* Lines "| tables | a row is | columns |": all tables are here or come later, all columns are in the list above. */
static void the_list_is_that_of_the_design(void **state) {
    (void)state;
    const char *design = "../shared/design/store.md";
    size_t n = 0, rows = 0;
    if (access(design, R_OK) != 0) skip();
    char *text = (char *)read_whole(design, &n);
    text = realloc(text, n + 1);
    assert_non_null(text);
    text[n] = 0;
    for (char *line = text, *end; line; line = end) {
        char names[80] = "", columns[300] = "";
        if ((end = strchr(line, '\n')) != NULL) *end++ = 0;
        if (sscanf(line, "| %79[a-z, ] |%*[^|]| %299[^|]|", names, columns) != 2 || strstr(names, "table")) continue;
        if (!strncmp(names, later[0], strlen(later[0]))) continue;
        rows++;
        for (char *item = strtok(columns, ",;"); item; item = strtok(NULL, ",;")) {
            while (*item == ' ') item++;
            size_t length = strlen(item);
            while (length > 0 && item[length - 1] == ' ') item[--length] = 0;
            char *note = strstr(item, " (PNG");
            if (note) *note = 0;
            if (strchr(item, ')') && !strchr(item, '(')) continue; /* the rest of that note */
            int found = 0;
            for (size_t i = 0; i < COUNT_OF(promised); i++)
                found |= strstr(names, promised[i].table) && !strcmp(promised[i].says, item);
            if (!found) fail_msg("%s: '%s' is not in the list", names, item);
        }
        for (char *name = strtok(names, ", "); name; name = strtok(NULL, ", ")) {
            char sql[200];
            snprintf(sql, sizeof sql, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '%s'", name);
            says(sql, "1");
        }
    }
    free(text);
    assert_true(rows >= 9);
}

static void a_map_is_trusted_as_far_as_others_agree(void **state) {
    (void)state;
    says("SELECT group_concat(name || '-' || other_name || ' ' || overlap || ' ' || procrustes || ' ' || distances)"
         " FROM (SELECT * FROM v_comparison ORDER BY name)",
         "map-pca 0.3125 0.75 0.5,pca-map 0.3125 0.75 0.5");
    says("SELECT count(*) || ' ' || min(maps) || ' ' || max(maps) FROM v_trust", "12 1 1");
    says("SELECT group_concat(overlap) FROM (SELECT * FROM v_trust WHERE name = 'map' ORDER BY idx)",
         "0.0,0.125,0.25,0.375,0.5,0.625");
    says("SELECT least || ' ' || label_name || ' ' || x FROM v_trust WHERE name = 'pca' AND idx = 5", "0.625 two 5.0");
}

/* ---- views -------------------------------------------------------------------------------------------------- */

static void views_join_what_people_ask_for(void **state) {
    (void)state;
    says("SELECT count(*) FROM v_sample", "6");
    says("SELECT label_name || '|' || class_name || '|' || correct || '|' || loss FROM v_sample WHERE idx = 5",
         "two|zero|0|2.5");
    says("SELECT group_concat(label_name || correct) FROM v_sample WHERE label = 1", "it's one1,it's one1");
    says("SELECT count(*) FROM v_point", "12");
    says("SELECT name || '|' || method || '|' || layer || '|' || x || '|' || y || '|' || (z IS NULL) || '|' || "
         "class_name"
         " FROM v_point WHERE idx = 5 AND name = 'map'",
         "map|tsne|dense_1|5.0|-5.0|1|zero");
    says("SELECT count(*) FROM v_map", "18");
    says("SELECT name || '|' || method || '|' || flavour || '|' || target_name || '|' || length(data) || '|' || sum"
         " FROM v_map WHERE idx = 5 AND name = 'saliency'",
         "saliency|saliency|limn|zero|16|6.5");
    says("SELECT count(*) FROM v_summary", "6");
    says("SELECT maps || '|' || accuracy || '|' || mean FROM v_summary WHERE name = 'saliency' AND label = 2",
         "2|0.5|1.25"); /* sums 3.5 and 6.5 over four pixels */
    says("SELECT maps FROM v_summary WHERE name = 'cam' AND label = 0", "4");
}

static void the_last_name_given_is_the_views(void **state) {
    (void)state;
    limn_store *s = NULL;
    int64_t run = 0;
    const store_run r = {"y", "c", "{}", "v", "{}", NULL};
    OK(store_open(&s, path));
    OK(store_run_begin(s, &run, &r));
    OK(store_link(s, run, STORE_ATTRIBUTION, "renamed", made.saliency));
    OK(store_link(s, run, STORE_ATTRIBUTION, "renamed", made.saliency)); /* twice is once */
    OK(store_finish(s, NULL));
    says("SELECT count(*) FROM v_map WHERE name = 'renamed'", "6");
    says("SELECT count(*) FROM v_map WHERE name = 'saliency'", "0");
    OK(store_forget(s, "y")); /* takes the maps, which both use */
    OK(store_finish(s, NULL));
    says("SELECT count(*) FROM map WHERE attribution_id = 1", "0");
    for (int i = 0; i < STORED_N; i++) {
        const float v[] = {(float)i, (float)(i + 1), -(float)i, 0.5f};
        OK(store_map_put(s, made.saliency, made.sample[i], i == 5 ? 0 : i % STORED_CLASSES, -1, v, 4));
    }
    OK(store_complete(s, STORE_ATTRIBUTION, made.saliency));
    store_close(s);
    says("SELECT count(*) FROM v_map WHERE name = 'saliency'", "6");
}

static void a_sample_without_prediction_or_label_is_seen(void **state) {
    (void)state;
    limn_store *s = NULL;
    int64_t id = 0;
    OK(store_open(&s, path));
    const store_dataset d = {.fingerprint = "bare", .options = "{}", .format = "IDX", .n = 1};
    const store_sample sample = {0, -1, "0", NULL, 0};
    assert_int_equal(store_dataset_find(s, &id, 0x7fffffff, &d), LIMN_EFAIL); /* there is no such run */
    OK(store_dataset_find(s, &id, made.run, &d));
    OK(store_sample_put(s, id, &sample));
    OK(db_exec(s, "UPDATE run SET dataset_id = 1"));
    store_close(s);
    says("SELECT count(*) FROM v_sample WHERE dataset_id = 2 AND label IS NULL AND class IS NULL AND correct IS NULL",
         "1");
    OK(store_open(&s, path));
    OK(db_exec(s, "DELETE FROM dataset WHERE dataset_id = 2"));
    store_close(s);
}

/* ---- queries ------------------------------------------------------------------------------------------------ */

static limn_store *reader(void) {
    limn_store *s = NULL;
    OK(store_open_readonly(&s, path));
    return s;
}

static void runs_names_and_figures_are_found(void **state) {
    (void)state;
    limn_store *s = reader();
    query_run run;
    query_summary_row sum;
    query_figure *figure = NULL;
    int64_t id = 0;
    size_t n = 0;
    OK(query_last_run(s, &run, "x", NULL));
    assert_int_equal(run.run_id, made.run);
    assert_string_equal(run.config, "name: x\n");
    assert_string_equal(run.digest, "dd44");
    assert_null(run.message);
    query_run_clear(&run);
    OK(query_last_run(s, &run, "x", "failed"));
    assert_int_equal(run.run_id, 0);
    query_run_clear(&run);
    OK(query_last_run(s, &run, NULL, "finished"));
    assert_string_equal(run.experiment, "x");
    query_run_clear(&run);
    OK(query_result(s, &id, STORE_EMBEDDING, made.run, "pca"));
    assert_int_equal(id, made.pca);
    OK(query_result(s, &id, STORE_ATTRIBUTION, made.run, "cam"));
    assert_int_equal(id, made.cam);
    OK(query_result(s, &id, STORE_EXTRACTION, made.run, "dense_1"));
    assert_int_equal(id, made.extraction);
    assert_int_equal(query_result(s, &id, STORE_ATTRIBUTION, made.run, "lime"), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "no attribution named 'lime'; there are: cam, saliency"));
    assert_int_equal(query_result(s, &id, STORE_EMBEDDING, 999, "map"), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "there is none"));
    OK(query_summary(s, &sum, made.run));
    assert_true(sum.model_id == made.model && sum.dataset_id == made.dataset && sum.n == STORED_N);
    assert_true(fabs(sum.accuracy - 5 / 6.) < 1e-15 && sum.kl == 1.25);
    assert_string_equal(sum.model_hash, "aa11");
    OK(query_summary(s, &sum, 12345));
    assert_true(sum.n == 0 && isnan(sum.accuracy) && isnan(sum.kl));
    OK(query_figures(s, &figure, &n, made.run));
    assert_int_equal(n, 1);
    assert_string_equal(figure[0].name, "map-label");
    assert_string_equal(figure[0].hash, "cc33");
    free(figure);
    OK(query_figures(s, &figure, &n, 999));
    assert_int_equal(n, 0);
    free(figure);
    store_close(s);
}

static void points_come_with_labels_and_predictions(void **state) {
    (void)state;
    limn_store *s = reader();
    query_point *p = NULL;
    query_class *c = NULL;
    size_t n = 0;
    OK(query_points(s, &p, &n, made.map));
    assert_int_equal(n, STORED_N);
    for (size_t i = 0; i < n; i++) {
        assert_true(p[i].idx == i && p[i].sample_id == made.sample[i]);
        assert_true(p[i].x == (double)i && p[i].y == -(double)i && isnan(p[i].z));
        assert_int_equal(p[i].label, i % STORED_CLASSES);
        assert_int_equal(p[i].prediction, i == 5 ? 0 : i % STORED_CLASSES);
        assert_int_equal(p[i].correct, i != 5);
        assert_true(p[i].probability == 0.5 + (double)i / 16 && p[i].margin == 0.25 && p[i].entropy == 1.5);
        assert_true(p[i].loss == (i == 5 ? 2.5 : 0.125));
    }
    free(p);
    OK(query_points(s, &p, &n, 999));
    assert_int_equal(n, 0);
    free(p);
    OK(query_classes(s, &c, &n, made.dataset));
    assert_int_equal(n, STORED_CLASSES);
    assert_string_equal(c[1].name, "it's one");
    assert_int_equal(c[2].label, 2);
    free(c);
    store_close(s);
}

static void check_samples(limn_store *s, query_select how, size_t count, const char *want) {
    query_sample *q = NULL;
    size_t n = 0;
    char got[80] = "";
    OK(query_samples(s, &q, &n, made.model, made.dataset, how, count));
    for (size_t i = 0; i < n; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%zu", i ? " " : "", q[i].idx);
    assert_string_equal(got, want);
    free(q);
}

static void grids_take_the_samples_that_they_say(void **state) {
    (void)state;
    limn_store *s = reader();
    check_samples(s, QUERY_PER_CLASS, 1, "0 1 2");
    check_samples(s, QUERY_PER_CLASS, 2, "0 3 1 4 2"); /* 5 is wrong */
    check_samples(s, QUERY_ERRORS, 0, "5");
    check_samples(s, QUERY_ERRORS, 3, "5");
    check_samples(s, QUERY_FIRST, 3, "0 1 2");
    check_samples(s, QUERY_FIRST, 99, "0 1 2 3 4 5");
    store_close(s);
    OK(store_open(&s, path));
    OK(store_begin(s));
    OK(db_exec(s, "UPDATE sample SET label = NULL"));
    check_samples(s, QUERY_PER_CLASS, 2, "0 3 1 4 2"); /* by predicted class: 0 3 5 | 1 4 | 2 */
    check_samples(s, QUERY_ERRORS, 0, "");
    store_rollback(s);
    store_close(s);
}

static void maps_and_pictures_are_read_back(void **state) {
    (void)state;
    limn_store *s = reader();
    query_attribution a;
    void *png = NULL;
    float *data = NULL;
    size_t size = 0;
    int target = 0;
    OK(query_image(s, &png, &size, made.sample[3]));
    assert_int_equal(size, 8);
    assert_memory_equal(png, "PNG of 3", 8);
    free(png);
    OK(query_image(s, &png, &size, 999));
    assert_true(png == NULL && size == 0);
    OK(query_attribution_get(s, &a, made.cam));
    assert_string_equal(a.method, "gradcam");
    assert_string_equal(a.layer, "conv2d_1");
    assert_string_equal(a.targets, "[0, 1]");
    assert_true(a.channels == 1 && a.h == 2 && a.w == 2 && a.complete);
    query_attribution_clear(&a);
    assert_int_equal(query_attribution_get(s, &a, 999), LIMN_EINPUT);
    OK(query_map(s, &data, &size, &target, made.cam, made.sample[4])); /* predicted 1, of the targets 0 and 1 */
    assert_true(size == 4 && target == 1 && data[0] == 8 && data[1] == 10 && data[2] == -8 && data[3] == 1);
    free(data);
    OK(query_map(s, &data, &size, &target, made.cam, made.sample[2])); /* predicted 2: the lowest target */
    assert_int_equal(target, 0);
    free(data);
    OK(query_map(s, &data, &size, &target, made.cam, 999));
    assert_true(data == NULL && size == 0 && target == -1);
    store_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(promised_columns_exist),
        cmocka_unit_test(every_table_is_strict_with_its_own_key_and_keys_that_join),
        cmocka_unit_test(every_column_is_explained),
        cmocka_unit_test(the_list_is_that_of_the_design),
        cmocka_unit_test(views_join_what_people_ask_for),
        cmocka_unit_test(a_map_is_trusted_as_far_as_others_agree),
        cmocka_unit_test(runs_names_and_figures_are_found),
        cmocka_unit_test(points_come_with_labels_and_predictions),
        cmocka_unit_test(grids_take_the_samples_that_they_say),
        cmocka_unit_test(maps_and_pictures_are_read_back),
        cmocka_unit_test(the_last_name_given_is_the_views),
        cmocka_unit_test(a_sample_without_prediction_or_label_is_seen),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
