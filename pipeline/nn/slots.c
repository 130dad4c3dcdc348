/* Where gradients lie: as little room as their lives allow (see plan.h).
 *
 * A backward pass runs the steps from the last to the first. The gradient at node k is written by the steps that read
 * k, the last of them first, and read by step k: it lives over the steps [k, last_reader(k)]; places that are one
 * address (an element-wise op changes its gradient where it lies) live as long as any of them. A pass between two layers
 * is a part of the whole one. Gradients are placed in the order in which they begin to live, each at the lowest offset
 * that is free: in a chain they alternate between two places. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/try.h"
#include "nn/plan.h"

typedef struct {
    int mem, first, last; /* the place; the steps over which it lives, first <= last */
    size_t bytes;
} life;

static int by_last(const void *a, const void *b) {
    const life *x = a, *y = b;
    if (x->last != y->last) return x->last < y->last ? 1 : -1;
    return x->mem - y->mem;
}

/* One a root, in the order of the backward pass. */
static limn_status list_lives(const limn_net *n, life *list, int *of_mem, int *count) {
    for (int i = 0; i < n->n_mem; i++) of_mem[i] = -1;
    for (int k = 0; k < n->graph->n_nodes; k++) {
        int at = n->step[k].grad;
        if (at < 0) continue;
        int root = n->mem[at].root;
        if (of_mem[root] < 0) {
            of_mem[root] = *count;
            list[(*count)++] = (life){root, k, k, 0};
        }
        life *l = &list[of_mem[root]];
        size_t bytes = dnnl_memory_desc_get_size(net_layout_of(n, at));
        if (bytes > SIZE_MAX / 4) return limn_fail(LIMN_ENOMEM, "a layer of %zu bytes is too large", bytes);
        bytes = (bytes + NET_ALIGN - 1) / NET_ALIGN * NET_ALIGN;
        if (bytes > l->bytes) l->bytes = bytes;
        if (k < l->first) l->first = k;
        if (n->last_reader[k] > l->last) l->last = n->last_reader[k];
    }
    qsort(list, (size_t)*count, sizeof *list, by_last);
    return LIMN_OK;
}

/* The lowest offset for `bytes` beside those alive, which are sorted by offset; *at = where it belongs among them. */
static size_t lowest(const limn_net *n, const life *alive, int count, size_t bytes, int *at) {
    size_t offset = 0;
    for (*at = 0; *at < count; (*at)++) {
        size_t start = n->mem[alive[*at].mem].offset;
        if (offset + bytes <= start) break;
        offset = start + alive[*at].bytes;
    }
    return offset;
}

limn_status net_lay_gradients(limn_net *n) {
    limn_status status = LIMN_OK;
    life *list = NULL, *alive = NULL;
    int *of_mem = NULL, count = 0, living = 0, at;
    TRY(limn_new(&list, (size_t)n->graph->n_nodes, sizeof *list));
    TRY(limn_new(&alive, (size_t)n->graph->n_nodes, sizeof *alive));
    TRY(limn_new(&of_mem, (size_t)n->n_mem, sizeof *of_mem));
    TRY(list_lives(n, list, of_mem, &count));
    for (int i = 0; i < count; i++) {
        int kept = 0;
        for (int a = 0; a < living; a++)
            if (alive[a].first <= list[i].last) alive[kept++] = alive[a];
        living = kept;
        size_t offset = lowest(n, alive, living, list[i].bytes, &at);
        if (offset > SIZE_MAX / 4) FAIL(LIMN_ENOMEM, "the network's gradients are too large for memory");
        n->mem[list[i].mem].offset = offset;
        for (int a = living++; a > at; a--) alive[a] = alive[a - 1];
        alive[at] = list[i];
        if (offset + list[i].bytes > n->region_bytes[NET_GRAD]) n->region_bytes[NET_GRAD] = offset + list[i].bytes;
    }
    for (int i = 0; i < n->n_mem; i++)
        if (n->mem[i].region == NET_GRAD) n->mem[i].offset = n->mem[n->mem[i].root].offset;
done:
    free(of_mem);
    free(alive);
    free(list);
    return status;
}
