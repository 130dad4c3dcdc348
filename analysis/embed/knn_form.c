/* Panels of rows for the neighbour search (knn_form.h).
 *
 * 1. Rows are centred and scaled by a power of two into float32 a, so that no square overflows or vanishes; brief forms
 *    round each component on to the nearest bfloat16.
 * 2. The bound. With eps = 2^-24, D components, the float32 value of a pair is off by at most eps (D + 16)
 *    (|a|^2 + |b|^2): rounding of the inputs 4 eps (|a|^2 + |b|^2) at most twice over, the sum of products (any order,
 *    fused or not) 2 D eps |a||b| <= D eps (|a|^2 + |b|^2), the norms and the two additions the rest. Brief numbers add,
 *    with r_a = brief(a) - a and rho the largest |r_a|/|a| of all rows (some 0.002, where 2^-8 is the worst case),
 *    2 |a.r_b + r_a.b + r_a.r_b| <= (2 rho + rho^2) 2 |a||b| <= (2 rho + rho^2)(|a|^2 + |b|^2).
 *    What the brief instructions flush to zero is below D 2^-124 a pair; who compares adds D FLT_MIN.
 *
 * Panels are independent tasks; sums of columns run over fixed blocks in order. */
#include "embed/knn_form.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"

enum { BLOCK = 1024, PANELS = 4 /* of a task */ };

/* ---- scale ------------------------------------------------------------------------------------------------------- */

typedef struct {
    const embed_rows *x;
    const double *mean;
    double *sum; /* (blocks, D) */
    double *most;
} column_job;

static void sum_block(void *ctx, size_t task, int worker) {
    column_job *j = ctx;
    double *sum = j->sum + task * j->x->D;
    (void)worker;
    for (size_t i = task * BLOCK; i < (task + 1) * BLOCK && i < j->x->n; i++)
        for (size_t c = 0; c < j->x->D; c++) sum[c] += embed_get(j->x, i, c) / (double)j->x->n;
}

static void most_block(void *ctx, size_t task, int worker) {
    column_job *j = ctx;
    double most = 0;
    (void)worker;
    for (size_t i = task * BLOCK; i < (task + 1) * BLOCK && i < j->x->n; i++)
        for (size_t c = 0; c < j->x->D; c++) {
            double v = fabs(embed_get(j->x, i, c) - j->mean[c]);
            most = v > most ? v : most;
        }
    j->most[task] = most;
}

limn_status knn_scale_make(knn_scale *s, const embed_rows *x, int threads) {
    limn_status status = LIMN_OK;
    size_t blocks = (x->n + BLOCK - 1) / BLOCK;
    column_job j = {.x = x};
    double most = 0;
    int exponent = 0;
    *s = (knn_scale){0};
    TRY(limn_new(&s->mean, x->D, sizeof *s->mean));
    TRY(limn_new(&j.sum, blocks, x->D * sizeof *j.sum));
    TRY(limn_new(&j.most, blocks, sizeof *j.most));
    limn_parallel(threads, blocks, sum_block, &j);
    for (size_t b = 0; b < blocks; b++)
        for (size_t c = 0; c < x->D; c++) s->mean[c] += j.sum[b * x->D + c];
    j.mean = s->mean;
    limn_parallel(threads, blocks, most_block, &j);
    for (size_t b = 0; b < blocks; b++) most = j.most[b] > most ? j.most[b] : most;
    if (most > 0) (void)frexp(most, &exponent);
    s->factor = ldexp(1, exponent > -1000 ? -exponent : 1000);
done:
    free(j.sum);
    free(j.most);
    if (status != LIMN_OK) knn_scale_clear(s);
    return status;
}

void knn_scale_clear(knn_scale *s) {
    free(s->mean);
    *s = (knn_scale){0};
}

