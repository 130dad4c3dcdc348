/* Embeddings: t-SNE (Barnes-Hut, FFT, exact) and PCA of n vectors, with options, progress and quality figures.
 * This header is part of the public limn.h. Definitions and defaults: docs/tsne.md.
 *
 * Gradient without the factor 4; theta compares a cell's FULL width s with sqrt(1 + d^2), d its distance; entropy in
 * nats; self is never a neighbour; P = (C + C^T)/2, divided by its sum. The map has the same bits at any thread count.
 */
#ifndef LIMN_EMBED_H
#define LIMN_EMBED_H

#include <stddef.h>
#include <stdint.h>

#include "base/progress.h"
#include "base/status.h"

typedef enum { LIMN_EMBED_TSNE, LIMN_EMBED_PCA } limn_embed_method;
typedef enum {
    LIMN_TSNE_AUTO,
    LIMN_TSNE_BARNES_HUT,
    LIMN_TSNE_FFT,
    LIMN_TSNE_HYBRID,
    LIMN_TSNE_EXACT
} limn_tsne_engine;
typedef enum { LIMN_INIT_PCA, LIMN_INIT_RANDOM, LIMN_INIT_SPECTRAL, LIMN_INIT_GIVEN } limn_embed_init;
typedef enum {
    LIMN_PRESET_LIMN,
    LIMN_PRESET_MATLAB,
    LIMN_PRESET_SKLEARN,
    LIMN_PRESET_OPENTSNE,
    LIMN_PRESET_BHTSNE,
    LIMN_PRESETS
} limn_tsne_preset;
typedef enum {
    LIMN_METRIC_EUCLIDEAN,
    LIMN_METRIC_COSINE,      /* 1 - cosine of the angle */
    LIMN_METRIC_CORRELATION, /* 1 - Pearson's correlation of the components */
    LIMN_METRIC_MANHATTAN,
    LIMN_METRICS
} limn_embed_metric;
/* learning_rate 0: n/exaggeration of the phase, never below 50; max(n/12, 200) throughout; n/exaggeration. */
typedef enum { LIMN_RATE_AUTO, LIMN_RATE_SKLEARN, LIMN_RATE_OPENTSNE } limn_tsne_rate;
/* After the early phase, at values of the trace. sklearn: no lower KL for 300 iterations, or the gradient's norm (with
 * the factor 4) at most 1e-7, or 1e-10 (matlab: that alone); optsne: the KL falls by less than KL/5000 an iteration. */
typedef enum { LIMN_STOP_NEVER, LIMN_STOP_SKLEARN, LIMN_STOP_OPTSNE, LIMN_STOP_MATLAB } limn_tsne_stop;

enum { LIMN_PERPLEXITIES = 8 /* scales of one embedding at most */ };

typedef struct {
    limn_embed_method method;            /* tsne */
    limn_tsne_engine engine;             /* auto: docs/tsne.md has the rule */
    int dims;                            /* 2; 1 to 3 */
    int pca;                             /* 50: reduce to so many dimensions first where there are more; 0: never */
    limn_embed_metric metric;            /* euclidean; another: without the reduction by PCA */
    double recall;                       /* 0.99; [0.5, 1]: share of the neighbours to find above 200,000 vectors */
    double perplexity;                   /* 30; in [1, n - 1) */
    double scale[LIMN_PERPLEXITIES - 1]; /* (n_scales) further perplexities: P is the mean over all of them */
    int n_scales;
    double alpha;             /* 1; (0, 1000]: the kernel is (1 + d^2/alpha)^-alpha; below 1: heavier tails */
    double theta;             /* 0.8; [0, 1], full width; 0: no cell is taken whole */
    double force_error;       /* 0.02; [0, 1]: cells are taken whole only as far as this error allows; 0: theta alone */
    double exaggeration;      /* 12, for the first `early` iterations */
    int early;                /* 250 */
    int iterations;           /* 1000 in all */
    double late_exaggeration; /* 1, for the last `late` iterations */
    int late;                 /* 0 */
    double learning_rate;     /* 0: by `rate` */
    limn_tsne_rate rate;      /* auto */
    double early_momentum;    /* 0.8, for the first `early` iterations */
    double momentum;          /* 0.8 */
    limn_tsne_stop stop;      /* never */
    limn_embed_init init;     /* pca: first component's std scaled to 1e-4, plus noise of std 1e-6 */
    const float *start;       /* init given: (n, dims), taken as it is; borrowed */
    uint64_t seed;            /* 1 */
    int threads;              /* 0: all cores */
    int trace_every;          /* 50: KL at every so many iterations, and after the last */
    int snapshot_every;       /* 0: never; `snapshot` gets the layout at every so many iterations */
    int (*snapshot)(void *ctx, int iteration, const double *Y, size_t n, int dims); /* not 0: stop */
    void *snapshot_ctx;
    const char *checkpoint; /* NULL, or a file: kept up to date, and gone on from where it is of this very descent */
} limn_embed_options;

typedef struct {
    int iteration;
    double kl; /* with P unexaggerated */
} limn_trace;

typedef struct {
    size_t n;
    int dims;
    float *Y;  /* (n, dims) */
    double kl; /* exact P, exact Z after the last iteration; NaN for PCA */
    limn_trace *trace;
    size_t n_trace;
    size_t k;            /* neighbours a point */
    uint32_t *neighbour; /* (n, k), nearest first */
    float *distance;     /* (n, k), by o->metric */
    double recall;       /* share of the true neighbours that were found: 1, or measured on 1,000 vectors */
    double *explained;   /* (n_explained) share of variance of the PCA axes (pre-reduction, or the PCA itself) */
    size_t n_explained;
    int iterations; /* made */
    double seconds;
    char warning[256]; /* "" or a sentence: fewer neighbours than 3 x perplexity, … */
} limn_embedding;

