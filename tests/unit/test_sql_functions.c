/* SQL functions: values against hand computation, NULL, wrong sizes and types, hostile BLOBs; the PNG read back. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/palette.h"
#include "base/rng.h"
#include "base/try.h"
#include "db/functions.h"
#include "tests/lib/files.h"

static sqlite3 *db;

static int open_db(void **state) {
    (void)state;
    return sqlite3_open(":memory:", &db) != SQLITE_OK || sql_functions_register(db) != SQLITE_OK;
}

static int close_db(void **state) {
    (void)state;
    return sqlite3_close(db) != SQLITE_OK;
}

/* A statement at its first row, or NULL where it failed (the message is sqlite3_errmsg's). */
static sqlite3_stmt *first_row(const char *sql) {
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    if (sqlite3_step(stmt) == SQLITE_ROW) return stmt;
    sqlite3_finalize(stmt);
    return NULL;
}

/* Floats as SQL sees them: 1, 2, 2 -> x'0000803f0000004000000040'. */
#define V122 "x'0000803f0000004000000040'"
#define V_34 "x'000040c000008040'" /* -3, 4 */
#define V10 "x'0000803f00000000'"  /* 1, 0 */
#define V01 "x'000000000000803f'"  /* 0, 1 */
#define V00 "x'0000000000000000'"  /* 0, 0 */
#define VNAN "x'0000803f0000c07f'" /* 1, NaN */
#define VINF "x'0000803f0000807f'" /* 1, infinity */

static void values_are_those_computed_by_hand(void **state) {
    (void)state;
    static const struct {
        const char *sql;
        double want; /* NaN: NULL */
    } row[] = {
        {"vec_dim(" V122 ")", 3},
        {"vec_dim(x'')", 0},
        {"vec_get(" V122 ", 0)", 1},
        {"vec_get(" V122 ", 2)", 2},
        {"vec_get(" V_34 ", 0)", -3},
        {"vec_dot(" V122 ", " V122 ")", 9},
        {"vec_dot(" V_34 ", " V10 ")", -3},
        {"vec_dot(x'', x'')", 0},
        {"vec_norm(" V122 ")", 3},
        {"vec_norm(" V_34 ")", 5},
        {"vec_l2(" V_34 ", " V00 ")", 5},
        {"vec_l2(" V10 ", " V01 ")", 1.41421356237309504880},
        {"vec_l2(" V122 ", " V122 ")", 0},
        {"vec_cosine(" V10 ", " V01 ")", 0},
        {"vec_cosine(" V_34 ", " V10 ")", -0.6},
        {"vec_cosine(" V122 ", " V122 ")", 1},
        {"vec_cosine(" V10 ", " V00 ")", (double)NAN},
        {"vec_dot(" VNAN ", " V10 ")", (double)NAN},
        {"map_sum(" V122 ")", 5},
        {"map_mean(" V122 ")", 5 / 3.},
        {"map_min(" V_34 ")", -3},
        {"map_max(" V_34 ")", 4},
        {"map_min(" VNAN ")", (double)NAN},
        {"map_max(" VNAN ")", (double)NAN},
        {"map_max(" VINF ")", (double)INFINITY},
        {"map_sum(x'')", 0},
        {"map_mean(x'')", (double)NAN},
        {"map_min(x'')", (double)NAN},
        {"map_max(x'')", (double)NAN},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        char sql[256];
        snprintf(sql, sizeof sql, "SELECT %s", row[i].sql);
        sqlite3_stmt *stmt = first_row(sql);
        if (!stmt) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
        int null = sqlite3_column_type(stmt, 0) == SQLITE_NULL;
        double got = sqlite3_column_double(stmt, 0);
        /* exact but for the square roots, whose last bit may differ between hand and machine */
        int right = isnan(row[i].want) ? null : !null && (got == row[i].want || fabs(got - row[i].want) < 1e-15);
        if (!right) fail_msg("%s: %.17g, not %.17g", sql, got, row[i].want);
        sqlite3_finalize(stmt);
    }
}

