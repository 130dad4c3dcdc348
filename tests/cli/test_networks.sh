#!/usr/bin/env bash
# Networks that others trained, from the file to the database: the README of ../shared/models says what they predict.
. tests/lib/tap.sh
models=$top/../shared/models images=$top/../shared/images
if [ ! -d "$models" ] || [ ! -d "$images" ]; then
    skip 'networks of others' '../shared is absent'
    finish
fi
cd "$work" || exit 1
ask() { "$LIMN" sql "$1" --csv "$2" | tail -n +2 | tr '\n' ' '; }
# attribute NAME MODEL IMAGE OPTIONS…
attribute() {
    name=$1 model=$2 image=$3
    shift 3
    limn attribute "$models/$model" "$image" --db "$name.db" -o "$name" "$@"
}

attribute kitten imagenet_mobilenet_v1_025_224.h5 "$images/kitten_224.png" --scale 1/127.5 --mean 1
check 'MobileNet explains a picture' [ "$code" = 0 ]
check 'a kitten is a tabby' [ "$(ask kitten.db 'SELECT class, round(probability, 3) FROM prediction')" = '281,0.735 ' ]

attribute one malaria_functional.h5 "$images/kitten_224.png" --scale 1/255
check 'a network with one sigmoid explains a picture' [ "$code" = 0 ]
check 'its answer is class 0, by one minus the sigmoid of its score' \
    [ "$(ask one.db 'SELECT class, probability > 0.9996 AND probability < 0.9997 FROM prediction')" = '0,1 ' ]
limn info "$models/malaria_functional.h5"
check 'limn info names it' grep -q 'final activation sigmoid' out

digits=$top/../shared/data/mnist/t10k-images-idx3-ubyte.gz
attribute theano keras1_th_config.json "$digits" --weights "$models/keras1_th_weights.h5" --limit 3 --scale 1/255
check 'Keras 1 as configuration and weights' [ "$code" = 0 ]
check 'reads digits' [ "$(ask theano.db 'SELECT class FROM prediction ORDER BY sample_id')" = '7 2 1 ' ]
limn info "$models/keras1_th_weights.h5"
check 'weights alone are refused' fails 2 'weights only, .*config: X.json, weights: Y.h5'
finish
