/* The kernels of Winograd convolution F(4x4, 3x3), one set an instruction set (winograd.inc). All are pure functions.
 *
 * A tile is 6x6 pixels in, 4x4 pixels out; its 36 transformed numbers a channel lie `step` floats apart. Channels come in
 * vectors of `lanes`. row, pixel: floats between rows and pixels of a picture. */
#ifndef LIMN_NN_WINOGRAD_H
#define LIMN_NN_WINOGRAD_H

#include <stddef.h>

typedef struct {
    float *at;         /* the pixel (0, 0) of the first of the channels */
    size_t row, pixel; /* floats */
    long H, W;
} winograd_plane;

typedef struct {
    const char *name;
    size_t lanes; /* floats of a vector: 4, 8 or 16 */
    size_t rows;  /* products(): T is a multiple of it */
    /* v[36] = B^T d B of the tile whose first pixel is (i, j), which may lie outside: there is zero. */
    void (*input)(const winograd_plane *x, long i, long j, float *v, size_t step);
    /* m (T, K) = v (T, C) u, with u (K / 2 lanes, C, 2 lanes), the last panel one vector wide where K / lanes is odd. */
    void (*products)(const float *v, const float *u, float *m, size_t T, size_t C, size_t K);
    /* y = A^T m A + bias (lanes floats, or NULL) of the tile whose first pixel is (i, j); pixels outside are left out. */
    void (*output)(const float *m, size_t step, const float *bias, const winograd_plane *y, long i, long j);
} winograd_kernels;

/* Set i: 0 is portable, the last is the best that this processor has; NULL beyond it. */
const winograd_kernels *winograd_kernels_at(int i);
const winograd_kernels *winograd_kernels_best(void);

#endif
