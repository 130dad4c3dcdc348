/* The stage `predict`: one forward pass a chunk gives each sample's prediction and its vector of every feature layer.
 *
 * From the scores s (the last layer, softmax removed), in float64:
 *   p_k = exp(s_k - max s) / sum_j exp(s_j - max s)
 *   class = argmax s (the lowest of equals), margin = p_1st - p_2nd, entropy = -sum p ln p, loss = -ln p_label.
 * A network that ended in the sigmoid of a single output has two classes: p = 1 / (1 + exp(-s)) is label 1's probability,
 * 1 - p is label 0's. So class = 1 where s > 0, and probability, margin, entropy and loss are of these two. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "stages/run.h"

typedef struct {
    float *scores;   /* (B, K) */
    float **feature; /* (n_features) (B, dim) */
} slot;

typedef struct {
    limn_run_state *r;
    size_t *pending, n_pending, K, done;
    run_reading reading;
    int slots, workers;
    slot *slot;
    limn_session **session; /* (workers) */
    float **tap;            /* (workers) room for the largest feature layer */
    unsigned char *have;    /* (n) samples that have a prediction */
} predict;

static int missing(const void *ctx, size_t i) {
    const predict *p = ctx;
    if (!p->have[i]) return 1;
    for (size_t f = 0; f < p->r->exp->n_features; f++)
        if (!p->r->feature[f].have[i]) return 1;
    return 0;
}

/* (C, h, w) -> (h, w, C), the order of the program that saved the network. */
static void to_hwc(float *out, const float *in, const limn_shape *s) {
    size_t C = s->dim[0], hw = s->dim[1] * s->dim[2];
    for (size_t c = 0; c < C; c++)
        for (size_t i = 0; i < hw; i++) out[i * C + c] = in[c * hw + i];
}

static limn_status produce(void *ctx, size_t item, int slot_no, int worker) {
    limn_status status = LIMN_OK;
    predict *p = ctx;
    limn_run_state *r = p->r;
    slot *s = &p->slot[slot_no];
    const limn_diff *d = limn_session_diff(p->session[worker]);
    const float *x = NULL;
    TRY(limn_ahead_take(p->reading.ahead, item, &x));
    TRY(d->forward(d->ctx, x));
    TRY(d->value(d->ctx, d->n_layers - 1, s->scores));
    for (size_t f = 0; f < r->exp->n_features; f++) {
        const run_feature *e = &r->feature[f];
        if (!e->hwc) {
            TRY(d->value(d->ctx, e->layer, s->feature[f]));
            continue;
        }
        TRY(d->value(d->ctx, e->layer, p->tap[worker]));
        for (size_t b = 0; b < r->B; b++)
            to_hwc(s->feature[f] + b * e->dim, p->tap[worker] + b * e->dim, &d->layer[e->layer].out);
    }
done:
    if (x) limn_ahead_give(p->reading.ahead, item);
    return status;
}

static void predict_row(store_prediction *out, const float *s, size_t K, int label) {
    size_t top = 0;
    double sum = 0, entropy = 0, second = 0;
    for (size_t k = 1; k < K; k++)
        if (s[k] > s[top]) top = k;
    for (size_t k = 0; k < K; k++) sum += exp((double)s[k] - (double)s[top]);
    for (size_t k = 0; k < K; k++) {
        double log_p = (double)s[k] - (double)s[top] - log(sum), q = exp(log_p);
        if (q > 0) entropy -= q * log_p;
        if (k != top && q > second) second = q;
    }
    double p = 1 / sum;
    *out = (store_prediction){.class_ = (int)top,
                              .probability = p,
                              .margin = p - second,
                              .entropy = entropy,
                              .loss = NAN,
                              .logits = s,
                              .n_logits = K};
    if (label >= 0 && (size_t)label < K) out->loss = log(sum) + (double)s[top] - (double)s[label];
}

/* -ln(1 / (1 + exp(-s))) without overflow. */
static double soft(double s) {
    return s > 0 ? log1p(exp(-s)) : log1p(exp(s)) - s;
}

static void predict_one(store_prediction *out, const float *s, int label) {
    double not_p = soft(*s), not_q = soft(-(double)*s), p = exp(-not_p), q = exp(-not_q);
    *out = (store_prediction){.class_ = *s > 0,
                              .probability = *s > 0 ? p : q,
                              .margin = fabs(p - q),
                              .entropy = p * not_p + q * not_q,
                              .loss = label == 0   ? not_q
                                      : label == 1 ? not_p
                                                   : NAN,
                              .logits = s,
                              .n_logits = 1};
}

static limn_status consume(void *ctx, size_t item, int slot_no) {
    limn_status status = LIMN_OK;
    predict *p = ctx;
    limn_run_state *r = p->r;
    slot *s = &p->slot[slot_no];
    size_t c = p->pending[item], rows = run_chunk_rows(r, c);
    TRY(store_begin(r->store));
    for (size_t b = 0; b < rows; b++) {
        size_t i = c * r->B + b;
        for (size_t k = 0; k < p->K; k++)
            if (!isfinite(s->scores[b * p->K + k]))
                FAIL(LIMN_EFAIL, "sample %zu: the network's score of class %zu is not finite", i, k);
        if (!p->have[i]) {
            store_prediction row;
            int label = limn_dataset_label(r->data, i);
            if (p->K == 1 && r->graph->final_activation == LIMN_OP_UNARY)
                predict_one(&row, s->scores + b, label);
            else
                predict_row(&row, s->scores + b * p->K, p->K, label);
            TRY(store_prediction_put(r->store, r->run_id, r->model_id, r->sample_id[i], &row));
        }
        for (size_t f = 0; f < r->exp->n_features; f++) {
            const run_feature *e = &r->feature[f];
            if (e->have[i]) continue;
            TRY(store_feature_put(r->store, e->id, r->sample_id[i], s->feature[f] + b * e->dim, e->dim));
        }
    }
    TRY(store_commit(r->store));
    p->done += rows;
    TRY(run_progress(r, p->done, NAN));
done:
    if (status != LIMN_OK) store_rollback(r->store);
    return status;
}

