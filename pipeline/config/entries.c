/* The sections that fill structs of their own: data, and the entries of attribute, measures and plots, with
 * what the keys of an entry have to agree on (those of embed: embeds.c). */
#include "config/entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attribution/attribute.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/try.h"
#include "measures/measures.h"
#include "plots/palette.h"

/* ---- data -------------------------------------------------------------------------------------------------------- */

static limn_status set_data(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_data_options *o = (limn_data_options *)(void *)((char *)into + k->offset);
    experiment_given given;
    *o = (limn_data_options)LIMN_DATA_OPTIONS_INIT;
    o->seed = p->e->seed;
    return experiment_read_map(p, experiment_section_find("data"), node, o, &given);
}

static cJSON *put_section(const char *where, const void *from) {
    cJSON *o = cJSON_CreateObject();
    if (o && experiment_put_map(o, experiment_section_find(where), from, NULL, "") == LIMN_OK) return o;
    cJSON_Delete(o);
    return NULL;
}

static cJSON *put_data(const experiment_key *k, const void *from) {
    return put_section("data", (const char *)from + k->offset);
}
const experiment_type experiment_data_type = {set_data, put_data};

/* Names and preprocessing are those of `data`, which has been read, where it has none of its own. */
static limn_status set_held_out(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    const limn_data_options *data = &p->e->data;
    limn_data_options *o = (limn_data_options *)(void *)((char *)into + k->offset);
    experiment_given given;
    *o = (limn_data_options)LIMN_DATA_OPTIONS_INIT;
    o->seed = p->e->seed;
    TRY(experiment_read_map(p, experiment_section_find("data"), node, o, &given));
    if (!experiment_given_for(experiment_section_find("data"), &given, "preprocess")) {
        o->pre = data->pre;
        o->pre.preset = NULL;
        TRY(limn_strdup(&o->pre.preset, data->pre.preset));
    }
    if (o->n_classes == 0 && data->n_classes > 0) {
        char **name;
        TRY(limn_new(&name, data->n_classes, sizeof *name));
        o->classes = name;
        for (; o->n_classes < data->n_classes; o->n_classes++)
            TRY(limn_strdup(&name[o->n_classes], data->classes[o->n_classes]));
    }
done:
    return status;
}

static cJSON *put_held_out(const experiment_key *k, const void *from) {
    const limn_data_options *o = (const limn_data_options *)(const void *)((const char *)from + k->offset);
    return o->n_images > 0 ? put_section("data", o) : cJSON_CreateNull();
}
const experiment_type experiment_held_out_type = {set_held_out, put_held_out};

/* ---- lists of entries -------------------------------------------------------------------------------------------- */

static void *array_of(const entry_rule *r, const limn_experiment *e) {
    void *array;
    memcpy(&array, (const char *)e + r->array, sizeof array);
    return array;
}

static size_t count_of(const entry_rule *r, const limn_experiment *e) {
    size_t n;
    memcpy(&n, (const char *)e + r->count, sizeof n);
    return n;
}

limn_status experiment_add_entry(limn_experiment *e, const entry_rule *r) {
    limn_status status = LIMN_OK;
    size_t n = count_of(r, e);
    void *old = array_of(r, e), *array;
    TRY(limn_new(&array, n + 1, r->size));
    if (n > 0) memcpy(array, old, n * r->size);
    free(old);
    n++;
    memcpy((char *)e + r->array, &array, sizeof array);
    memcpy((char *)e + r->count, &n, sizeof n);
done:
    return status;
}

static limn_status read_entry(experiment_parser *p, const entry_rule *r, yaml_node_t *node, size_t i) {
    limn_status status = LIMN_OK;
    experiment_given given;
    void *entry = (char *)array_of(r, p->e) + i * r->size;
    r->begin(p, entry, experiment_line(node));
    TRY(experiment_read_map(p, experiment_section_find(r->where), node, entry, &given));
    TRY(r->end(p, r, entry, i, node, &given));
done:
    return status;
}

limn_status experiment_read_entries(experiment_parser *p, const experiment_key *k, yaml_node_t *node,
                                    const entry_rule *r) {
    limn_status status = LIMN_OK;
    experiment_list list;
    if (experiment_is_empty(node)) return LIMN_OK;
    if (node->type == YAML_SCALAR_NODE) TRY(experiment_wrong(p, k, node, NULL));
    TRY(experiment_items(p, k, node, EXPERIMENT_MAX_ENTRIES, &list));
    for (size_t i = 0; i < list.n; i++) {
        TRY(experiment_add_entry(p->e, r));
        TRY(read_entry(p, r, experiment_item(p, &list, i), count_of(r, p->e) - 1));
    }
done:
    return status;
}

