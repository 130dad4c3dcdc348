/* Groups among n vectors: k-means, and spectral clustering on the sparse graph of nearest neighbours, by which SpRAy
 * (Lapuschkin et al. 2019) finds the strategies of a classifier among its attribution maps. No n x n matrix is made.
 * Deterministic for a seed, whatever the number of threads. Numbers of clusters go from 0 in the order of their first
 * member. LIMN_EINPUT where a value is not finite or a number does not fit n. */
#ifndef LIMN_CLUSTER_H
#define LIMN_CLUSTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { LIMN_CLUSTERS = 32 }; /* the most */

typedef struct {
    int clusters;   /* kmeans: how many; spectral: 0: by the eigengap, at most `most` */
    int most;       /* spectral: 0: 8 */
    int neighbours; /* spectral: of the graph; 0: 10, or n - 1 where that is less */
    int restarts;   /* of k-means; the one of least spread holds; 0: 10 */
    uint64_t seed;
    int threads;
} limn_cluster_options;

typedef struct {
    int clusters;
    double spread; /* mean squared distance to the centre, in the space of k-means (spectral: of the eigenvectors) */
    /* spectral: the least eigenvalues of the normalised Laplacian, ascending, n_values of them; the gap behind value
     * number `clusters` chose. A graph in c pieces has c zeros. */
    double value[LIMN_CLUSTERS + 1];
    int n_values;
    int converged; /* spectral: 0: the eigenvectors are not exact to 1e-6 */
} limn_clustering;

/* of (n): each vector's cluster. x (n, D) row-major. Lloyd's iteration (at most 300) from k-means++ (Arthur & Vassilvitskii
 * 2007), in float64. Costs n D clusters an iteration and restart. */
limn_status limn_cluster_kmeans(limn_clustering *out, int *of, const float *x, size_t n, size_t D,
                                const limn_cluster_options *o) LIMN_CHECK;
/* Ng, Jordan & Weiss 2002 on A = (N + N')/2, N the 0/1 matrix of nearest neighbours: rows of the first eigenvectors of
 * D^-1/2 A D^-1/2, scaled to length 1, through k-means. */
limn_status limn_cluster_spectral(limn_clustering *out, int *of, const float *x, size_t n, size_t D,
                                  const limn_cluster_options *o) LIMN_CHECK;

#endif
