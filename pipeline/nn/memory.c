/* Where everything lies in a session: as little room as the lives of its places allow (see plan.h).
 *
 * Time runs over one forward and one backward pass: step k is at k going forward, at 2N - 1 - k going back; what must
 * outlast both is alive at 2N. From what will be asked (net.h) follows
 *   1. which steps run forward: those that an asked value or seed depends on; and which run back: those above a layer to
 *      which a gradient goes and below one from which it comes;
 *   2. the life of each place: from the first to the last step that touches it. A value that is asked for, and an input
 *      that is set apart from forward(), lives to the end; so does what a backward step reads of the forward pass, since
 *      several backward passes may follow it;
 *   3. a step may write over its input where it says so and that input's life ends with it: one place for both;
 *   4. addresses: places in the order in which they begin to live, each at the lowest offset that is free; those that
 *      live to the end lie behind all others. In a chain two offsets alternate.
 * Temporary places have the same addresses in every step, behind the rest.
 *
 * The self-test runs each step alone: net_place_alone() gives the places of one step addresses one after another, in an
 * arena as large as the step with most of them needs. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "nn/plan.h"

typedef struct {
    int mem, first, last; /* the root; the times between which it lives; last -1: it does not */
    size_t bytes;
} life;

typedef struct {
    const limn_net *net;
    net_memory *map;
    life *at;  /* (n_mem) by root */
    int *over; /* (n_mem) the root whose address it shares, or itself */
    int end;   /* 2N */
} survey;

/* ---- what runs ---------------------------------------------------------------------------------------------------- */
static int node_of(const limn_net *n, int layer) {
    return layer == LIMN_INPUT ? 0 : n->graph->layer[layer].last;
}

static int asked(const unsigned char *asks, int layer, int what) {
    return !asks || (asks[layer + 1] & what);
}

static void mark_forward(const limn_net *n, const unsigned char *asks, net_memory *map) {
    for (int l = LIMN_INPUT; l < n->graph->n_layers; l++)
        if (asked(asks, l, LIMN_ASK_VALUE | LIMN_ASK_FROM)) map->forward[node_of(n, l)] = 1;
    for (int k = n->graph->n_nodes - 1; k >= 0; k--)
        for (int j = 0; map->forward[k] && j < n->step[k].n_in; j++) map->forward[n->step[k].link[j].from] = 1;
}

/* The long way of a node leads to what it bypasses, and nothing else does. */
void net_mark_above(const limn_net *n, int end, int top, unsigned char *above) {
    memset(above, 0, (size_t)n->graph->n_nodes);
    above[end] = n->moves[end];
    for (int k = end + 1; k <= top; k++) {
        for (int j = 0; j < n->step[k].n_in; j++)
            if (above[n->step[k].link[j].from]) above[k] = NET_SHORT;
        if (!above[k] && n->twin[k] >= 0 && above[n->step[n->twin[k]].link->from]) above[k] = NET_LONG;
    }
}

static limn_status mark_backward(const limn_net *n, const unsigned char *asks, net_memory *map) {
    limn_status status = LIMN_OK;
    int nodes = n->graph->n_nodes;
    unsigned char *below = NULL, *above = NULL;
    if (!asks) {
        for (int k = 0; k < nodes; k++)
            if (n->moves[k]) map->backward[k] = (unsigned char)(NET_SHORT | (n->twin[k] >= 0 ? NET_LONG : 0));
        return LIMN_OK;
    }
    TRY(limn_new(&below, (size_t)nodes, 1));
    TRY(limn_new(&above, (size_t)nodes, 1));
    for (int l = 0; l < n->graph->n_layers; l++)
        if (asked(asks, l, LIMN_ASK_FROM)) below[node_of(n, l)] = 1;
    for (int k = nodes - 1; k >= 0; k--) {
        for (int j = 0; below[k] && j < n->step[k].n_in; j++) below[n->step[k].link[j].from] = 1;
        if (below[k] && n->twin[k] >= 0) below[n->step[n->twin[k]].link->from] = 1;
    }
    for (int l = LIMN_INPUT; l < n->graph->n_layers; l++) {
        if (!asked(asks, l, LIMN_ASK_TO)) continue;
        int to = node_of(n, l);
        net_mark_above(n, to, nodes - 1, above);
        for (int k = to + 1; k < nodes; k++)
            if (below[k]) map->backward[k] |= above[k];
    }
done:
    free(above);
    free(below);
    return status;
}

/* ---- lives -------------------------------------------------------------------------------------------------------- */
static void touch(survey *v, int mem, int time) {
    if (mem < 0) return;
    const net_mem *m = &v->net->mem[mem];
    if (m->region == NET_FIXED || m->region == NET_TEMP) return;
    life *l = &v->at[m->root];
    size_t bytes = net_bytes(v->net, mem);
    if (l->last < 0) *l = (life){m->root, time, time, 0};
    if (bytes > l->bytes) l->bytes = bytes;
    if (time < l->first) l->first = time;
    if (time > l->last) l->last = time;
}

