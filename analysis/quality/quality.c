/* Quality figures of an embedding: how much of the neighbourhoods and distances of x the map y keeps.
 *
 * Figures of neighbourhoods (neighbourhoods.c) compare a point with all n others. Up to EXACT_N points they are means
 * over all points; above, over a seeded subset of them, at least LEAST_QUERIES and as many as WORK allows (a query costs
 * about n (D + 100)): an estimate without bias of the same figure. Figures of labels (labels.c) need the map alone: all
 * points up to EXACT_LABELS, else LABEL_QUERIES. CPD uses a seeded subset of 1,000 points, KNC all class means
 * (global.c). A figure that has no meaning for this n or these labels is left out. */
#include "quality/quality.h"

#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/try.h"
#include "embed/embed.h"

enum { EXACT_N = 3000, LEAST_QUERIES = 1000, EXACT_LABELS = 20000, LABEL_QUERIES = 5000, CPD_POINTS = 1000 };
enum { SUBSET_QUERIES, SUBSET_CPD, SUBSET_LABELS /* 3: agreement.c */ }; /* streams; append only */

static const double WORK = 2e9;

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

limn_status quality_subset(uint32_t *out, size_t m, size_t n, uint64_t seed, uint64_t which) {
    limn_status status = LIMN_OK;
    size_t *all = NULL;
    TRY(limn_new(&all, n, sizeof *all));
    for (size_t i = 0; i < n; i++) all[i] = i;
    if (m < n) {
        limn_rng r = limn_rng_stream(seed, LIMN_RNG_QUALITY, which);
        limn_rng_shuffle(&r, all, n);
    }
    for (size_t i = 0; i < m; i++) out[i] = (uint32_t)all[i];
    qsort(out, m, sizeof *out, ascending);
done:
    free(all);
    return status;
}

static size_t query_count(size_t n, size_t D) {
    double most = WORK / ((double)n * ((double)D + 100));
    if (n <= EXACT_N || most >= (double)n) return n;
    return most > LEAST_QUERIES ? (size_t)most : LEAST_QUERIES;
}

typedef struct {
    limn_quality *out;
    size_t room, n;
} rows_out;

static void add(rows_out *r, const char *metric, int k, double value, size_t sample) {
    if (isnan(value) || r->n == r->room) return;
    r->out[r->n++] = (limn_quality){metric, k, value, sample};
}

static int any_label(const int *labels, size_t n) {
    for (size_t i = 0; labels && i < n; i++)
        if (labels[i] >= 0) return 1;
    return 0;
}

static limn_status labelled(rows_out *r, const embed_rows *x, const embed_rows *y, const quality_map *map,
                            const int *labels, uint64_t seed, int threads) {
    limn_status status = LIMN_OK;
    size_t queries = x->n <= EXACT_LABELS ? x->n : LABEL_QUERIES;
    uint32_t *point = NULL;
    quality_labelled q;
    double knc;
    int k;
    TRY(limn_new(&point, queries, sizeof *point));
    TRY(quality_subset(point, queries, x->n, seed, SUBSET_LABELS));
    TRY(quality_labels(&q, map, labels, point, queries, threads));
    TRY(quality_knc(&knc, &k, x, y, labels));
    add(r, "knc", k, knc, x->n);
    add(r, "label_accuracy", QUALITY_RECALL_K, q.label_accuracy, q.labelled);
    add(r, "silhouette", 0, q.silhouette, q.labelled);
done:
    free(point);
    return status;
}

static limn_status unlabelled(rows_out *r, const embed_rows *x, const embed_rows *y, const quality_map *map,
                              uint64_t seed, int threads) {
    limn_status status = LIMN_OK;
    size_t n = x->n, queries = query_count(n, x->D), pairs_of = n < CPD_POINTS ? n : CPD_POINTS;
    uint32_t *point = NULL;
    quality_local q;
    double cpd = NAN;
    TRY(limn_new(&point, n, sizeof *point));
    TRY(quality_subset(point, queries, n, seed, SUBSET_QUERIES));
    TRY(quality_neighbourhoods(&q, x, map, point, queries, threads));
    TRY(quality_subset(point, pairs_of, n, seed, SUBSET_CPD));
    if (pairs_of >= 3) TRY(quality_cpd(&cpd, x, y, point, pairs_of));
    for (int i = 0; i < QUALITY_KS; i++) add(r, "trustworthiness", quality_k[i], q.trustworthiness[i], queries);
    for (int i = 0; i < QUALITY_KS; i++) add(r, "continuity", quality_k[i], q.continuity[i], queries);
    add(r, "knn_recall", QUALITY_RECALL_K, q.knn_recall, queries);
    add(r, "cpd", 0, cpd, pairs_of);
done:
    free(point);
    return status;
}

limn_status limn_embed_quality(limn_quality *out, size_t room, size_t *n_out, const float *X, size_t n, size_t D,
                               const float *Y, int dims, const int *labels, uint64_t seed, int threads) {
    limn_status status = LIMN_OK;
    embed_rows x = {.n = n, .D = D, .f = X}, y = {.n = n, .D = (size_t)dims, .f = Y};
    rows_out rows = {.out = out, .room = room};
    quality_map map = {0};
    *n_out = 0;
    if (n < 1 || D < 1 || dims < 1 || dims > 3 || n > INT32_MAX)
        FAIL(LIMN_EINPUT, "no quality figures for %zu vectors of %zu dimensions in a map of %d", n, D, dims);
    TRY(quality_map_new(&map, Y, NULL, n, dims));
    TRY(unlabelled(&rows, &x, &y, &map, seed, threads));
    if (any_label(labels, n)) TRY(labelled(&rows, &x, &y, &map, labels, seed, threads));
    *n_out = rows.n;
done:
    quality_map_clear(&map);
    return status;
}
