/* knn(extraction, sample, k): the nearest vectors of an extraction, by looking at every one. See functions.h.
 *
 * It reads the tables `feature` and `sample` of the main database, so it is not for views of an untrusted schema.
 * Among equals the smaller sample_id is nearer; the sample itself is left out; a distance that is NaN is none. */
#include <math.h>
#include <string.h>

#include "db/functions.h"
#include "db/vec_kernels.h"

typedef struct {
    double distance;
    sqlite3_int64 sample_id;
} neighbour;

/* The k nearest so far: a heap whose first is the farthest. */
typedef struct {
    neighbour *a;
    size_t n, k;
} heap;

static int farther(const neighbour *a, const neighbour *b) {
    return a->distance > b->distance || (a->distance == b->distance && a->sample_id > b->sample_id);
}

static void swap(neighbour *a, neighbour *b) {
    neighbour t = *a;
    *a = *b;
    *b = t;
}

static void sift_down(neighbour *a, size_t n, size_t i) {
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && farther(&a[child + 1], &a[child])) child++;
        if (!farther(&a[child], &a[i])) return;
        swap(&a[child], &a[i]);
    }
}

static void offer(heap *h, neighbour x) {
    if (h->n < h->k) {
        size_t i = h->n++;
        h->a[i] = x;
        for (; i > 0 && farther(&h->a[i], &h->a[(i - 1) / 2]); i = (i - 1) / 2) swap(&h->a[i], &h->a[(i - 1) / 2]);
    } else if (h->k > 0 && farther(&h->a[0], &x)) {
        h->a[0] = x;
        sift_down(h->a, h->n, 0);
    }
}

/* The vector of the sample, copied; *n its elements. NULL and *wrong NULL: there is none. */
static unsigned char *vector_of(sqlite3 *db, sqlite3_int64 extraction, sqlite3_int64 sample, size_t *n, char **wrong) {
    sqlite3_stmt *stmt = NULL;
    unsigned char *copy = NULL;
    *wrong = NULL;
    if (sqlite3_prepare_v2(db, "SELECT vector FROM main.feature WHERE extraction_id = ?1 AND sample_id = ?2", -1, &stmt,
                           NULL) == SQLITE_OK) {
        sqlite3_bind_int64(stmt, 1, extraction);
        sqlite3_bind_int64(stmt, 2, sample);
        if (sqlite3_step(stmt) == SQLITE_ROW) {
            const void *p = sqlite3_column_blob(stmt, 0);
            *n = (size_t)sqlite3_column_bytes(stmt, 0) / 4;
            copy = sqlite3_malloc64(*n * 4 + 1);
            if (copy && p) memcpy(copy, p, *n * 4);
        }
    }
    if (sqlite3_finalize(stmt) != SQLITE_OK) *wrong = sqlite3_mprintf("%s", sqlite3_errmsg(db));
    return copy;
}

static double distance_of(const unsigned char *a, const unsigned char *b, size_t n, int cosine) {
    const vec_kernels *k = vec_kernels_best();
    double p[3];
    if (!cosine) return sqrt(k->square_distance(a, b, n));
    k->products(a, b, n, p);
    double d = 1 - p[0] / (sqrt(p[1]) * sqrt(p[2]));
    return d < 0 ? 0 : d; /* NaN stays */
}

/* Offers all vectors of the extraction that have the length of `v`; a sentence where SQLite or a vector is wrong. */
static char *scan(sqlite3 *db, heap *h, sqlite3_int64 extraction, sqlite3_int64 sample, const unsigned char *v,
                  size_t n, int cosine) {
    sqlite3_stmt *stmt = NULL;
    char *wrong = NULL;
    int rc =
        sqlite3_prepare_v2(db, "SELECT sample_id, vector FROM main.feature WHERE extraction_id = ?1", -1, &stmt, NULL);
    if (rc == SQLITE_OK) sqlite3_bind_int64(stmt, 1, extraction);
    while (rc == SQLITE_OK && !wrong && sqlite3_step(stmt) == SQLITE_ROW) {
        neighbour x = {.sample_id = sqlite3_column_int64(stmt, 0)};
        const unsigned char *other = sqlite3_column_blob(stmt, 1);
        size_t bytes = (size_t)sqlite3_column_bytes(stmt, 1);
        if (x.sample_id == sample) continue;
        if (bytes != 4 * n) {
            wrong = sqlite3_mprintf("sample %lld has a vector of %lld bytes, not %lld", x.sample_id, (long long)bytes,
                                    (long long)(4 * n));
            break;
        }
        x.distance = distance_of(v, other, n, cosine);
        if (!isnan(x.distance)) offer(h, x);
    }
    if (sqlite3_finalize(stmt) != SQLITE_OK && !wrong) wrong = sqlite3_mprintf("%s", sqlite3_errmsg(db));
    return wrong;
}

static char *knn_open(sql_cursor *c, sqlite3 *db, sqlite3_value **arg) {
    static const char *const what[] = {"the extraction", "the sample", "k"};
    char *wrong = NULL;
    const char *metric = arg[3] ? (const char *)sqlite3_value_text(arg[3]) : "euclidean";
    for (int i = 0; i < 3; i++)
        if (sqlite3_value_type(arg[i]) != SQLITE_INTEGER) return sqlite3_mprintf("%s is an integer", what[i]);
    sqlite3_int64 extraction = sqlite3_value_int64(arg[0]), sample = sqlite3_value_int64(arg[1]);
    sqlite3_int64 k = sqlite3_value_int64(arg[2]);
    if (k < 0 || k > 1 << 24) return sqlite3_mprintf("k is an integer from 0 to %d", 1 << 24);
    const int cosine = metric && !strcmp(metric, "cosine");
    if (!cosine && (!metric || strcmp(metric, "euclidean") != 0))
        return sqlite3_mprintf("there is no metric '%s'; there are euclidean, cosine", metric ? metric : "");
    size_t n = 0;
    unsigned char *v = vector_of(db, extraction, sample, &n, &wrong);
    if (!v) return wrong;
    heap h = {.a = sqlite3_malloc64((sqlite3_uint64)k * sizeof *h.a + 1), .k = (size_t)k};
    wrong = h.a ? scan(db, &h, extraction, sample, v, n, cosine) : sqlite3_mprintf("out of memory");
    sqlite3_free(v);
    c->data = h.a; /* the cursor's from here on */
    if (wrong) return wrong;
    for (size_t left = h.n; left > 1; left--) { /* the farthest goes to the end, and so on */
        swap(&h.a[0], &h.a[left - 1]);
        sift_down(h.a, left - 1, 0);
    }
    c->n = (sqlite3_int64)h.n;
    return NULL;
}

static void knn_column(const sql_cursor *c, int i, sqlite3_context *ctx) {
    const neighbour *x = (const neighbour *)c->data + c->at;
    if (i == 2)
        sqlite3_result_double(ctx, x->distance);
    else
        sqlite3_result_int64(ctx, i == 0 ? c->at + 1 : x->sample_id);
}

const sql_table sql_knn = {
    "rank, sample_id, distance", "extraction, sample, k, metric", 3, 4, 3, 0, knn_open, knn_column};
