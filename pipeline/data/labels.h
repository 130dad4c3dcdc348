/* Labels: a class an image, from a file of their own, or beside the images in the same file. */
#ifndef LIMN_LABELS_H
#define LIMN_LABELS_H

#include "data/block.h"
#include "data/dataset.h"

typedef struct {
    int *label; /* (n), each >= 0 */
    size_t n;
    char **name; /* (n_names) of the classes, where the labels were texts; else NULL */
    size_t n_names;
} data_labels;

void data_labels_clear(data_labels *l);

/* From IDX, npy, a member of a file ("x.npz:y"), or text with one label a line. base: what the first class is called, 0
 * or 1; LIMN_BASE_AUTO: 0, but in MATLAB files 1 where no 0 occurs. */
limn_status data_labels_read(data_labels *out, const char *path, int base) LIMN_CHECK;
/* From an array of numbers or texts. */
limn_status data_labels_block(data_labels *out, const limn_block *b, int base) LIMN_CHECK;
/* From n texts (borrowed), each ended by a NUL and following one another. */
limn_status data_labels_texts(data_labels *out, const char *text, size_t n) LIMN_CHECK;
/* `labels: :NAME` asks for a member of the images' own file. */
int data_labels_own(const limn_data_options *o);
/* Labels in the file that has the images as `images`: those that are asked for; where no labels are asked for at all,
 * those whose name goes with it, if there are any. */
limn_status data_labels_beside(data_labels *out, const limn_members *m, const char *file, const char *images,
                               const limn_data_options *o) LIMN_CHECK;

#endif
