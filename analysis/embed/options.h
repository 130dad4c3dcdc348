/* What options and arrays of embeddings are allowed to be, beside limn_embed_check(). */
#ifndef LIMN_EMBED_OPTIONS_H
#define LIMN_EMBED_OPTIONS_H

#include "embed/embed.h"

/* m new vectors of D dimensions into a map of n points. */
limn_status embed_check_transform(const limn_transform_options *o, size_t m, size_t n, size_t D, int dims) LIMN_CHECK;
/* v (n, D) is finite, else LIMN_EFAIL naming the row as `what` ("vector") and its component. */
limn_status embed_check_finite(const float *v, size_t n, size_t D, const char *what) LIMN_CHECK;

#endif
