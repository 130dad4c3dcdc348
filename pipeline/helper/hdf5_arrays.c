/* The arrays of an HDF5 file, in pieces: any size can be read, a piece of the first dimension at a time.
 *
 * Numbers are handed over in their own type and native bytes (floats of 2 bytes as float32, of more than 8 as float64, an
 * enumeration of one byte, which h5py's bool is, as bool), texts as texts; the rest by name only. */
#include "helper/hdf5.h"

#include <string.h>

#include "base/mem.h"
#include "data/array.h"

enum { PIECE = 16 << 20, CACHE = 64 << 20, TEXTS = 1 << 20, TEXT_MOST = 1 << 12 };

static char **wanted;

/* The type under which libhdf5 hands the numbers over, and its code; -1: no numbers. */
hid_t hdf5_number_type(hid_t type, limn_dtype *to) {
    size_t size = H5Tget_size(type);
    H5T_class_t class = H5Tget_class(type);
    int is_signed = class == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_2;
    if (class == H5T_FLOAT) {
        *to = size > 4 ? LIMN_F64 : LIMN_F32;
        return size > 4 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT;
    }
    if (class == H5T_ENUM && size == 1) {
        *to = LIMN_BOOL;
        return H5Tget_native_type(type, H5T_DIR_ASCEND);
    }
    if (class != H5T_INTEGER) return -1;
    *to = size <= 1   ? is_signed ? LIMN_I8 : LIMN_U8
          : size <= 2 ? is_signed ? LIMN_I16 : LIMN_U16
          : size <= 4 ? is_signed ? LIMN_I32 : LIMN_U32
          : is_signed ? LIMN_I64
                      : LIMN_U64;
    const hid_t of[] = {H5T_NATIVE_INT8,  H5T_NATIVE_UINT8,  H5T_NATIVE_INT16, H5T_NATIVE_UINT16,
                        H5T_NATIVE_INT32, H5T_NATIVE_UINT32, H5T_NATIVE_INT64, H5T_NATIVE_UINT64};
    return of[2 * (size > 1) + 2 * (size > 2) + 2 * (size > 4) + !is_signed];
}

limn_status hdf5_shape(answer *a, hid_t space, answer_entry *e, uint64_t *n, const char *path) {
    limn_status status = LIMN_OK;
    hsize_t dim[H5S_MAX_RANK];
    *n = 1;
    int rank = H5Sget_simple_extent_type(space) == H5S_NULL ? 0 : H5Sget_simple_extent_dims(space, dim, NULL);
    if (rank < 0) TRY(hdf5_damaged("a shape cannot be read"));
    if (rank > ANSWER_RANK) REFUSE(a, "`%s` has %d dimensions", path, rank);
    if (H5Sget_simple_extent_type(space) == H5S_NULL) {
        rank = 1;
        dim[0] = 0;
    }
    e->rank = (uint32_t)rank;
    for (int i = 0; i < rank; i++) {
        e->dim[i] = dim[i];
        if (dim[i] != 0 && *n > UINT64_MAX / 64 / dim[i]) REFUSE(a, "`%s` is too large", path);
        *n *= dim[i];
    }
done:
    return status;
}

/* rows [from, from + count) of the first dimension into data. */
static int read_rows(hid_t id, hid_t space, hid_t memory, const answer_entry *e, uint64_t from, uint64_t count,
                     void *data) {
    hsize_t start[ANSWER_RANK] = {0}, edge[ANSWER_RANK];
    if (e->rank == 0) return H5Dread(id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
    for (uint32_t k = 0; k < e->rank; k++) edge[k] = e->dim[k];
    start[0] = from;
    edge[0] = count;
    hid_t flat = H5Screate_simple((int)e->rank, edge, NULL);
    int ok = flat >= 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, edge, NULL) >= 0 &&
             H5Dread(id, memory, flat, space, H5P_DEFAULT, data) >= 0;
    if (flat >= 0) H5Sclose(flat);
    return ok;
}

/* Rows a piece: PIECE bytes of them, but whole chunks of the file where those are not too large. */
static uint64_t rows_of(hid_t id, const answer_entry *e, uint64_t row) {
    hsize_t chunk[H5S_MAX_RANK];
    hid_t plan = H5Dget_create_plist(id);
    uint64_t rows = row < PIECE ? PIECE / (row ? row : 1) : 1, step = 1;
    if (plan >= 0 && H5Pget_layout(plan) == H5D_CHUNKED && H5Pget_chunk(plan, H5S_MAX_RANK, chunk) == (int)e->rank)
        step = chunk[0] ? chunk[0] : 1;
    if (plan >= 0) H5Pclose(plan);
    if (step > 1 && row > 0 && step <= CACHE / row) rows = (rows / step + 1) * step;
    return rows;
}

