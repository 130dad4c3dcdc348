/* limn_plot: figures again, from the store, without computing anything anew.
 * The experiment that a run stored says what to draw; a call may replace its plots by one entry of its own. */
#include "limn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/mem.h"
#include "base/try.h"
#include "db/queries.h"
#include "stages/run.h"

static limn_status add_line(char **text, const char *key, size_t n, const char *value) {
    char *longer = NULL;
    limn_status status =
        limn_format(&longer, "%s%s%.*s: %s\n", *text ? *text : "", *text ? "  " : "- ", (int)n, key, value);
    if (status != LIMN_OK) return status;
    free(*text);
    *text = longer;
    return LIMN_OK;
}

/* The call's settings as one entry of `plots`; the query is written as JSON writes a text, which YAML reads, too. */
static limn_status own_entry(char **out, const limn_plot_call *c) {
    limn_status status = LIMN_OK;
    char *text = NULL, *sql = NULL;
    const experiment_section *plots = experiment_sections;
    int has_kind = 0;
    while (strcmp(plots->where, "plots") != 0) plots++;
    for (size_t i = 0; i < c->n_set; i++) {
        const char *eq = strchr(c->set[i], '=');
        if (!eq || eq == c->set[i] || strpbrk(c->set[i], "\r\n"))
            FAIL(LIMN_EINPUT, "`%.80s` is no setting; key=value is, for example scatter=map colour=label", c->set[i]);
        size_t n = (size_t)(eq - c->set[i]);
        for (const char *k = plots->kinds; k; k = strchr(k, ' ') ? strchr(k, ' ') + 1 : NULL)
            has_kind |= strcspn(k, " ") == n && memcmp(k, c->set[i], n) == 0;
        TRY(add_line(&text, c->set[i], n, eq + 1));
    }
    if (c->sql) {
        if (!has_kind) TRY(add_line(&text, "scatter", 7, "query"));
        cJSON *value = cJSON_CreateString(c->sql);
        sql = value ? cJSON_PrintUnformatted(value) : NULL;
        cJSON_Delete(value);
        if (!sql) FAIL(LIMN_ENOMEM, "there is no memory for the query");
        TRY(add_line(&text, "sql", 3, sql));
    }
    *out = text;
    text = NULL;
done:
    free(text);
    free(sql);
    return status;
}

limn_status limn_plot(const limn_plot_call *c, const limn_voice *v, size_t *figures) {
    limn_status status = LIMN_OK;
    limn_store *s = NULL;
    query_run last = {0};
    limn_experiment *e = NULL;
    char *entry = NULL;
    *figures = 0;
    TRY(store_open_readonly(&s, c->db));
    TRY(query_last_run(s, &last, NULL, "finished"));
    if (last.run_id == 0)
        FAIL(LIMN_EINPUT, "%s: no run in it was finished; `limn run` goes on with one that was not", c->db);
    TRY(experiment_parse(&e, last.config, c->db, "."));
    if (c->n_set > 0 || c->sql) {
        TRY(own_entry(&entry, c));
        TRY(experiment_replace_plots(e, entry, "limn plot"));
    }
    free(e->name); /* results are linked under the name that the run had, which may be its file's */
    e->name = NULL;
    TRY(limn_strdup(&e->name, last.experiment));
    TRY(figures_draw(s, e, last.run_id, c->out ? c->out : e->name, 0, 0, v, figures));
done:
    experiment_free(e);
    query_run_clear(&last);
    store_close(s);
    free(entry);
    return status == LIMN_OK ? LIMN_OK : limn_fail_without_line(status, "limn plot");
}
