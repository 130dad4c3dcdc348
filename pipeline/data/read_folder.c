/* A folder of pictures as a data set. With folders in it, each is a class, in byte order of their names, and all pictures
 * in it and in its own folders belong to it, in the order of torchvision's ImageFolder and Keras's
 * flow_from_directory; without any there are no classes. Nothing whose name starts with a dot counts. A picture of a
 * format that is not read is refused: left out silently, it would be missed. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/pictures.h"

enum { MAX_DEPTH = 32 }; /* of folders in a class */

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

static int by_folder(const void *a, const void *b) {
    return data_by_folder(*(char *const *)a, *(char *const *)b);
}

/* Adds the folders and the pictures in `path`. */
static limn_status list(names *folders, names *pictures, const char *path) {
    limn_status status = LIMN_OK;
    char *full = NULL;
    DIR *dir = opendir(path);
    if (!dir) return limn_fail(LIMN_EINPUT, "%s: the folder cannot be read: %s", path, strerror(errno));
    for (;;) {
        struct stat st;
        errno = 0;
        struct dirent *e = readdir(dir);
        if (!e && errno) FAIL(LIMN_EFAIL, "%s: the folder cannot be read: %s", path, strerror(errno));
        if (!e) break;
        if (e->d_name[0] == '.') continue;
        TRY(limn_format(&full, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", e->d_name));
        int folder = stat(full, &st) == 0 && S_ISDIR(st.st_mode);
        if (!folder && data_foreign_name(e->d_name))
            FAIL(LIMN_EINPUT, "%s: a picture of a format that is not read: PNG, JPEG, PGM and PPM are", full);
        names *to = folder ? folders : data_picture_name(e->d_name) ? pictures : NULL;
        if (to) {
            TRY(limn_grow(&to->name, to->n, &to->room, sizeof *to->name));
            to->name[to->n++] = full;
        } else {
            free(full);
        }
        full = NULL;
    }
done:
    free(full);
    closedir(dir);
    return status;
}

/* A folder and those that it lies in. */
typedef struct place {
    dev_t dev;
    ino_t ino;
    const struct place *in;
    int depth;
} place;

/* All pictures below `path`. */
static limn_status walk(names *pictures, const char *path, const place *in) {
    limn_status status = LIMN_OK;
    names folders = {0};
    struct stat st;
    if (stat(path, &st) != 0) FAIL(LIMN_EINPUT, "%s: the folder cannot be read: %s", path, strerror(errno));
    const place here = {st.st_dev, st.st_ino, in, in ? in->depth + 1 : 0};
    for (const place *p = in; p; p = p->in)
        if (p->dev == here.dev && p->ino == here.ino)
            FAIL(LIMN_EINPUT, "%s: a link that leads to a folder which it lies in", path);
    if (here.depth == MAX_DEPTH)
        FAIL(LIMN_EINPUT, "%s: a class folder with more than %d folders in one another", path, MAX_DEPTH);
    TRY(list(&folders, pictures, path));
    for (size_t i = 0; i < folders.n; i++) TRY(walk(pictures, folders.name[i], &here));
done:
    names_clear(&folders);
    return status;
}

/* Moves pictures, sorted, into the source: those of one class, or of a flat folder (label -1). */
static limn_status append(data_source *s, names *pictures, int label, size_t room[2]) {
    if (pictures->n) qsort(pictures->name, pictures->n, sizeof *pictures->name, by_folder);
    for (size_t i = 0; i < pictures->n; i++) {
        char *path = pictures->name[i];
        pictures->name[i] = NULL;
        limn_status status = data_pictures_add(s, path, label, room);
        if (status != LIMN_OK) return status;
    }
    return LIMN_OK;
}

static limn_status append_classes(data_source *s, const names *folders, size_t room[2]) {
    limn_status status = LIMN_OK;
    names pictures = {0};
    TRY(limn_new(&s->class_name, folders->n, sizeof *s->class_name));
    s->n_classes = folders->n;
    for (size_t c = 0; c < folders->n; c++) {
        TRY(limn_strdup(&s->class_name[c], strrchr(folders->name[c], '/') + 1));
        TRY(walk(&pictures, folders->name[c], NULL));
        TRY(append(s, &pictures, (int)c, room));
        names_clear(&pictures);
    }
done:
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
    if (folders.n) qsort(folders.name, folders.n, sizeof *folders.name, by_bytes);
    if (folders.n && pictures.n)
        FAIL(LIMN_EINPUT, "%s: it holds both folders (%s: classes) and pictures (%s), where one of the two is needed",
             path, folders.name[0], pictures.name[0]);
    if (folders.n)
        TRY(append_classes(s, &folders, room));
    else
        TRY(append(s, &pictures, -1, room));
    if (s->count == 0) FAIL(LIMN_EINPUT, "%s: there is no " PICTURE_ENDINGS " file in this folder", path);
    TRY(reader_begin_pictures(s, o, folders.n ? "folders of " : "folder of "));
done:
    names_clear(&folders);
    names_clear(&pictures);
    return status;
}
