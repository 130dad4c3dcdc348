/* Nearest neighbours, exact or nearly so.
 *
 * 1. Rows are centred and scaled by a power of two into float32, so that no square overflows or vanishes.
 * 2. A block of queries meets the rows tile by tile: -2 a.b by one single-threaded dnnl_sgemm, + |b|^2. What may be
 *    among the k nearest is kept: with eps = 2^-24, the float32 distance of a pair is off by at most
 *    e (|a|^2 + |b|^2), e = eps (D + 16): rounding of the inputs 4 eps (|a|^2 + |b|^2) at most twice over, the dot
 *    product (any order) 2 D eps |a||b| <= D eps (|a|^2 + |b|^2), the norms and the two additions the rest. So a row is
 *    kept while its lower bound is not above the k-th smallest upper bound; the candidates always hold the true k.
 * 3. Candidates get their distance by direct difference in float64; the k least by (distance, index) remain. The result
 *    is exact and depends on neither the BLAS nor the number of threads. Where float32 says nothing (all points equal,
 *    an outlier of 1e30), all rows stay candidates: slower, as right.
 *
 * Nearly: rows are kept cell by cell (knn_cells.h), a block of queries is of one cell and meets the rows of the cells
 * nearest to it alone. How many, a sample of rows says whose neighbours are sought exactly: the fewest that hold the
 * share wanted, and a little more. What comes out is held against the same sample: `recall`.
 *
 * A task is a block of queries. A worker owns its buffers, which grow as needed. */
#include <float.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include <oneapi/dnnl/dnnl.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "embed/affinities.h"
#include "embed/knn_cells.h"

enum {
    QUERIES = 128,
    TILE = 1024,
    HALVINGS = 24,
    ROUND = 64,         /* columns of a product: a multiple of it, for the scan */
    SAMPLE = 1000,      /* rows whose neighbours are sought exactly, to know the recall */
    CELLS_FROM = 10000, /* below, an exact search is faster than cells */
    BATCH = 8           /* blocks of queries between two reports at least; a 64th of them where that is more */
};

typedef struct {
    double sqdist;
    uint32_t index;
} neighbour;

typedef struct {
    float *value;    /* lower bound - |a|^2 (1 - e), as the scan computed it */
    uint32_t *index; /* its row */
    size_t n, room;
    float limit; /* scan keeps values up to it */
    size_t full; /* length at which it is worth tightening the limit */
} candidates;

typedef struct {
    float *product; /* (QUERIES, TILE) */
    uint32_t *hit;  /* (TILE) */
    float *upper;   /* (room): scratch of the selection */
    size_t upper_room;
    neighbour *exact; /* (exact_room) */
    size_t exact_room;
    float *gathered;       /* (QUERIES, D) rows of the sample, or NULL */
    uint32_t row[QUERIES]; /* the queries of the block at hand */
    candidates list[QUERIES];
    limn_status status;
    char message[256];
} scratch;

typedef struct {
    const embed_kernels *kernels;
    const embed_rows *x;
    embed_knn *out;
    size_t padded;       /* n rounded up to a multiple of TILE, and ROUND more */
    float *a;            /* (padded, D) centred and scaled */
    float *norm, *lower; /* (padded) |a|^2, and |a|^2 (1 - e); behind n: infinity */
    float e;
    scratch *s; /* (workers) */
    int workers;
    size_t first;     /* first block of this batch */
    embed_cells cell; /* cells > 0: a, norm and lower are in the order of cell.order */
    uint32_t *block;  /* (blocks + 1, 2) with cells: first row and cell of each block of queries */
    size_t blocks;
    int sampling;   /* the queries are the sample: every rows-th row, against all */
    size_t queries; /* of the sample */
} search;

void embed_knn_clear(embed_knn *k) {
    free(k->index);
    free(k->sqdist);
    *k = (embed_knn){0};
}

