/* Backward-data of convolutions that read few channels: a network's first layer (see plan.h).
 *
 * The library fills 1 or 3 channels up to 16, and computes them all. Here the taps are the columns:
 *   1. for a run of pixels of the gradient (channels last): M (pixels, C kh kw) = gy (pixels, K) W (K, C kh kw), by the
 *      product kernel of winograd.h, the columns filled up to vectors
 *   2. each row of M is added to the pixels of gx under its window, in the order of the pixels
 * gx is plain. A pixel's sum is made in one order, from its own row alone. */
#include "nn/conv_kernels.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "nn/plan.h"

enum { MAX_CHANNELS = 4, MAX_COLUMNS = 256, RUN = 192 };

typedef struct {
    const conv_kernels *kernels;
    size_t columns, room; /* C kh kw; filled up to whole vectors */
    int u, m, tail;       /* places: W; M of a run; the last pixels, filled up to the kernel's rows */
} narrow;

int net_narrow_fits(const limn_net *n, const net_step *s) {
    const limn_op_attr *a = &s->node->attr;
    size_t C = net_picture_of(n, net_node_in(n, s)).C;
    return s->node->op == LIMN_OP_CONV2D && a->groups <= 1 && C <= MAX_CHANNELS &&
           C * (size_t)a->kernel[0] * (size_t)a->kernel[1] <= MAX_COLUMNS;
}

/* u (room / panel, K, panel) of w (K, columns). */
static limn_status add_weights(limn_net *n, narrow *t, const float *w, size_t K) {
    limn_status status = LIMN_OK;
    size_t panel = 2 * t->kernels->lanes;
    TRY(net_add_floats(n, NET_FIXED, t->room * K, &t->u));
    float **u = &n->mem[t->u].owned;
    TRY(limn_new(u, t->room * K, sizeof **u));
    for (size_t c = 0; c < t->columns; c++) {
        size_t first = c / panel * panel, wide = t->room - first < panel ? t->room - first : panel;
        for (size_t k = 0; k < K; k++) (*u)[first * K + k * wide + c - first] = w[k * t->columns + c];
    }
done:
    return status;
}

limn_status net_narrow_plan(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    narrow *t;
    size_t K = (size_t)s->node->attr.units, lanes;
    TRY(limn_new(&t, 1, sizeof *t));
    s->table = t;
    t->kernels = conv_kernels_best();
    lanes = t->kernels->lanes;
    t->columns =
        net_picture_of(n, net_node_in(n, s)).C * (size_t)s->node->attr.kernel[0] * (size_t)s->node->attr.kernel[1];
    t->room = (t->columns + lanes - 1) / lanes * lanes;
    TRY(add_weights(n, t, s->node->weight, K));
    TRY(net_add_floats(n, NET_TEMP, RUN * t->room, &t->m));
    TRY(net_add_floats(n, NET_TEMP, t->kernels->rows * K, &t->tail));
done:
    return status;
}

/* The taps of one pixel's window that lie on the picture, along an axis: [lo, hi). */
static void taps_inside(const limn_op_attr *a, int axis, long first, long size, long *lo, long *hi) {
    long d = a->dilation[axis], k = a->kernel[axis];
    *lo = first < 0 ? (-first + d - 1) / d : 0;
    *hi = first + (k - 1) * d < size ? k : first < size ? (size - first + d - 1) / d : 0;
}

/* Adds row m to the pixels of gx (C, H, W) under the window whose first pixel is (r, q). */
static void add_window(const limn_op_attr *a, net_picture in, const float *m, long r, long q, float *gx) {
    long u0, u1, v0, v1, H = (long)in.H, W = (long)in.W;
    taps_inside(a, 0, r, H, &u0, &u1);
    taps_inside(a, 1, q, W, &v0, &v1);
    if (u1 - u0 == 3 && v1 - v0 == 3 && a->kernel[0] == 3 && a->kernel[1] == 3 && a->dilation[1] == 1) {
        for (size_t c = 0; c < in.C; c++, gx += H * W, m += 9) /* what most first layers are, unrolled */
            for (long u = 0; u < 3; u++) {
                float *line = gx + (r + u * a->dilation[0]) * W + q;
                line[0] += m[3 * u];
                line[1] += m[3 * u + 1];
                line[2] += m[3 * u + 2];
            }
        return;
    }
    for (size_t c = 0; c < in.C; c++, gx += H * W, m += a->kernel[0] * a->kernel[1])
        for (long u = u0; u < u1; u++) {
            float *line = gx + (r + u * a->dilation[0]) * W + q;
            const float *tap = m + u * a->kernel[1];
            for (long v = v0; v < v1; v++) line[v * a->dilation[1]] += tap[v];
        }
}

/* M of `count` pixels from gy on; the last few go through the tail, so that nothing beyond them is read. */
static void multiply(const narrow *t, limn_session *run, const float *gy, size_t count, size_t K) {
    size_t rows = t->kernels->rows, whole = count / rows * rows;
    float *m = run->address[t->m], *tail = run->address[t->tail];
    if (whole) t->kernels->products(gy, run->address[t->u], m, whole, K, t->room, t->room, &CONV_SUM);
    if (whole == count) return;
    memset(tail, 0, rows * K * sizeof *tail);
    memcpy(tail, gy + whole * K, (count - whole) * K * sizeof *tail);
    t->kernels->products(tail, run->address[t->u], m + whole * t->room, rows, K, t->room, t->room, &CONV_SUM);
}

limn_status net_narrow_vjp(const net_step *s, limn_session *run) {
    const narrow *t = s->table;
    const limn_op_attr *a = &s->node->attr;
    net_picture in = net_picture_of(run->net, net_node_in(run->net, s)), out = net_picture_of(run->net, s->node);
    const float *gy = run->address[s->gy], *m = run->address[t->m];
    float *gx = run->address[s->link->gx];
    size_t all = out.N * out.H * out.W, plane = out.H * out.W;
    memset(gx, 0, in.N * in.C * in.H * in.W * sizeof *gx);
    for (size_t first = 0; first < all; first += RUN) {
        size_t count = all - first < RUN ? all - first : RUN;
        multiply(t, run, gy + first * out.C, count, out.C);
        for (size_t p = 0; p < count; p++) {
            size_t at = first + p, b = at / plane, i = at % plane / out.W, j = at % out.W;
            add_window(a, in, m + p * t->room, (long)i * a->stride[0] - a->pad[0], (long)j * a->stride[1] - a->pad[1],
                       gx + b * in.C * in.H * in.W);
        }
    }
    return LIMN_OK;
}
