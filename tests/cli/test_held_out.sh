#!/usr/bin/env bash
# Held-out samples: a second data set through the network and into the finished maps; stored, plotted, the same at any number
# of threads, after an interruption, and as limn embed --into places them.
. tests/lib/tap.sh
cd "$work" || exit 1
experiment() {
    small h 150 >h.yaml
    cat >>h.yaml <<Y
held_out:
  images: $top/examples/mnist/t10k-images-idx3-ubyte.gz
  labels: $top/examples/mnist/t10k-labels-idx1-ubyte.gz
  every: 97
  limit: 40
embed:
  - {name: map, perplexity: 15, iterations: 300}
  - {name: line, perplexity: 15, iterations: 120, dims: 1}
  - {name: flat, method: pca}
$1
Y
}
ask() { "$LIMN" sql h.db "$1" --csv | tail -n +2 | tr '\n' ' ' | sed 's/ $//'; }
experiment 'plots: [{scatter: map, colour: label, format: [png, svg]}]'
first=
for t in 1 3 8; do
    rm -rf h.db h
    limn run h.yaml --threads $t --quiet
    digest=$("$LIMN" digest h.db)
    [ -n "$first" ] || first=$digest
    check "$t threads: the same digest" [ "$code$digest" = "0$first" ]
done
check 'two data sets, predicted' [ "$(ask 'SELECT group_concat(n) FROM (SELECT count(*) AS n FROM prediction JOIN sample USING (sample_id) GROUP BY dataset_id ORDER BY n)')" = '"40,150"' ]
check 'the run is of its own data' [ "$(ask 'SELECT samples FROM run JOIN dataset USING (dataset_id)')" = 150 ]
check 'into the t-SNE maps' [ "$(ask "SELECT group_concat(e.name || '<' || o.name) FROM (SELECT r.name, into_embedding_id FROM result r JOIN embedding USING (embedding_id) WHERE method = 'transform' ORDER BY 1) e JOIN result o ON o.embedding_id = e.into_embedding_id")" = '"line.held-out<line,map.held-out<map"' ]
check 'a place for each' [ "$(ask "SELECT count(*), count(y), count(DISTINCT sample_id) FROM v_point WHERE name = 'map.held-out'")" = 40,40,40 ]
check 'with the names of the classes' [ "$(ask "SELECT min(label_name = label) FROM v_point WHERE name = 'map.held-out'")" = 1 ]
check 'and its figures' [ "$(ask "SELECT count(*) > 3 FROM quality JOIN result USING (embedding_id) WHERE name = 'map.held-out'")" = 1 ]
# a held-out sample that is one of the map's own (index 0 of the file) comes to lie where that lies
check 'a sample of the map lies at its own place' [ "$(ask "SELECT (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y) < 1 FROM v_point a, v_point b WHERE a.name = 'map' AND b.name = 'map.held-out' AND a.idx = 0 AND b.idx = 0")" = 1 ]
"$LIMN" sql h.db "SELECT x, y FROM v_point WHERE name = 'map.held-out' ORDER BY idx" --csv | tail -n +2 | awk -F, '{ printf "%.3f %.3f\n", $1, $2 }' >placed
"$LIMN" sql h.db "SELECT group_concat(vec_get(vector, i), ',') FROM (SELECT f.sample_id, idx, vector FROM feature f JOIN sample USING (sample_id) JOIN dataset USING (dataset_id) WHERE samples = 40), (WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT max(dim) - 1 FROM extraction)) SELECT i FROM n) GROUP BY idx ORDER BY idx" --csv | tail -n +2 | tr -d '"' >held.csv
limn embed held.csv -o into.csv --into h.db:map --reference h.db:fc1 --quiet
check 'limn embed --into says nearly the same' [ "$(tail -n +2 into.csv | awk -F, '{ print $1, $2 }' | paste - placed | awk '{ d = ($1 - $3) ^ 2 + ($2 - $4) ^ 2; if (d < .01) n++ } END { print (n >= 36) }')" = 1 ]
check 'figures with rings around them' grep -q "pt 6 .*ringed" h/gp/map-label.gp
limn run h.yaml
check 'finished: nothing to do' grep -q 'nothing to do' out
experiment 'plots: []'
limn run h.yaml --quiet
check 'reused' [ "$code$(ask "SELECT group_concat(DISTINCT status) FROM stage WHERE run_id = (SELECT max(run_id) FROM run)")$("$LIMN" digest h.db)" = "0reused$first" ]
sqlite3 h.db "PRAGMA foreign_keys = ON; DELETE FROM embedding WHERE method = 'transform' AND dims = 2; DELETE FROM prediction WHERE sample_id IN (SELECT sample_id FROM sample WHERE dataset_id = (SELECT dataset_id FROM dataset WHERE samples = 40) AND idx > 30); UPDATE run SET status = 'running', digest = NULL"
limn run h.yaml --quiet
check 'what is missing is made again' [ "$code$("$LIMN" digest h.db)" = "0$first" ]
limn run h.yaml --quiet --fresh
check '--fresh: the same digest' [ "$code$("$LIMN" digest h.db)" = "0$first" ]
experiment 'plots: []'
sed -i 's/perplexity: 15, iterations: 300/metric: cosine/' h.yaml
limn run h.yaml --db n.db
check 'a map of another metric' fails 2 'h\.yaml:[0-9]+: held-out samples go into maps of metric euclidean only, not `map`'
check 'nothing is made' [ ! -e n.db ]
finish
