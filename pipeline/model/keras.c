/* A Keras configuration as a graph: keras_net.c reads it, this file walks it.
 *
 * 1. The input: node 0, and no layer. Its size: an InputLayer's, or batch_input_shape of the first layer, or
 *    build_input_shape of the network.
 * 2. Of each network only what its output needs is built: a search backwards from the output's call marks it. Calls are
 *    then built in the file's order, each after what it reads; a network within is walked where it is called.
 * 3. A call of a layer is a layer of the graph, by its row of keras_layer_table (keras_table.c). Arrays of weights are
 *    asked for by group.
 * 4. Names: a layer keeps its own. Where layers of different networks bear one name, those within become
 *    NETWORK/NAME; the second call of a shared layer becomes NAME:2.
 * Threading: none of its own. */
#include "model/keras.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/keras_net.h"

enum { MAX_WALKS = 1 << 12 /* calls of networks within networks */ };

/* Where a layer of the graph comes from. */
typedef struct {
    const keras_net *net;
    const char *name;
    int index;
} origin;

typedef struct {
    limn_graph *g;
    keras_nets nets;
    int keras3, walks;
    origin *from; /* (g->n_layers) */
    size_t room;
} builder;

/* ---- the input --------------------------------------------------------------------------------------------------- */
static const cJSON *shape_of(const cJSON *config) {
    static const char *const key[] = {"batch_shape", "batch_input_shape"};
    for (int i = 0; i < 2; i++) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(config, key[i]);
        if (cJSON_IsArray(v)) return v;
    }
    return NULL;
}

/* The list that says how large the input of a network is; `input` is the InputLayer of a graph. NULL where none does. */
static const cJSON *find_shape(const keras_net *net, const keras_item *input) {
    const keras_item *first = input ? input : net->n_items ? &net->item[0] : NULL;
    const cJSON *v = first ? shape_of(first->config) : NULL;
    if (!v && first && first->net) v = find_shape(first->net, NULL);
    if (!v) v = cJSON_GetObjectItemCaseSensitive(net->config, "build_input_shape");
    if (!cJSON_IsArray(v) && first)
        v = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(first->json, "build_config"),
                                             "input_shape");
    return v;
}

static limn_status add_input(builder *b, const keras_item *input, keras_value *out) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    const cJSON *shape = find_shape(b->nets.net, input);
    if (!shape) FAIL(LIMN_EINPUT, "the file does not say how large the network's input is");
    TRY(keras_input_shape(shape, b->nets.channels_first, &a.shape));
    *out = (keras_value){0, !b->nets.channels_first};
    TRY(graph_add_node(b->g, LIMN_OP_INPUT, -1, &a, LIMN_NO_VALUES, LIMN_NO_VALUES, &out->node));
    limn_status s = limn_op_table[LIMN_OP_INPUT].shape(&b->g->node[0], NULL); /* layers ask for it */
    if (s != LIMN_OK) return limn_fail_at(s, "the input: ");
    b->g->node[0].batched = 1;
    b->g->input_hwc = out->hwc && a.shape.rank == 3;
done:
    return status;
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */
/* The arrays of a layer, out of its group's. */
static limn_status take_arrays(builder *b, const keras_item *it, keras_layer *l) {
    limn_status status = LIMN_OK;
    const keras_weights *w = b->nets.weights;
    keras_group *group = &b->nets.group[it->group];
    int trained = it->trained, state = it->state;
    if (group->n > 0 && !group->array) {
        const hdf5_entry **array;
        TRY(limn_new(&array, (size_t)group->n, sizeof *array));
        group->array = array;
        status = w->find(w, group->name, group->place, group->parts, group->n, array);
        if (status != LIMN_OK) {
            free(array);
            group->array = NULL;
            goto done;
        }
    }
    for (int i = 0; it->row->arrays && it->row->arrays[i].name; i++) {
        const keras_array *a = &it->row->arrays[i];
        int has;
        TRY(keras_has_array(a, it->config, &has));
        if (!has) continue;
        l->array[i] = group->array[it->frozen || a->state ? state++ : trained++];
        size_t n = strlen(l->array[i]->path); /* TensorFlow's names end so; Theano's do not */
        if (i == 0) l->rotated = w->theano || (it->keras1 && (n < 2 || strcmp(l->array[i]->path + n - 2, ":0") != 0));
    }
done:
    return status;
}

/* As Keras's count_params: the numbers of all arrays, those that are not trained too; of a shared layer its first call has
 * them. A Normalization that has moments counts its samples as well. */
