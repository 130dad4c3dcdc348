/* Affinities: from the distances of k neighbours to the symmetric P of t-SNE (van der Maaten & Hinton, JMLR 9, 2008).
 *
 * 1. Row i: p_j|i = exp(-beta d_j)/sum, with beta such that the entropy H = log(perplexity) (nats). d is shifted by the
 *    least distance, which changes nothing but keeps every exponential in range.
 *    H(beta) falls strictly; Newton in log beta, dH/dlog beta = -Var(beta d), inside a bracket that is halved where
 *    Newton leaves it; to the last bits (5 or 6 evaluations as a rule, never more than 200).
 *    Rows without a finite beta > 0: all distances equal, or perplexity >= k: weights 1/k, beta = 0; more ties at the
 *    least distance than the perplexity: uniform over the ties, beta = infinity.
 * 2. P = (C + C')/2, divided by its sum. C' by a counting sort, so both lists of a row ascend and are merged. Weights
 *    that vanish in float64 are left out.
 *
 * Rows are independent tasks; the sum runs over fixed blocks in order. */
#include "embed/affinities.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"

enum { ROW_BLOCK = 128, STEPS = 200 };

void embed_affinities_clear(embed_affinities *a) {
    free(a->start);
    free(a->col);
    free(a->p);
    free(a->beta);
    *a = (embed_affinities){0};
}

/* ---- one row ----------------------------------------------------------------------------------------------------- */

static void uniform(double *e, const double *d2, size_t k, double limit, size_t count) {
    for (size_t i = 0; i < k; i++) e[i] = d2[i] <= limit ? 1.0 / (double)count : 0.0;
}

/* log beta with H = target; d (k) shifted and scaled so that the reference distance is 1. */
static double search(const embed_kernels *kernels, const double *d, size_t k, double target, double *e) {
    double lo = -INFINITY, hi = INFINITY, b = 0, grow = 1;
    for (int step = 0; step < STEPS; step++) {
        double s[3];
        kernels->entropy(d, k, exp(b), e, s);
        double mean = s[1] / s[0], variance = s[2] / s[0] - mean * mean, H = log(s[0]) + mean;
        if (H > target)
            lo = b;
        else
            hi = b;
        double next = b + (H - target) / variance;
        if (!(variance > 0) || !(next > lo && next < hi) || fabs(next - b) > 8) {
            /* outside: halve the bracket, or look ever further where it is open */
            next = lo == -INFINITY ? b - grow : hi == INFINITY ? b + grow : lo + (hi - lo) / 2;
            grow *= 2;
        }
        double moved = fabs(next - b);
        b = next;
        if (moved <= 4e-16 * (1 + fabs(b))) break;
    }
    return b;
}

void embed_row_weights(const embed_kernels *kernels, const double *d2, size_t k, double perplexity, double *beta,
                       double *e, double *scratch) {
    double target = log(perplexity), least = d2[0];
    size_t ties = 0;
    while (ties < k && d2[ties] == least) ties++;
    if (ties == k || target >= log((double)k)) {
        *beta = 0;
        uniform(e, d2, k, INFINITY, k);
        return;
    }
    if (target <= log((double)ties)) {
        *beta = INFINITY;
        uniform(e, d2, k, least, ties);
        return;
    }
    /* the distance of about the perplexity-th neighbour sets the scale: an outlier among the k does not */
    size_t ref = (size_t)perplexity < k ? (size_t)perplexity : k - 1;
    if (ref < ties) ref = ties;
    double scale = d2[ref] - least, sums[3];
    for (size_t i = 0; i < k; i++) scratch[i] = (d2[i] - least) / scale;
    for (size_t i = k; i < (k + 7) / 8 * 8; i++) scratch[i] = 0;
    double b = exp(search(kernels, scratch, k, target, e));
    kernels->entropy(scratch, k, b, e, sums);
    for (size_t i = 0; i < k; i++) e[i] /= sums[0];
    *beta = b / scale;
}

/* ---- all rows, and their symmetric sum --------------------------------------------------------------------------- */

typedef struct {
    const embed_kernels *kernels;
    const embed_knn *knn;
    double perplexity;
    const double *more; /* (scales) further perplexities */
    size_t scales;
    embed_affinities *a;
    double *weight;            /* (n, k) conditional weights, in the order of the neighbours sorted by index */
    uint32_t *index;           /* (n, k) neighbours by index */
    size_t *back;              /* (n + 1) starts of the transposed lists */
    uint32_t *back_row;        /* (n k) */
    double *back_weight;       /* (n k) */
    double *scratch;           /* (workers, 2, room) */
    size_t room, blocks, fill; /* fill: 0 while rows are counted, 1 while they are written */
    double *sum;               /* (blocks) */
} pairs;

static void row_range(const pairs *p, size_t task, size_t *r0, size_t *r1) {
    *r0 = task * ROW_BLOCK;
    *r1 = *r0 + ROW_BLOCK < p->knn->n ? *r0 + ROW_BLOCK : p->knn->n;
}

/* Insertion sort of a row by index: k is about 100, and the pairs move together. */
static void by_index(uint32_t *index, double *weight, size_t k) {
    for (size_t i = 1; i < k; i++) {
        uint32_t v = index[i];
        double w = weight[i];
        size_t j = i;
        for (; j > 0 && index[j - 1] > v; j--) {
            index[j] = index[j - 1];
            weight[j] = weight[j - 1];
        }
        index[j] = v;
        weight[j] = w;
    }
}

