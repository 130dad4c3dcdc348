/* Our maps beside other programs': see fidelity.h. */
#include "tests/lib/fidelity.h"

#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attribution/attribute.h"
#include "base/mem.h"
#include "data/array.h"
#include "tests/lib/explain.h"

#define KV(member, method, options) "kerasvis.npz", member, method, "keras-vis", options
#define SIGNED "grad_modifier=none"
#define TK(member, method, options) "tfkerasvis.npz", member, method, "tf-keras-vis", options
#define GC(member, method, options) "gradcam.npz", member, method, "pytorch-grad-cam", options
#define ZN(member, composite) "zennit.npz", member, "lrp", "zennit", "composite=" composite
#define GC_RAW(member, method) "gradcam.npz", member, method, "limn", "size=layer relu=false"
const fidelity_row fidelity_table[] = {
    /* keras-vis: visualize_saliency */
    {KV("saliency_absolute", "saliency", ""), AS_IS, 0, 0},
    {KV("saliency_none", "saliency", SIGNED), AS_IS, 0, 0},
    {KV("saliency_relu", "saliency", "grad_modifier=relu"), AS_IS, 0, 0},
    {KV("saliency_negate", "saliency", "grad_modifier=negate"), AS_IS, 0, 0},
    {KV("saliency_invert", "saliency", "grad_modifier=invert"), AS_IS, 0, 1},
    {KV("saliency_small_values", "saliency", "grad_modifier=small_values"), AS_IS, 0, 1},
    {KV("saliency_backprop_guided", "guided", ""), AS_IS, 0, 0},
    {KV("saliency_backprop_guided", "saliency", "backprop_modifier=guided"), AS_IS, 0, 0},
    {KV("saliency_backprop_guided_relu", "guided", "grad_modifier=relu"), AS_IS, 0, 0},
    {KV("saliency_backprop_relu", "saliency", "backprop_modifier=relu"), AS_IS, 0, 0},
    {KV("saliency_backprop_relu_relu", "saliency", "backprop_modifier=relu grad_modifier=relu"), AS_IS, 0, 0},
    /* keras-vis: visualize_cam */
    {KV("cam", "gradcam", ""), AS_IS, 0, 0},
    {KV("cam", "gradcam", "layer=max_pooling2d_1"), AS_IS, 0, 0},
    {KV("cam_conv2d_1", "gradcam", "layer=conv2d_1"), AS_IS, 0, 0},
    {KV("cam_conv2d_2", "gradcam", "layer=conv2d_2"), AS_IS, 0, 0},
    {KV("cam_relu", "gradcam", "grad_modifier=relu"), AS_IS, 0, 0},
    {KV("cam_conv2d_2_relu", "gradcam", "layer=conv2d_2 grad_modifier=relu"), AS_IS, 0, 0},
    {KV("cam_negate", "gradcam", "grad_modifier=negate"), AS_IS, 0, 0},
    {KV("cam_small_values", "gradcam", "grad_modifier=small_values"), AS_IS, 0, 1},
    {KV("cam_backprop_guided", "gradcam", "backprop_modifier=guided"), AS_IS, 1, 0},
    {KV("cam_conv2d_2_backprop_guided", "gradcam", "layer=conv2d_2 backprop_modifier=guided"), AS_IS, 1, 0},
    {KV("cam_backprop_relu", "gradcam", "backprop_modifier=relu"), AS_IS, 1, 0},
    /* raw gradients: keras-vis, Captum, tf-keras-vis */
    {"kerasvis.npz", "raw_grad_input", "saliency", "limn", SIGNED, AS_IS, 0, 0},
    {"kerasvis.npz", "raw_grad_input_guided", "guided", "limn", "", AS_IS, 0, 0},
    {"kerasvis.npz", "raw_grad_input_relu", "saliency", "limn", SIGNED " backprop_modifier=relu", AS_IS, 0, 0},
    {"captum.npz", "saliency", "saliency", "limn", "", AS_IS, 0, 0},
    {"captum.npz", "saliency_signed", "saliency", "limn", SIGNED, AS_IS, 0, 0},
    {"captum.npz", "guided_backprop", "guided", "limn", "", AS_IS, 0, 0},
    {"captum.npz", "deconvolution", "saliency", "limn", SIGNED " backprop_modifier=relu", AS_IS, 0, 0},
    {"tfkerasvis.npz", "saliency_raw_signed", "saliency", "limn", SIGNED, AS_IS, 0, 0},
    {"tfkerasvis.npz", "guided_raw_signed", "guided", "limn", "", AS_IS, 0, 0},
    {"zennit.npz", "GuidedBackprop", "guided", "limn", "", AS_IS, 0, 0},
    {"zennit.npz", "DeconvNet", "saliency", "limn", SIGNED " backprop_modifier=relu", AS_IS, 0, 0},
    /* Grad-CAM on the layer's grid; Captum and pytorch-grad-cam store it before the ReLU */
    {"captum.npz", "layer_gradcam_conv2d_1", "gradcam", "limn", "size=layer layer=conv2d_1", GOLDEN_RELU, 0, 0},
    {"captum.npz", "layer_gradcam_conv2d_2", "gradcam", "limn", "size=layer", GOLDEN_RELU, 0, 0},
    {"captum.npz", "layer_gradcam_max_pooling2d_1", "gradcam", "limn", "size=layer layer=max_pooling2d_1", GOLDEN_RELU,
     0, 0},
    {"gradcam.npz", "GradCAM_raw", "gradcam", "limn", "size=layer", GOLDEN_RELU, 0, 0},
    {"tfkerasvis.npz", "gradcam_conv2d_1_raw", "gradcam", "limn", "size=layer layer=conv2d_1", AS_IS, 0, 0},
    {"tfkerasvis.npz", "gradcam_conv2d_2_raw", "gradcam", "limn", "size=layer", AS_IS, 0, 0},
    {TK("gradcam_conv2d_1", "gradcam", "layer=conv2d_1"), AS_IS, 0, 0},
    {TK("gradcam_conv2d_2", "gradcam", ""), AS_IS, 0, 0},
    /* pytorch-grad-cam's picture: scaled, resized bilinearly, scaled again; scaling and resizing commute */
    {"gradcam.npz", "GradCAM", "gradcam", "limn", "", OURS_MIN_MAX, 0, 0},
    {GC("GradCAM", "gradcam", ""), AS_IS, 0, 0},
    /* the rest of the CAM family: pytorch-grad-cam's raw maps are before the ReLU */
    {GC_RAW("GradCAM_raw", "gradcam"), AS_IS, 0, 0},
    {GC_RAW("GradCAMPlusPlus_raw", "gradcam++"), AS_IS, 0, 0},
    {GC("GradCAMPlusPlus", "gradcam++", ""), AS_IS, 0, 0},
    {GC_RAW("XGradCAM_raw", "xgradcam"), AS_IS, 0, 0},
    {GC("XGradCAM", "xgradcam", ""), AS_IS, 0, 0},
    {GC_RAW("HiResCAM_raw", "hirescam"), AS_IS, 0, 0},
    {GC("HiResCAM", "hirescam", ""), AS_IS, 0, 0},
    {GC_RAW("LayerCAM_raw", "layercam"), AS_IS, 0, 0},
    {GC("LayerCAM", "layercam", ""), AS_IS, 0, 0},
    {GC_RAW("GradCAMElementWise_raw", "gradcam-elementwise"), AS_IS, 0, 0},
    {GC("GradCAMElementWise", "gradcam-elementwise", ""), AS_IS, 0, 0},
    {GC_RAW("EigenCAM_raw", "eigencam"), UP_TO_SIGN, 0, 0},
    {GC_RAW("EigenGradCAM_raw", "eigengradcam"), UP_TO_SIGN, 0, 0},
    {GC("ScoreCAM", "scorecam", ""), AS_IS, 1, 0},
    {TK("layercam_conv2d_1", "layercam", "layer=conv2d_1"), AS_IS, 0, 0},
    {TK("layercam_conv2d_2", "layercam", ""), AS_IS, 0, 0},
    {"tfkerasvis.npz", "layercam_conv2d_2_raw", "layercam", "limn", "size=layer", AS_IS, 0, 0},
    {TK("gradcampp_conv2d_1", "gradcam++", "layer=conv2d_1"), AS_IS, 1, 2},
    {TK("gradcampp_conv2d_2", "gradcam++", ""), AS_IS, 1, 1},
    {TK("scorecam_conv2d_1_linear", "scorecam", "layer=conv2d_1"), AS_IS, 1, 0},
    {TK("scorecam_conv2d_2_linear", "scorecam", ""), AS_IS, 1, 0},
    {"captum.npz", "layer_gradcam_conv2d_1", "gradcam", "captum", "size=layer layer=conv2d_1", AS_IS, 0, 0},
    {"captum.npz", "layer_gradcam_conv2d_2", "gradcam", "captum", "size=layer", AS_IS, 0, 0},
    {"captum.npz", "layer_gradcam_conv2d_2_relu_nearest_28", "gradcam", "captum", "relu=true", AS_IS, 0, 0},
    {"captum.npz", "input_x_gradient", "input-x-gradient", "limn", "", AS_IS, 0, 0},
    {"captum.npz", "integrated_gradients_50_gausslegendre", "integrated-gradients", "captum", "", AS_IS, 1, 0},
    {"captum.npz", "integrated_gradients_20_riemann_right", "integrated-gradients", "zennit", "", AS_IS, 1, 0},
    {"captum.npz", "occlusion_4x4_stride2", "occlusion", "limn", "window=4 stride=2", AS_IS, 1, 0},
    {"captum.npz", "occlusion_5x5_stride3", "occlusion", "limn", "window=5 stride=3", AS_IS, 1, 0},
    {"captum.npz", "feature_ablation_4x4_blocks", "feature-ablation", "limn", "window=4", AS_IS, 1, 0},
    {"captum.npz", "feature_ablation_pixels", "feature-ablation", "limn", "window=1", AS_IS, 1, 0},
    {"captum.npz", "guided_gradcam_conv2d_2", "guided-gradcam", "captum", "", AS_IS, 0, 0},
    /* layer-wise relevance propagation */
    {ZN("EpsilonPlus", "epsilon-plus"), AS_IS, 1, 0},
    {"zennit.npz", "EpsilonPlus_from_logit", "lrp", "limn", "composite=epsilon-plus", AS_IS, 1, 0},
    {ZN("EpsilonPlusFlat", "epsilon-plus-flat"), AS_IS, 1, 0},
    {"zennit.npz", "EpsilonPlusFlat_from_logit", "lrp", "limn", "composite=epsilon-plus-flat", AS_IS, 1, 0},
    {ZN("EpsilonAlpha2Beta1", "epsilon-alpha2-beta1"), AS_IS, 1, 0},
    {"zennit.npz", "EpsilonAlpha2Beta1_from_logit", "lrp", "limn", "composite=epsilon-alpha2-beta1", AS_IS, 1, 0},
    {ZN("EpsilonAlpha2Beta1Flat", "epsilon-alpha2-beta1-flat"), AS_IS, 1, 0},
    {"zennit.npz", "EpsilonAlpha2Beta1Flat_from_logit", "lrp", "limn", "composite=epsilon-alpha2-beta1-flat", AS_IS, 1,
     0},
    {ZN("EpsilonGammaBox", "epsilon-gamma-box"), AS_IS, 1, 0},
    {"zennit.npz", "EpsilonGammaBox_from_logit", "lrp", "limn", "composite=epsilon-gamma-box", AS_IS, 1, 0},
    {ZN("ExcitationBackprop", "z-plus"), AS_IS, 1, 0},
    {"zennit.npz", "ExcitationBackprop_from_logit", "lrp", "limn", "composite=z-plus", AS_IS, 1, 0},
    {"captum.npz", "lrp", "lrp", "captum", "", AS_IS, 1, 0},
    {"captum.npz", "deeplift", "deeplift", "captum", "", AS_IS, 1, 0},
    {GC("AblationCAM", "ablationcam", ""), AS_IS, 1, 0},
    {"gradcam.npz", "AblationCAM_raw", "ablationcam", "limn", "size=layer relu=false", AS_IS, 1, 0},
    {GC("FullGrad", "fullgrad", ""), AS_IS, 1, 0},
    {.file = NULL}};

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

