/* limn embed and databases: see embed_store.h.
 *
 * Vectors that come from a file have no network and no pictures. They are stored as what they are: the samples of a data
 * set (fingerprint: SHA-256 over shape, values and labels), given by a model that is none (the SHA-256 of nothing), at its
 * layer `vectors`. So every query about maps works on them too. */
#define _GNU_SOURCE
#include "embed_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/try.h"
#include "config/experiment.h"
#include "db/digest.h"
#include "db/queries.h"
#include "stages/run.h"
#include "text.h"
#include "versions.h"

enum { QUALITY_ROOM = 32 };

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* *file = what is before the last colon, *name = what is behind it (NULL: no colon, or all of it is a file that is
 * there). */
static limn_status split(char **file, const char **name, const char *path) {
    struct stat st;
    const char *colon = strrchr(path, ':');
    *name = NULL;
    if (!colon || stat(path, &st) == 0) return limn_strdup(file, path);
    *name = colon + 1;
    return limn_format(file, "%.*s", (int)(colon - path), path);
}

int embed_store_named(const char *path) {
    char *file = NULL;
    const char *name;
    if (split(&file, &name, path) != LIMN_OK) return 0;
    int is = store_is_sqlite(file);
    free(file);
    return is;
}

static int is_db(const char *s, size_t n) {
    return n > 3 && strncmp(s + n - 3, ".db", 3) == 0;
}

int embed_store_out(const char *path) {
    const char *colon = strrchr(path, ':');
    return is_db(path, strlen(path)) || (colon && is_db(path, (size_t)(colon - path)));
}

