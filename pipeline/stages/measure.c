/* The stage `measure`: figures of the maps that the stage `attribute` stored, and of pairs of them.
 *
 * An entry of `measures` becomes one measurement for each attribution that it is of (a measure of two maps: for each
 * pair). Work goes by chunks of samples, as everywhere; a worker reads the chunk's maps through a second, read-only handle
 * of the store, under a lock, and the calling thread writes their figures, one transaction a chunk. Where a sample has
 * many maps they are taken in groups, so that memory does not grow with the targets. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "measures/measures.h"
#include "stages/run.h"

enum { GROUP = 8 }; /* maps of a sample at a time */

/* One measurement. */
typedef struct {
    const limn_method *measure;
    limn_attribute_options options;
    const run_attribute *of, *other; /* other NULL: of one map */
    int64_t id;
    int complete;
    unsigned char *have;   /* (n) */
    double sum, square;    /* over the figures that this run wrote */
    size_t count, missing; /* figures that are defined, that are not */
} measurement;

typedef struct {
    int64_t map_id, other_id;
    double value;
} figure;

/* What a worker found of one measurement in a chunk. */
typedef struct {
    figure *figure; /* (n) in the order of samples and targets */
    size_t n, room;
} found;

typedef struct {
    limn_session *session;
    const float *x; /* (B, input): the chunk at hand, borrowed */
    float *map, *other, *seed, *scores, *scratch, *value;
    uint64_t *key;
    store_map *maps, *others;  /* (B, GROUP) */
    size_t *have, *have_other; /* (B) */
} worker_room;

typedef struct {
    limn_run_state *r;
    measurement *all;
    size_t n, *pending, n_pending, done;
    limn_store *reader;
    pthread_mutex_t lock;
    int workers, slots;
    run_reading reading;
    found **slot;      /* (slots) (n) */
    worker_room *room; /* (workers) */
} measure;

/* ---- one measurement of one chunk -------------------------------------------------------------------------------- */

/* Maps number first … first + GROUP - 1 of every sample of the chunk: (GROUP, B, size), zeros where there is none. */
static limn_status read_maps(measure *p, const run_attribute *a, size_t chunk, size_t first, store_map *maps,
                             float *data, size_t *have) {
    limn_status status = LIMN_OK;
    const limn_run_state *r = p->r;
    memset(data, 0, GROUP * r->B * a->size * sizeof *data);
    pthread_mutex_lock(&p->lock);
    for (size_t b = 0; b < r->B; b++) {
        have[b] = 0;
        if (b < run_chunk_rows(r, chunk))
            TRY(store_maps_read(p->reader, maps + b * GROUP, data + b * a->size, r->B * a->size, &have[b], a->id,
                                r->sample_id[chunk * r->B + b], first, GROUP, a->size));
    }
done:
    pthread_mutex_unlock(&p->lock);
    return status;
}

static limn_status add_figure(found *f, int64_t map_id, int64_t other_id, double value) {
    limn_status status = LIMN_OK;
    TRY(limn_grow(&f->figure, f->n, &f->room, sizeof *f->figure));
    f->figure[f->n++] = (figure){map_id, other_id, value};
done:
    return status;
}

/* A measure of one map, for a group of them. */
static limn_status measure_group(measure *p, const measurement *m, worker_room *w, found *f) {
    limn_status status = LIMN_OK;
    const limn_run_state *r = p->r;
    const limn_diff *d = limn_session_diff(w->session);
    const size_t K = m->of->outputs;
    limn_attribute_job job = {.diff = d,
                              .x = w->x,
                              .n_seeds = GROUP,
                              .seed = w->seed,
                              .random = r->exp->seed,
                              .key = w->key,
                              .scratch = w->scratch,
                              .map = w->map,
                              .value = w->value,
                              .channels = m->of->shape.dim[0],
                              .of = m->of->method,
                              .of_options = &m->of->options};
    memset(w->seed, 0, GROUP * r->B * K * sizeof *w->seed);
    if (m->measure->forwards || run_target_looks(m->of)) TRY(d->forward(d->ctx, w->x));
    if (run_target_looks(m->of)) TRY(d->value(d->ctx, m->of->options.output.index, w->scores));
    for (size_t b = 0; b < r->B; b++)
        for (size_t g = 0; g < w->have[b]; g++) {
            const store_map *map = &w->maps[b * GROUP + g];
            run_target_seed(m->of, map->target, map->contrast, w->scores + b * K, w->seed + (g * r->B + b) * K);
        }
    size_t most = 1;
    for (size_t b = 0; b < r->B; b++) most = w->have[b] > most ? w->have[b] : most;
    job.n_seeds = most;
    TRY(limn_measure_run(m->measure, &m->options, &job));
    for (size_t b = 0; b < r->B; b++)
        for (size_t g = 0; g < w->have[b]; g++)
            TRY(add_figure(f, w->maps[b * GROUP + g].map_id, 0, w->value[g * r->B + b]));
done:
    return status;
}

