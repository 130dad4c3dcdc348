/* t-SNE's gradient descent with momentum and gains (van der Maaten & Hinton 2008; defaults: Belkina 2019, Kobak &
 * Berens 2019, openTSNE).
 *
 * Each iteration, with g = rho A - R/Z (attraction A, repulsion R; no factor 4) and rho = 12 for the first 250:
 *   gain   += 0.2 where sign(update) != sign(g), else gain = max(0.8 gain, 0.01)
 *   update  = 0.8 update - rate * gain * g,   rate = max(50, n/rho) unless given
 *   a point's update longer than 5 is shortened to 5; Y += update; the mean is taken off.
 * The first update is 0, so every gain starts with 1.2. Gains and updates carry over when rho falls to 1.
 *
 * The KL of a trace uses the engine's own Z; the exact one is computed after the last iteration (embed.c). State is
 * float64 whatever the engine computes with. Tasks are fixed blocks of points; the mean is summed in their order. */
#include "embed/tsne.h"

#include <math.h>
#include <time.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "embed/checkpoint.h"

enum { BLOCK = 1024, REPORT_EVERY = 10, PARALLEL_CENTRE = 20000, PATIENCE = 300 };

static const double GAIN_UP = 0.2, GAIN_DOWN = 0.8, LEAST_GAIN = 0.01, LONGEST_STEP = 5, LEAST_RATE = 50;
static const double SKLEARN_NORM = 1e-7, MATLAB_NORM = 1e-10, OPTSNE_PART = 5000;

limn_status tsne_state_new(tsne_state *s, size_t n, int dims, int threads) {
    limn_status status = LIMN_OK;
    size_t size = 0;
    *s = (tsne_state){.n = n, .dims = dims, .threads = threads};
    TRY(limn_mul(&size, n, (size_t)dims));
    TRY(limn_new(&s->Y, size, sizeof *s->Y));
    TRY(limn_new(&s->update, size, sizeof *s->update));
    TRY(limn_new(&s->gain, size, sizeof *s->gain));
    TRY(limn_new(&s->sum, (n + BLOCK - 1) / BLOCK, 3 * sizeof *s->sum));
    for (size_t i = 0; i < size; i++) s->gain[i] = 1;
done:
    if (status != LIMN_OK) tsne_state_clear(s);
    return status;
}

void tsne_state_clear(tsne_state *s) {
    free(s->Y);
    free(s->update);
    free(s->gain);
    free(s->sum);
    *s = (tsne_state){0};
}

tsne_rates tsne_rates_at(const limn_embed_options *o, size_t n, int it) {
    int early = it < o->early, late = it >= o->iterations - o->late;
    tsne_rates r = {early  ? o->exaggeration
                    : late ? o->late_exaggeration
                           : 1,
                    o->learning_rate, early ? o->early_momentum : o->momentum};
    if (r.rate > 0) return r;
    if (o->rate == LIMN_RATE_SKLEARN) {
        r.rate = fmax((double)n / (4 * o->exaggeration), LEAST_RATE) * 4; /* its gradient has the factor 4 */
    } else {
        r.rate = (double)n / r.exaggeration;
        if (r.rate < LEAST_RATE && o->rate == LIMN_RATE_AUTO) r.rate = LEAST_RATE;
    }
    return r;
}

/* ---- one step ---------------------------------------------------------------------------------------------------- */

typedef struct {
    const embed_kernels *kernels;
    tsne_state *s;
    const double *attraction, *repulsion;
    double Z, mean[3];
    const tsne_rates *r;
} step_job;

static void shorten(const step_job *j, size_t from, size_t to) {
    size_t dims = (size_t)j->s->dims;
    for (size_t i = from; i < to; i++) {
        double *u = j->s->update + i * dims, length = 0;
        for (size_t d = 0; d < dims; d++) length += u[d] * u[d];
        length = sqrt(length);
        for (size_t d = 0; d < dims && length > LONGEST_STEP; d++) u[d] *= LONGEST_STEP / length;
    }
}

