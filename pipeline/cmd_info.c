/* limn info: what a file holds. */
#include <stdio.h>

#include "cli/cli.h"

static const char usage[] =
    "usage: limn info FILE [OPTIONS]\n"
    "Says what FILE holds: a model (its layers, and which of them `features: auto` and a CAM would take), a data set\n"
    "(also a folder), or a database of results.\n\n"
    "  --weights FILE      the weights of a model whose file has none\n"
    "  --model-output O    which output of a model that has several: name or index [0]\n"
    "  --plan              of a model: how the engine would compute it\n"
    "  --json              as JSON\n"
    "  -h, --help          this text\n";

typedef struct {
    limn_info_options info;
    int json;
} info_arguments;

static const cli_option options[] = {
    {"weights", 0, CLI_TEXT, offsetof(info_arguments, info.weights), "a file", 0, 0},
    {"model-output", 0, CLI_TEXT, offsetof(info_arguments, info.output), "an output", 0, 0},
    {"plan", 0, CLI_FLAG, offsetof(info_arguments, info.plan), NULL, 0, 0},
    {"json", 0, CLI_FLAG, offsetof(info_arguments, json), NULL, 0, 0},
    {NULL, 0, CLI_FLAG, 0, NULL, 0, 0}};

static const cli_command command = {"info", usage, options, 1, 1, "one FILE"};

int cmd_info(int argc, char **argv) {
    info_arguments a = {0};
    int first, code = cli_parse(&command, argc, argv, &a, &first);
    if (code != CLI_GO_ON) return code;
    limn_status s = limn_info(argv[first], &a.info, a.json ? LIMN_JSON : LIMN_TABLE, cli_write, NULL);
    return s == LIMN_OK ? CLI_DONE : cli_failed(s);
}
