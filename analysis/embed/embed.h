/* Embeddings: t-SNE (Barnes-Hut, exact) and PCA of n vectors, with options, progress and quality figures.
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
typedef enum { LIMN_TSNE_BARNES_HUT, LIMN_TSNE_EXACT } limn_tsne_engine;
typedef enum { LIMN_INIT_PCA, LIMN_INIT_RANDOM } limn_embed_init;

typedef struct {
    limn_embed_method method; /* tsne */
    limn_tsne_engine engine;  /* barnes-hut */
    int dims;                 /* 2; 2 or 3 */
    int pca;                  /* 50: reduce to so many dimensions first where there are more; 0: never */
    double perplexity;        /* 30; in [1, n - 1) */
    double theta;             /* 0.8; [0, 1], full width; 0: no cell is taken whole */
    double force_error;       /* 0.02; [0, 1]: cells are taken whole only as far as this error allows; 0: theta alone */
    double exaggeration;      /* 12, for the first `early` iterations */
    int early;                /* 250 */
    int iterations;           /* 1000 in all */
    double learning_rate;     /* 0: auto (n/exaggeration, never below 50) */
    double momentum;          /* 0.8 */
    limn_embed_init init;     /* pca: first component's std scaled to 1e-4, plus noise of std 1e-6 */
    uint64_t seed;            /* 1 */
    int threads;              /* 0: all cores */
    int trace_every;          /* 50: KL at every so many iterations, and after the last */
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
    float *distance;     /* (n, k), euclidean */
    double *explained;   /* (n_explained) share of variance of the PCA axes (pre-reduction, or the PCA itself) */
    size_t n_explained;
    double seconds;
    char warning[256]; /* "" or a sentence: fewer neighbours than 3 x perplexity, … */
} limn_embedding;

LIMN_API void limn_embed_defaults(limn_embed_options *o);
/* LIMN_EINPUT with a sentence where an option is out of range for n vectors of D dimensions. */
LIMN_API limn_status limn_embed_check(const limn_embed_options *o, size_t n, size_t D) LIMN_CHECK;
/* X (n, D) float32, row-major, finite (else LIMN_EFAIL naming the row). *out is the caller's: limn_embedding_free. */
LIMN_API limn_status limn_embed(limn_embedding **out, const float *X, size_t n, size_t D, const limn_embed_options *o,
                                limn_progress_fn progress, void *ctx) LIMN_CHECK;
LIMN_API void limn_embedding_free(limn_embedding *e);

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

#endif
