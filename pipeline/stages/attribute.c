/* The stage `attribute`: maps of every attribute entry, one forward pass a chunk for all of them.
 *
 * An item of work is a chunk and a group of targets: where a sample has many targets (`all`, of a thousand classes),
 * the group bounds the memory; the transaction still closes with the chunk's last group, so that a sample has all its
 * maps or none. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diff_memo.h"

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/try.h"
#include "stages/run.h"

enum { GROUP_BYTES = 32 << 20 }; /* maps of one entry that an item may hold */

typedef struct {
    float **map;      /* (n_attributes) (group, B, size) */
    int **target;     /* (n_attributes) (group, B) */
    float **residual; /* (n_attributes) (group, B), where the method has one */
} slot;

#define WIDE 0.05                                 /* a completeness gap, or relevance lost, that is worth a word */
enum { MEMO_ENTRIES = 4, MEMO_BYTES = 16 << 20 }; /* gradients that flavours of one method share */

typedef struct {
    limn_session *session;
    limn_diff_memo *memo;
    const limn_diff *diff; /* the session's, through the memo */
    const float *x;        /* (B, input): the chunk at hand, borrowed */
    float *scores, *seed, *scratch;
    uint64_t *key; /* (B) */
} worker_room;

typedef struct {
    limn_run_state *r;
    size_t *pending, n_pending, done;
    size_t groups;           /* items a chunk */
    size_t *group;           /* (n_attributes) targets an item */
    size_t *zeros, *written; /* (n_attributes) maps that are zero everywhere; maps */
    int64_t *measurement;    /* (n_attributes) where the method's residuals go */
    size_t *wide;            /* (n_attributes) maps whose residual is above WIDE */
    int slots, workers;
    run_reading reading;
    slot *slot;
    worker_room *room;
    float *background; /* (n_background, input): samples of the data set, for methods that ask for some */
    size_t n_background;
} attribute;

/* Whether each map comes with a figure of the method's own: a completeness gap, relevance that was lost. */
static int has_residual(const run_attribute *a) {
    return a->method->residual && a->options.noise.kind == LIMN_NOISE_NONE;
}

static int missing(const void *ctx, size_t i) {
    const attribute *p = ctx;
    for (size_t a = 0; a < p->r->exp->n_attributes; a++)
        if (!p->r->attribute[a].have[i]) return 1;
    return 0;
}

static int chunk_lacks(const limn_run_state *r, const run_attribute *a, size_t c) {
    for (size_t i = c * r->B; i < c * r->B + run_chunk_rows(r, c); i++)
        if (!a->have[i]) return 1;
    return 0;
}

/* Maps of one entry for the targets [first, first + group) of a chunk, whose forward pass the session holds. */
static limn_status explain(attribute *p, const run_attribute *a, size_t index, size_t chunk, size_t first, slot *s,
                           worker_room *w) {
    limn_status status = LIMN_OK;
    limn_run_state *r = p->r;
    size_t K = a->outputs, rows = run_chunk_rows(r, chunk), n = p->group[index];
    if (first >= a->targets) return LIMN_OK;
    if (n > a->targets - first) n = a->targets - first;
    TRY(w->diff->value(w->diff->ctx, a->options.output.index, w->scores));
    memset(w->seed, 0, n * r->B * K * sizeof(float));
    for (size_t g = 0; g < n; g++) {
        int *target = s->target[index] + g * r->B;
        float *seed = w->seed + g * r->B * K;
        for (size_t b = 0; b < rows; b++) {
            const float *values = w->scores + b * K;
            target[b] = run_target(r, a, first + g, chunk * r->B + b, values);
            if (target[b] >= 0) run_target_seed(a, target[b], run_target_contrast(a), values, seed + b * K);
        }
    }
    limn_attribute_job job = {.diff = w->diff,
                              .x = w->x,
                              .n_seeds = n,
                              .seed = w->seed,
                              .random = r->exp->seed,
                              .key = w->key,
                              .background = p->background,
                              .n_background = p->n_background,
                              .scratch = w->scratch,
                              .map = s->map[index],
                              .residual = s->residual[index]};
    TRY(limn_attribute_run(a->method, &a->options, &job));
done:
    return status;
}

/* One item: first the entries that leave the forward pass as it is, which all share it; then the others, which put
 * other inputs through the network, each after a pass of its own. */
