/* Which items of the files become samples, in this order of steps:
 * 1. shuffle: all n items in the order of a Fisher-Yates shuffle by the seed's selection stream, else as they lie;
 * 2. every k: of these the first, the (k+1)-th, the (2k+1)-th …;
 * 3. per_class k: of these the first k of each label;
 * 4. limit k: of these the first k.
 * The order after step 1 stays the order of the samples. */
#ifndef LIMN_SELECT_H
#define LIMN_SELECT_H

#include "data/dataset.h"

/* label (n), each below n_classes, or NULL. *index (*count) is the caller's to free. */
limn_status data_select(size_t **index, size_t *count, size_t n, const int *label, size_t n_classes,
                        const limn_data_options *o) LIMN_CHECK;

#endif
