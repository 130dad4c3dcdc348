/* A matrix of named rows and columns: see charts.h.
 *
 *   1. the scale of colours: from the least shade to the largest, zero included where all are on one side of it;
 *      [-m, m] in a diverging palette;
 *   2. the layout in cm, y down: title, the rows' names on the left, square cells, the columns' names below (upright
 *      where one is wider than a cell), the colour bar;
 *   3. numbers in the cells, as many decimals as fit, black or white, whichever is farther from the cell's colour; zeros
 *      are pale, for they are what a reader passes over.
 * gp/NAME.bin holds RGB bytes: each cell as 2 x 2 pixels, then the colour bar. */
#include "plots/charts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "plots/axis.h"
#include "plots/palette.h"

enum { BAR_STEPS = 256, BAR_ROWS = 8, WIDE = 12 /* columns that need the wide page */ };
static const double COLUMN = 8.5, PAGE = 17.6, EDGE = .1, GAP = .1, BAR = .22, MOST_CELL = 1.6; /* cm */
static const double MOST_NAMES = .35;   /* of the width, the most that the rows' names take */
static const double LEAST_NUMBER = 4.5; /* pt: smaller numbers are not written */

typedef struct {
    const limn_matrix *spec;
    const limn_palette *palette;
    double lo, hi; /* of the colours */
    double font, line;
    double names, foot;     /* cm: width of the rows' names, height of the columns' */
    double left, top, cell; /* cm from the left and from the top */
    int upright;            /* the columns' names */
    plots_sheet sheet;
    unsigned char *rgb;
} matrix;

static const double *shades(const matrix *m) {
    return m->spec->shade ? m->spec->shade : m->spec->value;
}

static limn_status check(matrix *m) {
    const limn_matrix *s = m->spec;
    const char *name = s->palette && strcmp(s->palette, "auto") != 0 ? s->palette : NULL;
    limn_status status = LIMN_OK;
    TRY(limn_figure_check(&s->figure));
    if (s->rows == 0 || s->columns == 0)
        FAIL(LIMN_EINPUT, "figure %s: a matrix needs rows and columns", s->figure.name);
    if (s->rows > LIMN_MATRIX_SIDE || s->columns > LIMN_MATRIX_SIDE)
        FAIL(LIMN_EINPUT, "figure %s: %zu x %zu cells are too many to read (at most %d x %d)", s->figure.name, s->rows,
             s->columns, LIMN_MATRIX_SIDE, LIMN_MATRIX_SIDE);
    double lo = INFINITY, hi = -INFINITY;
    for (size_t i = 0; i < s->rows * s->columns; i++) {
        double v = shades(m)[i];
        if (!isfinite(v)) continue;
        lo = fmin(lo, v);
        hi = fmax(hi, v);
    }
    if (lo > hi) lo = 0, hi = 1;
    m->palette = limn_palette_find(name ? name : lo < 0 ? "diverging" : "blue");
    if (!m->palette) FAIL(LIMN_EINPUT, "figure %s: no palette '%.40s'", s->figure.name, name);
    m->lo = m->palette->diverging ? -fmax(fabs(lo), fabs(hi)) : fmin(lo, 0);
    m->hi = m->palette->diverging ? -m->lo : fmax(hi, 0);
    if (!(m->hi > m->lo)) m->hi = m->lo + 1;
done:
    return status;
}

static double widest(const matrix *m, const char *const *name, size_t n) {
    double most = 0;
    for (size_t i = 0; i < n; i++) most = fmax(most, plots_text_width(name[i]) * m->font);
    return most;
}

static limn_status lay_out(matrix *m) {
    const limn_matrix *s = m->spec;
    const limn_figure *f = &s->figure;
    limn_status status = LIMN_OK;
    double width = f->width > 0 ? f->width : s->columns > WIDE ? PAGE : COLUMN;
    double title = f->title && *f->title ? 1.7 * m->line : EDGE;
    m->names = fmin(widest(m, s->row_name, s->rows), MOST_NAMES * width);
    m->left = EDGE + (s->row_title ? m->line : 0) + m->names + GAP;
    m->top = title;
    double cell = fmin((width - m->left - EDGE) / (double)s->columns, MOST_CELL);
    double columns = widest(m, s->column_name, s->columns);
    m->upright = columns > cell - .05;
    m->foot = m->upright ? fmin(columns, MOST_NAMES * width) + GAP : m->line;
    double below = m->foot + (s->column_title ? m->line : 0) + BAR + .25 + (s->shade_title ? 2.4 : 1.3) * m->line;
    if (f->height > 0) cell = fmin(cell, (f->height - m->top - below) / (double)s->rows);
    if (!(cell > .03))
        FAIL(LIMN_EINPUT, "figure %s: %g cm leave no room for %zu x %zu cells beside their names", f->name, width,
             s->rows, s->columns);
    m->cell = cell;
    plots_sheet *sheet = &m->sheet;
    sheet->width = f->width > 0 ? f->width : m->left + cell * (double)s->columns + EDGE;
    sheet->width = fmax(sheet->width, fmin(width, .8 * COLUMN));
    m->left += fmax(0, (sheet->width - m->left - EDGE - cell * (double)s->columns) / 2);
    sheet->height = f->height > 0 ? f->height : m->top + cell * (double)s->rows + below;
    sheet->x_max = sheet->width; /* units are cm, y down */
    sheet->y_bottom = sheet->height;
done:
    return status;
}

