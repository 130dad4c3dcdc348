/* The spectral start: leading eigenvectors of the random walk on P (Laplacian eigenmaps). */
#ifndef LIMN_EMBED_SPECTRAL_H
#define LIMN_EMBED_SPECTRAL_H

#include "embed/affinities.h"

/* out (n, dims): the first `dims` nontrivial ones, of length 1 each before the division by sqrt(degree), mean about 0. */
limn_status embed_spectral(double *out, const embed_affinities *P, size_t dims, uint64_t seed, int threads) LIMN_CHECK;

#endif
