/* Class activation maps: one chain of steps for the whole family; a recipe says which of them a flavour takes.
 *
 * For one sample, A (C, h, w) the activations of a layer, G = dS/dA (C, h, w), S as in gradient.c:
 *  1. G = modifier(G)                              (options; none by default)
 *  2. G = G / (max G + 1e-7)                       (keras-vis; signed: it flips where every gradient is negative)
 *  3. map = combine(A, G). Grad-CAM: w_c = mean over (h, w) of G_c, map = sum_c w_c A_c
 *     (Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization", 2017)
 *  4. map = max(map, 0)
 *  5. from (h, w) to the input's (H, W)            (not with `size: layer`)
 *  6. map = (map - min) / (max - min + 1e-7)       (keras-vis)
 *
 * The backward pass goes down to the layer only. Ownership: scratch and map are the caller's. Threading: no state. */
#include "cam/cam.h"

#include <string.h>

#include "attribution/modifiers.h"
#include "base/try.h"
#include "cam/bilinear.h"
#include "cam/spline.h"

/* ---- which layer --------------------------------------------------------------------------------------- */

int cam_last_conv(const limn_diff *d, int output) {
    for (int i = output - 1; i >= 0; i--) {
        const limn_diff_layer *l = &d->layer[i];
        if (l->kind == LIMN_KIND_CONV && l->out.rank == 3 && l->out.dim[1] * l->out.dim[2] > 1) return i;
    }
    return -1;
}

int cam_keras_vis_layer(const limn_diff *d, int output) {
    for (int i = output - 2; i >= 0; i--)
        if (d->layer[i].kind == LIMN_KIND_CONV || d->layer[i].kind == LIMN_KIND_POOL) return i;
    return -1;
}

/* ---- how activations and gradients are combined -------------------------------------------------------- */

/* Several running sums or maxima side by side, in a fixed order: one alone waits for itself at every step. */
enum { LANES = 8 };

static double mean(const float *g, size_t n) {
    double lane[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++) lane[k] += g[i + k];
    for (; i < n; i++) sum += g[i];
    for (size_t k = 0; k < LANES; k++) sum += lane[k];
    return sum / (double)n;
}

static float maximum(const float *g, size_t n) {
    float lane[LANES], most;
    size_t i = 0;
    for (size_t k = 0; k < LANES; k++) lane[k] = g[0];
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++) lane[k] = g[i + k] > lane[k] ? g[i + k] : lane[k];
    for (most = lane[0]; i < n; i++) most = g[i] > most ? g[i] : most;
    for (size_t k = 0; k < LANES; k++) most = lane[k] > most ? lane[k] : most;
    return most;
}

static void gradcam(const float *A, const float *G, size_t C, size_t n, float *map) {
    memset(map, 0, n * sizeof *map);
    for (size_t c = 0; c < C; c++, A += n, G += n) {
        const float w = (float)mean(G, n);
        for (size_t i = 0; i < n; i++) map[i] += w * A[i];
    }
}

static void bilinear(const float *in, size_t h, size_t w, float *out, size_t H, size_t W, double *work) {
    (void)work;
    limn_resize_bilinear(in, h, w, out, H, W);
}

const cam_recipe cam_gradcam = {.combine = gradcam, .relu = 1, .zoom = bilinear};
const cam_recipe cam_gradcam_keras_vis = {.combine = gradcam,
                                          .scale_gradients = 1,
                                          .relu = 1,
                                          .zoom = limn_zoom_spline,
                                          .zoom_work = limn_zoom_spline_work,
                                          .min_max = 1};

/* ---- one chunk ----------------------------------------------------------------------------------------- */

/* Pieces of the scratch, each a multiple of 64 bytes: A (B, C, h, w), G likewise, a map on the layer's grid, and the
 * zoom's doubles. */
typedef struct {
    size_t layer, low, zoom; /* floats */
} pieces;

static size_t round_up(size_t floats) {
    return (floats + 15) / 16 * 16;
}

static pieces pieces_of(const limn_method *m, const limn_diff *d, const limn_attribute_options *o) {
    const cam_recipe *r = m->recipe;
    const limn_shape out = limn_attribute_shape(m, d, o);
    const limn_shape *s = &d->layer[o->layer.index].out;
    size_t doubles = r->zoom_work ? r->zoom_work(s->dim[1], s->dim[2], out.dim[1]) : 0;
    return (pieces){round_up(d->B * limn_shape_size(s)), round_up(s->dim[1] * s->dim[2]),
                    round_up(doubles * sizeof(double) / sizeof(float))};
}

size_t cam_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    (void)n_seeds;
    pieces p = pieces_of(m, d, o);
    return 2 * p.layer + p.low + p.zoom;
}

/* Steps 2 to 4 of one sample: A, G (C, n) -> map (n). Dividing the combination, which is linear in G, divides G. */
static void combine(const cam_recipe *r, const float *A, const float *G, size_t C, size_t n, float *map) {
    r->combine(A, G, C, n, map);
    if (r->scale_gradients) {
        const float most = maximum(G, C * n) + LIMN_KERAS_EPSILON;
        for (size_t i = 0; i < n; i++) map[i] /= most;
    }
    for (size_t i = 0; r->relu && i < n; i++) map[i] = map[i] > 0 ? map[i] : 0;
}

limn_status cam_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const cam_recipe *r = m->recipe;
    const limn_diff *d = job->diff;
    const limn_shape *s = &d->layer[o->layer.index].out;
    const limn_shape out = limn_attribute_shape(m, d, o);
    const pieces p = pieces_of(m, d, o);
    const size_t C = s->dim[0], h = s->dim[1], w = s->dim[2], n = h * w, size = limn_shape_size(&out);
    float *A = job->scratch, *G = A + p.layer, *low = G + p.layer;
    double *work = (double *)(void *)(low + p.low);

    TRY(d->value(d->ctx, o->layer.index, A));
    TRY(d->vjp(d->ctx, o->output.index, job->seed, (limn_rule)o->rule, o->layer.index, G));
    limn_grad_modify(o->grad_modifier, G, d->B * C * n);
    for (size_t b = 0; b < d->B; b++) {
        float *map = job->map + b * size, *grid = o->layer_size ? map : low;
        combine(r, A + b * C * n, G + b * C * n, C, n, grid);
        if (!o->layer_size) r->zoom(grid, h, w, map, out.dim[1], out.dim[2], work);
        if (r->min_max) limn_min_max(map, size);
    }
done:
    return status;
}
