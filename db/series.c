/* Statistics as aggregates and window functions: the rows' numbers are kept, and a statistic (statistics.c, tests.c) is
 * computed of them where a value is asked for. See functions.h.
 *
 * A window's rows leave in the order in which they came, so the numbers are a queue; nothing is subtracted, and a window
 * gives the same bits as the aggregate over its rows. Memory: 8 bytes a number. */
#include <math.h>
#include <string.h>

#include "db/functions.h"

typedef struct {
    double *column[2]; /* (room) each */
    size_t first, n, room;
    double parameter[2];
    int null; /* a parameter is NULL */
} rows;

static const sql_statistic *statistic_of(sqlite3_context *ctx) {
    return ((const sql_function *)sqlite3_user_data(ctx))->statistic;
}

/* 1: none of the row's numbers is NULL. */
static int counts(const sql_statistic *s, sqlite3_value **value) {
    for (int i = 0; i < s->columns; i++)
        if (sqlite3_value_type(value[i]) == SQLITE_NULL) return 0;
    return 1;
}

/* Room for one row more: numbers that have left give theirs, else it doubles. */
static int make_room(rows *r, int columns) {
    if (r->n < r->room) return 1;
    if (r->first > r->room / 2) {
        for (int i = 0; i < columns; i++)
            memmove(r->column[i], r->column[i] + r->first, (r->n - r->first) * sizeof *r->column[i]);
        r->n -= r->first;
        r->first = 0;
        return 1;
    }
    size_t room = r->room ? 2 * r->room : 64;
    for (int i = 0; i < columns; i++) {
        double *grown = sqlite3_realloc64(r->column[i], room * sizeof *grown);
        if (!grown) return 0;
        r->column[i] = grown;
    }
    r->room = room;
    return 1;
}

SQL_SCALAR(sql_series_step) {
    const sql_statistic *s = statistic_of(ctx);
    double x[4] = {0};
    if (!counts(s, value)) return;
    rows *r = sqlite3_aggregate_context(ctx, sizeof *r);
    if (!r || !make_room(r, s->columns)) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    r->null = 0;
    for (int i = 0; i < n; i++) {
        const char *what = i < s->columns ? "each value" : "each parameter";
        if (sqlite3_value_type(value[i]) == SQLITE_NULL)
            r->null = 1;
        else if (!sql_number_of(ctx, value[i], what, &x[i]))
            return;
    }
    for (int i = 0; i < s->columns; i++) r->column[i][r->n] = x[i];
    for (int i = 0; i < s->parameters; i++) r->parameter[i] = x[s->columns + i];
    r->n++;
}

SQL_SCALAR(sql_series_inverse) {
    rows *r = sqlite3_aggregate_context(ctx, 0);
    (void)n;
    if (r && r->first < r->n && counts(statistic_of(ctx), value)) r->first++;
}

void sql_series_value(sqlite3_context *ctx) {
    const sql_statistic *s = statistic_of(ctx);
    const rows *r = sqlite3_aggregate_context(ctx, 0);
    const char *wrong = NULL;
    if (!r || r->first == r->n || r->null) return; /* NULL */
    const size_t n = r->n - r->first;
    sql_series series = {.x = r->column[0] + r->first,
                         .y = s->columns > 1 ? r->column[1] + r->first : NULL,
                         .n = n,
                         .parameter = {r->parameter[0], r->parameter[1]},
                         .work = sqlite3_malloc64((2 * n + 2) * sizeof(double))};
    if (!series.work) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    double x = s->of(&series, &wrong);
    sqlite3_free(series.work);
    if (wrong)
        sql_error(ctx, "%s", wrong);
    else
        sqlite3_result_double(ctx, x); /* NaN: NULL */
}

void sql_series_final(sqlite3_context *ctx) {
    rows *r = sqlite3_aggregate_context(ctx, 0);
    if (!r) return;
    sql_series_value(ctx);
    sqlite3_free(r->column[0]);
    sqlite3_free(r->column[1]);
}
