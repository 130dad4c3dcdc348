#!/usr/bin/env bash
# A network with several outputs: which is read, what of it is stored. What the small networks answer for the first digits is
# ONNX Runtime's word (tests/data/onnx/outputs.onnx; pictures divided by 255).
. tests/lib/tap.sh
heads=$top/tests/data/onnx/outputs.onnx
digits=$top/examples/mnist/t10k-images-idx3-ubyte.gz
cd "$work" || exit 1
ask() { "$LIMN" sql heads.db --csv "$1" | tail -n +2 | tr '\n' ' '; }
# experiment NAME MODEL: one with maps of the input gradient
experiment() {
    printf '%s\n' "name: $1" "model: $2" 'data:' "  images: $digits" '  preprocess: {scale: 1/255}' '  limit: 5' \
        'features: []' 'attribute: [{method: saliency}]' >"$1.yaml"
    limn run "$1.yaml" --db heads.db -o out.d
}

limn info "$heads"
check 'limn info lists the outputs and marks the first' \
    [ "$(sed -n '/^outputs/,/^parameters/p' out | head -3 | tr -s ' ' | tr '\n' ',')" = 'outputs digits <- this one, odd, map,' ]
limn info "$heads" --model-output odd
check 'or the one that is asked for' grep -q '^ *odd  <- this one' out
check 'and what leads to it' grep -q '^output *(1,), final activation sigmoid' out
limn info "$heads" --model-output 1 --json
check 'by its index too, in JSON' grep -q '"output_index":	1' out
limn info "$top/examples/mnist/mnist_small.h5"
check 'a network with one output has no list of them' [ "$(grep -c '^outputs' out)" = 0 ]
limn info "$heads" --model-output od
check 'an output that it has not is answered with those that it has' \
    fails 2 "outputs.onnx: the network has no output .od.; it has: .digits., .odd., .map.$"
limn info "$digits" --model-output odd
check 'a data set has no outputs' fails 2 'not a model'
for keras in heads named_heads; do
    limn info "$top/tests/data/keras/$keras.keras" --model-output 1
    check "Keras: $keras" grep -q '^output *(1,), final activation sigmoid' out
done
limn info "$top/tests/data/keras/named_heads.keras" --model-output parity
check "Keras's own names of outputs" grep -q '  <- this one' out
limn info "$top/tests/data/keras/named_heads.keras" --model-output digits
check 'a layer is no output' fails 2 'it has: .which., .parity.'

experiment which "{file: $heads}"
check 'the first output' [ "$code" = 0 ]
check 'gives ten classes' [ "$(ask 'SELECT class FROM prediction ORDER BY sample_id')" = '1 2 5 0 7 ' ]
experiment parity "{file: $heads, output: odd}"
check 'another output into the same database' [ "$code" = 0 ]
check 'is another model' [ "$(ask 'SELECT count(*), count(DISTINCT hash), count(DISTINCT path) FROM model')" = '2,2,1 ' ]
check 'the first stays what it was' [ "$(ask 'SELECT count(*) FROM prediction')" = '10 ' ]
check 'a single sigmoid answers class 1 where it is above a half, else class 0' \
    [ "$(ask 'SELECT class FROM prediction WHERE model_id = 2 ORDER BY sample_id')" = '1 0 0 0 1 ' ]
check 'with the probability of that class' \
    [ "$(ask 'SELECT round(probability, 4) FROM prediction WHERE model_id = 2 ORDER BY sample_id')" = '0.5815 0.7508 0.7757 0.7709 0.7779 ' ]
check 'and its maps are those of its only score' \
    [ "$(ask "SELECT DISTINCT target FROM map JOIN attribution USING (attribution_id) WHERE model_id = 2")" = '0 ' ]
limn run parity.yaml --db heads.db -o out.d
check 'a second run has nothing to do' grep -q 'nothing' out
experiment other "{file: $heads, output: none}"
check 'an unknown output in an experiment' fails 2 'it has: .digits., .odd., .map.'
limn attribute "$heads" "$digits" --limit 1 --model-output odd --db a.db -o a --scale 1/255
check 'limn attribute takes one as well' [ "$code" = 0 ]
finish
