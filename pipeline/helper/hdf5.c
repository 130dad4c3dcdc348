/* limn-hdf5: reads an HDF5 file and writes what it holds as a flat list (answer.h). No program for people: limn starts
 * it, because libhdf5 crashes, hangs or fills the memory on damaged files, and only a process of its own can be
 * stopped.
 *
 *   limn-hdf5 [SKIP...]            file descriptor 3: the file, 4: where the answer goes; SKIP: root members not to read
 *   limn-hdf5 --arrays [NAME...]   the arrays of these names as they lie; without names a list of all (hdf5_arrays.c)
 *
 * 1. Limits on itself: address space, CPU seconds, wall-clock seconds, size of the answer, all from the file's size;
 *    no core file; it ends when its parent does.
 * 2. Walk the groups depth first. Refused: external and soft links, external storage, virtual data sets, more than
 *    MAX_DEPTH levels, more than MAX_OBJECTS objects, more bytes than `budget`. Nothing outside the file is ever
 * opened; plugins (filters from shared libraries) are off.
 * 3. Header last.
 * Exit status 0 with an answer, also where the answer is a sentence; else the limn_status of what failed.
 * One thread; HDF5's handles are left to the end of the process, because closing crashes too on damaged files. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "helper/hdf5.h"

enum { MAX_DEPTH = 64, MAX_NAME = 1 << 12, MIB = 1 << 20 };

/* ---- values of data sets and attributes -------------------------------------------------------------------------- */
typedef struct {
    hid_t id, type, space;
    int is_attribute;
    const char *path, *name;
} source;

static herr_t read_all(const source *s, hid_t memory, void *buf) {
    return s->is_attribute ? H5Aread(s->id, memory, buf) : H5Dread(s->id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, buf);
}

/* Shape into e; *n = number of elements. A null space has none. */
static limn_status read_shape(answer *a, const source *s, answer_entry *e, uint64_t *n) {
    limn_status status = LIMN_OK;
    hsize_t dim[H5S_MAX_RANK];
    *n = 1;
    if (H5Sget_simple_extent_type(s->space) == H5S_NULL) {
        *n = 0;
        e->rank = 1;
        return LIMN_OK;
    }
    int rank = H5Sget_simple_extent_dims(s->space, dim, NULL);
    if (rank < 0) TRY(hdf5_damaged("a shape cannot be read"));
    if (rank > ANSWER_RANK) REFUSE(a, "`%s` has %d dimensions", s->path, rank);
    e->rank = (uint32_t)rank;
    for (int i = 0; i < rank; i++) {
        e->dim[i] = dim[i];
        if (dim[i] != 0 && *n > UINT64_MAX / 64 / dim[i]) REFUSE(a, "`%s` is too large", s->path);
        *n *= dim[i];
    }
done:
    return status;
}

static limn_status read_numbers(answer *a, const source *s, answer_entry *e, uint64_t n) {
    limn_status status = LIMN_OK;
    int floats = e->type == ANSWER_VALUES;
    char *data = NULL;
    e->data_bytes = n * (floats ? 4 : 8);
    TRY(answer_spend(a, s->path, e->data_bytes));
    TRY(limn_new(&data, e->data_bytes, 1));
    if (n > 0 && read_all(s, floats ? H5T_NATIVE_FLOAT : H5T_NATIVE_INT64, data) < 0)
        TRY(hdf5_damaged("an array cannot be read"));
    TRY(answer_entry_put(a, e, s->path, s->name, data));
done:
    free(data);
    return status;
}

/* n strings as pointers (variable length), or as fields of `width` bytes. */
typedef struct {
    char **pointer;
    const char *field;
    size_t width;
} texts;

static const char *text_at(const texts *t, uint64_t i, size_t *length) {
    const char *text = t->pointer ? t->pointer[i] ? t->pointer[i] : "" : t->field + i * t->width;
    *length = t->pointer ? strlen(text) : strnlen(text, t->width);
    return text;
}

static limn_status put_texts(answer *a, const source *s, answer_entry *e, const texts *t, uint64_t n) {
    limn_status status = LIMN_OK;
    char *all = NULL;
    size_t used = 0, length;
    for (uint64_t i = 0; i < n; i++) {
        text_at(t, i, &length);
        TRY(answer_spend(a, s->path, length + 1));
        e->data_bytes += length + 1;
    }
    TRY(limn_new(&all, e->data_bytes, 1));
    for (uint64_t i = 0; i < n; i++) {
        const char *text = text_at(t, i, &length);
        memcpy(all + used, text, length);
        used += length + 1;
    }
    TRY(answer_entry_put(a, e, s->path, s->name, all));
done:
    free(all);
    return status;
}

