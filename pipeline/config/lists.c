/* Types of values that may be lists: files, class names, layers, channels, formats, columns; and of references to other
 * entries. One value stands for a list of one. Lists are bounded before memory is taken for them.
 *
 * Ownership: as values.c; the items of a list are copies, counted only once they are there. */
#include "config/parse.h"

#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/try.h"

/* *array = room for the list; texts are then added one by one, so that what is there can always be freed. */
static limn_status add_text(char **array, size_t *n, const char *text) {
    limn_status s = limn_strdup(&array[*n], text);
    if (s == LIMN_OK) ++*n;
    return s;
}

static cJSON *put_texts(char *const *text, size_t n) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; list && i < n; i++) {
        cJSON *item = cJSON_CreateString(text[i]);
        if (item && cJSON_AddItemToArray(list, item)) continue;
        cJSON_Delete(item);
        cJSON_Delete(list);
        return NULL;
    }
    return list;
}

/* ---- model ------------------------------------------------------------------------------------------------------- */

static limn_status set_model(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_experiment *e = into;
    experiment_given given;
    const char *text;
    if (node->type == YAML_MAPPING_NODE)
        return experiment_read_map(p, experiment_section_find("model"), node, e, &given);
    limn_status s = experiment_scalar(p, k, node, &text);
    if (s != LIMN_OK) return s;
    return *text ? experiment_resolve_path(&e->model, e, text) : experiment_wrong(p, k, node, NULL);
}

static cJSON *put_model(const experiment_key *k, const void *from) {
    const limn_experiment *e = from;
    (void)k;
    if (!e->weights && !e->output) return cJSON_CreateString(e->model);
    cJSON *o = cJSON_CreateObject();
    if (o && experiment_put_map(o, experiment_section_find("model"), e, e->weights ? "config" : "file",
                                e->output ? "" : "output") == LIMN_OK)
        return o;
    cJSON_Delete(o);
    return NULL;
}
const experiment_type experiment_model_type = {set_model, put_model};

/* ---- data -------------------------------------------------------------------------------------------------------- */

static limn_status set_images(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    limn_data_options *o = into;
    experiment_list list;
    char **path = NULL;
    TRY(experiment_items(p, k, node, EXPERIMENT_MAX_NODES, &list));
    TRY(limn_new(&path, list.n, sizeof *path));
    o->images = path; /* the experiment's from here on */
    for (size_t i = 0; i < list.n; i++) {
        yaml_node_t *item = experiment_item(p, &list, i);
        const char *text;
        TRY(experiment_scalar(p, k, item, &text));
        if (!*text) TRY(experiment_wrong(p, k, item, NULL));
        TRY(experiment_resolve_path(&path[i], p->e, text));
        o->n_images = i + 1;
    }
done:
    return status;
}

static cJSON *put_images(const experiment_key *k, const void *from) {
    const limn_data_options *o = from;
    (void)k;
    return put_texts(o->images, o->n_images);
}
const experiment_type experiment_images_type = {set_images, put_images};

/* Class names are data of any content (UTF-8 without NUL): nothing is read into them. */
static limn_status set_classes(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    limn_data_options *o = into;
    experiment_list list;
    char **name = NULL;
    if (node->type != YAML_SEQUENCE_NODE) TRY(experiment_wrong(p, k, node, NULL));
    TRY(experiment_items(p, k, node, EXPERIMENT_MAX_NODES, &list));
    TRY(limn_new(&name, list.n, sizeof *name));
    o->classes = name;
    for (size_t i = 0; i < list.n; i++) {
        const char *text;
        TRY(experiment_scalar(p, k, experiment_item(p, &list, i), &text));
        TRY(add_text(name, &o->n_classes, text));
    }
done:
    return status;
}

static cJSON *put_classes(const experiment_key *k, const void *from) {
    const limn_data_options *o = from;
    (void)k;
    return o->n_classes > 0 ? put_texts(o->classes, o->n_classes) : cJSON_CreateNull();
}
const experiment_type experiment_classes_type = {set_classes, put_classes};

/* mean and std: a number is every channel's; a list's last number is that of all the channels that follow. */
static limn_status set_channels(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    double *value = (double *)(void *)((char *)into + k->offset);
    experiment_list list;
    experiment_key one = *k;
    TRY(experiment_items(p, k, node, 4, &list));
    for (size_t i = 0; i < 4; i++) {
        one.offset = 0;
        if (i >= list.n)
            value[i] = value[list.n - 1];
        else
            TRY(experiment_number_type.set(p, &one, experiment_item(p, &list, i), &value[i]));
    }
done:
    return status;
}