limn_status hdf5_put_numbers(answer *a, hid_t id, hid_t space, hid_t memory, answer_entry *e, uint64_t n,
                             const char *path, int matlab) {
    limn_status status = LIMN_OK;
    size_t size = H5Tget_size(memory);
    char *data = NULL;
    uint64_t all = e->rank ? e->dim[0] : 1, row = all ? n / all * size : 0, rows = rows_of(id, e, row);
    if (rows > all) rows = all;
    e->type = ANSWER_ARRAY;
    e->data_bytes = n * size;
    TRY(answer_spend(a, path, e->data_bytes));
    if (n > 0 && H5Dget_storage_size(id) == 0 && e->data_bytes > PIECE)
        REFUSE(a, "`%s` has a shape, but no values were ever written", path);
    TRY(limn_new(&data, rows, row));
    answer_entry shown = *e;
    for (uint32_t k = 0; matlab && k < e->rank; k++) shown.dim[k] = e->dim[e->rank - 1 - k];
    TRY(answer_entry_open(a, &shown, path, ""));
    for (uint64_t at = 0; at < all && n > 0; at += rows) {
        if (rows > all - at) rows = all - at;
        if (!read_rows(id, space, memory, e, at, rows, data)) TRY(hdf5_damaged("an array cannot be read"));
        TRY(answer_piece(a, data, rows * row));
    }
    TRY(answer_entry_close(a));
done:
    free(data);
    return status;
}

/* All texts, each ended by a NUL. */
static limn_status put_texts(answer *a, hid_t id, hid_t type, answer_entry *e, uint64_t n, const char *path) {
    limn_status status = LIMN_OK;
    int variable = H5Tis_variable_str(type) > 0;
    size_t width = variable ? sizeof(char *) : H5Tget_size(type), used = 0;
    char *raw = NULL, *all = NULL;
    hid_t memory = H5Tcopy(H5T_C_S1);
    if (n > TEXTS || width == 0 || width > TEXT_MOST) REFUSE(a, "`%s` holds more text than labels are", path);
    TRY(answer_spend(a, path, n * width));
    TRY(limn_new(&raw, n, width));
    H5Tset_size(memory, variable ? H5T_VARIABLE : width);
    if (!variable) H5Tset_strpad(memory, H5T_STR_NULLPAD);
    H5Tset_cset(memory, H5Tget_cset(type));
    if (n > 0 && H5Dread(id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw) < 0)
        TRY(hdf5_damaged("a text cannot be read"));
    for (int pass = 0; pass < 2; pass++) {
        used = 0;
        for (uint64_t i = 0; i < n; i++) {
            char *const *pointer = (char *const *)(void *)raw;
            const char *text = variable ? pointer[i] ? pointer[i] : "" : raw + i * width;
            size_t length = strnlen(text, variable ? TEXT_MOST : width);
            if (pass == 1) memcpy(all + used, text, length);
            used += length + 1;
        }
        if (pass == 0) TRY(answer_spend(a, path, used));
        if (pass == 0) TRY(limn_new(&all, used, 1));
    }
    e->type = ANSWER_TEXTS;
    e->data_bytes = used;
    TRY(answer_entry_put(a, e, path, "", all));
done:
    free(raw);
    free(all);
    return status;
}

static int is_wanted(const char *path) {
    for (char **w = wanted; *w; w++)
        if (strcmp(*w, path) == 0) return 1;
    return 0;
}

static limn_status visit(answer *a, hid_t id, const char *path) {
    limn_status status = LIMN_OK;
    answer_entry e = {.kind = ANSWER_DATASET, .type = ANSWER_OTHER};
    limn_dtype dtype = LIMN_DTYPES;
    uint64_t n = 0;
    hid_t type = H5Dget_type(id), space = H5Dget_space(id);
    if (type < 0 || space < 0) TRY(hdf5_damaged("an array cannot be opened"));
    hid_t memory = hdf5_number_type(type, &dtype);
    int text = H5Tget_class(type) == H5T_STRING;
    if (*wanted && !is_wanted(path)) goto done;
    if (memory < 0 && !text) {
        TRY(answer_entry_put(a, &e, path, "it is neither numbers nor text", NULL));
        goto done;
    }
    TRY(hdf5_shape(a, space, &e, &n, path));
    e.dtype = (uint32_t)dtype;
    e.type = ANSWER_LISTED;
    if (!*wanted)
        TRY(answer_entry_put(a, &e, path, "", NULL));
    else if (text)
        TRY(put_texts(a, id, type, &e, n, path));
    else
        TRY(hdf5_put_numbers(a, id, space, memory, &e, n, path, 0));
done:
    H5Sclose(space);
    H5Tclose(type);
    return status;
}

/* The names of the root's attributes: what else the file is (a network has model_config). */
static limn_status list_attributes(answer *a, hid_t root) {
    limn_status status = LIMN_OK;
    char name[256];
    int n = H5Aget_num_attrs(root);
    if (n < 0) TRY(hdf5_damaged("attributes cannot be counted"));
    for (int i = 0; i < n; i++) {
        answer_entry e = {.kind = ANSWER_ATTRIBUTE, .type = ANSWER_LISTED, .dtype = LIMN_DTYPES};
        TRY(answer_count(a));
        hid_t id = H5Aopen_by_idx(root, ".", H5_INDEX_NAME, H5_ITER_INC, (hsize_t)i, H5P_DEFAULT, H5P_DEFAULT);
        if (id < 0 || H5Aget_name(id, sizeof name, name) < 0) TRY(hdf5_damaged("an attribute cannot be opened"));
        TRY(answer_entry_put(a, &e, "", name, NULL));
        H5Aclose(id);
    }
done:
    return status;
}

limn_status hdf5_arrays(answer *a, hid_t root, char **names) {
    limn_status status = LIMN_OK;
    wanted = names;
    if (!*names) TRY(list_attributes(a, root));
    status = hdf5_outside(a, root, "", 0, visit);
done:
    return status;
}
