/* Texts and marks of a figure, placed in cm: see sheet.h. */
#include "plots/sheet.h"

#include <stdlib.h>

enum { LONGEST = 160 };

double plots_x(const plots_sheet *s, double cm) {
    return s->x_min + cm / s->width * (s->x_max - s->x_min);
}

double plots_y(const plots_sheet *s, double cm) {
    return s->y_bottom + cm / s->height * (s->y_top - s->y_bottom);
}

void plots_put_text(plots_sheet *s, const char *text, double x, double y, const char *how) {
    plots_put(&s->setup, "set label ");
    plots_put_quoted(&s->setup, text, LONGEST);
    plots_put(&s->setup, " at second %.9g,%.9g %s\n", plots_x(s, x), plots_y(s, y), how);
}

limn_status plots_put_fitting(plots_sheet *s, const char *text, double x, double y, double em, const char *how) {
    char *line = NULL;
    size_t n = 0;
    limn_status status = plots_wrap(&line, &n, 1, text, em);
    if (status == LIMN_OK && n) plots_put_text(s, line, x, y, how);
    free(line);
    return status;
}

void plots_put_circle(plots_sheet *s, double x, double y, double mm, uint32_t rgb) {
    plots_put(&s->setup, "set object circle at first %.9g,%.9g size first %.9g fc rgb '#%06x' fs solid noborder\n",
              plots_x(s, x), plots_y(s, y), plots_x(s, mm / 20) - s->x_min, (unsigned)rgb);
}

void plots_put_font(plots_sheet *s, const limn_figure *f, const char *variable, double scale) {
    plots_put(&s->setup, "%s = gprintf('%s,%%g', %g*font_size)\n", variable, f->font ? f->font : "DejaVu Sans", scale);
}
