/* Folding a batch norm into the linear node before it: see fold.c. */
#ifndef LIMN_FOLD_H
#define LIMN_FOLD_H

#include "model/graph.h"

/* Whether y = w_o f(x)_o + b_o, the SCALE `scale` of what `from` computes, is `from` with other weights. */
int graph_folds(const limn_node *from, const limn_node *scale);
/* *weight (from->n_weight) = w_o W, *bias (units) = w_o b + b_o; the caller frees. channels: of what `from` reads. *fits = 0
 * where one of them is not finite. */
limn_status graph_fold(const limn_node *from, size_t channels, const limn_node *scale, float **weight, float **bias,
                       int *fits) LIMN_CHECK;

#endif