/* Lengths around the width of the unrolled loops, against a plain loop. */
static void long_vectors_sum_every_element_once(void **state) {
    (void)state;
    float a[40], b[40];
    limn_rng r = limn_rng_stream(1, LIMN_RNG_TEST, 0);
    for (size_t n = 0; n <= COUNT_OF(a); n++) {
        double dot = 0, l2 = 0, aa = 0, bb = 0;
        for (size_t i = 0; i < n; i++) {
            a[i] = (float)limn_rng_normal(&r);
            b[i] = (float)limn_rng_normal(&r);
            dot += (double)a[i] * (double)b[i];
            l2 += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
            aa += (double)a[i] * (double)a[i];
            bb += (double)b[i] * (double)b[i];
        }
        sqlite3_stmt *stmt = NULL;
        assert_int_equal(sqlite3_prepare_v2(db,
                                            "SELECT vec_dot(?1, ?2), vec_l2(?1, ?2), vec_cosine(?1, ?2), vec_norm(?1)",
                                            -1, &stmt, NULL),
                         SQLITE_OK);
        /* a BLOB at an odd address, as it may lie in a page */
        char odd[sizeof a + 1];
        memcpy(odd + 1, a, sizeof a);
        sqlite3_bind_blob64(stmt, 1, odd + 1, n * sizeof *a, SQLITE_STATIC);
        sqlite3_bind_blob64(stmt, 2, b, n * sizeof *b, SQLITE_STATIC);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        const double want[] = {dot, sqrt(l2), dot / sqrt(aa * bb), sqrt(aa)};
        for (int k = 0; k < 4; k++)
            if (n > 0 || k != 2)
                assert_true(fabs(sqlite3_column_double(stmt, k) - want[k]) <= 1e-13); /* 40 roundings */
        sqlite3_finalize(stmt);
    }
}

static void null_in_gives_null_out(void **state) {
    (void)state;
    for (const sql_function *f = sql_functions; f->name; f++)
        for (int which = 0; which < f->nargs; which++) {
            char sql[256] = "";
            size_t n = (size_t)snprintf(sql, sizeof sql, "SELECT %s(", f->name);
            for (int i = 0; i < f->nargs; i++) {
                static const char *const sound[] = {V10, V10, "2", "'jet'"};
                const char *arg = i == which                              ? "NULL"
                                  : i == 1 && !strcmp(f->name, "vec_get") ? "0"
                                  : i == 1 && !strcmp(f->name, "map_png") ? "1"
                                                                          : sound[i];
                n += (size_t)snprintf(sql + n, sizeof sql - n, "%s%s", i ? ", " : "", arg);
            }
            snprintf(sql + n, sizeof sql - n, ")");
            sqlite3_stmt *stmt = first_row(sql);
            if (!stmt) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
            if (sqlite3_column_type(stmt, 0) != SQLITE_NULL) fail_msg("%s is not NULL", sql);
            sqlite3_finalize(stmt);
        }
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    static const struct {
        const char *sql, *says;
    } row[] = {
        {"vec_dim('abcd')", "vec_dim: needs a BLOB of float32, not text"},
        {"vec_norm(3)", "vec_norm: needs a BLOB of float32, not an integer"},
        {"map_sum(3.5)", "map_sum: needs a BLOB of float32, not a number"},
        {"vec_dim(x'010203')", "vec_dim: a BLOB of 3 bytes is no array of float32: 4 bytes each"},
        {"vec_dot(" V10 ", " V122 ")", "vec_dot: the arrays have 2 and 3 elements"},
        {"vec_l2(" V10 ", x'00000000')", "vec_l2: the arrays have 2 and 1 elements"},
        {"vec_cosine(x'00', x'00')", "vec_cosine: a BLOB of 1 bytes is no array of float32: 4 bytes each"},
        {"vec_get(" V10 ", 2)", "vec_get: there is no element 2 in a vector of 2 (the first is 0)"},
        {"vec_get(" V10 ", -1)", "vec_get: there is no element -1 in a vector of 2 (the first is 0)"},
        {"vec_get(" V10 ", 9223372036854775807)",
         "vec_get: there is no element 9223372036854775807 in a vector of 2 (the first is 0)"},
        {"vec_get(" V10 ", 'x')", "vec_get: the place of an element is an integer"},
        {"map_png(" V10 ", 2, 2)", "map_png: 2 values are no map of 2 x 2"},
        {"map_png(" V10 ", 0, 2)", "map_png: height and width are integers from 1 to 65535"},
        {"map_png(" V10 ", 1, 4294967298)", "map_png: height and width are integers from 1 to 65535"},
        {"map_png(" V10 ", 1.5, 2)", "map_png: height and width are integers from 1 to 65535"},
        {"map_png(x'', 1, 1)", "map_png: 0 values are no map of 1 x 1"},
        {"map_png(" V10 ", 1, 2, 'pink')",
         "map_png: there is no palette 'pink'; there are jet, viridis, magma, gray, blue, diverging"},
        {"vec_avg(v) FROM (SELECT " V10 " AS v UNION ALL SELECT " V122 ")",
         "vec_avg: vectors of 2 and of 3 elements have no mean"},
        {"vec_avg('x')", "vec_avg: needs a BLOB of float32, not text"},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        char sql[300];
        snprintf(sql, sizeof sql, "SELECT %s", row[i].sql);
        assert_null(first_row(sql));
        assert_string_equal(sqlite3_errmsg(db), row[i].says);
    }
}

