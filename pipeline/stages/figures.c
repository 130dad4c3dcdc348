/* Figures from a store: each entry of `plots` becomes a spec of plots/, filled by queries.
 *
 *   1. one entry after the other: queries -> arrays, all owned by the entry's job (the store is one thread's)
 *   2. all jobs are drawn side by side
 *   3. each picture's hash goes into the table `figure`, in one transaction. */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/sha256.h"
#include "base/try.h"
#include "data/image.h"
#include "db/queries.h"
#include "stages/figures.h"
#include "stages/run.h"

limn_status figures_keep(figure_job *j, void *out, size_t n, size_t size) {
    limn_status s = limn_grow(&j->own, j->n_own, &j->room_own, sizeof *j->own);
    if (s == LIMN_OK) s = limn_new(&j->own[j->n_own], n, size);
    if (s != LIMN_OK) return s;
    memcpy(out, &j->own[j->n_own++], sizeof(void *));
    return LIMN_OK;
}

static void job_clear(figure_job *j) {
    for (size_t i = 0; i < j->n_own; i++) free(j->own[i]);
    free(j->own);
    query_table_clear(&j->table);
}

static limn_status keep_text(figure_job *j, const char **out, const char *fmt, const char *a, const char *b) {
    char *text;
    size_t n = strlen(fmt) + strlen(a) + strlen(b) + 1;
    limn_status s = figures_keep(j, &text, n, 1);
    if (s != LIMN_OK) return s;
    size_t used = 0;
    for (const char *f = fmt; *f; f++) { /* %a and %b: outside strings never meet printf */
        const char *put = f[0] == '%' && f[1] == 'a' ? a : f[0] == '%' && f[1] == 'b' ? b : NULL;
        if (put) {
            memcpy(text + used, put, strlen(put));
            used += strlen(put);
            f++;
        } else {
            text[used++] = *f;
        }
    }
    *out = text;
    return LIMN_OK;
}

limn_figure figures_of(const figure_source *src, const experiment_plot *p) {
    return (limn_figure){.folder = src->folder,
                         .name = p->name,
                         .formats = (const char *const *)p->format,
                         .n_formats = p->n_formats,
                         .width = p->width,
                         .height = p->height,
                         .title = p->title};
}

/* ---- scatter ----------------------------------------------------------------------------------------------------- */

/* Where a colour's numbers lie in a point. */
static const struct {
    const char *colour;
    size_t at;
} class_field[] = {{"label", offsetof(query_point, label)}, {"prediction", offsetof(query_point, prediction)}},
  value_field[] = {{"margin", offsetof(query_point, margin)},
                   {"entropy", offsetof(query_point, entropy)},
                   {"loss", offsetof(query_point, loss)},
                   {"probability", offsetof(query_point, probability)},
                   {"overlap", offsetof(query_point, overlap)}};

static limn_status fill_colour(const figure_source *src, figure_job *j, const query_point *p, size_t n) {
    limn_status status = LIMN_OK;
    limn_scatter *s = &j->spec.scatter;
    const char *name = s->colour->name;
    int *class_of;
    double *value;
    unsigned char *wrong;
    int most = -1;
    for (size_t f = 0; f < COUNT_OF(class_field); f++) {
        if (strcmp(name, class_field[f].colour) != 0) continue;
        TRY(figures_keep(j, &class_of, n, sizeof *class_of));
        for (size_t i = 0; i < n; i++) {
            memcpy(&class_of[i], (const char *)&p[i] + class_field[f].at, sizeof *class_of);
            if (class_of[i] > most) most = class_of[i];
        }
        s->class_of = class_of;
        s->n_classes = src->n_classes > 0 ? src->n_classes : (size_t)(most + 1);
        s->class_name = src->class_name;
    }
    for (size_t f = 0; f < COUNT_OF(value_field); f++) {
        if (strcmp(name, value_field[f].colour) != 0) continue;
        TRY(figures_keep(j, &value, n, sizeof *value));
        for (size_t i = 0; i < n; i++) memcpy(&value[i], (const char *)&p[i] + value_field[f].at, sizeof *value);
        s->value = value;
    }
    if (s->colour->kind == LIMN_COLOUR_CORRECT) {
        TRY(figures_keep(j, &wrong, n, 1));
        for (size_t i = 0; i < n; i++) wrong[i] = p[i].correct == 0;
        s->wrong = wrong;
    }
done:
    return status;
}

