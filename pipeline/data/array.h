/* Arrays from files: IDX and npy (plain or gzip where that is usual), and the members of an npz. Hostile input: every
 * size is checked against the bytes that are there before anything is allocated. */
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

typedef struct {
    limn_dtype dtype;
    int rank;
    size_t dim[8];
    void *data;      /* C order, native endianness; owned */
    size_t count;    /* elements */
    char format[32]; /* "npy", "IDX (gzip)", … */
} limn_array;

limn_status limn_array_read(limn_array *out, const char *path) LIMN_CHECK; /* IDX or npy, by content */
limn_status limn_array_read_npz(limn_array *out, const char *path, const char *member) LIMN_CHECK;
void limn_array_clear(limn_array *a);
double limn_array_get(const limn_array *a, size_t i);
limn_status limn_array_floats(float **out, const limn_array *a) LIMN_CHECK; /* all elements as float32; caller frees */
/* Writes a float32 array as .npy (version 1.0): to a temporary file beside it, then renamed. */
limn_status limn_npy_write(const char *path, const float *data, const size_t *dim, int rank) LIMN_CHECK;

#endif
