/* The stage `compare`: how far the maps of the stage `embed` agree, pair by pair as the entries' `compare` says.
 *
 * A map's points are read from the store, and their neighbours found, when the first pair needs them. A pair is written in
 * one transaction; those that are there are left as they are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "quality/quality.h"
#include "stages/run.h"

typedef struct {
    float *Y;       /* (n, dims) */
    uint32_t *near; /* (n, k) */
} points;

typedef struct {
    size_t a, b; /* places in exp->embed, a < b */
} pair;

typedef struct {
    limn_run_state *r;
    points *map; /* (n_embeds) */
    pair *pair;
    size_t n_pairs, done, k;
    float *share; /* (n) */
    double sum, least;
    pair least_pair;
} compare;

static size_t place_of(const limn_run_state *r, const char *name) {
    size_t i = 0;
    while (strcmp(r->exp->embed[i].name, name) != 0) i++; /* experiment_load() saw to it that there is one */
    return i;
}

/* The pairs that are asked for; entries that came out as one and the same map are none. */
static limn_status list_pairs(compare *c) {
    limn_status status = LIMN_OK;
    const limn_experiment *e = c->r->exp;
    size_t asked = 0;
    for (size_t b = 0; b < e->n_embeds; b++) asked += e->embed[b].n_compare;
    TRY(limn_new(&c->pair, asked, sizeof *c->pair));
    for (size_t b = 0; b < e->n_embeds; b++)
        for (size_t i = 0; i < e->embed[b].n_compare; i++) {
            size_t a = place_of(c->r, e->embed[b].compare[i]);
            if (c->r->embedding_id[a] != c->r->embedding_id[b]) c->pair[c->n_pairs++] = (pair){a, b};
        }
done:
    return status;
}

static limn_status take_points(compare *c, size_t i) {
    limn_status status = LIMN_OK;
    limn_run_state *r = c->r;
    points *m = &c->map[i];
    int dims = r->exp->embed[i].options.dims;
    if (m->near) return LIMN_OK;
    TRY(limn_new(&m->Y, r->n, (size_t)dims * sizeof *m->Y));
    TRY(store_points_read(r->store, r->embedding_id[i], m->Y, r->n, dims));
    TRY(limn_new(&m->near, r->n, c->k * sizeof *m->near));
    TRY(quality_map_nearest(m->near, m->Y, r->n, dims, c->k, r->threads));
done:
    return status;
}

static limn_status compare_pair(compare *c, const pair *p) {
    limn_status status = LIMN_OK;
    limn_run_state *r = c->r;
    limn_map_agreement a;
    TRY(take_points(c, p->a));
    TRY(take_points(c, p->b));
    quality_view one = {c->map[p->a].Y, r->exp->embed[p->a].options.dims, c->map[p->a].near},
                 other = {c->map[p->b].Y, r->exp->embed[p->b].options.dims, c->map[p->b].near};
    /* not the maps' seeds: which pairs of points are looked at does not depend on who asks */
    TRY(quality_agree(&a, c->share, &one, &other, r->n, (int)c->k, 1));
    store_comparison row = {.k = a.k,
                            .overlap = a.overlap,
                            .procrustes = a.procrustes,
                            .distances = a.distances,
                            .points = a.points,
                            .sample_id = r->sample_id,
                            .share = c->share,
                            .n = r->n};
    TRY(store_comparison_put(r->store, r->run_id, r->embedding_id[p->a], r->embedding_id[p->b], &row));
    c->sum += a.overlap;
    if (c->done == 0 || a.overlap < c->least) {
        c->least = a.overlap;
        c->least_pair = *p;
    }
    c->done++;
done:
    return status;
}

static void say(const compare *c) {
    const experiment_embed *e = c->r->exp->embed;
    if (c->done == 1)
        text_note(&c->r->voice, "maps `%s` and `%s` share %.0f %% of a point's %zu neighbours", e[c->least_pair.a].name,
                  e[c->least_pair.b].name, 100 * c->sum, c->k);
    if (c->done > 1)
        text_note(&c->r->voice,
                  "%zu pairs of maps share %.0f %% of a point's %zu neighbours; `%s` and `%s` the least, %.0f %%",
                  c->done, 100 * c->sum / (double)c->done, c->k, e[c->least_pair.a].name, e[c->least_pair.b].name,
                  100 * c->least);
}

static limn_status compare_all(compare *c) {
    limn_status status = LIMN_OK;
    limn_run_state *r = c->r;
    TRY(limn_new(&c->share, r->n, sizeof *c->share));
    TRY(limn_new(&c->map, r->exp->n_embeds, sizeof *c->map));
    for (size_t i = 0; i < c->n_pairs; i++) {
        int have;
        TRY(store_comparison_have(r->store, &have, r->embedding_id[c->pair[i].a], r->embedding_id[c->pair[i].b]));
        if (!have) TRY(compare_pair(c, &c->pair[i]));
        TRY(run_progress(r, i + 1, NAN));
    }
done:
    return status;
}

limn_status stage_compare(limn_run_state *r) {
    limn_status status = LIMN_OK;
    compare c = {.r = r, .k = (size_t)quality_agree_k(r->n)};
    TRY(list_pairs(&c));
    if (c.n_pairs == 0) goto done;
    TRY(run_stage_begin(r, "compare", c.n_pairs));
    TRY(compare_all(&c));
    TRY(run_stage_end(r, c.done > 0 ? "finished" : "reused"));
    say(&c);
done:
    for (size_t i = 0; c.map && i < r->exp->n_embeds; i++) {
        free(c.map[i].Y);
        free(c.map[i].near);
    }
    free(c.map);
    free(c.pair);
    free(c.share);
    return status;
}
