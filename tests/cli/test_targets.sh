#!/usr/bin/env bash
# Targets: top-k, contrasts, channels, pairs from a file and from a query; held against one another (gradients are linear in
# the score), the same at any number of threads, resumed, reused, refused in one sentence.
. tests/lib/tap.sh
cd "$work" || exit 1
printf 'sample,class\n3,1\n3,7\n0,2\n' >pairs.csv
small t 20 | sed 's/^features.*/features: [conv3]/' >t.yaml
cat >>t.yaml <<'Y'
attribute:
  - {name: all, method: saliency, grad_modifier: none, target: all}
  - {name: top, method: saliency, grad_modifier: none, target: {top: 3}}
  - {name: minus, method: saliency, grad_modifier: none, target: {contrast: [4, 9]}}
  - {name: mean, method: saliency, grad_modifier: none, output: conv3, target: {channel: [5, 2]}}
  - {name: most, method: saliency, grad_modifier: none, output: conv3, target: {channel: 5, at: max}}
  - {name: flat, method: saliency, grad_modifier: none, output: conv3, target: 50}
  - {name: file, method: saliency, grad_modifier: none, target: {file: pairs.csv}}
  - {name: wrong, method: gradcam, target: {sql: "SELECT idx, label FROM v_sample WHERE model_id = :model AND dataset_id = :dataset AND probability < 0.99"}}
Y
for r in 0 1 2; do for c in 0 1 2; do
    echo "  - {name: at$r$c, method: saliency, grad_modifier: none, output: conv3, target: {channel: 5, at: [$r, $c]}}"
done; done >>t.yaml
cat >>t.yaml <<'Y'
measures:
  - {metric: max-sensitivity, samples: 2, of: [most, mean, wrong]}
Y
ask() { "$LIMN" sql t.db "$1" --csv | tail -n +2 | tr '\n' ' ' | sed 's/ $//'; }
first=
for t in 1 3; do
    rm -f t.db
    limn run t.yaml --threads $t --quiet
    digest=$("$LIMN" digest t.db)
    [ -n "$first" ] || first=$digest
    check "$t threads: the same digest" [ "$code$digest" = "0$first" ]
