/* Gradients gathered along a path from a baseline to the input, and the gradient times the input.
 *
 * Every method here is map = sum_k d_k g(x_k), g = dS/dx, the points x_k and the steps d_k (C, H, W) being its own:
 *   input-x-gradient       x_1 = x, d_1 = x - x0                                  (Shrikumar et al. 2016; x0 = 0)
 *   integrated-gradients   x_k = x0 + a_k (x - x0), d_k = w_k (x - x0), a_k and w_k the nodes and weights of a rule for
 *                          the integral from 0 to 1                               (Sundararajan, Taly & Yan 2017)
 *   expected-gradients     x_k = b_k + a_k (x - b_k), d_k = (x - b_k) / K, b_k drawn from samples of the data set and
 *                          a_k from [0, 1)                                        (Erion et al. 2021; GradientSHAP)
 *   blur-ig                z_k = x blurred by sigma (1 - k / K)^2, x_k = (z_k + z_k+1) / 2, d_k = z_k+1 - z_k
 *                                                                                 (Xu, Venugopalan & Sundararajan 2020)
 * The sum of a map should be S(x) - S(x0), x0 the baseline (blur-ig: z_0). How far it is off, relative to that, is the
 * residual: the completeness gap. Signed; channels are summed, or kept. Sums are float64 in the order of k.
 *
 * All targets share the forward passes. Threading: no state. */
#include <math.h>
#include <string.h>

#include "attribution/blur.h"
#include "base/mem.h"
#include "attribution/methods.h"
#include "base/rng.h"
#include "base/try.h"

#define PI 3.14159265358979323846
enum { COPY_BITS = 20 }; /* a sample's streams: key << 20 | draw */

/* What the functions of a recipe see: a job with its sizes, and work space of one sample. */
struct path_walk {
    const limn_attribute_options *o;
    const limn_attribute_job *job;
    limn_shape in;
    size_t n;
    float *work; /* (2, n) */
};

/* ---- rules for the integral from 0 to 1 -------------------------------------------------------------------------- */

/* Node and weight k of K of the Gauss-Legendre rule: a zero of P_K by Newton's iteration from cos(pi (k + 3/4)/(K + 1/2)),
 * which converges to it in a few steps; w = 2 / ((1 - z^2) P'_K(z)^2), both moved from [-1, 1] to [0, 1]. */
static void gauss_legendre(size_t k, size_t K, double *a, double *w) {
    double z = cos(PI * ((double)(K - 1 - k) + 0.75) / ((double)K + 0.5)), slope = 1;
    for (int iteration = 0; iteration < 20; iteration++) {
        double p = 1, before = 0;
        for (size_t j = 0; j < K; j++) {
            double next = ((2.0 * (double)j + 1) * z * p - (double)j * before) / ((double)j + 1);
            before = p;
            p = next;
        }
        slope = (double)K * (z * p - before) / (z * z - 1);
        double step = p / slope;
        z -= step;
        if (fabs(step) < 1e-15) break;
    }
    *a = (1 + z) / 2;
    *w = 1 / ((1 - z * z) * slope * slope);
}

static void riemann_left(size_t k, size_t K, double *a, double *w) {
    *a = (double)k / (double)K, *w = 1 / (double)K;
}
static void riemann_right(size_t k, size_t K, double *a, double *w) {
    *a = (double)(k + 1) / (double)K, *w = 1 / (double)K;
}
static void riemann_middle(size_t k, size_t K, double *a, double *w) {
    *a = ((double)k + 0.5) / (double)K, *w = 1 / (double)K;
}
static void trapezoid(size_t k, size_t K, double *a, double *w) {
    *a = K > 1 ? (double)k / (double)(K - 1) : 1;
    *w = K > 1 ? (k == 0 || k == K - 1 ? 0.5 : 1) / (double)(K - 1) : 1;
}
/* iNNvestigate: the mean over K points, both ends among them. */
static void mean_of_ends(size_t k, size_t K, double *a, double *w) {
    *a = K > 1 ? (double)k / (double)(K - 1) : 1, *w = 1 / (double)K;
}

