/* Chunks read ahead of those who use them, by threads of their own: decoding and the disk go on while the engine works.
 *
 * At most `depth` chunks are in memory. Chunks are numbered 0 … chunks-1 and read in that order; each is taken `takes`
 * times, by any threads, who must take chunks in about that order: whoever waits for chunk k while one before k - depth
 * will never be given back waits for ever. What a chunk holds does not depend on threads or depth.
 *
 * A chunk that cannot be read fails its own takes, and those of all later chunks, with its message; earlier chunks are
 * not touched by it. So whoever goes through the results in order meets the first failure. */
#ifndef LIMN_AHEAD_H
#define LIMN_AHEAD_H

#include <stddef.h>

#include "base/status.h"

typedef struct limn_ahead limn_ahead;

typedef struct {
    size_t chunks, floats;                                  /* how many; floats of each */
    size_t takes;                                           /* of each chunk, at least 1 */
    int threads;                                            /* that read; 0: all cores */
    int depth;                                              /* at least 1 */
    limn_status (*read)(void *ctx, size_t chunk, float *x); /* fills x (floats); called by any thread */
    void *ctx;
} limn_ahead_options;

limn_status limn_ahead_open(limn_ahead **out, const limn_ahead_options *o) LIMN_CHECK;
/* Waits for the chunk; *x (floats) is valid until it is given back. Where this fails there is nothing to give back. */
limn_status limn_ahead_take(limn_ahead *a, size_t chunk, const float **x) LIMN_CHECK;
void limn_ahead_give(limn_ahead *a, size_t chunk);
/* Seconds that takers have waited, all together. */
double limn_ahead_waited(limn_ahead *a);
/* Waits for the reads under way, drops the rest. Nobody may be in limn_ahead_take. NULL is fine. */
void limn_ahead_close(limn_ahead *a);

#endif
