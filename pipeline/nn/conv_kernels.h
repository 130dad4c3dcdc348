/* The kernels of the engine's own convolutions, one set an instruction set (conv_kernels.inc). All are pure functions.
 *
 *   products             a product of matrices: 1x1 convolutions, the middle of Winograd's, gradients at few channels
 *   depthwise            a convolution of each channel by itself
 *   input, output        the tiles of Winograd's F(4x4, 3x3): 6x6 pixels in, 4x4 pixels out; its 36 transformed numbers a
 *                        channel lie `step` floats apart
 * Channels come in vectors of `lanes`. row, pixel: floats between rows and pixels of a picture. An element's bits do not
 * depend on what is computed beside it: each is the same chain of fused multiply-adds wherever it lies. */
#ifndef LIMN_NN_CONV_KERNELS_H
#define LIMN_NN_CONV_KERNELS_H

#include <math.h>
#include <stddef.h>

typedef struct {
    float *at;         /* the pixel (0, 0) of the first of the channels */
    size_t row, pixel; /* floats */
    long H, W;
} conv_plane;

/* What a sum of a channel begins with and ends as: min(max(bias + sum, lo), hi), where NaN stays NaN. */
typedef struct {
    const float *bias; /* (channels), or NULL: 0 */
    float lo, hi;      /* -INFINITY, INFINITY: none */
} conv_end;
#define CONV_SUM ((conv_end){NULL, -INFINITY, INFINITY})

/* Output (i, j) of a depthwise convolution lies over the pixels from (i stride - top, j stride - left) on. */
typedef struct {
    size_t channels; /* a multiple of lanes */
    long kh, kw;     /* w (kh, kw, pitch) */
    long stride, top, left;
    size_t pitch;       /* floats from tap to tap of w */
    const float *zeros; /* as many as channels */
    conv_end end;
} conv_depth;
/* Of its windows, and of what lies under eight of them. */
enum { CONV_MAX_WIDTH = 7, CONV_MAX_STRIDE = 2, CONV_MAX_COLUMNS = 7 * CONV_MAX_STRIDE + CONV_MAX_WIDTH };

typedef struct {
    const char *name;
    size_t lanes; /* floats of a vector: 4, 8 or 16 */
    size_t rows;  /* products() is fastest where T is a multiple of it */
    /* v[36] = B^T d B of the tile whose first pixel is (i, j), which may lie outside: there is zero. */
    void (*input)(const conv_plane *x, long i, long j, float *v, size_t step);
    /* m (T, K) = v (T, C) u + end->bias, within its bounds, with u (K / 2 lanes, C, 2 lanes), the last panel one vector wide where K / lanes is odd. Rows
     * of m lie `pitch` floats apart. */
    void (*products)(const float *v, const float *u, float *m, size_t T, size_t C, size_t K, size_t pitch,
                     const conv_end *end);
    /* y = A^T m A + bias (lanes floats, or NULL) of the tile whose first pixel is (i, j); pixels outside are left out. */
    void (*output)(const float *m, size_t step, const float *bias, const conv_plane *y, long i, long j);
    /* All of y. */
    void (*depthwise)(const conv_depth *d, const conv_plane *x, const float *w, const conv_plane *y);
} conv_kernels;

/* Set i: 0 is portable, the last is the best that this processor has; NULL beyond it. */
const conv_kernels *conv_kernels_at(int i);
const conv_kernels *conv_kernels_best(void);
/* The set of that many lanes; NULL where this processor has none. */
const conv_kernels *conv_kernels_of(size_t lanes);

#endif
