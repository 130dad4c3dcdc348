/* The store: one SQLite file that holds every result of every run (docs/store.md).
 *
 * Use: store_open() … store_run_begin() … { store_begin(), put rows, store_commit() } a batch … store_run_end(),
 * store_finish(), store_close(). A transaction is the unit of resumption: after a kill at any instant the file holds
 * whole batches, store_have() tells which samples have their rows, and the caller computes the others.
 *
 * A result is identified by model hash, data fingerprint and resolved options: the *_find functions return the row that
 * is there or make it, so that several experiments share results, each under its own names (store_link). Nothing that
 * is there is ever overwritten.
 *
 * Float arrays are little-endian float32 BLOBs. In structs: a NULL string, a negative label or class, and NaN are
 * stored as NULL. JSON texts must be valid JSON, with their keys in a fixed order, because they are compared as text.
 *
 * Errors: LIMN_EINPUT: not ours, of a newer version, or cannot be opened; nothing was made or changed. LIMN_EBUSY:
 * another process writes it. LIMN_EFAIL: SQLite failed (full disk, I/O), in its own words with the file's name: call
 * store_rollback() (or store_close()); what was committed stays valid.
 *
 * A handle is used by one thread at a time; several handles, also of other processes, may read while one writes. */
#ifndef LIMN_STORE_H
#define LIMN_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct limn_store limn_store;

/* ---- the file ------------------------------------------------------------------------------------------- */

/* For writing: made where there is none (or an empty file), brought to this version where it is older. Takes the lock
 * FILE.lock until store_close(); the kernel releases it when the process dies. */
limn_status store_open(limn_store **out, const char *path) LIMN_CHECK;
/* For reading, also from a read-only folder, also while another process writes. No file is made or changed. */
limn_status store_open_readonly(limn_store **out, const char *path) LIMN_CHECK;
/* Only looks: LIMN_OK where store_open() would find a limn database, or no (or an empty) file whose folder exists and
 * can be written; *exists tells which. Makes and changes nothing, so that an experiment can be checked before it runs.
 */
limn_status store_probe(const char *path, int *exists) LIMN_CHECK;
/* Whether the file at `path` is a SQLite file, limn's or not, for `limn info`. */
int store_is_sqlite(const char *path);

/* Commits to the main file and removes -wal and -shm, so that one file remains. Call it at the end of a finished,
 * failed or interrupted run. *one_file (or NULL) = 0 where other readers kept the -wal alive: then FILE-wal belongs to
 * FILE. */
limn_status store_finish(limn_store *s, int *one_file) LIMN_CHECK;
/* Rolls back what is open, finishes where that was not done, releases the lock. NULL is fine. */
void store_close(limn_store *s);

limn_status store_begin(limn_store *s) LIMN_CHECK;
limn_status store_commit(limn_store *s) LIMN_CHECK;
void store_rollback(limn_store *s); /* harmless where nothing is open; keeps limn_message() */

/* ---- runs and stages ------------------------------------------------------------------------------------ */

typedef struct {
    const char *experiment; /* its name */
    const char *config;     /* the experiment file as given */
    const char *options;    /* JSON: everything resolved, with model hash and data fingerprint */
    const char *version;    /* of limn */
    const char *libraries;  /* JSON: {"oneDNN": "2.6.3", …} */
    const char *isa;        /* "avx512_core", … */
} store_run;

/* *run_id = a new run, status "running", started now (UTC). Runs that a kill left "running" become "killed". */
limn_status store_run_begin(limn_store *s, int64_t *run_id, const store_run *r) LIMN_CHECK;
/* status: "finished", "failed" or "interrupted"; message: NULL or the sentence; digest: NULL or store_digest()'s. */
limn_status store_run_end(limn_store *s, int64_t run_id, const char *status, const char *message,
                          const char *digest) LIMN_CHECK;

typedef struct {
    const char *name;     /* "predict", "embed map", … */
    const char *status;   /* "running", "finished", "failed", "interrupted", "reused" */
    size_t done, total;   /* units of the stage */
    double seconds;       /* wall clock */
    uint64_t peak_memory; /* bytes, of the process so far */
} store_stage;
/* Writes the stage of that name: a new row, or the run's row again. */
limn_status store_stage_put(limn_store *s, int64_t run_id, const store_stage *stage) LIMN_CHECK;

/* ---- models and data sets ------------------------------------------------------------------------------- */

typedef struct {
    int idx;
    const char *name, *op;    /* "conv2d_1", "Conv2D" */
    const char *output_shape; /* JSON: [32, 26, 26] */
    size_t parameters;
} store_layer;

