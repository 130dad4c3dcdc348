/* What operators give of known values: the `fold` of the rows in onnx_ops.c. */
#ifndef LIMN_ONNX_FOLD_H
#define LIMN_ONNX_FOLD_H

#include "model/onnx_build.h"

limn_status onnx_fold_binary(onnx_op *o);
limn_status onnx_fold_cast(onnx_op *o);
limn_status onnx_fold_concat(onnx_op *o);
limn_status onnx_fold_constant(onnx_op *o);
limn_status onnx_fold_constant_of_shape(onnx_op *o);
limn_status onnx_fold_expand(onnx_op *o);
limn_status onnx_fold_flatten(onnx_op *o);
limn_status onnx_fold_gather(onnx_op *o);
limn_status onnx_fold_identity(onnx_op *o);
limn_status onnx_fold_range(onnx_op *o);
limn_status onnx_fold_reshape(onnx_op *o);
limn_status onnx_fold_shape(onnx_op *o);
limn_status onnx_fold_size(onnx_op *o);
limn_status onnx_fold_slice(onnx_op *o);
limn_status onnx_fold_split(onnx_op *o);
limn_status onnx_fold_squeeze(onnx_op *o);
limn_status onnx_fold_transpose(onnx_op *o);
limn_status onnx_fold_unary(onnx_op *o);
limn_status onnx_fold_unsqueeze(onnx_op *o);
limn_status onnx_fold_where(onnx_op *o);

/* A unary function's parameters (limn_op_attr.p): the row's attributes. */
limn_status onnx_parameters(const onnx_op *o, float p[4]) LIMN_CHECK;

#endif
