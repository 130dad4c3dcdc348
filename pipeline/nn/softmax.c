/* Softmax and its logarithm along one axis, on either backend: own loops over plain layouts (see plan.h).
 *
 *   y_i = e^(x_i - m) / Z,  Z = sum_j e^(x_j - m),  m = max_j x_j      dx_i = y_i (g_i - sum_j y_j g_j)
 *   log:  y_i = x_i - m - log Z                                        dx_i = g_i - e^(y_i) sum_j g_j
 * with sums in float64 in the order of j. A rule changes nothing here. */
#include <math.h>
#include <stdio.h>

#include "base/try.h"
#include "nn/plan.h"

static void softmax(const float *x, float *y, size_t C, size_t stride) {
    float m = x[0];
    double sum = 0;
    for (size_t c = 1; c < C; c++) m = x[c * stride] > m ? x[c * stride] : m;
    for (size_t c = 0; c < C; c++) sum += exp((double)x[c * stride] - m);
    for (size_t c = 0; c < C; c++) y[c * stride] = (float)(exp((double)x[c * stride] - m) / sum);
}

static void softmax_back(const float *y, const float *gy, float *gx, size_t C, size_t stride) {
    double dot = 0;
    for (size_t c = 0; c < C; c++) dot += (double)y[c * stride] * gy[c * stride];
    for (size_t c = 0; c < C; c++) gx[c * stride] = (float)(y[c * stride] * (gy[c * stride] - dot));
}

static void log_softmax(const float *x, float *y, size_t C, size_t stride) {
    float m = x[0];
    double sum = 0;
    for (size_t c = 1; c < C; c++) m = x[c * stride] > m ? x[c * stride] : m;
    for (size_t c = 0; c < C; c++) sum += exp((double)x[c * stride] - m);
    for (size_t c = 0; c < C; c++) y[c * stride] = (float)((double)x[c * stride] - m - log(sum));
}

static void log_softmax_back(const float *y, const float *gy, float *gx, size_t C, size_t stride) {
    double sum = 0;
    for (size_t c = 0; c < C; c++) sum += gy[c * stride];
    for (size_t c = 0; c < C; c++) gx[c * stride] = (float)(gy[c * stride] - exp(y[c * stride]) * sum);
}

/* Each line along the axis: `outer` blocks of C x stride elements. */
typedef struct {
    size_t outer, C, stride;
} lines;

static lines lines_of(const net_step *s, const limn_session *run) {
    const limn_shape *o = &s->node->out;
    lines l = {0, o->dim[s->node->attr.axis], 1};
    for (int i = s->node->attr.axis + 1; i < o->rank; i++) l.stride *= o->dim[i];
    l.outer = net_elements(run->net, s->node) / (l.C * l.stride);
    return l;
}

static limn_status forward(const net_step *s, limn_session *run) {
    lines l = lines_of(s, run);
    const float *x = run->address[s->link->x];
    float *y = run->address[s->value];
    for (size_t o = 0; o < l.outer; o++)
        for (size_t p = 0; p < l.stride; p++) {
            size_t at = o * l.C * l.stride + p;
            (s->node->op == LIMN_OP_SOFTMAX ? softmax : log_softmax)(x + at, y + at, l.C, l.stride);
        }
    return LIMN_OK;
}

static limn_status vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    lines l = lines_of(s, run);
    const float *y = run->address[s->value], *gy = run->address[s->gy];
    float *gx = run->address[s->link->gx];
    (void)rule;
    (void)j;
    for (size_t o = 0; o < l.outer; o++)
        for (size_t p = 0; p < l.stride; p++) {
            size_t at = o * l.C * l.stride + p;
            (s->node->op == LIMN_OP_SOFTMAX ? softmax_back : log_softmax_back)(y + at, gy + at, gx + at, l.C, l.stride);
        }
    return LIMN_OK;
}

const net_op net_softmax = {"softmax", net_place_plain, forward, vjp, 0, 1};
const net_op net_log_softmax = {"log_softmax", net_place_plain, forward, vjp, 0, 1};
