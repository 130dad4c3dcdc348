/* Averages over noisy copies of the input, around any method: SmoothGrad and its kin.
 *
 * For k = 1 … samples: x_k = x + sigma_b N(0, 1), map_k = the method's map at x_k (its own modifiers within: an absolute
 * gradient is taken before it is averaged), and the result is
 *   smooth    mean of map_k             SmoothGrad (Smilkov et al., "SmoothGrad: removing noise by adding noise", 2017)
 *   smooth2   mean of map_k^2           SmoothGrad^2 (Hooker et al., "A benchmark for interpretability methods", 2019)
 *   variance  mean of (map_k - mean)^2  VarGrad (Adebayo et al., "Local explanation methods for deep networks", 2018)
 * sigma_b = sigma, or sigma (max x_b - min x_b) of each sample.
 *
 * The noise of copy k of a sample depends on (random, key, k) alone: all methods and targets see the same noise, at any
 * number of threads. One pass of a chunk holds copy k of each sample, so that memory does not grow with `samples`. Sums
 * are float64 in the order of k. Threading: no state. */
#include <math.h>
#include <string.h>

#include "attribution/methods.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/try.h"

enum { COPY_BITS = 20 }; /* a sample's streams: key << 20 | copy */

/* Scratch: the noisy chunk, sigma of each sample, float64 sums of maps and of their squares, one job's maps, and the
 * method's own behind them. In floats, each a multiple of 16. */
typedef struct {
    size_t input, sigma, sum, map;
} pieces;

static pieces pieces_of(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    limn_shape shape = limn_attribute_shape(m, d, o);
    size_t maps = limn_align_floats(n_seeds * d->B * limn_shape_size(&shape));
    return (pieces){limn_align_floats(d->B * limn_shape_size(&d->input)), limn_align_floats(d->B), 2 * maps, maps};
}

size_t noise_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    pieces p = pieces_of(m, d, o, n_seeds);
    return p.input + p.sigma + 2 * p.sum + p.map;
}

static float spread(const float *x, size_t n) {
    float low = x[0], high = x[0];
    for (size_t i = 1; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    return high - low;
}

/* out (B, n) = copy k of every sample; with the caller's own noise where there is some. */
static void noisy(const limn_attribute_job *job, size_t n, const float *sigma, uint64_t k, float *out) {
    for (size_t i = 0; job->changes && i < job->diff->B * n; i++)
        out[i] = job->x[i] + job->changes[k * job->diff->B * n + i];
    for (size_t b = 0; !job->changes && b < job->diff->B; b++) {
        limn_rng r = limn_rng_stream(job->random, LIMN_RNG_NOISE, job->key[b] << COPY_BITS | k);
        for (size_t i = 0; i < n; i++) out[b * n + i] = job->x[b * n + i] + sigma[b] * (float)limn_rng_normal(&r);
    }
}

static void finish(int kind, size_t n, double samples, const double *sum, const double *square, float *map) {
    for (size_t i = 0; i < n; i++) {
        double mean = sum[i] / samples, power = square[i] / samples, variance = power - mean * mean;
        map[i] = (float)(kind == LIMN_NOISE_SMOOTH ? mean : kind == LIMN_NOISE_SMOOTH2 ? power : fmax(variance, 0));
    }
}

limn_status noise_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    const pieces p = pieces_of(m, d, o, job->n_seeds);
    limn_shape shape = limn_attribute_shape(m, d, o);
    size_t n = limn_shape_size(&d->input), maps = job->n_seeds * d->B * limn_shape_size(&shape);
    float *x = job->scratch, *sigma = x + p.input;
    double *sum = (double *)(void *)(sigma + p.sigma), *square = sum + p.sum / 2;
    limn_attribute_job copy = *job;
    copy.x = x;
    copy.map = (float *)(void *)(square + p.sum / 2);
    copy.scratch = copy.map + p.map;
    copy.residual = NULL;
    copy.changes = NULL;

    memset(sum, 0, 2 * p.sum * sizeof(float));
    for (size_t b = 0; b < d->B; b++)
        sigma[b] = (float)o->noise.sigma * (o->noise.absolute ? 1 : spread(job->x + b * n, n));
    for (size_t k = 0; k < (size_t)o->noise.samples; k++) {
        noisy(job, n, sigma, k, x);
        TRY(d->forward(d->ctx, x));
        TRY(attribution_run_plain(m, o, &copy));
        for (size_t i = 0; i < maps; i++) {
            sum[i] += copy.map[i];
            square[i] += (double)copy.map[i] * copy.map[i];
        }
    }
    finish(o->noise.kind, maps, o->noise.samples, sum, square, job->map);
done:
    return status;
}
