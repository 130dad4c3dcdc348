/* See stored.h. */
#include "stored.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>
#include <cmocka.h>

static const char *const class_name[STORED_CLASSES] = {"zero", "it's one", "two"};

static void fill_inputs(limn_store *s, stored *o, const char *experiment, int reversed) {
    static const store_layer layer[] = {{0, "conv2d_1", "Conv2D", "[4, 2, 2]", 40}, {1, "dense_1", "Dense", "[4]", 68}};
    const store_run run = {.experiment = experiment,
                           .config = "name: x\n",
                           .options = "{\"seed\": 1}",
                           .version = "0.1.0",
                           .libraries = "{\"SQLite\": \"3\"}",
                           .isa = "avx2"};
    OK(store_run_begin(s, &o->run, &run));
    const store_model model = {.hash = "aa11",
                               .path = "m.h5",
                               .format = "Keras 2 HDF5",
                               .producer = "keras 2.2.4",
                               .input_shape = "[1, 2, 2]",
                               .parameters = 108,
                               .layer = layer,
                               .n_layers = 2};
    OK(store_model_find(s, &o->model, o->run, &model));
    const store_dataset data = {.fingerprint = "bb22",
                                .options = "{\"scale\": 1}",
                                .path = "d.gz",
                                .format = "IDX (gzip)",
                                .n = STORED_N,
                                .channels = 1,
                                .h = STORED_SIDE,
                                .w = STORED_SIDE,
                                .class_name = class_name,
                                .n_classes = STORED_CLASSES};
    OK(store_dataset_find(s, &o->dataset, o->run, &data));
    for (int k = 0; k < STORED_N; k++) {
        int i = reversed ? STORED_N - 1 - k : k;
        char source[16], image[16];
        snprintf(source, sizeof source, "%d", i);
        int n = snprintf(image, sizeof image, "PNG of %d", i);
        const store_sample sample = {(size_t)i, i % STORED_CLASSES, source, image, (size_t)n};
        OK(store_sample_put(s, o->dataset, &sample));
    }
    OK(store_sample_ids(s, o->dataset, o->sample, STORED_N));
}

static void fill_extraction(limn_store *s, stored *o, int reversed) {
    const store_extraction e = {o->model, o->dataset, "dense_1", "{}", STORED_DIM};
    OK(store_extraction_find(s, &o->extraction, NULL, o->run, &e));
    for (int k = 0; k < STORED_N; k++) {
        int i = reversed ? STORED_N - 1 - k : k, label = i % STORED_CLASSES, class_ = i == 5 ? 0 : label;
        const float logits[STORED_CLASSES] = {class_ == 0, class_ == 1, class_ == 2};
        const store_prediction p = {class_, 0.5 + i / 16., 0.25, 1.5, i == 5 ? 2.5 : 0.125, logits, STORED_CLASSES};
        OK(store_prediction_put(s, o->run, o->model, o->sample[i], &p));
        const float v[STORED_DIM] = {(float)i, (float)(i * i), (float)label, 1};
        OK(store_feature_put(s, o->extraction, o->sample[i], v, STORED_DIM));
    }
    OK(store_complete(s, STORE_EXTRACTION, o->extraction));
    OK(store_link(s, o->run, STORE_EXTRACTION, "dense_1", o->extraction));
}

static void fill_embeddings(limn_store *s, stored *o, int reversed) {
    static const store_trace trace[] = {{50, 1.5}, {100, 1.25}};
    static const store_quality quality[] = {{"trustworthiness", 2, 0.75, STORED_N}, {"cpd", 0, 0.5, STORED_N}};
    float Y[STORED_N * 2], distance[STORED_N * STORED_K];
    uint32_t neighbour[STORED_N * STORED_K];
    for (uint32_t i = 0; i < STORED_N; i++) {
        Y[2 * i] = (float)i;
        Y[2 * i + 1] = -(float)i;
        for (uint32_t k = 0; k < STORED_K; k++) {
            neighbour[i * STORED_K + k] = (i + k + 1) % STORED_N;
            distance[i * STORED_K + k] = 0.5f * (float)(k + 1);
        }
    }
    store_map_of_points m = {.sample_id = o->sample,
                             .Y = Y,
                             .n = STORED_N,
                             .dims = 2,
                             .kl = 1.25,
                             .iterations = 100,
                             .seconds = 0.5,
                             .trace = trace,
                             .n_trace = 2,
                             .quality = quality,
                             .n_quality = 2,
                             .neighbour = neighbour,
                             .distance = distance,
                             .k = STORED_K};
    const store_embedding tsne = {o->extraction, "tsne", "{\"perplexity\": 1}", 1, 2, 0};
    const store_embedding pca = {o->extraction, "pca", "{}", 1, 2, 0};
    if (reversed) OK(store_embedding_find(s, &o->pca, NULL, o->run, &pca));
    OK(store_embedding_find(s, &o->map, NULL, o->run, &tsne));
    OK(store_embedding_put(s, o->map, &m));
    OK(store_link(s, o->run, STORE_EMBEDDING, "map", o->map));
    OK(store_embedding_find(s, &o->pca, NULL, o->run, &pca));
    m.kl = (double)NAN, m.iterations = 0, m.n_trace = 0, m.n_quality = 1, m.neighbour = NULL, m.warning = "few";
    OK(store_embedding_put(s, o->pca, &m));
    OK(store_link(s, o->run, STORE_EMBEDDING, "pca", o->pca));
    float share[STORED_N];
    for (int i = 0; i < STORED_N; i++) share[i] = (float)i / 8;
    const store_comparison c = {2, 0.3125, 0.75, 0.5, STORED_N, o->sample, share, STORED_N};
    OK(store_comparison_put(s, o->run, reversed ? o->pca : o->map, reversed ? o->map : o->pca, &c));
}

