/* What the files of methods hand to the table in methods.c: recipes and the functions of their rows. */
#ifndef LIMN_METHODS_H
#define LIMN_METHODS_H

#include "attribution/attribute.h"

/* gradient.c: maps made of one gradient at the input. */
typedef struct {
    int always_max; /* channels: the maximum even where values can be negative (else those are summed) */
    int min_max;    /* scale each map to [0, 1] */
} gradient_recipe;
size_t gradient_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o);
limn_status gradient_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);

#endif
