/* What the map says of random changes of the input, against what the score does.
 *
 * faithfulness-correlation  for k = 1 … samples a random set of pixels goes to the baseline (all channels): Pearson's r of
 *                           the map's sums over the sets and S(x) - S(x without them)     (Bhatt, Weller & Moura 2020)
 * infidelity                for random changes p: mean of (c sum(map p) - (S(x) - S(x - p)))^2, c = 1, or with `normalise`
 *                           the c that makes the mean of c sum(map p) (S(x) - S(x - p)) equal that of its square, as
 *                           Captum does; p = noise (max x - min x) N(0, 1) of each sample (Yeh et al. 2019)
 *
 * A map of one channel stands for all of the input's. Sets and changes depend on the seed, the sample's key and k: all
 * methods and targets see the same, and share the passes. Float64. Threading: no state. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/try.h"
#include "measures/measures.h"

enum { COPY_BITS = 20 };

/* The changed chunk, the change, scores (B, K); float64 S(x) (n_seeds, B), and both series (n_seeds, B, samples). */
typedef struct {
    size_t chunk, scores, rows, series;
} pieces;

static pieces pieces_of(const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    return (pieces){limn_align_floats(d->B * limn_shape_size(&d->input)),
                    limn_align_floats(d->B * limn_shape_size(&d->layer[o->output.index].out)),
                    2 * limn_align_floats(n_seeds * d->B),
                    2 * limn_align_floats(n_seeds * d->B * (size_t)o->number[MEASURE_SAMPLES])};
}

size_t faith_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    pieces p = pieces_of(d, o, n_seeds);
    (void)m;
    return 2 * p.chunk + p.scores + p.rows + 2 * p.series;
}

typedef struct {
    const limn_attribute_options *o;
    const limn_attribute_job *job;
    limn_shape in;
    size_t n, size, count; /* places, values, places of a set */
    size_t *index;         /* (n) */
} faith;

/* change (n values of row b): x - x', as draw k makes it. */
static void random_set(const faith *f, size_t b, size_t k, float *change) {
    const float *x = f->job->x + b * f->size;
    memset(change, 0, f->size * sizeof *change);
    if (!f->job->places) {
        limn_rng r = limn_rng_stream(f->job->random, LIMN_RNG_SUBSET, f->job->key[b] << COPY_BITS | k);
        for (size_t i = 0; i < f->n; i++) f->index[i] = i;
        limn_rng_shuffle(&r, f->index, f->n);
    } else {
        const int *given = f->job->places + (k * f->job->diff->B + b) * f->count;
        for (size_t i = 0; i < f->count; i++) f->index[i] = (size_t)given[i];
    }
    for (size_t c = 0; c < f->in.dim[0]; c++)
        for (size_t i = 0; i < f->count; i++) {
            size_t at = c * f->n + f->index[i];
            change[at] = x[at] - (float)f->o->number[MEASURE_VALUE];
        }
}

static void random_change(const faith *f, size_t b, size_t k, float *change) {
    const float *x = f->job->x + b * f->size;
    if (f->job->changes) {
        memcpy(change, f->job->changes + (k * f->job->diff->B + b) * f->size, f->size * sizeof *change);
        return;
    }
    limn_rng r = limn_rng_stream(f->job->random, LIMN_RNG_SUBSET, f->job->key[b] << COPY_BITS | k);
    float low = x[0], high = x[0];
    for (size_t i = 1; i < f->size; i++) low = fminf(low, x[i]), high = fmaxf(high, x[i]);
    const double sigma = f->o->number[MEASURE_NOISE] * ((double)high - low);
    for (size_t i = 0; i < f->size; i++) change[i] = (float)(sigma * limn_rng_normal(&r));
}

/* What the map of `row` says of draw k: its sum over the set, or its sum times the change. */
static double says(const faith *f, size_t row, int correlation, const float *change) {
    const size_t C = f->job->channels;
    const float *map = f->job->map + row * C * f->n;
    double s = 0;
    if (correlation) {
        for (size_t c = 0; c < C; c++)
            for (size_t i = 0; i < f->count; i++) s += map[c * f->n + f->index[i]];
        return s;
    }
    for (size_t c = 0; c < f->in.dim[0]; c++)
        for (size_t i = 0; i < f->n; i++) s += (double)map[(C > 1 ? c * f->n : 0) + i] * change[c * f->n + i];
    return s;
}

static double infidelity(const double *said, const double *lost, size_t n, int normalise) {
    double both = 0, square = 0, sum = 0, c = 1;
    for (size_t k = 0; k < n; k++) both += said[k] * lost[k], square += said[k] * said[k];
    if (normalise) c = square > 0 ? both / square : 1;
    for (size_t k = 0; k < n; k++) sum += (c * said[k] - lost[k]) * (c * said[k] - lost[k]);
    return sum / (double)n;
}

static limn_status scores_of(const limn_attribute_options *o, const limn_attribute_job *job, float *scores, size_t step,
                             double *y) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    const size_t K = limn_shape_size(&d->layer[o->output.index].out);
    TRY(d->value(d->ctx, o->output.index, scores));
    for (size_t row = 0; row < job->n_seeds * d->B; row++)
        y[row * step] = attribution_score(job->seed + row * K, scores + row % d->B * K, K,
                                          o->choice[MEASURE_SCORE] == MEASURE_PROBABILITY);
done:
    return status;
}

limn_status faith_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const int correlation = *(const faith_recipe *)m->recipe == FAITH_CORRELATION;
    const limn_diff *d = job->diff;
    const pieces p = pieces_of(d, o, job->n_seeds);
    const size_t rows = job->n_seeds * d->B, samples = (size_t)o->number[MEASURE_SAMPLES];
    faith f = {.o = o, .job = job, .in = limn_shape_picture(&d->input)};
    float *x = job->scratch, *change = x + p.chunk, *scores = change + p.chunk;
    double *whole = (double *)(void *)(scores + p.scores), *said = whole + p.rows / 2, *lost = said + p.series / 2;
    f.n = f.in.dim[1] * f.in.dim[2];
    f.size = limn_shape_size(&f.in);
    f.count = (size_t)(o->number[MEASURE_SIZE] * (double)f.n + 0.5);
    if (f.count < 1) f.count = 1;
    TRY(limn_new(&f.index, f.n, sizeof *f.index));
    TRY(scores_of(o, job, scores, 1, whole));
    for (size_t k = 0; k < samples; k++) {
        for (size_t b = 0; b < d->B; b++) {
            float *c = change + b * f.size;
            (correlation ? random_set : random_change)(&f, b, k, c);
            for (size_t i = 0; i < f.size; i++) x[b * f.size + i] = job->x[b * f.size + i] - c[i];
            for (size_t s = 0; s < job->n_seeds; s++)
                said[(s * d->B + b) * samples + k] = says(&f, s * d->B + b, correlation, c);
        }
        TRY(d->forward(d->ctx, x));
        TRY(scores_of(o, job, scores, samples, lost + k));
        for (size_t row = 0; row < rows; row++) lost[row * samples + k] = whole[row] - lost[row * samples + k];
    }
    for (size_t row = 0; row < rows; row++) {
        const double *a = said + row * samples, *b = lost + row * samples;
        job->value[row] = (float)(correlation ? limn_pearson(a, b, samples, 1)
                                              : infidelity(a, b, samples, o->choice[MEASURE_NORMALISE]));
    }
done:
    free(f.index);
    return status;
}
