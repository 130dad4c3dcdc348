/* What the array readers share: one parser of headers a format, over a stream whose first bytes are already read. */
#ifndef LIMN_ARRAY_READ_H
#define LIMN_ARRAY_READ_H

#include "data/array.h"
#include "data/block.h"
#include "data/bytes.h"

enum { ARRAY_MAGIC = 4 }; /* bytes read to know the format: the whole magic of IDX, a part of npy's */

/* dtype, rank, dim, stride and byte order out of the header; the stream stands at the data then. */
limn_status array_head_idx(limn_block *out, limn_bytes *b, const unsigned char magic[ARRAY_MAGIC]) LIMN_CHECK;
limn_status array_head_npy(limn_block *out, limn_bytes *b, const unsigned char magic[ARRAY_MAGIC]) LIMN_CHECK;

/* count = product of dim, *bytes = its size: refused where no machine could hold it. */
limn_status array_measure(limn_block *b, size_t *bytes, const char *name) LIMN_CHECK;
/* Head and body of IDX or npy by content (`only_npy`: the other is refused); the stream must end with it. */
limn_status array_stream(limn_block *out, limn_bytes *b, int only_npy) LIMN_CHECK;
/* The head alone, of an npy. */
limn_status array_stream_head(limn_block *out, limn_bytes *b) LIMN_CHECK;

/* Element i of data of this type in native byte order. */
double array_element(limn_dtype t, const void *data, size_t i);
void array_swap(void *data, size_t count, size_t size);
int array_native_big(void);

/* "(60000, 28, 28)" */
enum { ARRAY_SHAPE_ROOM = LIMN_ARRAY_RANK * 24 };
void array_shape_text(char to[ARRAY_SHAPE_ROOM], int rank, const size_t *dim);

/* Text from a file, made fit for a message: what is not printable ASCII becomes '?'. */
void array_printable(char *s);

/* ---- the rows of container.c: files with members ----------------------------------------------------------------- */
limn_status npz_list(limn_members *out, const char *file) LIMN_CHECK;
limn_status npz_open(limn_block *out, const limn_members *m, const char *file, const char *member) LIMN_CHECK;
limn_status hdf5_list_arrays(limn_members *out, const char *file) LIMN_CHECK;
limn_status hdf5_open_array(limn_block *out, const limn_members *m, const char *file, const char *member) LIMN_CHECK;
limn_status mat_list(limn_members *out, const char *file) LIMN_CHECK;
limn_status mat_open(limn_block *out, const limn_members *m, const char *file, const char *member) LIMN_CHECK;
/* A new member at the end of the list; its name is copied. */
limn_status limn_members_add(limn_members *m, size_t *room, const char *name, limn_member **added) LIMN_CHECK;

#endif