done
check 'top: the three highest scores of each sample' [ "$(ask "SELECT count(*), count(DISTINCT sample_id), sum((SELECT count(*) FROM v_map o WHERE o.name = 'all' AND o.sample_id = t.sample_id AND vec_get(p.logits, o.target) > vec_get(p.logits, t.target)) < 3) FROM v_map t JOIN prediction p USING (sample_id) WHERE t.name = 'top'")" = 60,20,60 ]
check 'top: their maps are those of the classes' [ "$(ask "SELECT max(vec_l2(t.data, o.data)) FROM v_map t JOIN v_map o ON o.name = 'all' AND o.sample_id = t.sample_id AND o.target = t.target WHERE t.name = 'top'")" = 0.0 ]
check 'contrast: the one minus the other' [ "$(ask "SELECT count(*), max(abs(m.sum - (a.sum - b.sum))) < 1e-4 FROM v_map m JOIN v_map a ON a.name = 'all' AND a.sample_id = m.sample_id AND a.target = 4 JOIN v_map b ON b.name = 'all' AND b.sample_id = m.sample_id AND b.target = 9 WHERE m.name = 'minus' AND m.target = 4 AND m.contrast = 9")" = 20,1 ]
check 'a channel: the mean over its places' [ "$(ask "SELECT count(*), max(vec_l2(m.data, a.mean) / vec_norm(m.data)) < 1e-5 FROM v_map m JOIN (SELECT sample_id, vec_avg(data) AS mean FROM v_map WHERE name GLOB 'at[0-2][0-2]' GROUP BY sample_id) a USING (sample_id) WHERE m.name = 'mean' AND m.target = 5 AND vec_norm(m.data) > 0")" = 20,1 ]
check 'its largest place: one of them, not the same for all' [ "$(ask "SELECT count(*), count(DISTINCT o.name) > 1 FROM v_map m JOIN v_map o ON o.sample_id = m.sample_id AND o.name GLOB 'at[0-2][0-2]' WHERE m.name = 'most' AND vec_l2(m.data, o.data) = 0 AND vec_norm(m.data) > 0" | tr ',' ' ')" = "20 1" ]
# the vectors of conv3 are in the order row, column, channel
check 'it is the largest indeed' [ "$(ask "SELECT count(*) FROM v_map m JOIN v_map o ON o.sample_id = m.sample_id AND o.name GLOB 'at[0-2][0-2]' JOIN feature f ON f.sample_id = m.sample_id WHERE m.name = 'most' AND vec_l2(m.data, o.data) = 0 AND (SELECT max(vec_get(f.vector, (3 * a.column1 + b.column1) * 16 + 5)) FROM (VALUES (0), (1), (2)) a, (VALUES (0), (1), (2)) b) = vec_get(f.vector, (3 * substr(o.name, 3, 1) + substr(o.name, 4, 1)) * 16 + 5)")" = 20 ]
# unit 50 of (16, 3, 3) is channel 5, row 1, column 2
check 'a unit by its number: the same as by its place' [ "$(ask "SELECT count(*), max(vec_l2(m.data, o.data)) FROM v_map m JOIN v_map o ON o.sample_id = m.sample_id AND o.name = 'at12' WHERE m.name = 'flat'")" = 20,0.0 ]
check 'a file: its pairs alone' [ "$(ask "SELECT idx, target FROM v_map WHERE name = 'file' ORDER BY 1, 2")" = "0,2 3,1 3,7" ]
check 'a query: what it answers' [ "$(ask "SELECT (SELECT group_concat(idx || ':' || target) FROM (SELECT idx, target FROM v_map WHERE name = 'wrong' ORDER BY 1)) = (SELECT group_concat(idx || ':' || label) FROM (SELECT idx, label FROM v_sample WHERE probability < 0.99 ORDER BY 1))")" = 1 ]
check 'where a target came from can be asked' [ "$(ask "SELECT count(*) FROM attribution WHERE targets = '{\"top\":3}' OR targets LIKE '{\"channel\":[5,2],\"at\":\"mean\"}' OR targets LIKE '{\"sql\":\"SELECT idx%\",\"pairs\":\"%' OR targets LIKE '{\"file\":\"________________________________________________________________\"}'")" = 4 ]
check 'measures are of the same score' [ "$(ask "SELECT count(*) FROM v_measure WHERE metric = 'max-sensitivity' AND name = 'most' AND value > 0")" = 20 ]
check 'a query leaves nothing missing' [ "$(ask 'SELECT min(complete) FROM attribution')" = 1 ]

limn run t.yaml --quiet
check 'a second run computes nothing' [ "$code$(ask 'SELECT count(*) FROM run')" = 01 ]
sqlite3 t.db "DELETE FROM map WHERE sample_id % 3 = 0; UPDATE attribution SET complete = 0; UPDATE measurement SET complete = 0; UPDATE run SET status = 'killed', digest = NULL"
limn run t.yaml --quiet
check 'what a kill left out is computed, to the same digest' [ "$code$("$LIMN" digest t.db)" = "0$first" ]
echo '5,5' >>pairs.csv
limn run t.yaml --quiet
check 'a file that changed is another target' [ "$code$(ask "SELECT idx, target FROM v_map WHERE attribution_id = (SELECT max(attribution_id) FROM attribution)")" = "00,2 3,1 3,7 5,5" ]

limn attribute "$top/examples/mnist/mnist_small.h5" "$top/examples/mnist/t10k-images-idx3-ubyte.gz" --limit 3 --scale 1/255 --target '{top: 2}' --db c.db --out c --quiet
check 'limn attribute takes the same' [ "$code$("$LIMN" sql c.db 'SELECT count(*) FROM map' --csv | tail -1)" = 06 ]
limn attribute "$top/examples/mnist/mnist_small.h5" "$top/examples/mnist/t10k-images-idx3-ubyte.gz" --limit 20 --scale 1/255 --target '{sql: "SELECT idx, class FROM v_sample WHERE dataset_id = :dataset AND idx < 4"}' --db c.db --out c --quiet
check 'a query too' [ "$code$("$LIMN" sql c.db 'SELECT count(*) FROM map' --csv | tail -1)" = 010 ]

