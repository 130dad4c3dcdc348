/* Points along a Hilbert curve: neighbours on the curve are neighbours in the plane. */
#ifndef LIMN_EMBED_CURVE_H
#define LIMN_EMBED_CURVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { CURVE_BITS = 48 }; /* of a key: 24 a dimension in 2-D, 16 in 3-D */

typedef struct {
    size_t n;
    uint64_t *key, *key2; /* (n) sorted keys, and scratch */
    uint32_t *order;      /* (n) the point at each place on the curve */
    uint32_t *order2;     /* scratch */
} embed_curve;

limn_status embed_curve_new(embed_curve *c, size_t n) LIMN_CHECK;
void embed_curve_clear(embed_curve *c);

/* Sorts the points Y (n, dims), finite, dims 2 or 3: key and order are set. Points with equal keys stay in index order.
 */
void embed_curve_sort(embed_curve *c, const double *Y, int dims, int threads);

#endif
