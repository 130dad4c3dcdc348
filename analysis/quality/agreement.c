/* How far maps of the same points agree.
 *
 *   overlap    = |N_k(i; A) & N_k(i; B)| / k, of each point i; and its mean. k = 10, or n - 1 where that is less.
 *   procrustes = (sum of the singular values of A'B)^2 / (|A|^2 |B|^2) of the centred maps, the lesser one with zeros for
 *                the axes that it lacks: 1 - Procrustes's M^2 (Gower 1975), the part of the one's spread that is met when
 *                the other is moved, turned, mirrored and scaled onto it.
 *   distances  = Spearman's correlation of the distances of all pairs of (at most) 1,000 points.
 * Two maps may agree on neighbours and not as a whole, or the other way round: no figure stands for the others.
 *
 * Sums run in the order of the points. */
#include <math.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>

#include "base/mem.h"
#include "base/try.h"
#include "quality/quality.h"

enum { AGREE_K = 10, AGREE_POINTS = 1000, AXES = 3, SUBSET_AGREE = 3 /* a stream: see quality.c */ };

int quality_agree_k(size_t n) {
    return n > AGREE_K ? AGREE_K : (int)n - 1;
}

size_t quality_in_common(const uint32_t *a, const uint32_t *b, size_t k) {
    size_t both = 0;
    for (size_t p = 0; p < k; p++)
        for (size_t q = 0; q < k; q++) both += a[p] == b[q];
    return both;
}

static double overlap(float *share, const quality_view *a, const quality_view *b, size_t n, size_t k) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        size_t both = quality_in_common(a->near + i * k, b->near + i * k, k);
        if (share) share[i] = (float)((double)both / (double)k);
        sum += (double)both / (double)k;
    }
    return sum / (double)n;
}

static void means(double *mean, const quality_view *v, size_t n) {
    for (size_t d = 0; d < (size_t)v->dims; d++) {
        mean[d] = 0;
        for (size_t i = 0; i < n; i++) mean[d] += (double)v->Y[i * (size_t)v->dims + d];
        mean[d] /= (double)n;
    }
}

/* The sum of the singular values of M (3, 3), which is overwritten. */
static double nuclear_norm(double *M) {
    double V[AXES * AXES], s[AXES], work[AXES];
    gsl_matrix_view m = gsl_matrix_view_array(M, AXES, AXES), v = gsl_matrix_view_array(V, AXES, AXES);
    gsl_vector_view sv = gsl_vector_view_array(s, AXES), w = gsl_vector_view_array(work, AXES);
    gsl_set_error_handler_off();
    if (gsl_linalg_SV_decomp(&m.matrix, &v.matrix, &sv.vector, &w.vector) != GSL_SUCCESS) return NAN;
    return s[0] + s[1] + s[2];
}

static double procrustes(const quality_view *a, const quality_view *b, size_t n) {
    double ma[AXES], mb[AXES], M[AXES * AXES] = {0}, aa = 0, bb = 0;
    size_t da = (size_t)a->dims, db = (size_t)b->dims;
    means(ma, a, n);
    means(mb, b, n);
    for (size_t i = 0; i < n; i++) {
        double x[AXES] = {0}, y[AXES] = {0};
        for (size_t d = 0; d < da; d++) x[d] = (double)a->Y[i * da + d] - ma[d];
        for (size_t d = 0; d < db; d++) y[d] = (double)b->Y[i * db + d] - mb[d];
        for (size_t d = 0; d < AXES; d++) {
            aa += x[d] * x[d];
            bb += y[d] * y[d];
            for (size_t e = 0; e < AXES; e++) M[d * AXES + e] += x[d] * y[e];
        }
    }
    if (!(aa > 0 && bb > 0)) return NAN;
    double same = nuclear_norm(M) / sqrt(aa) / sqrt(bb);
    return fmin(same * same, 1);
}

limn_status quality_agree(limn_map_agreement *out, float *share, const quality_view *a, const quality_view *b, size_t n,
                          int k, uint64_t seed) {
    limn_status status = LIMN_OK;
    uint32_t *point = NULL;
    embed_rows x = {.n = n, .D = (size_t)a->dims, .f = a->Y}, y = {.n = n, .D = (size_t)b->dims, .f = b->Y};
    *out = (limn_map_agreement){.k = k, .points = n < AGREE_POINTS ? n : AGREE_POINTS};
    TRY(limn_new(&point, out->points, sizeof *point));
    TRY(quality_subset(point, out->points, n, seed, SUBSET_AGREE));
    TRY(quality_cpd(&out->distances, &x, &y, point, out->points));
    out->overlap = overlap(share, a, b, n, (size_t)k);
    out->procrustes = procrustes(a, b, n);
done:
    free(point);
    return status;
}

static limn_status check(const float *const *Y, const int *dims, size_t maps, size_t n) {
    limn_status status = LIMN_OK;
    if (maps < 2 || n < 3 || n > INT32_MAX)
        FAIL(LIMN_EINPUT, "%zu maps of %zu points cannot be compared: two of three points are the least", maps, n);
    for (size_t m = 0; m < maps; m++) {
        if (dims[m] < 1 || dims[m] > AXES)
            FAIL(LIMN_EINPUT, "map %zu has %d dimensions: a map has 1, 2 or 3", m, dims[m]);
        for (size_t i = 0; i < n * (size_t)dims[m]; i++)
            if (!isfinite(Y[m][i])) FAIL(LIMN_EINPUT, "point %zu of map %zu is not finite", i / (size_t)dims[m], m);
    }
done:
    return status;
}

limn_status limn_maps_agree(limn_map_agreement *out, float *share, const float *const *Y, const int *dims, size_t maps,
                            size_t n, uint64_t seed, int threads) {
    limn_status status = LIMN_OK;
    uint32_t *near = NULL;
    TRY(check(Y, dims, maps, n));
    size_t k = (size_t)quality_agree_k(n), pair = 0;
    TRY(limn_new(&near, maps, n * k * sizeof *near));
    for (size_t b = 0; b < maps; b++) {
        quality_view vb = {Y[b], dims[b], near + b * n * k};
        TRY(quality_map_nearest(near + b * n * k, Y[b], n, dims[b], k, threads));
        for (size_t a = 0; a < b; a++, pair++) {
            quality_view va = {Y[a], dims[a], near + a * n * k};
            TRY(quality_agree(&out[pair], share ? share + pair * n : NULL, &va, &vb, n, (int)k, seed));
        }
    }
done:
    free(near);
    return status;
}
