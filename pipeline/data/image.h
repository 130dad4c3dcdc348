/* Pictures: PNG, JPEG, PGM and PPM files to 8-bit gray or RGB, and back to PNG.
 *
 * Values are the file's own: no gamma, no colour profile, no EXIF rotation, alpha dropped, 16 bits of a PNG cut to their
 * high byte; that is what PIL's Image.open(f).convert("L" or "RGB") gives (docs/data.md). Hostile input: sizes are held
 * against the bytes that are there before pixels are allocated. All functions are thread-safe. */
#ifndef LIMN_IMAGE_H
#define LIMN_IMAGE_H

#include <stddef.h>

#include "base/status.h"

typedef struct {
    size_t w, h;
    int channels;          /* 1 gray, 3 RGB */
    unsigned char *pixels; /* (h, w, channels); owned */
    const char *format;    /* "PNG", "JPEG", "PNM" */
    int orientation;       /* EXIF: 1 … 8; 0: none is told */
} limn_image;

limn_status limn_image_read(limn_image *out, const char *path) LIMN_CHECK;
limn_status limn_image_parse(limn_image *out, const void *bytes, size_t n, const char *name) LIMN_CHECK;
void limn_image_clear(limn_image *a); /* frees and zeroes */

/* Turns and mirrors the pixels as `orientation` says, which becomes 1. */
limn_status limn_image_orient(limn_image *m) LIMN_CHECK;

/* NULL, or the format that these first bytes of a file announce. */
const char *limn_image_format(const unsigned char *head, size_t n);

/* A picture (h, w, channels 1 or 3) as a PNG; the caller frees *out. */
limn_status limn_png_encode(unsigned char **out, size_t *n, const unsigned char *pixels, size_t w, size_t h,
                            int channels) LIMN_CHECK;

/* ITU-R 601-2 luma as PIL's "L" rounds it: (19595 R + 38470 G + 7471 B + 2^15) / 2^16. */
static inline unsigned limn_luma(unsigned r, unsigned g, unsigned b) {
    return (r * 19595u + g * 38470u + b * 7471u + 0x8000u) >> 16;
}

#endif
