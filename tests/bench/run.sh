#!/usr/bin/env bash
# make bench: the machine's own speed, each part, then the demo stage by stage. Ratios in one run are what counts.
set -eu
BUILD=$(cd "${BUILD:-build}" && pwd)
export LIMN_LIBEXEC=$BUILD/libexec/limn
for b in "$BUILD"/tests/bench/bench_engine "$BUILD"/tests/bench/*; do # the engine's says how fast the machine is
    case $b in *bench_engine) [ -z "${first:-}" ] || continue; first=1 ;; *) [ -x "$b" ] || continue ;; esac
    echo "== ${b##*/}"
    "$b"
done
echo "== demo, stage by stage (examples/mnist/experiment.yaml)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/env time -f '%e s wall, %U s user, %M KiB peak memory' \
    "$BUILD/bin/limn" run examples/mnist/experiment.yaml --db "$work/demo.db" --out "$work/demo" --quiet 2>"$work/time" ||
    { cat "$work/time"; exit 1; }
"$BUILD/bin/limn" sql "$work/demo.db" "SELECT name AS stage, done, round(seconds, 2) AS seconds, round(done / seconds) AS per_second, peak_memory / 1048576 AS peak_MiB FROM stage ORDER BY stage_id"
tail -1 "$work/time"
