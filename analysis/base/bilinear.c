/* Bilinear resizing with half-pixel centres, as image libraries resize pictures (OpenCV's INTER_LINEAR, PyTorch's
 * interpolate with align_corners=False).
 *
 * Along each axis, from n to N samples, the centre of output sample I lies at
 *     x = (I + 1/2) n / N - 1/2,   clamped to [0, n - 1],
 * and its value is (1 - t) a[k] + t a[k + 1] with k = floor(x), t = x - k. Rows and columns one after the other.
 *
 * Not done: averaging where the output is smaller (no antialiasing). Threading: no state. */
#include "base/bilinear.h"

#include <math.h>

typedef struct {
    size_t low, high; /* the two samples between which it lies */
    double t;         /* weight of the upper one */
} place;

static place place_of(size_t i, size_t n, size_t N) {
    double x = ((double)i + 0.5) * (double)n / (double)N - 0.5;
    x = fmin(fmax(x, 0), (double)(n - 1));
    size_t low = (size_t)x;
    return (place){low, low + 1 < n ? low + 1 : low, x - (double)low};
}

void limn_resize_bilinear(const float *in, size_t h, size_t w, float *out, size_t H, size_t W) {
    for (size_t i = 0; i < H; i++) {
        place y = place_of(i, h, H);
        const float *above = in + y.low * w, *below = in + y.high * w;
        for (size_t j = 0; j < W; j++) {
            place x = place_of(j, w, W);
            double a = above[x.low] + x.t * ((double)above[x.high] - above[x.low]);
            double b = below[x.low] + x.t * ((double)below[x.high] - below[x.low]);
            out[i * W + j] = (float)(a + y.t * (b - a));
        }
    }
}
