/* A tar of pictures as a data set. The folders that all its pictures share are left out; then the first folder of a
 * picture is its class, in byte order; without folders there are no classes. Order as in a folder. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/pictures.h"
#include "data/tar.h"

int reader_is_tar(const data_probe *p) {
    return !p->folder && limn_tar_begins(p->head, p->n);
}

typedef struct {
    limn_tar *tar;
    size_t *entry; /* (count) of an item */
} tar_state;

/* A name that is no picture of ours must not be left out silently where it is a picture. */
static int wanted(const char *name) {
    return data_picture_name(name) || data_foreign_name(name);
}

/* Length of the folders, with their last slash, that all names begin with. */
static size_t shared(const limn_tar_entry *e, size_t n) {
    const char *slash = strrchr(e[0].name, '/');
    size_t length = slash ? (size_t)(slash - e[0].name) + 1 : 0;
    for (size_t i = 1; i < n; i++) {
        size_t k = 0, last = 0;
        for (; k < length && e[i].name[k] == e[0].name[k]; k++)
            if (e[0].name[k] == '/') last = k + 1;
        length = last;
    }
    return length;
}

/* Length of the class in a name, 0: none. */
static size_t class_of(const char *name) {
    const char *slash = strchr(name, '/');
    return slash ? (size_t)(slash - name) : 0;
}

typedef struct {
    const char *name; /* without what all share */
    size_t entry;
} item;

/* By class, then as in a folder. */
static int by_class(const void *a, const void *b) {
    const char *x = ((const item *)a)->name, *y = ((const item *)b)->name;
    size_t n = class_of(x), m = class_of(y);
    int order = memcmp(x, y, n < m ? n : m);
    if (order == 0 && n != m) order = n < m ? -1 : 1;
    return order ? order : data_by_folder(x, y);
}

static limn_status classes(data_source *s, const item *it, size_t n, int *label) {
    limn_status status = LIMN_OK;
    size_t room = 0;
    for (size_t i = 0; i < n; i++) {
        size_t length = class_of(it[i].name);
        if (i == 0 || length != class_of(it[i - 1].name) || memcmp(it[i].name, it[i - 1].name, length) != 0) {
            TRY(limn_grow(&s->class_name, s->n_classes, &room, sizeof *s->class_name));
            TRY(limn_format(&s->class_name[s->n_classes], "%.*s", (int)length, it[i].name));
            s->n_classes++;
        }
        label[i] = (int)s->n_classes - 1;
    }
done:
    return status;
}

static limn_status arrange(data_source *s, tar_state *st, const limn_tar_entry *e, size_t n, const char *path) {
    limn_status status = LIMN_OK;
    item *it = NULL;
    int *label = NULL;
    size_t room[2] = {0}, skip = shared(e, n), with = 0;
    TRY(limn_new(&it, n, sizeof *it));
    TRY(limn_new(&label, n, sizeof *label));
    TRY(limn_new(&st->entry, n, sizeof *st->entry));
    for (size_t i = 0; i < n; i++) {
        if (data_foreign_name(e[i].name))
            FAIL(LIMN_EINPUT, "%s:%s: a picture of a format that is not read: PNG, JPEG, PGM and PPM are", path,
                 e[i].name);
        it[i] = (item){e[i].name + skip, i};
        with += class_of(it[i].name) > 0;
    }
    qsort(it, n, sizeof *it, by_class);
    if (with > 0 && with < n)
        FAIL(LIMN_EINPUT, "%s: some pictures are in folders (%s: classes) and some are not (%s)", path, it[n - 1].name,
             it[0].name);
    if (with > 0) TRY(classes(s, it, n, label));
    for (size_t i = 0; i < n; i++) {
        char *name = NULL;
        st->entry[i] = it[i].entry;
        TRY(limn_format(&name, "%s:%s", path, e[it[i].entry].name));
        TRY(data_pictures_add(s, name, with > 0 ? label[i] : -1, room));
    }
done:
    free(it);
    free(label);
    return status;
}

limn_status reader_open_tar(data_source *s, const limn_data_options *o) {
    limn_status status = LIMN_OK;
    tar_state *st = NULL;
    const char *path = o->images[0];
    size_t n;
    if (o->n_images > 1)
        FAIL(LIMN_EINPUT, "%s: one tar archive makes a data set; of several paths each must be a picture", path);
    TRY(limn_new(&st, 1, sizeof *st));
    s->state = st;
    TRY(limn_tar_open(&st->tar, path, wanted));
    const limn_tar_entry *e = limn_tar_entries(st->tar, &n);
    if (n == 0) FAIL(LIMN_EINPUT, "%s: there is no " PICTURE_ENDINGS " file in this archive", path);
    TRY(arrange(s, st, e, n, path));
    TRY(reader_begin_pictures(s, o, limn_tar_gzip(st->tar) ? "tar (gzip) of " : "tar of "));
done:
    return status;
}

limn_status reader_read_tar(const data_source *s, size_t i, limn_image *m) {
    const tar_state *st = s->state;
    unsigned char *bytes = NULL;
    size_t n;
    const limn_tar_entry *e = limn_tar_entries(st->tar, &n) + st->entry[i];
    limn_status status = limn_tar_read(st->tar, e, &bytes);
    if (status == LIMN_OK) status = limn_image_parse(m, bytes, e->size, s->path[i]);
    free(bytes);
    return status;
}

void reader_close_tar(data_source *s) {
    tar_state *st = s->state;
    if (st) {
        limn_tar_free(st->tar);
        free(st->entry);
    }
    free(st);
    s->state = NULL;
}
