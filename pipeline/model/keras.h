/* Inside the Keras readers: the configuration (JSON) makes the graph, and asks for each layer's weights through one
 * interface, whatever file they lie in. */
#ifndef LIMN_KERAS_H
#define LIMN_KERAS_H

#include <cjson/cJSON.h>

#include "model/graph.h"
#include "model/hdf5.h"

enum {
    KERAS_MAX_JSON = 8 << 20, /* bytes of a configuration; the largest of Keras's own networks has 1 MB */
    KERAS_MAX_NAME = 512,     /* bytes of a layer's name */
    KERAS_MAX_ARRAYS = 8      /* weight arrays of one layer */
};

/* ---- weights (keras_weights.c) ----------------------------------------------------------------------------------- */
/* Where a layer's arrays lie. `name` is the layer's own; `place` is where Keras 3's .keras puts it: the class name in
 * snake case, numbered within its container ("conv2d", "conv2d_1"). */
typedef struct keras_weights keras_weights;
struct keras_weights {
    /* array[0 … n-1] = the layer's arrays in the order in which Keras saved them; all are ANSWER_VALUES. LIMN_EINPUT
     * where there are not exactly n. */
    limn_status (*find)(const keras_weights *w, const char *name, const char *place, int n, const hdf5_entry **array);
    const hdf5_file *file; /* borrowed */
    const char *root;      /* the group that holds the layers: "model_weights", "" or "layers" */
};

/* The scheme that the file follows. LIMN_EINPUT where it holds no weights of Keras. */
limn_status keras_weights_in(keras_weights *out, const hdf5_file *f) LIMN_CHECK;
/* What a reader leaves out of an HDF5 file: the optimizer's state. */
extern const char *const keras_skip[];

/* ---- configuration (keras.c) ------------------------------------------------------------------------------------- */
/* Builds and finishes g from the n bytes of model_config or config.json. */
limn_status keras_build(limn_graph *g, const char *json, size_t n, const keras_weights *w) LIMN_CHECK;
/* format and producer of g: "Keras 2 HDF5" and "keras 2.21.0" from ("HDF5", "2.21.0"); version NULL: not known. */
limn_status keras_name_format(limn_graph *g, const char *container, const char *version) LIMN_CHECK;

/* ---- layers (keras_layers.c) ------------------------------------------------------------------------------------- */
/* The layer that is being built. A builder adds its nodes to g, each reading the one before, and sets `at`. */
typedef struct {
    limn_graph *g;
    const keras_weights *weights;
    const char *name, *place;
    const cJSON *config;
    int at; /* the last node */
} keras_layer;

typedef struct {
    const char *type; /* Keras's class name */
    limn_kind kind;
    limn_status (*build)(keras_layer *l);
} keras_layer_row;
extern const keras_layer_row keras_layer_table[]; /* sorted by type; ends with a row whose type is NULL */
/* The row of a class name; NULL where it is not supported. */
const keras_layer_row *keras_find_layer(const char *type);
/* "Activation, Conv2D, …" */
limn_status keras_layer_names(char **out) LIMN_CHECK;

/* ---- JSON (keras_json.c) ----------------------------------------------------------------------------------------- */
/* A key that is absent or null gives `fallback`; a value of another kind is LIMN_EINPUT and names the key. */
limn_status keras_int(const cJSON *o, const char *key, int fallback, int *out) LIMN_CHECK;
limn_status keras_required_int(const cJSON *o, const char *key, int *out) LIMN_CHECK;
limn_status keras_pair(const cJSON *o, const char *key, int fallback, int out[2]) LIMN_CHECK; /* 3 or [3, 5] */
limn_status keras_bool(const cJSON *o, const char *key, int fallback, int *out) LIMN_CHECK;
limn_status keras_number(const cJSON *o, const char *key, double fallback, double *out) LIMN_CHECK;
/* Borrowed from o. */
limn_status keras_string(const cJSON *o, const char *key, const char *fallback, const char **out) LIMN_CHECK;
/* [null, 28, 28, 1]: the sample's shape (C, H, W) or (D), without the batch. */
limn_status keras_input_shape(const cJSON *list, limn_shape *out) LIMN_CHECK;
/* Whether s is UTF-8 without control characters, 1 to KERAS_MAX_NAME bytes: fit to be printed and stored. */
int keras_is_name(const char *s);

#endif
