/* The nearest known word: "unknown key `perplexty` (did you mean `perplexity`?)". */
#ifndef LIMN_NEAREST_H
#define LIMN_NEAREST_H

#include <stddef.h>

#include "base/status.h"

/* The word of `known` (ends with NULL) that `word` was most likely meant to be; NULL where none is near. Borrowed. */
LIMN_API const char *limn_nearest(const char *word, const char *const *known);

/* The same over a table whose rows (of `stride` bytes) begin with their name, a `const char *`; the last name is NULL.
 */
LIMN_API const char *limn_nearest_in(const char *word, const void *table, size_t stride);

/* " (did you mean `word`?)" in buf, "" where nearest is NULL; returns buf. 96 bytes are enough. */
LIMN_API const char *limn_did_you_mean(char *buf, size_t size, const char *nearest);

#endif
