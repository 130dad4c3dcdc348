/* Scales along an axis, alone or joined with the activation that follows: own loops on either backend (see plan.h).
 *
 *   SCALE                        y = w_c x + b_c                     gx = w_c gy
 *   RELU, CLIP with weights      y = a(w_c x + b_c)                  gx = w_c a'(gy), the mask from y
 * A batch norm at inference is the first, and the pass `norm` makes the second of it and the activation that reads it: one
 * walk over memory, with the sums as they were. (Folded into the convolution's weights it would save that walk too, but
 * other roundings flip masks of ReLUs: of one network here, 1 % of the input's gradient moved by 1e-4.)
 *
 * The value lies as runs (N, blocks, P b): pictures in blocks of b channels, b = C where channels come last or there is one
 * pixel, b = 1 where it is plain. The factors of a block are repeated to `period` floats, so that the loop over a run is
 * long whatever b is; channels that fill up a last block have factors of zero, and so stay zero. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "nn/plan.h"

enum { PERIOD = 64 };

typedef struct {
    size_t runs, blocks, run, period; /* runs = N blocks */
    float *w, *b;                     /* (blocks, period) */
    float lo, hi;
    float room[];
} scale_plan;

/* ---- planning ----------------------------------------------------------------------------------------------------- */
static limn_status make_table(const limn_net *n, net_step *s, size_t b) {
    limn_status status = LIMN_OK;
    const limn_node *node = s->node;
    const limn_shape *o = &node->out;
    int axis = node->attr.axis;
    size_t C = o->dim[axis], P = 1, size;
    for (int i = axis + 1; i < o->rank; i++) P *= o->dim[i];
    if (P == 1 && b == 1) b = C;
    size_t blocks = (C + b - 1) / b, period = b < PERIOD ? (PERIOD + b - 1) / b * b : b;
    scale_plan *t;
    TRY(limn_mul(&size, blocks, period));
    TRY(limn_new((char **)&t, sizeof *t + 2 * size * sizeof(float), 1));
    s->table = t;
    *t = (scale_plan){
        .runs = net_elements(n, node) / (C * P) * blocks, .blocks = blocks, .run = P * b, .period = period};
    t->w = t->room;
    t->b = t->room + size;
    t->lo = node->attr.p[0];
    t->hi = node->attr.p[1];
    for (size_t k = 0; k < blocks; k++)
        for (size_t i = 0; i < period; i++) {
            size_t c = k * b + i % b;
            if (c >= C) continue;
            t->w[k * period + i] = node->weight[c];
            t->b[k * period + i] = node->bias ? node->bias[c] : 0;
        }
done:
    return status;
}

static limn_status plan_scale(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    size_t b = net_block(n, s->node, n->step[s->link->from].value);
    if (b >= 1 && s->node->attr.axis == (s->node->batched ? 0 : 1)) {
        TRY(net_place_alias(n, s, NET_OVER));
    } else {
        b = 1;
        TRY(net_place_plain(n, s));
    }
    TRY(make_table(n, s, b));
    snprintf(s->backend, sizeof s->backend, "loop");
done:
    return status;
}

/* ---- running ------------------------------------------------------------------------------------------------------ */
/* n floats of one run. y: the output, which masks read. */
typedef void line_fn(const scale_plan *t, const float *w, const float *b, const float *x, const float *y, float *out,
                     size_t n);

static void walk(const net_step *s, line_fn *line, const float *x, const float *y, float *out) {
    const scale_plan *t = s->table;
    for (size_t r = 0; r < t->runs; r++) {
        const float *w = t->w + r % t->blocks * t->period, *b = t->b + r % t->blocks * t->period;
        for (size_t i = 0; i < t->run; i += t->period) {
            size_t at = r * t->run + i, n = t->run - i < t->period ? t->run - i : t->period;
            line(t, w, b, x + at, y + at, out + at, n);
        }
    }
}