typedef struct {
    const char *hash;        /* SHA-256 of the file(s), hex */
    const char *path;        /* as the experiment names it */
    const char *format;      /* "Keras 2 HDF5" */
    const char *producer;    /* "keras 2.2.4", or NULL */
    const char *input_shape; /* JSON: [1, 28, 28] */
    size_t parameters;
    const store_layer *layer; /* (n_layers) */
    size_t n_layers;
} store_model;
/* By hash. The layers are written with a new row. */
limn_status store_model_find(limn_store *s, int64_t *model_id, int64_t run_id, const store_model *m) LIMN_CHECK;

typedef struct {
    const char *fingerprint;       /* SHA-256 over images, labels and selection, hex */
    const char *options;           /* JSON: selection and preprocessing, resolved: what the network is fed */
    const char *path;              /* as the experiment names it */
    const char *format;            /* "IDX (gzip)" */
    size_t n;                      /* samples */
    size_t channels, h, w;         /* of one input, as it lies */
    const char *const *class_name; /* (n_classes) name of class 0, 1, …; NULL: none, shown by its number */
    size_t n_classes;
} store_dataset;
/* By fingerprint and options. The class names given replace those that are there: they are words for people, and no
 * result depends on them. Classes without a name leave those that are there. */
limn_status store_dataset_find(limn_store *s, int64_t *dataset_id, int64_t run_id, const store_dataset *d) LIMN_CHECK;

typedef struct {
    size_t idx;         /* 0 … n-1 */
    int label;          /* -1: none */
    const char *source; /* file of the picture, or its index in the files as text */
    const void *image;  /* PNG, or NULL: not stored */
    size_t image_size;
} store_sample;
/* Writes the sample (dataset, idx); where it is there, only an image that it lacks is added. */
limn_status store_sample_put(limn_store *s, int64_t dataset_id, const store_sample *sample) LIMN_CHECK;
/* id[i] = sample_id of idx i, 0 where it is missing; id has n elements. */
limn_status store_sample_ids(limn_store *s, int64_t dataset_id, int64_t *id, size_t n) LIMN_CHECK;

/* ---- what is there -------------------------------------------------------------------------------------- */

typedef enum {
    STORE_SAMPLES,     /* of = dataset_id: samples */
    STORE_IMAGES,      /* of = dataset_id: samples with their image */
    STORE_PREDICTIONS, /* of = model_id */
    STORE_FEATURES,    /* of = extraction_id */
    STORE_POINTS,      /* of = embedding_id */
    STORE_MAPS,        /* of = attribution_id: samples with at least one map */
    STORE_MEASURES,    /* of = measurement_id: samples whose maps all have their figure, or have none to have */
    STORE_PARTS
} store_part;
/* have[i] = 1 where sample idx i < n of the data set has its rows, else 0; *done = how many have. Both may be NULL. */
limn_status store_have(limn_store *s, store_part part, int64_t of, int64_t dataset_id, unsigned char *have, size_t n,
                       size_t *done) LIMN_CHECK;

/* ---- predictions ---------------------------------------------------------------------------------------- */

typedef struct {
    int class_;          /* the largest probability's */
    double probability;  /* of that class */
    double margin;       /* largest minus second largest probability */
    double entropy;      /* nats */
    double loss;         /* -ln p(label); NaN without a label */
    const float *logits; /* (n_logits) scores before softmax */
    size_t n_logits;
} store_prediction;
limn_status store_prediction_put(limn_store *s, int64_t run_id, int64_t model_id, int64_t sample_id,
                                 const store_prediction *p) LIMN_CHECK;

/* ---- features ------------------------------------------------------------------------------------------- */

typedef struct {
    int64_t model_id, dataset_id;
    const char *layer;   /* its name */
    const char *options; /* JSON: {"pool": "none"}, … */
    size_t dim;
} store_extraction;
/* *complete (or NULL) = the mark of store_complete(). */
limn_status store_extraction_find(limn_store *s, int64_t *extraction_id, int *complete, int64_t run_id,
                                  const store_extraction *e) LIMN_CHECK;
limn_status store_feature_put(limn_store *s, int64_t extraction_id, int64_t sample_id, const float *vector,
                              size_t dim) LIMN_CHECK;
/* X (n, dim), row i = sample idx i; LIMN_EFAIL where one is missing or of another size. X is the caller's array. */
limn_status store_features_read(limn_store *s, int64_t extraction_id, float *X, size_t n, size_t dim) LIMN_CHECK;

