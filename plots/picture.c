/* One map as a bare picture: see heatmaps.h. Written without gnuplot: pixel-exact, and there where gnuplot is not. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "plots/heatmaps.h"
#include "plots/maps.h"
#include "plots/raster.h"
#include "plots/sheet.h"

enum { LONGER_SIDE = 280, MOST_DOTS = 20000 };

static limn_status write_as(const limn_figure *f, const char *format, const unsigned char *rgb, size_t w, size_t h) {
    limn_status status = LIMN_OK;
    char *path = NULL, *part = NULL, unique[PLOTS_PART];
    plots_part(unique);
    TRY(limn_figure_path(&path, f, format));
    TRY(limn_format(&part, "%s%s", path, unique));
    if (strcmp(format, "png") == 0)
        TRY(plots_write_png(part, rgb, w, h));
    else
        TRY(plots_write_jpeg(part, rgb, w, h, 0));
    if (rename(part, path) != 0) FAIL(LIMN_EFAIL, "%s cannot be written: %s", path, strerror(errno));
done:
    if (status != LIMN_OK && part) unlink(part);
    free(path);
    free(part);
    return status;
}

static limn_status check_formats(const limn_figure *f) {
    for (size_t i = 0; i < f->n_formats; i++)
        if (strcmp(f->formats[i], "png") != 0 && strcmp(f->formats[i], "jpg") != 0)
            return limn_fail(LIMN_EINPUT, "figure %s: a bare picture is a png or a jpg, not '%.40s'", f->name,
                             f->formats[i]);
    return LIMN_OK;
}

limn_status limn_plot_picture(const limn_picture *spec) {
    limn_status status = LIMN_OK;
    const limn_heatmap_column *c = &spec->map;
    unsigned char *rgb = NULL;
    plots_scale scale;
    limn_map_kind kind;
    TRY(limn_figure_check(&spec->figure));
    TRY(check_formats(&spec->figure));
    TRY(plots_column_scale(&scale, &kind, c, 1, NULL, spec->figure.name));
    size_t longer = c->h > c->w ? c->h : c->w;
    size_t times = spec->scale ? spec->scale : (LONGER_SIDE + longer - 1) / longer;
    if (times > MOST_DOTS || longer * times > MOST_DOTS)
        FAIL(LIMN_EINPUT, "figure %s: %zu x %zu pixels, each %zu dots wide, make too large a picture",
             spec->figure.name, c->h, c->w, times);
    if (kind == LIMN_MAP_INPUT && (c->lo != 0 || c->hi != 0))
        scale.lo = c->lo, scale.hi = c->hi;
    else
        plots_scale_add(&scale, c->data, plots_channels(c) * c->h * c->w);
    size_t w = c->w * times, h = c->h * times;
    TRY(limn_new(&rgb, w * h, 3));
    plots_map_rgb(rgb, h, w, c, 0, &scale);
    if (spec->figure.n_formats == 0) TRY(write_as(&spec->figure, "png", rgb, w, h));
    for (size_t i = 0; i < spec->figure.n_formats; i++)
        TRY(write_as(&spec->figure, spec->figure.formats[i], rgb, w, h));
done:
    free(rgb);
    return status;
}
