/* A batch norm at inference is y = w_o x_o + b_o for each channel or unit o (SCALE). Behind a convolution or dense layer with
 * weights W and biases b it is that layer with weights w_o W and biases w_o b + b_o. Pure functions. */
#include "model/fold.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/try.h"

int graph_folds(const limn_node *from, const limn_node *scale) {
    int conv = from->op == LIMN_OP_CONV2D || from->op == LIMN_OP_CONVT2D;
    if (scale->op != LIMN_OP_SCALE || scale->attr.axis != 0 || from->attr.units < 1) return 0;
    return conv || (from->op == LIMN_OP_DENSE && from->out.rank == 1);
}

/* The unit that weight i of a node feeds. */
static size_t unit_of(const limn_node *node, size_t channels, size_t i) {
    const limn_op_attr *a = &node->attr;
    size_t units = (size_t)a->units, taps = (size_t)a->kernel[0] * (size_t)a->kernel[1];
    if (node->op != LIMN_OP_CONVT2D) return i / (node->n_weight / units);
    size_t groups = a->groups > 1 ? (size_t)a->groups : 1, each = units / groups, c = i / (each * taps);
    return c / (channels / groups) * each + i / taps % each;
}

limn_status graph_fold(const limn_node *from, size_t channels, const limn_node *scale, float **weight, float **bias,
                       int *fits) {
    limn_status status = LIMN_OK;
    size_t units = (size_t)from->attr.units;
    TRY(limn_new(weight, from->n_weight, sizeof **weight));
    TRY(limn_new(bias, units, sizeof **bias));
    *fits = 1;
    for (size_t i = 0; i < from->n_weight; i++) {
        (*weight)[i] = from->weight[i] * scale->weight[unit_of(from, channels, i)];
        *fits &= isfinite((*weight)[i]) != 0;
    }
    for (size_t o = 0; o < units; o++) {
        double b = from->bias ? (double)from->bias[o] * scale->weight[o] : 0;
        (*bias)[o] = (float)(b + (scale->bias ? scale->bias[o] : 0));
        *fits &= isfinite((*bias)[o]) != 0;
    }
done:
    return status;
}