static void conditional_rows(void *ctx, size_t task, int worker) {
    pairs *p = ctx;
    size_t r0, r1, k = p->knn->k;
    double *e = p->scratch + (size_t)worker * 2 * p->room, *scratch = e + p->room;
    row_range(p, task, &r0, &r1);
    for (size_t r = r0; r < r1; r++) {
        embed_row_weights(p->kernels, p->knn->sqdist + r * k, k, p->perplexity, &p->a->beta[r], e, scratch);
        memcpy(p->weight + r * k, e, k * sizeof *e);
        for (size_t m = 0; m < p->scales; m++) {
            double beta;
            embed_row_weights(p->kernels, p->knn->sqdist + r * k, k, p->more[m], &beta, e, scratch);
            for (size_t j = 0; j < k; j++) p->weight[r * k + j] += e[j];
        }
        memcpy(p->index + r * k, p->knn->index + r * k, k * sizeof *p->index);
        by_index(p->index + r * k, p->weight + r * k, k);
    }
}

/* The transposed lists, by a counting sort in row order: each list ascends. */
static limn_status transpose(pairs *p) {
    limn_status status = LIMN_OK;
    size_t n = p->knn->n, k = p->knn->k, *at = NULL;
    TRY(limn_new(&at, n + 1, sizeof *at));
    for (size_t i = 0; i < n * k; i++) at[p->index[i] + 1]++;
    for (size_t i = 0; i < n; i++) at[i + 1] += at[i];
    memcpy(p->back, at, (n + 1) * sizeof *at);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i * k; j < (i + 1) * k; j++) {
            size_t to = at[p->index[j]]++;
            p->back_row[to] = (uint32_t)i;
            p->back_weight[to] = p->weight[j];
        }
done:
    free(at);
    return status;
}

/* Merges row r's own list with its transposed one; writes where `fill`, returns the number of entries. */
static size_t merge_row(const pairs *p, size_t r, size_t to, double *sum) {
    size_t k = p->knn->k, a = r * k, ae = a + k, b = p->back[r], be = p->back[r + 1], count = 0;
    while (a < ae || b < be) {
        uint32_t ca = a < ae ? p->index[a] : UINT32_MAX, cb = b < be ? p->back_row[b] : UINT32_MAX;
        uint32_t c = ca < cb ? ca : cb;
        double w = 0;
        if (ca == c && a < ae) w += p->weight[a++];
        if (cb == c && b < be) w += p->back_weight[b++];
        if (!(w > 0)) continue;
        if (p->fill) {
            p->a->col[to + count] = c;
            p->a->p[to + count] = w / 2;
            *sum += w / 2;
        }
        count++;
    }
    return count;
}

static void merge_rows(void *ctx, size_t task, int worker) {
    pairs *p = ctx;
    size_t r0, r1;
    double sum = 0;
    (void)worker;
    row_range(p, task, &r0, &r1);
    for (size_t r = r0; r < r1; r++) {
        size_t count = merge_row(p, r, p->fill ? p->a->start[r] : 0, &sum);
        if (!p->fill) p->a->start[r + 1] = count;
    }
    if (p->fill) p->sum[task] = sum;
}

static void divide_rows(void *ctx, size_t task, int worker) {
    pairs *p = ctx;
    size_t r0, r1;
    (void)worker;
    row_range(p, task, &r0, &r1);
    for (size_t e = p->a->start[r0]; e < p->a->start[r1]; e++) p->a->p[e] /= p->sum[0];
}

limn_status embed_affinities_make(embed_affinities *out, const embed_knn *knn, double perplexity, int threads) {
    return embed_affinities_scales(out, knn, &perplexity, NULL, 0, threads);
}

/* The sum over the scales stands for their mean: P is divided by its sum in the end. */
limn_status embed_affinities_scales(embed_affinities *out, const embed_knn *knn, const double *first,
                                    const double *more, size_t count, int threads) {
    limn_status status = LIMN_OK;
    size_t n = knn->n, k = knn->k, nk = 0;
    pairs p = {.kernels = embed_kernels_best(),
               .knn = knn,
               .perplexity = *first,
               .more = more,
               .scales = count,
               .a = out,
               .room = (k + 7) / 8 * 8};
    p.blocks = (n + ROW_BLOCK - 1) / ROW_BLOCK;
    *out = (embed_affinities){.n = n};
    TRY(limn_mul(&nk, n, k));
    TRY(limn_new(&out->beta, n, sizeof *out->beta));
    TRY(limn_new(&out->start, n + 1, sizeof *out->start));
    TRY(limn_new(&p.weight, nk, sizeof *p.weight));
    TRY(limn_new(&p.index, nk, sizeof *p.index));
    TRY(limn_new(&p.scratch, (size_t)limn_threads(threads) * 2 * p.room, sizeof *p.scratch));
    TRY(limn_new(&p.back, n + 1, sizeof *p.back));
    TRY(limn_new(&p.back_row, nk, sizeof *p.back_row));
    TRY(limn_new(&p.back_weight, nk, sizeof *p.back_weight));
    TRY(limn_new(&p.sum, p.blocks, sizeof *p.sum));
    limn_parallel(threads, p.blocks, conditional_rows, &p);
    TRY(transpose(&p));
    limn_parallel(threads, p.blocks, merge_rows, &p);
    for (size_t i = 0; i < n; i++) out->start[i + 1] += out->start[i];
    TRY(limn_new(&out->col, out->start[n], sizeof *out->col));
    TRY(limn_new(&out->p, out->start[n], sizeof *out->p));
    p.fill = 1;
    limn_parallel(threads, p.blocks, merge_rows, &p);
    for (size_t b = 1; b < p.blocks; b++) p.sum[0] += p.sum[b];
    limn_parallel(threads, p.blocks, divide_rows, &p);
done:
    free(p.weight);
    free(p.index);
    free(p.scratch);
    free(p.back);
    free(p.back_row);
    free(p.back_weight);
    free(p.sum);
    if (status != LIMN_OK) embed_affinities_clear(out);
    return status;
}
