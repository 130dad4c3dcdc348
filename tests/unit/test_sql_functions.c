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
#include "db/vec_kernels.h"
#include "tests/lib/files.h"

static sqlite3 *db;

static int open_db(void **state) {
    (void)state;
    return sqlite3_open(":memory:", &db) != SQLITE_OK || sql_functions_register(db) != SQLITE_OK ||
           sqlite3_exec(db,
                        "CREATE TABLE feature (extraction_id, sample_id, vector);"
                        "INSERT INTO feature VALUES (1, 1, x'0000803f00000000'), (1, 2, x'000000000000803f'),"
                        " (1, 3, x'0000803f0000803f'), (1, 4, x'0000804000000000'), (1, 5, x'0000803f0000c07f'),"
                        " (2, 10, x'0000803f00000000'), (2, 11, x'0000803f')",
                        NULL, NULL, NULL) != SQLITE_OK;
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
#define V_34 "x'000040c000008040'"               /* -3, 4 */
#define V10 "x'0000803f00000000'"                /* 1, 0 */
#define V11 "x'0000803f0000803f'"                /* 1, 1 */
#define M4 "x'0000803f000000400000404000008040'" /* 1, 2, 3, 4 */
#define V01 "x'000000000000803f'"                /* 0, 1 */
#define V00 "x'0000000000000000'"                /* 0, 0 */
#define VNAN "x'0000803f0000c07f'"               /* 1, NaN */
#define VINF "x'0000803f0000807f'"               /* 1, infinity */

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
        {"vec_get(vec_add(" V_34 ", " V10 "), 0)", -2},
        {"vec_get(vec_sub(" V_34 ", " V10 "), 0)", -4},
        {"vec_get(vec_scale(" V_34 ", 0.5), 1)", 2},
        {"vec_dim(vec_add(x'', x''))", 0},
        {"map_entropy(" V01 ")", 0},
        {"map_entropy(" V11 ")", 0.69314718055994530942},
        {"map_gini(" V01 ")", 0.5},
        {"map_gini(" V11 ")", 0},
        {"map_gini(" V_34 ")", 1 / 14.},
        {"map_entropy(" V00 ")", (double)NAN},
        {"map_gini(" V00 ")", (double)NAN},
        {"map_gini(" VNAN ")", (double)NAN},
        {"map_centroid_x(" V_34 ", 1, 2)", 4 / 7.},
        {"map_centroid_y(" V_34 ", 1, 2)", 0},
        {"map_centroid_y(" V_34 ", 2, 1)", 4 / 7.},
        {"map_centroid_x(" V_34 ", 1, 1)", 0}, /* two channels */
        {"map_centroid_x(" V00 ", 1, 2)", (double)NAN},
        {"map_mass_in(" V_34 ", 1, 2, 0, 0, 1, 1)", 3 / 7.},
        {"map_mass_in(" V_34 ", 1, 2, 1, -5, 9, 9)", 4 / 7.},
        {"map_mass_in(" V_34 ", 1, 2, 0.5, 0, 1, 0.5)", 0.25},
        {"map_mass_in(" V_34 ", 1, 2, 0, 0, 0, 1)", 0},
        {"map_corr(" M4 ", " M4 ")", 1},
        {"map_corr(" M4 ", vec_scale(" M4 ", -2))", -1},
        {"map_spearman(" M4 ", vec_scale(" M4 ", 3))", 1},
        {"map_corr(" V00 ", " V10 ")", (double)NAN},
        {"map_corr(" VNAN ", " V10 ")", (double)NAN},
        {"map_ssim(" M4 ", " M4 ", 2, 2)", 1},
        {"map_iou(" M4 ", " M4 ", 0.5)", 1},
        {"map_iou(" M4 ", vec_scale(" M4 ", -1), 0.5)", 0},
        {"map_iou(" M4 ", vec_scale(" M4 ", -1), 1)", 1},
        {"map_iou(" M4 ", x'0000a040000080400000803f000080c0', 0.5)", 0},      /* 1 2 3 4; 5 4 1 -4 */
        {"map_iou(" M4 ", x'0000a0400000803f0000804000000040', 0.5)", 1 / 3.}, /* 1 2 3 4; 5 1 4 2 */
        {"vec_get(map_resize(" V10 ", 1, 2, 1, 4), 1)", 0.75},
        {"vec_dim(map_resize(" M4 ", 1, 2, 3, 5))", 30},
        {"map_min(map_normalise(" V_34 "))", 0},
        {"map_max(map_normalise(" V_34 "))", 1},
        {"map_min(map_normalise(" V_34 ", 'max'))", -0.75},
        {"map_max(map_normalise(" V_34 ", 'sum'))", (double)(float)(4 / 7.)},
        {"map_max(map_normalise(" V11 "))", 0},
        {"length(map_normalise(" VNAN "))", (double)NAN},
        {"length(npy(" V122 "))", 128 + 12},
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

/* A sound call of every row of the table. */
static const struct {
    const char *name, *arg[7];
} sound[] = {
    {"vec_dim", {V10}},
    {"vec_get", {V10, "0"}},
    {"vec_dot", {V10, V10}},
    {"vec_l2", {V10, V10}},
    {"vec_cosine", {V10, V10}},
    {"vec_norm", {V10}},
    {"vec_add", {V10, V10}},
    {"vec_sub", {V10, V10}},
    {"vec_scale", {V10, "2"}},
    {"vec_avg", {V10}},
    {"vec_sum", {V10}},
    {"vec_std", {V10}},
    {"vec_collect", {"1"}},
    {"vec_each", {V10}},
    {"knn", {"1", "1", "2", "'cosine'"}},
    {"map_sum", {V10}},
    {"map_mean", {V10}},
    {"map_min", {V10}},
    {"map_max", {V10}},
    {"map_entropy", {V10}},
    {"map_gini", {V10}},
    {"map_centroid_x", {V10, "1", "2"}},
    {"map_centroid_y", {V10, "1", "2"}},
    {"map_mass_in", {V10, "1", "2", "0", "0", "1", "1"}},
    {"map_corr", {V10, V01}},
    {"map_spearman", {V10, V01}},
    {"map_ssim", {V10, V01, "1", "2"}},
    {"map_iou", {V10, V01, "0.5"}},
    {"map_resize", {V10, "1", "2", "2", "2"}},
    {"map_normalise", {V10}},
    {"map_normalise", {V10, "'max'"}},
    {"map_png", {V10, "1", "2"}},
    {"map_png", {V10, "1", "2", "'jet'"}},
    {"map_each", {V10, "1", "2"}},
    {"image_png", {V10, "1", "2"}},
    {"image_png", {V10, "1", "2", "0", "1"}},
    {"npy", {V10}},
    {"npy", {V10, "'[2, 1]'"}},
    {"histogram", {V10, "2", "0", "1"}},
    {"median", {"1"}},
    {"quantile", {"1", "0.5"}},
    {"variance", {"1"}},
    {"stddev", {"1"}},
    {"corr", {"1", "2"}},
    {"spearman", {"1", "2"}},
    {"regr_slope", {"1", "2"}},
    {"regr_intercept", {"1", "2"}},
    {"welch_t", {"1", "2"}},
    {"welch_p", {"1", "2"}},
    {"mann_whitney_u", {"1", "2"}},
    {"mann_whitney_p", {"1", "2"}},
    {"bootstrap_low", {"1", "0.9", "1"}},
    {"bootstrap_high", {"1", "0.9", "1"}},
};

/* The call of row i with its argument `which` replaced (-1: none). A table-valued one counts its rows, NULL for none. */
static void call_of(char sql[400], size_t i, int which, const char *other) {
    const sql_function *f = &sql_functions[i];
    char args[300] = "";
    size_t n = 0;
    for (int k = 0; k < f->nargs; k++)
        n += (size_t)snprintf(args + n, sizeof args - n, "%s%s", k ? ", " : "", k == which ? other : sound[i].arg[k]);
    snprintf(sql, 400, f->table ? "SELECT nullif(count(*), 0) FROM %s(%s)" : "SELECT %s(%s)", f->name, args);
}

static void null_in_gives_null_out(void **state) {
    (void)state;
    for (size_t i = 0; sql_functions[i].name; i++) {
        const sql_function *f = &sql_functions[i];
        assert_string_equal(f->name, sound[i].name);
        assert_true(f->nargs == 7 || !sound[i].arg[f->nargs]);
        for (int which = -1; which < f->nargs; which++) {
            char sql[400];
            call_of(sql, i, which, "NULL");
            sqlite3_stmt *stmt = first_row(sql);
            if (!stmt) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
            int null = sqlite3_column_type(stmt, 0) == SQLITE_NULL;
            /* statistics of one row may be NULL anyway */
            if (which < 0 ? null && !f->statistic && strcmp(f->name, "vec_std") != 0 : !null)
                fail_msg("%s is %sNULL", sql, null ? "" : "not ");
            sqlite3_finalize(stmt);
        }
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
        {"vec_std(v) FROM (SELECT x'' AS v UNION ALL SELECT " V122 ")",
         "vec_std: vectors of 0 and of 3 elements have no mean"},
        {"vec_scale(" V10 ", 'x')", "vec_scale: the factor is a number, not text"},
        {"map_centroid_x(" V122 ", 1, 2)", "map_centroid_x: 3 values are no map of 1 x 2"},
        {"map_centroid_y(x'', 1, 2)", "map_centroid_y: 0 values are no map of 1 x 2"},
        {"map_mass_in(" V10 ", 1, 2, 0, 0, -1, 1)", "map_mass_in: the box's width and height are not negative"},
        {"map_mass_in(" V10 ", 1, 2, 0, 'a', 1, 1)", "map_mass_in: its y is a number, not text"},
        {"map_ssim(" V10 ", " V10 ", 2, 2)", "map_ssim: 2 values are no map of 2 x 2"},
        {"map_iou(" V10 ", " V10 ", 0)", "map_iou: the share is above 0 and at most 1"},
        {"map_iou(" V10 ", " V10 ", 1.1)", "map_iou: the share is above 0 and at most 1"},
        {"map_resize(" V10 ", 1, 2, 0, 2)", "map_resize: height and width are integers from 1 to 65535"},
        {"map_resize(" V10 ", 1, 2, 65535, 65535)", "string or blob too big"},
        {"map_normalise(" V10 ", 'x')", "map_normalise: there is no way 'x'; there are range, max, sum"},
        {"image_png(" V11 ", 1, 1)", "image_png: a picture has 1 or 3 channels, not 2"},
        {"image_png(" M4 ", 1, 1)", "image_png: 4 values are no map of 1 x 1"},
        {"npy(" V10 ", '[3]')", "npy: 2 values do not have the shape [3]"},
        {"npy(" V10 ", '[2, 99999999999]')", "npy: a shape is a list of sides such as '[28, 28]'"},
        {"npy(" V10 ", 'two')", "npy: a shape is a list of sides such as '[28, 28]'"},
        {"* FROM vec_each", "vec_each: needs (v)"},
        {"* FROM vec_each('x')", "vec_each: needs a BLOB of float32, not text"},
        {"* FROM map_each(" V10 ", 2, 2)", "map_each: 2 values are no map of 2 x 2"},
        {"* FROM map_each(" V10 ", 0, 2)", "map_each: height and width are integers from 1 to 65535"},
        {"* FROM histogram(" V10 ", 0)", "histogram: the number of bins is an integer from 1 to 1048576"},
        {"* FROM histogram(" V10 ", 2, 1)", "histogram: both bounds are given, or none"},
        {"* FROM histogram(" V10 ", 2, 1, 1)", "histogram: the lower bound is a number below the upper one"},
        {"* FROM knn(1, 1, -1)", "knn: k is an integer from 0 to 16777216"},
        {"* FROM knn(1, 'a', 1)", "knn: the sample is an integer"},
        {"* FROM knn(1, 1, 1, 'taxi')", "knn: there is no metric 'taxi'; there are euclidean, cosine"},
        {"* FROM knn(2, 10, 1)", "knn: sample 11 has a vector of 4 bytes, not 8"},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        char sql[300];
        snprintf(sql, sizeof sql, "SELECT %s", row[i].sql);
        assert_int_not_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
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
    size_t answers = 0, errors = 0, n = COUNT_OF(hostile);
    limn_rng r = limn_rng_stream(2, LIMN_RNG_TEST, 0);
    for (const sql_function *f = sql_functions; f->name; f++) {
        size_t total = 1, most = 400;
        for (int i = 0; i < f->nargs; i++) total *= n;
        for (size_t k = 0; k < total && k < most; k++) { /* all, or some of the many */
            char sql[400], args[300] = "";
            size_t used = 0, rest = total <= most ? k : limn_rng_below(&r, total);
            for (int i = 0; i < f->nargs; i++, rest /= n)
                used += (size_t)snprintf(args + used, sizeof args - used, "%s%s", i ? ", " : "", hostile[rest % n]);
            snprintf(sql, sizeof sql,
                     f->table ? "SELECT count(*) FROM (SELECT * FROM %s(%s) LIMIT 1000)" : "SELECT length(%s(%s))",
                     f->name, args);
            sqlite3_stmt *stmt = first_row(sql);
            const char *says = sqlite3_errmsg(db);
            if (!stmt && !strstr(says, f->name) && !strstr(says, "too big")) fail_msg("%s: %s", sql, says);
            stmt ? answers++ : errors++;
            sqlite3_finalize(stmt);
        }
    }
    assert_true(answers > 500 && errors > 500);
}

/* docs/sql.md holds the table between two marks. LIMN_WRITE_DOCS=1 writes it there. */
static void the_reference_is_the_table(void **state) {
    static const char begin[] = "<!-- functions: written by tests/unit/test_sql_functions.c -->\n",
                      end[] = "<!-- end -->";
    enum { ROOM = 1 << 16 };
    char *table = malloc(ROOM);
    size_t n = 0, used = 0;
    (void)state;
    char *doc = (char *)read_whole("docs/sql.md", &n);
    doc = realloc(doc, n + 1);
    assert_true(doc && table);
    doc[n] = 0;
    used += (size_t)snprintf(table, ROOM, "| function | gives |\n|---|---|\n");
    for (const sql_function *f = sql_functions; f->name; f++)
        used += (size_t)snprintf(table + used, ROOM - used, "| `%s%s` | %s |\n", f->name, f->args, f->help);
    char *from = strstr(doc, begin), *to = from ? strstr(from, end) : NULL;
    assert_true(from && to);
    from += strlen(begin);
    if (getenv("LIMN_WRITE_DOCS")) {
        FILE *out = fopen("docs/sql.md", "w");
        assert_non_null(out);
        fprintf(out, "%.*s%s%s", (int)(from - doc), doc, table, to);
        fclose(out);
    } else if ((size_t)(to - from) != used || memcmp(from, table, used) != 0) {
        fail_msg("docs/sql.md: the functions are not the table's (LIMN_WRITE_DOCS=1 %s writes them)",
                 "build/tests/unit/test_sql_functions");
    }
    free(table);
    free(doc);
}

static void the_table_is_whole(void **state) {
    (void)state;
    for (const sql_function *f = sql_functions; f->name; f++) {
        assert_true(f->help && f->args && f->args[0] == '(');
        assert_int_equal((f->scalar != NULL) + (f->step && f->inverse && f->value && f->final) + (f->table != NULL), 1);
        assert_true(!f->table || f->table->n_args == f->nargs);
        assert_true(!f->statistic || f->statistic->columns + f->statistic->parameters == f->nargs);
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

/* ---- kernels ------------------------------------------------------------------------------------------------ */

static void kernels_give_the_same_bits(void **state) {
    (void)state;
    unsigned char a[4 * 100 + 1], b[4 * 100 + 1]; /* at odd addresses */
    limn_rng r = limn_rng_stream(3, LIMN_RNG_TEST, 0);
    for (size_t i = 0; i < 100; i++) {
        float x = (float)limn_rng_normal(&r), y = (float)limn_rng_normal(&r);
        memcpy(a + 1 + 4 * i, &x, 4);
        memcpy(b + 1 + 4 * i, &y, 4);
    }
    const vec_kernels *ref = vec_kernels_at(0);
    assert_null(vec_kernels_at(-1));
    for (int k = 0; vec_kernels_at(k); k++)
        for (size_t n = 0; n <= 100; n++) {
            const vec_kernels *other = vec_kernels_at(k);
            double p[3], q[3];
            ref->products(a + 1, b + 1, n, p);
            other->products(a + 1, b + 1, n, q);
            assert_memory_equal(p, q, sizeof p);
            assert_true(other->dot(a + 1, b + 1, n) == p[0]);
            assert_true(other->square_distance(a + 1, b + 1, n) == ref->square_distance(a + 1, b + 1, n));
        }
}

/* ---- table-valued functions --------------------------------------------------------------------------------- */

static void check_text(const char *sql, const char *want) {
    sqlite3_stmt *stmt = first_row(sql);
    if (!stmt) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    const char *got = (const char *)sqlite3_column_text(stmt, 0);
    if (!got || strcmp(got, want) != 0) fail_msg("%s: %s, not %s", sql, got ? got : "NULL", want);
    sqlite3_finalize(stmt);
}

static void tables_hold_what_was_computed_by_hand(void **state) {
    (void)state;
    check_text("SELECT group_concat(i || ':' || value, ' ') FROM vec_each(" V122 ")", "0:1.0 1:2.0 2:2.0");
    check_text("SELECT group_concat(x || ',' || y || ',' || channel || ':' || value, ' ') FROM map_each(" M4 ", 1, 2)",
               "0,0,0:1.0 1,0,0:2.0 0,0,1:3.0 1,0,1:4.0");
    check_text("SELECT group_concat(x || ',' || y || ':' || value, ' ') FROM map_each(" M4 ", 2, 2) WHERE y = 1",
               "0,1:3.0 1,1:4.0");
    check_text("SELECT group_concat(bin || ':' || low || '-' || high || ':' || count, ' ') FROM histogram(" M4 ", 3)",
               "0:1.0-2.0:1 1:2.0-3.0:1 2:3.0-4.0:2");
    check_text("SELECT group_concat(count, ' ') FROM histogram(" VINF ", 2)", "0 1");
    check_text("SELECT group_concat(count, ' ') FROM histogram(" M4 ", 2, 0, 2)", "0 2");
    check_text("SELECT count(*) || ' ' || sum(count) FROM histogram(x'', 4)", "4 0");
    check_text("SELECT group_concat(rank || ':' || sample_id || ':' || round(distance, 3), ' ') FROM knn(1, 1, 9)",
               "1:3:1.0 2:2:1.414 3:4:3.0");
    check_text("SELECT group_concat(sample_id || ':' || round(distance, 3), ' ') FROM knn(1, 1, 2, 'cosine')",
               "4:0.0 3:0.293");
    check_text("SELECT count(*) FROM knn(1, 77, 5)", "0");
    check_text("SELECT count(*) FROM knn(1, 1, 0)", "0");
    /* arguments from a table to the left, in either order of writing */
    check_text(
        "SELECT group_concat(f.sample_id || '>' || k.sample_id, ' ') FROM feature f JOIN knn(1, f.sample_id, 1) k "
        "WHERE f.extraction_id = 1 AND f.sample_id < 4",
        "1>3 2>3 3>1");
    check_text("SELECT sum(value) FROM vec_each(f.vector) e, feature f WHERE f.sample_id = 3", "2.0");
}

static void sums_are_sound_once_infinity_has_left(void **state) {
    (void)state;
    const char *const rows = "(SELECT 1 AS i, " VINF " AS v UNION ALL SELECT 2, " V10 " UNION ALL SELECT 3, " V_34
                             " UNION ALL SELECT 4, " VNAN " UNION ALL SELECT 5, " V01 " UNION ALL SELECT 6, " V11 ")";
    const struct {
        const char *call;
        int i;
        float want[2];
    } row[] = {{"vec_sum(v)", 2, {2, INFINITY}},
               {"vec_sum(v)", 3, {-2, 4}},
               {"vec_avg(v)", 3, {-1, 2}},
               {"vec_avg(v)", 6, {.5F, 1}},
               {"vec_std(v)", 3, {2.8284271247F, 2.8284271247F}},
               {"vec_std(v)", 6, {.70710678118F, 0}}};
    for (size_t k = 0; k < COUNT_OF(row); k++) {
        char sql[700];
        snprintf(sql, sizeof sql,
                 "SELECT a FROM (SELECT i, %s OVER (ORDER BY i ROWS 1 PRECEDING) AS a FROM %s) WHERE i = %d",
                 row[k].call, rows, row[k].i);
        check_vector(sql, row[k].want, 2);
    }
    check_text("SELECT vec_dim(vec_std(v)) FROM (SELECT " V10 " AS v UNION ALL SELECT NULL UNION ALL SELECT " V01 ")",
               "2");
    sqlite3_stmt *stmt = first_row("SELECT vec_std(" V10 ")");
    assert_int_equal(sqlite3_column_type(stmt, 0), SQLITE_NULL);
    sqlite3_finalize(stmt);
}

static void arrays_become_files_of_numpy(void **state) {
    (void)state;
    static const struct {
        const char *call, *head;
    } row[] = {{"npy(" M4 ")", "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }"},
               {"npy(" M4 ", '[2, 2]')", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }"},
               {"npy(" M4 ", '(1,4,1)')", "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4, 1), }"},
               {"npy(vec_scale(x'00000000', 1), '')", "{'descr': '<f4', 'fortran_order': False, 'shape': (), }"}};
    for (size_t k = 0; k < COUNT_OF(row); k++) {
        char sql[200];
        snprintf(sql, sizeof sql, "SELECT %s", row[k].call);
        sqlite3_stmt *stmt = first_row(sql);
        if (!stmt) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
        const unsigned char *file = sqlite3_column_blob(stmt, 0);
        assert_memory_equal(file, "\x93NUMPY\x01\x00\x76\x00", 10);
        assert_memory_equal(file + 10, row[k].head, strlen(row[k].head));
        assert_int_equal(file[127], '\n');
        sqlite3_finalize(stmt);
    }
}

/* What a view of a database that nobody vouches for may call. */
static void functions_in_views_are_trusted_as_they_should_be(void **state) {
    (void)state;
    assert_int_equal(
        sqlite3_exec(db,
                     "PRAGMA trusted_schema = 0; CREATE VIEW w1 AS SELECT sum(value) AS s FROM vec_each(" V122
                     "); CREATE VIEW w2 AS SELECT median(1), vec_std(" V10 ");"
                     "CREATE VIEW w3 AS SELECT * FROM knn(1, 1, 1); SELECT * FROM w1; SELECT * FROM w2",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "SELECT * FROM w3", NULL, NULL, NULL), SQLITE_ERROR);
    assert_string_equal(sqlite3_errmsg(db), "unsafe use of virtual table \"knn\"");
    sqlite3_exec(db, "PRAGMA trusted_schema = 1; DROP VIEW w1; DROP VIEW w2; DROP VIEW w3", NULL, NULL, NULL);
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
        cmocka_unit_test(kernels_give_the_same_bits),
        cmocka_unit_test(tables_hold_what_was_computed_by_hand),
        cmocka_unit_test(sums_are_sound_once_infinity_has_left),
        cmocka_unit_test(arrays_become_files_of_numpy),
        cmocka_unit_test(functions_in_views_are_trusted_as_they_should_be),
        cmocka_unit_test(the_reference_is_the_table),
    };
    return cmocka_run_group_tests(tests, open_db, close_db);
}
