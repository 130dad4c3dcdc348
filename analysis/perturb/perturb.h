/* Methods that put changed inputs through the network and look at the score alone: no gradient is taken.
 *
 * occlusion.c  a window of the input replaced, place by place; blocks that are ablated
 * rise.c       random soft masks
 * surrogate.c  LIME and KernelSHAP: a linear model of the score over the presence of segments
 * segments.c   the segments: a grid, or superpixels of each sample
 *
 * Each takes all targets at once: one forward pass serves them (attribute.h: forwards, many). */
#ifndef LIMN_PERTURB_H
#define LIMN_PERTURB_H

#include "attribution/methods.h"

enum { PERTURB_SCORE, PERTURB_SEGMENTS }; /* choices */
enum { PERTURB_LOGIT, PERTURB_PROBABILITY };
enum { SEGMENTS_GRID, SEGMENTS_SUPERPIXELS };
/* Numbers; window and stride 0: an eighth of the input's shorter side, and half the window. */
enum { PERTURB_VALUE, PERTURB_WINDOW, PERTURB_STRIDE, PERTURB_SAMPLES, PERTURB_CELLS, PERTURB_KEEP, PERTURB_WIDTH };

/* occlusion.c; blocks: windows lie side by side, each `window` wide. */
typedef struct {
    int blocks;
} occlusion_recipe;
extern const occlusion_recipe occlusion_slide, occlusion_blocks;
size_t occlusion_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);
limn_status occlusion_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);

size_t rise_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);
limn_status rise_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);

/* surrogate.c */
typedef struct {
    int shapley; /* KernelSHAP; else LIME */
} surrogate_recipe;
extern const surrogate_recipe surrogate_lime, surrogate_shap;
size_t surrogate_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);
limn_status surrogate_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);

/* segment (H W) of 0 … cells^2 - 1: the same grid for every sample, or SLIC superpixels of x (C, H, W). work: 7 cells^2
 * doubles. */
void segments_grid(const limn_shape *in, size_t cells, int *segment);
void segments_superpixels(const float *x, const limn_shape *in, size_t cells, int *segment, double *work);

/* The scores of the last forward pass, as the options want them: y (n_seeds, B); scores (B, K) is work space. */
limn_status perturb_scores(const limn_attribute_options *o, const limn_attribute_job *job, float *scores,
                           double *y) LIMN_CHECK;

#endif
