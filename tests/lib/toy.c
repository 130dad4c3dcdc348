/* Toys: see toy.h. Each layer is one linear or quadratic operation, then maybe a ReLU; backwards in the same order. */
#include "tests/lib/toy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct toy {
    limn_diff diff;
    toy_layer *def;         /* (n_layers) */
    limn_diff_layer *layer; /* (n_layers) */
    float *input;           /* (B, …) of the last forward pass */
    float **value;          /* (n_layers): outputs of the last forward pass, after the ReLU */
    float *g[2];            /* (largest size): the gradient on its way down, one row */
};

static void *need(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size);
    if (!p) {
        fprintf(stderr, "toy: no memory\n");
        abort();
    }
    return p;
}

/* ---- one row of one layer: x -> y before the ReLU, and its transpose ----------------------------------- */

/* Calls each(ctx, output index, input index, derivative) for every pair that is connected. */
typedef struct {
    const toy_layer *l;
    limn_shape in, out; /* as pictures */
    const float *x;
} wiring;
typedef void (*wire_fn)(void *ctx, size_t o, size_t i, float slope);

static void wire_dense(const wiring *w, wire_fn each, void *ctx) {
    size_t n = limn_shape_size(&w->in);
    for (size_t o = 0; o < w->l->units; o++)
        for (size_t i = 0; i < n; i++) each(ctx, o, i, w->l->w[o * n + i]);
}

static void wire_conv(const wiring *w, wire_fn each, void *ctx) {
    size_t C = w->in.dim[0], W = w->in.dim[2], H = w->in.dim[1], k = w->l->k, h = w->out.dim[1], v = w->out.dim[2];
    for (size_t o = 0; o < w->out.dim[0] * h * v; o++)
        for (size_t e = 0; e < C * k * k; e++) {
            size_t c = e / (k * k), y = o / v % h + e / k % k, x = o % v + e % k;
            each(ctx, o, (c * H + y) * W + x, w->l->w[o / (h * v) * C * k * k + e]);
        }
}

static void wire_max(const wiring *w, wire_fn each, void *ctx) {
    size_t W = w->in.dim[2], H = w->in.dim[1], k = w->l->k, h = w->out.dim[1], v = w->out.dim[2];
    for (size_t o = 0; o < w->out.dim[0] * h * v; o++) {
        size_t first = (o / (h * v) * H + o / v % h * k) * W + o % v * k, best = first;
        for (size_t e = 0; e < k * k; e++) {
            size_t i = first + e / k * W + e % k;
            if (w->x[i] > w->x[best]) best = i;
        }
        each(ctx, o, best, 1);
    }
}

static void wire_mean(const wiring *w, wire_fn each, void *ctx) {
    size_t n = w->in.dim[1] * w->in.dim[2];
    for (size_t i = 0; i < w->in.dim[0] * n; i++) each(ctx, i / n, i, 1.0F / (float)n);
}

static void wire_square(const wiring *w, wire_fn each, void *ctx) {
    for (size_t i = 0; i < limn_shape_size(&w->in); i++) each(ctx, i, i, w->x[i]); /* half the slope: see backward */
}

static void wire_same(const wiring *w, wire_fn each, void *ctx) {
    for (size_t i = 0; i < limn_shape_size(&w->in); i++) each(ctx, i, i, 1);
}

static void (*const wire[])(const wiring *w, wire_fn each,
                            void *ctx) = {[TOY_DENSE] = wire_dense, [TOY_CONV] = wire_conv,     [TOY_MAX] = wire_max,
                                          [TOY_MEAN] = wire_mean,   [TOY_SQUARE] = wire_square, [TOY_SAME] = wire_same};

typedef struct {
    const float *from;
    double *to;
} flow;

static void forward_one(void *ctx, size_t o, size_t i, float slope) {
    flow *f = ctx;
    f->to[o] += (double)slope * f->from[i];
}

static void backward_one(void *ctx, size_t o, size_t i, float slope) {
    flow *f = ctx;
    f->to[i] += (double)slope * f->from[o];
}

static void store(const double *from, float *to, size_t n) {
    for (size_t i = 0; i < n; i++) to[i] = (float)from[i];
}

