#!/bin/sh
# The demo: runs the MNIST experiment with the build in $1 and shows what the database can be asked.
set -eu
build=${1:-build}
limn=$build/bin/limn
out=$build/demo
mkdir -p "$out"
"$limn" run examples/mnist/experiment.yaml --db "$out/mnist.db" --out "$out/mnist"
echo
echo "The database: $out/mnist.db     The pictures: $out/mnist/"
echo "Three questions, and what it answers:"
while IFS= read -r q; do
    [ -n "$q" ] || continue
    printf '\n  limn sql %s "%s"\n' "$out/mnist.db" "$q"
    "$limn" sql "$out/mnist.db" "$q"
done <<'SQL'
SELECT label, count(*) AS images, round(avg(label = class), 4) AS accuracy, round(avg(margin), 3) AS mean_margin FROM sample JOIN prediction USING (sample_id) GROUP BY label;
SELECT idx, label, class AS predicted, round(probability, 3) AS p, round(margin, 3) AS margin FROM sample JOIN prediction USING (sample_id) WHERE label <> class ORDER BY margin DESC LIMIT 5;
SELECT method, flavour, round(avg(map_mean(data)), 5) AS mean_of_map, count(*) AS maps FROM map JOIN attribution USING (attribution_id) GROUP BY attribution_id;
SQL
