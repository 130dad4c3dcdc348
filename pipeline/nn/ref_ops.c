/* The plain ops: oracle of the tests, fallback of the engine, and all of `--ref` (see plan.h).
 *
 * Straight loops over plain layouts, x (B, C, H, W) -> y (B, O, h, w), no library:
 *   convolution   y[o,i,j] += w[o,c,u,v] x[c, i sh + u dh - top, j sw + v dw - left], in the order c, u, v, after the
 *                 bias; its gradient scatters the same products back: gx[c, ...] += w[o,c,u,v] gy[o,i,j]
 *   dense         W (out, in); float64 sums over the input (forward) and over the units (gradient)
 *   max pooling   the first maximum of a window in row-major order; padding never wins
 *   flatten       (C, H, W) as it lies, or turned to (H, W, C)
 * Rows of a chunk one after another. Ops that are own loops on either backend have files of their own. */
#include <float.h>
#include <string.h>

#include "base/try.h"
#include "nn/plan.h"

/* ---- windows ----------------------------------------------------------------------------------------------------- */
typedef struct {
    long N, C, H, W, O, h, w;
    const limn_op_attr *a;
} geometry;

static geometry geometry_of(const net_step *s, const limn_session *run) {
    net_picture in = net_picture_of(run->net, net_node_in(run->net, s)), out = net_picture_of(run->net, s->node);
    return (geometry){(long)in.N,  (long)in.C,  (long)in.H,  (long)in.W,
                      (long)out.C, (long)out.H, (long)out.W, &s->node->attr};
}

/* The outputs [lo, hi) of one axis (0: rows, 1: columns) whose tap k lies inside an input of n pixels. */
static void inside(const geometry *g, int axis, long k, long n, long outs, long *lo, long *hi) {
    long stride = g->a->stride[axis], off = k * g->a->dilation[axis] - g->a->pad[axis];
    long first = off < 0 ? (-off + stride - 1) / stride : 0;
    long end = n - 1 - off < 0 ? 0 : (n - 1 - off) / stride + 1;
    *lo = first;
    *hi = end < outs ? end : outs;
}

/* One tap w of a kernel over one plane: forward y[i,j] += w x[...], or back x[...] += w y[i,j]. */
static void tap_plane(const geometry *g, long u, long v, float w, float *x, float *y, int back) {
    long i0, i1, j0, j1, sw = g->a->stride[1];
    inside(g, 0, u, g->H, g->h, &i0, &i1);
    inside(g, 1, v, g->W, g->w, &j0, &j1);
    for (long i = i0; i < i1; i++) {
        long row = i * g->a->stride[0] + u * g->a->dilation[0] - g->a->pad[0];
        float *xr = x + row * g->W + v * g->a->dilation[1] - g->a->pad[1], *yr = y + i * g->w;
        if (back) {
#pragma omp simd
            for (long j = j0; j < j1; j++) xr[j * sw] += w * yr[j];
        } else {
#pragma omp simd
            for (long j = j0; j < j1; j++) yr[j] += w * xr[j * sw];
        }
    }
}

/* ---- convolution ------------------------------------------------------------------------------------------------- */
static void conv_row(const geometry *g, const float *weight, float *x, float *y, int back) {
    long groups = g->a->groups > 1 ? g->a->groups : 1, cg = g->C / groups, og = g->O / groups;
    long kh = g->a->kernel[0], kw = g->a->kernel[1];
    for (long o = 0; o < g->O; o++)
        for (long c = 0; c < cg; c++)
            for (long u = 0; u < kh; u++)
                for (long v = 0; v < kw; v++)
                    tap_plane(g, u, v, weight[((o * cg + c) * kh + u) * kw + v], x + (o / og * cg + c) * g->H * g->W,
                              y + o * g->h * g->w, back);
}

