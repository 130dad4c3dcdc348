/* How two descriptions of the same samples relate: features and attribution maps, the features of two layers, the maps of
 * two methods. Each is a space: n vectors of its own length.
 *
 *   overlap    share of a sample's k nearest in one space that are among its k nearest in the other; by chance k/(n-1)
 *   cka        linear centred kernel alignment (Kornblith et al. 2019) by the unbiased HSIC of Song et al. 2012, without
 *              which long vectors look alike: 1: the same but for turning, mirroring and scaling; about 0: unrelated
 *   distance correlation  bias-corrected (Szekely & Rizzo 2013), of the euclidean distances: about 0 where the spaces are
 *              independent, whatever the form of a dependence; may be slightly negative
 *   p          of the distance correlation: share of the permutations of the samples in which it is not lower, the
 *              identity counted: the least is 1/(permutations + 1)
 * The last three look at a seeded subset of at most `points` samples. */
#ifndef LIMN_RELATE_H
#define LIMN_RELATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct {
    int k;               /* neighbours; 0: 10, or n - 1 where that is less */
    size_t points;       /* of the subset; 0: 1,000 */
    size_t permutations; /* 0: 999 */
    int unit;            /* 1: rows are scaled to length 1, so that distances are of directions (cosine) */
    uint64_t seed;
    int threads;
} limn_relate_options;

typedef struct limn_space limn_space;

/* Takes what is needed of x (n, D), finite, row-major, which is not needed afterwards. n >= 4. Spaces to be related are of
 * the same samples in the same order, with the same k, points and seed. LIMN_EINPUT where a value is not finite. The
 * caller frees. Memory: 12 n k bytes and 16 points^2. */
limn_status limn_space_new(limn_space **out, const float *x, size_t n, size_t D,
                           const limn_relate_options *o) LIMN_CHECK;
void limn_space_free(limn_space *s);

typedef struct {
    int k;
    double overlap;                      /* mean over the samples */
    double cka, distance_correlation, p; /* NaN where all vectors of a space are the same */
    size_t points, permutations;
} limn_relation;

/* share (n) or NULL: each sample's overlap. Deterministic, whatever the number of threads. */
limn_status limn_relate(limn_relation *out, float *share, const limn_space *a, const limn_space *b) LIMN_CHECK;

#endif
