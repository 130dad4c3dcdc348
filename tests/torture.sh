#!/usr/bin/env bash
# The big counts. TORTURE scales them (CI runs a tenth); seeds and counts are printed.
set -u
BUILD=$(cd "${BUILD:-build}" && pwd)
export BUILD LIMN=$BUILD/bin/limn LIMN_LIBEXEC=$BUILD/libexec/limn CMOCKA_MESSAGE_OUTPUT=TAP
scale() { awk -v n="$1" -v t="${TORTURE:-1}" 'BEGIN { v = int(n * t + .5); print v < 1 ? 1 : v }'; }
kills=$(scale 200) mutants=$(scale 3000) seed=${SEED:-1}
passed=0 failed=0
count() { # count NAME LOG
    local p f
    p=$(grep -cE '^ok ' "$2") f=$(grep -cE '^not ok ' "$2")
    [ $((p + f)) -gt 0 ] || f=1
    passed=$((passed + p)) failed=$((failed + f))
    echo "$1: $p passed, $f failed"
    [ "$f" = 0 ] || grep -vE '^ok ' "$2" | head -20
}
log=$(mktemp)
echo "torture: seed $seed, $kills kills, $mutants mutants a reader"
KILLS=$kills SEED=$seed SAMPLES=600 bash tests/cli/test_kill.sh >"$log" 2>&1
count kills "$log"
LIMN_KILLS=$kills "$BUILD/tests/property/test_store_kill" >"$log" 2>&1
count property/test_store_kill "$log"
for t in tests/unit/test_*.c tests/golden/test_*.c; do
    grep -qE 'LIMN_MUTANTS|mutants\(' "$t" || continue
    name=${t#tests/}
    LIMN_MUTANTS=$mutants LIMN_SEED=$seed "$BUILD/tests/${name%.c}" >"$log" 2>&1
    count "${name%.c}" "$log"
done
rm -f "$log"
echo "torture: $passed passed, $failed failed"
[ $failed = 0 ]
