/* The helper programs limn-hdf5 and limn-mat, as their parent sees them: a file goes in by descriptor, an answer comes back as memory. */
#ifndef LIMN_HELPER_H
#define LIMN_HELPER_H

#include <stddef.h>

#include "base/status.h"

/* *fd = a new file without a name, in memory, close-on-exec. */
limn_status helper_memory_file(int *fd) LIMN_CHECK;

/* The programs there are: their file's name, what messages call their files, and the library that they are for. */
typedef struct {
    const char *program, *what, *library;
} helper_kind;
extern const helper_kind helper_hdf5, helper_mat;

/* Runs the helper on the open file fd (which stays open), waits for it, and maps its answer: *bytes (n), read-only,
 * page aligned, given back by helper_release. args: the program's arguments, ends with NULL, or NULL; out: where the
 * answer goes, an empty file that stays open, or -1: memory. LIMN_EINPUT "damaged HDF5 (why)" where the helper crashed,
 * took too long or used up its memory. */
limn_status helper_call(const helper_kind *kind, int fd, int out, const char *const *args, void **bytes,
                        size_t *n) LIMN_CHECK;
/* limn-hdf5, its answer in memory; skip: root members not to read. */
limn_status helper_run(int fd, const char *const *skip, void **bytes, size_t *n) LIMN_CHECK;
void helper_release(void *bytes, size_t n);

/* The place of a helper program: $LIMN_LIBEXEC, else beside the library or the program that this code is in, else the
 * folder given at compile time. *path is the caller's to free. */
limn_status helper_find_kind(char **path, const helper_kind *kind) LIMN_CHECK;
limn_status helper_find(char **path) LIMN_CHECK; /* limn-hdf5 */

#endif
