/* Planning: from the nodes of a graph to steps with layouts, primitives and addresses (see plan.h).
 *
 * 1. Steps are planned in the graph's order. An op picks its layouts (a convolution asks the library for `any` and
 * takes what it is given); what its neighbours hold in another layout is reordered, and only then.
 * 2. Every place is (region, offset). Values stay (KEEP); gradients alternate between two slots; temporary places
 *    overlap. At the end the regions are laid one after another: the arena of a session.
 * 3. A ReLU writes over its input where no layer's output and no backward pass needs that input as it was; the gradient
 *    of an element-wise op stays in its slot.
 *
 * The net owns what is made here; net_unplan() frees it. One thread plans. */
#include "nn/plan.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

enum { ALIGN = 64 };

int net_one_thread(void) {
    int was = omp_get_max_threads();
    omp_set_num_threads(1);
    return was;
}

void net_threads_again(int was) {
    omp_set_num_threads(was);
}

limn_status net_dnnl(dnnl_status_t s, const char *what) {
    if (s == dnnl_success) return LIMN_OK;
    if (s == dnnl_out_of_memory) return limn_fail(LIMN_ENOMEM, "no memory for %s", what);
    return limn_fail(LIMN_EFAIL, "oneDNN cannot make or run %s (status %d)", what, (int)s);
}

/* ---- layouts ----------------------------------------------------------------------------------------------------- */
int net_dims(const limn_net *n, const limn_shape *s, dnnl_dims_t dims) {
    dims[0] = (dnnl_dim_t)n->B;
    for (int i = 0; i < s->rank; i++) dims[i + 1] = (dnnl_dim_t)s->dim[i];
    return s->rank + 1;
}

limn_status net_layout(const limn_net *n, const limn_shape *s, dnnl_format_tag_t tag, dc_md *out) {
    dnnl_dims_t dims;
    int rank = net_dims(n, s, dims);
    return net_dnnl(dc_md_new(out, rank, dims, tag), "a layout");
}

limn_status net_plain(const limn_net *n, const limn_shape *s, dc_md *out) {
    static const dnnl_format_tag_t tag[LIMN_MAX_RANK + 1] = {dnnl_a,    dnnl_ab,    dnnl_abc,
                                                             dnnl_abcd, dnnl_abcde, dnnl_abcdef};
    return net_layout(n, s, tag[s->rank], out);
}

dc_md_ref net_layout_of(const limn_net *n, int mem) {
    return n->mem[mem].md;
}

dc_md_ref net_layout_in(const limn_net *n, const net_step *s) {
    return net_layout_of(n, n->step[s->in].value);
}

const limn_shape *net_shape_in(const limn_net *n, const net_step *s) {
    return &n->graph->node[s->in].out;
}

void net_window(const limn_op_attr *a, dc_window *w) {
    for (int i = 0; i < 2; i++) {
        w->kernel[i] = a->kernel[i];
        w->stride[i] = a->stride[i];
        w->dilation[i] = a->dilation[i] - 1;
        w->pad_l[i] = a->pad[i];
        w->pad_r[i] = a->pad[i + 2];
    }
}

/* ---- places ------------------------------------------------------------------------------------------------------ */
static limn_status new_mem(limn_net *n, net_region region, size_t offset, dc_md_ref md, int *mem) {
    limn_status status = LIMN_OK;
    TRY(limn_grow(&n->mem, (size_t)n->n_mem, &n->room_mem, sizeof *n->mem));
    net_mem *m = &n->mem[n->n_mem];
    *m = (net_mem){.region = region, .offset = offset};
    TRY(net_dnnl(dc_md_clone(&m->md, md), "a layout"));
    *mem = n->n_mem++;
done:
    return status;
}

