/* One element of any op, by its definition, in float64: what the self-test holds the planned primitives against.
 *
 * net_exact_forward gives output i, net_exact_vjp gives element i of the gradient at the input, each with the sum of
 * the |terms|, which bounds the rounding of any float32 sum of them. Written as gathers, index by index, apart from the
 * loops of ref_ops.c, so that the two can be held against each other. */
#include <float.h>
#include <math.h>

#include "nn/plan.h"

typedef struct {
    const limn_node *n;
    const limn_shape *in;
    const float *x, *gy; /* one row, plain */
    size_t i;
} probe;

static net_exact one(double v) {
    return (net_exact){v, fabs(v)};
}

static void add(net_exact *e, double term) {
    e->value += term;
    e->scale += fabs(term);
}

/* Pixel of the input under output o's tap k along an axis; -1 outside. */
static long under(const limn_op_attr *a, int axis, long o, long k, long n) {
    long p = o * a->stride[axis] + k * a->dilation[axis] - a->pad[axis];
    return p >= 0 && p < n ? p : -1;
}

/* The taps [lo, hi) along an axis under which output o can have a pixel of n; and over which pixel p can have an output
 * of `outs`. A pool's window can be far larger than what it lies on. */
typedef struct {
    long lo, hi;
} taps;

static long up(long a, long b) {
    return a > 0 ? (a + b - 1) / b : 0;
}

static taps taps_under(const limn_op_attr *a, int axis, long o, long n) {
    long d = a->dilation[axis], back = a->pad[axis] - o * a->stride[axis], most = n - 1 + back;
    taps t = {up(back, d), most < 0 ? 0 : most / d + 1};
    return t.hi > a->kernel[axis] ? (taps){t.lo, a->kernel[axis]} : t;
}

static taps taps_over(const limn_op_attr *a, int axis, long p, long outs) {
    long d = a->dilation[axis], most = p + a->pad[axis];
    taps t = {up(most - (outs - 1) * a->stride[axis], d), most / d + 1};
    return t.hi > a->kernel[axis] ? (taps){t.lo, a->kernel[axis]} : t;
}

/* The output whose tap k along an axis lies on pixel p; -1 if none does. */
static long over(const limn_op_attr *a, int axis, long p, long k, long outs) {
    long o = p + a->pad[axis] - k * a->dilation[axis];
    if (o < 0 || o % a->stride[axis] != 0 || o / a->stride[axis] >= outs) return -1;
    return o / a->stride[axis];
}

/* ---- convolution ------------------------------------------------------------------------------------------------- */
static double conv_weight(const limn_node *n, long cg, long o, long c, long u, long v) {
    return n->weight[((o * cg + c) * n->attr.kernel[0] + u) * n->attr.kernel[1] + v];
}

static net_exact conv_forward(const probe *p) {
    const limn_op_attr *a = &p->n->attr;
    const size_t *od = p->n->out.dim, *id = p->in->dim;
    long groups = a->groups > 1 ? a->groups : 1, cg = (long)id[0] / groups, og = (long)od[0] / groups;
    long w = (long)od[2], h = (long)od[1], o = (long)p->i / (h * w), i = (long)p->i / w % h, j = (long)p->i % w;
    net_exact e = {0, 0};
    if (p->n->bias) add(&e, p->n->bias[o]);
    for (long c = 0; c < cg; c++)
        for (long u = 0; u < a->kernel[0]; u++)
            for (long v = 0; v < a->kernel[1]; v++) {
                long r = under(a, 0, i, u, (long)id[1]), q = under(a, 1, j, v, (long)id[2]);
                if (r < 0 || q < 0) continue;
                long at = ((o / og * cg + c) * (long)id[1] + r) * (long)id[2] + q;
                add(&e, conv_weight(p->n, cg, o, c, u, v) * p->x[at]);
            }
    return e;
}

