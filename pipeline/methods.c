/* limn_methods: the tables that the program is made of, each with its options and defaults: attribution and CAM
 * methods, keys of the experiment file (embeddings among them), model and data readers, figures. A table printed here
 * is the one that the code runs by. */
#include "limn.h"

#include <cJSON.h>
#include <stdlib.h>

#include "attribution/attribute.h"
#include "base/mem.h"
#include "base/try.h"
#include "config/experiment.h"
#include "data/reader.h"
#include "data/resize.h"
#include "measures/measures.h"
#include "model/graph.h"
#include "plots/palette.h"
#include "plots/scatter.h"
#include "text.h"

/* A row of any table, as it is shown. */
typedef struct {
    const char *name, *more, *help; /* more: a flavour, the default; or NULL */
} row;

typedef struct {
    const char *title;
    int (*get)(int i, row *r); /* the i-th row, 0 where there are no more */
} listing;

static int attribution_row(int i, row *r) {
    const limn_method *m = &limn_methods_table[i];
    *r = (row){m->name, m->flavour, m->help};
    return m->name != NULL;
}
static int measure_row(int i, row *r) {
    *r = (row){limn_measures_table[i].name, limn_measures_table[i].run ? "" : "of two maps",
               limn_measures_table[i].help};
    return r->name != NULL;
}
static int model_row(int i, row *r) {
    *r = (row){limn_model_readers[i].name, NULL, limn_model_readers[i].help};
    return r->name != NULL;
}
static int data_row(int i, row *r) {
    *r = (row){data_readers[i].name, NULL, data_readers[i].help};
    return r->name != NULL;
}
static int preset_row(int i, row *r) {
    *r = (row){limn_presets[i].name, NULL, limn_presets[i].help};
    return r->name != NULL;
}
static int resize_row(int i, row *r) {
    *r = (row){resize_rules[i].name, NULL, resize_rules[i].help};
    return r->name != NULL;
}
static int colour_row(int i, row *r) {
    *r = (row){limn_scatter_colours[i].name, NULL, limn_scatter_colours[i].help};
    return r->name != NULL;
}
static int palette_row(int i, row *r) {
    *r = (row){limn_palettes[i].name, NULL, limn_palettes[i].help};
    return r->name != NULL;
}
static int format_row(int i, row *r) {
    *r = (row){limn_plot_formats[i].name, NULL, limn_plot_formats[i].help};
    return r->name != NULL;
}

static const listing listings[] = {
    {"attribution", attribution_row}, {"measures", measure_row},     {"model readers", model_row},
    {"data readers", data_row},       {"interpolation", resize_row}, {"presets of preprocess", preset_row},
    {"scatter colours", colour_row},  {"palettes", palette_row},     {"figure formats", format_row},
};

/* The options of the i-th row, where the table has any. */
static const limn_option_row *options_of(const listing *l, int i) {
    return l->get == attribution_row ? limn_methods_table[i].options
           : l->get == measure_row   ? limn_measures_table[i].options
                                     : NULL;
}

static limn_status options_text(const text_out *t, const limn_option_row *o) {
    limn_status status = LIMN_OK;
    for (; o && o->key; o++) {
        TRY(text_put(t, "      %s: %s [%s]\n", o->key, o->values, o->fallback));
        TRY(text_put(t, "          %s\n", o->help));
    }
done:
    return status;
}

static limn_status as_text(const text_out *t) {
    limn_status status = LIMN_OK;
    row r;
    for (size_t l = 0; l < COUNT_OF(listings); l++) {
        TRY(text_put(t, "%s%s\n", l ? "\n" : "", listings[l].title));
        for (int i = 0; listings[l].get(i, &r); i++) {
            TRY(text_put(t, "  %-16s %-12s %s\n", r.name, r.more ? r.more : "", r.help));
            if (options_of(&listings[l], i)) TRY(options_text(t, options_of(&listings[l], i)));
        }
    }
    TRY(text_put(t, "\noptions of every attribution method\n"));
    TRY(options_text(t, limn_common_options));
    for (const experiment_section *s = experiment_sections; s->where; s++) {
        TRY(text_put(t, "\nexperiment file: %s\n", s->where));
        for (const experiment_key *k = s->key; k->key; k++) {
            TRY(text_put(t, "  %-18s %s [%s]%s%s%s\n", k->key, k->values, k->fallback ? k->fallback : "required",
                         k->only ? " (" : "", k->only ? k->only : "", k->only ? ")" : ""));
            TRY(text_put(t, "      %s\n", k->help));
        }
    }
done:
    return status;
}

static int add(cJSON *o, const char *key, const char *value) {
    return value ? cJSON_AddStringToObject(o, key, value) != NULL : cJSON_AddNullToObject(o, key) != NULL;
}

/* A new object at the end of an array; NULL without memory. */
static cJSON *append(cJSON *array) {
    cJSON *o = cJSON_CreateObject();
    if (o && !cJSON_AddItemToArray(array, o)) {
        cJSON_Delete(o);
        o = NULL;
    }
    return o;
}

static int options_json(cJSON *array, const limn_option_row *k) {
    for (; k->key; k++) {
        cJSON *entry = append(array);
        if (!entry || !add(entry, "key", k->key) || !add(entry, "values", k->values) ||
            !add(entry, "default", k->fallback) || !add(entry, "help", k->help))
            return 0;
    }
    return 1;
}

static int listing_json(cJSON *top, const listing *l) {
    cJSON *array = cJSON_AddArrayToObject(top, l->title), *o, *options;
    row r;
    if (!array) return 0;
    for (int i = 0; l->get(i, &r); i++) {
        if (!(o = append(array)) || !add(o, "name", r.name) || !add(o, "help", r.help)) return 0;
        if (!options_of(l, i)) continue;
        if (l->get == attribution_row && !add(o, "flavour", r.more)) return 0;
        if (!(options = cJSON_AddArrayToObject(o, "options")) || !options_json(options, options_of(l, i))) return 0;
    }
    return 1;
}

static int section_json(cJSON *top, const experiment_section *s) {
    cJSON *array = cJSON_AddArrayToObject(top, s->where), *o;
    if (!array) return 0;
    for (const experiment_key *k = s->key; k->key; k++)
        if (!(o = append(array)) || !add(o, "key", k->key) || !add(o, "values", k->values) ||
            !add(o, "default", k->fallback) || !add(o, "only", k->only) || !add(o, "help", k->help))
            return 0;
    return 1;
}

static limn_status as_json(const text_out *t) {
    limn_status status = LIMN_OK;
    cJSON *top = cJSON_CreateObject(), *file = top ? cJSON_AddObjectToObject(top, "experiment file") : NULL;
    char *text = NULL;
    int ok = file != NULL;
    for (size_t l = 0; ok && l < COUNT_OF(listings); l++) ok = listing_json(top, &listings[l]);
    cJSON *common = ok ? cJSON_AddArrayToObject(top, "options of every attribution method") : NULL;
    ok = common && options_json(common, limn_common_options);
    for (const experiment_section *s = experiment_sections; ok && s->where; s++) ok = section_json(file, s);
    text = ok ? cJSON_Print(top) : NULL;
    if (!text) FAIL(LIMN_ENOMEM, "no memory for the list of methods");
    TRY(text_put(t, "%s\n", text));
done:
    cJSON_free(text);
    cJSON_Delete(top);
    return status;
}

limn_status limn_methods(limn_format_kind as, limn_text_fn write, void *ctx) {
    text_out t = {write, ctx};
    return as == LIMN_JSON ? as_json(&t) : as_text(&t);
}