static limn_status produce(void *ctx, size_t item, int slot_no, int worker) {
    limn_status status = LIMN_OK;
    attribute *p = ctx;
    limn_run_state *r = p->r;
    worker_room *w = &p->room[worker];
    const limn_diff *d = w->diff;
    size_t chunk = p->pending[item / p->groups], group = item % p->groups;
    int stale = 1;
    TRY(limn_ahead_take(p->reading.ahead, item / p->groups, &w->x));
    for (size_t b = 0; b < r->B; b++) w->key[b] = chunk * r->B + b;
    for (int forwards = 0; forwards < 2; forwards++)
        for (size_t a = 0; a < r->exp->n_attributes; a++) {
            const run_attribute *e = &r->attribute[a];
            if (limn_attribute_forwards(e->method, &e->options) != forwards || !chunk_lacks(r, e, chunk)) continue;
            if (stale) TRY(d->forward(d->ctx, w->x));
            TRY(explain(p, e, a, chunk, group * p->group[a], &p->slot[slot_no], w));
            stale = forwards;
        }
done:
    if (w->x) limn_ahead_give(p->reading.ahead, item / p->groups);
    return status;
}

/* Writes the maps of one entry: the same targets that explain() made. */
static limn_status write_maps(attribute *p, size_t index, size_t chunk, size_t first, const slot *s) {
    limn_status status = LIMN_OK;
    limn_run_state *r = p->r;
    const run_attribute *a = &r->attribute[index];
    int contrast = run_target_contrast(a);
    for (size_t b = 0; b < run_chunk_rows(r, chunk); b++) {
        size_t i = chunk * r->B + b;
        if (a->have[i]) continue;
        for (size_t g = 0; g < p->group[index] && first + g < a->targets; g++) {
            const float *map = s->map[index] + (g * r->B + b) * a->size;
            int target = s->target[index][g * r->B + b];
            if (target < 0) continue;
            for (size_t k = 0; k < a->size; k++)
                if (!isfinite(map[k])) FAIL(LIMN_EFAIL, "sample %zu: the map of `%s` is not finite", i, a->entry->name);
            TRY(store_map_put(r->store, a->id, r->sample_id[i], target, contrast, map, a->size));
            if (s->residual[index]) {
                const double residual = s->residual[index][g * r->B + b];
                TRY(store_measure_put(r->store, p->measurement[index], store_last_map(r->store), 0, a->method->residual,
                                      residual));
                p->wide[index] += residual > WIDE && strcmp(a->method->residual, "completeness_gap") == 0;
            }
            p->zeros[index] += limn_attribute_zeros(map, 1, a->size);
            p->written[index]++;
        }
    }
done:
    return status;
}

static limn_status consume(void *ctx, size_t item, int slot_no) {
    limn_status status = LIMN_OK;
    attribute *p = ctx;
    limn_run_state *r = p->r;
    size_t chunk = p->pending[item / p->groups], group = item % p->groups;
    if (group == 0) TRY(store_begin(r->store));
    for (size_t a = 0; a < r->exp->n_attributes; a++)
        if (chunk_lacks(r, &r->attribute[a], chunk))
            TRY(write_maps(p, a, chunk, group * p->group[a], &p->slot[slot_no]));
    if (group + 1 == p->groups) {
        TRY(store_commit(r->store));
        p->done += run_chunk_rows(r, chunk);
        TRY(run_progress(r, p->done, NAN));
    }
done:
    if (status != LIMN_OK) store_rollback(r->store);
    return status;
}

static limn_status rooms(attribute *p) {
    limn_status status = LIMN_OK;
    limn_run_state *r = p->r;
    unsigned char *asks = NULL;
    const limn_diff *d = limn_session_diff(r->probe);
    size_t n = r->exp->n_attributes, most_outputs = 1, most_seeds = 1, most_scratch = 1;
    for (size_t a = 0; a < n; a++) {
        const run_attribute *e = &r->attribute[a];
        if (e->outputs > most_outputs) most_outputs = e->outputs;
        if (e->outputs * p->group[a] > most_seeds) most_seeds = e->outputs * p->group[a];
        size_t scratch = limn_attribute_scratch(e->method, d, &e->options, p->group[a]);
        if (scratch > most_scratch) most_scratch = scratch;
    }
    TRY(run_method_asks(r, &asks));
    TRY(limn_new(&p->slot, (size_t)p->slots, sizeof *p->slot));
    TRY(limn_new(&p->room, (size_t)p->workers, sizeof *p->room));
    for (int i = 0; i < p->slots; i++) {
        slot *s = &p->slot[i];
        TRY(limn_new(&s->map, n, sizeof *s->map));
        TRY(limn_new(&s->target, n, sizeof *s->target));
        TRY(limn_new(&s->residual, n, sizeof *s->residual));
        for (size_t a = 0; a < n; a++) {
            TRY(limn_new(&s->map[a], p->group[a] * r->B * r->attribute[a].size, sizeof(float)));
            TRY(limn_new(&s->target[a], p->group[a] * r->B, sizeof(int)));
            if (has_residual(&r->attribute[a])) TRY(limn_new(&s->residual[a], p->group[a] * r->B, sizeof(float)));
        }
    }
    for (int w = 0; w < p->workers; w++) {
        worker_room *m = &p->room[w];
        TRY(limn_session_new_for(&m->session, r->net, asks));
        TRY(limn_diff_memo_new(&m->memo, limn_session_diff(m->session), MEMO_ENTRIES, MEMO_BYTES));
        m->diff = limn_diff_memo_diff(m->memo);
        TRY(limn_new(&m->scores, r->B * most_outputs, sizeof(float)));
        TRY(limn_new(&m->seed, r->B * most_seeds, sizeof(float)));
        TRY(limn_new(&m->key, r->B, sizeof *m->key));
        TRY(limn_new(&m->scratch, most_scratch, sizeof(float)));
    }
done:
    free(asks);
    return status;
}

