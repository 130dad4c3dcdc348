/* The transform on rows of either width: what limn_transform() and its tests call. */
#ifndef LIMN_EMBED_TRANSFORM_H
#define LIMN_EMBED_TRANSFORM_H

#include "embed/embed.h"
#include "embed/rows.h"

/* out (m, dims); z, x of the same width; Y (n, dims). */
limn_status embed_transform(double *out, const embed_rows *z, const embed_rows *x, const double *Y, int dims,
                            const limn_transform_options *o, limn_progress_fn progress, void *ctx) LIMN_CHECK;

#endif
