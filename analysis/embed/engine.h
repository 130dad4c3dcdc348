/* An engine of t-SNE: how the forces on all points are computed. The descent (tsne.c) knows nothing else of it.
 *
 * Without the factor 4: gradient = attraction - repulsion / Z, with w_ij = (1 + |y_i - y_j|^2/alpha)^-alpha,
 *   attraction_i = sum_j p_ij w_ij^(1/alpha) (y_i - y_j),  repulsion_i = sum_j w_ij^(1+1/alpha) (y_i - y_j),
 *   Z = sum over i != j of w_ij. alpha = 1 is the usual t-SNE; below 1 tails are heavier (Kobak et al. 2019).
 */
#ifndef LIMN_EMBED_ENGINE_H
#define LIMN_EMBED_ENGINE_H

#include <stddef.h>

#include "base/status.h"
#include "embed/affinities.h"

typedef struct {
    const embed_affinities *P; /* borrowed while the engine lives */
    int dims;
    double theta;       /* Barnes-Hut: 0 is exact up to float32 */
    double force_error; /* Barnes-Hut: relative error of the repulsion to aim at; 0: theta alone */
    double alpha;       /* > 0 */
    int threads;
} embed_engine_setup;

/* A row of the table in embed.c. */
typedef struct {
    const char *name, *help;
    limn_status (*create)(void **self, const embed_engine_setup *s);
    /* Y (n, dims) -> attraction (n, dims), repulsion (n, dims), *Z. May keep what helps the next call. */
    limn_status (*forces)(void *self, const double *Y, double *attraction, double *repulsion, double *Z);
    /* Forgets what a call has kept for the next one and results depend on: the next call is as the first. NULL: there
     * is nothing of the kind. */
    void (*restart)(void *self);
    void (*destroy)(void *self);
} embed_engine;

extern const embed_engine embed_barnes_hut, embed_exact, embed_fft, embed_hybrid;
/* The widest grid (nodes of a period) that embed_hybrid prefers to the tree. */
size_t embed_hybrid_limit(size_t n);
/* Plain loops over all pairs: the oracle of both. */
extern const embed_engine embed_exact_ref;

/* The exact Z of a layout Y (n, dims), all pairs in float64. */
limn_status embed_exact_z(double *Z, const double *Y, size_t n, int dims, double alpha, int threads) LIMN_CHECK;
/* KL(P || Q) = sum of p log p + alpha sum of p log(1 + |y_i - y_j|^2/alpha) + log Z, given Z. */
limn_status embed_kl(double *kl, const embed_affinities *P, const double *Y, int dims, double alpha, double Z,
                     int threads) LIMN_CHECK;

#endif
