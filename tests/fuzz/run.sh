#!/usr/bin/env bash
# Builds every tests/fuzz/fuzz_*.c with clang's libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer against the
# library's sources (in build/fuzz), and runs each for FUZZ_SECONDS (default 30) over its kept corpus,
# tests/fuzz/corpus/NAME (with or without the fuzz_ before it); what it finds anew goes to build/fuzz/corpus. FILTER=word
# runs only the targets whose name holds the word. A crash, a time-out (25 s an input) or more than 2 GB fails; the input
# is kept as build/fuzz/crash-…. Ends with `N passed, N failed`.
set -u
cd "$(dirname "$0")/../.." || exit 1
CC=${FUZZ_CC:-clang} out=build/fuzz
shopt -s nullglob
if ! command -v "$CC" >/dev/null; then echo "$CC is missing (make deps-dev)"; exit 1; fi
sanitize=address,undefined
flags="-std=c11 -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all -ffp-contract=off -Itests/fuzz/include"
make -s --no-print-directory -j2 BUILD=$out CC="$CC" CFLAGS="$flags -fsanitize=fuzzer-no-link,$sanitize" \
    $out/lib/liblimn.a || exit 1
packages=$(sed -n 's/^PACKAGES *:= *//p' Makefile)
# shellcheck disable=SC2086  # lists of words
cflags=$(pkg-config --cflags $packages) libs="$(pkg-config --libs ${packages/hdf5/}) -ldnnl -lm -lpthread -ldl"
mkdir -p $out/bin
passed=0 failed=0
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    case $name in *"${FILTER:-}"*) ;; *) continue ;; esac
    # shellcheck disable=SC2086
    if ! "$CC" $flags -I. -Ianalysis -Ipipeline -I$out -D_POSIX_C_SOURCE=200809L $cflags -fsanitize=fuzzer,$sanitize \
        "$source" $out/lib/liblimn.a $libs -o "$out/bin/$name"; then
        echo "$name: does not build"
        failed=$((failed + 1))
        continue
    fi
    mkdir -p "$out/corpus/$name"
    kept=
    for dir in "tests/fuzz/corpus/$name" "tests/fuzz/corpus/${name#fuzz_}"; do [ -d "$dir" ] && kept="$kept $dir"; done
    log=$out/$name.log
    # shellcheck disable=SC2086
    if "$out/bin/$name" -max_total_time="${FUZZ_SECONDS:-30}" -timeout=25 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$out/" "$out/corpus/$name" $kept >"$log" 2>&1; then
        passed=$((passed + 1))
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "$name: $runs runs, $(sed -n 's/.*cov: \([0-9]*\).*/\1/p' "$log" | tail -1) edges, no finding"
    else
        failed=$((failed + 1))
        echo "$name: FOUND something, log: $log"
        grep -E 'ERROR|SUMMARY|artifact|runtime error|Test unit written' "$log" | head -5
    fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