static limn_status read_texts(answer *a, const source *s, answer_entry *e, uint64_t n) {
    limn_status status = LIMN_OK;
    char *raw = NULL;
    int variable = H5Tis_variable_str(s->type) > 0;
    size_t width = variable ? sizeof(char *) : H5Tget_size(s->type);
    hid_t memory = H5Tcopy(H5T_C_S1);
    if (width == 0 || n > UINT64_MAX / width) TRY(hdf5_damaged("a text has no size"));
    TRY(answer_spend(a, s->path, n * width));
    TRY(limn_new(&raw, n, width));
    H5Tset_size(memory, variable ? H5T_VARIABLE : width);
    if (!variable) H5Tset_strpad(memory, H5T_STR_NULLPAD); /* the whole width may be text */
    H5Tset_cset(memory, H5Tget_cset(s->type));
    if (n > 0 && read_all(s, memory, raw) < 0) TRY(hdf5_damaged("a text cannot be read"));
    TRY(put_texts(a, s, e, &(texts){variable ? (char **)(void *)raw : NULL, raw, width}, n));
done:
    free(raw);
    return status;
}

static limn_status read_source(answer *a, const source *s) {
    limn_status status = LIMN_OK;
    answer_entry e = {.kind = s->is_attribute ? ANSWER_ATTRIBUTE : ANSWER_DATASET, .type = ANSWER_OTHER};
    uint64_t n;
    if (s->type < 0 || s->space < 0) TRY(hdf5_damaged("an object cannot be opened"));
    H5T_class_t class = H5Tget_class(s->type);
    if (class == H5T_FLOAT || class == H5T_INTEGER) {
        e.type = class == H5T_FLOAT ? ANSWER_VALUES : ANSWER_INTEGERS;
        TRY(read_shape(a, s, &e, &n));
        TRY(read_numbers(a, s, &e, n));
    } else if (class == H5T_STRING) {
        e.type = ANSWER_TEXTS;
        TRY(read_shape(a, s, &e, &n));
        TRY(read_texts(a, s, &e, n));
    } else
        TRY(answer_entry_put(a, &e, s->path, s->name, NULL));
done:
    return status;
}

/* ---- walking ----------------------------------------------------------------------------------------------------- */
static limn_status read_attributes(answer *a, hid_t object, const char *path) {
    limn_status status = LIMN_OK;
    char name[MAX_NAME];
    int n = H5Aget_num_attrs(object);
    if (n < 0) TRY(hdf5_damaged("attributes cannot be counted"));
    for (int i = 0; i < n; i++) {
        TRY(answer_count(a));
        hid_t id = H5Aopen_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, (hsize_t)i, H5P_DEFAULT, H5P_DEFAULT);
        if (id < 0 || H5Aget_name(id, sizeof name, name) < 0) TRY(hdf5_damaged("an attribute cannot be opened"));
        source s = {id, H5Aget_type(id), H5Aget_space(id), 1, path, name};
        TRY(read_source(a, &s));
        H5Sclose(s.space);
        H5Tclose(s.type);
        H5Aclose(id);
    }
done:
    return status;
}

static limn_status read_dataset(answer *a, hid_t id, const char *path) {
    limn_status status = LIMN_OK;
    source s = {id, H5Dget_type(id), H5Dget_space(id), 0, path, ""};
    hid_t plan = H5Dget_create_plist(id);
    if (plan < 0) TRY(hdf5_damaged("an array cannot be opened"));
    if (H5Pget_layout(plan) == H5D_VIRTUAL || H5Pget_external_count(plan) > 0)
        REFUSE(a, "`%s` is stored in another file, which is not followed", path);
    TRY(read_source(a, &s));
    H5Pclose(plan);
    H5Sclose(s.space);
    H5Tclose(s.type);
done:
    return status;
}

static limn_status read_group(answer *a, hid_t group, const char *path, int depth);

/* The member number i, by number: a hostile name may hold a `/`, and would be followed through links as a path. */
static limn_status read_member(answer *a, hid_t group, hsize_t i, const char *path, int depth) {
    limn_status status = LIMN_OK;
    H5L_info_t link;
    if (H5Lget_info_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, &link, H5P_DEFAULT) < 0)
        TRY(hdf5_damaged("a link cannot be read"));
    if (link.type != H5L_TYPE_HARD) REFUSE(a, "`%s` is a link, which is not followed", path);
    TRY(answer_count(a));
    hid_t id = H5Oopen_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT);
    H5I_type_t type = id < 0 ? H5I_BADID : H5Iget_type(id);
    if (type == H5I_BADID) TRY(hdf5_damaged("an object cannot be opened"));
    if (type == H5I_GROUP) TRY(read_group(a, id, path, depth + 1));
    if (type == H5I_DATASET) TRY(read_dataset(a, id, path));
    H5Oclose(id);
done:
    return status;
}