cJSON *experiment_put_entries(const limn_experiment *e, const entry_rule *r,
                              limn_status (*text)(cJSON *o, const void *)) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; list && i < count_of(r, e); i++) {
        cJSON *o = cJSON_CreateObject();
        if (o && text(o, (const char *)array_of(r, e) + i * r->size) == LIMN_OK && cJSON_AddItemToArray(list, o))
            continue;
        cJSON_Delete(o);
        cJSON_Delete(list);
        return NULL;
    }
    return list;
}

/* Whether an entry before i bears the name. */
int experiment_name_taken(const entry_rule *r, const limn_experiment *e, size_t i, const char *name) {
    for (size_t j = 0; j < i; j++) {
        const char *other;
        memcpy(&other, (const char *)array_of(r, e) + j * r->size, sizeof other);
        if (other && !strcmp(other, name)) return 1;
    }
    return 0;
}

/* Gives the entry its default name where it has none; a name that an earlier entry bears is refused, a default that is
 * taken gets a number. */
limn_status experiment_settle_name(const experiment_parser *p, const entry_rule *r, char **name, const char *fallback,
                                   size_t i, yaml_node_t *node, const experiment_given *given) {
    limn_status status = LIMN_OK;
    if (*name) {
        const yaml_node_t *at = experiment_given_for(experiment_section_find(r->where), given, "name");
        if (experiment_name_taken(r, p->e, i, *name))
            TRY(experiment_fail(p, at ? at : node, "two entries of `%s` are called `%s`", r->where, *name));
        return LIMN_OK;
    }
    TRY(limn_format(name, "%.64s", fallback));
    for (unsigned number = 2; experiment_name_taken(r, p->e, i, *name); number++) {
        free(*name);
        TRY(limn_format(name, "%.58s-%u", fallback, number));
    }
done:
    return status;
}

/* ---- attribute --------------------------------------------------------------------------------------------------- */

static void attribute_begin(const experiment_parser *p, void *entry, int line) {
    (void)p;
    ((experiment_attribute *)entry)->line = line;
}

/* Puts "FILE:LINE: " before what the attribution table says. */
static limn_status at_line(const experiment_parser *p, const yaml_node_t *node, limn_status s) {
    if (s == LIMN_OK) return s;
    return limn_fail_at(s, "%s:%d: ", p->e->path, experiment_line(node));
}

limn_status experiment_attribute_options(const limn_method **m, limn_attribute_options *o,
                                         const experiment_attribute *a) {
    limn_status status = LIMN_OK;
    TRY(limn_method_get(m, a->method, a->flavour));
    *o = limn_attribute_defaults(*m);
    for (size_t i = 0; i < a->n_settings; i++) TRY(limn_attribute_set(*m, o, a->setting[i].key, a->setting[i].value));
done:
    return status;
}

/* The text of an option: a word, or the items of a list, one a line. */
static limn_status setting_text(const experiment_parser *p, const char *key, yaml_node_t *node, char **out) {
    limn_status status = LIMN_OK;
    const experiment_key row = {.key = key, .values = "a word, a number or a list of them"};
    experiment_list list;
    const char *text;
    TRY(experiment_items(p, &row, node, EXPERIMENT_MAX_OPTIONS, &list));
    for (size_t i = 0; i < list.n; i++) {
        char *longer;
        TRY(experiment_scalar(p, &row, experiment_item(p, &list, i), &text));
        TRY(limn_format(&longer, "%s%s%s", *out ? *out : "", *out ? "\n" : "", text));
        free(*out);
        *out = longer;
    }
done:
    return status;
}

/* Keeps the options that were given, each tried by itself, so that the message has its line. */
static limn_status keep_settings(const experiment_parser *p, experiment_setting **setting, size_t *n,
                                 const limn_method *m, const experiment_given *given) {
    limn_status status = LIMN_OK;
    limn_attribute_options o = limn_attribute_defaults(m);
    if (given->n_options > 0) TRY(limn_new(setting, given->n_options, sizeof **setting));
    for (size_t i = 0; i < given->n_options; i++) {
        const char *key = (const char *)given->option[0][i]->data.scalar.value;
        experiment_setting *kept = &(*setting)[(*n)++];
        TRY(limn_format(&kept->key, "%s", key));
        TRY(setting_text(p, key, given->option[1][i], &kept->value));
        TRY(at_line(p, given->option[1][i], limn_attribute_set(m, &o, key, kept->value)));
    }
done:
    return status;
}

