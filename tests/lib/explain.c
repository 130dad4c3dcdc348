/* One attribution method on one chunk: see explain.h. */
#include "tests/lib/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

limn_status explain_options(const limn_diff *d, const char *method, const char *flavour, const char *options,
                            const limn_method **m, limn_attribute_options *o, char text[256]) {
    limn_status status = LIMN_OK;
    char *save = NULL; /* names of layers stay in `text`, which the caller keeps */
    TRY(limn_method_get(m, method, flavour));
    *o = limn_attribute_defaults(*m);
    snprintf(text, 256, "%s", options);
    for (char *p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
        char *value = strchr(p, '=');
        if (!value) FAIL(LIMN_EINPUT, "`%s` is no key=value", p);
        *value++ = 0;
        TRY(limn_attribute_set(*m, o, p, value));
    }
    TRY(limn_attribute_resolve(*m, d, o));
done:
    return status;
}

float *explain(const limn_diff *d, const char *method, const char *flavour, const char *options, const float *seed,
               limn_shape *shape) {
    limn_status status = LIMN_OK;
    const limn_method *m;
    limn_attribute_options o;
    float *map = NULL, *scratch = NULL;
    char text[256];
    TRY(explain_options(d, method, flavour, options, &m, &o, text));
    *shape = limn_attribute_shape(m, d, &o);
    TRY(limn_new(&map, d->B * limn_shape_size(shape), sizeof *map));
    TRY(limn_new(&scratch, limn_attribute_scratch(m, d, &o), sizeof *scratch));
    TRY(limn_attribute_run(m, &o, &(limn_attribute_job){d, seed, scratch, map}));
done:
    free(scratch);
    if (status == LIMN_OK) return map;
    free(map);
    return NULL;
}

void explain_seed(float *seed, size_t B, size_t n, const int *target) {
    memset(seed, 0, B * n * sizeof *seed);
    for (size_t b = 0; b < B; b++) seed[b * n + (size_t)target[b]] = 1;
}
