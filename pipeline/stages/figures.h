/* Figures from a store, inside: what an entry of `plots` becomes on its way. */
#ifndef LIMN_STAGES_FIGURES_H
#define LIMN_STAGES_FIGURES_H

#include "config/experiment.h"
#include "db/queries.h"
#include "db/table.h"
#include "plots/charts.h"
#include "plots/heatmaps.h"
#include "plots/scatter.h"

typedef struct {
    limn_store *s;
    const limn_experiment *e;
    const char *folder;
    int64_t run_id, model_id, dataset_id;
    const char **class_name; /* (n_classes) */
    size_t n_classes;
} figure_source;

typedef struct {
    const experiment_plot *plot;
    union {
        limn_scatter scatter;
        limn_heatmaps heatmaps;
        limn_picture picture;
        limn_matrix matrix;
        limn_bars bars;
        limn_lines lines;
    } spec;
    query_table table; /* what a query gave, to which the spec points, too */
    void **own;        /* what the spec points to */
    size_t n_own, room_own;
    limn_status status;
    char message[2048];
} figure_job;

/* *out = n zeroed elements that live as long as the job. */
limn_status figures_keep(figure_job *j, void *out, size_t n, size_t size) LIMN_CHECK;
limn_figure figures_of(const figure_source *src, const experiment_plot *p);

/* ---- figures_query.c: what a query draws ---- */
limn_status figures_prepare_chart(const figure_source *src, figure_job *j) LIMN_CHECK; /* matrix, bars, lines */
limn_status figures_prepare_query(const figure_source *src, figure_job *j) LIMN_CHECK; /* scatter: query */
/* *id (n) = the first column of the entry's `sql`, which are samples; at most `most` of them. The caller frees. */
limn_status figures_samples(const figure_source *src, figure_job *j, int64_t **id, size_t *n, size_t most) LIMN_CHECK;

#endif
