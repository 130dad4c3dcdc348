/* A map of points: see scatter.h.
 *
 *   1. points are put into groups, drawn one over the other: gray (no class, no value), the rest in an order shuffled
 * by the seed so that no class hides another, and at last the wrong ones;
 *   2. the layout in cm: title above, axis labels, legend on the right, or below where it would leave the map too
 *      little room, colour bar or key below, what is left is the map's rectangle;
 *   3. ranges: the same number of units per cm on both axes, the data in the middle;
 *   4. names at class medians (coordinate-wise median, then the class's point nearest to it), moved apart.
 * gp/NAME.bin holds records of three float32: x, y, and the colour's index or the value, in drawing order. */
#include "plots/scatter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/try.h"
#include "plots/axis.h"
#include "plots/labels.h"
#include "plots/palette.h"
#include "plots/sheet.h"

enum { NAME_LENGTH = 24, RECORD = 12 };

/* ---- the points -------------------------------------------------------------------------------------------------- */
enum { GRAY, MAIN, WRONG, GROUPS };
enum { PLAIN_RGB = 0x0072b2, RIGHT_RGB = 0x9db8d2, WRONG_RGB = 0xd7191c, BAR_STEPS = 256, BAR_ROWS = 8 };

typedef struct {
    const limn_scatter *spec;
    const limn_scatter_colour *colour;
    const limn_palette *palette;
    float *record;        /* (n, 3) in drawing order */
    size_t count[GROUPS]; /* drawn group after group */
    double lo[2], hi[2];  /* extent */
    double value_lo, value_hi;
    /* layout, cm from the left and from the bottom */
    double left, right, bottom, top; /* the map's frame */
    double font, line;               /* a font's size, a line of text */
    char **name;                     /* (n_names) class names, cleaned, and cut where the legend is narrow */
    size_t n_names;
    size_t legend_rows, legend_columns;
    double legend, legend_column; /* widths */
    int on_map, in_legend, legend_below;
    double point, opacity; /* mm; 0 … 1 */
    double units;          /* data units a cm */
    plots_sheet sheet;
} scatter;

static double coordinate(const limn_scatter *s, size_t i, int axis) {
    return s->xy[i * (size_t)(s->dims ? s->dims : 2) + (size_t)axis];
}

static int class_of(const scatter *p, size_t i) {
    int c = p->spec->class_of[i];
    return c >= 0 && (size_t)c < p->spec->n_classes ? c : -1;
}

static int group_of(const scatter *p, size_t i) {
    switch (p->colour->kind) {
    case LIMN_COLOUR_CLASS:
        return class_of(p, i) < 0 ? GRAY : MAIN;
    case LIMN_COLOUR_VALUE:
        return isfinite(p->spec->value[i]) ? MAIN : GRAY;
    case LIMN_COLOUR_CORRECT:
        return p->spec->wrong[i] ? WRONG : MAIN;
    default:
        return MAIN;
    }
}

static limn_status check(scatter *p) {
    const limn_scatter *s = p->spec;
    static const limn_scatter_colour plain = {"none", LIMN_COLOUR_NONE, NULL, NULL, NAN, NAN, ""};
    const char *palette = s->palette && strcmp(s->palette, "auto") != 0 ? s->palette : NULL;
    limn_status status = limn_figure_check(&s->figure);
    if (status != LIMN_OK) return status;
    p->colour = s->colour ? s->colour : &plain;
    if (s->n == 0) return limn_fail(LIMN_EINPUT, "figure %s: there are no points to draw", s->figure.name);
    if (s->dims != 0 && s->dims < 2)
        return limn_fail(LIMN_EINPUT, "figure %s: a map needs two dimensions", s->figure.name);
    if (!(s->point_mm >= 0 && s->point_mm <= 20) || !(s->opacity >= 0 && s->opacity <= 1))
        return limn_fail(LIMN_EINPUT, "figure %s: a point's diameter is from 0 to 20 mm, its opacity from 0 to 1",
                         s->figure.name);
    static const char *const wants[] = {"", "classes", "values", "right and wrong"};
    const void *has[] = {s, s->class_of, s->value, s->wrong};
    if (!has[p->colour->kind])
        return limn_fail(LIMN_EINPUT, "figure %s: colour '%s' needs %s", s->figure.name, p->colour->name,
                         wants[p->colour->kind]);
    if (p->colour->kind == LIMN_COLOUR_VALUE) {
        p->palette = limn_palette_find(palette ? palette : p->colour->palette);
        if (!p->palette)
            return limn_fail(LIMN_EINPUT, "figure %s: no palette '%.40s'", s->figure.name,
                             palette              ? palette
                             : p->colour->palette ? p->colour->palette
                                                  : "");
    }
    for (size_t i = 0; i < s->n; i++)
        if (!isfinite(coordinate(s, i, 0)) || !isfinite(coordinate(s, i, 1)))
            return limn_fail(LIMN_EFAIL, "figure %s: point %zu is not finite", s->figure.name, i);
    return LIMN_OK;
}