static void count_params(const keras_item *it, const keras_call *c, const keras_net *net, const keras_layer *l,
                         limn_layer *layer) {
    int first = c == &net->call[it->first_call];
    layer->counted = 1;
    for (int i = 0; first && i < KERAS_MAX_ARRAYS; i++)
        if (l->array[i]) layer->params += l->array[i]->n;
    if (layer->params > 0 && strcmp(it->type, "Normalization") == 0) layer->params++;
}

/* Policies of weights in fewer bits have a mode: {"class_name": "QuantizedDTypePolicy", "config": {"mode": "int8", …}}. */
static limn_status check_dtype(const cJSON *config) {
    const cJSON *policy = cJSON_GetObjectItemCaseSensitive(config, "dtype"),
                *mode = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(policy, "config"), "mode");
    if (!cJSON_IsString(mode)) return LIMN_OK;
    return limn_fail(LIMN_EINPUT, "its weights are quantised (%.20s): limn reads float16, float32 and float64",
                     keras_is_name(mode->valuestring) ? mode->valuestring : "?");
}

static limn_status build_layer(builder *b, const keras_net *net, const keras_item *it, const keras_call *c,
                               const keras_value *in, const char *const *arg, keras_value *out) {
    limn_status status = LIMN_OK;
    int index, n_in = c->n_refs;
    keras_layer l = {.call = c->json,
                     .g = b->g,
                     .file = b->nets.weights->file,
                     .name = it->name,
                     .type = it->type,
                     .config = it->config,
                     .keras3 = b->keras3,
                     .hwc = !b->nets.channels_first,
                     .in = in,
                     .arg = arg,
                     .n_in = n_in,
                     .at = in[0],
                     .kernel_first = it->keras1 && b->nets.channels_first};
    if (n_in > 1 && !it->row->merges) FAIL(LIMN_EINPUT, "it reads %d values: only one is supported", n_in);
    TRY(limn_grow(&b->from, (size_t)b->g->n_layers, &b->room, sizeof *b->from));
    TRY(graph_add_layer(b->g, it->name, it->type, it->row->kind, &index));
    b->from[index] = (origin){net, it->name, index};
    TRY(check_dtype(it->config));
    TRY(take_arrays(b, it, &l));
    count_params(it, c, net, &l, &b->g->layer[index]);
    TRY(it->row->build(&l));
    *out = l.at;
    b->g->layer[index].hwc = l.at.hwc && b->g->node[l.at.node].out.rank == 3;
    return LIMN_OK;
done:
    return limn_fail_at(status, "layer `%s` (%s): ", it->name, it->type);
}

/* ---- walking ----------------------------------------------------------------------------------------------------- */
/* One call of a network. */
typedef struct {
    const keras_net *net;
    keras_value *value;   /* (n_values) */
    unsigned char *need;  /* (n_values) whether it is read */
    unsigned char *state; /* (n_calls) */
    int *stack;           /* (n_calls) */
    keras_value input;    /* of a chain that has no InputLayer */
} walk;
enum { UNSEEN, NEEDED, OPEN, DONE };

static void walk_free(walk *w) {
    free(w->value);
    free(w->need);
    free(w->state);
    free(w->stack);
}

static limn_status walk_new(walk *w, const keras_net *net) {
    limn_status status = LIMN_OK;
    size_t n = (size_t)net->n_calls;
    *w = (walk){.net = net};
    TRY(limn_new(&w->value, (size_t)net->n_values, sizeof *w->value));
    TRY(limn_new(&w->need, (size_t)net->n_values, 1));
    TRY(limn_new(&w->state, n, 1));
    TRY(limn_new(&w->stack, n, sizeof *w->stack));
done:
    return status;
}

static const keras_value *value_of(const walk *w, const keras_ref *r) {
    return r->call < 0 ? &w->input : &w->value[w->net->call[r->call].first_value + r->output];
}

static void mark_one(walk *w, const keras_ref *r, int *top) {
    if (r->call < 0) return;
    w->need[w->net->call[r->call].first_value + r->output] = 1;
    if (w->state[r->call] != UNSEEN) return;
    w->state[r->call] = NEEDED;
    w->stack[(*top)++] = r->call;
}

/* Marks what those results need that are asked for. */
static void mark(walk *w, const unsigned char *asked) {
    int top = 0;
    for (int i = 0; i < w->net->n_results; i++)
        if (asked[i]) mark_one(w, &w->net->result[i], &top);
    while (top > 0) {
        const keras_call *c = &w->net->call[w->stack[--top]];
        for (int i = 0; i < c->n_refs; i++) mark_one(w, &w->net->ref[c->first_ref + i], &top);
    }
}

