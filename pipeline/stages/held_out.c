/* The stages of held-out samples: a second data set goes through the same network, and into the finished t-SNE maps.
 *
 * 1. `held-out samples`, `held-out predict`: as the stages of the data itself, on a copy of the run's state that looks at
 *    the other data set. They come before those, which leave their own data set as the run's.
 * 2. `held-out ENTRY`: the vectors are put into each t-SNE map by openTSNE's rule (embed/transform.c), and stored as an
 *    embedding of method 'transform' that knows the map it went into. Its options hold the SHA-256 of that map. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "stages/run.h"

enum { QUALITY_ROOM = 32 };

struct run_held {
    limn_run_state state; /* its data set, samples and features; all else is the run's */
    limn_experiment exp;  /* the run's, with the held-out samples as its data */
};

/* ---- opening and checks ------------------------------------------------------------------------------------------ */

static limn_status check_shape(const limn_run_state *r, const limn_dataset *data) {
    size_t C, H, W, c, h, w;
    limn_dataset_shape(r->data, &C, &H, &W);
    limn_dataset_shape(data, &c, &h, &w);
    if (C == c && H == h && W == w) return LIMN_OK;
    return limn_fail(LIMN_EINPUT,
                     "%s: the held-out pictures are %zu x %zu with %zu channels, the others %zu x %zu with %zu",
                     r->exp->held_out.images[0], h, w, c, H, W, C);
}

/* New points are sought by Euclidean distance, and need more neighbours than a tiny map has. */
static limn_status check_maps(const limn_run_state *r) {
    limn_transform_options t;
    limn_transform_defaults(&t);
    for (size_t i = 0; i < r->exp->n_embeds; i++) {
        const experiment_embed *e = &r->exp->embed[i];
        if (e->options.method != LIMN_EMBED_TSNE) continue;
        if (e->options.metric != LIMN_METRIC_EUCLIDEAN)
            return run_at(
                r, e->line,
                limn_fail(LIMN_EINPUT, "held-out samples go into maps of metric euclidean only, not `%s`", e->name));
        if (!(t.perplexity < (double)r->n))
            return run_at(r, e->line, limn_fail(LIMN_EINPUT, "%zu samples are too few for held-out ones", r->n));
    }
    return LIMN_OK;
}

limn_status held_out_open(limn_run_state *r) {
    limn_status status = LIMN_OK;
    if (r->exp->held_out.n_images == 0) return LIMN_OK;
    TRY(limn_new(&r->held, 1, sizeof *r->held));
    limn_run_state *h = &r->held->state;
    *h = *r;
    h->exp = &r->held->exp;
    *h->exp = *r->exp;
    h->exp->data = r->exp->held_out;
    h->exp->data.threads = r->o.threads;
    h->exp->data.channels = r->exp->data.channels;
    h->exp->data.height = r->exp->data.height;
    h->exp->data.width = r->exp->data.width;
    h->prefix = "held-out ";
    h->held = NULL;
    h->data = NULL;
    h->feature = NULL;
    h->sample_id = NULL;
    TRY(limn_dataset_open(&h->data, &h->exp->data));
    TRY(check_shape(r, h->data));
    TRY(check_maps(r));
    h->n = limn_dataset_count(h->data);
    h->classes = limn_dataset_classes(h->data);
    h->chunks = (h->n + h->B - 1) / h->B;
    TRY(limn_new(&h->feature, r->exp->n_features, sizeof *h->feature));
    memcpy(h->feature, r->feature, r->exp->n_features * sizeof *h->feature);
done:
    return status;
}

void held_out_close(limn_run_state *r) {
    if (!r->held) return;
    limn_run_state *h = &r->held->state;
    limn_dataset_free(h->data);
    for (size_t f = 0; h->feature && f < r->exp->n_features; f++) free(h->feature[f].have);
    free(h->feature);
    free(h->sample_id);
    free(r->held);
    r->held = NULL;
}

const char *held_out_fingerprint(const limn_run_state *r) {
    return r->held ? limn_dataset_fingerprint(r->held->state.data) : NULL;
}

/* ---- the data set ------------------------------------------------------------------------------------------------ */

limn_status stage_held_out(limn_run_state *r) {
    limn_status status = LIMN_OK;
    if (!r->held) return LIMN_OK;
    limn_run_state *h = &r->held->state;
    h->store = r->store;
    h->run_id = r->run_id;
    h->voice = r->voice;
    TRY(stage_samples(h));
    TRY(stage_predict(h));
done:
    if (status != LIMN_OK) { /* the run marks the stage that failed */
        memcpy(r->stage, h->stage, sizeof r->stage);
        r->stage_start = h->stage_start;
        r->stage_done = h->stage_done;
        r->stage_total = h->stage_total;
    }
    return status;
}

/* ---- into the maps ----------------------------------------------------------------------------------------------- */

typedef struct {
    limn_run_state *r;
    limn_status status;
} place_voice;

static int on_progress(void *ctx, const limn_progress *p) {
    place_voice *v = ctx;
    v->r->stage_total = p->total;
    v->status = run_progress(v->r, p->done, p->value);
    return v->status != LIMN_OK;
}