/* Fills `record`: group after group, shuffled within each. */
static limn_status order_points(scatter *p) {
    const limn_scatter *s = p->spec;
    limn_status status = LIMN_OK;
    size_t *order = NULL, next[GROUPS] = {0};
    limn_rng r = limn_rng_stream(s->seed, LIMN_RNG_PLOT_ORDER, 0);
    TRY(limn_new(&order, s->n, sizeof *order));
    TRY(limn_new(&p->record, 2 * s->n + BAR_ROWS * BAR_STEPS, RECORD)); /* room for the colour bar and rings */
    for (size_t i = 0; i < s->n; i++) {
        order[i] = i;
        p->count[group_of(p, i)]++;
    }
    limn_rng_shuffle(&r, order, s->n);
    for (int g = 1; g < GROUPS; g++) next[g] = next[g - 1] + p->count[g - 1];
    for (size_t k = 0; k < s->n; k++) {
        size_t i = order[k];
        float *record = p->record + 3 * next[group_of(p, i)]++;
        record[0] = (float)coordinate(s, i, 0);
        record[1] = (float)coordinate(s, i, 1);
        if (p->colour->kind == LIMN_COLOUR_CLASS && class_of(p, i) >= 0)
            record[2] = (float)(class_of(p, i) % LIMN_CLASS_COLOURS + 1);
        else if (p->colour->kind == LIMN_COLOUR_VALUE && isfinite(s->value[i]))
            record[2] = (float)s->value[i];
    }
done:
    free(order);
    return status;
}

static void find_extent(scatter *p) {
    const limn_scatter *s = p->spec;
    for (int axis = 0; axis < 2; axis++) {
        p->lo[axis] = p->hi[axis] = coordinate(s, 0, axis);
        for (size_t i = 1; i < s->n; i++) {
            p->lo[axis] = fmin(p->lo[axis], coordinate(s, i, axis));
            p->hi[axis] = fmax(p->hi[axis], coordinate(s, i, axis));
        }
    }
    if (p->colour->kind != LIMN_COLOUR_VALUE) return;
    double lo = INFINITY, hi = -INFINITY;
    for (size_t i = 0; i < s->n; i++) {
        if (!isfinite(s->value[i])) continue;
        lo = fmin(lo, s->value[i]);
        hi = fmax(hi, s->value[i]);
    }
    if (!isnan(p->colour->lo)) lo = fmin(p->colour->lo, lo); /* never cuts the data */
    if (!isnan(p->colour->hi)) hi = fmax(p->colour->hi, hi);
    if (p->palette->diverging) {
        hi = fmax(fabs(lo), fabs(hi));
        lo = -hi;
    }
    if (!isfinite(lo) || !isfinite(hi)) lo = 0, hi = 1;
    if (hi - lo <= 1e-12 * fmax(fabs(lo), fabs(hi))) hi = lo + fmax(1e-6, fabs(lo) * 1e-6);
    p->value_lo = lo;
    p->value_hi = hi;
}

/* ---- the layout -------------------------------------------------------------------------------------------------- */
/* Names chosen by themselves: the most classes, and the least points a class, which a name would hide. */
enum { AUTO_NAMES = 40, AUTO_POINTS = 10 };
static const double AUTO_COVER = .25; /* of the map, the most that names chosen by themselves may lie on */
static const double WIDTH = 8.5, EDGE = .1, MARKER = .36, BAR = .22; /* cm; a column of a paper is 8.5 wide */
static const double NAME_SCALE = 1.15;                               /* font of class names on the map */

