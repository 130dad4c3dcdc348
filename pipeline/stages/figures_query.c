/* Figures of a query's answer: the charts, each of which is a query of db/charts.c or the entry's own `sql`, and the
 * points and samples that an `sql` chooses.
 *
 * What the columns of an answer are:
 *   matrix    row, column, number [, what is coloured instead]
 *   bars      name, value [, low, high [, group]]
 *   lines     x, y [, line]
 *   scatter   x, y [, colour: texts are classes, numbers values]
 *   heatmaps  sample_id
 * Axes are titled by the columns' names; a column called `title` (anywhere) is taken out: its first text is the title of
 * the numbers. Rows, columns, groups stand in the order in which they come. Parameters: :run, :model, :dataset, :metric
 * ('' where the entry names none). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "stages/figures.h"

/* ---- asking ------------------------------------------------------------------------------------------------------ */

typedef struct {
    size_t column[QUERY_TABLE_COLUMNS], n; /* of the table, without `title` */
    const char *title;                     /* NULL: none */
} answer;

static const query_cell *cell(const figure_job *j, const answer *a, size_t row, size_t k) {
    return &j->table.cell[row * j->table.columns + a->column[k]];
}

/* The name of a column, or NULL where it has none. */
static const char *name_of(const figure_job *j, const answer *a, size_t k) {
    const char *name = k < a->n ? j->table.name[a->column[k]] : "";
    return *name ? name : NULL;
}

static limn_status ask(const figure_source *src, figure_job *j, const char *sql, size_t least, answer *a) {
    limn_status status = LIMN_OK;
    const char *metric = j->plot->metric ? j->plot->metric : "";
    const query_parameter parameter[] = {{":run", src->run_id, NULL},
                                         {":model", src->model_id, NULL},
                                         {":dataset", src->dataset_id, NULL},
                                         {":metric", 0, metric}};
    *a = (answer){.n = 0};
    status = query_any(src->s, &j->table, sql, parameter, COUNT_OF(parameter));
    if (status != LIMN_OK) {
        char why[1024];
        snprintf(why, sizeof why, "%s", limn_message());
        FAIL(status, "plot `%s`: %s", j->plot->name, why);
    }
    for (size_t c = 0; c < j->table.columns; c++) {
        if (strcmp(j->table.name[c], "title") != 0)
            a->column[a->n++] = c;
        else if (j->table.rows > 0)
            a->title = j->table.cell[c].text;
    }
    if (a->n < least)
        FAIL(LIMN_EINPUT, "plot `%s`: the query gives %zu column%s, but %zu are needed", j->plot->name, a->n,
             a->n == 1 ? "" : "s", least);
    if (j->table.rows == 0)
        FAIL(LIMN_EINPUT, "plot `%s`: the query gives no row%s%s: there is nothing to draw", j->plot->name,
             *metric ? " of the measure " : "", metric);
done:
    return status;
}

/* Every different text of a column gets a number, in the order in which they come: *index (rows), *name (*n), at most
 * `most`. A number is its own text, NULL an empty one. */
static limn_status number_names(figure_job *j, const answer *a, size_t k, size_t most, int **index, const char ***name,
                                size_t *n) {
    limn_status status = LIMN_OK;
    *n = 0;
    TRY(figures_keep(j, index, j->table.rows, sizeof **index));
    TRY(figures_keep(j, name, most, sizeof **name));
    for (size_t i = 0; i < j->table.rows; i++) {
        const query_cell *c = cell(j, a, i, k);
        char number[32] = "", *own;
        size_t at = 0;
        if (!c->text && !isnan(c->number)) snprintf(number, sizeof number, "%.10g", c->number);
        const char *text = c->text ? c->text : number;
        while (at < *n && strcmp((*name)[at], text) != 0) at++;
        if (at == most)
            FAIL(LIMN_EINPUT, "plot `%s`: the query's column %zu has more than %zu different values", j->plot->name,
                 k + 1, most);
        if (at == *n) {
            TRY(figures_keep(j, &own, strlen(text) + 1, 1));
            memcpy(own, text, strlen(text) + 1);
            (*name)[(*n)++] = own;
        }
        (*index)[i] = (int)at;
    }
done:
    return status;
}

