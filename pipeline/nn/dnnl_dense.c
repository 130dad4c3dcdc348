/* Dense layers on oneDNN's sgemm (see plan.h): Y = X W^T + bias, dX = dY W, with X (B, in) and W (out, in) as the graph
 * has it. sgemm is slow with a transposed second factor and few rows, so the forward pass reads a transposed copy.
 * Both are plain: the library's own packed weights are wrong in some versions. One thread and fixed M, N, K: the bits
 * of a row depend on the row alone. */
#include <stdio.h>
#include <string.h>

#include "base/try.h"
#include "nn/plan.h"

static limn_status plan(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    size_t in = limn_shape_size(net_shape_in(n, s)), out = limn_shape_size(&s->node->out);
    TRY(net_place(n, s, NULL, NULL, NULL, NULL));
    TRY(net_add_transposed(n, s->node->weight, out, in, &s->extra));
    snprintf(s->backend, sizeof s->backend, "onednn sgemm");
done:
    return status;
}

static limn_status forward(const net_step *s, limn_session *run) {
    dnnl_dim_t B = (dnnl_dim_t)run->net->B, in = (dnnl_dim_t)limn_shape_size(net_shape_in(run->net, s));
    size_t out = limn_shape_size(&s->node->out);
    float *y = run->address[s->value];
    const float *bias = s->node->bias;
    for (size_t b = 0; bias && b < run->net->B; b++) memcpy(y + b * out, bias, out * sizeof *y);
    return net_dnnl(dnnl_sgemm('N', 'N', B, (dnnl_dim_t)out, in, 1, run->address[s->x], in, run->address[s->extra],
                               (dnnl_dim_t)out, bias ? 1 : 0, y, (dnnl_dim_t)out),
                    "a dense layer");
}

static limn_status vjp(const net_step *s, limn_session *run, limn_rule rule) {
    dnnl_dim_t B = (dnnl_dim_t)run->net->B, in = (dnnl_dim_t)limn_shape_size(net_shape_in(run->net, s));
    dnnl_dim_t out = (dnnl_dim_t)limn_shape_size(&s->node->out);
    (void)rule;
    return net_dnnl(
        dnnl_sgemm('N', 'N', B, in, out, 1, run->address[s->gy], out, s->node->weight, in, 0, run->address[s->gx], in),
        "a dense layer's gradient");
}

const net_op net_dnnl_dense = {"dense", plan, forward, vjp, 0, 0};