static limn_status make_names(scatter *p, size_t length) {
    const limn_scatter *s = p->spec;
    limn_status status = LIMN_OK;
    if (!p->name) {
        p->n_names = s->n_classes + (p->count[GRAY] > 0);
        TRY(limn_new(&p->name, p->n_names, sizeof *p->name));
    }
    for (size_t c = 0; c < p->n_names; c++) {
        free(p->name[c]);
        p->name[c] = NULL;
        if (c == s->n_classes)
            TRY(limn_strdup(&p->name[c], "no class"));
        else if (s->class_name && s->class_name[c])
            TRY(plots_clean(&p->name[c], s->class_name[c], length));
        else
            TRY(limn_format(&p->name[c], "%zu", c));
    }
done:
    return status;
}

/* Columns and rows of a legend that may be so wide, or so tall (the other is 0), in cm. */
static void measure_legend(scatter *p, double width, double height) {
    double widest = 0;
    size_t n = p->n_names;
    for (size_t c = 0; c < n; c++) widest = fmax(widest, plots_text_width(p->name[c]) * p->font);
    p->legend_column = MARKER + widest + .15;
    size_t rows = (size_t)fmax(1, floor(height / p->line) - (p->colour->title != NULL));
    p->legend_columns = width > 0 ? (size_t)fmax(1, floor(width / p->legend_column)) : (n + rows - 1) / rows;
    p->legend_rows = (n + p->legend_columns - 1) / p->legend_columns;
    p->legend = .1 + (double)p->legend_columns * p->legend_column;
    if (p->colour->title) p->legend = fmax(p->legend, .25 + plots_text_width(p->colour->title) * p->font);
}

static double legend_height(const scatter *p) {
    return (double)(p->legend_rows + (p->colour->title != NULL)) * p->line;
}

/* Share of the map that names at the medians would lie on. */
static double cover_of_names(const scatter *p) {
    double area = 0, side = p->spec->figure.width > 0 ? p->spec->figure.width : WIDTH;
    for (size_t c = 0; c < p->spec->n_classes; c++) area += plots_text_width(p->name[c]);
    return 1.15 * area * NAME_SCALE * NAME_SCALE * p->font * p->font / (side * side);
}

static limn_status choose_names(scatter *p) {
    const limn_scatter *s = p->spec;
    limn_status status = LIMN_OK;
    if (p->colour->kind != LIMN_COLOUR_CLASS) return LIMN_OK;
    p->on_map = s->names == LIMN_NAMES_MEDIAN || s->names == LIMN_NAMES_BOTH;
    p->in_legend = s->names == LIMN_NAMES_LEGEND || s->names == LIMN_NAMES_BOTH;
    TRY(make_names(p, NAME_LENGTH));
    if (s->names == LIMN_NAMES_AUTO && s->n_classes <= AUTO_NAMES) {
        p->on_map = cover_of_names(p) <= AUTO_COVER && s->n >= AUTO_POINTS * s->n_classes;
        p->in_legend = !p->on_map;
    }
done:
    return status;
}

/* Where no legend says what gray means, a line under the map does. */
static int has_gray_note(const scatter *p) {
    return p->colour->kind == LIMN_COLOUR_CLASS && !p->in_legend && p->count[GRAY] > 0;
}

/* The legend's place and size. On the right it may be as wide as the map; where that is too little it goes below the
 * map, and where the height is given too, names are cut. `above` and `below`: what else stands there. */
static limn_status place_legend(scatter *p, double above, double below) {
    const limn_figure *f = &p->spec->figure;
    limn_status status = LIMN_OK;
    double width = p->sheet.width, most = width / 2, height = f->height > 0 ? f->height - above - below : .75 * width;
    measure_legend(p, 0, height);
    if (p->legend <= most) goto done;
    if (f->height <= 0) {
        p->legend_below = 1;
        measure_legend(p, width - 2 * EDGE, 0);
    }
    for (size_t length = NAME_LENGTH; !p->legend_below && p->legend > most && length > 4; length -= 2) {
        TRY(make_names(p, length));
        measure_legend(p, 0, height);
    }
done:
    return status;
}