/* out (n) = the map's channels summed. */
static void flatten(const float *map, size_t channels, size_t n, float *out) {
    memcpy(out, map, n * sizeof *out);
    for (size_t c = 1; c < channels; c++)
        for (size_t i = 0; i < n; i++) out[i] += map[c * n + i];
}

/* Every map of w->maps that has a partner of the same target among w->others. */
static limn_status agree_group(measure *p, const measurement *m, worker_room *w, found *f) {
    limn_status status = LIMN_OK;
    const size_t B = p->r->B, h = m->of->shape.dim[1], width = m->of->shape.dim[2], n = h * width;
    float *a = w->scratch, *c = a + n;
    for (size_t b = 0; b < B; b++)
        for (size_t g = 0; g < w->have[b]; g++)
            for (size_t o = 0; o < w->have_other[b]; o++) {
                const store_map *one = &w->maps[b * GROUP + g], *two = &w->others[b * GROUP + o];
                double value;
                if (one->target != two->target || one->contrast != two->contrast) continue;
                flatten(w->map + (g * B + b) * m->of->size, m->of->shape.dim[0], n, a);
                flatten(w->other + (o * B + b) * m->other->size, m->other->shape.dim[0], n, c);
                TRY(limn_agree(*(const limn_agreement *)m->measure->recipe, a, c, h, width,
                               m->options.number[MEASURE_SIZE], &value));
                TRY(add_figure(f, one->map_id, two->map_id, value));
            }
done:
    return status;
}

static int chunk_lacks(const limn_run_state *r, const measurement *m, size_t chunk) {
    for (size_t i = chunk * r->B; i < chunk * r->B + run_chunk_rows(r, chunk); i++)
        if (!m->have[i]) return 1;
    return 0;
}

static limn_status measure_chunk(measure *p, const measurement *m, size_t chunk, worker_room *w, found *f) {
    limn_status status = LIMN_OK;
    for (size_t first = 0; first < m->of->targets; first += GROUP) {
        TRY(read_maps(p, m->of, chunk, first, w->maps, w->map, w->have));
        if (!m->other) {
            TRY(measure_group(p, m, w, f));
            continue;
        }
        for (size_t other = 0; other < m->other->targets; other += GROUP) {
            TRY(read_maps(p, m->other, chunk, other, w->others, w->other, w->have_other));
            TRY(agree_group(p, m, w, f));
        }
    }
done:
    return status;
}

static limn_status produce(void *ctx, size_t item, int slot, int worker) {
    limn_status status = LIMN_OK;
    measure *p = ctx;
    limn_run_state *r = p->r;
    worker_room *w = &p->room[worker];
    size_t chunk = p->pending[item];
    TRY(limn_ahead_take(p->reading.ahead, item, &w->x));
    for (size_t b = 0; b < r->B; b++) w->key[b] = chunk * r->B + b;
    for (size_t m = 0; m < p->n; m++) {
        p->slot[slot][m].n = 0;
        if (chunk_lacks(r, &p->all[m], chunk)) TRY(measure_chunk(p, &p->all[m], chunk, w, &p->slot[slot][m]));
    }
done:
    if (w->x) limn_ahead_give(p->reading.ahead, item);
    return status;
}

static limn_status consume(void *ctx, size_t item, int slot) {
    limn_status status = LIMN_OK;
    measure *p = ctx;
    limn_run_state *r = p->r;
    TRY(store_begin(r->store));
    for (size_t i = 0; i < p->n; i++) {
        measurement *m = &p->all[i];
        const found *f = &p->slot[slot][i];
        for (size_t k = 0; k < f->n; k++) {
            const double v = f->figure[k].value;
            TRY(store_measure_put(r->store, m->id, f->figure[k].map_id, f->figure[k].other_id, m->measure->name, v));
            if (!isfinite(v)) {
                m->missing++;
                continue;
            }
            m->sum += v, m->square += v * v, m->count++;
        }
    }
    TRY(store_commit(r->store));
    p->done += run_chunk_rows(r, p->pending[item]);
    TRY(run_progress(r, p->done, NAN));
done:
    if (status != LIMN_OK) store_rollback(r->store);
    return status;
}

