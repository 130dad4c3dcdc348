/* The shape of one sample's tensor: rank and dims, without the batch. A picture is (C, H, W), a vector is (D). */
#ifndef LIMN_SHAPE_H
#define LIMN_SHAPE_H

#include <stddef.h>

enum { LIMN_MAX_RANK = 6 };

typedef struct {
    int rank;
    size_t dim[LIMN_MAX_RANK];
} limn_shape;

/* Number of elements; the caller made sure that it does not overflow (limn_shape_check in the readers). */
static inline size_t limn_shape_size(const limn_shape *s) {
    size_t n = 1;
    for (int i = 0; i < s->rank; i++) n *= s->dim[i];
    return n;
}

#endif
