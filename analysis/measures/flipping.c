/* The score while pixels go, or come, in the order of the map: highest first, of equals the first in rows (by ranks, never
 * by thresholds, so that ties break fairly). A pixel goes in all channels. `steps` equal portions, rounded.
 *
 * deletion        area under the score (trapezoids over the share that is gone, 0 … 1) while pixels are replaced by the
 *                 baseline; insertion: while they come back into a baseline        (Petsiuk, Das & Saenko 2018)
 * pixel-flipping  mean of the scores after each step                               (Bach et al. 2015; Samek et al. 2017)
 * road            mean of the scores after each step but the last, pixels imputed  (impute.c)
 *
 * job->curve, where given, is the scores themselves, the untouched input's (insertion: the baseline's) first. A map of
 * zeros has no order: NaN. All targets share a pass only where they share an order, so each target has its own passes.
 *
 * Threading: no state. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attribution/blur.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/try.h"
#include "measures/measures.h"

/* The baseline (B, n), the changed chunk, scores (B, K), a map's sums over channels, a sample's work space. In floats. */
typedef struct {
    size_t chunk, scores, plane, work;
} pieces;

static pieces pieces_of(const limn_diff *d, const limn_attribute_options *o) {
    const limn_shape in = limn_shape_picture(&d->input);
    size_t n = in.dim[1] * in.dim[2], size = limn_shape_size(&in);
    return (pieces){limn_align_floats(d->B * size),
                    limn_align_floats(d->B * limn_shape_size(&d->layer[o->output.index].out)), limn_align_floats(n),
                    limn_align_floats(size > 2 * IMPUTE_WORK * n ? size : 2 * IMPUTE_WORK * n)};
}

size_t flipping_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    pieces p = pieces_of(d, o);
    (void)m, (void)n_seeds;
    return 2 * p.chunk + p.scores + p.plane + p.work;
}

typedef struct {
    flipping_recipe how;
    const limn_attribute_options *o;
    const limn_attribute_job *job;
    limn_shape in;
    size_t n, size, steps; /* places, values of a sample, steps */
    float *base, *x, *scores, *plane, *work;
    size_t *order;       /* (B, n) */
    unsigned char *gone; /* (n) */
} flip;

static void start(const flip *f) {
    for (size_t b = 0; b < f->job->diff->B; b++) {
        float *base = f->base + b * f->size;
        if (f->o->choice[MEASURE_BASELINE] == MEASURE_BLURRED)
            limn_blur(f->job->x + b * f->size, &f->in, f->o->number[MEASURE_SIGMA], base, f->work);
        else
            for (size_t i = 0; i < f->size; i++) base[i] = (float)f->o->number[MEASURE_VALUE];
    }
}

/* The places of every row of target s in order. */
static limn_status rank(const flip *f, size_t s) {
    limn_status status = LIMN_OK;
    const limn_attribute_job *job = f->job;
    for (size_t b = 0; b < job->diff->B; b++) {
        const float *map = job->map + (s * job->diff->B + b) * job->channels * f->n;
        for (size_t i = 0; i < f->n; i++) {
            float v = 0;
            for (size_t c = 0; c < job->channels; c++) v += map[c * f->n + i];
            f->plane[i] = f->o->choice[MEASURE_ABSOLUTE] ? fabsf(v) : v;
        }
        TRY(measure_order(f->plane, f->n, f->order + b * f->n));
    }
done:
    return status;
}

/* Row b with the first `count` places of its order gone (or come). */
static void change(const flip *f, size_t b, size_t count) {
    const size_t *order = f->order + b * f->n;
    const float *from = (f->how == FLIP_INSERTION ? f->base : f->job->x) + b * f->size;
    const float *to = (f->how == FLIP_INSERTION ? f->job->x : f->base) + b * f->size;
    float *x = f->x + b * f->size;
    memcpy(x, from, f->size * sizeof *x);
    if (f->how != FLIP_ROAD) {
        for (size_t c = 0; c < f->in.dim[0]; c++)
            for (size_t k = 0; k < count; k++) x[c * f->n + order[k]] = to[c * f->n + order[k]];
        return;
    }
    limn_rng r = limn_rng_stream(f->job->random, LIMN_RNG_IMPUTE, f->job->key[b] << 20 | count % (1 << 20));
    memset(f->gone, 0, f->n);
    for (size_t k = 0; k < count; k++) f->gone[order[k]] = 1;
    measure_impute(x, f->in.dim[0], f->in.dim[1], f->in.dim[2], f->gone, f->o->number[MEASURE_NOISE], &r,
                   (double *)(void *)f->work);
}

static int zero_map(const flip *f, size_t row) {
    const size_t size = f->job->channels * f->n;
    return limn_attribute_zeros(f->job->map + row * size, 1, size) > 0;
}

/* One target: the curve of every row into the measure. */
static limn_status run_target(const flip *f, size_t s) {
    limn_status status = LIMN_OK;
    const limn_attribute_job *job = f->job;
    const limn_diff *d = job->diff;
    const size_t K = limn_shape_size(&d->layer[f->o->output.index].out),
                 first = f->how == FLIP_FLIPPING || f->how == FLIP_ROAD;
    const size_t last = f->how == FLIP_ROAD ? f->steps - 1 : f->steps;
    TRY(rank(f, s));
    for (size_t b = 0; b < d->B; b++) job->value[s * d->B + b] = 0;
    for (size_t t = job->curve ? 0 : first; t <= last; t++) {
        const double share = t == 0 || t == f->steps ? 0.5 : 1;
        for (size_t b = 0; b < d->B; b++) change(f, b, (t * f->n + f->steps / 2) / f->steps);
        TRY(d->forward(d->ctx, f->x));
        TRY(d->value(d->ctx, f->o->output.index, f->scores));
        for (size_t b = 0; b < d->B; b++) {
            const size_t row = s * d->B + b;
            double y = attribution_score(job->seed + row * K, f->scores + b * K, K,
                                         f->o->choice[MEASURE_SCORE] == MEASURE_PROBABILITY);
            if (job->curve) job->curve[row * (f->steps + 1) + t] = (float)y;
            if (t < first) continue;
            job->value[row] += (float)(first ? y / (double)last : y * share / (double)f->steps);
        }
    }
    for (size_t b = 0; b < d->B; b++)
        if (zero_map(f, s * d->B + b)) job->value[s * d->B + b] = NAN;
done:
    return status;
}

limn_status flipping_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    const pieces p = pieces_of(d, o);
    flip f = {.how = *(const flipping_recipe *)m->recipe, .o = o, .job = job, .in = limn_shape_picture(&d->input)};
    f.n = f.in.dim[1] * f.in.dim[2];
    f.size = limn_shape_size(&f.in);
    f.steps = (size_t)o->number[MEASURE_STEPS];
    f.base = job->scratch;
    f.x = f.base + p.chunk;
    f.scores = f.x + p.chunk;
    f.plane = f.scores + p.scores;
    f.work = f.plane + p.plane;
    TRY(limn_new(&f.order, d->B * f.n, sizeof *f.order));
    TRY(limn_new(&f.gone, f.n, 1));
    start(&f);
    for (size_t s = 0; s < job->n_seeds; s++) TRY(run_target(&f, s));
done:
    free(f.gone);
    free(f.order);
    return status;
}
