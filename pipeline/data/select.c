/* Which items of the files become samples: see select.h. */
#include "data/select.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/try.h"

limn_status data_select(size_t **index, size_t *count, size_t n, const int *label, size_t n_classes,
                        const limn_data_options *o) {
    limn_status status = LIMN_OK;
    size_t *x = NULL, *taken = NULL, kept = 0, every = o->every ? o->every : 1;
    if (o->per_class && !label) FAIL(LIMN_EINPUT, "%s: per_class needs labels, and there are none", o->images[0]);
    TRY(limn_new(&x, n, sizeof *x));
    for (size_t i = 0; i < n; i++) x[i] = i;
    if (o->shuffle) {
        limn_rng r = limn_rng_stream(o->seed, LIMN_RNG_SELECTION, 0);
        limn_rng_shuffle(&r, x, n);
    }
    if (o->per_class) TRY(limn_new(&taken, n_classes, sizeof *taken));
    for (size_t i = 0; i < n; i += every) {
        if (o->limit && kept == o->limit) break;
        if (o->per_class && taken[label[x[i]]]++ >= o->per_class) continue;
        x[kept++] = x[i];
        if (n - i <= every) break; /* i + every might overflow */
    }
    *index = x;
    *count = kept;
    x = NULL;
done:
    free(x);
    free(taken);
    return status;
}
