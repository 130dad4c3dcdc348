/* PNG by libpng, read and written.
 *
 * Its "simplified" interface is not used to read: it changes the values (16 bits count as linear light, gAMA is
 * applied, alpha is composed), where a network must see the numbers that other loaders give it. So: palettes and less
 * than 8 bits are expanded, 16 bits are cut to the high byte, alpha and transparency are dropped. libpng reports an
 * error by longjmp: what is changed between setjmp and longjmp lives in a struct. */
#include <png.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/image_codec.h"

enum { MAX_CHUNK = 8 << 20, MAX_INFLATE = 1032 };

typedef struct {
    jmp_buf escape;
    char why[128];
    const unsigned char *from; /* reading */
    size_t left;
    unsigned char *to; /* writing */
    size_t used, room;
    png_structp png;
    png_infop info;
    png_bytep *row;
} job;

static void on_error(png_structp png, png_const_charp text) {
    job *j = png_get_error_ptr(png);
    snprintf(j->why, sizeof j->why, "%s", text);
    longjmp(j->escape, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void take(png_structp png, png_bytep to, size_t n) {
    job *j = png_get_io_ptr(png);
    if (n > j->left) png_error(png, "it is cut short");
    memcpy(to, j->from, n);
    j->from += n;
    j->left -= n;
}

/* Header, checks, transformations. Runs under setjmp. */
static limn_status begin(job *j, limn_image *out, size_t n, const char *name) {
    png_set_read_fn(j->png, j, take);
    png_set_user_limits(j->png, IMAGE_MOST_SIDE, IMAGE_MOST_SIDE);
    png_set_chunk_malloc_max(j->png, MAX_CHUNK);
    png_read_info(j->png, j->info);
    size_t w = png_get_image_width(j->png, j->info), h = png_get_image_height(j->png, j->info);
    size_t stored = png_get_rowbytes(j->png, j->info);
    int type = png_get_color_type(j->png, j->info);
    /* each row is one filter byte and `stored` bytes, deflated */
    size_t most = n * MAX_INFLATE / (stored + 1);
    if (h > most)
        return limn_fail(LIMN_EINPUT, "%s: it promises %zu x %zu pixels, more than a file of its size can hold", name,
                         w, h);
    png_set_expand(j->png); /* palette to RGB, 1, 2, 4 bits to 8 (transparency to alpha) */
    png_set_strip_16(j->png);
    png_set_strip_alpha(j->png);
    png_set_interlace_handling(j->png);
    png_read_update_info(j->png, j->info);
    int channels = type & PNG_COLOR_MASK_COLOR ? 3 : 1;
    limn_status s = image_allocate(out, w, h, channels, SIZE_MAX, name);
    if (s != LIMN_OK) return s;
    if (png_get_rowbytes(j->png, j->info) != w * (size_t)channels)
        return limn_fail(LIMN_EFAIL, "%s: libpng gives rows of another size", name);
    s = limn_new(&j->row, h, sizeof *j->row);
    if (s != LIMN_OK) return s;
    for (size_t y = 0; y < h; y++) j->row[y] = out->pixels + y * w * (size_t)channels;
    return LIMN_OK;
}

static limn_status decode(job *j, limn_image *out, size_t n, const char *name) {
    if (setjmp(j->escape)) return limn_fail(LIMN_EINPUT, "%s: the PNG picture is damaged: %s", name, j->why);
    limn_status s = begin(j, out, n, name);
    if (s != LIMN_OK) return s;
    png_read_image(j->png, j->row);
    png_read_end(j->png, j->info); /* eXIf may stand behind the pixels */
#ifdef PNG_eXIf_SUPPORTED
    png_uint_32 exif_size = 0;
    png_bytep exif = NULL;
    if (png_get_eXIf_1(j->png, j->info, &exif_size, &exif)) out->orientation = image_exif_orientation(exif, exif_size);
#endif
    return LIMN_OK;
}

limn_status image_decode_png(limn_image *out, const unsigned char *bytes, size_t n, const char *name) {
    limn_status status = LIMN_OK;
    job *j = NULL;
    TRY(limn_new(&j, 1, sizeof *j));
    j->from = bytes;
    j->left = n;
    j->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, j, on_error, on_warning);
    if (j->png) j->info = png_create_info_struct(j->png);
    if (!j->info) FAIL(LIMN_ENOMEM, "%s: no memory for a PNG decoder", name);
    TRY(decode(j, out, n, name));
done:
    if (j) {
        png_destroy_read_struct(&j->png, &j->info, NULL);
        free(j->row);
    }
    free(j);
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */
static void put(png_structp png, png_bytep from, size_t n) {
    job *j = png_get_io_ptr(png);
    if (j->room - j->used < n) {
        size_t room = (j->used + n) * 2;
        unsigned char *fresh = realloc(j->to, room);
        if (!fresh) png_error(png, "no memory");
        j->to = fresh;
        j->room = room;
    }
    memcpy(j->to + j->used, from, n);
    j->used += n;
}

static void no_flush(png_structp png) {
    (void)png;
}

static limn_status encode(job *j, const unsigned char *pixels, size_t w, size_t h, int channels) {
    if (setjmp(j->escape)) return limn_fail(LIMN_ENOMEM, "a picture cannot be encoded: %s", j->why);
    png_set_write_fn(j->png, j, put, no_flush);
    png_set_IHDR(j->png, j->info, (png_uint_32)w, (png_uint_32)h, 8,
                 channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(j->png, j->info);
    for (size_t y = 0; y < h; y++) png_write_row(j->png, pixels + y * w * (size_t)channels);
    png_write_end(j->png, NULL);
    return LIMN_OK;
}

limn_status limn_png_encode(unsigned char **out, size_t *n, const unsigned char *pixels, size_t w, size_t h,
                            int channels) {
    limn_status status = LIMN_OK;
    job *j = NULL;
    *out = NULL;
    *n = 0;
    if (w == 0 || h == 0 || w > IMAGE_MOST_SIDE || h > IMAGE_MOST_SIDE || (channels != 1 && channels != 3))
        FAIL(LIMN_EINPUT, "a picture of %zu x %zu pixels with %d channels cannot become a PNG", w, h, channels);
    TRY(limn_new(&j, 1, sizeof *j));
    j->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, j, on_error, on_warning);
    if (j->png) j->info = png_create_info_struct(j->png);
    if (!j->info) FAIL(LIMN_ENOMEM, "no memory for a PNG encoder");
    TRY(encode(j, pixels, w, h, channels));
    *out = j->to;
    *n = j->used;
    j->to = NULL;
done:
    if (j) {
        png_destroy_write_struct(&j->png, &j->info);
        free(j->to);
    }
    free(j);
    return status;
}
