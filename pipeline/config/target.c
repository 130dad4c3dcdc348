/* The type `target`: whose score is explained.
 *
 *   predicted | label | all    words
 *   3 | [0, 3]                 whole numbers without quotes are class numbers
 *   four | "9" | [four, label] any other text, and any text in a list, is a class's name
 *   {contrast: [a, b]}         the score of a minus that of b; a and b as in a list
 *   {top: 3}                   the units of the highest scores, so many of each sample
 *   {channel: [0, 5], at: P}   channels of the output layer: their mean, their max, or the unit at P = [row, column]
 *   {file: F}, {sql: QUERY}    pairs of a sample and a class
 *
 * Names become numbers as soon as the class names are known: from `data.classes` at once, from the data set otherwise.
 */
#include "config/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/try.h"

static const char *const kind_word[TARGET_SQL + 1] = {
    [TARGET_PREDICTED] = "predicted", [TARGET_LABEL] = "label", [TARGET_ALL] = "all"};
/* Kinds that are a mapping, by its key. */
static const char *const kind_key[TARGET_SQL + 1] = {[TARGET_CONTRAST] = "contrast",
                                                     [TARGET_TOP] = "top",
                                                     [TARGET_CHANNELS] = "channel",
                                                     [TARGET_FILE] = "file",
                                                     [TARGET_SQL] = "sql"};
static const char *const place_word[] = {[PLACE_MEAN] = "mean", [PLACE_MAX] = "max"};

enum { LARGEST_CLASS = 1000000 };

void experiment_target_clear(experiment_target *t) {
    for (size_t i = 0; t->names && i < t->n; i++) free(t->names[i]);
    free(t->names);
    free(t->classes);
    free(t->from);
    free(t->hash);
    memset(t, 0, sizeof *t);
}

/* Room for n classes, none of them known. */
static limn_status target_new(experiment_target *t, target_kind kind, size_t n, int line) {
    limn_status status = LIMN_OK;
    *t = (experiment_target){.kind = kind, .line = line};
    TRY(limn_new(&t->classes, n, sizeof *t->classes));
    TRY(limn_new(&t->names, n, sizeof *t->names));
    t->n = n;
done:
    return status;
}

