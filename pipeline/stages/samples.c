/* The stage `samples`: the model with its layers, the data set with its classes, and each sample with its picture. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "stages/run.h"

enum { BATCH = 256 };

/* JSON list: channels, height, width; or the length of a vector. */
static limn_status shape_json(char **out, const limn_shape *s) {
    if (s->rank == 3) return limn_format(out, "[%zu,%zu,%zu]", s->dim[0], s->dim[1], s->dim[2]);
    return limn_format(out, "[%zu]", limn_shape_size(s));
}

static limn_status put_model(limn_run_state *r) {
    limn_status status = LIMN_OK;
    const limn_graph *g = r->graph;
    store_layer *layer = NULL;
    char **shape = NULL, *input = NULL;
    size_t parameters = 0;
    TRY(limn_new(&layer, (size_t)g->n_layers, sizeof *layer));
    TRY(limn_new(&shape, (size_t)g->n_layers, sizeof *shape));
    for (int i = 0; i < g->n_layers; i++) {
        const limn_layer *l = &g->layer[i];
        TRY(shape_json(&shape[i], graph_layer_shape(g, i)));
        layer[i] =
            (store_layer){.idx = i, .name = l->name, .op = l->type, .output_shape = shape[i], .parameters = l->params};
        parameters += l->params;
    }
    TRY(shape_json(&input, &g->node[0].out));
    store_model row = {.hash = g->hash,
                       .path = r->exp->model,
                       .format = g->format,
                       .producer = g->producer,
                       .input_shape = input,
                       .parameters = parameters,
                       .layer = layer,
                       .n_layers = (size_t)g->n_layers};
    TRY(store_model_find(r->store, &r->model_id, r->run_id, &row));
done:
    for (int i = 0; shape && i < g->n_layers; i++) free(shape[i]);
    free(shape);
    free(layer);
    free(input);
    return status;
}

static limn_status put_dataset(limn_run_state *r) {
    limn_status status = LIMN_OK;
    char *options = NULL;
    const char **name = NULL;
    size_t C, H, W;
    limn_dataset_shape(r->data, &C, &H, &W);
    TRY(limn_new(&name, r->classes, sizeof *name));
    for (size_t c = 0; c < r->classes; c++) name[c] = limn_dataset_class(r->data, c);
    TRY(experiment_data_json(&options, r->exp));
    store_dataset row = {.fingerprint = limn_dataset_fingerprint(r->data),
                         .options = options,
                         .path = r->exp->data.images[0],
                         .format = limn_dataset_format(r->data),
                         .n = r->n,
                         .channels = C,
                         .h = H,
                         .w = W,
                         .class_name = name,
                         .n_classes = r->classes};
    TRY(store_dataset_find(r->store, &r->dataset_id, r->run_id, &row));
done:
    free(name);
    free(options);
    return status;
}

/* ---- samples: workers encode pictures, the caller writes them, BATCH a transaction ------------------------------- */

typedef struct {
    unsigned char *png[BATCH];
    size_t size[BATCH];
} slot;

typedef struct {
    limn_run_state *r;
    slot *slot;
    unsigned char *have;
} samples;

static size_t batch_end(const limn_run_state *r, size_t item) {
    return (item + 1) * BATCH < r->n ? (item + 1) * BATCH : r->n;
}

static limn_status produce(void *ctx, size_t item, int slot_no, int worker) {
    samples *p = ctx;
    (void)worker;
    for (size_t i = item * BATCH; p->r->exp->store_images && i < batch_end(p->r, item); i++) {
        if (p->have[i]) continue;
        limn_status s =
            limn_dataset_png(p->r->data, i, &p->slot[slot_no].png[i % BATCH], &p->slot[slot_no].size[i % BATCH]);
        if (s != LIMN_OK) return s;
    }
    return LIMN_OK;
}

static limn_status consume(void *ctx, size_t item, int slot_no) {
    limn_status status = LIMN_OK;
    samples *p = ctx;
    limn_run_state *r = p->r;
    slot *s = &p->slot[slot_no];
    char index[32];
    TRY(store_begin(r->store));
    for (size_t i = item * BATCH; i < batch_end(r, item); i++) {
        if (p->have[i]) continue;
        const char *source = limn_dataset_source(r->data, i);
        snprintf(index, sizeof index, "%zu", limn_dataset_index(r->data, i));
        store_sample row = {.idx = i,
                            .label = limn_dataset_label(r->data, i),
                            .source = source ? source : index,
                            .image = s->png[i % BATCH],
                            .image_size = s->size[i % BATCH]};
        TRY(store_sample_put(r->store, r->dataset_id, &row));
    }
    TRY(store_commit(r->store));
    TRY(run_progress(r, batch_end(r, item), NAN));
done:
    if (status != LIMN_OK) store_rollback(r->store);
    for (size_t k = 0; k < BATCH; k++) {
        free(s->png[k]);
        s->png[k] = NULL;
        s->size[k] = 0;
    }
    return status;
}

limn_status stage_samples(limn_run_state *r) {
    limn_status status = LIMN_OK;
    samples p = {.r = r};
    int slots = limn_threads(r->threads) + 2;
    size_t done = 0;
    TRY(run_stage_begin(r, "samples", r->n));
    TRY(store_begin(r->store));
    TRY(put_model(r));
    TRY(put_dataset(r));
    TRY(store_commit(r->store));
    TRY(limn_new(&p.slot, (size_t)slots, sizeof *p.slot));
    TRY(limn_new(&p.have, r->n, 1));
    TRY(limn_new(&r->sample_id, r->n, sizeof *r->sample_id));
    TRY(store_have(r->store, r->exp->store_images ? STORE_IMAGES : STORE_SAMPLES, r->dataset_id, r->dataset_id, p.have,
                   r->n, &done));
    if (done < r->n) TRY(limn_ordered(r->threads, slots, 0, (r->n + BATCH - 1) / BATCH, produce, consume, &p));
    TRY(store_sample_ids(r->store, r->dataset_id, r->sample_id, r->n));
    TRY(run_stage_end(r, done < r->n ? "finished" : "reused"));
done:
    if (status != LIMN_OK) store_rollback(r->store);
    for (int i = 0; p.slot && i < slots; i++)
        for (size_t k = 0; k < BATCH; k++) free(p.slot[i].png[k]);
    free(p.slot);
    free(p.have);
    return status;
}
