/* MATLAB files of version 7.3, which are HDF5 behind 512 bytes: read with libhdf5 itself. (libmatio loses the last letter
 * of a class's name that is padded otherwise than MATLAB does it, as h5py's are, and reads whole arrays.)
 *
 * A variable is a data set of the root with its class in the attribute MATLAB_class; HDF5's dimensions are MATLAB's the
 * other way round, so that the bytes in C order are MATLAB's own. A char is an array of uint16; a cell is references to
 * what lies in #refs#; MATLAB's own objects have MATLAB_object_decode. What leads outside the file is refused. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "helper/hdf5.h"
#include "helper/mat.h"

enum { TEXTS = 1 << 20, TEXT_MOST = 1 << 12, CLASS = 128 };

static char **wanted;

static int class_of(hid_t id, char to[CLASS]) {
    int ok = 0;
    to[0] = '\0';
    if (H5Aexists(id, "MATLAB_class") <= 0) return 0;
    hid_t a = H5Aopen(id, "MATLAB_class", H5P_DEFAULT), type = a < 0 ? -1 : H5Aget_type(a);
    if (type >= 0 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 && H5Tget_size(type) < CLASS) {
        memset(to, 0, CLASS);
        ok = H5Aread(a, type, to) >= 0; /* in its own type: nothing is cut off */
    }
    if (type >= 0) H5Tclose(type);
    if (a >= 0) H5Aclose(a);
    return ok;
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */
/* A char array's characters: *n of them, rows of MATLAB's in *rows; the caller frees. */
static limn_status read_chars(answer *a, hid_t id, const char *path, uint16_t **text, size_t *n, size_t *rows) {
    limn_status status = LIMN_OK;
    hsize_t dim[2] = {0};
    hid_t space = H5Dget_space(id), plan = H5Dget_create_plist(id);
    *text = NULL;
    if (space < 0 || plan < 0 || H5Sget_simple_extent_ndims(space) != 2 ||
        H5Sget_simple_extent_dims(space, dim, NULL) < 0)
        TRY(hdf5_damaged("a text cannot be read"));
    if (H5Pget_layout(plan) == H5D_VIRTUAL || H5Pget_external_count(plan) > 0)
        REFUSE(a, "`%s` is stored in another file, which is not followed", path);
    if (dim[0] > TEXT_MOST || dim[1] > TEXTS) REFUSE(a, "`%s` holds more text than labels are", path);
    if (H5Aexists(id, "MATLAB_empty") > 0) dim[0] = 0;
    *n = dim[0];
    *rows = dim[1];
    TRY(answer_spend(a, path, 2 * dim[0] * dim[1]));
    TRY(limn_new(text, dim[0] * dim[1], sizeof **text));
    if (*n > 0 && *rows > 0 && H5Dread(id, H5T_NATIVE_UINT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, *text) < 0)
        TRY(hdf5_damaged("a text cannot be read"));
done:
    if (space >= 0) H5Sclose(space);
    if (plan >= 0) H5Pclose(plan);
    return status;
}

static limn_status put_chars(answer *a, hid_t id, answer_entry *e, const char *path) {
    limn_status status = LIMN_OK;
    uint16_t *text = NULL;
    char *all = NULL;
    size_t n, rows, used = 0;
    TRY(read_chars(a, id, path, &text, &n, &rows));
    TRY(answer_spend(a, path, rows * (3 * n + 1)));
    TRY(limn_new(&all, rows * (3 * n + 1), 1));
    for (size_t r = 0; r < rows; r++) used += mat_text16(all + used, text + r, n, rows);
    e->rank = 1;
    e->dim[0] = rows;
    e->type = ANSWER_TEXTS;
    e->data_bytes = used;
    TRY(answer_entry_put(a, e, path, "", all));
done:
    free(text);
    free(all);
    return status;
}

/* The cell's text at *all + *used. */
static limn_status add_cell(answer *a, hid_t id, hobj_ref_t ref, const char *path, char **all, size_t *used,
                            size_t *room) {
    limn_status status = LIMN_OK;
    uint16_t *text = NULL;
    char class[CLASS];
    size_t n = 0, rows = 0;
    hid_t cell = H5Rdereference2(id, H5P_DEFAULT, H5R_OBJECT, &ref);
    if (cell < 0 || H5Iget_type(cell) != H5I_DATASET) TRY(hdf5_damaged("a cell cannot be opened"));
    if (!class_of(cell, class) || strcmp(class, "char") != 0)
        REFUSE(a, "`%s` is a cell array of other things than texts", path);
    TRY(read_chars(a, cell, path, &text, &n, &rows));
    if (*used + 3 * n + 1 > *room) {
        size_t more = 2 * *room + 3 * n + 64;
        TRY(answer_spend(a, path, more - *room));
        char *larger = realloc(*all, more);
        if (!larger) FAIL(LIMN_ENOMEM, "no memory");
        *all = larger;
        *room = more;
    }
    *used += mat_text16(*all + *used, text, rows > 0 ? n : 0, rows);
done:
    free(text);
    if (cell >= 0) H5Oclose(cell);
    return status;
}