static uint32_t shade_rgb(const matrix *m, double v) {
    return limn_palette_rgb(m->palette, isfinite(v) ? (v - m->lo) / (m->hi - m->lo) : NAN);
}

static limn_status colour(matrix *m) {
    const limn_matrix *s = m->spec;
    limn_status status = LIMN_OK;
    size_t w = 2 * s->columns, cells = 2 * s->rows * w;
    TRY(limn_new(&m->rgb, (cells + BAR_STEPS * BAR_ROWS) * 3, 1));
    for (size_t i = 0; i < cells + BAR_STEPS * BAR_ROWS; i++) {
        uint32_t rgb = i < cells ? shade_rgb(m, shades(m)[i / w / 2 * s->columns + i % w / 2])
                                 : limn_palette_rgb(m->palette, (double)((i - cells) % BAR_STEPS) / (BAR_STEPS - 1));
        for (size_t c = 0; c < 3; c++) m->rgb[3 * i + c] = (unsigned char)(rgb >> (16 - 8 * c) & 255);
    }
    m->sheet.data = m->rgb;
    m->sheet.bytes = (cells + BAR_STEPS * BAR_ROWS) * 3;
done:
    return status;
}

/* A text at cm from the left and from the top, cut to `cm`. */
static limn_status put(matrix *m, const char *text, double x, double y, double cm, const char *how) {
    return plots_put_fitting(&m->sheet, text, x, m->sheet.height - y, cm / m->font, how);
}

static limn_status put_names(matrix *m) {
    const limn_matrix *s = m->spec;
    limn_status status = LIMN_OK;
    double bottom = m->top + m->cell * (double)s->rows, right = m->left + m->cell * (double)s->columns;
    double room = m->names + .02;
    for (size_t i = 0; i < s->rows && m->cell >= .8 * m->font; i++)
        TRY(put(m, s->row_name[i], m->left - GAP, m->top + ((double)i + .5) * m->cell, room, "right"));
    for (size_t j = 0; j < s->columns && m->cell >= .8 * m->font; j++) {
        double x = m->left + ((double)j + .5) * m->cell;
        if (m->upright)
            TRY(put(m, s->column_name[j], x, bottom + GAP, m->foot, "right rotate by 90"));
        else
            TRY(put(m, s->column_name[j], x, bottom + .6 * m->line, m->cell, "center"));
    }
    if (s->row_title)
        TRY(put(m, s->row_title, m->left - GAP - m->names - .6 * m->line, (m->top + bottom) / 2, bottom - m->top,
                "center rotate by 90"));
    if (s->column_title)
        TRY(put(m, s->column_title, (m->left + right) / 2, bottom + m->foot + .6 * m->line, m->sheet.width, "center"));
done:
    return status;
}

/* 1 where all numbers are whole: counts. */
static int whole(const matrix *m) {
    for (size_t i = 0; i < m->spec->rows * m->spec->columns; i++) {
        double v = m->spec->value[i];
        if (isfinite(v) && (v != floor(v) || fabs(v) >= 1e7)) return 0;
    }
    return 1;
}

static void number(char out[PLOTS_NUMBER], double v, int decimals) {
    snprintf(out, PLOTS_NUMBER, "%s%.*f", v < 0 ? "−" : "", decimals, fabs(v));
}