static limn_status rooms(predict *p) {
    limn_status status = LIMN_OK;
    limn_run_state *r = p->r;
    const limn_diff *d = limn_session_diff(r->probe);
    unsigned char *asks = NULL;
    size_t tap = 1;
    TRY(limn_new(&asks, (size_t)d->n_layers + 1, 1));
    asks[d->n_layers] = LIMN_ASK_VALUE; /* the scores */
    for (size_t f = 0; f < r->exp->n_features; f++) asks[r->feature[f].layer + 1] = LIMN_ASK_VALUE;
    TRY(limn_new(&p->slot, (size_t)p->slots, sizeof *p->slot));
    TRY(limn_new(&p->session, (size_t)p->workers, sizeof *p->session));
    TRY(limn_new(&p->tap, (size_t)p->workers, sizeof *p->tap));
    for (int i = 0; i < p->slots; i++) {
        slot *s = &p->slot[i];
        TRY(limn_new(&s->scores, r->B * p->K, sizeof(float)));
        TRY(limn_new(&s->feature, r->exp->n_features, sizeof *s->feature));
        for (size_t f = 0; f < r->exp->n_features; f++)
            TRY(limn_new(&s->feature[f], r->B * r->feature[f].dim, sizeof(float)));
    }
    for (size_t f = 0; f < r->exp->n_features; f++)
        if (r->feature[f].dim > tap) tap = r->feature[f].dim;
    for (int w = 0; w < p->workers; w++) {
        TRY(limn_session_new_for(&p->session[w], r->net, asks));
        TRY(limn_new(&p->tap[w], r->B * tap, sizeof(float)));
    }
done:
    free(asks);
    return status;
}

static void clear(predict *p) {
    limn_ahead_close(p->reading.ahead);
    for (int i = 0; p->slot && i < p->slots; i++) {
        for (size_t f = 0; p->slot[i].feature && f < p->r->exp->n_features; f++) free(p->slot[i].feature[f]);
        free(p->slot[i].feature);
        free(p->slot[i].scores);
    }
    for (int w = 0; w < p->workers; w++) {
        if (p->session) limn_session_free(p->session[w]);
        if (p->tap) free(p->tap[w]);
    }
    free(p->slot);
    free(p->session);
    free(p->tap);
    free(p->pending);
    free(p->have);
}

/* The extraction rows of the feature layers, and what each has. */
static limn_status extractions(limn_run_state *r) {
    limn_status status = LIMN_OK;
    TRY(store_begin(r->store));
    for (size_t f = 0; f < r->exp->n_features; f++) {
        run_feature *e = &r->feature[f];
        store_extraction row = {.model_id = r->model_id,
                                .dataset_id = r->dataset_id,
                                .layer = r->graph->layer[e->layer].name,
                                .options = "{\"pool\":\"none\"}",
                                .dim = e->dim};
        TRY(store_extraction_find(r->store, &e->id, &e->complete, r->run_id, &row));
        TRY(store_link(r->store, r->run_id, STORE_EXTRACTION, row.layer, e->id));
        TRY(limn_new(&e->have, r->n, 1));
        TRY(store_have(r->store, STORE_FEATURES, e->id, r->dataset_id, e->have, r->n, NULL));
        for (size_t g = 0; g < f; g++) /* one layer by two names (its index, auto): the first writes it */
            if (r->feature[g].id == e->id) memset(e->have, 1, r->n);
    }
    TRY(store_commit(r->store));
done:
    if (status != LIMN_OK) store_rollback(r->store);
    return status;
}

limn_status stage_predict(limn_run_state *r) {
    limn_status status = LIMN_OK;
    const limn_diff *d = limn_session_diff(r->probe);
    predict p = {.r = r, .K = limn_shape_size(&d->layer[d->n_layers - 1].out), .workers = limn_threads(r->threads)};
    TRY(limn_new(&p.have, r->n, 1));
    TRY(extractions(r));
    TRY(store_have(r->store, STORE_PREDICTIONS, r->model_id, r->dataset_id, p.have, r->n, NULL));
    TRY(run_pending(r, &p.pending, &p.n_pending, missing, &p));
    TRY(run_stage_begin(r, "predict", r->n));
    p.done = r->n;
    for (size_t i = 0; i < p.n_pending; i++) p.done -= run_chunk_rows(r, p.pending[i]);
    if (p.n_pending > 0) {
        if ((size_t)p.workers > p.n_pending) p.workers = (int)p.n_pending;
        p.slots = p.workers + 2;
        TRY(rooms(&p));
        TRY(run_read_ahead(&p.reading, r, p.pending, p.n_pending, 1, p.workers));
        TRY(limn_ordered(p.workers, p.slots, 0, p.n_pending, produce, consume, &p));
    }
    for (size_t f = 0; f < r->exp->n_features; f++)
        if (!r->feature[f].complete) TRY(store_complete(r->store, STORE_EXTRACTION, r->feature[f].id));
    TRY(run_stage_end(r, p.n_pending > 0 ? "finished" : "reused"));
done:
    clear(&p);
    return status;
}