static limn_status conv_forward(const net_step *s, limn_session *run) {
    geometry g = geometry_of(s, run);
    long in = g.C * g.H * g.W, plane = g.h * g.w;
    for (long b = 0; b < g.N; b++) {
        float *y = run->address[s->value] + b * g.O * plane;
        for (long o = 0; o < g.O; o++)
            for (long p = 0; p < plane; p++) y[o * plane + p] = s->node->bias ? s->node->bias[o] : 0;
        conv_row(&g, s->node->weight, run->address[s->link->x] + b * in, y, 0);
    }
    return LIMN_OK;
}

static limn_status conv_vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    (void)j;
    geometry g = geometry_of(s, run);
    long in = g.C * g.H * g.W, out = g.O * g.h * g.w;
    (void)rule;
    memset(run->address[s->link->gx], 0, (size_t)(g.N * in) * sizeof(float));
    for (long b = 0; b < g.N; b++)
        conv_row(&g, s->node->weight, run->address[s->link->gx] + b * in, run->address[s->gy] + b * out, 1);
    return LIMN_OK;
}

const net_op net_ref_conv = {"conv", net_place_plain, conv_forward, conv_vjp, 0, 0};

/* ---- transposed convolution -------------------------------------------------------------------------------------- */
/* The convolution whose gradient this is: from its output back to its input. */
static geometry turned(geometry g) {
    return (geometry){g.N, g.O, g.h, g.w, g.C, g.H, g.W, g.a};
}

static limn_status convt_forward(const net_step *s, limn_session *run) {
    geometry g = geometry_of(s, run), back = turned(g);
    long in = g.C * g.H * g.W, plane = g.h * g.w;
    for (long b = 0; b < g.N; b++) {
        float *y = run->address[s->value] + b * g.O * plane;
        for (long o = 0; o < g.O; o++)
            for (long p = 0; p < plane; p++) y[o * plane + p] = s->node->bias ? s->node->bias[o] : 0;
        conv_row(&back, s->node->weight, y, run->address[s->link->x] + b * in, 1);
    }
    return LIMN_OK;
}

static limn_status convt_vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    geometry g = geometry_of(s, run), back = turned(g);
    long in = g.C * g.H * g.W, out = g.O * g.h * g.w;
    (void)rule;
    (void)j;
    memset(run->address[s->link->gx], 0, (size_t)(g.N * in) * sizeof(float));
    for (long b = 0; b < g.N; b++)
        conv_row(&back, s->node->weight, run->address[s->gy] + b * out, run->address[s->link->gx] + b * in, 0);
    return LIMN_OK;
}

const net_op net_ref_convt = {"convt", net_place_plain, convt_forward, convt_vjp, 0, 0};

/* ---- dense ------------------------------------------------------------------------------------------------------- */
enum { LANES = 32 };

/* Sum over n of a[i] b[i] in float64, in LANES partial sums so that the machine can overlap them. */
static double dot(const float *a, const float *b, size_t n) {
    double lane[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t l = 0; l < LANES; l++) lane[l] += (double)a[i + l] * b[i + l];
    for (; i < n; i++) sum += (double)a[i] * b[i];
    for (size_t l = 0; l < LANES; l++) sum += lane[l];
    return sum;
}

static limn_status dense_forward(const net_step *s, limn_session *run) {
    size_t out = (size_t)s->node->attr.units, B = net_elements(run->net, s->node) / out;
    size_t in = net_elements(run->net, net_node_in(run->net, s)) / B;
    const float *w = s->node->weight, *bias = s->node->bias;
    for (size_t b = 0; b < B; b++) {
        const float *x = run->address[s->link->x] + b * in;
        float *y = run->address[s->value] + b * out;
        for (size_t o = 0; o < out; o++) y[o] = (float)(dot(x, w + o * in, in) + (bias ? bias[o] : 0));
    }
    return LIMN_OK;
}

/* gx[0 .. m), m <= LANES, of one row: column sums of gy[o] w[o, i] for the inputs that start at w. */
static void dense_columns(const float *gy, size_t out, const float *w, size_t in, size_t m, float *gx) {
    double sum[LANES] = {0};
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < m; i++) sum[i] += (double)gy[o] * w[o * in + i];
    for (size_t i = 0; i < m; i++) gx[i] = (float)sum[i];
}

