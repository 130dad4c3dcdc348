/* Inside the table of operations: the shape functions of ops_shape.c, for the table in ops.c. */
#ifndef LIMN_MODEL_OPS_H
#define LIMN_MODEL_OPS_H

#include "model/graph.h"

enum { OPS_MAX_ELEMENTS = 1 << 28 }; /* of one sample's tensor: 1 GiB */

limn_status ops_check_size(const limn_shape *s) LIMN_CHECK;
limn_status ops_need_count(size_t have, size_t want, const char *what) LIMN_CHECK;

typedef limn_status ops_shape_fn(limn_node *n, const limn_node *const *in);
ops_shape_fn ops_source_shape, ops_same_shape, ops_flatten_shape, ops_unary_shape, ops_broadcast_shape, ops_scale_shape,
    ops_concat_shape, ops_slice_shape, ops_pad_shape, ops_resize_shape, ops_reshape_shape, ops_transpose_shape,
    ops_expand_shape, ops_reduce_shape, ops_norm_shape, ops_lrn_shape, ops_axis_shape, ops_matmul_shape;

#endif
