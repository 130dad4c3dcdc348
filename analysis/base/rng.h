/* Random streams keyed by (seed, stage, index): the same numbers at any thread count and in any order of work.
 * Generator: xoshiro256** (Blackman & Vigna 2018), its state filled by SplitMix64 from the key. */
#ifndef LIMN_RNG_H
#define LIMN_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t s[4];
} limn_rng;

/* One stage, one number: streams of different stages never meet. Append only: a stored result depends on the value. */
enum limn_rng_stage {
    LIMN_RNG_SELECTION = 1, /* which samples a data set's `shuffle` takes */
    LIMN_RNG_EMBED_INIT,    /* start of an embedding and its jitter */
    LIMN_RNG_PLOT_ORDER,    /* the order in which points are drawn */
    LIMN_RNG_SELFTEST,      /* inputs and places of the engine's self-test */
    LIMN_RNG_QUALITY,       /* subsets of quality figures */
    LIMN_RNG_TEST,          /* tests */
    LIMN_RNG_NOISE,         /* noisy copies of an input (attribution) */
    LIMN_RNG_BASELINE,      /* baselines drawn from the data, and places on the way from them */
    LIMN_RNG_BACKGROUND,    /* which samples are the background of a data set */
    LIMN_RNG_MASK,          /* masks and coalitions of perturbation methods */
    LIMN_RNG_IMPUTE,        /* noise on imputed pixels (ROAD) */
    LIMN_RNG_SUBSET,        /* random sets and changes of pixels (faithfulness) */
    LIMN_RNG_SENSITIVITY,   /* moved copies of an input */
    LIMN_RNG_BOOTSTRAP,     /* resamples of bootstrap_low() and bootstrap_high() in SQL */
    LIMN_RNG_PERMUTE = 40,  /* permutations of the samples (tests of independence) */
    LIMN_RNG_CLUSTER        /* first centres of clusters */
};

limn_rng limn_rng_stream(uint64_t seed, uint64_t stage, uint64_t index);
uint64_t limn_rng_u64(limn_rng *r);
uint64_t limn_rng_below(limn_rng *r, uint64_t n);            /* uniform in [0, n), n > 0, without bias */
double limn_rng_uniform(limn_rng *r);                        /* uniform in [0, 1), 53 bits */
double limn_rng_normal(limn_rng *r);                         /* N(0, 1), Box-Muller (one value a call) */
void limn_rng_shuffle(limn_rng *r, size_t *index, size_t n); /* Fisher-Yates */

#endif