static void (*const rules[])(size_t k, size_t K, double *a, double *w) = {gauss_legendre, riemann_left, riemann_right,
                                                                          riemann_middle, trapezoid,    mean_of_ends};

/* ---- baselines and paths ----------------------------------------------------------------------------------------- */

/* x0 (n) of row b. */
static void baseline_of(const path_walk *p, size_t b, float *x0) {
    if (p->o->choice[PATH_BASELINE] == PATH_BASELINE_BLUR) {
        limn_blur(p->job->x + b * p->n, &p->in, p->o->number[PATH_SIGMA], x0, p->work + p->n);
        return;
    }
    for (size_t i = 0; i < p->n; i++) x0[i] = (float)p->o->number[PATH_VALUE];
}

static size_t one_step(const limn_attribute_options *o) {
    (void)o;
    return 1;
}

static size_t steps(const limn_attribute_options *o) {
    return (size_t)o->number[PATH_STEPS];
}

static void at_input(const path_walk *p, size_t b, size_t k, float *x, float *d) {
    const float *here = p->job->x + b * p->n;
    (void)k;
    for (size_t i = 0; i < p->n; i++) x[i] = here[i], d[i] = here[i] - (float)p->o->number[PATH_VALUE];
}

static void straight(const path_walk *p, size_t b, size_t k, float *x, float *d) {
    const float *end = p->job->x + b * p->n, *x0 = p->work;
    double a, w;
    rules[p->o->choice[PATH_RULE]](k, steps(p->o), &a, &w);
    baseline_of(p, b, p->work);
    for (size_t i = 0; i < p->n; i++) {
        double whole = (double)end[i] - x0[i];
        x[i] = (float)(x0[i] + a * whole);
        d[i] = (float)(w * whole);
    }
}

static void drawn(const path_walk *p, size_t b, size_t k, float *x, float *d) {
    const limn_attribute_job *job = p->job;
    limn_rng r = limn_rng_stream(job->random, LIMN_RNG_BASELINE, job->key[b] << COPY_BITS | k);
    const float *end = job->x + b * p->n, *x0;
    const size_t asked = (size_t)p->o->number[PATH_BACKGROUND];
    x0 = job->background + limn_rng_below(&r, asked < job->n_background ? asked : job->n_background) * p->n;
    const double a = limn_rng_uniform(&r), w = 1 / (double)steps(p->o);
    for (size_t i = 0; i < p->n; i++) {
        double whole = (double)end[i] - x0[i];
        x[i] = (float)(x0[i] + a * whole);
        d[i] = (float)(w * whole);
    }
}

static double blur_at(const path_walk *p, size_t k) {
    double rest = 1 - (double)k / (double)steps(p->o);
    return p->o->number[PATH_SIGMA] * rest * rest;
}

static void sharpen(const path_walk *p, size_t b, size_t k, float *x, float *d) {
    const float *end = p->job->x + b * p->n;
    limn_blur(end, &p->in, blur_at(p, k), x, p->work);
    limn_blur(end, &p->in, blur_at(p, k + 1), d, p->work);
    for (size_t i = 0; i < p->n; i++) {
        float before = x[i];
        x[i] = (before + d[i]) / 2;
        d[i] -= before;
    }
}

static void most_blurred(const path_walk *p, size_t b, float *x0) {
    limn_blur(p->job->x + b * p->n, &p->in, p->o->number[PATH_SIGMA], x0, p->work);
}

const path_recipe path_input = {one_step, at_input, NULL};
const path_recipe path_straight = {steps, straight, baseline_of};
const path_recipe path_expected = {steps, drawn, NULL};
const path_recipe path_blur = {steps, sharpen, most_blurred};

/* ---- one chunk --------------------------------------------------------------------------------------------------- */

