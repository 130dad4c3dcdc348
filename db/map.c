/* SQL functions of maps: see functions.h. A map is an array of h * w (or channels * h * w) float32, row by row. */
#include "db/functions.h"

#include <math.h>
#include <png.h>
#include <string.h>

#include "base/palette.h"

/* sum, min and max in the order of the array; a NaN makes its figure NaN. */
typedef struct {
    double sum, min, max;
} figures;

static figures figures_of(const sql_array *a) {
    figures f = {0, a->n ? (double)INFINITY : (double)NAN, a->n ? (double)-INFINITY : (double)NAN};
    for (size_t i = 0; i < a->n; i++) {
        double v = sql_float(a, i);
        f.sum += v;
        f.min = v < f.min || isnan(v) ? v : f.min;
        f.max = v > f.max || isnan(v) ? v : f.max;
    }
    return f;
}

SQL_SCALAR(sql_map_sum) {
    sql_array a;
    (void)n;
    if (sql_array_of(ctx, value[0], &a)) sqlite3_result_double(ctx, figures_of(&a).sum);
}

SQL_SCALAR(sql_map_mean) {
    sql_array a;
    (void)n;
    if (sql_array_of(ctx, value[0], &a)) sqlite3_result_double(ctx, figures_of(&a).sum / (double)a.n);
}

SQL_SCALAR(sql_map_min) {
    sql_array a;
    (void)n;
    if (sql_array_of(ctx, value[0], &a)) sqlite3_result_double(ctx, figures_of(&a).min);
}

SQL_SCALAR(sql_map_max) {
    sql_array a;
    (void)n;
    if (sql_array_of(ctx, value[0], &a)) sqlite3_result_double(ctx, figures_of(&a).max);
}

/* ---- pictures ------------------------------------------------------------------------------------------- */

enum { MAX_SIDE = 65535 };

/* rgb (n, 3): the least finite value at one end of the palette, the largest at the other; about 0 where it diverges. */
static void paint(unsigned char *rgb, const sql_array *a, const limn_palette *p) {
    double min = (double)INFINITY, max = (double)-INFINITY;
    for (size_t i = 0; i < a->n; i++) {
        double v = sql_float(a, i);
        if (!isfinite(v)) continue;
        min = v < min ? v : min;
        max = v > max ? v : max;
    }
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

/* The sides of a picture of a's values; 0: the result is set. */
static int sides_of(sqlite3_context *ctx, sqlite3_value **value, const sql_array *a, size_t *h, size_t *w) {
    if (sqlite3_value_type(value[1]) == SQLITE_NULL || sqlite3_value_type(value[2]) == SQLITE_NULL) return 0;
    sqlite3_int64 height = sqlite3_value_int64(value[1]), width = sqlite3_value_int64(value[2]);
    if (sqlite3_value_type(value[1]) != SQLITE_INTEGER || sqlite3_value_type(value[2]) != SQLITE_INTEGER ||
        height < 1 || height > MAX_SIDE || width < 1 || width > MAX_SIDE) {
        sql_error(ctx, "height and width are integers from 1 to %d", MAX_SIDE);
        return 0;
    }
    *h = (size_t)height;
    *w = (size_t)width;
    if (a->n == *h * *w) return 1;
    sql_error(ctx, "%lld values are no map of %lld x %lld", (long long)a->n, (long long)height, (long long)width);
    return 0;
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
    size_t h = 0, w = 0;
    unsigned char *rgb = NULL, *file = NULL;
    if (!sql_array_of(ctx, value[0], &a) || !sides_of(ctx, value, &a, &h, &w)) return;
    const limn_palette *palette = palette_of(ctx, n, value);
    if (!palette) return;
    png_image image = {
        .version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB, .width = (png_uint_32)w, .height = (png_uint_32)h};
    png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
    rgb = sqlite3_malloc64(3 * a.n);
    file = sqlite3_malloc64(bytes);
    if (!rgb || !file) {
        sqlite3_result_error_nomem(ctx);
    } else {
        paint(rgb, &a, palette);
        if (png_image_write_to_memory(&image, file, &bytes, 0, rgb, 0, NULL)) {
            sqlite3_result_blob64(ctx, file, bytes, sqlite3_free);
            file = NULL;
        } else {
            sql_error(ctx, "libpng: %s", image.message);
        }
    }
    sqlite3_free(rgb);
    sqlite3_free(file);
}
