#!/usr/bin/env bash
# Wrong input: one clear sentence, exit 2 before anything runs and no file made or changed; exit 1 while running, and what
# was stored stays valid and resumable.
. tests/lib/tap.sh
mnist=$top/examples/mnist
cd "$work" || exit 1
zcat "$mnist/t10k-images-idx3-ubyte.gz" | head -c $((16 + 784 * 40)) >raw40
{ printf '\0\0\10\3\0\0\0\50\0\0\0\34\0\0\0\34'; tail -c +17 raw40; } >images40
{ printf '\0\0\10\1\0\0\0\50'; zcat "$mnist/t10k-labels-idx1-ubyte.gz" | tail -c +9 | head -c 40; } >labels40

# experiment KEY=VALUE…: writes e.yaml; keys: model images labels extra features embed attribute plots
experiment() {
    local model=$mnist/mnist_small.h5 images=images40 labels=labels40 extra='' features='[fc1]'
    local embed='{name: map, of: fc1, method: tsne, perplexity: 5, iterations: 60}'
    local attribute='{name: saliency, method: saliency}' plots='{scatter: map, colour: label, format: png}' kv
    for kv in "$@"; do local "${kv%%=*}"="${kv#*=}"; done
    cat >e.yaml <<Y
name: bad
model: $model
data:
  images: $images
  labels: $labels
  preprocess: {scale: 1/255}
$extra
features: $features
embed:
  - $embed
attribute:
  - $attribute
plots:
  - $plots
Y
}
# refused NAME REGEX: limn run e.yaml ends with 2, the sentence matches, no file appears or changes
refused() {
    local before after
    before=$(find . -path ./out -prune -o -path ./err -prune -o -type f -print0 | sort -z | xargs -0 sha256sum)
    limn run e.yaml
    after=$(find . -path ./out -prune -o -path ./err -prune -o -type f -print0 | sort -z | xargs -0 sha256sum)
    check "$1" fails 2 "$2"
    check "$1: nothing made or changed" [ "$before" = "$after" ] 
}

# ---- the model
experiment model=absent.h5; refused 'model missing' 'absent\.h5.*(no such file|does not exist|missing)|[Nn]o such file.*absent\.h5'
: >empty.h5; experiment model=empty.h5; refused 'model empty' 'empty\.h5.*empty'
echo 'this is not a model, it is a poem' >text.h5; experiment model=text.h5; refused 'text instead of HDF5' 'text\.h5'
size=$(stat -c %s "$mnist/mnist_small.h5")
bad=0
for i in $(seq 1 50); do
    cut=$((size * i / 51))
    head -c $cut "$mnist/mnist_small.h5" >cut.h5
    limn info cut.h5
    fails 2 'cut\.h5' || { bad=$((bad + 1)); echo "# truncated at $cut: exit $code, $(cat err)"; }
done
check 'model truncated at 50 places' [ $bad = 0 ]
if [ -d "$top/../shared/models" ]; then
    experiment model="$top/../shared/models/keras1_tf_weights.h5"; refused 'weights-only HDF5' 'keras1_tf_weights\.h5.*(weights|config)'
else skip 'weights-only HDF5' '../shared is absent'; fi
echo '{"class_name": "Sequential", "config": [{"class_name": "Dense", "config": {"name": "fc2", "units": 10, "batch_input_shape": [null, 32]}}]}' >vector.json
experiment model="{config: vector.json, weights: $mnist/mnist_small.h5}" features='[fc2]' embed='{name: map, of: fc2, method: pca}'
refused 'a model of vectors' 'vector\.json: the model.s input is no picture'
sed 's/MaxPooling2D/MaxSwimming2/g' "$mnist/mnist_small.h5" >odd.h5; experiment model=odd.h5
refused 'unknown layer type' 'pool1.*MaxSwimming2.*Conv2D'