/* The points that the run put into the map behind the map's own; *own = the number of these. */
static limn_status add_placed(const figure_source *src, int64_t id, query_point **p, size_t *n, size_t *own) {
    limn_status status = LIMN_OK;
    query_point *placed = NULL, *all = NULL;
    size_t m = 0;
    int64_t into;
    *own = *n;
    TRY(query_placed(src->s, &into, src->run_id, id));
    if (into == 0) return LIMN_OK;
    TRY(query_points(src->s, &placed, &m, into));
    TRY(limn_new(&all, *n + m, sizeof *all));
    memcpy(all, *p, *n * sizeof *all);
    memcpy(all + *n, placed, m * sizeof *all);
    free(*p);
    *p = all;
    *n += m;
done:
    free(placed);
    return status;
}

static limn_status prepare_scatter(const figure_source *src, figure_job *j) {
    limn_status status = LIMN_OK;
    const experiment_plot *plot = j->plot;
    query_point *p = NULL;
    size_t n = 0, own = 0;
    int64_t id;
    float *xy;
    unsigned char *ringed = NULL;
    if (plot->sql) return figures_prepare_query(src, j);
    TRY(query_result(src->s, &id, STORE_EMBEDDING, src->run_id, plot->of));
    TRY(query_points(src->s, &p, &n, id));
    TRY(add_placed(src, id, &p, &n, &own));
    TRY(figures_keep(j, &xy, n, 2 * sizeof *xy));
    if (own < n) TRY(figures_keep(j, &ringed, n, 1));
    for (size_t i = own; i < n; i++) ringed[i] = 1;
    for (size_t i = 0; i < n; i++) {
        xy[2 * i] = (float)p[i].x;
        xy[2 * i + 1] = (float)p[i].y;
    }
    j->spec.scatter = (limn_scatter){.figure = figures_of(src, plot),
                                     .n = n,
                                     .xy = xy,
                                     .dims = 2,
                                     .ringed = ringed,
                                     .colour = limn_scatter_colour_find(plot->colour),
                                     .palette = plot->palette,
                                     .seed = src->e->seed};
    if (!j->spec.scatter.colour) FAIL(LIMN_EINPUT, "plot `%s`: no colour `%s`", plot->name, plot->colour);
    TRY(fill_colour(src, j, p, n));
done:
    free(p);
    return status;
}

/* ---- heatmaps and single pictures -------------------------------------------------------------------------------- */

static limn_status input_column(const figure_source *src, figure_job *j, const query_sample *q, size_t rows,
                                limn_heatmap_column *c) {
    limn_status status = LIMN_OK;
    float *data = NULL;
    void *png = NULL;
    size_t size = 0;
    limn_image im = {0};
    for (size_t i = 0; i < rows; i++) {
        free(png);
        png = NULL;
        limn_image_clear(&im);
        TRY(query_image(src->s, &png, &size, q[i].sample_id));
        if (!png)
            FAIL(LIMN_EINPUT, "plot `%s`: the database holds no pictures of the inputs (store_images was false)",
                 j->plot->name);
        TRY(limn_image_parse(&im, png, size, "a stored input"));
        size_t C = (size_t)im.channels, n = im.w * im.h;
        if (!data) {
            TRY(figures_keep(j, &data, rows, C * n * sizeof *data));
            *c = (limn_heatmap_column){
                .kind = LIMN_MAP_INPUT, .channels = C, .h = im.h, .w = im.w, .data = data, .hi = 255};
        }
        if (C != c->channels || im.h != c->h || im.w != c->w)
            FAIL(LIMN_EFAIL, "plot `%s`: stored inputs differ in size", j->plot->name);
        for (size_t k = 0; k < n; k++)
            for (size_t ch = 0; ch < C; ch++) data[(i * C + ch) * n + k] = im.pixels[k * C + ch];
    }
done:
    limn_image_clear(&im);
    free(png);
    return status;
}

static limn_status map_column(const figure_source *src, figure_job *j, const char *name, const query_sample *q,
                              size_t rows, limn_heatmap_column *c) {
    limn_status status = LIMN_OK;
    query_attribution a = {0};
    float *data, *map = NULL;
    size_t n = 0;
    int target;
    int64_t id;
    TRY(query_result(src->s, &id, STORE_ATTRIBUTION, src->run_id, name));
    TRY(query_attribution_get(src->s, &a, id));
    size_t hw = a.h * a.w;
    TRY(figures_keep(j, &data, rows, hw * sizeof *data));
    *c = (limn_heatmap_column){.kind = LIMN_MAP_AUTO, .channels = 1, .h = a.h, .w = a.w, .data = data};
    for (size_t i = 0; i < rows; i++) {
        free(map);
        map = NULL;
        TRY(query_map(src->s, &map, &n, &target, id, q[i].sample_id));
        for (size_t k = 0; k < hw; k++) data[i * hw + k] = map ? 0 : NAN; /* no map (no label): drawn as no value */
        for (size_t k = 0; map && k < n; k++) data[i * hw + k % hw] += map[k]; /* kept channels are summed */
    }
done:
    free(map);
    query_attribution_clear(&a);
    return status;
}

