/* limn_doctor: which libraries, instruction sets and threads; the engine's known-answer self-test; gnuplot; the helper.
 */
#include "limn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/helper.h"
#include "nn/net.h"
#include "plots/figure.h"
#include "text.h"
#include "versions.h"

limn_status limn_doctor(limn_text_fn write, void *ctx) {
    const helper_kind *const helpers[] = {&helper_hdf5, &helper_mat};
    limn_status status = LIMN_OK, gnuplot, helper = LIMN_OK;
    char *path = NULL, version[64] = "";
    const char *name, *v;
    text_out t = {write, ctx};
    for (int i = 0; versions_get(i, &name, &v); i++) TRY(text_put(&t, "%-10s %s\n", name, v));
    gnuplot = limn_gnuplot_find(&path, version);
    TRY(gnuplot == LIMN_OK ? text_put(&t, "%s (%s)\n", version, path)
                           : text_put(&t, "%-10s missing: %s\n", "gnuplot", limn_message()));
    free(path);
    path = NULL;
    for (size_t i = 0; i < COUNT_OF(helpers); i++) {
        limn_status found = helper_find_kind(&path, helpers[i]);
        TRY(found == LIMN_OK ? text_put(&t, "%-10s %s\n", "helper", path)
                             : text_put(&t, "%-10s missing: %s\n", "helper", limn_message()));
        if (found != LIMN_OK) helper = found;
        free(path);
        path = NULL;
    }
    TRY(limn_engine_doctor(write, ctx));
    if (gnuplot != LIMN_OK || helper != LIMN_OK) FAIL(LIMN_EFAIL, "something is missing: see above");
done:
    free(path);
    return status;
}
