/* ReLU, softmax and identity, on either backend: own loops (see plan.h).
 *
 * ReLU and its masks run over the buffer as it lies, blocked or plain, padding included (zero stays zero under each):
 *   y = max(x, 0), NaN stays NaN           gradient   g 1[y > 0], so 0 at y = 0
 *   guided    g 1[y > 0] 1[g > 0]          deconvnet  g 1[g > 0]
 * Only y is needed going back, so a ReLU overwrites its input where it may.
 *
 * Softmax, over a vector, or over the channels of each pixel:
 *   y_i = e^(x_i - m) / sum_j e^(x_j - m), m = max_j x_j      dx_i = y_i (g_i - sum_j y_j g_j)
 * with sums in float64 in the order of j. A rule changes nothing here. */
#include <math.h>
#include <stdio.h>

#include "base/try.h"
#include "nn/plan.h"

/* ---- ReLU -------------------------------------------------------------------------------------------------------- */
static limn_status plan_relu(limn_net *n, net_step *s) {
    snprintf(s->backend, sizeof s->backend, "loop");
    return net_place_alias(n, s, 0);
}

static size_t floats(const net_step *s, const limn_session *run) {
    return dnnl_memory_desc_get_size(net_layout_of(run->net, s->value)) / sizeof(float);
}

static limn_status relu_forward(const net_step *s, limn_session *run) {
    const float *x = run->address[s->x];
    float *y = run->address[s->value];
    size_t n = floats(s, run);
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

static limn_status relu_vjp(const net_step *s, limn_session *run, limn_rule rule) {
    if ((unsigned)rule >= LIMN_RULES) return limn_fail(LIMN_EFAIL, "backward rule %d does not exist", (int)rule);
    masks[rule](run->address[s->value], run->address[s->gy], floats(s, run));
    return LIMN_OK;
}

const net_op net_relu = {"relu", plan_relu, relu_forward, relu_vjp, 0, 1};

/* ---- identity ---------------------------------------------------------------------------------------------------- */
static limn_status plan_identity(limn_net *n, net_step *s) {
    snprintf(s->backend, sizeof s->backend, "view");
    return net_place_alias(n, s, 1);
}

const net_op net_identity = {"identity", plan_identity, net_run_forward, net_run_backward, 0, 0};

/* ---- softmax ----------------------------------------------------------------------------------------------------- */
static limn_status plan_softmax(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    dc_md plain = NULL;
    TRY(net_plain(n, &s->node->out, &plain));
    TRY(net_place(n, s, plain, plain, plain, plain));
    snprintf(s->backend, sizeof s->backend, "loop");
done:
    dc_md_free(plain);
    return status;
}

/* One distribution: C values, `stride` apart. */
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

static limn_status softmax_forward(const net_step *s, limn_session *run) {
    const limn_shape *o = &s->node->out;
    size_t size = limn_shape_size(o), C = o->dim[0], pixels = size / C;
    const float *x = run->address[s->x];
    float *y = run->address[s->value];
    for (size_t b = 0; b < run->net->B; b++)
        for (size_t p = 0; p < pixels; p++) softmax(x + b * size + p, y + b * size + p, C, pixels);
    return LIMN_OK;
}

static limn_status softmax_vjp(const net_step *s, limn_session *run, limn_rule rule) {
    const limn_shape *o = &s->node->out;
    size_t size = limn_shape_size(o), C = o->dim[0], pixels = size / C;
    const float *y = run->address[s->value], *gy = run->address[s->gy];
    float *gx = run->address[s->gx];
    (void)rule;
    for (size_t b = 0; b < run->net->B; b++)
        for (size_t p = 0; p < pixels; p++) {
            size_t at = b * size + p;
            softmax_back(y + at, gy + at, gx + at, C, pixels);
        }
    return LIMN_OK;
}

const net_op net_softmax = {"softmax", plan_softmax, softmax_forward, softmax_vjp, 0, 1};
