#!/usr/bin/env bash
# valgrind's memcheck on a short run with the plain engine (oneDNN's JIT and valgrind don't mix): no error, no leak.
set -u
BUILD=$(cd "${BUILD:-build}" && pwd)
. tests/lib/tap.sh
cd "$work" || exit 1
small m 40 >e.yaml
cat >>e.yaml <<Y
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
