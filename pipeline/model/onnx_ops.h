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

/* onnx_attention.c, onnx_einsum.c, onnx_select.c */
limn_status onnx_emit_attention(onnx_op *o);
limn_status onnx_emit_einsum(onnx_op *o);
limn_status onnx_emit_arg(onnx_op *o);
limn_status onnx_emit_top(onnx_op *o);

/* onnx_compose.c: written with others */
limn_status onnx_emit_lp_norm(onnx_op *o);
limn_status onnx_emit_mean_variance(onnx_op *o);
limn_status onnx_emit_rms_norm(onnx_op *o);
limn_status onnx_emit_tile(onnx_op *o);

/* onnx_resize.c */
limn_status onnx_emit_resize(onnx_op *o);

/* ---- windows (onnx_layers.c, onnx_volume.c) -------------------------------------------------------------------------
 */
typedef struct {
    int n; /* axes: 1 to 3 */
    int kernel[3], stride[3], dilation[3], before[3], after[3];
    int same; /* as limn_op_attr's */
} onnx_window;
/* Two axes of w, the first of which may be none (-1: a single row), as the engine's window. */
void onnx_two_axes(const onnx_window *w, int rows, int columns, limn_op_attr *a);
/* *node, a volume (…, C, D, H, W), pooled. */
limn_status onnx_pool_volume(onnx_op *o, limn_op op, const onnx_window *w, limn_op_attr a, int *node) LIMN_CHECK;
/* *node convolved, transposed convolved; what they take of weight and bias they leave empty. a: units, groups. */
limn_status onnx_conv_volume(onnx_op *o, const onnx_window *w, const onnx_value *kernel, limn_values *weight,
                             limn_values *bias, limn_op_attr a, int *node) LIMN_CHECK;
limn_status onnx_convt_volume(onnx_op *o, const onnx_window *w, limn_values *weight, limn_values *bias, limn_op_attr a,
                              const int out_pad[3], int *node) LIMN_CHECK;
/* Output 1 of a MaxPool: for each of its maxima the place in the input, flat. pool: its ceil and so on. */
limn_status onnx_emit_indices(onnx_op *o, const onnx_value *v, const onnx_window *w, const limn_op_attr *pool,
                              int node) LIMN_CHECK;

/* Input i as a node, for operators on pictures: its batch axis, where it has one, is the first. */
limn_status onnx_picture(onnx_op *o, size_t i, onnx_value **v, int *node) LIMN_CHECK;

#endif
