/* Our maps of the example network beside those of other programs (../shared/goldens/cnn): one table of what equals
 * what (fidelity_table.c).
 *
 * A comparison is a golden array of 20 maps, one for each (sample, target) pair, and the method, flavour and options
 * that must give it. It runs on any limn_diff that is that network: the engine's, or a replay of stored arrays. */
#ifndef LIMN_FIDELITY_H
#define LIMN_FIDELITY_H

#include "diff.h"
#include "tests/lib/record.h"

enum { FIDELITY_ROWS = 20 };
#define FIDELITY_GOLDENS "../shared/goldens/cnn/"

/* What brings both to one definition. */
typedef enum {
    AS_IS,
    GOLDEN_RELU,   /* the golden one is before the ReLU */
    OURS_MIN_MAX,  /* the golden one is scaled to [0, 1] */
    BOTH_MIN_MAX,  /* the same up to a factor and an offset */
    UP_TO_SIGN,    /* LAPACK chose the golden one's sign */
    SAME_SIGN_ONLY /* the same, and what follows depends on it: maps whose raw one has the other sign are left out */
} fidelity_step;
typedef enum { ON_LOGITS, ON_SOFTMAX, ON_ONNX } fidelity_net; /* swapped; as stored; with ReLU nodes of its own */
typedef enum { EXACT, POLE, CANCELS, CANCELS_MORE, DIFFERENCE } fidelity_cause;

typedef struct {
    const char *file, *member; /* "kerasvis.npz", "cam" */
    const char *method, *flavour, *options;
    fidelity_step step;
    int needs_net; /* a replay has no such gradient: it was taken under another rule, at a hidden layer */
    fidelity_cause cause;
    fidelity_net net;
    const char *noise; /* the array of the noise that was added, (samples, 20, input) */
} fidelity_row;
extern const fidelity_row fidelity_table[]; /* ends with file NULL */

/* Why some golden arrays are less exact than the limit, and what holds there. */
typedef struct {
    double wide;
    const char *text;
} fidelity_reason;
extern const fidelity_reason fidelity_reasons[];

/* x (20, C, H, W) and target (20): the pairs. Ends the test (cmocka) where something cannot be read or run. */
record fidelity_compare(const limn_diff *d, const float *x, const int *target, const fidelity_row *row);
/* "saliency keras-vis grad_modifier=none" */
void fidelity_what(char *out, size_t size, const fidelity_row *row);

/* One array of the goldens as float32, and the number of its elements; ends the test where it cannot be read. */
float *fidelity_floats(const char *file, const char *member, size_t *count);
int *fidelity_ints(const char *file, const char *member, size_t count);
/* to (n, C, h, w) = from (n, h, w, C). */
void fidelity_channels_first(const float *from, size_t n, size_t h, size_t w, size_t C, float *to);

#endif
