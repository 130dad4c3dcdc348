/* What the array readers share: one parser a format, over a stream whose first bytes are already read. */
#ifndef LIMN_ARRAY_READ_H
#define LIMN_ARRAY_READ_H

#include "data/array.h"
#include "data/bytes.h"

enum { ARRAY_MAGIC = 4 }; /* bytes read to know the format: the whole magic of IDX, a part of npy's */

limn_status array_parse_idx(limn_array *out, limn_bytes *b, const unsigned char magic[ARRAY_MAGIC]) LIMN_CHECK;
limn_status array_parse_npy(limn_array *out, limn_bytes *b, const unsigned char magic[ARRAY_MAGIC]) LIMN_CHECK;

/* The rest once rank, dim and dtype stand: checks the sizes against what can come, allocates, reads count elements in
 * the file's order, swaps bytes where the file's endianness (`big`) is not ours, and wants the file to end there. */
limn_status array_read_body(limn_array *out, limn_bytes *b, int big) LIMN_CHECK;

/* "(60000, 28, 28)" */
enum { ARRAY_SHAPE_ROOM = LIMN_ARRAY_RANK * 24 };
void array_shape_text(char to[ARRAY_SHAPE_ROOM], const limn_array *a);

/* Text from a file, made fit for a message: what is not printable ASCII becomes '?'. */
void array_printable(char *s);

#endif
