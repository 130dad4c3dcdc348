/* Layer-wise relevance propagation at a node (walk.h).
 *
 * A linear node follows its rule, each term of which is the node with other weights: a forward pass z_t and the vjp of its
 * share, through a variant (expand.c). Where x' is zero for the whole chunk, which most layers' min(x, 0) is, a term is
 * its bias alone and nothing comes back; the node's own forward value serves a term that is the node itself.
 *
 * What other nodes do is a table by op; binary functions have one of their own. */
#include "nn/expand.h"

#include <math.h>
#include <string.h>

#include "base/try.h"

/* ---- rules --------------------------------------------------------------------------------------------------------- */
static float guarded(const limn_lrp_rule *r, float z) {
    if (r->guard == LIMN_GUARD_ZERO) return z == 0 ? (float)r->epsilon : z;
    return (float)(z + (z < 0 ? -r->epsilon : r->epsilon));
}

/* *xt = x', in `to` (n) where it is not x itself; returns whether it is zero everywhere. */
static int make_input(const limn_walk *how, limn_lrp_input what, float *x, size_t n, float *to, float **xt) {
    const float fixed[] = {[LIMN_LRP_ONE] = 1, [LIMN_LRP_LOW] = (float)how->low, [LIMN_LRP_HIGH] = (float)how->high};
    int positive = 1, negative = 1;
    *xt = to;
    if (what >= LIMN_LRP_ONE) {
        for (size_t i = 0; i < n; i++) to[i] = fixed[what];
        return fixed[what] == 0;
    }
    for (size_t i = 0; i < n; i++) positive &= !(x[i] < 0), negative &= !(x[i] > 0);
    if (what == LIMN_LRP_X || (what == LIMN_LRP_X_POS && positive)) *xt = x;
    if (what == LIMN_LRP_X_POS && !positive)
        for (size_t i = 0; i < n; i++) to[i] = x[i] > 0 ? x[i] : 0;
    if (what == LIMN_LRP_X_NEG && !positive)
        for (size_t i = 0; i < n; i++) to[i] = x[i] < 0 ? x[i] : 0;
    if (what == LIMN_LRP_X_NEG && positive) memset(to, 0, n * sizeof *to);
    return what == LIMN_LRP_X_POS ? negative : what == LIMN_LRP_X_NEG ? positive : positive && negative;
}

/* A linear node on its way: sizes of all rows; z (2, ny): sums of the groups, then their shares. */
typedef struct {
    net_walker *w;
    const limn_lrp_rule *rule;
    int k;
    size_t nx, ny;
    float *x, *xt, *zt, *z;
} linear;

/* sum (ny) += sign times z_t. */
static limn_status add_term(linear *l, const limn_lrp_term *t, float *sum) {
    limn_status status = LIMN_OK;
    const limn_node *node = net_walk_node(l->w, l->k);
    limn_session *mini;
    float *xt;
    int zero = make_input(l->w->how, t->x, l->x, l->nx, l->xt, &xt);
    if (zero && (!t->bias || !node->bias)) return LIMN_OK;
    TRY(net_walk_mini(l->w, l->k, t->w, t->bias, &mini));
    TRY(mini->diff.forward(mini, xt));
    TRY(mini->diff.value(mini, 0, l->zt));
    for (size_t i = 0; i < l->ny; i++) sum[i] += t->sign * l->zt[i];
done:
    return status;
}

/* out (nx) += sign x' vjp(s). */
static limn_status add_share(linear *l, const limn_lrp_term *t, const float *s, float *out) {
    limn_status status = LIMN_OK;
    limn_session *mini;
    float *g = NULL, *xt;
    if (make_input(l->w->how, t->x, l->x, l->nx, l->xt, &xt)) return LIMN_OK;
    TRY(net_walk_mini(l->w, l->k, t->w, t->bias, &mini));
    if (!mini->ran) TRY(mini->diff.forward(mini, xt));
    TRY(net_take(l->w, l->nx, &g));
    TRY(mini->diff.vjp(mini, 0, s, LIMN_RULE_GRADIENT, LIMN_INPUT, g));
    for (size_t i = 0; i < l->nx; i++) out[i] += t->sign * xt[i] * g[i];
done:
    net_give(l->w, g);
    return status;
}

