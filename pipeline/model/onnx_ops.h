/* What operators emit: the `emit` of the rows in onnx_ops.c, by file. */
#ifndef LIMN_ONNX_OPS_H
#define LIMN_ONNX_OPS_H

#include "model/onnx_fold.h"

/* onnx_layers.c: with windows, normalisations; onnx_dense.c: Gemm, MatMul */
limn_status onnx_emit_batch_norm(onnx_op *o);
limn_status onnx_emit_conv(onnx_op *o);
limn_status onnx_emit_conv_transpose(onnx_op *o);
limn_status onnx_emit_gemm(onnx_op *o);
limn_status onnx_emit_global_pool(onnx_op *o);
limn_status onnx_emit_group_norm(onnx_op *o);
limn_status onnx_emit_instance_norm(onnx_op *o);
limn_status onnx_emit_layer_norm(onnx_op *o);
limn_status onnx_emit_lrn(onnx_op *o);
limn_status onnx_emit_matmul(onnx_op *o);
limn_status onnx_emit_pool(onnx_op *o);

/* onnx_move.c: that move, join, cut */
limn_status onnx_emit_concat(onnx_op *o);
limn_status onnx_emit_depth_to_space(onnx_op *o);
limn_status onnx_emit_expand(onnx_op *o);
limn_status onnx_emit_flatten(onnx_op *o);
limn_status onnx_emit_gather(onnx_op *o);
limn_status onnx_emit_pad(onnx_op *o);
limn_status onnx_emit_reshape(onnx_op *o);
limn_status onnx_emit_slice(onnx_op *o);
limn_status onnx_emit_split(onnx_op *o);
limn_status onnx_emit_squeeze(onnx_op *o);
limn_status onnx_emit_transpose(onnx_op *o);
limn_status onnx_emit_unsqueeze(onnx_op *o);

/* onnx_resize.c */
limn_status onnx_emit_resize(onnx_op *o);

/* Input i as a node, for operators on pictures: its batch axis, where it has one, is the first. */
limn_status onnx_picture(onnx_op *o, size_t i, onnx_value **v, int *node) LIMN_CHECK;

#endif