limn_status net_add_mem(limn_net *n, net_region region, dc_md_ref md, int *mem) {
    limn_status status = LIMN_OK;
    size_t bytes = dnnl_memory_desc_get_size(md), *total = &n->region_bytes[region];
    if (bytes > SIZE_MAX / 2) FAIL(LIMN_ENOMEM, "a layer of %zu bytes is too large", bytes);
    bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    TRY(new_mem(n, region, region == NET_KEEP ? *total : 0, md, mem));
    if (region == NET_KEEP) {
        if (bytes > SIZE_MAX / 2 - *total) FAIL(LIMN_ENOMEM, "the network's values are too large for memory");
        *total += bytes;
    } else if (bytes > *total) {
        *total = bytes;
    }
done:
    return status;
}

limn_status net_add_view(limn_net *n, int of, dc_md_ref md, int *mem) {
    return new_mem(n, n->mem[of].region, n->mem[of].offset, md, mem);
}

static limn_status pack_weights(limn_net *n, dc_md_ref from, const float *data, dc_md_ref to, float *packed) {
    limn_status status = LIMN_OK;
    dnnl_memory_t a = NULL, b = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t p = NULL;
    TRY(net_dnnl(dnnl_memory_create(&a, from, n->engine, (void *)(uintptr_t)data), "weights"));
    TRY(net_dnnl(dnnl_memory_create(&b, to, n->engine, packed), "weights"));
    TRY(net_dnnl(dnnl_reorder_primitive_desc_create(&pd, from, n->engine, to, n->engine, NULL), "weights"));
    TRY(net_dnnl(dnnl_primitive_create(&p, pd), "weights"));
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, a}, {DNNL_ARG_TO, b}};
    TRY(net_dnnl(dnnl_primitive_execute(p, n->stream, 2, args), "weights"));
    TRY(net_dnnl(dnnl_stream_wait(n->stream), "weights"));
done:
    if (p) dnnl_primitive_destroy(p);
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (b) dnnl_memory_destroy(b);
    if (a) dnnl_memory_destroy(a);
    return status;
}

limn_status net_add_weights(limn_net *n, dc_md_ref from, const float *data, dc_md_ref want, int *mem) {
    limn_status status = LIMN_OK;
    for (int i = 0; i < n->n_mem; i++) /* the same weights packed before, for the other direction */
        if (n->mem[i].fixed == data && dnnl_memory_desc_equal(n->mem[i].md, want)) {
            *mem = i;
            return LIMN_OK;
        }
    TRY(new_mem(n, NET_FIXED, 0, want, mem));
    net_mem *m = &n->mem[*mem];
    m->fixed = data;
    if (dnnl_memory_desc_equal(from, want)) goto done;
    TRY(limn_new(&m->owned, dnnl_memory_desc_get_size(want), 1));
    TRY(pack_weights(n, from, data, want, m->owned));
done:
    return status;
}