# ---- the data
{ printf 'XX'; tail -c +3 images40; } >i; experiment images=i; refused 'IDX with a wrong magic' "\bi\b"
{ printf '\0\0\10\3\0\0\0\51'; tail -c +9 images40; } >i; experiment images=i; refused 'IDX with a wrong count' '\bi\b.*(41|short|bytes)'
head -c 20000 images40 >i; experiment images=i; refused 'IDX with a short body' '\bi\b'
{ cat images40; printf 'xx'; } >i; experiment images=i; refused 'IDX with trailing bytes' '\bi\b'
{ printf '\0\0\10\1\0\0\0\47'; tail -c +9 labels40 | head -c 39; } >l; experiment labels=l; refused 'fewer labels than images' '39.*40|40.*39'
{ printf '\0\0\10\3\0\0\0\50\0\0\0\20\0\0\0\61'; tail -c +17 images40; } >i; experiment images=i
refused 'image size differs from the model input' '16.*49.*28|28.*16.*49'
experiment images=absent.idx; refused 'images missing' 'absent\.idx'

# ---- the experiment file
experiment extra='tarmac: 1'; refused 'unknown key' 'e\.yaml:[0-9]+:.*tarmac'
experiment extra='sede: 1'; refused 'unknown key, nearest name' 'e\.yaml:[0-9]+:.*sede.*seed'
experiment attribute='{name: s, method: salience}'; refused 'unknown method' 'e\.yaml:[0-9]+:.*salience.*saliency'
experiment attribute='{name: s, method: saliency, grad_modifier: absolut}'; refused 'unknown option value' 'e\.yaml:[0-9]+:.*absolut.*absolute'
experiment embed='{name: map, of: fc1, perplexty: 3}'; refused 'unknown option' 'e\.yaml:[0-9]+:.*perplexty.*perplexity'
experiment features='[fc7]' embed='{name: map, of: fc7, perplexity: 5}'; refused 'unknown layer' 'e\.yaml:[0-9]+:.*fc7.*fc1'
experiment attribute='{name: c, method: gradcam, layer: conv9}'; refused 'unknown CAM layer' 'e\.yaml:[0-9]+:.*conv9.*conv3'
experiment embed='{name: map, of: fc1, perplexity: 50}'; refused 'perplexity too large for n' 'perplexity.*50.*40|40.*perplexity.*50'
experiment extra='name: twice'; refused 'a key twice' 'e\.yaml:[0-9]+:.*name'
experiment attribute='{name: ../../x, method: saliency}'; refused 'a name that leaves the folder' 'e\.yaml:[0-9]+:.*\.\./\.\./x'
sed -i 's|^name: .*|name: ../../x|' e.yaml; refused 'an experiment name that leaves the folder' 'e\.yaml:[0-9]+:.*\.\./\.\./x'
experiment attribute='{name: s, method: saliency, target: 10}'; refused 'a class that the model lacks' 'e\.yaml:[0-9]+:.*10'
experiment extra='store_images: false' plots='{heatmaps: [input, saliency], format: png}'; refused 'inputs drawn that are not kept' 'e\.yaml:[0-9]+:.*input.*store_images'
rm -f e.yaml; refused 'experiment file missing' 'e\.yaml'

