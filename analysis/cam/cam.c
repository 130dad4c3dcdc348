/* Class activation maps: one chain of steps for the whole family; a recipe says which of them a flavour takes.
 *
 * For one sample, A (C, h, w) the activations of a layer, G = dS/dA (C, h, w), S as in gradient.c:
 *  1. G = modifier(G)                              (options; none by default)
 *  2. map = combine(A, G), G / (max G + 1e-7) in place of G for keras-vis (signed: it flips where every G is negative)
 *  3. map = max(map, 0)                            (`relu`)
 *  4. (map - min) / (max - min + 1e-7)             (pytorch-grad-cam)
 *  5. from (h, w) to the input's (H, W)            (`resize`; not with `size: layer`)
 *  6. several layers: the mean of their maps, each divided by its largest |value| unless step 4 has scaled it
 *  7. (map - min) / (max - min + 1e-7)             (flavours whose result is a picture)
 *
 * The backward pass goes down to the layers only. Ownership: scratch and map are the caller's. Threading: no state. */
#include "cam/cam.h"
#include "base/mem.h"

#include <math.h>
#include <string.h>

#include "attribution/methods.h"
#include "attribution/modifiers.h"
#include "base/try.h"

/* ---- which layer --------------------------------------------------------------------------------------- */

int cam_last_conv(const limn_diff *d, int output) {
    for (int i = output - 1; i >= 0; i--) {
        const limn_diff_layer *l = &d->layer[i];
        if (l->kind == LIMN_KIND_CONV && l->out.rank == 3 && l->out.dim[1] * l->out.dim[2] > 1)
            return i + l->settles < output ? i + l->settles : i;
    }
    return -1;
}

int cam_keras_vis_layer(const limn_diff *d, int output) {
    for (int i = output - 2; i >= 0; i--)
        if (d->layer[i].kind == LIMN_KIND_CONV || d->layer[i].kind == LIMN_KIND_POOL) return i;
    return -1;
}

int cam_last_picture(const limn_diff *d, int output) {
    for (int i = output - 1; i >= 0; i--)
        if (d->layer[i].out.rank == 3) return i;
    return -1;
}

int cam_before_global_pool(const limn_diff *d, int output) {
    if (d->layer[output].kind != LIMN_KIND_DENSE) return -1;
    for (int i = output - 1; i > 0 && d->layer[i].kind != LIMN_KIND_DENSE; i--)
        if (d->layer[i].kind == LIMN_KIND_GLOBAL_POOL) return d->layer[i - 1].out.rank == 3 ? i - 1 : -1;
    return -1;
}

/* ---- one chunk ----------------------------------------------------------------------------------------- */

/* Pieces of the scratch, each a multiple of 64 bytes: A (B, C, h, w), G likewise, the scores (B, K), a map on a layer's
 * grid, one of the input's size, and the zoom's doubles; each as large as the largest layer needs it. */
typedef struct {
    size_t layer, scores, low, full, zoom; /* floats */
} pieces;

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static pieces pieces_of(const limn_method *m, const limn_diff *d, const limn_attribute_options *o) {
    const limn_shape out = limn_attribute_shape(m, d, o);
    pieces p = {.scores = limn_align_floats(d->B * limn_shape_size(&d->layer[o->output.index].out)),
                .full = limn_align_floats(limn_shape_size(&out))};
    for (int i = 0; i < o->layer.n; i++) {
        const limn_shape *s = &d->layer[o->layer.each[i]].out;
        size_t doubles = cam_zoom_work(o->choice[CAM_RESIZE], s->dim[1], s->dim[2], out.dim[1]);
        p.layer = larger(p.layer, limn_align_floats(d->B * limn_shape_size(s)));
        p.low = larger(p.low, limn_align_floats(s->dim[1] * s->dim[2]));
        p.zoom = larger(p.zoom, limn_align_floats(doubles * sizeof(double) / sizeof(float)));
    }
    return p;
}

size_t cam_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    pieces p = pieces_of(m, d, o);
    (void)n_seeds;
    return 2 * p.layer + p.scores + p.low + p.full + p.zoom;
}