/* Sizes of the picture and of the map's rectangle. */
static limn_status lay_out(scatter *p) {
    const limn_scatter *s = p->spec;
    const limn_figure *f = &s->figure;
    plots_sheet *sheet = &p->sheet;
    limn_status status = LIMN_OK;
    double above = f->title && *f->title ? 1.7 * p->line : EDGE, below = EDGE, left = EDGE, right = EDGE, tall = 0;
    if (s->x_label) below += p->line;
    if (s->y_label) left += p->line;
    if (p->colour->kind == LIMN_COLOUR_VALUE) below += BAR + .1 + 2.3 * p->line;
    if (p->colour->kind == LIMN_COLOUR_CORRECT || has_gray_note(p)) below += 1.2 * p->line;
    sheet->width = f->width > 0 ? f->width : WIDTH;
    if (p->in_legend) TRY(place_legend(p, above, below));
    if (p->legend_below)
        below += .2 + legend_height(p);
    else if (p->in_legend) {
        right += p->legend;
        tall = legend_height(p);
    }
    p->left = left;
    p->right = sheet->width - right;
    sheet->height = f->height > 0 ? f->height : above + below + fmax(p->right - p->left, tall);
    p->bottom = below;
    p->top = sheet->height - above;
    if (p->right - p->left < 1 || p->top - p->bottom < 1)
        FAIL(LIMN_EINPUT, "figure %s: %g x %g cm leave no room for the map beside its legend", f->name, sheet->width,
             sheet->height);
done:
    return status;
}

/* The same scale on both axes, the data in the middle of the frame, room for a point's radius. Sizes of points from n.
 */
static void scale(scatter *p) {
    plots_sheet *sheet = &p->sheet;
    double w = p->right - p->left, h = p->top - p->bottom, n = (double)p->spec->n;
    p->point = p->spec->point_mm > 0 ? p->spec->point_mm : fmin(1.6, fmax(.2, .68 * sqrt(100 * w * h / n)));
    p->opacity = p->spec->opacity > 0 ? p->spec->opacity : fmin(.9, fmax(.5, 1.4 - .17 * log10(n)));
    double room = .03 * fmin(w, h) + p->point / 10;
    double units = fmax((p->hi[0] - p->lo[0]) / (w - 2 * room), (p->hi[1] - p->lo[1]) / (h - 2 * room));
    if (!(units > 0)) units = 1 / w;
    p->units = units;
    sheet->x_min = (p->lo[0] + p->hi[0]) / 2 - units * (p->left + w / 2);
    sheet->x_max = sheet->x_min + units * sheet->width;
    sheet->y_bottom = (p->lo[1] + p->hi[1]) / 2 - units * (p->bottom + h / 2);
    sheet->y_top = sheet->y_bottom + units * sheet->height;
}

/* ---- the script -------------------------------------------------------------------------------------------------- */
static limn_status put_frame(scatter *p) {
    const limn_scatter *spec = p->spec;
    const limn_figure *f = &spec->figure;
    plots_sheet *s = &p->sheet;
    limn_status status = LIMN_OK;
    double w = (p->right - p->left) / p->font, h = (p->top - p->bottom) / p->font; /* em */
    double x = (p->left + p->right) / 2, y = (p->bottom + p->top) / 2;
    plots_put(
        &s->setup,
        "set object rectangle from first %.9g,%.9g to first %.9g,%.9g behind fs empty border rgb '#999999' lw .5\n",
        plots_x(s, p->left), plots_y(s, p->bottom), plots_x(s, p->right), plots_y(s, p->top));
    if (f->title && *f->title) {
        plots_put_font(s, f, "title_font", 1.15);
        double size = 1.15 * p->font,
               room = s->width - 2 * EDGE; /* over the map, or over all where that is too narrow */
        double middle = plots_text_width(f->title) * size <= p->right - p->left ? x : s->width / 2;
        TRY(plots_put_fitting(s, f->title, middle, p->top + .85 * p->line, room / size, "center font title_font"));
    }
    if (spec->x_label) TRY(plots_put_fitting(s, spec->x_label, x, p->bottom - .6 * p->line, w, "center"));
    if (spec->y_label) TRY(plots_put_fitting(s, spec->y_label, p->left - .6 * p->line, y, h, "center rotate by 90"));
done:
    return status;
}

static void put_legend(scatter *p) {
    plots_sheet *s = &p->sheet;
    double x0 = p->legend_below ? EDGE : p->right + .15;
    double y = (p->legend_below ? EDGE + legend_height(p) : p->top) - .5 * p->line;
    plots_put(&s->setup, "# legend\n");
    if (p->colour->title) {
        plots_put_text(s, p->colour->title, x0, y, "left");
        y -= p->line;
    }
    for (size_t c = 0; c < p->n_names; c++) {
        double x = x0 + (double)(c / p->legend_rows) * p->legend_column;
        double row = y - (double)(c % p->legend_rows) * p->line;
        plots_put_circle(s, x + .12, row, 1.8, c < p->spec->n_classes ? limn_class_rgb((int)c) : LIMN_NO_VALUE);
        plots_put_text(s, p->name[c], x + .3, row, "left");
    }
}

