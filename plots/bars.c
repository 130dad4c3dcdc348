/* Horizontal bars with intervals: see charts.h.
 *
 * The first bar stands on top. The axis begins at zero where no value is on its other side, for a bar's length is what
 * a reader compares. gp/NAME.bin holds records of four float32: place (0 on top), value, low, high; group after group. */
#include "plots/charts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "plots/axis.h"
#include "plots/legend.h"
#include "plots/palette.h"

enum { RECORD = 16, PLAIN_RGB = 0x0072b2 };
static const double WIDTH = 8.5, EDGE = .1, GAP = .1, BAR = .42, MOST_NAMES = .45; /* cm; of the width */

typedef struct {
    const limn_bars *spec;
    float *record;
    size_t *count; /* (groups) */
    size_t groups;
    int intervals; /* some are there */
    double names;
    plots_legend legend;
    plots_frame frame;
    plots_sheet sheet;
} bars;

static size_t group_of(const limn_bars *s, size_t i) {
    return s->group && s->n_groups ? (size_t)s->group[i] : 0;
}

static double end_of(const double *ends, size_t i) {
    return ends && isfinite(ends[i]) ? ends[i] : NAN;
}

static limn_status check(const limn_bars *s) {
    limn_status status = LIMN_OK;
    size_t drawn = 0;
    TRY(limn_figure_check(&s->figure));
    if (s->n > LIMN_BARS)
        FAIL(LIMN_EINPUT, "figure %s: %zu bars are too many to read (at most %d)", s->figure.name, s->n, LIMN_BARS);
    if (s->n_groups > LIMN_SERIES)
        FAIL(LIMN_EINPUT, "figure %s: %zu groups have no colours to tell apart (at most %d)", s->figure.name,
             s->n_groups, LIMN_SERIES);
    for (size_t i = 0; i < s->n; i++) drawn += isfinite(s->value[i]);
    if (drawn == 0) FAIL(LIMN_EINPUT, "figure %s: there is no value to draw", s->figure.name);
done:
    return status;
}

/* Records, group after group; a bar without a value keeps its place, and no record. */
static limn_status fill(bars *b) {
    const limn_bars *s = b->spec;
    limn_status status = LIMN_OK;
    double lo = 0, hi = 0;
    size_t n = 0;
    b->groups = s->group && s->n_groups ? s->n_groups : 1;
    TRY(limn_new(&b->record, s->n, RECORD));
    TRY(limn_new(&b->count, b->groups, sizeof *b->count));
    for (size_t g = 0; g < b->groups; g++)
        for (size_t i = 0; i < s->n; i++) {
            double v = s->value[i], low = end_of(s->low, i), high = end_of(s->high, i);
            if (group_of(s, i) != g || !isfinite(v)) continue;
            float *r = b->record + 4 * n++;
            r[0] = (float)i;
            r[1] = (float)v;
            r[2] = (float)(isfinite(low) ? low : v);
            r[3] = (float)(isfinite(high) ? high : v);
            b->count[g]++;
            b->intervals |= isfinite(low) || isfinite(high);
            lo = fmin(lo, fmin(v, fmin(r[2], r[3])));
            hi = fmax(hi, fmax(v, fmax(r[2], r[3])));
        }
    b->frame.x = plots_axis_of(lo, hi);
    b->frame.y = (plots_axis){(double)s->n - .4, -.6, -1}; /* down */
    b->sheet.data = b->record;
    b->sheet.bytes = n * RECORD;
done:
    return status;
}

