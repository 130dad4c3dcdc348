/* The store at the size of the demo: 10,000 samples, six maps of 28 x 28 each, 128-D features, a map of points with 15
 * neighbours. Prints seconds and rates of writing, finishing, the digest, and a few questions. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/stat.h>

#include "base/rng.h"
#include "base/try.h"
#include "db/digest.h"
#include "db/sql_shell.h"

enum { N = 10000, BATCH = 128, MAPS = 6, SIDE = 28, DIM = 128, CLASSES = 10, K = 15, IMAGE = 300 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double lap(const char *what, double since, double mb) {
    double t = now() - since;
    printf("  %-44s %7.3f s", what, t);
    if (mb > 0) printf("  %7.0f MB/s", mb / t);
    printf("\n");
    return now();
}

static int64_t id[N];
static float noise[1 << 20], Y[N * 2], distance[N * K];
static uint32_t neighbour[N * K];

/* Some numbers of their own for every (i, k): a place in the noise. */
static const float *values(size_t i, size_t k) {
    return noise + (i * 7919 + k * 104729) % (sizeof noise / sizeof *noise - SIDE * SIDE);
}

static limn_status inputs(limn_store *s, int64_t *run, int64_t *model, int64_t *dataset) {
    limn_status status = LIMN_OK;
    const store_run r = {"bench", "", "{}", "0", "{}", NULL};
    const store_model m = {.hash = "m", .format = "f", .input_shape = "[1, 28, 28]"};
    const store_dataset d = {
        .fingerprint = "d", .options = "{}", .format = "IDX", .n = N, .channels = 1, .h = SIDE, .w = SIDE};
    TRY(store_run_begin(s, run, &r));
    TRY(store_model_find(s, model, *run, &m));
    TRY(store_dataset_find(s, dataset, *run, &d));
    for (size_t i = 0; i < N; i += BATCH) {
        TRY(store_begin(s));
        for (size_t j = i; j < i + BATCH && j < N; j++) {
            const store_sample row = {j, (int)(j % CLASSES), NULL, values(j, 99), IMAGE};
            TRY(store_sample_put(s, *dataset, &row));
        }
        TRY(store_commit(s));
    }
    TRY(store_sample_ids(s, *dataset, id, N));
done:
    return status;
}

static limn_status predictions(limn_store *s, int64_t run, int64_t model, int64_t dataset, int64_t *extraction) {
    limn_status status = LIMN_OK;
    const store_extraction e = {model, dataset, "dense_1", "{}", DIM};
    TRY(store_extraction_find(s, extraction, NULL, run, &e));
    for (size_t i = 0; i < N; i += BATCH) {
        TRY(store_begin(s));
        for (size_t j = i; j < i + BATCH && j < N; j++) {
            const store_prediction p = {(int)((j + (j % 97 == 0)) % CLASSES), .5, .25, .1, .01, values(j, 7), CLASSES};
            TRY(store_prediction_put(s, run, model, id[j], &p));
            TRY(store_feature_put(s, *extraction, id[j], values(j, 8), DIM));
        }
        TRY(store_commit(s));
    }
done:
    return status;
}

static limn_status maps(limn_store *s, int64_t run, int64_t model, int64_t dataset) {
    limn_status status = LIMN_OK;
    int64_t attribution[MAPS];
    for (int k = 0; k < MAPS; k++) {
        char method[16];
        snprintf(method, sizeof method, "method%d", k);
        const store_attribution a = {model, dataset, method, "limn", NULL, "out", "predicted", "{}", 1, SIDE, SIDE};
        TRY(store_attribution_find(s, &attribution[k], NULL, run, &a));
        TRY(store_link(s, run, STORE_ATTRIBUTION, method, attribution[k]));
    }
    for (size_t i = 0; i < N; i += BATCH) {
        TRY(store_begin(s));
        for (int k = 0; k < MAPS; k++)
            for (size_t j = i; j < i + BATCH && j < N; j++)
                TRY(store_map_put(s, attribution[k], id[j], (int)(j % CLASSES), -1, values(j, (size_t)k), SIDE * SIDE));
        TRY(store_commit(s));
    }
done:
    return status;
}

