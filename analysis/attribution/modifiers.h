/* What is done to a gradient before it becomes a map, and keras-vis's scaling of a map: see modifiers.c. */
#ifndef LIMN_MODIFIERS_H
#define LIMN_MODIFIERS_H

#include <stddef.h>

/* g (n) = the modifier (a limn_grad_modifier) of it, in place. */
void limn_grad_modify(int modifier, float *g, size_t n);
/* Whether the modifier's results can be negative: then channels are summed, otherwise their maximum is taken. */
int limn_grad_signed(int modifier);

/* a (n) = (a - min) / (max - min + 1e-7), in place. */
void limn_min_max(float *a, size_t n);

/* keras.backend.epsilon(): what keras-vis adds to every denominator. */
#define LIMN_KERAS_EPSILON 1e-7F

#endif
