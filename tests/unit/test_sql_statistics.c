/* Statistics in SQL against numpy's and scipy's numbers (tests/data/statistics), as aggregates and as windows; what is
 * wrong is said; the bootstrap is seeded. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/try.h"
#include "db/functions.h"
#include "tests/data/statistics/statistics.h"

static sqlite3 *db;

static void exec(const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static int open_db(void **state) {
    (void)state;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK || sql_functions_register(db) != SQLITE_OK) return 1;
    exec("CREATE TABLE t (c, i, x, y, side)");
    sqlite3_stmt *stmt = NULL;
    sqlite3_prepare_v2(db, "INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5)", -1, &stmt, NULL);
    for (size_t c = 0; c < COUNT_OF(stat_cases); c++)
        for (size_t i = 0; i < stat_cases[c].n; i++) {
            sqlite3_bind_int64(stmt, 1, (sqlite3_int64)c);
            sqlite3_bind_int64(stmt, 2, (sqlite3_int64)i);
            sqlite3_bind_double(stmt, 3, stat_cases[c].x[i]);
            sqlite3_bind_double(stmt, 4, stat_cases[c].y[i]);
            sqlite3_bind_double(stmt, 5, stat_cases[c].side[i]);
            sqlite3_step(stmt);
            sqlite3_reset(stmt);
        }
    return sqlite3_finalize(stmt) != SQLITE_OK;
}

static int close_db(void **state) {
    (void)state;
    return sqlite3_close(db) != SQLITE_OK;
}

/* The one number that a query gives; NaN: NULL. */
static double ask(const char *sql) {
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    double x = sqlite3_column_type(stmt, 0) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(stmt, 0);
    sqlite3_finalize(stmt);
    return x;
}

/* Two programs that sum in another order: a few units in the last place, times the digits that a mean of 1e6 beside a
 * spread of 1e-2 costs both (the case `far`). */
static const double SAME = 1e-7, PLAIN = 1e-12;

static void check(const char *name, const char *what, double want) {
    char sql[200];
    size_t c = 0;
    while (strcmp(stat_cases[c].name, name) != 0) c++;
    snprintf(sql, sizeof sql, "SELECT %s FROM t WHERE c = %zu", what, c);
    double got = ask(sql), room = (strcmp(name, "far") == 0 ? SAME : PLAIN) * fmax(1, fabs(want));
    if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= room))
        fail_msg("%s, %s: %.17g, not %.17g", name, what, got, want);
}

static void numbers_are_those_of_scipy(void **state) {
    (void)state;
    for (size_t c = 0; c < COUNT_OF(stat_cases); c++) {
        const char *name = stat_cases[c].name;
        for (size_t k = 0; k < COUNT_OF(stat_q); k++) {
            char what[40];
            snprintf(what, sizeof what, "quantile(x, %g)", stat_q[k]);
            check(name, what, stat_cases[c].quantile[k]);
        }
        check(name, "median(x)", stat_cases[c].median);
        check(name, "variance(x)", stat_cases[c].variance);
        check(name, "stddev(x)", stat_cases[c].stddev);
        check(name, "corr(x, y)", stat_cases[c].corr);
        check(name, "spearman(x, y)", stat_cases[c].spearman);
        check(name, "regr_slope(y, x)", stat_cases[c].slope);
        check(name, "regr_intercept(y, x)", stat_cases[c].intercept);
        check(name, "welch_t(x, side)", stat_cases[c].t);
        check(name, "welch_p(x, side)", stat_cases[c].t_p);
        check(name, "mann_whitney_u(x, side)", stat_cases[c].u);
        check(name, "mann_whitney_p(x, side)", stat_cases[c].u_p);
    }
}

/* The end of a percentile interval of R resamples spreads by sqrt(p (1 - p) / R) / density = 0.06 standard errors of the
 * mean at p = 0.025, R = 2000; four times that are allowed. */
static const double BOOTSTRAP_ROOM = 0.25;

static void bootstrap_intervals_are_scipys_but_for_chance(void **state) {
    (void)state;
    for (size_t c = 0; c < COUNT_OF(stat_cases); c++) {
        char sql[200];
        const double room = BOOTSTRAP_ROOM * stat_cases[c].stddev / sqrt((double)stat_cases[c].n);
        const double want[] = {stat_cases[c].low, stat_cases[c].high};
        for (int k = 0; k < 2; k++) {
            snprintf(sql, sizeof sql, "SELECT bootstrap_%s(x, 0.95, 7) FROM t WHERE c = %zu", k ? "high" : "low", c);
            double got = ask(sql);
            if (!(fabs(got - want[k]) <= room)) fail_msg("%s: %.17g, not %.17g", sql, got, want[k]);
            assert_true(got == ask(sql)); /* seeded */
        }
    }
    assert_true(ask("SELECT bootstrap_low(x, 0.95, 1) = bootstrap_low(x, 0.95, 2) FROM t WHERE c = 0") == 0);
    assert_true(ask("SELECT bootstrap_low(x, 0.5, 1) > bootstrap_low(x, 0.95, 1) FROM t WHERE c = 0") == 1);
    assert_true(ask("SELECT bootstrap_high(5, 0.9, -3) FROM t") == 5);
}