static limn_status numbers(figure_job *j, const answer *a, size_t k, double **out) {
    limn_status status = LIMN_OK;
    TRY(figures_keep(j, out, j->table.rows, sizeof **out));
    for (size_t i = 0; i < j->table.rows; i++) (*out)[i] = cell(j, a, i, k)->number;
done:
    return status;
}

/* ---- charts ------------------------------------------------------------------------------------------------------ */

static limn_status fill_matrix(const figure_source *src, figure_job *j, const answer *a) {
    limn_status status = LIMN_OK;
    limn_matrix *m = &j->spec.matrix;
    int *row, *column;
    const char **row_name, **column_name;
    double *value, *shade = NULL;
    size_t rows, columns;
    TRY(number_names(j, a, 0, LIMN_MATRIX_SIDE, &row, &row_name, &rows));
    TRY(number_names(j, a, 1, LIMN_MATRIX_SIDE, &column, &column_name, &columns));
    TRY(figures_keep(j, &value, rows * columns, sizeof *value));
    if (a->n > 3) TRY(figures_keep(j, &shade, rows * columns, sizeof *shade));
    for (size_t i = 0; i < rows * columns; i++) {
        value[i] = NAN;
        if (shade) shade[i] = NAN;
    }
    for (size_t i = 0; i < j->table.rows; i++) {
        size_t at = (size_t)row[i] * columns + (size_t)column[i];
        value[at] = cell(j, a, i, 2)->number;
        if (shade) shade[at] = cell(j, a, i, 3)->number;
    }
    *m = (limn_matrix){.figure = figures_of(src, j->plot),
                       .rows = rows,
                       .columns = columns,
                       .value = value,
                       .shade = shade,
                       .row_name = row_name,
                       .column_name = column_name,
                       .row_title = name_of(j, a, 0),
                       .column_title = name_of(j, a, 1),
                       .shade_title = a->title ? a->title : name_of(j, a, shade ? 3 : 2),
                       .palette = j->plot->palette};
done:
    return status;
}

static limn_status fill_bars(const figure_source *src, figure_job *j, const answer *a) {
    limn_status status = LIMN_OK;
    const char **name, **group_name = NULL;
    double *value, *low = NULL, *high = NULL;
    int *group = NULL;
    size_t n = j->table.rows, groups = 0;
    if (n > LIMN_BARS)
        FAIL(LIMN_EINPUT, "plot `%s`: the query gives %zu bars, too many to read (at most %d)", j->plot->name, n,
             LIMN_BARS);
    TRY(figures_keep(j, &name, n, sizeof *name));
    for (size_t i = 0; i < n; i++) {
        const query_cell *c = cell(j, a, i, 0);
        char *own;
        name[i] = c->text ? c->text : "";
        if (c->text || isnan(c->number)) continue;
        TRY(figures_keep(j, &own, 32, 1));
        snprintf(own, 32, "%.10g", c->number);
        name[i] = own;
    }
    TRY(numbers(j, a, 1, &value));
    if (a->n > 3) TRY(numbers(j, a, 2, &low));
    if (a->n > 3) TRY(numbers(j, a, 3, &high));
    if (a->n > 4) TRY(number_names(j, a, 4, LIMN_SERIES, &group, &group_name, &groups));
    j->spec.bars = (limn_bars){.figure = figures_of(src, j->plot),
                               .n = n,
                               .name = name,
                               .value = value,
                               .low = low,
                               .high = high,
                               .group = group,
                               .group_name = group_name,
                               .n_groups = groups,
                               .value_title = a->title ? a->title : name_of(j, a, 1)};
done:
    return status;
}

static limn_status fill_lines(const figure_source *src, figure_job *j, const answer *a) {
    limn_status status = LIMN_OK;
    double *x, *y;
    int *series = NULL;
    const char **name = NULL;
    size_t n = 0;
    TRY(numbers(j, a, 0, &x));
    TRY(numbers(j, a, 1, &y));
    if (a->n > 2) TRY(number_names(j, a, 2, LIMN_SERIES, &series, &name, &n));
    j->spec.lines = (limn_lines){.figure = figures_of(src, j->plot),
                                 .n = j->table.rows,
                                 .x = x,
                                 .y = y,
                                 .series = series,
                                 .series_name = name,
                                 .n_series = n,
                                 .x_title = name_of(j, a, 0),
                                 .y_title = a->title ? a->title : name_of(j, a, 1)};
done:
    return status;
}

