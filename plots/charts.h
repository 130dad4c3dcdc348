/* Charts of numbers: a matrix of named rows and columns, bars with intervals, lines. All names are any strings, data to
 * us. Values that are not finite are left out (bars, lines) or gray (matrix). */
#ifndef LIMN_PLOTS_CHARTS_H
#define LIMN_PLOTS_CHARTS_H

#include <stddef.h>

#include "plots/figure.h"

enum { LIMN_MATRIX_SIDE = 200, LIMN_BARS = 400, LIMN_SERIES = 40 }; /* the most that a chart takes */

/* A confusion matrix, the agreement of methods: each cell has a colour and, where there is room, its number. */
typedef struct {
    limn_figure figure; /* width 0: 8.5 cm, 17.6 with more than 12 columns */
    size_t rows, columns;
    const double *value; /* (rows, columns): the numbers */
    const double *shade; /* (rows, columns): what is coloured; NULL: the numbers themselves */
    const char *const *row_name, *const *column_name; /* (rows), (columns) */
    const char *row_title, *column_title;             /* NULL: none */
    const char *shade_title;                          /* of the colour bar; NULL: none */
    const char *palette;                              /* NULL or "auto": blue, diverging where a shade is negative */
} limn_matrix;
limn_status limn_plot_matrix(const limn_matrix *spec) LIMN_CHECK;

/* Horizontal bars, from the top; bars of one group share a colour. */
typedef struct {
    limn_figure figure; /* width 0: 8.5 cm; height 0: from the bars */
    size_t n;
    const char *const *name;  /* (n) */
    const double *value;      /* (n) */
    const double *low, *high; /* (n) ends of an interval, or NULL; where not finite: none */
    const int *group;         /* (n), 0 … n_groups-1, or NULL */
    const char *const *group_name;
    size_t n_groups;
    const char *value_title; /* under the axis; NULL: none */
} limn_bars;
limn_status limn_plot_bars(const limn_bars *spec) LIMN_CHECK;

/* Lines: points (x, y), those of a series joined in the order given. */
typedef struct {
    limn_figure figure; /* width 0: 8.5 cm; height 0: .62 of it and what the legend needs */
    size_t n;
    const double *x, *y; /* (n) */
    const int *series;   /* (n), 0 … n_series-1, or NULL: one */
    const char *const *series_name;
    size_t n_series;
    const char *x_title, *y_title; /* NULL: none */
} limn_lines;
limn_status limn_plot_lines(const limn_lines *spec) LIMN_CHECK;

#endif
