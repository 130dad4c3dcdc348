/* Maps made of one gradient at the input: saliency, guided backpropagation, deconvnet.
 *
 *  1. g = dS/dx (C, H, W), S the seed's combination of the output layer's units, under the backward rule of the
 * options: the gradient (Simonyan, Vedaldi & Zisserman, "Deep inside convolutional networks", 2014), guided
 * (Springenberg et al., "Striving for simplicity", 2015) or deconvnet (Zeiler & Fergus, "Visualizing and understanding
 * convolutional networks", 2014). diff.h has the formulas.
 *  2. g = modifier(g), see modifiers.c.
 *  3. Over the channels: the maximum where the modified gradient cannot be negative, or where the recipe says so;
 *     otherwise the sum. With `channels: keep` all C of them.
 *  4. Where the recipe says so, (a - min) / (max - min + 1e-7) over the map.
 *
 * Threading: no state; writes scratch and map only. */
#include "attribution/methods.h"

#include <string.h>

#include "attribution/modifiers.h"
#include "base/try.h"

static size_t scores_of(const limn_diff *d, const limn_attribute_options *o) {
    return d->B * limn_shape_size(&d->layer[o->output.index].out);
}

size_t gradient_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    const gradient_recipe *recipe = m->recipe;
    (void)n_seeds;
    return d->B * limn_shape_size(&d->input) + (recipe->from_score ? scores_of(d, o) : 0);
}

/* out (n) = sum or maximum over the C channels of g (C, n). */
static void reduce(const float *g, size_t C, size_t n, int maximum, float *out) {
    memcpy(out, g, n * sizeof *out);
    for (size_t c = 1; c < C; c++) {
        const float *a = g + c * n;
        if (maximum)
            for (size_t i = 0; i < n; i++) out[i] = a[i] > out[i] ? a[i] : out[i];
        else
            for (size_t i = 0; i < n; i++) out[i] += a[i];
    }
}

limn_status gradient_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const gradient_recipe *recipe = m->recipe;
    const limn_diff *d = job->diff;
    limn_shape in = limn_shape_picture(&d->input), out = limn_attribute_shape(m, d, o);
    size_t C = in.dim[0], n = in.dim[1] * in.dim[2], size = limn_shape_size(&out);
    float *g = job->scratch, *start = g + d->B * C * n; /* (B, C, H, W), (B, K) where it starts from the scores */
    const float *seed = job->seed;
    int maximum = recipe->always_max || !limn_grad_signed(o->grad_modifier);

    if (recipe->from_score) {
        TRY(d->value(d->ctx, o->output.index, start));
        for (size_t i = 0; i < scores_of(d, o); i++) start[i] *= seed[i];
        seed = start;
    }
    TRY(d->vjp(d->ctx, o->output.index, seed, (limn_rule)o->rule, LIMN_INPUT, g));
    limn_grad_modify(o->grad_modifier, g, d->B * C * n);
    for (size_t b = 0; b < d->B; b++) {
        float *map = job->map + b * size;
        if (o->keep_channels)
            memcpy(map, g + b * C * n, size * sizeof *map);
        else
            reduce(g + b * C * n, C, n, maximum, map);
        if (recipe->min_max) limn_min_max(map, size);
    }
done:
    return status;
}