static void put_key(scatter *p) { /* correct and wrong, with their numbers, under the map */
    static const struct {
        const char *word;
        int group;
        uint32_t rgb;
    } entry[] = {{"correct", MAIN, RIGHT_RGB}, {"wrong", WRONG, WRONG_RGB}};
    char text[2][64];
    double width = 0;
    for (int i = 0; i < 2; i++) {
        snprintf(text[i], sizeof text[i], "%s (%zu)", entry[i].word, p->count[entry[i].group]);
        width += .75 + plots_text_width(text[i]) * p->font;
    }
    double x = (p->left + p->right - width + .45) / 2;
    for (int i = 0; i < 2; i++) {
        plots_put_circle(&p->sheet, x + .1, .75 * p->line, 1.8, entry[i].rgb);
        plots_put_text(&p->sheet, text[i], x + .3, .75 * p->line, "left");
        x += .75 + plots_text_width(text[i]) * p->font;
    }
}

static void put_gray_note(scatter *p) {
    char text[64];
    snprintf(text, sizeof text, "gray: no class (%zu)", p->count[GRAY]);
    plots_put_text(&p->sheet, text, (p->left + p->right) / 2, .75 * p->line, "center");
}

/* The bar is an image through the same palette as the points: gnuplot's own colorbox is made of slices, between which a
 * PDF shows seams. Its values lie behind the points in the data. */
static limn_status put_colour_bar(scatter *p) {
    plots_sheet *s = &p->sheet;
    limn_status status = LIMN_OK;
    double w = p->right - p->left, x = p->left + .15 * w, y = EDGE + 2.2 * p->line;
    plots_put(&s->setup, "# palette and colour bar\nset palette defined (");
    for (size_t i = 0; i < p->palette->n_stops; i++)
        plots_put(&s->setup, "%s%.6g '#%06x'", i ? ", " : "", p->palette->stop[i].at,
                  (unsigned)p->palette->stop[i].rgb);
    plots_put(&s->setup, ")\nset cbrange [%.9g:%.9g]\nunset colorbox\n", p->value_lo, p->value_hi);
    double range = p->value_hi - p->value_lo, step = plots_round_step(range);
    for (double k = ceil(p->value_lo / step - 1e-6); k <= p->value_hi / step + 1e-6; k++) {
        char number[32];
        snprintf(number, sizeof number, "%.6g", k == 0 ? 0 : k * step);
        plots_put_text(s, number, x + .7 * w * (k * step - p->value_lo) / range, y - .6 * p->line, "center");
    }
    char title[200];
    snprintf(title, sizeof title, "%.150s%s", p->colour->title ? p->colour->title : p->colour->name,
             p->count[GRAY] ? "; gray: no value" : "");
    TRY(plots_put_fitting(s, title, p->left + w / 2, y - 1.65 * p->line, s->width / p->font, "center"));
    plots_put(
        &s->plot,
        "plot data_file binary skip=%zu array=(%d,%d) format='%%float' origin=(%.9g,%.9g) dx=%.9g dy=%.9g using 1 "
        "with image "
        "title 'bar', \\\n     ",
        p->spec->n * RECORD, BAR_STEPS, BAR_ROWS, plots_x(s, x + .35 * w / BAR_STEPS),
        plots_y(s, y + BAR / 2 / BAR_ROWS), .7 * w / BAR_STEPS * p->units, BAR / BAR_ROWS * p->units);
done:
    return status;
}

/* ---- names at medians -------------------------------------------------------------------------------------------- */
static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The point of class c nearest to the class's median, in data units. 0 where the class is empty. */
static int class_centre(const scatter *p, int c, double *room, double centre[2]) {
    const limn_scatter *s = p->spec;
    centre[0] = centre[1] = 0;
    size_t n = 0;
    double median[2], best = INFINITY;
    for (int axis = 0; axis < 2; axis++) {
        n = 0;
        for (size_t i = 0; i < s->n; i++)
            if (s->class_of[i] == c) room[n++] = coordinate(s, i, axis);
        if (n == 0) return 0;
        qsort(room, n, sizeof *room, by_value);
        median[axis] = (room[(n - 1) / 2] + room[n / 2]) / 2;
    }
    for (size_t i = 0; i < s->n; i++) {
        if (s->class_of[i] != c) continue;
        double x = coordinate(s, i, 0), y = coordinate(s, i, 1);
        double d = (x - median[0]) * (x - median[0]) + (y - median[1]) * (y - median[1]);
        if (d < best) {
            best = d;
            centre[0] = x;
            centre[1] = y;
        }
    }
    return 1;
}

