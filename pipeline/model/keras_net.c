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
 * A layer with several calls is shared. A Sequential is the chain of its layers, each called once. Of the several
 * outputs of a network within the first is taken, of the outermost the chosen one; an output bears its layer's name, or
 * in an object of REFS its key.
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

enum { MAX_TYPES = 128, MAX_TYPE = 64, MAX_NESTED_ARGS = 8 };

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

/* Types that never will be, and what to do: each a sentence of its own. */
static const struct {
    const char *type, *why;
} refused[] = {
    {"Lambda", "which runs Python code that the file does not hold in a form that other programs can run"},
    {"LSTM", "a recurrent layer: limn reads networks without memory"},
    {"GRU", "a recurrent layer: limn reads networks without memory"},
    {"SimpleRNN", "a recurrent layer: limn reads networks without memory"},
    {"RNN", "a recurrent layer: limn reads networks without memory"},
    {"Bidirectional", "a recurrent layer: limn reads networks without memory"},
    {"ConvLSTM1D", "a recurrent layer: limn reads networks without memory"},
    {"ConvLSTM2D", "a recurrent layer: limn reads networks without memory"},
    {"ConvLSTM3D", "a recurrent layer: limn reads networks without memory"},
    {"CuDNNLSTM", "a recurrent layer: limn reads networks without memory"},
    {"CuDNNGRU", "a recurrent layer: limn reads networks without memory"},
    {"TFOpLambda", "an operation of TensorFlow in the place of a layer: only Keras's layers are supported"},
    {"TensorFlowOpLayer", "an operation of TensorFlow in the place of a layer: only Keras's layers are supported"},
    {"SlicingOpLambda", "an operation of TensorFlow in the place of a layer: only Keras's layers are supported"},
};

limn_status keras_unknown_type(const char *name, const char *type) {
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        if (strcmp(refused[i].type, type) == 0)
            return limn_fail(LIMN_EINPUT, "layer `%s` is of the type %s, %s", name, type, refused[i].why);
    char known[1600] = ""; /* what is supported, as the table has it */
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

static limn_status new_group(keras_nets *all, const char *name, const char *place, int *index) {
    limn_status status = LIMN_OK;
    TRY(limn_grow(&all->group, all->n_groups, &all->room_groups, sizeof *all->group));
    all->group[all->n_groups] = (keras_group){.name = name, .place = place};
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

static int find_item(const keras_net *net, const char *name) {
    keras_name key = {name, 0};
    const keras_name *found = bsearch(&key, net->by_name, (size_t)net->n_items, sizeof key, compare_names);
    return found ? found->item : -1;
}

/* ["name", call, output, …]: *call = the call. */
static limn_status find_call(const keras_net *net, const cJSON *v, int *call) {
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
    if (o->valuedouble != 0)
        return limn_fail(LIMN_EINPUT, "a layer reads the output %g of `%s`: only the first is supported",
                         o->valuedouble, it->name);
    *call = it->first_call + (int)k->valuedouble;
    return LIMN_OK;
}

static limn_status add_ref(keras_net *net, int call) {
    limn_status s = limn_grow(&net->ref, (size_t)net->n_refs, &net->room_refs, sizeof *net->ref);
    if (s == LIMN_OK) net->ref[net->n_refs++] = call;
    return s;
}

/* All tensors of Keras 3 in the arguments v of a call. */
static limn_status add_tensors(keras_net *net, const cJSON *v, int depth) {
    limn_status status = LIMN_OK;
    const cJSON *child;
    int call;
    if (cJSON_IsObject(v) && class_of(v) && strcmp(class_of(v), "__keras_tensor__") == 0) {
        const cJSON *config = cJSON_GetObjectItemCaseSensitive(v, "config");
        TRY(find_call(net, cJSON_GetObjectItemCaseSensitive(config, "keras_history"), &call));
        return add_ref(net, call);
    }
    if (!cJSON_IsObject(v) && !cJSON_IsArray(v)) return LIMN_OK;
    if (depth == MAX_NESTED_ARGS) FAIL(LIMN_EINPUT, "a connection of its layers cannot be read");
    cJSON_ArrayForEach(child, v) TRY(add_tensors(net, child, depth + 1));
done:
    return status;
}

/* Appends what one CALL reads. */
static limn_status add_refs(keras_net *net, const cJSON *v) {
    limn_status status = LIMN_OK;
    const cJSON *each;
    int call;
    if (cJSON_IsObject(v)) return add_tensors(net, v, 0);
    if (!cJSON_IsArray(v) || !v->child) FAIL(LIMN_EINPUT, "a connection of its layers cannot be read");
    if (cJSON_IsString(v->child)) {
        TRY(find_call(net, v, &call));
        return add_ref(net, call);
    }
    cJSON_ArrayForEach(each, v) {
        TRY(find_call(net, each, &call));
        TRY(add_ref(net, call));
    }
done:
    return status;
}

static limn_status add_call(keras_net *net, int item) {
    limn_status s = limn_grow(&net->call, (size_t)net->n_calls, &net->room_calls, sizeof *net->call);
    if (s != LIMN_OK) return s;
    net->call[net->n_calls++] = (keras_call){.item = item};
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
            TRY(add_ref(net, last));
        }
        last = net->n_calls - 1;
    }
    net->output = last;
done:
    return status;
}

static const cJSON *nodes_of(const keras_item *it) {
    return cJSON_GetObjectItemCaseSensitive(it->json, "inbound_nodes");
}

/* The first of REFS. */
static const cJSON *first_ref(const cJSON *v) {
    while (v && (cJSON_IsArray(v) || cJSON_IsObject(v)) && v->child && !cJSON_IsString(v->child)) v = v->child;
    return v;
}

/* The InputLayers in the order in which a call gives them their values. */
static limn_status list_inputs(keras_net *net) {
    limn_status status = LIMN_OK;
    const cJSON *refs = cJSON_GetObjectItemCaseSensitive(net->config, "input_layers"), *v;
    int n = cJSON_GetArraySize(refs);
    if (n == 0) FAIL(LIMN_EINPUT, "not a Keras configuration: the network has no input_layers");
    TRY(limn_new(&net->input, (size_t)n, sizeof *net->input));
    if (cJSON_IsString(refs->child)) {
        net->n_inputs = 1;
        TRY(find_call(net, refs, &net->input[0]));
    } else
        cJSON_ArrayForEach(v, refs) TRY(find_call(net, v, &net->input[net->n_inputs++]));
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
    TRY(find_call(net, first_ref(v), &net->output));
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
        TRY(new_group(all, it->name, NULL, &group));
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
    if (n > 0) TRY(find_call(net, nth_ref(refs, &n), &net->output));
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
    free(net->by_name);
    free(net);
}

void keras_nets_free(keras_nets *n) {
    for (size_t i = 0; i < n->n_groups; i++) free(n->group[i].array);
    free(n->group);
    free_net(n->net);
}