/* ---- embeddings ----------------------------------------------------------------------------------------- */

typedef struct {
    int64_t extraction_id;
    const char *method;  /* "tsne", "pca" */
    const char *options; /* JSON, without seed and threads */
    uint64_t seed;
    int dims;
    int64_t into_embedding_id; /* 0, or the map that the points are put into */
} store_embedding;
limn_status store_embedding_find(limn_store *s, int64_t *embedding_id, int *complete, int64_t run_id,
                                 const store_embedding *e) LIMN_CHECK;

typedef struct {
    int iteration;
    double kl;
} store_trace;
typedef struct {
    const char *metric;
    int k; /* 0: none */
    double value;
    size_t points; /* on how many points it was computed */
} store_quality;

typedef struct {
    const int64_t *sample_id; /* (n) */
    const float *Y;           /* (n, dims) */
    size_t n;
    int dims;       /* 1 … 3 */
    double kl;      /* nats; NaN: the method has none */
    int iterations; /* 0: the method has none */
    double seconds;
    const char *warning;      /* NULL or "": none */
    const store_trace *trace; /* (n_trace) */
    size_t n_trace;
    const store_quality *quality; /* (n_quality) */
    size_t n_quality;
    const uint32_t *neighbour; /* (n, k) rows of Y, nearest first; NULL: none */
    const float *distance;     /* (n, k) */
    size_t k;
    size_t k_stored; /* of the k, so many are written; 0: all */
} store_map_of_points;
/* Writes the whole embedding and marks it complete, in one transaction (its own where none is open). */
limn_status store_embedding_put(limn_store *s, int64_t embedding_id, const store_map_of_points *m) LIMN_CHECK;

/* Y (n, dims), row i = sample idx i; LIMN_EFAIL where a point is missing. Y is the caller's array. */
limn_status store_points_read(limn_store *s, int64_t embedding_id, float *Y, size_t n, int dims) LIMN_CHECK;

typedef struct {
    int k; /* neighbours */
    double overlap, procrustes, distances;
    size_t points;
    const int64_t *sample_id; /* (n) */
    const float *share;       /* (n) of each sample's neighbours */
    size_t n;
} store_comparison;
/* *have = 1 where these two maps of the same samples were compared, in either order. */
limn_status store_comparison_have(limn_store *s, int *have, int64_t embedding_id, int64_t other) LIMN_CHECK;
/* Writes it whole, in one transaction. Which of the two comes first is decided by what they are, not by the caller. */
limn_status store_comparison_put(limn_store *s, int64_t run_id, int64_t embedding_id, int64_t other,
                                 const store_comparison *c) LIMN_CHECK;

/* ---- attributions --------------------------------------------------------------------------------------- */

typedef struct {
    int64_t model_id, dataset_id;
    const char *method, *flavour; /* "gradcam", "limn" */
    const char *layer;            /* the CAM layer's name, or NULL */
    const char *output;           /* name of the layer whose unit is explained */
    const char *targets;          /* "predicted", "label", "all", JSON list [0, 3], JSON {"contrast": [4, 9]} */
    const char *options;          /* JSON, all that is left, resolved */
    size_t channels, h, w;        /* of a map */
} store_attribution;
limn_status store_attribution_find(limn_store *s, int64_t *attribution_id, int *complete, int64_t run_id,
                                   const store_attribution *a) LIMN_CHECK;
/* data (n) floats, n = channels * h * w; contrast: -1, or the class whose score is subtracted. The maps of all targets
 * of a sample belong into one transaction. min, max and sum are the store's to compute. */
limn_status store_map_put(limn_store *s, int64_t attribution_id, int64_t sample_id, int target, int contrast,
                          const float *data, size_t n) LIMN_CHECK;

/* How the maps of an attribution relate to other vectors of the same samples: exactly one of the three ids is not 0. */
typedef struct {
    int64_t attribution_id, extraction_id, embedding_id, other_attribution_id;
    const char *options; /* JSON, resolved */
    int k;
    double overlap, cka, distance_correlation, p; /* NaN: NULL */
    size_t points, permutations;
    const int64_t *sample_id; /* (n) */
    const float *share;       /* (n) of each sample's neighbours */
    size_t n;
} store_relation;
/* *have = 1 where it is there: by its ids and options. */
limn_status store_relation_have(limn_store *s, int *have, const store_relation *t) LIMN_CHECK;
/* Writes it whole, in one transaction. */
limn_status store_relation_put(limn_store *s, int64_t run_id, const store_relation *t) LIMN_CHECK;

