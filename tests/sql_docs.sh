#!/usr/bin/env bash
# The SQL of a Markdown file: each ```sql block is asked of a database, the ```text block after it is the answer.
#   sql_docs.sh FILE DB            a TAP line a question: it is answered without error, and by rows (unless its heading
#                                  is named in $MAY_BE_EMPTY, an extended regular expression)
#   sql_docs.sh FILE DB --write    puts the answers into FILE
# A question's heading is the last line before it that begins with ### or **.
set -u
doc=$1 db=$2 write=${3:-}
limn=${LIMN:-build/bin/limn}
out=$(mktemp)
new=$(mktemp)
trap 'rm -f "$out" "$new"' EXIT
n=0 bad=0 state=text heading='' query=''
answered() {
    n=$((n + 1))
    if ! "$limn" sql "$db" "$query" >"$out" 2>&1; then
        echo "not ok $n - $doc: $heading"
        sed 's/^/#   /' "$out" | head -5
        bad=1
    elif [ "$(wc -l <"$out")" -lt 3 ] && ! [[ $heading =~ ${MAY_BE_EMPTY:-^$} ]]; then
        echo "not ok $n - $doc: $heading: no rows"
        bad=1
    else
        echo "ok $n - $doc: $heading"
    fi
}
while IFS= read -r line || [ -n "$line" ]; do
    case $state$line in
    'text```sql') state=sql query='' ;;
    'sql```')
        state=text
        answered
        ;;
    'text```text') state=answer ;;
    'answer```')
        state=text
        cat "$out" >>"$new"
        ;;
    'text### '* | 'text**'*) heading=${line#'### '} ;;
    sql*) query+=$line$'\n' ;;
    esac
    case $state in
    answer) [ "$line" = '```text' ] && printf '%s\n' "$line" >>"$new" ;;
    *) printf '%s\n' "$line" >>"$new" ;;
    esac
done <"$doc"
[ "$write" != --write ] || cat "$new" >"$doc"
[ $n -gt 0 ] && [ $bad = 0 ]
