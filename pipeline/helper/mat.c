/* limn-mat: reads the arrays of a MATLAB file of any version through libmatio and writes them as answer.h says. No
 * program for people: limn starts it, because libmatio crashes on damaged files.
 *
 *   limn-mat --arrays [NAME...]   file descriptor 3: the file, 4: where the answer goes; without names a list of all
 *
 * 1. Limits on itself (process.c). 2. A version 7.3 file, which is HDF5, goes to mat73.c. 3. Objects of MATLAB's own
 * classes, networks among them, which no library reads, are told by mat_objects.c, which also
 * refuses what is cut short. 4. libmatio lists the variables;
 * numbers are read in pieces, in MATLAB's order (the first index fastest); rows of characters and cells of text become
 * texts.
 * One thread. */
#define _GNU_SOURCE
#include <matio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "data/array.h"
#include "helper/mat.h"

/* PIECE is large, because libmatio inflates a compressed variable from its start for each. */
enum { PIECE = 128 << 20, TEXTS = 1 << 20, TEXT_MOST = 1 << 12, VARIABLES = 1 << 12 };

static const struct {
    enum matio_classes class;
    limn_dtype dtype;
    size_t size;
} numbers[] = {{MAT_C_DOUBLE, LIMN_F64, 8}, {MAT_C_SINGLE, LIMN_F32, 4}, {MAT_C_INT8, LIMN_I8, 1},
               {MAT_C_UINT8, LIMN_U8, 1},   {MAT_C_INT16, LIMN_I16, 2},  {MAT_C_UINT16, LIMN_U16, 2},
               {MAT_C_INT32, LIMN_I32, 4},  {MAT_C_UINT32, LIMN_U32, 4}, {MAT_C_INT64, LIMN_I64, 8},
               {MAT_C_UINT64, LIMN_U64, 8}};

static const struct {
    enum matio_classes class;
    const char *why;
} others[] = {{MAT_C_STRUCT, "it is a struct, of which a field must be saved as a variable of its own"},
              {MAT_C_SPARSE, "it is sparse: save full(x)"},
              {MAT_C_OBJECT, "it is an object, which MATLAB alone can read"},
              {MAT_C_FUNCTION, "it is a function"},
              {MAT_C_OPAQUE, "it is an object, which MATLAB alone can read"}};

