#!/usr/bin/env bash
# No node of a real network runs on the plain engine: demanded with the oneDNN of Debian 12 (2.x), named with later ones.
. tests/lib/tap.sh
models=$top/../shared/models
[ -d "$models" ] || { skip 'plans of real networks' '../shared is absent'; finish; }
major=$("$LIMN" doctor | sed -n 's/^oneDNN *\([0-9]*\).*/\1/p')
for m in "$models"/*.onnx "$models"/*.h5 "$models"/*.hdf5 "$models"/*.keras "$models"/mnist_torch_external/mnist.onnx \
    keras1_tf keras1_th examples/mnist/*.h5 examples/mnist/*.keras; do
    case $m in
    *keras1_*_weights.h5) continue ;; # a weight file alone is no network
    keras1_*) limn info --plan "$models/${m}_config.json" --weights "$models/${m}_weights.h5" ;;
    *) limn info --plan "$m" ;;
    esac
    check "${m##*/} is planned" grep -q '^plan: ' "$work/out"
    if [ "$major" = 2 ]; then
        check "${m##*/}: no fallback" grep -qE '^plan: .* 0 fallbacks' "$work/out"
        check "${m##*/}: no node on ref" [ -z "$(sed -n '/^plan:/,$p' "$work/out" | grep -E ' ref( |$)')" ]
    else
        sed -n '/^plan:/,$p' "$work/out" | grep -E '^plan:| ref( |$)' | sed "s|^|# ${m##*/}: |"
    fi
done
finish
