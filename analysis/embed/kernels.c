/* The kernels of kernels.h, per instruction set: kernels.inc, included once for each. */
#include "embed/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/try.h"

#define KERNEL(name) name##_plain
#define KERNEL_NAME "plain"
#define TARGET
#define BYTES 16
#include "embed/kernels.inc"

#if defined(__x86_64__)
#define KERNEL(name) name##_avx2
#define KERNEL_NAME "avx2"
#define TARGET __attribute__((target("avx2")))
#define BYTES 32
#include "embed/kernels.inc"

#define KERNEL(name) name##_avx512
#define KERNEL_NAME "avx512"
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw")))
#define BYTES 64
#include "embed/kernels.inc"
#endif

static const embed_kernels *const sets[] = {
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
    if (__builtin_cpu_supports("avx2")) {
        n = 2;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
            n = 3;
    }
#endif
    return n;
}

const embed_kernels *embed_kernels_at(int i) {
    return i >= 0 && i < available() ? sets[i] : NULL;
}

const embed_kernels *embed_kernels_best(void) {
    return sets[available() - 1];
}
