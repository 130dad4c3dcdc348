#!/usr/bin/env bash
# Several maps of one data set: seeds and perplexities as entries, compared pair by pair, the same at any number of threads
# and after a kill; in the views, and as a colour of a scatter.
. tests/lib/tap.sh
cd "$work" || exit 1
experiment() {
    small m 120 >m.yaml
    cat >>m.yaml <<Y
embed:
  - {name: map, perplexity: 10, iterations: 150, seeds: [1, 2, 7]}
  - {name: wide, perplexity: 30, iterations: 150, compare: map}
  - {name: flat, method: pca, compare: [map, wide]}
plots:
  - {scatter: map, colour: ${1:-overlap}, format: png}
Y
}
ask() { "$LIMN" sql m.db "$1" --csv | tail -n +2 | tr '\n' ' ' | sed 's/ $//'; }
experiment
first=
for t in 1 3 8; do
    rm -rf m.db m
    limn run m.yaml --threads $t
    digest=$("$LIMN" digest m.db)
    [ -n "$first" ] || first=$digest
    check "$t threads: the same digest" [ "$code$digest" = "0$first" ]
done
check 'what came of it is told' grep -qE '6 pairs of maps share [0-9]+ % of a point.s 10 neighbours; .* the least, [0-9]+ %' err
check 'a map a seed' [ "$(ask "SELECT group_concat(name || ' ' || seed) FROM (SELECT r.name, e.seed FROM result r JOIN embedding e USING (embedding_id) ORDER BY name)")" = '"flat 1,map 1,map.2 2,map.7 7,wide 1"' ]
check 'pairs as asked' [ "$(ask "SELECT group_concat(name || '-' || other_name) FROM (SELECT DISTINCT min(name, other_name) AS name, max(name, other_name) AS other_name FROM v_comparison ORDER BY 1, 2)")" = '"flat-map,flat-wide,map-map.2,map-map.7,map-wide,map.2-map.7"' ]
check 'a share a sample' [ "$(ask 'SELECT count(*), count(DISTINCT sample_id) FROM overlap' | tr , ' ')" = '720 120' ]
check 'the mean of the shares is the overlap' [ "$(ask 'SELECT max(abs(overlap - (SELECT avg(value) FROM overlap o WHERE o.comparison_id = c.comparison_id))) < 1e-6 FROM comparison c')" = 1 ]
check 'seeds of one start agree more than t-SNE and PCA' [ "$(ask "SELECT min(CASE WHEN other_name LIKE 'map%' THEN overlap END) > max(CASE WHEN other_name = 'flat' THEN overlap END) FROM v_comparison WHERE name = 'map'")" = 1 ]
check 'trust: a row a point of a compared map' [ "$(ask "SELECT count(*), min(maps), max(maps), min(least <= overlap) FROM v_trust WHERE name = 'map'" | tr , ' ')" = '120 4 4 1' ]
check 'a figure of it' [ -s m/map-overlap.png ]
limn run m.yaml
check 'finished: nothing to do' grep -q 'nothing to do' out
experiment label
limn run m.yaml --quiet
check 'other plots: the comparison is reused' [ "$code$(ask "SELECT status FROM stage WHERE name = 'compare' ORDER BY stage_id DESC LIMIT 1")$("$LIMN" digest m.db)" = "0reused$first" ]
# a pair lost in a kill is made again, as it was
sqlite3 m.db "PRAGMA foreign_keys = ON; DELETE FROM comparison WHERE comparison_id = 3; UPDATE run SET status = 'running', digest = NULL"
limn run m.yaml --quiet
check 'a missing pair is made again' [ "$code$("$LIMN" digest m.db)" = "0$first" ]
limn run m.yaml --quiet --fresh
check '--fresh: the same digest' [ "$code$("$LIMN" digest m.db)" = "0$first" ]
{ small n 40; echo 'embed: [{name: map, perplexity: 5}]'; echo 'plots: [{scatter: map, colour: overlap}]'; } >n.yaml
limn run n.yaml
check 'a figure of what is not compared' fails 2 'n\.yaml:10: plot .map-overlap. wants .overlap., but no entry of .embed. compares .map.'
check 'nothing is made' [ ! -e n.db ]
finish
