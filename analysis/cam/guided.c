/* Guided Grad-CAM: the guided gradient at the input times Grad-CAM's map (Selvaraju et al. 2017), summed over the
 * channels, or kept apart (`channels: keep`). The Grad-CAM is the one of the options: its layer, ReLU and resizing.
 *
 * Threading: no state. */
#include "base/try.h"
#include "base/mem.h"
#include "cam/cam.h"

static const limn_method cam_alone = {.name = "gradcam", .recipe = &cam_gradcam, .choose_layer = cam_last_conv};

/* The options of the CAM within: one map, at the input's size, under the plain gradient. */
static limn_attribute_options inner(const limn_attribute_options *o) {
    limn_attribute_options cam = *o;
    cam.rule = LIMN_RULE_GRADIENT;
    cam.grad_modifier = LIMN_GRAD_NONE;
    cam.keep_channels = cam.layer_size = 0;
    return cam;
}

size_t guided_cam_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    const limn_attribute_options cam = inner(o);
    const limn_shape in = limn_shape_picture(&d->input);
    (void)m;
    return limn_align_floats(d->B * limn_shape_size(&in)) + limn_align_floats(d->B * in.dim[1] * in.dim[2]) +
           cam_scratch(&cam_alone, d, &cam, n_seeds);
}

limn_status guided_cam_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    const limn_attribute_options cam = inner(o);
    const limn_shape in = limn_shape_picture(&d->input);
    const size_t C = in.dim[0], n = in.dim[1] * in.dim[2];
    float *g = job->scratch, *low = g + limn_align_floats(d->B * C * n);
    limn_attribute_job within = *job;
    (void)m;
    within.map = low;
    within.scratch = low + limn_align_floats(d->B * n);
    TRY(cam_run(&cam_alone, &cam, &within));
    TRY(d->vjp(d->ctx, o->output.index, job->seed, LIMN_RULE_GUIDED, LIMN_INPUT, g));
    for (size_t b = 0; b < d->B; b++)
        for (size_t i = 0; i < n; i++) {
            float sum = 0;
            for (size_t c = 0; c < C; c++) {
                float product = g[(b * C + c) * n + i] * low[b * n + i];
                if (o->keep_channels) job->map[(b * C + c) * n + i] = product;
                sum += product;
            }
            if (!o->keep_channels) job->map[b * n + i] = sum;
        }
done:
    return status;
}
