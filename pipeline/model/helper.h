/* The helper program limn-hdf5, as its parent sees it: a file goes in by descriptor, an answer comes back as memory. */
#ifndef LIMN_HELPER_H
#define LIMN_HELPER_H

#include <stddef.h>

#include "base/status.h"

/* *fd = a new file without a name, in memory, close-on-exec. */
limn_status helper_memory_file(int *fd) LIMN_CHECK;

/* Runs the helper on the open file fd (which stays open), waits for it, and maps its answer: *bytes (n), read-only,
 * page aligned, given back by helper_release. skip: root members not to read, ends with NULL. LIMN_EINPUT "damaged HDF5
 * (why)" where the helper crashed, took too long or used up its memory. */
limn_status helper_run(int fd, const char *const *skip, void **bytes, size_t *n) LIMN_CHECK;
void helper_release(void *bytes, size_t n);

/* The place of the helper program: $LIMN_LIBEXEC, else beside the library or the program that this code is in, else the
 * folder given at compile time. *path is the caller's to free. */
limn_status helper_find(char **path) LIMN_CHECK;

#endif
