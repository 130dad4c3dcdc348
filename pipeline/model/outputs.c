/* A network's outputs: what the file lists, and which of them is read.
 *
 * A reader lists them in the file's order (graph_add_output), then asks which one it is to read (graph_choose_output):
 * the one that graph->wanted names, or whose decimal index it is; the first where nothing is wanted. Names are what
 * sentences and `limn info` print, so that a name that cannot be printed is given by its number alone.
 * Threading: none of its own. */
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/graph.h"
#include "model/keras.h"

limn_status graph_add_output(limn_graph *g, const char *name) {
    limn_status status = LIMN_OK;
    char *copy = NULL;
    TRY(limn_grow(&g->output, (size_t)g->n_outputs, &g->room_outputs, sizeof *g->output));
    TRY(keras_is_name(name) ? limn_strdup(&copy, name) : limn_format(&copy, "%d", g->n_outputs));
    g->output[g->n_outputs++] = copy;
done:
    return status;
}

/* A decimal index below n; -1 where it is none. */
static int index_in(const char *text, int n) {
    int at = 0;
    if (!*text || strlen(text) > 6) return -1;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9') return -1;
        at = at * 10 + (*p - '0');
    }
    return at < n ? at : -1;
}

/* The sentence that lists them: the first 32. */
static limn_status no_such_output(const limn_graph *g) {
    enum { MOST = 32 };
    limn_status status = LIMN_OK;
    char *all = NULL, *longer;
    for (int i = 0; i < g->n_outputs && i < MOST; i++) {
        TRY(limn_format(&longer, "%s%s`%s`", all ? all : "", all ? ", " : "", g->output[i]));
        free(all);
        all = longer;
    }
    status =
        limn_fail(LIMN_EINPUT, "the network has no output `%.80s`; it has: %s%s",
                  keras_is_name(g->wanted) ? g->wanted : "?", all ? all : "none", g->n_outputs > MOST ? ", …" : "");
done:
    free(all);
    return status;
}

limn_status graph_choose_output(limn_graph *g) {
    g->chosen = 0;
    if (!g->wanted) return LIMN_OK;
    for (int i = 0; i < g->n_outputs; i++)
        if (strcmp(g->output[i], g->wanted) == 0) {
            g->chosen = i;
            return LIMN_OK;
        }
    g->chosen = index_in(g->wanted, g->n_outputs);
    if (g->chosen >= 0) return LIMN_OK;
    g->chosen = 0;
    return no_such_output(g);
}
