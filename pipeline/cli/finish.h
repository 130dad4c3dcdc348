/* How commands that run the pipeline end: what they made, or how to go on. */
#ifndef LIMN_CLI_FINISH_H
#define LIMN_CLI_FINISH_H

#include "limn.h"

/* Prints where database and figures are, the figures of merit, and three queries to try (JSON: one object). */
void cli_print_result(const limn_run_result *r, int json);
/* The exit code of a call that ended with s; where a signal stopped it, the command that goes on: "limn", `name`, the
 * arguments as given, without --fresh. */
int cli_ended(limn_status s, const char *name, int argc, char *const *argv);

#endif
