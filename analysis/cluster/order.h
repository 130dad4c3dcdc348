/* What all ways of clustering have in common. Of this room only. */
#ifndef LIMN_CLUSTER_ORDER_H
#define LIMN_CLUSTER_ORDER_H

#include <stddef.h>

#include "base/status.h"

/* LIMN_EINPUT where a number of x (n, D) is not finite. */
limn_status cluster_check(const float *x, size_t n, size_t D) LIMN_CHECK;
/* of (n) = the clusters of `from`, 0 … LIMN_CLUSTERS-1, numbered in the order of their first member; how many there are. */
int cluster_order(int *of, const int *from, size_t n);

#endif
