/* Nearest neighbours, exact or nearly so.
 *
 * 1. Rows become panels (knn_form.h): float32, and where the processor multiplies bfloat16, those too, at half the bytes
 *    and twice the speed. The form knows a bound of its rounding: every value has a lower and an upper bound.
 * 2. A block of queries meets the rows panel by panel: products, |b|^2 and the threshold in one tile (knn_tile.h). A row
 *    is kept while its lower bound is not above the k-th smallest upper bound; the candidates always hold the true k.
 *    Where brief numbers say too little (clusters that are small beside their distance from the mean), the block is
 *    done again in float32.
 * 3. Candidates get their distance by direct difference in float64; the k least by (distance, index) remain. The result
 *    is exact and depends on neither the instructions nor the number of threads. Where float32 says nothing (all points
 *    equal, an outlier of 1e30), all rows stay candidates: slower, as right.
 *
 * Nearly: rows are kept cell by cell (knn_cells.h), a block of queries is of one cell and meets the rows of the cells
 * nearest to it alone. How many, a sample of rows says whose neighbours are sought exactly: the fewest that hold the
 * share wanted, and a little more. What comes out is held against the same sample: `recall`. An exact search meets all
 * cells, larger ones, nearest first: the threshold is low at once, and few rows need a second look.
 *
 * A task is a block of queries. A worker owns its buffers, which grow as needed. */
#include <float.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "embed/affinities.h"
#include "embed/knn_cells.h"
#include "embed/knn_form.h"

enum {
    STRIPS = 20, /* of a block */
    QUERIES = STRIPS * KNN_STRIP,
    HALVINGS = 24,
    SMALL = 16, /* sorted by insertion */
    DEEP = 40,
    LOOSE = 4,          /* times k candidates: brief numbers say too little */
    SAMPLE = 1000,      /* rows whose neighbours are sought exactly, to know the recall */
    CELLS_FROM = 10000, /* below, cells do not pay */
    CELL = 400,         /* rows */
    LARGE_CELL = 2048,
    AHEAD = 6, /* rows that are asked of memory before their turn */
    BATCH = 8  /* blocks of queries between two reports at least; a 64th of them where that is more */
};

typedef struct {
    double sqdist;
    uint32_t index;
} neighbour;

typedef struct {
    uint32_t *query; /* (STRIPS, steps, KNN_STRIP) of the form with the widest rows */
    float *upper;    /* (upper_room): scratch of the selection */
    size_t upper_room;
    neighbour *exact; /* (exact_room) */
    size_t exact_room;
    uint32_t row[QUERIES]; /* the queries of the block at hand */
    knn_list list[QUERIES];
    size_t room[QUERIES], full[QUERIES]; /* of each list; length at which it is worth tightening the limit */
    const knn_form *form;                /* of the block at hand */
    int loose;                           /* it said too little */
    limn_status status;
    char message[256];
} scratch;

