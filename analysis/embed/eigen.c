/* Eigenvectors of a symmetric matrix: see eigen.h. GSL's own error handler, which aborts, is turned off first. */
#include "embed/eigen.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>

#include "base/try.h"

limn_status embed_eigen(const double *C, size_t size, size_t stride, double scale, double *values, double *vectors) {
    limn_status status = LIMN_OK;
    gsl_set_error_handler_off();
    gsl_vector_view value = gsl_vector_view_array(values, size);
    gsl_matrix_view vector = gsl_matrix_view_array(vectors, size, size);
    gsl_matrix *A = gsl_matrix_alloc(size, size);
    gsl_eigen_symmv_workspace *w = gsl_eigen_symmv_alloc(size);
    if (!A || !w) FAIL(LIMN_ENOMEM, "no memory for the eigenvectors of a matrix of %zu x %zu", size, size);
    for (size_t i = 0; i < size; i++)
        for (size_t j = i; j < size; j++) {
            gsl_matrix_set(A, i, j, C[i * stride + j] / scale);
            gsl_matrix_set(A, j, i, C[i * stride + j] / scale);
        }
    int code = gsl_eigen_symmv(A, &value.vector, &vector.matrix, w);
    if (code) FAIL(LIMN_EFAIL, "the eigenvectors of a covariance were not found: %s", gsl_strerror(code));
    gsl_eigen_symmv_sort(&value.vector, &vector.matrix, GSL_EIGEN_SORT_VAL_DESC);
done:
    if (A) gsl_matrix_free(A);
    if (w) gsl_eigen_symmv_free(w);
    return status;
}
