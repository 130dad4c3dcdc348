/* Of the map alone: how few places carry it.
 *
 * gini     |a| sorted upwards, i = 1 … n: sum (2 i - n - 1) a_i / (n sum a)     (Chalasani et al. 2020)
 * entropy  -sum q ln q, q = |a| / sum |a|, nats                                 (Bhatt, Weller & Moura 2020)
 *
 * Quantus's Sparseness and Complexity add 1e-7 to |a| and 1e-12 to q. Float64. Threading: no state. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measures/measures.h"

size_t sparseness_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    const limn_shape in = limn_shape_picture(&d->input);
    (void)m, (void)o, (void)n_seeds;
    return limn_shape_size(&in);
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double gini(float *a, size_t n) {
    double above = 0, sum = 0;
    qsort(a, n, sizeof *a, ascending);
    for (size_t i = 0; i < n; i++) {
        above += (2 * ((double)i + 1) - (double)n - 1) * a[i];
        sum += a[i];
    }
    return sum > 0 ? above / ((double)n * sum) : NAN;
}

static double entropy(const float *a, size_t n) {
    double sum = 0, h = 0;
    for (size_t i = 0; i < n; i++) sum += a[i];
    for (size_t i = 0; i < n; i++)
        if (a[i] > 0) h -= a[i] / sum * log(a[i] / sum);
    return sum > 0 ? h : NAN;
}

limn_status sparseness_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    const sparseness_recipe *r = m->recipe;
    const limn_shape in = limn_shape_picture(&job->diff->input);
    const size_t n = job->channels * in.dim[1] * in.dim[2];
    (void)o;
    for (size_t row = 0; row < job->n_seeds * job->diff->B; row++) {
        float *a = job->scratch;
        for (size_t i = 0; i < n; i++) a[i] = fabsf(job->map[row * n + i]);
        job->value[row] = (float)(r->entropy ? entropy(a, n) : gini(a, n));
    }
    return LIMN_OK;
}
