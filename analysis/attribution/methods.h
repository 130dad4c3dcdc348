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

/* gradient.c: maps made of one gradient at the input. */
typedef struct {
    int always_max; /* channels: the maximum even where values can be negative (else those are summed) */
    int min_max;    /* scale each map to [0, 1] */
} gradient_recipe;
size_t gradient_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);
limn_status gradient_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);

#endif
