/* Sums over vectors: see vec_kernels.h. vec_kernels.inc is included once an instruction set. */
#include "db/vec_kernels.h"

#include <stdatomic.h>
#include <string.h>

enum { LANES = 16 };

static double total(const double s[LANES]) {
    double t[LANES / 2];
    for (int i = 0; i < LANES / 2; i++) t[i] = s[i] + s[i + LANES / 2];
    return ((t[0] + t[1]) + (t[2] + t[3])) + ((t[4] + t[5]) + (t[6] + t[7]));
}

static double at(const unsigned char *a, size_t i) {
    float v;
    memcpy(&v, a + 4 * i, sizeof v);
    return (double)v;
}

/* ---- the plain loops, which also add what a whole number of steps leaves -------------------------------- */

static void dot_from(const unsigned char *a, const unsigned char *b, size_t i, size_t n, double *s) {
    for (; i < n; i++) s[i % LANES] += at(a, i) * at(b, i);
}

static void distance_from(const unsigned char *a, const unsigned char *b, size_t i, size_t n, double *s) {
    for (; i < n; i++) {
        double d = at(a, i) - at(b, i);
        s[i % LANES] += d * d;
    }
}

static double dot_ref(const unsigned char *a, const unsigned char *b, size_t n) {
    double s[LANES] = {0};
    dot_from(a, b, 0, n, s);
    return total(s);
}

static double square_distance_ref(const unsigned char *a, const unsigned char *b, size_t n) {
    double s[LANES] = {0};
    distance_from(a, b, 0, n, s);
    return total(s);
}

static void products_ref(const unsigned char *a, const unsigned char *b, size_t n, double out[3]) {
    out[0] = dot_ref(a, b, n);
    out[1] = dot_ref(a, a, n);
    out[2] = dot_ref(b, b, n);
}

static const vec_kernels ref = {"ref", dot_ref, square_distance_ref, products_ref};

/* ---- by vectors of 8 ------------------------------------------------------------------------------------ */

#if defined(__x86_64__)
typedef float float8 __attribute__((vector_size(32)));
typedef double double8 __attribute__((vector_size(64)));

#define KERNEL(name) name##_avx2
#define KERNEL_NAME "avx2"
#define TARGET __attribute__((target("avx2")))
#include "db/vec_kernels.inc"

#define KERNEL(name) name##_avx512
#define KERNEL_NAME "avx512"
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl")))
#include "db/vec_kernels.inc"
#endif

static const vec_kernels *const sets[] = {
    &ref,
#if defined(__x86_64__)
    &set_avx2,
    &set_avx512,
#endif
};

static int available(void) {
    int n = 1;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) n = 2;
    if (n == 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        n = 3;
#endif
    return n;
}

const vec_kernels *vec_kernels_at(int i) {
    return i >= 0 && i < available() ? sets[i] : NULL;
}

const vec_kernels *vec_kernels_best(void) {
    static const vec_kernels *_Atomic best; /* whoever comes first finds the same */
    const vec_kernels *k = atomic_load_explicit(&best, memory_order_relaxed);
    if (k) return k;
    k = sets[available() - 1];
    atomic_store_explicit(&best, k, memory_order_relaxed);
    return k;
}