static limn_status options_json(char **out, const limn_transform_options *t, const float *Y, size_t floats) {
    limn_status status = LIMN_OK;
    char *own = NULL;
    TRY(limn_format(&own,
                    "{\"perplexity\":%.17g,\"exaggeration\":%.17g,\"iterations\":%d,\"rate\":%.17g,\"momentum\":%.17g,"
                    "\"longest\":%.17g,\"alpha\":%.17g,\"pca\":%d}",
                    t->perplexity, t->exaggeration, t->iterations, t->rate, t->momentum, t->longest, t->alpha, t->pca));
    TRY(run_options_with(out, own, "map", Y, floats));
done:
    free(own);
    return status;
}

static limn_status find_row(limn_run_state *r, const experiment_embed *e, int64_t extraction_id, int64_t into,
                            const char *options, int64_t *id, int *complete) {
    limn_status status = LIMN_OK;
    char *name = NULL;
    store_embedding row = {.extraction_id = extraction_id,
                           .method = "transform",
                           .options = options,
                           .seed = e->options.seed,
                           .dims = e->options.dims,
                           .into_embedding_id = into};
    TRY(limn_format(&name, "%s.held-out", e->name));
    TRY(store_begin(r->store));
    TRY(store_embedding_find(r->store, id, complete, r->run_id, &row));
    TRY(store_link(r->store, r->run_id, STORE_EMBEDDING, name, *id));
    TRY(store_commit(r->store));
done:
    if (status != LIMN_OK) store_rollback(r->store);
    free(name);
    return status;
}

typedef struct {
    float *X, *Z, *Y, *out; /* (n, D), (m, D), (n, dims), (m, dims) */
    int *label;             /* (m) */
} place_rooms;

/* The placed points and their figures into the store. */
static limn_status put_points(limn_run_state *r, const place_rooms *p, int64_t id, const experiment_embed *e, size_t D,
                              const limn_transform_options *t) {
    limn_status status = LIMN_OK;
    limn_run_state *h = &r->held->state;
    limn_quality q[QUALITY_ROOM];
    size_t n_q = 0;
    limn_embedding map = {
        .n = h->n, .dims = e->options.dims, .Y = p->out, .kl = NAN, .iterations = t->iterations, .seconds = NAN};
    for (size_t i = 0; i < h->n; i++) p->label[i] = limn_dataset_label(h->data, i);
    TRY(limn_embed_quality(q, QUALITY_ROOM, &n_q, p->Z, h->n, D, p->out, map.dims, p->label, e->options.seed,
                           r->threads));
    TRY(run_embedding_put(r->store, id, h->sample_id, &map, q, n_q));
done:
    return status;
}

static limn_status place(limn_run_state *r, const char *name, size_t i, size_t f) {
    limn_status status = LIMN_OK;
    limn_run_state *h = &r->held->state;
    const experiment_embed *e = &r->exp->embed[i];
    size_t D = r->feature[f].dim, dims = (size_t)e->options.dims;
    place_rooms p = {0};
    place_voice v = {.r = r};
    limn_transform_options t;
    char *options = NULL;
    int64_t id;
    int complete;
    limn_transform_defaults(&t);
    t.alpha = e->options.alpha;
    t.pca = e->options.pca;
    t.threads = r->threads;
    TRY(limn_new(&p.Y, r->n, dims * sizeof *p.Y));
    TRY(store_points_read(r->store, r->embedding_id[i], p.Y, r->n, e->options.dims));
    TRY(options_json(&options, &t, p.Y, r->n * dims));
    TRY(find_row(r, e, h->feature[f].id, r->embedding_id[i], options, &id, &complete));
    TRY(run_stage_begin(r, name, (size_t)t.iterations));
    if (!complete) {
        TRY(limn_new(&p.X, r->n, D * sizeof *p.X));
        TRY(limn_new(&p.Z, h->n, D * sizeof *p.Z));
        TRY(limn_new(&p.out, h->n, dims * sizeof *p.out));
        TRY(limn_new(&p.label, h->n, sizeof *p.label));
        TRY(store_features_read(r->store, r->feature[f].id, p.X, r->n, D));
        TRY(store_features_read(r->store, h->feature[f].id, p.Z, h->n, D));
        status = limn_transform(p.out, p.Z, h->n, p.X, r->n, D, p.Y, e->options.dims, &t, on_progress, &v);
        if (status == LIMN_EINTERRUPTED && v.status != LIMN_OK) status = v.status;
        TRY(status);
        TRY(put_points(r, &p, id, e, D, &t));
    }
    TRY(run_stage_end(r, complete ? "reused" : "finished"));
done:
    free(p.X);
    free(p.Z);
    free(p.Y);
    free(p.out);
    free(p.label);
    free(options);
    return status;
}

limn_status stage_place(limn_run_state *r) {
    limn_status status = LIMN_OK;
    char name[80]; /* an entry's has 64 */
    for (size_t i = 0; r->held && i < r->exp->n_embeds; i++) {
        const experiment_embed *e = &r->exp->embed[i];
        size_t f = 0;
        if (e->options.method != LIMN_EMBED_TSNE) continue;
        while (strcmp(r->exp->feature[f], e->of) != 0) f++;
        snprintf(name, sizeof name, "held-out %s", e->name);
        TRY(place(r, name, i, f));
    }
done:
    return status;
}
