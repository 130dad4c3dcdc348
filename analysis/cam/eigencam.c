/* Eigen-CAM: the layer's activations projected on their first principal direction (Muhammad & Yeasin 2020); with G A in
 * their place Eigen-Grad-CAM.
 *
 * X (n, C) = A transposed, each column less its mean; v the first right singular vector; map = X v = sigma u, u the first
 * left one. So the smaller of X'X (C, C) and XX' (n, n) is enough: v is its eigenvector, or u is, with sigma^2 its
 * eigenvalue. The columns are centred, so the map sums to 0 and its sign is the decomposition's whim: it is turned so
 * that the value largest in size is positive (attribution.md: the peers leave it). Float64 throughout.
 *
 * Ownership: work space comes and goes within a call. Threading: no state. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/try.h"
#include "cam/cam.h"
#include "embed/eigen.h"

/* gram (k, k), upper triangle: of the rows of X (k, n). */
static void gram_of_rows(const double *X, size_t k, size_t n, double *gram) {
    for (size_t i = 0; i < k; i++)
        for (size_t j = i; j < k; j++) {
            double lane[CAM_LANES] = {0}, total = 0;
            size_t p = 0;
            for (; p + CAM_LANES <= n; p += CAM_LANES)
                for (size_t q = 0; q < CAM_LANES; q++) lane[q] += X[i * n + p + q] * X[j * n + p + q];
            for (; p < n; p++) total += X[i * n + p] * X[j * n + p];
            for (size_t q = 0; q < CAM_LANES; q++) total += lane[q];
            gram[i * k + j] = total;
        }
}

/* X (C, n), rows centred; or its transpose (n, C) where that has fewer rows. */
static limn_status project(double *X, size_t C, size_t n, int tall, float *map) {
    limn_status status = LIMN_OK;
    size_t k = tall ? n : C;
    double *gram = NULL, *values = NULL, *vectors = NULL, *row = NULL, largest = 0;
    TRY(limn_new(&gram, k * k, sizeof *gram));
    TRY(limn_new(&values, k, sizeof *values));
    TRY(limn_new(&vectors, k * k, sizeof *vectors));
    TRY(limn_new(&row, n, sizeof *row));
    gram_of_rows(X, k, tall ? C : n, gram);
    TRY(embed_eigen(gram, k, k, 1, values, vectors));
    for (size_t i = 0; i < n; i++)
        if (tall) row[i] = sqrt(fmax(values[0], 0)) * vectors[i * k];
    for (size_t c = 0; !tall && c < C; c++)
        for (size_t i = 0; i < n; i++) row[i] += vectors[c * k] * X[c * n + i];
    for (size_t i = 0; i < n; i++)
        if (fabs(row[i]) > fabs(largest)) largest = row[i];
    for (size_t i = 0; i < n; i++) map[i] = (float)(largest < 0 ? -row[i] : row[i]);
done:
    free(row);
    free(vectors);
    free(values);
    free(gram);
    return status;
}

static limn_status eigen(const cam_sample *s, int times_gradient, float *map) {
    limn_status status = LIMN_OK;
    size_t C = s->C, n = s->n;
    int tall = n < C;
    double *X = NULL;
    TRY(limn_new(&X, C * n, sizeof *X));
    for (size_t c = 0; c < C; c++) {
        double mean = 0;
        for (size_t i = 0; i < n; i++) {
            size_t at = c * n + i, to = tall ? i * C + c : at;
            X[to] = times_gradient ? (double)s->A[at] * s->G[at] : s->A[at];
            mean += X[to] / (double)n;
        }
        for (size_t i = 0; i < n; i++) X[tall ? i * C + c : c * n + i] -= mean;
    }
    TRY(project(X, C, n, tall, map));
done:
    free(X);
    return status;
}

limn_status cam_combine_eigen(const cam_sample *s, float *map) {
    return eigen(s, 0, map);
}

limn_status cam_combine_eigengrad(const cam_sample *s, float *map) {
    return eigen(s, 1, map);
}
