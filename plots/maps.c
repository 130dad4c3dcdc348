/* How a map's numbers become colours: see maps.h and the rules in heatmaps.h. */
#include "plots/maps.h"

#include <math.h>
#include <string.h>

#include "base/try.h"

const limn_plot_word limn_normalisations[] = {
    [LIMN_NORMALISE_IMAGE] = {"image", "each map on a scale of its own"},
    [LIMN_NORMALISE_METHOD] = {"method", "one scale for the maps of a column"},
    [LIMN_NORMALISE_GLOBAL] = {"global", "one scale for all maps"},
    [LIMN_NORMALISE_GLOBAL + 1] = {NULL, NULL},
};

int limn_normalise_find(const char *name) {
    for (int i = 0; limn_normalisations[i].name; i++)
        if (name && strcmp(limn_normalisations[i].name, name) == 0) return i;
    return -1;
}

size_t plots_channels(const limn_heatmap_column *c) {
    return c->channels ? c->channels : 1;
}

const float *plots_map_of(const limn_heatmap_column *c, size_t row) {
    return c->data + row * plots_channels(c) * c->h * c->w;
}

static int has_negative(const float *value, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (value[i] < 0 && isfinite(value[i])) return 1;
    return 0;
}

static const char *given(const char *palette) {
    return palette && strcmp(palette, "auto") != 0 ? palette : NULL;
}

limn_status plots_column_scale(plots_scale *out, limn_map_kind *kind, const limn_heatmap_column *c, size_t rows,
                               const char *fallback, const char *name) {
    size_t channels = plots_channels(c);
    if (c->h == 0 || c->w == 0 || c->h > 16384 || c->w > 16384 || !c->data)
        return limn_fail(LIMN_EINPUT, "figure %s: a map of %zu x %zu pixels cannot be drawn", name, c->h, c->w);
    if (channels != 1 && !(channels == 3 && c->kind == LIMN_MAP_INPUT))
        return limn_fail(LIMN_EINPUT, "figure %s: %zu channels cannot be drawn (1, or 3 of an input)", name, channels);
    *kind = c->kind;
    if (c->kind == LIMN_MAP_AUTO)
        *kind = has_negative(c->data, rows * c->h * c->w) ? LIMN_MAP_SIGNED : LIMN_MAP_POSITIVE;
    static const char *const usual[] = {"viridis", "gray", "viridis", "diverging"}; /* by kind */
    const char *palette = given(c->palette);
    if (!palette && *kind != LIMN_MAP_INPUT) palette = given(fallback);
    if (!palette) palette = usual[*kind];
    *out = (plots_scale){.palette = limn_palette_find(palette), .lo = INFINITY, .hi = -INFINITY};
    if (!out->palette) return limn_fail(LIMN_EINPUT, "figure %s: no palette '%.40s'", name, palette);
    out->symmetric = *kind == LIMN_MAP_SIGNED || (out->palette->diverging && *kind != LIMN_MAP_INPUT);
    out->from_zero = *kind != LIMN_MAP_INPUT;
    return LIMN_OK;
}

void plots_scale_add(plots_scale *s, const float *value, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(value[i])) continue;
        s->lo = fmin(s->lo, value[i]);
        s->hi = fmax(s->hi, value[i]);
    }
    if (s->lo > s->hi) return;
    if (s->from_zero) {
        s->hi = fmax(s->symmetric ? fmax(-s->lo, s->hi) : s->hi, 0);
        s->lo = s->symmetric ? -s->hi : 0;
    }
}

uint32_t plots_scale_rgb(const plots_scale *s, double value) {
    if (!isfinite(value)) return LIMN_NO_VALUE;
    if (!(s->hi > s->lo)) return limn_palette_rgb(s->palette, s->symmetric ? .5 : 0);
    return limn_palette_rgb(s->palette, (value - s->lo) / (s->hi - s->lo));
}

/* Mean of the finite values of m (h, w) in the part that pixel (y, x) of (H, W) covers; a part of less than a pixel is
 * that pixel. NaN where nothing is finite. */
static double sample(const float *m, size_t h, size_t w, size_t H, size_t W, size_t y, size_t x) {
    size_t y0 = y * h / H, y1 = H >= h ? y0 + 1 : (y + 1) * h / H;
    size_t x0 = x * w / W, x1 = W >= w ? x0 + 1 : (x + 1) * w / W;
    double sum = 0, n = 0;
    for (size_t i = y0; i < y1; i++)
        for (size_t k = x0; k < x1; k++)
            if (isfinite(m[i * w + k])) {
                sum += m[i * w + k];
                n++;
            }
    return n > 0 ? sum / n : NAN;
}

static unsigned char level(const plots_scale *s, double value) { /* of one channel of RGB */
    double t = s->hi > s->lo ? (value - s->lo) / (s->hi - s->lo) : 0;
    return (unsigned char)(255 * fmin(1, fmax(0, t)) + .5);
}

void plots_map_rgb(unsigned char *rgb, size_t H, size_t W, const limn_heatmap_column *c, size_t row,
                   const plots_scale *s) {
    const float *m = plots_map_of(c, row);
    size_t channels = plots_channels(c);
    for (size_t y = 0; y < H; y++)
        for (size_t x = 0; x < W; x++, rgb += 3) {
            double v[3];
            for (size_t k = 0; k < channels; k++) v[k] = sample(m + k * c->h * c->w, c->h, c->w, H, W, y, x);
            int colours = channels == 3 && isfinite(v[0]) && isfinite(v[1]) && isfinite(v[2]);
            uint32_t one = colours ? 0 : plots_scale_rgb(s, channels == 3 ? NAN : v[0]);
            for (int k = 0; k < 3; k++) rgb[k] = colours ? level(s, v[k]) : (unsigned char)(one >> (16 - 8 * k) & 255);
        }
}