limn_status net_add_transposed(limn_net *n, const float *data, size_t rows, size_t cols, int *mem) {
    enum { TILE = 32 }; /* a tile of both sides stays in the cache */
    limn_status status = LIMN_OK;
    const dnnl_dims_t dims = {(dnnl_dim_t)cols, (dnnl_dim_t)rows};
    dc_md md = NULL;
    TRY(net_dnnl(dc_md_new(&md, 2, dims, dnnl_ab), "weights"));
    TRY(new_mem(n, NET_FIXED, 0, md, mem));
    float **t = &n->mem[*mem].owned;
    TRY(limn_new(t, rows * cols, sizeof **t));
    for (size_t r0 = 0; r0 < rows; r0 += TILE)
        for (size_t c0 = 0; c0 < cols; c0 += TILE)
            for (size_t r = r0; r < r0 + TILE && r < rows; r++)
                for (size_t c = c0; c < c0 + TILE && c < cols; c++) (*t)[c * rows + r] = data[r * cols + c];
done:
    dc_md_free(md);
    return status;
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */
limn_status net_add_call(limn_net *n, net_call *c, dnnl_primitive_desc_t pd, int n_args, const net_arg *a) {
    limn_status status = LIMN_OK;
    dc_md_ref scratch = dc_query(pd, dnnl_query_scratchpad_md);
    memcpy(c->a, a, (size_t)n_args * sizeof *a);
    c->n = n_args;
    if (scratch && dnnl_memory_desc_get_size(scratch) > 0) {
        c->a[c->n].arg = DNNL_ARG_SCRATCHPAD;
        TRY(net_add_mem(n, NET_SCRATCH, scratch, &c->a[c->n].mem));
        c->n++;
    }
    for (int i = 0; i < c->n; i++) n->mem[c->a[i].mem].handle = 1;
    TRY(net_dnnl(dnnl_primitive_create(&c->primitive, pd), "a primitive"));
done:
    return status;
}

limn_status net_add_reorder(limn_net *n, net_call *c, int from, int to) {
    limn_status status = LIMN_OK;
    dnnl_primitive_desc_t pd = NULL;
    const net_arg a[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    TRY(net_dnnl(dnnl_reorder_primitive_desc_create(&pd, net_layout_of(n, from), n->engine, net_layout_of(n, to),
                                                    n->engine, n->attr),
                 "a reorder"));
    TRY(net_add_call(n, c, pd, 2, a));
done:
    if (pd) dnnl_primitive_desc_destroy(pd);
    return status;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */
limn_status net_place(limn_net *n, net_step *s, dc_md_ref x, dc_md_ref y, dc_md_ref gy, dc_md_ref gx) {
    limn_status status = LIMN_OK;
    const net_step *in = &n->step[s->in];
    net_region slot = n->mem[in->grad].region == NET_GRAD_0 ? NET_GRAD_1 : NET_GRAD_0;
    dc_md plain = NULL;
    if (!y) {
        TRY(net_plain(n, &s->node->out, &plain));
        y = plain;
    }
    TRY(net_add_mem(n, NET_KEEP, y, &s->value));
    TRY(net_add_mem(n, slot, y, &s->grad));
    s->x = in->value;
    s->gy = s->grad;
    s->gx = in->grad;
    if (x && !dnnl_memory_desc_equal(x, net_layout_of(n, in->value))) {
        TRY(net_add_mem(n, NET_X, x, &s->x));
        TRY(net_add_reorder(n, &s->load_x, in->value, s->x));
    }
    if (gy && !dnnl_memory_desc_equal(gy, y)) {
        TRY(net_add_mem(n, NET_GY, gy, &s->gy));
        TRY(net_add_reorder(n, &s->load_gy, s->grad, s->gy));
    }
    if (gx && !dnnl_memory_desc_equal(gx, net_layout_of(n, in->grad))) {
        TRY(net_add_mem(n, NET_GX, gx, &s->gx));
        TRY(net_add_reorder(n, &s->store_gx, s->gx, in->grad));
    }
done:
    dc_md_free(plain);
    return status;
}

static int same_address(const limn_net *n, int a, int b) {
    return n->mem[a].region == n->mem[b].region && n->mem[a].offset == n->mem[b].offset;
}

/* May a step write over the value of node k? Not where it is a layer's output or the input, where another node reads
 * it, or where its own backward pass does. A value that is shared with the node before asks that one too. */
static int may_overwrite(const limn_net *n, int k) {
    const limn_graph *g = n->graph;
    int readers = 0;
    if (k <= 0 || g->layer[g->node[k].layer].last == k) return 0;
    for (int i = 0; i < g->n_nodes; i++)
        for (int j = 0; j < g->node[i].n_in; j++) readers += g->node[i].in[j] == k;
    if (readers > 1 || n->step[k].op->vjp_reads_value) return 0;
    return !same_address(n, n->step[k].value, n->step[n->step[k].in].value) || may_overwrite(n, n->step[k].in);
}

limn_status net_place_alias(limn_net *n, net_step *s, int share) {
    limn_status status = LIMN_OK;
    const net_step *in = &n->step[s->in];
    s->x = s->value = in->value;
    s->gy = s->gx = s->grad = in->grad;
    if (!share && !may_overwrite(n, s->in)) TRY(net_add_mem(n, NET_KEEP, net_layout_of(n, in->value), &s->value));
done:
    return status;
}

limn_status net_place_view(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    const net_step *in = &n->step[s->in];
    dc_md plain = NULL;
    TRY(net_plain(n, &s->node->out, &plain));
    TRY(net_add_view(n, in->value, plain, &s->value));
    TRY(net_add_view(n, in->grad, plain, &s->grad));
    s->x = in->value;
    s->gy = s->grad;
    s->gx = in->grad;
done:
    dc_md_free(plain);
    return status;
}

static limn_status plan_input(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    dc_md plain = NULL;
    TRY(net_plain(n, &s->node->out, &plain));
    TRY(net_add_mem(n, NET_KEEP, plain, &s->value));
    TRY(net_add_mem(n, NET_GRAD_0, plain, &s->grad));
    s->x = s->value;
    s->gx = s->gy = s->grad;
    snprintf(s->backend, sizeof s->backend, "input");
done:
    dc_md_free(plain);
    return status;
}

/* How plain values of the caller get in and out of the step's layout. */
static limn_status plan_taps(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    dc_md plain = NULL;
    TRY(net_plain(n, &s->node->out, &plain));
    if (dnnl_memory_desc_equal(plain, net_layout_of(n, s->value))) goto done;
    TRY(new_mem(n, NET_FIXED, 0, plain, &s->user));
    TRY(net_add_reorder(n, &s->pack, s->user, s->value));
    TRY(net_add_reorder(n, &s->unpack, s->value, s->user));
    n->mem[s->grad].handle = 1;
done:
    dc_md_free(plain);
    return status;
}

static limn_status plan_step(limn_net *n, int k) {
    limn_status status = LIMN_OK;
    net_step *s = &n->step[k];
    const limn_node *node = &n->graph->node[k];
    int ref = n->backend == LIMN_BACKEND_REF || n->ref[k];
    *s = (net_step){.node = node, .in = node->n_in ? node->in[0] : -1, .extra = -1, .user = -1};
    if (node->op == LIMN_OP_INPUT) return plan_input(n, s);
    s->op = (ref ? net_ops_ref : net_ops_dnnl)[node->op];
    if (!s->op || node->n_in != 1)
        return limn_fail(LIMN_EINPUT, "the engine cannot evaluate the operation `%s`", limn_op_name(node));
    TRY(s->op->plan(n, s));
    if (ref) snprintf(s->backend, sizeof s->backend, "ref");
    TRY(plan_taps(n, s));
done:
    return status;
}

limn_status net_plan(limn_net *n, int *bad) {
    limn_status status = LIMN_OK;
    *bad = -1;
    for (int k = 0; k < n->graph->n_nodes; k++) {
        limn_status s = plan_step(n, k);
        if (s == LIMN_EFAIL && n->backend != LIMN_BACKEND_REF && !n->ref[k]) *bad = k;
        TRY(s);
    }
    n->arena_bytes = 0;
    for (int r = 0; r < NET_REGIONS; r++) {
        n->region_start[r] = n->arena_bytes;
        if (n->region_bytes[r] > SIZE_MAX / 2 - n->arena_bytes)
            FAIL(LIMN_ENOMEM, "the network's values are too large for memory");
        n->arena_bytes += n->region_bytes[r];
    }
done:
    return status;
}

void net_unplan(limn_net *n) {
    for (int k = 0; n->step && k < n->graph->n_nodes; k++) {
        net_step *s = &n->step[k];
        net_call *all[] = {&s->load_x, &s->load_gy, &s->store_gx, &s->forward, &s->backward, &s->pack, &s->unpack};
        for (size_t i = 0; i < COUNT_OF(all); i++)
            if (all[i]->primitive) dnnl_primitive_destroy(all[i]->primitive);
        *s = (net_step){0};
    }
    for (int i = 0; i < n->n_mem; i++) {
        dc_md_free(n->mem[i].md);
        free(n->mem[i].owned);
    }
    n->n_mem = 0;
    memset(n->region_bytes, 0, sizeof n->region_bytes);
}
