/* Ablation-CAM: a channel's weight is what the score loses without it (Desai & Ramaswamy, "Ablation-CAM: visual
 * explanations for deep convolutional network via gradient-free localization", 2020).
 *
 * For every channel c of the layer S_c is the target's score where A_c is zero; w_c = (S - S_c) / S, 0 where S is 0; map =
 * max(sum_c w_c A_c, 0), resized. pytorch-grad-cam: min-max before and after resizing.
 *
 * The network runs from the layer on alone, once for every channel of a chunk and all its targets. Threading: no state. */
#include <math.h>
#include <string.h>

#include "attribution/methods.h"
#include "base/mem.h"
#include "attribution/modifiers.h"
#include "base/try.h"
#include "cam/cam.h"

const ablation_recipe cam_ablation = {0, 0}, cam_ablation_torch = {1, 1};

/* Scratch: A (B, C, h, w), scores (B, K), weights (n_seeds, B, C), what is taken out (B, h, w), a map, the zoom's doubles. */
typedef struct {
    size_t layer, scores, weights, kept, low, zoom; /* floats */
} pieces;

static pieces pieces_of(const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    const limn_shape *s = &d->layer[o->layer.index].out, in = limn_shape_picture(&d->input);
    size_t n = s->dim[1] * s->dim[2];
    return (pieces){.layer = limn_align_floats(d->B * limn_shape_size(s)),
                    .scores = limn_align_floats(d->B * limn_shape_size(&d->layer[o->output.index].out)),
                    .weights = limn_align_floats(n_seeds * d->B * s->dim[0]),
                    .kept = limn_align_floats(d->B * n),
                    .low = limn_align_floats(n),
                    .zoom =
                        2 * limn_align_floats(cam_zoom_work(o->choice[CAM_RESIZE], s->dim[1], s->dim[2], in.dim[1]))};
}

size_t ablation_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    pieces p = pieces_of(d, o, n_seeds);
    (void)m;
    return p.layer + 2 * p.scores + p.weights + p.kept + p.low + p.zoom;
}

/* Channel c of every row of A (B, C, n) to kept and back. */
static void take_out(float *A, size_t B, size_t C, size_t n, size_t c, float *kept) {
    for (size_t b = 0; b < B; b++) {
        memcpy(kept + b * n, A + (b * C + c) * n, n * sizeof *A);
        memset(A + (b * C + c) * n, 0, n * sizeof *A);
    }
}

static void put_back(float *A, size_t B, size_t C, size_t n, size_t c, const float *kept) {
    for (size_t b = 0; b < B; b++) memcpy(A + (b * C + c) * n, kept + b * n, n * sizeof *A);
}

/* w (n_seeds, B, C). scores: (B, K) with all channels, and (B, K) without one. */
static limn_status weigh(const limn_attribute_options *o, const limn_attribute_job *job, float *A, float *kept,
                         float *all, float *less, float *w) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    const limn_shape *s = &d->layer[o->layer.index].out;
    const size_t C = s->dim[0], n = s->dim[1] * s->dim[2], K = limn_shape_size(&d->layer[o->output.index].out);
    /* both scores by the same way, so that a channel without influence weighs nothing */
    TRY(d->replace(d->ctx, job->x, o->layer.index, A, o->output.index, all));
    for (size_t c = 0; c < C; c++) {
        take_out(A, d->B, C, n, c, kept);
        TRY(d->replace(d->ctx, job->x, o->layer.index, A, o->output.index, less));
        put_back(A, d->B, C, n, c, kept);
        for (size_t row = 0; row < job->n_seeds * d->B; row++) {
            const float *seed = job->seed + row * K;
            double S = attribution_score(seed, all + row % d->B * K, K, 0);
            double S_c = attribution_score(seed, less + row % d->B * K, K, 0);
            w[row * C + c] = S != 0 ? (float)((S - S_c) / S) : 0;
        }
    }
done:
    return status;
}

limn_status ablation_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const ablation_recipe *r = m->recipe;
    const limn_diff *d = job->diff;
    const limn_shape out = limn_attribute_shape(m, d, o);
    const pieces p = pieces_of(d, o, job->n_seeds);
    float *A = job->scratch, *all = A + p.layer, *less = all + p.scores, *w = less + p.scores, *kept = w + p.weights,
          *low = kept + p.kept;
    TRY(d->value(d->ctx, o->layer.index, A));
    TRY(weigh(o, job, A, kept, all, less, w));
    cam_weighted(o, job, out, A, w, r->min_max_layer, r->min_max, low);
done:
    return status;
}
