/* A Keras configuration as networks of layers and calls.
 *
 *   NETWORK  {"class_name": "Sequential" | "Functional" | "Model", "config": {"name": …, "layers": [LAYER, …],
 *            "input_layers": REFS, "output_layers": REFS}}; a Sequential of Keras 1 and early 2 has the list of layers
 *            in the place of the config
 *   LAYER    {"class_name": "Conv2D", "name": …, "config": {"name": "conv2d_1", …}, "inbound_nodes": [CALL, …]}, or a
 *            NETWORK
 *   CALL     [["name", call, output, {…}], …] (Keras 2), or {"args": […], "kwargs": {…}} with
 *            {"class_name": "__keras_tensor__", "config": {"keras_history": ["name", call, output]}} in it (Keras 3)
 *   REFS     [["name", call, output], …], or one alone, or an object of them
 *
 * A layer with several calls is shared. A Sequential is the chain of its layers, each called once. A network within gives
 * each of its outputs to whoever reads it; those of an object of REFS are numbered in the order of their keys. Of the
 * outermost network the chosen one is read; an output bears its layer's name, or in an object of REFS its key.
 *
 * Weights of a network within: Keras lists a group's arrays as layer.weights has them: all trained arrays of the layers
 * within, in order, then all others, in order (a frozen layer's are all others). So each layer counts its arrays of
 * either kind, and finds its own by their places. Ownership: keras_nets owns all but what it borrows from the JSON.
 * Threading: none of its own. */
#include "model/keras_net.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

enum { MAX_TYPES = 128, MAX_TYPE = 64, MAX_NESTED_ARGS = 8, MAX_VALUES = 1 << 16 };

/* ---- names ------------------------------------------------------------------------------------------------------- */
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

/* The types met so far in one container, in snake case, and how often. */
typedef struct {
    int n;
    struct {
        char name[2 * MAX_TYPE];
        int used;
    } type[MAX_TYPES];
} counts;

/* *out = the place of the next layer of this type: "conv2d", then "conv2d_1"; OUTER/layers/conv2d within a layer. */
static limn_status next_place(counts *c, const char *type, const char *outer, char **out) {
    char name[2 * MAX_TYPE], number[16] = "";
    if (strlen(type) >= MAX_TYPE) return limn_fail(LIMN_EINPUT, "a layer type has too long a name");
    snake_case(type, name);
    int i = 0;
    while (i < c->n && strcmp(c->type[i].name, name) != 0) i++;
    if (i == c->n) {
        if (i == MAX_TYPES) return limn_fail(LIMN_EINPUT, "more than %d layer types", (int)MAX_TYPES);
        memcpy(c->type[i].name, name, sizeof name);
        c->type[i].used = 0;
        c->n++;
    }
    int used = c->type[i].used++;
    if (used) snprintf(number, sizeof number, "_%d", used);
    return limn_format(out, "%s%s%s%s", outer ? outer : "", outer ? "/layers/" : "", name, number);
}

static const char *class_of(const cJSON *layer) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "class_name"));
}

static int is_network(const char *type) {
    return strcmp(type, "Sequential") == 0 || strcmp(type, "Functional") == 0 || strcmp(type, "Model") == 0;
}

/* Types that never will be, between spaces, and what to do: each a sentence of its own. */
static const struct {
    const char *types, *why;
} refused[] = {
    {" Lambda ", "which runs Python code that the file does not hold in a form that other programs can run"},
    {" LSTM GRU SimpleRNN RNN Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D CuDNNLSTM CuDNNGRU LSTMCell GRUCell "
     "SimpleRNNCell StackedRNNCells ",
     "a recurrent layer: limn reads networks without memory"},
    {" TFOpLambda TensorFlowOpLayer SlicingOpLambda ",
     "an operation of TensorFlow in the place of a layer: only Keras's layers are supported"},
    {" Conv3D Conv3DTranspose Convolution3D MaxPooling3D AveragePooling3D GlobalMaxPooling3D GlobalAveragePooling3D "
     "ZeroPadding3D Cropping3D UpSampling3D SpatialDropout3D ",
     "a layer for volumes: limn reads networks of pictures and sequences"},
    {" Embedding TextVectorization StringLookup IntegerLookup Hashing HashedCrossing CategoryEncoding Discretization ",
     "which looks whole numbers or words up: limn reads networks whose input is a picture"},
};

