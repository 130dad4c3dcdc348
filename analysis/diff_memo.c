/* A limn_diff that remembers its last vector-Jacobian products.
 *
 *  1. vjp(from, seed, rule, to): where an entry has the same from, rule, to and the same seed, bit by bit, its gradient
 *     is copied; otherwise the inner diff computes it, and it takes the place of the entry longest unused.
 *  2. forward() forgets everything.
 * So results are the inner diff's own bits, whatever is remembered. Memory: entries x (bytes + seed), allocated when an
 * entry is first filled and kept. Threading: as a limn_diff, one thread. */
#include "diff_memo.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

typedef struct {
    int from, to;
    limn_rule rule;
    float *seed, *grad; /* owned, of the sizes below */
    size_t seed_room, grad_room;
    size_t used; /* time of the last use; 0: empty */
} entry;

struct limn_diff_memo {
    limn_diff diff;
    const limn_diff *inner;
    entry *entry; /* (entries) */
    int entries;
    size_t bytes, clock;
};

static limn_status forward(void *ctx, const float *x) {
    limn_diff_memo *m = ctx;
    for (int i = 0; i < m->entries; i++) m->entry[i].used = 0;
    return m->inner->forward(m->inner->ctx, x);
}

static limn_status value(void *ctx, int layer, float *out) {
    const limn_diff_memo *m = ctx;
    return m->inner->value(m->inner->ctx, layer, out);
}

/* *p has room for n floats; what was there is lost. */
static limn_status room(float **p, size_t *have, size_t n) {
    limn_status status = LIMN_OK;
    if (n <= *have) return LIMN_OK;
    free(*p);
    *p = NULL, *have = 0;
    TRY(limn_new(p, n, sizeof **p));
    *have = n;
done:
    return status;
}

static limn_status vjp(void *ctx, int from, const float *seed, limn_rule rule, int to, float *grad) {
    limn_status status = LIMN_OK;
    limn_diff_memo *m = ctx;
    const limn_diff *d = &m->diff;
    size_t n_seed = d->B * limn_shape_size(&d->layer[from].out);
    size_t n_grad = d->B * limn_shape_size(to == LIMN_INPUT ? &d->input : &d->layer[to].out);
    entry *oldest = &m->entry[0];
    for (entry *e = m->entry; e < m->entry + m->entries; e++) {
        if (e->used < oldest->used) oldest = e;
        if (!e->used || e->from != from || e->to != to || e->rule != rule) continue;
        if (memcmp(e->seed, seed, n_seed * sizeof *seed) != 0) continue;
        memcpy(grad, e->grad, n_grad * sizeof *grad);
        e->used = ++m->clock;
        return LIMN_OK;
    }
    TRY(m->inner->vjp(m->inner->ctx, from, seed, rule, to, grad));
    if (n_grad * sizeof *grad > m->bytes) return LIMN_OK;
    oldest->used = 0;
    TRY(room(&oldest->seed, &oldest->seed_room, n_seed));
    TRY(room(&oldest->grad, &oldest->grad_room, n_grad));
    memcpy(oldest->seed, seed, n_seed * sizeof *seed);
    memcpy(oldest->grad, grad, n_grad * sizeof *grad);
    oldest->from = from, oldest->to = to, oldest->rule = rule, oldest->used = ++m->clock;
done:
    return status;
}

static limn_status walk(void *ctx, const limn_walk *how, const float *x, int from, const float *seed, float *out) {
    const limn_diff_memo *m = ctx;
    return m->inner->walk(m->inner->ctx, how, x, from, seed, out);
}

static limn_status replace(void *ctx, const float *x, int at, const float *values, int to, float *out) {
    const limn_diff_memo *m = ctx;
    return m->inner->replace(m->inner->ctx, x, at, values, to, out);
}

limn_status limn_diff_memo_new(limn_diff_memo **out, const limn_diff *inner, int entries, size_t bytes) {
    limn_status status = LIMN_OK;
    limn_diff_memo *m = NULL;
    TRY(limn_new(&m, 1, sizeof *m));
    *m = (limn_diff_memo){.diff = *inner, .inner = inner, .entries = entries < 1 ? 1 : entries, .bytes = bytes};
    m->diff.ctx = m;
    m->diff.forward = forward, m->diff.value = value, m->diff.vjp = vjp;
    if (inner->walk) m->diff.walk = walk;
    if (inner->replace) m->diff.replace = replace;
    TRY(limn_new(&m->entry, (size_t)m->entries, sizeof *m->entry));
    *out = m, m = NULL;
done:
    limn_diff_memo_free(m);
    return status;
}

void limn_diff_memo_free(limn_diff_memo *m) {
    if (!m) return;
    for (int i = 0; m->entry && i < m->entries; i++) {
        free(m->entry[i].seed);
        free(m->entry[i].grad);
    }
    free(m->entry);
    free(m);
}

const limn_diff *limn_diff_memo_diff(const limn_diff_memo *m) {
    return &m->diff;
}