static limn_status lay_out(bars *b) {
    const limn_bars *s = b->spec;
    const limn_figure *f = &s->figure;
    plots_frame *r = &b->frame;
    limn_status status = LIMN_OK;
    double widest = 0, above = f->title && *f->title ? 1.7 * r->line : EDGE;
    b->sheet.width = f->width > 0 ? f->width : WIDTH;
    for (size_t i = 0; i < s->n; i++) widest = fmax(widest, plots_text_width(s->name[i]) * r->font);
    b->names = fmin(widest, MOST_NAMES * b->sheet.width);
    if (b->groups > 1)
        TRY(plots_legend_lay_out(&b->legend, s->group_name, b->groups, r->font, b->sheet.width - 2 * EDGE));
    double below = 1.3 * r->line + (s->value_title ? r->line : 0) + b->legend.height;
    r->left = EDGE + b->names + GAP;
    r->right = b->sheet.width - EDGE - .3; /* half of the last number stands beyond the frame */
    b->sheet.height = f->height > 0 ? f->height : above + below + BAR * ((double)s->n + .2);
    r->bottom = below;
    r->top = b->sheet.height - above;
    if (r->right - r->left < 1 || r->top - r->bottom < .1 * (double)s->n)
        FAIL(LIMN_EINPUT, "figure %s: %g x %g cm leave no room for %zu bars beside their names", f->name,
             b->sheet.width, b->sheet.height, s->n);
    plots_frame_scale(r);
done:
    return status;
}

static void put_bars(bars *b) {
    plots_text *t = &b->sheet.plot;
    size_t skip = 0;
    int first = 1;
    plots_put(&b->sheet.setup, "bar = .36 # half of a bar's width; 1 is from bar to bar\n");
    for (int intervals = 0; intervals < 2; intervals++, skip = 0)
        for (size_t g = 0; g < b->groups; skip += b->count[g++] * RECORD) {
            if (b->count[g] == 0 || (intervals && !b->intervals)) continue;
            plots_put(t, "%sdata_file binary skip=%zu record=(%zu) format='%%float%%float%%float%%float' using ",
                      first ? "plot " : ", \\\n     ", skip, b->count[g]);
            first = 0;
            if (intervals)
                plots_put(t, "2:1:3:4 with xerrorbars pt 7 ps 0 lw .7 lc rgb '#222222' title 'interval'");
            else
                plots_put(t,
                          "($2/2):1:($2<0?$2:0):($2<0?0:$2):($1-bar):($1+bar) with boxxyerror fs solid noborder lc rgb "
                          "'#%06x' title 'bars'",
                          (unsigned)(b->groups > 1 ? limn_class_rgb((int)g) : PLAIN_RGB));
        }
}

static limn_status compose(bars *b) {
    const limn_bars *s = b->spec;
    plots_frame *r = &b->frame;
    limn_status status = LIMN_OK;
    double per = (r->top - r->bottom) / (r->y.lo - r->y.hi);
    TRY(plots_frame_x(r, s->value_title));
    for (size_t i = 0; i < s->n; i++)
        if (i == 0 || strcmp(s->name[i], s->name[i - 1]) != 0) /* a name holds until the next */
            TRY(plots_put_fitting(&b->sheet, s->name[i], r->left - GAP, r->top - ((double)i - r->y.hi) * per,
                                  b->names / r->font + .05, "right"));
    TRY(plots_frame_title(r, &s->figure));
    if (b->groups > 1) plots_legend_put(&b->legend, &b->sheet, EDGE, b->legend.height);
    put_bars(b);
    plots_put(&b->sheet.setup, "set arrow from first 0,%.9g to first 0,%.9g nohead front lw .5 lc rgb '#444444'\n",
              r->y.lo, r->y.hi);
done:
    return status;
}

limn_status limn_plot_bars(const limn_bars *spec) {
    limn_status status = LIMN_OK;
    bars b = {.spec = spec};
    plots_numbers old = plots_numbers_begin();
    b.frame.sheet = &b.sheet;
    b.frame.font = plots_font_size(&spec->figure) * 2.54 / 72;
    b.frame.line = 1.4 * b.frame.font;
    TRY(check(spec));
    TRY(fill(&b));
    TRY(lay_out(&b));
    TRY(compose(&b));
    TRY(plots_draw(&spec->figure, &b.sheet));
done:
    plots_legend_free(&b.legend);
    free(b.record);
    free(b.count);
    free(b.sheet.setup.text);
    free(b.sheet.plot.text);
    plots_numbers_end(old);
    return status;
}
