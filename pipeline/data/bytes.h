/* Bytes of an input file, plain or gzip, as a stream: the one door through which array files come in.
 *
 * Hostile input: limn_bytes_most() bounds what can still come, from the size of the file itself (deflate makes at most
 * 1032 bytes of one), so that a reader can refuse a header's promise before it allocates. A stream is one thread's. */
#ifndef LIMN_BYTES_H
#define LIMN_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct limn_bytes limn_bytes;

/* Where raw bytes come from: pull() reads up to n (> 0) of them into `to`; *got = 0 only at the end. */
typedef struct {
    limn_status (*pull)(void *ctx, const char *name, void *to, size_t n, size_t *got);
    void (*close)(void *ctx); /* NULL: nothing to close */
    void *ctx;
} limn_bytes_source;

/* `name` is what messages call it (copied). gzip is recognized by content, except in limn_bytes_from. */
limn_status limn_bytes_open(limn_bytes **out, const char *path) LIMN_CHECK;
limn_status limn_bytes_memory(limn_bytes **out, const void *bytes, size_t n, const char *name) LIMN_CHECK;
/* Any source, at most `most` bytes of it; the source is closed with the stream, and where this fails. */
limn_status limn_bytes_from(limn_bytes **out, limn_bytes_source source, size_t most, const char *name) LIMN_CHECK;
void limn_bytes_free(limn_bytes *b);

const char *limn_bytes_name(const limn_bytes *b);
int limn_bytes_gzip(const limn_bytes *b);
size_t limn_bytes_most(const limn_bytes *b);
/* Where the stream is a plain file: a new descriptor of it and the place of the next byte; else 0 and no descriptor. */
int limn_bytes_file(const limn_bytes *b, int *fd, size_t *at);

/* Up to n bytes; *got < n only at the end. */
limn_status limn_bytes_read(limn_bytes *b, void *to, size_t n, size_t *got) LIMN_CHECK;
/* Exactly n bytes; LIMN_EINPUT where the file stops in the middle of `what`. */
limn_status limn_bytes_exact(limn_bytes *b, void *to, size_t n, const char *what) LIMN_CHECK;
/* LIMN_EINPUT where bytes follow (and, for gzip, where the checksum at the end is wrong). */
limn_status limn_bytes_end(limn_bytes *b, const char *what) LIMN_CHECK;

/* Opens a regular file for reading; its size into *size. Folders, pipes and devices are LIMN_EINPUT. */
limn_status limn_open_regular(int *fd, size_t *size, const char *path) LIMN_CHECK;
/* The whole of a regular file as it lies; the caller frees *out. */
limn_status limn_file_read(unsigned char **out, size_t *n, const char *path) LIMN_CHECK;

#endif
