/* One decoder a picture format, over the whole file in memory. */
#ifndef LIMN_IMAGE_CODEC_H
#define LIMN_IMAGE_CODEC_H

#include "data/image.h"

/* A picture of more pixels, or a file of more bytes, is refused, whatever it promises: Pillow's own limit of pixels. */
enum { IMAGE_MOST_PIXELS = 178956970, IMAGE_MOST_BYTES = 1 << 28, IMAGE_MOST_SIDE = 1 << 20 };

limn_status image_decode_png(limn_image *out, const unsigned char *bytes, size_t n, const char *name) LIMN_CHECK;
limn_status image_decode_jpeg(limn_image *out, const unsigned char *bytes, size_t n, const char *name) LIMN_CHECK;

limn_status image_decode_pnm(limn_image *out, const unsigned char *bytes, size_t n, const char *name) LIMN_CHECK;

/* EXIF orientation, 0 where none is told: of a TIFF block, of a JPEG file. */
int image_exif_orientation(const unsigned char *tiff, size_t n);
int image_jpeg_orientation(const unsigned char *bytes, size_t n);

/* Allocates the pixels of w x h x channels; LIMN_EINPUT where there is no pixel, or are more than `most` or
 * IMAGE_MOST_PIXELS. */
limn_status image_allocate(limn_image *out, size_t w, size_t h, int channels, size_t most, const char *name) LIMN_CHECK;

#endif
