/* Convolution by Winograd's F(4x4, 3x3), forward and backward-data (see plan.h; an option: LIMN_BACKEND_WINOGRAD).
 *
 * After A. Lavin and S. Gray, Fast algorithms for convolutional neural networks, CVPR 2016. A 3x3 convolution of stride 1 is
 * cut into tiles of 4x4 pixels of its output, each made of 6x6 pixels of its input with 36 multiplications a pair of
 * channels instead of 144:
 *   1. U = G g G^T of each kernel, once, in float64
 *   2. for a group of T tiles: V = B^T d B of each tile and input channel
 *   3. 36 products M (T, K) = V (T, C) U (C, K)
 *   4. Y = A^T M A + bias
 * Backward-data is the same with kernels turned by half a turn, channels exchanged, and 2 - pad for pad.
 *
 * Its rounding is some ten times that of the direct sum (1e-6 of the sum of |terms|), which flips the mask of a few ReLUs
 * that are all but zero: so it is never the default. A tile's bits depend on its own row alone; T follows from the shapes.
 * Pictures keep the layout that they have, blocks of channels or channels last; only a plain one is reordered. */
#include "nn/conv_kernels.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/try.h"
#include "nn/plan.h"

enum { TILES = 36, UNIT = 16, MIN_CHANNELS = 32, GROUP_BYTES = 2 << 20, GROUP_MIN = 64, SKEW = 16 };

/* One direction. */
typedef struct {
    size_t C, K;     /* channels in and out */
    size_t in_block; /* channels of a block of the layout that is read, and of the one that is written */
    size_t out_block;
    long pad[2], H, W, OH, OW; /* of what it reads and writes */
    size_t N, T, v_step, m_step;
    const float *bias;
    int u; /* a place: the transformed kernels */
} direction;

typedef struct {
    const conv_kernels *kernels;
    direction forward, backward;
    int v, m; /* places, for either direction */
} winograd;

int net_winograd_fits(const limn_net *n, const limn_node *node) {
    const limn_op_attr *a = &node->attr;
    const limn_node *in = &n->graph->node[node->in[0]];
    if (node->op != LIMN_OP_CONV2D || a->groups > 1) return 0;
    for (int i = 0; i < 2; i++)
        if (a->kernel[i] != 3 || a->stride[i] != 1 || a->dilation[i] != 1 || a->pad[i] > 2) return 0;
    size_t C = net_picture_of(n, in).C, K = net_picture_of(n, node).C;
    return C % UNIT == 0 && K % UNIT == 0 && C >= MIN_CHANNELS && K >= MIN_CHANNELS;
}

/* ---- step 1 ------------------------------------------------------------------------------------------------------ */
static void transform_kernel(const float *g, int turned, double out[TILES]) {
    static const double G[6][3] = {{1. / 4, 0, 0},
                                   {-1. / 6, -1. / 6, -1. / 6},
                                   {-1. / 6, 1. / 6, -1. / 6},
                                   {1. / 24, 1. / 12, 1. / 6},
                                   {1. / 24, -1. / 12, 1. / 6},
                                   {0, 0, 1}};
    double half[6][3];
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 3; j++) {
            half[i][j] = 0;
            for (int k = 0; k < 3; k++) half[i][j] += G[i][k] * (double)g[turned ? 8 - (3 * k + j) : 3 * k + j];
        }
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) {
            out[6 * i + j] = 0;
            for (int k = 0; k < 3; k++) out[6 * i + j] += half[i][k] * G[j][k];
        }
}

/* u (36, K / panel, C, panel), panel 2 lanes. w (out, in, 3, 3): out is K going forward, C going back. */
static limn_status add_kernels(limn_net *n, const winograd *t, direction *d, const float *w, int backward) {
    limn_status status = LIMN_OK;
    size_t panel = 2 * t->kernels->lanes;
    TRY(net_add_floats(n, NET_FIXED, TILES * d->C * d->K, &d->u));
    float **u = &n->mem[d->u].owned;
    TRY(limn_new(u, TILES * d->C * d->K, sizeof **u));
    for (size_t k = 0; k < d->K; k++) {
        size_t first = k / panel * panel, wide = d->K - first < panel ? d->K - first : panel;
        for (size_t c = 0; c < d->C; c++) {
            double g[TILES];
            transform_kernel(w + 9 * (backward ? c * d->K + k : k * d->C + c), backward, g);
            for (size_t i = 0; i < TILES; i++) (*u)[(i * d->K + first) * d->C + c * wide + k - first] = (float)g[i];
        }
    }
done:
    return status;
}