static limn_status attribute_end(experiment_parser *p, const entry_rule *r, void *entry, size_t i, yaml_node_t *node,
                                 const experiment_given *given) {
    limn_status status = LIMN_OK;
    experiment_attribute *a = entry;
    const experiment_section *s = experiment_section_find("attribute");
    const yaml_node_t *at = experiment_given_for(s, given, "flavour");
    const limn_method *m;
    char fallback[80];
    if (!limn_method_find(a->method, NULL) || !at) at = experiment_given_for(s, given, "method");
    TRY(at_line(p, at, limn_method_get(&m, a->method, a->flavour)));
    TRY(keep_settings(p, &a->setting, &a->n_settings, m, given));
    snprintf(fallback, sizeof fallback, "%s%s%s", a->method, strcmp(a->flavour, "limn") ? "-" : "",
             strcmp(a->flavour, "limn") ? a->flavour : "");
    TRY(experiment_settle_name(p, r, &a->name, fallback, i, node, given));
    if (!strcmp(a->name, "input"))
        TRY(experiment_fail(p, node, "an entry of `attribute` cannot be called `input`: plots call the input so"));
    if (!experiment_given_for(s, given, "target")) TRY(experiment_target_copy(&a->target, &p->e->target));
done:
    return status;
}
static const entry_rule attribute_rule = {"attribute",
                                          offsetof(limn_experiment, attribute),
                                          offsetof(limn_experiment, n_attributes),
                                          sizeof(experiment_attribute),
                                          attribute_begin,
                                          attribute_end};

static limn_status set_attributes(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    (void)into;
    return experiment_read_entries(p, k, node, &attribute_rule);
}

static limn_status put_json(cJSON *o, char *text);

static limn_status put_options(cJSON *o, const experiment_attribute *a) {
    char *text;
    limn_status s = experiment_attribute_json(&text, a);
    return s == LIMN_OK ? put_json(o, text) : s;
}

static limn_status attribute_put(cJSON *o, const void *entry) {
    limn_status s = experiment_put_map(o, experiment_section_find("attribute"), entry, NULL, "");
    return s == LIMN_OK ? put_options(o, entry) : s;
}

static cJSON *put_attributes(const experiment_key *k, const void *from) {
    (void)k;
    return experiment_put_entries(from, &attribute_rule, attribute_put);
}
const experiment_type experiment_attributes_type = {set_attributes, put_attributes};

/* ---- measures ---------------------------------------------------------------------------------------------------- */

limn_status experiment_measure_options(const limn_method **m, limn_attribute_options *o, const experiment_measure *e) {
    limn_status status = LIMN_OK;
    TRY(limn_measure_get(m, e->metric));
    *o = limn_attribute_defaults(*m);
    for (size_t i = 0; i < e->n_settings; i++) TRY(limn_attribute_set(*m, o, e->setting[i].key, e->setting[i].value));
done:
    return status;
}

static void measure_begin(const experiment_parser *p, void *entry, int line) {
    (void)p;
    ((experiment_measure *)entry)->line = line;
}

static limn_status measure_end(experiment_parser *p, const entry_rule *r, void *entry, size_t i, yaml_node_t *node,
                               const experiment_given *given) {
    limn_status status = LIMN_OK;
    experiment_measure *e = entry;
    const limn_method *m;
    size_t of = e->n_of > 0 ? e->n_of : p->e->n_attributes;
    (void)i;
    TRY(at_line(p, experiment_given_for(experiment_section_find(r->where), given, "metric"),
                limn_measure_get(&m, e->metric)));
    TRY(keep_settings(p, &e->setting, &e->n_settings, m, given));
    if (of < (m->run ? 1 : 2))
        TRY(experiment_fail(p, node, "`%s` needs %s of `attribute`", e->metric, m->run ? "an entry" : "two entries"));
done:
    return status;
}
static const entry_rule measure_rule = {"measures",
                                        offsetof(limn_experiment, measure),
                                        offsetof(limn_experiment, n_measures),
                                        sizeof(experiment_measure),
                                        measure_begin,
                                        measure_end};

