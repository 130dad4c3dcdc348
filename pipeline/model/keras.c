/* A Keras configuration as a graph.
 *
 * {"class_name": "Sequential", "config": {"name": …, "layers": [LAYER, …]}}, or a list in the place of that object
 * (Keras 1 and early 2). LAYER = {"class_name": "Conv2D", "config": {"name": "conv2d_1", …}}.
 *
 * 1. The input: an InputLayer, or batch_input_shape of the first layer, or build_input_shape of the network. It is node
 *    0 and no layer.
 * 2. Each layer by its row of keras_layer_table (keras_layers.c). Its place in a .keras file is its class name in snake
 *    case, numbered: the first Conv2D is conv2d, the next conv2d_1, whatever the layers' own names are.
 * 3. graph_finish; then pictures are marked as (H, W, C), which is how Keras shows them.
 * Not done yet: Functional networks, networks within networks, channels first. Threading: none of its own. */
#include "model/keras.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

enum { MAX_TYPES = 64, MAX_TYPE = 64 };

typedef struct {
    limn_graph *g;
    const keras_weights *weights;
    const cJSON *input_shape; /* of the network, where no layer gives it; or NULL */
    int at;                   /* the last node */
    struct {
        char name[2 * MAX_TYPE];
        int used;
    } type[MAX_TYPES]; /* the supported types met so far, in snake case */
    int n_types;
} builder;

/* Keras 3's to_snake_case: an underscore before each capital that a small letter follows, and before each that follows
 * a small letter; all in small letters. out holds 2 strlen + 1 bytes. */
static void snake_case(const char *class_name, char *out) {
    for (const char *p = class_name; *p; p++) {
        unsigned char c = (unsigned char)*p, before = p > class_name ? (unsigned char)p[-1] : 0;
        if (isupper(c) && before && (islower((unsigned char)p[1]) || islower(before)) && out[-1] != '_') *out++ = '_';
        *out++ = (char)tolower(c);
    }
    *out = 0;
}

/* The place of the next layer of this type in its container: "conv2d", then "conv2d_1". */
static limn_status next_place(builder *b, const char *type, char *place, size_t size) {
    char name[2 * MAX_TYPE];
    if (strlen(type) >= MAX_TYPE) return limn_fail(LIMN_EFAIL, "the layer type %s has too long a name", type);
    snake_case(type, name);
    int i = 0;
    while (i < b->n_types && strcmp(b->type[i].name, name) != 0) i++;
    if (i == b->n_types) {
        if (i == MAX_TYPES) return limn_fail(LIMN_EFAIL, "more than %d layer types", (int)MAX_TYPES);
        memcpy(b->type[i].name, name, sizeof name);
        b->type[i].used = 0;
        b->n_types++;
    }
    int used = b->type[i].used++;
    snprintf(place, size, used ? "%s_%d" : "%s", name, used);
    return LIMN_OK;
}

/* ---- the input --------------------------------------------------------------------------------------------------- */
static const cJSON *shape_of(const cJSON *config) {
    static const char *const key[] = {"batch_shape", "batch_input_shape"};
    for (int i = 0; i < 2; i++) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(config, key[i]);
        if (cJSON_IsArray(v)) return v;
    }
    return NULL;
}

static limn_status add_input(builder *b, const cJSON *shape) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    if (b->g->n_nodes > 0) FAIL(LIMN_EINPUT, "a network with more than one input is not supported");
    if (!shape) FAIL(LIMN_EINPUT, "the file does not say how large the network's input is");
    TRY(keras_input_shape(shape, &a.shape));
    TRY(graph_add_node(b->g, LIMN_OP_INPUT, -1, &a, LIMN_NO_VALUES, LIMN_NO_VALUES, &b->at));
    b->g->input_hwc = a.shape.rank == 3;
done:
    return status;
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */
static limn_status unknown_type(const char *name, const char *type) {
    char *names;
    limn_status s = keras_layer_names(&names);
    if (s != LIMN_OK) return s;
    s = limn_fail(LIMN_EINPUT, "layer `%s` is of the type %s, which is not supported (supported: %s)", name, type,
                  names);
    free(names);
    return s;
}