/* ---- limn_diff ----------------------------------------------------------------------------------------- */

static const limn_shape *in_shape(const toy *t, int layer) {
    return layer > 0 ? &t->layer[layer - 1].out : &t->diff.input;
}

static const float *row_in(const toy *t, int layer, size_t b) {
    return (layer > 0 ? t->value[layer - 1] : t->input) + b * limn_shape_size(in_shape(t, layer));
}

static wiring wiring_of(const toy *t, int layer, size_t b) {
    return (wiring){&t->def[layer], limn_shape_picture(in_shape(t, layer)), limn_shape_picture(&t->layer[layer].out),
                    row_in(t, layer, b)};
}

static limn_status forward(void *ctx, const float *x) {
    toy *t = ctx;
    memcpy(t->input, x, t->diff.B * limn_shape_size(&t->diff.input) * sizeof *x);
    for (int l = 0; l < t->diff.n_layers; l++) {
        const toy_layer *d = &t->def[l];
        size_t n = limn_shape_size(&t->layer[l].out), per_unit = n / (d->units ? d->units : n);
        double *sum = need(n, sizeof *sum);
        for (size_t b = 0; b < t->diff.B; b++) {
            wiring w = wiring_of(t, l, b);
            for (size_t i = 0; i < n; i++) sum[i] = d->b ? (double)d->b[i / per_unit] : 0;
            flow f = {w.x, sum};
            wire[d->op](&w, forward_one, &f);
            for (size_t i = 0; d->relu && i < n; i++) sum[i] = sum[i] > 0 ? sum[i] : 0;
            store(sum, t->value[l] + b * n, n);
        }
        free(sum);
    }
    return LIMN_OK;
}

static limn_status value(void *ctx, int layer, float *out) {
    toy *t = ctx;
    memcpy(out, t->value[layer], t->diff.B * limn_shape_size(&t->layer[layer].out) * sizeof *out);
    return LIMN_OK;
}

/* g (size of the layer's output) through its ReLU under a rule, y its output. */
static void relu_back(limn_rule rule, const float *y, float *g, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int by_y = rule != LIMN_RULE_DECONVNET, by_g = rule != LIMN_RULE_GRADIENT;
        if ((by_y && !(y[i] > 0)) || (by_g && !(g[i] > 0))) g[i] = 0;
    }
}

static limn_status vjp(void *ctx, int from, const float *seed, limn_rule rule, int to, float *grad) {
    toy *t = ctx;
    size_t n_seed = limn_shape_size(&t->layer[from].out), n_to = limn_shape_size(in_shape(t, to + 1));
    for (size_t b = 0; b < t->diff.B; b++) {
        float *g = t->g[0], *next = t->g[1];
        memcpy(g, seed + b * n_seed, n_seed * sizeof *g);
        for (int l = from; l > to; l--) {
            size_t n = limn_shape_size(&t->layer[l].out), m = limn_shape_size(in_shape(t, l));
            double *sum = need(m, sizeof *sum);
            wiring w = wiring_of(t, l, b);
            if (t->def[l].relu) relu_back(rule, t->value[l] + b * n, g, n);
            flow f = {g, sum};
            wire[t->def[l].op](&w, backward_one, &f);
            for (size_t i = 0; t->def[l].op == TOY_SQUARE && i < m; i++) sum[i] *= 2;
            store(sum, next, m);
            free(sum);
            float *swap = g;
            g = next, next = swap;
        }
        memcpy(grad + b * n_to, g, n_to * sizeof *g);
    }
    return LIMN_OK;
}

/* ---- building ------------------------------------------------------------------------------------------ */

static limn_shape shape_of(const toy_layer *l, const limn_shape *input) {
    limn_shape s = limn_shape_picture(input);
    switch (l->op) {
    case TOY_DENSE:
        return (limn_shape){1, {l->units}};
    case TOY_CONV:
        s = (limn_shape){3, {l->units, s.dim[1] - l->k + 1, s.dim[2] - l->k + 1}};
        break;
    case TOY_MAX:
        s = (limn_shape){3, {s.dim[0], s.dim[1] / l->k, s.dim[2] / l->k}};
        break;
    case TOY_MEAN:
        s = (limn_shape){3, {s.dim[0], 1, 1}};
        break;
    case TOY_SQUARE:
    case TOY_SAME:
        s = *input;
        break;
    }
    return l->flat ? (limn_shape){1, {limn_shape_size(&s)}} : s;
}