static net_exact conv_vjp(const probe *p) {
    const limn_op_attr *a = &p->n->attr;
    const size_t *od = p->n->out.dim, *id = p->in->dim;
    long groups = a->groups > 1 ? a->groups : 1, cg = (long)id[0] / groups, og = (long)od[0] / groups;
    long W = (long)id[2], H = (long)id[1], c = (long)p->i / (H * W), r = (long)p->i / W % H, q = (long)p->i % W;
    net_exact e = {0, 0};
    for (long o = c / cg * og; o < (c / cg + 1) * og; o++)
        for (long u = 0; u < a->kernel[0]; u++)
            for (long v = 0; v < a->kernel[1]; v++) {
                long i = over(a, 0, r, u, (long)od[1]), j = over(a, 1, q, v, (long)od[2]);
                if (i < 0 || j < 0) continue;
                add(&e, conv_weight(p->n, cg, o, c % cg, u, v) * p->gy[(o * (long)od[1] + i) * (long)od[2] + j]);
            }
    return e;
}

/* ---- dense ------------------------------------------------------------------------------------------------------- */
static net_exact dense_forward(const probe *p) {
    size_t in = p->in->dim[p->in->rank - 1];
    net_exact e = {0, 0};
    size_t units = (size_t)p->n->attr.units, row = p->i / units, o = p->i % units;
    if (p->n->bias) add(&e, p->n->bias[o]);
    for (size_t k = 0; k < in; k++) add(&e, (double)p->x[row * in + k] * p->n->weight[o * in + k]);
    return e;
}

static net_exact dense_vjp(const probe *p) {
    size_t in = p->in->dim[p->in->rank - 1], out = (size_t)p->n->attr.units;
    net_exact e = {0, 0};
    size_t row = p->i / in, i = p->i % in;
    for (size_t k = 0; k < out; k++) add(&e, (double)p->gy[row * out + k] * p->n->weight[k * in + i]);
    return e;
}

/* ---- max pooling ------------------------------------------------------------------------------------------------- */
/* Pixel (in its plane) of the first maximum of window (i, j) of plane c; -1 where the window is all padding. */
static long winner(const probe *p, long c, long i, long j) {
    const limn_op_attr *a = &p->n->attr;
    long H = (long)p->in->dim[1], W = (long)p->in->dim[2], best = -1;
    taps tu = taps_under(a, 0, i, H), tv = taps_under(a, 1, j, W);
    for (long u = tu.lo; u < tu.hi; u++)
        for (long v = tv.lo; v < tv.hi; v++) {
            long r = under(a, 0, i, u, H), q = under(a, 1, j, v, W);
            if (r < 0 || q < 0) continue;
            if (best < 0 || p->x[c * H * W + r * W + q] > p->x[c * H * W + best]) best = r * W + q;
        }
    return best;
}

static net_exact maxpool_forward(const probe *p) {
    long h = (long)p->n->out.dim[1], w = (long)p->n->out.dim[2], c = (long)p->i / (h * w);
    long HW = (long)(p->in->dim[1] * p->in->dim[2]);
    long at = winner(p, c, (long)p->i / w % h, (long)p->i % w);
    return one(at < 0 ? -FLT_MAX : p->x[c * HW + at]);
}

static net_exact maxpool_vjp(const probe *p) {
    const limn_op_attr *a = &p->n->attr;
    long h = (long)p->n->out.dim[1], w = (long)p->n->out.dim[2], H = (long)p->in->dim[1], W = (long)p->in->dim[2];
    long c = (long)p->i / (H * W), at = (long)p->i % (H * W);
    net_exact e = {0, 0};
    taps tu = taps_over(a, 0, at / W, h), tv = taps_over(a, 1, at % W, w);
    for (long u = tu.lo; u < tu.hi; u++)
        for (long v = tv.lo; v < tv.hi; v++) {
            long i = over(a, 0, at / W, u, h), j = over(a, 1, at % W, v, w);
            if (i >= 0 && j >= 0 && winner(p, c, i, j) == at) add(&e, p->gy[(c * h + i) * w + j]);
        }
    return e;
}

/* ---- average pooling --------------------------------------------------------------------------------------------- */
/* 1 / (the number of pixels that window (i, j) counts), 0 where there are none. */
static double share(const probe *p, long i, long j) {
    const limn_op_attr *a = &p->n->attr;
    long at[2] = {i, j}, count = 1;
    for (int axis = 0; axis < 2; axis++) {
        long size = (long)p->in->dim[axis + 1];
        taps t = taps_under(a, axis, at[axis], size + (a->count_pad ? a->pad[axis + 2] : 0));
        if (a->count_pad) t.lo = 0;
        count *= t.hi > t.lo ? t.hi - t.lo : 0;
    }
    return count > 0 ? 1 / (double)count : 0;
}

