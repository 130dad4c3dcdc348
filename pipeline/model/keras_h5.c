/* Keras networks in HDF5 (.h5, .hdf5), and as a configuration (.json) with its weights in HDF5.
 *
 * The root's attribute model_config is the configuration, keras_version the version; the group model_weights holds the
 * weights (keras_weights.c). A file that save_weights wrote has weights only. Threading: none of its own. */
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/readers.h"

/* The signature stands at byte 0, or after a user block of 512, 1024, … bytes. */
int keras_h5_matches(const unsigned char *head, size_t n) {
    static const unsigned char sign[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    for (size_t at = 0; at + sizeof sign <= n; at = at ? 2 * at : 512)
        if (memcmp(head + at, sign, sizeof sign) == 0) return 1;
    return 0;
}

limn_status keras_h5_read(limn_graph *g, const limn_model_file *model, const limn_model_file *none) {
    limn_status status = LIMN_OK;
    hdf5_file *f = NULL;
    keras_weights w;
    (void)none;
    TRY(hdf5_open(&f, model->fd, keras_skip));
    const char *config = hdf5_text(f, "", "model_config");
    if (!config && keras_weights_in(&w, f) == LIMN_OK)
        FAIL(LIMN_EINPUT,
             "it holds weights only, without model_config: save the configuration too (model.to_json()), and "
             "give both as `model: {config: X.json, weights: Y.h5}`");
    if (!config) FAIL(LIMN_EINPUT, "it is HDF5, but no Keras network (it has no model_config)");
    TRY(keras_weights_in(&w, f));
    TRY(keras_name_format(g, "HDF5", hdf5_text(f, "", "keras_version")));
    TRY(keras_build(g, config, strlen(config), &w));
done:
    hdf5_close(f);
    return status;
}

/* ---- configuration and weights ----------------------------------------------------------------------------------- */
int keras_json_matches(const unsigned char *head, size_t n) {
    size_t i = 0;
    while (i < n && head[i] && strchr(" \t\r\n", head[i])) i++;
    return i < n && head[i] == '{';
}

/* The version that model.to_json() puts beside the configuration; *out is the caller's to free, NULL where none is, or the
 * configuration cannot be read, which keras_build will say. */
static limn_status version_in(const char *json, size_t n, char **out) {
    cJSON *root;
    *out = NULL;
    if (keras_parse(&root, json, n) != LIMN_OK) return LIMN_OK;
    limn_status s = limn_strdup(out, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "keras_version")));
    cJSON_Delete(root);
    return s;
}

limn_status keras_json_read(limn_graph *g, const limn_model_file *model, const limn_model_file *weights) {
    limn_status status = LIMN_OK;
    hdf5_file *f = NULL;
    keras_weights w;
    char *json = NULL, *version = NULL;
    if (model->size > KERAS_MAX_JSON) FAIL(LIMN_EINPUT, "a configuration of more than %d bytes", (int)KERAS_MAX_JSON);
    TRY(limn_new(&json, model->size, 1));
    if (pread(model->fd, json, model->size, 0) != (ssize_t)model->size) FAIL(LIMN_EINPUT, "it cannot be read");
    TRY(version_in(json, model->size, &version));
    TRY(keras_name_format(g, "JSON and HDF5", version));
    status = hdf5_open(&f, weights->fd, keras_skip);
    if (status == LIMN_OK) status = keras_weights_in(&w, f);
    if (status != LIMN_OK) {
        status = limn_fail_at(status, "%s: ", weights->path);
        goto done;
    }
    TRY(keras_build(g, json, model->size, &w));
done:
    hdf5_close(f);
    free(version);
    free(json);
    return status;
}
