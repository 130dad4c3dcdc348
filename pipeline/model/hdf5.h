/* An HDF5 file as a list of groups, attributes and arrays, read by the helper program (engine.md: libhdf5 crashes on
 * damaged files). No call here touches libhdf5. */
#ifndef LIMN_HDF5_H
#define LIMN_HDF5_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "helper/answer.h"
#include "model/helper.h"

typedef struct hdf5_file hdf5_file;

typedef struct {
    answer_kind kind;
    answer_type type;
    int rank, dtype; /* dtype: a limn_dtype, of ARRAY and LISTED */
    size_t dim[ANSWER_RANK];
    size_t n;                /* elements */
    const char *path, *name; /* "model_weights/conv1", "weight_names"; a data set's name is "" */
    const void *data;        /* (n) float32, int64, or n strings each ended by a NUL */
    size_t data_bytes;
} hdf5_entry;

/* Reads the open file fd. skip: root members to leave out, ends with NULL. LIMN_EINPUT: "damaged HDF5 (why)", or what
 * the file asks for that is not done; the caller puts the file's name in front. */
limn_status hdf5_open(hdf5_file **out, int fd, const char *const *skip) LIMN_CHECK;
/* The same from an answer of n bytes in memory, aligned to 8, which must outlive *out. */
limn_status hdf5_parse(hdf5_file **out, const void *bytes, size_t n) LIMN_CHECK;
/* Arrays, or without names (NULL) the list of them, through a helper program; the answer goes to `out` (see helper.h). */
limn_status hdf5_ask(hdf5_file **out, const helper_kind *kind, int fd, int answer, const char *name) LIMN_CHECK;
/* The place of e's data in the answer. */
size_t hdf5_offset(const hdf5_file *f, const hdf5_entry *e);
void hdf5_close(hdf5_file *f);

/* The entry of a kind with this path and name ("" unless an attribute); NULL where there is none. Borrowed. */
const hdf5_entry *hdf5_find(const hdf5_file *f, answer_kind kind, const char *path, const char *name);
/* The string of a scalar attribute of strings; NULL where there is none. Borrowed. */
const char *hdf5_text(const hdf5_file *f, const char *path, const char *name);
/* All entries, sorted by path, kind, name. */
const hdf5_entry *hdf5_entries(const hdf5_file *f, size_t *n);
/* The data of e is not needed any more: its memory may go. (Its values would read as before, slowly.) */
void hdf5_done(const hdf5_file *f, const hdf5_entry *e);

#endif