/* Scratch: points, steps, a gradient (each (B, n)), scores (B, K), float64 sums (n_seeds, B, n), float64 differences of
 * scores (n_seeds, B), and a sample's work space. In floats. */
typedef struct {
    size_t chunk, scores, sums, ends, work;
} pieces;

static pieces pieces_of(const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    size_t n = limn_shape_size(&d->input);
    return (pieces){
        limn_align_floats(d->B * n), limn_align_floats(d->B * limn_shape_size(&d->layer[o->output.index].out)),
        2 * limn_align_floats(n_seeds * d->B * n), 2 * limn_align_floats(n_seeds * d->B), limn_align_floats(2 * n)};
}

size_t path_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    pieces p = pieces_of(d, o, n_seeds);
    (void)m;
    return 3 * p.chunk + p.scores + p.sums + p.ends + p.work;
}

/* end (n_seeds, B) += sign times S of the pass that the diff holds. */
static limn_status add_scores(const limn_attribute_options *o, const limn_attribute_job *job, double sign,
                              float *scores, double *end) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    size_t K = limn_shape_size(&d->layer[o->output.index].out);
    TRY(d->value(d->ctx, o->output.index, scores));
    for (size_t row = 0; row < job->n_seeds * d->B; row++)
        end[row] += sign * attribution_score(job->seed + row * K, scores + row % d->B * K, K, 0);
done:
    return status;
}

/* Channels summed or kept; the residual. */
static void finish(const path_walk *p, const double *sums, const double *end, int has_end) {
    const limn_attribute_job *job = p->job;
    size_t C = p->in.dim[0], places = p->in.dim[1] * p->in.dim[2];
    for (size_t row = 0; row < job->n_seeds * job->diff->B; row++) {
        const double *sum = sums + row * p->n;
        double total = 0;
        for (size_t i = 0; i < p->n; i++) total += sum[i];
        for (size_t i = 0; i < (p->o->keep_channels ? p->n : places); i++) {
            double v = sum[i];
            for (size_t c = 1; !p->o->keep_channels && c < C; c++) v += sum[c * places + i];
            job->map[row * (p->o->keep_channels ? p->n : places) + i] = (float)v;
        }
        if (job->residual) job->residual[row] = has_end ? (float)(fabs(total - end[row]) / fabs(end[row])) : NAN;
    }
}

limn_status path_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const path_recipe *r = m->recipe;
    const limn_diff *d = job->diff;
    const pieces q = pieces_of(d, o, job->n_seeds);
    const size_t n = limn_shape_size(&d->input), K = limn_shape_size(&d->layer[o->output.index].out);
    float *x = job->scratch, *step = x + q.chunk, *g = step + q.chunk, *scores = g + q.chunk;
    double *sums = (double *)(void *)(scores + q.scores), *end = sums + q.sums / 2;
    path_walk p = {o, job, limn_shape_picture(&d->input), n, (float *)(void *)(end + q.ends / 2)};

    memset(sums, 0, (q.sums + q.ends) * sizeof(float));
    if (r->start && job->residual) {
        TRY(add_scores(o, job, 1, scores, end));
        for (size_t b = 0; b < d->B; b++) r->start(&p, b, x + b * n);
        TRY(d->forward(d->ctx, x));
        TRY(add_scores(o, job, -1, scores, end));
    }
    for (size_t k = 0; k < r->steps(o); k++) {
        for (size_t b = 0; b < d->B; b++) r->point(&p, b, k, x + b * n, step + b * n);
        if (m->forwards) TRY(d->forward(d->ctx, x));
        for (size_t s = 0; s < job->n_seeds; s++) {
            double *sum = sums + s * d->B * n;
            TRY(d->vjp(d->ctx, o->output.index, job->seed + s * d->B * K, (limn_rule)o->rule, LIMN_INPUT, g));
            for (size_t i = 0; i < d->B * n; i++) sum[i] += (double)step[i] * g[i];
        }
    }
    finish(&p, sums, end, r->start != NULL);
done:
    return status;
}
