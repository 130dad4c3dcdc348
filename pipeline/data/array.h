/* Arrays from files: IDX and npy (plain or gzip), and the members of an npz. Hostile input: every size is checked
 * against the bytes that are there before anything is allocated. What is wrong with a file is LIMN_EINPUT. */
#ifndef LIMN_ARRAY_H
#define LIMN_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum {
    LIMN_U8,
    LIMN_I8,
    LIMN_U16,
    LIMN_I16,
    LIMN_U32,
    LIMN_I32,
    LIMN_U64,
    LIMN_I64,
    LIMN_F16,
    LIMN_F32,
    LIMN_F64,
    LIMN_BOOL,
    LIMN_DTYPES
} limn_dtype;

enum { LIMN_ARRAY_RANK = 8 };

typedef struct {
    limn_dtype dtype;
    int rank; /* 0: one number */
    size_t dim[LIMN_ARRAY_RANK];
    void *data;      /* C order, native endianness; owned */
    size_t count;    /* elements; 0 where a dim is */
    char format[32]; /* "npy", "IDX (gzip)", … */
} limn_array;

limn_status limn_array_read(limn_array *out, const char *path) LIMN_CHECK; /* IDX or npy, by content */
/* `member`: its name, with or without ".npy"; NULL where the npz has one only. */
limn_status limn_array_read_npz(limn_array *out, const char *path, const char *member) LIMN_CHECK;
/* The same from memory; `name` is what messages call it. */
limn_status limn_array_parse(limn_array *out, const void *bytes, size_t n, const char *name) LIMN_CHECK;
limn_status limn_array_parse_npz(limn_array *out, const void *bytes, size_t n, const char *name,
                                 const char *member) LIMN_CHECK;
void limn_array_clear(limn_array *a); /* frees and zeroes */

const char *limn_dtype_name(limn_dtype t); /* "uint8", "float32", … */
size_t limn_dtype_size(limn_dtype t);
int limn_dtype_is_float(limn_dtype t);

double limn_array_get(const limn_array *a, size_t i);
limn_status limn_array_floats(float **out, const limn_array *a) LIMN_CHECK; /* all elements as float32; caller frees */
/* Writes a float32 array as .npy (version 1.0): to a temporary file beside it, synced, then renamed. */
limn_status limn_npy_write(const char *path, const float *data, const size_t *dim, int rank) LIMN_CHECK;

#endif
