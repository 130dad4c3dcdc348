/* One run of an experiment: what its stages share. run.c opens it, checks it, and runs the stages in order.
 *
 * Per-sample stages work in chunks of B samples (fixed by the network): chunk c is samples cB … cB+B-1, computed whole
 * where one of them lacks its rows, written in one transaction. So a killed run loses at most a chunk, and its bits
 * are those of an undisturbed run. Workers compute, the calling thread alone touches SQLite. */
#ifndef LIMN_STAGES_RUN_H
#define LIMN_STAGES_RUN_H

#include "limn.h"

#include "attribution/attribute.h"
#include "config/experiment.h"
#include "data/ahead.h"
#include "data/dataset.h"
#include "db/store.h"
#include "nn/net.h"
#include "text.h"

/* Classes that a file or a query names for each sample: those of sample i are class_[first[i]] … class_[first[i + 1] - 1],
 * ascending. */
typedef struct {
    size_t *first; /* (n + 1), or NULL: there are none */
    int *class_;
    size_t n, most; /* in all; of one sample */
} target_pairs;

/* An attribute entry, resolved against the model. */
typedef struct {
    const experiment_attribute *entry;
    const limn_method *method;
    limn_attribute_options options;
    limn_shape shape;         /* of a map */
    size_t size;              /* floats of a map */
    size_t outputs;           /* units of the explained layer, */
    size_t channels, columns; /* and where it has rows and columns, its channels and columns */
    size_t targets;           /* maps a sample, at most */
    target_pairs pairs;
    int64_t id;
    int complete;
    unsigned char *have; /* (n) the samples that have their maps */
} run_attribute;

typedef struct {
    int layer; /* index in the graph */
    size_t dim;
    int hwc; /* the vector is put in the order row, column, channel */
    int64_t id;
    int complete;
    unsigned char *have; /* (n) */
} run_feature;

typedef struct run_held run_held; /* held_out.c */

typedef struct {
    limn_experiment *exp;
    limn_run_options o;
    limn_voice voice;
    limn_graph *graph;
    limn_net *net;
    limn_dataset *data;
    limn_session *probe; /* the calling thread's, for shapes and checks: nothing can be asked of it */
    limn_store *store;
    char *db, *out, *options; /* options: JSON of everything resolved */
    size_t n, B, chunks, classes;
    int threads;
    int64_t run_id, model_id, dataset_id;
    int64_t *sample_id;       /* (n) */
    run_feature *feature;     /* (exp->n_features) */
    run_attribute *attribute; /* (exp->n_attributes) */
    int64_t *embedding_id;    /* (exp->n_embeds) */
    run_held *held;           /* the held-out samples' part; NULL: there are none */
    const char *prefix;       /* of the stages' names, or NULL */
    size_t figures;           /* pictures drawn */
    double stage_start;       /* monotonic seconds */
    char stage[80];           /* the one that runs, or "" */
    size_t stage_done, stage_total;
} limn_run_state;

/* ---- state.c: what stages call ------------------------------------------------------------------------------------- */

/* Progress of the running stage; LIMN_EINTERRUPTED where the user asked to stop. value: NaN where there is none. */
limn_status run_progress(limn_run_state *r, size_t done, double value) LIMN_CHECK;
/* Writes the running stage's row with this status ("running", "failed", …). */
limn_status run_stage_put(limn_run_state *r, const char *status) LIMN_CHECK;
/* Begins a stage of `total` units: its row in the store, its clock. */
limn_status run_stage_begin(limn_run_state *r, const char *name, size_t total) LIMN_CHECK;
/* Ends it; status: "finished", "reused". */
limn_status run_stage_end(limn_run_state *r, const char *status) LIMN_CHECK;
/* "FILE:LINE: " in front of the last message, whose status is s. */
limn_status run_at(const limn_run_state *r, int line, limn_status s) LIMN_CHECK;

/* The chunks that lack rows: *list (n) of chunk numbers, by `missing(ctx, sample)`. The caller frees. */
limn_status run_pending(const limn_run_state *r, size_t **list, size_t *n, int (*missing)(const void *, size_t),
                        const void *ctx) LIMN_CHECK;
/* Number of samples in chunk c: B, or fewer in the last one. */
size_t run_chunk_rows(const limn_run_state *r, size_t c);
/* The chunks of a stage, read and preprocessed by threads of their own ahead of its `workers`: chunk pending[k] is number
 * k of `ahead` (data/ahead.h), (B, C, H, W), rows without a sample zero; each is taken `takes` times. */
