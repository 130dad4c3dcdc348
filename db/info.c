/* What `limn info` says of a results database: a const table of titled queries, each run like `limn sql` runs it. */
#include "db/info.h"

#include <stdio.h>
#include <string.h>

#include "base/try.h"

static const struct {
    const char *title, *sql;
} section[] = {
    {"runs", "SELECT run_id, experiment, status, started, version, isa, message FROM run ORDER BY run_id"},
    {"models", "SELECT model_id, path, format, input_shape, parameters, substr(hash, 1, 12) AS hash FROM model"},
    {"data sets", "SELECT dataset_id, path, format, samples, channels, h, w, substr(fingerprint, 1, 12) AS fingerprint "
                  "FROM dataset"},
    {"predictions", "SELECT model_id, dataset_id, count(*) AS predictions, round(avg(label = class), 4) AS accuracy "
                    "FROM prediction JOIN sample USING (sample_id) GROUP BY model_id, dataset_id"},
    {"features", "SELECT extraction_id, layer, dim, (SELECT count(*) FROM feature f WHERE f.extraction_id = "
                 "e.extraction_id) AS vectors FROM extraction e"},
    {"embeddings", "SELECT embedding_id, method, dims, seed, round(kl, 4) AS kl, iterations, round(seconds, 2) AS "
                   "seconds, options FROM embedding"},
    {"attributions", "SELECT attribution_id, method, flavour, layer, output, targets, channels, h, w, (SELECT count(*) "
                     "FROM map m WHERE m.attribution_id = a.attribution_id) AS maps FROM attribution a"},
    {"maximisations",
     "SELECT maximisation_id, flavour, output, targets, channels, h, w, (SELECT count(*) FROM optimum o "
     "WHERE o.maximisation_id = x.maximisation_id) AS inputs FROM maximisation x"},
    {"figures", "SELECT name, format, file FROM figure WHERE run_id = (SELECT max(run_id) FROM figure)"},
    {"tables", "SELECT tbl_name AS name, sum(pgsize) AS bytes FROM dbstat JOIN sqlite_schema USING (name)"
               " GROUP BY tbl_name ORDER BY bytes DESC, tbl_name"}, /* with their indexes */
};

static limn_status put(store_text_fn write, void *ctx, const char *text) {
    return write(ctx, text, strlen(text)) ? limn_fail(LIMN_EFAIL, "the output cannot be written") : LIMN_OK;
}

limn_status store_info(const char *path, sql_format as, store_text_fn write, void *ctx) {
    limn_status status = LIMN_OK;
    char head[64];
    limn_store *s = NULL;
    TRY(store_open_readonly(&s, path)); /* a wrong file fails before anything is written */
    for (size_t i = 0; i < COUNT_OF(section); i++) {
        if (as == SQL_JSON)
            snprintf(head, sizeof head, "%s\"%s\": ", i ? ", " : "{", section[i].title);
        else
            snprintf(head, sizeof head, "%s%s\n", i ? "\n" : "", section[i].title);
        TRY(put(write, ctx, head));
        TRY(sql_run(path, section[i].sql, as, write, ctx));
    }
    if (as == SQL_JSON) TRY(put(write, ctx, "}\n"));
done:
    store_close(s);
    return status;
}
