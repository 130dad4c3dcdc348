/* A legend under a chart: see legend.h. Rows are filled from the left. */
#include "plots/legend.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/try.h"
#include "plots/palette.h"

enum { LENGTH = 40 };
static const double DOT = .3, LINE = .6, GAP = .25; /* cm */

limn_status plots_legend_lay_out(plots_legend *l, const char *const *name, size_t n, double font, double width) {
    limn_status status = LIMN_OK;
    double widest = 0;
    l->font = font;
    l->line = 1.4 * font;
    l->n = n;
    TRY(limn_new(&l->name, n, sizeof *l->name));
    for (size_t i = 0; i < n; i++) {
        TRY(plots_clean(&l->name[i], name[i], LENGTH));
        widest = fmax(widest, plots_text_width(l->name[i]) * font);
    }
    l->column = fmin((l->dashes ? LINE + .1 : DOT) + widest + GAP, width);
    l->columns = (size_t)fmax(1, floor((width + GAP) / l->column));
    l->height = (double)((n + l->columns - 1) / l->columns) * l->line + .1;
done:
    return status;
}

void plots_legend_put(const plots_legend *l, plots_sheet *s, double x, double y) {
    plots_put(&s->setup, "# legend\n");
    for (size_t i = 0; i < l->n; i++) {
        double left = x + (double)(i % l->columns) * l->column;
        double middle = y - ((double)(i / l->columns) + .5) * l->line;
        if (l->dashes)
            plots_put(&s->setup,
                      "set arrow from first %.9g,%.9g to first %.9g,%.9g nohead front lw 1 dt %d lc rgb '#%06x'\n",
                      plots_x(s, left), plots_y(s, middle), plots_x(s, left + LINE), plots_y(s, middle),
                      (int)i % l->dashes + 1, (unsigned)limn_class_rgb((int)i));
        else
            plots_put_circle(s, left + .1, middle, 1.8, limn_class_rgb((int)i));
        plots_put_text(s, l->name[i], left + (l->dashes ? LINE + .1 : DOT), middle, "left");
    }
}

void plots_legend_free(plots_legend *l) {
    for (size_t i = 0; l->name && i < l->n; i++) free(l->name[i]);
    free(l->name);
}
