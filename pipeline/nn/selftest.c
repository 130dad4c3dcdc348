/* The known-answer self-test: no primitive is trusted before it has answered.
 *
 * A library can be fast and wrong (oneDNN 3.7.2 on a machine that hides its cache sizes packs the padded tails of
 * weights wrongly, silently). So each planned node runs once in the net's own layouts, with its own weights, on a
 * seeded chunk:
 *   1. x uniform in [-1, 1); for max pooling in steps of 1/4, so that ties abound and the tie rule is tested
 *   2. forward; 256 seeded elements against net_exact_forward
 *   3. a seeded gradient; vjp; 256 elements against net_exact_vjp
 * An element passes if |got - exact| <= TOLERANCE * sum of |terms|. Nodes on _ref are not asked, nor are
 * ops that are own loops on either backend. One forward and one
 * backward pass over one chunk: 15 ms for the MNIST network. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/try.h"
#include "nn/plan.h"

enum { SAMPLES = 256, TABLE = 16381 };
static const uint64_t SEED = 1;
/* A float32 sum of K terms errs by some sqrt(K) 2^-24 of sum |terms| / sqrt(K), at the worst K 2^-24: 6e-8 to 1e-6 in
 * every shape seen. A wrong tap, tail or channel errs by 1/K and more, 1e-4 in the widest layer seen. */
static const double TOLERANCE = 1e-5;

typedef struct {
    const limn_net *net;
    limn_session *run;
    net_tamper_fn tamper;
    void *ctx;
    float *fine, *coarse; /* (TABLE) uniform in [-1, 1); the same in steps of 1/4 */
    float *x, *gy, *out;  /* (B, size) of the widest node */
} bench;

/* Numbers for everyone, drawn once: filling a chunk costs a copy. TABLE is a prime, so that rows differ. */
static limn_status draw_tables(bench *t) {
    limn_status status = LIMN_OK;
    limn_rng r = limn_rng_stream(SEED, LIMN_RNG_SELFTEST, UINT64_MAX);
    TRY(limn_new(&t->fine, TABLE, sizeof *t->fine));
    TRY(limn_new(&t->coarse, TABLE, sizeof *t->coarse));
    for (size_t i = 0; i < TABLE; i++) {
        t->fine[i] = (float)(2 * limn_rng_uniform(&r) - 1);
        t->coarse[i] = roundf(t->fine[i] * 4) / 4;
    }
done:
    return status;
}

static void fill(limn_rng *r, const float *table, float *x, size_t n) {
    size_t at = (size_t)limn_rng_below(r, TABLE);
    for (size_t i = 0, m; i < n; i += m, at = 0) {
        m = n - i < TABLE - at ? n - i : TABLE - at;
        memcpy(x + i, table + at, m * sizeof *x);
    }
}

static int agrees(float got, net_exact e) {
    if (isnan(e.value) || fabs(e.value) > FLT_MAX) return !isfinite(got); /* the weights themselves overflow */
    return fabs((double)got - e.value) <= TOLERANCE * e.scale + FLT_MIN;
}

/* Holds 256 elements of out (B, size of shape) against the definition. */
static int check(const bench *t, const net_step *s, limn_rng *r, const limn_shape *shape, int backward) {
    const limn_shape *in = net_shape_in(t->net, s);
    size_t size = limn_shape_size(shape), nx = limn_shape_size(in), ny = limn_shape_size(&s->node->out);
    for (int k = 0; k < SAMPLES; k++) {
        size_t b = (size_t)limn_rng_below(r, net_rows(t->net, s->node)), i = (size_t)limn_rng_below(r, size);
        const float *x = t->x + b * nx;
        net_exact e =
            backward ? net_exact_vjp(s->node, in, x, t->gy + b * ny, i) : net_exact_forward(s->node, in, x, i);
        if (s->act.op && !backward && !isnan(e.value)) e.value = fmin(fmax(e.value, s->act.lo), s->act.hi);
        if (!agrees(t->out[b * size + i], e)) return 0;
    }
    return 1;
}

static limn_status test_node(bench *t, int k, int *passed) {
    limn_status status = LIMN_OK;
    const net_step *s = &t->net->step[k], *in = &t->net->step[s->link->from];
    limn_rng r = limn_rng_stream(SEED, LIMN_RNG_SELFTEST, (uint64_t)k);
    size_t nx = net_elements(t->net, in->node), ny = net_elements(t->net, s->node);
    *passed = 0;
    TRY(net_session_alone(t->run, k));
    fill(&r, s->node->op == LIMN_OP_MAXPOOL ? t->coarse : t->fine, t->x, nx);
    TRY(net_put(t->run, in, in->value, t->x));
    TRY(net_step_forward(s, t->run));
    TRY(net_get(t->run, s, s->value, t->out));
    if (t->tamper) t->tamper(t->ctx, k, 0, t->out, ny);
    if (!check(t, s, &r, &s->node->out, 0)) goto done;
    if (in->grad < 0) {
        *passed = 1;
        goto done;
    }
    t->run->above[s->link->from] = NET_SHORT;
    t->run->has[s->link->from] = 0;
    fill(&r, t->fine, t->gy, ny);
    TRY(net_put(t->run, s, s->grad, t->gy));
    if (s->act.op) TRY(net_act_back(&s->act, LIMN_RULE_GRADIENT, t->out, t->gy, ny)); /* what it is expected to do */
    TRY(net_step_vjp(s, t->run, LIMN_RULE_GRADIENT));
    TRY(net_get(t->run, in, in->grad, t->out));
    if (t->tamper) t->tamper(t->ctx, k, 1, t->out, nx);
    *passed = check(t, s, &r, &in->node->out, 1);
done:
    return status;
}

limn_status net_selftest(const limn_net *n, net_tamper_fn tamper, void *ctx, unsigned char *ref, int *failed) {
    limn_status status = LIMN_OK;
    bench t = {.net = n, .tamper = tamper, .ctx = ctx};
    size_t widest = 0;
    *failed = 0;
    for (int k = 0; k < n->graph->n_nodes; k++) {
        size_t size = limn_shape_size(&n->graph->node[k].out);
        widest = size > widest ? size : widest;
    }
    TRY(limn_mul(&widest, widest, n->B));
    TRY(draw_tables(&t));
    TRY(net_session_tester(&t.run, n));
    TRY(limn_new(&t.x, widest, sizeof *t.x));
    TRY(limn_new(&t.gy, widest, sizeof *t.gy));
    TRY(limn_new(&t.out, widest, sizeof *t.out));
    for (int k = 1; k < n->n_steps; k++) {
        int passed = 1;
        if (!ref[k] && net_exact_knows(n->step[k].node)) TRY(test_node(&t, k, &passed));
        ref[k] |= (unsigned char)!passed;
        *failed += !passed;
    }
done:
    free(t.out);
    free(t.gy);
    free(t.x);
    free(t.coarse);
    free(t.fine);
    limn_session_free(t.run);
    return status;
}
