/* The rules of resizing: see resize.h.
 *
 * PIL's convolutions (Pillow, src/libImaging/Resample.c): with scale = in / out and s = max(scale, 1), output i has its
 * centre at (i + 0.5) * scale and the weights filter((x + 0.5 - centre) / s) of the inputs x within support * s,
 * normalised to a sum of 1. Columns first, then rows; a side that keeps its length is left out. Of bytes, weights are
 * integers of 22 bits behind the point and each pass rounds to a byte.
 *
 * TensorFlow's bilinear (core/kernels/image/resize_bilinear_op.cc), all in float32: output i lies at p(i); between
 * a = x[floor p] and b = x[ceil p], both clamped, it is a + (b - a) * (p - floor p). Columns first, then rows.
 *   half-pixel: p = (i + 0.5) * in / out - 0.5      legacy: p = i * in / out      corners: p = i * (in - 1) / (out - 1)
 *
 * Nearest: PIL's affine walk adds in / out to in / out / 2 in float64 and cuts; TensorFlow's is
 * floor((i + 0.5) * in / out) in float32, and TensorFlow 1's floor(i * in / out). */
#include "data/resize.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

static const double PI = 3.14159265358979323846;

/* ---- filters ----------------------------------------------------------------------------------------------------- */
static double box(double x) {
    return x > -0.5 && x <= 0.5 ? 1 : 0;
}