static void scale_line(const scale_plan *t, const float *w, const float *b, const float *x, const float *y, float *out,
                       size_t n) {
    (void)t, (void)y;
#pragma omp simd
    for (size_t i = 0; i < n; i++) out[i] = w[i] * x[i] + b[i];
}

static void relu_line(const scale_plan *t, const float *w, const float *b, const float *x, const float *y, float *out,
                      size_t n) {
    (void)t, (void)y;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float v = w[i] * x[i] + b[i];
        out[i] = v < 0 ? 0 : v;
    }
}

static void clip_line(const scale_plan *t, const float *w, const float *b, const float *x, const float *y, float *out,
                      size_t n) {
    float lo = t->lo, hi = t->hi;
    (void)y;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float v = w[i] * x[i] + b[i];
        v = v < lo ? lo : v;
        out[i] = v > hi ? hi : v;
    }
}

/* Back: x is the gradient that comes in. Adding the zero makes -0 the 0 that it is without the join. */
static void back_line(const scale_plan *t, const float *w, const float *b, const float *x, const float *y, float *out,
                      size_t n) {
    (void)t, (void)b, (void)y;
#pragma omp simd
    for (size_t i = 0; i < n; i++) out[i] = w[i] * x[i] + 0.0F;
}

static void gradient_line(const scale_plan *t, const float *w, const float *b, const float *x, const float *y,
                          float *out, size_t n) {
    (void)t, (void)b;
#pragma omp simd
    for (size_t i = 0; i < n; i++) out[i] = w[i] * (y[i] > 0 ? x[i] : 0) + 0.0F;
}

static void guided_line(const scale_plan *t, const float *w, const float *b, const float *x, const float *y, float *out,
                        size_t n) {
    (void)t, (void)b;
#pragma omp simd
    for (size_t i = 0; i < n; i++) out[i] = w[i] * (((y[i] > 0) & (x[i] > 0)) ? x[i] : 0) + 0.0F;
}

static void deconvnet_line(const scale_plan *t, const float *w, const float *b, const float *x, const float *y,
                           float *out, size_t n) {
    (void)t, (void)b, (void)y;
#pragma omp simd
    for (size_t i = 0; i < n; i++) out[i] = w[i] * (x[i] > 0 ? x[i] : 0) + 0.0F;
}

static void clipped_line(const scale_plan *t, const float *w, const float *b, const float *x, const float *y,
                         float *out, size_t n) {
    float lo = t->lo, hi = t->hi;
    (void)b;
#pragma omp simd
    for (size_t i = 0; i < n; i++) out[i] = w[i] * (((y[i] > lo) & (y[i] < hi)) ? x[i] : 0) + 0.0F;
}

static limn_status forward(const net_step *s, limn_session *run) {
    float *y = run->address[s->value];
    line_fn *line = s->node->op == LIMN_OP_SCALE ? scale_line : s->node->op == LIMN_OP_RELU ? relu_line : clip_line;
    walk(s, line, run->address[s->link->x], y, y);
    return LIMN_OK;
}

static limn_status vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    static line_fn *const masks[LIMN_RULES] = {
        [LIMN_RULE_GRADIENT] = gradient_line, [LIMN_RULE_GUIDED] = guided_line, [LIMN_RULE_DECONVNET] = deconvnet_line};
    (void)j;
    if ((unsigned)rule >= LIMN_RULES) return limn_fail(LIMN_EFAIL, "backward rule %d does not exist", (int)rule);
    limn_op op = s->node->op;
    line_fn *line = op == LIMN_OP_SCALE ? back_line : op == LIMN_OP_RELU ? masks[rule] : clipped_line;
    const float *gy = run->address[s->gy], *y = op == LIMN_OP_SCALE ? gy : run->address[s->value];
    walk(s, line, gy, y, run->address[s->link->gx]);
    return LIMN_OK;
}

const net_op net_scale = {"scale", plan_scale, forward, vjp, 0, 0};
const net_op net_scaled = {"scaled", plan_scale, forward, vjp, 0, 1};