static void check_vector(const char *sql, const float *want, size_t n) {
    sqlite3_stmt *stmt = first_row(sql);
    if (!stmt) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_column_bytes(stmt, 0), n * sizeof *want);
    assert_memory_equal(sqlite3_column_blob(stmt, 0), want, n * sizeof *want);
    sqlite3_finalize(stmt);
}

static void means_of_vectors_skip_null_and_slide(void **state) {
    (void)state;
#define ROWS                                                                                                           \
    "(SELECT 1 AS i, " V10 " AS v UNION ALL SELECT 2, NULL UNION ALL SELECT 3, " V_34 " UNION ALL SELECT 4, " V01 ")"
    const float all[] = {-2 / 3.f, 5 / 3.f}, last[] = {-1.5f, 2.5f}, one[] = {1, 0};
    check_vector("SELECT vec_avg(v) FROM " ROWS, all, 2);
    check_vector("SELECT vec_avg(v) FROM " ROWS " WHERE i < 3", one, 2);
    check_vector("SELECT a FROM (SELECT i, vec_avg(v) OVER (ORDER BY i ROWS 1 PRECEDING) AS a FROM " ROWS
                 ") WHERE i = 4",
                 last, 2);
    sqlite3_stmt *stmt =
        first_row("SELECT vec_avg(v), vec_avg(v) FILTER (WHERE i = 2) FROM " ROWS " WHERE i = 2 OR i > 9");
    assert_non_null(stmt);
    assert_int_equal(sqlite3_column_type(stmt, 0), SQLITE_NULL);
    sqlite3_finalize(stmt);
}

/* ---- pictures ----------------------------------------------------------------------------------------------- */

static void pictures_hold_the_palettes_colours(void **state) {
    (void)state;
    /* -1, 0, 1, NaN, 3, infinity: least -1, largest 3 */
#define PICTURE                                                                                                        \
    "x'000080bf00000000"                                                                                               \
    "0000803f0000c07f"                                                                                                 \
    "000040400000807f'"
    static const struct {
        const char *sql, *palette;
        double at[6];
    } row[] = {
        {"SELECT map_png(" PICTURE ", 2, 3)", "viridis", {0, .25, .5, NAN, 1, NAN}},
        {"SELECT map_png(" PICTURE ", 2, 3, 'jet')", "jet", {0, .25, .5, NAN, 1, NAN}},
        {"SELECT map_png(" PICTURE ", 2, 3, 'diverging')", "diverging", {1 / 3., .5, 2 / 3., NAN, 1, NAN}},
        {"SELECT map_png(zeroblob(24), 2, 3, 'gray')", "gray", {0, 0, 0, 0, 0, 0}},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        sqlite3_stmt *stmt = first_row(row[i].sql);
        if (!stmt) fail_msg("%s: %s", row[i].sql, sqlite3_errmsg(db));
        unsigned char rgb[18];
        png_image image = {.version = PNG_IMAGE_VERSION};
        assert_true(png_image_begin_read_from_memory(&image, sqlite3_column_blob(stmt, 0),
                                                     (size_t)sqlite3_column_bytes(stmt, 0)));
        assert_int_equal(image.width, 3);
        assert_int_equal(image.height, 2);
        image.format = PNG_FORMAT_RGB;
        assert_true(png_image_finish_read(&image, NULL, rgb, 0, NULL));
        for (int k = 0; k < 6; k++) {
            uint32_t want = limn_palette_rgb(limn_palette_find(row[i].palette), row[i].at[k]);
            uint32_t got = (uint32_t)rgb[3 * k] << 16 | (uint32_t)rgb[3 * k + 1] << 8 | rgb[3 * k + 2];
            if (got != want) fail_msg("%s, pixel %d: %06x, not %06x", row[i].sql, k, got, want);
        }
        sqlite3_finalize(stmt);
    }
}

