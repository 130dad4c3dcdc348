/* limn_embed_file: vectors from a file to a map in a file, with figures of quality and a picture.
 *
 * 1. All that can be wrong with names, folders, options and labels is said before anything is computed (LIMN_EINPUT).
 * 2. limn_embed, limn_embed_quality; notes tell what came of it.
 * 3. The map is written under a temporary name and renamed; then the picture, if one is wanted. */
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
#include "limn.h"
#include "plots/scatter.h"
#include "text.h"

enum { QUALITY_ROOM = 32 };

typedef struct {
    const char *in, *out, *labels, *picture;
    const limn_embed_options *o;
    const limn_voice *v;
    float *X; /* (n, D) */
    size_t n, D;
    int *label; /* (n), or NULL */
    size_t classes;
    char *folder, *name; /* of the picture, without its ending */
    const char *ending;
    limn_embedding *map;
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
    if (!ends_with(j->out, ".npy") && !ends_with(j->out, ".csv"))
        FAIL(LIMN_EINPUT, "%s: a map is written as .npy or .csv; end its name so", j->out);
    TRY(writable_folder(&folder, j->out));
    if (stat(j->in, &a) == 0 && stat(j->out, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
        FAIL(LIMN_EINPUT, "%s: the map would overwrite the vectors it is made of", j->out);
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

static limn_status read_vectors(embed_job *j) {
    limn_status status = LIMN_OK;
    limn_array a = {0};
    if (ends_with(j->in, ".csv") || ends_with(j->in, ".csv.gz"))
        TRY(limn_csv_read(&a, j->in));
    else
        TRY(limn_array_read(&a, j->in));
    if (a.rank == 0 || a.count == 0) FAIL(LIMN_EINPUT, "%s: there are no vectors in it", j->in);
    j->n = a.dim[0];
    j->D = a.count / j->n;
    TRY(limn_array_floats(&j->X, &a));
done:
    limn_array_clear(&a);
    return status;
}

static limn_status read_labels(embed_job *j) {
    limn_status status = LIMN_OK;
    size_t n = 0;
    TRY(data_labels_read(&j->label, &n, j->labels));
    if (n != j->n) FAIL(LIMN_EINPUT, "%s: %zu labels, where %s has %zu vectors", j->labels, n, j->in, j->n);
    for (size_t i = 0; i < n; i++)
        if ((size_t)j->label[i] + 1 > j->classes) j->classes = (size_t)j->label[i] + 1;
done:
    return status;
}

/* ---- what came of it --------------------------------------------------------------------------------------------- */

static void say_map(const embed_job *j) {
    const limn_embedding *e = j->map;
    if (j->o->method == LIMN_EMBED_PCA) {
        double sum = 0;
        for (size_t a = 0; a < e->n_explained; a++) sum += e->explained[a];
        text_note(j->v, "%zu vectors of %zu dimensions: PCA explains %.1f %% of the variance; %.2f s", e->n, j->D,
                  100 * sum, e->seconds);
    } else {
        text_note(j->v, "%zu vectors of %zu dimensions: KL %.4f after %d iterations; %.2f s", e->n, j->D, e->kl,
                  j->o->iterations, e->seconds);
    }
    if (e->warning[0]) text_note(j->v, "%s", e->warning);
}

static limn_status say_quality(const embed_job *j) {
    limn_status status = LIMN_OK;
    limn_quality q[QUALITY_ROOM];
    size_t rows = 0;
    TRY(limn_embed_quality(q, QUALITY_ROOM, &rows, j->X, j->n, j->D, j->map->Y, j->map->dims, j->label, j->o->seed,
                           j->o->threads));
    for (size_t i = 0; i < rows; i++) {
        char k[32] = "", sample[64] = "";
        if (q[i].k > 0) snprintf(k, sizeof k, " (k = %d)", q[i].k);
        if (q[i].sample < j->n) snprintf(sample, sizeof sample, ", on %zu of %zu vectors", q[i].sample, j->n);
        text_note(j->v, "%s%s: %.4f%s", q[i].metric, k, q[i].value, sample);
    }
done:
    return status;
}

static limn_status write_map(const embed_job *j) {
    static const char *const axes[] = {"x", "y", "z"};
    size_t dim[2] = {j->n, (size_t)j->map->dims};
    if (ends_with(j->out, ".csv")) return limn_csv_write(j->out, axes, j->map->Y, dim[0], dim[1]);
    return limn_npy_write(j->out, j->map->Y, dim, 2);
}

static limn_status draw(const embed_job *j) {
    limn_scatter s = {.figure = figure_of(j),
                      .n = j->n,
                      .xy = j->map->Y,
                      .dims = j->map->dims,
                      .colour = limn_scatter_colour_find(j->label ? "label" : "none"),
                      .class_of = j->label,
                      .n_classes = j->classes,
                      .seed = j->o->seed};
    return limn_plot_scatter(&s);
}

limn_status limn_embed_file(const char *in, const char *out, const char *labels, const char *picture,
                            const limn_embed_options *o, const limn_voice *v) {
    limn_status status = LIMN_OK;
    embed_job j = {.in = in, .out = out, .labels = labels, .picture = picture, .o = o, .v = v};
    TRY(check_out(&j));
    if (picture) TRY(check_picture(&j));
    TRY(read_vectors(&j));
    TRY(limn_embed_check(o, j.n, j.D));
    if (labels) TRY(read_labels(&j));
    status = limn_embed(&j.map, j.X, j.n, j.D, o, v ? v->progress : NULL, v ? v->ctx : NULL);
    if (status == LIMN_EFAIL) status = limn_fail_at(status, "%s: ", in);
    TRY(status);
    TRY(write_map(&j));
    say_map(&j);
    TRY(say_quality(&j));
    if (picture) TRY(draw(&j));
done:
    limn_embedding_free(j.map);
    free(j.X);
    free(j.label);
    free(j.folder);
    free(j.name);
    return status;
}
