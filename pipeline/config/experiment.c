/* The experiment file: load, parse, print, free. See experiment.h; the keys are in tables.c, the map of the room is in
 * parse.h.
 *
 * 1. The file's bytes, at most 1 MB.                       2. A bounded YAML document (document.c).
 * 3. The table `experiment`, which reads the other tables  4. Class names become numbers where `data.classes` is given.
 *    in its order: what an entry refers to is there before it.
 *
 * Ownership: everything that was read belongs to the experiment from the moment it is read, so one experiment_free()
 * cleans up at any point. Nothing here touches the model or the data. */
#include "config/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

/* *text = the file's content, NUL-terminated; *size without that. */
static limn_status read_file(char **text, size_t *size, const char *path) {
    limn_status status = LIMN_OK;
    FILE *f = fopen(path, "rb");
    *text = NULL;
    if (!f) FAIL(LIMN_EINPUT, "%s: cannot be opened: %s", path, strerror(errno));
    TRY(limn_new(text, EXPERIMENT_MAX_BYTES + 2, 1));
    *size = fread(*text, 1, EXPERIMENT_MAX_BYTES + 1, f);
    if (ferror(f)) FAIL(LIMN_EINPUT, "%s: cannot be read: %s", path, strerror(errno));
    if (*size > EXPERIMENT_MAX_BYTES)
        FAIL(LIMN_EINPUT, "%s: is larger than 1 MB, which an experiment file is not", path);
    (*text)[*size] = 0;
done:
    if (f) fclose(f);
    return status;
}

/* The file's base name without .yaml or .yml, made a valid name. */
static limn_status default_name(char **name, const char *path) {
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    const char *dot = strrchr(base, '.');
    int known = dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
    size_t n = known ? (size_t)(dot - base) : strlen(base);
    if (n == 0) return limn_strdup(name, "experiment");
    limn_status s = limn_format(name, "%.*s", (int)(n < 64 ? n : 64), base);
    for (char *c = s == LIMN_OK ? *name : NULL; c && *c; c++) {
        char one[3] = {*c, 0, 0}, in_word[3] = {'_', *c, 0};
        if (!experiment_name_ok(c == *name ? one : in_word)) *c = '_';
    }
    return s;
}

static limn_status parse(limn_experiment **out, const char *text, size_t size, const char *path, const char *dir) {
    limn_status status = LIMN_OK;
    limn_experiment *e = NULL;
    yaml_document_t doc;
    experiment_given given;
    int loaded = 0;
    *out = NULL;
    TRY(limn_new(&e, 1, sizeof *e));
    TRY(limn_strdup(&e->path, path));
    TRY(limn_strdup(&e->dir, dir));
    TRY(limn_strdup(&e->text, text));
    TRY(experiment_document(&doc, text, size, path));
    loaded = 1;
    experiment_parser p = {e, &doc};
    yaml_node_t *root = yaml_document_get_root_node(&doc);
    if (root && experiment_is_null(root))
        FAIL(LIMN_EINPUT, "%s: is empty, but an experiment has `model` and `data` at least", path);
    if (!root || root->type != YAML_MAPPING_NODE)
        TRY(experiment_fail(&p, root, "an experiment is a mapping: `model: …`, `data: …`"));
    TRY(experiment_read_map(&p, experiment_sections, root, e, &given));
    if (!e->name) TRY(default_name(&e->name, path));
    if (e->data.n_classes > 0)
        TRY(experiment_resolve_targets(e, (const char *const *)e->data.classes, e->data.n_classes));
    *out = e;
    e = NULL;
done:
    if (loaded) yaml_document_delete(&doc);
    experiment_free(e);
    return status;
}

limn_status experiment_parse(limn_experiment **out, const char *text, const char *path, const char *dir) {
    return parse(out, text, strlen(text), path, dir);
}

