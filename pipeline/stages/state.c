/* What the stages of a run share: progress and the row of the running stage, chunks of samples, places in the experiment
 * file. See run.h. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/mem.h"
#include "base/try.h"
#include "stages/run.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

limn_status run_progress(limn_run_state *r, size_t done, double value) {
    r->stage_done = done;
    if (!r->voice.progress) return LIMN_OK;
    limn_progress p = {
        .stage = r->stage, .done = done, .total = r->stage_total, .seconds = now() - r->stage_start, .value = value};
    if (r->voice.progress(r->voice.ctx, &p) == 0) return LIMN_OK;
    return limn_fail(LIMN_EINTERRUPTED, "interrupted; what is stored is valid, and the same command goes on from here");
}

limn_status run_stage_put(limn_run_state *r, const char *status) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    store_stage row = {.name = r->stage,
                       .status = status,
                       .done = r->stage_done,
                       .total = r->stage_total,
                       .seconds = now() - r->stage_start,
                       .peak_memory = (uint64_t)u.ru_maxrss * 1024};
    return store_stage_put(r->store, r->run_id, &row);
}

limn_status run_stage_begin(limn_run_state *r, const char *name, size_t total) {
    snprintf(r->stage, sizeof r->stage, "%s%s", r->prefix ? r->prefix : "", name);
    r->stage_start = now();
    r->stage_done = 0;
    r->stage_total = total;
    return run_stage_put(r, "running");
}

limn_status run_stage_end(limn_run_state *r, const char *status) {
    r->stage_done = r->stage_total;
    limn_status s = run_stage_put(r, status);
    r->stage[0] = 0;
    return s;
}

limn_status run_at(const limn_run_state *r, int line, limn_status s) {
    return limn_fail_at(s, "%s:%d: ", r->exp->path, line);
}

size_t run_chunk_rows(const limn_run_state *r, size_t c) {
    size_t left = r->n - c * r->B;
    return left < r->B ? left : r->B;
}

limn_status run_pending(const limn_run_state *r, size_t **list, size_t *n, int (*missing)(const void *, size_t),
                        const void *ctx) {
    limn_status s = limn_new(list, r->chunks, sizeof **list);
    *n = 0;
    for (size_t c = 0; s == LIMN_OK && c < r->chunks; c++) {
        size_t end = c * r->B + run_chunk_rows(r, c);
        for (size_t i = c * r->B; i < end; i++)
            if (missing(ctx, i)) {
                (*list)[(*n)++] = c;
                break;
            }
    }
    return s;
}

static limn_status read_chunk(void *ctx, size_t number, float *x) {
    const run_reading *q = ctx;
    const limn_run_state *r = q->r;
    size_t c = q->pending[number], rows = run_chunk_rows(r, c), C, H, W;
    limn_dataset_shape(r->data, &C, &H, &W);
    memset(x + rows * C * H * W, 0, (r->B - rows) * C * H * W * sizeof *x);
    return limn_dataset_batch(r->data, c * r->B, rows, x);
}

limn_status run_read_ahead(run_reading *q, const limn_run_state *r, const size_t *pending, size_t n, size_t takes,
                           int workers) {
    size_t C, H, W;
    limn_dataset_shape(r->data, &C, &H, &W);
    *q = (run_reading){.r = r, .pending = pending};
    const limn_ahead_options o = {.chunks = n,
                                  .floats = r->B * C * H * W,
                                  .takes = takes,
                                  .threads = r->threads,
                                  .depth = workers + 2,
                                  .read = read_chunk,
                                  .ctx = q};
    return limn_ahead_open(&q->ahead, &o);
}

limn_status run_method_asks(const limn_run_state *r, unsigned char **out) {
    limn_status status = LIMN_OK;
    TRY(limn_new(out, (size_t)r->graph->n_layers + 1, 1));
    (*out)[0] = LIMN_ASK_VALUE | LIMN_ASK_TO;
    for (size_t a = 0; a < r->exp->n_attributes; a++) {
        const limn_attribute_options *o = &r->attribute[a].options;
        (*out)[o->output.index + 1] |= LIMN_ASK_VALUE | LIMN_ASK_FROM;
        if (limn_attribute_walks(r->attribute[a].method) && limn_net_walks_share(r->net))
            for (int l = 0; l < r->graph->n_layers; l++) (*out)[l + 1] |= LIMN_ASK_VALUE;
        if (o->layer.index < 0) continue;
        (*out)[o->layer.index + 1] |= LIMN_ASK_VALUE | LIMN_ASK_FROM | LIMN_ASK_TO;
        for (int l = 0; l < o->layer.n; l++)
            (*out)[o->layer.each[l] + 1] |= LIMN_ASK_VALUE | LIMN_ASK_FROM | LIMN_ASK_TO;
    }
done:
    return status;
}
