#!/usr/bin/env bash
# Ctrl-C finishes the batch, commits, says how to go on, exit 130; a second writer is told that the file is in use; a second
# run of a finished experiment does nothing; --fresh computes anew; an edited experiment adds.
. tests/lib/tap.sh
cd "$work" || exit 1
experiment() {
    small i "${SAMPLES:-1500}" >e.yaml
    cat >>e.yaml <<Y
embed:
  - {name: map, of: fc1, method: tsne, iterations: ${ITERATIONS:-250}}
attribute:
  - {name: saliency, method: saliency}
$1
plots: []
Y
}
experiment ''
limn run e.yaml --db whole.db
want=$("$LIMN" digest whole.db)
check 'a whole run' [ "$code" = 0 ]

# a long one, so that it is still running when the signals come; its maps differ, so it is compared with itself
ITERATIONS=4000 experiment ''
"$LIMN" run e.yaml --db i.db >bg.out 2>bg.err &
pid=$!
for _ in $(seq 200); do
    [ -n "$(sqlite3 -readonly i.db "SELECT 1 FROM stage WHERE name LIKE 'embed%'" 2>/dev/null)" ] && break
    sleep 0.02
done
limn run e.yaml --db i.db
check 'a second writer is told so' fails 1 'i\.db.*(use|another)'
kill -INT $pid
wait $pid
code=$?
check 'Ctrl-C: exit 130' [ "$code" = 130 ]
check 'Ctrl-C: says how to go on' grep -q "goes on" bg.err
check 'Ctrl-C: one file is left, and the state of the map' [ "$(find . -name 'i.db*' ! -name 'i.db-embedding-1')" = ./i.db ]
check 'Ctrl-C: the run is marked' [ "$(sqlite3 i.db 'SELECT status FROM run')" = interrupted ]
experiment ''
limn run e.yaml --db i.db
check 'it goes on' [ "$code" = 0 ]
check 'what was stored is used again' [ "$(sqlite3 i.db "SELECT status FROM stage WHERE name = 'predict' ORDER BY stage_id DESC LIMIT 1")" = reused ]
limn run e.yaml --db whole.db
check 'a finished experiment: nothing to do' grep -q 'nothing to do' "$work/out"
limn run e.yaml --db whole.db --fresh
check '--fresh: the same digest' [ "$code$("$LIMN" digest whole.db)" = "0$want" ]
check '--fresh: computed anew' [ "$(sqlite3 whole.db "SELECT status FROM stage WHERE name = 'attribute' ORDER BY stage_id DESC LIMIT 1")" = finished ]
experiment '  - {name: cam, method: gradcam}'
limn run e.yaml --db whole.db
check 'an edited experiment adds' [ "$code $(sqlite3 whole.db 'SELECT count(*) FROM attribution')" = '0 2' ]
check 'and overwrites nothing' [ "$(sqlite3 whole.db "SELECT count(DISTINCT attribution_id) || ' ' || count(*) FROM map")" = "2 $((2 * ${SAMPLES:-1500}))" ]
limn digest whole.db --check
check 'digest --check' [ "$code" = 0 ]

# Ctrl-C in a descent, whose state is kept: the next run goes on from there, and ends in the same bits
{ small d 1500; echo 'embed: [{name: map, iterations: 3000}]'; } >d.yaml
limn run d.yaml --db once.db
check 'an undisturbed run' [ "$code" = 0 ]
"$LIMN" run d.yaml --db d.db >bg.out 2>bg.err &
pid=$!
for _ in $(seq 500); do
    [ -e d.db-embedding-1 ] && break
    sleep 0.02
done
kill -INT $pid
wait $pid
check 'interrupted in the descent: its state is beside the file' [ "$? $(ls d.db*)" = "130 $(printf '%s\n' d.db d.db-embedding-1)" ]
limn run d.yaml --db d.db --json
check 'it goes on from there' [ "$(grep '"embed map"' out | grep '"total":3000' | sed 's/.*"done":\([0-9]*\).*/\1/' | head -1)" -ge 100 ]
check 'with the same bits, and nothing is left' [ "$("$LIMN" digest d.db) $(ls d.db*)" = "$("$LIMN" digest once.db) d.db" ]

# a writer killed in the middle of a change leaves a hot journal, which no reader may roll back: the next run does
"$LIMN" digest whole.db >before
printf '%s\n' 'PRAGMA journal_mode = DELETE;' 'PRAGMA cache_size = 2;' 'BEGIN IMMEDIATE;' \
    "UPDATE sample SET source = source || 'x', image = zeroblob(2000);" '.shell kill -9 $PPID' | sqlite3 whole.db >/dev/null 2>&1 || true
check 'a hot journal is there' [ -s whole.db-journal ]
limn sql whole.db 'SELECT count(*) FROM sample'
check 'a reader is told that a run mends it' fails 2 'whole\.db.*cut off.*limn run'
limn run e.yaml --db whole.db
check 'a run mends it' [ "$code$("$LIMN" digest whole.db)" = "0$(cat before)" ]
sqlite3 whole.db "UPDATE point SET x = x + 1 WHERE point_id = 7"
limn digest whole.db --check
check 'digest --check sees one changed number' fails 1 'digest'
finish
