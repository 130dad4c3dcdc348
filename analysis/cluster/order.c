/* What all ways of clustering have in common: see order.h. */
#include "cluster/order.h"

#include <math.h>

#include "base/try.h"
#include "cluster/cluster.h"

limn_status cluster_check(const float *x, size_t n, size_t D) {
    for (size_t i = 0; i < n * D; i++)
        if (!isfinite(x[i])) return limn_fail(LIMN_EINPUT, "number %zu of vector %zu is not finite", i % D, i / D);
    return LIMN_OK;
}

int cluster_order(int *of, const int *from, size_t n) {
    int number[LIMN_CLUSTERS], next = 0;
    for (int c = 0; c < LIMN_CLUSTERS; c++) number[c] = -1;
    for (size_t i = 0; i < n; i++) {
        if (number[from[i]] < 0) number[from[i]] = next++;
        of[i] = number[from[i]];
    }
    return next;
}
