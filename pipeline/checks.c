/* Everything about an experiment that its model and data decide, checked before anything runs: shapes, layers, targets,
 * perplexities, labels, the folder for pictures, the database file. Each failure is "FILE:LINE: sentence". */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "plots/heatmaps.h"
#include "stages/run.h"

/* Index of a layer by its name in the experiment. */
static limn_status find_layer(const limn_run_state *r, const char *name, int line, int *layer) {
    limn_status s = limn_diff_find(layer, limn_session_diff(r->probe), name);
    return s == LIMN_OK ? s : run_at(r, line, s);
}

static limn_status check_input(limn_run_state *r) {
    const limn_shape *in = &r->graph->node[0].out;
    size_t C, H, W;
    limn_dataset_shape(r->data, &C, &H, &W);
    if (in->dim[0] == C && in->dim[1] == H && in->dim[2] == W) return LIMN_OK;
    return limn_fail(LIMN_EINPUT,
                     "%s: the pictures are %zu x %zu with %zu channel%s, the model %s wants %zu x %zu with %zu%s",
                     r->exp->data.images[0], H, W, C, C == 1 ? "" : "s", r->exp->model, in->dim[1], in->dim[2],
                     in->dim[0], in->dim[0] == C ? ": `preprocess: {resize: input}` brings them to it" : "");
}

static limn_status check_features(limn_run_state *r) {
    limn_status status = LIMN_OK;
    for (size_t f = 0; f < r->exp->n_features; f++) {
        run_feature *e = &r->feature[f];
        const char *name = r->exp->feature[f];
        if (strcmp(name, "auto") == 0) {
            e->layer = graph_feature_layer(r->graph);
            if (e->layer < 0)
                return run_at(
                    r, r->exp->feature_line[f],
                    limn_fail(LIMN_EINPUT, "the model has no dense layer for `features: auto`; name a layer"));
            text_note(&r->voice, "features: layer `%s`", r->graph->layer[e->layer].name);
        } else {
            TRY(find_layer(r, name, r->exp->feature_line[f], &e->layer));
        }
        const limn_shape *s = graph_layer_shape(r->graph, e->layer);
        e->dim = limn_shape_size(s);
        e->hwc = s->rank == 3 && r->graph->layer[e->layer].hwc;
    }
done:
    return status;
}

static limn_status check_embeds(limn_run_state *r) {
    for (size_t i = 0; i < r->exp->n_embeds; i++) {
        const experiment_embed *e = &r->exp->embed[i];
        for (size_t f = 0; f < r->exp->n_features; f++) {
            if (strcmp(r->exp->feature[f], e->of) != 0) continue;
            limn_status s = limn_embed_check(&e->options, r->n, r->feature[f].dim);
            if (s != LIMN_OK) return run_at(r, e->line, s);
        }
    }
    return LIMN_OK;
}

static limn_status check_attribute(limn_run_state *r, run_attribute *a, const experiment_attribute *e) {
    limn_status status = LIMN_OK;
    const limn_diff *d = limn_session_diff(r->probe);
    char *note = NULL;
    a->entry = e;
    TRY(experiment_attribute_options(&a->method, &a->options, e));
    TRY(limn_attribute_resolve(a->method, d, &a->options));
    a->shape = limn_attribute_shape(a->method, d, &a->options);
    a->size = limn_shape_size(&a->shape);
    a->outputs = limn_shape_size(&d->layer[a->options.output.index].out);
    TRY(limn_attribute_note(&note, a->method, d, &a->options));
    if (note) text_note(&r->voice, "%s: %s", e->name, note);
done:
    free(note);
    return status == LIMN_OK ? LIMN_OK : run_at(r, e->line, status);
}

/* A measure looks at a map place by place beside the input. */
static limn_status check_measures(const limn_run_state *r) {
    const limn_shape in = limn_shape_picture(&limn_session_diff(r->probe)->input);
    for (size_t e = 0; e < r->exp->n_measures; e++) {
        const experiment_measure *m = &r->exp->measure[e];
        for (size_t a = 0; a < r->exp->n_attributes; a++) {
            const limn_shape *s = &r->attribute[a].shape;
            int asked = m->n_of == 0;
            for (size_t i = 0; i < m->n_of; i++) asked |= strcmp(m->of[i], r->exp->attribute[a].name) == 0;
            if (asked && (s->dim[1] != in.dim[1] || s->dim[2] != in.dim[2]))
                return run_at(r, m->line,
                              limn_fail(LIMN_EINPUT,
                                        "`%s` needs maps of the input's size, %zu x %zu; those of `%s` have %zu x %zu: "
                                        "leave `size: layer` out, or name others with `of`",
                                        m->metric, in.dim[1], in.dim[2], r->exp->attribute[a].name, s->dim[1],
                                        s->dim[2]));
        }
    }
    return LIMN_OK;
}

static limn_status check_attributes(limn_run_state *r) {
    limn_status status = LIMN_OK;
    for (size_t i = 0; i < r->exp->n_attributes; i++) {
        TRY(check_attribute(r, &r->attribute[i], &r->exp->attribute[i]));
        TRY(run_target_check(r, &r->attribute[i], &r->exp->attribute[i].target));
    }
    TRY(check_measures(r));
done:
    return status;
}