static limn_status read_layer(builder *b, const cJSON *layer, const char *name, const char *type, const cJSON *config) {
    limn_status status = LIMN_OK;
    char place[2 * MAX_TYPE + 16];
    int index;
    if (strcmp(type, "InputLayer") == 0) return add_input(b, shape_of(config));
    const keras_layer_row *row = keras_find_layer(type);
    if (!row) return unknown_type(name, type);
    if (b->g->n_nodes == 0) {
        const cJSON *shape = shape_of(config), *built = cJSON_GetObjectItemCaseSensitive(layer, "build_config");
        if (!shape) shape = b->input_shape;
        TRY(add_input(b, shape ? shape : cJSON_GetObjectItemCaseSensitive(built, "input_shape")));
    }
    TRY(next_place(b, type, place, sizeof place));
    TRY(graph_add_layer(b->g, name, type, row->kind, &index));
    keras_layer l = {.g = b->g, .weights = b->weights, .name = name, .place = place, .config = config, .at = b->at};
    TRY(row->build(&l));
    b->at = l.at;
    return LIMN_OK;
done:
    return limn_fail_at(status, "layer `%s` (%s): ", name, type);
}

static limn_status read_layers(builder *b, const cJSON *layers) {
    limn_status status = LIMN_OK;
    const cJSON *layer;
    int i = 0;
    if (!cJSON_IsArray(layers)) FAIL(LIMN_EINPUT, "not a Keras configuration: the network has no list of layers");
    cJSON_ArrayForEach(layer, layers) {
        const cJSON *config = cJSON_GetObjectItemCaseSensitive(layer, "config");
        const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "class_name"));
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, "name"));
        if (!name) name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "name"));
        if (!type || !name || !keras_is_name(type) || !keras_is_name(name))
            FAIL(LIMN_EINPUT, "layer %d has no class_name or no name that can be read", i);
        TRY(read_layer(b, layer, name, type, config));
        i++;
    }
done:
    return status;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A name that two layers bear names neither, in an experiment or in the database; Keras refuses them too. */
static limn_status check_names(const limn_graph *g) {
    limn_status status = LIMN_OK;
    const char **name = NULL;
    size_t n = (size_t)g->n_layers;
    TRY(limn_new(&name, n, sizeof *name));
    for (size_t i = 0; i < n; i++) name[i] = g->layer[i].name;
    qsort(name, n, sizeof *name, by_name);
    for (size_t i = 1; i < n; i++)
        if (strcmp(name[i - 1], name[i]) == 0) FAIL(LIMN_EINPUT, "two of its layers are called `%s`", name[i]);
done:
    free(name);
    return status;
}

static limn_status read_network(builder *b, const cJSON *root) {
    limn_status status = LIMN_OK;
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "class_name"));
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(root, "config");
    if (!type || !config) FAIL(LIMN_EINPUT, "not a Keras configuration: it lacks class_name or config");
    if (strcmp(type, "Sequential") != 0)
        FAIL(LIMN_EINPUT, "the network is of the type %.80s, which is not supported (supported: Sequential)",
             keras_is_name(type) ? type : "?");
    b->input_shape = cJSON_GetObjectItemCaseSensitive(config, "build_input_shape");
    TRY(read_layers(b, cJSON_IsArray(config) ? config : cJSON_GetObjectItemCaseSensitive(config, "layers")));
    TRY(graph_finish(b->g));
    TRY(check_names(b->g));
    for (int i = 0; i < b->g->n_layers; i++) b->g->layer[i].hwc = graph_layer_shape(b->g, i)->rank == 3;
done:
    return status;
}

limn_status keras_build(limn_graph *g, const char *json, size_t n, const keras_weights *w) {
    limn_status status = LIMN_OK;
    builder b = {.g = g, .weights = w};
    cJSON *root = NULL;
    if (n > KERAS_MAX_JSON) FAIL(LIMN_EINPUT, "its configuration has more than %d bytes", (int)KERAS_MAX_JSON);
    root = cJSON_ParseWithLength(json, n);
    if (!root) FAIL(LIMN_EINPUT, "its configuration is not JSON");
    status = read_network(&b, root);
done:
    cJSON_Delete(root);
    return status;
}

limn_status keras_name_format(limn_graph *g, const char *container, const char *version) {
    limn_status status = LIMN_OK;
    char *format = NULL, *producer = NULL;
    if (version && (!keras_is_name(version) || strlen(version) > 40 || !isdigit((unsigned char)*version)))
        version = NULL;
    int major = version ? (int)strcspn(version, ".") : 0;
    TRY(limn_format(&format, "Keras%s%.*s %s", version ? " " : "", major, version ? version : "", container));
    TRY(limn_format(&producer, "keras%s%s", version ? " " : "", version ? version : ""));
    free(g->format);
    free(g->producer);
    g->format = format;
    g->producer = producer;
    return LIMN_OK;
done:
    free(format);
    return status;
}