static limn_status put_names(scatter *p) {
    plots_sheet *s = &p->sheet;
    limn_status status = LIMN_OK;
    size_t n = 0, *of = NULL;
    plots_box *box = NULL;
    double *room = NULL;
    double font = NAME_SCALE * p->font;
    TRY(limn_new(&box, p->spec->n_classes, sizeof *box));
    TRY(limn_new(&of, p->spec->n_classes, sizeof *of));
    TRY(limn_new(&room, p->spec->n, sizeof *room));
    for (size_t c = 0; c < p->spec->n_classes; c++) {
        double centre[2];
        if (!class_centre(p, (int)c, room, centre)) continue;
        plots_box *b = &box[n];
        b->x = b->anchor_x = (centre[0] - s->x_min) / p->units;
        b->y = b->anchor_y = (centre[1] - s->y_bottom) / p->units;
        b->w = plots_text_width(p->name[c]) * font + .1;
        b->h = 1.15 * font;
        of[n++] = c;
    }
    plots_place_boxes(box, n, p->left, p->right, p->bottom, p->top);
    plots_put(&s->setup, "# class names, with a halo\n");
    plots_put_font(s, &p->spec->figure, "name_font", NAME_SCALE);
    for (size_t i = 0; i < n; i++) {
        const plots_box *b = &box[i];
        if (fabs(b->y - b->anchor_y) > b->h || fabs(b->x - b->anchor_x) > b->w / 2 + .1) /* a leader line */
            plots_put(&s->setup,
                      "set arrow from first %.9g,%.9g to first %.9g,%.9g nohead front lw .5 lc rgb '#444444'\n",
                      plots_x(s, b->anchor_x), plots_y(s, b->anchor_y), plots_x(s, b->x), plots_y(s, b->y));
    }
    for (size_t i = 0; i < n; i++) plots_put_haloed(s, p->name[of[i]], box[i].x, box[i].y, font);
done:
    free(box);
    free(of);
    free(room);
    return status;
}

/* ---- points in the script ---------------------------------------------------------------------------------------- */
static void put_points(scatter *p, int group, const char *using, const char *style, int *first) {
    size_t skip = 0;
    if (p->count[group] == 0) return;
    for (int g = 0; g < group; g++) skip += p->count[g] * RECORD;
    plots_put(
        &p->sheet.plot,
        "%sdata_file binary skip=%zu record=(%zu) format='%%float%%float%%float' using %s with points pt 7 lw 0 %s",
        *first                                                              ? "plot "
        : p->sheet.plot.n && p->sheet.plot.text[p->sheet.plot.n - 1] == ' ' ? ""
                                                                            : ", \\\n     ",
        skip, p->count[group], using, style);
    *first = 0;
}

