/* The builders of Keras's layers, and what they share. */
#ifndef LIMN_KERAS_LAYERS_H
#define LIMN_KERAS_LAYERS_H

#include "model/keras.h"

/* ---- nodes (keras_layers.c) -------------------------------------------------------------------------------------- */
/* Adds a node that reads l->at, which becomes it; its shape is known at once. Takes ownership of the values. */
limn_status keras_add(keras_layer *l, limn_op op, const limn_op_attr *a, limn_values weight,
                      limn_values bias) LIMN_CHECK;
/* The same without weights. */
limn_status keras_plain(keras_layer *l, limn_op op, const limn_op_attr *a) LIMN_CHECK;
/* The same, of n values. */
limn_status keras_add_n(keras_layer *l, limn_op op, int n, const int *in, const limn_op_attr *a) LIMN_CHECK;
/* l->at = f(l->at, other). */
limn_status keras_binary(keras_layer *l, limn_binary f, int other) LIMN_CHECK;
/* l->at = f(l->at) with two parameters. */
limn_status keras_unary(keras_layer *l, limn_unary f, double p0, double p1) LIMN_CHECK;
/* A constant of this shape; l->at stays. */
limn_status keras_const(keras_layer *l, const limn_shape *s, limn_values v, int *node) LIMN_CHECK;
/* The shape of l->at. */
const limn_shape *keras_shape(const keras_layer *l);
/* Keras's axis (-1 is the last, 1 the first behind the batch) as the graph's. */
limn_status keras_axis(const keras_layer *l, int axis, int *out) LIMN_CHECK;
/* The graph's axis of the file's axis p = 0 … of l->at. */
int keras_graph_axis(const keras_layer *l, int p);
/* Whether `data_format` is that of l->at. */
limn_status keras_check_format(const keras_layer *l) LIMN_CHECK;
limn_status keras_wrong_array(const hdf5_entry *e) LIMN_CHECK;
/* l->at (rows, in) by a kernel whose numbers lie as (in, out), whatever its axes, and a bias of `out` numbers, or NULL. */
limn_status keras_add_dense(keras_layer *l, const hdf5_entry *kernel, size_t in, size_t out,
                            const hdf5_entry *bias) LIMN_CHECK;
/* A copy of a vector. */
limn_status keras_vector(const hdf5_entry *e, limn_values *out) LIMN_CHECK;

/* ---- activations (keras_pointwise.c) ----------------------------------------------------------------------------- */
/* The activation after a layer's operation; linear adds nothing unless `always`. */
limn_status keras_activation(keras_layer *l, int always) LIMN_CHECK;

/* ---- builders ---------------------------------------------------------------------------------------------------- */
/* keras_layers.c */
limn_status keras_conv2d(keras_layer *l);
limn_status keras_conv1d(keras_layer *l);
limn_status keras_depthwise(keras_layer *l);
limn_status keras_separable(keras_layer *l);
limn_status keras_depthwise1d(keras_layer *l);
limn_status keras_separable1d(keras_layer *l);
limn_status keras_transposed(keras_layer *l);
limn_status keras_dense(keras_layer *l);
limn_status keras_maxpool(keras_layer *l);
limn_status keras_avgpool(keras_layer *l);
limn_status keras_maxpool1d(keras_layer *l);
limn_status keras_avgpool1d(keras_layer *l);
limn_status keras_global_max(keras_layer *l);
limn_status keras_global_mean(keras_layer *l);
/* keras_pointwise.c */
limn_status keras_identity(keras_layer *l);
limn_status keras_activation_layer(keras_layer *l);
limn_status keras_relu(keras_layer *l);
limn_status keras_leaky(keras_layer *l);
limn_status keras_elu(keras_layer *l);
limn_status keras_thresholded(keras_layer *l);
limn_status keras_prelu(keras_layer *l);
limn_status keras_softmax(keras_layer *l);
limn_status keras_batchnorm(keras_layer *l);
limn_status keras_layernorm(keras_layer *l);
limn_status keras_groupnorm(keras_layer *l);
limn_status keras_normalization(keras_layer *l);
limn_status keras_rescaling(keras_layer *l);
/* keras_shapes.c */
limn_status keras_flatten(keras_layer *l);
limn_status keras_reshape(keras_layer *l);
limn_status keras_permute(keras_layer *l);
limn_status keras_repeat(keras_layer *l);
limn_status keras_zeropad(keras_layer *l);
limn_status keras_cropping(keras_layer *l);
limn_status keras_zeropad1d(keras_layer *l);
limn_status keras_cropping1d(keras_layer *l);
limn_status keras_upsampling1d(keras_layer *l);
limn_status keras_center_crop(keras_layer *l);
limn_status keras_upsampling(keras_layer *l);
limn_status keras_resizing(keras_layer *l);
limn_status keras_add_layers(keras_layer *l);
limn_status keras_subtract(keras_layer *l);
limn_status keras_multiply(keras_layer *l);
limn_status keras_average(keras_layer *l);
limn_status keras_maximum(keras_layer *l);
limn_status keras_minimum(keras_layer *l);
limn_status keras_concatenate(keras_layer *l);
/* keras_attention.c */
limn_status keras_multi_head(keras_layer *l);
limn_status keras_attention(keras_layer *l);

#endif
