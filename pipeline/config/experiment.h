/* The experiment file, checked: YAML in, structs with every default resolved out (docs/experiment.md).
 *
 * experiment_load() reads the whole file and knows every key through one const table of keys; whatever is wrong is
 * LIMN_EINPUT with "FILE:LINE: …" and, for an unknown word, the nearest known one. What needs the model or the data
 * (does a layer exist, do shapes fit) is checked by run.c, which quotes `line`. All strings are owned by the
 * experiment. */
#ifndef LIMN_EXPERIMENT_H
#define LIMN_EXPERIMENT_H

#include "data/dataset.h"
#include "embed/embed.h"

typedef enum { TARGET_PREDICTED, TARGET_LABEL, TARGET_CLASSES, TARGET_ALL, TARGET_CONTRAST } target_kind;
typedef struct {
    target_kind kind;
    int *classes; /* TARGET_CLASSES: n of them; TARGET_CONTRAST: two, score a minus score b */
    size_t n;
} experiment_target;

typedef struct {
    char *name, *of; /* unique name; the feature layer as written ("auto" = the first of `features`) */
    limn_embed_options options;
    int line;
} experiment_embed;

typedef struct {
    char *name, *method, *flavour; /* flavour: "limn" */
    char *layer, *output;          /* "auto"; "last" */
    char *channels;                /* "reduce" | "keep" */
    char *size;                    /* "input" | "layer" */
    char *grad_modifier;           /* "auto": the method's own default */
    char *backprop_modifier;       /* "auto" | "none" | "guided" | "relu" */
    experiment_target target;      /* resolved: the entry's, or the experiment's */
    int line;
} experiment_attribute;

typedef enum { PLOT_SCATTER, PLOT_HEATMAPS } plot_kind;
typedef enum { SELECT_PER_CLASS, SELECT_ERRORS, SELECT_FIRST } plot_select;
typedef struct {
    char *name; /* file name without ending; default from kind and colour */
    plot_kind kind;
    char *of;      /* SCATTER: an embedding's name */
    char *colour;  /* SCATTER: "label" | "prediction" | "correct" | "margin" | "entropy" | "loss" | "probability" |
                      "none" */
    char **column; /* HEATMAPS: "input" and names of attribute entries */
    size_t n_columns;
    plot_select select;
    size_t per_class, rows; /* per_class: 2; rows: the most that are drawn (errors, first) */
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
    char *model, *weights;  /* paths resolved against dir; weights NULL unless {config, weights} */
    limn_data_options data; /* paths resolved; its arrays owned here */
    int store_images;       /* 1 */
    char **feature;
    size_t n_features;
    int *feature_line;
    experiment_embed *embed;
    size_t n_embeds;
    experiment_attribute *attribute;
    size_t n_attributes;
    experiment_plot *plot;
    size_t n_plots;
    experiment_target target; /* predicted */
    uint64_t seed;            /* 1 */
} limn_experiment;

limn_status experiment_load(limn_experiment **out, const char *path) LIMN_CHECK;
/* The same from text that no file holds (limn attribute, limn plot); `dir` resolves relative paths, `path` names it. */
limn_status experiment_parse(limn_experiment **out, const char *text, const char *path, const char *dir) LIMN_CHECK;
void experiment_free(limn_experiment *e);

/* One "key: value" table per kind of entry, for `limn methods`, the docs and the tests. */
typedef struct {
    const char *key, *values, *fallback, *help;
} experiment_key;
typedef struct {
    const char *where;         /* "experiment", "data", "embed", "attribute", "plots", … */
    const experiment_key *key; /* ends with key NULL */
} experiment_section;
extern const experiment_section experiment_sections[]; /* ends with where NULL */

#endif
