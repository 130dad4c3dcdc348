/* Max-sensitivity: the largest |map(x') - map(x)| / |map(x)| (Euclidean lengths) over copies x' = x + u, u uniform in
 * [-radius, radius] (Yeh et al., "On the (in)fidelity and sensitivity of explanations", 2019). The map at x' is the same
 * method's for the same target. Copies depend on the seed, the sample's key and their number. NaN for a map of zeros.
 *
 * Threading: no state. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/mem.h"
#include "base/try.h"
#include "measures/measures.h"

enum { COPY_BITS = 20 };

/* The moved chunk, and maps of all seeds with as many channels as the input; the method's own room lies behind. */
size_t sensitivity_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    size_t size = limn_shape_size(&d->input);
    (void)m, (void)o;
    return limn_align_floats(d->B * size) + limn_align_floats(n_seeds * d->B * size);
}

limn_status sensitivity_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    const limn_shape in = limn_shape_picture(&d->input);
    const size_t n = limn_shape_size(&in), size = job->channels * in.dim[1] * in.dim[2], rows = job->n_seeds * d->B;
    float *x = job->scratch;
    limn_attribute_job moved = *job;
    (void)m;
    moved.x = x;
    moved.map = x + limn_align_floats(d->B * n);
    moved.scratch = moved.map + limn_align_floats(rows * n);
    moved.residual = NULL;
    for (size_t row = 0; row < rows; row++) job->value[row] = 0;
    for (size_t k = 0; k < (size_t)o->number[MEASURE_SAMPLES]; k++) {
        for (size_t b = 0; b < d->B; b++) {
            limn_rng r = limn_rng_stream(job->random, LIMN_RNG_SENSITIVITY, job->key[b] << COPY_BITS | k);
            for (size_t i = 0; i < n; i++)
                x[b * n + i] = job->x[b * n + i] + (float)(o->number[MEASURE_NOISE] * (2 * limn_rng_uniform(&r) - 1));
        }
        TRY(d->forward(d->ctx, x));
        TRY(limn_attribute_run(job->of, job->of_options, &moved));
        for (size_t row = 0; row < rows; row++) {
            double away = 0, length = 0;
            for (size_t i = 0; i < size; i++) {
                double a = job->map[row * size + i], c = moved.map[row * size + i] - a;
                away += c * c, length += a * a;
            }
            job->value[row] = fmaxf(job->value[row], (float)sqrt(away / length)); /* 0 / 0: fmaxf leaves it out */
            if (length == 0) job->value[row] = NAN;
        }
    }
done:
    return status;
}