void knn_scale_row(const knn_scale *s, const embed_rows *x, size_t i, float *to) {
    for (size_t c = 0; c < x->D; c++) to[c] = (float)((embed_get(x, i, c) - s->mean[c]) * s->factor);
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static uint32_t bits_of(float v) {
    uint32_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

static float float_of(uint32_t u) {
    float v;
    memcpy(&v, &u, sizeof v);
    return v;
}

/* To nearest, ties to even; subnormals, which the instructions take for zero, are zero here. |v| <= 1: no overflow. */
static uint32_t brief_of(float v) {
    uint32_t u = bits_of(v);
    if ((u & 0x7f800000) == 0) return 0;
    return (u + 0x7fff + (u >> 16 & 1)) >> 16;
}

/* Word s of the row a (D) and, where numbers are brief, the squares of what they lose. */
static uint32_t word_of(const knn_form *f, const float *a, size_t D, size_t s, double *lost) {
    uint32_t word = 0;
    if (!f->tile->brief) return bits_of(a[s]);
    for (size_t c = 2 * s; c < 2 * s + 2 && c < D; c++) {
        uint32_t half = brief_of(a[c]);
        double r = (double)float_of(half << 16) - (double)a[c];
        *lost += r * r;
        word |= half << 16 * (c % 2);
    }
    return word;
}

static uint32_t times_minus_two(const knn_form *f, uint32_t word) {
    if (!f->tile->brief) return bits_of(-2 * float_of(word));
    return bits_of(-2 * float_of(word << 16)) >> 16 | (bits_of(-2 * float_of(word & 0xffff0000)) & 0xffff0000);
}

/* ---- panels ------------------------------------------------------------------------------------------------------ */

typedef struct {
    knn_form *f;
    const embed_rows *x;
    const knn_scale *s;
    const uint32_t *order;
    float *norm, *row; /* row (workers, D) */
    double *rho2;      /* (tasks) largest |r|^2 / |a|^2 */
} pack_job;

static void pack(void *ctx, size_t task, int worker) {
    pack_job *j = ctx;
    const embed_rows *x = j->x;
    float *a = j->row + (size_t)worker * x->D;
    for (size_t i = task * PANELS * KNN_WIDTH; i < (task + 1) * PANELS * KNN_WIDTH && i < x->n; i++) {
        uint32_t *to = j->f->panel + i / KNN_WIDTH * j->f->steps * KNN_WIDTH + i % KNN_WIDTH;
        double sum = 0, lost = 0;
        knn_scale_row(j->s, x, j->order ? j->order[i] : i, a);
        for (size_t c = 0; c < x->D; c++) sum += (double)a[c] * (double)a[c];
        for (size_t s = 0; s < j->f->steps; s++) to[s * KNN_WIDTH] = word_of(j->f, a, x->D, s, &lost);
        j->norm[i] = (float)sum;
        if (sum > 0 && lost / sum > j->rho2[task]) j->rho2[task] = lost / sum;
    }
}

size_t knn_padded(size_t n) {
    return (n + KNN_WIDTH - 1) / KNN_WIDTH * KNN_WIDTH;
}

limn_status knn_form_make(knn_form *f, const knn_tile *tile, const embed_rows *x, const knn_scale *s,
                          const uint32_t *order, float *norm, int threads) {
    limn_status status = LIMN_OK;
    size_t padded = knn_padded(x->n), size = 0, tasks = (padded / KNN_WIDTH + PANELS - 1) / PANELS;
    pack_job j = {.f = f, .x = x, .s = s, .order = order, .norm = norm};
    double rho2 = 0;
    *f = (knn_form){.tile = tile, .steps = tile->brief ? (x->D + 1) / 2 : x->D};
    TRY(limn_mul(&size, padded, f->steps));
    TRY(limn_new(&f->panel, size, sizeof *f->panel));
    TRY(limn_new(&f->lower, padded, sizeof *f->lower));
    TRY(limn_new(&j.row, (size_t)limn_threads(threads), x->D * sizeof *j.row));
    TRY(limn_new(&j.rho2, tasks, sizeof *j.rho2));
    limn_parallel(threads, tasks, pack, &j);
    for (size_t t = 0; t < tasks; t++) rho2 = j.rho2[t] > rho2 ? j.rho2[t] : rho2;
    double e = (double)(FLT_EPSILON / 2) * (double)(x->D + 16) + 2 * sqrt(rho2) + rho2;
    f->e = (float)(e * (1 + (double)FLT_EPSILON));
    for (size_t i = 0; i < padded; i++)
        f->lower[i] = i < x->n ? (float)((double)norm[i] * (1 - (double)f->e)) : INFINITY;
done:
    free(j.row);
    free(j.rho2);
    if (status != LIMN_OK) knn_form_clear(f);
    return status;
}

void knn_form_clear(knn_form *f) {
    free(f->panel);
    free(f->lower);
    *f = (knn_form){0};
}

void knn_form_queries(const knn_form *f, const uint32_t *place, size_t count, uint32_t *to) {
    size_t strips = (count + KNN_STRIP - 1) / KNN_STRIP;
    memset(to, 0, strips * f->steps * KNN_STRIP * sizeof *to);
    for (size_t q = 0; q < count; q++) {
        const uint32_t *from = f->panel + place[q] / KNN_WIDTH * f->steps * KNN_WIDTH + place[q] % KNN_WIDTH;
        uint32_t *at = to + q / KNN_STRIP * f->steps * KNN_STRIP + q % KNN_STRIP;
        for (size_t s = 0; s < f->steps; s++) at[s * KNN_STRIP] = times_minus_two(f, from[s * KNN_WIDTH]);
    }
}