/* z of group g becomes share R / guard(z). */
static limn_status divide(linear *l, int g, const float *R) {
    limn_status status = LIMN_OK;
    const limn_lrp_rule *r = l->rule;
    float *z = l->z + (size_t)g * l->ny, *y = NULL;
    const float share = (float)r->share[g];
    for (size_t i = 0; i < l->ny; i++) z[i] = share * R[i] / guarded(r, z[i]);
    if (!r->by_sign) return LIMN_OK;
    TRY(net_walk_value(l->w, l->w->now, l->k, &y));
    for (size_t i = 0; i < l->ny; i++)
        if (g == 0 ? !(y[i] > 0) : !(y[i] < 0)) z[i] = 0;
done:
    net_give(l->w, y);
    return status;
}

/* One term, the node itself: its own value and vjp serve. */
static limn_status plain_rule(net_walker *w, const limn_lrp_rule *r, int k, const float *R) {
    limn_status status = LIMN_OK;
    float *s = NULL, *g = NULL, *x = NULL;
    size_t nx = net_walk_size(w, net_walk_node(w, k)->in[0]), ny = net_walk_size(w, k);
    TRY(net_walk_value(w, w->now, k, &s));
    for (size_t i = 0; i < ny; i++) s[i] = R[i] / guarded(r, s[i]);
    TRY(net_walk_vjp(w, w->now, k, s));
    TRY(net_walk_grad(w, w->now, 0, k, &g));
    TRY(net_walk_value(w, w->now, net_walk_node(w, k)->in[0], &x));
    for (size_t i = 0; i < nx; i++) g[i] *= x[i];
    net_bring(w, net_walk_node(w, k)->in[0], g);
done:
    net_give(w, x);
    net_give(w, s);
    return status;
}

static int is_plain(const limn_lrp_rule *r) {
    const limn_lrp_term *t = r->term;
    return r->n == 1 && t->x == LIMN_LRP_X && t->w == LIMN_LRP_W && t->bias && !r->by_sign;
}

static limn_status linear_node(net_walker *w, int k, const float *R) {
    limn_status status = LIMN_OK;
    const limn_node *node = net_walk_node(w, k);
    int conv = node->op != LIMN_OP_DENSE, first = w->now->of->linear[k] == 2;
    const limn_lrp_rule *r = first && w->how->first.n ? &w->how->first : conv ? &w->how->conv : &w->how->dense;
    linear l = {.w = w, .rule = r, .k = k, .nx = net_walk_size(w, node->in[0]), .ny = net_walk_size(w, k)};
    float *out = NULL;
    int groups = 1;
    if (is_plain(r)) return plain_rule(w, r, k, R);
    TRY(net_walk_value(w, w->now, node->in[0], &l.x));
    TRY(net_take(w, l.nx, &l.xt));
    TRY(net_take(w, l.nx, &out));
    TRY(net_take(w, l.ny, &l.zt));
    TRY(net_take(w, 2 * l.ny, &l.z));
    memset(out, 0, l.nx * sizeof *out);
    memset(l.z, 0, 2 * l.ny * sizeof *l.z);
    for (int t = 0; t < r->n; t++) {
        TRY(add_term(&l, &r->term[t], l.z + (size_t)r->term[t].group * l.ny));
        if (r->term[t].group) groups = 2;
    }
    for (int g = 0; g < groups; g++) TRY(divide(&l, g, R));
    for (int t = 0; t < r->n; t++) TRY(add_share(&l, &r->term[t], l.z + (size_t)r->term[t].group * l.ny, out));
    net_bring(w, node->in[0], out);
done:
    net_give(w, l.z);
    net_give(w, l.zt);
    net_give(w, l.xt);
    net_give(w, l.x);
    return status;
}

/* ---- other nodes ----------------------------------------------------------------------------------------------------- */
static limn_status pass(net_walker *w, int k, const float *R) {
    limn_status status = LIMN_OK;
    float *out = NULL;
    size_t n = net_walk_size(w, k);
    int in = net_walk_node(w, k)->in[0];
    if (!net_walk_goes(w, k, 0)) return LIMN_OK;
    if (net_walk_size(w, in) != n) return net_walk_gradient(w, k, R);
    TRY(net_take(w, n, &out));
    memcpy(out, R, n * sizeof *out);
    net_bring(w, in, out);
done:
    return status;
}