/* The background: as many samples as the method with most asks for, drawn by the experiment's seed. A method that asks
 * for fewer takes the first of them. */
static limn_status draw_background(attribute *p) {
    limn_status status = LIMN_OK;
    limn_run_state *r = p->r;
    size_t want = 0, size = limn_shape_size(&limn_session_diff(r->probe)->input), *index = NULL;
    limn_rng rng = limn_rng_stream(r->exp->seed, LIMN_RNG_BACKGROUND, 0);
    for (size_t a = 0; a < r->exp->n_attributes; a++) {
        const run_attribute *e = &r->attribute[a];
        size_t n = e->method->background ? e->method->background(&e->options) : 0;
        if (n > want) want = n;
    }
    if (want == 0) return LIMN_OK;
    TRY(limn_new(&index, r->n, sizeof *index));
    for (size_t i = 0; i < r->n; i++) index[i] = i;
    limn_rng_shuffle(&rng, index, r->n);
    p->n_background = want < r->n ? want : r->n;
    TRY(limn_new(&p->background, p->n_background * size, sizeof *p->background));
    for (size_t i = 0; i < p->n_background; i++)
        TRY(limn_dataset_batch(r->data, index[i], 1, p->background + i * size));
done:
    free(index);
    return status;
}

static void clear(attribute *p) {
    limn_ahead_close(p->reading.ahead);
    free(p->background);
    size_t n = p->r->exp->n_attributes;
    for (int i = 0; p->slot && i < p->slots; i++) {
        for (size_t a = 0; a < n; a++) {
            if (p->slot[i].map) free(p->slot[i].map[a]);
            if (p->slot[i].target) free(p->slot[i].target[a]);
            if (p->slot[i].residual) free(p->slot[i].residual[a]);
        }
        free(p->slot[i].map);
        free(p->slot[i].target);
        free(p->slot[i].residual);
    }
    for (int w = 0; p->room && w < p->workers; w++) {
        limn_diff_memo_free(p->room[w].memo);
        limn_session_free(p->room[w].session);
        free(p->room[w].scores);
        free(p->room[w].seed);
        free(p->room[w].scratch);
        free(p->room[w].key);
    }
    free(p->slot);
    free(p->room);
    free(p->group);
    free(p->zeros);
    free(p->measurement);
    free(p->wide);
    free(p->written);
    free(p->pending);
}

static limn_status attribution_row(limn_run_state *r, run_attribute *a) {
    limn_status status = LIMN_OK;
    char *options = NULL, *targets = NULL;
    TRY(limn_attribute_json(&options, a->method, &a->options));
    TRY(experiment_target_text(&targets, &a->entry->target));
    store_attribution row = {.model_id = r->model_id,
                             .dataset_id = r->dataset_id,
                             .method = a->method->name,
                             .flavour = a->method->flavour,
                             .layer = a->options.layer.index >= 0 ? r->graph->layer[a->options.layer.index].name : NULL,
                             .output = r->graph->layer[a->options.output.index].name,
                             .targets = targets,
                             .options = options,
                             .channels = a->shape.dim[0],
                             .h = a->shape.dim[1],
                             .w = a->shape.dim[2]};
    TRY(store_attribution_find(r->store, &a->id, &a->complete, r->run_id, &row));
    TRY(store_link(r->store, r->run_id, STORE_ATTRIBUTION, a->entry->name, a->id));
    TRY(limn_new(&a->have, r->n, 1));
    TRY(store_have(r->store, STORE_MAPS, a->id, r->dataset_id, a->have, r->n, NULL));
    for (size_t i = 0; i < r->n; i++) /* target: label leaves samples without a label out; pairs name some alone */
        a->have[i] |= a->complete || (a->pairs.first && a->pairs.first[i] == a->pairs.first[i + 1]);
done:
    free(options);
    free(targets);
    return status;
}

