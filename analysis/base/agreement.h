/* How alike two maps of n = h w places are, and how few places carry one: what the stage `measure` stores, and what the
 * SQL functions map_corr, map_spearman, map_ssim, map_iou, map_gini and map_entropy compute. Float64; no state. */
#ifndef LIMN_AGREEMENT_H
#define LIMN_AGREEMENT_H

#include <stddef.h>

#include "base/status.h"

typedef enum {
    LIMN_AGREE_PEARSON,
    LIMN_AGREE_SPEARMAN,
    LIMN_AGREE_SSIM,
    LIMN_AGREE_IOU,
    LIMN_AGREEMENTS
} limn_agreement;
/* top: share of the places that IoU looks at, 0 … 1. *value NaN where it is not defined. */
limn_status limn_agree(limn_agreement which, const float *a, const float *b, size_t h, size_t w, double top,
                       double *value) LIMN_CHECK;
/* Pearson's correlation of two series, NaN where one is constant. */
double limn_pearson(const double *a, const double *b, size_t n, size_t step);

/* gini     a sorted upwards, i = 1 … n: sum (2 i - n - 1) a_i / (n sum a)      (Chalasani et al. 2020)
 * entropy  -sum q ln q, q = a / sum a, nats                                   (Bhatt, Weller & Moura 2020)
 * a (n) >= 0; gini sorts it. NaN where all are zero. */
double limn_gini(float *a, size_t n);
double limn_entropy(const float *a, size_t n);

#endif