static limn_status dense_vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    (void)j;
    size_t out = (size_t)s->node->attr.units, B = net_elements(run->net, s->node) / out;
    size_t in = net_elements(run->net, net_node_in(run->net, s)) / B;
    (void)rule;
    for (size_t b = 0; b < B; b++)
        for (size_t i = 0; i < in; i += LANES)
            dense_columns(run->address[s->gy] + b * out, out, s->node->weight + i, in, in - i < LANES ? in - i : LANES,
                          run->address[s->link->gx] + b * in + i);
    return LIMN_OK;
}

const net_op net_ref_dense = {"dense", net_place_plain, dense_forward, dense_vjp, 0, 0};

/* ---- max pooling ------------------------------------------------------------------------------------------------- */
/* The taps [lo, hi) of output `at` along an axis that lie on the pixels [from, to): a window can be far larger. */
static void taps_within(const limn_op_attr *a, int axis, long at, long from, long to, long *lo, long *hi) {
    long d = a->dilation[axis], first = at * a->stride[axis] - a->pad[axis];
    *lo = first < from ? (from - first + d - 1) / d : 0;
    *hi = first < to ? (to - 1 - first) / d + 1 : 0;
    if (*hi > a->kernel[axis]) *hi = a->kernel[axis];
}

/* Index into the plane of the first maximum of output (i, j)'s window; -1 where no tap lies inside (dilation can make
 * the padding so wide): that output is -FLT_MAX, as in oneDNN, and passes no gradient. */
static long first_maximum(const geometry *g, const float *plane, long i, long j) {
    const limn_op_attr *a = g->a;
    long best = -1, u0, u1, v0, v1;
    taps_within(a, 0, i, 0, g->H, &u0, &u1);
    taps_within(a, 1, j, 0, g->W, &v0, &v1);
    for (long u = u0; u < u1; u++) {
        long r = i * a->stride[0] + u * a->dilation[0] - a->pad[0];
        for (long v = v0; v < v1; v++) {
            long c = j * a->stride[1] + v * a->dilation[1] - a->pad[1];
            if (best < 0 || plane[r * g->W + c] > plane[best]) best = r * g->W + c;
        }
    }
    return best;
}

static limn_status maxpool_forward(const net_step *s, limn_session *run) {
    geometry g = geometry_of(s, run);
    for (long p = 0; p < g.N * g.C; p++) {
        const float *x = run->address[s->link->x] + p * g.H * g.W;
        float *y = run->address[s->value] + p * g.h * g.w;
        for (long i = 0; i < g.h; i++)
            for (long j = 0; j < g.w; j++) {
                long at = first_maximum(&g, x, i, j);
                y[i * g.w + j] = at < 0 ? -FLT_MAX : x[at];
            }
    }
    return LIMN_OK;
}

static limn_status maxpool_vjp(const net_step *s, limn_session *run, limn_rule rule, int input) {
    (void)input;
    geometry g = geometry_of(s, run);
    (void)rule;
    memset(run->address[s->link->gx], 0, (size_t)(g.N * g.C * g.H * g.W) * sizeof(float));
    for (long p = 0; p < g.N * g.C; p++) {
        const float *x = run->address[s->link->x] + p * g.H * g.W, *gy = run->address[s->gy] + p * g.h * g.w;
        float *gx = run->address[s->link->gx] + p * g.H * g.W;
        for (long i = 0; i < g.h; i++)
            for (long j = 0; j < g.w; j++) {
                long at = first_maximum(&g, x, i, j);
                if (at >= 0) gx[at] += gy[i * g.w + j];
            }
    }
    return LIMN_OK;
}

const net_op net_ref_maxpool = {"maxpool", net_place_plain, maxpool_forward, maxpool_vjp, 1, 0};

