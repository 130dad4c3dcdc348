/* `limn sql`: its three formats, several statements, what it refuses. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/try.h"
#include "db/db.h"
#include "db/info.h"
#include "db/sql_shell.h"
#include "tests/lib/files.h"
#include "tests/lib/stored.h"

static const char *path;

static int fill(void **state) {
    (void)state;
    limn_store *s = NULL;
    stored o;
    path = temp_path("shell.db");
    if (store_open(&s, path) != LIMN_OK) return 1;
    stored_fill(s, &o, "x", 0);
    store_close(s);
    return 0;
}

static void prints(sql_format as, const char *sql, const char *want) {
    stored_text out = {0};
    if (sql_run(path, sql, as, stored_write, &out) != LIMN_OK) fail_msg("%s: %s", sql, limn_message());
    if (strcmp(out.text ? out.text : "", want) != 0) fail_msg("%s:\n%s\nnot\n%s", sql, out.text ? out.text : "", want);
    free(out.text);
}

static void refuses(const char *sql, const char *says) {
    stored_text out = {0};
    limn_status status = sql_run(path, sql, SQL_TABLE, stored_write, &out);
    if (status != LIMN_EINPUT) fail_msg("%s: status %d, not LIMN_EINPUT", sql, status);
    if (!strstr(limn_message(), says)) fail_msg("%s: no '%s' in: %s", sql, says, limn_message());
    free(out.text);
}

static void tables_are_aligned(void **state) {
    (void)state;
    prints(SQL_TABLE, "SELECT label AS class, name AS \"a name\", length(name) / 2.0 AS half FROM class",
           "class  a name    half\n"
           "-----  --------  ----\n"
           "    0  zero       2.0\n"
           "    1  it's one   4.0\n"
           "    2  two        1.5\n");
    prints(SQL_TABLE, "SELECT idx, image, NULL AS none FROM sample WHERE idx < 2",
           "idx  image           none\n"
           "---  --------------  ----\n"
           "  0  <BLOB 8 bytes>\n"
           "  1  <BLOB 8 bytes>\n");
    prints(SQL_TABLE, "SELECT 'a' AS mixed UNION ALL SELECT 12", "mixed\n-----\na\n12\n");
    prints(SQL_TABLE, "SELECT 1 AS x WHERE 0", "x\n-\n");
    /* characters, not bytes, are counted; what a terminal would obey is shown */
    prints(SQL_TABLE, "SELECT 'größe' AS t, 1 AS n UNION ALL SELECT 'x', 2",
           "t      n\n-----  -\ngröße  1\nx      2\n");
    prints(SQL_TABLE, "SELECT char(27) || '[31m' || char(10) || char(7) || CAST(x'ff' AS TEXT) || char(8238) AS t",
           "t\n----------------------------\n\\u001b[31m\\n\\u0007\\xff\\u202e\n");
}

static void csv_is_quoted_as_rfc_4180_says(void **state) {
    (void)state;
    prints(SQL_CSV,
           "SELECT 'a,b' AS \"x,y\", 'say \"hi\"' AS q, 'two' || char(10) || 'lines' AS l, '' AS empty, NULL AS none,"
           " x'00ff' AS b, 1.5 AS r, -3 AS i",
           "\"x,y\",q,l,empty,none,b,r,i\n\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\"\",,00FF,1.5,-3\n");
}

static void json_is_json(void **state) {
    (void)state;
    prints(SQL_JSON,
           "SELECT 1 AS a, 'x\"\\' || char(10) AS b, NULL AS c, x'0a' AS d, 2.0 AS e UNION ALL SELECT 2, 'ü', 3, 4, 5",
           "[{\"a\":1,\"b\":\"x\\\"\\\\\\u000a\",\"c\":null,\"d\":\"0A\",\"e\":2.0},\n"
           "{\"a\":2,\"b\":\"ü\",\"c\":3,\"d\":4,\"e\":5}]\n");
    prints(SQL_JSON, "SELECT 1 AS a WHERE 0", "[]\n");
    prints(SQL_JSON, "SELECT CAST(x'61ff62c0af' AS TEXT) AS t",
           "[{\"t\":\"a\xef\xbf\xbd"
           "b\xef\xbf\xbd\xef\xbf\xbd\"}]\n");
    prints(SQL_JSON, "SELECT 1e999 AS a, -1e999 AS b, 1e300 AS c", "[{\"a\":1e999,\"b\":-1e999,\"c\":1e+300}]\n");
}

static void floats_read_back_to_the_bit(void **state) {
    (void)state;
    prints(SQL_CSV, "SELECT 0.1 AS a, 1.0 / 3 AS b, 1e-7 AS c, 123456789.0 AS d, 5e-324 AS e",
           "a,b,c,d,e\n0.1,0.3333333333333333,1e-07,123456789.0,4.94065645841247e-324\n");
}