limn_status keras_unknown_type(const char *name, const char *type) {
    char word[MAX_TYPE + 3];
    snprintf(word, sizeof word, " %s ", type);
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        if (strstr(refused[i].types, word))
            return limn_fail(LIMN_EINPUT, "layer `%s` is of the type %s, %s", name, type, refused[i].why);
    char known[2000] = ""; /* what is supported, as the table has it */
    size_t n = 0;
    for (const keras_layer_row *r = keras_layer_table; r->type && n < sizeof known; r++)
        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", r->type);
    return limn_fail(LIMN_EINPUT, "layer `%s` is of the type %s, which is not supported; what is: %s", name, type,
                     known);
}

/* ---- weights ----------------------------------------------------------------------------------------------------- */
/* Counts of a group's arrays while its layers are met. */
typedef struct {
    int trained, state;
} tally;

static limn_status new_group(keras_nets *all, const char *name, int *index) {
    limn_status status = LIMN_OK;
    TRY(limn_grow(&all->group, all->n_groups, &all->room_groups, sizeof *all->group));
    all->group[all->n_groups] = (keras_group){.name = name};
    *index = (int)all->n_groups++;
done:
    return status;
}

static limn_status count_arrays(keras_item *it, tally *t) {
    limn_status status = LIMN_OK;
    it->trained = t->trained;
    it->state = t->state;
    for (const keras_array *a = it->row->arrays; a && a->name; a++) {
        int has;
        TRY(keras_has_array(a, it->config, &has));
        if (!has) continue;
        if (it->frozen || a->state)
            t->state++;
        else
            t->trained++;
    }
done:
    return status;
}

