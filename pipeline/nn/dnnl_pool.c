/* Pooling, and the flatten or reshape that follows it, on oneDNN (see plan.h).
 *
 * Max pooling keeps the place of each window's maximum in a workspace; at a tie that is the first in row-major order, which
 * Keras and PyTorch agree on (the self-test asks for it). Padding never wins. It takes its input's layout as it is.
 *
 * Flatten is a reorder from the picture's layout to a plain one: (row, column, channel) where the file's program has it
 * so, else (channel, row, column); where the picture lies that way already, nothing moves. A reshape is the same. */
#include <stdio.h>

#include "base/try.h"
#include "nn/plan.h"

/* The self-test asks for 512 elements (selftest.c): they shall take it less than a second. A pool of 31x31 pixels with
 * stride 1 stays below. */
static const double TOO_WIDE = 1 << 20;

/* Numbers that the definition, or the library, looks at for one element: the pixels under an output, or over each output that a pixel
 * lies under those of its window. */
static double test_cost(const limn_net *n, const net_step *s) {
    net_picture in = net_picture_of(n, net_node_in(n, s)), out = net_picture_of(n, s->node);
    const size_t from[2] = {in.H, in.W}, to[2] = {out.H, out.W};
    double taps = 1, over = 1;
    for (int i = 0; i < 2; i++) {
        size_t k = (size_t)s->node->attr.kernel[i];
        taps *= (double)(k < from[i] ? k : from[i]);
        over *= (double)(k < to[i] ? k : to[i]);
    }
    double area = (double)s->node->attr.kernel[0] * s->node->attr.kernel[1]; /* the library walks all of it */
    return taps * over > area ? taps * over : area;
}

static limn_status plan_pool(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    dnnl_primitive_desc_t forward = NULL, backward = NULL;
    dc_md y = NULL;
    dc_md_ref x = net_layout_in(n, s);
    const limn_op_attr *a = &s->node->attr;
    dc_window g;
    if ((a->dilation[0] > 1 || a->dilation[1] > 1) && (a->pad[0] | a->pad[1] | a->pad[2] | a->pad[3]))
        FAIL(LIMN_EFAIL, "a window that may lie wholly in the padding is not for oneDNN");
    if (test_cost(n, s) > TOO_WIDE) FAIL(LIMN_EFAIL, "a pool this wide cannot be put to the test");
    net_window(a, &g);
    TRY(net_layout(n, s->node, dnnl_format_tag_any, &y));
    dnnl_alg_kind_t alg = dnnl_pooling_max;
    if (s->node->op == LIMN_OP_AVGPOOL)
        alg = a->count_pad ? dnnl_pooling_avg_include_padding : dnnl_pooling_avg_exclude_padding;
    if (a->count_pad && (a->hang[0] | a->hang[1]))
        FAIL(LIMN_EFAIL, "padding of which a part does not count is not for oneDNN");
    TRY(net_dnnl(dc_pool_pd(&forward, n->engine, alg, x, y, &g, n->attr), "a pooling"));
    dc_md_ref dst = dc_query(forward, dnnl_query_dst_md);
    TRY(net_dnnl(dc_pool_backward_pd(&backward, n->engine, alg, x, dst, &g, n->attr, forward), "a pooling's gradient"));
    TRY(net_place(n, s, NULL, dst, NULL, NULL));
    int max = alg == dnnl_pooling_max;
    if (max) TRY(net_add_mem(n, NET_KEEP, dc_query(forward, dnnl_query_workspace_md), &s->extra));
    const net_arg f[] = {{DNNL_ARG_SRC, s->link->x}, {DNNL_ARG_DST, s->value}, {DNNL_ARG_WORKSPACE, s->extra}};
    TRY(net_add_call(n, &s->forward, forward, max ? 3 : 2, f));
    const net_arg b[] = {{DNNL_ARG_DIFF_SRC, s->link->gx}, {DNNL_ARG_DIFF_DST, s->gy}, {DNNL_ARG_WORKSPACE, s->extra}};
    if (s->link->gx >= 0) TRY(net_add_call(n, &s->backward, backward, max ? 3 : 2, b));
    snprintf(s->backend, sizeof s->backend, "onednn %s", dc_impl(forward));
done:
    if (backward) dnnl_primitive_desc_destroy(backward);
    if (forward) dnnl_primitive_desc_destroy(forward);
    dc_md_free(y);
    return status;
}

const net_op net_dnnl_maxpool = {"maxpool", plan_pool, net_run_forward, net_run_backward, 0, 0};

const net_op net_dnnl_avgpool = {"avgpool", plan_pool, net_run_forward, net_run_backward, 0, 0};

static limn_status plan_flatten(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    const limn_node *in = net_node_in(n, s);
    int value = -1, grad = -1;
    dc_md order = NULL;
    if (s->node->op == LIMN_OP_FLATTEN && s->node->attr.hwc && in->out.rank == 3 && in->batched)
        TRY(net_layout(n, in, dnnl_acdb, &order));
    else
        TRY(net_plain(n, in, &order));
    if (dnnl_memory_desc_equal(order, net_layout_in(n, s))) {
        snprintf(s->backend, sizeof s->backend, "view");
        TRY(net_place_view(n, s));
        goto done;
    }
    TRY(net_place(n, s, NULL, NULL, NULL, NULL));
    TRY(net_add_view(n, s->value, order, &value));
    TRY(net_add_reorder(n, &s->forward, s->link->x, value));
    if (s->link->gx >= 0) {
        TRY(net_add_view(n, s->grad, order, &grad));
        TRY(net_add_reorder(n, &s->backward, grad, s->link->gx));
    }
    snprintf(s->backend, sizeof s->backend, "onednn reorder");
done:
    dc_md_free(order);
    return status;
}

const net_op net_dnnl_flatten = {"flatten", plan_flatten, net_run_forward, net_run_backward, 0, 0};
const net_op net_reshape = {"reshape", plan_flatten, net_run_forward, net_run_backward, 0, 0};
