/* Our maps of the example network beside those of other programs (../shared/goldens/cnn): one table of what equals
 * what.
 *
 * A comparison is a golden array of 20 maps, one for each (sample, target) pair, and the method, flavour and options
 * that must give it. It runs on any limn_diff that is that network: the engine's, or a replay of stored arrays. */
#ifndef LIMN_FIDELITY_H
#define LIMN_FIDELITY_H

#include "diff.h"

enum { FIDELITY_ROWS = 20 };
#define FIDELITY_GOLDENS "../shared/goldens/cnn/"

typedef struct {
    const char *file, *member; /* "kerasvis.npz", "cam" */
    const char *method, *flavour, *options;
    enum { AS_IS, GOLDEN_RELU, OURS_MIN_MAX, UP_TO_SIGN } step; /* what brings both to one definition */
    int needs_net; /* a replay has no such gradient: it was taken under another rule, at a hidden layer */
    int ill_posed; /* 1, 2: a quotient of rounding noise, see test_kerasvis.c */
} fidelity_row;
extern const fidelity_row fidelity_table[]; /* ends with file NULL */

/* Differences |ours - golden|, relative to the golden map's largest |value| (a map of [0, 1]: to 1). */
typedef struct {
    double most;   /* of any pixel of any map */
    double nearly; /* the worst map's 99th percentile */
    int row;       /* that map */
} fidelity_result;

/* x (20, C, H, W) and target (20): the pairs. Ends the test (cmocka) where something cannot be read or run. */
fidelity_result fidelity_compare(const limn_diff *d, const float *x, const int *target, const fidelity_row *row);

/* One array of the goldens as float32, and the number of its elements; ends the test where it cannot be read. */
float *fidelity_floats(const char *file, const char *member, size_t *count);
int *fidelity_ints(const char *file, const char *member, size_t count);
/* to (n, C, h, w) = from (n, h, w, C). */
void fidelity_channels_first(const float *from, size_t n, size_t h, size_t w, size_t C, float *to);

#endif