static int is_skipped(const answer *a, const char *path) {
    for (char **s = a->skip; *s; s++)
        if (strcmp(*s, path) == 0) return 1;
    return 0;
}

static limn_status read_group(answer *a, hid_t group, const char *path, int depth) {
    limn_status status = LIMN_OK;
    char name[MAX_NAME], *child = NULL;
    H5G_info_t info;
    answer_entry e = {.kind = ANSWER_GROUP, .type = ANSWER_OTHER};
    if (depth > MAX_DEPTH) REFUSE(a, "more than %d groups inside one another", (int)MAX_DEPTH);
    TRY(answer_entry_put(a, &e, path, "", NULL));
    TRY(read_attributes(a, group, path));
    if (H5Gget_info(group, &info) < 0) TRY(hdf5_damaged("a group cannot be read"));
    for (hsize_t i = 0; i < info.nlinks; i++) {
        ssize_t n = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
        if (n <= 0) TRY(hdf5_damaged("the members of a group cannot be listed"));
        if ((size_t)n >= sizeof name || strchr(name, '/')) REFUSE(a, "a name of %zd bytes is not one", n);
        free(child);
        TRY(limn_format(&child, "%s%s%s", path, *path ? "/" : "", name));
        if (!is_skipped(a, child)) TRY(read_member(a, group, i, child, depth));
    }
done:
    free(child);
    return status;
}

/* ---- the process ------------------------------------------------------------------------------------------------- */
/* The file as libhdf5's core driver takes it: mapped, never copied. (By the name /dev/fd/3 a file in memory cannot be
 * opened: libhdf5 looks for its real path.) */
static void *image_give(size_t n, H5FD_file_image_op_t op, void *map) {
    (void)n;
    (void)op;
    return map;
}

static void *image_copy(void *to, const void *from, size_t n, H5FD_file_image_op_t op, void *map) {
    (void)from;
    (void)n;
    (void)op;
    (void)map;
    return to;
}

static herr_t image_free(void *image, H5FD_file_image_op_t op, void *map) {
    (void)image;
    (void)op;
    (void)map;
    return 0;
}

static void *udata_copy(void *map) {
    return map;
}

static herr_t udata_free(void *map) {
    (void)map;
    return 0;
}

static limn_status open_file(hid_t *file, uint64_t size) {
    limn_status status = LIMN_OK;
    void *map = size > 0 && size < SIZE_MAX
                    ? mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE, ANSWER_IN, 0)
                    : MAP_FAILED;
    if (map == MAP_FAILED) FAIL(LIMN_EINPUT, "it cannot be mapped");
    H5FD_file_image_callbacks_t calls = {.image_malloc = image_give,
                                         .image_memcpy = image_copy,
                                         .image_free = image_free,
                                         .udata_copy = udata_copy,
                                         .udata_free = udata_free,
                                         .udata = map};
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (H5Pset_fapl_core(access, MIB, 0) < 0 || H5Pset_file_image_callbacks(access, &calls) < 0 ||
        H5Pset_file_image(access, map, (size_t)size) < 0)
        FAIL(LIMN_EFAIL, "libhdf5 does not take a file in memory");
    /* libhdf5 refuses an image whose name is a file's: this name can be none's, whatever the current folder holds */
    *file = H5Fopen("/dev/null/image", H5F_ACC_RDONLY, access);
    if (*file < 0) TRY(hdf5_damaged("it cannot be opened"));
done:
    return status;
}

static limn_status read_file(answer *a, int arrays, char **names) {
    limn_status status = LIMN_OK;
    hid_t file = -1;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
    /* arrays may be larger than memory: read from the file, where it still has a name; mapped pages would count */
    if (arrays) file = H5Fopen("/proc/self/fd/3", H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0) TRY(open_file(&file, a->size));
    hid_t root = H5Gopen2(file, "/", H5P_DEFAULT);
    if (root < 0) TRY(hdf5_damaged("its root cannot be opened"));
    status = arrays ? hdf5_arrays(a, root, names) : read_group(a, root, "", 0);
done:
    return status;
}

int main(int argc, char **argv) {
    answer a = {.blame = ANSWER_DAMAGED};
    int arrays = argc > 1 && strcmp(argv[1], ANSWER_ASK_ARRAYS) == 0;
    limn_status s = answer_begin(&a, arrays);
    if (argc < 1 || s == LIMN_EINPUT) {
        fputs("limn-hdf5 is started by limn, to read HDF5 files\n", stderr);
        return LIMN_EINPUT;
    }
    a.skip = argv + 1;
    setenv("HDF5_PLUGIN_PRELOAD", "::", 1);
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
    if (s == LIMN_OK) s = read_file(&a, arrays, argv + 2);
    _exit(answer_end(&a, s));
}