static limn_status set_measures(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    (void)into;
    return experiment_read_entries(p, k, node, &measure_rule);
}

/* Adds the options that a method, or a measure, has, as its own table names their values. */
static limn_status put_json(cJSON *o, char *text) {
    limn_status status = LIMN_OK;
    cJSON *own = cJSON_Parse(text), *item;
    while (own && (item = cJSON_DetachItemFromArray(own, 0)))
        if (!cJSON_AddItemToObject(o, item->string, item)) cJSON_Delete(item), cJSON_Delete(own), own = NULL;
    if (!own) FAIL(LIMN_ENOMEM, "no memory for the options as JSON");
done:
    cJSON_Delete(own);
    free(text);
    return status;
}

static limn_status measure_put(cJSON *o, const void *entry) {
    limn_status status = LIMN_OK;
    const limn_method *m;
    limn_attribute_options options;
    char *text;
    TRY(experiment_put_map(o, experiment_section_find("measures"), entry, NULL, ""));
    TRY(experiment_measure_options(&m, &options, entry));
    TRY(limn_attribute_json(&text, m, &options));
    TRY(put_json(o, text));
done:
    return status;
}

static cJSON *put_measures(const experiment_key *k, const void *from) {
    (void)k;
    return experiment_put_entries(from, &measure_rule, measure_put);
}
const experiment_type experiment_measures_type = {set_measures, put_measures};

/* ---- plots ------------------------------------------------------------------------------------------------------- */

static void plot_begin(const experiment_parser *p, void *entry, int line) {
    (void)p;
    ((experiment_plot *)entry)->line = line;
}

static const char *const plot_kind_word[] = {
    [PLOT_SCATTER] = "scatter", [PLOT_HEATMAPS] = "heatmaps", [PLOT_PICTURE] = "picture",
    [PLOT_MATRIX] = "matrix",   [PLOT_BARS] = "bars",         [PLOT_LINES] = "lines"};

/* `query` and `sql` belong together. */
static limn_status check_query(const experiment_parser *p, experiment_plot *plot, yaml_node_t *node,
                               const experiment_given *given) {
    const experiment_section *s = experiment_section_find("plots");
    const yaml_node_t *sql = experiment_given_for(s, given, "sql");
    if (plot->kind == PLOT_HEATMAPS) {
        if (sql && !experiment_given_for(s, given, "select")) plot->select = SELECT_QUERY;
        if (sql && plot->select != SELECT_QUERY)
            return experiment_fail(p, sql, "`sql` chooses the samples: it needs `select: query`, or no `select`");
        if (!sql && plot->select == SELECT_QUERY)
            return experiment_fail(p, node, "`select: query` needs `sql`, a SELECT of sample_id");
    } else if (plot->of && !strcmp(plot->of, "query") && !sql) {
        return experiment_fail(p, node, "`%s: query` needs `sql`, a SELECT", given->kind);
    } else if (sql && strcmp(plot->of, "query")) {
        return experiment_fail(p, sql, "`sql` is what `%s: query` draws, not `%s`", given->kind, plot->of);
    }
    const yaml_node_t *colour = experiment_given_for(s, given, "colour");
    if (sql && colour) return experiment_fail(p, colour, "the third column of `sql` is the colour");
    return LIMN_OK;
}

/* per_class and rows each belong to a selection: what would be ignored is refused. */
static limn_status check_selection(const experiment_parser *p, const experiment_plot *plot,
                                   const experiment_given *given) {
    const experiment_section *s = experiment_section_find("plots");
    const yaml_node_t *per_class = experiment_given_for(s, given, "per_class"),
                      *rows = experiment_given_for(s, given, "rows");
    if (per_class && plot->select != SELECT_PER_CLASS)
        return experiment_fail(p, per_class, "`per_class` needs `select: per_class`, which is the default");
    if (rows && plot->select == SELECT_PER_CLASS)
        return experiment_fail(p, rows, "`rows` needs `select: errors`, `first` or `query`");
    return LIMN_OK;
}

