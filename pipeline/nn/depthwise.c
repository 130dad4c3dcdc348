/* Convolution of each channel by itself: the engine's own (see plan.h).
 *
 *   forward    y[c,i,j] = a(bias[c] + sum over u, v of w[c,u,v] x[c, i s + u - top, j s + v - left]); a: the activation that
 *              the step took over, or none
 *   gradient   gx[c,r,q] = sum over the u, v and i, j that meet there, of w[c,u,v] gy[c,i,j]. With stride s the pixels (r, q)
 *              fall into s s phases, (r mod s, q mod s); each is a convolution of gy of stride 1 with every s-th tap, turned:
 *              tap u of row r = s i' + phase lies over gy's row i' + (phase + top - u) / s
 * Padding is never written: the kernel (conv_kernels.h) reads zeros beside the picture. Pictures keep the layout that they
 * have, channels last or blocks of them; only another one is reordered. */
#include "nn/conv_kernels.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "nn/plan.h"

enum { UNIT = 8, PHASES = CONV_MAX_STRIDE * CONV_MAX_STRIDE };

/* Every s-th tap of one axis, from the last on: first, first - s, ... >= 0. */
typedef struct {
    long first, count;
} comb;

typedef struct {
    const conv_kernels *kernels, *half;
    size_t block;  /* channels of a block of the layout: C, channels last */
    int w, w_back; /* places: (taps, C); back, comb after comb down, and in it across */
    int zeros;     /* a place of a block of them */
} depthwise;

int net_depthwise_fits(const limn_net *n, const limn_node *node) {
    const limn_op_attr *a = &node->attr;
    size_t C = net_picture_of(n, node).C;
    if (node->op != LIMN_OP_CONV2D || a->groups <= 1 || C % UNIT) return 0;
    if (C != (size_t)a->groups || C != net_picture_of(n, &n->graph->node[node->in[0]]).C) return 0;
    for (int i = 0; i < 2; i++) {
        if (a->kernel[i] > CONV_MAX_WIDTH || a->stride[i] > CONV_MAX_STRIDE || a->dilation[i] != 1) return 0;
        if (a->pad[i] >= a->kernel[i] || a->pad[i + 2] >= a->kernel[i]) return 0;
    }
    return a->stride[0] == a->stride[1];
}

/* ---- planning ----------------------------------------------------------------------------------------------------- */
/* The taps u = part mod s. */
static comb comb_of(const limn_op_attr *a, int axis, long part) {
    long s = a->stride[axis], k = a->kernel[axis];
    return part < k ? (comb){k - 1 - (k - 1 - part) % s, (k - 1 - part) / s + 1} : (comb){0, 0};
}

static limn_status add_taps(limn_net *n, const net_step *s, depthwise *t) {
    limn_status status = LIMN_OK;
    const limn_op_attr *a = &s->node->attr;
    size_t C = net_picture_of(n, s->node).C, taps = (size_t)a->kernel[0] * (size_t)a->kernel[1];
    const dnnl_dims_t ahead = {1, (dnnl_dim_t)taps, (dnnl_dim_t)C}, back = {1, 1, (dnnl_dim_t)taps, (dnnl_dim_t)C};
    const float *w = s->node->weight;
    float *u;
    TRY(net_add_own(n, w, 3, ahead, &t->w, &u));
    for (size_t i = 0; u && i < taps * C; i++) u[i] = w[i % C * taps + i / C];
    TRY(net_add_floats(n, NET_FIXED, t->block, &t->zeros));
    TRY(limn_new(&n->mem[t->zeros].owned, t->block, sizeof *w));
    if (s->link->gx < 0) goto done;
    TRY(net_add_own(n, w, 4, back, &t->w_back, &u));
    for (long part = 0; u && part < (long)a->stride[0] * a->stride[1]; part++) {
        comb down = comb_of(a, 0, part / a->stride[1]), across = comb_of(a, 1, part % a->stride[1]);
        for (long i = 0; i < down.count * across.count; i++, u += C) {
            long r = down.first - i / across.count * a->stride[0], q = across.first - i % across.count * a->stride[1];
            for (size_t c = 0; c < C; c++) u[c] = w[c * taps + (size_t)(r * a->kernel[1] + q)];
        }
    }
done:
    return status;
}

static limn_status plan(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    depthwise *t;
    dc_md x = NULL, y = NULL;
    const limn_node *from = net_node_in(n, s);
    size_t C = net_picture_of(n, from).C, b = net_block(n, from, n->step[s->link->from].value);
    TRY(limn_new(&t, 1, sizeof *t));
    s->table = t;
    *t = (depthwise){.kernels = conv_kernels_best(), .half = conv_kernels_of(UNIT)};
    t->block = b > 0 && b % UNIT == 0 && C % b == 0 ? b : C;
    TRY(net_blocked(n, from, t->block, &x));
    TRY(net_blocked(n, s->node, t->block, &y));
    TRY(net_place(n, s, x, y, y, x));
    TRY(add_taps(n, s, t));
    s->acts = 1;
    snprintf(s->backend, sizeof s->backend, "depthwise %s", t->kernels->name);
done:
    dc_md_free(x);
    dc_md_free(y);
    return status;
}