static limn_status column_of(const figure_source *src, figure_job *j, const char *name, const query_sample *q,
                             size_t rows, limn_heatmap_column *c) {
    limn_status s =
        strcmp(name, "input") == 0 ? input_column(src, j, q, rows, c) : map_column(src, j, name, q, rows, c);
    c->title = name;
    return s;
}

static limn_status class_text(const figure_source *src, figure_job *j, int c, const char **out) {
    if (c >= 0 && (size_t)c < src->n_classes && src->class_name && src->class_name[c]) {
        *out = src->class_name[c];
        return LIMN_OK;
    }
    char number[16];
    snprintf(number, sizeof number, "%d", c);
    return keep_text(j, out, "%a", c < 0 ? "?" : number, "");
}

static limn_status label_rows(const figure_source *src, figure_job *j, const query_sample *q, size_t rows) {
    limn_status status = LIMN_OK;
    const char **label, **note, *is, *said;
    unsigned char *wrong;
    int *group;
    char p[32];
    TRY(figures_keep(j, &label, rows, sizeof *label));
    TRY(figures_keep(j, &note, rows, sizeof *note));
    TRY(figures_keep(j, &wrong, rows, 1));
    TRY(figures_keep(j, &group, rows, sizeof *group));
    for (size_t i = 0; i < rows; i++) {
        TRY(class_text(src, j, q[i].prediction, &said));
        TRY(class_text(src, j, q[i].label, &is));
        TRY(keep_text(j, &label[i], q[i].label < 0 ? "%b" : "%a \u2192 %b", is, said));
        snprintf(p, sizeof p, "p = %.2f", q[i].probability);
        TRY(keep_text(j, &note[i], "%a", p, ""));
        wrong[i] = q[i].correct == 0;
        group[i] = q[i].label < 0 ? q[i].prediction : q[i].label;
    }
    j->spec.heatmaps.row_label = label;
    j->spec.heatmaps.row_note = note;
    j->spec.heatmaps.row_wrong = wrong;
    if (j->plot->select == SELECT_PER_CLASS) j->spec.heatmaps.row_group = group;
done:
    return status;
}

/* The samples that the entry's `sql` names, in its order. */
static limn_status queried_samples(const figure_source *src, figure_job *j, query_sample **out, size_t *rows) {
    limn_status status = LIMN_OK;
    int64_t *id = NULL;
    query_sample *one = NULL, *q = NULL;
    size_t n, found;
    TRY(figures_samples(src, j, &id, &n, j->plot->rows));
    TRY(limn_new(&q, n, sizeof *q));
    for (size_t i = 0; i < n; i++) {
        free(one);
        one = NULL;
        TRY(query_sample_of(src->s, &one, &found, src->model_id, id[i]));
        if (found == 0) FAIL(LIMN_EINPUT, "plot `%s`: there is no sample_id %lld", j->plot->name, (long long)id[i]);
        q[i] = *one;
    }
    *out = q;
    *rows = n;
    q = NULL;
done:
    free(q);
    free(one);
    free(id);
    return status;
}

static limn_status prepare_heatmaps(const figure_source *src, figure_job *j) {
    static const query_select how[] = {
        [SELECT_PER_CLASS] = QUERY_PER_CLASS, [SELECT_ERRORS] = QUERY_ERRORS, [SELECT_FIRST] = QUERY_FIRST};
    limn_status status = LIMN_OK;
    const experiment_plot *plot = j->plot;
    query_sample *q = NULL;
    size_t rows = 0;
    limn_heatmap_column *column;
    int normalise = limn_normalise_find(plot->normalise);
    if (plot->select == SELECT_QUERY)
        TRY(queried_samples(src, j, &q, &rows));
    else
        TRY(query_samples(src->s, &q, &rows, src->model_id, src->dataset_id, how[plot->select],
                          plot->select == SELECT_PER_CLASS ? plot->per_class : plot->rows));
    TRY(figures_keep(j, &column, plot->n_columns, sizeof *column));
    j->spec.heatmaps = (limn_heatmaps){.figure = figures_of(src, plot),
                                       .rows = rows,
                                       .columns = plot->n_columns,
                                       .column = column,
                                       .palette = plot->palette,
                                       .normalise = normalise < 0 ? LIMN_NORMALISE_IMAGE : (limn_normalise)normalise,
                                       .overlay = plot->overlay ? 0.5 : 0};
    for (size_t c = 0; rows > 0 && c < plot->n_columns; c++)
        TRY(column_of(src, j, plot->column[c], q, rows, &column[c]));
    TRY(label_rows(src, j, q, rows));
done:
    free(q);
    return status;
}

