/* The table of Keras's layers: type, kind, builder, weights. docs/models.md has a line for each. */
#include <string.h>

#include "model/keras_layers.h"

/* Arrays that a layer has always, where an option is true (or absent, and d), where it is null, where it is a text. */
#define HAS(n)                                                                                                         \
    { .name = n }
#define HAS_IF(n, o, d)                                                                                                \
    { .name = n, .option = o, .fallback = d }
#define STATE(n)                                                                                                       \
    { .name = n, .state = 1 }
#define STATE_IF_NULL(n, o)                                                                                            \
    { .name = n, .option = o, .state = 1, .if_null = 1 }
#define HAS_IF_IS(n, o, t)                                                                                             \
    { .name = n, .option = o, .is = t }
#define NO_MORE                                                                                                        \
    { .name = NULL }

static const keras_array kernel[] = {HAS("kernel"), HAS_IF("bias", "use_bias", 1), NO_MORE};
static const keras_array separable[] = {HAS("depthwise_kernel"), HAS("pointwise_kernel"), HAS_IF("bias", "use_bias", 1),
                                        NO_MORE};
static const keras_array affine[] = {HAS_IF("gamma", "scale", 1), HAS_IF("beta", "center", 1), NO_MORE};
static const keras_array batchnorm[] = {HAS_IF("gamma", "scale", 1), HAS_IF("beta", "center", 1), STATE("moving_mean"),
                                        STATE("moving_variance"), NO_MORE};
static const keras_array moments[] = {STATE_IF_NULL("mean", "mean"), STATE_IF_NULL("variance", "mean"), NO_MORE};
static const keras_array alpha[] = {HAS("alpha"), NO_MORE};
static const keras_array heads[] = {HAS("query kernel"),
                                    HAS_IF("query bias", "use_bias", 1),
                                    HAS("key kernel"),
                                    HAS_IF("key bias", "use_bias", 1),
                                    HAS("value kernel"),
                                    HAS_IF("value bias", "use_bias", 1),
                                    HAS("output kernel"),
                                    HAS_IF("output bias", "use_bias", 1),
                                    NO_MORE};
static const char *const heads_in[] = {"query_dense", "key_dense", "value_dense", "output_dense", NULL};
static const keras_array attention[] = {HAS_IF("scale", "use_scale", 0),
                                        HAS_IF_IS("concat_score_weight", "score_mode", "concat"), NO_MORE};
static const keras_array additive[] = {HAS_IF("scale", "use_scale", 1), NO_MORE};