limn_status experiment_target_copy(experiment_target *out, const experiment_target *t) {
    limn_status status = LIMN_OK;
    TRY(target_new(out, t->kind, t->n, t->line));
    for (size_t i = 0; i < t->n; i++) {
        out->classes[i] = t->classes[i];
        TRY(limn_strdup(&out->names[i], t->names[i]));
    }
    out->top = t->top;
    out->place = t->place;
    memcpy(out->at, t->at, sizeof out->at);
    TRY(limn_strdup(&out->from, t->from));
    TRY(limn_strdup(&out->hash, t->hash));
done:
    return status;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static limn_status read_class(const experiment_parser *p, const experiment_key *k, const yaml_node_t *node,
                              experiment_target *t, size_t i) {
    const char *text;
    limn_status s = experiment_scalar(p, k, node, &text);
    if (s != LIMN_OK) return s;
    t->classes[i] = -1;
    if (!experiment_is_plain(node) || text[strspn(text, "0123456789")] || !*text)
        return limn_strdup(&t->names[i], text);
    long number = strlen(text) < 8 ? strtol(text, NULL, 10) : LARGEST_CLASS + 1L;
    if (number > LARGEST_CLASS)
        return experiment_fail(p, node, "class %.20s of `%s` is larger than %d", text, k->key, LARGEST_CLASS);
    t->classes[i] = (int)number;
    return LIMN_OK;
}

static limn_status read_classes(const experiment_parser *p, const experiment_key *k, yaml_node_t *node,
                                target_kind kind, experiment_target *t) {
    limn_status status = LIMN_OK;
    experiment_list list;
    TRY(experiment_items(p, k, node, EXPERIMENT_MAX_TARGETS, &list));
    if (kind == TARGET_CONTRAST && list.n != 2) TRY(experiment_wrong(p, k, node, NULL));
    TRY(target_new(t, kind, list.n, experiment_line(node)));
    for (size_t i = 0; i < list.n; i++) TRY(read_class(p, k, experiment_item(p, &list, i), t, i));
done:
    return status;
}

static limn_status set_contrast(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    return read_classes(p, k, node, TARGET_CONTRAST, into);
}

static limn_status set_channels(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    experiment_target *t = into;
    TRY(read_classes(p, k, node, TARGET_CHANNELS, t));
    for (size_t i = 0; i < t->n; i++)
        if (t->names[i]) TRY(experiment_wrong(p, k, node, NULL));
done:
    return status;
}

static limn_status set_place(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    experiment_target *t = into;
    experiment_list list;
    const char *text = k->fallback;
    if (node && node->type == YAML_SEQUENCE_NODE) {
        t->place = PLACE_AT;
        TRY(experiment_items(p, k, node, 2, &list));
        if (list.n != 2) TRY(experiment_wrong(p, k, node, NULL));
        for (size_t i = 0; i < 2; i++) {
            TRY(experiment_scalar(p, k, experiment_item(p, &list, i), &text));
            if (!*text || strlen(text) > 6 || text[strspn(text, "0123456789")])
                TRY(experiment_wrong(p, k, experiment_item(p, &list, i), NULL));
            t->at[i] = atoi(text);
        }
        return LIMN_OK;
    }
    TRY(experiment_scalar(p, k, node, &text));
    for (t->place = PLACE_MEAN; t->place < PLACE_AT; t->place++)
        if (strcmp(text, place_word[t->place]) == 0) return LIMN_OK;
    TRY(experiment_wrong(p, k, node, NULL));
done:
    return status;
}

/* A mapping: the keys that it has say which kind. */
static limn_status set_mapping(experiment_parser *p, yaml_node_t *node, experiment_target *t) {
    experiment_given given;
    limn_status s = experiment_read_map(p, experiment_section_find("target"), node, t, &given);
    if (s != LIMN_OK) return s;
    t->line = experiment_line(node);
    for (size_t i = 0; i < COUNT_OF(kind_key); i++)
        if (kind_key[i] && strcmp(given.kind, kind_key[i]) == 0) t->kind = (target_kind)i;
    if (t->kind != TARGET_SQL || t->from[strspn(t->from, " \t\r\n;")]) return LIMN_OK;
    return experiment_fail(p, node, "the query of `sql` is empty");
}

static limn_status set_target(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    experiment_target *t = (experiment_target *)(void *)((char *)into + k->offset);
    const char *text = k->fallback;
    if (node && node->type == YAML_MAPPING_NODE) return set_mapping(p, node, t);
    if (node && node->type == YAML_SEQUENCE_NODE) return read_classes(p, k, node, TARGET_CLASSES, t);
    limn_status s = experiment_scalar(p, k, node, &text);
    if (s != LIMN_OK) return s;
    for (size_t i = 0; i < COUNT_OF(kind_word); i++)
        if (kind_word[i] && !strcmp(text, kind_word[i])) return target_new(t, (target_kind)i, 0, experiment_line(node));
    return read_classes(p, k, node, TARGET_CLASSES, t);
}

/* ---- printing ---------------------------------------------------------------------------------------------------- */

/* Adds value to o, which becomes NULL (and both are freed) where there is no memory. */
static void add(cJSON **o, const char *key, cJSON *value) {
    if (*o && value && cJSON_AddItemToObject(*o, key, value)) return;
    cJSON_Delete(value);
    cJSON_Delete(*o);
    *o = NULL;
}

static cJSON *classes_json(const experiment_target *t) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; list && i < t->n; i++) {
        cJSON *item = t->names[i] ? cJSON_CreateString(t->names[i]) : experiment_json_number(t->classes[i]);
        if (item && cJSON_AddItemToArray(list, item)) continue;
        cJSON_Delete(item);
        cJSON_Delete(list);
        return NULL;
    }
    return list;
}

static cJSON *target_json(const experiment_target *t) {
    if (kind_word[t->kind]) return cJSON_CreateString(kind_word[t->kind]);
    if (t->kind == TARGET_CLASSES) return classes_json(t);
    cJSON *o = cJSON_CreateObject();
    switch (t->kind) {
    case TARGET_TOP:
        add(&o, "top", experiment_json_number((double)t->top));
        break;
    case TARGET_FILE:
        add(&o, "file", cJSON_CreateString(t->hash ? t->hash : t->from));
        break;
    case TARGET_SQL:
        add(&o, "sql", cJSON_CreateString(t->from));
        if (t->hash) add(&o, "pairs", cJSON_CreateString(t->hash));
        break;
    default:
        add(&o, kind_key[t->kind], classes_json(t));
        if (t->kind == TARGET_CHANNELS)
            add(&o, "at",
                t->place == PLACE_AT ? cJSON_CreateIntArray(t->at, 2) : cJSON_CreateString(place_word[t->place]));
    }
    return o;
}