/* ---- planning ---------------------------------------------------------------------------------------------------- */
static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static limn_status plan_direction(limn_net *n, const net_step *s, const winograd *t, direction *d, net_picture in,
                                  net_picture out, int backward) {
    limn_status status = LIMN_OK;
    d->N = in.N;
    d->C = in.C;
    d->K = out.C;
    d->H = (long)in.H;
    d->W = (long)in.W;
    d->OH = (long)out.H;
    d->OW = (long)out.W;
    for (int i = 0; i < 2; i++) d->pad[i] = backward ? 2 - s->node->attr.pad[i] : s->node->attr.pad[i];
    d->bias = backward ? NULL : s->node->bias;
    size_t all = d->N * ((out.H + 3) / 4) * ((out.W + 3) / 4), rows = t->kernels->rows;
    d->T = GROUP_BYTES / (TILES * sizeof(float) * (d->C + d->K));
    if (d->T < GROUP_MIN) d->T = GROUP_MIN;
    if (d->T > all) d->T = all;
    d->T = (d->T + rows - 1) / rows * rows;
    d->v_step = d->T * d->C + SKEW;
    d->m_step = d->T * d->K + SKEW;
    TRY(add_kernels(n, t, d, s->node->weight, backward));
done:
    return status;
}

static limn_status plan(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    winograd *t;
    dc_md x = NULL, y = NULL;
    const limn_node *from = net_node_in(n, s);
    net_picture in = net_picture_of(n, from), out = net_picture_of(n, s->node);
    TRY(limn_new(&t, 1, sizeof *t));
    s->table = t;
    t->kernels = conv_kernels_best();
    size_t b = net_block(n, from, n->step[s->link->from].value);
    int last = b == in.C || b == 0 || b % t->kernels->lanes != 0; /* channels last */
    t->forward.in_block = t->backward.out_block = last ? in.C : b;
    t->forward.out_block = t->backward.in_block = last ? out.C : b;
    TRY(net_blocked(n, from, t->forward.in_block, &x));
    TRY(net_blocked(n, s->node, t->forward.out_block, &y));
    TRY(net_place(n, s, x, y, y, x));
    TRY(plan_direction(n, s, t, &t->forward, in, out, 0));
    if (s->link->gx >= 0) TRY(plan_direction(n, s, t, &t->backward, out, in, 1));
    TRY(net_add_floats(n, NET_TEMP, TILES * larger(t->forward.v_step, t->backward.v_step), &t->v));
    TRY(net_add_floats(n, NET_TEMP, TILES * larger(t->forward.m_step, t->backward.m_step), &t->m));
    snprintf(s->backend, sizeof s->backend, "winograd %s", t->kernels->name);
done:
    dc_md_free(x);
    dc_md_free(y);
    return status;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */
/* Channel c of row b of a picture. */
static conv_plane plane_of(float *x, size_t b, size_t c, size_t C, size_t block, long H, long W) {
    size_t P = (size_t)H * (size_t)W;
    return (conv_plane){x + b * C * P + c / block * P * block + c % block, (size_t)W * block, block, H, W};
}

typedef struct {
    size_t b;
    long i, j; /* in the output */
} tile;

static tile tile_at(const direction *d, size_t index) {
    size_t down = ((size_t)d->OH + 3) / 4, across = ((size_t)d->OW + 3) / 4;
    return (tile){index / (down * across), (long)(index / across % down) * 4, (long)(index % across) * 4};
}

static void run_direction(const winograd *t, const direction *d, limn_session *run, float *x, float *y) {
    const conv_kernels *k = t->kernels;
    float *v = run->address[t->v], *m = run->address[t->m];
    size_t all = d->N * (((size_t)d->OH + 3) / 4) * (((size_t)d->OW + 3) / 4);
    for (size_t first = 0; first < all; first += d->T) {
        size_t T = all - first < d->T ? all - first : d->T;
        for (size_t i = 0; i < T; i++) {
            tile at = tile_at(d, first + i);
            for (size_t c = 0; c < d->C; c += k->lanes) {
                conv_plane p = plane_of(x, at.b, c, d->C, d->in_block, d->H, d->W);
                k->input(&p, at.i - d->pad[0], at.j - d->pad[1], v + i * d->C + c, d->v_step);
            }
        }
        size_t rows = (T + k->rows - 1) / k->rows * k->rows; /* rows beyond T hold what nobody reads */
        for (size_t i = 0; i < TILES; i++)
            k->products(v + i * d->v_step, run->address[d->u] + i * d->C * d->K, m + i * d->m_step, rows, d->C, d->K,
                        d->K, &CONV_SUM);
        for (size_t i = 0; i < T; i++) {
            tile at = tile_at(d, first + i);
            for (size_t c = 0; c < d->K; c += k->lanes) {
                conv_plane p = plane_of(y, at.b, c, d->K, d->out_block, d->OH, d->OW);
                k->output(m + i * d->K + c, d->m_step, d->bias ? d->bias + c : NULL, &p, at.i, at.j);
            }
        }
    }
}

static limn_status forward(const net_step *s, limn_session *run) {
    const winograd *t = s->table;
    run_direction(t, &t->forward, run, run->address[s->link->x], run->address[s->value]);
    return LIMN_OK;
}

static limn_status vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    const winograd *t = s->table;
    (void)rule;
    (void)j;
    run_direction(t, &t->backward, run, run->address[s->gy], run->address[s->link->gx]);
    return LIMN_OK;
}

const net_op net_winograd = {"winograd", plan, forward, vjp, 0, 0};
