/* What the sources of pictures share: names that are pictures', their order, and classes that are folders. */
#ifndef LIMN_PICTURES_H
#define LIMN_PICTURES_H

#include "data/reader.h"

#define PICTURE_ENDINGS ".png, .jpg, .jpeg, .pgm, .ppm or .pnm"

/* By its ending, in either case; hidden ones (a dot in front) are none. */
int data_picture_name(const char *name);
/* A picture's by its ending, but of a format that is not read (.bmp, .tif, .webp …). */
int data_foreign_name(const char *name);

/* Paths in the order of torchvision and Keras: the folders in byte order of their paths, in each its files in byte order
 * of their names. */
int data_by_folder(const char *a, const char *b);

/* Begins an item: appends a path (taken over, also where this fails) and, where label >= 0, its label. room: of s->path
 * and s->label. */
limn_status data_pictures_add(data_source *s, char *path, int label, size_t room[2]) LIMN_CHECK;

/* Rows of reader.c. */
limn_status reader_open_list(data_source *s, const limn_data_options *o) LIMN_CHECK;
int reader_is_list(const data_probe *p);
limn_status reader_open_tar(data_source *s, const limn_data_options *o) LIMN_CHECK;
int reader_is_tar(const data_probe *p);
limn_status reader_read_tar(const data_source *s, size_t i, limn_image *m) LIMN_CHECK;
void reader_close_tar(data_source *s);

#endif
