#!/usr/bin/env bash
# Several experiments, or several states of one, in one database: each sees its own results, whatever the others did.
. tests/lib/tap.sh
mnist=$top/examples/mnist
cd "$work" || exit 1
# experiment FILE NAME LIMIT: writes FILE, its end from standard input
experiment() {
    {
        printf 'name: %s\nmodel: %s/mnist_small.h5\ndata:\n  images: %s/t10k-images-idx3-ubyte.gz\n' "$2" "$mnist" "$mnist"
        printf '  labels: %s/t10k-labels-idx1-ubyte.gz\n  preprocess: {scale: 1/255}\n  limit: %s\n' "$mnist" "$3"
        cat
    } >"$1"
}
ask() { "$LIMN" sql "$1" --csv "$2" | tail -n +2 | tr '\n' ' '; }

# ---- one result by several names
experiment twice.yaml twice 20 <<'Y'
features: [fc1, 6, auto]
embed:
  - {name: one, of: fc1, method: pca}
  - {name: two, of: 6, method: pca}
attribute:
  - {name: cam, method: gradcam}
  - {name: cam3, method: gradcam, layer: conv3}
  - {name: again, method: gradcam, layer: 4}
plots:
  - {heatmaps: [input, cam, again], select: first, rows: 3, format: png, name: grid}
  - {scatter: two, format: png, name: scatter}
Y
limn run twice.yaml
check 'layers and entries that come to the same' [ "$code" = 0 ]
check 'are computed and stored once' [ "$(ask twice.db 'SELECT count(*) FROM feature; SELECT count(*) FROM map')" = '20 count(*) 20 ' ]
check 'and known by each name' [ "$(ask twice.db 'SELECT count(DISTINCT name) FROM result WHERE attribution_id = 1')" = '3 ' ]

# ---- a grid that would show nothing
sed 's/^name: twice/name: none/; s/select: first/select: errors/' twice.yaml >none.yaml
limn run none.yaml
check 'a grid of errors where there are none: is said' grep -q 'plot `grid` is not drawn' err
limn run none.yaml
check 'and the experiment is finished' grep -q 'nothing to do' out

# ---- two experiments that share results; --fresh of one
experiment a.yaml a 20 <<'Y'
features: [fc1]
embed: [{name: map, method: pca}]
attribute: [{name: s, method: saliency}]
plots: [{heatmaps: [s], select: first, rows: 2, format: png, name: grid}]
Y
sed 's/^name: a/name: b/' a.yaml >b.yaml
limn run a.yaml --db ab.db
limn run b.yaml --db ab.db
whole=$("$LIMN" digest ab.db)
check 'a second experiment computes nothing that is there' [ "$(ask ab.db "SELECT DISTINCT status FROM stage WHERE run_id = 2 AND name <> 'plot'")" = 'reused ' ]
grep -v '^attribute' b.yaml | sed 's/^plots.*/plots: []/' >b2.yaml
limn run b2.yaml --db ab.db --fresh
check '--fresh takes what is shared' [ "$(ask ab.db 'SELECT count(*) FROM map')" = '0 ' ]
limn run a.yaml --db ab.db
check 'the other experiment computes it again' [ "$code $("$LIMN" digest ab.db)" = "0 $whole" ]
limn run a.yaml --db ab.db
check 'and is finished' grep -q 'nothing to do' out

# ---- class names are the last ones given
experiment named.yaml named 20 <<'Y'
features: [fc1]
Y
sed -i 's/^  limit.*/&\n  classes: [zero, one, two, three, four, five, six, seven, eight, nine]/' named.yaml
limn run named.yaml --db ab.db
check 'class names given replace numbers' [ "$(ask ab.db 'SELECT name FROM class WHERE label < 2')" = 'zero one ' ]
limn run b2.yaml --db ab.db
limn run b2.yaml --db ab.db --fresh
check 'an experiment without names leaves them' [ "$code$(ask ab.db 'SELECT name FROM class WHERE label < 2')" = '0zero one ' ]

# ---- the same data, packed or not: one data set, one digest, in either order
zcat "$mnist/t10k-images-idx3-ubyte.gz" >raw.idx
sed 's/^name: a/name: c/; s|images: .*|images: raw.idx|' a.yaml >c.yaml
limn run a.yaml --db ac.db; limn run c.yaml --db ac.db
limn run c.yaml --db ca.db; limn run a.yaml --db ca.db
check 'the digest does not know in which order, or how the data were packed' [ "$("$LIMN" digest ac.db) $(ask ac.db 'SELECT count(*) FROM dataset')" = "$("$LIMN" digest ca.db) 1 " ]

# ---- figures again are those of the last finished run, whatever runs failed after it
limn run a.yaml --db p.db
"$LIMN" plot p.db --quiet -o before
sed 's/limit: 20/limit: 30\n  every: 2/' a.yaml >a30.yaml
LIMN_GNUPLOT=/nonexistent "$LIMN" run a30.yaml --db p.db >/dev/null 2>&1
check 'an edited experiment that failed' [ "$(ask p.db 'SELECT status, dataset_id FROM run')" = 'finished,1 failed,2 ' ]
limn plot p.db -o after
check 'does not change the figures of the finished one' cmp -s before/grid.png after/grid.png
limn plot p.db scatter=map format=png name=x -o after
check 'nor those asked for by keys' [ "$code" = 0 ]
finish
