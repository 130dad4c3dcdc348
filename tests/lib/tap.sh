# shellcheck shell=bash disable=SC2154,SC2034
# TAP for shell tests: source it, call check NAME CONDITION…; $work is a fresh folder, removed at the end.
LIMN=${LIMN:-build/bin/limn}
LIMN=$(cd "$(dirname "$LIMN")" && pwd)/$(basename "$LIMN")
top=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tap_n=0
tap_bad=0
# check NAME COMMAND…: ok if the command succeeds
check() {
    local name=$1
    shift
    tap_n=$((tap_n + 1))
    if "$@"; then
        echo "ok $tap_n - $name"
    else
        echo "not ok $tap_n - $name"
        tap_bad=1
        [ -s "$work/err" ] && sed 's/^/#   /' "$work/err" | head -5
    fi
    return 0
}
skip() {
    tap_n=$((tap_n + 1))
    echo "ok $tap_n - $1 # SKIP $2"
}
# limn ARGS…: runs the program; $code, $work/out, $work/err
limn() {
    code=0
    "$LIMN" "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
}
# fails WANTED_CODE REGEX: the last limn call ended so, with one sentence on stderr that matches
fails() {
    [ "$code" = "$1" ] || { echo "# exit $code, wanted $1"; return 1; }
    [ "$(grep -c '^limn: ' "$work/err")" = 1 ] || { echo "# not one sentence"; return 1; }
    grep -E '^limn: ' "$work/err" | grep -qE -- "$2" || { echo "# does not match: $2"; return 1; }
}
finish() { exit $tap_bad; }
# small NAME LIMIT: the head of an experiment file on the small example network
small() {
    printf '%s\n' "name: $1" "model: $top/examples/mnist/mnist_small.h5" 'data:' \
        "  images: $top/examples/mnist/t10k-images-idx3-ubyte.gz" "  labels: $top/examples/mnist/t10k-labels-idx1-ubyte.gz" \
        '  preprocess: {scale: 1/255}' "  limit: $2" 'features: [fc1]'
}