static void live_forward(survey *v, int k) {
    const net_step *s = &v->net->step[k];
    for (int j = 0; j < s->n_in; j++) touch(v, v->net->step[s->link[j].from].value, k);
    touch(v, s->value, k);
    for (int i = s->own_begin; i < s->own_end; i++) /* workspaces */
        if (v->net->mem[i].region == NET_KEEP) touch(v, i, k);
    if (!v->net->once[k]) return;
    touch(v, s->value, 0); /* computed before all others */
    touch(v, s->value, v->end);
}

/* Step s, which runs at the time of node k. */
static void live_backward(survey *v, const net_step *s, int k) {
    int time = v->end - 1 - k;
    touch(v, s->grad, time);
    for (int j = 0; j < s->n_in; j++) {
        const net_step *in = &v->net->step[s->link[j].from];
        touch(v, in->grad, time);
        touch(v, s->link[j].sum, time);
        if (s->op->vjp_reads_x) touch(v, in->value, v->end);
    }
    if (s->op->vjp_reads_value || s->act.op) touch(v, s->value, v->end);
    for (int i = s->own_begin; i < s->own_end; i++)
        if (v->net->mem[i].region == NET_KEEP && v->net->mem[i].root == i && i != s->value) touch(v, i, v->end);
}

/* What a caller gives or takes. */
static void live_asked(survey *v, const unsigned char *asks) {
    const limn_net *n = v->net;
    touch(v, n->step[0].value, 0);
    for (int k = 1; k < n->graph->n_inputs; k++) {
        touch(v, n->step[k].value, 0);
        touch(v, n->step[k].value, v->end);
    }
    for (int l = LIMN_INPUT; l < n->graph->n_layers; l++) {
        const net_step *s = &n->step[node_of(n, l)];
        int back = v->end - 1 - node_of(n, l);
        if (asked(asks, l, LIMN_ASK_VALUE)) touch(v, s->value, v->end);
        if (asked(asks, l, LIMN_ASK_FROM)) touch(v, s->grad, back);
        if (asked(asks, l, LIMN_ASK_TO)) touch(v, s->grad, back);
    }
}

static int root_over(const survey *v, int mem) {
    int r = v->net->mem[mem].root;
    while (v->over[r] != r) r = v->over[r];
    return r;
}

/* The output takes its input's place. */
static void write_over(survey *v, int k) {
    const net_step *s = &v->net->step[k];
    if (!s->over || !v->map->forward[k] || v->net->once[k]) return;
    const net_mem *x = &v->net->mem[v->net->step[s->link->from].value];
    if (x->region == NET_FIXED) return;
    int from = root_over(v, s->link->x), to = v->net->mem[s->value].root;
    life *l = &v->at[from], *mine = &v->at[to];
    if (l->last != k || l->bytes != mine->bytes) return;
    l->last = mine->last;
    mine->last = -1;
    v->over[to] = from;
}

/* ---- addresses ---------------------------------------------------------------------------------------------------- */
static int by_first(const void *a, const void *b) {
    const life *x = a, *y = b;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return x->mem - y->mem;
}

/* The lowest offset for `bytes` beside those alive, which are sorted by offset; *at = where it belongs among them. */
static size_t lowest(const size_t *offset, const life *alive, int count, size_t bytes, int *at) {
    size_t low = 0;
    for (*at = 0; *at < count; (*at)++) {
        size_t start = offset[alive[*at].mem];
        if (low + bytes <= start) break;
        low = start + alive[*at].bytes;
    }
    return low;
}

static limn_status lay(survey *v, life *list, int count, life *alive) {
    limn_status status = LIMN_OK;
    net_memory *map = v->map;
    int living = 0, at;
    qsort(list, (size_t)count, sizeof *list, by_first);
    for (int i = 0; i < count; i++) {
        if (list[i].last == v->end) continue;
        int kept = 0;
        for (int a = 0; a < living; a++)
            if (alive[a].last >= list[i].first) alive[kept++] = alive[a];
        living = kept;
        size_t offset = lowest(map->offset, alive, living, list[i].bytes, &at);
        if (offset > SIZE_MAX / 4) FAIL(LIMN_ENOMEM, "the network's values are too large for memory");
        map->offset[list[i].mem] = offset;
        memmove(alive + at + 1, alive + at, (size_t)(living++ - at) * sizeof *alive);
        alive[at] = list[i];
        if (offset + list[i].bytes > map->bytes) map->bytes = offset + list[i].bytes;
    }
    for (int i = 0; i < count; i++) {
        if (list[i].last < v->end) continue;
        map->offset[list[i].mem] = map->bytes;
        map->bytes += list[i].bytes;
        if (map->bytes > SIZE_MAX / 4) FAIL(LIMN_ENOMEM, "the network's values are too large for memory");
    }
done:
    return status;
}

