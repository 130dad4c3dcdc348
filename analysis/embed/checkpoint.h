/* A descent's state in a file: what a killed run goes on from. */
#ifndef LIMN_EMBED_CHECKPOINT_H
#define LIMN_EMBED_CHECKPOINT_H

#include "embed/tsne.h"

/* What the descent is: its affinities, its options, its start. */
uint64_t tsne_checkpoint_key(const tsne_state *s, const embed_affinities *P, const limn_embed_options *o);
/* Writes s and the trace under a temporary name, then renames. */
limn_status tsne_checkpoint_write(const char *path, uint64_t key, const tsne_state *s, const limn_trace *trace,
                                  size_t n_trace) LIMN_CHECK;
/* Reads them back, s->done > 0 then; leaves everything as it is where the file is absent, damaged, or another descent's.
 * room: of trace. */
limn_status tsne_checkpoint_read(const char *path, uint64_t key, tsne_state *s, limn_trace *trace, size_t *n_trace,
                                 size_t room) LIMN_CHECK;

#endif
