/* Bytes of a size that may be anything: in memory up to SPOOL_MEMORY, beyond it in a temporary file without a name, which
 * is gone with its descriptor. Its folder is $TMPDIR, else /var/tmp, else /tmp. A spool is one thread's while it is
 * written; reading is thread-safe. */
#ifndef LIMN_SPOOL_H
#define LIMN_SPOOL_H

#include <stddef.h>

#include "base/status.h"

enum { SPOOL_MEMORY = 64 << 20 };

typedef struct {
    unsigned char *memory; /* (room), NULL where it is on disk */
    size_t n, room;
    int on_disk, fd;
} limn_spool;

limn_status limn_spool_add(limn_spool *s, const void *bytes, size_t n) LIMN_CHECK;
/* An empty spool becomes n zeros, which limn_spool_put then overwrites. */
limn_status limn_spool_reserve(limn_spool *s, size_t n) LIMN_CHECK;
limn_status limn_spool_put(limn_spool *s, size_t at, const void *bytes, size_t n) LIMN_CHECK;
limn_status limn_spool_get(const limn_spool *s, size_t at, void *bytes, size_t n) LIMN_CHECK;
void limn_spool_clear(limn_spool *s);

/* *fd = a new file without a name, close-on-exec. */
limn_status limn_temporary_file(int *fd) LIMN_CHECK;
/* Exactly n bytes at `at` of an open file; LIMN_EINPUT where it has become shorter. */
limn_status limn_read_at(int fd, size_t at, void *bytes, size_t n, const char *name) LIMN_CHECK;

#endif
