/* Inside the room `config`: how a row of a key table reads a YAML node and prints what it read.
 *
 * document.c  text -> a bounded libyaml document; the sentences with FILE:LINE
 * mapping.c   a mapping against a table of keys: unknown, double, missing, not of this kind
 * values.c    types of scalars: text, words, numbers, names, paths
 * lists.c     types of lists: images, classes, features, mean, formats, columns
 * preprocess.c  the section `preprocess`: presets, sizes, rules of resizing
 * target.c    the type `target`, and class names that become numbers
 * entries.c   lists of entries (entry.h); those of attribute, measures and plots, and what they have to agree on
 * embeds.c    the entries of embed
 * tables.c    every key: the only place to touch for a new option
 * experiment.c  load, parse, free, print as JSON */
#ifndef LIMN_CONFIG_PARSE_H
#define LIMN_CONFIG_PARSE_H

#include <yaml.h>
#include <cjson/cJSON.h>

#include "config/experiment.h"

enum {
    EXPERIMENT_MAX_BYTES = 1 << 20, /* of a file */
    EXPERIMENT_MAX_NODES = 200000,  /* of its YAML document, aliases counted */
    EXPERIMENT_MAX_DEPTH = 16,      /* of nesting */
    EXPERIMENT_MAX_ANCHORS = 1000,  /* and lines that begin with % */
    EXPERIMENT_MAX_KEYS = 40,       /* of one table */
    EXPERIMENT_MAX_OPTIONS = 32,    /* of a method, in one entry */
    EXPERIMENT_MAX_SEEDS = 32,      /* of one entry of embed */
    EXPERIMENT_MAX_ENTRIES = 1000,  /* of embed, attribute, plots, features */
    EXPERIMENT_MAX_COLUMNS = 64,    /* of one grid */
    EXPERIMENT_MAX_TARGETS = 4096   /* of one target */
};

typedef struct {
    limn_experiment *e;
    yaml_document_t *doc;
} experiment_parser;

/* How the values of a key are read and printed. */
typedef struct experiment_type {
    /* Reads `node` into the member of `into` (the struct that the section fills) that the key is for; node NULL: reads
     * k->fallback, which does not begin with '('. */
    limn_status (*set)(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into);
    /* The member of `from` as JSON (null where there is nothing to say); NULL: no memory. */
    cJSON *(*put)(const experiment_key *k, const void *from);
} experiment_type;

/* The values that a mapping gave, by the row of its table; NULL where the key is absent (or null). */
typedef struct {
    yaml_node_t *value[EXPERIMENT_MAX_KEYS];
    const char *kind;                               /* of the entry, or NULL */
    yaml_node_t *option[2][EXPERIMENT_MAX_OPTIONS]; /* keys of the section's `option`s, and their values */
    size_t n_options;
} experiment_given;

/* ---- document.c ---- */
limn_status experiment_document(yaml_document_t *doc, const char *text, size_t size, const char *path) LIMN_CHECK;
int experiment_line(const yaml_node_t *node);
/* LIMN_EINPUT with "FILE:LINE: …". */
limn_status experiment_fail(const experiment_parser *p, const yaml_node_t *node, const char *fmt, ...)
    LIMN_PRINTF(3, 4) LIMN_CHECK;
/* "FILE:LINE: `KEY` is `VALUE`, but must be VALUES" and the nearest of `known` (NULL: of the words in k->values). */
limn_status experiment_wrong(const experiment_parser *p, const experiment_key *k, const yaml_node_t *node,
                             const char *const *known) LIMN_CHECK;
/* A text fit for a message: at most 60 bytes, control characters as '?'. */
typedef struct {
    char s[80];
} experiment_shown;
const char *experiment_show(experiment_shown *b, const char *text);
const char *experiment_show_node(experiment_shown *b, const yaml_node_t *node);
int experiment_is_null(const yaml_node_t *node);  /* a plain empty, `~` or `null` */
int experiment_is_empty(const yaml_node_t *node); /* `[]` */
int experiment_is_plain(const yaml_node_t *node);
/* *text = the scalar's, borrowed (or k->fallback where node is NULL); fails for lists, mappings and NUL characters. */
limn_status experiment_scalar(const experiment_parser *p, const experiment_key *k, const yaml_node_t *node,
                              const char **text) LIMN_CHECK;
/* The n items of a list, or the node itself as the only one; more than `most` or none is an error. */
typedef struct {
    yaml_node_t *one;
    const yaml_node_t *node;
    size_t n;
} experiment_list;
limn_status experiment_items(const experiment_parser *p, const experiment_key *k, yaml_node_t *node, size_t most,
                             experiment_list *list) LIMN_CHECK;
yaml_node_t *experiment_item(const experiment_parser *p, const experiment_list *list, size_t i);

/* ---- mapping.c ---- */
const experiment_section *experiment_section_find(const char *where);
int experiment_word_in(const char *words, char separator, const char *word); /* its place, or -1 */
int experiment_described(const experiment_key *k); /* the fallback is "(…)": nothing to read */
/* Reads `node` (NULL: an empty mapping) into `into`, rows in the order of the table. */
limn_status experiment_read_map(experiment_parser *p, const experiment_section *s, yaml_node_t *node, void *into,
                                experiment_given *given) LIMN_CHECK;
/* The value given for a key of the section, or NULL. */
yaml_node_t *experiment_given_for(const experiment_section *s, const experiment_given *given, const char *key);
/* Adds the section's keys to object; those of another kind than `kind`, and those in `skip` (space-separated), not. */
limn_status experiment_put_map(cJSON *object, const experiment_section *s, const void *from, const char *kind,
                               const char *skip) LIMN_CHECK;

/* ---- experiment.c ---- */
/* *out = the text of `o`, which is freed, where s is LIMN_OK; else returns s. */
limn_status experiment_print(char **out, cJSON *o, limn_status s) LIMN_CHECK;

/* ---- values.c ---- */
extern const experiment_type experiment_text_type, experiment_path_type, experiment_labels_type, experiment_name_type,
    experiment_word_type, experiment_enum_type, experiment_bool_type, experiment_int_type, experiment_count_type,
    experiment_seed_type, experiment_number_type, experiment_auto_type;
limn_status experiment_number(const char *text, double *value); /* a number or a fraction; LIMN_EINPUT, no message */
cJSON *experiment_json_number(double value);
limn_status experiment_resolve_path(char **out, const limn_experiment *e, const char *path) LIMN_CHECK;

/* ---- lists.c ---- */
extern const experiment_type experiment_model_type, experiment_images_type, experiment_classes_type,
    experiment_features_type, experiment_channels_type, experiment_formats_type, experiment_columns_type,
    experiment_embedding_type, experiment_feature_type, experiment_perplexity_type, experiment_shape_type,
    experiment_measured_type, experiment_compared_type, experiment_start_type, experiment_related_type,
    experiment_relating_type;

/* ---- preprocess.c ---- */
extern const experiment_type experiment_preprocess_type, experiment_preset_type, experiment_rule_type,
    experiment_size_type;

/* ---- target.c ---- */
extern const experiment_type experiment_target_type, experiment_contrast_type, experiment_channel_type,
    experiment_place_type;
limn_status experiment_target_copy(experiment_target *out, const experiment_target *t) LIMN_CHECK;
void experiment_target_clear(experiment_target *t);

/* ---- entries.c ---- */
extern const experiment_type experiment_data_type, experiment_held_out_type, experiment_attributes_type,
    experiment_measures_type, experiment_relates_type, experiment_plots_type;

/* ---- embeds.c ---- */
extern const experiment_type experiment_embeds_type, experiment_seeds_type;

#endif
