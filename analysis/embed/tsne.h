/* The descent of t-SNE: from affinities and a start to a map. */
#ifndef LIMN_EMBED_TSNE_H
#define LIMN_EMBED_TSNE_H

#include <stddef.h>

#include "base/progress.h"
#include "base/status.h"
#include "embed/embed.h"
#include "embed/engine.h"

typedef struct {
    size_t n;
    int dims, threads;
    double *Y, *update, *gain; /* (n, dims); Y is the caller's to set */
    double *sum;               /* (blocks, 3) scratch */
    int done;                  /* iterations */
} tsne_state;

/* Y and update 0, gain 1. */
limn_status tsne_state_new(tsne_state *s, size_t n, int dims, int threads) LIMN_CHECK;
void tsne_state_clear(tsne_state *s);

typedef struct {
    double exaggeration, rate, momentum;
} tsne_rates;

/* The rates of iteration `it` (from 0) for n points. */
tsne_rates tsne_rates_at(const limn_embed_options *o, size_t n, int it);

/* One step against the gradient g = exaggeration * attraction - repulsion / Z; then Y has mean 0. */
void tsne_step(tsne_state *s, const double *attraction, const double *repulsion, double Z, const tsne_rates *r);

enum { TSNE_RESTART = 100 /* iterations: the engine begins anew, and a checkpoint may be written */ };

/* All o->iterations from s->Y, fewer where o->stop says so: s->done. trace (room for o->iterations / o->trace_every + 1) gets the KL with P unexaggerated at
 * every o->trace_every iterations but the last; *n_trace their number. LIMN_EINTERRUPTED where `progress` says so. */
limn_status tsne_descend(tsne_state *s, const embed_affinities *P, const embed_engine *engine,
                         const limn_embed_options *o, limn_trace *trace, size_t *n_trace, limn_progress_fn progress,
                         void *ctx) LIMN_CHECK;

#endif
