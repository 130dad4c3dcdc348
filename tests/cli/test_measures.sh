#!/usr/bin/env bash
# The stage `measure`: figures of every map and pair, the same at any number of threads, resumed after a kill, reused by the
# next run, refused where they are not defined.
. tests/lib/tap.sh
cd "$work" || exit 1
small m 40 >m.yaml
cat >>m.yaml <<Y
attribute:
  - {name: sal, method: saliency, target: all}
  - {name: cam, method: gradcam}
  - {name: rise, method: rise, samples: 8, target: [3, 1]}
  - {name: shap, method: expected-gradients, steps: 4, background: 5}
  - {name: smooth, method: smoothgrad, noise_samples: 3}
  - {name: ig, method: integrated-gradients, steps: 2, rule: riemann-right, target: [2, 7]}
measures:
  - {metric: deletion, steps: 4, of: [sal, cam]}
  - {metric: deletion, steps: 1, score: logit, of: sal}
  - metric: gini
  - {metric: max-sensitivity, samples: 2, of: [rise, smooth]}
  - metric: spearman
Y
ask() { "$LIMN" sql m.db "$1" --csv | tail -n +2 | tr '\n' ' ' | sed 's/ $//'; }
first=
for t in 1 3 8; do
    rm -f m.db
    limn run m.yaml --threads $t --quiet
    digest=$("$LIMN" digest m.db)
    [ -n "$first" ] || first=$digest
    check "$t threads: the same digest" [ "$code$digest" = "0$first" ]
done
check "a figure for every map" [ "$(ask 'SELECT (SELECT count(*) FROM measure JOIN measurement USING (measurement_id) WHERE measurement.metric = '"'gini'"') = (SELECT count(*) FROM map)')" = 1 ]
check "sal has 10 targets a sample" [ "$(ask "SELECT count(*) FROM v_measure WHERE metric = 'gini' AND name = 'sal'")" = 400 ]
# of one step the area is (S(x) + S(blank)) / 2, S the map's own target: what is left of it is the blank's score, whatever x
check "a figure is of its map's target" [ "$(ask "SELECT count(*), max(spread) < 1e-3, max(blank) - min(blank) > 0.1 FROM (SELECT target, max(b) - min(b) AS spread, avg(b) AS blank FROM (SELECT v.target, 2 * v.value - vec_get(p.logits, v.target) AS b FROM v_measure v JOIN prediction p USING (sample_id) WHERE v.metric = 'deletion' AND v.options LIKE '%\"steps\":1}%') GROUP BY target)" | tr ',' ' ')" = "10 1 1" ]
# pairs share a target: cam, shap and smooth explain the predicted class, sal every class, rise 1 and 3
check "pairs of maps of one target" [ "$(ask "SELECT count(*) FROM v_agreement WHERE name = 'sal' AND other_name = 'cam'")" = 40 ]
check "pairs of lists of targets" [ "$(ask "SELECT count(*) FROM v_agreement WHERE name = 'sal' AND other_name = 'rise'")" = 80 ]
check "the completeness gap of every map" [ "$(ask "SELECT count(*) FROM v_measure WHERE metric = 'completeness_gap' AND name = 'ig' AND value > 0")" = 80 ]
check "every figure is marked complete" [ "$(ask 'SELECT min(complete) FROM measurement')" = 1 ]
limn run m.yaml --quiet
check "a second run computes nothing" [ "$code$(ask 'SELECT count(*) FROM run')" = 01 ]

# half of the figures are missing, as after a kill: the next run adds what is missing
sqlite3 m.db "DELETE FROM measure WHERE measure_id % 2 AND metric <> 'completeness_gap'; DELETE FROM agreement WHERE agreement_id % 3 = 0; UPDATE measurement SET complete = 0 WHERE metric <> 'completeness_gap'; UPDATE run SET status = 'killed', digest = NULL"
limn run m.yaml --quiet
check "what is missing is computed, to the same digest" [ "$code$("$LIMN" digest m.db)" = "0$first" ]

small b 4 >b.yaml
cat >>b.yaml <<Y
attribute: [{name: cam, method: gradcam, size: layer}]
measures: [{metric: deletion}]
Y
limn run b.yaml
check "maps of a layer's size are refused" fails 2 "b.yaml:[0-9]+: \`deletion\` needs maps of the input's size, 28 x 28"
small b 4 >b.yaml
echo "measures: [{metric: pearson}]" >>b.yaml
limn run b.yaml
check "two maps are needed" fails 2 "b.yaml:[0-9]+: \`pearson\` needs two entries of \`attribute\`"
finish
