/* A chart's frame: see axis.h. Numbers stand at whole steps, so that a reader sees where a step is; the lines are data
 * coordinates of the first axes, the texts stand in cm. */
#include "plots/axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

static const char LINE[] = "nohead back lw .3 lc rgb '#cccccc'";

void plots_number(char out[PLOTS_NUMBER], double v) {
    snprintf(out, PLOTS_NUMBER, "%s%.6g", v < 0 ? "−" : "", fabs(v));
}

double plots_round_step(double range) {
    static const double times[] = {5, 2.5, 2};
    double power = pow(10, floor(log10(range / 3)));
    for (size_t i = 0; i < COUNT_OF(times); i++)
        if (times[i] * power * 3 <= range * (1 + 1e-9)) return times[i] * power;
    return power;
}

plots_axis plots_axis_of(double lo, double hi) {
    if (!(hi - lo > 1e-12 * fmax(fabs(lo), fabs(hi)))) { /* one value: it stands in the middle */
        double half = lo != 0 ? fabs(lo) / 2 : .5;
        lo -= half;
        hi += half;
    }
    double step = plots_round_step(hi - lo);
    return (plots_axis){step * floor(lo / step + 1e-9), step * ceil(hi / step - 1e-9), step};
}

void plots_frame_scale(plots_frame *f) {
    plots_sheet *s = f->sheet;
    double x = (f->x.hi - f->x.lo) / (f->right - f->left), y = (f->y.hi - f->y.lo) / (f->top - f->bottom);
    s->x_min = f->x.lo - x * f->left;
    s->x_max = s->x_min + x * s->width;
    s->y_bottom = f->y.lo - y * f->bottom;
    s->y_top = s->y_bottom + y * s->height;
}

static size_t steps(const plots_axis *a) {
    return (size_t)((a->hi - a->lo) / a->step + .5);
}

static double at(const plots_axis *a, size_t i) {
    double v = a->lo + (double)i * a->step;
    return fabs(v) < 1e-9 * a->step ? 0 : v;
}

static void put_line(plots_frame *f, double x0, double y0, double x1, double y1) {
    plots_put(&f->sheet->setup, "set arrow from first %.9g,%.9g to first %.9g,%.9g %s\n", x0, y0, x1, y1, LINE);
}

limn_status plots_frame_x(plots_frame *f, const char *title) {
    limn_status status = LIMN_OK;
    double middle = (f->left + f->right) / 2, per = (f->right - f->left) / (f->x.hi - f->x.lo);
    for (size_t i = 0; i <= steps(&f->x); i++) {
        char number[PLOTS_NUMBER];
        double v = at(&f->x, i);
        put_line(f, v, f->y.lo, v, f->y.hi);
        plots_number(number, v);
        plots_put_text(f->sheet, number, f->left + (v - f->x.lo) * per, f->bottom - .6 * f->line, "center");
    }
    if (title && *title)
        TRY(plots_put_fitting(f->sheet, title, middle, f->bottom - 1.6 * f->line,
                              2 * fmin(middle, f->sheet->width - middle) / f->font, "center"));
done:
    return status;
}

double plots_frame_numbers(const plots_frame *f) {
    double widest = 0;
    for (size_t i = 0; i <= steps(&f->y); i++) {
        char number[PLOTS_NUMBER];
        plots_number(number, at(&f->y, i));
        widest = fmax(widest, plots_text_width(number) * f->font);
    }
    return widest;
}

limn_status plots_frame_y(plots_frame *f, const char *title) {
    limn_status status = LIMN_OK;
    double per = (f->top - f->bottom) / (f->y.hi - f->y.lo);
    for (size_t i = 0; i <= steps(&f->y); i++) {
        char number[PLOTS_NUMBER];
        double v = at(&f->y, i);
        put_line(f, f->x.lo, v, f->x.hi, v);
        plots_number(number, v);
        plots_put_text(f->sheet, number, f->left - .1, f->bottom + (v - f->y.lo) * per, "right");
    }
    if (title && *title)
        TRY(plots_put_fitting(f->sheet, title, f->left - .2 - plots_frame_numbers(f) - .6 * f->line,
                              (f->bottom + f->top) / 2, (f->top - f->bottom) / f->font, "center rotate by 90"));
done:
    return status;
}

limn_status plots_frame_title(plots_frame *f, const limn_figure *figure) {
    plots_sheet *s = f->sheet;
    if (!figure->title || !*figure->title) return LIMN_OK;
    double size = 1.15 * f->font, margin = .1, width = plots_text_width(figure->title) * size;
    double middle = width <= f->right - f->left ? (f->left + f->right) / 2 : s->width / 2;
    plots_put_font(s, figure, "title_font", 1.15);
    return plots_put_fitting(s, figure->title, middle, f->top + .85 * f->line, (s->width - 2 * margin) / size,
                             "center font title_font");
}
