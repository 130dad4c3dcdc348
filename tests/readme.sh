#!/usr/bin/env bash
# The SQL of a Markdown file: each ```sql block is run on a database; the ```text block after it is the answer.
#   tests/readme.sh check FILE DB     a TAP line a query: it runs and returns rows
#   tests/readme.sh update FILE DB    writes the answers into FILE
set -u
mode=$1 file=$2 db=$3
LIMN=${LIMN:-build/bin/limn}
out=$(mktemp)
query='' answer='' state=text n=0 bad=0
while IFS= read -r line || [ -n "$line" ]; do
    case $state:$line in
    text:'```sql') state=sql query='' ;;
    sql:'```')
        state=after
        n=$((n + 1))
        answer=$("$LIMN" sql "$db" "$query" 2>&1)
        code=$?
        title=$(printf '%s' "$query" | head -1 | cut -c1-60)
        if [ $mode = check ]; then
            if [ $code = 0 ] && [ "$(printf '%s\n' "$answer" | wc -l)" -ge 3 ]; then echo "ok $n - $title"
            else echo "not ok $n - $title"; printf '%s\n' "$answer" | head -3 | sed 's/^/# /'; bad=1; fi
        fi
        ;;
    sql:*) query=$query$line$'\n' ;;
    after:'```text')
        printf '%s\n' "$line" >>"$out"
        printf '%s\n' "$answer" >>"$out"
        state=answer
        continue
        ;;
    answer:'```') state=text ;;
    answer:*) continue ;;
    esac
    printf '%s\n' "$line" >>"$out"
done <"$file"
[ $mode = update ] && cat "$out" >"$file"
rm -f "$out"
[ $n -gt 0 ] && [ $bad = 0 ]