LIMN_API void limn_embed_defaults(limn_embed_options *o);
/* The same as that program does it: docs/tsne.md has the table. */
LIMN_API void limn_embed_preset(limn_embed_options *o, limn_tsne_preset preset);
/* LIMN_EINPUT with a sentence where an option is out of range for n vectors of D dimensions. */
LIMN_API limn_status limn_embed_check(const limn_embed_options *o, size_t n, size_t D) LIMN_CHECK;
/* X (n, D) float32, row-major, finite (else LIMN_EFAIL naming the row). *out is the caller's: limn_embedding_free. */
LIMN_API limn_status limn_embed(limn_embedding **out, const float *X, size_t n, size_t D, const limn_embed_options *o,
                                limn_progress_fn progress, void *ctx) LIMN_CHECK;
LIMN_API void limn_embedding_free(limn_embedding *e);
/* A t-SNE map a seed, out[i] of seed[i] with the bits that limn_embed() gives it; the neighbours are sought once. All of
 * them, or (after a failure) none. */
LIMN_API limn_status limn_embed_seeds(limn_embedding **out, const uint64_t *seed, size_t seeds, const float *X,
                                      size_t n, size_t D, const limn_embed_options *o, limn_progress_fn progress,
                                      void *ctx) LIMN_CHECK;
/* limn_embed() with o->method taken as t-SNE. */
LIMN_API limn_status limn_tsne(limn_embedding **out, const float *X, size_t n, size_t D, const limn_embed_options *o,
                               limn_progress_fn progress, void *ctx) LIMN_CHECK;

/* Of points whose distances alone are known: distance (n, n), finite, not negative; the diagonal is not read. Or whose
 * neighbours: index (n, k) and distance (n, k), in any order; k of about 3 perplexity. The options' pca and metric do not
 * count, and init pca means spectral. LIMN_EINPUT: something is no distance, a point is its own neighbour, … */
LIMN_API limn_status limn_tsne_distances(limn_embedding **out, const float *distance, size_t n,
                                         const limn_embed_options *o, limn_progress_fn progress, void *ctx) LIMN_CHECK;
LIMN_API limn_status limn_tsne_neighbours(limn_embedding **out, const uint32_t *index, const float *distance, size_t n,
                                          size_t k, const limn_embed_options *o, limn_progress_fn progress,
                                          void *ctx) LIMN_CHECK;

/* New points into a finished map (openTSNE's rule): each starts at the median of its nearest reference points, feels the
 * map and not its fellows. Z (m, D) new vectors; X (n, D), Y (n, dims): the reference and its map. */
typedef struct {
    double perplexity;   /* 5; k = min(n, floor(3 perplexity)) neighbours */
    double exaggeration; /* 1.5 */
    int iterations;      /* 250 */
    double rate;         /* 0.1 */
    double momentum;     /* 0.8 */
    double longest;      /* 0.25: a longer gradient is shortened */
    double alpha;        /* 1: the map's */
    int pca;             /* 50: as the map was made */
    int threads;
} limn_transform_options;
LIMN_API void limn_transform_defaults(limn_transform_options *o);
/* out (m, dims) is the caller's array. */
LIMN_API limn_status limn_transform(float *out, const float *Z, size_t m, const float *X, size_t n, size_t D,
                                    const float *Y, int dims, const limn_transform_options *o,
                                    limn_progress_fn progress, void *ctx) LIMN_CHECK;

/* A figure of an embedding: name, k (0 where it has none), value. */
typedef struct {
    const char
        *metric; /* "trustworthiness", "continuity", "knn_recall", "knc", "cpd", "label_accuracy", "silhouette" */
    int k;
    double value;
    size_t sample; /* points it was computed on (all, or a seeded subset) */
} limn_quality;

/* The quality figures of Y (n, dims) for X (n, D): at most *n_out = room rows into out. labels (n) or NULL; -1 = none.
 */
LIMN_API limn_status limn_embed_quality(limn_quality *out, size_t room, size_t *n_out, const float *X, size_t n,
                                        size_t D, const float *Y, int dims, const int *labels, uint64_t seed,
                                        int threads) LIMN_CHECK;

/* How far two maps of the same points agree, whatever made them differ: a seed, a perplexity, a method. */
typedef struct {
    int k;          /* 10 neighbours a point, fewer of fewer than 11 points */
    double overlap; /* share of a point's k nearest on the one that are among its k nearest on the other: mean */
    double
        procrustes; /* 1: the same but for place, turn, mirror and scale; 0: nothing in common; NaN: a map is a point */
    double distances; /* Spearman's correlation of the distances of all pairs of `points`; NaN: all are equal */
    size_t points;    /* at most 1,000, seeded */
} limn_map_agreement;

/* Y[m] (n, dims[m]), n >= 3, finite. out (maps (maps - 1)/2): the pair a < b is out[b (b - 1)/2 + a]. share: NULL, or
 * (pairs, n), in the same order: each point's share of neighbours. */
LIMN_API limn_status limn_maps_agree(limn_map_agreement *out, float *share, const float *const *Y, const int *dims,
                                     size_t maps, size_t n, uint64_t seed, int threads) LIMN_CHECK;

#endif
