/* limn_embed_file: vectors from a file or a database to a map in one, with figures of quality and a picture.
 *
 * 1. All that can be wrong with names, folders, options and labels is said before anything is computed (LIMN_EINPUT).
 * 2. limn_embed, or limn_transform where the vectors go into a finished map; limn_embed_quality; notes tell what came
 *    of it.
 * 3. The map (of several seeds all of them, and how far they agree) is written under a temporary name and renamed, or in
 *    one transaction into a database (embed_store.c); then the picture, if one is wanted. */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/array.h"
#include "data/csv.h"
#include "data/reader.h"
#include "embed_store.h"
#include "limn.h"
#include "plots/scatter.h"
#include "text.h"

enum { QUALITY_ROOM = 32, MOST_SEEDS = 32 };

typedef struct {
    const limn_embed_call *c;
    const uint64_t *seed; /* (maps) */
    size_t maps;
    limn_embedding **several;  /* (maps) */
    limn_map_agreement *agree; /* (pairs), or NULL */
    float *share;              /* (pairs, n) */

    const char *in, *out, *labels, *picture;
    limn_embed_options o;
    const limn_voice *v;
    float *X; /* (n, D) */
    size_t n, D;
    float *start;    /* (n, dims), or NULL */
    float *base;     /* (n_base, D): the reference of a transform, or NULL */
    float *base_map; /* (n_base, dims) */
    float *placed;   /* (n, dims): the new points */
    size_t n_base;
    int *label; /* (n), or NULL */
    size_t classes;
    char *folder, *name; /* of the picture, without its ending */
    const char *ending;
} embed_job;

static int ends_with(const char *s, const char *ending) {
    size_t n = strlen(s), m = strlen(ending);
    return n > m && strcmp(s + n - m, ending) == 0;
}

/* ---- before anything is computed --------------------------------------------------------------------------------- */

/* The folder of `path` exists and can be written; *out = its name. */
static limn_status writable_folder(char **out, const char *path) {
    limn_status status = LIMN_OK;
    const char *slash = strrchr(path, '/');
    struct stat st;
    TRY(limn_strdup(out, slash ? path : "."));
    if (slash) (*out)[slash == path ? 1 : slash - path] = 0;
    if (stat(*out, &st) != 0) FAIL(LIMN_EINPUT, "%s: its folder cannot be used: %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode)) FAIL(LIMN_EINPUT, "%s: %s is not a folder", path, *out);
    if (access(*out, W_OK | X_OK) != 0)
        FAIL(LIMN_EINPUT, "%s: its folder cannot be written: %s", path, strerror(errno));
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) FAIL(LIMN_EINPUT, "%s: is there and is not a file", path);
done:
    return status;
}

