#!/usr/bin/env bash
# Whether maps and features relate: the stage, its rows, the same at any number of threads and after a kill.
. tests/lib/tap.sh
cd "$work" || exit 1
small r 120 >r.yaml
cat >>r.yaml <<Y
embed:
  - {name: map, perplexity: 10, iterations: 150}
attribute:
  - {name: sal, method: saliency, target: label}
  - {name: cam, method: gradcam}
relate:
  - {}
  - {maps: sal, to: [cam, sal], neighbours: 5, directions: no}
Y
ask() { "$LIMN" sql r.db "$1" --csv | tail -n +2 | tr '\n' ' ' | sed 's/ $//'; }
first=
for t in 1 3; do
    rm -rf r.db r
    limn run r.yaml --threads $t
    digest=$("$LIMN" digest r.db)
    [ -n "$first" ] || first=$digest
    check "$t threads: the same digest" [ "$code$digest" = "0$first" ]
done
check 'what came of it is told' grep -qE '.sal. and .fc1. share [0-9]+ % of a sample.s 10 neighbours \(by chance 8.4 %\)' err
check 'pairs as asked' [ "$(ask "SELECT group_concat(name || '-' || other_name) FROM (SELECT name, other_name FROM v_relation ORDER BY 1, 2)")" = '"cam-fc1,cam-map,sal-cam,sal-fc1,sal-map"' ]
check 'a share a sample' [ "$(ask 'SELECT count(*) FROM kinship')" = 600 ]
check 'their mean is the overlap' [ "$(ask 'SELECT max(abs(overlap - (SELECT avg(value) FROM kinship k WHERE k.relation_id = r.relation_id))) < 1e-6 FROM relation r')" = 1 ]
check 'features and the map of them are related to the maps more than by chance' [ "$(ask 'SELECT min(overlap > chance AND p < .05 AND cka BETWEEN -1 AND 1) FROM v_relation')" = 1 ]
limn run r.yaml
check 'finished: nothing to do' grep -q 'nothing to do' out
sqlite3 r.db "PRAGMA foreign_keys = ON; DELETE FROM relation WHERE relation_id = 2; UPDATE run SET status = 'running', digest = NULL"
limn run r.yaml --quiet
check 'a missing relation is made again' [ "$code$("$LIMN" digest r.db)" = "0$first" ]
limn run r.yaml --quiet --fresh
check '--fresh: the same digest' [ "$code$("$LIMN" digest r.db)" = "0$first" ]
finish
