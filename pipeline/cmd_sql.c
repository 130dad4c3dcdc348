/* limn sql: a query on the results, with limn's SQL functions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const char usage[] =
    "usage: limn sql DB [QUERY] [OPTIONS]\n"
    "Runs the query, one or more SQL statements, on the database of results. Without QUERY, or for `-`, it is read "
    "from\n"
    "standard input. The database is only read; limn's SQL functions are there (docs/sql.md).\n\n"
    "  --csv        rows as CSV, with a head\n"
    "  --json       rows as a JSON array of objects\n"
    "  -h, --help   this text\n";

typedef struct {
    int csv, json;
} sql_arguments;

static const cli_option options[] = {{"csv", 0, CLI_FLAG, offsetof(sql_arguments, csv), NULL, 0, 0},
                                     {"json", 0, CLI_FLAG, offsetof(sql_arguments, json), NULL, 0, 0},
                                     {NULL, 0, CLI_FLAG, 0, NULL, 0, 0}};

static const cli_command command = {"sql", usage, options, 1, 2, "a DB and at most one QUERY"};

enum { LARGEST_QUERY = 1 << 24 };

/* Standard input as a text, to be freed; NULL where it cannot be read, is too long or holds NUL. */
static char *read_query(void) {
    size_t n = 0, room = 0;
    char *text = NULL;
    for (;;) {
        if (n + 2 > room) {
            room = room ? 2 * room : 4096;
            char *grown = room <= LARGEST_QUERY ? realloc(text, room) : NULL;
            if (!grown) break;
            text = grown;
        }
        size_t got = fread(text + n, 1, room - n - 1, stdin);
        n += got;
        text[n] = 0;
        if (got == 0 && !ferror(stdin) && strlen(text) == n) return text;
        if (got == 0) break;
    }
    free(text);
    return NULL;
}

int cmd_sql(int argc, char **argv) {
    sql_arguments a = {0};
    char *text = NULL;
    int first, code = cli_parse(&command, argc, argv, &a, &first);
    if (code != CLI_GO_ON) return code;
    if (a.csv && a.json) return cli_error(CLI_USAGE, "`limn sql` prints either `--csv` or `--json`");
    const char *query = argv[first + 1];
    if (argc - first < 2 || !strcmp(query, "-")) {
        text = read_query();
        if (!text) return cli_error(CLI_USAGE, "standard input is not a text of at most 16 MB");
        query = text;
    }
    limn_format_kind as = a.csv ? LIMN_CSV : a.json ? LIMN_JSON : LIMN_TABLE;
    limn_status s = limn_sql(argv[first], query, as, cli_write, NULL);
    free(text);
    return s == LIMN_OK ? CLI_DONE : cli_failed(s);
}
