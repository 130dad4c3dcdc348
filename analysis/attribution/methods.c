/* The table of attribution methods: a row a method and flavour, each with its options. Adding a method = its file, its
 * recipe and functions in a header, and a row here. */
#include <stddef.h>

#include "attribution/methods.h"
#include "cam/cam.h"

#define AT(field) offsetof(limn_attribute_options, field)
#define OPTION_BACKPROP                                                                                                \
    {                                                                                                                  \
        "backprop_modifier", "none|guided|relu", "none", "what the backward pass does at a ReLU; relu is deconvnet",   \
            LIMN_OPTION_CHOICE, AT(rule), LIMN_RULE_GRADIENT, 0, 0                                                     \
    }
#define OPTION_BACKPROP_GUIDED                                                                                         \
    {                                                                                                                  \
        "backprop_modifier", "guided", "guided", "what the backward pass does at a ReLU", LIMN_OPTION_CHOICE,          \
            AT(rule), LIMN_RULE_GUIDED, 0, 0                                                                           \
    }
#define OPTION_CHANNELS                                                                                                \
    {                                                                                                                  \
        "channels", "reduce|keep", "reduce", "one map a sample, or one a channel of the input", LIMN_OPTION_CHOICE,    \
            AT(keep_channels), 0, 0, 0                                                                                 \
    }
#define OPTION_GRAD(fallback)                                                                                          \
    {                                                                                                                  \
        "grad_modifier", "none|absolute|negate|relu|invert|small_values", fallback, "what is done to the gradient",    \
            LIMN_OPTION_CHOICE, AT(grad_modifier), LIMN_GRAD_NONE, 0, 0                                                \
    }
#define OPTION_LAYER(choice)                                                                                           \
    {                                                                                                                  \
        "layer", "a layer's name or index", "auto", "whose activations are combined; auto: " choice,                   \
            LIMN_OPTION_LAYER, AT(layer), 0, 0, 0                                                                      \
    }
#define OPTION_OUTPUT                                                                                                  \
    {                                                                                                                  \
        "output", "a layer's name or index", "last", "the layer whose unit is explained", LIMN_OPTION_LAYER,           \
            AT(output), 0, 0, 0                                                                                        \
    }
#define OPTION_SIZE                                                                                                    \
    {                                                                                                                  \
        "size", "input|layer", "input", "the size of a map: the input's, or the layer's own grid", LIMN_OPTION_CHOICE, \
            AT(layer_size), 0, 0, 0                                                                                    \
    }

const limn_option_row limn_common_options[] = {
    {"noise", "none|smoothgrad|smoothgrad2|vargrad", "none",
     "the mean over noisy copies of the input, of the squares, or the variance", LIMN_OPTION_CHOICE, AT(noise.kind), 0,
     0, 0},
    {"noise_samples", "a whole number from 1 to 100000", "50", "noisy copies", LIMN_OPTION_COUNT, AT(noise.samples), 0,
     1, 100000},
    {"noise_scale", "range|absolute", "range", "noise_sigma is a share of each sample's range, or in input units",
     LIMN_OPTION_CHOICE, AT(noise.absolute), 0, 0, 0},
    {"noise_sigma", "a number from 0", "0.15", "standard deviation of the noise", LIMN_OPTION_NUMBER, AT(noise.sigma),
     0, 0, 1e12},
    {.key = NULL}};

static const limn_option_row saliency_options[] = {
    OPTION_BACKPROP, OPTION_CHANNELS, OPTION_GRAD("absolute"), OPTION_OUTPUT, {.key = NULL}};
static const limn_option_row smoothgrad_options[] = {OPTION_BACKPROP,
                                                     OPTION_CHANNELS,
                                                     OPTION_GRAD("none"),
                                                     {"noise", "none|smoothgrad|smoothgrad2|vargrad", "smoothgrad",
                                                      "what is made of the maps of the noisy copies",
                                                      LIMN_OPTION_CHOICE, AT(noise.kind), 0, 0, 0},
                                                     OPTION_OUTPUT,
                                                     {.key = NULL}};
static const limn_option_row guided_options[] = {
    OPTION_BACKPROP_GUIDED, OPTION_CHANNELS, OPTION_GRAD("none"), OPTION_OUTPUT, {.key = NULL}};
static const limn_option_row guided_keras_vis_options[] = {
    OPTION_BACKPROP_GUIDED, OPTION_CHANNELS, OPTION_GRAD("absolute"), OPTION_OUTPUT, {.key = NULL}};
static const limn_option_row gradcam_options[] = {
    OPTION_LAYER("the last convolution larger than 1 x 1"), OPTION_OUTPUT, OPTION_SIZE, {.key = NULL}};
static const limn_option_row gradcam_keras_vis_options[] = {
    OPTION_BACKPROP,
    OPTION_GRAD("none"),
    OPTION_LAYER("from two layers before `output` backwards, the first convolution or pooling"),
    OPTION_OUTPUT,
    OPTION_SIZE,
    {.key = NULL}};

static const gradient_recipe raw = {0}, keras_vis = {.always_max = 1, .min_max = 1};

const limn_method limn_methods_table[] = {
    {"saliency", "limn", "|gradient| at the input, the maximum over its channels", saliency_options, &raw, NULL,
     gradient_scratch, gradient_run, 0, 0, NULL},
    {"saliency", "keras-vis", "visualize_saliency of keras-vis 0.5: |gradient|, channel maximum, scaled to [0, 1]",
     saliency_options, &keras_vis, NULL, gradient_scratch, gradient_run, 0, 0, NULL},
    {"guided", "limn", "guided backpropagation: signed, the sum over the channels", guided_options, &raw, NULL,
     gradient_scratch, gradient_run, 0, 0, NULL},
    {"guided", "keras-vis", "visualize_saliency of keras-vis 0.5 with backprop_modifier \"guided\"",
     guided_keras_vis_options, &keras_vis, NULL, gradient_scratch, gradient_run, 0, 0, NULL},
    {"smoothgrad", "limn", "the mean gradient over noisy copies of the input: signed, the sum over the channels",
     smoothgrad_options, &raw, NULL, gradient_scratch, gradient_run, 0, 0, NULL},
    {"gradcam", "limn", "Grad-CAM: ReLU of the activations weighted by their mean gradients, resized bilinearly",
     gradcam_options, &cam_gradcam, cam_last_conv, cam_scratch, cam_run, 0, 0, NULL},
    {"gradcam", "keras-vis", "visualize_cam of keras-vis 0.5: scaled gradients, ReLU, cubic zoom, scaled to [0, 1]",
     gradcam_keras_vis_options, &cam_gradcam_keras_vis, cam_keras_vis_layer, cam_scratch, cam_run, 0, 0, NULL},
    {.name = NULL}};