static cJSON *put_channels(const experiment_key *k, const void *from) {
    const double *value = (const double *)(const void *)((const char *)from + k->offset);
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; list && i < 4; i++) {
        cJSON *item = experiment_json_number(value[i]);
        if (item && cJSON_AddItemToArray(list, item)) continue;
        cJSON_Delete(item);
        cJSON_Delete(list);
        return NULL;
    }
    return list;
}
const experiment_type experiment_channels_type = {set_channels, put_channels};

/* [H, W] or [C, H, W] as (C, H, W). */
static limn_status set_shape(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    size_t *shape = (size_t *)(void *)((char *)into + k->offset);
    experiment_list list;
    experiment_key one = *k;
    one.offset = 0;
    one.min = 1;
    one.max = 1 << 24;
    TRY(experiment_items(p, k, node, 3, &list));
    if (list.n < 2) TRY(experiment_wrong(p, k, node, NULL));
    shape[0] = 1;
    for (size_t i = 0; i < list.n; i++)
        TRY(experiment_count_type.set(p, &one, experiment_item(p, &list, i), &shape[3 - list.n + i]));
done:
    return status;
}

static cJSON *put_shape(const experiment_key *k, const void *from) {
    const size_t *shape = (const size_t *)(const void *)((const char *)from + k->offset);
    cJSON *list = shape[0] ? cJSON_CreateArray() : cJSON_CreateNull();
    for (int i = 0; list && shape[0] && i < 3; i++) {
        cJSON *item = experiment_json_number((double)shape[i]);
        if (item && cJSON_AddItemToArray(list, item)) continue;
        cJSON_Delete(item);
        cJSON_Delete(list);
        return NULL;
    }
    return list;
}
const experiment_type experiment_shape_type = {set_shape, put_shape};

/* Perplexities: the first is the options' own, the others its further scales. */
static limn_status set_perplexity(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    limn_embed_options *o = &((experiment_embed *)into)->options;
    experiment_list list = {.n = 1};
    experiment_key one = *k;
    one.offset = 0;
    if (node) TRY(experiment_items(p, k, node, LIMN_PERPLEXITIES, &list));
    o->n_scales = (int)list.n - 1;
    for (size_t i = 0; i < list.n; i++)
        TRY(experiment_number_type.set(p, &one, node ? experiment_item(p, &list, i) : NULL,
                                       i == 0 ? &o->perplexity : &o->scale[i - 1]));
done:
    return status;
}

static cJSON *put_perplexity(const experiment_key *k, const void *from) {
    const limn_embed_options *o = &((const experiment_embed *)from)->options;
    (void)k;
    if (o->n_scales == 0) return experiment_json_number(o->perplexity);
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; list && i <= o->n_scales; i++) {
        cJSON *item = experiment_json_number(i == 0 ? o->perplexity : o->scale[i - 1]);
        if (item && cJSON_AddItemToArray(list, item)) continue;
        cJSON_Delete(item);
        cJSON_Delete(list);
        return NULL;
    }
    return list;
}
const experiment_type experiment_perplexity_type = {set_perplexity, put_perplexity};

/* ---- features ---------------------------------------------------------------------------------------------------- */

static limn_status set_features(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    limn_experiment *e = into;
    experiment_list list;
    experiment_shown shown;
    if (experiment_is_empty(node)) return LIMN_OK;
    TRY(experiment_items(p, k, node, EXPERIMENT_MAX_ENTRIES, &list));
    TRY(limn_new(&e->feature, list.n, sizeof *e->feature));
    TRY(limn_new(&e->feature_line, list.n, sizeof *e->feature_line));
    for (size_t i = 0; i < list.n; i++) {
        yaml_node_t *item = experiment_item(p, &list, i);
        const char *text;
        TRY(experiment_scalar(p, k, item, &text));
        if (!*text) TRY(experiment_wrong(p, k, item, NULL));
        for (size_t j = 0; j < i; j++)
            if (!strcmp(text, e->feature[j]))
                TRY(experiment_fail(p, item, "`features` names `%s` twice", experiment_show(&shown, text)));
        e->feature_line[i] = experiment_line(item);
        TRY(add_text(e->feature, &e->n_features, text));
    }
done:
    return status;
}

static cJSON *put_features(const experiment_key *k, const void *from) {
    const limn_experiment *e = from;
    (void)k;
    return put_texts(e->feature, e->n_features);
}
const experiment_type experiment_features_type = {set_features, put_features};

/* ---- references to other entries --------------------------------------------------------------------------------- */