static net_exact avgpool_forward(const probe *p) {
    const limn_op_attr *a = &p->n->attr;
    long h = (long)p->n->out.dim[1], w = (long)p->n->out.dim[2], H = (long)p->in->dim[1], W = (long)p->in->dim[2];
    long c = (long)p->i / (h * w), i = (long)p->i / w % h, j = (long)p->i % w;
    taps tu = taps_under(a, 0, i, H), tv = taps_under(a, 1, j, W);
    net_exact e = {0, 0};
    for (long u = tu.lo; u < tu.hi; u++)
        for (long v = tv.lo; v < tv.hi; v++) {
            long r = under(a, 0, i, u, H), q = under(a, 1, j, v, W);
            if (r >= 0 && q >= 0) add(&e, p->x[(c * H + r) * W + q] * share(p, i, j));
        }
    return e;
}

static net_exact avgpool_vjp(const probe *p) {
    const limn_op_attr *a = &p->n->attr;
    long h = (long)p->n->out.dim[1], w = (long)p->n->out.dim[2], H = (long)p->in->dim[1], W = (long)p->in->dim[2];
    long c = (long)p->i / (H * W), at = (long)p->i % (H * W);
    taps tu = taps_over(a, 0, at / W, h), tv = taps_over(a, 1, at % W, w);
    net_exact e = {0, 0};
    for (long u = tu.lo; u < tu.hi; u++)
        for (long v = tv.lo; v < tv.hi; v++) {
            long i = over(a, 0, at / W, u, h), j = over(a, 1, at % W, v, w);
            if (i >= 0 && j >= 0) add(&e, p->gy[(c * h + i) * w + j] * share(p, i, j));
        }
    return e;
}

/* ---- transposed convolution -------------------------------------------------------------------------------------- */
/* The gradient of the convolution that goes from its output to its input. */
static net_exact convt_forward(const probe *p) {
    limn_node turned = *p->n;
    turned.bias = NULL;
    turned.out = *p->in;
    net_exact e = conv_vjp(&(probe){&turned, &p->n->out, NULL, p->x, p->i});
    if (p->n->bias) add(&e, p->n->bias[p->i / (p->n->out.dim[1] * p->n->out.dim[2])]);
    return e;
}

