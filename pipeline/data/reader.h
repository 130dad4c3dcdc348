/* Readers: one row a kind of input. Adding one = a file with its functions and a row in reader.c.
 *
 * A reader opens paths into a data_source: `count` items, read one at a time and by any thread: arrays all of (C, H, W);
 * pictures each of its own size, of which the data set makes (C, H, W). */
#ifndef LIMN_READER_H
#define LIMN_READER_H

#include "data/dataset.h"
#include "data/image.h"
#include "data/labels.h"

enum { PROBE_BYTES = 4096, FORMAT_ROOM = 48 };

/* What the table's `matches` looks at: the first path. */
typedef struct {
    const char *path;
    size_t paths;                    /* how many there are in all */
    int folder;                      /* it is one; then there is no head */
    int members;                     /* it is, or names a member of, a file with members (block.h); no head either */
    unsigned char head[PROBE_BYTES]; /* first bytes, inflated where they were gzip; zeros after the end */
    size_t n;
} data_probe;

typedef struct data_source data_source;

typedef struct {
    const char *name, *help;
    int (*matches)(const data_probe *p);
    limn_status (*open)(data_source *s, const limn_data_options *o);
    /* x (C, H, W): item i; thread-safe. NULL where there is `picture`. */
    limn_status (*read)(const data_source *s, size_t i, float *x);
    void (*close)(data_source *s); /* frees `state` */
    /* Item i as a picture of its own size and channels; thread-safe. NULL where all have one size: `read`. */
    limn_status (*picture)(const data_source *s, size_t i, limn_image *m);
} data_reader;

struct data_source {
    const data_reader *reader;
    char format[FORMAT_ROOM];
    size_t count, C, H, W; /* H, W of pictures: the first one's */
    int bytes;             /* values are whole numbers 0 … 255 */
    char **path;           /* (count) a file an item, or NULL */
    int *label;            /* (count) from folders or from the images' own file, or NULL */
    char **class_name;
    size_t n_classes;
    void *state; /* the reader's */
};

extern const data_reader data_readers[]; /* ends with name NULL */

/* Opens by the first row that matches; data_source_clear() also where this fails. */
limn_status data_source_open(data_source *s, const limn_data_options *o) LIMN_CHECK;
void data_source_clear(data_source *s);

/* Whether (`wanted` channels, 0: any) can be made of `have`, else LIMN_EINPUT; the result into *C. */
limn_status data_channels(size_t *C, size_t have, int wanted, const char *name) LIMN_CHECK;
/* planes (from, plane) to x (C, plane): copy, gray to RGB by repeating, RGB to gray by ITU-R 601 (rounded as PIL does
 * where the values are bytes), RGBA by dropping A. The two do not overlap. */
void data_convert(float *x, size_t C, const float *planes, size_t from, size_t plane, int bytes);

limn_status reader_open_idx(data_source *s, const limn_data_options *o) LIMN_CHECK;
limn_status reader_open_npy(data_source *s, const limn_data_options *o) LIMN_CHECK;
limn_status reader_read_array(const data_source *s, size_t i, float *x) LIMN_CHECK;
void reader_close_array(data_source *s);
int reader_is_cifar(const data_probe *p);
limn_status reader_open_cifar(data_source *s, const limn_data_options *o) LIMN_CHECK;
limn_status reader_read_cifar(const data_source *s, size_t i, float *x) LIMN_CHECK;
void reader_close_cifar(data_source *s);
int reader_is_csv(const data_probe *p);
limn_status reader_open_csv(data_source *s, const limn_data_options *o) LIMN_CHECK;
/* Pictures as lines of text, the labels out of a column: NULL: the usual one. The stream is freed. */
limn_status csv_table_read(limn_block *out, data_labels *labels, limn_bytes *b, const char *column,
                           int base) LIMN_CHECK;
limn_status reader_open_pictures(data_source *s, const limn_data_options *o) LIMN_CHECK;
limn_status reader_open_folder(data_source *s, const limn_data_options *o) LIMN_CHECK;
limn_status reader_read_picture(const data_source *s, size_t i, limn_image *m) LIMN_CHECK;
/* What every source of pictures does once `reader`, `path` and `count` stand: shape and format from the first one. */
limn_status reader_begin_pictures(data_source *s, const limn_data_options *o, const char *format) LIMN_CHECK;

/* (C, H, W) of a picture that lies as a vector of D values: options.shape, or a square. */
limn_status data_vector_shape(size_t shape[3], size_t D, const limn_data_options *o, const char *name) LIMN_CHECK;

/* SHA-256 (hex) over the selected samples (fingerprint.c). */
limn_status data_fingerprint(char hex[65], const limn_dataset *d, int threads) LIMN_CHECK;

#endif