static void put_plot(scatter *p) {
    int first = p->colour->kind != LIMN_COLOUR_VALUE; /* the colour bar comes first */
    plots_put(&p->sheet.setup, "# points: diameter in mm, opacity\npoint_mm = %.3g\nopacity = %.2g\n", p->point,
              p->opacity);
    plots_put(&p->sheet.setup, "alpha = int(255*(1-opacity)+.5) * 16777216\nnone_rgb = 0x%06x\n",
              (unsigned)LIMN_NO_VALUE);
    put_points(p, GRAY, "1:2", "ps point_mm*mm lc rgb none_rgb+alpha title 'none'", &first);
    switch (p->colour->kind) {
    case LIMN_COLOUR_CLASS:
        plots_put(&p->sheet.setup, "array colour[%d] = [", LIMN_CLASS_COLOURS);
        for (int c = 0; c < LIMN_CLASS_COLOURS; c++)
            plots_put(&p->sheet.setup, "%s0x%06x", c ? "," : "", (unsigned)limn_class_rgb(c));
        plots_put(&p->sheet.setup, "]\n");
        put_points(p, MAIN, "1:2:(colour[int($3)]+alpha)", "ps point_mm*mm lc rgb variable title 'points'", &first);
        break;
    case LIMN_COLOUR_VALUE: /* opaque: a mixed colour would be another value's */
        put_points(p, MAIN, "1:2:3", "ps point_mm*mm lc palette title 'points'", &first);
        break;
    case LIMN_COLOUR_CORRECT:
        plots_put(&p->sheet.setup, "wrong_mm = %.3g # the wrong ones\nright_rgb = 0x%06x; wrong_rgb = 0x%06x\n",
                  fmax(1.6 * p->point, fmin(1, 3 * p->point)), (unsigned)RIGHT_RGB, (unsigned)WRONG_RGB);
        put_points(p, MAIN, "1:2", "ps point_mm*mm lc rgb right_rgb+alpha title 'correct'", &first);
        put_points(p, WRONG, "1:2", "ps (wrong_mm+.2)*mm lc rgb 'white' title 'wrong'", &first);
        put_points(p, WRONG, "1:2", "ps wrong_mm*mm lc rgb wrong_rgb title 'wrong'", &first);
        break;
    default:
        plots_put(&p->sheet.setup, "plain_rgb = 0x%06x\n", (unsigned)PLAIN_RGB);
        put_points(p, MAIN, "1:2", "ps point_mm*mm lc rgb plain_rgb+alpha title 'points'", &first);
    }
}

/* Rings around some points; their places stand behind the colour bar's values. Their bytes. */
static size_t put_rings(scatter *p, size_t skip) {
    const limn_scatter *s = p->spec;
    float *ring = p->record + skip / sizeof *ring;
    size_t n = 0;
    for (size_t i = 0; s->ringed && i < s->n; i++) {
        if (!s->ringed[i]) continue;
        ring[3 * n] = (float)coordinate(s, i, 0);
        ring[3 * n++ + 1] = (float)coordinate(s, i, 1);
    }
    if (n > 0)
        plots_put(
            &p->sheet.plot,
            ", \\\n     data_file binary skip=%zu record=(%zu) format='%%float%%float%%float' using 1:2 with points "
            "pt 6 lw .7 ps 1.5*point_mm*mm lc rgb '#202020' title 'ringed'",
            skip, n);
    return n * RECORD;
}

static limn_status compose(scatter *p) {
    limn_status status = LIMN_OK;
    TRY(put_frame(p));
    if (p->in_legend) put_legend(p);
    if (p->colour->kind == LIMN_COLOUR_CORRECT) put_key(p);
    if (has_gray_note(p)) put_gray_note(p);
    if (p->colour->kind == LIMN_COLOUR_VALUE) TRY(put_colour_bar(p));
    put_plot(p);
    if (p->on_map) TRY(put_names(p));
done:
    return status;
}

/* Rows of values behind the records: the colour bar. Their bytes. */
static size_t bar_values(scatter *p) {
    float *bar = p->record + 3 * p->spec->n;
    if (p->colour->kind != LIMN_COLOUR_VALUE) return 0;
    for (int i = 0; i < BAR_ROWS * BAR_STEPS; i++)
        bar[i] = (float)(p->value_lo + (p->value_hi - p->value_lo) * (i % BAR_STEPS) / (BAR_STEPS - 1));
    return BAR_ROWS * BAR_STEPS * sizeof *bar;
}

limn_status limn_plot_scatter(const limn_scatter *spec) {
    limn_status status = LIMN_OK;
    scatter p = {.spec = spec};
    plots_numbers old = plots_numbers_begin();
    TRY(check(&p));
    p.font = plots_font_size(&spec->figure) * 2.54 / 72;
    p.line = 1.4 * p.font;
    TRY(order_points(&p));
    find_extent(&p);
    TRY(choose_names(&p));
    TRY(lay_out(&p));
    scale(&p);
    TRY(compose(&p));
    p.sheet.data = p.record;
    p.sheet.bytes = spec->n * RECORD + bar_values(&p);
    p.sheet.bytes += put_rings(&p, p.sheet.bytes);
    TRY(plots_draw(&spec->figure, &p.sheet));
done:
    for (size_t c = 0; p.name && c < p.n_names; c++) free(p.name[c]);
    free(p.name);
    free(p.record);
    free(p.sheet.setup.text);
    free(p.sheet.plot.text);
    plots_numbers_end(old);
    return status;
}
