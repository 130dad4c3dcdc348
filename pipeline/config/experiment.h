/* The experiment file, checked: YAML in, structs with every default resolved out (docs/experiment.md).
 *
 * experiment_load() reads the whole file and knows every key through one const table of keys; whatever is wrong is
 * LIMN_EINPUT with "FILE:LINE: …" and, for an unknown word, the nearest known one. What needs the model or the data
 * (does a layer exist, do shapes fit) is checked by run.c, which quotes `line`. All strings are owned by the
 * experiment. */
#ifndef LIMN_EXPERIMENT_H
#define LIMN_EXPERIMENT_H

#include "attribution/attribute.h"
#include "data/dataset.h"
#include "embed/embed.h"

typedef enum {
    TARGET_PREDICTED,
    TARGET_LABEL,
    TARGET_CLASSES,
    TARGET_ALL,
    TARGET_CONTRAST,
    TARGET_TOP,
    TARGET_CHANNELS,
    TARGET_FILE,
    TARGET_SQL
} target_kind;
typedef enum { PLACE_MEAN, PLACE_MAX, PLACE_AT } target_place;
typedef struct {
    target_kind kind;
    /* (n) TARGET_CLASSES: n of them; TARGET_CONTRAST: two, score a minus score b; TARGET_CHANNELS: of the output layer;
     * -1: see `names` */
    int *classes;
    char **names; /* (n) a class's name as written, until experiment_resolve_targets() has found its number; or NULL */
    size_t n;
    size_t top; /* TARGET_TOP: how many */
    target_place place;
    int at[2];  /* PLACE_AT: row, column */
    char *from; /* TARGET_FILE: its path; TARGET_SQL: the query; or NULL */
    char *hash; /* of the pairs of sample and class that those mean, hex, once somebody knows it; or NULL */
    int line;
} experiment_target;

typedef struct {
    char *name, *of;         /* unique name; one of `feature`, as written there (`of: auto` became the first of them) */
    limn_tsne_preset preset; /* whose defaults the options have where the entry gives none */
    limn_embed_options options;
    char **compare; /* (n_compare) names of earlier entries, whose maps this one's is compared with */
    size_t n_compare;
    char *start;    /* NULL, or the name of an earlier entry: the descent begins at its map */
    uint64_t *seed; /* (n_seeds) as `seeds` gave them: entries of their own follow for all but the first */
    size_t n_seeds;
    int line;
} experiment_embed;

typedef struct {
    char *key, *value;
} experiment_setting;

typedef struct {
    char *name, *method, *flavour; /* flavour: "limn" */
    experiment_setting *setting;   /* (n_settings) the method's options as given */
    size_t n_settings;
    experiment_target target; /* resolved: the entry's, or the experiment's */
    int line;
} experiment_attribute;

typedef struct {
    char *metric; /* a measure, or an agreement of two */
    char **of;    /* (n_of) names of attribution entries; none: all of them */
    size_t n_of;
    experiment_setting *setting; /* (n_settings) the measure's options as given */
    size_t n_settings;
    int line;
} experiment_measure;

typedef struct {
    char **maps; /* (n_maps) names of attribution entries; none: all of them */
    size_t n_maps;
    char **to; /* (n_to) names of features, embed and attribution entries; none: all features and embed entries */
    size_t n_to;
    int neighbours; /* 10 */
    int directions; /* 1: maps are scaled to length 1 */
    int line;
} experiment_relate;

typedef enum { PLOT_SCATTER, PLOT_HEATMAPS, PLOT_PICTURE, PLOT_MATRIX, PLOT_BARS, PLOT_LINES } plot_kind;
typedef enum { SELECT_PER_CLASS, SELECT_ERRORS, SELECT_FIRST, SELECT_QUERY } plot_select;
typedef struct {
    char *name; /* file name without ending; default from kind and colour */
    plot_kind kind;
    char *of;      /* SCATTER: an embedding's name; MATRIX, BARS, LINES: what is shown; any of them: "query" */
    char *sql;     /* what is drawn instead: NULL: none */
    char *metric;  /* MATRIX, BARS: of which measure; NULL: the first */
    char *colour;  /* SCATTER: "label" | "prediction" | "correct" | "margin" | "entropy" | "loss" | "probability" |
                      "none" */
    char **column; /* HEATMAPS: "input" and names of attribute entries; PICTURE: one of them */
    size_t n_columns;
    plot_select select;
    size_t per_class, rows; /* HEATMAPS; per_class: 2; rows: the most that are drawn (errors, first) */
    size_t sample;          /* PICTURE: which sample's, by its idx; 0 */
    char *palette;          /* "auto" or a palette's name */
    char *normalise;        /* HEATMAPS: "image" | "method" | "global" */
    int overlay;            /* HEATMAPS: maps over the input */
    char **format;          /* png, svg, pdf, jpg */
    size_t n_formats;
    char *title;          /* NULL: none */
    double width, height; /* cm; 0: chosen */
    int line;
} experiment_plot;

