#!/usr/bin/env bash
# The library chooses other blocks of channels for other instruction sets: what the engine's own loops make of them must
# be right with each that this machine has.
. tests/lib/tap.sh
for isa in SSE41 AVX AVX2; do
    for test in test_loops test_ops; do
        code=0
        DNNL_MAX_CPU_ISA=$isa "$BUILD/tests/unit/$test" >"$work/err" 2>&1 || code=$?
        check "$test with $isa" [ "$code" = 0 ]
    done
done
finish
