/* Keras 1's words as Keras 2's: a table of layer types, a table of options.
 *
 * Keras 1 wrote Convolution2D {nb_filter, nb_row, nb_col, subsample, border_mode, dim_ordering, bias, …} where Keras 2
 * writes Conv2D {filters, kernel_size, strides, padding, data_format, use_bias, …}. Whether a layer is Keras 1's shows
 * in its options: nb_filter, output_dim, dim_ordering, mode, … do not exist in Keras 2. Kernels of convolutions lie in
 * an order of their own (keras_layers.c). What Keras 1 could do and Keras 2 cannot is refused.
 * Threading: none of its own. */
#include <string.h>

#include "base/try.h"
#include "model/keras.h"

static const struct {
    const char *was, *is;
} types[] = {{"Convolution1D", "Conv1D"},
             {"Convolution2D", "Conv2D"},
             {"AtrousConvolution2D", "Conv2D"},
             {"SeparableConvolution2D", "SeparableConv2D"}},
  options[] = {{"nb_filter", "filters"},
               {"output_dim", "units"},
               {"subsample", "strides"},
               {"subsample_length", "strides"},
               {"filter_length", "kernel_size"},
               {"border_mode", "padding"},
               {"bias", "use_bias"},
               {"dim_ordering", "data_format"},
               {"atrous_rate", "dilation_rate"},
               {"p", "rate"},
               {"pool_length", "pool_size"},
               {"stride", "strides"}};

static limn_status no_memory(void) {
    return limn_fail(LIMN_ENOMEM, "no memory for a configuration");
}

/* Gives the value of `was` to the key `is`, unless there is one. */
static limn_status rename_key(cJSON *config, const char *was, const char *is) {
    if (!cJSON_GetObjectItemCaseSensitive(config, was) || cJSON_GetObjectItemCaseSensitive(config, is)) return LIMN_OK;
    cJSON *v = cJSON_DetachItemFromObjectCaseSensitive(config, was);
    if (cJSON_AddItemToObject(config, is, v)) return LIMN_OK;
    cJSON_Delete(v);
    return no_memory();
}

/* nb_row and nb_col: kernel_size [nb_row, nb_col]. */
static limn_status join_kernel(cJSON *config) {
    cJSON *rows = cJSON_GetObjectItemCaseSensitive(config, "nb_row");
    cJSON *cols = cJSON_GetObjectItemCaseSensitive(config, "nb_col");
    if (!rows || !cols || cJSON_GetObjectItemCaseSensitive(config, "kernel_size")) return LIMN_OK;
    cJSON *pair = cJSON_AddArrayToObject(config, "kernel_size");
    rows = cJSON_DetachItemViaPointer(config, rows);
    cols = cJSON_DetachItemViaPointer(config, cols);
    if (pair && cJSON_AddItemToArray(pair, rows) && cJSON_AddItemToArray(pair, cols)) return LIMN_OK;
    return no_memory();
}

static limn_status set_text(cJSON *config, const char *key, const char *text) {
    cJSON *v = cJSON_CreateString(text);
    if (v && cJSON_ReplaceItemInObjectCaseSensitive(config, key, v)) return LIMN_OK;
    cJSON_Delete(v);
    return no_memory();
}

static int is_text(const cJSON *o, const char *key, const char *text) {
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
    return s && strcmp(s, text) == 0;
}

limn_status keras1_translate(cJSON *layer, int *was) {
    limn_status status = LIMN_OK;
    cJSON *config = cJSON_GetObjectItemCaseSensitive(layer, "config");
    *was = cJSON_GetObjectItemCaseSensitive(config, "nb_filter") != NULL;
    int keras1 = *was;
    static const char *const own[] = {"output_dim", "dim_ordering", "border_mode", "p"};
    for (size_t i = 0; i < COUNT_OF(own); i++) keras1 |= cJSON_GetObjectItemCaseSensitive(config, own[i]) != NULL;
    for (size_t i = 0; keras1 && i < COUNT_OF(types); i++)
        if (is_text(layer, "class_name", types[i].was)) TRY(set_text(layer, "class_name", types[i].is));
    const cJSON *mode = cJSON_GetObjectItemCaseSensitive(config, "mode");
    if (is_text(layer, "class_name", "BatchNormalization") && cJSON_IsNumber(mode) && mode->valuedouble != 0)
        FAIL(LIMN_EINPUT, "a BatchNormalization of Keras 1 in the mode %g: only mode 0 is supported",
             mode->valuedouble);
    if (!keras1) return LIMN_OK;
    TRY(join_kernel(config));
    for (size_t i = 0; i < COUNT_OF(options); i++) TRY(rename_key(config, options[i].was, options[i].is));
    if (is_text(config, "data_format", "th")) TRY(set_text(config, "data_format", "channels_first"));
    if (is_text(config, "data_format", "tf")) TRY(set_text(config, "data_format", "channels_last"));
done:
    return status;
}