static limn_status plan(attribute *p) {
    limn_status status = LIMN_OK;
    limn_run_state *r = p->r;
    size_t n = r->exp->n_attributes;
    TRY(limn_new(&p->group, n, sizeof *p->group));
    TRY(limn_new(&p->zeros, n, sizeof *p->zeros));
    TRY(limn_new(&p->measurement, n, sizeof *p->measurement));
    TRY(limn_new(&p->wide, n, sizeof *p->wide));
    TRY(limn_new(&p->written, n, sizeof *p->written));
    for (size_t a = 0; a < n; a++) TRY(run_target_ask(r, &r->attribute[a], &r->exp->attribute[a].target));
    TRY(store_begin(r->store));
    for (size_t a = 0; a < n; a++) {
        TRY(attribution_row(r, &r->attribute[a]));
        if (has_residual(&r->attribute[a])) {
            int complete;
            const store_measurement row = {r->attribute[a].id, 0, r->attribute[a].method->residual, "{}"};
            TRY(store_measurement_find(r->store, &p->measurement[a], &complete, r->run_id, &row));
        }
        for (size_t b = 0; b < a; b++) /* two names of one result: the first writes it */
            if (r->attribute[b].id == r->attribute[a].id) memset(r->attribute[a].have, 1, r->n);
    }
    TRY(store_commit(r->store));
    p->groups = 1;
    for (size_t a = 0; a < n; a++) {
        const run_attribute *e = &r->attribute[a];
        size_t bytes = r->B * (e->size + e->outputs) * sizeof(float), fit = GROUP_BYTES / bytes;
        p->group[a] = fit < 1 ? 1 : fit > e->targets ? e->targets : fit;
        size_t groups = (e->targets + p->group[a] - 1) / p->group[a];
        if (groups > p->groups) p->groups = groups;
    }
    TRY(run_pending(r, &p->pending, &p->n_pending, missing, p));
done:
    if (status != LIMN_OK) store_rollback(r->store);
    return status;
}

static void warn(const attribute *p) {
    for (size_t a = 0; a < p->r->exp->n_attributes; a++) {
        const run_attribute *e = &p->r->attribute[a];
        if (p->zeros[a] > 0)
            text_note(&p->r->voice, "`%s`: %zu of %zu maps are zero everywhere", e->entry->name, p->zeros[a],
                      p->written[a]);
        if (p->wide[a] > 0)
            text_note(&p->r->voice,
                      "`%s`: the map's sum misses the score by more than %g %% in %zu of %zu maps (measure `%s`)",
                      e->entry->name, 100 * WIDE, p->wide[a], p->written[a], e->method->residual);
    }
}

limn_status stage_attribute(limn_run_state *r) {
    limn_status status = LIMN_OK;
    attribute p = {.r = r, .workers = limn_threads(r->threads)};
    if (r->exp->n_attributes == 0) return LIMN_OK;
    TRY(plan(&p));
    TRY(run_stage_begin(r, "attribute", r->n));
    p.done = r->n;
    for (size_t i = 0; i < p.n_pending; i++) p.done -= run_chunk_rows(r, p.pending[i]);
    if (p.n_pending > 0) {
        if ((size_t)p.workers > p.n_pending * p.groups) p.workers = (int)(p.n_pending * p.groups);
        p.slots = p.workers + 2;
        TRY(rooms(&p));
        TRY(draw_background(&p));
        TRY(run_read_ahead(&p.reading, r, p.pending, p.n_pending, p.groups, p.workers));
        TRY(limn_ordered(p.workers, p.slots, 0, p.n_pending * p.groups, produce, consume, &p));
        warn(&p);
    }
    for (size_t a = 0; a < r->exp->n_attributes; a++)
        if (!r->attribute[a].complete) {
            TRY(store_complete(r->store, STORE_ATTRIBUTION, r->attribute[a].id));
            if (p.measurement[a]) TRY(store_measurement_complete(r->store, p.measurement[a]));
        }
    TRY(run_stage_end(r, p.n_pending > 0 ? "finished" : "reused"));
done:
    clear(&p);
    return status;
}