/* ---- which measurements there are -------------------------------------------------------------------------------- */

static const run_attribute *attribution_at(const limn_run_state *r, const experiment_measure *e, size_t i) {
    if (e->n_of == 0) return &r->attribute[i];
    for (size_t a = 0; a < r->exp->n_attributes; a++)
        if (strcmp(r->exp->attribute[a].name, e->of[i]) == 0) return &r->attribute[a];
    return NULL; /* the parser has looked */
}

static limn_status add_measurement(measure *p, const experiment_measure *e, const run_attribute *of,
                                   const run_attribute *other) {
    limn_status status = LIMN_OK;
    limn_run_state *r = p->r;
    measurement *m = &p->all[p->n];
    char *json = NULL;
    for (size_t i = 0; i < p->n; i++) /* two names of one attribution, or an entry twice */
        if (p->all[i].of->id == of->id && (p->all[i].other ? p->all[i].other->id : 0) == (other ? other->id : 0) &&
            strcmp(p->all[i].measure->name, e->metric) == 0 && e->n_settings == 0)
            return LIMN_OK;
    *m = (measurement){.of = of, .other = other};
    TRY(experiment_measure_options(&m->measure, &m->options, e));
    m->options.output.index = of->options.output.index;
    TRY(limn_attribute_json(&json, m->measure, &m->options));
    const store_measurement row = {of->id, other ? other->id : 0, m->measure->name, json};
    TRY(store_measurement_find(r->store, &m->id, &m->complete, r->run_id, &row));
    TRY(limn_new(&m->have, r->n, 1));
    p->n++;
    TRY(store_have(r->store, STORE_MEASURES, m->id, r->dataset_id, m->have, r->n, NULL));
    if (m->complete) memset(m->have, 1, r->n);
done:
    free(json);
    return status;
}

static int missing(const void *ctx, size_t i) {
    const measure *p = ctx;
    for (size_t m = 0; m < p->n; m++)
        if (!p->all[m].have[i]) return 1;
    return 0;
}

static limn_status plan(measure *p) {
    limn_status status = LIMN_OK;
    limn_run_state *r = p->r;
    size_t most = 0;
    for (size_t e = 0; e < r->exp->n_measures; e++) {
        size_t of = r->exp->measure[e].n_of ? r->exp->measure[e].n_of : r->exp->n_attributes;
        most += of * (of + 1) / 2;
    }
    TRY(limn_new(&p->all, most, sizeof *p->all));
    TRY(store_begin(r->store));
    for (size_t e = 0; e < r->exp->n_measures; e++) {
        const experiment_measure *entry = &r->exp->measure[e];
        const limn_method *m;
        size_t of = entry->n_of ? entry->n_of : r->exp->n_attributes;
        TRY(limn_measure_get(&m, entry->metric));
        for (size_t i = 0; i < of; i++) {
            if (m->run) TRY(add_measurement(p, entry, attribution_at(r, entry, i), NULL));
            for (size_t j = i + 1; !m->run && j < of; j++)
                TRY(add_measurement(p, entry, attribution_at(r, entry, i), attribution_at(r, entry, j)));
        }
    }
    TRY(store_commit(r->store));
    TRY(run_pending(r, &p->pending, &p->n_pending, missing, p));
done:
    if (status != LIMN_OK) store_rollback(r->store);
    return status;
}

/* ---- rooms ------------------------------------------------------------------------------------------------------- */

