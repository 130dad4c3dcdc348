#!/usr/bin/env bash
# The questions of docs/sql.md on a database of the MNIST experiment: sql_docs.sh DB checks that each is answered,
# sql_docs.sh DB --write puts the answers into the text. One line a question: `ROWS HEADING`, or `failed HEADING` with
# the sentence below it. LIMN names the program.
set -u
db=$1
write=${2:-}
doc=docs/sql.md
limn=${LIMN:-build/bin/limn}
out=$(mktemp)
new=$(mktemp)
trap 'rm -f "$out" "$new"' EXIT
bad=0 state=text heading='' query=''
while IFS= read -r line; do
    case $state$line in
    'text```sql') state=sql query='' ;;
    'sql```')
        state=text
        if "$limn" sql "$db" "$query" >"$out" 2>&1; then
            echo "$(($(wc -l <"$out") - 2)) $heading"
        else
            echo "failed $heading"
            sed 's/^/    /' "$out"
            bad=1
        fi
        ;;
    'text```text') state=answer ;;
    'answer```')
        state=text
        cat "$out" >>"$new"
        ;;
    'text### '*) heading=${line#'### '} ;;
    sql*) query+=$line$'\n' ;;
    esac
    case $state in
    answer) [ "$line" = '```text' ] && printf '%s\n' "$line" >>"$new" ;;
    *) printf '%s\n' "$line" >>"$new" ;;
    esac
done <"$doc"
[ "$write" != --write ] || cp "$new" "$doc"
exit $bad
