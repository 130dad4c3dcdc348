#!/usr/bin/env bash
# make bench-tsne: t-SNE of MNIST beside openTSNE and scikit-learn-intelex, on this machine, with the same two threads.
# --quick: ours alone, stage by stage. Needs ../shared/data/mnist (or MNIST=folder with the four IDX files).
# BENCH_VENV: a Python environment with the peers; without it one is made in $BUILD/bench. THREADS: 2.
# Every KL is the exact one of bench_tsne, by the same exact affinities.
set -eu
BUILD=$(cd "${BUILD:-build}" && pwd)
MNIST=${MNIST:-../shared/data/mnist}
export THREADS=${THREADS:-2}
out=$BUILD/bench
bench=$BUILD/tests/bench/bench_tsne
images=$MNIST/train-images-idx3-ubyte.gz,$MNIST/t10k-images-idx3-ubyte.gz
mkdir -p "$out"

echo "== limn, $THREADS threads"
echo "-- MNIST, 70,000 x 784 to 50 by PCA"
"$bench" --save "$out/mnist50.npy" "$images"
echo "-- its first 10,000"
"$bench" --rows 10000 "$out/mnist50.npy"
echo "-- 70,000 x 784, without PCA"
"$bench" --pca 0 "$images"
echo "-- 280,000 x 50: shifted copies; 100 iterations early, 50 late"
"$bench" --copies 4 --iterations 400 "$images"
iris=../shared/goldens/tsne/iris.csv
if [ -f "$iris" ]; then
    echo "-- iris, 150 x 5, from file to map"
    "$BUILD/bin/limn" embed "$iris" -o "$out/iris.npy" --threads "$THREADS" 2>&1 | grep KL
fi
[ "${1:-}" != --quick ] || exit 0
echo "-- 1,050,000 x 50: shifted copies"
"$bench" --copies 15 "$images"

venv=${BENCH_VENV:-$out/venv-tsne}
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" -q install numpy openTSNE scikit-learn scikit-learn-intelex
fi
echo "== peers, $THREADS threads"
for peer in ${PEERS:-intelex opentsne}; do
    for rows in 10000 70000; do
        map=$out/$peer-$rows.npy
        OMP_NUM_THREADS=$THREADS "$venv/bin/python" tests/bench/tsne_peer.py "$peer" "$out/mnist50.npy" "$rows" "$map" "$THREADS"
        "$bench" --rows "$rows" --kl "$map" "$out/mnist50.npy"
    done
done
