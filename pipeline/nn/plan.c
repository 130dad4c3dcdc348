/* Planning: from the nodes of a graph to steps with layouts, primitives and addresses (see plan.h).
 *
 * 1. Steps are planned in the graph's order. An op picks its layouts (a convolution asks the library for `any` and
 * takes what it is given); what its neighbours hold in another layout is reordered, and only then.
 * 2. Every value and gradient is a place; temporary places of different steps overlap. Where places lie is decided when a
 *    session is made (memory.c).
 * 3. The gradient of an element-wise op stays in its place, and its value may lie over its input.
 *
 * The net owns what is made here; net_unplan() frees it. One thread plans. */
#include "nn/plan.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

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
size_t net_rows(const limn_net *n, const limn_node *node) {
    return node->batched ? n->B : 1;
}

size_t net_elements(const limn_net *n, const limn_node *node) {
    return net_rows(n, node) * limn_shape_size(&node->out);
}

int net_dims(const limn_net *n, const limn_node *node, dnnl_dims_t dims) {
    int r = 0;
    if (node->batched || node->out.rank == 0) dims[r++] = (dnnl_dim_t)net_rows(n, node);
    for (int i = 0; i < node->out.rank; i++) dims[r++] = (dnnl_dim_t)node->out.dim[i];
    return r;
}

net_picture net_picture_of(const limn_net *n, const limn_node *node) {
    const size_t *d = node->out.dim;
    return node->batched ? (net_picture){n->B, d[0], d[1], d[2]} : (net_picture){d[0], d[1], d[2], d[3]};
}

limn_status net_layout(const limn_net *n, const limn_node *node, dnnl_format_tag_t tag, dc_md *out) {
    dnnl_dims_t dims;
    int rank = net_dims(n, node, dims);
    return net_dnnl(dc_md_new(out, rank, dims, tag), "a layout");
}

limn_status net_plain(const limn_net *n, const limn_node *node, dc_md *out) {
    static const dnnl_format_tag_t tag[LIMN_MAX_RANK + 2] = {dnnl_a,    dnnl_a,     dnnl_ab,     dnnl_abc,
                                                             dnnl_abcd, dnnl_abcde, dnnl_abcdef, dnnl_abcdefg};
    dnnl_dims_t dims;
    return net_layout(n, node, tag[net_dims(n, node, dims)], out);
}

dc_md_ref net_layout_of(const limn_net *n, int mem) {
    return n->mem[mem].md;
}

size_t net_floats(const limn_net *n, int mem) {
    return dnnl_memory_desc_get_size(net_layout_of(n, mem)) / sizeof(float);
}

size_t net_block(const limn_net *n, const limn_node *node, int mem) {
    static const struct {
        dnnl_format_tag_t tag;
        size_t block;
    } known[] = {{dnnl_abcd, 1}, {dnnl_aBcd16b, 16}, {dnnl_aBcd8b, 8}, {dnnl_aBcd4b, 4}, {dnnl_acdb, 0}};
    dnnl_dims_t dims;
    if (net_dims(n, node, dims) != 4) return 0;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        dc_md md = NULL;
        int same =
            net_layout(n, node, known[i].tag, &md) == LIMN_OK && dnnl_memory_desc_equal(md, net_layout_of(n, mem));
        dc_md_free(md);
        if (same) return known[i].block ? known[i].block : net_picture_of(n, node).C;
    }
    return 0;
}

limn_status net_blocked(const limn_net *n, const limn_node *node, size_t block, dc_md *out) {
    if (block == net_picture_of(n, node).C) return net_layout(n, node, dnnl_acdb, out);
    return net_layout(n, node, block == 16 ? dnnl_aBcd16b : block == 8 ? dnnl_aBcd8b : dnnl_aBcd4b, out);
}

dc_md_ref net_layout_in(const limn_net *n, const net_step *s) {
    return net_layout_of(n, n->step[s->link->from].value);
}

const limn_node *net_node_in(const limn_net *n, const net_step *s) {
    return &n->graph->node[s->link->from];
}

const limn_shape *net_shape_in(const limn_net *n, const net_step *s) {
    return &net_node_in(n, s)->out;
}

void net_window(const limn_op_attr *a, dc_window *w) {
    for (int i = 0; i < 2; i++) {
        w->kernel[i] = a->kernel[i];
        w->stride[i] = a->stride[i];
        w->dilation[i] = a->dilation[i] - 1;
        w->pad_l[i] = a->pad[i];
        w->pad_r[i] = a->pad[i + 2] + a->hang[i];
    }
}

