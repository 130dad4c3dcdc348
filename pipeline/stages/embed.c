/* The stage `embed`: each embed entry's vectors are read from the store, embedded, measured, and written whole. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
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

static limn_status write_embedding(limn_run_state *r, int64_t id, const experiment_embed *e, const limn_embedding *map,
                                   const limn_quality *q, size_t n_q) {
    limn_status status = LIMN_OK;
    store_trace *trace = NULL;
    store_quality quality[QUALITY_ROOM];
    TRY(limn_new(&trace, map->n_trace, sizeof *trace));
    for (size_t i = 0; i < map->n_trace; i++)
        trace[i] = (store_trace){.iteration = map->trace[i].iteration, .kl = map->trace[i].kl};
    for (size_t i = 0; i < n_q; i++)
        quality[i] = (store_quality){.metric = q[i].metric, .k = q[i].k, .value = q[i].value, .points = q[i].sample};
    store_map_of_points row = {.sample_id = r->sample_id,
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
    TRY(store_embedding_put(r->store, id, &row));
    if (map->warning[0]) text_note(&r->voice, "`%s`: %s", e->name, map->warning);
done:
    free(trace);
    return status;
}

static limn_status embed_one(limn_run_state *r, const experiment_embed *e, const run_feature *f, int64_t id) {
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
    TRY(write_embedding(r, id, e, map, q, n_q));
    unlink(checkpoint);
done:
    free(checkpoint);
    limn_embedding_free(map);
    free(label);
    free(X);
    return status;
}

static limn_status embedding_row(limn_run_state *r, const experiment_embed *e, const run_feature *f, int64_t *id,
                                 int *complete) {
    limn_status status = LIMN_OK;
    char *options = NULL;
    TRY(experiment_embed_json(&options, e));
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
    return status;
}

limn_status stage_embed(limn_run_state *r) {
    limn_status status = LIMN_OK;
    char *name = NULL;
    for (size_t i = 0; i < r->exp->n_embeds; i++) {
        const experiment_embed *e = &r->exp->embed[i];
        const run_feature *f = feature_of(r, e->of);
        int complete = 0;
        free(name);
        name = NULL;
        TRY(limn_format(&name, "embed %s", e->name));
        TRY(embedding_row(r, e, f, &r->embedding_id[i], &complete));
        TRY(run_stage_begin(r, name, e->options.method == LIMN_EMBED_TSNE ? (size_t)e->options.iterations : 1));
        if (!complete) TRY(embed_one(r, e, f, r->embedding_id[i]));
        TRY(run_progress(r, r->stage_total, NAN));
        TRY(run_stage_end(r, complete ? "reused" : "finished"));
    }
done:
    free(name);
    return status;
}
