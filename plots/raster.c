/* A raster of RGB bytes as PNG or JPEG: see raster.h.
 *
 * gnuplot's own jpeg terminal draws neither round points nor smooth edges, so a JPEG is made from the PNG that pngcairo
 * draws: quality 93, without chroma subsampling, which would smear the pixels of heatmaps. */
#include "plots/raster.h"

#include <errno.h>
#include <png.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <turbojpeg.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/try.h"

enum { JPEG_QUALITY = 93 };

limn_status plots_read_file(unsigned char **bytes, size_t *n, const char *path) {
    limn_status status = LIMN_OK;
    FILE *f = fopen(path, "rbe");
    off_t size = -1;
    *bytes = NULL;
    *n = 0;
    if (!f || fseeko(f, 0, SEEK_END) != 0 || (size = ftello(f)) < 0 || fseeko(f, 0, SEEK_SET) != 0)
        FAIL(LIMN_EFAIL, "%s cannot be read: %s", path, strerror(errno));
    TRY(limn_new(bytes, (size_t)size, 1));
    *n = fread(*bytes, 1, (size_t)size, f);
    if (*n != (size_t)size) FAIL(LIMN_EFAIL, "%s cannot be read to its end", path);
done:
    if (f) fclose(f);
    if (status != LIMN_OK) {
        free(*bytes);
        *bytes = NULL;
    }
    return status;
}

limn_status plots_write_file(const char *path, const void *bytes, size_t n) {
    FILE *f = fopen(path, "wbe");
    if (!f) return limn_fail(LIMN_EFAIL, "%s cannot be written: %s", path, strerror(errno));
    int bad = n && fwrite(bytes, 1, n, f) != n, e = errno;
    if (fclose(f) != 0 && !bad) {
        bad = 1;
        e = errno;
    }
    return bad ? limn_fail(LIMN_EFAIL, "%s cannot be written: %s", path, strerror(e)) : LIMN_OK;
}

limn_status plots_write_png(const char *path, const unsigned char *rgb, size_t w, size_t h) {
    limn_status status = LIMN_OK;
    unsigned char *bytes = NULL;
    png_image image = {
        .version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB, .width = (png_uint_32)w, .height = (png_uint_32)h};
    png_alloc_size_t n = PNG_IMAGE_PNG_SIZE_MAX(image);
    TRY(limn_new(&bytes, n, 1));
    if (!png_image_write_to_memory(&image, bytes, &n, 0, rgb, 0, NULL))
        FAIL(LIMN_EFAIL, "%s cannot be encoded: %s", path, image.message);
    TRY(plots_write_file(path, bytes, n));
done:
    png_image_free(&image);
    free(bytes);
    return status;
}

limn_status plots_read_png(unsigned char **rgb, size_t *w, size_t *h, const char *path) {
    limn_status status = LIMN_OK;
    unsigned char *bytes = NULL;
    size_t n = 0;
    png_image image = {.version = PNG_IMAGE_VERSION};
    png_color white = {255, 255, 255};
    *rgb = NULL;
    TRY(plots_read_file(&bytes, &n, path));
    if (!png_image_begin_read_from_memory(&image, bytes, n))
        FAIL(LIMN_EFAIL, "%s is no picture: %s", path, image.message);
    image.format = PNG_FORMAT_RGB;
    TRY(limn_new(rgb, image.height, (size_t)image.width * 3));
    if (!png_image_finish_read(&image, &white, *rgb, 0, NULL))
        FAIL(LIMN_EFAIL, "%s is no picture: %s", path, image.message);
    *w = image.width;
    *h = image.height;
done:
    png_image_free(&image);
    free(bytes);
    if (status != LIMN_OK) {
        free(*rgb);
        *rgb = NULL;
    }
    return status;
}

limn_status plots_write_jpeg(const char *path, const unsigned char *rgb, size_t w, size_t h, double dpi) {
    limn_status status = LIMN_OK;
    unsigned char *bytes = NULL;
    unsigned long n = 0;
    tjhandle codec = tjInitCompress();
    if (!codec || w > 65500 || h > 65500 ||
        tjCompress2(codec, rgb, (int)w, 0, (int)h, TJPF_RGB, &bytes, &n, TJSAMP_444, JPEG_QUALITY,
                    TJFLAG_ACCURATEDCT) != 0)
        FAIL(LIMN_EFAIL, "%s cannot be encoded: %s", path, codec ? tjGetErrorStr2(codec) : "no JPEG encoder");
    if (dpi > 0 && n > 18 && memcmp(bytes + 6, "JFIF", 5) == 0) { /* JFIF: unit 1 = dots an inch, then x and y */
        unsigned d = (unsigned)(dpi + .5);
        bytes[13] = 1;
        bytes[14] = bytes[16] = (unsigned char)(d >> 8);
        bytes[15] = bytes[17] = (unsigned char)d;
    }
    TRY(plots_write_file(path, bytes, n));
done:
    tjFree(bytes);
    if (codec) tjDestroy(codec);
    return status;
}

static void put_u32(unsigned char *p, uint32_t x) {
    for (int i = 0; i < 4; i++) p[i] = (unsigned char)(x >> (24 - 8 * i));
}

limn_status plots_png_resolution(const char *path, double dpi) {
    enum { HEAD = 33, CHUNK = 21 }; /* signature and IHDR; pHYs with length and checksum */
    limn_status status = LIMN_OK;
    unsigned char *bytes = NULL, *out = NULL;
    size_t n = 0;
    TRY(plots_read_file(&bytes, &n, path));
    if (n < HEAD + 12 || memcmp(bytes + 12, "IHDR", 4) != 0) FAIL(LIMN_EFAIL, "%s is no PNG", path);
    if (memcmp(bytes + HEAD + 4, "pHYs", 4) == 0) goto done;
    TRY(limn_new(&out, n + CHUNK, 1));
    memcpy(out, bytes, HEAD);
    unsigned char *c = out + HEAD;
    uint32_t per_metre = (uint32_t)(dpi / .0254 + .5);
    put_u32(c, 9);
    memcpy(c + 4, "pHYs", 4);
    put_u32(c + 8, per_metre);
    put_u32(c + 12, per_metre);
    c[16] = 1; /* the unit is the metre */
    put_u32(c + 17, (uint32_t)crc32(crc32(0, NULL, 0), c + 4, 13));
    memcpy(c + CHUNK, bytes + HEAD, n - HEAD);
    TRY(plots_write_file(path, out, n + CHUNK));
done:
    free(bytes);
    free(out);
    return status;
}
