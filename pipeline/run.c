/* limn_run: opens an experiment, checks all that can be checked, and runs the stages in order.
 *
 *   1. experiment file, model, data set, engine   (nothing is made or changed until all of it is checked)
 *   2. finished before, with the same options, its pictures still there: say so
 *   3. samples, predict, embed, compare, attribute, measure, plot: each computes what is missing
 *   4. the digest is stored, the database closed as one file
 *
 * A failure or an interruption marks the stage and the run, and leaves whole transactions behind. */
#define _GNU_SOURCE
#include "limn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "db/digest.h"
#include "db/queries.h"
#include "run_internal.h"
#include "stages/run.h"
#include "versions.h"

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* Everything resolved, as the run's row keeps it: the experiment, the model and the data by their hashes. */
static limn_status resolved_options(limn_run_state *r) {
    limn_status status = LIMN_OK;
    char *e = NULL, *held = NULL;
    TRY(experiment_resolved_json(&e, r->exp));
    if (held_out_fingerprint(r)) TRY(limn_format(&held, ",\"held_out\":\"%s\"", held_out_fingerprint(r)));
    TRY(limn_format(&r->options, "{\"model\":\"%s\",\"data\":\"%s\"%s,\"engine\":\"%s\",\"experiment\":%s}",
                    r->graph->hash, limn_dataset_fingerprint(r->data), held ? held : "",
                    r->o.ref        ? "ref"
                    : r->o.winograd ? "winograd"
                                    : "onednn",
                    e));
done:
    free(e);
    free(held);
    return status;
}

static limn_status open_all(limn_run_state *r) {
    limn_status status = LIMN_OK;
    unsigned char *nothing = NULL; /* the probe tells of layers, and is never run */
    limn_experiment *e = r->exp;
    if (r->o.limit > 0 && (e->data.limit == 0 || r->o.limit < e->data.limit)) e->data.limit = r->o.limit;
    TRY(r->o.db ? limn_strdup(&r->db, r->o.db) : limn_format(&r->db, "%s.db", e->name));
    TRY(r->o.out ? limn_strdup(&r->out, r->o.out) : limn_strdup(&r->out, e->name));
    r->threads = r->o.threads;
    TRY(model_read_output(&r->graph, e->model, e->weights, e->output));
    TRY(graph_swap_softmax(r->graph));
    if (r->graph->node[0].out.rank != 3)
        FAIL(LIMN_EINPUT, "%s: the model's input is no picture (height, width, channels)", e->model);
    e->data.threads = r->o.threads;
    e->data.channels = (int)r->graph->node[0].out.dim[0];
    e->data.height = r->graph->node[0].out.dim[1];
    e->data.width = r->graph->node[0].out.dim[2];
    TRY(limn_dataset_open(&r->data, &e->data));
    r->n = limn_dataset_count(r->data);
    r->classes = limn_dataset_classes(r->data);
    limn_backend backend = r->o.winograd ? LIMN_BACKEND_WINOGRAD : LIMN_BACKEND_AUTO;
    TRY(limn_net_new(&r->net, r->graph, r->o.ref ? LIMN_BACKEND_REF : backend));
    TRY(limn_new(&nothing, (size_t)r->graph->n_layers + 1, 1));
    TRY(limn_session_new_for(&r->probe, r->net, nothing));
    r->B = limn_net_chunk(r->net);
    r->chunks = (r->n + r->B - 1) / r->B;
    TRY(limn_new(&r->feature, e->n_features, sizeof *r->feature));
    TRY(limn_new(&r->attribute, e->n_attributes, sizeof *r->attribute));
    TRY(limn_new(&r->embedding_id, e->n_embeds, sizeof *r->embedding_id));
    TRY(run_check(r));
    TRY(held_out_open(r));
    TRY(resolved_options(r));
done:
    free(nothing);
    return status;
}

