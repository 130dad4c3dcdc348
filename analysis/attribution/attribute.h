/* Attribution: the table of methods that explain one score of a network, per sample, as a map.
 * Definitions: docs/attribution.md. A method = one file + one row of limn_methods_table (saliency, gradcam, …).
 *
 * A method sees a limn_diff after its forward pass, and a seed at the output layer; it writes raw maps (signed where
 * the method is), of the network's input size unless `size: layer`. Nothing is normalised here but what a flavour
 * defines. */
#ifndef LIMN_ATTRIBUTE_H
#define LIMN_ATTRIBUTE_H

#include "diff.h"

typedef struct {
    const char *key, *values, *fallback, *help; /* "grad_modifier", "none|absolute|…", default, one line */
} limn_option_row;

typedef struct {
    int layer;         /* CAM layer, or -1 */
    int output;        /* the layer whose unit is explained */
    int rule;          /* limn_rule */
    int grad_modifier; /* see methods table */
    int keep_channels; /* maps are (C, h, w) instead of (1, h, w) */
    int layer_size;    /* CAM: keep the layer's grid */
} limn_attribute_options;

typedef struct limn_method limn_method;
struct limn_method {
    const char *name, *flavour, *help; /* "gradcam", "limn" | "keras-vis", one line */
    int cam;                           /* needs a layer */
    const limn_option_row *options;    /* ends with key NULL */
    /* Resolves and checks: fills what is auto (layer), or LIMN_EINPUT. */
    limn_status (*resolve)(const limn_method *m, const limn_diff *d, limn_attribute_options *o);
    /* Floats of work space a chunk needs. */
    size_t (*scratch)(const limn_method *m, const limn_diff *d, const limn_attribute_options *o);
    /* map (B, channels, h, w); seed (B, size of the output layer): 1 at the target. `scratch` as asked. */
    limn_status (*run)(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, const float *seed,
                       float *scratch, float *map);
};
extern const limn_method limn_methods_table[]; /* ends with name NULL */

/* The row for a name and flavour ("limn" is the default flavour); NULL where there is none. */
const limn_method *limn_method_find(const char *name, const char *flavour);
/* (channels, h, w) of a map. */
limn_shape limn_attribute_shape(const limn_method *m, const limn_diff *d, const limn_attribute_options *o);

#endif