/* "`KEY` is `VALUE`, but SET has only a, b, c (did you mean …)"; names[i] at stride bytes from one another. */
static limn_status no_such(const experiment_parser *p, const experiment_key *k, const yaml_node_t *node,
                           const char *set, const char *const *name) {
    char known[600], hint[96];
    size_t n = 0;
    experiment_shown shown, other;
    const char *text = node ? (const char *)node->data.scalar.value : k->fallback;
    experiment_show(&shown, text);
    known[0] = 0;
    for (size_t i = 0; name[i] && n + 100 < sizeof known; i++) {
        const char *separator = i == 0 ? "" : ", ";
        experiment_show(&other, name[i]);
        memcpy(known + n, separator, strlen(separator));
        n += strlen(separator);
        memcpy(known + n, other.s, strlen(other.s) + 1);
        n += strlen(other.s);
    }
    if (n == 0) return experiment_fail(p, node, "`%s` is `%s`, but %s has no entries", k->key, shown.s, set);
    return experiment_fail(p, node, "`%s` is `%s`, which is not in %s (there: %s)%s", k->key, shown.s, set, known,
                           limn_did_you_mean(hint, sizeof hint, limn_nearest(text, name)));
}

static limn_status set_feature(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    const limn_experiment *e = p->e;
    const char **known = NULL, *text;
    char **of = (char **)(void *)((char *)into + k->offset);
    TRY(experiment_scalar(p, k, node, &text));
    TRY(limn_new(&known, e->n_features + 1, sizeof *known));
    for (size_t i = 0; i < e->n_features; i++) {
        known[i] = e->feature[i];
        if (!strcmp(known[i], text)) TRY(limn_strdup(of, text));
    }
    if (!*of && known[0] && !strcmp(text, "auto")) TRY(limn_strdup(of, known[0]));
    if (!*of) TRY(no_such(p, k, node, "`features`", known));
done:
    free(known);
    return status;
}

static cJSON *put_reference(const experiment_key *k, const void *from) {
    return cJSON_CreateString(*(char *const *)(const void *)((const char *)from + k->offset));
}
const experiment_type experiment_feature_type = {set_feature, put_reference};

static limn_status set_embedding(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    const limn_experiment *e = p->e;
    const char **known = NULL, *text;
    char **of = (char **)(void *)((char *)into + k->offset);
    TRY(experiment_scalar(p, k, node, &text));
    TRY(limn_new(&known, e->n_embeds + 1, sizeof *known));
    for (size_t i = 0; i < e->n_embeds; i++) known[i] = e->embed[i].name;
    for (size_t i = 0; i < e->n_embeds && !*of; i++)
        if (!strcmp(known[i], text)) TRY(limn_strdup(of, text));
    if (!*of && !strcmp(text, "query")) TRY(limn_strdup(of, text)); /* of the entry's `sql` */
    if (!*of) TRY(no_such(p, k, node, "`embed`", known));
done:
    free(known);
    return status;
}
const experiment_type experiment_embedding_type = {set_embedding, put_reference};

static cJSON *put_names(char *const *name, size_t n) {
    return n > 0 ? put_texts(name, n) : cJSON_CreateNull();
}

/* Names of `set` that are among `known` (NULL at the end), at most k->max of them, into *out (n). */
static limn_status set_names(experiment_parser *p, const experiment_key *k, yaml_node_t *node, const char *set,
                             const char *const *known, char ***out, size_t *n) {
    limn_status status = LIMN_OK;
    experiment_list list;
    TRY(experiment_items(p, k, node, (size_t)k->max, &list));
    TRY(limn_new(out, list.n, sizeof **out));
    for (size_t i = 0; i < list.n; i++) {
        yaml_node_t *item = experiment_item(p, &list, i);
        const char *text;
        size_t j = 0;
        TRY(experiment_scalar(p, k, item, &text));
        while (known[j] && strcmp(known[j], text)) j++;
        if (!known[j]) TRY(no_such(p, k, item, set, known));
        TRY(add_text(*out, n, text));
    }
done:
    return status;
}

/* Names of entries of `attribute`, and before them `first` (NULL: nothing). */
static limn_status set_attributed(experiment_parser *p, const experiment_key *k, yaml_node_t *node, const char *first,
                                  char ***out, size_t *n) {
    limn_status status = LIMN_OK;
    const limn_experiment *e = p->e;
    const char **known = NULL;
    size_t before = first != NULL;
    TRY(limn_new(&known, e->n_attributes + 2, sizeof *known));
    known[0] = first;
    for (size_t i = 0; i < e->n_attributes; i++) known[i + before] = e->attribute[i].name;
    TRY(set_names(p, k, node, "`attribute`", known, out, n));
done:
    free(known);
    return status;
}

/* *known = names of the entries of `embed` before the one that is read, which is the last; NULL at the end. */
static limn_status entries_before(const experiment_parser *p, const char ***known) {
    limn_status s = limn_new(known, p->e->n_embeds, sizeof **known);
    for (size_t i = 0; s == LIMN_OK && i + 1 < p->e->n_embeds; i++) (*known)[i] = p->e->embed[i].name;
    return s;
}

