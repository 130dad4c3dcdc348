/* One figure on its way to files: the text of its script, its data, its size. Of this room only. */
#ifndef LIMN_PLOTS_SHEET_H
#define LIMN_PLOTS_SHEET_H

#include <stddef.h>
#include <stdint.h>

#include "plots/figure.h"
#include "plots/text.h"

/* The script is made of `setup` (ranges, margins, labels, …), then for each format its terminal and `plot`, one
 * command.
 *
 * Coordinates: `first` axes carry shapes and points; texts stand at the `second` axes, which have the same ranges.
 * Where a terminal sets text too high or too low (svg: by 0.14 em) the second axis is shifted, so that texts sit alike
 * in all formats. Sizes: fonts in pt, line widths in pt, `ps MM*mm` draws a pt 7 point of MM mm diameter. */
typedef struct {
    plots_text setup, plot;
    double width, height;   /* cm, the whole picture */
    double x_min, x_max;    /* its edges in data units */
    double y_bottom, y_top; /* the same; bottom > top where y points down */
    const void *data;       /* NAME.bin, which the script calls `data_file` */
    size_t bytes;
} plots_sheet;

/* Data units of a place in cm from the left and from the bottom. */
double plots_x(const plots_sheet *s, double cm);
double plots_y(const plots_sheet *s, double cm);
/* Texts and marks at places in cm from the left and from the bottom; the vertical middle of the text stands there.
 * `how` is gnuplot's own: "left", "center font title", … */
void plots_put_text(plots_sheet *s, const char *text, double x, double y, const char *how);
/* The same for a text that must not be wider than `em`: it ends in an ellipsis. */
limn_status plots_put_fitting(plots_sheet *s, const char *text, double x, double y, double em,
                              const char *how) LIMN_CHECK;
void plots_put_circle(plots_sheet *s, double x, double y, double mm, uint32_t rgb);
/* Puts a font variable (`title_font`, `name_font`): the figure's face, `scale` times as large. */
void plots_put_font(plots_sheet *s, const limn_figure *f, const char *variable, double scale);

/* Writes gp/NAME.bin and gp/NAME.gp, runs gnuplot on them, and puts the pictures in place. */
limn_status plots_draw(const limn_figure *f, plots_sheet *s) LIMN_CHECK;

/* ".XXX.part": what a temporary name ends in; no other drawing of this or another process has it. */
enum { PLOTS_PART = 64 };
void plots_part(char out[PLOTS_PART]);

double plots_font_size(const limn_figure *f); /* pt */
double plots_dpi(const limn_figure *f);

#endif
