/* Class activation maps: a layer's activations, combined with the gradients there.
 *
 * cam.c      the chain of steps that the family shares, and which layer it looks at
 * combine.c  how activations and gradients become a map: Grad-CAM and its kin
 * eigencam.c the same by the first singular vector
 * zoom.c     from the layer's grid to the input's
 * score.c    Score-CAM: weights from masked inputs
 * ablation.c Ablation-CAM: weights from a channel taken out
 * fullgrad.c FullGrad: what every bias contributes
 * guided.c   guided Grad-CAM */
#ifndef LIMN_CAM_H
#define LIMN_CAM_H

#include "attribution/attribute.h"

/* The slots of a CAM's own choices. */
enum { CAM_RELU, CAM_RESIZE };
typedef enum { CAM_YES, CAM_NO } cam_answer; /* relu: max(map, 0) */
typedef enum { CAM_BILINEAR, CAM_CORNERS, CAM_SPLINE, CAM_NEAREST, CAM_ZOOMS } cam_zoom;

/* One sample at one layer. */
typedef struct {
    const float *A, *G; /* (C, n): the layer's output, the score's gradient there (NULL: the recipe has none) */
    size_t C, n;        /* n = h w */
    double score;       /* S, where the recipe asks for it */
} cam_sample;

/* What sets one method or flavour of the family apart: one chain of steps, each of them optional. */
typedef struct {
    limn_status (*combine)(const cam_sample *s, float *map); /* map (n) */
    int no_gradient;                                         /* combine() looks at A alone */
    int wants_score;                                         /* combine() looks at S */
    int scale_gradients; /* G / (max G + 1e-7), the maximum over all channels; `combine` is linear in G */
    int min_max_layer;   /* (a - min) / (max - min + 1e-7) on the layer's grid */
    int min_max;         /* the same at the very end */
} cam_recipe;

extern const cam_recipe cam_gradcam, cam_gradcam_keras_vis, cam_gradcam_scaled, cam_gradcam_torch;
extern const cam_recipe cam_plusplus, cam_plusplus_torch, cam_plusplus_tf;
extern const cam_recipe cam_xgrad, cam_xgrad_torch, cam_hires, cam_hires_torch, cam_element, cam_element_torch;
extern const cam_recipe cam_layer, cam_layer_torch, cam_layer_tf;
extern const cam_recipe cam_eigen, cam_eigen_torch, cam_eigengrad, cam_eigengrad_torch, cam_classic;

/* `layer: auto`: the last convolutional layer before `output` whose output is larger than 1 x 1, or rather the one at which
 * it settles, since a map of values before their activation says little; -1 where none is. */
int cam_last_conv(const limn_diff *d, int output);
/* keras-vis 0.5's choice: from two layers before `output` backwards, the first convolutional or non-global pooling
 * layer; -1 where none is. */
int cam_keras_vis_layer(const limn_diff *d, int output);
/* tf-explain's: the last layer whose output is a picture. */
int cam_last_picture(const limn_diff *d, int output);
/* Classic CAM's: what the global pooling before the dense layer `output` reads; -1 where the network does not end so. */
int cam_before_global_pool(const limn_diff *d, int output);

size_t cam_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);
limn_status cam_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);

/* The maps sum_c w_c A_c of all targets by weights that were found without a gradient: w (n_seeds, B, C), A (B, C, h, w);
 * out is a map's shape; low: a map on the layer's grid, as many floats as limn_align_floats says, and behind it the zoom's
 * doubles. ReLU, resizing and scaling as in cam.c. */
void cam_weighted(const limn_attribute_options *o, const limn_attribute_job *job, limn_shape out, const float *A,
                  const float *w, int min_max_layer, int min_max, float *low);

/* score.c */
typedef struct {
    int over_classes; /* a channel's weight is the softmax over classes of the masked score; else over channels */
    cam_zoom mask;    /* how a channel becomes a mask */
    double epsilon;   /* of the mask's min-max */
    int min_max_layer, min_max;
} score_recipe;
extern const score_recipe cam_score, cam_score_torch, cam_score_tf;
size_t score_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);
limn_status score_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);

/* ablation.c */
typedef struct {
    int min_max_layer, min_max; /* as in cam_recipe */
} ablation_recipe;
extern const ablation_recipe cam_ablation, cam_ablation_torch;
size_t ablation_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);
limn_status ablation_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);

/* fullgrad.c */
typedef struct {
    int each_channel; /* pytorch-grad-cam's way; else as published */
    double epsilon;   /* of the scaling */
} fullgrad_recipe;
extern const fullgrad_recipe cam_fullgrad, cam_fullgrad_torch;
size_t fullgrad_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);
limn_status fullgrad_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);

/* guided.c */
size_t guided_cam_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);
limn_status guided_cam_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);

/* combine.c */
enum { CAM_LANES = 8 }; /* running sums side by side, in a fixed order: one alone waits for itself at every step */
double cam_mean(const float *a, size_t n);
float cam_maximum(const float *a, size_t n);
/* map (n) = sum over c of weight(A_c, G_c) A_c. */
limn_status cam_combine_mean(const cam_sample *s, float *map);
limn_status cam_combine_sum(const cam_sample *s, float *map);
limn_status cam_combine_plusplus(const cam_sample *s, float *map);
limn_status cam_combine_plusplus_tf(const cam_sample *s, float *map);
limn_status cam_combine_xgrad(const cam_sample *s, float *map);
/* map (n) = sum over c of an element-wise product. */
limn_status cam_combine_hires(const cam_sample *s, float *map);
limn_status cam_combine_element(const cam_sample *s, float *map);
limn_status cam_combine_layer(const cam_sample *s, float *map);
/* eigencam.c */
limn_status cam_combine_eigen(const cam_sample *s, float *map);
limn_status cam_combine_eigengrad(const cam_sample *s, float *map);

/* zoom.c: out (H, W) = in (h, w) at another size. work: cam_zoom_work() doubles; in, out and work apart. */
size_t cam_zoom_work(int zoom, size_t h, size_t w, size_t H);
void cam_zoom_run(int zoom, const float *in, size_t h, size_t w, float *out, size_t H, size_t W, double *work);

#endif
