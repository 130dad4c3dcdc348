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
    KERAS_MAX_ARRAYS = 8,     /* weight arrays of one layer */
    KERAS_MAX_DEPTH = 16      /* networks within networks */
};

/* ---- weights (keras_weights.c) ----------------------------------------------------------------------------------- */
/* Where the arrays lie: in the group of a layer of the outermost network, `name`, which lists those of all that is in
 * it (grouped); or a place of its own for each layer within layers, `place` (Keras 3's .keras): the class name in snake
 * case, numbered within its container ("conv2d", "functional/layers/conv2d_1"). */
typedef struct keras_weights keras_weights;
struct keras_weights {
    /* array[0 … n-1] = the arrays in the order in which Keras saved them; all are ANSWER_VALUES. Arrays of integers
     * (the state of a random generator, a number of samples) are passed over. LIMN_EINPUT where there are not exactly
     * n. parts: as keras_layer_row's; NULL: none. */
    limn_status (*find)(const keras_weights *w, const char *name, const char *place, const char *const *parts, int n,
                        const hdf5_entry **array);
    const hdf5_file *file; /* borrowed */
    const char *root;      /* the group that holds the layers: "model_weights", "" or "layers" */
    int grouped;
    int theano; /* the file says that Theano saved it: its kernels are rotated by 180 degrees */
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

/* ---- Keras 1 (keras1.c) ------------------------------------------------------------------------------------------ */
/* Rewrites a layer of Keras 1 in the words of Keras 2; others stay as they are. *was = whether it was one whose kernels
 * Keras 1 keeps in its own way. */
limn_status keras1_translate(cJSON *layer, int *was) LIMN_CHECK;

/* ---- layers (keras_table.c, builders: keras_layers.h) ------------------------------------------------------------ */
/* A value of the network: a node, and whether the file's program has it as (H, W, C) where the graph has (C, H, W).
 * Other ranks are as the file's program has them. */
typedef struct {
    int node, hwc;
} keras_value;

/* An array that a layer has. */
typedef struct {
    const char *name;
    const char *option; /* it has it where this key is true, or absent and `fallback`; NULL: always */
    int fallback;
    int state;      /* not trained: behind all trained arrays of its network */
    int if_null;    /* instead: where the key is null or absent */
    const char *is; /* instead: where the key is this text */
} keras_array;

/* The layer that is being built. A builder adds its nodes to g and sets `at`, in[0] at first. */
typedef struct {
    limn_graph *g;
    const hdf5_file *file; /* of the arrays; NULL in tests */
    const char *name, *type;
    const cJSON *config;
    const cJSON *call;                         /* the CALL (keras_net.c), or NULL */
    const hdf5_entry *array[KERAS_MAX_ARRAYS]; /* in the order of the row's arrays; NULL where it has none */
    int kernel_first;                          /* Keras 1, channels first: kernels are (out, in, h, w) */
    int rotated;                               /* Theano's kernels: rotated by 180 degrees */
    int keras3;                                /* saved by Keras 3 or later */
    int hwc;                                   /* pictures of this network are (H, W, C) */
    const keras_value *in;
    const char *const *arg; /* (n_in) by which argument's name it is given each; NULL: by its place */
    int n_in;
    keras_value at;
} keras_layer;

typedef struct {
    const char *type; /* Keras's class name */
    limn_kind kind;
    limn_status (*build)(keras_layer *l);
    const keras_array *arrays; /* ends with a row whose name is NULL; NULL: none */
    int merges;                /* it reads several values */
    const char *const
        *parts; /* layers of its own that hold its arrays, as many each, by place; ends with NULL; or NULL */
} keras_layer_row;
extern const keras_layer_row keras_layer_table[]; /* sorted by type; ends with a row whose type is NULL */
/* The row of a class name; NULL where it is not supported. */
const keras_layer_row *keras_find_layer(const char *type);
/* Whether the layer of this configuration has the array. */
limn_status keras_has_array(const keras_array *a, const cJSON *config, int *out) LIMN_CHECK;

/* ---- JSON (keras_json.c) ----------------------------------------------------------------------------------------- */
/* A key that is absent or null gives `fallback`; a value of another kind is LIMN_EINPUT and names the key. */
limn_status keras_int(const cJSON *o, const char *key, int fallback, int *out) LIMN_CHECK;
limn_status keras_required_int(const cJSON *o, const char *key, int *out) LIMN_CHECK;
limn_status keras_pair(const cJSON *o, const char *key, int fallback, int out[2]) LIMN_CHECK; /* 3 or [3, 5] */
/* [1, 2, 3], 1 or absent: *n of at most `max` whole numbers. */
limn_status keras_ints(const cJSON *o, const char *key, int max, int *out, int *n) LIMN_CHECK;
limn_status keras_bool(const cJSON *o, const char *key, int fallback, int *out) LIMN_CHECK;
limn_status keras_number(const cJSON *o, const char *key, double fallback, double *out) LIMN_CHECK;
/* Borrowed from o. */
limn_status keras_string(const cJSON *o, const char *key, const char *fallback, const char **out) LIMN_CHECK;
/* A configuration as a tree, the caller's to cJSON_Delete; LIMN_EINPUT where it is none, or has too many values. */
limn_status keras_parse(cJSON **out, const char *json, size_t n) LIMN_CHECK;
/* The value of a key; NULL where it is absent or null. */
const cJSON *keras_given(const cJSON *o, const char *key);
/* [null, 28, 28, 1]: the sample's shape (C, H, W) or (D), without the batch; channels first in the list: [null, 1, 28,
 * 28]. */
limn_status keras_input_shape(const cJSON *list, int channels_first, limn_shape *out) LIMN_CHECK;
/* Whether s is UTF-8 without control characters, 1 to KERAS_MAX_NAME bytes: fit to be printed and stored. */
int keras_is_name(const char *s);

#endif
