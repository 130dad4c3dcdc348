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
    const limn_shape *x = net_shape_in(n, s);
    size_t in = x->dim[x->rank - 1], out = (size_t)s->node->attr.units;
    TRY(net_place_plain(n, s));
    TRY(net_add_transposed(n, s->node->weight, out, in, &s->extra));
    snprintf(s->backend, sizeof s->backend, "onednn sgemm");
done:
    return status;
}

static limn_status forward(const net_step *s, limn_session *run) {
    size_t out = (size_t)s->node->attr.units, B = net_elements(run->net, s->node) / out;
    dnnl_dim_t in = (dnnl_dim_t)(net_elements(run->net, net_node_in(run->net, s)) / B);
    float *y = run->address[s->value];
    const float *bias = s->node->bias;
    for (size_t b = 0; bias && b < B; b++) memcpy(y + b * out, bias, out * sizeof *y);
    return net_dnnl(dnnl_sgemm('N', 'N', (dnnl_dim_t)B, (dnnl_dim_t)out, in, 1, run->address[s->link->x], in,
                               run->address[s->extra], (dnnl_dim_t)out, bias ? 1 : 0, y, (dnnl_dim_t)out),
                    "a dense layer");
}

static limn_status vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    (void)j;
    dnnl_dim_t out = s->node->attr.units, B = (dnnl_dim_t)net_elements(run->net, s->node) / out;
    dnnl_dim_t in = (dnnl_dim_t)net_elements(run->net, net_node_in(run->net, s)) / B;
    (void)rule;
    return net_dnnl(dnnl_sgemm('N', 'N', B, in, out, 1, run->address[s->gy], out, s->node->weight, in, 0,
                               run->address[s->link->gx], in),
                    "a dense layer's gradient");
}

const net_op net_dnnl_dense = {"dense", plan, forward, vjp, 0, 0};