/* ---- places ------------------------------------------------------------------------------------------------------ */
static limn_status new_mem(limn_net *n, net_region region, size_t offset, dc_md_ref md, int *mem) {
    limn_status status = LIMN_OK;
    TRY(limn_grow(&n->mem, (size_t)n->n_mem, &n->room_mem, sizeof *n->mem));
    net_mem *m = &n->mem[n->n_mem];
    *m = (net_mem){.region = region, .offset = offset, .root = n->n_mem};
    TRY(net_dnnl(dc_md_clone(&m->md, md), "a layout"));
    *mem = n->n_mem++;
done:
    return status;
}

size_t net_bytes(const limn_net *n, int mem) {
    return (dnnl_memory_desc_get_size(net_layout_of(n, mem)) + NET_ALIGN - 1) / NET_ALIGN * NET_ALIGN;
}

limn_status net_add_mem(limn_net *n, net_region region, dc_md_ref md, int *mem) {
    limn_status status = LIMN_OK;
    size_t bytes = dnnl_memory_desc_get_size(md);
    if (bytes > SIZE_MAX / 4) FAIL(LIMN_ENOMEM, "a layer of %zu bytes is too large", bytes);
    TRY(new_mem(n, region, region == NET_TEMP ? n->temp_top : 0, md, mem));
    if (region != NET_TEMP) goto done;
    if (bytes > SIZE_MAX / 4 - n->temp_top) FAIL(LIMN_ENOMEM, "the network's values are too large for memory");
    n->temp_top += net_bytes(n, *mem);
done:
    return status;
}

limn_status net_add_floats(limn_net *n, net_region region, size_t floats, int *mem) {
    limn_status status = LIMN_OK;
    const dnnl_dims_t dims = {(dnnl_dim_t)floats};
    dc_md md = NULL;
    TRY(net_dnnl(dc_md_new(&md, 1, dims, dnnl_a), "a place"));
    TRY(net_add_mem(n, region, md, mem));
done:
    dc_md_free(md);
    return status;
}