# ---- the database
experiment
echo 'not a database at all' >bad.db; refused 'a database that is not SQLite' 'bad\.db'
rm bad.db; sqlite3 bad.db 'CREATE TABLE t(x)'; refused 'a database that is not ours' 'bad\.db'
rm bad.db
limn run e.yaml
check 'the base experiment runs' [ "$code" = 0 ]
cp bad.db good.db
sqlite3 bad.db 'PRAGMA user_version = 9999'; refused 'a database of a newer version' 'bad\.db.*(newer|version)'
cp good.db bad.db
for out in '' bad.db bad.db/x e.yaml new new/in; do
    limn run e.yaml --out "$out" --db "$([ "${out%%/*}" = new ] && echo new || echo bad.db)" --fresh
    check "output folder \`$out\`" fails 2 'output folder|is not a folder'
done
check 'nothing made' [ ! -e new ]
mkdir -p "$work/ro" && mount -t tmpfs -o size=1m none "$work/ro" 2>/dev/null && mount -o remount,ro "$work/ro" 2>/dev/null
if mountpoint -q "$work/ro"; then
    limn run e.yaml --out ro/pictures --fresh
    check 'output folder on a read-only mount' fails 2 'ro/pictures|ro'
    limn run e.yaml --db ro/x.db
    check 'database on a read-only mount' fails 2 'ro/x\.db|ro'
    umount "$work/ro"
else skip 'read-only mount' 'no right to mount'; fi

# ---- while running
rm -rf bad.db bad
python3 - <<'P' 2>/dev/null || perl -e 'print "\x93NUMPY\x01\x00v\x00", sprintf("%-117s\n", "{\x27descr\x27: \x27<f4\x27, \x27fortran_order\x27: False, \x27shape\x27: (40, 28, 28), }"), pack("f<*", map { $_ == 784*30 ? 9**9**9/9**9**9 : 0.5 } 0..(784*40-1))' >nan.npy
import struct
h = "{'descr': '<f4', 'fortran_order': False, 'shape': (40, 28, 28), }".ljust(117) + "\n"
open("nan.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(h)) + h.encode() + struct.pack("<%df" % (784 * 40), *[float("nan") if i == 784 * 30 else .5 for i in range(784 * 40)]))
P
experiment images=nan.npy; limn run e.yaml
check 'NaN in the input' fails 1 'nan\.npy.*30|30.*nan\.npy|sample 30'
check 'NaN in the input: the database is valid' [ "$(sqlite3 bad.db 'PRAGMA integrity_check' 2>&1)" = ok ]
rm -rf bad.db bad
experiment
LIMN_GNUPLOT=/nonexistent/gnuplot; export LIMN_GNUPLOT; limn run e.yaml
check 'gnuplot absent' fails 1 'gnuplot'
printf '#!/bin/sh\necho "plot exploded" >&2; exit 3\n' >fakeplot; chmod +x fakeplot
LIMN_GNUPLOT=$work/fakeplot limn run e.yaml
check 'gnuplot failing' fails 1 'gnuplot.*exploded|exploded'
check 'gnuplot failing: no picture' [ -z "$(find bad -name '*.png' 2>/dev/null)" ]
unset LIMN_GNUPLOT
limn run e.yaml
check 'then it resumes' [ "$code" = 0 ]
check 'and draws the picture' [ -n "$(find bad -name '*.png')" ]
check 'with the digest of an undisturbed run' [ "$("$LIMN" digest bad.db)" = "$("$LIMN" digest good.db)" ]

# ---- class names are data
touch_me=$work/touched
classes=$(printf '["`touch %s`", "system(\\"touch %s\\")", "\\"; rm", "{/Symbol a}", "<script>", "it'"'"'s", "@x", "%%s", "a\\nsystem('"'"'touch %s'"'"')", "%s"]' \
    "$touch_me" "$touch_me" "$touch_me" "$(head -c 10000 /dev/zero | tr '\0' w)")
experiment plots='{scatter: map, colour: label, format: [png, svg, pdf]}'
sed -i "/^  preprocess/i\\  classes: PLACEHOLDER" e.yaml
CLASSES=$classes awk '/PLACEHOLDER/ { print "  classes: " ENVIRON["CLASSES"]; next } { print }' e.yaml >e2.yaml && mv e2.yaml e.yaml
rm -rf bad.db bad
limn run e.yaml
check 'hostile class names: the run ends well' [ "$code" = 0 ]
check 'hostile class names: nothing was executed' [ ! -e "$touch_me" ]
check 'hostile class names: three pictures' [ "$(find bad -maxdepth 1 \( -name '*.png' -o -name '*.svg' -o -name '*.pdf' \) | wc -l)" = 3 ]
check 'hostile class names: stored as they are' [ "$("$LIMN" sql bad.db --csv "SELECT count(*) FROM class WHERE name LIKE '%touch%'" | tail -1)" = 3 ]
printf 'name: bad\nmodel: x\ndata:\n  images: i\n  classes: ["\xff\xfe"]\n' >e.yaml
limn run e.yaml
check 'a class name that is not UTF-8' fails 2 'e\.yaml'
finish
