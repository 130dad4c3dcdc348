/* How a map's numbers become colours. Of this room only; the rules stand in heatmaps.h. */
#ifndef LIMN_PLOTS_MAPS_H
#define LIMN_PLOTS_MAPS_H

#include <stddef.h>
#include <stdint.h>

#include "plots/heatmaps.h"
#include "plots/palette.h"

typedef struct {
    const limn_palette *palette;
    int symmetric; /* [-m, m]: zero is the palette's middle */
    int from_zero; /* zero belongs to the range */
    double lo, hi; /* lo > hi: nothing seen yet */
} plots_scale;

/* LIMN_EINPUT where a column cannot be drawn; `name` is the figure's, `fallback` the spec's palette. Resolves the kind
 * (AUTO by the data) and an empty scale. */
limn_status plots_column_scale(plots_scale *out, limn_map_kind *kind, const limn_heatmap_column *c, size_t rows,
                               const char *fallback, const char *name) LIMN_CHECK;

/* Widens the scale to n values; those that are not finite are passed over. */
void plots_scale_add(plots_scale *s, const float *value, size_t n);
uint32_t plots_scale_rgb(const plots_scale *s, double value);

size_t plots_channels(const limn_heatmap_column *c);
const float *plots_map_of(const limn_heatmap_column *c, size_t row);

/* rgb (H, W, 3): the map of a row, each pixel repeated where H, W are larger than the map, averaged where smaller. */
void plots_map_rgb(unsigned char *rgb, size_t H, size_t W, const limn_heatmap_column *c, size_t row,
                   const plots_scale *s);

#endif