/* ---- running ------------------------------------------------------------------------------------------------------ */
/* Block k of picture b, of pictures that are (H, W). */
static conv_plane block_at(const depthwise *t, float *x, net_picture p, size_t b, size_t k) {
    size_t plane = p.H * p.W;
    return (conv_plane){x + b * p.C * plane + k * t->block * plane, p.W * t->block, t->block, (long)p.H, (long)p.W};
}

/* One block, whole vectors first. */
static void convolve(const depthwise *t, conv_depth d, conv_plane x, const float *w, conv_plane y) {
    size_t rest = t->block % t->kernels->lanes;
    d.channels = t->block - rest;
    if (d.channels) t->kernels->depthwise(&d, &x, w, &y);
    if (!rest) return;
    x.at += d.channels;
    y.at += d.channels;
    if (d.end.bias) d.end.bias += d.channels;
    w += d.channels;
    d.channels = rest;
    t->half->depthwise(&d, &x, w, &y);
}

static limn_status forward(const net_step *s, limn_session *run) {
    const depthwise *t = s->table;
    const limn_op_attr *a = &s->node->attr;
    net_picture in = net_picture_of(run->net, net_node_in(run->net, s)), out = net_picture_of(run->net, s->node);
    conv_depth d = {
        .kh = a->kernel[0], .kw = a->kernel[1], .stride = a->stride[0], .top = a->pad[0], .left = a->pad[1]};
    d.pitch = in.C;
    d.zeros = run->address[t->zeros];
    for (size_t b = 0; b < in.N; b++)
        for (size_t k = 0; k < in.C / t->block; k++) {
            d.end = (conv_end){s->node->bias, s->act.lo, s->act.hi};
            if (d.end.bias) d.end.bias += k * t->block;
            convolve(t, d, block_at(t, run->address[s->link->x], in, b, k), run->address[t->w] + k * t->block,
                     block_at(t, run->address[s->value], out, b, k));
        }
    return LIMN_OK;
}

/* The pixels of gx that lie where (part_down, part_across) of the taps meet gy. */
static void convolve_back(const depthwise *t, const limn_op_attr *a, conv_plane gy, conv_plane gx, const long part[2],
                          conv_depth d, const float *w) {
    long s = a->stride[0], phase[2], before[2];
    comb taps[2];
    for (int i = 0; i < 2; i++) {
        taps[i] = comb_of(a, i, part[i]);
        phase[i] = ((part[i] - a->pad[i]) % s + s) % s;
        before[i] = (taps[i].first - phase[i] - a->pad[i]) / s;
    }
    if (taps[0].count * taps[1].count == 0) taps[0] = taps[1] = (comb){0, 0}; /* nothing meets: zero */
    gx.at += (size_t)phase[0] * gx.row + (size_t)phase[1] * gx.pixel;
    gx.H = (gx.H - phase[0] + s - 1) / s;
    gx.W = (gx.W - phase[1] + s - 1) / s;
    gx.row *= (size_t)s;
    gx.pixel *= (size_t)s;
    d.kh = taps[0].count;
    d.kw = taps[1].count;
    d.top = before[0];
    d.left = before[1];
    convolve(t, d, gy, w, gx);
}

static limn_status vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    const depthwise *t = s->table;
    const limn_op_attr *a = &s->node->attr;
    net_picture in = net_picture_of(run->net, net_node_in(run->net, s)), out = net_picture_of(run->net, s->node);
    conv_depth d = {.stride = 1, .pitch = in.C, .zeros = run->address[t->zeros], .end = CONV_SUM};
    (void)rule;
    (void)j;
    for (size_t b = 0; b < in.N; b++)
        for (size_t k = 0; k < in.C / t->block; k++) {
            const float *w = run->address[t->w_back] + k * t->block;
            for (long p = 0; p < (long)a->stride[0] * a->stride[1]; p++) {
                const long part[] = {p / a->stride[1], p % a->stride[1]};
                convolve_back(t, a, block_at(t, run->address[s->gy], out, b, k),
                              block_at(t, run->address[s->link->gx], in, b, k), part, d, w);
                w += (size_t)(comb_of(a, 0, part[0]).count * comb_of(a, 1, part[1]).count) * in.C;
            }
        }
    return LIMN_OK;
}

const net_op net_depthwise = {"depthwise", plan, forward, vjp, 0, 0};
