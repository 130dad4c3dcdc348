/* Random streams keyed by (seed, stage, index): see rng.h. */
#include "base/rng.h"

#include <math.h>

static uint64_t splitmix(uint64_t *x) {
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

limn_rng limn_rng_stream(uint64_t seed, uint64_t stage, uint64_t index) {
    uint64_t key = seed;
    key = splitmix(&key) ^ stage;
    key = splitmix(&key) ^ index;
    limn_rng r;
    for (int i = 0; i < 4; i++) r.s[i] = splitmix(&key);
    return r;
}

static uint64_t rotl(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

uint64_t limn_rng_u64(limn_rng *r) {
    uint64_t *s = r->s, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t limn_rng_below(limn_rng *r, uint64_t n) {
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, x;
    do x = limn_rng_u64(r);
    while (x >= limit);
    return x % n;
}

double limn_rng_uniform(limn_rng *r) {
    return (double)(limn_rng_u64(r) >> 11) * 0x1p-53;
}

double limn_rng_normal(limn_rng *r) {
    double u = 1.0 - limn_rng_uniform(r), v = limn_rng_uniform(r);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

void limn_rng_shuffle(limn_rng *r, size_t *index, size_t n) {
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)limn_rng_below(r, i), t = index[i - 1];
        index[i - 1] = index[j];
        index[j] = t;
    }
}
