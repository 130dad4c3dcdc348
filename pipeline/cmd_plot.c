/* limn plot: figures again, from the store, without computing anything anew. */
#include <stdio.h>

#include "cli/cli.h"

static const char usage[] =
    "usage: limn plot DB [KEY=VALUE…] -o DIR\n"
    "Draws the figures of the last run again, or the one that the keys describe: those of an entry of `plots` in an\n"
    "experiment file (docs/experiment.md), for example\n"
    "  limn plot mnist.db scatter=map colour=margin format=[png,pdf] -o figures\n"
    "  limn plot mnist.db --sql 'SELECT x, y, probability FROM v_point WHERE embedding_id = 1' -o figures\n\n"
    "  -o, --out DIR    the folder of figures\n"
    "  --sql QUERY      draw what a SELECT gives: x, y [, colour] as a scatter; with matrix=query, bars=query,\n"
    "                   lines=query or heatmaps=[…] as that (docs/figures.md)\n"
    "  --quiet          no progress, no notes\n"
    "  --json           progress and summary as JSON lines on standard output\n"
    "  -h, --help       this text\n";

typedef struct {
    const char *out, *sql;
    int quiet, json;
} plot_arguments;

static const cli_option options[] = {{"out", 'o', CLI_TEXT, offsetof(plot_arguments, out), "a folder", 0, 0},
                                     {"sql", 0, CLI_TEXT, offsetof(plot_arguments, sql), "a SELECT", 0, 0},
                                     {"quiet", 0, CLI_FLAG, offsetof(plot_arguments, quiet), NULL, 0, 0},
                                     {"json", 0, CLI_FLAG, offsetof(plot_arguments, json), NULL, 0, 0},
                                     {NULL, 0, CLI_FLAG, 0, NULL, 0, 0}};

static const cli_command command = {"plot", usage, options, 1, -1, "a DB and KEY=VALUE words"};

int cmd_plot(int argc, char **argv) {
    plot_arguments a = {0};
    cli_progress progress;
    size_t figures = 0;
    int first, code = cli_parse(&command, argc, argv, &a, &first);
    if (code != CLI_GO_ON) return code;
    if (!a.out) return cli_error(CLI_USAGE, "`limn plot` needs `-o DIR`, the folder of figures");
    limn_plot_call call = {argv[first], a.out, (const char *const *)&argv[first + 1], (size_t)(argc - first - 1),
                           a.sql};
    cli_progress_begin(&progress, a.quiet, a.json);
    limn_voice voice = cli_voice(&progress);
    limn_status s = limn_plot(&call, &voice, &figures);
    cli_progress_end(&progress);
    if (s == LIMN_OK && a.json)
        printf("{\"result\":{\"figures\":%zu}}\n", figures);
    else if (s == LIMN_OK && !a.quiet)
        printf("%zu figure%s in %s\n", figures, figures == 1 ? "" : "s", a.out);
    if (s == LIMN_OK) return CLI_DONE;
    if (s != LIMN_EINTERRUPTED && !cli_stopped()) return cli_failed(s);
    return cli_error(CLI_INTERRUPTED, "interrupted; the figures that are there are whole");
}
