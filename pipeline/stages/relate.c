/* The stage `relate`: how the attribution maps of each sample relate to its features, to its place on a map, or to the
 * maps of another method.
 *
 *   1. an entry of `relate` names maps and other vectors; each becomes a space when the first pair needs it: vectors are
 *      read, a map is averaged down to at most 32 x 32 places a channel, and neighbours and distances are found
 *   2. a pair is written in one transaction; those that are there are left as they are.
 * A sample with several maps counts by the one of its predicted class; one without has a map of zeros. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "db/queries.h"
#include "relate/relate.h"
#include "stages/run.h"

enum { SIDE = 32 };

/* One of the three kinds of vectors, by its place among the experiment's. */
typedef enum { FEATURES, POINTS, MAPS } kind;
typedef struct {
    kind kind;
    size_t at;
    limn_space *space; /* NULL: not needed yet */
} member;

typedef struct {
    limn_run_state *r;
    const experiment_relate *entry;
    limn_relate_options o;
    char *options;
    member *maps, *to;
    size_t n_maps, n_to;
    float *share; /* (n) */
    size_t done;
} relate;

/* ---- vectors ----------------------------------------------------------------------------------------------------- */

/* out (channels, h, w) = means of a (channels, H, W) over blocks. */
static void average(float *out, size_t h, size_t w, const float *a, size_t channels, size_t H, size_t W) {
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < h; i++)
            for (size_t j = 0; j < w; j++) {
                size_t y0 = i * H / h, y1 = (i + 1) * H / h, x0 = j * W / w, x1 = (j + 1) * W / w;
                double sum = 0;
                for (size_t y = y0; y < y1; y++)
                    for (size_t x = x0; x < x1; x++) sum += (double)a[(c * H + y) * W + x];
                out[(c * h + i) * w + j] = (float)(sum / (double)((y1 - y0) * (x1 - x0)));
            }
}

static limn_status read_maps(limn_run_state *r, size_t at, float **out, size_t *D) {
    limn_status status = LIMN_OK;
    query_attribution a = {0};
    float *map = NULL;
    size_t n = 0, missing = 0;
    int target;
    TRY(query_attribution_get(r->store, &a, r->attribute[at].id));
    size_t h = a.h > SIDE ? SIDE : a.h, w = a.w > SIDE ? SIDE : a.w;
    *D = a.channels * h * w;
    TRY(limn_new(out, r->n, *D * sizeof **out));
    for (size_t i = 0; i < r->n; i++) {
        free(map);
        map = NULL;
        TRY(query_map(r->store, &map, &n, &target, r->attribute[at].id, r->sample_id[i]));
        if (map)
            average(*out + i * *D, h, w, map, a.channels, a.h, a.w);
        else
            missing++;
    }
    if (missing > 0)
        text_note(&r->voice, "relate: %zu samples have no map of `%s`; theirs count as zeros", missing,
                  r->exp->attribute[at].name);
done:
    free(map);
    query_attribution_clear(&a);
    return status;
}

static limn_status read_features(limn_run_state *r, size_t at, float **out, size_t *D) {
    limn_status status = LIMN_OK;
    *D = r->feature[at].dim;
    TRY(limn_new(out, r->n, *D * sizeof **out));
    TRY(store_features_read(r->store, r->feature[at].id, *out, r->n, *D));
done:
    return status;
}

static limn_status read_points(limn_run_state *r, size_t at, float **out, size_t *D) {
    limn_status status = LIMN_OK;
    *D = (size_t)r->exp->embed[at].options.dims;
    TRY(limn_new(out, r->n, *D * sizeof **out));
    TRY(store_points_read(r->store, r->embedding_id[at], *out, r->n, (int)*D));
done:
    return status;
}

static limn_status take(relate *t, member *m) {
    static limn_status (*const read[])(limn_run_state *, size_t, float **, size_t *) = {
        [FEATURES] = read_features, [POINTS] = read_points, [MAPS] = read_maps};
    limn_status status = LIMN_OK;
    limn_relate_options o = t->o;
    float *x = NULL;
    size_t D;
    if (m->space) return LIMN_OK;
    o.unit = m->kind == MAPS && t->entry->directions;
    TRY(read[m->kind](t->r, m->at, &x, &D));
    TRY(limn_space_new(&m->space, x, t->r->n, D, &o));
done:
    free(x);
    return status;
}

/* ---- who with whom ----------------------------------------------------------------------------------------------- */

/* Where a name of `relate` is found; experiment_load() saw to it that there is one. */
static member find(const limn_experiment *e, const char *name) {
    for (size_t i = 0; i < e->n_features; i++)
        if (!strcmp(e->feature[i], name)) return (member){FEATURES, i, NULL};
    for (size_t i = 0; i < e->n_embeds; i++)
        if (!strcmp(e->embed[i].name, name)) return (member){POINTS, i, NULL};
    size_t i = 0;
    while (strcmp(e->attribute[i].name, name)) i++;
    return (member){MAPS, i, NULL};
}