static void read_member(const char *file, const char *member, limn_array *a) {
    char path[256];
    snprintf(path, sizeof path, FIDELITY_GOLDENS "%s", file);
    must(limn_array_read_npz(a, path, member));
}

float *fidelity_floats(const char *file, const char *member, size_t *count) {
    limn_array a;
    float *out;
    read_member(file, member, &a);
    must(limn_array_floats(&out, &a));
    *count = a.count;
    limn_array_clear(&a);
    return out;
}

int *fidelity_ints(const char *file, const char *member, size_t count) {
    limn_array a;
    int *out;
    read_member(file, member, &a);
    assert_int_equal(a.count, count);
    must(limn_new(&out, count, sizeof *out));
    for (size_t i = 0; i < count; i++) out[i] = (int)limn_array_get(&a, i);
    limn_array_clear(&a);
    return out;
}

void fidelity_channels_first(const float *from, size_t n, size_t h, size_t w, size_t C, float *to) {
    for (size_t i = 0; i < n; i++)
        for (size_t p = 0; p < h * w; p++)
            for (size_t c = 0; c < C; c++) to[(i * C + c) * h * w + p] = from[(i * h * w + p) * C + c];
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* a (n) -> [0, 1], without an epsilon; a constant stays. */
static void min_max(float *a, size_t n) {
    float low = a[0], high = a[0];
    for (size_t i = 1; i < n; i++) low = fminf(low, a[i]), high = fmaxf(high, a[i]);
    for (size_t i = 0; high > low && i < n; i++) a[i] = (a[i] - low) / (high - low);
}

/* One map (n) into the result; difference (n) is work space. */
static void compare_map(const fidelity_row *row, int index, float *ours, float *golden, size_t n, double *difference,
                        fidelity_result *result) {
    double largest = 0;
    for (size_t i = 0; row->step == GOLDEN_RELU && i < n; i++) golden[i] = fmaxf(golden[i], 0);
    if (row->step == OURS_MIN_MAX) min_max(ours, n);
    double same = 0;
    for (size_t i = 0; row->step == UP_TO_SIGN && i < n; i++) same += (double)ours[i] * golden[i];
    for (size_t i = 0; same < 0 && i < n; i++) ours[i] = -ours[i];
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(golden[i]));
    for (size_t i = 0; i < n; i++) {
        difference[i] = fabs((double)ours[i] - golden[i]) / (largest > 0 ? largest : 1);
        if (isnan(difference[i])) difference[i] = INFINITY;
    }
    qsort(difference, n, sizeof *difference, ascending);
    double nearly = difference[(size_t)ceil(0.99 * (double)n) - 1];
    result->most = fmax(result->most, difference[n - 1]);
    if (nearly >= result->nearly) result->nearly = nearly, result->row = index;
}

