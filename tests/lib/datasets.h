/* Small data sets for tests: files that are made on the spot, opened or refused. */
#ifndef LIMN_DATASETS_H
#define LIMN_DATASETS_H

#include "data/dataset.h"

/* (N, H, W) IDX of bytes: value p of item i is (i * 50 + p) mod 256. */
const char *idx_images(const char *name, size_t n, size_t h, size_t w);
const char *idx_labels(const char *name, const char *labels, size_t n);
const char *text(const char *name, const char *s);
/* A gray (c = 1) or RGB picture whose values are v, v + 1, … */
const char *picture(const char *name, size_t w, size_t h, int c, int v);
limn_dataset *open_with(limn_data_options o, const char *path);
/* The next limn_dataset_open of `path` under o must fail so. */
void refused(limn_data_options o, const char *path, const char *sentence);
limn_data_options plain(void);

#endif