/* ---- average pooling --------------------------------------------------------------------------------------------- */
/* The taps of an output along an axis that lie inside the input, and (with count_pad) inside its padding. */
static long count_taps(const geometry *g, int axis, long at, long size, int padding) {
    const limn_op_attr *a = g->a;
    long lo, hi;
    taps_within(a, axis, at, padding ? -a->pad[axis] : 0, size + (padding ? a->pad[axis + 2] : 0), &lo, &hi);
    return hi > lo ? hi - lo : 0;
}

/* The plane's mean under window (i, j), or back: shares g among its pixels. An empty window is 0. */
static float average(const geometry *g, const float *plane, float *back, float share, long i, long j) {
    const limn_op_attr *a = g->a;
    long n = count_taps(g, 0, i, g->H, a->count_pad) * count_taps(g, 1, j, g->W, a->count_pad);
    long u0, u1, v0, v1;
    double sum = 0;
    taps_within(a, 0, i, 0, g->H, &u0, &u1);
    taps_within(a, 1, j, 0, g->W, &v0, &v1);
    for (long u = u0; u < u1; u++) {
        long r = i * a->stride[0] + u * a->dilation[0] - a->pad[0];
        for (long v = v0; v < v1; v++) {
            long c = j * a->stride[1] + v * a->dilation[1] - a->pad[1];
            if (back)
                back[r * g->W + c] += share / (float)n;
            else
                sum += plane[r * g->W + c];
        }
    }
    return n > 0 ? (float)(sum / (double)n) : 0;
}

static limn_status avgpool_forward(const net_step *s, limn_session *run) {
    geometry g = geometry_of(s, run);
    for (long p = 0; p < g.N * g.C; p++) {
        const float *x = run->address[s->link->x] + p * g.H * g.W;
        float *y = run->address[s->value] + p * g.h * g.w;
        for (long i = 0; i < g.h; i++)
            for (long j = 0; j < g.w; j++) y[i * g.w + j] = average(&g, x, NULL, 0, i, j);
    }
    return LIMN_OK;
}

static limn_status avgpool_vjp(const net_step *s, limn_session *run, limn_rule rule, int input) {
    geometry g = geometry_of(s, run);
    (void)rule;
    (void)input;
    memset(run->address[s->link->gx], 0, (size_t)(g.N * g.C * g.H * g.W) * sizeof(float));
    for (long p = 0; p < g.N * g.C; p++) {
        const float *gy = run->address[s->gy] + p * g.h * g.w;
        float *gx = run->address[s->link->gx] + p * g.H * g.W;
        for (long i = 0; i < g.h; i++)
            for (long j = 0; j < g.w; j++) average(&g, NULL, gx, gy[i * g.w + j], i, j);
    }
    return LIMN_OK;
}

const net_op net_ref_avgpool = {"avgpool", net_place_plain, avgpool_forward, avgpool_vjp, 0, 0};

/* ---- flatten ----------------------------------------------------------------------------------------------------- */
/* Copies a row between (C, P) and (P, C), P pixels. */
static void turn(const float *from, float *to, size_t rows, size_t cols) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) to[c * rows + r] = from[r * cols + c];
}

static limn_status flatten_copy(const net_step *s, limn_session *run, const float *from, float *to, int back) {
    const limn_shape *in = net_shape_in(run->net, s);
    size_t size = limn_shape_size(in), C = s->node->attr.hwc && in->rank == 3 && s->node->batched ? in->dim[0] : 1,
           P = size / C;
    for (size_t b = 0; b < net_rows(run->net, s->node); b++)
        turn(from + b * size, to + b * size, back ? P : C, back ? C : P);
    return LIMN_OK;
}

static limn_status flatten_forward(const net_step *s, limn_session *run) {
    return flatten_copy(s, run, run->address[s->link->x], run->address[s->value], 0);
}

static limn_status flatten_vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    (void)j;
    (void)rule;
    return flatten_copy(s, run, run->address[s->gy], run->address[s->link->gx], 1);
}

const net_op net_ref_flatten = {"flatten", net_place_plain, flatten_forward, flatten_vjp, 0, 0};