limn_status experiment_load(limn_experiment **out, const char *path) {
    limn_status status = LIMN_OK;
    char *text = NULL, *dir = NULL;
    size_t size = 0;
    *out = NULL;
    const char *slash = strrchr(path, '/');
    TRY(read_file(&text, &size, path));
    if (!slash)
        TRY(limn_strdup(&dir, "."));
    else
        TRY(limn_format(&dir, "%.*s", slash == path ? 1 : (int)(slash - path), path));
    TRY(parse(out, text, size, path, dir));
done:
    free(text);
    free(dir);
    return status;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

limn_status experiment_print(char **out, cJSON *o, limn_status s) {
    *out = s == LIMN_OK && o ? cJSON_PrintUnformatted(o) : NULL;
    cJSON_Delete(o);
    if (s != LIMN_OK) return s;
    return *out ? LIMN_OK : limn_fail(LIMN_ENOMEM, "no memory for the options as JSON");
}

limn_status experiment_resolved_json(char **out, const limn_experiment *e) {
    cJSON *o = cJSON_CreateObject();
    return experiment_print(out, o, experiment_put_map(o, experiment_sections, e, NULL, ""));
}

limn_status experiment_data_json(char **out, const limn_experiment *e) {
    cJSON *o = cJSON_CreateObject();
    const char *skip =
        e->data.shuffle ? "images labels classes label_base shape" : "images labels classes label_base shape seed";
    limn_status s = experiment_put_map(o, experiment_section_find("data"), &e->data, NULL, skip);
    /* a preset is its values: who writes them out has the same data set */
    cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(o, "preprocess"), "preset");
    return experiment_print(out, o, s);
}

/* ---- free -------------------------------------------------------------------------------------------------------- */

static void free_texts(char *const *text, size_t n) {
    for (size_t i = 0; text && i < n; i++) free(text[i]);
    free((void *)text);
}

static void free_data(limn_data_options *o) {
    free_texts(o->images, o->n_images);
    free_texts(o->classes, o->n_classes);
    free((void *)o->labels);
    free(o->pre.preset);
}

static void free_embed(experiment_embed *e) {
    free(e->name);
    free(e->of);
    free_texts(e->compare, e->n_compare);
    free(e->start);
    free(e->seed);
}

static void free_settings(experiment_setting *setting, size_t n) {
    for (size_t i = 0; i < n; i++) {
        free(setting[i].key);
        free(setting[i].value);
    }
    free(setting);
}

static void free_measure(experiment_measure *m) {
    free(m->metric);
    free_texts(m->of, m->n_of);
    free_settings(m->setting, m->n_settings);
}

static void free_relate(experiment_relate *t) {
    free_texts(t->maps, t->n_maps);
    free_texts(t->to, t->n_to);
}

static void free_attribute(experiment_attribute *a) {
    free(a->name);
    free(a->method);
    free(a->flavour);
    free_settings(a->setting, a->n_settings);
    experiment_target_clear(&a->target);
}

static void free_plot(experiment_plot *p) {
    free(p->name);
    free(p->of);
    free(p->sql);
    free(p->metric);
    free(p->colour);
    free(p->palette);
    free(p->normalise);
    free(p->title);
    free_texts(p->column, p->n_columns);
    free_texts(p->format, p->n_formats);
}

void experiment_free(limn_experiment *e) {
    if (!e) return;
    for (size_t i = 0; i < e->n_embeds; i++) free_embed(&e->embed[i]);
    for (size_t i = 0; i < e->n_attributes; i++) free_attribute(&e->attribute[i]);
    for (size_t i = 0; i < e->n_plots; i++) free_plot(&e->plot[i]);
    free(e->embed);
    free(e->attribute);
    for (size_t i = 0; i < e->n_measures; i++) free_measure(&e->measure[i]);
    free(e->measure);
    for (size_t i = 0; i < e->n_relates; i++) free_relate(&e->relate[i]);
    free(e->relate);
    free(e->plot);
    free_texts(e->feature, e->n_features);
    free(e->feature_line);
    free_data(&e->data);
    free_data(&e->held_out);
    experiment_target_clear(&e->target);
    free(e->path);
    free(e->dir);
    free(e->text);
    free(e->name);
    free(e->model);
    free(e->weights);
    free(e->output);
    free(e);
}

/* ---- other plots ------------------------------------------------------------------------------------------------- */

limn_status experiment_replace_plots(limn_experiment *e, const char *text, const char *path) {
    limn_status status = LIMN_OK;
    yaml_document_t doc;
    experiment_parser p = {e, &doc};
    const experiment_key *k = experiment_sections[0].key;
    while (k->type != &experiment_plots_type) k++;
    for (size_t i = 0; i < e->n_plots; i++) free_plot(&e->plot[i]);
    free(e->plot);
    free(e->path);
    e->plot = NULL;
    e->n_plots = 0;
    TRY(limn_strdup(&e->path, path));
    TRY(experiment_document(&doc, text, strlen(text), path));
    status = k->type->set(&p, k, yaml_document_get_root_node(&doc), e);
    yaml_document_delete(&doc);
done:
    return status;
}
