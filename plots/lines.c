/* Lines: see charts.h.
 *
 * gp/NAME.bin holds records of two float32 (x, y), series after series; a point that is not finite breaks no line: it is
 * left out. Series are told apart by colour and, for those who see none, by dashes. */
#include "plots/charts.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/try.h"
#include "plots/axis.h"
#include "plots/legend.h"
#include "plots/palette.h"

enum { RECORD = 8, DASHES = 5 };
static const double WIDTH = 8.5, EDGE = .1, ASPECT = .62; /* cm; height of the frame by the width */

typedef struct {
    const limn_lines *spec;
    float *record;
    size_t *count; /* (series) */
    size_t series;
    plots_legend legend;
    plots_frame frame;
    plots_sheet sheet;
} lines;

static limn_status check(const limn_lines *s) {
    limn_status status = LIMN_OK;
    TRY(limn_figure_check(&s->figure));
    if (s->n_series > LIMN_SERIES)
        FAIL(LIMN_EINPUT, "figure %s: %zu lines have no colours to tell apart (at most %d)", s->figure.name,
             s->n_series, LIMN_SERIES);
done:
    return status;
}

static limn_status fill(lines *l) {
    const limn_lines *s = l->spec;
    limn_status status = LIMN_OK;
    double lo[2] = {INFINITY, INFINITY}, hi[2] = {-INFINITY, -INFINITY};
    size_t n = 0;
    l->series = s->series && s->n_series ? s->n_series : 1;
    TRY(limn_new(&l->record, s->n, RECORD));
    TRY(limn_new(&l->count, l->series, sizeof *l->count));
    for (size_t k = 0; k < l->series; k++)
        for (size_t i = 0; i < s->n; i++) {
            double at[2] = {s->x[i], s->y[i]};
            if ((l->series > 1 && (size_t)s->series[i] != k) || !isfinite(at[0]) || !isfinite(at[1])) continue;
            for (int c = 0; c < 2; c++) {
                l->record[2 * n + (size_t)c] = (float)at[c];
                lo[c] = fmin(lo[c], at[c]);
                hi[c] = fmax(hi[c], at[c]);
            }
            l->count[k]++;
            n++;
        }
    if (n == 0) FAIL(LIMN_EINPUT, "figure %s: there is no point to draw", s->figure.name);
    l->frame.x = plots_axis_of(lo[0], hi[0]);
    l->frame.y = plots_axis_of(lo[1], hi[1]);
    l->sheet.data = l->record;
    l->sheet.bytes = n * RECORD;
done:
    return status;
}

static limn_status lay_out(lines *l) {
    const limn_lines *s = l->spec;
    const limn_figure *f = &s->figure;
    plots_frame *r = &l->frame;
    limn_status status = LIMN_OK;
    double above = f->title && *f->title ? 1.7 * r->line : .6 * r->line;
    l->sheet.width = f->width > 0 ? f->width : WIDTH;
    l->legend.dashes = DASHES;
    if (l->series > 1)
        TRY(plots_legend_lay_out(&l->legend, s->series_name, l->series, r->font, l->sheet.width - 2 * EDGE));
    r->bottom = 1.3 * r->line + (s->x_title ? r->line : 0) + l->legend.height;
    r->left = EDGE + (s->y_title ? r->line : 0) + plots_frame_numbers(r) + .2;
    r->right = l->sheet.width - .4;
    l->sheet.height = f->height > 0 ? f->height : above + r->bottom + ASPECT * (r->right - r->left);
    r->top = l->sheet.height - above;
    if (r->right - r->left < 1 || r->top - r->bottom < 1)
        FAIL(LIMN_EINPUT, "figure %s: %g x %g cm leave no room for the lines", f->name, l->sheet.width,
             l->sheet.height);
    plots_frame_scale(r);
done:
    return status;
}

static limn_status compose(lines *l) {
    const limn_lines *s = l->spec;
    limn_status status = LIMN_OK;
    size_t skip = 0;
    int first = 1;
    TRY(plots_frame_x(&l->frame, s->x_title));
    TRY(plots_frame_y(&l->frame, s->y_title));
    TRY(plots_frame_title(&l->frame, &s->figure));
    if (l->series > 1) plots_legend_put(&l->legend, &l->sheet, EDGE, l->legend.height);
    for (size_t k = 0; k < l->series; skip += l->count[k++] * RECORD) {
        if (l->count[k] == 0) continue;
        plots_put(&l->sheet.plot,
                  "%sdata_file binary skip=%zu record=(%zu) format='%%float%%float' using 1:2 with lines lw 1 dt %d lc "
                  "rgb '#%06x' title 'line %zu'",
                  first ? "plot " : ", \\\n     ", skip, l->count[k], (int)(k % DASHES) + 1,
                  (unsigned)limn_class_rgb((int)k), k + 1);
        first = 0;
    }
done:
    return status;
}

limn_status limn_plot_lines(const limn_lines *spec) {
    limn_status status = LIMN_OK;
    lines l = {.spec = spec};
    plots_numbers old = plots_numbers_begin();
    l.frame.sheet = &l.sheet;
    l.frame.font = plots_font_size(&spec->figure) * 2.54 / 72;
    l.frame.line = 1.4 * l.frame.font;
    TRY(check(spec));
    TRY(fill(&l));
    TRY(lay_out(&l));
    TRY(compose(&l));
    TRY(plots_draw(&spec->figure, &l.sheet));
done:
    plots_legend_free(&l.legend);
    free(l.record);
    free(l.count);
    free(l.sheet.setup.text);
    free(l.sheet.plot.text);
    plots_numbers_end(old);
    return status;
}
