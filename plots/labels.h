/* Texts on a figure: boxes that are moved apart, and texts with a white halo. Of this room only. */
#ifndef LIMN_PLOTS_LABELS_H
#define LIMN_PLOTS_LABELS_H

#include <stddef.h>

#include "plots/sheet.h"

typedef struct {
    double x, y;               /* centre, cm; moved */
    double w, h;               /* cm */
    double anchor_x, anchor_y; /* where it wants to be */
} plots_box;

/* Moves n boxes apart inside a frame, each near its anchor. Deterministic; O(n^2) a round. */
void plots_place_boxes(plots_box *box, size_t n, double left, double right, double bottom, double top);

/* Puts `set label …` lines in the font of the script's variable `name_font`: the text in white, twelve times around (x, y)
 * cm, then once in #111111 over them. */
void plots_put_haloed(plots_sheet *s, const char *text, double x, double y, double font_cm);

#endif
