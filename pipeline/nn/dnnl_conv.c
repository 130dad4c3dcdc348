/* Convolution on oneDNN: forward and backward-data, in the library's own layouts (see plan.h).
 *
 *   y[b,o,i,j] = bias[o] + sum over c, u, v of w[o,c,u,v] x[b, c, i sh + u dh - top, j sw + v dw - left]
 *
 * Forward asks for `any`. Backward-data asks for the layouts that forward chose, and where the library has only its
 * reference code for those, some 200 times slower (a plain diff_src beside a blocked diff_dst), for `any` on all three
 * descriptors, with reorders. A convolution of stride 1 goes back as a forward convolution, with kernels turned by half a
 * turn, channels exchanged and (k - 1) d - pad for pad: the library's forward passes are the better tuned ones, by up to
 * twice. One that reads few channels goes back by narrow.c. The two directions may want the weights in two layouts; both are packed once, here. The
 * direct algorithm, never Winograd, which flips ReLU masks. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "nn/plan.h"

/* The library's weight dims: (A, B, kh, kw), or (G, A/G, B/G, kh, kw): A channels out and B in; the other way round in a
 * transposed convolution. */
static int weight_dims(const limn_net *n, const net_step *s, dnnl_dims_t w) {
    const limn_op_attr *a = &s->node->attr;
    dnnl_dim_t groups = a->groups > 1 ? a->groups : 1, in = (dnnl_dim_t)net_picture_of(n, net_node_in(n, s)).C;
    int r = 0, transposed = s->node->op == LIMN_OP_CONVT2D;
    if (groups > 1) w[r++] = groups;
    w[r++] = (transposed ? in : a->units) / groups;
    w[r++] = (transposed ? a->units : in) / groups;
    w[r++] = a->kernel[0];
    w[r++] = a->kernel[1];
    return r;
}

typedef struct {
    dc_md x, y, w, plain_w, bias; /* what is asked for: any, and the graph's own orders */
    dc_md turned_w;               /* of a backward pass that is a forward convolution; NULL: it is backward-data */
    dnnl_primitive_desc_t forward, backward;
} conv_plan;

static int is_fast(dnnl_primitive_desc_t pd) {
    return strncmp(dc_impl(pd), "jit", 3) == 0 || strncmp(dc_impl(pd), "brg", 3) == 0;
}

/* Backward-data in the layouts that the values have, which saves two reorders, unless the library has only its reference
 * code for them; then in whatever it likes. */
static limn_status choose_backward(limn_net *n, const net_step *s, conv_plan *p, const dc_window *g) {
    dc_md_ref x = net_layout_in(n, s), y = dc_query(p->forward, dnnl_query_dst_md);
    if (dc_conv_backward_pd(&p->backward, n->engine, x, p->w, y, g, n->attr, p->forward) == dnnl_success) {
        if (is_fast(p->backward)) return LIMN_OK;
        dnnl_primitive_desc_destroy(p->backward);
    }
    p->backward = NULL;
    return net_dnnl(dc_conv_backward_pd(&p->backward, n->engine, p->x, p->w, p->y, g, n->attr, p->forward),
                    "a convolution's gradient");
}

/* Whether the gradient may be a forward convolution; *g = its window. One of a single tap gains nothing, nor one that
 * would be padded more than it was. */
static int turns(const limn_op_attr *a, dc_window *g) {
    if (a->groups > 1 || a->kernel[0] * a->kernel[1] == 1) return 0;
    net_window(a, g);
    for (int i = 0; i < 2; i++) {
        dnnl_dim_t reach = (dnnl_dim_t)(a->kernel[i] - 1) * a->dilation[i];
        g->pad_l[i] = reach - g->pad_l[i];
        g->pad_r[i] = reach - g->pad_r[i];
        if (a->stride[i] != 1 || g->pad_l[i] < 0 || g->pad_r[i] < 0 || g->pad_l[i] > a->pad[i]) return 0;
    }
    return 1;
}

/* Leaves p->backward NULL where it does not fit, or would not be fast. */
static limn_status choose_turned(limn_net *n, const net_step *s, conv_plan *p) {
    limn_status status = LIMN_OK;
    const limn_op_attr *a = &s->node->attr;
    dnnl_dims_t dims = {(dnnl_dim_t)net_picture_of(n, net_node_in(n, s)).C, a->units, a->kernel[0], a->kernel[1]};
    dc_window g;
    dc_md w = NULL;
    if (!turns(a, &g)) goto done;
    TRY(net_dnnl(dc_md_new(&w, 4, dims, dnnl_format_tag_any), "weights"));
    dc_md_ref y = dc_query(p->forward, dnnl_query_dst_md), x = dc_query(p->forward, dnnl_query_src_md);
    if (dc_conv_pd(&p->backward, n->engine, y, w, NULL, x, &g, n->attr) == dnnl_success) {
        if (is_fast(p->backward)) {
            TRY(net_dnnl(dc_md_new(&p->turned_w, 4, dims, dnnl_abcd), "weights"));
            goto done;
        }
        dnnl_primitive_desc_destroy(p->backward);
    }
    p->backward = NULL;
done:
    dc_md_free(w);
    return status;
}

