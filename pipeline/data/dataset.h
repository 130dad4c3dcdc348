/* A data set: images with optional labels, from any reader, preprocessed as the experiment says.
 *
 * Values: the reader's own (0 … 255 for bytes, floats as they are). Preprocessing: y = (x * scale - mean[c]) / std[c];
 * without it values go in raw. Pictures cross this interface as (C, H, W) float32.
 * Sample i of the data set is item `limn_dataset_index(d, i)` of the files, after limit / every / per_class / shuffle.
 */
#ifndef LIMN_DATASET_H
#define LIMN_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct {
    char *const *images; /* one or more paths: a file, a folder with one folder a class, several pictures */
    size_t n_images;
    const char *labels;   /* NULL: none, or the folders' names */
    char *const *classes; /* class names, NULL: from folders, or none */
    size_t n_classes;
    double scale;                   /* 1 */
    double mean[4], std[4];         /* per channel; 0 and 1 */
    int channels;                   /* C that the model wants (a picture is converted: 1 gray, 3 RGB); 0: as it lies */
    size_t limit, every, per_class; /* 0: off */
    int shuffle;
    uint64_t seed;
} limn_data_options;

typedef struct limn_dataset limn_dataset;

limn_status limn_dataset_open(limn_dataset **out, const limn_data_options *o) LIMN_CHECK;
void limn_dataset_free(limn_dataset *d);
size_t limn_dataset_count(const limn_dataset *d);
void limn_dataset_shape(const limn_dataset *d, size_t *C, size_t *H, size_t *W);
size_t limn_dataset_index(const limn_dataset *d, size_t i); /* item in the files */
int limn_dataset_label(const limn_dataset *d, size_t i);    /* -1: none */
const char *limn_dataset_source(const limn_dataset *d,
                                size_t i); /* file of a picture (borrowed), or NULL: the index is it */
size_t limn_dataset_classes(const limn_dataset *d);
const char *limn_dataset_class(const limn_dataset *d, size_t c); /* borrowed */
const char *limn_dataset_fingerprint(const limn_dataset *d);     /* SHA-256, hex, over images, labels and selection */
const char *limn_dataset_format(const limn_dataset *d);          /* "IDX (gzip)", … */
/* raw (C, H, W): the values before preprocessing. Thread-safe. */
limn_status limn_dataset_raw(const limn_dataset *d, size_t i, float *raw) LIMN_CHECK;
/* x (count, C, H, W): samples i … i+count-1, preprocessed. NaN or infinity in them is LIMN_EFAIL, naming the sample.
 * Thread-safe. */
limn_status limn_dataset_batch(const limn_dataset *d, size_t i, size_t count, float *x) LIMN_CHECK;

#endif
