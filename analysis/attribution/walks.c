/* What the methods that walk through a network (walk.h) have in common. Threading: no state. */
#include <string.h>

#include "attribution/lrp.h"
#include "base/try.h"
#include "cam/cam.h"

static limn_status (*const walking[])(const limn_method *m, const limn_attribute_options *o,
                                      const limn_attribute_job *job) = {lrp_run,      deeplift_run, deepshap_run,
                                                                        rectgrad_run, ablation_run, fullgrad_run};

int limn_attribute_walks(const limn_method *m) {
    for (size_t i = 0; i < COUNT_OF(walking); i++)
        if (m->run == walking[i]) return 1;
    return 0;
}

limn_status attribution_can_walk(const limn_method *m, const limn_diff *d) {
    if (limn_attribute_walks(m) && !(d->walk && d->replace))
        return limn_fail(LIMN_EINPUT, "method `%s` needs a network whose nodes can be walked through", m->name);
    return LIMN_OK;
}

void attribution_put_map(const limn_attribute_options *o, const limn_shape *in, const float *r, float *map) {
    size_t C = in->dim[0], n = in->dim[1] * in->dim[2];
    memcpy(map, r, (o->keep_channels ? C : 1) * n * sizeof *map);
    for (size_t c = 1; c < C && !o->keep_channels; c++)
        for (size_t i = 0; i < n; i++) map[i] += r[c * n + i];
}
