/* limn doctor: what limn stands on here, and whether it computes what it should. */
#include <stdio.h>

#include "cli/cli.h"

static const char usage[] =
    "usage: limn doctor\n"
    "Prints the libraries, the processor's instruction sets and the threads that are used, and runs the engine's\n"
    "self-test against known answers. Exit code 1 where something is missing or wrong.\n\n"
    "  -h, --help   this text\n";

static const cli_option options[] = {{NULL, 0, CLI_FLAG, 0, NULL, 0, 0}};
static const cli_command command = {"doctor", usage, options, 0, 0, "no arguments"};

int cmd_doctor(int argc, char **argv) {
    int first, code = cli_parse(&command, argc, argv, NULL, &first);
    if (code != CLI_GO_ON) return code;
    limn_status s = limn_doctor(cli_write, NULL);
    return s == LIMN_OK ? CLI_DONE : cli_failed(s);
}