toy *toy_new(size_t B, const limn_shape *input, const toy_layer *layer, int n_layers) {
    static const limn_kind kind[] = {
        [TOY_DENSE] = LIMN_KIND_DENSE,      [TOY_CONV] = LIMN_KIND_CONV,    [TOY_MAX] = LIMN_KIND_POOL,
        [TOY_MEAN] = LIMN_KIND_GLOBAL_POOL, [TOY_SQUARE] = LIMN_KIND_OTHER, [TOY_SAME] = LIMN_KIND_OTHER};
    toy *t = need(1, sizeof *t);
    size_t largest = limn_shape_size(input);
    t->def = need((size_t)n_layers, sizeof *t->def);
    memcpy(t->def, layer, (size_t)n_layers * sizeof *layer);
    t->layer = need((size_t)n_layers, sizeof *t->layer);
    t->value = need((size_t)n_layers, sizeof *t->value);
    t->input = need(B * largest, sizeof *t->input);
    t->diff = (limn_diff){t, B, *input, n_layers, t->layer, forward, value, vjp, NULL, NULL};
    for (int l = 0; l < n_layers; l++) {
        t->layer[l] = (limn_diff_layer){layer[l].name, kind[layer[l].op], shape_of(&layer[l], in_shape(t, l)), 0};
        size_t n = limn_shape_size(&t->layer[l].out);
        t->value[l] = need(B * n, sizeof **t->value);
        if (n > largest) largest = n;
    }
    for (int i = 0; i < 2; i++) t->g[i] = need(largest, sizeof *t->g[i]);
    return t;
}

void toy_free(toy *t) {
    if (!t) return;
    for (int l = 0; l < t->diff.n_layers; l++) free(t->value[l]);
    free(t->value);
    free(t->input);
    free(t->layer);
    free(t->def);
    free(t->g[0]);
    free(t->g[1]);
    free(t);
}

const limn_diff *toy_diff(toy *t) {
    return &t->diff;
}

/* ---- replay -------------------------------------------------------------------------------------------- */

static limn_status replay_forward(void *ctx, const float *x) {
    (void)ctx, (void)x;
    return LIMN_OK;
}

static limn_status copy_rows(const toy_replay *r, const float *from, const limn_shape *s, float *out) {
    if (!from) return limn_fail(LIMN_EFAIL, "the replay does not hold this array");
    memcpy(out, from, r->diff.B * limn_shape_size(s) * sizeof *out);
    return LIMN_OK;
}

static limn_status replay_value(void *ctx, int layer, float *out) {
    const toy_replay *r = ctx;
    return copy_rows(r, r->record[layer].value, &r->layer[layer].out, out);
}

static limn_status replay_vjp(void *ctx, int from, const float *seed, limn_rule rule, int to, float *grad) {
    const toy_replay *r = ctx;
    (void)seed;
    if (from != r->diff.n_layers - 1) return limn_fail(LIMN_EFAIL, "a replay goes back from its last layer only");
    if (to == LIMN_INPUT) return copy_rows(r, r->input_grad[rule], &r->diff.input, grad);
    return copy_rows(r, r->record[to].grad[rule], &r->layer[to].out, grad);
}

void toy_replay_init(toy_replay *r, size_t B, const limn_shape *input, const toy_record *record, int n_layers) {
    *r = (toy_replay){.record = record, .layer = need((size_t)n_layers, sizeof *r->layer)};
    for (int l = 0; l < n_layers; l++) r->layer[l] = record[l].layer;
    r->diff = (limn_diff){r, B, *input, n_layers, r->layer, replay_forward, replay_value, replay_vjp, NULL, NULL};
}

void toy_replay_clear(toy_replay *r) {
    free(r->layer);
    r->layer = NULL;
}
