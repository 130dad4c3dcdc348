/* Class activation maps: a layer's activations, combined with the gradients there. See cam.c. */
#ifndef LIMN_CAM_H
#define LIMN_CAM_H

#include "attribution/attribute.h"

/* What sets one method or flavour of the family apart: one chain of steps, each of them optional. */
typedef struct {
    /* map (n) = the combination of the activations A (C, n) and their gradients G (C, n), n = h w. */
    void (*combine)(const float *A, const float *G, size_t C, size_t n, float *map);
    int scale_gradients; /* G / (max G + 1e-7), the maximum over all channels; `combine` is linear in G */
    int relu;            /* max(map, 0) */
    /* out (H, W) = in (h, w) at the input's size; work: doubles as zoom_work says (NULL: none). */
    void (*zoom)(const float *in, size_t h, size_t w, float *out, size_t H, size_t W, double *work);
    size_t (*zoom_work)(size_t h, size_t w, size_t H);
    int min_max; /* (a - min) / (max - min + 1e-7) at the very end */
} cam_recipe;

extern const cam_recipe cam_gradcam, cam_gradcam_keras_vis;

/* `layer: auto`: the last convolutional layer before `output` whose output is larger than 1 x 1; -1 where none is. */
int cam_last_conv(const limn_diff *d, int output);
/* keras-vis 0.5's choice: from two layers before `output` backwards, the first convolutional or non-global pooling
 * layer; -1 where none is. */
int cam_keras_vis_layer(const limn_diff *d, int output);

size_t cam_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);
limn_status cam_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);

#endif
