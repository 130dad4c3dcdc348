/* Maps that are a walk through the network times a difference of inputs.
 *
 *   deeplift   (x - x0) m, m the multipliers of DeepLIFT's rescale rule from the reference x0 to x (walk.h; Shrikumar,
 *              Greenside & Kundaje 2017). The sum of a map is S(x) - S(x0): how far it is off, relative to that, is the
 *              residual.
 *   deepshap   the mean of that over references x0 from the data set (Lundberg & Lee 2017), in float64
 *   rectgrad   x r, r the rectified gradient: at each ReLU what is above the layer's quantile of a g passes (Kim et al.,
 *              "Why are saliency maps noisy?", 2019)
 * Signed; channels are summed, or kept. Threading: no state. */
#include <math.h>
#include <string.h>

#include "attribution/lrp.h"
#include "base/mem.h"
#include "attribution/methods.h"
#include "base/try.h"

/* Scratch, in floats: a reference and a walk's result (each (B, n)), scores at x and x0 (each (B, K)), float64 sums (B, n). */
typedef struct {
    size_t chunk, scores, sums;
} pieces;

static pieces pieces_of(const limn_diff *d, const limn_attribute_options *o) {
    size_t n = limn_shape_size(&d->input);
    return (pieces){limn_align_floats(d->B * n),
                    limn_align_floats(d->B * limn_shape_size(&d->layer[o->output.index].out)),
                    2 * limn_align_floats(d->B * n)};
}

size_t deeplift_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    pieces p = pieces_of(d, o);
    (void)m, (void)n_seeds;
    return 2 * p.chunk + 2 * p.scores + p.sums;
}

static void put_maps(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job,
                     const float *r) {
    const limn_diff *d = job->diff;
    const limn_shape in = limn_shape_picture(&d->input), shape = limn_attribute_shape(m, d, o);
    size_t n = limn_shape_size(&in), size = limn_shape_size(&shape);
    for (size_t b = 0; b < d->B; b++) attribution_put_map(o, &in, r + b * n, job->map + b * size);
}

/* residual (B) = |sum of r - (S(x) - S(x0))| / |S(x) - S(x0)|. */
static limn_status gaps(const limn_attribute_options *o, const limn_attribute_job *job, const float *r, float *at_x,
                        const float *at_x0) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    size_t n = limn_shape_size(&d->input), K = limn_shape_size(&d->layer[o->output.index].out);
    TRY(d->value(d->ctx, o->output.index, at_x));
    for (size_t b = 0; b < d->B; b++) {
        double want = attribution_score(job->seed + b * K, at_x + b * K, K, 0) -
                      attribution_score(job->seed + b * K, at_x0 + b * K, K, 0);
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += r[b * n + i];
        job->residual[b] = (float)(fabs(sum - want) / fabs(want));
    }
done:
    return status;
}

/* r (B, n) = (x - x0) m. */
static limn_status differences(const limn_attribute_options *o, const limn_attribute_job *job, const float *x0,
                               float *y0, float *r) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    const limn_walk how = {.kind = LIMN_WALK_RESCALE, .x0 = x0, .y0 = y0};
    TRY(d->walk(d->ctx, &how, job->x, o->output.index, job->seed, r));
    for (size_t i = 0; i < d->B * limn_shape_size(&d->input); i++) r[i] *= job->x[i] - x0[i];
done:
    return status;
}

limn_status deeplift_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    const pieces p = pieces_of(d, o);
    float *x0 = job->scratch, *r = x0 + p.chunk, *at_x = r + p.chunk, *at_x0 = at_x + p.scores;
    for (size_t i = 0; i < d->B * limn_shape_size(&d->input); i++) x0[i] = (float)o->number[DEEPLIFT_VALUE];
    TRY(differences(o, job, x0, at_x0, r));
    put_maps(m, o, job, r);
    if (job->residual) TRY(gaps(o, job, r, at_x, at_x0));
done:
    return status;
}

limn_status deepshap_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    const pieces p = pieces_of(d, o);
    const size_t n = limn_shape_size(&d->input), asked = (size_t)o->number[DEEPLIFT_BACKGROUND],
                 N = asked < job->n_background ? asked : job->n_background;
    float *x0 = job->scratch, *r = x0 + p.chunk;
    double *sum = (double *)(void *)(r + p.chunk + 2 * p.scores);
    memset(sum, 0, d->B * n * sizeof *sum);
    for (size_t k = 0; k < N; k++) {
        for (size_t i = 0; i < d->B * n; i++) x0[i] = job->background[k * n + i % n];
        TRY(differences(o, job, x0, NULL, r));
        for (size_t i = 0; i < d->B * n; i++) sum[i] += r[i];
    }
    for (size_t i = 0; i < d->B * n; i++) r[i] = (float)(sum[i] / (double)N);
    put_maps(m, o, job, r);
done:
    return status;
}

limn_status rectgrad_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    const limn_walk how = {.kind = LIMN_WALK_RECTIFY, .quantile = o->number[RECTGRAD_QUANTILE]};
    float *r = job->scratch;
    TRY(d->walk(d->ctx, &how, job->x, o->output.index, job->seed, r));
    for (size_t i = 0; i < d->B * limn_shape_size(&d->input); i++) r[i] *= job->x[i];
    put_maps(m, o, job, r);
done:
    return status;
}