limn_status embed_knn_new(embed_knn *out, size_t n, size_t k) {
    limn_status status = LIMN_OK;
    size_t nk = 0;
    *out = (embed_knn){.n = n, .k = k, .recall = 1};
    TRY(limn_mul(&nk, n, k));
    TRY(limn_new(&out->index, nk, sizeof *out->index));
    TRY(limn_new(&out->sqdist, nk, sizeof *out->sqdist));
done:
    if (status != LIMN_OK) embed_knn_clear(out);
    return status;
}

static int nearer(const void *a, const void *b) {
    const neighbour *x = a, *y = b;
    if (x->sqdist != y->sqdist) return x->sqdist < y->sqdist ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* The row of x that place i of the search holds. */
static uint32_t row_of(const search *q, size_t i) {
    return q->cell.cells > 0 ? q->cell.order[i] : (uint32_t)i;
}

static void put(embed_knn *out, size_t i, const neighbour *v) {
    for (size_t j = 0; j < out->k; j++) {
        out->index[i * out->k + j] = v[j].index;
        out->sqdist[i * out->k + j] = v[j].sqdist;
    }
}

/* ---- float32 copy ------------------------------------------------------------------------------------------------ */

static double largest_magnitude(const embed_rows *x, const double *mean) {
    double most = 0;
    for (size_t i = 0; i < x->n; i++)
        for (size_t c = 0; c < x->D; c++) {
            double v = fabs(embed_get(x, i, c) - mean[c]);
            most = v > most ? v : most;
        }
    return most;
}

static limn_status scaled_copy(search *q) {
    limn_status status = LIMN_OK;
    const embed_rows *x = q->x;
    double *mean = NULL;
    int exponent = 0;
    TRY(limn_new(&mean, x->D, sizeof *mean));
    for (size_t i = 0; i < x->n; i++)
        for (size_t c = 0; c < x->D; c++) mean[c] += embed_get(x, i, c) / (double)x->n;
    double most = largest_magnitude(x, mean);
    if (most > 0) (void)frexp(most, &exponent);
    double scale = ldexp(1, exponent > -1000 ? -exponent : 1000);
    for (size_t i = 0; i < q->padded; i++) {
        double sum = 0;
        for (size_t c = 0; i < x->n && c < x->D; c++) {
            float v = (float)((embed_get(x, i, c) - mean[c]) * scale);
            q->a[i * x->D + c] = v;
            sum += (double)v * (double)v;
        }
        q->norm[i] = (float)sum;
        q->lower[i] = i < x->n ? (float)(sum * (1 - (double)q->e)) : INFINITY;
    }
done:
    free(mean);
    return status;
}

/* ---- candidates -------------------------------------------------------------------------------------------------- */

/* A value that at least k of v[0 … n-1] do not exceed, and few more: the range is halved until no more than k + k/8 are
 * left. Nothing depends on where it stops: any such value bounds the k-th smallest. */
static float at_least_k(const embed_kernels *kernels, const float *v, size_t n, size_t k) {
    float lo = v[0], hi = v[0];
    for (size_t i = 1; i < n; i++) {
        lo = v[i] < lo ? v[i] : lo;
        hi = v[i] > hi ? v[i] : hi;
    }
    for (int step = 0; step < HALVINGS; step++) {
        float mid = lo + (hi - lo) / 2;
        size_t count = kernels->count_upto_f(v, n, mid);
        if (count < k) {
            lo = mid;
            continue;
        }
        hi = mid;
        if (count <= k + k / 8) break;
    }
    return hi;
}

/* Lowers the limit to about the k-th smallest upper bound and drops what is above it. */
static limn_status tighten(const search *q, scratch *s, candidates *l, size_t query) {
    limn_status status = LIMN_OK;
    size_t k = q->out->k, kept = 0;
    if (l->n < k) return LIMN_OK;
    if (s->upper_room < l->room) {
        free(s->upper);
        s->upper_room = 0;
        TRY(limn_new(&s->upper, l->room, sizeof *s->upper));
        s->upper_room = l->room;
    }
    for (size_t i = 0; i < l->n; i++) s->upper[i] = l->value[i] + 2 * q->e * q->norm[l->index[i]];
    float limit = at_least_k(q->kernels, s->upper, l->n, k) + 2 * q->e * q->norm[query];
    limit += FLT_EPSILON * fabsf(limit) + FLT_MIN; /* its own roundings */
    if (limit < l->limit) l->limit = limit;
    for (size_t i = 0; i < l->n; i++) {
        l->value[kept] = l->value[i];
        l->index[kept] = l->index[i];
        kept += l->value[i] <= l->limit; /* else overwritten by the next */
    }
    l->n = kept;
    l->full = kept < k * 3 / 2 ? 3 * k : 2 * kept;
done:
    return status;
}

/* Adds the hits of a tile. The list grows as needed: where all rows are equally far, it may come to hold them all. */
static limn_status keep(const search *q, scratch *s, size_t row, size_t hits, size_t tile, size_t count) {
    limn_status status = LIMN_OK;
    candidates *l = &s->list[row];
    const float *c = s->product + row * TILE;
    size_t query = s->row[row];
    if (l->n + hits > l->room) {
        size_t room = l->room;
        TRY(limn_grow(&l->value, l->n + hits, &room, sizeof *l->value));
        TRY(limn_grow(&l->index, l->n + hits, &l->room, sizeof *l->index));
    }
    for (size_t h = 0; h < hits; h++) {
        size_t j = tile + s->hit[h];
        if (j == query || s->hit[h] >= count) continue;
        l->value[l->n] = c[s->hit[h]] + q->lower[j];
        l->index[l->n++] = (uint32_t)j;
    }
    if (l->n > l->full) TRY(tighten(q, s, l, query));
done:
    return status;
}

static limn_status finish(const search *q, scratch *s, size_t query, candidates *l, size_t to) {
    limn_status status = LIMN_OK;
    uint32_t own = row_of(q, query);
    TRY(tighten(q, s, l, query));
    if (s->exact_room < l->n) {
        free(s->exact);
        s->exact = NULL;
        s->exact_room = 0;
        TRY(limn_new(&s->exact, l->room, sizeof *s->exact));
        s->exact_room = l->room;
    }
    for (size_t i = 0; i < l->n; i++) {
        uint32_t other = row_of(q, l->index[i]);
        s->exact[i] = (neighbour){embed_sqdist(q->kernels, q->x, own, other), other};
    }
    qsort(s->exact, l->n, sizeof *s->exact, nearer);
    put(q->out, to, s->exact);
done:
    return status;
}

/* The queries at `a` against the rows tile … tile + count - 1. */
static limn_status run_tile(const search *q, scratch *s, const float *a, size_t rows, size_t tile, size_t count) {
    limn_status status = LIMN_OK;
    size_t D = q->x->D, columns = (count + ROUND - 1) / ROUND * ROUND;
    if (dnnl_sgemm('N', 'T', (dnnl_dim_t)rows, (dnnl_dim_t)columns, (dnnl_dim_t)D, -2.0f, a, (dnnl_dim_t)D,
                   q->a + tile * D, (dnnl_dim_t)D, 0.0f, s->product, TILE) != dnnl_success)
        FAIL(LIMN_EFAIL, "a matrix product of the neighbour search failed");
    for (size_t r = 0; r < rows; r++) {
        size_t hits = q->kernels->scan(s->product + r * TILE, q->lower + tile, columns, s->list[r].limit, s->hit);
        if (hits > 0) TRY(keep(q, s, r, hits, tile, count));
    }
done:
    return status;
}

static limn_status run_range(const search *q, scratch *s, const float *a, size_t rows, size_t from, size_t to) {
    limn_status status = LIMN_OK;
    for (size_t tile = from; tile < to; tile += TILE)
        TRY(run_tile(q, s, a, rows, tile, to - tile < TILE ? to - tile : TILE));
done:
    return status;
}

static limn_status run_block(search *q, scratch *s, size_t block) {
    limn_status status = LIMN_OK;
    int celled = q->cell.cells > 0 && !q->sampling;
    size_t n = q->sampling ? q->queries : q->x->n, D = q->x->D, first = celled ? q->block[2 * block] : block * QUERIES;
    size_t end = celled ? q->block[2 * block + 2] : first + QUERIES < n ? first + QUERIES : n, rows = end - first;
    const float *a = q->sampling ? s->gathered : q->a + first * D;
    for (size_t r = 0; r < rows; r++) {
        s->row[r] = (uint32_t)(q->sampling ? (first + r) * (q->x->n / q->queries) : first + r);
        if (q->sampling) memcpy(s->gathered + r * D, q->a + s->row[r] * D, D * sizeof *a);
        s->list[r].n = 0;
        s->list[r].limit = FLT_MAX;
        s->list[r].full = q->out->k;
    }
    if (celled) {
        const uint32_t *near = q->cell.near + q->block[2 * block + 1] * q->cell.cells;
        for (size_t p = 0; p < q->cell.probes; p++)
            TRY(run_range(q, s, a, rows, q->cell.start[near[p]], q->cell.start[near[p] + 1]));
    } else
        TRY(run_range(q, s, a, rows, 0, q->x->n));
    for (size_t r = 0; r < rows; r++)
        TRY(finish(q, s, s->row[r], &s->list[r], q->sampling ? first + r : row_of(q, s->row[r])));
done:
    return status;
}

static void run_task(void *ctx, size_t task, int worker) {
    search *q = ctx;
    scratch *s = &q->s[worker];
    if (s->status != LIMN_OK) return;
    s->status = run_block(q, s, q->first + task);
    if (s->status != LIMN_OK) strncpy(s->message, limn_message(), sizeof s->message - 1);
}

/* ---- the whole search -------------------------------------------------------------------------------------------- */

static limn_status new_scratch(search *q) {
    limn_status status = LIMN_OK;
    size_t room = 4 * q->out->k + TILE;
    TRY(limn_new(&q->s, (size_t)q->workers, sizeof *q->s));
    for (int w = 0; w < q->workers; w++) {
        scratch *s = &q->s[w];
        TRY(limn_new(&s->product, (size_t)QUERIES * TILE, sizeof *s->product));
        TRY(limn_new(&s->hit, TILE, sizeof *s->hit));
        for (int r = 0; r < QUERIES; r++) {
            TRY(limn_new(&s->list[r].value, room, sizeof *s->list[r].value));
            TRY(limn_new(&s->list[r].index, room, sizeof *s->list[r].index));
            s->list[r].room = room;
        }
    }
done:
    return status;
}

static void free_search(search *q) {
    for (int w = 0; q->s && w < q->workers; w++) {
        scratch *s = &q->s[w];
        free(s->product);
        free(s->hit);
        free(s->upper);
        free(s->exact);
        free(s->gathered);
        for (int r = 0; r < QUERIES; r++) {
            free(s->list[r].value);
            free(s->list[r].index);
        }
    }
    free(q->s);
    free(q->a);
    free(q->norm);
    free(q->lower);
    free(q->block);
    embed_cells_clear(&q->cell);
}

/* The blocks of queries, in batches, so that the caller hears of progress and may stop. */
static limn_status run_batches(search *q, size_t blocks, limn_progress_fn progress, void *ctx) {
    size_t step = blocks / 64 > BATCH ? blocks / 64 : BATCH;
    struct timespec began, at;
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (q->first = 0; q->first < blocks; q->first += step) {
        size_t tasks = blocks - q->first < step ? blocks - q->first : step;
        size_t done = (size_t)((double)(q->first + tasks) / (double)blocks * (double)q->x->n);
        limn_parallel(q->workers, tasks, run_task, q);
        for (int w = 0; w < q->workers; w++)
            if (q->s[w].status != LIMN_OK) return limn_fail(q->s[w].status, "%s", q->s[w].message);
        clock_gettime(CLOCK_MONOTONIC, &at);
        double seconds = (double)(at.tv_sec - began.tv_sec) + 1e-9 * (double)(at.tv_nsec - began.tv_nsec);
        limn_progress p = {"neighbours", done < q->x->n ? done : q->x->n, q->x->n, seconds, NAN};
        if (progress && progress(ctx, &p)) return limn_fail(LIMN_EINTERRUPTED, "stopped while neighbours were sought");
    }
    return LIMN_OK;
}

/* ---- cells --------------------------------------------------------------------------------------------------------- */

static limn_status permute(float **a, size_t n, size_t padded, size_t width, const uint32_t *order) {
    limn_status status = LIMN_OK;
    float *to = NULL;
    TRY(limn_new(&to, padded, width * sizeof *to));
    for (size_t i = 0; i < n; i++) memcpy(to + i * width, *a + order[i] * width, width * sizeof *to);
    memcpy(to + n * width, *a + n * width, (padded - n) * width * sizeof *to);
    free(*a);
    *a = to;
done:
    return status;
}

/* Blocks of queries that each are of one cell. */
static limn_status cell_blocks(search *q) {
    limn_status status = LIMN_OK;
    const embed_cells *c = &q->cell;
    for (int fill = 0; fill < 2; fill++) {
        q->blocks = 0;
        for (size_t i = 0; i < c->cells; i++)
            for (size_t at = c->start[i]; at < c->start[i + 1]; at += QUERIES, q->blocks++) {
                if (!fill) continue;
                q->block[2 * q->blocks] = (uint32_t)at;
                q->block[2 * q->blocks + 1] = (uint32_t)i;
            }
        if (!fill) TRY(limn_new(&q->block, q->blocks + 1, 2 * sizeof *q->block));
    }
    q->block[2 * q->blocks] = (uint32_t)c->n;
done:
    return status;
}

/* How many cells hold `recall` of the sample's true neighbours; at least so many that every query meets k rows. */
static limn_status choose_probes(search *q, const embed_knn *sample, double recall) {
    limn_status status = LIMN_OK;
    embed_cells *c = &q->cell;
    size_t *at_rank = NULL, found = 0, all = sample->n * sample->k;
    uint32_t *rank = NULL;
    TRY(limn_new(&at_rank, c->cells, sizeof *at_rank));
    TRY(limn_new(&rank, c->cells, sizeof *rank));
    for (size_t i = 0; i < sample->n; i++) {
        size_t own = c->cell[row_of(q, i * (c->n / sample->n))];
        for (uint32_t r = 0; r < c->cells; r++) rank[c->near[own * c->cells + r]] = r;
        for (size_t j = 0; j < sample->k; j++) at_rank[rank[c->cell[sample->index[i * sample->k + j]]]]++;
    }
    for (c->probes = 0; c->probes < c->cells && (double)found < recall * (double)all;) found += at_rank[c->probes++];
    for (size_t i = 0; i < c->cells; i++) {
        size_t rows = 0, p = 0;
        while (p < c->cells && (p < c->probes || rows <= q->out->k)) {
            uint32_t near = c->near[i * c->cells + p++];
            rows += c->start[near + 1] - c->start[near];
        }
        if (p > c->probes) c->probes = p;
    }
done:
    free(at_rank);
    free(rank);
    return status;
}

/* The share of the sample's true neighbours that the rows got: those no farther than the true k-th. */
static double measured(const search *q, const embed_knn *sample) {
    size_t found = 0, k = sample->k;
    for (size_t i = 0; i < sample->n; i++) {
        const double *got = q->out->sqdist + row_of(q, i * (q->x->n / sample->n)) * k;
        for (size_t j = 0; j < k; j++) found += got[j] <= sample->sqdist[i * k + k - 1];
    }
    return (double)found / (double)(sample->n * k);
}

static limn_status run_sample(search *q, embed_knn *sample) {
    limn_status status = LIMN_OK;
    embed_knn *out = q->out;
    q->queries = SAMPLE;
    TRY(embed_knn_new(sample, q->queries, out->k));
    for (int w = 0; w < q->workers; w++) TRY(limn_new(&q->s[w].gathered, QUERIES, q->x->D * sizeof(float)));
    q->sampling = 1;
    q->out = sample;
    status = run_batches(q, (q->queries + QUERIES - 1) / QUERIES, NULL, NULL);
    q->out = out;
    q->sampling = 0;
done:
    return status;
}

/* ---- the searches -------------------------------------------------------------------------------------------------- */

static limn_status begin(search *q, size_t k, int threads) {
    limn_status status = LIMN_OK;
    const embed_rows *x = q->x;
    size_t size = 0;
    q->kernels = embed_kernels_best();
    q->blocks = (x->n + QUERIES - 1) / QUERIES;
    q->workers = limn_threads(threads);
    if ((size_t)q->workers > q->blocks) q->workers = (int)q->blocks;
    TRY(embed_knn_new(q->out, x->n, k));
    q->padded = (x->n + TILE - 1) / TILE * TILE + ROUND;
    q->e = FLT_EPSILON / 2 * (float)(x->D + 16);
    TRY(limn_mul(&size, q->padded, x->D));
    TRY(limn_new(&q->a, size, sizeof *q->a));
    TRY(limn_new(&q->norm, q->padded, sizeof *q->norm));
    TRY(limn_new(&q->lower, q->padded, sizeof *q->lower));
    TRY(scaled_copy(q));
    TRY(new_scratch(q));
done:
    return status;
}

limn_status embed_knn_exact(embed_knn *out, const embed_rows *x, size_t k, int threads, limn_progress_fn progress,
                            void *ctx) {
    limn_status status = LIMN_OK;
    search q = {.x = x, .out = out};
    TRY(begin(&q, k, threads));
    TRY(run_batches(&q, q.blocks, progress, ctx));
done:
    free_search(&q);
    if (status != LIMN_OK) embed_knn_clear(out);
    return status;
}

limn_status embed_knn_near(embed_knn *out, const embed_rows *x, size_t k, double recall, int threads,
                           limn_progress_fn progress, void *ctx) {
    limn_status status = LIMN_OK;
    search q = {.x = x, .out = out};
    embed_knn sample = {0};
    if (x->n < CELLS_FROM || recall >= 1) return embed_knn_exact(out, x, k, threads, progress, ctx);
    TRY(begin(&q, k, threads));
    TRY(embed_cells_make(&q.cell, q.a, x->n, x->D, threads));
    TRY(permute(&q.a, x->n, q.padded, x->D, q.cell.order));
    TRY(permute(&q.norm, x->n, q.padded, 1, q.cell.order));
    TRY(permute(&q.lower, x->n, q.padded, 1, q.cell.order));
    TRY(cell_blocks(&q));
    TRY(run_sample(&q, &sample));
    TRY(choose_probes(&q, &sample, recall + (1 - recall) / 5));
    TRY(run_batches(&q, q.blocks, progress, ctx));
    out->recall = measured(&q, &sample);
done:
    free_search(&q);
    embed_knn_clear(&sample);
    if (status != LIMN_OK) embed_knn_clear(out);
    return status;
}

limn_status embed_knn_ref(embed_knn *out, const embed_rows *x, size_t k) {
    limn_status status = LIMN_OK;
    neighbour *v = NULL;
    TRY(embed_knn_new(out, x->n, k));
    TRY(limn_new(&v, x->n, sizeof *v));
    for (size_t i = 0; i < x->n; i++) {
        size_t m = 0;
        for (size_t j = 0; j < x->n; j++) {
            double sum = 0;
            if (j == i) continue;
            for (size_t c = 0; c < x->D; c++) {
                double d = embed_get(x, i, c) - embed_get(x, j, c);
                sum += d * d;
            }
            v[m++] = (neighbour){sum, (uint32_t)j};
        }
        qsort(v, m, sizeof *v, nearer);
        put(out, i, v);
    }
done:
    free(v);
    if (status != LIMN_OK) embed_knn_clear(out);
    return status;
}
