/* One attribution method on one chunk, by text, as a test asks for it. */
#ifndef LIMN_EXPLAIN_H
#define LIMN_EXPLAIN_H

#include "attribution/attribute.h"

/* The maps (B, *shape) of `method` and `flavour` (NULL: "limn") with the options "key=value …" (separated by spaces)
 * for a seed, after the diff's forward pass; NULL and limn_message() where it fails. The caller frees. */
float *explain(const limn_diff *d, const char *method, const char *flavour, const char *options, const float *seed,
               limn_shape *shape);

/* The same of a job: diff (after its forward pass) and seed are the caller's; x, n_seeds, random and residual where the
 * method asks for them; key NULL: 0, 1, 2 …, background
 * NULL: the chunk. The maps are (n_seeds, B, *shape). */
enum { EXPLAIN_MOST_ROWS = 256 }; /* of a chunk whose keys are not given */
float *explain_job(const char *method, const char *flavour, const char *options, const limn_attribute_job *job,
                   limn_shape *shape);

/* The same, only to the resolved options. */
limn_status explain_options(const limn_diff *d, const char *method, const char *flavour, const char *options,
                            const limn_method **m, limn_attribute_options *o, char text[256]);

/* seed (B, n) = 1 at the class of each row, 0 elsewhere. */
void explain_seed(float *seed, size_t B, size_t n, const int *target);

#endif
