#!/usr/bin/env bash
# The record of how near limn's numbers are to other programs' (tests/lib/record.h).
#   fidelity.sh write    runs the golden tests that keep records, then writes docs/fidelity.md: a row for each array of
#                        ../shared/goldens, those of $BUILD/fidelity/lite0.tsv (tests/bench/fidelity_lite0.py) too, counts last
#   fidelity.sh check F… of the records F (*.tsv) of a run of the tests: no array of ../shared/goldens/cnn and none of
#                        iNNvestigate's may be left out, and 99 % of each file's maps must pass. TAP.
set -eu
BUILD=$(cd "${BUILD:-build}" && pwd)
GOLDENS=../shared/goldens
KEEP_RECORDS="net nets kerasvis formulas measures innvestigate"

# Every array of the goldens, `file<tab>array`: the names that stand in the archives, and each reference file's layers.
arrays() {
    for f in "$GOLDENS"/cnn/*.npz; do
        grep -aoE '[A-Za-z0-9_]+\.npy' "$f" | sed 's/\.npy$//' | sort -u | sed "s/^/${f##*/}\t/"
    done
    for f in "$GOLDENS"/innvestigate/*.hdf5; do
        for layer in Dense Dense_relu Conv2D Conv2D_relu AveragePooling2D MaxPooling2D; do
            printf '%s\t%s\n' "${f##*/}" "$layer"
        done
    done
}

check() {
    local n=0 missing low
    missing=$(arrays | awk -F'\t' 'NR == FNR { seen[$2, $3] = 1; next } !(($1, $2) in seen) { print "# " $1 " " $2 }' \
        <(cat "$@") -)
    low=$(cat "$@" | awk -F'\t' '$1 == "array" && $9 == "" { maps[$2] += $5; passed[$2] += $6 }
        END { for (f in maps) if (passed[f] < 0.99 * maps[f]) print "# " f ": " passed[f] " of " maps[f] }')
    for what in "every golden array is compared:$missing" "99 % of the maps of each file pass:$low"; do
        n=$((n + 1))
        if [ -z "${what#*:}" ]; then echo "ok $n - ${what%%:*}"; else printf 'not ok %d - %s\n%s\n' $n "${what%%:*}" "${what#*:}"; fi
    done
    [ -z "$missing$low" ]
}

write() {
    local records=$BUILD/fidelity t
    mkdir -p "$records"
    for t in $KEEP_RECORDS; do
        echo "  $t" >&2
        rm -f "$records/$t.tsv"
        FIDELITY=$records/$t.tsv LIMN_LIBEXEC=$BUILD/libexec/limn "$BUILD/tests/golden/test_$t" >"$records/$t.log" 2>&1 ||
            { tail -20 "$records/$t.log" >&2; exit 1; }
    done
    for t in $KEEP_RECORDS; do cat "$records/$t.tsv"; done >"$records/all"
    check "$records/all" >&2
    [ ! -f "$records/lite0.tsv" ] || cat "$records/lite0.tsv" >>"$records/all"
    { cat tests/fidelity.head.md; awk -F'\t' -f tests/fidelity.awk "$records/all"; } >docs/fidelity.md
    tail -3 docs/fidelity.md >&2
}

case ${1:-} in
write) write ;;
check) shift && check "$@" ;;
*) sed -n 's/^#   //p' "$0" ;;
esac
