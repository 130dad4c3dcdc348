#!/usr/bin/env bash
# Runs every test program and script under $BUILD and sums up their TAP lines.
# A test program prints `ok N - name`, `not ok N - name`, or `ok N # SKIP why`; it fails as a whole where it crashes or
# prints nothing. FILTER=word runs only the files whose path holds the word. Ends with `N passed, N failed, N skipped`.
set -u
BUILD=${BUILD:-build}
BUILD=$(cd "$BUILD" && pwd) || exit 1
export BUILD CMOCKA_MESSAGE_OUTPUT=TAP LIMN_LIBEXEC="$BUILD/libexec/limn" LIMN="$BUILD/bin/limn"
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1} UBSAN_OPTIONS=print_stacktrace=1
# tests share the cores: a thread that waits must not spin
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
export LSAN_OPTIONS=suppressions=$PWD/tests/lib/lsan.txt:print_suppressions=0
logs=$BUILD/test-logs
mkdir -p "$logs"
passed=0 failed=0 skipped=0
shopt -s nullglob
tests=()
for t in tests/cli/test_*.sh tests/golden/test_*.c tests/property/test_*.c tests/unit/test_*.c; do # the long ones first
    case $t in *"${FILTER:-}"*) tests+=("$t") ;; esac
done
# As many at a time as there are cores; each leaves its log, exit code and seconds.
run_one() {
    local t=$1 name=${1#tests/} command start=$SECONDS
    name=${name%.*}
    case $t in
    *.c) command=("$BUILD/tests/$name") ;;
    *.sh) command=(bash "$t") ;;
    esac
    export FIDELITY=$BUILD/test-logs/${name//\//-}.tsv # see tests/fidelity.sh
    rm -f "$FIDELITY"
    timeout -k 5 "${TEST_TIMEOUT:-300}" "${command[@]}" >"$BUILD/test-logs/${name//\//-}.log" 2>&1 </dev/null
    echo "$? $((SECONDS - start))" >"$BUILD/test-logs/${name//\//-}.code"
}
export -f run_one
printf '%s\0' "${tests[@]}" | xargs -0 -P "${JOBS:-$(nproc)}" -I{} bash -c 'run_one {}'
if [ -z "${FILTER:-}" ] && [ -d ../shared/goldens ]; then # of all that was compared: nothing is left out
    bash tests/fidelity.sh check "$logs"/golden-*.tsv >"$logs/fidelity.log" 2>&1
    echo "$? 0" >"$logs/fidelity.code"
    tests+=(tests/fidelity.sh)
fi
for t in "${tests[@]}"; do
    name=${t#tests/}
    name=${name%.*}
    log=$logs/${name//\//-}.log
    read -r code seconds <"${log%.log}.code"
    p=$(grep -cE '^ok ' "$log")
    s=$(grep -cE '^ok .*# SKIP' "$log")
    f=$(grep -cE '^not ok ' "$log")
    p=$((p - s))
    # a crash, a time-out or silence is a failure of its own
    if [ $((p + s + f)) -eq 0 ] || { [ "$code" -ne 0 ] && [ "$f" -eq 0 ]; }; then f=$((f + 1)); fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    printf '%-36s %4d s %4d passed %3d failed %3d skipped\n' "$name" "$seconds" "$p" "$f" "$s"
    grep -E '^ok .*# SKIP' "$log" | sed 's/^/    /'
    if [ "$f" -gt 0 ]; then
        echo "    exit $code, log: $log"
        grep -vE '^ok ' "$log" | head -${FAILURE_LINES:-25} | sed 's/^/    /'
    fi
done
# where the shared material is present, a skip is a failure
if [ -d ../shared/goldens ] && [ "$skipped" -gt 0 ]; then
    echo "../shared is present, so nothing may be skipped"
    failed=$((failed + skipped)) skipped=0
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
