/* From a layer's grid to the input's: the ways of the libraries, by name (cam_zoom).
 *
 *   bilinear  half-pixel centres (bilinear.c)             limn, pytorch-grad-cam, tf-explain
 *   corners   linear, corners on corners                  tf-keras-vis (scipy.ndimage.zoom, order 1)
 *   spline    cubic spline, corners on corners (spline.c) keras-vis (scipy.ndimage.zoom, order 3)
 *   nearest   floor(i n / N)                              Captum (torch's interpolate)
 *
 * corners: output sample I of N lies at x = I (n - 1) / (N - 1) (at 0 where N = 1), between floor(x) and the next.
 * Threading: no state. */
#include "cam/cam.h"

#include "base/bilinear.h"
#include "cam/spline.h"

static double corner(size_t i, size_t n, size_t N, size_t *low, size_t *high) {
    double x = N > 1 ? (double)i * (double)(n - 1) / (double)(N - 1) : 0;
    *low = (size_t)x;
    if (*low > n - 1) *low = n - 1;
    *high = *low + 1 < n ? *low + 1 : *low;
    return x - (double)*low;
}

static void corners(const float *in, size_t h, size_t w, float *out, size_t H, size_t W) {
    for (size_t i = 0; i < H; i++) {
        size_t top, bottom, left, right;
        double y = corner(i, h, H, &top, &bottom);
        for (size_t j = 0; j < W; j++) {
            double x = corner(j, w, W, &left, &right);
            double a = in[top * w + left] + x * ((double)in[top * w + right] - in[top * w + left]);
            double b = in[bottom * w + left] + x * ((double)in[bottom * w + right] - in[bottom * w + left]);
            out[i * W + j] = (float)(a + y * (b - a));
        }
    }
}

static void nearest(const float *in, size_t h, size_t w, float *out, size_t H, size_t W) {
    for (size_t i = 0; i < H; i++)
        for (size_t j = 0; j < W; j++) out[i * W + j] = in[i * h / H * w + j * w / W];
}

size_t cam_zoom_work(int zoom, size_t h, size_t w, size_t H) {
    return zoom == CAM_SPLINE ? limn_zoom_spline_work(h, w, H) : 0;
}

void cam_zoom_run(int zoom, const float *in, size_t h, size_t w, float *out, size_t H, size_t W, double *work) {
    static void (*const plain[CAM_ZOOMS])(const float *, size_t, size_t, float *, size_t, size_t) = {
        [CAM_BILINEAR] = limn_resize_bilinear, [CAM_CORNERS] = corners, [CAM_NEAREST] = nearest};
    if (zoom == CAM_SPLINE)
        limn_zoom_spline(in, h, w, out, H, W, work);
    else
        plain[zoom](in, h, w, out, H, W);
}