/* The turned kernels, packed. w (K, C, kh, kw). */
static limn_status add_turned(limn_net *n, const net_step *s, const conv_plan *p, int *mem) {
    limn_status status = LIMN_OK;
    size_t C = net_picture_of(n, net_node_in(n, s)).C, K = (size_t)s->node->attr.units;
    size_t taps = (size_t)s->node->attr.kernel[0] * (size_t)s->node->attr.kernel[1];
    float *turned = NULL;
    TRY(limn_new(&turned, C * K * taps, sizeof *turned));
    for (size_t k = 0; k < K; k++)
        for (size_t c = 0; c < C; c++)
            for (size_t t = 0; t < taps; t++)
                turned[(c * K + k) * taps + t] = s->node->weight[(k * C + c) * taps + taps - 1 - t];
    TRY(net_add_weights(n, p->turned_w, turned, dc_query(p->backward, dnnl_query_weights_md), mem));
    net_mem *m = &n->mem[*mem];
    m->fixed = NULL; /* what it was packed from goes */
    if (!m->owned) {
        m->owned = turned;
        turned = NULL;
    }
done:
    free(turned);
    return status;
}

static limn_status choose(limn_net *n, const net_step *s, conv_plan *p) {
    limn_status status = LIMN_OK;
    dnnl_dims_t dims, bias = {s->node->attr.units};
    dc_window g;
    int rank = weight_dims(n, s, dims);
    net_window(&s->node->attr, &g);
    TRY(net_layout(n, net_node_in(n, s), dnnl_format_tag_any, &p->x));
    TRY(net_layout(n, s->node, dnnl_format_tag_any, &p->y));
    TRY(net_dnnl(dc_md_new(&p->w, rank, dims, dnnl_format_tag_any), "weights"));
    TRY(net_dnnl(dc_md_new(&p->plain_w, rank, dims, rank == 5 ? dnnl_abcde : dnnl_abcd), "weights"));
    if (s->node->bias) TRY(net_dnnl(dc_md_new(&p->bias, 1, bias, dnnl_a), "a bias"));
    TRY(net_dnnl(dc_conv_pd(&p->forward, n->engine, p->x, p->w, p->bias, p->y, &g, n->attr), "a convolution"));
    if (net_narrow_fits(n, s)) goto done;
    TRY(choose_turned(n, s, p));
    if (!p->backward) TRY(choose_backward(n, s, p, &g));
done:
    return status;
}

static void free_plan(conv_plan *p) {
    if (p->backward) dnnl_primitive_desc_destroy(p->backward);
    if (p->forward) dnnl_primitive_desc_destroy(p->forward);
    dc_md_free(p->x);
    dc_md_free(p->y);
    dc_md_free(p->w);
    dc_md_free(p->plain_w);
    dc_md_free(p->turned_w);
    dc_md_free(p->bias);
}

static limn_status place(limn_net *n, net_step *s, const conv_plan *p) {
    limn_status status = LIMN_OK;
    dc_md last = NULL, plain = NULL;
    dc_md_ref gy, gx;
    if (p->backward) {
        gy = dc_query(p->backward, p->turned_w ? dnnl_query_src_md : dnnl_query_diff_dst_md);
        gx = dc_query(p->backward, p->turned_w ? dnnl_query_dst_md : dnnl_query_diff_src_md);
    } else {
        TRY(net_layout(n, s->node, dnnl_acdb, &last));
        TRY(net_plain(n, net_node_in(n, s), &plain));
        gy = last;
        gx = plain;
    }
    TRY(net_place(n, s, dc_query(p->forward, dnnl_query_src_md), dc_query(p->forward, dnnl_query_dst_md), gy, gx));
done:
    dc_md_free(last);
    dc_md_free(plain);
    return status;
}

static limn_status plan(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    conv_plan p = {0};
    int w = -1, bias = -1;
    TRY(choose(n, s, &p));
    TRY(place(n, s, &p));
    TRY(net_add_weights(n, p.plain_w, s->node->weight, dc_query(p.forward, dnnl_query_weights_md), &w));
    if (p.bias) TRY(net_add_weights(n, p.bias, s->node->bias, p.bias, &bias));
    const net_arg f[] = {
        {DNNL_ARG_SRC, s->link->x}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, s->value}, {DNNL_ARG_BIAS, bias}};
    TRY(net_add_call(n, &s->forward, p.forward, p.bias ? 4 : 3, f));
    if (s->link->gx >= 0 && !p.backward) {
        TRY(net_narrow_plan(n, s));
    } else if (s->link->gx >= 0 && p.turned_w) {
        TRY(add_turned(n, s, &p, &w));
        const net_arg b[] = {{DNNL_ARG_SRC, s->gy}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, s->link->gx}};
        TRY(net_add_call(n, &s->backward, p.backward, 3, b));
    } else if (s->link->gx >= 0) {
        TRY(net_add_weights(n, p.plain_w, s->node->weight, dc_query(p.backward, dnnl_query_weights_md), &w));
        const net_arg b[] = {{DNNL_ARG_DIFF_SRC, s->link->gx}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DIFF_DST, s->gy}};
        TRY(net_add_call(n, &s->backward, p.backward, 3, b));
    }
    snprintf(s->backend, sizeof s->backend, "onednn %s", dc_impl(p.forward));