# refused NAME TARGET REGEX [OPTIONS]
refused() {
    small b 4 >b.yaml
    echo "attribute: [{name: x, method: saliency, ${4:-}target: $2}]" >>b.yaml
    limn run b.yaml
    check "$1" fails 2 "b.yaml:[0-9]+: $3"
    [ ! -e b.db ] || { check "$1: nothing is made" false; rm -f b.db; }
}
printf '9,1\n' >far.csv
printf '1,10\n' >unit.csv
printf '1,1.5\n' >half.csv
printf '1,2,3\n' >three.csv
printf '1\n2\n3\n' >short.csv
printf '1,1\n1,1\n' >twice.csv
refused 'top of more than there are' '{top: 11}' 'the top 11 of `x`: layer `fc2` has 10 units'
refused 'top of none' '{top: 0}' '`top` is `0`, but must be a whole number from 1 to 100'
refused 'two kinds' '{top: 1, channel: 2}' '`target`: either `top` or `channel`, not both|`target`: either `channel`'
refused 'no kind' '{at: mean}' '`target`: the key that says what it is'
refused 'an unknown kind' '{tpo: 3}' 'unknown key `tpo` in `target` .did you mean `top`'
refused 'a channel of a vector' '{channel: 1}' 'target `channel` of `x`: the output of `fc2` is a vector'
refused 'a channel too far' '{channel: 16}' 'channel 16 of `x`: layer `conv3` has the channels 0 to 15' 'output: conv3, '
refused 'a channel twice' '{channel: [3, 3]}' 'channel 3 is named twice' 'output: conv3, '
refused 'a channel by name' '{channel: three}' '`channel` is `three`, but must be a channel' 'output: conv3, '
refused 'a place too far' '{channel: 1, at: [0, 3]}' 'place .0, 3. of `x`: layer `conv3` has 3 rows and 3 columns' 'output: conv3, '
refused 'a place of one number' '{channel: 1, at: [2]}' '`at` is' 'output: conv3, '
refused 'a place by another word' '{channel: 1, at: top}' '`at` is `top`, but must be mean, max, or .row, column.' 'output: conv3, '
refused 'a place without a channel' '{top: 1, at: max}' '`at` is for `channel` only, not for `top`'
refused 'a file that is missing' '{file: none.csv}' '.*none.csv'
refused 'a sample too far' '{file: far.csv}' '`target` of `x` names sample 9, and there are 4'
refused 'a unit too far' '{file: unit.csv}' '`target` of `x` names unit 10 for sample 1; layer `fc2` has the units 0 to 9'
refused 'half a class' '{file: half.csv}' '.*half.csv: value 1 is 1.5, where a whole number is needed'
refused 'three columns' '{file: three.csv}' '.*three.csv: targets are pairs'
refused 'too few' '{file: short.csv}' '.*short.csv: holds 3 targets, and there are 4 samples'
refused 'a pair twice' '{file: twice.csv}' '`target` of `x` names sample 1 with class 1 twice'
refused 'no query' '{sql: ";"}' 'the query of `sql` is empty'
refused 'a query with an error' '{sql: "SELEC 1, 2"}' 'the query of `target`: near "SELEC": syntax error'
refused 'one column' '{sql: "SELECT idx FROM sample"}' 'the query of `target` has 1 column, where two are needed'
refused 'two queries' '{sql: "SELECT 1, 2; SELECT 3, 4"}' '`sql` of `target` is not one query'
refused 'a change' '{sql: "DELETE FROM sample RETURNING 1, 2"}' 'the query of `target` uses'
refused 'maps' '{sql: "SELECT idx, target FROM v_map"}' 'the query of `target` uses `(map|attribution)`; it may ask for samples'
refused 'maps behind a name' '{sql: "WITH v_point AS (SELECT sample_id, target FROM map) SELECT * FROM v_point"}' 'the query of `target` uses `map`'
refused 'chance' '{sql: "SELECT idx, abs(random() % 10) FROM sample"}' 'the query of `target` uses `random`'
refused 'a parameter' '{sql: "SELECT idx, :class FROM sample"}' 'the query of `target` has the parameter `:class`'
small b 4 >b.yaml
echo 'attribute: [{name: x, method: saliency, target: {sql: "SELECT 77, 1"}}]' >>b.yaml
limn run b.yaml
check 'a query that answers with a sample that is not there' fails 1 'b.yaml:[0-9]+: `target` of `x` names sample 77, and there are 4'
finish
