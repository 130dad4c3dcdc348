/* Gaussian blur, rows and then columns, edges mirrored with the edge sample repeated (scipy.ndimage's "reflect"), the
 * kernel cut at 4 sigma and scaled to sum 1. Float64 sums. Threading: no state. */
#include "attribution/blur.h"

#include <math.h>
#include <string.h>

enum { MOST = 512 }; /* pixels to each side; a wider kernel is cut there */

/* The sample that index i of n means: … 1 0 | 0 1 … n-1 | n-1 n-2 … */
static size_t mirror(long i, long n) {
    i %= 2 * n;
    if (i < 0) i += 2 * n;
    return (size_t)(i < n ? i : 2 * n - 1 - i);
}

/* One line of n samples, `step` apart. */
static void line(const float *in, size_t n, size_t step, const double *kernel, long radius, float *out) {
    for (long i = 0; i < (long)n; i++) {
        double sum = kernel[0] * in[(size_t)i * step];
        for (long k = 1; k <= radius; k++)
            sum += kernel[k] * ((double)in[mirror(i - k, (long)n) * step] + in[mirror(i + k, (long)n) * step]);
        out[(size_t)i * step] = (float)sum;
    }
}

void limn_blur(const float *in, const limn_shape *s, double sigma, float *out, float *work) {
    const size_t C = s->dim[0], H = s->dim[1], W = s->dim[2];
    double kernel[MOST + 1], sum = 0;
    long radius = (long)fmin(4 * sigma + 0.5, MOST);
    if (!(sigma > 0) || radius < 1) {
        memcpy(out, in, C * H * W * sizeof *out);
        return;
    }
    for (long k = 0; k <= radius; k++) {
        kernel[k] = exp(-0.5 * (double)k * (double)k / (sigma * sigma));
        sum += k == 0 ? kernel[k] : 2 * kernel[k];
    }
    for (long k = 0; k <= radius; k++) kernel[k] /= sum;
    for (size_t c = 0; c < C; c++) {
        for (size_t i = 0; i < H; i++) line(in + (c * H + i) * W, W, 1, kernel, radius, work + (c * H + i) * W);
        for (size_t j = 0; j < W; j++) line(work + c * H * W + j, H, W, kernel, radius, out + c * H * W + j);
    }
}
