/* Progress: how a long computation speaks, and how it is asked to stop. */
#ifndef LIMN_PROGRESS_H
#define LIMN_PROGRESS_H

#include <stddef.h>

typedef struct {
    const char *stage;  /* "predict", "embed map", …; borrowed */
    size_t done, total; /* units of the stage (samples, iterations) */
    double seconds;     /* since the stage began */
    double value;       /* a figure of the stage (KL while embedding); NaN where there is none */
} limn_progress;

/* Returns non-zero to ask for a stop: the stage finishes its batch and returns LIMN_EINTERRUPTED. Called on the thread
 * that called the library. A NULL function is allowed everywhere. */
typedef int (*limn_progress_fn)(void *ctx, const limn_progress *p);

#endif
