#!/usr/bin/env bash
# valgrind's memcheck on a short run with the plain engine (oneDNN's JIT and valgrind don't mix): no error, no leak.
set -u
BUILD=$(cd "${BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
top=$PWD
cd "$work" || exit 1
cat >e.yaml <<Y
name: m
model: $top/examples/mnist/mnist_small.h5
data:
  images: $top/examples/mnist/t10k-images-idx3-ubyte.gz
  labels: $top/examples/mnist/t10k-labels-idx1-ubyte.gz
  preprocess: {scale: 1/255}
  limit: 40
features: [fc1]
embed:
  - {name: map, of: fc1, perplexity: 5, iterations: 20}
attribute:
  - {name: saliency, method: saliency}
  - {name: cam, method: gradcam}
  - {name: kv, method: gradcam, flavour: keras-vis}
plots:
  - {scatter: map, colour: label, format: png}
Y
valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=definite,indirect \
    --errors-for-leak-kinds=definite,indirect --suppressions="$top/tests/lib/valgrind.supp" \
    "$BUILD/bin/limn" run e.yaml --ref --quiet --threads 1 >log 2>&1
code=$?
[ $code = 0 ] && echo "memcheck: clean" || { head -60 log; echo "memcheck: exit $code"; }
exit $code