/* States lie behind the group's trained arrays. */
static void shift_states(keras_net *net, int group, int by) {
    for (int i = 0; i < net->n_items; i++) {
        keras_item *it = &net->item[i];
        if (it->net)
            shift_states(it->net, group, by);
        else if (it->group == group)
            it->state += by;
    }
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */
static int compare_names(const void *a, const void *b) {
    return strcmp(((const keras_name *)a)->name, ((const keras_name *)b)->name);
}

/* A name that two layers bear names neither; Keras refuses them too. */
static limn_status sort_names(keras_net *net) {
    limn_status status = LIMN_OK;
    TRY(limn_new(&net->by_name, (size_t)net->n_items, sizeof *net->by_name));
    for (int i = 0; i < net->n_items; i++) net->by_name[i] = (keras_name){net->item[i].name, i};
    qsort(net->by_name, (size_t)net->n_items, sizeof *net->by_name, compare_names);
    for (int i = 1; i < net->n_items; i++)
        if (compare_names(&net->by_name[i - 1], &net->by_name[i]) == 0)
            FAIL(LIMN_EINPUT, "two of its layers are called `%s`", net->by_name[i].name);
done:
    return status;
}

/* How many values a call of this layer gives. */
static int values_of(const keras_item *it) {
    return it->net ? it->net->n_results : 1;
}

static int find_item(const keras_net *net, const char *name) {
    keras_name key = {name, 0};
    const keras_name *found = bsearch(&key, net->by_name, (size_t)net->n_items, sizeof key, compare_names);
    return found ? found->item : -1;
}

/* ["name", call, output, …] */
static limn_status find_ref(const keras_net *net, const cJSON *v, keras_ref *out) {
    const cJSON *name = cJSON_IsArray(v) ? v->child : NULL, *k = name ? name->next : NULL, *o = k ? k->next : NULL;
    if (!cJSON_IsString(name) || !cJSON_IsNumber(k) || !cJSON_IsNumber(o))
        return limn_fail(LIMN_EINPUT, "a connection of its layers cannot be read");
    int i = find_item(net, name->valuestring);
    if (i < 0)
        return limn_fail(LIMN_EINPUT, "a layer reads `%.80s`, which is no layer of its network",
                         keras_is_name(name->valuestring) ? name->valuestring : "?");
    const keras_item *it = &net->item[i];
    if (!(k->valuedouble >= 0 && k->valuedouble < it->n_calls))
        return limn_fail(LIMN_EINPUT, "a layer reads the call %g of `%s`, which is called %d times", k->valuedouble,
                         it->name, it->n_calls);
    if (!(o->valuedouble >= 0 && o->valuedouble < values_of(it)))
        return limn_fail(LIMN_EINPUT, "a layer reads the output %g of `%s`: %s", o->valuedouble, it->name,
                         it->net ? "it has fewer" : "only the first is supported");
    *out = (keras_ref){.call = it->first_call + (int)k->valuedouble, .output = (int)o->valuedouble};
    return LIMN_OK;
}

static limn_status add_ref(keras_net *net, keras_ref r, const char *arg) {
    limn_status s = limn_grow(&net->ref, (size_t)net->n_refs, &net->room_refs, sizeof *net->ref);
    r.arg = arg;
    if (s == LIMN_OK) net->ref[net->n_refs++] = r;
    return s;
}

/* All tensors of Keras 3 in the arguments v of a call. */
static limn_status add_tensors(keras_net *net, const cJSON *v, const char *arg, int depth) {
    limn_status status = LIMN_OK;
    const cJSON *child;
    keras_ref r;
    if (cJSON_IsObject(v) && class_of(v) && strcmp(class_of(v), "__keras_tensor__") == 0) {
        const cJSON *config = cJSON_GetObjectItemCaseSensitive(v, "config");
        TRY(find_ref(net, cJSON_GetObjectItemCaseSensitive(config, "keras_history"), &r));
        return add_ref(net, r, arg);
    }
    if (!cJSON_IsObject(v) && !cJSON_IsArray(v)) return LIMN_OK;
    if (depth == MAX_NESTED_ARGS) FAIL(LIMN_EINPUT, "a connection of its layers cannot be read");
    cJSON_ArrayForEach(child, v) TRY(add_tensors(net, child, arg, depth + 1));
done:
    return status;
}

/* Tensors that are given by name: Keras 3's kwargs, or Keras 2's {"value": ["name", call, output]} behind the first. */
static limn_status add_named(keras_net *net, const cJSON *args) {
    limn_status status = LIMN_OK;
    const cJSON *v;
    keras_ref r;
    cJSON_ArrayForEach(v, args) {
        if (cJSON_IsArray(v) && cJSON_IsString(v->child) && cJSON_GetArraySize(v) == 3 &&
            find_item(net, v->child->valuestring) >= 0) {
            TRY(find_ref(net, v, &r));
            TRY(add_ref(net, r, v->string));
        } else
            TRY(add_tensors(net, v, v->string, 1));
    }
done:
    return status;
}

/* Appends what one CALL reads. */
static limn_status add_refs(keras_net *net, const cJSON *v) {
    limn_status status = LIMN_OK;
    const cJSON *each, *first = cJSON_IsArray(v) ? v->child : NULL;
    keras_ref r;
    if (cJSON_IsObject(v)) {
        TRY(add_tensors(net, cJSON_GetObjectItemCaseSensitive(v, "args"), NULL, 1));
        return add_named(net, cJSON_GetObjectItemCaseSensitive(v, "kwargs"));
    }
    if (!first) FAIL(LIMN_EINPUT, "a connection of its layers cannot be read");
    if (cJSON_IsString(first)) {
        TRY(find_ref(net, v, &r));
        return add_ref(net, r, NULL);
    }
    for (each = first; each; each = each->next) {
        TRY(find_ref(net, each, &r));
        TRY(add_ref(net, r, NULL));
    }
    if (cJSON_GetArraySize(first) > 3 && !first->next) TRY(add_named(net, cJSON_GetArrayItem(first, 3)));
done:
    return status;
}

static limn_status add_result(keras_net *net, keras_ref r) {
    limn_status s = limn_grow(&net->result, (size_t)net->n_results, &net->room_results, sizeof *net->result);
    if (s == LIMN_OK) net->result[net->n_results++] = r;
    return s;
}

static limn_status add_call(keras_net *net, int item) {
    limn_status s = limn_grow(&net->call, (size_t)net->n_calls, &net->room_calls, sizeof *net->call);
    if (s != LIMN_OK) return s;
    if (net->n_values > MAX_VALUES - values_of(&net->item[item]))
        return limn_fail(LIMN_EINPUT, "its layers are called more than %d times", (int)MAX_VALUES);
    net->call[net->n_calls++] = (keras_call){.item = item, .first_value = net->n_values};
    net->n_values += values_of(&net->item[item]);
    net->item[item].n_calls++;
    return LIMN_OK;
}

static int is_input(const keras_item *it) {
    return !it->row && !it->net;
}

/* A chain: each layer reads the one before, the first the network's input, which has a call of its own where an
 * InputLayer stands for it, and is call -1 where none does. */
static limn_status connect_chain(keras_net *net) {
    limn_status status = LIMN_OK;
    int last = -1;
    for (int i = 0; i < net->n_items; i++) {
        keras_item *it = &net->item[i];
        it->first_call = net->n_calls;
        TRY(add_call(net, i));
        keras_call *c = &net->call[net->n_calls - 1];
        if (is_input(it)) {
            if (last >= 0) FAIL(LIMN_EINPUT, "a network with more than one input is not supported");
        } else {
            c->first_ref = net->n_refs;
            c->n_refs = 1;
            TRY(add_ref(net, (keras_ref){.call = last}, NULL));
        }
        last = net->n_calls - 1;
    }
    status = add_result(net, (keras_ref){.call = last});
done:
    return status;
}

static const cJSON *nodes_of(const keras_item *it) {
    return cJSON_GetObjectItemCaseSensitive(it->json, "inbound_nodes");
}

/* The next key of an object of REFS, in their order. */
static const cJSON *next_key(const cJSON *v, const cJSON *last) {
    const cJSON *child, *best = NULL;
    cJSON_ArrayForEach(child, v) {
        int later = !last || strcmp(child->string, last->string) > 0;
        if (later && (!best || strcmp(child->string, best->string) < 0)) best = child;
    }
    return best;
}

/* All of REFS. */
static limn_status add_results(keras_net *net, const cJSON *v, int depth) {
    enum { MAX_KEYS = 256 };
    limn_status status = LIMN_OK;
    int named = cJSON_IsObject(v);
    keras_ref r;
    if ((!named && !cJSON_IsArray(v)) || depth == MAX_NESTED_ARGS || (named && cJSON_GetArraySize(v) > MAX_KEYS))
        FAIL(LIMN_EINPUT, "a connection of its layers cannot be read");
    if (cJSON_IsString(v->child)) {
        TRY(find_ref(net, v, &r));
        return add_result(net, r);
    }
    for (const cJSON *c = named ? next_key(v, NULL) : v->child; c; c = named ? next_key(v, c) : c->next)
        TRY(add_results(net, c, depth + 1));
done:
    return status;
}

/* The InputLayers in the order in which a call gives them their values. */
static limn_status list_inputs(keras_net *net) {
    limn_status status = LIMN_OK;
    const cJSON *refs = cJSON_GetObjectItemCaseSensitive(net->config, "input_layers"), *v;
    int n = cJSON_GetArraySize(refs), one = n > 0 && cJSON_IsString(refs->child);
    keras_ref r;
    if (n == 0) FAIL(LIMN_EINPUT, "not a Keras configuration: the network has no input_layers");
    TRY(limn_new(&net->input, (size_t)n, sizeof *net->input));
    for (v = one ? refs : refs->child; v; v = one ? NULL : v->next) {
        TRY(find_ref(net, v, &r));
        net->input[net->n_inputs++] = r.call;
    }
    for (int i = 0; i < net->n_inputs; i++)
        if (!is_input(&net->item[net->call[net->input[i]].item]))
            FAIL(LIMN_EINPUT, "its input `%s` is no InputLayer", net->item[net->call[net->input[i]].item].name);
done:
    return status;
}

static limn_status connect_graph(keras_net *net) {
    limn_status status = LIMN_OK;
    const cJSON *v;
    for (int i = 0; i < net->n_items; i++) {
        keras_item *it = &net->item[i];
        it->first_call = net->n_calls;
        if (is_input(it))
            TRY(add_call(net, i));
        else
            cJSON_ArrayForEach(v, nodes_of(it)) TRY(add_call(net, i));
    }
    for (int i = 0; i < net->n_items; i++) {
        const keras_item *it = &net->item[i];
        int k = it->first_call;
        if (is_input(it)) continue;
        cJSON_ArrayForEach(v, nodes_of(it)) {
            net->call[k].first_ref = net->n_refs;
            net->call[k].json = v;
            limn_status s = add_refs(net, v);
            if (s != LIMN_OK) return limn_fail_at(s, "layer `%s` (%s): ", it->name, it->type);
            net->call[k].n_refs = net->n_refs - net->call[k].first_ref;
            k++;
        }
    }
    TRY(list_inputs(net));
    v = cJSON_GetObjectItemCaseSensitive(net->config, "output_layers");
    if (!v) FAIL(LIMN_EINPUT, "not a Keras configuration: the network has no output_layers");
    TRY(add_results(net, v, 0));
    if (net->n_results == 0) FAIL(LIMN_EINPUT, "not a Keras configuration: the network has no output_layers");
done:
    return status;
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */
/* The first layer that says how pictures lie says it for the network. Flatten's own data_format is another matter. */
static void note_format(keras_nets *all, const keras_item *it) {
    const char *format = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(it->config, "data_format"));
    if (all->knows_format || !format || strcmp(it->type, "Flatten") == 0) return;
    all->knows_format = 1;
    all->channels_first = strcmp(format, "channels_first") == 0;
}

/* TimeDistributed(Dense) is Dense: what works on the last axis alone, or on each value, needs no time. */
static limn_status unwrap(keras_item *it, char **place) {
    static const char *const trivial[] = {"Dense",     "Activation", "Dropout", "ReLU",
                                          "LeakyReLU", "ELU",        "Softmax", "LayerNormalization"};
    limn_status status = LIMN_OK;
    char *within;
    if (strcmp(it->type, "TimeDistributed") != 0) return LIMN_OK;
    const cJSON *inner = cJSON_GetObjectItemCaseSensitive(it->config, "layer");
    const char *type = class_of(inner);
    size_t i = 0;
    while (type && i < COUNT_OF(trivial) && strcmp(trivial[i], type) != 0) i++;
    if (!type || i == COUNT_OF(trivial))
        FAIL(LIMN_EINPUT, "layer `%s` (TimeDistributed): only Dense and what works on each value can be repeated",
             it->name);
    it->config = cJSON_GetObjectItemCaseSensitive(inner, "config");
    it->row = keras_find_layer(type);
    TRY(limn_format(&within, "%s/layer", *place));
    free(*place);
    *place = within;
done:
    return status;
}

static limn_status parse_net(keras_nets *all, keras_net *net, cJSON *root, const char *place, int group, tally *t,
                             int depth);

/* One layer; `group` and t are those of the layer of the outermost network that it is in, or -1 and NULL there. */
static limn_status parse_item(keras_nets *all, keras_net *net, cJSON *json, const char *outer, counts *c, int group,
                              tally *t, int depth) {
    limn_status status = LIMN_OK;
    keras_item *it = &net->item[net->n_items];
    tally own = {0, 0};
    int of_own = !t || !all->weights->grouped;
    it->json = json;
    TRY(keras1_translate(json, &it->keras1));
    it->config = cJSON_GetObjectItemCaseSensitive(json, "config");
    it->type = class_of(json);
    it->name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(it->config, "name"));
    if (!it->name) it->name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "name"));
    if (!it->type || !it->name || !keras_is_name(it->type) || !keras_is_name(it->name))
        FAIL(LIMN_EINPUT, "layer %d has no class_name or no name that can be read", net->n_items);
    net->n_items++;
    it->frozen = net->frozen || cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(it->config, "trainable"));
    TRY(next_place(c, it->type, outer, &it->place));
    if (strcmp(it->type, "InputLayer") == 0) return LIMN_OK;
    if (of_own) {
        TRY(new_group(all, it->name, &group));
        t = &own;
    }
    it->group = group;
    if (is_network(it->type)) {
        TRY(limn_new(&it->net, 1, sizeof *it->net));
        *it->net = (keras_net){.name = it->name, .outer = net, .frozen = it->frozen};
        TRY(parse_net(all, it->net, json, it->place, group, t, depth + 1));
    } else {
        it->row = keras_find_layer(it->type);
        TRY(unwrap(it, &it->place));
        if (!it->row) TRY(keras_unknown_type(it->name, it->type));
        note_format(all, it);
        status = count_arrays(it, t);
        if (status != LIMN_OK) return limn_fail_at(status, "layer `%s` (%s): ", it->name, it->type);
    }
    if (of_own) {
        all->group[group].n = own.trained + own.state;
        all->group[group].place = it->place;
        all->group[group].parts = it->row ? it->row->parts : NULL;
        if (it->net)
            shift_states(it->net, group, own.trained);
        else
            it->state += own.trained;
    }