static limn_status check_out(const embed_job *j) {
    limn_status status = LIMN_OK;
    char *folder = NULL;
    struct stat a, b;
    if (embed_store_out(j->out)) {
        if (j->c->into) FAIL(LIMN_EINPUT, "%s: points put into a map are written as .npy or .csv", j->out);
        return embed_store_check(j->in, j->out);
    }
    if (!ends_with(j->out, ".npy") && !ends_with(j->out, ".csv"))
        FAIL(LIMN_EINPUT, "%s: a map is written as .npy or .csv, or into FILE.db:NAME; end its name so", j->out);
    TRY(writable_folder(&folder, j->out));
    if (stat(j->in, &a) == 0 && stat(j->out, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
        FAIL(LIMN_EINPUT, "%s: the map would overwrite the vectors it is made of", j->out);
done:
    free(folder);
    return status;
}

static limn_status check_seeds(const embed_job *j) {
    limn_status status = LIMN_OK;
    char *folder = NULL;
    if (j->maps > MOST_SEEDS) FAIL(LIMN_EINPUT, "%zu seeds are too many: at most %d", j->maps, MOST_SEEDS);
    for (size_t a = 0; a < j->maps; a++)
        for (size_t b = 0; b < a; b++)
            if (j->seed[a] == j->seed[b])
                FAIL(LIMN_EINPUT, "the seed %llu is given twice", (unsigned long long)j->seed[a]);
    if (j->maps > 1 && (j->c->into || j->c->start || j->o.method != LIMN_EMBED_TSNE))
        FAIL(LIMN_EINPUT, "several seeds are for t-SNE from starts of its own");
    if (!j->c->overlap) goto done;
    if (j->maps < 2) FAIL(LIMN_EINPUT, "%s: several seeds are needed to say how far maps agree", j->c->overlap);
    if (!ends_with(j->c->overlap, ".npy") && !ends_with(j->c->overlap, ".csv"))
        FAIL(LIMN_EINPUT, "%s: shares are written as .npy or .csv; end its name so", j->c->overlap);
    TRY(writable_folder(&folder, j->c->overlap));
done:
    free(folder);
    return status;
}

static limn_figure figure_of(const embed_job *j) {
    return (limn_figure){
        .folder = j->folder, .name = j->name, .formats = &j->ending, .n_formats = 1, .discard_script = 1};
}

static limn_status check_picture(embed_job *j) {
    limn_status status = LIMN_OK;
    const char *slash = strrchr(j->picture, '/'), *base = slash ? slash + 1 : j->picture, *dot = strrchr(base, '.');
    for (const limn_plot_word *f = limn_plot_formats; dot && f->name; f++)
        if (strcmp(dot + 1, f->name) == 0) j->ending = f->name;
    if (!j->ending)
        FAIL(LIMN_EINPUT, "%s: a picture is written as .png, .jpg, .svg or .pdf; end its name so", j->picture);
    TRY(writable_folder(&j->folder, j->picture));
    TRY(limn_strdup(&j->name, base));
    j->name[dot - base] = 0;
    limn_figure figure = figure_of(j);
    TRY(limn_figure_check(&figure));
done:
    return status;
}

/* *out (n, D) = the rows of a file. */
static limn_status read_rows(float **out, size_t *n, size_t *D, const char *path, const char *what) {
    limn_status status = LIMN_OK;
    limn_array a = {0};
    if (ends_with(path, ".csv") || ends_with(path, ".csv.gz"))
        TRY(limn_csv_read(&a, path));
    else
        TRY(limn_array_read(&a, path));
    if (a.rank == 0 || a.count == 0) FAIL(LIMN_EINPUT, "%s: there are no %s in it", path, what);
    *n = a.dim[0];
    *D = a.count / *n;
    if (a.dtype == LIMN_F32) { /* as it lies: no second copy of what may be most of the memory */
        *out = a.data;
        a.data = NULL;
    } else {
        TRY(limn_array_floats(out, &a));
    }
done:
    limn_array_clear(&a);
    return status;
}

/* The vectors; a layer brings its labels along. */
static limn_status read_vectors(embed_job *j, float **out, size_t *n, size_t *D, const char *path, int keep_labels) {
    limn_status status = LIMN_OK;
    int *label = NULL;
    if (!embed_store_named(path)) return read_rows(out, n, D, path, "vectors");
    TRY(embed_store_layer(out, &label, n, D, path, j->c->layer));
    if (keep_labels) {
        j->label = label;
        label = NULL;
        for (size_t i = 0; i < *n; i++)
            if (j->label[i] >= 0 && (size_t)j->label[i] + 1 > j->classes) j->classes = (size_t)j->label[i] + 1;
    }
done:
    free(label);
    return status;
}

static limn_status read_points(float **out, size_t *n, size_t *dims, const char *path) {
    if (embed_store_named(path)) return embed_store_map(out, n, dims, path);
    return read_rows(out, n, dims, path, "points");
}

/* The start of the descent, and the map that new points go into. */
static limn_status read_maps(embed_job *j) {
    limn_status status = LIMN_OK;
    size_t n = 0, D = 0;
    if (j->c->start) {
        TRY(read_points(&j->start, &n, &D, j->c->start));
        if (n != j->n || D != (size_t)j->o.dims)
            FAIL(LIMN_EINPUT, "%s: a start of %zu x %zu, where a map of %zu x %d is to be made", j->c->start, n, D,
                 j->n, j->o.dims);
        j->o.init = LIMN_INIT_GIVEN;
        j->o.start = j->start;
    }
    if (j->c->into) {
        TRY(read_vectors(j, &j->base, &j->n_base, &D, j->c->reference, 0));
        if (D != j->D)
            FAIL(LIMN_EINPUT, "%s: vectors of %zu dimensions, but %s has %zu", j->in, j->D, j->c->reference, D);
        TRY(read_points(&j->base_map, &n, &D, j->c->into));
        if (n != j->n_base || D < 1 || D > 3)
            FAIL(LIMN_EINPUT, "%s: %zu points of %zu dimensions are no map of the %zu vectors of %s", j->c->into, n, D,
                 j->n_base, j->c->reference);
        j->o.dims = (int)D;
    }
done:
    return status;
}

static limn_status read_labels(embed_job *j) {
    limn_status status = LIMN_OK;
    data_labels l = {0};
    TRY(data_labels_read(&l, j->labels, LIMN_BASE_AUTO));
    size_t n = l.n;
    j->label = l.label;
    l.label = NULL;
    if (n != j->n) FAIL(LIMN_EINPUT, "%s: %zu labels, where %s has %zu vectors", j->labels, n, j->in, j->n);
    for (size_t i = 0; i < n; i++)
        if ((size_t)j->label[i] + 1 > j->classes) j->classes = (size_t)j->label[i] + 1;
done:
    data_labels_clear(&l);
    return status;
}

/* ---- what came of it --------------------------------------------------------------------------------------------- */

static void say_map(const embed_job *j, const limn_embedding *e) {
    if (j->o.method == LIMN_EMBED_PCA) {
        double sum = 0;
        for (size_t a = 0; a < e->n_explained; a++) sum += e->explained[a];
        text_note(j->v, "%zu vectors of %zu dimensions: PCA explains %.1f %% of the variance; %.2f s", e->n, j->D,
                  100 * sum, e->seconds);
    } else {
        text_note(j->v, "%zu vectors of %zu dimensions: KL %.4f after %d iterations; %.2f s", e->n, j->D, e->kl,
                  e->iterations, e->seconds);
    }
    if (e->recall > 0 && e->recall < 1)
        text_note(j->v, "neighbours: %.1f %% of the true ones were found, by 1000 vectors", 100 * e->recall);
    if (e->warning[0]) text_note(j->v, "%s", e->warning);
}

static limn_status say_quality(const embed_job *j, const float *Y) {
    limn_status status = LIMN_OK;
    limn_quality q[QUALITY_ROOM];
    size_t rows = 0;
    TRY(limn_embed_quality(q, QUALITY_ROOM, &rows, j->X, j->n, j->D, Y, j->o.dims, j->label, j->o.seed, j->o.threads));
    for (size_t i = 0; i < rows; i++) {
        char k[32] = "", sample[64] = "";
        if (q[i].k > 0) snprintf(k, sizeof k, " (k = %d)", q[i].k);
        if (q[i].sample < j->n) snprintf(sample, sizeof sample, ", on %zu of %zu vectors", q[i].sample, j->n);
        text_note(j->v, "%s%s: %.4f%s", q[i].metric, k, q[i].value, sample);
    }
done:
    return status;
}

static limn_status write_map(const embed_job *j, const char *path, const float *Y) {
    static const char *const axes[] = {"x", "y", "z"};
    size_t dim[2] = {j->n, (size_t)j->o.dims};
    if (ends_with(path, ".csv")) return limn_csv_write(path, axes, Y, dim[0], dim[1]);
    return limn_npy_write(path, Y, dim, 2);
}

static limn_status draw(const embed_job *j, const float *Y) {
    limn_scatter s = {.figure = figure_of(j),
                      .n = j->n,
                      .xy = Y,
                      .dims = j->o.dims,
                      .colour = limn_scatter_colour_find(j->label ? "label" : "none"),
                      .class_of = j->label,
                      .n_classes = j->classes,
                      .seed = j->o.seed};
    return limn_plot_scatter(&s);
}

/* ---- snapshots ----------------------------------------------------------------------------------------------------- */

typedef struct {
    const embed_job *j;
    float *Y;           /* (n, dims) */
    limn_status status; /* of the first that could not be written */
} snapshots;

/* The map of one iteration as DIR/000050.npy. */
static int write_snapshot(void *ctx, int iteration, const double *Y, size_t n, int dims) {
    snapshots *s = ctx;
    char *path = NULL;
    for (size_t i = 0; i < n * (size_t)dims; i++) s->Y[i] = (float)Y[i];
    s->status = limn_format(&path, "%s/%06d.npy", s->j->c->snapshots, iteration);
    if (s->status == LIMN_OK) s->status = write_map(s->j, path, s->Y);
    free(path);
    return s->status != LIMN_OK;
}

static limn_status prepare_snapshots(embed_job *j, snapshots *s) {
    limn_status status = LIMN_OK;
    if (!j->c->snapshots) return LIMN_OK;
    if (mkdir(j->c->snapshots, 0777) != 0 && errno != EEXIST)
        FAIL(LIMN_EINPUT, "%s: the folder of snapshots cannot be made: %s", j->c->snapshots, strerror(errno));
    TRY(limn_new(&s->Y, j->n, (size_t)j->o.dims * sizeof *s->Y));
    s->j = j;
    j->o.snapshot = write_snapshot;
    j->o.snapshot_ctx = s;
done:
    return status;
}

/* ---- all of it ----------------------------------------------------------------------------------------------------- */

static limn_status make_maps(embed_job *j) {
    limn_status status = LIMN_OK;
    limn_progress_fn progress = j->v ? j->v->progress : NULL;
    void *ctx = j->v ? j->v->ctx : NULL;
    TRY(limn_new(&j->several, j->maps, sizeof *j->several));
    if (j->maps == 1) return limn_embed(&j->several[0], j->X, j->n, j->D, &j->o, progress, ctx);
    TRY(limn_embed_seeds(j->several, j->seed, j->maps, j->X, j->n, j->D, &j->o, progress, ctx));
done:
    return status;
}

/* How far the maps of several seeds agree. */
static limn_status compare_maps(embed_job *j) {
    limn_status status = LIMN_OK;
    const float *Y[MOST_SEEDS];
    int dims[MOST_SEEDS];
    size_t pairs = j->maps * (j->maps - 1) / 2, least = 0;
    double sum = 0, turned = 0;
    if (pairs == 0) return LIMN_OK;
    for (size_t m = 0; m < j->maps; m++) {
        Y[m] = j->several[m]->Y;
        dims[m] = j->o.dims;
    }
    TRY(limn_new(&j->agree, pairs, sizeof *j->agree));
    TRY(limn_new(&j->share, pairs, j->n * sizeof *j->share));
    TRY(limn_maps_agree(j->agree, j->share, Y, dims, j->maps, j->n, 1, j->o.threads));
    for (size_t p = 0; p < pairs; p++) {
        sum += j->agree[p].overlap;
        turned += j->agree[p].procrustes;
        if (j->agree[p].overlap < j->agree[least].overlap) least = p;
    }
    text_note(j->v, "%zu maps share %.1f %% of a vector's %d neighbours (least %.1f %%); Procrustes %.3f", j->maps,
              100 * sum / (double)pairs, j->agree[0].k, 100 * j->agree[least].overlap, turned / (double)pairs);
done:
    return status;
}

/* Each vector's share of neighbours, mean over the pairs. */
static limn_status write_overlap(const embed_job *j) {
    limn_status status = LIMN_OK;
    static const char *const axis[] = {"overlap"};
    size_t pairs = j->maps * (j->maps - 1) / 2, dim[1] = {j->n};
    float *mean = NULL;
    TRY(limn_new(&mean, j->n, sizeof *mean));
    for (size_t i = 0; i < j->n; i++) {
        double sum = 0;
        for (size_t p = 0; p < pairs; p++) sum += (double)j->share[p * j->n + i];
        mean[i] = (float)(sum / (double)pairs);
    }
    if (ends_with(j->c->overlap, ".csv"))
        TRY(limn_csv_write(j->c->overlap, axis, mean, j->n, 1));
    else
        TRY(limn_npy_write(j->c->overlap, mean, dim, 1));
done:
    free(mean);
    return status;
}

/* OUT, and OUT with ".SEED" before its ending for the further maps. */
static limn_status write_maps(const embed_job *j) {
    limn_status status = LIMN_OK;
    char *path = NULL;
    size_t stem = strlen(j->out) - 4;
    for (size_t m = 0; m < j->maps; m++) {
        free(path);
        path = NULL;
        if (m == 0)
            TRY(limn_strdup(&path, j->out));
        else
            TRY(limn_format(&path, "%.*s.%llu%s", (int)stem, j->out, (unsigned long long)j->seed[m], j->out + stem));
        TRY(write_map(j, path, j->several[m]->Y));
    }
done:
    free(path);
    return status;
}

static limn_status store_maps(const embed_job *j) {
    embed_stored e = {.in = j->in,
                      .layer = j->c->layer,
                      .out = j->out,
                      .X = j->X,
                      .label = j->label,
                      .n = j->n,
                      .D = j->D,
                      .preset = j->c->preset,
                      .o = &j->o,
                      .start = j->start,
                      .seed = j->seed,
                      .map = j->several,
                      .maps = j->maps,
                      .agree = j->agree,
                      .share = j->share};
    return embed_store_write(&e, j->v);
}

static limn_status embed(embed_job *j) {
    limn_status status = LIMN_OK;
    snapshots s = {0};
    TRY(prepare_snapshots(j, &s));
    status = make_maps(j);
    if (status == LIMN_EINTERRUPTED && s.status != LIMN_OK) status = s.status;
    if (status == LIMN_EFAIL && s.status == LIMN_OK) status = limn_fail_at(status, "%s: ", j->in);
    TRY(status);
    for (size_t m = 0; m < j->maps; m++) say_map(j, j->several[m]);
    TRY(compare_maps(j));
    TRY(embed_store_out(j->out) ? store_maps(j) : write_maps(j));
    if (j->c->overlap) TRY(write_overlap(j));
    if (j->o.checkpoint) unlink(j->o.checkpoint);
    TRY(say_quality(j, j->several[0]->Y));
    if (j->picture) TRY(draw(j, j->several[0]->Y));
done:
    free(s.Y);
    return status;
}

static limn_status transform(embed_job *j) {
    limn_status status = LIMN_OK;
    limn_transform_options t;
    limn_transform_defaults(&t);
    t.alpha = j->o.alpha;
    t.pca = j->o.pca;
    t.threads = j->o.threads;
    TRY(limn_new(&j->placed, j->n, (size_t)j->o.dims * sizeof *j->placed));
    TRY(limn_transform(j->placed, j->X, j->n, j->base, j->n_base, j->D, j->base_map, j->o.dims, &t,
                       j->v ? j->v->progress : NULL, j->v ? j->v->ctx : NULL));
    TRY(write_map(j, j->out, j->placed));
    text_note(j->v, "%zu vectors of %zu dimensions, put into a map of %zu", j->n, j->D, j->n_base);
    TRY(say_quality(j, j->placed));
    if (j->picture) TRY(draw(j, j->placed));
done:
    return status;
}

limn_status limn_embed_file(const limn_embed_call *c, const limn_voice *v) {
    limn_status status = LIMN_OK;
    embed_job j = {.c = c, .in = c->in, .out = c->out, .labels = c->labels, .picture = c->picture, .o = *c->options};
    j.v = v;
    j.seed = c->seeds > 0 ? c->seed : &j.o.seed;
    j.maps = c->seeds > 0 ? c->seeds : 1;
    TRY(check_seeds(&j));
    if (!c->into != !c->reference)
        FAIL(LIMN_EINPUT, "a map to add points to needs the vectors it was made of: `into` goes with `reference`");
    TRY(check_out(&j));
    if (c->picture) TRY(check_picture(&j));
    TRY(read_vectors(&j, &j.X, &j.n, &j.D, j.in, !c->labels));
    TRY(read_maps(&j));
    if (!c->into) TRY(limn_embed_check(&j.o, j.n, j.D));
    if (c->labels) TRY(read_labels(&j));
    TRY(c->into ? transform(&j) : embed(&j));
done:
    for (size_t m = 0; j.several && m < j.maps; m++) limn_embedding_free(j.several[m]);
    free(j.several);
    free(j.agree);
    free(j.share);
    free(j.X);
    free(j.start);
    free(j.base);
    free(j.base_map);
    free(j.placed);
    free(j.label);
    free(j.folder);
    free(j.name);
    return status;
}
