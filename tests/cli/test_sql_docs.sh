#!/usr/bin/env bash
# Every question of docs/sql.md is answered, on a small run of the same experiment.
. tests/lib/tap.sh
cat >"$work/small.yaml" <<Y
name: mnist
model: $top/examples/mnist/mnist_cnn.h5
data:
  images: $top/examples/mnist/t10k-images-idx3-ubyte.gz
  labels: $top/examples/mnist/t10k-labels-idx1-ubyte.gz
  preprocess: {scale: 1/255}
  limit: 400
features: [dense_1]
embed:
  - {name: map, of: dense_1, method: tsne, perplexity: 10, iterations: 400}
attribute:
  - {name: saliency, method: saliency}
  - {name: cam, method: gradcam}
Y
limn run "$work/small.yaml" --db "$work/small.db" --out "$work/small"
check "a small run" [ "$code" = 0 ]
bash tests/sql_docs.sh "$work/small.db" >"$work/answers"
while read -r rows heading; do
    case $heading in
    *'foreign cluster'*) check "$heading" [ "$rows" != failed ] ;; # 400 samples may have none
    *) check "$heading" [ "$rows" -gt 0 ] ;;
    esac
done <"$work/answers"
check "all questions ran" [ "$(grep -c '^### ' docs/sql.md)" = "$(grep -vc '^ ' "$work/answers")" ]
finish