done:
    return status;
}

static limn_status parse_net(keras_nets *all, keras_net *net, cJSON *root, const char *place, int group, tally *t,
                             int depth) {
    limn_status status = LIMN_OK;
    counts *c = NULL;
    cJSON *config = cJSON_GetObjectItemCaseSensitive(root, "config"), *layer;
    cJSON *layers = cJSON_IsArray(config) ? config : cJSON_GetObjectItemCaseSensitive(config, "layers");
    if (depth > KERAS_MAX_DEPTH) FAIL(LIMN_EINPUT, "more than %d networks within one another", (int)KERAS_MAX_DEPTH);
    if (!cJSON_IsArray(layers)) FAIL(LIMN_EINPUT, "not a Keras configuration: the network has no list of layers");
    net->config = config;
    net->sequential = strcmp(class_of(root), "Sequential") == 0;
    TRY(limn_new(&net->item, (size_t)cJSON_GetArraySize(layers), sizeof *net->item));
    TRY(limn_new(&c, 1, sizeof *c));
    cJSON_ArrayForEach(layer, layers) TRY(parse_item(all, net, layer, place, c, group, t, depth));
    TRY(sort_names(net));
    TRY(net->sequential ? connect_chain(net) : connect_graph(net));
done:
    free(c);
    return status;
}