static limn_status prepare_picture(const figure_source *src, figure_job *j) {
    limn_status status = LIMN_OK;
    const experiment_plot *plot = j->plot;
    query_sample *q = NULL;
    size_t n = 0;
    TRY(query_samples(src->s, &q, &n, src->model_id, src->dataset_id, QUERY_FIRST, plot->sample + 1));
    if (n <= plot->sample) FAIL(LIMN_EINPUT, "plot `%s`: there is no sample %zu", plot->name, plot->sample);
    j->spec.picture = (limn_picture){.figure = figures_of(src, plot)};
    TRY(column_of(src, j, plot->column[0], q + plot->sample, 1, &j->spec.picture.map));
    if (strcmp(plot->palette, "auto") != 0) j->spec.picture.map.palette = plot->palette;
done:
    free(q);
    return status;
}

/* ---- kinds of figures -------------------------------------------------------------------------------------------- */

static limn_status draw_scatter(const figure_job *j) {
    return limn_plot_scatter(&j->spec.scatter);
}
static limn_status draw_heatmaps(const figure_job *j) {
    return limn_plot_heatmaps(&j->spec.heatmaps);
}
static limn_status draw_picture(const figure_job *j) {
    return limn_plot_picture(&j->spec.picture);
}
static limn_status draw_matrix(const figure_job *j) {
    return limn_plot_matrix(&j->spec.matrix);
}
static limn_status draw_bars(const figure_job *j) {
    return limn_plot_bars(&j->spec.bars);
}
static limn_status draw_lines(const figure_job *j) {
    return limn_plot_lines(&j->spec.lines);
}

static const struct {
    limn_status (*prepare)(const figure_source *, figure_job *);
    limn_status (*draw)(const figure_job *);
} kind[] = {[PLOT_SCATTER] = {prepare_scatter, draw_scatter}, [PLOT_HEATMAPS] = {prepare_heatmaps, draw_heatmaps},
            [PLOT_PICTURE] = {prepare_picture, draw_picture}, [PLOT_MATRIX] = {figures_prepare_chart, draw_matrix},
            [PLOT_BARS] = {figures_prepare_chart, draw_bars}, [PLOT_LINES] = {figures_prepare_chart, draw_lines}};

/* A grid of the errors of a network that makes none is no failure: there is nothing to draw. */
static int is_empty(const figure_job *j) {
    return j->plot->kind == PLOT_HEATMAPS && j->spec.heatmaps.rows == 0;
}

static void draw_task(void *ctx, size_t task, int worker) {
    figure_job *j = (figure_job *)ctx + task;
    (void)worker;
    if (is_empty(j)) return;
    j->status = kind[j->plot->kind].draw(j);
    if (j->status != LIMN_OK) snprintf(j->message, sizeof j->message, "%s", limn_message());
}

static limn_status make_folder(const char *path) {
    limn_status status = LIMN_OK;
    char *p = NULL;
    TRY(limn_strdup(&p, path));
    for (char *c = p + 1; *c; c++) {
        if (*c != '/') continue;
        *c = 0;
        if (mkdir(p, 0777) != 0 && errno != EEXIST)
            FAIL(LIMN_EFAIL, "%s: the folder cannot be made: %s", p, strerror(errno));
        *c = '/';
    }
    if (mkdir(p, 0777) != 0 && errno != EEXIST)
        FAIL(LIMN_EFAIL, "%s: the folder cannot be made: %s", p, strerror(errno));
done:
    free(p);
    return status;
}