typedef struct {
    const limn_run_state *r;
    const size_t *pending;
    limn_ahead *ahead; /* the stage closes it */
} run_reading;
limn_status run_read_ahead(run_reading *q, const limn_run_state *r, const size_t *pending, size_t n, size_t takes,
                           int workers) LIMN_CHECK;

/* What the methods of all entries ask of a session (net.h): values and gradients at the layers explained, at those of
 * CAMs, at the input. The caller frees. */
limn_status run_method_asks(const limn_run_state *r, unsigned char **asks) LIMN_CHECK;

/* ---- target.c: whose score a map explains ------------------------------------------------------------------------- */

/* The target of an entry against its layer and the data: what a file names is read, a query compiled. */
limn_status run_target_check(const limn_run_state *r, run_attribute *a, experiment_target *t) LIMN_CHECK;
/* Asks the database for what queries name, once its predictions are there. */
limn_status run_target_ask(const limn_run_state *r, run_attribute *a, experiment_target *t) LIMN_CHECK;
/* Target number t of sample i: a unit, or a channel, of the explained layer, whose values of that sample these are; -1: there
 * is none (no label, or one that the layer has no unit for; fewer pairs). */
int run_target(const limn_run_state *r, const run_attribute *a, size_t t, size_t i, const float *values);
/* The class whose score is subtracted from that of the target, or -1. */
int run_target_contrast(const run_attribute *a);
/* seed (outputs) = what of `values` is the score of a target. */
void run_target_seed(const run_attribute *a, int target, int contrast, const float *values, float *seed);
/* Whether run_target_seed() looks at the values. */
int run_target_looks(const run_attribute *a);

/* ---- checks.c: everything that can be known before anything runs ------------------------------------------------- */
limn_status run_check(limn_run_state *r) LIMN_CHECK;

/* ---- held_out.c: a second data set, put into the maps of the first; nothing where there is none ------------------ */
limn_status held_out_open(limn_run_state *r) LIMN_CHECK; /* after run_check() */
void held_out_close(limn_run_state *r);
const char *held_out_fingerprint(const limn_run_state *r); /* or NULL */
limn_status stage_held_out(limn_run_state *r) LIMN_CHECK;  /* its samples and predictions, before those of the data */
limn_status stage_place(limn_run_state *r) LIMN_CHECK;     /* its samples into the t-SNE maps */

/* ---- the stages -------------------------------------------------------------------------------------------------- */
limn_status stage_samples(limn_run_state *r) LIMN_CHECK;   /* model, data set and samples into the store */
limn_status stage_predict(limn_run_state *r) LIMN_CHECK;   /* predictions and feature vectors */
limn_status stage_embed(limn_run_state *r) LIMN_CHECK;     /* maps of points */
limn_status stage_compare(limn_run_state *r) LIMN_CHECK;   /* how far maps of points agree */
limn_status stage_attribute(limn_run_state *r) LIMN_CHECK; /* maps of attribution */
limn_status stage_measure(limn_run_state *r) LIMN_CHECK;   /* figures of the maps */
limn_status stage_relate(limn_run_state *r) LIMN_CHECK;    /* how maps and features relate */
limn_status stage_plot(limn_run_state *r) LIMN_CHECK;      /* figures */

/* Writes a finished map whole, with its trace, neighbours and figures. */
limn_status run_embedding_put(limn_store *s, int64_t embedding_id, const int64_t *sample_id, const limn_embedding *map,
                              const limn_quality *q, size_t n_q) LIMN_CHECK;
/* *out = the JSON object with one more key: the SHA-256 of a map (floats) that the result depends on. */
limn_status run_options_with(char **out, const char *json, const char *key, const float *Y, size_t floats) LIMN_CHECK;

/* Draws plots of an experiment from the results of one of its runs into a folder; *figures = pictures made, each with a
 * row in the store if keep_rows. */
limn_status figures_draw(limn_store *s, const limn_experiment *e, int64_t run_id, const char *folder, int threads,
                         int keep_rows, const limn_voice *v, size_t *figures) LIMN_CHECK;

/* *there = 1 where the figures that the run made are in `folder`, with the bytes that they had. */
limn_status figures_there(limn_store *s, int64_t run_id, const char *folder, int *there) LIMN_CHECK;

#endif
