#!/usr/bin/env bash
# The same pictures in folders, in every kind of tar and in a list give the same results; resized, they fit any network.
. tests/lib/tap.sh
cd "$work" || exit 1
says() { grep -qE -- "$1" out; }

long=a_folder_whose_name_is_so_long_that_a_path_through_it_needs/what_ustar_calls_a_prefix_and_what_gnu_calls_L
for i in 1 2 3 4 5 6; do
    class=$([ $((i % 2)) = 0 ] && echo even || echo odd)
    mkdir -p "set/$class/$long"
    awk -v i=$i 'BEGIN { print "P2 28 28 255"; for (k = 0; k < 784; k++) print (k * i * 7 + int(k / 28) * 31) % 256 }' \
        >"set/$class/$long/$i.pgm"
    echo "set/$class/$long/$i.pgm,$class"
done | sort >list.csv
for kind in gnu pax ustar; do tar --format=$kind -cf $kind.tar set; done
mkdir v7 && cp -r set/odd/"$long" v7/odd && cp -r set/even/"$long" v7/even # its names are short
tar --format=v7 -cf v7.tar v7
tar -czf gnu.tar.gz set

experiment() { # NAME IMAGES
    printf '%s\n' "name: $1" "model: $top/examples/mnist/mnist_small.h5" 'data:' "  images: $2" \
        '  preprocess: {scale: 1/255}' 'features: [fc1]' 'attribute: [{name: sal, method: saliency, target: label}]' >"$1.yaml"
}
first=
for images in set gnu.tar pax.tar ustar.tar v7.tar gnu.tar.gz list.csv; do
    experiment x "$images"
    rm -f x.db
    limn run x.yaml --quiet
    check "$images: runs" [ "$code" = 0 ]
    digest=$("$LIMN" digest x.db)
    first=${first:-$digest}
    check "$images: the same digest" [ "$digest" = "$first" ]
done
limn info list.csv
check 'a list has its classes' says 'even'
limn info gnu.tar.gz
check 'a tar is described' says 'tar \(gzip\) of PNM'

awk 'BEGIN { print "P2 40 30 255"; for (k = 0; k < 1200; k++) print k % 256 }' >set/odd/large.pgm
experiment x set
limn run x.yaml --fresh
check 'another size is refused, and what helps is named' fails 2 'large.pgm.*preprocess: \{resize'
sed -i 's/preprocess: .*/preprocess: {resize: input, scale: 1\/255}/' x.yaml
limn run x.yaml --fresh --quiet
check 'resized, they are one set' [ "$code" = 0 ]
sed -i 's/preprocess: .*/preprocess: {preset: torchvison}/' x.yaml
limn run x.yaml
check 'a preset unknown' fails 2 'unknown preset .torchvison. \(did you mean .torchvision'
finish