static net_exact convt_vjp(const probe *p) {
    limn_node turned = *p->n;
    turned.bias = NULL;
    turned.out = *p->in;
    return conv_forward(&(probe){&turned, &p->n->out, p->gy, NULL, p->i});
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */
/* Where element i of a flattened vector lies in (C, H, W). */
static size_t flatten_from(const probe *p, size_t i) {
    if (!p->n->attr.hwc || p->in->rank != 3 || !p->n->batched) return i;
    size_t C = p->in->dim[0], P = p->in->dim[1] * p->in->dim[2];
    return i % C * P + i / C;
}

static net_exact flatten_forward(const probe *p) {
    return one(p->x[flatten_from(p, p->i)]);
}

static net_exact flatten_vjp(const probe *p) {
    if (!p->n->attr.hwc || p->in->rank != 3 || !p->n->batched) return one(p->gy[p->i]);
    size_t C = p->in->dim[0], P = p->in->dim[1] * p->in->dim[2];
    return one(p->gy[p->i % P * C + p->i / P]);
}

/* What a ReLU takes: its input, or where a scale was joined to it, that scaled, in float32 as the mask has it; *w = the
 * factor. */
static float before_relu(const probe *p, double *w) {
    size_t P = 1;
    *w = 1;
    if (!p->n->weight) return p->x[p->i];
    for (int k = p->n->attr.axis + 1; k < p->in->rank; k++) P *= p->in->dim[k];
    size_t c = p->i / P % p->in->dim[p->n->attr.axis];
    *w = p->n->weight[c];
    float scaled = p->n->weight[c] * p->x[p->i];
    return scaled + (p->n->bias ? p->n->bias[c] : 0);
}

static net_exact relu_forward(const probe *p) {
    double w;
    float x = before_relu(p, &w);
    return one(x > 0 ? x : 0);
}

static net_exact relu_vjp(const probe *p) {
    double w;
    return one(before_relu(p, &w) > 0 ? w * p->gy[p->i] : 0);
}

/* The line along the axis that element i lies on: its first element, length and stride. */
static size_t line_of(const probe *p, size_t *C, size_t *P) {
    *C = p->in->dim[p->n->attr.axis];
    *P = 1;
    for (int k = p->n->attr.axis + 1; k < p->in->rank; k++) *P *= p->in->dim[k];
    return p->i / (*C * *P) * *C * *P + p->i % *P;
}

/* m and Z of one softmax: its outputs are e^(x - m) / Z. */
static void softmax_sums(const float *x, size_t C, size_t P, double *m, double *Z) {
    *m = x[0];
    *Z = 0;
    for (size_t c = 1; c < C; c++) *m = fmax(*m, x[c * P]);
    for (size_t c = 0; c < C; c++) *Z += exp(x[c * P] - *m);
}

static net_exact softmax_forward(const probe *p) {
    size_t C, P, at = line_of(p, &C, &P);
    double m, Z;
    softmax_sums(p->x + at, C, P, &m, &Z);
    return one(exp(p->x[p->i] - m) / Z);
}

static net_exact softmax_vjp(const probe *p) {
    size_t C, P, at = line_of(p, &C, &P);
    double m, Z;
    softmax_sums(p->x + at, C, P, &m, &Z);
    double y = exp(p->x[p->i] - m) / Z;
    net_exact e = {0, 0};
    add(&e, y * p->gy[p->i]);
    for (size_t k = at, c = 0; c < C; c++, k += P) add(&e, -y * exp(p->x[k] - m) / Z * p->gy[k]);
    return e;
}

static net_exact identity_forward(const probe *p) {
    return one(p->x[p->i]);
}

static net_exact identity_vjp(const probe *p) {
    return one(p->gy[p->i]);
}

static const struct {
    net_exact (*forward)(const probe *p), (*vjp)(const probe *p);
} exact[LIMN_OPS] = {
    [LIMN_OP_CONV2D] = {conv_forward, conv_vjp},
    [LIMN_OP_CONVT2D] = {convt_forward, convt_vjp},
    [LIMN_OP_AVGPOOL] = {avgpool_forward, avgpool_vjp},
    [LIMN_OP_DENSE] = {dense_forward, dense_vjp},
    [LIMN_OP_MAXPOOL] = {maxpool_forward, maxpool_vjp},
    [LIMN_OP_FLATTEN] = {flatten_forward, flatten_vjp},
    [LIMN_OP_RELU] = {relu_forward, relu_vjp},
    [LIMN_OP_SOFTMAX] = {softmax_forward, softmax_vjp},
    [LIMN_OP_IDENTITY] = {identity_forward, identity_vjp},
};

int net_exact_knows(const limn_node *n) {
    return exact[n->op].forward != NULL;
}

/* A picture without a batch axis, (N, C, H, W), is N pictures: one of them. */
static net_exact ask(net_exact (*f)(const probe *p), const limn_node *n, const limn_shape *in, const float *x,
                     const float *gy, size_t i, int backward) {
    if (n->batched || n->attr.kernel[0] == 0) return f(&(probe){n, in, x, gy, i});
    limn_node one_of = *n;
    limn_shape small = {3, {in->dim[1], in->dim[2], in->dim[3]}};
    one_of.batched = 1;
    one_of.out = (limn_shape){3, {n->out.dim[1], n->out.dim[2], n->out.dim[3]}};
    size_t nx = limn_shape_size(&small), ny = limn_shape_size(&one_of.out), k = i / (backward ? nx : ny);
    return f(&(probe){&one_of, &small, x + k * nx, gy ? gy + k * ny : NULL, i % (backward ? nx : ny)});
}

net_exact net_exact_forward(const limn_node *n, const limn_shape *in, const float *x, size_t i) {
    return ask(exact[n->op].forward, n, in, x, NULL, i, 0);
}

net_exact net_exact_vjp(const limn_node *n, const limn_shape *in, const float *x, const float *gy, size_t i) {
    return ask(exact[n->op].vjp, n, in, x, gy, i, 1);
}