static limn_status put_cells(answer *a, hid_t id, answer_entry *e, uint64_t n, const char *path) {
    limn_status status = LIMN_OK;
    hobj_ref_t *ref = NULL;
    char *all = NULL;
    size_t used = 0, room = 0;
    if (n > TEXTS) REFUSE(a, "`%s` holds more text than labels are", path);
    TRY(limn_new(&ref, n, sizeof *ref));
    if (n > 0 && H5Dread(id, H5T_STD_REF_OBJ, H5S_ALL, H5S_ALL, H5P_DEFAULT, ref) < 0)
        TRY(hdf5_damaged("cells cannot be read"));
    for (uint64_t i = 0; i < n; i++) TRY(add_cell(a, id, ref[i], path, &all, &used, &room));
    e->type = ANSWER_TEXTS;
    e->data_bytes = used;
    TRY(answer_entry_put(a, e, path, "", all));
done:
    free(ref);
    free(all);
    return status;
}

/* ---- variables --------------------------------------------------------------------------------------------------- */
static void reverse(answer_entry *e) {
    for (uint32_t k = 0; k < e->rank / 2; k++) {
        uint64_t d = e->dim[k];
        e->dim[k] = e->dim[e->rank - 1 - k];
        e->dim[e->rank - 1 - k] = d;
    }
}

typedef struct {
    hid_t id, type, space, memory;
    char class[CLASS];
    const char *path;
    uint64_t n;
} variable;

/* Why it cannot be read, or "". */
static const char *why_not(const variable *v, const answer_entry *e, mat_object *object) {
    H5T_class_t stored = H5Tget_class(v->type);
    int cell = strcmp(v->class, "cell") == 0, chars = strcmp(v->class, "char") == 0;
    if (H5Aexists(v->id, "MATLAB_object_decode") > 0 && strcmp(v->class, "function_handle") != 0) {
        mat_object_tell(object, v->path, v->class);
        return object->why;
    }
    if (H5Aexists(v->id, "MATLAB_empty") > 0) return "it is empty";
    if (cell && stored != H5T_REFERENCE) return "it is a damaged cell array";
    if (chars && (e->rank != 2 || v->memory < 0)) return "it is text of more than two dimensions";
    if (stored == H5T_COMPOUND) return "it is complex";
    return cell || chars || v->memory >= 0 ? "" : "it is neither numbers nor text";
}

static limn_status put_variable(answer *a, const variable *v, answer_entry *e) {
    limn_status status = LIMN_OK;
    mat_object object = {0};
    const char *why = why_not(v, e, &object);
    int cell = strcmp(v->class, "cell") == 0, chars = strcmp(v->class, "char") == 0;
    if (cell || chars) e->dtype = LIMN_DTYPES;
    if (*why) {
        e->type = ANSWER_OTHER;
        reverse(e);
        status = answer_entry_put(a, e, v->path, why, NULL);
    } else if (!*wanted) {
        e->type = ANSWER_LISTED;
        reverse(e);
        if (chars) e->rank = 1;
        status = answer_entry_put(a, e, v->path, "", NULL);
    } else if (chars) {
        status = put_chars(a, v->id, e, v->path);
    } else if (cell) {
        reverse(e);
        status = put_cells(a, v->id, e, v->n, v->path);
    } else {
        status = hdf5_put_numbers(a, v->id, v->space, v->memory, e, v->n, v->path, 1);
    }
    return status;
}

static int is_wanted(const char *name) {
    for (char **w = wanted; *w; w++)
        if (strcmp(*w, name) == 0) return 1;
    return !*wanted;
}

static limn_status visit(answer *a, hid_t id, const char *path) {
    limn_status status = LIMN_OK;
    answer_entry e = {.kind = ANSWER_DATASET};
    limn_dtype dtype = LIMN_U8;
    variable v = {.id = id, .path = path, .type = -1, .space = -1};
    if (strchr(path, '/') || path[0] == '#' || !is_wanted(path)) return LIMN_OK;
    v.type = H5Dget_type(id);
    v.space = H5Dget_space(id);
    if (v.type < 0 || v.space < 0) TRY(hdf5_damaged("a variable cannot be opened"));
    v.memory = hdf5_number_type(v.type, &dtype);
    (void)class_of(id, v.class);
    TRY(hdf5_shape(a, v.space, &e, &v.n, path));
    e.dtype = (uint32_t)(strcmp(v.class, "logical") == 0 && dtype == LIMN_U8 ? LIMN_BOOL : dtype);
    TRY(put_variable(a, &v, &e));
done:
    if (v.space >= 0) H5Sclose(v.space);
    if (v.type >= 0) H5Tclose(v.type);
    return status;
}

limn_status mat73_read(answer *a, char **names) {
    limn_status status = LIMN_OK;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
    setenv("HDF5_PLUGIN_PRELOAD", "::", 1);
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
    hid_t file = H5Fopen("/proc/self/fd/3", H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t root = file < 0 ? -1 : H5Gopen2(file, "/", H5P_DEFAULT);
    if (root < 0) TRY(hdf5_damaged("it cannot be opened"));
    wanted = names;
    TRY(hdf5_outside(a, root, "", 0, visit));
done:
    return status;
}