static limn_status walk_net(builder *b, const keras_net *net, const keras_value *in, int n_in,
                            const unsigned char *asked, keras_value *out);

/* A call whose inputs are there. */
static limn_status build_call(builder *b, walk *w, int call) {
    limn_status status = LIMN_OK;
    const keras_call *c = &w->net->call[call];
    const keras_item *it = &w->net->item[c->item];
    keras_value *in = NULL, *out = &w->value[c->first_value];
    const char **arg = NULL;
    if (!it->row && !it->net) FAIL(LIMN_EINPUT, "a network with more than one input is not supported");
    if (c->n_refs == 0) FAIL(LIMN_EINPUT, "layer `%s` (%s): it reads nothing", it->name, it->type);
    TRY(limn_new(&in, (size_t)c->n_refs, sizeof *in));
    TRY(limn_new(&arg, (size_t)c->n_refs, sizeof *arg));
    for (int i = 0; i < c->n_refs; i++) {
        in[i] = *value_of(w, &w->net->ref[c->first_ref + i]);
        arg[i] = w->net->ref[c->first_ref + i].arg;
    }
    if (it->net)
        TRY(walk_net(b, it->net, in, c->n_refs, w->need + c->first_value, out));
    else
        TRY(build_layer(b, w->net, it, c, in, arg, out));
    w->state[call] = DONE;
done:
    free(arg);
    free(in);
    return status;
}

/* Builds a call after what it reads. */
static limn_status reach(builder *b, walk *w, int call) {
    limn_status status = LIMN_OK;
    int top = 0;
    w->stack[top++] = call;
    while (top > 0) {
        int at = w->stack[top - 1], waits = -1;
        const keras_call *c = &w->net->call[at];
        for (int i = 0; i < c->n_refs && waits < 0; i++) {
            int r = w->net->ref[c->first_ref + i].call;
            if (r >= 0 && w->state[r] != DONE) waits = r;
        }
        if (waits >= 0) {
            w->state[at] = OPEN;
            if (w->state[waits] == OPEN || waits == at)
                FAIL(LIMN_EINPUT, "its layers read one another in a circle (`%s`)", w->net->item[c->item].name);
            w->stack[top++] = waits;
            continue;
        }
        if (w->state[at] != DONE) TRY(build_call(b, w, at));
        top--;
    }
done:
    return status;
}

/* All that is marked, in the file's order; out (n_results) those that are asked for. */
static limn_status build_all(builder *b, walk *w, const unsigned char *asked, keras_value *out) {
    limn_status status = LIMN_OK;
    for (int i = 0; i < w->net->n_calls; i++)
        if (w->state[i] == NEEDED) TRY(reach(b, w, i));
    for (int i = 0; i < w->net->n_results; i++)
        if (asked[i]) out[i] = *value_of(w, &w->net->result[i]);
done:
    return status;
}

static void bind(walk *w, int call, keras_value v) {
    w->value[w->net->call[call].first_value] = v;
    w->state[call] = DONE;
}

/* A chain begins with the call of its InputLayer, or with none. */
static int chain_input(const keras_net *net) {
    return net->n_items && !net->item[0].row && !net->item[0].net ? 0 : -1;
}

static limn_status walk_net(builder *b, const keras_net *net, const keras_value *in, int n_in,
                            const unsigned char *asked, keras_value *out) {
    limn_status status = LIMN_OK;
    walk w = {0};
    int want = net->sequential ? 1 : net->n_inputs;
    if (++b->walks > MAX_WALKS) FAIL(LIMN_EINPUT, "more than %d calls of networks within networks", (int)MAX_WALKS);
    if (n_in != want)
        FAIL(LIMN_EINPUT, "the network `%s` within it is given %d values where it has %d inputs", net->name, n_in,
             want);
    TRY(walk_new(&w, net));
    mark(&w, asked);
    w.input = in[0];
    if (net->sequential && chain_input(net) == 0) bind(&w, 0, in[0]);
    for (int i = 0; i < net->n_inputs; i++) bind(&w, net->input[i], in[i]);
    TRY(build_all(b, &w, asked, out));
done:
    walk_free(&w);
    return status;
}

