#!/usr/bin/env bash
# Proves the direction of dependencies: pipeline -> {analysis, db, plots}; analysis, db and plots know only themselves and
# analysis/base; the program's files (main.c, cmd_*.c, cli/) know only limn.h and one another. SQL only in db/, gnuplot
# only in plots/, libhdf5 and libmatio only in pipeline/helper/.
set -u
bad=0
say() { echo "$*"; bad=1; }
includes() { grep -nHoE '^ *#include "[^"]+"' "$@" 2>/dev/null; }
shopt -s nullglob
while IFS=: read -r f l inc; do
    h=$(echo "$inc" | sed 's/.*"\(.*\)"/\1/')
    dir=${f%%/*}
    case $dir/$h in
    analysis/base/* | analysis/*/*.h | analysis/*.h) [ -e "analysis/$h" ] || [ -e "$(dirname "$f")/$h" ] || say "$f:$l: analysis includes $h, which is not its own" ;;
    db/base/* | plots/base/*) ;;
    db/db/* | db/gen/db/* | plots/plots/*) ;;
    db/* | plots/*) [ -e "$(dirname "$f")/$h" ] || say "$f:$l: $dir includes $h, which is not its own" ;;
    esac
done < <(includes analysis/*.[ch] analysis/*/*.[ch] db/*.[ch] db/*/*.[ch] plots/*.[ch] plots/*/*.[ch])
while IFS=: read -r f l inc; do
    h=$(echo "$inc" | sed 's/.*"\(.*\)"/\1/')
    case $h in limn.h | cli/*) ;; *) say "$f:$l: the program may include limn.h and cli/ only, not $h" ;; esac
done < <(includes pipeline/main.c pipeline/cmd_*.c pipeline/cli/*.[ch])
while IFS=: read -r f l text; do say "$f:$l: SQL outside db/: $text"; done < <(grep -nHE '"(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|PRAGMA) ' pipeline/*.c pipeline/*/*.c analysis/*.c analysis/*/*.c plots/*.c | grep -v 'try these' || true)
while IFS=: read -r f l text; do say "$f:$l: gnuplot outside plots/: $text"; done < <(grep -nHE '"(set terminal|set output|splot |plot ")' pipeline/*.c pipeline/*/*.c analysis/*/*.c db/*.c || true)
# libhdf5 and libmatio crash on damaged files: only the helper programs know them
while IFS=: read -r f l text; do say "$f:$l: libhdf5 or libmatio outside pipeline/helper: $text"; done < <(grep -nHE '^ *#include <(hdf5|hdf5_hl|matio)' pipeline/*.[ch] pipeline/*/*.[ch] analysis/*.[ch] analysis/*/*.[ch] db/*.[ch] plots/*.[ch] | grep -v '^pipeline/helper/' || true)
[ $bad = 0 ] && echo "dependencies: ok"
exit $bad
