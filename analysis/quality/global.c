/* Figures of the map as a whole (Kobak & Berens, Nature Communications 10, 2019).
 *
 *   CPD: Spearman's correlation of the pairwise distances in x and in y; ties share the mean of their ranks.
 *   KNC: of the k nearest class means of each class mean, the share that x and y agree on.
 * Both are small and run on the calling thread. */
#include <math.h>

#include "base/mem.h"
#include "base/try.h"
#include "embed/affinities.h"
#include "quality/quality.h"

typedef struct {
    double value;
    uint32_t index;
} ranked;

static int smaller(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* rank[i] = the rank of v[i].value (from 1, ties averaged); v is sorted. */
static void rank_all(ranked *v, size_t n, double *rank) {
    qsort(v, n, sizeof *v, smaller);
    for (size_t a = 0, b; a < n; a = b) {
        for (b = a + 1; b < n && v[b].value == v[a].value; b++) continue;
        for (size_t i = a; i < b; i++) rank[v[i].index] = (double)(a + b + 1) / 2;
    }
}

static void distances(ranked *v, const embed_rows *x, const uint32_t *point, size_t m) {
    const embed_kernels *kernels = embed_kernels_best();
    size_t at = 0;
    for (size_t a = 0; a < m; a++)
        for (size_t b = a + 1; b < m; b++, at++)
            v[at] = (ranked){sqrt(embed_sqdist(kernels, x, point[a], point[b])), (uint32_t)at};
}

/* Pearson's correlation of ranks, whose mean is (n + 1)/2, ties or none; NaN where one side is constant. */
static double correlation(const double *a, const double *b, size_t n) {
    double mean = ((double)n + 1) / 2, ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += (a[i] - mean) * (b[i] - mean);
        aa += (a[i] - mean) * (a[i] - mean);
        bb += (b[i] - mean) * (b[i] - mean);
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : NAN;
}

limn_status quality_cpd(double *out, const embed_rows *x, const embed_rows *y, const uint32_t *point, size_t m) {
    limn_status status = LIMN_OK;
    size_t pairs = m * (m - 1) / 2;
    ranked *v = NULL;
    double *rx = NULL, *ry = NULL;
    TRY(limn_new(&v, pairs, sizeof *v));
    TRY(limn_new(&rx, pairs, sizeof *rx));
    TRY(limn_new(&ry, pairs, sizeof *ry));
    distances(v, x, point, m);
    rank_all(v, pairs, rx);
    distances(v, y, point, m);
    rank_all(v, pairs, ry);
    *out = correlation(rx, ry, pairs);
done:
    free(v);
    free(rx);
    free(ry);
    return status;
}

/* Means of the classes that occur, in the order of their labels: mean (*classes, D). */
static limn_status class_means(double **mean, size_t *classes, const embed_rows *x, const int *labels) {
    limn_status status = LIMN_OK;
    size_t *row = NULL, *size = NULL;
    int most = -1;
    *mean = NULL;
    *classes = 0;
    for (size_t i = 0; i < x->n; i++)
        if (labels[i] > most) most = labels[i];
    TRY(limn_new(&row, (size_t)(most + 1), sizeof *row));
    TRY(limn_new(&size, (size_t)(most + 1), sizeof *size));
    for (size_t i = 0; i < x->n; i++)
        if (labels[i] >= 0) size[labels[i]]++;
    for (int c = 0; c <= most; c++)
        if (size[c] > 0) row[c] = (*classes)++;
    TRY(limn_new(mean, *classes, x->D * sizeof **mean));
    for (size_t i = 0; i < x->n; i++)
        for (size_t d = 0; labels[i] >= 0 && d < x->D; d++) (*mean)[row[labels[i]] * x->D + d] += embed_get(x, i, d);
    for (int c = 0; c <= most; c++)
        for (size_t d = 0; size[c] > 0 && d < x->D; d++) (*mean)[row[c] * x->D + d] /= (double)size[c];
done:
    free(row);
    free(size);
    return status;
}

limn_status quality_knc(double *out, int *k, const embed_rows *x, const embed_rows *y, const int *labels) {
    limn_status status = LIMN_OK;
    double *mx = NULL, *my = NULL;
    embed_knn nx = {0}, ny = {0};
    size_t classes = 0, shared = 0;
    *out = NAN;
    *k = 0;
    TRY(class_means(&mx, &classes, x, labels));
    TRY(class_means(&my, &classes, y, labels));
    if (classes < 3) goto done;
    size_t near = (classes - 1) / 2 < 10 ? (classes - 1) / 2 : 10;
    TRY(embed_knn_ref(&nx, &(embed_rows){.n = classes, .D = x->D, .d = mx}, near));
    TRY(embed_knn_ref(&ny, &(embed_rows){.n = classes, .D = y->D, .d = my}, near));
    for (size_t c = 0; c < classes; c++)
        for (size_t a = 0; a < near; a++)
            for (size_t b = 0; b < near; b++) shared += nx.index[c * near + a] == ny.index[c * near + b];
    *out = (double)shared / (double)(near * classes);
    *k = (int)near;
done:
    free(mx);
    free(my);
    embed_knn_clear(&nx);
    embed_knn_clear(&ny);
    return status;
}
