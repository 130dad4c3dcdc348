/* What `limn info` prints of a network: a few facts, then a row a layer.
 *
 * A row: index and name (either names the layer in an experiment), type, the output's shape as the file's program shows
 * it, parameters, and what attribution can do there: "cam" (a picture larger than 1x1: a CAM's layer), "units" (a
 * vector: its units can be explained). The layers that `features: auto` and `layer: auto` choose are marked.
 * Names were checked when the network was read (UTF-8 without control characters). Threading: none of its own. */
#include "model/describe.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "text.h"

static size_t parameters(const limn_graph *g) {
    size_t n = 0;
    for (int i = 0; i < g->n_layers; i++) n += g->layer[i].params;
    return n;
}

static const char *can(const limn_graph *g, int layer) {
    const limn_shape *s = graph_layer_shape(g, layer);
    if (s->rank == 3) return s->dim[1] * s->dim[2] > 1 ? "cam" : "";
    return s->rank == 1 ? "units" : "";
}

/* The operation that makes the scores what they are, also where it has been swapped out. */
static const char *final_activation(const limn_graph *g) {
    limn_op op = g->final_activation;
    for (int i = g->n_nodes - 1; op == LIMN_OP_IDENTITY && i > 0; i = g->node[i].in[0]) {
        if (g->node[i].op == LIMN_OP_IDENTITY) continue;
        limn_op last = g->node[i].op;
        int activates =
            last == LIMN_OP_RELU || last == LIMN_OP_UNARY || last == LIMN_OP_SOFTMAX || last == LIMN_OP_LOG_SOFTMAX;
        return activates ? limn_op_name(&g->node[i]) : "linear";
    }
    if (op == LIMN_OP_UNARY) return "sigmoid";
    return op == LIMN_OP_IDENTITY ? "linear" : limn_op_table[op].name;
}

