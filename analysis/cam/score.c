/* Score-CAM: a channel's weight is how well the network recognises the target where that channel is active
 * (Wang et al., "Score-CAM: score-weighted visual explanations", 2020).
 *
 * For every channel c of the layer: mask_c = A_c at the input's size, (a - min) / (max - min + epsilon); the network sees
 * x mask_c; s_c is the target's score. Then w = softmax of s over the channels (the score of a blank input, which the
 * paper subtracts, falls out of the softmax), map = max(sum_c w_c A_c, 0), resized. pytorch-grad-cam: corners on corners
 * for the mask, min-max before and after resizing. tf-keras-vis: w_c is the softmax over the classes of the masked
 * input's scores, of the target.
 *
 * All targets share the C forward passes of a chunk; pass c holds channel c of every sample. A constant channel gives a
 * mask of zeros. Threading: no state. */
#include <math.h>
#include <string.h>

#include "attribution/methods.h"
#include "base/mem.h"
#include "attribution/modifiers.h"
#include "base/try.h"
#include "cam/cam.h"

const score_recipe cam_score = {.mask = CAM_BILINEAR, .epsilon = 1e-8};
const score_recipe cam_score_torch = {.mask = CAM_CORNERS, .epsilon = 1e-8, .min_max_layer = 1, .min_max = 1};
const score_recipe cam_score_tf = {.over_classes = 1, .mask = CAM_CORNERS, .min_max = 1};

/* Scratch: A (B, C, h, w), masked inputs, scores (B, K), weights (n_seeds, B, C), a mask, a map, the zoom's doubles. */
typedef struct {
    size_t layer, input, scores, weights, mask, low, zoom; /* floats */
} pieces;

static pieces pieces_of(const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    const limn_shape *s = &d->layer[o->layer.index].out, in = limn_shape_picture(&d->input);
    return (pieces){.layer = limn_align_floats(d->B * limn_shape_size(s)),
                    .input = limn_align_floats(d->B * limn_shape_size(&in)),
                    .scores = limn_align_floats(d->B * limn_shape_size(&d->layer[o->output.index].out)),
                    .weights = limn_align_floats(n_seeds * d->B * s->dim[0]),
                    .mask = limn_align_floats(in.dim[1] * in.dim[2]),
                    .low = limn_align_floats(s->dim[1] * s->dim[2]),
                    .zoom =
                        2 * limn_align_floats(cam_zoom_work(o->choice[CAM_RESIZE], s->dim[1], s->dim[2], in.dim[1]))};
}

size_t score_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    pieces p = pieces_of(d, o, n_seeds);
    (void)m;
    return p.layer + p.input + p.scores + p.weights + p.mask + p.low + p.zoom;
}

/* x' = x times the mask that the channel makes. */
static void mask_input(const score_recipe *r, const float *x, const limn_shape *in, const float *channel, size_t h,
                       size_t w, float *mask, float *masked) {
    const size_t n = in->dim[1] * in->dim[2];
    float low, high;
    cam_zoom_run(r->mask, channel, h, w, mask, in->dim[1], in->dim[2], NULL);
    low = high = mask[0];
    for (size_t i = 1; i < n; i++) low = fminf(low, mask[i]), high = fmaxf(high, mask[i]);
    const double range = (double)high - low + r->epsilon;
    for (size_t i = 0; i < n; i++) mask[i] = range > 0 ? (float)((mask[i] - low) / range) : 0;
    for (size_t c = 0; c < in->dim[0]; c++)
        for (size_t i = 0; i < n; i++) masked[c * n + i] = x[c * n + i] * mask[i];
}

static void softmax(float *w, size_t n) {
    float most = w[0];
    double total = 0;
    for (size_t i = 1; i < n; i++) most = fmaxf(most, w[i]);
    for (size_t i = 0; i < n; i++) total += exp((double)w[i] - most);
    for (size_t i = 0; i < n; i++) w[i] = (float)(exp((double)w[i] - most) / total);
}

/* The weights w (n_seeds, B, C): one forward pass a channel. */
static limn_status weigh(const score_recipe *r, const limn_attribute_options *o, const limn_attribute_job *job,
                         const pieces *p, const float *A, float *w) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    const limn_shape *s = &d->layer[o->layer.index].out, in = limn_shape_picture(&d->input);
    const size_t C = s->dim[0], n = s->dim[1] * s->dim[2], size = limn_shape_size(&in);
    const size_t K = limn_shape_size(&d->layer[o->output.index].out);
    float *masked = w + p->weights, *scores = masked + p->input, *mask = scores + p->scores;
    for (size_t c = 0; c < C; c++) {
        for (size_t b = 0; b < d->B; b++)
            mask_input(r, job->x + b * size, &in, A + (b * C + c) * n, s->dim[1], s->dim[2], mask, masked + b * size);
        TRY(d->forward(d->ctx, masked));
        TRY(d->value(d->ctx, o->output.index, scores));
        for (size_t t = 0; t < job->n_seeds; t++)
            for (size_t b = 0; b < d->B; b++)
                w[(t * d->B + b) * C + c] =
                    (float)attribution_score(job->seed + (t * d->B + b) * K, scores + b * K, K, r->over_classes);
    }
    for (size_t row = 0; !r->over_classes && row < job->n_seeds * d->B; row++) softmax(w + row * C, C);
done:
    return status;
}

limn_status score_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const score_recipe *r = m->recipe;
    const limn_diff *d = job->diff;
    const limn_shape out = limn_attribute_shape(m, d, o);
    const pieces p = pieces_of(d, o, job->n_seeds);
    float *A = job->scratch, *w = A + p.layer, *low = w + p.weights + p.input + p.scores + p.mask;
    TRY(d->value(d->ctx, o->layer.index, A));
    TRY(weigh(r, o, job, &p, A, w));
    cam_weighted(o, job, out, A, w, r->min_max_layer, r->min_max, low);
done:
    return status;
}
