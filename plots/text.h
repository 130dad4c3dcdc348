/* Text that goes into a script: a growing buffer, and the one gate through which strings from outside pass. */
#ifndef LIMN_PLOTS_TEXT_H
#define LIMN_PLOTS_TEXT_H

#include <stddef.h>

#include <locale.h>

#include "base/status.h"

/* A growing text. The first failure sticks in `status`, so that a script is written without a check at every line. */
typedef struct {
    char *text; /* NUL-terminated once anything was put; free() */
    size_t n, room;
    limn_status status;
} plots_text;

void plots_put(plots_text *t, const char *fmt, ...) LIMN_PRINTF(2, 3);

/* *out (the caller frees) = s made harmless for a label, at most `max` characters: control characters (line breaks
 * above all), direction overrides and what XML forbids become a blank or U+FFFD, invalid UTF-8 and what no font has
 * become U+FFFD, what is longer ends in an ellipsis. NULL gives "". */
limn_status plots_clean(char **out, const char *s, size_t max) LIMN_CHECK;

/* Puts a string from outside into a script, as an expression: cleaned, in single quotes, each ' as ."'". between two
 * strings, a new string behind each @. Inside single quotes gnuplot knows no escapes, no macros and no substitution,
 * and every terminal that we set is noenhanced: nothing in it is markup. */
void plots_put_quoted(plots_text *t, const char *s, size_t max);

/* Width of a text in DejaVu Sans, in em (an estimate outside Latin scripts). */
double plots_text_width(const char *s);

/* Breaks a text (cleaned here) into at most `most` lines of at most `em` each, after blanks and -/_, within a word
 * where it must be (with a hyphen between Latin letters); what does not fit ends in an ellipsis. line[0 … *n-1]: the
 * caller frees each. */
limn_status plots_wrap(char **line, size_t *n, size_t most, const char *text, double em) LIMN_CHECK;

/* The widest word of a text, in em. */
double plots_widest_word(const char *text);

/* Between these two, this thread writes numbers with a decimal point, whatever the program's locale. */
typedef struct {
    locale_t own, before;
} plots_numbers;
plots_numbers plots_numbers_begin(void);
void plots_numbers_end(plots_numbers n);

#endif
