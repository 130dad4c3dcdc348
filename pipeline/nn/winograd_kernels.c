/* The kernels of winograd.h, per instruction set: winograd_kernels.inc, included once for each. */
#include "nn/winograd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define K_(name) name##_plain
#define KERNEL_NAME "plain"
#define TARGET
#define LANES 4
#define ROWS 4
#define FMA(a, b, c) ((a) * (b) + (c))
#include "nn/winograd_kernels.inc"

#if defined(__x86_64__)
#define K_(name) name##_avx2
#define KERNEL_NAME "avx2"
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 8
#define ROWS 4
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#include "nn/winograd_kernels.inc"

#define K_(name) name##_avx512
#define KERNEL_NAME "avx512"
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw")))
#define LANES 16
#define ROWS 12
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#include "nn/winograd_kernels.inc"
#endif

static const winograd_kernels *const sets[] = {
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

const winograd_kernels *winograd_kernels_at(int i) {
    return i >= 0 && i < available() ? sets[i] : NULL;
}

const winograd_kernels *winograd_kernels_best(void) {
    return sets[available() - 1];
}