fidelity_result fidelity_compare(const limn_diff *d, const float *x, const int *target, const fidelity_row *row) {
    fidelity_result result = {0};
    size_t count, B = d->B, in = limn_shape_size(&d->input), K = limn_shape_size(&d->layer[d->n_layers - 1].out);
    float *golden = fidelity_floats(row->file, row->member, &count), *chunk, *seed;
    double *difference;
    must(limn_new(&chunk, B * in, sizeof *chunk));
    must(limn_new(&seed, B * K, sizeof *seed));
    must(limn_new(&difference, count / FIDELITY_ROWS, sizeof *difference));
    for (size_t first = 0; first < FIDELITY_ROWS; first += B) {
        size_t n = first + B < FIDELITY_ROWS ? B : FIDELITY_ROWS - first;
        limn_shape s;
        memset(chunk, 0, B * in * sizeof *chunk);
        memcpy(chunk, x + first * in, n * in * sizeof *chunk);
        memset(seed, 0, B * K * sizeof *seed);
        explain_seed(seed, n, K, target + first);
        must(d->forward(d->ctx, chunk));
        const limn_attribute_job job = {.diff = d, .x = chunk, .seed = seed};
        float *map = explain_job(row->method, row->flavour, row->options, &job, &s);
        if (!map) fail_msg("%s %s: %s", row->file, row->member, limn_message());
        size_t size = limn_shape_size(&s);
        assert_int_equal(size * FIDELITY_ROWS, count);
        for (size_t b = 0; b < n; b++)
            compare_map(row, (int)(first + b), map + b * size, golden + (first + b) * size, size, difference, &result);
        free(map);
    }
    free(golden);
    free(chunk);
    free(seed);
    free(difference);
    return result;
}
