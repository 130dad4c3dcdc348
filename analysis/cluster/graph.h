/* The leading eigenvectors of a sparse symmetric matrix. Of this room only. */
#ifndef LIMN_CLUSTER_GRAPH_H
#define LIMN_CLUSTER_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Compressed rows; eigenvalues lie in [-1, 1]. */
typedef struct {
    size_t n;
    size_t *start; /* (n + 1) */
    uint32_t *col;
    double *value;
} cluster_graph;

/* D^-1/2 A D^-1/2 of A = (N + N')/2; near (n, k). cluster_graph_clear() in any case. */
limn_status cluster_graph_new(cluster_graph *g, const uint32_t *near, size_t n, size_t k) LIMN_CHECK;
void cluster_graph_clear(cluster_graph *g);

/* value (m) descending and vector (m, n), each of length 1: the m leading ones, m < n. *converged = 0 where a residual is
 * above 1e-6 at the end. */
limn_status cluster_eigen(double *value, double *vector, int *converged, const cluster_graph *g, size_t m,
                          uint64_t seed, int threads) LIMN_CHECK;

#endif
