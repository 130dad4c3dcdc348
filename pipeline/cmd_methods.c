/* limn methods: the tables of the library, with options and defaults. */
#include <stdio.h>

#include "cli/cli.h"

static const char usage[] =
    "usage: limn methods [OPTIONS]\n"
    "Lists attribution methods, embeddings, readers, figures and palettes, and the keys of an experiment file, with\n"
    "their values and defaults.\n\n"
    "  --json       as JSON\n"
    "  -h, --help   this text\n";

typedef struct {
    int json;
} methods_arguments;

static const cli_option options[] = {{"json", 0, CLI_FLAG, offsetof(methods_arguments, json), NULL, 0, 0},
                                     {NULL, 0, CLI_FLAG, 0, NULL, 0, 0}};
static const cli_command command = {"methods", usage, options, 0, 0, "no operands"};

int cmd_methods(int argc, char **argv) {
    methods_arguments a = {0};
    int first, code = cli_parse(&command, argc, argv, &a, &first);
    if (code != CLI_GO_ON) return code;
    limn_status s = limn_methods(a.json ? LIMN_JSON : LIMN_TABLE, cli_write, NULL);
    return s == LIMN_OK ? CLI_DONE : cli_failed(s);
}
