/* Questions that plots, reports and commands ask of a store, answered in arrays of structs.
 *
 * An array returned through `T **out` is the caller's: free() (its strings lie in the same block, except where a *_free
 * function is named). Labels and classes: -1 where there is none; numbers: NaN where there is none. */
#ifndef LIMN_QUERIES_H
#define LIMN_QUERIES_H

#include "db/store.h"

/* ---- runs and names ------------------------------------------------------------------------------------- */

typedef struct {
    int64_t run_id; /* 0: there is none */
    char *experiment, *config, *options, *version, *libraries, *isa, *started, *status, *message, *digest; /* or NULL */
} query_run;
/* The last run of this experiment (NULL: of any that had a file); status: NULL, or only runs of this status. */
limn_status query_last_run(limn_store *s, query_run *out, const char *experiment, const char *status) LIMN_CHECK;
void query_run_clear(query_run *r);

/* *id = the result that the run knows under this name. LIMN_EINPUT naming those that there are, where there is none. */
limn_status query_result(limn_store *s, int64_t *id, store_kind kind, int64_t run_id, const char *name) LIMN_CHECK;

typedef struct {
    int64_t model_id, dataset_id;
    char model_hash[65], dataset_fingerprint[65];
    size_t n;        /* samples that have a prediction */
    double accuracy; /* share of the labelled that are right; NaN without labels */
    double kl;       /* of its first complete t-SNE map; NaN without one */
} query_summary_row;
/* What a run achieved (run_id: query_last_run's or store_run_begin's). */
limn_status query_summary(limn_store *s, query_summary_row *out, int64_t run_id) LIMN_CHECK;

typedef struct {
    char *name, *spec, *format, *file, *hash;
} query_figure;
/* The figures that a run made. */
limn_status query_figures(limn_store *s, query_figure **out, size_t *n, int64_t run_id) LIMN_CHECK;

/* ---- classes, points ------------------------------------------------------------------------------------ */

typedef struct {
    int label;
    char *name;
} query_class;
limn_status query_classes(limn_store *s, query_class **out, size_t *n, int64_t dataset_id) LIMN_CHECK;

typedef struct {
    int64_t sample_id;
    size_t idx;
    double x, y, z; /* z NaN in a plane */
    int label, prediction;
    int correct; /* 1, 0, or -1: no label or no prediction */
    double probability, margin, entropy, loss;
    double overlap; /* mean share of its neighbours over the maps that this one was compared with */
} query_point;
/* In the order of idx. */
limn_status query_points(limn_store *s, query_point **out, size_t *n, int64_t embedding_id) LIMN_CHECK;

/* ---- layers and maps, whatever run stored them ----------------------------------------------------------- */

typedef struct {
    int64_t id, dataset_id; /* id: extraction_id or embedding_id */
    size_t n, dim;          /* samples; elements of a vector, or dimensions of the map */
} query_vectors;
/* The last layer of this name (NULL: of any) whose vectors are all there; the last complete map that a run called so.
 * LIMN_EINPUT naming those that there are, where there is none. */
limn_status query_layer(limn_store *s, query_vectors *out, const char *name) LIMN_CHECK;
limn_status query_map_named(limn_store *s, query_vectors *out, const char *name) LIMN_CHECK;
/* *embedding_id = the points that the run put into this map; 0: it put none. */
limn_status query_placed(limn_store *s, int64_t *embedding_id, int64_t run_id, int64_t into) LIMN_CHECK;
/* label[i] of sample idx i, -1 = none. */
limn_status query_labels(limn_store *s, int *label, size_t n, int64_t dataset_id) LIMN_CHECK;

/* ---- heatmap grids -------------------------------------------------------------------------------------- */

typedef enum { QUERY_PER_CLASS, QUERY_ERRORS, QUERY_FIRST } query_select;
typedef struct {
    int64_t sample_id;
    size_t idx;
    int label, prediction, correct;
    double probability, margin;
} query_sample;
/* Samples with this model's predictions. PER_CLASS: of each label the `count` of lowest idx whose prediction is right
 * (of each predicted class, where the data set has no labels); ERRORS: those that are wrong, by idx, at most `count`
 * (0: all); FIRST: the first `count`. */
limn_status query_samples(limn_store *s, query_sample **out, size_t *n, int64_t model_id, int64_t dataset_id,
                          query_select select, size_t count) LIMN_CHECK;
/* The one sample of this key; *n = 0 where there is none. */
limn_status query_sample_of(limn_store *s, query_sample **out, size_t *n, int64_t model_id,
                            int64_t sample_id) LIMN_CHECK;

/* *png (the caller's: free()) = the sample's picture; NULL and 0 where none is stored. */
limn_status query_image(limn_store *s, void **png, size_t *size, int64_t sample_id) LIMN_CHECK;

typedef struct {
    char *method, *flavour, *layer, *output, *targets; /* layer may be NULL; query_attribution_clear() */
    int64_t model_id, dataset_id;
    size_t channels, h, w;
    int complete;
} query_attribution;
limn_status query_attribution_get(limn_store *s, query_attribution *out, int64_t attribution_id) LIMN_CHECK;
void query_attribution_clear(query_attribution *a);

/* *data (the caller's: free()) = (channels, h, w) of the sample's map for its predicted class, else of its lowest
 * target; *target = the class. NULL where there is none. */
limn_status query_map(limn_store *s, float **data, size_t *n, int *target, int64_t attribution_id,
                      int64_t sample_id) LIMN_CHECK;

#endif
