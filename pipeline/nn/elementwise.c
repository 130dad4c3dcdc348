/* ReLU and identity, on either backend: own loops (see plan.h).
 *
 * ReLU and its masks run over the buffer as it lies, blocked or plain, padding included (zero stays zero under each):
 *   y = max(x, 0), NaN stays NaN           gradient   g 1[y > 0], so 0 at y = 0
 *   guided    g 1[y > 0] 1[g > 0]          deconvnet  g 1[g > 0]
 * Only y is needed going back, so a ReLU overwrites its input where it may. */
#include <stdio.h>

#include "base/try.h"
#include "nn/plan.h"

/* ---- ReLU -------------------------------------------------------------------------------------------------------- */
static limn_status plan_relu(limn_net *n, net_step *s) {
    if (s->node->weight) { /* joined with a scale */
        s->op = &net_scaled;
        return s->op->plan(n, s);
    }
    snprintf(s->backend, sizeof s->backend, "loop");
    return net_place_alias(n, s, NET_OVER);
}

static limn_status relu_forward(const net_step *s, limn_session *run) {
    const float *x = run->address[s->link->x];
    float *y = run->address[s->value];
    size_t n = net_floats(run->net, s->value);
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] = x[i] < 0 ? 0 : x[i];
    return LIMN_OK;
}

static void mask_gradient(const float *y, float *g, size_t n) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) g[i] = y[i] > 0 ? g[i] : 0;
}

static void mask_guided(const float *y, float *g, size_t n) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) g[i] = ((y[i] > 0) & (g[i] > 0)) ? g[i] : 0;
}

static void mask_deconvnet(const float *y, float *g, size_t n) {
    (void)y;
#pragma omp simd
    for (size_t i = 0; i < n; i++) g[i] = g[i] > 0 ? g[i] : 0;
}

static void (*const masks[LIMN_RULES])(const float *y, float *g, size_t n) = {
    [LIMN_RULE_GRADIENT] = mask_gradient, [LIMN_RULE_GUIDED] = mask_guided, [LIMN_RULE_DECONVNET] = mask_deconvnet};

void net_act_forward(const net_act *act, float *y, size_t n) {
    float lo = act->lo, hi = act->hi;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float v = y[i] < lo ? lo : y[i];
        y[i] = v > hi ? hi : v;
    }
}

limn_status net_act_back(const net_act *act, limn_rule rule, const float *y, float *g, size_t n) {
    float lo = act->lo, hi = act->hi;
    if ((unsigned)rule >= LIMN_RULES) return limn_fail(LIMN_EFAIL, "backward rule %d does not exist", (int)rule);
    if (act->op == LIMN_OP_RELU) {
        masks[rule](y, g, n);
        return LIMN_OK;
    }
#pragma omp simd
    for (size_t i = 0; i < n; i++) g[i] = ((y[i] > lo) & (y[i] < hi)) ? g[i] : 0;
    return LIMN_OK;
}

static limn_status relu_vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    (void)j;
    return net_act_back(&(net_act){LIMN_OP_RELU, 0, 0}, rule, run->address[s->value], run->address[s->gy],
                        net_floats(run->net, s->value));
}

const net_op net_relu = {"relu", plan_relu, relu_forward, relu_vjp, 0, 1};

/* ---- identity ---------------------------------------------------------------------------------------------------- */
static limn_status plan_identity(limn_net *n, net_step *s) {
    snprintf(s->backend, sizeof s->backend, "view");
    return net_place_alias(n, s, NET_SHARE);
}

const net_op net_identity = {"identity", plan_identity, net_run_forward, net_run_backward, 0, 0};
