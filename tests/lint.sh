#!/usr/bin/env bash
# Format of the C files, the shell scripts, headers that stand alone, and habits that a grep can hold.
set -u
bad=0
mapfile -t c < <(git ls-files '*.c' '*.h')
if command -v clang-format >/dev/null; then
    clang-format --dry-run -Werror "${c[@]}" >/dev/null 2>/tmp/limn-format.$$ || { grep -E 'error|warning' /tmp/limn-format.$$ | head -20; bad=1; }
    rm -f /tmp/limn-format.$$
else echo "clang-format is missing (make deps-dev)"; bad=1; fi
if command -v shellcheck >/dev/null; then
    mapfile -t sh < <(git ls-files '*.sh' .ci/run)
    shellcheck -x -S warning "${sh[@]}" || bad=1
else echo "shellcheck is missing (make deps-dev)"; bad=1; fi
read -ra hdf5 < <(pkg-config --cflags hdf5) # the helper programs' headers
for h in $(git ls-files '*.h'); do
    printf '#include "%s"\n' "$h" | ${CC:-cc} -std=c11 -D_POSIX_C_SOURCE=200809L "${hdf5[@]}" -I. -Ianalysis -Ipipeline -Itests -fsyntax-only -x c - 2>/tmp/limn-head.$$ ||
        { echo "$h does not stand alone:"; head -3 /tmp/limn-head.$$; bad=1; }
    rm -f /tmp/limn-head.$$
done
hits=$(git grep -nE '\b(system|popen|strcpy|sprintf|gets|tmpnam)\(' -- '*.c' '*.h' ':!tests') && { echo "$hits"; bad=1; }
hits=$(git grep -nE '\bexit\(|\bprintf\(|\babort\(' -- 'pipeline/*.c' analysis db plots | grep -vE 'pipeline/(main|cmd_[a-z]+)\.c|pipeline/cli/|pipeline/helper/|_exit\(') && { echo "the library never exits and never prints:"; echo "$hits"; bad=1; }
[ $bad = 0 ] && echo "lint: ok"
exit $bad