static limn_status record(const figure_source *src, const figure_job *j, int keep_rows, size_t *figures) {
    limn_status status = LIMN_OK;
    char *file = NULL, *spec = NULL, hash[65];
    TRY(experiment_plot_json(&spec, j->plot));
    for (size_t f = 0; !is_empty(j) && f < j->plot->n_formats; f++) {
        limn_figure figure = figures_of(src, j->plot);
        free(file);
        file = NULL;
        TRY(limn_figure_path(&file, &figure, j->plot->format[f]));
        TRY(limn_sha256_file(file, hash));
        store_figure row = {
            .name = j->plot->name, .spec = spec, .format = j->plot->format[f], .file = file, .hash = hash};
        if (keep_rows) TRY(store_figure_put(src->s, src->run_id, &row));
        (*figures)++;
    }
done:
    free(file);
    free(spec);
    return status;
}

static limn_status source_open(figure_source *src, limn_store *s, const limn_experiment *e, int64_t run_id,
                               const char *folder, query_class **classes) {
    limn_status status = LIMN_OK;
    query_summary_row sum;
    size_t n = 0;
    *src = (figure_source){.s = s, .e = e, .folder = folder, .run_id = run_id};
    TRY(query_summary(s, &sum, run_id));
    src->model_id = sum.model_id;
    src->dataset_id = sum.dataset_id;
    TRY(query_classes(s, classes, &n, src->dataset_id));
    for (size_t i = 0; i < n; i++)
        if ((size_t)(*classes)[i].label + 1 > src->n_classes) src->n_classes = (size_t)(*classes)[i].label + 1;
    TRY(limn_new(&src->class_name, src->n_classes, sizeof *src->class_name));
    for (size_t i = 0; i < n; i++) src->class_name[(*classes)[i].label] = (*classes)[i].name;
    for (size_t i = 0; i < src->n_classes; i++)
        if (!src->class_name[i]) src->class_name[i] = "?";
done:
    return status;
}

limn_status figures_draw(limn_store *s, const limn_experiment *e, int64_t run_id, const char *folder, int threads,
                         int keep_rows, const limn_voice *v, size_t *figures) {
    limn_status status = LIMN_OK;
    figure_source src = {0};
    query_class *classes = NULL;
    figure_job *jobs = NULL;
    *figures = 0;
    TRY(limn_new(&jobs, e->n_plots, sizeof *jobs));
    if (e->n_plots == 0) goto done;
    TRY(source_open(&src, s, e, run_id, folder, &classes));
    TRY(make_folder(folder));
    for (size_t i = 0; i < e->n_plots; i++) {
        jobs[i].plot = &e->plot[i];
        TRY(kind[e->plot[i].kind].prepare(&src, &jobs[i]));
        if (is_empty(&jobs[i])) text_note(v, "plot `%s` is not drawn: it would show no sample", e->plot[i].name);
    }
    limn_parallel(threads, e->n_plots, draw_task, jobs);
    for (size_t i = 0; i < e->n_plots; i++)
        if (jobs[i].status != LIMN_OK) FAIL(jobs[i].status, "%s", jobs[i].message);
    if (keep_rows) TRY(store_begin(s));
    for (size_t i = 0; i < e->n_plots; i++) TRY(record(&src, &jobs[i], keep_rows, figures));
    if (keep_rows) TRY(store_commit(s));
done:
    if (status != LIMN_OK && keep_rows) store_rollback(s);
    for (size_t i = 0; jobs && i < e->n_plots; i++) job_clear(&jobs[i]);
    free(jobs);
    free(src.class_name);
    free(classes);
    return status;
}

limn_status figures_there(limn_store *s, int64_t run_id, const char *folder, int *there) {
    limn_status status = LIMN_OK;
    query_figure *f = NULL;
    size_t n = 0, len = strlen(folder);
    char hash[65];
    *there = 0;
    TRY(query_figures(s, &f, &n, run_id));
    for (size_t i = 0; i < n; i++) {
        if (strncmp(f[i].file, folder, len) != 0 || f[i].file[len] != '/' || access(f[i].file, R_OK) != 0) goto done;
        TRY(limn_sha256_file(f[i].file, hash));
        if (strcmp(hash, f[i].hash) != 0) goto done;
    }
    *there = 1;
done:
    free(f);
    return status;
}

limn_status stage_plot(limn_run_state *r) {
    limn_status status = LIMN_OK;
    if (r->exp->n_plots == 0) return LIMN_OK;
    TRY(run_stage_begin(r, "plot", r->exp->n_plots));
    TRY(figures_draw(r->store, r->exp, r->run_id, r->out, r->threads, 1, &r->voice, &r->figures));
    TRY(run_progress(r, r->exp->n_plots, NAN));
    TRY(run_stage_end(r, "finished"));
done:
    return status;
}
