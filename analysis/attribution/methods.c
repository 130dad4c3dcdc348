/* The table of attribution methods: a row a method and flavour. Adding a method = its file, its options in the family's
 * options.inc, and a row in its rows.inc. */
#include "attribution/lrp.h"
#include "attribution/methods.h"
#include "attribution/rows.h"
#include "cam/cam.h"
#include "perturb/perturb.h"

const limn_option_row limn_common_options[] = {
    {"noise", "none|smoothgrad|smoothgrad2|vargrad", "none",
     "the mean over noisy copies of the input, of the squares, or the variance", LIMN_OPTION_CHOICE, AT(noise.kind), 0,
     0, 0},
    {"noise_samples", "a whole number from 1 to 100000", "50", "noisy copies", LIMN_OPTION_COUNT, AT(noise.samples), 0,
     1, 100000},
    {"noise_scale", "range|absolute", "range", "noise_sigma is a share of each sample's range, or in input units",
     LIMN_OPTION_CHOICE, AT(noise.absolute), 0, 0, 0},
    {"noise_sigma", "a number from 0", "0.15", "standard deviation of the noise", LIMN_OPTION_NUMBER, AT(noise.sigma),
     0, 0, 1e12},
    {.key = NULL}};

#include "attribution/options.inc"
#include "cam/options.inc"
#include "perturb/options.inc"

const limn_method limn_methods_table[] = {
#include "attribution/rows.inc"
#include "cam/rows.inc"
#include "perturb/rows.inc"
    {.name = NULL}};
