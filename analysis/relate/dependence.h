/* U-centred matrices and their products: what cka and distance correlation are made of. Of this room only. */
#ifndef LIMN_RELATE_DEPENDENCE_H
#define LIMN_RELATE_DEPENDENCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* A (m, m), symmetric with a zero diagonal, becomes U-centred (Szekely & Rizzo 2014):
 *   a_ij - sum_l a_il/(m-2) - sum_k a_kj/(m-2) + sum_kl a_kl/((m-1)(m-2)) for i != j, 0 on the diagonal. m >= 4. */
void relate_centre(double *A, size_t m);
/* sum over i < j of A_ij B_(p_i)(p_j); p NULL: the identity. */
double relate_product(const double *A, const double *B, size_t m, const uint32_t *p);
/* R = AB / sqrt(AA BB), 0 where AB is 0, NaN where AA or BB is not above 0. */
double relate_ratio(double ab, double aa, double bb);
/* (1 + how many of `permutations` seeded permutations have a product >= AB) / (permutations + 1). */
limn_status relate_permutations(double *p, const double *A, const double *B, size_t m, size_t permutations,
                                uint64_t seed, int threads) LIMN_CHECK;

#endif
