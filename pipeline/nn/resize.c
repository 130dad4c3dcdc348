/* Resizing, on either backend: own loops over plain layouts (see plan.h).
 *
 * 1. Each axis on its own: output pixel i looks at x in the input (limn_coordinates) and takes T taps about floor(x):
 *      nearest  one, rounded as attr.rounding says
 *      linear   1 - |d|, d the distance of the tap to x
 *      cubic    Keys 1981 with a = p[0]: (a+2)|d|^3 - (a+3)|d|^2 + 1 to 1, a|d|^3 - 5a|d|^2 + 8a|d| - 4a to 2
 *    With antialias, where it shrinks (s < 1), d is multiplied by s, and the taps reach 1/s as far. Taps beyond the edge
 *    take the edge's pixel, or (outside) weigh nothing and the others are scaled to sum to 1, as an antialiased
 *    filter's are anyway.
 * 2. The axes that change are resized one after another. The gradient is the transpose, backwards.
 * The tables of taps are made when planning; ONNX's Resize defines all this. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "nn/plan.h"

/* One axis: (outer, m, inner) -> (outer, n, inner), y[i] = sum over T taps of weight x[index]. */
typedef struct {
    size_t outer, m, n, inner, T;
    size_t *index; /* (n, T) */
    float *weight; /* (n, T) */
} pass;

typedef struct {
    int passes, temp[2]; /* places between the passes */
    pass pass[LIMN_MAX_RANK];
    float room[]; /* for the weights, then the indices */
} resize_plan;

/* ---- taps of one axis -------------------------------------------------------------------------------------------- */
static double looks_at(const limn_op_attr *a, double s, size_t i, size_t m, size_t n) {
    double half = ((double)i + 0.5) / s - 0.5, length = s * (double)m; /* n, or what the file's own scale makes of m */
    switch ((limn_coordinates)a->coordinates) {
    case LIMN_AT_ASYMMETRIC:
        return (double)i / s;
    case LIMN_AT_ALIGN_CORNERS:
        return i > 0 ? (double)i * (double)(m - 1) / (length - 1) : 0;
    case LIMN_AT_PYTORCH_HALF_PIXEL:
        return n > 1 ? half : 0;
    case LIMN_AT_HALF_PIXEL_SYMMETRIC:
        return (double)m / 2 * (1 - (double)n / (s * (double)m)) + half;
    default:
        return half;
    }
}

static double rounded(const limn_op_attr *a, double x) {
    switch ((limn_rounding)a->rounding) {
    case LIMN_ROUND_PREFER_CEIL:
        return floor(x + 0.5);
    case LIMN_ROUND_FLOOR:
        return floor(x);
    case LIMN_ROUND_CEIL:
        return ceil(x);
    default:
        return ceil(x - 0.5);
    }
}

static double kernel(const limn_op_attr *a, double d) {
    double c = a->p[0];
    d = fabs(d);
    if (a->mode == LIMN_RESIZE_LINEAR) return d < 1 ? 1 - d : 0;
    if (d < 1) return ((c + 2) * d - (c + 3)) * d * d + 1;
    return d < 2 ? ((c * d - 5 * c) * d + 8 * c) * d - 4 * c : 0;
}

static size_t clamped(double at, size_t m) {
    return at <= 0 ? 0 : at >= (double)(m - 1) ? m - 1 : (size_t)at;
}

/* The scale along an axis, and the reach of its filter on either side. */
static double scale_of(const limn_op_attr *a, int axis, size_t m, size_t n) {
    return a->factor[axis] > 0 ? a->factor[axis] : (double)n / (double)m;
}

static long reach_of(const limn_op_attr *a, double s) {
    double support = a->mode == LIMN_RESIZE_NEAREST ? 0.5 : a->mode == LIMN_RESIZE_LINEAR ? 1 : 2;
    if (a->antialias && s < 1 && a->mode != LIMN_RESIZE_NEAREST) support /= s;
    return (long)ceil(support);
}

static size_t taps_of(const limn_op_attr *a, double s) {
    return a->mode == LIMN_RESIZE_NEAREST ? 1 : 2 * (size_t)reach_of(a, s);
}

static void fill_pixel(const limn_op_attr *a, double s, const pass *p, size_t i) {
    double x = looks_at(a, s, i, p->m, p->n), narrow = a->antialias && s < 1 ? s : 1, sum = 0, w[2] = {0, 0};
    if (!isfinite(x)) x = 0; /* a scale that contradicts the shape */
    size_t *index = p->index + i * p->T;
    float *weight = p->weight + i * p->T;
    if (a->mode == LIMN_RESIZE_NEAREST) {
        index[0] = clamped(rounded(a, x), p->m);
        weight[0] = 1;
        return;
    }
    double first = floor(x) - (double)reach_of(a, s) + 1;
    for (int scaled = 0; scaled < 2; scaled++) /* the sum first, then the weights */
        for (size_t t = 0; t < p->T; t++) {
            double at = first + (double)t;
            w[0] = a->outside && (at < 0 || at > (double)(p->m - 1)) ? 0 : kernel(a, (at - x) * narrow);
            if (!scaled) sum += w[0];
            index[t] = clamped(at, p->m);
            weight[t] = (float)(sum != 0 && (a->outside || narrow < 1) ? w[0] / sum : w[0]);
        }
}

/* ---- planning ---------------------------------------------------------------------------------------------------- */
static int is_identity(const pass *p) {
    if (p->m != p->n) return 0;
    for (size_t i = 0; i < p->n * p->T; i++)
        if (p->weight[i] != (p->index[i] == i / p->T ? 1 : 0) && p->weight[i] != 0) return 0;
    return 1;
}

