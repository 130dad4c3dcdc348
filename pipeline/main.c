/* The program limn: a table of commands. Each is a file cmd_NAME.c. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "limn.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {{"run", cmd_run, "an experiment: features, maps, attributions, a database, figures"},
                {"info", cmd_info, "what a model, a data set or a results database holds"},
                {"embed", cmd_embed, "vectors from a file to a map: t-SNE or PCA"},
                {"attribute", cmd_attribute, "attribution maps of pictures, without an experiment file"},
                {"plot", cmd_plot, "figures again, from the database"},
                {"sql", cmd_sql, "a query on the database, with limn's SQL functions"},
                {"digest", cmd_digest, "a checksum over all results"},
                {"doctor", cmd_doctor, "libraries, instruction sets, threads; the engine's self-test"},
                {"methods", cmd_methods, "the methods, formats and figures, with their options"},
                {NULL, NULL, NULL}};

static void print_usage(FILE *to) {
    fputs("limn " LIMN_VERSION ": see what a CNN has learned, and where it looks\n"
          "usage: limn COMMAND [OPTIONS] …\n\ncommands\n",
          to);
    for (size_t i = 0; commands[i].name; i++) fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
    fputs("\n  limn help COMMAND   the options of a command\n"
          "  limn --version      the version\n\n"
          "exit codes: 0 done; 1 failed while running; 2 usage, configuration or input is wrong; 130 interrupted\n",
          to);
}

static int run_command(int argc, char **argv) {
    static const char *const options[] = {"--help", "--version", NULL};
    char hint[96];
    const char *nearest =
        argv[0][0] == '-' ? limn_nearest(argv[0], options) : limn_nearest_in(argv[0], commands, sizeof *commands);
    for (size_t i = 0; commands[i].name; i++)
        if (!strcmp(commands[i].name, argv[0])) return commands[i].run(argc, argv);
    return cli_error(CLI_USAGE, "unknown %s `%s`%s; `limn help` lists what there is",
                     argv[0][0] == '-' ? "option" : "command", argv[0], limn_did_you_mean(hint, sizeof hint, nearest));
}

static int is_one_of(const char *word, const char *a, const char *b) {
    return !strcmp(word, a) || !strcmp(word, b);
}

int main(int argc, char **argv) {
    if (argc < 2) return print_usage(stderr), CLI_USAGE;
    int help = is_one_of(argv[1], "help", "--help") || !strcmp(argv[1], "-h");
    if (help && argc == 2) return print_usage(stdout), cli_finish(CLI_DONE);
    if (help) {
        char *words[] = {argv[2], (char[]){"--help"}, NULL};
        return cli_finish(run_command(2, words));
    }
    if (is_one_of(argv[1], "--version", "-V")) return puts("limn " LIMN_VERSION), cli_finish(CLI_DONE);
    return cli_finish(run_command(argc - 1, argv + 1));
}
