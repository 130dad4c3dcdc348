/* limn_sql, limn_digest, limn_info: questions to a file. */
#include "limn.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/try.h"
#include "data/block.h"
#include "data/dataset.h"
#include "db/digest.h"
#include "db/info.h"
#include "db/sql_shell.h"
#include "model/describe.h"
#include "nn/net.h"
#include "text.h"

static sql_format format_of(limn_format_kind as) {
    static const sql_format f[] = {[LIMN_TABLE] = SQL_TABLE, [LIMN_CSV] = SQL_CSV, [LIMN_JSON] = SQL_JSON};
    return f[as];
}

limn_status limn_sql(const char *db, const char *sql, limn_format_kind as, limn_text_fn write, void *ctx) {
    return sql_run(db, sql, format_of(as), write, ctx);
}

limn_status limn_digest(const char *db, int tables, int check, limn_text_fn write, void *ctx) {
    return store_digest_file(db, tables, check, write, ctx);
}

/* ---- info -------------------------------------------------------------------------------------------------------- */

/* Each layer's backend, so that a fallback can't hide. */
static limn_status describe_plan(const limn_graph *g, const text_out *t) {
    limn_status status = LIMN_OK;
    limn_net *net = NULL;
    char passes[LIMN_PASSES_TEXT];
    TRY(limn_net_new(&net, g, LIMN_BACKEND_AUTO));
    TRY(text_put(t, "\nplan: chunks of %zu, %d fallbacks to the plain engine\n", limn_net_chunk(net),
                 limn_net_fallbacks(net)));
    for (int i = 0; i < g->n_nodes; i++) {
        const char *what = limn_net_passes(net, i, passes);
        TRY(text_put(t, "  %3d  %-16s %-10s %s%s%s\n", i,
                     g->node[i].layer < 0 ? "(input)" : g->layer[g->node[i].layer].name, limn_op_name(&g->node[i]),
                     limn_net_backend(net, i), *what ? "  <- " : "", what));
    }
done:
    limn_net_free(net);
    return status;
}

static limn_status model_info(const char *path, const limn_info_options *o, limn_format_kind as, const text_out *t) {
    limn_status status = LIMN_OK;
    limn_graph *g = NULL;
    TRY(model_read_output(&g, path, o->weights, o->output));
    TRY(model_describe(g, as, t->write, t->ctx));
    if (o->plan && as != LIMN_JSON) TRY(describe_plan(g, t));
done:
    graph_free(g);
    return status;
}

static limn_status data_info(const char *path, limn_format_kind as, const text_out *t) {
    limn_status status = LIMN_OK;
    limn_dataset *d = NULL;
    char *const one = (char *)(uintptr_t)path;
    limn_data_options o = LIMN_DATA_OPTIONS_INIT;
    o.images = &one;
    o.n_images = 1;
    char why[512];
    status = limn_dataset_open(&d, &o);
    snprintf(why, sizeof why, "%s", limn_message());
    /* an array that is no set of pictures (labels, vectors), and a file of several, are told by types and shapes */
    if (status == LIMN_EINPUT && limn_members_describe(path, as, t->write, t->ctx) == LIMN_OK) {
        status = LIMN_OK;
        goto done;
    }
    if (status != LIMN_OK) FAIL(status, "%s", why);
    TRY(limn_dataset_describe(d, as, t->write, t->ctx));
done:
    limn_dataset_free(d);
    return status;
}

/* Whether a model reader knows the file's first bytes. */
static int looks_like_model(const char *path) {
    unsigned char head[LIMN_MODEL_HEAD];
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(head, 1, sizeof head, f) : 0;
    if (f) fclose(f);
    for (const limn_model_reader *r = limn_model_readers; n > 0 && r->name; r++)
        if (r->matches(head, n)) return 1;
    return 0;
}

/* A zip may be .keras or .npz, an HDF5 file a network or arrays: whether it has arrays and is no network. */
static int holds_data(const char *path) {
    limn_members m = {0};
    int data = 0;
    if (limn_members_list(&m, path) == LIMN_OK && !m.network)
        for (size_t i = 0; i < m.n; i++) data |= !m.member[i].why[0] || m.matlab;
    limn_members_clear(&m);
    return data;
}

limn_status limn_info(const char *path, const limn_info_options *o, limn_format_kind as, limn_text_fn write,
                      void *ctx) {
    static const limn_info_options none = {NULL, NULL, 0};
    text_out t = {write, ctx};
    struct stat st;
    int file = stat(path, &st) == 0 && S_ISREG(st.st_mode);
    if (store_is_sqlite(path)) return store_info(path, format_of(as), write, ctx);
    if (!o) o = &none;
    int model = file && looks_like_model(path) && !holds_data(path);
    return o->weights || o->output || model ? model_info(path, o, as, &t) : data_info(path, as, &t);
}
