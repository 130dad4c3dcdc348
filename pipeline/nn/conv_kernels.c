/* The kernels of conv_kernels.h, per instruction set: conv_kernels.inc, included once for each. */
#include "nn/conv_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

typedef float four __attribute__((vector_size(16), aligned(4), may_alias));
typedef int mask __attribute__((vector_size(16)));

/* Where m is all ones a, where it is zero b. */
static inline four choose(mask m, four a, four b) {
    return (four)(((mask)a & m) | ((mask)b & ~m));
}

#define K_(name) name##_plain
#define KERNEL_NAME "plain"
#define TARGET
#define LANES 4
#define ROWS 4
#define ROWS1 4
#define FMA(a, b, c) ((a) * (b) + (c))
#define MORE(v, lo) choose((v) < (lo), lo, v)
#define LESS(v, hi) choose((v) > (hi), hi, v)
#include "nn/conv_kernels.inc"

#if defined(__x86_64__)
#define K_(name) name##_avx2
#define KERNEL_NAME "avx2"
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 8
#define ROWS 4
#define ROWS1 12
#define MORE(v, lo) _mm256_max_ps(lo, v) /* the second, where either is NaN */
#define LESS(v, hi) _mm256_min_ps(hi, v)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#include "nn/conv_kernels.inc"

#define K_(name) name##_avx512
#define KERNEL_NAME "avx512"
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw")))
#define LANES 16
#define ROWS 12
#define ROWS1 12
#define MORE(v, lo) _mm512_max_ps(lo, v)
#define LESS(v, hi) _mm512_min_ps(hi, v)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#include "nn/conv_kernels.inc"
#endif

static const conv_kernels *const sets[] = {
    &set_plain,
#if defined(__x86_64__)
    &set_avx2,
    &set_avx512,
#endif
};

static int available(void) {
    int n = 1;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        n = 2;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
            n = 3;
    }
#endif
    return n;
}

const conv_kernels *conv_kernels_at(int i) {
    return i >= 0 && i < available() ? sets[i] : NULL;
}

const conv_kernels *conv_kernels_best(void) {
    return sets[available() - 1];
}

const conv_kernels *conv_kernels_of(size_t lanes) {
    for (int i = 0; i < available(); i++)
        if (sets[i]->lanes == lanes) return sets[i];
    return NULL;
}