static size_t align_index(size_t floats) { /* an even number of floats, so that indices behind them are aligned */
    return (floats + 1) / 2 * 2;
}

/* How many floats of room the tables of all axes need; LIMN_EINPUT where a filter is absurdly wide. */
static limn_status measure(const limn_op_attr *a, const limn_shape *in, const limn_shape *out, size_t *room) {
    *room = 0;
    for (int i = 0; i < out->rank; i++) {
        double s = scale_of(a, i, in->dim[i], out->dim[i]);
        if (s < 1.0 / (1 << 20) || s > 1 << 20) return limn_fail(LIMN_EINPUT, "it cannot resize by a factor of %g", s);
        size_t taps = out->dim[i] * taps_of(a, s);
        *room += align_index(taps) + taps * sizeof(size_t) / sizeof(float);
    }
    return LIMN_OK;
}

static limn_status add_temp(limn_net *n, size_t floats, int *mem) {
    limn_status status = LIMN_OK;
    dnnl_dims_t dims = {(dnnl_dim_t)floats};
    dc_md md = NULL;
    TRY(net_dnnl(dc_md_new(&md, 1, dims, dnnl_a), "a layout"));
    TRY(net_add_mem(n, NET_TEMP, md, mem));
done:
    dc_md_free(md);
    return status;
}

static limn_status plan_resize(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    const limn_op_attr *a = &s->node->attr;
    const limn_shape *in = net_shape_in(n, s), *out = &s->node->out;
    size_t room, widest = 0;
    resize_plan *r;
    TRY(measure(a, in, out, &room));
    TRY(limn_new((char **)&r, sizeof *r + room * sizeof(float), 1));
    s->table = r;
    float *next = r->room;
    limn_shape now = *in;
    for (int i = 0; i < out->rank; i++) {
        double factor = scale_of(a, i, in->dim[i], out->dim[i]);
        pass *p = &r->pass[r->passes];
        *p = (pass){net_rows(n, s->node), in->dim[i], out->dim[i], 1, taps_of(a, factor), NULL, next};
        p->index = (size_t *)(void *)(next + align_index(p->n * p->T));
        for (int k = 0; k < i; k++) p->outer *= now.dim[k];
        for (int k = i + 1; k < out->rank; k++) p->inner *= now.dim[k];
        for (size_t k = 0; k < p->n; k++) fill_pixel(a, factor, p, k);
        if (is_identity(p)) continue;
        next = (float *)(void *)(p->index + p->n * p->T);
        now.dim[i] = out->dim[i];
        widest = p->outer * p->n * p->inner > widest ? p->outer * p->n * p->inner : widest;
        r->passes++;
    }
    TRY(net_place_plain(n, s));
    for (int i = 0; i < 2 && i + 1 < r->passes; i++) TRY(add_temp(n, widest, &r->temp[i]));
done:
    return status;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */
static void run_pass(const pass *p, const float *x, float *y) {
    memset(y, 0, p->outer * p->n * p->inner * sizeof *y);
    for (size_t o = 0; o < p->outer; o++)
        for (size_t i = 0; i < p->n; i++) {
            float *yi = y + (o * p->n + i) * p->inner;
            for (size_t t = 0; t < p->T; t++) {
                const float *xi = x + (o * p->m + p->index[i * p->T + t]) * p->inner;
                float w = p->weight[i * p->T + t];
                if (w == 0) continue;
#pragma omp simd
                for (size_t q = 0; q < p->inner; q++) yi[q] += w * xi[q];
            }
        }
}

static void run_pass_back(const pass *p, const float *gy, float *gx) {
    memset(gx, 0, p->outer * p->m * p->inner * sizeof *gx);
    for (size_t o = 0; o < p->outer; o++)
        for (size_t i = 0; i < p->n; i++) {
            const float *yi = gy + (o * p->n + i) * p->inner;
            for (size_t t = 0; t < p->T; t++) {
                float *xi = gx + (o * p->m + p->index[i * p->T + t]) * p->inner;
                float w = p->weight[i * p->T + t];
#pragma omp simd
                for (size_t q = 0; q < p->inner; q++) xi[q] += w * yi[q];
            }
        }
}

static limn_status resize_forward(const net_step *s, limn_session *run) {
    const resize_plan *r = s->table;
    const float *x = run->address[s->link->x];
    if (r->passes == 0) memcpy(run->address[s->value], x, net_elements(run->net, s->node) * sizeof *x);
    for (int k = 0; k < r->passes; k++) {
        float *y = run->address[k + 1 == r->passes ? s->value : r->temp[k % 2]];
        run_pass(&r->pass[k], x, y);
        x = y;
    }
    return LIMN_OK;
}

static limn_status resize_vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    const resize_plan *r = s->table;
    const float *gy = run->address[s->gy];
    (void)rule;
    (void)j;
    if (r->passes == 0) memcpy(run->address[s->link->gx], gy, net_elements(run->net, s->node) * sizeof *gy);
    for (int k = r->passes - 1; k >= 0; k--) {
        float *gx = run->address[k == 0 ? s->link->gx : r->temp[(k - 1) % 2]]; /* what pass k read */
        run_pass_back(&r->pass[k], gy, gx);
        gy = gx;
    }
    return LIMN_OK;
}

const net_op net_resize = {"resize", plan_resize, resize_forward, resize_vjp, 0, 0};
