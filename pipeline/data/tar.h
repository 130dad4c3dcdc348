/* The pictures in a tar archive: an index, built in one pass, and their bytes. Nothing is ever written under a name that
 * the archive says, so that no name can do harm.
 *
 * Formats: ustar, pax (path, size), GNU (long names, numbers in base 256), V7; plain or gzip. A plain archive is read
 * where it lies; of a compressed one the pictures' bytes go to a spool (memory, or a temporary file without a name). */
#ifndef LIMN_TAR_H
#define LIMN_TAR_H

#include <stddef.h>

#include "base/status.h"

typedef struct {
    char *name; /* without leading ./ and / */
    size_t at, size;
} limn_tar_entry;

typedef struct limn_tar limn_tar;

enum { TAR_BLOCK = 512 };

/* Whether a file begins so: a header whose checksum is right. */
int limn_tar_begins(const unsigned char *head, size_t n);
/* All members of which wanted(name) is true; a link of that name is LIMN_EINPUT, and so are two files of one name. */
limn_status limn_tar_open(limn_tar **out, const char *path, int (*wanted)(const char *name)) LIMN_CHECK;
/* The same from memory (which must live on), for tests. */
limn_status limn_tar_parse(limn_tar **out, const void *bytes, size_t n, const char *name,
                           int (*wanted)(const char *name)) LIMN_CHECK;
void limn_tar_free(limn_tar *t);
int limn_tar_gzip(const limn_tar *t);
const limn_tar_entry *limn_tar_entries(const limn_tar *t, size_t *n); /* sorted by data_by_folder; borrowed */
/* The entry's bytes (size); thread-safe. The caller frees. */
limn_status limn_tar_read(const limn_tar *t, const limn_tar_entry *e, unsigned char **bytes) LIMN_CHECK;

#endif
