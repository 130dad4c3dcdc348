/* Resizing by the rules of other programs, to their numbers.
 *
 * pil-*: Pillow's Image.resize with its antialias, of bytes by its 8-bit fixed-point code, of floats by its 32-bit
 * float code. tf-*: tf.image.resize without antialias (half-pixel centres). tf1-*: TensorFlow 1's
 * tf.image.resize_images without and with align_corners. */
#ifndef LIMN_RESIZE_H
#define LIMN_RESIZE_H

#include "data/preprocess.h"

typedef struct {
    const char *name, *help;
    double support; /* PIL's convolutions: the filter is 0 beyond it at full scale */
    double (*filter)(double x);
    void (*places)(size_t *at, size_t out, size_t in); /* nearest: the element that each of `out` is */
    float (*at)(float i, float scale);                 /* TensorFlow's bilinear: where output i lies in the input */
    int corners;                                       /* the scale is (in - 1) / (out - 1) */
} resize_rule;

extern const resize_rule resize_rules[]; /* the first is the default; ends with name NULL */

enum { RESIZE_MOST_PIXELS = 1 << 26 }; /* of a result */

/* in to out, whose h, w are set and whose data are made here, of the type of `in`; only TensorFlow's bilinear makes
 * floats of bytes. Sizes are at least 1. */
limn_status resize_picture(data_picture *out, const data_picture *in, const resize_rule *rule) LIMN_CHECK;

#endif