limn_status keras_nets_parse(keras_nets *out, cJSON *root, const keras_weights *w) {
    limn_status status = LIMN_OK;
    const char *type = class_of(root);
    *out = (keras_nets){.weights = w};
    if (!type || !cJSON_GetObjectItemCaseSensitive(root, "config"))
        FAIL(LIMN_EINPUT, "not a Keras configuration: it lacks class_name or config");
    if (!is_network(type))
        FAIL(LIMN_EINPUT,
             "the network is of the type %.80s: limn reads Sequential, Functional and Model; a subclass holds its "
             "connections in Python code, which the file lacks",
             keras_is_name(type) ? type : "?");
    TRY(limn_new(&out->net, 1, sizeof *out->net));
    TRY(parse_net(out, out->net, root, NULL, -1, NULL, 0));
done:
    return status;
}

/* Lists REFS in g. */
static limn_status list_outputs(limn_graph *g, const cJSON *v, const char *key, int depth) {
    limn_status status = LIMN_OK;
    const cJSON *child;
    if ((!cJSON_IsArray(v) && !cJSON_IsObject(v)) || depth == MAX_NESTED_ARGS)
        FAIL(LIMN_EINPUT, "a connection of its layers cannot be read");
    if (cJSON_IsString(v->child)) return graph_add_output(g, key ? key : v->child->valuestring);
    cJSON_ArrayForEach(child, v) TRY(list_outputs(g, child, cJSON_IsObject(v) ? child->string : NULL, depth + 1));
done:
    return status;
}