static void close_all(limn_run_state *r) {
    store_close(r->store);
    held_out_close(r);
    limn_session_free(r->probe);
    limn_net_free(r->net);
    limn_dataset_free(r->data);
    graph_free(r->graph);
    for (size_t f = 0; r->feature && f < r->exp->n_features; f++) free(r->feature[f].have);
    for (size_t a = 0; r->attribute && a < r->exp->n_attributes; a++) {
        free(r->attribute[a].have);
        free(r->attribute[a].pairs.first);
        free(r->attribute[a].pairs.class_);
    }
    free(r->feature);
    free(r->attribute);
    free(r->embedding_id);
    free(r->sample_id);
    free(r->options);
    free(r->db);
    free(r->out);
    experiment_free(r->exp);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static limn_status fill_result(limn_run_state *r, limn_store *s, int64_t run_id, limn_run_result *out) {
    limn_status status = LIMN_OK;
    query_summary_row sum;
    query_figure *figures = NULL;
    TRY(query_summary(s, &sum, run_id));
    TRY(query_figures(s, &figures, &out->figures, run_id));
    TRY(limn_strdup(&out->db, r->db));
    TRY(limn_strdup(&out->out, r->out));
    out->samples = sum.n;
    out->accuracy = sum.accuracy;
    out->kl = sum.kl;
done:
    free(figures);
    return status;
}

/* Where this experiment, with these very options, was finished before and its pictures are there: *done = 1. */
static limn_status finished_before(limn_run_state *r, limn_run_result *out, int *done) {
    limn_status status = LIMN_OK;
    limn_store *s = NULL;
    query_run last = {0};
    int exists = 0, there = 0;
    *done = 0;
    TRY(store_probe(r->db, &exists));
    if (!exists || r->o.fresh) goto done;
    /* a file that a killed writer left in the middle of a change is mended by the next writer: it was not finished */
    if (store_open_readonly(&s, r->db) != LIMN_OK) goto done;
    TRY(query_last_run(s, &last, r->exp->name, NULL));
    if (last.run_id == 0 || strcmp(last.status, "finished") != 0 || strcmp(last.options, r->options) != 0 ||
        strcmp(last.version, LIMN_VERSION) != 0 || !last.digest)
        goto done;
    TRY(figures_there(s, last.run_id, r->out, &there));
    if (!there) goto done;
    TRY(fill_result(r, s, last.run_id, out));
    snprintf(out->digest, sizeof out->digest, "%s", last.digest);
    out->nothing_to_do = 1;
    *done = 1;
done:
    query_run_clear(&last);
    store_close(s);
    return status;
}

static limn_status begin_run(limn_run_state *r) {
    limn_status status = LIMN_OK;
    char *libraries = NULL;
    TRY(store_open(&r->store, r->db));
    if (r->o.fresh) TRY(store_forget(r->store, r->exp->name));
    TRY(versions_json(&libraries));
    store_run row = {.experiment = r->exp->name,
                     .config = r->exp->text,
                     .options = r->options,
                     .version = LIMN_VERSION,
                     .libraries = libraries,
                     .isa = limn_engine_isa()};
    TRY(store_run_begin(r->store, &r->run_id, &row));
done:
    free(libraries);
    return status;
}

static limn_status run_stages(limn_run_state *r) {
    static limn_status (*const stage[])(limn_run_state *) = {
        stage_held_out, stage_samples,   stage_predict, stage_embed,  stage_place,
        stage_compare,  stage_attribute, stage_measure, stage_relate, stage_plot};
    for (size_t i = 0; i < COUNT_OF(stage); i++) {
        limn_status s = stage[i](r);
        if (s != LIMN_OK) return s;
    }
    return LIMN_OK;
}

/* The last rows of a run that went well. */
static limn_status finish_run(limn_run_state *r, limn_run_result *out) {
    limn_status status = LIMN_OK;
    TRY(store_digest(r->store, out->digest, NULL, NULL));
    TRY(fill_result(r, r->store, r->run_id, out));
    TRY(store_run_end(r->store, r->run_id, "finished", NULL, out->digest));
    TRY(store_finish(r->store, NULL));
done:
    return status;
}

/* Marks stage and run as they ended, as far as that can be written; keeps the sentence of the failure. */
static limn_status fail_run(limn_run_state *r, limn_status how) {
    const char *word = how == LIMN_EINTERRUPTED ? "interrupted" : "failed";
    char *sentence = NULL;
    limn_status s = limn_strdup(&sentence, limn_message());
    if (how == LIMN_EINPUT) how = LIMN_EFAIL; /* it was right when the run began */
    store_rollback(r->store);
    if (s == LIMN_OK && r->stage[0]) s = run_stage_put(r, word);
    if (s == LIMN_OK) s = store_run_end(r->store, r->run_id, word, sentence, NULL);
    if (s == LIMN_OK) s = store_finish(r->store, NULL);
    how = limn_fail(how, "%s", sentence ? sentence : "out of memory");
    free(sentence);
    return how;
}

limn_status run_experiment(limn_experiment *e, const limn_run_options *o, const limn_voice *v,
                           limn_run_result *result) {
    limn_status status = LIMN_OK;
    limn_run_state r = {.exp = e};
    int done_before = 0;
    *result = (limn_run_result){.accuracy = NAN, .kl = NAN};
    if (o) r.o = *o;
    if (v) r.voice = *v;
    TRY(open_all(&r));
    TRY(finished_before(&r, result, &done_before));
    if (done_before) goto done;
    TRY(begin_run(&r));
    status = run_stages(&r);
    if (status == LIMN_OK) status = finish_run(&r, result);
    if (status != LIMN_OK) status = fail_run(&r, status);
done:
    close_all(&r);
    if (status != LIMN_OK) limn_run_result_clear(result);
    return status;
}

limn_status limn_run(const char *experiment, const limn_run_options *o, const limn_voice *v, limn_run_result *result) {
    limn_experiment *e = NULL;
    *result = (limn_run_result){.accuracy = NAN, .kl = NAN};
    limn_status s = experiment_load(&e, experiment);
    return s == LIMN_OK ? run_experiment(e, o, v, result) : s;
}

void limn_run_result_clear(limn_run_result *r) {
    free(r->db);
    free(r->out);
    *r = (limn_run_result){.accuracy = NAN, .kl = NAN};
}
