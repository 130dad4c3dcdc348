/* The tiles of knn_tile.h, per instruction set: knn_tile.inc, included once for each.
 *
 * A library's product of such matrices is written to memory and read again for the threshold, and its inner dimension
 * (50) is too short for its blocking. Here the sums stay in registers, and meet the threshold there. Sets round
 * differently (some fuse product and sum): the caller's bound holds for all. */
#include "embed/knn_tile.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/try.h"

/* The values of the hits, in the order of their rows. */
static void keep(knn_list *l, knn_range in, const float *value, uint32_t hits, uint32_t at) {
    for (; hits; hits &= hits - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(hits), row = in.first + at + i;
        if (row == l->self || row < in.from || row >= in.to) continue;
        l->value[l->n] = value[i];
        l->index[l->n++] = row;
    }
}

#define TILE(name) name##plain
#define TARGET
#define BYTES 16
#define VECTORS 2
#define STEP(sum, a, b) ((sum) + (TILE(f_))(a) * (TILE(f_))(b))
#include "embed/knn_tile.inc"

#if defined(__x86_64__)
#define TILE(name) name##avx2
#define TARGET __attribute__((target("avx2,fma")))
#define BYTES 32
#define VECTORS 2
#define STEP(sum, a, b) (TILE(f_)) _mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(sum))
#include "embed/knn_tile.inc"

#define TILE(name) name##avx512
#define TARGET __attribute__((target("avx512f,avx512dq")))
#define BYTES 64
#define VECTORS 4
#define STEP(sum, a, b) (TILE(f_)) _mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(sum))
#include "embed/knn_tile.inc"

#define TILE(name) name##bf16
#define TARGET __attribute__((target("avx512f,avx512dq,avx512bf16")))
#define BYTES 64
#define VECTORS 4
#define STEP(sum, a, b) (TILE(f_)) _mm512_dpbf16_ps((__m512)(sum), (__m512bh)(a), (__m512bh)(b))
#include "embed/knn_tile.inc"
#endif

static int always(void) {
    return 1;
}

#if defined(__x86_64__)
static int has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}

static int has_bf16(void) {
    return has_avx512() && __builtin_cpu_supports("avx512bf16");
}
#endif

static const struct {
    knn_tile tile;
    int (*there)(void);
} sets[] = {
    {{"plain", 0, run_plain}, always},
#if defined(__x86_64__)
    {{"avx2", 0, run_avx2}, has_avx2},
    {{"avx512", 0, run_avx512}, has_avx512},
    {{"avx512-bf16", 1, run_bf16}, has_bf16},
#endif
};

const knn_tile *knn_tile_at(int i) {
    for (size_t s = 0; s < COUNT_OF(sets); s++)
        if (sets[s].there() && i-- == 0) return &sets[s].tile;
    return NULL;
}

static const knn_tile *widest(int brief) {
    const knn_tile *best = NULL, *t;
    for (int i = 0; (t = knn_tile_at(i)) != NULL; i++)
        if (t->brief == brief) best = t;
    return best;
}

const knn_tile *knn_tile_best(void) {
    return widest(0);
}

const knn_tile *knn_tile_brief(void) {
    return widest(1);
}
