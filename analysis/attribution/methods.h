/* What the files of methods hand to the table in methods.c: recipes and the functions of their rows. */
#ifndef LIMN_METHODS_H
#define LIMN_METHODS_H

#include "attribution/attribute.h"

/* Adds "`word`" to a list in buf: "`a`, `b`". */
void attribution_add_word(char *buf, size_t size, const char *word);
/* The method itself, without noise: all seeds of a job, one after the other unless the method takes them at once. */
limn_status attribution_run_plain(const limn_method *m, const limn_attribute_options *o,
                                  const limn_attribute_job *job) LIMN_CHECK;

/* noise.c: the wrapper of any method. noise_scratch: what it needs beside the method's own. */
size_t noise_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);
limn_status noise_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) LIMN_CHECK;

/* target_score.c: seed . scores, or of the softmax of the scores (probability 1). seed, scores (K). */
double attribution_score(const float *seed, const float *scores, size_t K, int probability);

/* path.c: maps gathered along a path. */
enum { PATH_RULE, PATH_BASELINE }; /* choices */
enum { PATH_STEPS, PATH_VALUE, PATH_SIGMA, PATH_BACKGROUND };
enum { PATH_BASELINE_VALUE, PATH_BASELINE_BLUR };
typedef struct path_walk path_walk;
typedef struct {
    size_t (*steps)(const limn_attribute_options *o);
    /* Point k of row b's path, and the step there. */
    void (*point)(const path_walk *p, size_t b, size_t k, float *x, float *step);
    void (*start)(const path_walk *p, size_t b, float *x0); /* the baseline, or NULL: there is no single one */
} path_recipe;
extern const path_recipe path_input, path_straight, path_expected, path_blur;
size_t path_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);
limn_status path_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);

/* gradient.c: maps made of one gradient at the input. */
typedef struct {
    int always_max; /* channels: the maximum even where values can be negative (else those are summed) */
    int min_max;    /* scale each map to [0, 1] */
    int from_score; /* the backward pass starts with the seed times the scores */
} gradient_recipe;
size_t gradient_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);
limn_status gradient_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);

#endif
