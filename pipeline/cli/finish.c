/* How commands that run the pipeline end: see finish.h. */
#include "cli/finish.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* Queries without quotes of their own, so that a shell's single quotes hold them: with labels, and without. */
static const char *const tries[2][3] = {
    {"'SELECT class, count(*) AS images, round(avg(probability), 4) AS mean_probability FROM prediction GROUP BY "
     "class'",
     "'SELECT idx, source, class, round(margin, 3) AS margin FROM sample JOIN prediction USING (sample_id) "
     "ORDER BY margin LIMIT 5'",
     "'SELECT method, flavour, count(*) AS maps, round(avg(map_mean(data)), 5) AS mean FROM map "
     "JOIN attribution USING (attribution_id) GROUP BY attribution_id'"},
    {"'SELECT label, count(*) AS images, round(avg(label = class), 4) AS accuracy FROM sample JOIN prediction "
     "USING (sample_id) GROUP BY label'",
     "'SELECT idx, label, class, round(margin, 3) AS margin FROM sample JOIN prediction USING (sample_id) "
     "WHERE label <> class ORDER BY margin DESC LIMIT 5'",
     "'SELECT method, flavour, count(*) AS maps, round(avg(map_mean(data)), 5) AS mean FROM map "
     "JOIN attribution USING (attribution_id) GROUP BY attribution_id'"}};

static void print_json(const limn_run_result *r) {
    fputs("{\"result\":{\"db\":", stdout);
    cli_json_text(r->db);
    fputs(",\"out\":", stdout);
    cli_json_text(r->out);
    printf(",\"samples\":%zu,\"figures\":%zu,\"accuracy\":", r->samples, r->figures);
    cli_json_number(r->accuracy);
    fputs(",\"kl\":", stdout);
    cli_json_number(r->kl);
    printf(",\"nothing_to_do\":%s,\"digest\":", r->nothing_to_do ? "true" : "false");
    cli_json_text(r->digest);
    puts("}}");
}

void cli_print_result(const limn_run_result *r, int json) {
    char db[600];
    if (json) {
        print_json(r);
        return;
    }
    if (r->nothing_to_do) puts("This experiment was finished before: there was nothing to do.");
    printf("%zu sample%s", r->samples, r->samples == 1 ? "" : "s");
    if (!isnan(r->accuracy)) printf(", accuracy %.4f", r->accuracy);
    if (!isnan(r->kl)) printf(", KL %.4f", r->kl);
    printf("\ndatabase  %s\nfigures   %s (%zu)\ndigest    %s\n\nTry\n", r->db, r->out, r->figures, r->digest);
    cli_quote(db, sizeof db, r->db);
    for (size_t i = 0; i < 3; i++) printf("  limn sql %s %s\n", db, tries[!isnan(r->accuracy)][i]);
}

int cli_ended(limn_status s, const char *name, int argc, char *const *argv) {
    char command[1800], word[600];
    size_t n = (size_t)snprintf(command, sizeof command, "limn %s", name);
    if (s == LIMN_OK) return CLI_DONE;
    if (s != LIMN_EINTERRUPTED && !cli_stopped()) return cli_failed(s);
    for (int i = 1; i < argc && n < sizeof command; i++)
        if (strcmp(argv[i], "--fresh") != 0)
            n += (size_t)snprintf(command + n, sizeof command - n, " %s", cli_quote(word, sizeof word, argv[i]));
    return cli_error(CLI_INTERRUPTED, "interrupted; what is stored stays valid, and `%s` goes on from there", command);
}
