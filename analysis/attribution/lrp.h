/* What the methods that walk through a network (walk.h) hand to the table of methods. */
#ifndef LIMN_LRP_H
#define LIMN_LRP_H

#include "attribution/attribute.h"

/* map = r (C, h, w), its channels summed or kept. */
void attribution_put_map(const limn_attribute_options *o, const limn_shape *in, const float *r, float *map);
/* LIMN_EINPUT where the method walks through the network, and the diff has no nodes to show. */
limn_status attribution_can_walk(const limn_method *m, const limn_diff *d) LIMN_CHECK;

/* lrp.c */
enum { LRP_COMPOSITE, LRP_START, LRP_INPUT_RULE, LRP_BIAS };               /* choices */
enum { LRP_EPSILON_VALUE, LRP_GAMMA_VALUE, LRP_ALPHA, LRP_LOW, LRP_HIGH }; /* numbers */
enum { LRP_START_SCORE, LRP_START_ONE };
enum { LRP_BIAS_USE, LRP_BIAS_IGNORE };
typedef enum {
    LRP_NONE, /* of `first`: the rule of its kind; of the table of rules: that of nodes that share */
    LRP_Z,
    LRP_EPSILON,
    LRP_Z_PLUS,
    LRP_ALPHA_BETA,
    LRP_GAMMA,
    LRP_FLAT,
    LRP_W_SQUARE,
    LRP_Z_BOX,
    LRP_Z_PLUS_FAST, /* of x >= 0: x w+, without bias */
    LRP_RULES
} lrp_rule_name;
typedef struct {
    lrp_rule_name first, conv, dense;
    double alpha, epsilon; /* 0: the option's */
    int spread;            /* means pass the gradient */
} lrp_composite;
typedef struct {
    const lrp_composite *composites; /* by the option's choices */
    const limn_lrp_rule *rules;      /* (LRP_RULES) */
} lrp_recipe;
extern const lrp_recipe lrp_plain, lrp_innvestigate;
size_t lrp_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);
limn_status lrp_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);

/* deeplift.c */
enum { DEEPLIFT_VALUE, DEEPLIFT_BACKGROUND, RECTGRAD_QUANTILE }; /* numbers */
size_t deeplift_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);
limn_status deeplift_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);
limn_status deepshap_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);
limn_status rectgrad_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);

#endif
