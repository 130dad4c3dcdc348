/* Layer-wise relevance propagation: which rule a network's linear nodes follow, by a table of composites.
 *
 *  1. R at the output layer: seed x score, or (`start: one`, Zennit) the seed itself.
 *  2. A walk (walk.h) brings it down to the input: convolutions and dense layers by the composite's rules, the first of
 *     them by one of its own where the composite, or `input_rule`, has one; batch norms are folded into them before.
 *  3. Channels are summed, or kept. Residual: |sum of R at the input - sum of R at the start| / |that|.
 *
 * Rules (Bach et al. 2015; Montavon et al. 2017, 2019; Lapuschkin et al. 2019), x' w' as in walk.h; R_in = x' vjp(R / z):
 *   z            z = w x + b                          epsilon   z + epsilon sign(z)
 *   z-plus       z = w+ x+ + b+ + w- x-               alpha-beta alpha times that, - beta times w- x+ + b- + w+ x-
 *   gamma        w + gamma w+ where the output is positive, w + gamma w- where it is negative
 *   flat         x' = 1, w' = 1                       w-square  x' = 1, w' = w^2
 *   z-box        z = w x + b - (w+ low + b+) - (w- high + b-)
 * The flavours differ in epsilon, in the start, and in where the bias stands. Threading: no state. */
#include "attribution/lrp.h"
#include "base/mem.h"

#include <math.h>
#include <string.h>

#include "base/try.h"