limn_status net_add_view(limn_net *n, int of, dc_md_ref md, int *mem) {
    limn_status s = new_mem(n, n->mem[of].region, n->mem[of].offset, md, mem);
    if (s != LIMN_OK) return s;
    n->mem[*mem].root = n->mem[of].root;
    n->mem[*mem].fixed = n->mem[of].owned ? n->mem[of].owned : n->mem[of].fixed;
    return LIMN_OK;
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

limn_status net_add_own(limn_net *n, const float *data, int rank, const dnnl_dims_t dims, int *mem, float **room) {
    static const dnnl_format_tag_t tag[] = {dnnl_a, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd};
    limn_status status = LIMN_OK;
    dc_md md = NULL;
    *room = NULL;
    TRY(net_dnnl(dc_md_new(&md, rank, dims, tag[rank]), "weights"));
    for (*mem = 0; *mem < n->n_mem; ++*mem)
        if (n->mem[*mem].fixed == data && dnnl_memory_desc_equal(n->mem[*mem].md, md)) goto done;
    TRY(new_mem(n, NET_FIXED, 0, md, mem));
    n->mem[*mem].fixed = data;
    TRY(limn_new(&n->mem[*mem].owned, dnnl_memory_desc_get_size(md), 1));
    *room = n->mem[*mem].owned;
done:
    dc_md_free(md);
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
        TRY(net_add_mem(n, NET_TEMP, scratch, &c->a[c->n].mem));
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
limn_status net_place_output(limn_net *n, net_step *s, dc_md_ref y, dc_md_ref gy) {
    limn_status status = LIMN_OK;
    dc_md plain = NULL;
    if (!y) {
        TRY(net_plain(n, s->node, &plain));
        y = plain;
    }
    TRY(net_add_mem(n, NET_KEEP, y, &s->value));
    TRY(net_add_mem(n, NET_GRAD, y, &s->grad));
    s->gy = s->grad;
    if (gy && !dnnl_memory_desc_equal(gy, y)) {
        TRY(net_add_mem(n, NET_TEMP, gy, &s->gy));
        TRY(net_add_reorder(n, &s->load_gy, s->grad, s->gy));
    }
done:
    dc_md_free(plain);
    return status;
}

limn_status net_place_input(limn_net *n, net_step *s, int j, dc_md_ref x, dc_md_ref gx) {
    limn_status status = LIMN_OK;
    net_link *l = &s->link[j];
    const net_step *in = &n->step[l->from];
    l->x = in->value;
    if (x && !dnnl_memory_desc_equal(x, net_layout_of(n, in->value))) {
        TRY(net_add_mem(n, NET_TEMP, x, &l->x));
        TRY(net_add_reorder(n, &l->load, in->value, l->x));
    }
    if (in->grad < 0) goto done;
    int target = in->grad;
    if (n->readers[l->from] > 1) {
        TRY(net_add_mem(n, NET_TEMP, net_layout_of(n, in->grad), &l->sum));
        target = l->sum;
    }
    l->gx = target;
    if (gx && !dnnl_memory_desc_equal(gx, net_layout_of(n, in->grad))) {
        TRY(net_add_mem(n, NET_TEMP, gx, &l->gx));
        TRY(net_add_reorder(n, &l->store, l->gx, target));
    }
done:
    return status;
}

limn_status net_place(limn_net *n, net_step *s, dc_md_ref x, dc_md_ref y, dc_md_ref gy, dc_md_ref gx) {
    limn_status status = LIMN_OK;
    TRY(net_place_output(n, s, y, gy));
    TRY(net_place_input(n, s, 0, x, gx));
done:
    return status;
}

limn_status net_place_plain(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    dc_md plain = NULL;
    TRY(net_place_output(n, s, NULL, NULL));
    for (int j = 0; j < s->n_in; j++) {
        TRY(net_plain(n, &n->graph->node[s->link[j].from], &plain));
        TRY(net_place_input(n, s, j, plain, plain));
        dc_md_free(plain);
        plain = NULL;
    }
    snprintf(s->backend, sizeof s->backend, "loop");
done:
    dc_md_free(plain);
    return status;
}

limn_status net_place_alias(limn_net *n, net_step *s, net_alias how) {
    limn_status status = LIMN_OK;
    net_link *l = s->link;
    const net_step *in = &n->step[l->from];
    l->x = s->value = in->value;
    if (how != NET_SHARE) TRY(net_add_mem(n, NET_KEEP, net_layout_of(n, in->value), &s->value));
    s->over = how == NET_OVER && n->over[s - n->step];
    if (in->grad < 0) goto done;
    s->grad = in->grad;
    if (n->readers[l->from] > 1) { /* its own gradient is the contribution */
        TRY(net_add_mem(n, NET_GRAD, net_layout_of(n, in->grad), &s->grad));
        l->sum = s->grad;
    }
    s->gy = l->gx = s->grad;
done:
    return status;
}

limn_status net_place_view(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    net_link *l = s->link;
    const net_step *in = &n->step[l->from];
    dc_md plain = NULL;
    TRY(net_plain(n, s->node, &plain));
    TRY(net_add_view(n, in->value, plain, &s->value));
    l->x = in->value;
    if (in->grad < 0) goto done;
    if (n->readers[l->from] > 1) {
        TRY(net_add_mem(n, NET_GRAD, plain, &s->grad));
        TRY(net_add_view(n, s->grad, net_layout_of(n, in->grad), &l->sum));
        l->gx = l->sum;
    } else {
        TRY(net_add_view(n, in->grad, plain, &s->grad));
        l->gx = in->grad;
    }
    s->gy = s->grad;
done:
    dc_md_free(plain);
    return status;
}

/* An input or a constant. */
static limn_status plan_source(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    dc_md plain = NULL;
    TRY(net_plain(n, s->node, &plain));
    if (s->node->op == LIMN_OP_CONST) {
        TRY(new_mem(n, NET_FIXED, 0, plain, &s->value));
        n->mem[s->value].fixed = s->node->weight;
    } else {
        TRY(net_add_mem(n, NET_KEEP, plain, &s->value));
        TRY(net_add_mem(n, NET_GRAD, plain, &s->grad));
    }
    s->gy = s->grad;
    snprintf(s->backend, sizeof s->backend, "%s", limn_op_name(s->node));
done:
    dc_md_free(plain);
    return status;
}

/* How plain values of the caller get in and out of the step's layout. */
static limn_status plan_taps(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    dc_md plain = NULL;
    TRY(net_plain(n, s->node, &plain));
    if (dnnl_memory_desc_equal(plain, net_layout_of(n, s->value))) goto done;
    TRY(new_mem(n, NET_FIXED, 0, plain, &s->user));
    TRY(net_add_reorder(n, &s->pack, s->user, s->value));
    TRY(net_add_reorder(n, &s->unpack, s->value, s->user));
    if (s->grad >= 0) n->mem[s->grad].handle = 1;
done:
    dc_md_free(plain);
    return status;
}

/* The long way of a node begins with the gradient that the node has, and reads the node's value. */
static limn_status plan_cross(limn_net *n, net_step *s, int twin) {
    int k = 0;
    while (n->twin[k] != twin) k++;
    limn_status status = LIMN_OK;
    if (s->op->vjp_reads_value) {
        if (dnnl_memory_desc_equal(net_layout_of(n, s->value), net_layout_of(n, n->step[k].value)))
            s->value = n->step[k].value;
        else /* one of the two is on _ref */
            TRY(net_add_reorder(n, &s->cross_value, n->step[k].value, s->value));
    }
    TRY(net_add_reorder(n, &s->cross, n->step[k].grad, s->grad));
done:
    return status;
}

static limn_status plan_step(limn_net *n, int k) {
    limn_status status = LIMN_OK;
    net_step *s = &n->step[k];
    const limn_node *node = &n->graph->node[k];
    int ref = n->backend == LIMN_BACKEND_REF || n->ref[k];
    net_link *link = s->link;
    *s = (net_step){.node = node,
                    .act = n->act[k],
                    .n_in = node->n_in,
                    .link = link,
                    .value = -1,
                    .grad = -1,
                    .gy = -1,
                    .extra = -1,
                    .user = -1};
    for (int j = 0; j < node->n_in; j++) link[j] = (net_link){.from = node->in[j], .x = -1, .gx = -1, .sum = -1};
    n->temp_top = 0;
    s->own_begin = n->n_mem;
    if (node->n_in == 0) {
        TRY(plan_source(n, s));
    } else {
        s->op = (ref ? net_ops_ref : net_ops_dnnl)[node->op];
        if (!ref && n->backend == LIMN_BACKEND_WINOGRAD && net_winograd_fits(n, node)) s->op = &net_winograd;
        if (!ref && net_pointwise_fits(n, node)) s->op = &net_pointwise;
        if (!ref && net_depthwise_fits(n, node)) s->op = &net_depthwise;
        if (!s->op) FAIL(LIMN_EINPUT, "the engine cannot evaluate the operation `%s`", limn_op_name(node));
        TRY(s->op->plan(n, s));
        if (ref) snprintf(s->backend, sizeof s->backend, "ref");
        TRY(plan_taps(n, s));
    }
    if (!n->moves[k]) s->grad = -1;
    if (k >= n->graph->n_nodes && s->grad >= 0) TRY(plan_cross(n, s, k));
    s->own_end = n->n_mem;
    s->temp_bytes = n->temp_top;
done:
    return status;
}

/* Takes back what step s has been given, and the places from `first` on. */
static void unplan_step(limn_net *n, net_step *s, int first) {
    net_call *all[] = {&s->load_gy, &s->cross, &s->cross_value, &s->forward, &s->backward, &s->pack, &s->unpack};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (all[i]->primitive) dnnl_primitive_destroy(all[i]->primitive);
    for (int j = 0; j < s->n_in; j++) {
        if (s->link[j].load.primitive) dnnl_primitive_destroy(s->link[j].load.primitive);
        if (s->link[j].store.primitive) dnnl_primitive_destroy(s->link[j].store.primitive);
    }
    free(s->table);
    *s = (net_step){.link = s->link};
    for (int i = first; i < n->n_mem; i++) {
        dc_md_free(n->mem[i].md);
        free(n->mem[i].owned);
    }
    n->n_mem = first;
}

void net_unplan(limn_net *n) {
    for (int k = 0; n->step && k < n->n_steps; k++) unplan_step(n, &n->step[k], n->n_mem);
    if (n->step) unplan_step(n, n->step, 0);
}

limn_status net_plan(limn_net *n) {
    limn_status status = LIMN_OK;
    for (int k = 0; k < n->n_steps; k++) {
        int first = n->n_mem;
        limn_status s = plan_step(n, k);
        if (s == LIMN_EFAIL && n->backend != LIMN_BACKEND_REF && !n->ref[k]) { /* later steps see its plain layout */
            unplan_step(n, &n->step[k], first);
            n->ref[k] = 1;
            n->fallbacks++;
            s = plan_step(n, k);
        }
        TRY(s);
    }
done:
    return status;
}