/* Whether an entry of `embed` compares the map of this name, or compares it with others. */
static int is_compared(const limn_experiment *e, const char *name) {
    for (size_t i = 0; i < e->n_embeds; i++) {
        if (strcmp(e->embed[i].name, name) == 0 && e->embed[i].n_compare > 0) return 1;
        for (size_t c = 0; c < e->embed[i].n_compare; c++)
            if (strcmp(e->embed[i].compare[c], name) == 0) return 1;
    }
    return 0;
}

static limn_status check_plots(limn_run_state *r) {
    int labels = 0;
    for (size_t i = 0; i < r->n && !labels; i++) labels = limn_dataset_label(r->data, i) >= 0;
    for (size_t i = 0; i < r->exp->n_plots; i++) {
        const experiment_plot *p = &r->exp->plot[i];
        const char *what = p->kind == PLOT_SCATTER ? p->colour : p->select == SELECT_ERRORS ? "errors" : "";
        int wants = strcmp(what, "label") == 0 || strcmp(what, "correct") == 0 || strcmp(what, "loss") == 0 ||
                    strcmp(what, "errors") == 0;
        if (wants && !labels)
            return run_at(r, p->line,
                          limn_fail(LIMN_EINPUT, "plot `%s` wants labels (%s), and the data have none", p->name, what));
        if (strcmp(what, "overlap") == 0 && !is_compared(r->exp, p->of))
            return run_at(r, p->line,
                          limn_fail(LIMN_EINPUT,
                                    "plot `%s` wants `overlap`, but no entry of `embed` compares `%s` with another "
                                    "(`seeds`, `compare`)",
                                    p->name, p->of));
        for (size_t c = 0; c < p->n_columns && !r->exp->store_images; c++)
            if (strcmp(p->column[c], "input") == 0)
                return run_at(r, p->line,
                              limn_fail(LIMN_EINPUT,
                                        "plot `%s` shows `input`, which `store_images: false` does not keep", p->name));
        size_t rows = p->select == SELECT_PER_CLASS ? p->per_class * (r->classes ? r->classes : 1) : p->rows;
        if (p->kind == PLOT_HEATMAPS && rows > LIMN_HEATMAP_ROWS)
            return run_at(r, p->line,
                          limn_fail(LIMN_EINPUT, "plot `%s`: a grid of %zu rows; %d is the most", p->name, rows,
                                    LIMN_HEATMAP_ROWS));
        if (p->kind == PLOT_PICTURE && p->sample >= r->n)
            return run_at(r, p->line,
                          limn_fail(LIMN_EINPUT, "plot `%s` wants sample %zu, and there are %zu (from 0)", p->name,
                                    p->sample, r->n));
    }
    return LIMN_OK;
}

/* The folder for pictures exists and can be written, or its nearest existing parent can. */
static limn_status check_out(const limn_run_state *r) {
    char path[PATH_MAX];
    struct stat st;
    size_t n = strlen(r->db);
    if (r->exp->n_plots == 0) return LIMN_OK;
    if (!*r->out) return limn_fail(LIMN_EINPUT, "the name of the output folder is empty");
    if (strncmp(r->out, r->db, n) == 0 && strchr("/", r->out[n])) /* the end, or a folder in it */
        return limn_fail(LIMN_EINPUT, "%s: the database has that name, so the output folder needs another", r->out);
    if (snprintf(path, sizeof path, "%s", r->out) >= (int)sizeof path)
        return limn_fail(LIMN_EINPUT, "%.60s…: the path of the output folder is too long", r->out);
    for (;;) {
        if (stat(path, &st) == 0) break;
        if (errno != ENOENT)
            return limn_fail(LIMN_EINPUT, "%s: the output folder cannot be used: %s", r->out, strerror(errno));
        char *slash = strrchr(path, '/');
        if (!slash)
            snprintf(path, sizeof path, ".");
        else if (slash == path)
            path[1] = 0;
        else
            *slash = 0;
    }
    if (!S_ISDIR(st.st_mode)) return limn_fail(LIMN_EINPUT, "%s: %s is not a folder", r->out, path);
    if (access(path, W_OK | X_OK) != 0)
        return limn_fail(LIMN_EINPUT, "%s: the output folder cannot be written: %s", r->out, strerror(errno));
    return LIMN_OK;
}

/* Labels that the network has no unit for leave a loss empty: worth a word. */
static void note_labels(const limn_run_state *r) {
    size_t outside = 0, units = limn_shape_size(graph_layer_shape(r->graph, r->graph->n_layers - 1));
    for (size_t i = 0; i < r->n; i++) outside += limn_dataset_label(r->data, i) >= (int)units;
    if (units > 1 && outside > 0)
        text_note(&r->voice, "%zu of %zu labels are beyond the model's %zu classes: they have no loss", outside, r->n,
                  units);
}

static limn_status name_classes(limn_run_state *r) {
    limn_status status = LIMN_OK;
    const char **name = NULL;
    TRY(limn_new(&name, r->classes, sizeof *name));
    for (size_t c = 0; c < r->classes; c++) name[c] = limn_dataset_class(r->data, c);
    TRY(experiment_resolve_targets(r->exp, name, r->classes));
done:
    free(name);
    return status;
}

limn_status run_check(limn_run_state *r) {
    limn_status status = LIMN_OK;
    int exists = 0;
    TRY(check_input(r));
    TRY(name_classes(r));
    TRY(check_features(r));
    TRY(check_embeds(r));
    TRY(check_attributes(r));
    TRY(check_plots(r));
    TRY(check_out(r));
    note_labels(r);
    TRY(store_probe(r->db, &exists));
done:
    return status;
}
