/* The section `preprocess`: a preset fills the whole of it, the keys beside it then say what differs; so its rows have no
 * fallback that is read, the defaults being those of LIMN_PREPROCESS_INIT.
 *
 * A size is `none`, `input` (what the network wants), one number or [height, width]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/try.h"
#include "config/parse.h"
#include "data/resize.h"

/* What would be without effect is a mistake where it is written here, and forgotten where a preset said it. */
static limn_status settle(const experiment_parser *p, const experiment_given *given, limn_preprocess *q) {
    limn_status status = LIMN_OK;
    const limn_preprocess plain = LIMN_PREPROCESS_INIT;
    const experiment_section *s = experiment_section_find("preprocess");
    const yaml_node_t *fit = experiment_given_for(s, given, "fit"),
                      *by = experiment_given_for(s, given, "interpolation"),
                      *pad = experiment_given_for(s, given, "pad"), *scale = experiment_given_for(s, given, "scale");
    if (scale && q->scale == 0) TRY(experiment_fail(p, scale, "`scale` is 0, which would leave nothing of a picture"));
    if (q->resize.kind == LIMN_SIZE_NONE) {
        if (fit && q->fit != plain.fit) TRY(experiment_fail(p, fit, "`fit` needs a `resize`"));
        if (by && q->rule != plain.rule) TRY(experiment_fail(p, by, "`interpolation` needs a `resize`"));
        q->fit = plain.fit;
        q->rule = plain.rule;
    }
    if (q->crop.kind == LIMN_SIZE_NONE) {
        if (pad && q->pad != plain.pad) TRY(experiment_fail(p, pad, "`pad` needs a `crop`"));
        q->pad = plain.pad;
    }
done:
    return status;
}

static limn_status set_preprocess(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    experiment_given given;
    (void)k;
    TRY(experiment_read_map(p, experiment_section_find("preprocess"), node, into, &given));
    TRY(settle(p, &given, &((limn_data_options *)into)->pre));
done:
    return status;
}

static cJSON *put_preprocess(const experiment_key *k, const void *from) {
    cJSON *o = cJSON_CreateObject();
    (void)k;
    if (o && experiment_put_map(o, experiment_section_find("preprocess"), from, NULL, "") == LIMN_OK) return o;
    cJSON_Delete(o);
    return NULL;
}
const experiment_type experiment_preprocess_type = {set_preprocess, put_preprocess};

/* "unknown WHAT `TEXT` (did you mean …): `limn methods` lists them" */
static limn_status unknown(const experiment_parser *p, const yaml_node_t *node, const char *what, const char *text,
                           const void *table, size_t size) {
    experiment_shown shown;
    char hint[96];
    return experiment_fail(p, node, "unknown %s `%s`%s (known: see `limn methods`)", what,
                           experiment_show(&shown, text),
                           limn_did_you_mean(hint, sizeof hint, limn_nearest_in(text, table, size)));
}

/* ---- preset ------------------------------------------------------------------------------------------------------ */
static limn_status set_preset(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    limn_preprocess *q = &((limn_data_options *)into)->pre;
    const char *text;
    TRY(experiment_scalar(p, k, node, &text));
    const limn_preset *preset = limn_preset_find(text);
    if (!preset) TRY(unknown(p, node, "preset", text, limn_presets, sizeof *limn_presets));
    *q = preset->value;
    TRY(limn_strdup(&q->preset, text));
done:
    return status;
}

static cJSON *put_preset(const experiment_key *k, const void *from) {
    const limn_preprocess *q = &((const limn_data_options *)from)->pre;
    (void)k;
    return q->preset ? cJSON_CreateString(q->preset) : cJSON_CreateNull();
}
const experiment_type experiment_preset_type = {set_preset, put_preset};

/* ---- interpolation ----------------------------------------------------------------------------------------------- */
static limn_status set_rule(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    limn_preprocess *q = &((limn_data_options *)into)->pre;
    const char *text;
    TRY(experiment_scalar(p, k, node, &text));
    for (int i = 0; resize_rules[i].name; i++) {
        if (strcmp(resize_rules[i].name, text)) continue;
        q->rule = i;
        goto done;
    }
    TRY(unknown(p, node, "interpolation", text, resize_rules, sizeof *resize_rules));
done:
    return status;
}

static cJSON *put_rule(const experiment_key *k, const void *from) {
    (void)k;
    return cJSON_CreateString(resize_rules[((const limn_data_options *)from)->pre.rule].name);
}
const experiment_type experiment_rule_type = {set_rule, put_rule};

/* ---- sizes ------------------------------------------------------------------------------------------------------- */
static limn_status set_size(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    limn_picture_size *s = (limn_picture_size *)(void *)((char *)into + k->offset);
    experiment_list list;
    experiment_key one = *k;
    const char *text = "";
    size_t side[2] = {0};
    TRY(experiment_items(p, k, node, 2, &list));
    if (node->type == YAML_SCALAR_NODE) TRY(experiment_scalar(p, k, node, &text));
    *s = (limn_picture_size){0};
    if (!strcmp(text, "none")) goto done;
    if (!strcmp(text, "input")) {
        s->kind = LIMN_SIZE_INPUT;
        goto done;
    }
    one.offset = 0;
    for (size_t i = 0; i < list.n; i++) TRY(experiment_count_type.set(p, &one, experiment_item(p, &list, i), &side[i]));
    *s = (limn_picture_size){
        .kind = list.n == 2 ? LIMN_SIZE_EXACT : LIMN_SIZE_SIDE, .h = side[0], .w = list.n == 2 ? side[1] : side[0]};
done:
    return status;
}

static cJSON *put_size(const experiment_key *k, const void *from) {
    const limn_picture_size *s = (const limn_picture_size *)(const void *)((const char *)from + k->offset);
    char text[64];
    if (s->kind == LIMN_SIZE_NONE) return cJSON_CreateString("none");
    if (s->kind == LIMN_SIZE_INPUT) return cJSON_CreateString("input");
    if (s->kind == LIMN_SIZE_SIDE) return experiment_json_number((double)s->h);
    snprintf(text, sizeof text, "[%zu,%zu]", s->h, s->w);
    return cJSON_CreateRaw(text);
}
const experiment_type experiment_size_type = {set_size, put_size};
