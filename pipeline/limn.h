/* limn: see what a CNN has learned, and where it looks.
 *
 * The public header: everything that the program `limn` does, as calls. `make install` writes it as one file, with the
 * headers that it includes below put in their places.
 *
 * Conventions: a function that can fail returns a limn_status, and limn_message() then holds one sentence. Nothing here
 * exits or prints: text goes to a limn_text_fn, progress to a limn_progress_fn. Strings and structs passed in stay the
 * caller's; `T **out` is the caller's to free with the function named. */
#ifndef LIMN_H
#define LIMN_H

#include <stddef.h>
#include <stdint.h>

#include "base/nearest.h"
#include "base/progress.h"
#include "base/status.h"
#include "embed/embed.h"

#define LIMN_VERSION "0.1.0"

/* Receives n bytes of text; returns non-zero where it cannot be written (then the call ends with LIMN_EFAIL). */
typedef int (*limn_text_fn)(void *ctx, const char *text, size_t n);

/* How a call speaks while it runs. Any function may be NULL. */
typedef struct {
    limn_progress_fn progress;
    limn_text_fn note; /* sentences for the user: choices made, warnings; each ends with a line break */
    void *ctx;
} limn_voice;

/* ---- the whole pipeline ------------------------------------------------------------------------------------------ */
typedef struct {
    const char *db;  /* NULL: NAME.db in the current folder */
    const char *out; /* NULL: NAME/ in the current folder */
    int threads;     /* 0: all cores */
    int fresh;       /* recompute this experiment's results */
    size_t limit;    /* 0, or at most so many samples (as data.limit) */
    int ref;         /* use the plain _ref engine */
    int winograd;    /* 3x3 convolutions by Winograd's way: up to twice as fast, the masks of a few ReLUs flip */
} limn_run_options;

typedef struct {
    char *db, *out; /* where the results are */
    size_t samples, figures;
    double accuracy;   /* NaN without labels */
    double kl;         /* of the first t-SNE map; NaN without one */
    int nothing_to_do; /* the experiment was finished before */
    char digest[65];
} limn_run_result;

LIMN_API limn_status limn_run(const char *experiment, const limn_run_options *o, const limn_voice *v,
                              limn_run_result *result) LIMN_CHECK;
LIMN_API void limn_run_result_clear(limn_run_result *r);

/* ---- maps without an experiment file ----------------------------------------------------------------------------- */
typedef struct {
    const char *model, *weights; /* weights: NULL, or the weight file of a config */
    const char *output;          /* which of the model's outputs, by name or index; NULL: the first */
    const char *const *images;   /* (n_images) files or folders */
    size_t n_images;
    const char *labels;     /* NULL: none */
    const char *const *set; /* (n_set) "key=value" in the experiment file's words: method, flavour, layer, target … */
    size_t n_set;
    limn_run_options run;
} limn_attribute_call;
LIMN_API limn_status limn_attribute(const limn_attribute_call *c, const limn_voice *v,
                                    limn_run_result *result) LIMN_CHECK;

/* ---- vectors from a file to a map -------------------------------------------------------------------------------- */
/* Vectors come from .npy, .npz with one array, .csv or IDX (pictures are flattened), or from a layer of a results database:
 * FILE.db:LAYER; maps are read from .npy, .csv, or FILE.db:NAME. */
typedef struct {
    const char *in, *out; /* out: .npy or .csv by its ending, or FILE.db:NAME */
    const char *layer;    /* NULL, or the layer that a database means which names none */
    const uint64_t *seed; /* (seeds) NULL: options->seed; the maps of the others are written as NAME.SEED */
    size_t seeds;
    const char *overlap; /* NULL, or a .npy or .csv: each vector's mean share of neighbours over all pairs of maps */
    limn_tsne_preset preset;      /* as which a database names the options */
    const char *labels, *picture; /* NULL: none; n integers; a .png/.jpg/.svg/.pdf scatter */
    const char *start;            /* NULL, or a map: the descent starts there */
    const char *snapshots; /* NULL, or a folder (made where it is not): every options->snapshot_every iterations */
    const char *into, *reference; /* NULL, or a finished map and its vectors: `in` is added to it by limn_transform() */
    const limn_embed_options *options;
} limn_embed_call;
/* Notes tell what came of it, and the figures of quality. */
LIMN_API limn_status limn_embed_file(const limn_embed_call *c, const limn_voice *v) LIMN_CHECK;

/* ---- asking ------------------------------------------------------------------------------------------------------ */
typedef enum { LIMN_TABLE, LIMN_CSV, LIMN_JSON } limn_format_kind;
typedef struct {
    const char *weights, *output; /* of a model, as in limn_attribute_call */
    int plan;                     /* of a model: also how the engine would compute it */
} limn_info_options;
/* What a model, a data set or a results database holds. o: NULL, or options. */
LIMN_API limn_status limn_info(const char *path, const limn_info_options *o, limn_format_kind as, limn_text_fn write,
                               void *ctx) LIMN_CHECK;
/* One or more SQL statements on a results database, read-only, limn's SQL functions loaded. */
LIMN_API limn_status limn_sql(const char *db, const char *sql, limn_format_kind as, limn_text_fn write,
                              void *ctx) LIMN_CHECK;
/* SHA-256 over the result tables (store.md); `tables`: a line a table; `check`: compare with what the runs stored. */
LIMN_API limn_status limn_digest(const char *db, int tables, int check, limn_text_fn write, void *ctx) LIMN_CHECK;
LIMN_API limn_status limn_doctor(limn_text_fn write, void *ctx) LIMN_CHECK;
LIMN_API limn_status limn_methods(limn_format_kind as, limn_text_fn write, void *ctx) LIMN_CHECK;

/* ---- figures again, from the store ------------------------------------------------------------------------------- */
typedef struct {
    const char *db, *out;
    const char *const *set; /* (n_set) "key=value" of one entry of `plots`; none: all the figures of the last run */
    size_t n_set;
    const char *sql; /* the entry's `sql`: a SELECT that it draws, as a scatter where `set` names no kind; NULL: none */
} limn_plot_call;
LIMN_API limn_status limn_plot(const limn_plot_call *c, const limn_voice *v, size_t *figures) LIMN_CHECK;

#endif