static void fill_attributions(limn_store *s, stored *o, int reversed) {
    store_attribution a = {o->model,    o->dataset, "saliency", "limn",      NULL,       "dense_1",
                           "predicted", "{}",       1,          STORED_SIDE, STORED_SIDE};
    for (int k = 0; k < 2; k++) {
        int cam = k != reversed;
        a.method = cam ? "gradcam" : "saliency", a.layer = cam ? "conv2d_1" : NULL;
        a.targets = cam ? "[0, 1]" : "predicted";
        OK(store_attribution_find(s, cam ? &o->cam : &o->saliency, NULL, o->run, &a));
    }
    for (int k = 0; k < STORED_N; k++) {
        int i = reversed ? STORED_N - 1 - k : k;
        const float v[] = {(float)i, (float)(i + 1), -(float)i, 0.5f}, w[] = {2 * v[0], 2 * v[1], 2 * v[2], 2 * v[3]};
        OK(store_map_put(s, o->saliency, o->sample[i], i == 5 ? 0 : i % STORED_CLASSES, -1, v, 4));
        OK(store_map_put(s, o->cam, o->sample[i], reversed, -1, w, 4));
        OK(store_map_put(s, o->cam, o->sample[i], !reversed, -1, w, 4));
    }
    for (int k = 0; k < 2; k++) { /* one that has an input for each of two units, in both orders */
        const store_maximisation m = {o->model, "limn", "dense_1", "[0,1]", "{}", 1, 1, STORED_SIDE, STORED_SIDE};
        const float v[] = {1, 2, 3, 4.5f};
        const store_optimum best = {k != reversed, 2.5, 0.25, -2, 7, v, 4};
        int64_t id;
        OK(store_maximisation_find(s, &id, NULL, o->run, &m));
        OK(store_link(s, o->run, STORE_MAXIMISATION, "best", id));
        OK(store_optimum_put(s, id, &best));
        OK(store_complete(s, STORE_MAXIMISATION, id));
    }
    for (int k = 0; k < 3; k++) {
        const float share[STORED_N] = {0, .5f, 1, .5f, 0, 1};
        store_relation t = {.attribution_id = o->saliency,
                            .extraction_id = k == 0 ? o->extraction : 0,
                            .embedding_id = k == 1 ? o->map : 0,
                            .other_attribution_id = k == 2 ? o->cam : 0,
                            .options = "{\"neighbours\":2}",
                            .k = 2,
                            .overlap = .5,
                            .cka = .25 * k,
                            .distance_correlation = k == 2 ? (double)NAN : .125,
                            .p = .01,
                            .points = STORED_N,
                            .permutations = 99,
                            .sample_id = o->sample,
                            .share = share,
                            .n = STORED_N};
        OK(store_relation_put(s, o->run, &t));
    }
    OK(store_complete(s, STORE_ATTRIBUTION, o->saliency));
    OK(store_complete(s, STORE_ATTRIBUTION, o->cam));
    OK(store_link(s, o->run, STORE_ATTRIBUTION, "saliency", o->saliency));
    OK(store_link(s, o->run, STORE_ATTRIBUTION, "cam", o->cam));
}

void stored_fill(limn_store *s, stored *o, const char *experiment, int reversed) {
    OK(store_begin(s));
    fill_inputs(s, o, experiment, reversed);
    fill_extraction(s, o, reversed);
    fill_embeddings(s, o, reversed);
    fill_attributions(s, o, reversed);
    const store_stage stage = {"predict", "finished", STORED_N, STORED_N, 0.25, 1 << 20};
    OK(store_stage_put(s, o->run, &stage));
    const store_figure figure = {"map-label", "{\"scatter\": \"map\"}", "png", "x/map-label.png", "cc33"};
    OK(store_figure_put(s, o->run, &figure));
    OK(store_commit(s));
}

/* ---- asking --------------------------------------------------------------------------------------------- */

int stored_write(void *ctx, const char *text, size_t n) {
    stored_text *t = ctx;
    char *more = realloc(t->text, t->n + n + 1);
    if (!more) return 1;
    memcpy(more + t->n, text, n);
    more[t->n + n] = 0;
    t->text = more;
    t->n += n;
    return 0;
}

char *stored_ask(const char *path, const char *sql) {
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    int rc = sqlite3_step(stmt);
    const char *text = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : "";
    char *out = strdup(text ? text : "NULL");
    assert_true(rc == SQLITE_ROW || rc == SQLITE_DONE);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return out;
}

int64_t stored_count(const char *path, const char *sql) {
    char *text = stored_ask(path, sql);
    int64_t n = strtoll(text, NULL, 10);
    free(text);
    return n;
}
