#!/usr/bin/env bash
# What limn run, attribute, plot and sql print: progress and notes on standard error, results on standard output, JSON
# lines, nothing when quiet; the queries that a run suggests can be run as they stand.
. tests/lib/tap.sh
mnist=$top/examples/mnist
cd "$work" || exit 1
PATH=$(dirname "$LIMN"):$PATH
says() { grep -qE -- "$1" out; }
notes() { grep -qE -- "$1" err; }
# the words, as a shell would run them, print something
answers() { [ -n "$(bash -c "$1" 2>/dev/null)" ]; }
ends() { [ "$code" = "$1" ]; }

cat >e.yaml <<Y
model: $mnist/mnist_small.h5
data:
  images: $mnist/t10k-images-idx3-ubyte.gz
  labels: $mnist/t10k-labels-idx1-ubyte.gz
  preprocess: {scale: 1/255}
  limit: 200
features: [fc1]
embed: [{name: map, method: pca}, {name: t, perplexity: 10, early: 20, iterations: 60}]
attribute: [{name: cam, method: gradcam}]
plots: [{scatter: map, format: png}]
Y
limn run e.yaml --db "it's.db" --out 'my figures'
check 'run' ends 0
check 'the summary counts' says '^200 samples, accuracy 0\.9[0-9]+, KL [0-9.]+$'
check 'the summary names the database' says "^database  it's\.db$"
check 'the summary names the figures' says '^figures   my figures \(1\)$'
check 'the summary has the digest' says "^digest    $("$LIMN" digest "it's.db")$"
check 'a choice is noted' notes 'conv3'
check 'progress in plain lines' notes '^predict +200/200 '
check 'a stage of several parts shows the last one' notes '^embed t +60/60 .* KL [0-9]'
check 'no control characters when piped' eval '! grep -q "$(printf "[\r\033]")" out err'
check 'three queries to try' [ "$(grep -c '^  limn sql ' out)" = 3 ]
grep '^  limn sql ' out >tries
while IFS= read -r q; do
    check "suggested:$q" answers "$q"
done <tries
limn run e.yaml --db "it's.db" --out 'my figures'
check 'nothing to do' says 'nothing to do'
limn run e.yaml --db q.db --quiet
check 'quiet' eval 'ends 0 && [ ! -s out ] && [ ! -s err ]'
limn run e.yaml --db j.db --json
check 'JSON lines' eval 'ends 0 && [ ! -s err ]'
check 'every line is JSON' [ "$(while IFS= read -r l; do sqlite3 :memory: "SELECT json_valid('${l//\'/\'\'}')"; done <out | sort -u)" = 1 ]
check 'a stage as JSON' says '^\{"stage":"predict","done":200,"total":200,"seconds":'
check 'a note as JSON' says '^\{"note":".*conv3'
check 'the result as JSON' [ "$(tail -1 out | sed 's/.*"samples":\([0-9]*\),"figures":\([0-9]*\),.*/\1 \2/')" = '200 1' ]
if command -v script >/dev/null; then
    TERM=xterm script -qec "limn run e.yaml --db t.db" /dev/null </dev/null >typescript 2>&1
    check 'a line is drawn anew on a terminal' grep -q "$(printf '\rpredict')" typescript
else
    skip 'a line is drawn anew on a terminal' 'script is missing'
fi

limn plot j.db scatter=map colour=margin format=[png,svg] -o again
check 'plot' says '^2 figures in again$'
check 'plot drew what was asked for' [ -s again/map-margin.svg ]
limn plot j.db scatter=mpa -o again
check 'plot of an unknown map' fails 2 '.mpa.*did you mean .map.'

echo 'SELECT count(*) AS n FROM sample' >query
code=0
"$LIMN" sql j.db <query >out 2>err || code=$?
check 'a query from standard input' eval 'ends 0 && says "^ *200 *$"'
"$LIMN" sql j.db - --csv <query >out 2>err
check 'a query from -, as CSV' [ "$(tr -d '\r' <out | paste -sd,)" = n,200 ]
limn sql j.db 'SELECT count(*) AS n FROM sample' --json
check 'a query, as JSON' [ "$(tr -d ' \n' <out)" = '[{"n":200}]' ]
limn sql j.db 'SELEKT 1'
check 'a wrong query' fails 2 'SELEKT'

limn attribute "$mnist/mnist_cnn.h5" "$mnist/x_train_1.png" --target 0 --scale 1/255 --db a.db -o a
check 'attribute' eval 'ends 0 && says "^1 sample$" && [ -s a/maps.png ]'
check 'attribute explains by gradcam' [ "$("$LIMN" sql a.db 'SELECT method FROM attribution' --csv | tr -d '\r' | tail -1)" = gradcam ]
grep '^  limn sql ' out >tries
while IFS= read -r q; do
    check "suggested:$q" answers "$q"
done <tries
limn attribute "$mnist/mnist_cnn.h5" "$mnist/x_train_1.png" --method gradcamm
check 'attribute by an unknown method' fails 2 '^limn: limn attribute: .*gradcamm.*did you mean .gradcam.'
limn attribute "$mnist/mnist_cnn.h5" "$mnist/x_train_1.png" --grad-modifier relu
check 'attribute with an option that the method lacks' fails 2 'no option .grad_modifier.'
finish
