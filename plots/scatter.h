/* A map of points: n samples at (x, y), coloured by class, by a value with a colour bar, or by being right or wrong. */
#ifndef LIMN_PLOTS_SCATTER_H
#define LIMN_PLOTS_SCATTER_H

#include <stddef.h>
#include <stdint.h>

#include "plots/figure.h"

typedef enum { LIMN_COLOUR_NONE, LIMN_COLOUR_CLASS, LIMN_COLOUR_VALUE, LIMN_COLOUR_CORRECT } limn_colour_kind;

/* What a scatter can be coloured by: a row of a table that the experiment file's `colour:` names. */
typedef struct {
    const char *name; /* "label" | "prediction" | "correct" | "margin" | … | "overlap" | "none" */
    limn_colour_kind kind;
    const char *title;   /* of the legend or the colour bar */
    const char *palette; /* VALUE: its palette */
    double lo, hi;       /* VALUE: range of the colour bar; NaN: the data's */
    const char *help;
} limn_scatter_colour;
extern const limn_scatter_colour limn_scatter_colours[];               /* ends with name NULL */
const limn_scatter_colour *limn_scatter_colour_find(const char *name); /* NULL: none of that name */

typedef enum {
    LIMN_NAMES_AUTO, /* up to 40 classes, at the medians or, where they would hide it, in a legend; else none */
    LIMN_NAMES_NONE,
    LIMN_NAMES_MEDIAN, /* on the map, with a white halo */
    LIMN_NAMES_LEGEND, /* beside it */
    LIMN_NAMES_BOTH
} limn_class_names;

typedef struct {
    limn_figure figure;
    size_t n;
    const float
        *xy;  /* (n, dims) row-major; the first two columns are drawn; finite, else LIMN_EFAIL naming the point */
    int dims; /* 0: 2 */
    const limn_scatter_colour *colour; /* a row of the table, or the caller's own; NULL: NONE */
    const int *class_of;               /* CLASS: (n), 0 … n_classes-1; other numbers: gray "no class" */
    const char *const *class_name;     /* (n_classes) any strings, data to us; NULL: the numbers */
    size_t n_classes;
    const double *value;         /* VALUE: (n); not finite: gray "no value" */
    const unsigned char *ringed; /* NULL, or (n), 1: with a ring around it (held-out samples) */
    const unsigned char *wrong;  /* CORRECT: (n), 1: drawn on top, larger, in red */
    limn_class_names names;
    const char *palette;           /* VALUE: instead of the row's; NULL or "auto": the row's */
    double point_mm, opacity;      /* diameter and opacity of a point; 0: from n */
    const char *x_label, *y_label; /* NULL: none */
    uint64_t seed;                 /* of the drawing order */
} limn_scatter;

limn_status limn_plot_scatter(const limn_scatter *spec) LIMN_CHECK;

#endif
