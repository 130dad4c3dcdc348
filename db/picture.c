/* SQL functions that make PNGs: see functions.h. */
#include <math.h>
#include <png.h>
#include <string.h>

#include "base/palette.h"
#include "db/functions.h"

/* The result = a PNG of w x h pixels (rgb or gray, by the format), which are read from `pixels`. */
static void result_png(sqlite3_context *ctx, const unsigned char *pixels, size_t h, size_t w, png_uint_32 format) {
    png_image image = {
        .version = PNG_IMAGE_VERSION, .format = format, .width = (png_uint_32)w, .height = (png_uint_32)h};
    png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
    unsigned char *file = sqlite3_malloc64(bytes);
    if (!file) {
        sqlite3_result_error_nomem(ctx);
    } else if (png_image_write_to_memory(&image, file, &bytes, 0, pixels, 0, NULL)) {
        sqlite3_result_blob64(ctx, file, bytes, sqlite3_free);
        file = NULL;
    } else {
        sql_error(ctx, "libpng: %s", image.message);
    }
    sqlite3_free(file);
}

/* The least and the largest finite value; min > max where there is none. */
static void range_of(const sql_array *a, double *min, double *max) {
    *min = (double)INFINITY, *max = (double)-INFINITY;
    for (size_t i = 0; i < a->n; i++) {
        double v = sql_float(a, i);
        if (!isfinite(v)) continue;
        *min = v < *min ? v : *min;
        *max = v > *max ? v : *max;
    }
}

/* rgb (n, 3): the least finite value at one end of the palette, the largest at the other; about 0 where it diverges. */
static void paint(unsigned char *rgb, const sql_array *a, const limn_palette *p) {
    double min, max;
    range_of(a, &min, &max);
    if (p->diverging) {
        max = fmax(fabs(min), fabs(max));
        min = -max;
    }
    for (size_t i = 0; i < a->n; i++) {
        double v = sql_float(a, i);
        double t = !isfinite(v) ? (double)NAN : max > min ? (v - min) / (max - min) : p->diverging ? 0.5 : 0;
        uint32_t c = limn_palette_rgb(p, t);
        rgb[3 * i] = (unsigned char)(c >> 16);
        rgb[3 * i + 1] = (unsigned char)(c >> 8);
        rgb[3 * i + 2] = (unsigned char)c;
    }
}

/* The palette that is named, viridis by default; NULL: the result is set. */
static const limn_palette *palette_of(sqlite3_context *ctx, int n, sqlite3_value **value) {
    if (n < 4) return limn_palette_find("viridis");
    if (sqlite3_value_type(value[3]) == SQLITE_NULL) return NULL;
    const char *name = (const char *)sqlite3_value_text(value[3]);
    const limn_palette *p = limn_palette_find(name);
    char names[256] = "";
    if (p) return p;
    for (p = limn_palettes; p->name; p++)
        sqlite3_snprintf((int)(sizeof names - strlen(names)), names + strlen(names), "%s%s", *names ? ", " : "",
                         p->name);
    sql_error(ctx, "there is no palette '%s'; there are %s", name ? name : "", names);
    return NULL;
}

SQL_SCALAR(sql_map_png) {
    sql_array a;
    size_t c, h, w;
    if (!sql_array_of(ctx, value[0], &a) || !sql_shape_of(ctx, value + 1, &a, 1, &c, &h, &w)) return;
    const limn_palette *palette = palette_of(ctx, n, value);
    if (!palette) return;
    unsigned char *rgb = sqlite3_malloc64(3 * a.n);
    if (!rgb) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    paint(rgb, &a, palette);
    result_png(ctx, rgb, h, w, PNG_FORMAT_RGB);
    sqlite3_free(rgb);
}

SQL_SCALAR(sql_image_png) {
    sql_array a;
    size_t c, h, w;
    double black = 0, white = 0;
    if (!sql_array_of(ctx, value[0], &a) || !sql_shape_of(ctx, value + 1, &a, 3, &c, &h, &w)) return;
    if (c == 2) {
        sql_error(ctx, "a picture has 1 or 3 channels, not 2");
        return;
    }
    if (n < 5)
        range_of(&a, &black, &white);
    else if (!sql_number_of(ctx, value[3], "black", &black) || !sql_number_of(ctx, value[4], "white", &white))
        return;
    unsigned char *pixel = sqlite3_malloc64(a.n);
    if (!pixel) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    for (size_t i = 0; i < a.n; i++) { /* planes in, pixels out */
        double v = (sql_float(&a, i) - black) / (white - black);
        pixel[i % (h * w) * c + i / (h * w)] = (unsigned char)(v >= 1 ? 255 : v > 0 ? v * 255 + .5 : 0); /* NaN: 0 */
    }
    result_png(ctx, pixel, h, w, c == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY);
    sqlite3_free(pixel);
}
