/* The answer of the helper programs limn-hdf5 and limn-mat: what a file holds, as a flat list.
 *
 * Both sides run on one machine, so numbers are in its own byte order. An answer is a header, then `entries` entries;
 * everything is aligned to 8 bytes. An entry is its fixed part, then path, name and data, each padded with zeros to a
 * multiple of 8. The header is written last: an answer that is not complete has no magic.
 *   data set:  path "model_weights/conv1/conv1/kernel:0", name ""
 *   attribute: path of its group ("" = the root), name "weight_names"
 *   group:     path, name "", no data
 * Where arrays were asked for there are only data sets, in a list also the root's attributes, by name; the name of an
 * OTHER is why it is no array.
 * Data: VALUES are float32, whatever precision the file has; INTEGERS are int64; TEXTS are as many strings as the shape
 * has elements, each ended by a NUL; OTHER (a type that no network needs) has none. */
#ifndef LIMN_ANSWER_H
#define LIMN_ANSWER_H

#include <stdint.h>

#define ANSWER_MAGIC UINT64_C(0x3235666468366d6c) /* changes with the format */

enum { ANSWER_RANK = 8, ANSWER_TEXT = 1024, ANSWER_IN = 3, ANSWER_OUT = 4 /* the helper's file descriptors */ };

typedef enum {
    ANSWER_COMPLETE = 1, /* entries follow */
    ANSWER_DAMAGED,      /* a sentence follows, ended by a NUL: libhdf5 could not read the file */
    ANSWER_REFUSED       /* a sentence follows: the file is sound but asks for what is not done */
} answer_status;

typedef enum { ANSWER_GROUP, ANSWER_DATASET, ANSWER_ATTRIBUTE, ANSWER_KINDS } answer_kind;
typedef enum {
    ANSWER_VALUES,
    ANSWER_INTEGERS,
    ANSWER_TEXTS,
    ANSWER_OTHER,
    ANSWER_ARRAY,  /* of `dtype`, C order; MATLAB's Fortran order */
    ANSWER_LISTED, /* an array by name, shape and dtype (LIMN_DTYPES: texts), without data */
    ANSWER_TYPES
} answer_type;

#define ANSWER_ASK_ARRAYS "--arrays" /* first argument: arrays are asked for; names of those may follow */

typedef struct {
    uint64_t magic, status;
    uint64_t entries, bytes; /* of the whole answer, this header included */
} answer_header;

typedef struct {
    uint32_t kind, type, rank, dtype; /* dtype: a limn_dtype, of ARRAY and LISTED */
    uint32_t path_bytes, name_bytes;  /* with their NUL */
    uint64_t dim[ANSWER_RANK];
    uint64_t data_bytes;
} answer_entry;

#endif