static void move_block(void *ctx, size_t task, int worker) {
    step_job *j = ctx;
    tsne_state *s = j->s;
    size_t dims = (size_t)s->dims, i0 = task * BLOCK, end = i0 + BLOCK < s->n ? i0 + BLOCK : s->n, at = i0 * dims;
    double sum[3] = {0};
    tsne_move m = {j->r->exaggeration, j->Z, j->r->rate, j->r->momentum, GAIN_UP, GAIN_DOWN, LEAST_GAIN};
    (void)worker;
    double most =
        j->kernels->move(&m, (end - i0) * dims, j->attraction + at, j->repulsion + at, s->gain + at, s->update + at);
    /* few blocks have a point that may have gone too far */
    if (!(most * (double)dims < LONGEST_STEP * LONGEST_STEP)) shorten(j, i0, end);
    for (size_t i = i0; i < end; i++)
        for (size_t d = 0; d < dims; d++) {
            s->Y[i * dims + d] += s->update[i * dims + d];
            sum[d] += s->Y[i * dims + d];
        }
    for (size_t d = 0; d < 3; d++) s->sum[3 * task + d] = sum[d];
}

static void centre_block(void *ctx, size_t task, int worker) {
    step_job *j = ctx;
    size_t dims = (size_t)j->s->dims, end = (task + 1) * BLOCK < j->s->n ? (task + 1) * BLOCK : j->s->n;
    (void)worker;
    for (size_t i = task * BLOCK; i < end; i++)
        for (size_t d = 0; d < dims; d++) j->s->Y[i * dims + d] -= j->mean[d];
}

void tsne_step(tsne_state *s, const double *attraction, const double *repulsion, double Z, const tsne_rates *r) {
    step_job j = {
        .kernels = embed_kernels_best(), .s = s, .attraction = attraction, .repulsion = repulsion, .Z = Z, .r = r};
    size_t blocks = (s->n + BLOCK - 1) / BLOCK;
    limn_parallel(s->threads, blocks, move_block, &j);
    for (size_t b = 0; b < blocks; b++)
        for (size_t d = 0; d < 3; d++) j.mean[d] += s->sum[3 * b + d];
    for (size_t d = 0; d < 3; d++) j.mean[d] /= (double)s->n;
    /* the second loop is short: a meeting of all threads would cost more below some 20,000 points */
    limn_parallel(s->n < PARALLEL_CENTRE ? 1 : s->threads, blocks, centre_block, &j);
}

/* ---- the descent ------------------------------------------------------------------------------------------------- */