static double triangle(double x) {
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static double hamming(double x) {
    x = fabs(x);
    if (x == 0) return 1;
    if (x >= 1) return 0;
    x *= PI;
    return sin(x) / x * (0.54 + 0.46 * cos(x));
}

/* Keys' cubic with a = -0.5. */
static double cubic(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static double sinc(double x) {
    return x == 0 ? 1 : sin(x * PI) / (x * PI);
}

static double lanczos(double x) {
    return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

static void pil_places(size_t *at, size_t out, size_t in) {
    double step = (double)in / (double)out, p = step * 0.5;
    for (size_t i = 0; i < out; i++, p += step) at[i] = p < (double)in ? (size_t)p : in - 1;
}

static void tf_places(size_t *at, size_t out, size_t in) {
    float scale = (float)in / (float)out;
    for (size_t i = 0; i < out; i++) {
        size_t p = (size_t)floorf(((float)i + 0.5f) * scale);
        at[i] = p < in ? p : in - 1;
    }
}

static void tf1_places(size_t *at, size_t out, size_t in) {
    float scale = (float)in / (float)out;
    for (size_t i = 0; i < out; i++) {
        size_t p = (size_t)floorf((float)i * scale);
        at[i] = p < in ? p : in - 1;
    }
}

static float half_pixel(float i, float scale) {
    return (i + 0.5f) * scale - 0.5f;
}

static float legacy(float i, float scale) {
    return i * scale;
}

const resize_rule resize_rules[] = {
    {"pil-bilinear", "Pillow's BILINEAR, with antialias (torchvision's default)", 1, triangle, NULL, NULL, 0},
    {"pil-nearest", "Pillow's NEAREST (the default of Keras's load_img)", 0, NULL, pil_places, NULL, 0},
    {"pil-box", "Pillow's BOX", 0.5, box, NULL, NULL, 0},
    {"pil-hamming", "Pillow's HAMMING", 1, hamming, NULL, NULL, 0},
    {"pil-bicubic", "Pillow's BICUBIC, with antialias", 2, cubic, NULL, NULL, 0},
    {"pil-lanczos", "Pillow's LANCZOS, with antialias", 3, lanczos, NULL, NULL, 0},
    {"tf-bilinear", "tf.image.resize: half-pixel centres, no antialias (Keras's image_dataset_from_directory)", 0, NULL,
     NULL, half_pixel, 0},
    {"tf-nearest", "tf.image.resize, nearest", 0, NULL, tf_places, NULL, 0},
    {"tf1-bilinear", "TensorFlow 1's resize_bilinear: pixel i at i * in / out", 0, NULL, NULL, legacy, 0},
    {"tf1-align-corners", "TensorFlow 1's resize_bilinear with align_corners", 0, NULL, NULL, legacy, 1},
    {"tf1-nearest", "TensorFlow 1's resize_nearest_neighbor", 0, NULL, tf1_places, NULL, 0},
    {0}};

/* ---- PIL's convolution ------------------------------------------------------------------------------------------- */
enum { BITS = 22 };

/* The weights of one side: output i is the sum over k < n[i] of weight[i * room + k] times input first[i] + k. */
typedef struct {
    size_t *first, *n, room;
    double *weight;
    int32_t *fixed; /* the same, times 2^BITS, rounded */
} taps;

static void taps_clear(taps *t) {
    free(t->first);
    free(t->n);
    free(t->weight);
    free(t->fixed);
}

static limn_status taps_new(taps *t, size_t out, size_t in, const resize_rule *rule) {
    limn_status status = LIMN_OK;
    double scale = (double)in / (double)out, s = scale < 1 ? 1 : scale, support = rule->support * s;
    t->room = (size_t)ceil(support) * 2 + 1;
    TRY(limn_new(&t->first, out, sizeof *t->first));
    TRY(limn_new(&t->n, out, sizeof *t->n));
    TRY(limn_new(&t->weight, out, t->room * sizeof *t->weight));
    TRY(limn_new(&t->fixed, out, t->room * sizeof *t->fixed));
    for (size_t i = 0; i < out; i++) {
        double centre = ((double)i + 0.5) * scale, sum = 0, low = centre - support + 0.5, high = centre + support + 0.5;
        double *w = t->weight + i * t->room;
        t->first[i] = low > 0 ? (size_t)low : 0;
        t->n[i] = ((size_t)high < in ? (size_t)high : in) - t->first[i];
        for (size_t k = 0; k < t->n[i]; k++) {
            w[k] = rule->filter(((double)(k + t->first[i]) - centre + 0.5) * (1 / s));
            sum += w[k];
        }
        for (size_t k = 0; k < t->n[i]; k++) {
            if (sum != 0) w[k] /= sum;
            t->fixed[i * t->room + k] = (int32_t)((w[k] < 0 ? -0.5 : 0.5) + w[k] * (1 << BITS));
        }
    }
done:
    return status;
}

static unsigned char clip(int32_t v) {
    v >>= BITS;
    return (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* Columns of bytes: rows x in -> rows x out. */
static void bytes_across(unsigned char *to, size_t out, const unsigned char *from, size_t in, size_t rows, size_t c,
                         const taps *t) {
    for (size_t y = 0; y < rows; y++, from += in * c) {
        for (size_t i = 0; i < out; i++) {
            const int32_t *w = t->fixed + i * t->room;
            int32_t sum[4] = {1 << (BITS - 1), 1 << (BITS - 1), 1 << (BITS - 1), 1 << (BITS - 1)};
            const unsigned char *p = from + t->first[i] * c;
            if (c == 3) {
                for (size_t k = 0; k < t->n[i]; k++, p += 3) {
                    sum[0] += p[0] * w[k];
                    sum[1] += p[1] * w[k];
                    sum[2] += p[2] * w[k];
                }
            } else {
                for (size_t k = 0; k < t->n[i]; k++)
                    for (size_t d = 0; d < c; d++) sum[d] += *p++ * w[k];
            }
            for (size_t d = 0; d < c; d++) *to++ = clip(sum[d]);
        }
    }
}

/* Rows of bytes: in x row -> out x row, row values each; `sum` has room for a row. */
static void bytes_down(unsigned char *to, size_t out, const unsigned char *from, size_t row, const taps *t,
                       int32_t *sum) {
    for (size_t i = 0; i < out; i++, to += row) {
        const int32_t *w = t->fixed + i * t->room;
        for (size_t x = 0; x < row; x++) sum[x] = 1 << (BITS - 1);
        for (size_t k = 0; k < t->n[i]; k++) {
            const unsigned char *p = from + (t->first[i] + k) * row;
            for (size_t x = 0; x < row; x++) sum[x] += p[x] * w[k];
        }
        for (size_t x = 0; x < row; x++) to[x] = clip(sum[x]);
    }
}

static void floats_across(float *to, size_t out, const float *from, size_t in, size_t rows, size_t c, const taps *t) {
    for (size_t y = 0; y < rows; y++, from += in * c) {
        for (size_t i = 0; i < out; i++) {
            for (size_t d = 0; d < c; d++) {
                double sum = 0;
                for (size_t k = 0; k < t->n[i]; k++)
                    sum += (double)from[(t->first[i] + k) * c + d] * t->weight[i * t->room + k];
                *to++ = (float)sum;
            }
        }
    }
}

static void floats_down(float *to, size_t out, const float *from, size_t row, const taps *t) {
    for (size_t i = 0; i < out; i++) {
        for (size_t x = 0; x < row; x++) {
            double sum = 0;
            for (size_t k = 0; k < t->n[i]; k++)
                sum += (double)from[(t->first[i] + k) * row + x] * t->weight[i * t->room + k];
            *to++ = (float)sum;
        }
    }
}

static limn_status room_for(data_picture *p, int bytes) {
    size_t row;
    limn_status s = limn_mul(&row, p->w, p->c);
    if (s != LIMN_OK) return s;
    if (bytes) return limn_new(&p->b, p->h, row);
    s = limn_mul(&row, row, sizeof(float));
    return s == LIMN_OK ? limn_new(&p->f, p->h, row) : s;
}

static limn_status copy_of(data_picture *out, const data_picture *in) {
    limn_status s = room_for(out, in->b != NULL);
    size_t n = in->h * in->w * in->c;
    if (s != LIMN_OK) return s;
    if (in->b)
        memcpy(out->b, in->b, n);
    else
        memcpy(out->f, in->f, n * sizeof(float));
    return LIMN_OK;
}

static limn_status convolve(data_picture *out, const data_picture *in, const resize_rule *rule) {
    limn_status status = LIMN_OK;
    taps across = {0}, down = {0};
    int32_t *sum = NULL;
    const int bytes = in->b != NULL;
    data_picture mid = {.h = in->h, .w = out->w, .c = in->c};
    const data_picture *from = in;
    if (out->w != in->w) {
        data_picture *to = out->h == in->h ? out : &mid;
        TRY(taps_new(&across, out->w, in->w, rule));
        TRY(room_for(to, bytes));
        if (bytes)
            bytes_across(to->b, out->w, in->b, in->w, in->h, in->c, &across);
        else
            floats_across(to->f, out->w, in->f, in->w, in->h, in->c, &across);
        from = to;
    }
    if (out->h != in->h) {
        size_t row = out->w * out->c;
        TRY(taps_new(&down, out->h, in->h, rule));
        TRY(room_for(out, bytes));
        TRY(limn_new(&sum, row, sizeof *sum));
        if (bytes)
            bytes_down(out->b, out->h, from->b, row, &down, sum);
        else
            floats_down(out->f, out->h, from->f, row, &down);
    }
done:
    taps_clear(&across);
    taps_clear(&down);
    data_picture_clear(&mid);
    free(sum);
    return status;
}

/* ---- nearest ----------------------------------------------------------------------------------------------------- */
static limn_status nearest(data_picture *out, const data_picture *in, const resize_rule *rule) {
    limn_status status = LIMN_OK;
    size_t *x = NULL, *y = NULL, c = in->c;
    TRY(limn_new(&x, out->w, sizeof *x));
    TRY(limn_new(&y, out->h, sizeof *y));
    TRY(room_for(out, in->b != NULL));
    rule->places(x, out->w, in->w);
    rule->places(y, out->h, in->h);
    for (size_t i = 0; i < out->h; i++) {
        for (size_t j = 0; j < out->w; j++) {
            size_t to = (i * out->w + j) * c, from = (y[i] * in->w + x[j]) * c;
            if (in->b)
                memcpy(out->b + to, in->b + from, c);
            else
                memcpy(out->f + to, in->f + from, c * sizeof(float));
        }
    }
done:
    free(x);
    free(y);
    return status;
}

/* ---- TensorFlow's bilinear --------------------------------------------------------------------------------------- */
typedef struct {
    size_t low, high;
    float part;
} lerp;

static limn_status lerps_new(lerp **l, size_t out, size_t in, const resize_rule *rule) {
    float scale = rule->corners && out > 1 ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
    limn_status s = limn_new(l, out, sizeof **l);
    for (size_t i = 0; s == LIMN_OK && i < out; i++) {
        float p = rule->at((float)i, scale), floor_p = floorf(p), ceil_p = ceilf(p);
        (*l)[i] = (lerp){
            .low = floor_p > 0 ? (size_t)floor_p : 0, .high = ceil_p > 0 ? (size_t)ceil_p : 0, .part = p - floor_p};
        if ((*l)[i].low > in - 1) (*l)[i].low = in - 1;
        if ((*l)[i].high > in - 1) (*l)[i].high = in - 1;
    }
    return s;
}

static limn_status bilinear(data_picture *out, const data_picture *in, const resize_rule *rule) {
    limn_status status = LIMN_OK;
    lerp *x = NULL, *y = NULL;
    float *row[2] = {NULL, NULL};
    size_t c = in->c, n = out->w * c, held[2] = {SIZE_MAX, SIZE_MAX};
    TRY(lerps_new(&x, out->w, in->w, rule));
    TRY(lerps_new(&y, out->h, in->h, rule));
    TRY(room_for(out, 0));
    for (int k = 0; k < 2; k++) TRY(limn_new(&row[k], n, sizeof(float)));
    for (size_t i = 0; i < out->h; i++) {
        const size_t want[2] = {y[i].low, y[i].high};
        for (int k = 0; k < 2; k++) { /* the two input rows, resized across, kept while they are the same */
            if (held[k] == want[k]) continue;
            held[k] = want[k];
            for (size_t j = 0; j < out->w; j++) {
                size_t a = (want[k] * in->w + x[j].low) * c, b = (want[k] * in->w + x[j].high) * c;
                for (size_t d = 0; d < c; d++) {
                    float l = in->b ? in->b[a + d] : in->f[a + d], h = in->b ? in->b[b + d] : in->f[b + d];
                    row[k][j * c + d] = l + (h - l) * x[j].part;
                }
            }
        }
        for (size_t j = 0; j < n; j++) out->f[i * n + j] = row[0][j] + (row[1][j] - row[0][j]) * y[i].part;
    }
done:
    free(x);
    free(y);
    free(row[0]);
    free(row[1]);
    return status;
}

limn_status resize_picture(data_picture *out, const data_picture *in, const resize_rule *rule) {
    out->c = in->c;
    out->b = NULL;
    out->f = NULL;
    if (out->h == in->h && out->w == in->w) return copy_of(out, in);
    return rule->filter ? convolve(out, in, rule) : rule->places ? nearest(out, in, rule) : bilinear(out, in, rule);
}
