/* Spectral clustering on the graph of nearest neighbours: see cluster.h.
 *
 *   1. the exact k nearest, the graph, and the most + 1 least eigenvalues of its normalised Laplacian, 1 - those of
 *      D^-1/2 A D^-1/2 (cluster/graph.c)
 *   2. the number of clusters: where the gap between two successive eigenvalues is largest (von Luxburg 2007)
 *   3. rows of the eigenvectors, scaled to length 1, through k-means. */
#include "cluster/cluster.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/try.h"
#include "cluster/graph.h"
#include "cluster/order.h"
#include "embed/affinities.h"

enum { MOST = 8, NEIGHBOURS = 10, MOST_NEIGHBOURS = 100 };

static limn_status check(const float *x, size_t n, size_t D, const limn_cluster_options *o) {
    limn_status status = LIMN_OK;
    if (n < 4 || n > INT32_MAX || D < 1)
        FAIL(LIMN_EINPUT, "%zu vectors of %zu numbers have no clusters: four of one are the least", n, D);
    if (o->clusters < 0 || o->clusters > LIMN_CLUSTERS || o->most < 0 || o->most > LIMN_CLUSTERS)
        FAIL(LIMN_EINPUT, "%d clusters, at most %d: from 1 to %d", o->clusters, o->most, LIMN_CLUSTERS);
    if ((size_t)o->clusters + 2 > n || (size_t)o->most + 2 > n)
        FAIL(LIMN_EINPUT, "%zu vectors are too few for %d clusters", n, o->clusters > o->most ? o->clusters : o->most);
    if (o->neighbours < 0 || o->neighbours > MOST_NEIGHBOURS || (size_t)o->neighbours > n - 1)
        FAIL(LIMN_EINPUT, "%d neighbours of %zu vectors: from 1 to %zu, at most %d", o->neighbours, n, n - 1,
             MOST_NEIGHBOURS);
    status = cluster_check(x, n, D);
done:
    return status;
}

/* The number behind which the largest gap of the ascending values lies. */
static int choose(const double *value, int n_values) {
    int best = 1;
    for (int c = 2; c < n_values; c++)
        if (value[c] - value[c - 1] > value[best] - value[best - 1]) best = c;
    return best;
}

/* Rows of the first c vectors (m, n), each of length 1. */
static limn_status rows(float **out, const double *vector, size_t n, size_t c) {
    limn_status status = LIMN_OK;
    TRY(limn_new(out, n, c * sizeof **out));
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t a = 0; a < c; a++) sum += vector[a * n + i] * vector[a * n + i];
        for (size_t a = 0; a < c; a++) (*out)[i * c + a] = (float)(sum > 0 ? vector[a * n + i] / sqrt(sum) : 0);
    }
done:
    return status;
}

limn_status limn_cluster_spectral(limn_clustering *out, int *of, const float *x, size_t n, size_t D,
                                  const limn_cluster_options *o) {
    limn_status status = LIMN_OK;
    embed_knn knn = {0};
    cluster_graph g = {0};
    double *vector = NULL, value[LIMN_CLUSTERS + 1];
    float *y = NULL;
    limn_clustering in = {0}, again;
    TRY(check(x, n, D, o));
    size_t k = o->neighbours ? (size_t)o->neighbours : n > NEIGHBOURS ? NEIGHBOURS : n - 1;
    int most = o->clusters ? o->clusters : o->most ? o->most : n > MOST + 2 ? MOST : (int)n - 2;
    embed_rows r = {.n = n, .D = D, .f = x};
    TRY(embed_knn_exact(&knn, &r, k, o->threads, NULL, NULL));
    TRY(cluster_graph_new(&g, knn.index, n, k));
    in.n_values = most + 1;
    TRY(limn_new(&vector, (size_t)in.n_values, n * sizeof *vector));
    TRY(cluster_eigen(value, vector, &in.converged, &g, (size_t)in.n_values, o->seed, o->threads));
    for (int i = 0; i < in.n_values; i++) in.value[i] = fmax(0, 1 - value[i]);
    in.clusters = o->clusters ? o->clusters : choose(in.value, in.n_values);
    TRY(rows(&y, vector, n, (size_t)in.clusters));
    limn_cluster_options means = *o;
    means.clusters = in.clusters;
    TRY(limn_cluster_kmeans(&again, of, y, n, (size_t)in.clusters, &means));
    in.spread = again.spread;
    in.clusters = again.clusters;
    *out = in;
done:
    embed_knn_clear(&knn);
    cluster_graph_clear(&g);
    free(vector);
    free(y);
    return status;
}