/* Steps 2 to 4 of one sample -> map (n). Dividing the combination, which is linear in G, divides G. */
static limn_status combine(const cam_recipe *r, const cam_sample *s, int relu, float *map) {
    limn_status status = LIMN_OK;
    TRY(r->combine(s, map));
    if (r->scale_gradients) {
        const float most = cam_maximum(s->G, s->C * s->n) + LIMN_KERAS_EPSILON;
        for (size_t i = 0; i < s->n; i++) map[i] /= most;
    }
    for (size_t i = 0; relu && i < s->n; i++) map[i] = map[i] > 0 ? map[i] : 0;
    if (r->min_max_layer) limn_min_max(map, s->n);
done:
    return status;
}

/* Step 6: adds a layer's map to the mean of several. */
static void fuse(const float *one, size_t n, int scaled, int layers, float *map) {
    float most = 0;
    for (size_t i = 0; !scaled && i < n; i++) most = fmaxf(most, fabsf(one[i]));
    const float share = 1 / ((float)layers * (most > 0 ? most : 1));
    for (size_t i = 0; i < n; i++) map[i] += one[i] * share;
}

limn_status cam_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const cam_recipe *r = m->recipe;
    const limn_diff *d = job->diff;
    const limn_shape out = limn_attribute_shape(m, d, o);
    const pieces p = pieces_of(m, d, o);
    const size_t size = limn_shape_size(&out), K = limn_shape_size(&d->layer[o->output.index].out);
    float *A = job->scratch, *G = A + p.layer, *scores = G + p.layer, *low = scores + p.scores, *full = low + p.low;
    double *work = (double *)(void *)(full + p.full);
    const int several = o->layer.n > 1;

    if (r->wants_score) TRY(d->value(d->ctx, o->output.index, scores));
    if (several) memset(job->map, 0, d->B * size * sizeof(float));
    for (int l = 0; l < o->layer.n; l++) {
        const limn_shape *s = &d->layer[o->layer.each[l]].out;
        const size_t C = s->dim[0], n = s->dim[1] * s->dim[2];
        TRY(d->value(d->ctx, o->layer.each[l], A));
        if (!r->no_gradient) {
            TRY(d->vjp(d->ctx, o->output.index, job->seed, (limn_rule)o->rule, o->layer.each[l], G));
            limn_grad_modify(o->grad_modifier, G, d->B * C * n);
        }
        for (size_t b = 0; b < d->B; b++) {
            float *map = job->map + b * size, *grid = o->layer_size ? map : low, *to = several ? full : map;
            const cam_sample sample = {A + b * C * n, r->no_gradient ? NULL : G + b * C * n, C, n,
                                       r->wants_score ? attribution_score(job->seed + b * K, scores + b * K, K, 0) : 0};
            TRY(combine(r, &sample, o->choice[CAM_RELU] == CAM_YES, grid));
            if (!o->layer_size)
                cam_zoom_run(o->choice[CAM_RESIZE], grid, s->dim[1], s->dim[2], to, out.dim[1], out.dim[2], work);
            if (several) fuse(full, size, r->min_max_layer, o->layer.n, map);
        }
    }
    for (size_t b = 0; r->min_max && b < d->B; b++) limn_min_max(job->map + b * size, size);
done:
    return status;
}

void cam_weighted(const limn_attribute_options *o, const limn_attribute_job *job, limn_shape out, const float *A,
                  const float *w, int min_max_layer, int min_max, float *low) {
    const limn_diff *d = job->diff;
    const limn_shape *s = &d->layer[o->layer.index].out;
    const size_t C = s->dim[0], n = s->dim[1] * s->dim[2], size = limn_shape_size(&out);
    double *work = (double *)(void *)(low + limn_align_floats(n));
    for (size_t row = 0; row < job->n_seeds * d->B; row++) {
        float *map = job->map + row * size, *grid = o->layer_size ? map : low;
        const float *a = A + row % d->B * C * n;
        memset(grid, 0, n * sizeof *grid);
        for (size_t c = 0; c < C; c++)
            for (size_t i = 0; i < n; i++) grid[i] += w[row * C + c] * a[c * n + i];
        for (size_t i = 0; o->choice[CAM_RELU] == CAM_YES && i < n; i++) grid[i] = fmaxf(grid[i], 0);
        if (min_max_layer) limn_min_max(grid, n);
        if (!o->layer_size)
            cam_zoom_run(o->choice[CAM_RESIZE], grid, s->dim[1], s->dim[2], map, out.dim[1], out.dim[2], work);
        if (min_max) limn_min_max(map, size);
    }
}