/* ---- table ------------------------------------------------------------------------------------------------------- */
/* Columns that a terminal gives to s: bytes but UTF-8's continuations. */
static int columns(const char *s) {
    int n = 0;
    for (; *s; s++) n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static int at_least(int a, int b) {
    return a > b ? a : b;
}

typedef struct {
    int name, type, shape, features, cam; /* columns; and the layers that are chosen: finding them goes over all */
} widths;

static widths measure(const limn_graph *g) {
    widths w = {5, 4, 6, graph_feature_layer(g), graph_cam_layer(g)}; /* of the headings */
    char buf[LIMN_SHAPE_TEXT];
    for (int i = 0; i < g->n_layers; i++) {
        w.name = at_least(w.name, columns(g->layer[i].name));
        w.type = at_least(w.type, columns(g->layer[i].type));
        w.shape = at_least(w.shape, columns(graph_shape_text(graph_layer_shape(g, i), g->layer[i].hwc, buf)));
    }
    return w;
}

static limn_status put_row(const text_out *t, const limn_graph *g, int i, const widths *w) {
    const limn_layer *l = &g->layer[i];
    char buf[LIMN_SHAPE_TEXT];
    const char *shape = graph_shape_text(graph_layer_shape(g, i), l->hwc, buf), *what = can(g, i);
    const char *marks[] = {w->features == i ? "  <- features: auto" : "", w->cam == i ? "  <- CAM layer: auto" : ""};
    int pad = *marks[0] || *marks[1] ? 5 : 0;
    return text_put(t, "%5d  %s%*s  %s%*s  %s%*s  %12zu%s%-*s%s%s\n", i, l->name, w->name - columns(l->name), "",
                    l->type, w->type - columns(l->type), "", shape, w->shape - columns(shape), "", l->params,
                    *what || pad ? "  " : "", pad, what, marks[0], marks[1]);
}

static limn_status as_table(const limn_graph *g, const text_out *t) {
    limn_status status = LIMN_OK;
    char in[LIMN_SHAPE_TEXT], out[LIMN_SHAPE_TEXT];
    widths w = measure(g);
    TRY(text_put(t, "%-12s %s, saved by %s\n", "format", g->format, g->producer));
    TRY(text_put(t, "%-12s %s\n", "sha256", g->hash));
    TRY(text_put(t, "%-12s %s\n", "input", graph_shape_text(graph_layer_shape(g, LIMN_INPUT), g->input_hwc, in)));
    TRY(text_put(t, "%-12s %s, final activation %s\n", "output",
                 graph_shape_text(graph_layer_shape(g, g->n_layers - 1), g->layer[g->n_layers - 1].hwc, out),
                 final_activation(g)));
    for (int i = 0; i < g->n_outputs && g->n_outputs > 1; i++)
        TRY(text_put(t, "%-12s %s%s\n", i ? "" : "outputs", g->output[i], i == g->chosen ? "  <- this one" : ""));
    TRY(text_put(t, "%-12s %zu\n\n", "parameters", parameters(g)));
    TRY(text_put(t, "%5s  %-*s  %-*s  %-*s  %12s  %s\n", "index", w.name, "layer", w.type, "type", w.shape, "output",
                 "parameters", "explains"));
    for (int i = 0; i < g->n_layers; i++) TRY(put_row(t, g, i, &w));
done:
    return status;
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */
/* s as a quoted CSV field, the caller's to free. */
static limn_status quote(char **out, const char *s) {
    limn_status status = limn_new(out, 2 * strlen(s) + 3, 1);
    if (status != LIMN_OK) return status;
    char *p = *out;
    *p++ = '"';
    for (; *s; s++) {
        if (*s == '"') *p++ = '"';
        *p++ = *s;
    }
    *p++ = '"';
    *p = 0;
    return LIMN_OK;
}

static limn_status as_csv(const limn_graph *g, const text_out *t) {
    limn_status status = LIMN_OK;
    char *name = NULL, *type = NULL, buf[LIMN_SHAPE_TEXT];
    int features = graph_feature_layer(g), cam = graph_cam_layer(g);
    TRY(text_put(t, "index,layer,type,output,parameters,explains,features_auto,cam_auto\n"));
    for (int i = 0; i < g->n_layers; i++) {
        const limn_layer *l = &g->layer[i];
        free(name);
        name = NULL;
        free(type);
        type = NULL;
        TRY(quote(&name, l->name));
        TRY(quote(&type, l->type));
        TRY(text_put(t, "%d,%s,%s,\"%s\",%zu,%s,%d,%d\n", i, name, type,
                     graph_shape_text(graph_layer_shape(g, i), l->hwc, buf), l->params, can(g, i), features == i,
                     cam == i));
    }
done:
    free(name);
    free(type);
    return status;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */
/* A failure to add is a lack of memory; what has been added so far hangs in the root, which the caller deletes. */
static int add_shape(cJSON *to, const char *key, const limn_shape *s, int hwc) {
    cJSON *list = cJSON_AddArrayToObject(to, key);
    int turn = hwc && s->rank == 3, ok = list != NULL;
    for (int i = 0; ok && i < s->rank; i++) {
        cJSON *n = cJSON_CreateNumber((double)s->dim[turn ? (i + 1) % 3 : i]);
        ok = n && cJSON_AddItemToArray(list, n);
    }
    return ok;
}

static int add_layer(cJSON *list, const limn_graph *g, int i) {
    const limn_layer *l = &g->layer[i];
    cJSON *o = cJSON_CreateObject();
    if (!o || !cJSON_AddItemToArray(list, o)) {
        cJSON_Delete(o);
        return 0;
    }
    return cJSON_AddNumberToObject(o, "index", i) && cJSON_AddStringToObject(o, "name", l->name) &&
           cJSON_AddStringToObject(o, "type", l->type) && add_shape(o, "output", graph_layer_shape(g, i), l->hwc) &&
           cJSON_AddNumberToObject(o, "parameters", (double)l->params) &&
           cJSON_AddBoolToObject(o, "cam", strcmp(can(g, i), "cam") == 0) &&
           cJSON_AddBoolToObject(o, "units", strcmp(can(g, i), "units") == 0);
}

/* A layer's name, or null. */
static int add_choice(cJSON *root, const char *key, const limn_graph *g, int layer) {
    return (layer < 0 ? cJSON_AddNullToObject(root, key) : cJSON_AddStringToObject(root, key, g->layer[layer].name)) !=
           NULL;
}

static int fill(cJSON *root, const limn_graph *g) {
    int last = g->n_layers - 1;
    if (!cJSON_AddStringToObject(root, "kind", "model") || !cJSON_AddStringToObject(root, "format", g->format) ||
        !cJSON_AddStringToObject(root, "producer", g->producer) || !cJSON_AddStringToObject(root, "sha256", g->hash) ||
        !add_shape(root, "input", graph_layer_shape(g, LIMN_INPUT), g->input_hwc) ||
        !add_shape(root, "output", graph_layer_shape(g, last), g->layer[last].hwc) ||
        !cJSON_AddStringToObject(root, "final_activation", final_activation(g)) ||
        !cJSON_AddNumberToObject(root, "parameters", (double)parameters(g)) ||
        !add_choice(root, "features_auto", g, graph_feature_layer(g)) ||
        !add_choice(root, "cam_auto", g, graph_cam_layer(g)))
        return 0;
    cJSON *list = cJSON_AddArrayToObject(root, "outputs");
    int ok = list && cJSON_AddNumberToObject(root, "output_index", g->chosen);
    for (int i = 0; ok && i < g->n_outputs; i++) {
        cJSON *name = cJSON_CreateString(g->output[i]);
        ok = name && cJSON_AddItemToArray(list, name);
    }
    list = ok ? cJSON_AddArrayToObject(root, "layers") : NULL;
    ok = list != NULL;
    for (int i = 0; ok && i < g->n_layers; i++) ok = add_layer(list, g, i);
    return ok;
}

static limn_status as_json(const limn_graph *g, const text_out *t) {
    limn_status status = LIMN_OK;
    cJSON *root = cJSON_CreateObject();
    char *text = root && fill(root, g) ? cJSON_Print(root) : NULL;
    if (!text) FAIL(LIMN_ENOMEM, "no memory for the description of a network");
    TRY(text_put(t, "%s\n", text));
done:
    cJSON_free(text);
    cJSON_Delete(root);
    return status;
}

limn_status model_describe(const limn_graph *g, limn_format_kind as, limn_text_fn write, void *ctx) {
    static limn_status (*const writers[])(const limn_graph *, const text_out *) = {
        [LIMN_TABLE] = as_table, [LIMN_CSV] = as_csv, [LIMN_JSON] = as_json};
    return writers[as](g, &(text_out){write, ctx});
}
