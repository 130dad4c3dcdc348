/* Of the map alone: how few places carry it.
 *
 * gini     |a| sorted upwards, i = 1 … n: sum (2 i - n - 1) a_i / (n sum a)     (Chalasani et al. 2020)
 * entropy  -sum q ln q, q = |a| / sum |a|, nats                                 (Bhatt, Weller & Moura 2020)
 *
 * Quantus's Sparseness and Complexity add 1e-7 to |a| and 1e-12 to q. Float64. Threading: no state. */
#include <math.h>

#include "base/agreement.h"
#include "measures/measures.h"

size_t sparseness_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    const limn_shape in = limn_shape_picture(&d->input);
    (void)m, (void)o, (void)n_seeds;
    return limn_shape_size(&in);
}

limn_status sparseness_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    const sparseness_recipe *r = m->recipe;
    const limn_shape in = limn_shape_picture(&job->diff->input);
    const size_t n = job->channels * in.dim[1] * in.dim[2];
    (void)o;
    for (size_t row = 0; row < job->n_seeds * job->diff->B; row++) {
        float *a = job->scratch;
        for (size_t i = 0; i < n; i++) a[i] = fabsf(job->map[row * n + i]);
        job->value[row] = (float)(r->entropy ? limn_entropy(a, n) : limn_gini(a, n));
    }
    return LIMN_OK;
}
