/* limn_plot: figures again, from the store, without computing anything anew.
 * The experiment that a run stored says what to draw; a call may replace its plots by one entry of its own. */
#include "limn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "db/queries.h"
#include "stages/run.h"

/* "plots:\n  - {key: value, …}" of the call's settings. */
static limn_status own_entry(char **out, const limn_plot_call *c) {
    limn_status status = LIMN_OK;
    char *text = NULL;
    TRY(limn_strdup(&text, "plots:\n  - {"));
    for (size_t i = 0; i < c->n_set; i++) {
        const char *eq = strchr(c->set[i], '=');
        char *longer = NULL;
        if (!eq || eq == c->set[i] || strpbrk(c->set[i], "\r\n"))
            FAIL(LIMN_EINPUT, "`%.80s` is no setting; key=value is, for example scatter=map colour=label", c->set[i]);
        TRY(limn_format(&longer, "%s%s%.*s: %s", text, i ? ", " : "", (int)(eq - c->set[i]), c->set[i], eq + 1));
        free(text);
        text = longer;
    }
    TRY(limn_format(out, "%s}\n", text));
done:
    free(text);
    return status;
}

/* The stored experiment file without its `plots:` section (a top-level key: it ends at the next line that starts with a
 * letter), then the new one. */
static limn_status replace_plots(char **out, const char *config, const char *entry) {
    limn_status status = LIMN_OK;
    char *kept = NULL;
    size_t n = 0;
    int inside = 0;
    TRY(limn_new(&kept, strlen(config) + 2, 1));
    for (const char *line = config; *line;) {
        size_t len = strcspn(line, "\n");
        len += line[len] == '\n';
        if (strncmp(line, "plots:", 6) == 0)
            inside = 1;
        else if (!strchr(" \t-#\r\n", line[0]))
            inside = 0;
        if (!inside) {
            memcpy(kept + n, line, len);
            n += len;
        }
        line += len;
    }
    if (n > 0 && kept[n - 1] != '\n') kept[n++] = '\n';
    kept[n] = 0;
    status = limn_format(out, "%s%s", kept, entry);
done:
    free(kept);
    return status;
}

limn_status limn_plot(const limn_plot_call *c, const limn_voice *v, size_t *figures) {
    limn_status status = LIMN_OK;
    limn_store *s = NULL;
    query_run last = {0};
    limn_experiment *e = NULL;
    char *entry = NULL, *config = NULL;
    (void)v;
    *figures = 0;
    TRY(store_open_readonly(&s, c->db));
    TRY(query_last_run(s, &last, NULL, "finished"));
    if (last.run_id == 0)
        FAIL(LIMN_EINPUT, "%s: no run in it was finished; `limn run` goes on with one that was not", c->db);
    if (c->n_set > 0) {
        TRY(own_entry(&entry, c));
        TRY(replace_plots(&config, last.config, entry));
    } else {
        TRY(limn_strdup(&config, last.config));
    }
    TRY(experiment_parse(&e, config, c->n_set > 0 ? "limn plot" : c->db, "."));
    free(e->name); /* results are linked under the name that the run had, which may be its file's */
    e->name = NULL;
    TRY(limn_strdup(&e->name, last.experiment));
    TRY(figures_draw(s, e, last.run_id, c->out ? c->out : e->name, 0, 0, figures));
done:
    experiment_free(e);
    query_run_clear(&last);
    store_close(s);
    free(entry);
    free(config);
    return status;
}