/* A window's value is the aggregate's over its rows, to the bit; the queue moves along many rows. */
static void windows_are_aggregates_over_their_rows(void **state) {
    static const char *const call[] = {
        "median(x)",        "quantile(x, .3)",         "variance(x)",      "stddev(x)",
        "corr(x, y)",       "spearman(x, y)",          "regr_slope(y, x)", "regr_intercept(y, x)",
        "welch_t(x, side)", "mann_whitney_u(x, side)", "welch_p(x, side)", "mann_whitney_p(x, side)",
        "vec_collect(x)"};
    (void)state;
    exec("CREATE TABLE u AS SELECT row_number() OVER (ORDER BY c, i) AS k, nullif(x, (SELECT x FROM t LIMIT 1)) AS x, "
         "y, "
         "side FROM t WHERE c <> 3");
    assert_true(ask("SELECT count(*) FROM u") > 128); /* past the queue's first room */
    for (size_t i = 0; i < COUNT_OF(call); i++) {
        char sql[600];
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM (SELECT k, %s OVER (ORDER BY k ROWS 9 PRECEDING) AS w FROM u) AS slid "
                 "WHERE w IS NOT (SELECT %s FROM u WHERE k BETWEEN slid.k - 9 AND slid.k)",
                 call[i], call[i]);
        double differ = ask(sql);
        if (differ != 0) fail_msg("%s: %g rows", sql, differ);
    }
    assert_true(ask("SELECT max(count) FROM (SELECT count(*) AS count FROM u GROUP BY x HAVING x IS NULL)") == 1);
}

static void what_is_not_defined_is_null(void **state) {
    static const char *const call[] = {
        "median(x)",     "quantile(x, NULL)",    "variance(x)",          "stddev(x)",
        "corr(x, y)",    "spearman(x, y)",       "regr_slope(y, x)",     "welch_t(x, y)",
        "welch_p(x, y)", "mann_whitney_u(x, y)", "mann_whitney_p(x, y)", "bootstrap_low(x, .9, 1)",
        "vec_collect(x)"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(call); i++) {
        char sql[300];
        snprintf(sql, sizeof sql, "SELECT %s FROM (SELECT NULL AS x, NULL AS y)", call[i]);
        assert_true(isnan(ask(sql)));
        snprintf(sql, sizeof sql, "SELECT %s FROM t WHERE c < 0", call[i]);
        assert_true(isnan(ask(sql)));
    }
    static const char *const constant[] = {"corr(1, x)",           "corr(x, 0.1)",           "spearman(x, 2)",
                                           "regr_slope(x, 0.1)",   "welch_t(1, side)",       "welch_p(x, 1)",
                                           "mann_whitney_u(x, 0)", "mann_whitney_p(7, side)"};
    for (size_t i = 0; i < COUNT_OF(constant); i++) {
        char sql[300];
        snprintf(sql, sizeof sql, "SELECT %s FROM t WHERE c = 0", constant[i]);
        if (!isnan(ask(sql))) fail_msg("%s is not NULL", sql);
    }
    assert_true(isnan(ask("SELECT stddev(x) FROM t WHERE c = 0 AND i = 0")));
    assert_true(isinf(ask("SELECT median(1e999)")));
    assert_true(ask("SELECT median(v) FROM (SELECT 1 AS v UNION ALL SELECT NULL UNION ALL SELECT 3)") == 2);
}

static void what_is_wrong_is_said(void **state) {
    static const struct {
        const char *sql, *says;
    } row[] = {
        {"median('x')", "median: each value is a number, not text"},
        {"median(x'00')", "median: each value is a number, not a BLOB"},
        {"corr(1, 'x')", "corr: each value is a number, not text"},
        {"quantile(1, 2)", "quantile: q is from 0 to 1"},
        {"quantile(1, -0.1)", "quantile: q is from 0 to 1"},
        {"quantile(1, 'x')", "quantile: each parameter is a number, not text"},
        {"bootstrap_low(1, 1, 1)", "bootstrap_low: the level is between 0 and 1"},
        {"bootstrap_low(1, 0, 1)", "bootstrap_low: the level is between 0 and 1"},
        {"bootstrap_high(1, .9, 1.5)", "bootstrap_high: the seed is an integer of at most 2^53"},
        {"bootstrap_high(1, .9, 1e300)", "bootstrap_high: the seed is an integer of at most 2^53"},
        {"bootstrap_high(1, .9, -1e999)", "bootstrap_high: the seed is an integer of at most 2^53"},
        {"vec_collect('x')", "vec_collect: what is collected is a number, not text"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        char sql[200];
        snprintf(sql, sizeof sql, "SELECT %s", row[i].sql);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_ERROR);
        assert_string_equal(sqlite3_errmsg(db), row[i].says);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_scipy),
        cmocka_unit_test(bootstrap_intervals_are_scipys_but_for_chance),
        cmocka_unit_test(windows_are_aggregates_over_their_rows),
        cmocka_unit_test(what_is_not_defined_is_null),
        cmocka_unit_test(what_is_wrong_is_said),
    };
    return cmocka_run_group_tests(tests, open_db, close_db);
}