static int number_row(const matvar_t *v) {
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (numbers[i].class == v->class_type) return (int)i;
    return -1;
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */
static size_t cells_of(const matvar_t *v) {
    size_t n = 1;
    for (int k = 0; k < v->rank; k++) n *= v->dims[k];
    return n;
}

static int is_row_of_chars(const matvar_t *v) {
    return v && v->class_type == MAT_C_CHAR && v->rank == 2 && (v->dims[0] == 1 || v->dims[0] * v->dims[1] == 0);
}

/* A cell array whose cells are all text. */
static int is_cellstr(const matvar_t *v) {
    if (v->class_type != MAT_C_CELL || !v->data || v->rank < 1) return 0;
    size_t n = cells_of(v);
    if (n > TEXTS || v->nbytes / sizeof(matvar_t *) < n) return 0;
    matvar_t *const *cell = v->data;
    for (size_t i = 0; i < n; i++)
        if (!is_row_of_chars(cell[i])) return 0;
    return 1;
}

static size_t utf8(char *to, unsigned c) {
    if (c < 0x80) return to[0] = (char)c, (size_t)1;
    if (c < 0x800) return to[0] = (char)(0xc0 | c >> 6), to[1] = (char)(0x80 | (c & 63)), (size_t)2;
    to[0] = (char)(0xe0 | c >> 12);
    to[1] = (char)(0x80 | (c >> 6 & 63));
    to[2] = (char)(0x80 | (c & 63));
    return 3;
}

static size_t end_text(char *to, size_t at) {
    while (at > 0 && to[at - 1] == ' ') at--;
    to[at] = 0;
    return at + 1;
}

size_t mat_text16(char *to, const uint16_t *from, size_t n, size_t step) {
    size_t at = 0;
    for (size_t i = 0; i < n && from[i * step] != 0; i++) at += utf8(to + at, from[i * step]);
    return end_text(to, at);
}

/* Row r of a character array as UTF-8 without the blanks at its end; room: 3 bytes a character and one. */
static size_t row_text(char *to, const matvar_t *v, size_t r) {
    size_t rows = v->dims[0], n = v->dims[1], at = 0;
    int wide = v->data_type == MAT_T_UINT16 || v->data_type == MAT_T_UTF16;
    size_t have = v->data && v->nbytes ? (size_t)v->nbytes / (wide ? 2 : 1) : 0;
    if (!wide && rows == 1) n = have; /* UTF-8: as many bytes as there are */
    if (rows > 0 && n > have / rows) n = have / rows;
    if (wide) return mat_text16(to, (const uint16_t *)v->data + r, n, rows);
    for (size_t i = 0; i < n; i++) {
        char c = ((const char *)v->data)[r + i * rows];
        if (c == 0) break;
        to[at++] = c;
    }
    return end_text(to, at);
}

/* Texts of a character array (a row each) or of a cell array, one after the other. */
static limn_status put_texts(answer *a, answer_entry *e, const matvar_t *v) {
    limn_status status = LIMN_OK;
    int cells = v->class_type == MAT_C_CELL;
    size_t n = cells ? cells_of(v) : v->dims[0], used = 0, room = 0;
    char *all = NULL;
    for (size_t i = 0; i < n; i++) {
        const matvar_t *c = cells ? ((matvar_t *const *)v->data)[i] : v;
        if (c->nbytes > 2 * TEXT_MOST * (cells ? 1 : n)) REFUSE(a, "`%s` holds more text than labels are", v->name);
        room += 3 * ((size_t)c->nbytes / (cells ? 1 : n) + 2);
    }
    TRY(answer_spend(a, v->name, room));
    TRY(limn_new(&all, room, 1));
    for (size_t i = 0; i < n; i++)
        used += row_text(all + used, cells ? ((matvar_t *const *)v->data)[i] : v, cells ? 0 : i);
    e->type = ANSWER_TEXTS;
    e->data_bytes = used;
    TRY(answer_entry_put(a, e, v->name, "", all));
done:
    free(all);
    return status;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */
/* Piece by piece in the order of the file. (Mat_VarReadData, for a box, gives wrong values from four dimensions on.) */
static limn_status put_numbers(answer *a, mat_t *mat, matvar_t *v, answer_entry *e, size_t size) {
    limn_status status = LIMN_OK;
    uint64_t all = cells_of(v), most = PIECE / size;
    char *data = NULL;
    if (all > INT32_MAX) REFUSE(a, "`%s` is too large", v->name);
    if (most > all) most = all;
    e->type = ANSWER_ARRAY;
    e->data_bytes = all * size;
    TRY(answer_spend(a, v->name, e->data_bytes));
    TRY(limn_new(&data, most, size));
    TRY(answer_entry_open(a, e, v->name, ""));
    for (uint64_t at = 0; at < all; at += most) {
        if (most > all - at) most = all - at;
        if (Mat_VarReadDataLinear(mat, v, data, (int)at, 1, (int)most) != 0)
            FAIL(LIMN_EINPUT, "the values of `%s` cannot be read", v->name);
        TRY(answer_piece(a, data, most * size));
    }
    TRY(answer_entry_close(a));
done:
    free(data);
    return status;
}

/* ---- variables --------------------------------------------------------------------------------------------------- */
/* Shape, type, and why it cannot be read. */
static limn_status describe(answer *a, answer_entry *e, const matvar_t *v, int row, const char **why) {
    limn_status status = LIMN_OK;
    uint64_t n = 1;
    *why = "";
    if (v->rank < 1 || v->rank > ANSWER_RANK) REFUSE(a, "`%s` has %d dimensions", v->name, v->rank);
    e->rank = (uint32_t)v->rank;
    for (int k = 0; k < v->rank; k++) {
        e->dim[k] = v->dims[k];
        if (v->dims[k] > INT32_MAX || (v->dims[k] && n > UINT64_MAX / 64 / v->dims[k]))
            REFUSE(a, "`%s` is too large", v->name);
        n *= v->dims[k] ? v->dims[k] : 1;
    }
    e->type = ANSWER_LISTED;
    e->dtype = row >= 0 ? v->isLogical ? LIMN_BOOL : numbers[row].dtype : LIMN_DTYPES;
    if (row >= 0 && v->isComplex) *why = "it is complex";
    if (v->class_type == MAT_C_CHAR && v->rank != 2) *why = "it is text of more than two dimensions";
    if (v->class_type == MAT_C_CHAR) e->rank = 1;
    if (v->class_type == MAT_C_CELL && !is_cellstr(v)) *why = "it is a cell array of other things than texts";
    if (v->class_type == MAT_C_EMPTY) *why = "it is empty";
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (others[i].class == v->class_type) *why = others[i].why;
done:
    return status;
}

static limn_status read_variable(answer *a, mat_t *mat, matvar_t *v, int listing) {
    limn_status status = LIMN_OK;
    answer_entry e = {.kind = ANSWER_DATASET};
    int row = number_row(v);
    const char *why;
    TRY(describe(a, &e, v, row, &why));
    if (*why) {
        e.type = ANSWER_OTHER;
        status = answer_entry_put(a, &e, v->name, why, NULL);
    } else if (listing) {
        status = answer_entry_put(a, &e, v->name, "", NULL);
    } else if (row >= 0) {
        status = put_numbers(a, mat, v, &e, numbers[row].size);
    } else {
        if (Mat_VarReadDataAll(mat, v) != 0 || (v->class_type == MAT_C_CHAR && v->dims[0] > TEXTS))
            FAIL(LIMN_EINPUT, "the text of `%s` cannot be read", v->name);
        status = put_texts(a, &e, v);
    }
done:
    return status;
}

static int is_wanted(char **names, const char *name) {
    if (!*names) return 1;
    for (; *names; names++)
        if (strcmp(*names, name) == 0) return 1;
    return 0;
}

static limn_status read_file(answer *a, char **names) {
    limn_status status = LIMN_OK;
    mat_objects objects = {0};
    mat_t *mat = NULL;
    matvar_t *v;
    TRY(mat_objects_find(&objects, a, names));
    for (size_t i = 0; i < objects.n; i++) {
        answer_entry e = {.kind = ANSWER_DATASET, .type = ANSWER_OTHER};
        TRY(answer_entry_put(a, &e, objects.object[i].name, objects.object[i].why, NULL));
    }
    mat = Mat_Open("/proc/self/fd/3", MAT_ACC_RDONLY);
    if (!mat) {
        if (objects.n > 0) goto done;
        FAIL(LIMN_EINPUT, "it cannot be opened");
    }
    for (int i = 0; (v = Mat_VarReadNextInfo(mat)) != NULL; i++) {
        if (i == VARIABLES) REFUSE(a, "more than %d variables", (int)VARIABLES);
        if (v->name && *v->name && !mat_objects_has(&objects, v->name) && is_wanted(names, v->name))
            TRY(read_variable(a, mat, v, !*names));
        Mat_VarFree(v);
    }
    if (a->entries == 0) FAIL(LIMN_EINPUT, *names ? "the variable cannot be found again" : "no variable can be read");
done:
    mat_objects_clear(&objects);
    return status; /* the file is left open: closing crashes too on damaged files */
}

static int is_73(void) {
    char head[10] = "";
    return pread(ANSWER_IN, head, sizeof head, 0) == (ssize_t)sizeof head &&
           memcmp(head, "MATLAB 7.3", sizeof head) == 0;
}

int main(int argc, char **argv) {
    answer a = {.blame = ANSWER_DAMAGED};
    if (argc < 2 || strcmp(argv[1], ANSWER_ASK_ARRAYS) != 0) {
        fputs("limn-mat is started by limn, to read MATLAB files\n", stderr);
        return LIMN_EINPUT;
    }
    limn_status s = answer_begin(&a, 1);
    if (s == LIMN_OK) s = is_73() ? mat73_read(&a, argv + 2) : read_file(&a, argv + 2);
    _exit(answer_end(&a, s));
}