/* To each of the first `most` inputs factor x vjp(R / guard(y)). */
static limn_status share(net_walker *w, int k, const float *R, int most, float factor) {
    limn_status status = LIMN_OK;
    const limn_node *node = net_walk_node(w, k);
    size_t n = net_walk_size(w, k);
    float *s = NULL, *g = NULL, *x = NULL;
    TRY(net_walk_value(w, w->now, k, &s));
    for (size_t i = 0; i < n; i++) s[i] = factor * R[i] / guarded(&w->how->rest, s[i]);
    TRY(net_walk_vjp(w, w->now, k, s));
    for (int j = 0; j < node->n_in && j < most; j++) {
        if (!net_walk_goes(w, k, j)) continue;
        size_t nx = net_walk_size(w, node->in[j]);
        TRY(net_walk_grad(w, w->now, j, k, &g));
        TRY(net_walk_value(w, w->now, node->in[j], &x));
        for (size_t i = 0; i < nx; i++) g[i] *= x[i];
        net_give(w, x);
        net_bring(w, node->in[j], g);
        x = g = NULL;
    }
done:
    net_give(w, x);
    net_give(w, g);
    net_give(w, s);
    return status;
}

/* Means of places. */
static limn_status mean(net_walker *w, int k, const float *R) {
    return w->how->spread ? net_walk_gradient(w, k, R) : share(w, k, R, 1, 1);
}

static limn_status share_all(net_walker *w, int k, const float *R) {
    return share(w, k, R, LIMN_MAX_IN, 1);
}

/* Both factors of a product bring all of it: half each; a constant takes nothing. */
static limn_status product(net_walker *w, int k, const float *R) {
    const limn_node *node = net_walk_node(w, k);
    const unsigned char *moves = w->now->of->net->moves;
    return share(w, k, R, LIMN_MAX_IN, moves[node->in[0]] && moves[node->in[1]] ? 0.5F : 1);
}

static limn_status to_first(net_walker *w, int k, const float *R) {
    return share(w, k, R, 1, 1);
}

static const net_walk_step binaries[] = {[LIMN_F_ADD] = share_all, [LIMN_F_SUB] = share_all, [LIMN_F_MUL] = product,
                                         [LIMN_F_DIV] = to_first,  [LIMN_F_POW] = pass,      [LIMN_F_PRELU] = pass};

static limn_status binary(net_walker *w, int k, const float *R) {
    size_t f = (size_t)net_walk_node(w, k)->attr.f;
    net_walk_step step = f < COUNT_OF(binaries) ? binaries[f] : NULL;
    return step ? step(w, k, R) : net_walk_gradient(w, k, R);
}

/* The rest moves relevance where the gradient goes. */
static const net_walk_step steps[LIMN_OPS] = {
    [LIMN_OP_CONV2D] = linear_node, [LIMN_OP_CONVT2D] = linear_node, [LIMN_OP_DENSE] = linear_node,
    [LIMN_OP_MATMUL] = product,     [LIMN_OP_AVGPOOL] = mean,        [LIMN_OP_RELU] = pass,
    [LIMN_OP_UNARY] = pass,         [LIMN_OP_BINARY] = binary,       [LIMN_OP_SCALE] = share_all,
    [LIMN_OP_RESIZE] = share_all,   [LIMN_OP_NORM] = pass,           [LIMN_OP_LRN] = pass,
    [LIMN_OP_SOFTMAX] = pass,       [LIMN_OP_LOG_SOFTMAX] = pass,    [LIMN_OP_IDENTITY] = pass,
};

limn_status net_walk_lrp(net_walker *w, int k, const float *R) {
    const limn_node *node = net_walk_node(w, k);
    net_walk_step step = steps[node->op];
    if (node->op == LIMN_OP_REDUCE && (node->attr.f == LIMN_F_SUM || node->attr.f == LIMN_F_MEAN)) step = mean;
    return step ? step(w, k, R) : net_walk_gradient(w, k, R);
}
