#!/usr/bin/env bash
# Arrays by name: the same pictures as MATLAB, npz, HDF5 and CSV give the same results; what a file holds is listed.
. tests/lib/tap.sh
data=$top/tests/data/mat
cd "$work" || exit 1
says() { grep -qE -- "$1" out; }

# experiment NAME IMAGES [LABELS]
experiment() {
    printf '%s\n' "name: $1" "model: $top/examples/mnist/mnist_small.h5" 'data:' "  images: $2" ${3:+"  labels: $3"} \
        '  preprocess: {scale: 1/255}' 'features: [fc1]' 'attribute: [{name: sal, method: saliency, target: label}]' >"$1.yaml"
}
experiment mat "$data/digits.mat:XTest"
experiment npz "$data/digits.npz:x_test"
experiment h5 "$data/digits.h5:/test/images" ":/test/labels"
experiment csv "$data/digits.csv" :0
experiment mixed "$data/digits.h5:test/images" "$data/digits.npz:y_test"
first=
for kind in mat npz h5 csv mixed; do
    limn run $kind.yaml --quiet
    check "$kind: runs" [ "$code" = 0 ]
    digest=$("$LIMN" digest $kind.db)
    first=${first:-$digest}
    check "$kind: the same digest" [ "$digest" = "$first" ]
done
check 'labels are there' [ "$("$LIMN" sql mat.db --csv 'SELECT group_concat(label) FROM sample' | tail -1)" = '"0,1,2,0,1,2,0,1,2,0,1,2"' ]

limn info "$data/digits.npz"
check 'members are listed' says '^  x_test +uint8 +\(12, 28, 28\)$'
limn info --json "$data/arrays.h5"
check 'members as JSON' says '"shape":	\[3, 4, 5, 3\]'
limn info "$data/digits.mat"
check 'the only pictures are described' says '^shape +1 x 28 x 28'
limn info "$data/digits.npz:y_test"
check 'an array by its type' says '^npz, int64, shape \(12\)$'
limn info "$data/network.mat:net"
check 'a network object of MATLAB' fails 2 "exportONNXNetwork\(net, 'net.onnx'\)"
experiment net "$data/network.mat:after"
sed -i "s|^model:.*|model: $data/network.mat|" net.yaml
limn run net.yaml
check 'and as a model' fails 2 "network.mat: a MATLAB file.*exportONNXNetwork"
experiment wrong "$data/digits.npz:x_tset"
limn run wrong.yaml
check 'a wrong name: those that are there' fails 2 "no 'x_tset' in this npz file; it has: x_train \(2, 28, 28\)"
experiment none "$data/digits.npz"
limn run none.yaml
check 'no name' fails 2 'which of its arrays are the pictures must be said'
experiment idx "$top/examples/mnist/t10k-images-idx3-ubyte.gz" :labels
limn run idx.yaml
check 'a file without members' fails 2 "labels is ':labels', but such a file has no members"

limn embed "$data/digits.h5:/test/images" -o a.csv --perplexity 3 --iterations 100 --quiet
check 'vectors of an HDF5 file' [ "$code" = 0 ]
limn embed "$data/digits.npz:x_test" -o b.csv --perplexity 3 --iterations 100 --quiet --labels "$data/digits.mat:YTest"
check 'the same of an npz' cmp -s a.csv b.csv
finish
