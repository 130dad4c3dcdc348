/* limn run: the whole pipeline, from an experiment file. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/finish.h"

static const char usage[] = "usage: limn run EXPERIMENT.yaml [OPTIONS]\n"
                            "Runs what the experiment file says: predictions, features, maps, attributions, figures. "
                            "What an earlier run stored\n"
                            "is not computed again; an interrupted run goes on where it was.\n\n"
                            "  --db FILE        the database                                  [NAME.db]\n"
                            "  -o, --out DIR    the folder of figures                         [NAME/]\n"
                            "  --threads N      threads, 0: all cores; results do not depend on it [0]\n"
                            "  --fresh          compute this experiment's results anew\n"
                            "  --limit N        at most N samples, 0: as the file says        [0]\n"
                            "  --ref            compute with the plain reference engine (slow)\n"
                            "  --winograd       3x3 convolutions by Winograd's way: faster, a few ReLU masks flip\n"
                            "  --quiet          no progress, no notes, no summary\n"
                            "  --json           progress and summary as JSON lines on standard output\n"
                            "  -h, --help       this text\n"
                            "The keys of an experiment file: docs/experiment.md. NAME is the experiment's.\n";

typedef struct {
    limn_run_options run;
    int quiet, json;
} run_arguments;

static const cli_option options[] = {
    {"db", 0, CLI_TEXT, offsetof(run_arguments, run.db), "a file", 0, 0},
    {"out", 'o', CLI_TEXT, offsetof(run_arguments, run.out), "a folder", 0, 0},
    {"threads", 0, CLI_INT, offsetof(run_arguments, run.threads), "a whole number from 0 to 1024", 0, 1024},
    {"fresh", 0, CLI_FLAG, offsetof(run_arguments, run.fresh), NULL, 0, 0},
    {"limit", 0, CLI_COUNT, offsetof(run_arguments, run.limit), "a whole number from 0", 0, 1e12},
    {"ref", 0, CLI_FLAG, offsetof(run_arguments, run.ref), NULL, 0, 0},
    {"winograd", 0, CLI_FLAG, offsetof(run_arguments, run.winograd), NULL, 0, 0},
    {"quiet", 0, CLI_FLAG, offsetof(run_arguments, quiet), NULL, 0, 0},
    {"json", 0, CLI_FLAG, offsetof(run_arguments, json), NULL, 0, 0},
    {NULL, 0, CLI_FLAG, 0, NULL, 0, 0}};

static const cli_command command = {"run", usage, options, 1, 1, "one EXPERIMENT.yaml"};

int cmd_run(int argc, char **argv) {
    run_arguments a = {0};
    limn_run_result r = {0};
    cli_progress progress;
    int first, code = cli_parse(&command, argc, argv, &a, &first);
    if (code != CLI_GO_ON) return code;
    cli_progress_begin(&progress, a.quiet, a.json);
    limn_voice voice = cli_voice(&progress);
    limn_status s = limn_run(argv[first], &a.run, &voice, &r);
    cli_progress_end(&progress);
    if (s == LIMN_OK && (a.json || !a.quiet)) cli_print_result(&r, a.json);
    limn_run_result_clear(&r);
    return cli_ended(s, "run", argc, argv);
}
