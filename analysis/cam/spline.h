/* Zooming by cubic splines: see spline.c. */
#ifndef LIMN_SPLINE_H
#define LIMN_SPLINE_H

#include <stddef.h>

/* Doubles of work space for limn_zoom_spline(): H rows in the output. */
size_t limn_zoom_spline_work(size_t h, size_t w, size_t H);
/* out (H, W) = in (h, w) zoomed; all sizes at least 1, out, in and work apart. */
void limn_zoom_spline(const float *in, size_t h, size_t w, float *out, size_t H, size_t W, double *work);

#endif
