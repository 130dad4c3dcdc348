/* limn digest: a checksum over all results. */
#include <stdio.h>

#include "cli/cli.h"

static const char usage[] =
    "usage: limn digest DB [OPTIONS]\n"
    "Prints the SHA-256 over every table of results (docs/store.md): two databases with the same digest hold the same\n"
    "results, bit for bit, whenever, wherever and with however many threads they were computed.\n\n"
    "  --tables     a line a table\n"
    "  --check      compare with the digest that the last finished run stored\n"
    "  -h, --help   this text\n";

typedef struct {
    int tables, check;
} digest_arguments;

static const cli_option options[] = {{"tables", 0, CLI_FLAG, offsetof(digest_arguments, tables), NULL, 0, 0},
                                     {"check", 0, CLI_FLAG, offsetof(digest_arguments, check), NULL, 0, 0},
                                     {NULL, 0, CLI_FLAG, 0, NULL, 0, 0}};

static const cli_command command = {"digest", usage, options, 1, 1, "one DB"};

int cmd_digest(int argc, char **argv) {
    digest_arguments a = {0};
    int first, code = cli_parse(&command, argc, argv, &a, &first);
    if (code != CLI_GO_ON) return code;
    limn_status s = limn_digest(argv[first], a.tables, a.check, cli_write, NULL);
    return s == LIMN_OK ? CLI_DONE : cli_failed(s);
}
