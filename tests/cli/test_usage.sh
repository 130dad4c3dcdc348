#!/usr/bin/env bash
# The command line: help of every command, exit codes, sentences for unknown words, and that help, man page, completion
# and docs/experiment.md say the same.
. tests/lib/tap.sh
cd "$work" || exit 1

says() { grep -qE -- "$1" out; }
quiet_err() { [ ! -s err ]; }
ends() { [ "$code" = "$1" ]; }

limn help
commands=$(sed -n '/^commands/,/^$/s/^  \([a-z]*\) .*/\1/p' out)
check 'help lists the commands' [ "$(echo "$commands" | wc -l)" = 9 ]
check 'help is no error' ends 0
cp out help
limn --help
check '--help is help' cmp -s out help
limn
check 'no command is a usage error' ends 2
check 'no command prints the usage' grep -q '^usage: limn' err
limn --version
check '--version' says '^limn [0-9]+\.[0-9]+\.[0-9]+$'
check 'the man page has the version' grep -qF "$(cat out)" "$top/docs/limn.1"

# options of a command, by its help
options() { grep -oE '^  (-[a-z], )?--[a-z-]+' out | grep -oE '\-\-[a-z-]+'; }
for c in $commands; do
    limn help "$c"
    check "help $c" says "^usage: limn $c"
    check "help $c is no error" eval 'ends 0 && quiet_err'
    check "help $c fits a terminal" [ "$(awk '{ if (length($0) > m) m = length($0) } END { print m }' out)" -le 120 ]
    cp out help
    limn "$c" --help
    check "$c --help is help $c" cmp -s out help
    all=$(options)
    unknown=
    for o in $all; do
        [ "$o" = --help ] && continue
        limn "$c" "$o"
        grep -q 'unknown option' err && unknown="$unknown $o"
    done
    check "$c knows the options of its help" [ -z "$unknown" ]
    limn "$c" --no-such-thing
    check "$c refuses an unknown option" fails 2 "unknown option .--no-such-thing. of .limn $c."
    check "the man page has $c" grep -qE "^\.(BI|B) \"?limn $c" "$top/docs/limn.1"
done
limn help run
missing=

for o in $(options | grep -v -- --help); do
    tr -d '\\' <"$top/docs/limn.1" | grep -A3 '^\.BI "limn run' | grep -q -- "$o" || missing="$missing $o"
done
check 'the man page has the options of run' [ -z "$missing" ]

limn rnu; check 'unknown command' fails 2 'unknown command .rnu. \(did you mean .run.\?\)'
limn --verison; check 'unknown option' fails 2 'unknown option .--verison. \(did you mean .--version.\?\)'
limn help nonsense; check 'help of an unknown command' fails 2 'unknown command .nonsense.'
for c in merge report export diff rerun shard; do
    limn $c; check "$c does not pretend to exist" fails 2 "unknown command .$c."
done
limn run; check 'operand missing' fails 2 'limn run. takes one EXPERIMENT'
limn run a.yaml b.yaml; check 'operand too many' fails 2 'limn run. takes one EXPERIMENT'
limn run a.yaml --tread 2; check 'option mistyped' fails 2 'unknown option .--tread. of .limn run. \(did you mean .--threads.\?\)'
limn run a.yaml --threads; check 'value missing' fails 2 '.--threads. of .limn run. needs a value'
limn run a.yaml --fresh=1; check 'value too many' fails 2 '.--fresh=1. of .limn run. takes no value'
limn run a.yaml -x; check 'letter unknown' fails 2 'unknown option .-x. of .limn run.'
for v in -1 1.5 x 1e9 '' 0x10 inf; do
    limn run a.yaml --threads "$v"; check "--threads '$v'" fails 2 'must be a whole number from 0 to 1024'
done
limn embed a.npy; check 'embed without -o' fails 2 'needs .-o OUT'
limn plot a.db; check 'plot without -o' fails 2 'needs .-o DIR'
limn embed a.npy -o b.npy --engine exat; check 'word mistyped' fails 2 'must be auto, barnes-hut, fft, hybrid or exact \(did you mean .exact.\?\)'
limn embed a.npy -o b.npy --perplexity 0; check 'number out of range' fails 2 'must be a number from 1 to 1000000'
limn sql a.db 'SELECT 1' --csv --json; check 'csv and json' fails 2 'either .--csv. or .--json.'
limn run "$(printf 'a\033[31m\nb.yaml')"; check 'a file name does not steer the terminal' fails 2 'a\?\[31m\?b\.yaml'
check 'nothing was made' [ -z "$(find . -type f ! -name out ! -name err ! -name help)" ]

# the defaults that `limn embed --help` prints are those of docs/experiment.md, which a unit test holds against the library
limn help embed
wrong=
for o in $(grep -oE '^  --[a-z-]+ [A-Z]+ .*\[[^]]*\]$' out | sed -E 's/^  --([a-z-]+) .*\[(.*)\]$/\1=\2/'); do
    key=${o%%=*}
    case $key in seed | threads) continue ;; esac
    sed -n '/^## embed/,/^## attribute/p' "$top/docs/experiment.md" | grep -qE "^\| .${key//-/_}. \| .* \| .${o#*=}. \| " || wrong="$wrong $o"
done
check 'embed defaults are the documented ones' [ -z "$wrong" ]

if [ -w /dev/full ]; then
    code=0
    "$LIMN" help >/dev/full 2>err || code=$?
    check 'a full disk under standard output' fails 1 'standard output cannot be written'
else
    skip 'a full disk under standard output' 'no /dev/full'
fi

# on a terminal the word limn: is coloured, unless NO_COLOR says no
if command -v script >/dev/null; then
    coloured() { TERM=xterm script -qec "$1 $LIMN rnu" /dev/null </dev/null | grep -q "$(printf '\033\[1;31mlimn')"; }
    check 'colour on a terminal' coloured ''
    check 'NO_COLOR' eval '! coloured "env NO_COLOR=1"'
    check 'no colour on a dumb terminal' eval '! coloured "env TERM=dumb"'
else
    skip 'colour' 'script is missing'
fi

# completion asks the program
# shellcheck source=/dev/null
complete_words() { PATH=$(dirname "$LIMN"):$PATH bash -c ". '$top/docs/completion/limn.bash'; COMP_WORDS=(limn \"\$@\"); COMP_CWORD=\$#; _limn; echo \"\${COMPREPLY[*]}\"" - "$@"; }
check 'completion of commands' [ "$(complete_words d)" = 'digest doctor' ]
check 'completion of options' [ "$(complete_words digest --)" = '--tables --check --help' ]
finish