/* Offsets of all places from those of their roots. */
static void spread(const survey *v) {
    const limn_net *n = v->net;
    size_t temp = 0;
    for (int k = 0; k < n->graph->n_nodes; k++) {
        if ((v->map->forward[k] || v->map->backward[k]) && n->step[k].temp_bytes > temp) temp = n->step[k].temp_bytes;
        if (v->map->backward[k] & NET_LONG && n->step[n->twin[k]].temp_bytes > temp)
            temp = n->step[n->twin[k]].temp_bytes;
    }
    for (int i = 0; i < n->n_mem; i++) {
        const net_mem *m = &n->mem[i];
        if (m->region == NET_TEMP)
            v->map->offset[i] = v->map->bytes + m->offset;
        else if (m->region != NET_FIXED)
            v->map->offset[i] = v->map->offset[root_over(v, i)];
    }
    v->map->bytes += temp;
}

limn_status net_lay_memory(const limn_net *n, const unsigned char *asks, net_memory *map) {
    limn_status status = LIMN_OK;
    survey v = {.net = n, .map = map, .end = 2 * n->graph->n_nodes};
    life *list = NULL, *alive = NULL;
    int count = 0;
    TRY(limn_new(&v.at, (size_t)n->n_mem, sizeof *v.at));
    TRY(limn_new(&v.over, (size_t)n->n_mem, sizeof *v.over));
    TRY(limn_new(&list, (size_t)n->n_mem, sizeof *list));
    TRY(limn_new(&alive, (size_t)n->n_mem + 1, sizeof *alive));
    for (int i = 0; i < n->n_mem; i++) {
        v.at[i].last = -1;
        v.over[i] = i;
        map->offset[i] = NET_NOWHERE;
    }
    mark_forward(n, asks, map);
    TRY(mark_backward(n, asks, map));
    live_asked(&v, asks);
    for (int k = 0; k < n->graph->n_nodes; k++) {
        if (map->forward[k]) live_forward(&v, k);
        if (!n->step[k].op) continue;
        if (map->backward[k] & NET_SHORT) live_backward(&v, &n->step[k], k);
        if (map->backward[k] & NET_LONG) live_backward(&v, &n->step[n->twin[k]], k);
        if (map->backward[k] & NET_LONG) touch(&v, n->step[k].grad, v.end - 1 - k);
        if (map->backward[k] & NET_LONG && n->step[n->twin[k]].op->vjp_reads_value) touch(&v, n->step[k].value, v.end);
    }
    for (int k = 0; k < n->graph->n_nodes; k++) write_over(&v, k);
    for (int i = 0; i < n->n_mem; i++)
        if (v.at[i].last >= 0) list[count++] = v.at[i];
    map->bytes = 0;
    TRY(lay(&v, list, count, alive));
    spread(&v);
done:
    free(alive);
    free(list);
    free(v.over);
    free(v.at);
    return status;
}

/* ---- one step alone ----------------------------------------------------------------------------------------------- */
static void put(const limn_net *n, net_memory *map, int mem) {
    if (mem < 0 || n->mem[mem].region == NET_FIXED || n->mem[mem].region == NET_TEMP) return;
    size_t *offset = &map->offset[n->mem[mem].root];
    size_t bytes = net_bytes(n, mem);
    if (*offset == NET_NOWHERE) {
        *offset = map->bytes;
        map->bytes += bytes;
    } else if (*offset + bytes > map->bytes) { /* a view is the larger one, and the last that was put */
        map->bytes = *offset + bytes;
    }
}

void net_lay_alone(const limn_net *n, int k, net_memory *map) {
    const net_step *s = &n->step[k];
    for (int i = 0; i < n->n_mem; i++) map->offset[i] = NET_NOWHERE;
    map->bytes = 0;
    for (int j = 0; j < s->n_in; j++) {
        const net_step *in = &n->step[s->link[j].from];
        put(n, map, in->value);
        put(n, map, in->grad);
    }
    put(n, map, s->value);
    put(n, map, s->grad);
    for (int i = s->own_begin; i < s->own_end; i++) put(n, map, i);
    for (int i = 0; i < n->n_mem; i++) {
        const net_mem *m = &n->mem[i];
        if (m->region == NET_TEMP)
            map->offset[i] = i >= s->own_begin && i < s->own_end ? map->bytes + m->offset : NET_NOWHERE;
        else if (m->region != NET_FIXED)
            map->offset[i] = map->offset[m->root];
    }
    map->bytes += s->temp_bytes;
}
