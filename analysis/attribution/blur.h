/* Gaussian blur of a sample: see blur.c. */
#ifndef LIMN_BLUR_H
#define LIMN_BLUR_H

#include "base/shape.h"

/* out (C, H, W) = in blurred by a Gaussian of standard deviation sigma pixels (0: a copy); work (C H W). */
void limn_blur(const float *in, const limn_shape *s, double sigma, float *out, float *work);

#endif
