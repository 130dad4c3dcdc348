/* The table of readers, how a path finds its row, and the conversion of channels. See reader.h. */
#include "data/reader.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/bytes.h"
#include "data/image.h"
#include "data/pictures.h"

static int is_idx(const data_probe *p) {
    return !p->folder && p->n >= 2 && p->head[0] == 0 && p->head[1] == 0;
}

static int is_npy(const data_probe *p) {
    return !p->folder && p->n >= 6 && memcmp(p->head, "\x93NUMPY", 6) == 0;
}

static int has_members(const data_probe *p) {
    return p->members;
}

static int is_picture(const data_probe *p) {
    return !p->folder && limn_image_format(p->head, p->n) != NULL;
}

static int is_folder(const data_probe *p) {
    return p->folder;
}

const data_reader data_readers[] = {
    {"cifar", "CIFAR-10 or CIFAR-100, binary: one or several batch files", reader_is_cifar, reader_open_cifar,
     reader_read_cifar, reader_close_cifar, NULL},
    {"idx", "IDX as MNIST's, plain or gzip: (N, H, W) or (N, H, W, C)", is_idx, reader_open_idx, reader_read_array,
     reader_close_array, NULL},
    {"npy", "NumPy .npy, plain or gzip: (N, H, W), (N, H, W, C) or (N, C, H, W)", is_npy, reader_open_npy,
     reader_read_array, reader_close_array, NULL},
    {"members", "a member of an npz, HDF5 or MATLAB file: FILE:NAME", has_members, reader_open_npy, reader_read_array,
     reader_close_array, NULL},
    {"tar", "a tar of pictures, plain or gzip, with one folder a class or none", reader_is_tar, reader_open_tar, NULL,
     reader_close_tar, reader_read_tar},
    {"list", "a text with a picture's path a line, and its label: path,label", reader_is_list, reader_open_list, NULL,
     NULL, reader_read_picture},
    {"csv", "text with a picture a line, a column of it the label", reader_is_csv, reader_open_csv, reader_read_array,
     reader_close_array, NULL},
    {"picture", "one or several PNG, JPEG, PGM or PPM files", is_picture, reader_open_pictures, NULL, NULL,
     reader_read_picture},
    {"folder", "a folder with one folder of pictures a class, or a folder of pictures", is_folder, reader_open_folder,
     NULL, NULL, reader_read_picture},
    {0},
};

static limn_status look(data_probe *p, const limn_data_options *o) {
    struct stat st;
    *p = (data_probe){.path = o->images[0], .paths = o->n_images};
    limn_status many = limn_members_any(&p->members, p->path);
    if (many != LIMN_OK || p->members) return many;
    if (stat(p->path, &st) != 0) return limn_fail(LIMN_EINPUT, "%s: cannot be opened: %s", p->path, strerror(errno));
    p->folder = S_ISDIR(st.st_mode);
    if (p->folder) return LIMN_OK;
    limn_bytes *b = NULL;
    limn_status s = limn_bytes_open(&b, p->path);
    if (s != LIMN_OK) return s;
    s = limn_bytes_read(b, p->head, sizeof p->head, &p->n);
    limn_bytes_free(b);
    if (s != LIMN_OK) return s;
    return p->n > 0 ? LIMN_OK : limn_fail(LIMN_EINPUT, "%s: it is empty", p->path);
}

limn_status data_source_open(data_source *s, const limn_data_options *o) {
    data_probe p;
    *s = (data_source){0};
    if (o->n_images == 0) return limn_fail(LIMN_EINPUT, "no images are named");
    limn_status status = look(&p, o);
    if (status != LIMN_OK) return status;
    for (const data_reader *r = data_readers; r->name; r++) {
        if (!r->matches(&p)) continue;
        s->reader = r;
        return r->open(s, o);
    }
    return limn_fail(
        LIMN_EINPUT,
        "%s: it starts with the bytes %02x %02x %02x %02x, so it is none of what can be read: IDX, npy, npz, "
        "HDF5, MATLAB, CIFAR, CSV, PNG, JPEG, PGM, PPM, tar, a list of files, or a folder of pictures",
        p.path, p.head[0], p.head[1], p.head[2], p.head[3]);
}

void data_source_clear(data_source *s) {
    if (s->reader && s->reader->close) s->reader->close(s);
    for (size_t i = 0; s->path && i < s->count; i++) free(s->path[i]);
    for (size_t c = 0; s->class_name && c < s->n_classes; c++) free(s->class_name[c]);
    free(s->path);
    free(s->class_name);
    free(s->label);
    *s = (data_source){0};
}

/* ---- channels ---------------------------------------------------------------------------------------------------- */
static void repeat(float *x, const float *p, size_t n, int bytes) {
    (void)bytes;
    for (int c = 0; c < 3; c++) memcpy(x + (size_t)c * n, p, n * sizeof *x);
}

static void luma(float *x, const float *p, size_t n, int bytes) {
    const float *r = p, *g = p + n, *b = p + 2 * n;
    for (size_t i = 0; i < n; i++) {
        x[i] = bytes ? (float)limn_luma((unsigned)r[i], (unsigned)g[i], (unsigned)b[i])
                     : (float)(0.299 * (double)r[i] + 0.587 * (double)g[i] + 0.114 * (double)b[i]);
    }
}

static void first3(float *x, const float *p, size_t n, int bytes) {
    (void)bytes;
    memcpy(x, p, 3 * n * sizeof *x);
}

static const struct {
    size_t from, to;
    void (*run)(float *, const float *, size_t, int);
} conversions[] = {{1, 3, repeat}, {3, 1, luma}, {4, 1, luma}, {4, 3, first3}};

limn_status data_channels(size_t *C, size_t have, int wanted, const char *name) {
    *C = wanted > 0 ? (size_t)wanted : have;
    if (*C == have) return LIMN_OK;
    for (size_t i = 0; i < COUNT_OF(conversions); i++) {
        if (conversions[i].from == have && conversions[i].to == *C) return LIMN_OK;
    }
    return limn_fail(LIMN_EINPUT, "%s: its pictures have %zu channel%s, of which %zu cannot be made", name, have,
                     have == 1 ? "" : "s", *C);
}

void data_convert(float *x, size_t C, const float *planes, size_t from, size_t plane, int bytes) {
    for (size_t i = 0; i < COUNT_OF(conversions); i++) {
        if (conversions[i].from == from && conversions[i].to == C) {
            conversions[i].run(x, planes, plane, bytes);
            return;
        }
    }
    memcpy(x, planes, C * plane * sizeof *x);
}