static cJSON *put_target(const experiment_key *k, const void *from) {
    return target_json((const experiment_target *)(const void *)((const char *)from + k->offset));
}
const experiment_type experiment_target_type = {set_target, put_target};
const experiment_type experiment_contrast_type = {set_contrast, put_target};
const experiment_type experiment_channel_type = {set_channels, put_target};
const experiment_type experiment_place_type = {set_place, put_target};

limn_status experiment_target_text(char **out, const experiment_target *t) {
    if (kind_word[t->kind]) return limn_strdup(out, kind_word[t->kind]);
    cJSON *json = target_json(t);
    *out = json ? cJSON_PrintUnformatted(json) : NULL;
    cJSON_Delete(json);
    return *out ? LIMN_OK : limn_fail(LIMN_ENOMEM, "no memory for the options as JSON");
}

/* ---- names to numbers -------------------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    int number;
} named_class;

static int by_name(const void *a, const void *b) {
    const named_class *x = a, *y = b;
    int c = strcmp(x->name, y->name);
    return c ? c : (x->number > y->number) - (x->number < y->number);
}

static int by_value(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* The number of the first class of that name, -1 where there is none. */
static int find_class(const named_class *sorted, size_t n, const char *name) {
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(sorted[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && !strcmp(sorted[low].name, name) ? sorted[low].number : -1;
}

static limn_status unknown_class(const limn_experiment *e, const experiment_target *t, size_t i,
                                 const named_class *sorted, size_t n) {
    char hint[96];
    experiment_shown shown;
    const char *nearest = limn_nearest(t->names[i], (const char *const[]){"predicted", "label", "all", NULL});
    if (!nearest) nearest = limn_nearest_in(t->names[i], sorted, sizeof *sorted);
    return limn_fail(LIMN_EINPUT, "%s:%d: no class is called `%s`%s%s", e->path, t->line,
                     experiment_show(&shown, t->names[i]), n == 0 ? ": the data have no class names" : "",
                     limn_did_you_mean(hint, sizeof hint, nearest));
}

/* A class that is listed twice would be explained twice. */
static limn_status refuse_twice(const limn_experiment *e, const experiment_target *t) {
    limn_status status = LIMN_OK;
    int *sorted = NULL;
    if (t->n < 2) return LIMN_OK;
    TRY(limn_new(&sorted, t->n, sizeof *sorted));
    memcpy(sorted, t->classes, t->n * sizeof *sorted);
    qsort(sorted, t->n, sizeof *sorted, by_value);
    for (size_t i = 1; i < t->n; i++)
        if (sorted[i] == sorted[i - 1])
            FAIL(LIMN_EINPUT, "%s:%d: %s %d is named twice in `target`", e->path, t->line,
                 t->kind == TARGET_CHANNELS ? "channel" : "class", sorted[i]);
done:
    free(sorted);
    return status;
}

static limn_status resolve(const limn_experiment *e, experiment_target *t, const named_class *sorted, size_t n) {
    for (size_t i = 0; i < t->n; i++) {
        if (!t->names[i]) continue;
        int number = find_class(sorted, n, t->names[i]);
        if (number < 0) return unknown_class(e, t, i, sorted, n);
        t->classes[i] = number;
        free(t->names[i]);
        t->names[i] = NULL;
    }
    return refuse_twice(e, t);
}

limn_status experiment_resolve_targets(limn_experiment *e, const char *const *name, size_t n) {
    limn_status status = LIMN_OK;
    named_class *sorted = NULL;
    size_t known = 0;
    TRY(limn_new(&sorted, n + 1, sizeof *sorted)); /* ends with name NULL */
    for (size_t i = 0; i < n; i++)
        if (name[i]) sorted[known++] = (named_class){name[i], (int)i};
    qsort(sorted, known, sizeof *sorted, by_name);
    TRY(resolve(e, &e->target, sorted, known));
    for (size_t i = 0; i < e->n_attributes; i++) TRY(resolve(e, &e->attribute[i].target, sorted, known));
done:
    free(sorted);
    return status;
}