static limn_status points(limn_store *s, int64_t run, int64_t extraction) {
    limn_status status = LIMN_OK;
    int64_t embedding = 0;
    for (uint32_t i = 0; i < N; i++) {
        memcpy(Y + 2 * i, values(i, 50), 2 * sizeof *Y);
        for (uint32_t k = 0; k < K; k++) neighbour[i * K + k] = (i * 31 + k + 1) % N;
    }
    const store_embedding e = {extraction, "tsne", "{}", 1, 2, 0};
    const store_map_of_points m = {
        .sample_id = id, .Y = Y, .n = N, .dims = 2, .neighbour = neighbour, .distance = distance, .k = K};
    TRY(store_embedding_find(s, &embedding, NULL, run, &e));
    TRY(store_embedding_put(s, embedding, &m));
done:
    return status;
}

static int nowhere(void *ctx, const char *text, size_t n) {
    (void)ctx, (void)text, (void)n;
    return 0;
}

static const struct {
    const char *what, *sql;
} question[] = {
    {"accuracy per class", "SELECT label, avg(correct) FROM v_sample GROUP BY label"},
    {"mean map per class, 10,000 maps",
     "SELECT label, vec_avg(data) FROM map JOIN sample USING (sample_id) WHERE attribution_id = 1 GROUP BY label"},
    {"nearest 10 by cosine, 10,000 x 128", "SELECT b.sample_id, vec_cosine(a.vector, b.vector) AS c FROM feature a, "
                                           "feature b WHERE a.feature_id = 1 ORDER BY c DESC LIMIT 10"},
    {"the same rows, only their lengths", "SELECT sum(length(vector)) FROM feature"},
    {"two methods compared on 10,000 samples", "SELECT avg(vec_cosine(a.data, b.data)) FROM map a JOIN map b USING "
                                               "(sample_id) WHERE a.attribution_id = 1 AND b.attribution_id = 2"},
    {"summary of all maps", "SELECT * FROM v_summary"},
};

int main(void) {
    limn_status status = LIMN_OK;
    limn_store *s = NULL;
    int64_t run = 0, model = 0, dataset = 0, extraction = 0;
    char folder[] = "/tmp/limn-bench-XXXXXX", path[64], hex[65];
    struct stat st = {0};
    limn_rng r = limn_rng_stream(1, LIMN_RNG_TEST, 0);
    for (size_t i = 0; i < COUNT_OF(noise); i++) noise[i] = (float)limn_rng_normal(&r);
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/b.db", folder);
    printf("store: %d samples, %d maps of %d x %d each, %d-D features\n", N, MAPS, SIDE, SIDE, DIM);
    TRY(store_open(&s, path));
    double t = now(), mb = N * MAPS * SIDE * SIDE * 4e-6;
    TRY(inputs(s, &run, &model, &dataset));
    t = lap("samples", t, 0);
    TRY(predictions(s, run, model, dataset, &extraction));
    t = lap("predictions and features", t, N * (DIM + CLASSES) * 4e-6);
    TRY(maps(s, run, model, dataset));
    t = lap("maps", t, mb);
    TRY(points(s, run, extraction));
    t = lap("points and neighbours", t, 0);
    TRY(store_digest(s, hex, NULL, NULL));
    t = lap("digest, while writing", t, mb);
    TRY(store_finish(s, NULL));
    t = lap("finish: one file", t, 0);
    stat(path, &st);
    store_close(s);
    s = NULL;
    t = now();
    TRY(store_digest_file(path, 0, 0, nowhere, NULL));
    t = lap("digest of the file", t, mb);
    for (size_t i = 0; i < COUNT_OF(question); i++) {
        TRY(sql_run(path, question[i].sql, SQL_CSV, nowhere, NULL));
        t = lap(question[i].what, t, 0);
    }
    TRY(store_open(&s, path));
    t = now();
    TRY(store_forget(s, "bench"));
    t = lap("forget the experiment", t, 0);
    printf("  file: %.1f MB, %.3f of the arrays' bytes\n", (double)st.st_size / 1e6,
           (double)st.st_size / 1e6 / (mb + N * (DIM + CLASSES) * 4e-6 + N * IMAGE * 1e-6));
done:
    store_close(s);
    unlink(path);
    rmdir(folder);
    if (status != LIMN_OK) fprintf(stderr, "bench_store: %s\n", limn_message());
    return status == LIMN_OK ? 0 : 1;
}
