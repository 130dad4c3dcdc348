/* What every user of a limn_diff needs: layers by name, shapes as pictures. See diff.h. */
#include "diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/try.h"

/* The decimal index that the whole of s is, or -1. */
static int as_index(const char *s, int n_layers) {
    char *end;
    if (*s < '0' || *s > '9') return -1;
    long v = strtol(s, &end, 10);
    return *end == 0 && v < n_layers ? (int)v : -1;
}

/* "a, b, …, z": at most `most` names, the last ones where there are more. */
static void list_names(char *out, size_t size, const limn_diff *d, int most) {
    int from = d->n_layers > most ? d->n_layers - most : 0;
    size_t used = 0;
    out[0] = 0;
    for (int i = from; i < d->n_layers && used < size; i++) {
        int n = snprintf(out + used, size - used, "%s%s", i > from ? ", " : from > 0 ? "…, " : "", d->layer[i].name);
        if (n < 0) return;
        used += (size_t)n;
    }
}

limn_status limn_diff_find(int *index, const limn_diff *d, const char *name) {
    limn_status status = LIMN_OK;
    const char **known = NULL;
    for (int i = 0; i < d->n_layers; i++)
        if (strcmp(d->layer[i].name, name) == 0) return *index = i, LIMN_OK;
    *index = as_index(name, d->n_layers);
    if (*index >= 0) return LIMN_OK;

    char hint[96], names[1024];
    TRY(limn_new(&known, (size_t)d->n_layers + 1, sizeof *known));
    for (int i = 0; i < d->n_layers; i++) known[i] = d->layer[i].name;
    list_names(names, sizeof names, d, 24);
    FAIL(LIMN_EINPUT, "the model has no layer `%s`%s; it has %s", name,
         limn_did_you_mean(hint, sizeof hint, limn_nearest(name, known)), names);
done:
    free(known);
    return status;
}

limn_shape limn_shape_picture(const limn_shape *s) {
    limn_shape p = {.rank = 3, .dim = {1, 1, 1}};
    if (s->rank < 1 || s->rank > 3) return (limn_shape){0};
    for (int i = 0; i < s->rank; i++) p.dim[3 - s->rank + i] = s->dim[i];
    return p;
}
