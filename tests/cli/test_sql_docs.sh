#!/usr/bin/env bash
# Every question of README.md, docs/sql.md and docs/tsne.md is answered, on a small run of the demo's experiment.
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
  - {name: map, of: dense_1, method: tsne, perplexity: 10, iterations: 400, seeds: [1, 2]}
attribute:
  - {name: saliency, method: saliency}
  - {name: cam, method: gradcam}
  - {name: saliency-kv, method: saliency, flavour: keras-vis}
  - {name: guided-kv, method: guided, flavour: keras-vis}
plots:
  - {scatter: map, colour: label, format: png}
Y
limn run "$work/small.yaml" --db "$work/small.db" --out "$work/small"
check "a small run" [ "$code" = 0 ]
for doc in README.md docs/sql.md docs/tsne.md; do # 400 samples may have no error in a foreign cluster
    MAY_BE_EMPTY='foreign cluster' bash tests/sql_docs.sh $doc "$work/small.db" || tap_bad=1
done
finish