static double seconds_since(const struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

/* Norm of the gradient with the factor 4. */
static double gradient_norm(const double *a, const double *r, double Z, double exaggeration, size_t size) {
    double sum = 0;
    for (size_t i = 0; i < size; i++) {
        double g = exaggeration * a[i] - r[i] / Z;
        sum += g * g;
    }
    return 4 * sqrt(sum);
}

/* Whether the descent is to end, given the trace up to now. */
static int is_enough(const limn_embed_options *o, const limn_trace *trace, size_t n_trace, double norm) {
    const limn_trace *last = &trace[n_trace - 1], *best = NULL;
    if (o->stop == LIMN_STOP_NEVER || last->iteration < o->early) return 0;
    if (o->stop == LIMN_STOP_MATLAB) return norm <= MATLAB_NORM;
    for (size_t i = 0; i < n_trace; i++)
        if (trace[i].iteration > o->early && (!best || trace[i].kl < best->kl)) best = &trace[i];
    if (o->stop == LIMN_STOP_SKLEARN)
        return norm <= SKLEARN_NORM || (best && last->iteration - best->iteration > PATIENCE);
    if (n_trace < 2 || trace[n_trace - 2].iteration <= o->early) return 0;
    return trace[n_trace - 2].kl - last->kl < last->kl / OPTSNE_PART * (last->iteration - trace[n_trace - 2].iteration);
}

/* A descent while it runs. */
typedef struct {
    tsne_state *s;
    const embed_affinities *P;
    const embed_engine *engine;
    void *self;
    const limn_embed_options *o;
    double *attraction, *repulsion, Z, kl;
    limn_trace *trace;
    size_t *n_trace;
    uint64_t key;
    int resumed; /* the iteration it went on from */
} descent;

/* What is due before the step of iteration `it`: trace, snapshot, checkpoint. *stop = 1 where the descent is to end. */
static limn_status observe(descent *d, int it, int *stop) {
    limn_status status = LIMN_OK;
    const limn_embed_options *o = d->o;
    tsne_state *s = d->s;
    if (it > 0 && it != d->resumed && o->trace_every > 0 && it % o->trace_every == 0) { /* Z is this layout's */
        double rho = tsne_rates_at(o, s->n, it).exaggeration, norm = 0;
        TRY(embed_kl(&d->kl, d->P, s->Y, s->dims, o->alpha, d->Z, s->threads));
        if (o->stop != LIMN_STOP_NEVER)
            norm = gradient_norm(d->attraction, d->repulsion, d->Z, rho, s->n * (size_t)s->dims);
        d->trace[(*d->n_trace)++] = (limn_trace){it, d->kl};
        *stop = is_enough(o, d->trace, *d->n_trace, norm);
        if (*stop) (*d->n_trace)--; /* the value after the last iteration is the caller's, exact */
    }
    if (o->snapshot && o->snapshot_every > 0 && it % o->snapshot_every == 0 &&
        o->snapshot(o->snapshot_ctx, it, s->Y, s->n, s->dims))
        FAIL(LIMN_EINTERRUPTED, "stopped at iteration %d of %d", it, o->iterations);
    if (o->checkpoint && it > 0 && it != d->resumed && it % TSNE_RESTART == 0 && !*stop)
        TRY(tsne_checkpoint_write(o->checkpoint, d->key, s, d->trace, *d->n_trace));
done:
    return status;
}

static limn_status iterate(descent *d, limn_progress_fn progress, void *ctx) {
    limn_status status = LIMN_OK;
    const limn_embed_options *o = d->o;
    tsne_state *s = d->s;
    struct timespec start;
    int stop = 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int it = s->done; it < o->iterations; it++) {
        tsne_rates rates = tsne_rates_at(o, s->n, it);
        if (it % TSNE_RESTART == 0 && d->engine->restart) d->engine->restart(d->self);
        TRY(d->engine->forces(d->self, s->Y, d->attraction, d->repulsion, &d->Z));
        TRY(observe(d, it, &stop));
        if (stop) break;
        if (progress && it % REPORT_EVERY == 0) {
            limn_progress p = {"map", (size_t)it, (size_t)o->iterations, seconds_since(&start), d->kl};
            if (progress(ctx, &p)) FAIL(LIMN_EINTERRUPTED, "stopped at iteration %d of %d", it, o->iterations);
        }
        tsne_step(s, d->attraction, d->repulsion, d->Z, &rates);
        s->done = it + 1;
    }
done:
    return status;
}

limn_status tsne_descend(tsne_state *s, const embed_affinities *P, const embed_engine *engine,
                         const limn_embed_options *o, limn_trace *trace, size_t *n_trace, limn_progress_fn progress,
                         void *ctx) {
    limn_status status = LIMN_OK;
    size_t size = s->n * (size_t)s->dims;
    descent d = {.s = s, .P = P, .engine = engine, .o = o, .trace = trace, .n_trace = n_trace, .kl = NAN};
    embed_engine_setup setup = {.P = P,
                                .dims = s->dims,
                                .theta = o->theta,
                                .force_error = o->force_error,
                                .alpha = o->alpha,
                                .threads = s->threads};
    *n_trace = 0;
    s->done = 0;
    if (o->checkpoint) {
        d.key = tsne_checkpoint_key(s, P, o);
        TRY(tsne_checkpoint_read(o->checkpoint, d.key, s, trace, n_trace,
                                 o->trace_every > 0 ? (size_t)(o->iterations / o->trace_every) + 1 : 0));
        d.resumed = s->done;
        if (*n_trace > 0) d.kl = trace[*n_trace - 1].kl;
    }
    TRY(limn_new(&d.attraction, size, sizeof *d.attraction));
    TRY(limn_new(&d.repulsion, size, sizeof *d.repulsion));
    TRY(engine->create(&d.self, &setup));
    TRY(iterate(&d, progress, ctx));
done:
    if (d.self) engine->destroy(d.self);
    free(d.attraction);
    free(d.repulsion);
    return status;
}
