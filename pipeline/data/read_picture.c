/* Picture files as a data set: one or several files, or a folder of them, decoded when they are asked for.
 *
 * All must have the size of the first. A folder with folders in it has one class a folder, in byte order of their
 * names; a folder without any has no classes. In a folder only files that end in .png, .jpg or .jpeg count, and nothing
 * whose name starts with a dot. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/image.h"
#include "data/reader.h"

limn_status reader_read_picture(const data_source *s, size_t i, float *x) {
    limn_status status = LIMN_OK;
    limn_image m = {0};
    float *planes = NULL;
    size_t plane = s->H * s->W, c, p;
    TRY(limn_image_read(&m, s->path[i]));
    if (m.w != s->W || m.h != s->H)
        FAIL(LIMN_EINPUT,
             "%s: it is %zu x %zu pixels (width x height), where %s is %zu x %zu: all pictures must have one size",
             s->path[i], m.w, m.h, s->path[0], s->W, s->H);
    size_t from = (size_t)m.channels;
    TRY(limn_new(&planes, from * plane, sizeof *planes));
    for (c = 0; c < from; c++) {
        for (p = 0; p < plane; p++) planes[c * plane + p] = m.pixels[p * from + c];
    }
    data_convert(x, s->C, planes, from, plane, 1);
done:
    free(planes);
    limn_image_clear(&m);
    return status;
}

limn_status reader_begin_pictures(data_source *s, const limn_data_options *o, const char *format) {
    limn_status status = LIMN_OK;
    limn_image m = {0};
    TRY(limn_image_read(&m, s->path[0]));
    s->W = m.w;
    s->H = m.h;
    s->bytes = 1;
    if (o->channels != 0 && o->channels != 1 && o->channels != 3)
        FAIL(LIMN_EINPUT, "%s: a picture becomes gray (1 channel) or RGB (3), but %d are wanted", s->path[0],
             o->channels);
    s->C = o->channels ? (size_t)o->channels : (size_t)m.channels;
    snprintf(s->format, sizeof s->format, "%s%s", format, m.format);
done:
    limn_image_clear(&m);
    return status;
}

limn_status reader_open_pictures(data_source *s, const limn_data_options *o) {
    limn_status status = LIMN_OK;
    TRY(limn_new(&s->path, o->n_images, sizeof *s->path));
    s->count = o->n_images;
    for (size_t i = 0; i < s->count; i++) TRY(limn_strdup(&s->path[i], o->images[i]));
    TRY(reader_begin_pictures(s, o, ""));
done:
    return status;
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */
typedef struct {
    char **name; /* full paths */
    size_t n, room;
} names;

static void names_clear(names *l) {
    for (size_t i = 0; i < l->n; i++) free(l->name[i]);
    free(l->name);
    *l = (names){0};
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int is_picture_name(const char *name) {
    static const char *const endings[] = {".png", ".jpg", ".jpeg"};
    size_t n = strlen(name);
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        size_t e = strlen(endings[i]);
        if (n > e && strcasecmp(name + n - e, endings[i]) == 0) return 1;
    }
    return 0;
}

/* Folders and pictures in `path`, sorted. */
static limn_status list(names *folders, names *pictures, const char *path) {
    limn_status status = LIMN_OK;
    DIR *dir = opendir(path);
    if (!dir) return limn_fail(LIMN_EINPUT, "%s: the folder cannot be read: %s", path, strerror(errno));
    for (;;) {
        errno = 0;
        struct dirent *e = readdir(dir);
        if (!e && errno) FAIL(LIMN_EFAIL, "%s: the folder cannot be read: %s", path, strerror(errno));
        if (!e) break;
        if (e->d_name[0] == '.') continue;
        char *full = NULL;
        struct stat st;
        TRY(limn_format(&full, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", e->d_name));
        int known = stat(full, &st) == 0, folder = known && S_ISDIR(st.st_mode);
        names *to = folder ? folders : is_picture_name(e->d_name) ? pictures : NULL;
        if (to && limn_grow(&to->name, to->n, &to->room, sizeof *to->name) != LIMN_OK) status = LIMN_ENOMEM;
        if (to && status == LIMN_OK)
            to->name[to->n++] = full;
        else
            free(full);
        if (status != LIMN_OK) goto done;
    }
    if (folders->n) qsort(folders->name, folders->n, sizeof *folders->name, by_bytes);
    if (pictures->n) qsort(pictures->name, pictures->n, sizeof *pictures->name, by_bytes);
done:
    closedir(dir);
    return status;
}

/* Moves pictures into the source: those of one class, or of a flat folder (label -1). */
static limn_status append(data_source *s, names *pictures, int label, size_t room[2]) {
    for (size_t i = 0; i < pictures->n; i++) {
        limn_status status = limn_grow(&s->path, s->count, &room[0], sizeof *s->path);
        if (status == LIMN_OK && label >= 0) status = limn_grow(&s->label, s->count, &room[1], sizeof *s->label);
        if (status != LIMN_OK) return status;
        if (label >= 0) s->label[s->count] = label;
        s->path[s->count++] = pictures->name[i];
        pictures->name[i] = NULL;
    }
    return LIMN_OK;
}

static limn_status append_classes(data_source *s, const names *folders, size_t room[2]) {
    limn_status status = LIMN_OK;
    names inner = {0}, pictures = {0};
    TRY(limn_new(&s->class_name, folders->n, sizeof *s->class_name));
    s->n_classes = folders->n;
    for (size_t c = 0; c < folders->n; c++) {
        TRY(limn_strdup(&s->class_name[c], strrchr(folders->name[c], '/') + 1));
        TRY(list(&inner, &pictures, folders->name[c]));
        if (inner.n) FAIL(LIMN_EINPUT, "%s: a folder inside a class folder, where only pictures can be", inner.name[0]);
        TRY(append(s, &pictures, (int)c, room));
        names_clear(&pictures);
    }
done:
    names_clear(&inner);
    names_clear(&pictures);
    return status;
}

limn_status reader_open_folder(data_source *s, const limn_data_options *o) {
    limn_status status = LIMN_OK;
    names folders = {0}, pictures = {0};
    const char *path = o->images[0];
    size_t room[2] = {0};
    if (o->n_images > 1)
        FAIL(LIMN_EINPUT, "%s: one folder makes a data set; of several paths each must be a picture", path);
    TRY(list(&folders, &pictures, path));
    if (folders.n && pictures.n)
        FAIL(LIMN_EINPUT, "%s: it holds both folders (%s: classes) and pictures (%s), where one of the two is needed",
             path, folders.name[0], pictures.name[0]);
    if (folders.n)
        TRY(append_classes(s, &folders, room));
    else
        TRY(append(s, &pictures, -1, room));
    if (s->count == 0) FAIL(LIMN_EINPUT, "%s: there is no .png, .jpg or .jpeg file in this folder", path);
    TRY(reader_begin_pictures(s, o, folders.n ? "folders of " : "folder of "));
done:
    names_clear(&folders);
    names_clear(&pictures);
    return status;
}
