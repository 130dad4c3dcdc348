/* A legend of coloured marks with names, in rows under a chart. Of this room only. */
#ifndef LIMN_PLOTS_LEGEND_H
#define LIMN_PLOTS_LEGEND_H

#include <stddef.h>

#include "plots/sheet.h"

typedef struct {
    char **name; /* (n), cleaned */
    size_t n, columns;
    double font, line, column; /* cm */
    double height;             /* cm; 0: there is nothing */
    int dashes;                /* marks are lines in so many dashes, in turn; 0: dots */
} plots_legend;

/* Names in as many columns as fit into `width` cm. plots_legend_free() in any case. */
limn_status plots_legend_lay_out(plots_legend *l, const char *const *name, size_t n, double font,
                                 double width) LIMN_CHECK;
/* Draws it: its upper left corner is `x` and `y` cm from the left and from the bottom. Entry i has class colour i. */
void plots_legend_put(const plots_legend *l, plots_sheet *s, double x, double y);
void plots_legend_free(plots_legend *l);

#endif