static const struct {
    size_t least;
    limn_status (*fill)(const figure_source *, figure_job *, const answer *);
} chart[] = {[PLOT_MATRIX] = {3, fill_matrix}, [PLOT_BARS] = {2, fill_bars}, [PLOT_LINES] = {2, fill_lines}};

limn_status figures_prepare_chart(const figure_source *src, figure_job *j) {
    limn_status status = LIMN_OK;
    const char *sql = j->plot->sql;
    answer a;
    if (!sql) sql = query_chart(j->plot->of);
    if (!sql) FAIL(LIMN_EINPUT, "plot `%s`: there is no query called `%s`", j->plot->name, j->plot->of);
    TRY(ask(src, j, sql, chart[j->plot->kind].least, &a));
    TRY(chart[j->plot->kind].fill(src, j, &a));
done:
    return status;
}

/* ---- points and samples ------------------------------------------------------------------------------------------ */

/* 1 where a column holds a text. */
static int has_text(const figure_job *j, const answer *a, size_t k) {
    for (size_t i = 0; i < j->table.rows; i++)
        if (cell(j, a, i, k)->text) return 1;
    return 0;
}

limn_status figures_prepare_query(const figure_source *src, figure_job *j) {
    enum { CLASSES = 1000 };
    limn_status status = LIMN_OK;
    answer a;
    float *xy;
    limn_scatter_colour *colour;
    limn_scatter *s = &j->spec.scatter;
    TRY(ask(src, j, j->plot->sql, 2, &a));
    size_t n = j->table.rows;
    TRY(figures_keep(j, &xy, n, 2 * sizeof *xy));
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 2; c++) {
            const query_cell *v = cell(j, &a, i, c);
            if (isnan(v->number))
                FAIL(LIMN_EINPUT, "plot `%s`: the query's row %zu has no number in column %zu, a coordinate",
                     j->plot->name, i + 1, c + 1);
            xy[2 * i + c] = (float)v->number;
        }
    *s = (limn_scatter){.figure = figures_of(src, j->plot),
                        .n = n,
                        .xy = xy,
                        .dims = 2,
                        .palette = j->plot->palette,
                        .seed = src->e->seed};
    TRY(figures_keep(j, &colour, 1, sizeof *colour));
    *colour = *limn_scatter_colour_find("none");
    s->colour = colour;
    if (a.n < 3) goto done;
    const char *title = a.title ? a.title : name_of(j, &a, 2);
    if (has_text(j, &a, 2)) {
        int *class_of;
        const char **name;
        TRY(number_names(j, &a, 2, CLASSES, &class_of, &name, &s->n_classes));
        *colour = (limn_scatter_colour){"query", LIMN_COLOUR_CLASS, title, NULL, NAN, NAN, ""};
        s->class_of = class_of;
        s->class_name = name;
    } else {
        double *value;
        TRY(numbers(j, &a, 2, &value));
        *colour = (limn_scatter_colour){"query", LIMN_COLOUR_VALUE, title ? title : "", "viridis", NAN, NAN, ""};
        s->value = value;
    }
done:
    return status;
}

limn_status figures_samples(const figure_source *src, figure_job *j, int64_t **id, size_t *n, size_t most) {
    limn_status status = LIMN_OK;
    answer a;
    *id = NULL;
    *n = 0;
    TRY(ask(src, j, j->plot->sql, 1, &a));
    TRY(limn_new(id, most, sizeof **id));
    for (size_t i = 0; i < j->table.rows && *n < most; i++) {
        double v = cell(j, &a, i, 0)->number;
        if (!(v >= 1 && v < 9e15) || v != floor(v))
            FAIL(LIMN_EINPUT, "plot `%s`: the query's row %zu does not begin with a sample_id", j->plot->name, i + 1);
        (*id)[(*n)++] = (int64_t)v;
    }
done:
    if (status != LIMN_OK) {
        free(*id);
        *id = NULL;
    }
    return status;
}
