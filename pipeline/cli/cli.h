/* What the commands of the program share: options by a table, messages, standard output, progress, interruption.
 *
 * A command file (cmd_NAME.c) is one static usage text with [default]s, one const table of options, and a function that
 * fills a struct from the table and calls limn.h. The program uses the library like any client. */
#ifndef LIMN_CLI_H
#define LIMN_CLI_H

#include <stddef.h>

#include "limn.h"

/* ---- commands ---------------------------------------------------------------------------------------------------- */

/* argv[0] is the command's name; returns the exit code. */
int cmd_run(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_embed(int argc, char **argv);
int cmd_attribute(int argc, char **argv);
int cmd_plot(int argc, char **argv);
int cmd_sql(int argc, char **argv);
int cmd_digest(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_methods(int argc, char **argv);

enum { CLI_GO_ON = -1, CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_INTERRUPTED = 130 };

/* ---- options.c --------------------------------------------------------------------------------------------------- */

typedef enum {
    CLI_FLAG,   /* int = 1 */
    CLI_TEXT,   /* const char * */
    CLI_WORD,   /* int = place of the value among `values` ("a|b|c") */
    CLI_INT,    /* int in [min, max] */
    CLI_COUNT,  /* size_t in [min, max] */
    CLI_SEED,   /* uint64_t */
    CLI_NUMBER, /* double in [min, max] */
    CLI_AUTO,   /* the same, or `auto` for 0 */
    CLI_SET     /* cli_list: adds "name=value", see cli_add_set() */
} cli_kind;

typedef struct {
    const char *name; /* of --name */
    char letter;      /* of -l, or 0 */
    cli_kind kind;
    size_t offset;      /* in the struct that is filled */
    const char *values; /* CLI_WORD: the words; else what the value must be, for the message */
    double min, max;
} cli_option;

typedef struct {
    char **item;
    size_t n;
} cli_list;
void cli_list_clear(cli_list *list);

typedef struct {
    const char *name, *usage;
    const cli_option *option; /* ends with name NULL */
    int least, most;          /* operands; most < 0: any number */
    const char *operands;     /* what they are, for the message: "one EXPERIMENT" */
} cli_command;

/* Adds "name=value" of a CLI_SET option, '-' in the name as '_'; of the option `set` the value alone. CLI_GO_ON, or the
 * exit code where there is no memory. */
int cli_add_set(cli_list *list, const cli_option *o, const char *value);

/* Fills `into` from the options; --help prints the usage. CLI_GO_ON, with the operands in argv[*first …]; or the exit
 * code. */
int cli_parse(const cli_command *c, int argc, char **argv, void *into, int *first);

/* ---- output.c ---------------------------------------------------------------------------------------------------- */

/* "limn: SENTENCE" on standard error, control characters as '?'; returns code. */
int cli_error(int code, const char *fmt, ...) LIMN_PRINTF(2, 3);
/* The same with the library's sentence; returns the status's exit code. */
int cli_failed(limn_status s);
/* A limn_text_fn that writes to standard output; ctx is not used. */
int cli_write(void *ctx, const char *text, size_t n);
/* Flushes standard output; code, or 1 with a sentence where it could not be written. */
int cli_finish(int code);
/* Whether to colour what goes to this stream: a terminal that can, and no NO_COLOR. */
int cli_colour(int fd);
/* text as one word of a shell into out (size bytes, cut where it is too long); returns out. */
const char *cli_quote(char *out, size_t size, const char *text);
/* text as a JSON string, with its quotes, to standard output. */
void cli_json_text(const char *text);
/* A number as JSON: null where it is not finite. */
void cli_json_number(double value);

/* ---- progress.c -------------------------------------------------------------------------------------------------- */

/* How a command speaks while it works: one line that is drawn anew on a terminal, plain lines (at most one in some
 * seconds) where standard error is no terminal, JSON lines on standard output, or nothing. */
typedef enum { CLI_PLAIN, CLI_TERMINAL, CLI_JSON, CLI_QUIET } cli_manner;
typedef struct {
    cli_manner manner;
    char stage[64];      /* "" before the first */
    size_t total, first; /* of the stage's part: a stage whose total changes has begun another; `done` as it began */
    double began;        /* its seconds as the part began */
    double last;         /* when something was last printed, seconds */
    int ended, open;     /* the part's last line is out; a line without its end stands on the terminal */
} cli_progress;

/* Chooses the manner and catches SIGINT and SIGTERM: the next progress call then asks the library to stop; a second
 * signal ends the program at once. */
void cli_progress_begin(cli_progress *p, int quiet, int json);
/* The voice that speaks through p. */
limn_voice cli_voice(cli_progress *p);
/* Ends an open line. */
void cli_progress_end(cli_progress *p);
/* Whether a signal has asked to stop. */
int cli_stopped(void);

#endif