done:
    free_plan(&p);
    return status;
}

/* ---- transposed ---------------------------------------------------------------------------------------------------
 * The gradient of the convolution that goes the other way: its backward-data is the forward pass here, its forward pass
 * the gradient. Rows that out_pad adds beyond a whole stride are padding that this convolution does not have. */
static limn_status choose_transposed(limn_net *n, const net_step *s, conv_plan *p) {
    limn_status status = LIMN_OK;
    const limn_op_attr *a = &s->node->attr;
    dnnl_dims_t dims;
    dc_window g;
    int rank = weight_dims(n, s, dims);
    net_window(a, &g);
    for (int i = 0; i < 2; i++)
        if (a->out_pad[i] >= a->stride[i]) g.pad_r[i] -= a->out_pad[i];
    TRY(net_layout(n, s->node, dnnl_format_tag_any, &p->x));
    TRY(net_layout(n, net_node_in(n, s), dnnl_format_tag_any, &p->y));
    TRY(net_dnnl(dc_md_new(&p->w, rank, dims, dnnl_format_tag_any), "weights"));
    TRY(net_dnnl(dc_md_new(&p->plain_w, rank, dims, rank == 5 ? dnnl_abcde : dnnl_abcd), "weights"));
    TRY(net_dnnl(dc_conv_pd(&p->forward, n->engine, p->x, p->w, NULL, p->y, &g, n->attr), "a transposed convolution"));
    TRY(net_dnnl(dc_conv_backward_pd(&p->backward, n->engine, p->x, p->w, p->y, &g, n->attr, p->forward),
                 "a transposed convolution"));
done:
    return status;
}

static limn_status plan_transposed(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    conv_plan p = {0};
    int w = -1;
    TRY(choose_transposed(n, s, &p));
    TRY(net_place(n, s, dc_query(p.backward, dnnl_query_diff_dst_md), dc_query(p.backward, dnnl_query_diff_src_md),
                  dc_query(p.forward, dnnl_query_src_md), dc_query(p.forward, dnnl_query_dst_md)));
    s->block = net_block(n, s->node, s->value);
    if (s->block == 0) FAIL(LIMN_EFAIL, "an unknown layout of a transposed convolution");
    TRY(net_add_weights(n, p.plain_w, s->node->weight, dc_query(p.backward, dnnl_query_weights_md), &w));
    const net_arg f[] = {{DNNL_ARG_DIFF_SRC, s->value}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DIFF_DST, s->link->x}};
    TRY(net_add_call(n, &s->forward, p.backward, 3, f));
    if (s->link->gx >= 0) {
        TRY(net_add_weights(n, p.plain_w, s->node->weight, dc_query(p.forward, dnnl_query_weights_md), &w));
        const net_arg b[] = {{DNNL_ARG_SRC, s->gy}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, s->link->gx}};
        TRY(net_add_call(n, &s->backward, p.forward, 3, b));
    }
    snprintf(s->backend, sizeof s->backend, "onednn %s", dc_impl(p.backward));
done:
    free_plan(&p);
    return status;
}

static limn_status forward_transposed(const net_step *s, limn_session *run) {
    limn_status status = LIMN_OK;
    const float *bias = s->node->bias;
    float *y = run->address[s->value];
    TRY(net_call_run(&s->forward, run));
    if (!bias) goto done;
    net_picture o = net_picture_of(run->net, s->node);
    size_t b = s->block, blocks = (o.C + b - 1) / b, P = o.H * o.W;
    for (size_t k = 0; k < o.N * blocks; k++) {
        size_t c0 = k % blocks * b, used = o.C - c0 < b ? o.C - c0 : b;
        for (size_t q = 0; q < P; q++, y += b)
            for (size_t c = 0; c < used; c++) y[c] += bias[c0 + c];
    }
done:
    return status;
}

static limn_status backward(const net_step *s, limn_session *run, limn_rule rule, int j) {
    return s->table ? net_narrow_vjp(s, run) : net_run_backward(s, run, rule, j);
}

const net_op net_dnnl_convt = {"convt", plan_transposed, forward_transposed, net_run_backward, 0, 0};
const net_op net_dnnl_conv = {"conv", plan, net_run_forward, backward, 0, 0};
