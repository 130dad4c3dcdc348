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

float *explain_job(const char *method, const char *flavour, const char *options, const limn_attribute_job *job,
                   limn_shape *shape) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    const limn_method *m;
    limn_attribute_options o;
    limn_attribute_job j = *job;
    uint64_t key[EXPLAIN_MOST_ROWS];
    char text[256];
    j.map = j.scratch = NULL;
    if (!j.n_seeds) j.n_seeds = 1;
    for (size_t b = 0; b < d->B && b < EXPLAIN_MOST_ROWS; b++) key[b] = b;
    if (!j.key && d->B <= EXPLAIN_MOST_ROWS) j.key = key;
    if (!j.background) j.background = j.x, j.n_background = d->B;
    TRY(explain_options(d, method, flavour, options, &m, &o, text));
    *shape = limn_attribute_shape(m, d, &o);
    TRY(limn_new(&j.map, j.n_seeds * d->B * limn_shape_size(shape), sizeof *j.map));
    TRY(limn_new(&j.scratch, limn_attribute_scratch(m, d, &o, j.n_seeds), sizeof *j.scratch));
    TRY(limn_attribute_run(m, &o, &j));
done:
    free(j.scratch);
    if (status == LIMN_OK) return j.map;
    free(j.map);
    return NULL;
}

float *explain(const limn_diff *d, const char *method, const char *flavour, const char *options, const float *seed,
               limn_shape *shape) {
    return explain_job(method, flavour, options, &(limn_attribute_job){.diff = d, .seed = seed}, shape);
}

void explain_seed(float *seed, size_t B, size_t n, const int *target) {
    memset(seed, 0, B * n * sizeof *seed);
    for (size_t b = 0; b < B; b++) seed[b * n + (size_t)target[b]] = 1;
}