static limn_status check_palette(const experiment_parser *p, const experiment_plot *plot,
                                 const experiment_given *given) {
    const experiment_section *s = experiment_section_find("plots");
    char known[256], hint[96];
    size_t n = (size_t)snprintf(known, sizeof known, "auto");
    experiment_shown shown;
    if (!strcmp(plot->palette, "auto") || limn_palette_find(plot->palette)) return LIMN_OK;
    for (const limn_palette *l = limn_palettes; l->name && n < sizeof known; l++)
        n += (size_t)snprintf(known + n, sizeof known - n, ", %s", l->name);
    const char *nearest = limn_nearest_in(plot->palette, limn_palettes, sizeof *limn_palettes);
    return experiment_fail(p, experiment_given_for(s, given, "palette"), "unknown palette `%s`%s (known: %s)",
                           experiment_show(&shown, plot->palette), limn_did_you_mean(hint, sizeof hint, nearest),
                           known);
}

/* A picture is made of pixels: png (its default) or jpg. */
static limn_status picture_formats(const experiment_parser *p, experiment_plot *plot, const experiment_given *given) {
    const yaml_node_t *at = experiment_given_for(experiment_section_find("plots"), given, "format");
    for (size_t i = plot->n_formats; i-- > 0;) {
        if (!strcmp(plot->format[i], "png") || !strcmp(plot->format[i], "jpg")) continue;
        if (at) return experiment_fail(p, at, "a `picture` is png or jpg, not %s", plot->format[i]);
        free(plot->format[i]);
        plot->format[i] = plot->format[--plot->n_formats];
    }
    return LIMN_OK;
}

static limn_status plot_end(experiment_parser *p, const entry_rule *r, void *entry, size_t i, yaml_node_t *node,
                            const experiment_given *given) {
    limn_status status = LIMN_OK;
    experiment_plot *plot = entry;
    char fallback[160];
    while (strcmp(plot_kind_word[plot->kind], given->kind)) plot->kind++;
    TRY(check_query(p, plot, node, given));
    if (plot->palette) TRY(check_palette(p, plot, given));
    if (plot->kind == PLOT_PICTURE) TRY(picture_formats(p, plot, given));
    if (plot->kind == PLOT_SCATTER)
        snprintf(fallback, sizeof fallback, "%s%s%s", plot->of, plot->sql ? "" : "-", plot->sql ? "" : plot->colour);
    else if (plot->kind == PLOT_MATRIX || plot->kind == PLOT_BARS || plot->kind == PLOT_LINES)
        snprintf(fallback, sizeof fallback, "%s%s%s", strcmp(plot->of, "query") ? plot->of : given->kind,
                 plot->metric ? "-" : "", plot->metric ? plot->metric : "");
    else if (plot->kind == PLOT_PICTURE)
        snprintf(fallback, sizeof fallback, "%s", plot->column[0]);
    else
        snprintf(fallback, sizeof fallback, "%s", plot->select == SELECT_ERRORS ? "errors" : "heatmaps");
    TRY(check_selection(p, plot, given));
    TRY(experiment_settle_name(p, r, &plot->name, fallback, i, node, given));
done:
    return status;
}
static const entry_rule plot_rule = {
    "plots", offsetof(limn_experiment, plot), offsetof(limn_experiment, n_plots), sizeof(experiment_plot), plot_begin,
    plot_end};

static limn_status set_plots(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    (void)into;
    return experiment_read_entries(p, k, node, &plot_rule);
}

static limn_status plot_put(cJSON *o, const void *entry) {
    const experiment_plot *plot = entry;
    char skip[64]; /* what does not hold beside the others */
    snprintf(skip, sizeof skip, "%s %s", plot->select == SELECT_PER_CLASS ? "rows" : "per_class",
             plot->sql ? "colour" : "sql");
    return experiment_put_map(o, experiment_section_find("plots"), plot, plot_kind_word[plot->kind], skip);
}

static cJSON *put_plots(const experiment_key *k, const void *from) {
    (void)k;
    return experiment_put_entries(from, &plot_rule, plot_put);
}
const experiment_type experiment_plots_type = {set_plots, put_plots};

/* ---- one entry's options as JSON --------------------------------------------------------------------------------- */

limn_status experiment_attribute_json(char **out, const experiment_attribute *a) {
    const limn_method *m;
    limn_attribute_options o;
    limn_status s = experiment_attribute_options(&m, &o, a);
    *out = NULL;
    return s == LIMN_OK ? limn_attribute_json(out, m, &o) : s;
}

limn_status experiment_plot_json(char **out, const experiment_plot *plot) {
    cJSON *o = cJSON_CreateObject();
    return experiment_print(out, o, plot_put(o, plot));
}
