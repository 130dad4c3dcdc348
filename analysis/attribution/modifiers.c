/* Gradient modifiers, as keras-vis 0.5 names them, in float32 as there:
 *     none          g
 *     absolute      |g|
 *     negate        -g
 *     relu          max(g, 0)
 *     invert        1 / (g + 1e-7)
 *     small_values  |1 / (g + 1e-7)|
 * A gradient of exactly -1e-7 inverts to infinity, there and here. Threading: no state. */
#include "attribution/modifiers.h"

#include <math.h>

#include "attribution/attribute.h"

static void absolute(float *g, size_t n) {
    for (size_t i = 0; i < n; i++) g[i] = fabsf(g[i]);
}

static void negate(float *g, size_t n) {
    for (size_t i = 0; i < n; i++) g[i] = -g[i];
}

static void relu(float *g, size_t n) {
    for (size_t i = 0; i < n; i++) g[i] = g[i] < 0 ? 0 : g[i];
}

static void invert(float *g, size_t n) {
    for (size_t i = 0; i < n; i++) g[i] = 1.0F / (g[i] + LIMN_KERAS_EPSILON);
}

static void small_values(float *g, size_t n) {
    invert(g, n);
    absolute(g, n);
}

static const struct {
    void (*apply)(float *g, size_t n); /* NULL: nothing to do */
    int is_signed;
} table[LIMN_GRADS] = {
    [LIMN_GRAD_NONE] = {NULL, 1}, [LIMN_GRAD_ABSOLUTE] = {absolute, 0}, [LIMN_GRAD_NEGATE] = {negate, 1},
    [LIMN_GRAD_RELU] = {relu, 0}, [LIMN_GRAD_INVERT] = {invert, 1},     [LIMN_GRAD_SMALL_VALUES] = {small_values, 0},
};

void limn_grad_modify(int modifier, float *g, size_t n) {
    if (table[modifier].apply) table[modifier].apply(g, n);
}

int limn_grad_signed(int modifier) {
    return table[modifier].is_signed;
}

void limn_min_max(float *a, size_t n) {
    float low = a[0], high = a[0];
    for (size_t i = 1; i < n; i++) {
        if (a[i] < low) low = a[i];
        if (a[i] > high) high = a[i];
    }
    float range = high - low + LIMN_KERAS_EPSILON;
    for (size_t i = 0; i < n; i++) a[i] = (a[i] - low) / range;
}