static void statements_run_one_after_the_other(void **state) {
    (void)state;
    prints(SQL_CSV, " -- a comment\n SELECT 1 AS a; ; SELECT 2 AS b /* the end */ ;\n", "a\n1\nb\n2\n");
    prints(SQL_CSV,
           "CREATE TEMP TABLE t AS SELECT idx FROM sample; INSERT INTO t VALUES (99); SELECT max(idx) AS m FROM t",
           "m\n99\n");
    prints(SQL_CSV, "SELECT vec_dim(vector) AS d, round(vec_norm(vector), 3) AS n FROM feature LIMIT 1",
           "d,n\n4,1.0\n");
    prints(SQL_CSV, "SELECT hex(substr(map_png(data, h, w), 2, 3)) AS p FROM v_map LIMIT 1", "p\n504E47\n");
    prints(SQL_TABLE, "CREATE TEMP VIEW v AS SELECT 1", "");
}

static void wrong_sql_says_where(void **state) {
    (void)state;
    refuses("SELECT 1;\nSELECT x,\n  nix FROM sample", "SQL, line 2, column 8: no such column: x");
    refuses("SELECT * FORM sample", "SQL, line 1, column 10: near \"FORM\": syntax error");
    refuses("SELECT * FROM nix", "no such table: nix");
    refuses("SELECT nix(1)", "no such function: nix");
    refuses("SELECT vec_dot(logits, vector) FROM prediction, feature", "vec_dot: the arrays have 3 and 4 elements");
    refuses("SELECT json('{')", "malformed JSON");
    refuses("", "no SQL statement");
    refuses("-- nothing", "no SQL statement");
}

static void nothing_is_written(void **state) {
    (void)state;
    size_t before = 0, after = 0;
    unsigned char *was = read_whole(path, &before);
    static const char *const write[] = {
        "DELETE FROM map",
        "UPDATE run SET version = 'x'",
        "DROP TABLE sample",
        "CREATE TABLE t (x)",
        "PRAGMA user_version = 7",
        "INSERT INTO class (dataset_id, label, name) VALUES (1, 9, 'x')",
        "VACUUM",
        "REINDEX",
    };
    for (size_t i = 0; i < COUNT_OF(write); i++) {
        stored_text out = {0};
        limn_status status = sql_run(path, write[i], SQL_TABLE, stored_write, &out);
        if (status == LIMN_OK && strncmp(write[i], "PRAGMA", 6) != 0) fail_msg("%s is allowed", write[i]);
        if (status != LIMN_OK) assert_int_equal(status, LIMN_EINPUT);
        free(out.text);
    }
    refuses("DELETE FROM map", "opened for reading only");
    char sql[600], copy[512];
    snprintf(copy, sizeof copy, "%s", temp_path("copy.db"));
    snprintf(sql, sizeof sql, "ATTACH '%s' AS c", copy);
    refuses(sql, "ATTACH");
    snprintf(sql, sizeof sql, "VACUUM INTO '%s'", copy);
    refuses(sql, "VACUUM");
    snprintf(sql, sizeof sql, "ATTACH 'file:%s?mode=rwc' AS c", copy);
    refuses(sql, "ATTACH");
    assert_int_not_equal(access(copy, F_OK), 0);
    refuses("SELECT load_extension('x')", "not authorized");
    refuses("PRAGMA writable_schema = 1", "refused");
    /* another database may be read beside this one, not written */
    snprintf(sql, sizeof sql, "ATTACH '%s' AS c; SELECT count(*) AS n FROM c.sample JOIN main.sample USING (sample_id)",
             path);
    prints(SQL_CSV, sql, "n\n6\n");
    snprintf(sql, sizeof sql, "ATTACH '%s' AS c; DELETE FROM c.sample", path);
    refuses(sql, "reading only");
    unsigned char *is = read_whole(path, &after);
    assert_int_equal(before, after);
    assert_memory_equal(was, is, before);
    free(was);
    free(is);
}

static int full(void *ctx, const char *text, size_t n) {
    (void)ctx, (void)text, (void)n;
    return 1;
}

static void output_that_cannot_be_written_is_a_failure(void **state) {
    (void)state;
    for (int as = SQL_TABLE; as <= SQL_JSON; as++) {
        assert_int_equal(sql_run(path, "SELECT 1", (sql_format)as, full, NULL), LIMN_EFAIL);
        assert_string_equal(limn_message(), "the output cannot be written");
        assert_int_equal(sql_run(path, "SELECT * FROM v_map a, v_map b", (sql_format)as, full, NULL), LIMN_EFAIL);
    }
}

static void what_is_there_is_told(void **state) {
    (void)state;
    stored_text out = {0};
    assert_int_equal(store_info(path, SQL_TABLE, stored_write, &out), LIMN_OK);
    static const char *const word[] = {"Keras 2 HDF5", "IDX (gzip)", "dense_1", "tsne", "gradcam", "map-label"};
    for (size_t i = 0; i < COUNT_OF(word); i++)
        if (!strstr(out.text, word[i])) fail_msg("no %s in:\n%s", word[i], out.text);
    free(out.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_aligned),
        cmocka_unit_test(csv_is_quoted_as_rfc_4180_says),
        cmocka_unit_test(json_is_json),
        cmocka_unit_test(floats_read_back_to_the_bit),
        cmocka_unit_test(statements_run_one_after_the_other),
        cmocka_unit_test(wrong_sql_says_where),
        cmocka_unit_test(nothing_is_written),
        cmocka_unit_test(output_that_cannot_be_written_is_a_failure),
        cmocka_unit_test(what_is_there_is_told),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