typedef struct limn_experiment {
    char *path, *dir, *text; /* the file, its folder, its content as given */
    char *name;
    char *model, *weights;      /* paths resolved against dir; weights NULL unless {config, weights} */
    char *output;               /* which of the model's outputs, by name or index; NULL: the first */
    limn_data_options data;     /* paths resolved; its arrays owned here */
    limn_data_options held_out; /* the same; n_images 0: none */
    int store_images;           /* 1 */
    char **feature;
    size_t n_features;
    int *feature_line;
    experiment_embed *embed;
    size_t n_embeds;
    experiment_attribute *attribute;
    size_t n_attributes;
    experiment_measure *measure;
    size_t n_measures;
    experiment_relate *relate;
    size_t n_relates;
    experiment_plot *plot;
    size_t n_plots;
    experiment_target target; /* predicted */
    uint64_t seed;            /* 1 */
} limn_experiment;

limn_status experiment_load(limn_experiment **out, const char *path) LIMN_CHECK;
/* The same from text that no file holds (limn attribute, limn plot); `dir` resolves relative paths, `path` names it. */
limn_status experiment_parse(limn_experiment **out, const char *text, const char *path, const char *dir) LIMN_CHECK;
/* Other plots instead of the experiment's: a YAML list of entries; `path` is what messages call it. After a failure the
 * experiment is good for experiment_free() only. */
limn_status experiment_replace_plots(limn_experiment *e, const char *text, const char *path) LIMN_CHECK;
void experiment_free(limn_experiment *e);

/* Targets that are class names become numbers, once the data set's n classes (names, elements may be NULL) are known;
 * a name that is not among them is LIMN_EINPUT. experiment_parse() has done it where `data.classes` is given. */
limn_status experiment_resolve_targets(limn_experiment *e, const char *const *name, size_t n) LIMN_CHECK;

/* Options as JSON text with every default resolved: keys in a fixed order, numbers as the shortest text that reads back
 * to the same bits. The caller frees *out. The store identifies results by these texts, so what it has columns for is
 * left out: embed: name, of, method, start, seed, threads, compare; attribute: name, method, flavour, target. */
limn_status experiment_resolved_json(char **out, const limn_experiment *e) LIMN_CHECK; /* all of it */
limn_status experiment_data_json(char **out, const limn_experiment *e) LIMN_CHECK;     /* selection and preprocessing */
limn_status experiment_embed_json(char **out, const experiment_embed *e) LIMN_CHECK;
limn_status experiment_attribute_json(char **out, const experiment_attribute *a) LIMN_CHECK;
limn_status experiment_plot_json(char **out, const experiment_plot *p) LIMN_CHECK;
/* The method of an entry with its options, ready for limn_attribute_resolve(); *o borrows from a. After that,
 * limn_attribute_json() has the layers' names where experiment_attribute_json() has them as written. */
limn_status experiment_attribute_options(const limn_method **m, limn_attribute_options *o,
                                         const experiment_attribute *a) LIMN_CHECK;
/* The same of a measure entry. */
limn_status experiment_measure_options(const limn_method **m, limn_attribute_options *o,
                                       const experiment_measure *e) LIMN_CHECK;
/* "predicted", "label", "all", "[0,3]", "{\"contrast\":[4,9]}", "{\"top\":3}", "{\"channel\":[5],\"at\":\"mean\"}",
 * "{\"file\":\"HASH\"}" (the path where there is no hash yet) or "{\"sql\":\"SELECT …\",\"pairs\":\"HASH\"}". */
limn_status experiment_target_text(char **out, const experiment_target *t) LIMN_CHECK;

/* Whether it may be an entry's name, and so a file's. */
int experiment_name_ok(const char *name);

/* One row a key, for the parser, `limn methods`, the docs and the tests. `values` is what the message of a wrong value
 * quotes: words as "a|b|c", else a phrase. `fallback`: the default as the file would say it, "(…)" in words, NULL: the
 * key is required. `only`: NULL, or the kinds of entry that have the key ("tsne"; "heatmaps picture"). The rest of a
 * row is the parser's. */
typedef struct experiment_key {
    const char *key, *values, *fallback, *help, *only;
    const struct experiment_type *type;
    size_t offset;
    double min, max;
} experiment_key;
typedef struct experiment_section {
    const char *where;         /* "experiment", "data", "embed", "attribute", "plots", … */
    const experiment_key *key; /* ends with key NULL */
    const char *kind_key;      /* the key whose value is an entry's kind ("method"), or NULL */
    const char *kinds; /* the keys of which just one is given and names the kind ("scatter heatmaps"), or NULL */
    const char *(*option)(size_t i); /* keys that entries may have beside the rows, NULL at the end; or NULL */
} experiment_section;
extern const experiment_section experiment_sections[]; /* ends with where NULL */

#endif
