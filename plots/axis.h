/* A chart's frame: a rectangle on the sheet with round numbers along its sides. Of this room only. */
#ifndef LIMN_PLOTS_AXIS_H
#define LIMN_PLOTS_AXIS_H

#include <stddef.h>

#include "plots/sheet.h"

enum { PLOTS_NUMBER = 32 };
/* v as people read it: at most six digits, a true minus sign. */
void plots_number(char out[PLOTS_NUMBER], double v);

/* The largest 1, 2, 2.5 or 5 times a power of ten of which at least three steps fit into the range (above 0). */
double plots_round_step(double range);

typedef struct {
    double lo, hi, step; /* lo and hi lie on steps */
} plots_axis;
/* Widens [lo, hi] to whole steps; a range without width gets one. */
plots_axis plots_axis_of(double lo, double hi);

typedef struct {
    plots_sheet *sheet;
    double left, right, bottom, top; /* of the frame: cm from the left and from the bottom */
    double font, line;               /* cm: a font's size, a line of text */
    plots_axis x, y;
} plots_frame;

/* The sheet's data units become the axes' in the frame. */
void plots_frame_scale(plots_frame *f);
/* Thin lines at the steps of x (or of y), their numbers below (or on the left), and the axis' title. */
limn_status plots_frame_x(plots_frame *f, const char *title) LIMN_CHECK;
limn_status plots_frame_y(plots_frame *f, const char *title) LIMN_CHECK;
/* The widest number along y, cm. */
double plots_frame_numbers(const plots_frame *f);
/* The figure's title, above the frame where it fits, or over the whole sheet. */
limn_status plots_frame_title(plots_frame *f, const limn_figure *figure) LIMN_CHECK;

#endif