static limn_status rooms(measure *p) {
    limn_status status = LIMN_OK;
    limn_run_state *r = p->r;
    const limn_diff *d = limn_session_diff(r->probe);
    unsigned char *asks = NULL;
    size_t size = 1, outputs = 1, scratch = 1;
    TRY(run_method_asks(r, &asks));
    for (size_t i = 0; i < p->n; i++) {
        const measurement *m = &p->all[i];
        const limn_attribute_job job = {
            .diff = d, .n_seeds = GROUP, .of = m->of->method, .of_options = &m->of->options};
        size_t own = m->measure->run ? limn_measure_scratch(m->measure, &m->options, &job) : 2 * m->of->size;
        if (m->of->size > size) size = m->of->size;
        if (m->other && m->other->size > size) size = m->other->size;
        if (m->of->outputs > outputs) outputs = m->of->outputs;
        if (own > scratch) scratch = own;
    }
    TRY(limn_new(&p->slot, (size_t)p->slots, sizeof *p->slot));
    for (int i = 0; i < p->slots; i++) TRY(limn_new(&p->slot[i], p->n, sizeof **p->slot));
    TRY(limn_new(&p->room, (size_t)p->workers, sizeof *p->room));
    for (int i = 0; i < p->workers; i++) {
        worker_room *w = &p->room[i];
        TRY(limn_session_new_for(&w->session, r->net, asks));
        TRY(limn_new(&w->map, GROUP * r->B * size, sizeof(float)));
        TRY(limn_new(&w->other, GROUP * r->B * size, sizeof(float)));
        TRY(limn_new(&w->seed, GROUP * r->B * outputs, sizeof(float)));
        TRY(limn_new(&w->scores, r->B * outputs, sizeof(float)));
        TRY(limn_new(&w->scratch, scratch, sizeof(float)));
        TRY(limn_new(&w->value, GROUP * r->B, sizeof(float)));
        TRY(limn_new(&w->key, r->B, sizeof *w->key));
        TRY(limn_new(&w->maps, GROUP * r->B, sizeof *w->maps));
        TRY(limn_new(&w->others, GROUP * r->B, sizeof *w->others));
        TRY(limn_new(&w->have, r->B, sizeof *w->have));
        TRY(limn_new(&w->have_other, r->B, sizeof *w->have_other));
    }
    TRY(store_open_readonly(&p->reader, r->db));
done:
    free(asks);
    return status;
}

static void clear(measure *p) {
    limn_ahead_close(p->reading.ahead);
    for (int i = 0; p->slot && i < p->slots; i++) {
        for (size_t m = 0; p->slot[i] && m < p->n; m++) free(p->slot[i][m].figure);
        free(p->slot[i]);
    }
    for (int i = 0; p->room && i < p->workers; i++) {
        worker_room *w = &p->room[i];
        limn_session_free(w->session);
        free(w->map), free(w->other), free(w->seed), free(w->scores), free(w->scratch), free(w->value);
        free(w->key), free(w->maps), free(w->others), free(w->have), free(w->have_other);
    }
    for (size_t m = 0; m < p->n; m++) free(p->all[m].have);
    store_close(p->reader);
    free(p->slot);
    free(p->room);
    free(p->all);
    free(p->pending);
    pthread_mutex_destroy(&p->lock);
}

/* What was measured: mean and its 95 % interval, 1.96 standard errors. */
static void tell(const measure *p) {
    for (size_t i = 0; i < p->n; i++) {
        const measurement *m = &p->all[i];
        const double n = (double)m->count, mean = m->sum / n, variance = (m->square - n * mean * mean) / (n - 1);
        if (m->count < 2) continue;
        text_note(&p->r->voice, "%s of `%s`%s%s%s: %.4g, 95 %% interval %.4g to %.4g, %zu maps%s", m->measure->name,
                  m->of->entry->name, m->other ? " and `" : "", m->other ? m->other->entry->name : "",
                  m->other ? "`" : "", mean, mean - 1.96 * sqrt(fmax(variance, 0) / n),
                  mean + 1.96 * sqrt(fmax(variance, 0) / n), m->count, m->missing ? "; not defined for others" : "");
    }
}

limn_status stage_measure(limn_run_state *r) {
    limn_status status = LIMN_OK;
    measure p = {.r = r, .workers = limn_threads(r->threads)};
    if (r->exp->n_measures == 0) return LIMN_OK;
    pthread_mutex_init(&p.lock, NULL);
    TRY(plan(&p));
    TRY(run_stage_begin(r, "measure", r->n));
    p.done = r->n;
    for (size_t i = 0; i < p.n_pending; i++) p.done -= run_chunk_rows(r, p.pending[i]);
    if (p.n_pending > 0) {
        if ((size_t)p.workers > p.n_pending) p.workers = (int)p.n_pending;
        p.slots = p.workers + 2;
        TRY(rooms(&p));
        TRY(run_read_ahead(&p.reading, r, p.pending, p.n_pending, 1, p.workers));
        TRY(limn_ordered(p.workers, p.slots, 0, p.n_pending, produce, consume, &p));
        tell(&p);
    }
    for (size_t m = 0; m < p.n; m++)
        if (!p.all[m].complete) TRY(store_measurement_complete(r->store, p.all[m].id));
    TRY(run_stage_end(r, p.n_pending > 0 ? "finished" : "reused"));
done:
    clear(&p);
    return status;
}
