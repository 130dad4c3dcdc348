/* One decoder a picture format, over the whole file in memory. */
#ifndef LIMN_IMAGE_CODEC_H
#define LIMN_IMAGE_CODEC_H

#include "data/image.h"

enum { IMAGE_MOST_PIXELS = 1 << 28 }; /* a picture of more is refused, whatever it promises */

limn_status image_decode_png(limn_image *out, const unsigned char *bytes, size_t n, const char *name) LIMN_CHECK;
limn_status image_decode_jpeg(limn_image *out, const unsigned char *bytes, size_t n, const char *name) LIMN_CHECK;

/* Allocates the pixels of w x h x channels; LIMN_EINPUT where there is no pixel, or are more than `most` or
 * IMAGE_MOST_PIXELS. */
limn_status image_allocate(limn_image *out, size_t w, size_t h, int channels, size_t most, const char *name) LIMN_CHECK;

#endif