/* ---- hostile values ----------------------------------------------------------------------------------------- */

static void any_value_in_any_place_is_an_answer_or_an_error(void **state) {
    (void)state;
    static const char *const hostile[] = {
        "NULL",
        "''",
        "'x'",
        "x''",
        "x'00'",
        "x'0102030405'",
        "zeroblob(4)",
        "zeroblob(1000003)",
        "zeroblob(4000)",
        VNAN,
        VINF,
        "0",
        "-1",
        "1e308",
        "-9223372036854775808",
        "9223372036854775807",
        "1000",
        "'jet'",
        "randomblob(64)",
    };
    size_t answers = 0, errors = 0;
    for (const sql_function *f = sql_functions; f->name; f++) {
        size_t total = 1, n = COUNT_OF(hostile);
        for (int i = 0; i < f->nargs; i++) total *= n;
        for (size_t c = 0; c<total; c += f->nargs> 2 ? 7 : 1) { /* a seventh of the many */
            char sql[300];
            size_t used = (size_t)snprintf(sql, sizeof sql, "SELECT length(%s(", f->name), rest = c;
            for (int i = 0; i < f->nargs; i++, rest /= n)
                used += (size_t)snprintf(sql + used, sizeof sql - used, "%s%s", i ? ", " : "", hostile[rest % n]);
            snprintf(sql + used, sizeof sql - used, "))");
            sqlite3_stmt *stmt = first_row(sql);
            if (!stmt && !strstr(sqlite3_errmsg(db), f->name)) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
            stmt ? answers++ : errors++;
            sqlite3_finalize(stmt);
        }
    }
    assert_true(answers > 100 && errors > 100);
}

static void every_function_is_documented(void **state) {
    (void)state;
    size_t n = 0;
    char *doc = (char *)read_whole("docs/sql.md", &n);
    doc = realloc(doc, n + 1);
    assert_non_null(doc);
    doc[n] = 0;
    for (const sql_function *f = sql_functions; f->name; f++) {
        char line[300];
        snprintf(line, sizeof line, "| `%s%s` | %s |\n", f->name, f->args, f->help);
        if (!strstr(doc, line)) fail_msg("docs/sql.md lacks the line %s", line);
    }
    free(doc);
}

static void the_table_is_whole(void **state) {
    (void)state;
    for (const sql_function *f = sql_functions; f->name; f++) {
        assert_true(f->help && f->args && f->args[0] == '(');
        assert_true((f->flags & (SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS)) ==
                    (SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS));
        assert_true(!f->scalar == (f->step && f->inverse && f->value && f->final));
        int args = 1;
        for (const char *c = f->args; *c; c++) args += *c == ',';
        assert_int_equal(args, f->nargs);
    }
    /* an index on an expression needs a deterministic function, a view of an untrusted schema an innocuous one */
    assert_int_equal(sqlite3_exec(db,
                                  "PRAGMA trusted_schema = 0; CREATE TABLE t (v); INSERT INTO t VALUES (zeroblob(8));"
                                  "CREATE INDEX i ON t (vec_norm(v)); CREATE VIEW w AS SELECT map_png(v, 1, 2) FROM t;"
                                  "SELECT * FROM w; DROP TABLE t; DROP VIEW w",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_computed_by_hand),
        cmocka_unit_test(long_vectors_sum_every_element_once),
        cmocka_unit_test(null_in_gives_null_out),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(means_of_vectors_skip_null_and_slide),
        cmocka_unit_test(pictures_hold_the_palettes_colours),
        cmocka_unit_test(any_value_in_any_place_is_an_answer_or_an_error),
        cmocka_unit_test(the_table_is_whole),
        cmocka_unit_test(every_function_is_documented),
    };
    return cmocka_run_group_tests(tests, open_db, close_db);
}
