/* Eigenvectors of a symmetric matrix, by GSL. */
#ifndef LIMN_EMBED_EIGEN_H
#define LIMN_EMBED_EIGEN_H

#include <stddef.h>

#include "base/status.h"

/* values (size), descending, and vectors (size, size), eigenvector a in column a, of the symmetric matrix whose upper
 * triangle is C[i * stride + j] / scale, j >= i. Householder tridiagonalisation, then QR. */
limn_status embed_eigen(const double *C, size_t size, size_t stride, double scale, double *values,
                        double *vectors) LIMN_CHECK;

#endif