/* Which samples are to be explained for which classes, by a query of two columns (db/pairs.c). check: whether the query
 * would do, without a database; what is wrong with it is LIMN_EINPUT. */
typedef limn_status (*store_pair_fn)(void *ctx, int64_t idx, int64_t class_);
limn_status store_pairs_check(const char *sql) LIMN_CHECK;
/* Calls pair() for every row; the parameters :model and :dataset are bound. */
limn_status store_pairs(limn_store *s, const char *sql, int64_t model_id, int64_t dataset_id, store_pair_fn pair,
                        void *ctx) LIMN_CHECK;

/* ---- measures of maps ------------------------------------------------------------------------------------ */

typedef struct {
    int64_t attribution_id, other_attribution_id; /* other 0: a measure of one map; else an agreement */
    const char *metric, *options;                 /* "deletion"; JSON */
} store_measurement;
/* The row that is there, or a new one; *complete as it is. */
limn_status store_measurement_find(limn_store *s, int64_t *measurement_id, int *complete, int64_t run_id,
                                   const store_measurement *m) LIMN_CHECK;
limn_status store_measurement_complete(limn_store *s, int64_t measurement_id) LIMN_CHECK;
/* The key of the map that store_map_put() put last. */
int64_t store_last_map(const limn_store *s);
/* A figure of a map (other_map_id 0), or of two; NaN: not defined. One that is there stays. */
limn_status store_measure_put(limn_store *s, int64_t measurement_id, int64_t map_id, int64_t other_map_id,
                              const char *metric, double value) LIMN_CHECK;

typedef struct {
    int64_t map_id;
    int target, contrast; /* contrast -1: none */
} store_map;
/* The maps of a sample, from number `first` on, at most `most` of them, in the order of their targets: map (most), and data
 * (most, stride), `size` floats each. *n = how many there were. A map of another size is LIMN_EFAIL. */
limn_status store_maps_read(limn_store *s, store_map *map, float *data, size_t stride, size_t *n,
                            int64_t attribution_id, int64_t sample_id, size_t first, size_t most,
                            size_t size) LIMN_CHECK;

/* ---- inputs that a unit answers most to ------------------------------------------------------------------- */

typedef struct {
    int64_t model_id;
    const char *flavour, *output, *targets, *options; /* as in store_attribution */
    uint64_t seed;
    size_t channels, h, w; /* of an input */
} store_maximisation;
limn_status store_maximisation_find(limn_store *s, int64_t *maximisation_id, int *complete, int64_t run_id,
                                    const store_maximisation *m) LIMN_CHECK;
typedef struct {
    int target;
    double score, start, loss;
    int iteration;
    const float *data; /* (n) */
    size_t n;
} store_optimum;
limn_status store_optimum_put(limn_store *s, int64_t maximisation_id, const store_optimum *o) LIMN_CHECK;
/* *there = whether the target has its row. */
limn_status store_optimum_there(limn_store *s, int64_t maximisation_id, int target, int *there) LIMN_CHECK;

/* ---- results: marks, names, removal --------------------------------------------------------------------- */

typedef enum { STORE_EXTRACTION, STORE_EMBEDDING, STORE_ATTRIBUTION, STORE_MAXIMISATION, STORE_KINDS } store_kind;
/* Marks an extraction, attribution or maximisation complete (store_embedding_put() does it for embeddings). */
limn_status store_complete(limn_store *s, store_kind kind, int64_t id) LIMN_CHECK;
/* Says that the run uses the result under this name (an embed entry's, an attribute entry's, the layer's). */
limn_status store_link(limn_store *s, int64_t run_id, store_kind kind, const char *name, int64_t id) LIMN_CHECK;

typedef struct {
    const char *name;   /* without ending */
    const char *spec;   /* JSON: the resolved plot entry */
    const char *format; /* "png" */
    const char *file;   /* path as written */
    const char *hash;   /* SHA-256 of the file, hex */
} store_figure;
limn_status store_figure_put(limn_store *s, int64_t run_id, const store_figure *f) LIMN_CHECK;

/* `--fresh`: removes what the runs of this experiment computed (predictions, features, embeddings, maps) and their
 * figures, in one transaction. Models, data sets and the run rows stay. What another experiment shares is removed too:
 * that one finds it missing and computes it again; its runs and this one's lose their digest, the mark of a run whose
 * results are there. */
limn_status store_forget(limn_store *s, const char *experiment) LIMN_CHECK;

#endif
