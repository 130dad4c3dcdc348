/* The table of Keras's layers: type, kind, builder, weights. docs/models.md has a line for each. */
#include <string.h>

#include "model/keras_layers.h"

#define NO_MORE                                                                                                        \
    { NULL, NULL, 0, 0, 0 }

static const keras_array kernel[] = {{"kernel", NULL, 0, 0, 0}, {"bias", "use_bias", 1, 0, 0}, NO_MORE};
static const keras_array separable[] = {
    {"depthwise_kernel", NULL, 0, 0, 0}, {"pointwise_kernel", NULL, 0, 0, 0}, {"bias", "use_bias", 1, 0, 0}, NO_MORE};
static const keras_array affine[] = {{"gamma", "scale", 1, 0, 0}, {"beta", "center", 1, 0, 0}, NO_MORE};
static const keras_array batchnorm[] = {{"gamma", "scale", 1, 0, 0},
                                        {"beta", "center", 1, 0, 0},
                                        {"moving_mean", NULL, 0, 1, 0},
                                        {"moving_variance", NULL, 0, 1, 0},
                                        NO_MORE};
static const keras_array moments[] = {{"mean", "mean", 0, 1, 1}, {"variance", "mean", 0, 1, 1}, NO_MORE};
static const keras_array alpha[] = {{"alpha", NULL, 0, 0, 0}, NO_MORE};

const keras_layer_row keras_layer_table[] = {
    {"Activation", LIMN_KIND_OTHER, keras_activation_layer, NULL, 0},
    {"ActivityRegularization", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"Add", LIMN_KIND_OTHER, keras_add_layers, NULL, 1},
    {"AlphaDropout", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"Average", LIMN_KIND_OTHER, keras_average, NULL, 1},
    {"AveragePooling1D", LIMN_KIND_POOL, keras_avgpool1d, NULL, 0},
    {"AveragePooling2D", LIMN_KIND_POOL, keras_avgpool, NULL, 0},
    {"BatchNormalization", LIMN_KIND_OTHER, keras_batchnorm, batchnorm, 0},
    {"CenterCrop", LIMN_KIND_OTHER, keras_center_crop, NULL, 0},
    {"Concatenate", LIMN_KIND_OTHER, keras_concatenate, NULL, 1},
    {"Conv1D", LIMN_KIND_CONV, keras_conv1d, kernel, 0},
    {"Conv2D", LIMN_KIND_CONV, keras_conv2d, kernel, 0},
    {"Conv2DTranspose", LIMN_KIND_CONV, keras_transposed, kernel, 0},
    {"Cropping1D", LIMN_KIND_OTHER, keras_cropping1d, NULL, 0},
    {"Cropping2D", LIMN_KIND_OTHER, keras_cropping, NULL, 0},
    {"Dense", LIMN_KIND_DENSE, keras_dense, kernel, 0},
    {"DepthwiseConv1D", LIMN_KIND_CONV, keras_depthwise1d, kernel, 0},
    {"DepthwiseConv2D", LIMN_KIND_CONV, keras_depthwise, kernel, 0},
    {"Dropout", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"ELU", LIMN_KIND_OTHER, keras_elu, NULL, 0},
    {"Flatten", LIMN_KIND_OTHER, keras_flatten, NULL, 0},
    {"GaussianDropout", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"GaussianNoise", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"GlobalAveragePooling1D", LIMN_KIND_GLOBAL_POOL, keras_global_mean, NULL, 0},
    {"GlobalAveragePooling2D", LIMN_KIND_GLOBAL_POOL, keras_global_mean, NULL, 0},
    {"GlobalMaxPooling1D", LIMN_KIND_GLOBAL_POOL, keras_global_max, NULL, 0},
    {"GlobalMaxPooling2D", LIMN_KIND_GLOBAL_POOL, keras_global_max, NULL, 0},
    {"GroupNormalization", LIMN_KIND_OTHER, keras_groupnorm, affine, 0},
    {"Identity", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"LayerNormalization", LIMN_KIND_OTHER, keras_layernorm, affine, 0},
    {"LeakyReLU", LIMN_KIND_OTHER, keras_leaky, NULL, 0},
    {"MaxPooling1D", LIMN_KIND_POOL, keras_maxpool1d, NULL, 0},
    {"MaxPooling2D", LIMN_KIND_POOL, keras_maxpool, NULL, 0},
    {"Maximum", LIMN_KIND_OTHER, keras_maximum, NULL, 1},
    {"Minimum", LIMN_KIND_OTHER, keras_minimum, NULL, 1},
    {"Multiply", LIMN_KIND_OTHER, keras_multiply, NULL, 1},
    {"Normalization", LIMN_KIND_OTHER, keras_normalization, moments, 0},
    {"PReLU", LIMN_KIND_OTHER, keras_prelu, alpha, 0},
    {"Permute", LIMN_KIND_OTHER, keras_permute, NULL, 0},
    {"RandomBrightness", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomColorDegeneration", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomColorJitter", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomContrast", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomElasticTransform", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomErasing", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomFlip", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomGaussianBlur", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomGrayscale", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomHeight", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomHue", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomInvert", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomPerspective", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomPosterization", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomRotation", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomSaturation", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomSharpness", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomShear", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomTranslation", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomWidth", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"RandomZoom", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"ReLU", LIMN_KIND_OTHER, keras_relu, NULL, 0},
    {"RepeatVector", LIMN_KIND_OTHER, keras_repeat, NULL, 0},
    {"Rescaling", LIMN_KIND_OTHER, keras_rescaling, NULL, 0},
    {"Reshape", LIMN_KIND_OTHER, keras_reshape, NULL, 0},
    {"Resizing", LIMN_KIND_OTHER, keras_resizing, NULL, 0},
    {"SeparableConv1D", LIMN_KIND_CONV, keras_separable1d, separable, 0},
    {"SeparableConv2D", LIMN_KIND_CONV, keras_separable, separable, 0},
    {"Softmax", LIMN_KIND_OTHER, keras_softmax, NULL, 0},
    {"SpatialDropout1D", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"SpatialDropout2D", LIMN_KIND_OTHER, keras_identity, NULL, 0},
    {"Subtract", LIMN_KIND_OTHER, keras_subtract, NULL, 1},
    {"ThresholdedReLU", LIMN_KIND_OTHER, keras_thresholded, NULL, 0},
    {"UpSampling1D", LIMN_KIND_OTHER, keras_upsampling1d, NULL, 0},
    {"UpSampling2D", LIMN_KIND_OTHER, keras_upsampling, NULL, 0},
    {"ZeroPadding1D", LIMN_KIND_OTHER, keras_zeropad1d, NULL, 0},
    {"ZeroPadding2D", LIMN_KIND_OTHER, keras_zeropad, NULL, 0},
    {NULL, LIMN_KIND_OTHER, NULL, NULL, 0},
};

const keras_layer_row *keras_find_layer(const char *type) {
    for (const keras_layer_row *r = keras_layer_table; r->type; r++)
        if (strcmp(r->type, type) == 0) return r;
    return NULL;
}

limn_status keras_has_array(const keras_array *a, const cJSON *config, int *out) {
    *out = 1;
    if (!a->option) return LIMN_OK;
    if (!a->if_null) return keras_bool(config, a->option, a->fallback, out);
    *out = !keras_given(config, a->option);
    return LIMN_OK;
}
