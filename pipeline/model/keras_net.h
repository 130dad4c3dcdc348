/* A Keras network before it is a graph: its layers, which call reads which, and where their weights lie. */
#ifndef LIMN_KERAS_NET_H
#define LIMN_KERAS_NET_H

#include "model/keras.h"

typedef struct keras_net keras_net;

/* Weight arrays that are asked for together. */
typedef struct {
    const char *name, *place; /* as keras_weights.find takes them; borrowed */
    const char *const *parts;
    int n;
    const hdf5_entry **array; /* (n) owned; NULL until asked for */
} keras_group;

/* One layer of a network. */
typedef struct {
    const char *name, *type; /* borrowed from the JSON */
    const cJSON *json, *config;
    const keras_layer_row *row; /* NULL: an InputLayer or a network */
    keras_net *net;             /* a network within; owned, or NULL */
    char *place;                /* owned */
    int keras1, frozen;
    int group;               /* index into the owner's groups */
    int trained, state;      /* its first trained array, and its first other, in the group (see keras_net_parse) */
    int first_call, n_calls; /* its calls */
} keras_item;

typedef struct {
    const char *name;
    int item;
} keras_name;

/* A value: which of those that a call gives. */
typedef struct {
    int call, output; /* call -1: what a chain without an InputLayer is given */
    const char *arg;  /* borrowed: the argument that it is given as; NULL: by its place */
} keras_ref;

/* A layer that is called; what it reads are values of the same network. */
typedef struct {
    int item, first_ref, n_refs;
    int first_value;   /* of its values, one or as many as the network that it calls gives, among those of all calls */
    const cJSON *json; /* as the file has it, or NULL */
} keras_call;

struct keras_net {
    const char *name;
    const keras_net *outer; /* NULL of the outermost */
    const cJSON *config;
    int sequential, frozen, n_items, n_calls, n_refs, n_inputs, n_values, n_results;
    keras_item *item;    /* (n_items) in the file's order */
    keras_call *call;    /* (n_calls) */
    keras_ref *ref;      /* (n_refs) */
    int *input;          /* (n_inputs) the calls of its InputLayers, in order */
    keras_ref *result;   /* (n_results) what the network gives; of the outermost the chosen one alone */
    keras_name *by_name; /* (n_items) sorted */
    size_t room_calls, room_refs, room_results;
};

typedef struct {
    keras_net *net;
    keras_group *group;
    size_t n_groups, room_groups;
    int channels_first; /* what the first layer with a data_format says */
    int knows_format;
    const keras_weights *weights;
} keras_nets;

/* Reads {class_name, config} into *out, which keras_nets_free takes also where this failed. Layers are rewritten in the
 * words of Keras 2. */
limn_status keras_nets_parse(keras_nets *out, cJSON *root, const keras_weights *w) LIMN_CHECK;
/* Lists the network's outputs in g, and makes the chosen one the network's. */
limn_status keras_nets_outputs(keras_nets *n, limn_graph *g) LIMN_CHECK;
void keras_nets_free(keras_nets *n);
/* The sentence about a layer type that is not supported. */
limn_status keras_unknown_type(const char *name, const char *type) LIMN_CHECK;

#endif
