/* What operators give of known values: the `fold` of the rows in onnx_ops.c. */
#ifndef LIMN_ONNX_FOLD_H
#define LIMN_ONNX_FOLD_H

#include "model/onnx_build.h"

limn_status onnx_fold_binary(onnx_op *o);
limn_status onnx_fold_cast(onnx_op *o);
limn_status onnx_fold_concat(onnx_op *o);
limn_status onnx_fold_constant(onnx_op *o);
limn_status onnx_fold_constant_of_shape(onnx_op *o);
limn_status onnx_fold_cumsum(onnx_op *o);
limn_status onnx_fold_expand(onnx_op *o);
limn_status onnx_fold_flatten(onnx_op *o);
limn_status onnx_fold_gather(onnx_op *o);
limn_status onnx_fold_identity(onnx_op *o);
limn_status onnx_fold_range(onnx_op *o);
/* v reduced over these axes (row->f). */
limn_status onnx_fold_reduce(onnx_op *o, onnx_value *v, unsigned axes, int keep);
limn_status onnx_fold_reshape(onnx_op *o);
limn_status onnx_fold_shape(onnx_op *o);
limn_status onnx_fold_size(onnx_op *o);
limn_status onnx_fold_slice(onnx_op *o);
limn_status onnx_fold_split(onnx_op *o);
limn_status onnx_fold_squeeze(onnx_op *o);
limn_status onnx_fold_tile(onnx_op *o);
limn_status onnx_fold_transpose(onnx_op *o);
limn_status onnx_fold_trilu(onnx_op *o);
limn_status onnx_fold_unary(onnx_op *o);
limn_status onnx_fold_unsqueeze(onnx_op *o);
limn_status onnx_fold_where(onnx_op *o);

/* Room for a tensor of this shape, within the budget; *n its numbers. */
limn_status onnx_fold_make(onnx_op *o, int rank, const int64_t *dim, double **out, size_t *n) LIMN_CHECK;
/* A unary function's parameters (limn_op_attr.p): the row's attributes. */
limn_status onnx_parameters(const onnx_op *o, float p[4]) LIMN_CHECK;

#endif
