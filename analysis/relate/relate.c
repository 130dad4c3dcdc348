/* Spaces and how they relate: see relate.h.
 *
 *   1. a space: rows (scaled to length 1 where asked for), the exact k nearest of each, and of a seeded subset the
 *      U-centred squared distances (for cka) and distances (for distance correlation);
 *   2. two spaces: the overlap of their neighbours, products of their centred matrices, a permutation test. */
#include "relate/relate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "embed/affinities.h"
#include "quality/quality.h"
#include "relate/dependence.h"

enum { K = 10, POINTS = 1000, PERMUTATIONS = 999, SUBSET_RELATE = 4 /* a stream: see quality.c */ };

struct limn_space {
    limn_relate_options o; /* resolved */
    size_t n, m;
    uint32_t *near;          /* (n, k) */
    double *gram, *distance; /* (m, m), U-centred */
    double gram2, distance2; /* their products with themselves */
};

void limn_space_free(limn_space *s) {
    if (!s) return;
    free(s->near);
    free(s->gram);
    free(s->distance);
    free(s);
}

/* *out = x with rows of length 1; a row of zeros stays. */
static limn_status unit_rows(float **out, const float *x, size_t n, size_t D) {
    limn_status status = LIMN_OK;
    TRY(limn_new(out, n, D * sizeof **out));
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t d = 0; d < D; d++) sum += (double)x[i * D + d] * (double)x[i * D + d];
        double scale = sum > 0 ? 1 / sqrt(sum) : 0;
        for (size_t d = 0; d < D; d++) (*out)[i * D + d] = (float)((double)x[i * D + d] * scale);
    }
done:
    return status;
}

typedef struct {
    const embed_rows *x;
    const uint32_t *point;
    size_t m;
    double *sq; /* (m, m) */
} distances;

static void distance_row(void *ctx, size_t i, int worker) {
    const distances *d = ctx;
    const embed_kernels *k = embed_kernels_best();
    (void)worker;
    for (size_t j = 0; j < d->m; j++) /* the whole row: a task writes what is its own */
        d->sq[i * d->m + j] = i == j ? 0 : embed_sqdist(k, d->x, d->point[i], d->point[j]);
}

static limn_status centred(limn_space *s, const embed_rows *x) {
    limn_status status = LIMN_OK;
    uint32_t *point = NULL;
    const size_t m = s->m;
    TRY(limn_new(&point, m, sizeof *point));
    TRY(limn_new(&s->gram, m, m * sizeof *s->gram));
    TRY(limn_new(&s->distance, m, m * sizeof *s->distance));
    TRY(quality_subset(point, m, s->n, s->o.seed, SUBSET_RELATE));
    limn_parallel(s->o.threads, m, distance_row, &(distances){x, point, m, s->gram});
    for (size_t i = 0; i < m * m; i++) {
        s->distance[i] = sqrt(s->gram[i]);
        s->gram[i] *= -.5;
    }
    relate_centre(s->gram, m);
    relate_centre(s->distance, m);
    s->gram2 = relate_product(s->gram, s->gram, m, NULL);
    s->distance2 = relate_product(s->distance, s->distance, m, NULL);
done:
    free(point);
    return status;
}

static limn_status check(const float *x, size_t n, size_t D, const limn_relate_options *o) {
    limn_status status = LIMN_OK;
    if (n < 4 || n > INT32_MAX || D < 1)
        FAIL(LIMN_EINPUT, "%zu vectors of %zu numbers cannot be related: four of one are the least", n, D);
    if (o->k < 0 || (size_t)o->k > n - 1 || o->k > QUALITY_MOST_K)
        FAIL(LIMN_EINPUT, "%d neighbours of %zu samples: from 1 to %zu, at most %d", o->k, n, n - 1, QUALITY_MOST_K);
    if (o->points != 0 && o->points < 4)
        FAIL(LIMN_EINPUT, "a subset of %zu points is too small: 4 at least", o->points);
    for (size_t i = 0; i < n * D; i++)
        if (!isfinite(x[i])) FAIL(LIMN_EINPUT, "number %zu of vector %zu is not finite", i % D, i / D);
done:
    return status;
}

limn_status limn_space_new(limn_space **out, const float *x, size_t n, size_t D, const limn_relate_options *o) {
    limn_status status = LIMN_OK;
    limn_space *s = NULL;
    float *scaled = NULL;
    embed_knn knn = {0};
    *out = NULL;
    TRY(check(x, n, D, o));
    TRY(limn_new(&s, 1, sizeof *s));
    s->o = *o;
    s->n = n;
    if (s->o.k == 0) s->o.k = n > K ? K : (int)n - 1;
    if (s->o.points == 0) s->o.points = POINTS;
    if (s->o.permutations == 0) s->o.permutations = PERMUTATIONS;
    s->m = s->o.points < n ? s->o.points : n;
    if (o->unit) TRY(unit_rows(&scaled, x, n, D));
    embed_rows rows = {.n = n, .D = D, .f = scaled ? scaled : x};
    TRY(embed_knn_exact(&knn, &rows, (size_t)s->o.k, o->threads, NULL, NULL));
    s->near = knn.index;
    knn.index = NULL;
    TRY(centred(s, &rows));
    *out = s;
    s = NULL;
done:
    embed_knn_clear(&knn);
    free(scaled);
    limn_space_free(s);
    return status;
}

static double overlap(float *share, const limn_space *a, const limn_space *b) {
    const size_t k = (size_t)a->o.k;
    double sum = 0;
    for (size_t i = 0; i < a->n; i++) {
        size_t both = quality_in_common(a->near + i * k, b->near + i * k, k);
        if (share) share[i] = (float)((double)both / (double)k);
        sum += (double)both / (double)k;
    }
    return sum / (double)a->n;
}

limn_status limn_relate(limn_relation *out, float *share, const limn_space *a, const limn_space *b) {
    limn_status status = LIMN_OK;
    const size_t m = a->m;
    if (a->n != b->n || a->o.k != b->o.k || m != b->m || a->o.seed != b->o.seed)
        FAIL(LIMN_EINPUT, "the spaces are not of the same samples, neighbours, points and seed");
    *out = (limn_relation){.k = a->o.k, .points = m, .permutations = a->o.permutations, .p = NAN};
    out->overlap = overlap(share, a, b);
    out->cka = relate_ratio(relate_product(a->gram, b->gram, m, NULL), a->gram2, b->gram2);
    out->distance_correlation =
        relate_ratio(relate_product(a->distance, b->distance, m, NULL), a->distance2, b->distance2);
    if (!isnan(out->distance_correlation))
        TRY(relate_permutations(&out->p, a->distance, b->distance, m, a->o.permutations, a->o.seed, a->o.threads));
done:
    return status;
}