/* The n-th of REFS, which list_outputs has walked. */
static const cJSON *nth_ref(const cJSON *v, int *n) {
    const cJSON *child, *found = NULL;
    if (cJSON_IsString(v->child)) return (*n)-- == 0 ? v : NULL;
    cJSON_ArrayForEach(child, v) {
        found = nth_ref(child, n);
        if (found) break;
    }
    return found;
}

limn_status keras_nets_outputs(keras_nets *all, limn_graph *g) {
    limn_status status = LIMN_OK;
    keras_net *net = all->net;
    const cJSON *refs = cJSON_GetObjectItemCaseSensitive(net->config, "output_layers");
    if (net->sequential) {
        if (net->n_items) TRY(graph_add_output(g, net->item[net->n_items - 1].name));
        return graph_choose_output(g);
    }
    TRY(list_outputs(g, refs, NULL, 0));
    TRY(graph_choose_output(g));
    int n = g->chosen;
    TRY(find_ref(net, nth_ref(refs, &n), &net->result[0]));
    net->n_results = 1;
done:
    return status;
}

static void free_net(keras_net *net) {
    if (!net) return;
    for (int i = 0; net->item && i < net->n_items; i++) {
        free(net->item[i].place);
        free_net(net->item[i].net);
    }
    free(net->item);
    free(net->call);
    free(net->ref);
    free(net->input);
    free(net->result);
    free(net->by_name);
    free(net);
}

void keras_nets_free(keras_nets *n) {
    for (size_t i = 0; i < n->n_groups; i++) free(n->group[i].array);
    free(n->group);
    free_net(n->net);
}