/* Whether both name files that are one and the same. */
static int same_file(const char *a, const char *b) {
    struct stat s, t;
    return stat(a, &s) == 0 && stat(b, &t) == 0 && s.st_dev == t.st_dev && s.st_ino == t.st_ino;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

limn_status embed_store_layer(float **X, int **label, size_t *n, size_t *D, const char *path, const char *layer) {
    limn_status status = LIMN_OK;
    limn_store *s = NULL;
    char *file = NULL;
    const char *name;
    query_vectors v;
    TRY(split(&file, &name, path));
    TRY(store_open_readonly(&s, file));
    TRY(query_layer(s, &v, name ? name : layer));
    TRY(limn_new(X, v.n, v.dim * sizeof **X));
    TRY(store_features_read(s, v.id, *X, v.n, v.dim));
    TRY(limn_new(label, v.n, sizeof **label));
    TRY(query_labels(s, *label, v.n, v.dataset_id));
    *n = v.n;
    *D = v.dim;
done:
    store_close(s);
    free(file);
    return status;
}

limn_status embed_store_map(float **Y, size_t *n, size_t *dims, const char *path) {
    limn_status status = LIMN_OK;
    limn_store *s = NULL;
    char *file = NULL;
    const char *name;
    query_vectors v;
    TRY(split(&file, &name, path));
    TRY(store_open_readonly(&s, file));
    TRY(query_map_named(s, &v, name));
    TRY(limn_new(Y, v.n, v.dim * sizeof **Y));
    TRY(store_points_read(s, v.id, *Y, v.n, (int)v.dim));
    *n = v.n;
    *dims = v.dim;
done:
    store_close(s);
    free(file);
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

typedef struct {
    const embed_stored *e;
    limn_store *s;
    char *file;
    const char *name;
    int64_t run_id, extraction_id;
    int64_t *sample_id;    /* (n) */
    int64_t *embedding_id; /* (maps) */
    int *had;              /* (maps) complete before */
} writer;

limn_status embed_store_check(const char *in, const char *out) {
    limn_status status = LIMN_OK;
    char *file = NULL, *from = NULL;
    const char *name, *layer;
    int exists = 0;
    TRY(split(&file, &name, out));
    if (name && !experiment_name_ok(name))
        FAIL(LIMN_EINPUT, "%s: a map's name is a letter, digit or `_`, then letters, digits, `.`, `_` or `-`", out);
    if (embed_store_named(in)) {
        TRY(split(&from, &layer, in));
        if (!same_file(from, file))
            FAIL(LIMN_EINPUT, "%s: a map of a layer goes into the database that the layer is in, %s", out, from);
    }
    TRY(store_probe(file, &exists));
done:
    free(file);
    free(from);
    return status;
}

/* SHA-256 over shape, values and labels. */
static limn_status fingerprint(char hex[65], const embed_stored *e) {
    limn_status status = LIMN_OK;
    limn_sha256 *md = NULL, *end;
    const uint64_t shape[3] = {e->n, e->D, e->label != NULL};
    TRY(limn_sha256_new(&md));
    TRY(limn_sha256_add(md, shape, sizeof shape));
    TRY(limn_sha256_add(md, e->X, e->n * e->D * sizeof *e->X));
    if (e->label) TRY(limn_sha256_add(md, e->label, e->n * sizeof *e->label));
    end = md;
    md = NULL;
    TRY(limn_sha256_end(end, hex));
done:
    limn_sha256_free(md);
    return status;
}

static limn_status put_samples(writer *w, int64_t dataset_id) {
    limn_status status = LIMN_OK;
    char source[32];
    for (size_t i = 0; i < w->e->n; i++) {
        snprintf(source, sizeof source, "%zu", i);
        store_sample row = {.idx = i, .label = w->e->label ? w->e->label[i] : -1, .source = source};
        TRY(store_sample_put(w->s, dataset_id, &row));
    }
    TRY(store_sample_ids(w->s, dataset_id, w->sample_id, w->e->n));
done:
    return status;
}

/* Vectors of a file: model, data set, samples and features, where they are not there yet. */
static limn_status put_vectors(writer *w) {
    limn_status status = LIMN_OK;
    const embed_stored *e = w->e;
    char nothing[65], print[65], *shape = NULL;
    int64_t model_id, dataset_id;
    int complete;
    limn_sha256 *md = NULL;
    TRY(limn_sha256_new(&md));
    status = limn_sha256_end(md, nothing);
    TRY(status);
    TRY(fingerprint(print, e));
    TRY(limn_format(&shape, "[%zu]", e->D));
    store_layer layer = {.idx = 0, .name = "vectors", .op = "Input", .output_shape = "[]"};
    store_model model = {.hash = nothing,
                         .path = NULL,
                         .format = "none: vectors as given",
                         .input_shape = "[]",
                         .layer = &layer,
                         .n_layers = 1};
    TRY(store_model_find(w->s, &model_id, w->run_id, &model));
    store_dataset data = {.fingerprint = print,
                          .options = "{}",
                          .path = e->in,
                          .format = "vectors",
                          .n = e->n,
                          .channels = 1,
                          .h = 1,
                          .w = e->D};
    TRY(store_dataset_find(w->s, &dataset_id, w->run_id, &data));
    TRY(put_samples(w, dataset_id));
    store_extraction x = {.model_id = model_id,
                          .dataset_id = dataset_id,
                          .layer = "vectors",
                          .options = "{\"pool\":\"none\"}",
                          .dim = e->D};
    TRY(store_extraction_find(w->s, &w->extraction_id, &complete, w->run_id, &x));
    for (size_t i = 0; i < e->n && !complete; i++)
        TRY(store_feature_put(w->s, w->extraction_id, w->sample_id[i], e->X + i * e->D, e->D));
    TRY(store_complete(w->s, STORE_EXTRACTION, w->extraction_id));
    TRY(store_link(w->s, w->run_id, STORE_EXTRACTION, "vectors", w->extraction_id));
done:
    free(shape);
    return status;
}

/* The layer that the vectors were read from. */
static limn_status find_layer(writer *w) {
    limn_status status = LIMN_OK;
    char *file = NULL;
    const char *name;
    query_vectors v;
    TRY(split(&file, &name, w->e->in));
    TRY(query_layer(w->s, &v, name ? name : w->e->layer));
    if (v.n != w->e->n || v.dim != w->e->D)
        FAIL(LIMN_EFAIL, "%s: the layer is another one than when it was read", w->file);
    w->extraction_id = v.id;
    TRY(store_sample_ids(w->s, v.dataset_id, w->sample_id, v.n));
done:
    free(file);
    return status;
}

/* A map's identity as `limn run` writes it, and the start's hash where one was given. */
static limn_status options_json(char **out, const embed_stored *e) {
    limn_status status = LIMN_OK;
    experiment_embed entry = {.options = *e->o, .preset = e->preset};
    char *json = NULL;
    if (e->start) entry.options.init = LIMN_INIT_PCA; /* without a meaning then: the start says where */
    TRY(experiment_embed_json(&json, &entry));
    if (e->start) TRY(run_options_with(out, json, "start", e->start, e->n * (size_t)e->o->dims));
    if (!e->start) {
        *out = json;
        json = NULL;
    }
done:
    free(json);
    return status;
}

static limn_status put_map(writer *w, const char *options, size_t i) {
    limn_status status = LIMN_OK;
    const embed_stored *e = w->e;
    const limn_embedding *map = e->map[i];
    limn_quality q[QUALITY_ROOM];
    size_t n_q = 0;
    char *name = NULL;
    store_embedding row = {.extraction_id = w->extraction_id,
                           .method = e->o->method == LIMN_EMBED_PCA ? "pca" : "tsne",
                           .options = options,
                           .seed = e->seed[i],
                           .dims = map->dims};
    if (i == 0)
        TRY(limn_strdup(&name, w->name));
    else
        TRY(limn_format(&name, "%s.%llu", w->name, (unsigned long long)e->seed[i]));
    TRY(store_embedding_find(w->s, &w->embedding_id[i], &w->had[i], w->run_id, &row));
    TRY(store_link(w->s, w->run_id, STORE_EMBEDDING, name, w->embedding_id[i]));
    if (w->had[i]) goto done;
    TRY(limn_embed_quality(q, QUALITY_ROOM, &n_q, e->X, e->n, e->D, map->Y, map->dims, e->label, e->seed[i],
                           e->o->threads));
    TRY(run_embedding_put(w->s, w->embedding_id[i], w->sample_id, map, q, n_q));
done:
    free(name);
    return status;
}

static limn_status put_comparisons(writer *w) {
    limn_status status = LIMN_OK;
    const embed_stored *e = w->e;
    size_t pair = 0;
    for (size_t b = 0; e->agree && b < e->maps; b++)
        for (size_t a = 0; a < b; a++, pair++) {
            const limn_map_agreement *g = &e->agree[pair];
            int have;
            TRY(store_comparison_have(w->s, &have, w->embedding_id[a], w->embedding_id[b]));
            if (have) continue;
            store_comparison row = {.k = g->k,
                                    .overlap = g->overlap,
                                    .procrustes = g->procrustes,
                                    .distances = g->distances,
                                    .points = g->points,
                                    .sample_id = w->sample_id,
                                    .share = e->share + pair * e->n,
                                    .n = e->n};
            TRY(store_comparison_put(w->s, w->run_id, w->embedding_id[a], w->embedding_id[b], &row));
        }
done:
    return status;
}

static limn_status begin_run(writer *w, const char *options) {
    limn_status status = LIMN_OK;
    char *libraries = NULL;
    TRY(versions_json(&libraries));
    store_run row = {
        .experiment = "limn embed", .config = "", .options = options, .version = LIMN_VERSION, .libraries = libraries};
    TRY(store_run_begin(w->s, &w->run_id, &row));
done:
    free(libraries);
    return status;
}

limn_status embed_store_write(const embed_stored *e, const limn_voice *v) {
    limn_status status = LIMN_OK;
    writer w = {.e = e};
    char *options = NULL, digest[65];
    size_t had = 0;
    TRY(split(&w.file, &w.name, e->out));
    if (!w.name) w.name = "map";
    TRY(limn_new(&w.sample_id, e->n, sizeof *w.sample_id));
    TRY(limn_new(&w.embedding_id, e->maps, sizeof *w.embedding_id));
    TRY(limn_new(&w.had, e->maps, sizeof *w.had));
    TRY(options_json(&options, e));
    TRY(store_open(&w.s, w.file));
    TRY(store_begin(w.s));
    TRY(begin_run(&w, options));
    TRY(embed_store_named(e->in) ? find_layer(&w) : put_vectors(&w));
    for (size_t i = 0; i < e->maps; i++) {
        TRY(put_map(&w, options, i));
        had += w.had[i] != 0;
    }
    TRY(put_comparisons(&w));
    TRY(store_commit(w.s));
    TRY(store_digest(w.s, digest, NULL, NULL));
    TRY(store_run_end(w.s, w.run_id, "finished", NULL, digest));
    TRY(store_finish(w.s, NULL));
    if (had > 0) text_note(v, "%s: %zu of %zu maps %s there already", w.file, had, e->maps, had > 1 ? "were" : "was");
done:
    if (status != LIMN_OK && w.s) store_rollback(w.s);
    store_close(w.s);
    free(w.file);
    free(w.sample_id);
    free(w.embedding_id);
    free(w.had);
    free(options);
    return status;
}