#define ROW(t, k, b)                                                                                                   \
    { .type = t, .kind = LIMN_KIND_##k, .build = b }
#define MERGE(t, b)                                                                                                    \
    { .type = t, .kind = LIMN_KIND_OTHER, .build = b, .merges = 1 }
#define WITH(t, k, b, a)                                                                                               \
    { .type = t, .kind = LIMN_KIND_##k, .build = b, .arrays = a }
#define MERGE_WITH(t, b, a, in)                                                                                        \
    { .type = t, .kind = LIMN_KIND_OTHER, .build = b, .arrays = a, .merges = 1, .parts = in }

const keras_layer_row keras_layer_table[] = {
    ROW("Activation", OTHER, keras_activation_layer),
    ROW("ActivityRegularization", OTHER, keras_identity),
    MERGE("Add", keras_add_layers),
    MERGE_WITH("AdditiveAttention", keras_attention, additive, NULL),
    ROW("AlphaDropout", OTHER, keras_identity),
    MERGE_WITH("Attention", keras_attention, attention, NULL),
    MERGE("Average", keras_average),
    ROW("AveragePooling1D", POOL, keras_avgpool1d),
    ROW("AveragePooling2D", POOL, keras_avgpool),
    WITH("BatchNormalization", OTHER, keras_batchnorm, batchnorm),
    ROW("CenterCrop", OTHER, keras_center_crop),
    MERGE("Concatenate", keras_concatenate),
    WITH("Conv1D", CONV, keras_conv1d, kernel),
    WITH("Conv2D", CONV, keras_conv2d, kernel),
    WITH("Conv2DTranspose", CONV, keras_transposed, kernel),
    ROW("Cropping1D", OTHER, keras_cropping1d),
    ROW("Cropping2D", OTHER, keras_cropping),
    WITH("Dense", DENSE, keras_dense, kernel),
    WITH("DepthwiseConv1D", CONV, keras_depthwise1d, kernel),
    WITH("DepthwiseConv2D", CONV, keras_depthwise, kernel),
    ROW("Dropout", OTHER, keras_identity),
    ROW("ELU", OTHER, keras_elu),
    ROW("Flatten", OTHER, keras_flatten),
    ROW("GaussianDropout", OTHER, keras_identity),
    ROW("GaussianNoise", OTHER, keras_identity),
    ROW("GlobalAveragePooling1D", GLOBAL_POOL, keras_global_mean),
    ROW("GlobalAveragePooling2D", GLOBAL_POOL, keras_global_mean),
    ROW("GlobalMaxPooling1D", GLOBAL_POOL, keras_global_max),
    ROW("GlobalMaxPooling2D", GLOBAL_POOL, keras_global_max),
    WITH("GroupNormalization", OTHER, keras_groupnorm, affine),
    ROW("Identity", OTHER, keras_identity),
    WITH("LayerNormalization", OTHER, keras_layernorm, affine),
    ROW("LeakyReLU", OTHER, keras_leaky),
    ROW("MaxPooling1D", POOL, keras_maxpool1d),
    ROW("MaxPooling2D", POOL, keras_maxpool),
    MERGE("Maximum", keras_maximum),
    MERGE("Minimum", keras_minimum),
    MERGE_WITH("MultiHeadAttention", keras_multi_head, heads, heads_in),
    MERGE("Multiply", keras_multiply),
    WITH("Normalization", OTHER, keras_normalization, moments),
    WITH("PReLU", OTHER, keras_prelu, alpha),
    ROW("Permute", OTHER, keras_permute),
    ROW("RandomBrightness", OTHER, keras_identity),
    ROW("RandomColorDegeneration", OTHER, keras_identity),
    ROW("RandomColorJitter", OTHER, keras_identity),
    ROW("RandomContrast", OTHER, keras_identity),
    ROW("RandomElasticTransform", OTHER, keras_identity),
    ROW("RandomErasing", OTHER, keras_identity),
    ROW("RandomFlip", OTHER, keras_identity),
    ROW("RandomGaussianBlur", OTHER, keras_identity),
    ROW("RandomGrayscale", OTHER, keras_identity),
    ROW("RandomHeight", OTHER, keras_identity),
    ROW("RandomHue", OTHER, keras_identity),
    ROW("RandomInvert", OTHER, keras_identity),
    ROW("RandomPerspective", OTHER, keras_identity),
    ROW("RandomPosterization", OTHER, keras_identity),
    ROW("RandomRotation", OTHER, keras_identity),
    ROW("RandomSaturation", OTHER, keras_identity),
    ROW("RandomSharpness", OTHER, keras_identity),
    ROW("RandomShear", OTHER, keras_identity),
    ROW("RandomTranslation", OTHER, keras_identity),
    ROW("RandomWidth", OTHER, keras_identity),
    ROW("RandomZoom", OTHER, keras_identity),
    ROW("ReLU", OTHER, keras_relu),
    ROW("RepeatVector", OTHER, keras_repeat),
    ROW("Rescaling", OTHER, keras_rescaling),
    ROW("Reshape", OTHER, keras_reshape),
    ROW("Resizing", OTHER, keras_resizing),
    WITH("SeparableConv1D", CONV, keras_separable1d, separable),
    WITH("SeparableConv2D", CONV, keras_separable, separable),
    ROW("Softmax", OTHER, keras_softmax),
    ROW("SpatialDropout1D", OTHER, keras_identity),
    ROW("SpatialDropout2D", OTHER, keras_identity),
    MERGE("Subtract", keras_subtract),
    ROW("ThresholdedReLU", OTHER, keras_thresholded),
    ROW("UpSampling1D", OTHER, keras_upsampling1d),
    ROW("UpSampling2D", OTHER, keras_upsampling),
    ROW("ZeroPadding1D", OTHER, keras_zeropad1d),
    ROW("ZeroPadding2D", OTHER, keras_zeropad),
    {.type = NULL},
};

const keras_layer_row *keras_find_layer(const char *type) {
    for (const keras_layer_row *r = keras_layer_table; r->type; r++)
        if (strcmp(r->type, type) == 0) return r;
    return NULL;
}

limn_status keras_has_array(const keras_array *a, const cJSON *config, int *out) {
    *out = 1;
    if (!a->option) return LIMN_OK;
    if (!a->if_null && !a->is) return keras_bool(config, a->option, a->fallback, out);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, a->option));
    *out = a->is ? text && strcmp(text, a->is) == 0 : !keras_given(config, a->option);
    return LIMN_OK;
}
