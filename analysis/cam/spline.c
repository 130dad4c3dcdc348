/* Zooming by interpolating cubic B-splines, corners on corners: what scipy.ndimage.zoom(a, (H/h, W/w)) computes with
 * its defaults (order 3, mode "constant", grid_mode False).
 *
 * M. Unser, "Splines: a perfect fit for signal and image processing", IEEE Signal Processing Magazine 16(6), 1999.
 *  1. Coefficients c with sum_k c[k] B3(x - k) = a[x] at every sample (his box 2): the inverse of (1, 4, 1)/6 is the
 *     recursive filter with the pole z = sqrt(3) - 2, the samples mirrored at both ends (a[-k] = a[k],
 *     a[n-1+k] = a[n-1-k]):
 *       causal       c+[k] = a[k] + z c+[k-1],        c+[0] = sum over one period, 2n - 2, of the mirrored samples
 *       anticausal   c[k] = z (c[k+1] - c+[k]),       c[n-1] = z / (z^2 - 1) (c+[n-1] + z c+[n-2])
 *     and a factor of 6; along the columns, then along the rows.
 *  2. Output sample I of N lies at x = I (n-1)/(N-1), with k = floor(x), t = x - k:
 *       out = sum over m = -1 .. 2 of c[k+m] B3(t - m), indices mirrored.
 *
 * scipy sets the last row or column to zero where rounding puts it beyond the last sample (8 to 26 samples); here such
 * a place is the last sample, as meant. Threading: no state. */
#include "cam/spline.h"

#include <math.h>
#include <string.h>

/* Samples c[0], c[stride], … (n of them) become coefficients, in place. */
static void coefficients(double *c, size_t n, size_t stride) {
    if (n == 1) return; /* mirrored, a constant: its coefficients are itself */
    const double z = sqrt(3.0) - 2.0, zn = pow(z, (double)(n - 1)), gain = 6.0;
    double first = c[0] + zn * c[(n - 1) * stride], zk = z;
    for (size_t k = 1; k + 1 < n; k++, zk *= z) first += zk * (c[k * stride] + zn * c[(n - 1 - k) * stride]);
    c[0] = gain * first / (1.0 - zn * zn);
    for (size_t k = 1; k < n; k++) c[k * stride] = gain * c[k * stride] + z * c[(k - 1) * stride];
    double *last = c + (n - 1) * stride;
    *last = z / (z * z - 1.0) * (*last + z * last[-(ptrdiff_t)stride]);
    for (size_t k = n - 1; k-- > 0;) c[k * stride] = z * (c[(k + 1) * stride] - c[k * stride]);
}

/* The four coefficients that an output sample reads, and their weights. */
typedef struct {
    size_t at[4];
    double weight[4];
} support;

static size_t mirror(ptrdiff_t k, size_t n) {
    ptrdiff_t last = (ptrdiff_t)n - 1;
    while (k < 0 || k > last) { /* at most twice, for two samples; for one, all places are that one */
        if (last == 0) return 0;
        k = k < 0 ? -k : 2 * last - k;
    }
    return (size_t)k;
}

static support support_of(size_t i, size_t n, size_t N) {
    double x = N > 1 ? (double)i * ((double)(n - 1) / (double)(N - 1)) : 0;
    x = fmin(x, (double)(n - 1));
    ptrdiff_t k = (ptrdiff_t)x;
    double t = x - (double)k, s = 1.0 - t;
    support u = {.weight = {s * s * s / 6.0, (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0,
                            (4.0 - 6.0 * s * s + 3.0 * s * s * s) / 6.0, t * t * t / 6.0}};
    for (int m = 0; m < 4; m++) u.at[m] = mirror(k + m - 1, n);
    return u;
}

size_t limn_zoom_spline_work(size_t h, size_t w, size_t H) {
    return h * w + H * w;
}

void limn_zoom_spline(const float *in, size_t h, size_t w, float *out, size_t H, size_t W, double *work) {
    if (h == H && w == W) { /* a spline through the samples, read at the samples */
        memcpy(out, in, h * w * sizeof *out);
        return;
    }
    double *c = work, *tall = work + h * w; /* (h, w), (H, w) */
    for (size_t i = 0; i < h * w; i++) c[i] = in[i];
    for (size_t j = 0; j < w; j++) coefficients(c + j, h, w);
    for (size_t i = 0; i < h; i++) coefficients(c + i * w, w, 1);
    for (size_t i = 0; i < H; i++) {
        support y = support_of(i, h, H);
        const double *a = c + y.at[0] * w, *b = c + y.at[1] * w, *d = c + y.at[2] * w, *e = c + y.at[3] * w;
        for (size_t j = 0; j < w; j++)
            tall[i * w + j] = y.weight[0] * a[j] + y.weight[1] * b[j] + y.weight[2] * d[j] + y.weight[3] * e[j];
    }
    for (size_t j = 0; j < W; j++) {
        support x = support_of(j, w, W);
        for (size_t i = 0; i < H; i++) {
            const double *row = tall + i * w;
            double sum = 0;
            for (int m = 0; m < 4; m++) sum += x.weight[m] * row[x.at[m]];
            out[i * W + j] = (float)sum;
        }
    }
}
