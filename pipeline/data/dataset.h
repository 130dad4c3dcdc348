/* A data set: images with optional labels, from any reader, preprocessed as the experiment says (docs/data.md).
 *
 * Values: the reader's own (0 … 255 for bytes, floats as they are), turned, resized and cropped as preprocess.h says:
 * these are the raw ones. Preprocessing then makes y = (x * scale - mean[c]) / std[c] of them; without it values go in
 * raw. Pictures cross this interface as (C, H, W) float32.
 * Selection, in this order: shuffle all items; keep every `every`-th; of those the first `per_class` of each label; of
 * those the first `limit`. Sample i of the data set is item `limn_dataset_index(d, i)` of the files. */
#ifndef LIMN_DATASET_H
#define LIMN_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "data/preprocess.h"
#include "limn.h"

enum { LIMN_BASE_AUTO, LIMN_BASE_0, LIMN_BASE_1 }; /* auto: 0, but 1 in MATLAB files where no label is 0 */

typedef struct {
    char *const *images; /* one or more paths: a file, a folder with one folder a class, several pictures */
    size_t n_images;
    const char *labels;   /* NULL: those that the images bring (folders, CIFAR, members beside); ":NAME": a member of
                           * the images' own file */
    int label_base;       /* what the first class is called in it: LIMN_BASE_AUTO, LIMN_BASE_0, LIMN_BASE_1 */
    size_t shape[3];      /* (C, H, W) of pictures that lie as vectors; 0: square */
    char *const *classes; /* class names, NULL: from folders, or none */
    size_t n_classes;
    limn_preprocess pre;            /* preset is the caller's */
    int channels;                   /* C that the model wants (a picture is converted: 1 gray, 3 RGB); 0: as it lies */
    size_t height, width;           /* that the model wants: what `input` in pre stands for; 0: unknown */
    size_t limit, every, per_class; /* 0: off */
    int shuffle;
    uint64_t seed;
    int threads; /* that limn_dataset_open may use; 0: all cores */
} limn_data_options;

#define LIMN_DATA_OPTIONS_INIT                                                                                         \
    { .pre = LIMN_PREPROCESS_INIT }

typedef struct limn_dataset limn_dataset;

/* Reads everything that can be wrong about the selected samples but their NaNs: each is decoded once. */
limn_status limn_dataset_open(limn_dataset **out, const limn_data_options *o) LIMN_CHECK;
void limn_dataset_free(limn_dataset *d);
size_t limn_dataset_count(const limn_dataset *d); /* at least 1 */
void limn_dataset_shape(const limn_dataset *d, size_t *C, size_t *H, size_t *W);
size_t limn_dataset_index(const limn_dataset *d, size_t i); /* item in the files */
int limn_dataset_label(const limn_dataset *d, size_t i);    /* -1: none */
/* File of a picture (borrowed), or NULL: the index is it. */
const char *limn_dataset_source(const limn_dataset *d, size_t i);
/* The number of names; without names the largest label + 1; without labels 0. */
size_t limn_dataset_classes(const limn_dataset *d);
const char *limn_dataset_class(const limn_dataset *d, size_t c); /* borrowed; NULL where classes have no names */
/* SHA-256, hex, over values, shape, labels and selection; the same however the files are compressed. */
const char *limn_dataset_fingerprint(const limn_dataset *d);
const char *limn_dataset_format(const limn_dataset *d); /* "IDX (gzip)", "PNG", "folder of PNG", … */
/* raw (C, H, W): the values before scale, mean, std and order. Thread-safe. */
limn_status limn_dataset_raw(const limn_dataset *d, size_t i, float *raw) LIMN_CHECK;
/* x (count, C, H, W): samples i … i+count-1, preprocessed. NaN or infinity in them is LIMN_EFAIL, naming the sample.
 * Thread-safe. */
limn_status limn_dataset_batch(const limn_dataset *d, size_t i, size_t count, float *x) LIMN_CHECK;
/* Raw values as an 8-bit PNG (the first 3 channels of 4): bytes as they are; floats from [0, 1] where all of the
 * sample's are in it, else from [0, 255] where all are in it, else from its least to its greatest. The caller frees
 * *png. */
limn_status limn_dataset_png(const limn_dataset *d, size_t i, unsigned char **png, size_t *n) LIMN_CHECK;
/* Format, count, shape, range of values, labels per class, fingerprint: what `limn info` prints. */
limn_status limn_dataset_describe(const limn_dataset *d, limn_format_kind as, limn_text_fn write, void *ctx) LIMN_CHECK;

#endif
