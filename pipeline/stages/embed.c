/* The stage `embed`: each embed entry's vectors are read from the store, embedded, measured, and written whole. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/try.h"
#include "stages/run.h"

enum { NEIGHBOURS_STORED = 15, QUALITY_ROOM = 32 };

typedef struct {
    limn_run_state *r;
    limn_status status; /* LIMN_EINTERRUPTED where the user asked to stop */
} embed_voice;

static int on_progress(void *ctx, const limn_progress *p) {
    embed_voice *v = ctx;
    v->r->stage_total = p->total;
    v->status = run_progress(v->r, p->done, p->value);
    return v->status != LIMN_OK;
}

static const run_feature *feature_of(const limn_run_state *r, const char *name) {
    for (size_t f = 0; f < r->exp->n_features; f++)
        if (strcmp(r->exp->feature[f], name) == 0) return &r->feature[f];
    return NULL; /* experiment_load() saw to it that there is one */
}

limn_status run_embedding_put(limn_store *s, int64_t embedding_id, const int64_t *sample_id, const limn_embedding *map,
                              const limn_quality *q, size_t n_q) {
    limn_status status = LIMN_OK;
    store_trace *trace = NULL;
    store_quality *quality = NULL;
    TRY(limn_new(&trace, map->n_trace, sizeof *trace));
    TRY(limn_new(&quality, n_q, sizeof *quality));
    for (size_t i = 0; i < map->n_trace; i++)
        trace[i] = (store_trace){.iteration = map->trace[i].iteration, .kl = map->trace[i].kl};
    for (size_t i = 0; i < n_q; i++)
        quality[i] = (store_quality){.metric = q[i].metric, .k = q[i].k, .value = q[i].value, .points = q[i].sample};
    store_map_of_points row = {.sample_id = sample_id,
                               .Y = map->Y,
                               .n = map->n,
                               .dims = map->dims,
                               .kl = map->kl,
                               .iterations = map->iterations,
                               .seconds = map->seconds,
                               .warning = map->warning,
                               .trace = trace,
                               .n_trace = map->n_trace,
                               .quality = quality,
                               .n_quality = n_q,
                               .neighbour = map->neighbour,
                               .distance = map->distance,
                               .k = map->k,
                               .k_stored = map->k < NEIGHBOURS_STORED ? map->k : NEIGHBOURS_STORED};
    TRY(store_embedding_put(s, embedding_id, &row));
done:
    free(trace);
    free(quality);
    return status;
}

limn_status run_options_with(char **out, const char *json, const char *key, const float *Y, size_t floats) {
    limn_status status = LIMN_OK;
    limn_sha256 *md = NULL, *end;
    char hex[65];
    TRY(limn_sha256_new(&md));
    TRY(limn_sha256_add(md, Y, floats * sizeof *Y));
    end = md;
    md = NULL;
    TRY(limn_sha256_end(end, hex));
    TRY(limn_format(out, "%.*s,\"%s\":\"%s\"}", (int)strlen(json) - 1, json, key, hex));
done:
    limn_sha256_free(md);
    return status;
}

/* The map of the entry that e starts from; NULL where it names none. */
static limn_status read_start(limn_run_state *r, const experiment_embed *e, float **start) {
    limn_status status = LIMN_OK;
    size_t i = 0;
    if (!e->start) return LIMN_OK;
    while (strcmp(r->exp->embed[i].name, e->start) != 0) i++; /* experiment_load() saw to it that there is one */
    TRY(limn_new(start, r->n, (size_t)e->options.dims * sizeof **start));
    TRY(store_points_read(r->store, r->embedding_id[i], *start, r->n, e->options.dims));
done:
    return status;
}

static limn_status embed_one(limn_run_state *r, const experiment_embed *e, const run_feature *f, int64_t id,
                             const float *start) {
    limn_status status = LIMN_OK;
    float *X = NULL;
    int *label = NULL;
    limn_embedding *map = NULL;
    limn_quality q[QUALITY_ROOM];
    size_t n_q = 0;
    embed_voice v = {.r = r};
    limn_embed_options o = e->options;
    char *checkpoint = NULL;
    TRY(limn_format(&checkpoint, "%s-embedding-%lld", r->db, (long long)id));
    o.threads = r->threads;
    o.start = start;
    if (start) o.init = LIMN_INIT_GIVEN;
    if (o.method == LIMN_EMBED_TSNE)
        o.checkpoint = checkpoint; /* a run that was killed or interrupted goes on from there, with the same bits */
    if (r->o.fresh) unlink(checkpoint);
    TRY(limn_new(&X, r->n, f->dim * sizeof *X));
    TRY(limn_new(&label, r->n, sizeof *label));
    for (size_t i = 0; i < r->n; i++) label[i] = limn_dataset_label(r->data, i);
    TRY(store_features_read(r->store, f->id, X, r->n, f->dim));
    status = limn_embed(&map, X, r->n, f->dim, &o, on_progress, &v);
    if (status == LIMN_EINTERRUPTED && v.status != LIMN_OK) status = v.status;
    TRY(status);
    TRY(limn_embed_quality(q, QUALITY_ROOM, &n_q, X, r->n, f->dim, map->Y, map->dims, label, o.seed, r->threads));
    TRY(run_embedding_put(r->store, id, r->sample_id, map, q, n_q));
    if (map->warning[0]) text_note(&r->voice, "`%s`: %s", e->name, map->warning);
    unlink(checkpoint);
done:
    free(checkpoint);
    limn_embedding_free(map);
    free(label);
    free(X);
    return status;
}

static limn_status embedding_row(limn_run_state *r, const experiment_embed *e, const run_feature *f, const float *start,
                                 int64_t *id, int *complete) {
    limn_status status = LIMN_OK;
    char *options = NULL, *own = NULL;
    TRY(experiment_embed_json(&own, e));
    if (start) {
        TRY(run_options_with(&options, own, "start", start, r->n * (size_t)e->options.dims));
    } else {
        options = own;
        own = NULL;
    }
    store_embedding row = {.extraction_id = f->id,
                           .method = e->options.method == LIMN_EMBED_PCA ? "pca" : "tsne",
                           .options = options,
                           .seed = e->options.seed,
                           .dims = e->options.dims};
    TRY(store_begin(r->store));
    TRY(store_embedding_find(r->store, id, complete, r->run_id, &row));
    TRY(store_link(r->store, r->run_id, STORE_EMBEDDING, e->name, *id));
    TRY(store_commit(r->store));
done:
    if (status != LIMN_OK) store_rollback(r->store);
    free(options);
    free(own);
    return status;
}

limn_status stage_embed(limn_run_state *r) {
    limn_status status = LIMN_OK;
    char *name = NULL;
    float *start = NULL;
    for (size_t i = 0; i < r->exp->n_embeds; i++) {
        const experiment_embed *e = &r->exp->embed[i];
        const run_feature *f = feature_of(r, e->of);
        int complete = 0;
        free(name);
        free(start);
        name = NULL;
        start = NULL;
        TRY(limn_format(&name, "embed %s", e->name));
        TRY(read_start(r, e, &start));
        TRY(embedding_row(r, e, f, start, &r->embedding_id[i], &complete));
        TRY(run_stage_begin(r, name, e->options.method == LIMN_EMBED_TSNE ? (size_t)e->options.iterations : 1));
        if (!complete) TRY(embed_one(r, e, f, r->embedding_id[i], start));
        TRY(run_progress(r, r->stage_total, NAN));
        TRY(run_stage_end(r, complete ? "reused" : "finished"));
    }
done:
    free(name);
    free(start);
    return status;
}