static limn_status set_start(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    const char **known = NULL, *text;
    size_t i = 0;
    TRY(experiment_scalar(p, k, node, &text));
    TRY(entries_before(p, &known));
    while (known[i] && strcmp(known[i], text)) i++;
    if (!known[i]) TRY(no_such(p, k, node, "`embed` before it", known));
    TRY(limn_strdup((char **)(void *)((char *)into + k->offset), text));
done:
    free(known);
    return status;
}

static cJSON *put_start(const experiment_key *k, const void *from) {
    const experiment_embed *e = from;
    (void)k;
    return e->start ? cJSON_CreateString(e->start) : cJSON_CreateNull();
}
const experiment_type experiment_start_type = {set_start, put_start};

static limn_status set_compared(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    experiment_embed *e = into;
    const char **known = NULL;
    TRY(entries_before(p, &known));
    TRY(set_names(p, k, node, "`embed` before it", known, &e->compare, &e->n_compare));
done:
    free(known);
    return status;
}

static cJSON *put_compared(const experiment_key *k, const void *from) {
    const experiment_embed *e = from;
    (void)k;
    return put_names(e->compare, e->n_compare);
}
const experiment_type experiment_compared_type = {set_compared, put_compared};

/* "input" and names of attribute entries. */
static limn_status set_columns(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    experiment_plot *plot = into;
    return set_attributed(p, k, node, "input", &plot->column, &plot->n_columns);
}

static limn_status set_measured(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    experiment_measure *m = into;
    return set_attributed(p, k, node, NULL, &m->of, &m->n_of);
}

static cJSON *put_measured(const experiment_key *k, const void *from) {
    const experiment_measure *m = from;
    (void)k;
    return put_names(m->of, m->n_of);
}
const experiment_type experiment_measured_type = {set_measured, put_measured};

static limn_status set_relating(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    experiment_relate *t = into;
    return set_attributed(p, k, node, NULL, &t->maps, &t->n_maps);
}

static cJSON *put_relating(const experiment_key *k, const void *from) {
    const experiment_relate *t = from;
    (void)k;
    return put_names(t->maps, t->n_maps);
}
const experiment_type experiment_relating_type = {set_relating, put_relating};

/* Names of features and of entries of `embed` and `attribute`. */
static limn_status set_related(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    experiment_relate *t = into;
    const limn_experiment *e = p->e;
    const char **known = NULL;
    size_t n = 0;
    TRY(limn_new(&known, e->n_features + e->n_embeds + e->n_attributes + 1, sizeof *known));
    for (size_t i = 0; i < e->n_features; i++) known[n++] = e->feature[i];
    for (size_t i = 0; i < e->n_embeds; i++) known[n++] = e->embed[i].name;
    for (size_t i = 0; i < e->n_attributes; i++) known[n++] = e->attribute[i].name;
    TRY(set_names(p, k, node, "`features`, `embed` or `attribute`", known, &t->to, &t->n_to));
done:
    free(known);
    return status;
}

static cJSON *put_related(const experiment_key *k, const void *from) {
    const experiment_relate *t = from;
    (void)k;
    return put_names(t->to, t->n_to);
}
const experiment_type experiment_related_type = {set_related, put_related};

static cJSON *put_columns(const experiment_key *k, const void *from) {
    const experiment_plot *plot = from;
    return k->max > 1 ? put_texts(plot->column, plot->n_columns) : cJSON_CreateString(plot->column[0]);
}
const experiment_type experiment_columns_type = {set_columns, put_columns};

/* ---- formats ----------------------------------------------------------------------------------------------------- */

static limn_status add_format(experiment_plot *plot, const char *text) {
    for (size_t i = 0; i < plot->n_formats; i++)
        if (!strcmp(plot->format[i], text)) return LIMN_OK;
    return add_text(plot->format, &plot->n_formats, text);
}

static limn_status set_formats(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    experiment_plot *plot = into;
    experiment_list list;
    char text[64], *save = NULL;
    TRY(limn_new(&plot->format, 8, sizeof *plot->format));
    if (!node) { /* the default is a list: "png, svg, pdf" */
        memcpy(text, k->fallback, strlen(k->fallback) + 1);
        for (char *w = strtok_r(text, ", ", &save); w; w = strtok_r(NULL, ", ", &save)) TRY(add_format(plot, w));
        return LIMN_OK;
    }
    TRY(experiment_items(p, k, node, 8, &list));
    for (size_t i = 0; i < list.n; i++) {
        yaml_node_t *item = experiment_item(p, &list, i);
        const char *word;
        TRY(experiment_scalar(p, k, item, &word));
        if (experiment_word_in(k->values, '|', word) < 0) TRY(experiment_wrong(p, k, item, NULL));
        TRY(add_format(plot, word));
    }
done:
    return status;
}

static cJSON *put_formats(const experiment_key *k, const void *from) {
    const experiment_plot *plot = from;
    (void)k;
    return put_texts(plot->format, plot->n_formats);
}
const experiment_type experiment_formats_type = {set_formats, put_formats};