static limn_status list(relate *t) {
    limn_status status = LIMN_OK;
    const limn_experiment *e = t->r->exp;
    const experiment_relate *x = t->entry;
    TRY(limn_new(&t->maps, x->n_maps ? x->n_maps : e->n_attributes, sizeof *t->maps));
    TRY(limn_new(&t->to, x->n_to ? x->n_to : e->n_features + e->n_embeds, sizeof *t->to));
    for (size_t i = 0; i < (x->n_maps ? x->n_maps : e->n_attributes); i++) {
        t->maps[t->n_maps] = (member){MAPS, i, NULL};
        for (size_t k = 0; x->n_maps && k < e->n_attributes; k++)
            if (!strcmp(e->attribute[k].name, x->maps[i])) t->maps[t->n_maps].at = k;
        t->n_maps++;
    }
    for (size_t i = 0; i < x->n_to; i++) t->to[t->n_to++] = find(e, x->to[i]);
    for (size_t i = 0; !x->n_to && i < e->n_features; i++) t->to[t->n_to++] = (member){FEATURES, i, NULL};
    for (size_t i = 0; !x->n_to && i < e->n_embeds; i++) t->to[t->n_to++] = (member){POINTS, i, NULL};
done:
    return status;
}

static store_relation row_of(const relate *t, const member *m, const member *to) {
    const limn_run_state *r = t->r;
    return (store_relation){.attribution_id = r->attribute[m->at].id,
                            .extraction_id = to->kind == FEATURES ? r->feature[to->at].id : 0,
                            .embedding_id = to->kind == POINTS ? r->embedding_id[to->at] : 0,
                            .other_attribution_id = to->kind == MAPS ? r->attribute[to->at].id : 0,
                            .options = t->options,
                            .sample_id = r->sample_id,
                            .share = t->share,
                            .n = r->n};
}

static const char *name_of(const limn_experiment *e, const member *m) {
    return m->kind == FEATURES ? e->feature[m->at]
           : m->kind == POINTS ? e->embed[m->at].name
                               : e->attribute[m->at].name;
}

static limn_status relate_pair(relate *t, member *m, member *to) {
    limn_status status = LIMN_OK;
    limn_run_state *r = t->r;
    limn_relation got;
    int have;
    store_relation row = row_of(t, m, to);
    if (row.attribution_id == row.other_attribution_id) return LIMN_OK; /* a method with itself */
    TRY(store_relation_have(r->store, &have, &row));
    if (have) goto done;
    TRY(take(t, m));
    TRY(take(t, to));
    TRY(limn_relate(&got, t->share, m->space, to->space));
    row.k = got.k;
    row.overlap = got.overlap;
    row.cka = got.cka;
    row.distance_correlation = got.distance_correlation;
    row.p = got.p;
    row.points = got.points;
    row.permutations = got.permutations;
    TRY(store_relation_put(r->store, r->run_id, &row));
    t->done++;
    text_note(&r->voice,
              "`%s` and `%s` share %.0f %% of a sample's %d neighbours (by chance %.1f %%); CKA %.2f, distance "
              "correlation %.2f, p %.3g",
              name_of(r->exp, m), name_of(r->exp, to), 100 * got.overlap, got.k, 100. * got.k / (double)(r->n - 1),
              got.cka, got.distance_correlation, got.p);
done:
    return status;
}

static limn_status relate_entry(limn_run_state *r, const experiment_relate *entry, size_t *pair, size_t *done) {
    limn_status status = LIMN_OK;
    relate t = {.r = r, .entry = entry};
    t.o = (limn_relate_options){.k = entry->neighbours < (int)r->n - 1 ? entry->neighbours : (int)r->n - 1,
                                .seed = r->exp->seed,
                                .threads = r->threads};
    TRY(limn_format(&t.options, "{\"neighbours\":%d,\"directions\":%s,\"seed\":%llu}", t.o.k,
                    entry->directions ? "true" : "false", (unsigned long long)t.o.seed));
    TRY(limn_new(&t.share, r->n, sizeof *t.share));
    TRY(list(&t));
    for (size_t i = 0; i < t.n_maps; i++) {
        for (size_t k = 0; k < t.n_to; k++) {
            TRY(relate_pair(&t, &t.maps[i], &t.to[k]));
            TRY(run_progress(r, ++*pair, NAN));
        }
        limn_space_free(t.maps[i].space);
        t.maps[i].space = NULL;
    }
    *done += t.done;
done:
    for (size_t i = 0; i < t.n_maps; i++) limn_space_free(t.maps[i].space);
    for (size_t i = 0; i < t.n_to; i++) limn_space_free(t.to[i].space);
    free(t.maps);
    free(t.to);
    free(t.share);
    free(t.options);
    return status;
}

static size_t pairs_of(const limn_experiment *e, const experiment_relate *x) {
    return (x->n_maps ? x->n_maps : e->n_attributes) * (x->n_to ? x->n_to : e->n_features + e->n_embeds);
}

limn_status stage_relate(limn_run_state *r) {
    limn_status status = LIMN_OK;
    size_t all = 0, pair = 0, done = 0;
    if (r->exp->n_relates == 0) return LIMN_OK;
    if (r->n < 4) FAIL(LIMN_EINPUT, "`relate` needs four samples at least, and not %zu", r->n);
    for (size_t i = 0; i < r->exp->n_relates; i++) all += pairs_of(r->exp, &r->exp->relate[i]);
    TRY(run_stage_begin(r, "relate", all));
    for (size_t i = 0; i < r->exp->n_relates; i++) TRY(relate_entry(r, &r->exp->relate[i], &pair, &done));
    TRY(run_stage_end(r, done > 0 ? "finished" : "reused"));
done:
    return status;
}
