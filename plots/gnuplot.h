/* Subprocesses: gnuplot, found, run on a script in its folder, watched; fc-list. */
#ifndef LIMN_PLOTS_GNUPLOT_H
#define LIMN_PLOTS_GNUPLOT_H

#include <stddef.h>

#include "base/status.h"

/* Runs `gnuplot -d -e "part='PART'" SCRIPT` in `folder` and waits, at most `seconds`. `script` and `part` are names of
 * our own making ([A-Za-z0-9._-]). LIMN_EFAIL with gnuplot's own first words where it is missing, fails, or is too slow
 * (then it and what it started are killed). Thread-safe. */
limn_status plots_gnuplot(const char *folder, const char *script, const char *part, double seconds) LIMN_CHECK;

/* What fontconfig's fc-list prints of the characters of all fonts, into words[room]; 0 where it is missing, fails or
 * says more. Thread-safe. */
int plots_fonts(char *words, size_t room);

#endif
