/* Overflow-checked memory: every array of the library comes from here and goes to free(). */
#ifndef LIMN_MEM_H
#define LIMN_MEM_H

#include <stddef.h>
#include <stdlib.h>

#include "base/status.h"

/* *out = n * size zeroed bytes, aligned to 64; n * size may be 0 (then *out is still not NULL). The caller frees with
 * free(). LIMN_ENOMEM, *out = NULL and a message where it overflows or there is no memory. `out` is the address of a
 * pointer of any type. */
limn_status limn_new(void *out, size_t n, size_t size) LIMN_CHECK;

/* a * b into *out, or LIMN_ENOMEM. */
limn_status limn_mul(size_t *out, size_t a, size_t b) LIMN_CHECK;

/* Floats rounded up to whole 64 bytes: the pieces of a work space stay aligned. */
static inline size_t limn_align_floats(size_t floats) {
    return (floats + 15) / 16 * 16;
}

/* *out = a copy of s (NULL stays NULL). */
limn_status limn_strdup(char **out, const char *s) LIMN_CHECK;

/* *out = printf into fresh memory. */
limn_status limn_format(char **out, const char *fmt, ...) LIMN_PRINTF(2, 3) LIMN_CHECK;

/* Room for one more in a growing array: *array (elements of `size` bytes, n used, *room allocated) is enlarged so that
 * n < *room. The new tail is zeroed. Such arrays are freed with free(). */
limn_status limn_grow(void *array, size_t n, size_t *room, size_t size) LIMN_CHECK;

#endif
