/* A grid of heatmaps: a row is a sample, a column is the input or a method; and one bare map as a picture.
 *
 * Maps arrive raw; how numbers become colours is the figure's (normalise) and is named under it, with a colour bar.
 *   signed column (or diverging palette): [-m, m], m = max |a|, so that zero is the palette's middle
 *   other map:                            [0, max], so that zero keeps its colour
 *   input:                                [lo, hi] as given, or its own [min, max]
 * The extremes are taken over one map (image), over a column (method) or over all columns of that kind (global).
 * A pixel that is not finite is gray; a map without any difference is drawn in the colour of its value. */
#ifndef LIMN_PLOTS_HEATMAPS_H
#define LIMN_PLOTS_HEATMAPS_H

#include <stddef.h>

#include "plots/figure.h"

typedef enum {
    LIMN_MAP_AUTO,  /* signed where a value is below zero, else positive */
    LIMN_MAP_INPUT, /* the sample itself; 1 channel through a palette (gray), 3 as RGB */
    LIMN_MAP_POSITIVE,
    LIMN_MAP_SIGNED
} limn_map_kind;

enum { LIMN_HEATMAP_ROWS = 2000 }; /* the most that a grid takes */

typedef enum { LIMN_NORMALISE_IMAGE, LIMN_NORMALISE_METHOD, LIMN_NORMALISE_GLOBAL } limn_normalise;
extern const limn_plot_word
    limn_normalisations[]; /* image, method, global (in the enum's order); ends with name NULL */
/* The enum's value, or -1. */
int limn_normalise_find(const char *name);

typedef struct {
    const char *title; /* head of the column; any string */
    limn_map_kind kind;
    size_t channels, h, w; /* channels: INPUT 1 or 3 (0: 1); maps 1 */
    const float *data;     /* (rows, channels, h, w) */
    const char *palette;   /* NULL or "auto": gray for INPUT, else the spec's; signed: diverging */
    double lo, hi;         /* INPUT: the values of black and white; both 0: each picture's own */
} limn_heatmap_column;

typedef struct {
    limn_figure figure; /* width 0: 17.6 cm (two text columns) or less; height 0: from the rows */
    size_t rows, columns;
    const limn_heatmap_column *column; /* (columns) */
    const char *const *row_label;      /* (rows) or NULL: "7 → 7"; any strings */
    const char *const *row_note;       /* (rows) or NULL: a second line, "p = 1.00" */
    const unsigned char *row_wrong;    /* (rows) or NULL: 1 = its label is red */
    const int *row_group;              /* (rows) or NULL: a small gap where the number changes (a class) */
    const char *palette;               /* of the maps; NULL or "auto": viridis, signed ones diverging */
    limn_normalise normalise;
    double overlay; /* 0: maps alone; (0, 1]: maps over the first INPUT column, with that opacity */
    size_t
        blocks; /* rows are laid out in so many blocks side by side; 0: chosen so that the maps are largest on a page */
} limn_heatmaps;

limn_status limn_plot_heatmaps(const limn_heatmaps *spec) LIMN_CHECK;

/* One map (rows = 1) as a bare picture, png or jpg, each of its pixels a square of `scale` dots; no gnuplot, no text.
 */
typedef struct {
    limn_figure figure;      /* folder, name, formats (png, jpg) */
    limn_heatmap_column map; /* palette NULL: gray for INPUT, viridis, diverging where signed */
    size_t scale;            /* 0: the least with a longer side of 280 dots */
} limn_picture;

limn_status limn_plot_picture(const limn_picture *spec) LIMN_CHECK;

#endif