#define T(x, w, bias, group, sign)                                                                                     \
    { LIMN_LRP_##x, LIMN_LRP_##w, bias, group, sign }
#define NO_RULE                                                                                                        \
    { 0 }

/* lrp_rule_name order. share: alpha and -beta are filled in where the rule has two groups that are not by sign. */
static const limn_lrp_rule lrp_rules[LRP_RULES] = {
    [LRP_NONE] = NO_RULE,
    [LRP_Z] = {1, {T(X, W, 1, 0, 1)}, 0, {1, 0}, LIMN_GUARD_ZERO, 0},
    [LRP_EPSILON] = {1, {T(X, W, 1, 0, 1)}, 0, {1, 0}, LIMN_GUARD_SIGN, 0},
    [LRP_Z_PLUS] = {2, {T(X_POS, W_POS, 1, 0, 1), T(X_NEG, W_NEG, 0, 0, 1)}, 0, {1, 0}, LIMN_GUARD_SIGN, 0},
    [LRP_ALPHA_BETA] = {4,
                        {T(X_POS, W_POS, 1, 0, 1), T(X_NEG, W_NEG, 0, 0, 1), T(X_POS, W_NEG, 1, 1, 1),
                         T(X_NEG, W_POS, 0, 1, 1)},
                        0,
                        {1, 0},
                        LIMN_GUARD_SIGN,
                        0},
    [LRP_GAMMA] = {4,
                   {T(X_POS, W_POS_MORE, 1, 0, 1), T(X_NEG, W_NEG_MORE, 0, 0, 1), T(X_POS, W_NEG_MORE, 1, 1, 1),
                    T(X_NEG, W_POS_MORE, 0, 1, 1)},
                   1,
                   {1, 1},
                   LIMN_GUARD_SIGN,
                   0},
    [LRP_FLAT] = {1, {T(ONE, W_ONE, 0, 0, 1)}, 0, {1, 0}, LIMN_GUARD_SIGN, 0},
    [LRP_W_SQUARE] = {1, {T(ONE, W_SQUARE, 1, 0, 1)}, 0, {1, 0}, LIMN_GUARD_SIGN, 0},
    [LRP_Z_BOX] =
        {3, {T(X, W, 1, 0, 1), T(LOW, W_POS, 1, 0, -1), T(HIGH, W_NEG, 1, 0, -1)}, 0, {1, 0}, LIMN_GUARD_SIGN, 0},
};

/* By the order of the option's values. */
static const lrp_composite composites[] = {
    {LRP_NONE, LRP_Z_PLUS, LRP_EPSILON, 0, 0, 0},        /* epsilon-plus */
    {LRP_FLAT, LRP_Z_PLUS, LRP_EPSILON, 0, 0, 0},        /* epsilon-plus-flat */
    {LRP_NONE, LRP_ALPHA_BETA, LRP_EPSILON, 0, 0, 0},    /* epsilon-alpha2-beta1 */
    {LRP_FLAT, LRP_ALPHA_BETA, LRP_EPSILON, 0, 0, 0},    /* epsilon-alpha2-beta1-flat */
    {LRP_Z_BOX, LRP_GAMMA, LRP_EPSILON, 0, 0, 0},        /* epsilon-gamma-box */
    {LRP_NONE, LRP_Z_PLUS, LRP_Z_PLUS, 0, 0, 0},         /* excitation-backprop, z-plus */
    {LRP_NONE, LRP_EPSILON, LRP_EPSILON, 0, 0, 0},       /* epsilon */
    {LRP_NONE, LRP_GAMMA, LRP_GAMMA, 0, 0, 0},           /* gamma */
    {LRP_NONE, LRP_ALPHA_BETA, LRP_ALPHA_BETA, 0, 0, 0}, /* alpha-beta */
    {LRP_NONE, LRP_FLAT, LRP_FLAT, 0, 0, 0},             /* flat */
    {LRP_NONE, LRP_W_SQUARE, LRP_W_SQUARE, 0, 0, 0},     /* w-square */
    {LRP_NONE, LRP_Z, LRP_Z, 0, 0, 0},                   /* z */
};
#define STABILIZER 1e-6 /* of all rules but epsilon: Zennit's */

const lrp_recipe lrp_plain = {composites, lrp_rules};

/* ---- iNNvestigate ------------------------------------------------------------------------------------------------- */
/* Its rules divide by z, by 1e-7 where that is 0 (but epsilon's); alpha-beta adds b+ and b- to either sum; z-plus, flat,
 * w-square and zPlusFast have no bias. */
#define KERAS 1e-7
static const limn_lrp_rule innvestigate_rules[LRP_RULES] = {
    [LRP_NONE] = {0, {T(X, W, 1, 0, 1)}, 0, {1, 0}, LIMN_GUARD_ZERO, KERAS},
    [LRP_Z] = {1, {T(X, W, 1, 0, 1)}, 0, {1, 0}, LIMN_GUARD_ZERO, KERAS},
    [LRP_EPSILON] = {1, {T(X, W, 1, 0, 1)}, 0, {1, 0}, LIMN_GUARD_SIGN, 0},
    [LRP_Z_PLUS] = {2, {T(X_POS, W_POS, 0, 0, 1), T(X_NEG, W_NEG, 0, 0, 1)}, 0, {1, 0}, LIMN_GUARD_ZERO, KERAS},
    [LRP_ALPHA_BETA] = {4,
                        {T(X_POS, W_POS, 1, 0, 1), T(X_NEG, W_NEG, 1, 0, 1), T(X_POS, W_NEG, 1, 1, 1),
                         T(X_NEG, W_POS, 1, 1, 1)},
                        0,
                        {1, 0},
                        LIMN_GUARD_ZERO,
                        KERAS},
    [LRP_FLAT] = {1, {T(ONE, W_ONE, 0, 0, 1)}, 0, {1, 0}, LIMN_GUARD_ZERO, KERAS},
    [LRP_W_SQUARE] = {1, {T(ONE, W_SQUARE, 0, 0, 1)}, 0, {1, 0}, LIMN_GUARD_ZERO, KERAS},
    [LRP_Z_BOX] =
        {3, {T(X, W, 1, 0, 1), T(LOW, W_POS, 1, 0, -1), T(HIGH, W_NEG, 1, 0, -1)}, 0, {1, 0}, LIMN_GUARD_ZERO, KERAS},
    [LRP_Z_PLUS_FAST] = {1, {T(X, W_POS, 0, 0, 1)}, 0, {1, 0}, LIMN_GUARD_ZERO, KERAS},
};
static const lrp_composite innvestigate_composites[] = {
    {LRP_NONE, LRP_Z, LRP_Z, 0, 0, 0},                     /* z */
    {LRP_NONE, LRP_EPSILON, LRP_EPSILON, 0, 0, 0},         /* epsilon */
    {LRP_NONE, LRP_W_SQUARE, LRP_W_SQUARE, 0, 0, 0},       /* w-square */
    {LRP_NONE, LRP_FLAT, LRP_FLAT, 0, 0, 0},               /* flat */
    {LRP_NONE, LRP_ALPHA_BETA, LRP_ALPHA_BETA, 1, 0, 0},   /* alpha1-beta0 */
    {LRP_NONE, LRP_ALPHA_BETA, LRP_ALPHA_BETA, 2, 0, 0},   /* alpha2-beta1 */
    {LRP_NONE, LRP_Z_PLUS, LRP_Z_PLUS, 0, 0, 0},           /* z-plus */
    {LRP_NONE, LRP_Z_PLUS_FAST, LRP_Z_PLUS_FAST, 0, 0, 0}, /* z-plus-fast */
    {LRP_NONE, LRP_ALPHA_BETA, LRP_EPSILON, 1, 0.1, 0},    /* sequential-preset-a */
    {LRP_FLAT, LRP_ALPHA_BETA, LRP_EPSILON, 1, 0.1, 0},    /* sequential-preset-a-flat */
    {LRP_NONE, LRP_ALPHA_BETA, LRP_EPSILON, 2, 0.1, 0},    /* sequential-preset-b */
    {LRP_FLAT, LRP_ALPHA_BETA, LRP_EPSILON, 2, 0.1, 0},    /* sequential-preset-b-flat */
    {LRP_NONE, LRP_ALPHA_BETA, LRP_ALPHA_BETA, 1, 0, 1},   /* deep-taylor */
    {LRP_Z_BOX, LRP_ALPHA_BETA, LRP_ALPHA_BETA, 1, 0, 1},  /* bounded-deep-taylor */
};
const lrp_recipe lrp_innvestigate = {innvestigate_composites, innvestigate_rules};

/* ---- a composite's rules ------------------------------------------------------------------------------------------ */
static limn_lrp_rule rule_of(const lrp_recipe *r, lrp_rule_name name, const limn_attribute_options *o) {
    const lrp_composite *c = &r->composites[o->choice[LRP_COMPOSITE]];
    const double alpha = c->alpha > 0 ? c->alpha : o->number[LRP_ALPHA];
    limn_lrp_rule rule = r->rules[name];
    if (name == LRP_EPSILON)
        rule.epsilon = c->epsilon > 0 ? c->epsilon : o->number[LRP_EPSILON_VALUE];
    else if (!(rule.epsilon > 0))
        rule.epsilon = STABILIZER;
    if (name == LRP_ALPHA_BETA) rule.share[0] = alpha, rule.share[1] = 1 - alpha;
    for (int t = 0; o->choice[LRP_BIAS] == LRP_BIAS_IGNORE && t < rule.n; t++) rule.term[t].bias = 0;
    return rule;
}

/* The option's values. */
static const lrp_rule_name input_rules[] = {LRP_NONE, LRP_FLAT, LRP_W_SQUARE, LRP_Z_BOX, LRP_Z_PLUS, LRP_EPSILON};

static limn_walk walk_of(const lrp_recipe *r, const limn_attribute_options *o) {
    const lrp_composite *c = &r->composites[o->choice[LRP_COMPOSITE]];
    int input = o->choice[LRP_INPUT_RULE];
    return (limn_walk){.kind = LIMN_WALK_LRP,
                       .first = rule_of(r, input ? input_rules[input] : c->first, o),
                       .conv = rule_of(r, c->conv, o),
                       .dense = rule_of(r, c->dense, o),
                       .rest = rule_of(r, LRP_NONE, o),
                       .spread = c->spread,
                       .gamma = o->number[LRP_GAMMA_VALUE],
                       .low = o->number[LRP_LOW],
                       .high = o->number[LRP_HIGH]};
}

size_t lrp_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    (void)m, (void)n_seeds;
    return limn_align_floats(d->B * limn_shape_size(&d->input)) +
           limn_align_floats(d->B * limn_shape_size(&d->layer[o->output.index].out));
}

limn_status lrp_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    const limn_walk how = walk_of(m->recipe, o);
    const limn_shape in = limn_shape_picture(&d->input), shape = limn_attribute_shape(m, d, o);
    const size_t n = limn_shape_size(&d->input), K = limn_shape_size(&d->layer[o->output.index].out),
                 size = limn_shape_size(&shape);
    float *r = job->scratch, *start = r + limn_align_floats(d->B * n);
    if (o->choice[LRP_START] == LRP_START_SCORE)
        TRY(d->value(d->ctx, o->output.index, start));
    else
        for (size_t i = 0; i < d->B * K; i++) start[i] = 1;
    for (size_t i = 0; i < d->B * K; i++) start[i] *= job->seed[i];
    TRY(d->walk(d->ctx, &how, job->x, o->output.index, start, r));
    for (size_t b = 0; b < d->B; b++) {
        double before = 0, after = 0;
        for (size_t i = 0; i < K; i++) before += start[b * K + i];
        for (size_t i = 0; i < n; i++) after += r[b * n + i];
        attribution_put_map(o, &in, r + b * n, job->map + b * size);
        if (job->residual) job->residual[b] = (float)(fabs(after - before) / fabs(before));
    }
done:
    return status;
}