static void put_numbers(matrix *m) {
    const limn_matrix *s = m->spec;
    const double *shade = shades(m);
    char text[PLOTS_NUMBER];
    for (int decimals = whole(m) ? 0 : 2; decimals >= 0; decimals--) {
        double most = 0;
        for (size_t i = 0; i < s->rows * s->columns; i++) {
            if (!isfinite(s->value[i])) continue;
            number(text, s->value[i], decimals);
            most = fmax(most, plots_text_width(text));
        }
        double scale = fmin(1, .88 * m->cell / fmax(most * m->font, 1e-9));
        if (scale * plots_font_size(&s->figure) < LEAST_NUMBER) continue;
        plots_put_font(&m->sheet, &s->figure, "number_font", scale);
        for (size_t i = 0; i < s->rows * s->columns; i++) {
            if (!isfinite(s->value[i])) continue;
            uint32_t rgb = shade_rgb(m, shade[i]);
            double luma = .299 * (rgb >> 16 & 255) + .587 * (rgb >> 8 & 255) + .114 * (rgb & 255);
            char how[80];
            snprintf(how, sizeof how, "center front font number_font tc rgb '%s'",
                     s->value[i] == 0 && shade[i] == 0 ? "#888888"
                     : luma < 140                      ? "white"
                                                       : "black");
            number(text, s->value[i], decimals);
            plots_put_text(&m->sheet, text, m->left + ((double)(i % s->columns) + .5) * m->cell,
                           m->sheet.height - m->top - ((double)(i / s->columns) + .5) * m->cell, how);
        }
        return;
    }
}

static limn_status put_bar(matrix *m, double *x, double *y, double *width) {
    const limn_matrix *s = m->spec;
    limn_status status = LIMN_OK;
    double right = m->left + m->cell * (double)s->columns;
    *width = fmin(fmax(right - m->left, 3), m->sheet.width - 2 * EDGE - 1) * .8;
    *x = fmax(EDGE + .3, (m->left + right - *width) / 2);
    if (*x + *width > m->sheet.width - .5) *x = m->sheet.width - .5 - *width;
    *y = m->top + m->cell * (double)s->rows + m->foot + (s->column_title ? m->line : 0) + .2;
    double step = plots_round_step(m->hi - m->lo);
    for (double k = ceil(m->lo / step - 1e-6); k <= m->hi / step + 1e-6; k++) {
        char text[PLOTS_NUMBER];
        plots_number(text, k == 0 ? 0 : k * step);
        plots_put_text(&m->sheet, text, *x + *width * (k * step - m->lo) / (m->hi - m->lo),
                       m->sheet.height - *y - BAR - .6 * m->line, "center");
    }
    if (s->shade_title)
        TRY(put(m, s->shade_title, m->sheet.width / 2, *y + BAR + 1.65 * m->line, m->sheet.width - 2 * EDGE, "center"));
done:
    return status;
}

/* On a white ground nobody sees where a white cell ends. */
static void put_border(matrix *m, double x, double y, double w, double h) {
    plots_put(
        &m->sheet.setup,
        "set object rectangle from first %.9g,%.9g to first %.9g,%.9g front fs empty border rgb '#999999' lw .5\n", x,
        y, x + w, y + h);
}

static limn_status compose(matrix *m) {
    const limn_matrix *s = m->spec;
    limn_status status = LIMN_OK;
    plots_frame frame = {.sheet = &m->sheet,
                         .left = m->left,
                         .right = m->left + m->cell * (double)s->columns,
                         .font = m->font,
                         .line = m->line};
    double x, y, width;
    frame.top = m->sheet.height - m->top;
    TRY(put_names(m));
    put_numbers(m);
    TRY(put_bar(m, &x, &y, &width));
    TRY(plots_frame_title(&frame, &s->figure));
    put_border(m, m->left, m->top, m->cell * (double)s->columns, m->cell * (double)s->rows);
    put_border(m, x, y, width, BAR);
    plots_put(&m->sheet.plot,
              "plot data_file binary array=(%zu,%zu) format='%%uchar' dx=%.9g dy=%.9g origin=(%.9g,%.9g) using 1:2:3 "
              "with rgbimage title 'cells', \\\n     ",
              2 * s->columns, 2 * s->rows, m->cell / 2, m->cell / 2, m->left + m->cell / 4, m->top + m->cell / 4);
    plots_put(&m->sheet.plot,
              "data_file binary skip=%zu array=(%d,%d) format='%%uchar' dx=%.9g dy=%.9g origin=(%.9g,%.9g) using 1:2:3 "
              "with rgbimage title 'bar'",
              12 * s->rows * s->columns, BAR_STEPS, BAR_ROWS, width / BAR_STEPS, BAR / BAR_ROWS,
              x + width / BAR_STEPS / 2, y + BAR / BAR_ROWS / 2);
done:
    return status;
}

limn_status limn_plot_matrix(const limn_matrix *spec) {
    limn_status status = LIMN_OK;
    matrix m = {.spec = spec};
    plots_numbers old = plots_numbers_begin();
    m.font = plots_font_size(&spec->figure) * 2.54 / 72;
    m.line = 1.4 * m.font;
    TRY(check(&m));
    TRY(lay_out(&m));
    TRY(colour(&m));
    TRY(compose(&m));
    TRY(plots_draw(&spec->figure, &m.sheet));
done:
    free(m.rgb);
    free(m.sheet.setup.text);
    free(m.sheet.plot.text);
    plots_numbers_end(old);
    return status;
}