typedef struct {
    const embed_kernels *kernels;
    const embed_rows *x;
    embed_knn *out;
    knn_scale scale;
    knn_form full, brief; /* brief: without panels where there are no instructions for it */
    float *norm;          /* (padded) */
    scratch *s;           /* (workers) */
    int workers;
    size_t first;     /* first block of this batch */
    embed_cells cell; /* cells > 0: places are in the order of cell.order */
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

static int nearer(const neighbour *a, const neighbour *b) {
    return a->sqdist < b->sqdist || (a->sqdist == b->sqdist && a->index < b->index);
}

static int compare(const void *a, const void *b) {
    return nearer(b, a) - nearer(a, b);
}

static void insertion_sort(neighbour *v, size_t n) {
    for (size_t i = 1; i < n; i++) {
        neighbour x = v[i];
        size_t j = i;
        for (; j > 0 && nearer(&x, &v[j - 1]); j--) v[j] = v[j - 1];
        v[j] = x;
    }
}

/* Sorts the k nearest to the front. No two are equal. Quicksort by the median of three that leaves what is behind k as
 * it is; where it is unlucky for long, qsort. */
static void sort_nearest(neighbour *v, size_t n, size_t k) {
    for (int depth = 0; n > SMALL && depth < DEEP; depth++) {
        neighbour a = v[0], b = v[n / 2], c = v[n - 1];
        neighbour pivot = nearer(&a, &b) ? (nearer(&b, &c)   ? b
                                            : nearer(&a, &c) ? c
                                                             : a)
                                         : (nearer(&a, &c)   ? a
                                            : nearer(&b, &c) ? c
                                                             : b);
        size_t i = 0, j = n - 1;
        for (;; i++, j--) {
            while (nearer(&v[i], &pivot)) i++;
            while (nearer(&pivot, &v[j])) j--;
            if (i >= j) break;
            neighbour keep = v[i];
            v[i] = v[j];
            v[j] = keep;
        }
        /* none of v[0 … j] is behind the pivot, none of the rest before it */
        if (k > j + 1) sort_nearest(v + j + 1, n - j - 1, k - j - 1);
        n = j + 1;
        if (k > n) k = n;
    }
    if (n <= SMALL)
        insertion_sort(v, n);
    else
        qsort(v, n, sizeof *v, compare);
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

/* Lowers the limit of list r to about the k-th smallest upper bound and drops what is above it. */
static limn_status tighten(const search *q, scratch *s, size_t r) {
    limn_status status = LIMN_OK;
    knn_list *l = &s->list[r];
    size_t k = q->out->k, kept = 0;
    float e = s->form->e;
    if (l->n < k) return LIMN_OK;
    if (s->upper_room < s->room[r]) {
        free(s->upper);
        s->upper_room = 0;
        TRY(limn_new(&s->upper, s->room[r], sizeof *s->upper));
        s->upper_room = s->room[r];
    }
    for (size_t i = 0; i < l->n; i++) s->upper[i] = l->value[i] + 2 * e * q->norm[l->index[i]];
    float limit = at_least_k(q->kernels, s->upper, l->n, k) + 2 * e * q->norm[s->row[r]];
    /* its own roundings, and what brief products flush */
    limit += FLT_EPSILON * fabsf(limit) + FLT_MIN * (float)(q->x->D + 1);
    if (limit < l->limit) l->limit = limit;
    for (size_t i = 0; i < l->n; i++) {
        l->value[kept] = l->value[i];
        l->index[kept] = l->index[i];
        kept += l->value[i] <= l->limit; /* else overwritten by the next */
    }
    l->n = kept;
    s->full[r] = kept < k * 3 / 2 ? 3 * k : 2 * kept;
    if (kept > LOOSE * k) s->loose = 1;
done:
    return status;
}

/* Room for another panel in list r, which may come to hold all rows where they are equally far. */
static limn_status make_room(const search *q, scratch *s, size_t r) {
    limn_status status = LIMN_OK;
    knn_list *l = &s->list[r];
    if (l->n > s->full[r]) TRY(tighten(q, s, r));
    if (l->n + KNN_WIDTH > s->room[r]) {
        size_t room = s->room[r];
        TRY(limn_grow(&l->value, l->n + KNN_WIDTH, &room, sizeof *l->value));
        TRY(limn_grow(&l->index, l->n + KNN_WIDTH, &s->room[r], sizeof *l->index));
    }
done:
    return status;
}

static limn_status finish(const search *q, scratch *s, size_t r, size_t to) {
    limn_status status = LIMN_OK;
    const knn_list *l = &s->list[r];
    uint32_t own = row_of(q, s->row[r]);
    TRY(tighten(q, s, r));
    if (s->exact_room < l->n) {
        free(s->exact);
        s->exact = NULL;
        s->exact_room = 0;
        TRY(limn_new(&s->exact, s->room[r], sizeof *s->exact));
        s->exact_room = s->room[r];
    }
    for (size_t i = 0; i < l->n; i++) {
        uint32_t other = row_of(q, l->index[i]);
        if (i + AHEAD < l->n) embed_ask(q->x, row_of(q, l->index[i + AHEAD]));
        s->exact[i] = (neighbour){embed_sqdist(q->kernels, q->x, own, other), other};
    }
    sort_nearest(s->exact, l->n, q->out->k);
    put(q->out, to, s->exact);
done:
    return status;
}

/* The queries of the block against the rows from … to - 1. */
static limn_status run_range(const search *q, scratch *s, size_t strips, size_t from, size_t to) {
    limn_status status = LIMN_OK;
    const knn_form *f = s->form;
    size_t query = f->steps * KNN_STRIP;
    for (size_t p = from / KNN_WIDTH; p * KNN_WIDTH < to && !(s->loose && f->tile->brief); p++) {
        knn_range in = {(uint32_t)(p * KNN_WIDTH), (uint32_t)from, (uint32_t)to};
        const uint32_t *panel = f->panel + p * f->steps * KNN_WIDTH;
        for (size_t strip = 0; strip < strips; strip++) {
            uint32_t grown = f->tile->run(s->query + strip * query, panel, f->lower + p * KNN_WIDTH, f->steps, in,
                                          s->list + strip * KNN_STRIP);
            for (; grown; grown &= grown - 1) TRY(make_room(q, s, strip * KNN_STRIP + (size_t)__builtin_ctz(grown)));
        }
    }
done:
    return status;
}

/* The lists of the block's queries, by this form. s->loose: it said too little, and they hold nothing. */
static limn_status fill_lists(search *q, scratch *s, const knn_form *f, size_t rows, const uint32_t *near) {
    limn_status status = LIMN_OK;
    size_t strips = (rows + KNN_STRIP - 1) / KNN_STRIP;
    s->form = f;
    s->loose = 0;
    knn_form_queries(f, s->row, rows, s->query);
    for (size_t r = 0; r < strips * KNN_STRIP; r++) {
        s->list[r].n = 0;
        s->list[r].limit = r < rows ? FLT_MAX : -INFINITY;
        s->list[r].self = r < rows ? s->row[r] : 0;
        s->full[r] = q->out->k;
    }
    if (!near) return run_range(q, s, strips, 0, q->x->n);
    for (size_t p = 0; p < q->cell.probes; p++)
        TRY(run_range(q, s, strips, q->cell.start[near[p]], q->cell.start[near[p] + 1]));
done:
    return status;
}

static limn_status run_block(search *q, scratch *s, size_t block) {
    limn_status status = LIMN_OK;
    int celled = q->cell.cells > 0 && !q->sampling;
    size_t n = q->sampling ? q->queries : q->x->n, first = celled ? q->block[2 * block] : block * QUERIES;
    size_t end = celled ? q->block[2 * block + 2] : first + QUERIES < n ? first + QUERIES : n, rows = end - first;
    const uint32_t *near = celled ? q->cell.near + q->block[2 * block + 1] * q->cell.cells : NULL;
    for (size_t r = 0; r < rows; r++)
        s->row[r] = (uint32_t)(q->sampling ? (first + r) * (q->x->n / q->queries) : first + r);
    s->loose = 1;
    if (q->brief.panel) TRY(fill_lists(q, s, &q->brief, rows, near));
    if (s->loose) TRY(fill_lists(q, s, &q->full, rows, near));
    for (size_t r = 0; r < rows; r++) TRY(finish(q, s, r, q->sampling ? first + r : row_of(q, s->row[r])));
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
    size_t room = 4 * q->out->k + KNN_WIDTH;
    TRY(limn_new(&q->s, (size_t)q->workers, sizeof *q->s));
    for (int w = 0; w < q->workers; w++) {
        scratch *s = &q->s[w];
        TRY(limn_new(&s->query, QUERIES, q->x->D * sizeof *s->query));
        for (int r = 0; r < QUERIES; r++) {
            TRY(limn_new(&s->list[r].value, room, sizeof *s->list[r].value));
            TRY(limn_new(&s->list[r].index, room, sizeof *s->list[r].index));
            s->room[r] = room;
        }
    }
done:
    return status;
}

static void free_search(search *q) {
    for (int w = 0; q->s && w < q->workers; w++) {
        scratch *s = &q->s[w];
        free(s->query);
        free(s->upper);
        free(s->exact);
        for (int r = 0; r < QUERIES; r++) {
            free(s->list[r].value);
            free(s->list[r].index);
        }
    }
    free(q->s);
    knn_scale_clear(&q->scale);
    knn_form_clear(&q->full);
    knn_form_clear(&q->brief);
    free(q->norm);
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

/* The cells of the rows, scaled: some `size` rows each. */
static limn_status make_cells(search *q, size_t size, int threads) {
    limn_status status = LIMN_OK;
    float *a = NULL;
    size_t D = q->x->D;
    TRY(limn_new(&a, q->x->n, D * sizeof *a));
    for (size_t i = 0; i < q->x->n; i++) knn_scale_row(&q->scale, q->x, i, a + i * D);
    TRY(embed_cells_make(&q->cell, a, q->x->n, D, size, threads));
done:
    free(a);
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
    q->kernels = embed_kernels_best();
    q->blocks = (x->n + QUERIES - 1) / QUERIES;
    q->workers = limn_threads(threads);
    if ((size_t)q->workers > q->blocks) q->workers = (int)q->blocks;
    TRY(embed_knn_new(q->out, x->n, k));
    TRY(knn_scale_make(&q->scale, x, threads));
    TRY(limn_new(&q->norm, knn_padded(x->n), sizeof *q->norm));
    TRY(new_scratch(q));
done:
    return status;
}

/* The panels, in the order of the cells where there are any. */
static limn_status make_forms(search *q, int threads) {
    limn_status status = LIMN_OK;
    const knn_tile *brief = knn_tile_brief();
    TRY(knn_form_make(&q->full, knn_tile_best(), q->x, &q->scale, q->cell.order, q->norm, threads));
    if (brief) TRY(knn_form_make(&q->brief, brief, q->x, &q->scale, q->cell.order, q->norm, threads));
done:
    return status;
}

limn_status embed_knn_exact(embed_knn *out, const embed_rows *x, size_t k, int threads, limn_progress_fn progress,
                            void *ctx) {
    limn_status status = LIMN_OK;
    search q = {.x = x, .out = out};
    TRY(begin(&q, k, threads));
    if (x->n >= CELLS_FROM) {
        TRY(make_cells(&q, LARGE_CELL, threads));
        TRY(cell_blocks(&q));
        q.cell.probes = q.cell.cells;
    }
    TRY(make_forms(&q, threads));
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
    TRY(make_cells(&q, CELL, threads));
    TRY(make_forms(&q, threads));
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
        qsort(v, m, sizeof *v, compare);
        put(out, i, v);
    }
done:
    free(v);
    if (status != LIMN_OK) embed_knn_clear(out);
    return status;
}
