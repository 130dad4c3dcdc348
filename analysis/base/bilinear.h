/* Bilinear resizing with half-pixel centres: see bilinear.c. */
#ifndef LIMN_BILINEAR_H
#define LIMN_BILINEAR_H

#include <stddef.h>

/* out (H, W) = in (h, w) resized; all sizes at least 1, out and in apart. */
void limn_resize_bilinear(const float *in, size_t h, size_t w, float *out, size_t H, size_t W);

#endif
