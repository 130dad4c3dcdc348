/* What is done to a picture between its file and the network, always in this order (docs/data.md):
 *
 *   1. exif: apply turns it as the file's EXIF orientation says        (off by default)
 *   2. channels: gray, RGB, as many as the network wants
 *   3. resize, by `fit` and the rule `interpolation`
 *   4. crop: the centre, with `pad` around what is smaller
 *   5. values: y = (x * scale - mean[c]) / std[c], c counted as the network sees them; order: bgr turns RGB to BGR first
 *
 * What stands after step 4 is a sample's raw values: its picture in the database and its fingerprint. */
#ifndef LIMN_PREPROCESS_H
#define LIMN_PREPROCESS_H

#include <stddef.h>

#include "base/status.h"

typedef enum { LIMN_SIZE_NONE, LIMN_SIZE_INPUT, LIMN_SIZE_SIDE, LIMN_SIZE_EXACT } limn_size_kind;
typedef struct {
    limn_size_kind kind; /* INPUT: what the network wants; SIDE: one number, in h and w */
    size_t h, w;
} limn_picture_size;

/* How a picture comes to the size that `resize` gives. AUTO: SHORTER for one number, else STRETCH. */
typedef enum { LIMN_FIT_AUTO, LIMN_FIT_STRETCH, LIMN_FIT_SHORTER, LIMN_FIT_LONGER, LIMN_FIT_CROP } limn_fit;

typedef struct {
    char *preset; /* its name, or NULL; the members below are what counts */
    int exif;     /* 1: apply */
    limn_picture_size resize, crop;
    limn_fit fit;
    int rule;               /* into resize_rules */
    double pad;             /* 0 … 255 */
    double scale;           /* 1 */
    double mean[4], std[4]; /* per channel; 0 and 1 */
    int bgr;
} limn_preprocess;

#define LIMN_PREPROCESS_INIT                                                                                           \
    {                                                                                                                  \
        .scale = 1, .std = { 1, 1, 1, 1 }                                                                              \
    }

typedef struct {
    const char *name, *help;
    limn_preprocess value;
} limn_preset;

extern const limn_preset limn_presets[]; /* ends with name NULL */
const limn_preset *limn_preset_find(const char *name);

/* Steps 1 to 4, with the network's size put in. */
typedef struct {
    const limn_preprocess *p;
    size_t H, W; /* the network's input; 0: unknown */
} preprocess_plan;

/* LIMN_EINPUT where `input` is asked for and is unknown. */
limn_status preprocess_check(const preprocess_plan *g, const char *name) LIMN_CHECK;
int preprocess_moves(const preprocess_plan *g); /* whether steps 3 and 4 do anything */
/* The size of a picture of h x w after them; LIMN_EINPUT where that is too large. */
limn_status preprocess_size(const preprocess_plan *g, size_t *h, size_t *w, const char *name) LIMN_CHECK;

/* A picture on its way: bytes or floats, (h, w, c); owned. */
typedef struct {
    size_t h, w, c;
    unsigned char *b;
    float *f; /* where b is NULL */
} data_picture;

void data_picture_clear(data_picture *p);
/* Steps 3 and 4, in place. `name` is the file, for messages. */
limn_status preprocess_move(data_picture *p, const preprocess_plan *g, const char *name) LIMN_CHECK;

#endif
