#!/usr/bin/env bash
# The world around a run: odd and long names, a disk that is full, a database that is taken away, output that nobody reads.
. tests/lib/tap.sh
mnist=$top/examples/mnist
cd "$work" || exit 1
cat >e.yaml <<Y
name: e
model: $mnist/mnist_small.h5
data:
  images: $mnist/t10k-images-idx3-ubyte.gz
  labels: $mnist/t10k-labels-idx1-ubyte.gz
  preprocess: {scale: 1/255}
  limit: 1000
features: [fc1]
embed: [{name: map, method: pca}]
attribute: [{name: s, method: saliency}]
plots: [{heatmaps: [input, s], select: first, rows: 2, format: png, name: grid}]
Y
limn run e.yaml
whole=$("$LIMN" digest e.db)

# ---- names
bad=0
for name in '-x.db' 'a b.db' $'new\nline.db' 'q"u'\''.db' '%s%n.db' '?x#y.db' 'file:x.db?mode=memory' ':memory:' é.db; do
    cp e.db "./$name"
    limn run e.yaml --db "./$name"
    grep -q 'nothing to do' out && [ "$("$LIMN" digest "./$name")" = "$whole" ] || { bad=1; printf '# %q\n' "$name"; }
    rm "./$name"
done
check 'databases with odd names' [ $bad = 0 ]
deep=$(printf 'd%.0s' $(seq 250))
mkdir -p "$deep/$deep"
limn run e.yaml --db "$deep/$deep/x.db"
check 'a path that is too long for SQLite' fails 2 'x\.db: its absolute path has [0-9]+ bytes'
check 'is refused before anything is made' [ -z "$(ls "$deep/$deep")" ]
for _ in $(seq 12); do deep=$deep/${deep%%/*}; done
limn run e.yaml --db "$deep/x.db"
check 'the end of a long sentence is kept' fails 2 'cannot be opened: (No such file|File name too long)'

# ---- a folder that holds files with names of ours
mkdir ours && cd ours || exit 1
touch limn image limn-hdf5 gnuplot
limn info "$mnist/mnist_small.h5"
check 'a model is read in a folder that holds a file called limn' [ "$code" = 0 ]
cd ..

# ---- a full disk
mkdir small
if mount -t tmpfs -o size=1500k none small 2>/dev/null; then
    limn run e.yaml --db small/s.db --out small/o
    check 'a full disk while running' fails 1 'small/s\.db: database or disk is full'
    check 'what is stored is valid' [ "$("$LIMN" sql small/s.db --csv "PRAGMA integrity_check; SELECT count(*) FROM run WHERE status = 'finished'" | tr '\n' ' ')" = 'integrity_check ok count(*) 0 ' ]
    mount -o remount,size=30m small
    limn run e.yaml --db small/s.db --out small/o
    check 'with room again it goes on to the same digest' [ "$code $("$LIMN" digest small/s.db)" = "0 $whole" ]
    umount small
    mount -t tmpfs -o size=16k none small
    limn run e.yaml --db e.db --out small/o
    check 'no room for a picture' fails 1 'small/o.*No space left'
    check 'no half of one is left' [ -z "$(find small -name '*.png' -o -name '*.part*')" ]
    umount small
else skip 'a full disk' 'no right to mount'; fi

# ---- a database that is taken away
sed 's/limit: 1000/limit: 3000/' e.yaml >long.yaml
"$LIMN" run long.yaml --db gone.db --out gone >out 2>err &
for _ in $(seq 500); do [ -s gone.db ] && break; sleep 0.01; done
rm -f gone.db*
code=0; wait $! || code=$?
check 'a database removed while it is written' fails 1 'gone\.db'
limn run long.yaml --db gone.db --out gone
check 'the next run makes it anew' [ "$code" = 0 ]

# ---- what limn info is asked about
sqlite3 other.db 'CREATE TABLE t (x)'
limn info other.db
check "info: another program's SQLite file" fails 2 "another program's SQLite file"
check 'info: nothing is said before' [ ! -s out ]
cp e.db newer.db && sqlite3 newer.db 'PRAGMA user_version = 99'
limn info newer.db
check 'info: a newer version' fails 2 'made by a newer version'
mkfifo pipe
limn info pipe
check 'info: a pipe' fails 2 'not a regular file'
limn info e.db
check 'info: tables with their indexes, by name' [ "$(sed -n '/^tables/,$p' out | grep -c 'map \|autoindex\|identity')" = 1 ]
check 'the instruction set is stored by its name' [ "$("$LIMN" sql e.db --csv "SELECT isa GLOB '[a-z0-9_]*' AND isa NOT GLOB '* *', libraries ->> '$.oneDNN' GLOB '[23].*' FROM run" | tail -1)" = 1,1 ]

# ---- output that nobody reads
for command in 'sql e.db SELECT/**/1' 'info e.db' 'methods' 'digest e.db' 'run e.yaml'; do
    code=0
    # shellcheck disable=SC2086
    "$LIMN" $command >/dev/full 2>err || code=$?
    check "limn ${command%% *} to a full device" fails 1 'output cannot be written'
done
(exec <&- >&- 2>&-; "$LIMN" run e.yaml --db closed.db --out closed)
check 'all three streams closed: the results are stored all the same' [ "$("$LIMN" digest closed.db)" = "$whole" ]
finish