/* The outermost network: of its inputs the one that its output needs. */
static limn_status walk_outermost(builder *b) {
    limn_status status = LIMN_OK;
    const keras_net *net = b->nets.net;
    walk w = {0};
    int input = net->sequential ? chain_input(net) : -1;
    static const unsigned char asked[] = {1}; /* it has one result, the chosen one */
    keras_value out;
    TRY(walk_new(&w, net));
    mark(&w, asked);
    for (int i = 0; i < net->n_inputs; i++) {
        if (w.state[net->input[i]] == UNSEEN) continue;
        if (input >= 0) FAIL(LIMN_EINPUT, "a network with more than one input is not supported");
        input = net->input[i];
    }
    if (net->n_items == 0) FAIL(LIMN_EINPUT, "the network has no input");
    if (!net->sequential && input < 0) FAIL(LIMN_EINPUT, "its output does not depend on any input");
    TRY(add_input(b, input >= 0 ? &net->item[net->call[input].item] : NULL, &w.input));
    if (input >= 0) bind(&w, input, w.input);
    TRY(build_all(b, &w, asked, &out));
done:
    walk_free(&w);
    return status;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */
static int by_name(const void *a, const void *b) {
    const origin *x = a, *y = b;
    int c = strcmp(x->name, y->name);
    return c ? c : (x->index > y->index) - (x->index < y->index);
}

static limn_status rename_layer(builder *b, origin *o, char *name) {
    if (!keras_is_name(name)) {
        free(name);
        return limn_fail(LIMN_EINPUT, "two of its layers are called `%s`", o->name);
    }
    free(b->g->layer[o->index].name);
    b->g->layer[o->index].name = name;
    return LIMN_OK;
}

/* "outer/inner/name" */
static limn_status path_of(const origin *o, char **out) {
    limn_status status = LIMN_OK;
    char *all = NULL, *longer;
    TRY(limn_strdup(&all, o->name));
    for (const keras_net *n = o->net; n->outer; n = n->outer) {
        TRY(limn_format(&longer, "%s/%s", n->name, all));
        free(all);
        all = longer;
    }
    *out = all;
    all = NULL;
done:
    free(all);
    return status;
}

/* Layers of one name: by path where they are of several networks (step 0), numbered where they are one layer (step 1),
 * and refused where they still are (step 2). */
static limn_status name_apart(builder *b, int step) {
    limn_status status = LIMN_OK;
    int n = b->g->n_layers;
    char *name;
    for (int i = 0; i < n; i++) b->from[i].name = b->g->layer[b->from[i].index].name;
    qsort(b->from, (size_t)n, sizeof *b->from, by_name);
    for (int i = 0, end; i < n; i = end) {
        int differ = 0;
        for (end = i + 1; end < n && strcmp(b->from[end].name, b->from[i].name) == 0; end++)
            differ |= b->from[end].net != b->from[i].net;
        if (end - i > 1 && step == 2) FAIL(LIMN_EINPUT, "two of its layers are called `%s`", b->from[i].name);
        for (int k = i; k < end && end - i > 1; k++) {
            if (step == 0 && differ && b->from[k].net->outer) {
                TRY(path_of(&b->from[k], &name));
                TRY(rename_layer(b, &b->from[k], name));
            } else if (step == 1 && k > i) {
                TRY(limn_format(&name, "%s:%d", b->from[k].name, k - i + 1));
                TRY(rename_layer(b, &b->from[k], name));
            }
        }
    }
done:
    return status;
}

/* ---- whole ------------------------------------------------------------------------------------------------------- */
limn_status keras_build(limn_graph *g, const char *json, size_t n, const keras_weights *w) {
    limn_status status = LIMN_OK;
    builder b = {.g = g};
    cJSON *root = NULL;
    if (n > KERAS_MAX_JSON) FAIL(LIMN_EINPUT, "its configuration has more than %d bytes", (int)KERAS_MAX_JSON);
    TRY(keras_parse(&root, json, n));
    b.keras3 = g->producer && strncmp(g->producer, "keras ", 6) == 0 && atoi(g->producer + 6) >= 3;
    if (g->producer && strcmp(g->producer, "keras") == 0) /* Keras 3's to_json() tells no version, but modules */
        b.keras3 = cJSON_GetObjectItemCaseSensitive(root, "module") != NULL;
    TRY(keras_nets_parse(&b.nets, root, w));
    TRY(keras_nets_outputs(&b.nets, g));
    TRY(walk_outermost(&b));
    TRY(graph_finish(g));
    for (int step = 0; step < 3; step++) TRY(name_apart(&b, step));
done:
    keras_nets_free(&b.nets);
    free(b.from);
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
