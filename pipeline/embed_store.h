/* What `limn embed` reads from databases, and writes into one. Names are FILE:NAME, or FILE alone. */
#ifndef LIMN_EMBED_STORE_H
#define LIMN_EMBED_STORE_H

#include "db/store.h"
#include "limn.h"

/* Whether it is, or names something in, a SQLite file that is there. */
int embed_store_named(const char *path);
/* Whether a map is to be written into a database: FILE.db or FILE.db:NAME. */
int embed_store_out(const char *path);

/* X (*n, *D) of a layer, and its samples' labels. layer: NULL, or what FILE alone means. Both are the caller's to free. */
limn_status embed_store_layer(float **X, int **label, size_t *n, size_t *D, const char *path,
                              const char *layer) LIMN_CHECK;
/* Y (*n, *dims) of a map. */
limn_status embed_store_map(float **Y, size_t *n, size_t *dims, const char *path) LIMN_CHECK;

/* What is written. */
typedef struct {
    const char *in, *layer, *out; /* the call's */
    const float *X;               /* (n, D) */
    const int *label;             /* (n) or NULL */
    size_t n, D;
    limn_tsne_preset preset;
    const limn_embed_options *o;
    const float *start; /* (n, dims) or NULL: the descent began there */
    const uint64_t *seed;
    limn_embedding *const *map; /* (maps) */
    size_t maps;
    const limn_map_agreement *agree; /* (pairs) and share (pairs, n): as limn_maps_agree() gives them; NULL: one map */
    const float *share;
} embed_stored;
/* All of it in one transaction, under a run of its own. Maps that are there are left as they are. Vectors of a file become
 * samples of a data set of their own; a map of a layer goes into that layer's database. */
limn_status embed_store_write(const embed_stored *e, const limn_voice *v) LIMN_CHECK;
/* What is wrong with `out` before anything is computed. */
limn_status embed_store_check(const char *in, const char *out) LIMN_CHECK;

#endif
