#!/usr/bin/env bash
# limn embed: vectors in, a map out, in every format; what is wrong is said, and nothing is left half-written.
. tests/lib/tap.sh
cd "$work" || exit 1

# rows N: N rows of 6 numbers in 3 groups, seeded; groups N: their labels
rows() { awk -v n="$1" 'BEGIN { srand(7); for (i = 0; i < n; i++) { for (c = 0; c < 6; c++) printf "%s%.5f", c ? "," : "", (i % 3 == c % 3) * 5 + rand(); print "" } }'; }
groups() { awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) print i % 3 }'; }
says() { grep -qE -- "$1" err; }
lines() { [ "$(wc -l <"$1")" = "$2" ]; }
nothing_new() { [ "$(ls)" = "$before" ]; }
ends() { [ "$code" = "$1" ]; }
# refused NAME CODE REGEX ARGS…: the call fails so, and makes no file
refused() {
    local name=$1 code_wanted=$2 regex=$3
    shift 3
    : >out && : >err
    before=$(ls)
    limn embed "$@"
    check "$name" fails "$code_wanted" "$regex"
    check "$name: no file is made" nothing_new
}

rows 90 >v.csv
groups 90 >l.csv
{ echo 'a,b,c,d,e,f'; cat v.csv; } | tr , ';' | gzip >h.csv.gz

limn embed v.csv -o m.csv --labels l.csv --picture m.svg --perplexity 10 --iterations 120
check 'a map as text' ends 0
check 'a line a vector, and a header' lines m.csv 91
check 'the header names the axes' [ "$(head -1 m.csv)" = x,y ]
check 'the KL is told' says 'KL [0-9.]+ after 120 iterations'
check 'figures are told' says 'label_accuracy \(k = 10\): 1.0000'
check 'a picture is drawn' grep -q '<svg' m.svg
check 'nothing else is left' [ "$(ls)" = "$(printf '%s\n' err h.csv.gz l.csv m.csv m.svg out v.csv)" ]
limn embed h.csv.gz -o h.csv --perplexity 10 --iterations 120 --quiet
check 'header, semicolons and gzip change nothing' cmp -s m.csv h.csv
check 'quiet says nothing' [ ! -s err ]
for t in 1 2 3 8 16; do
    limn embed v.csv -o "t$t.npy" --perplexity 10 --iterations 120 --dims 3 --threads $t --quiet
    check "the same bits with $t threads" cmp -s t1.npy "t$t.npy"
done
check 'npy has a magic' [ "$(head -c 6 t1.npy | tail -c 5)" = NUMPY ]
limn embed t1.npy -o p.csv --method pca
check 'npy is read, PCA is told' says 'PCA explains [0-9.]+ %'
check 'PCA of three dimensions to two' lines p.csv 91
limn embed v.csv -o e.csv --perplexity 10 --iterations 60 --engine exact --init random --seed 5 --json
check 'the exact engine' ends 0
check 'progress as JSON' grep -q '"map"' out
limn embed "$top/examples/mnist/t10k-labels-idx1-ubyte.gz" -o i.csv --method pca
check 'IDX of one dimension is too narrow for a map' fails 2 'needs vectors of at least as many, here are 1'

limn embed v.csv -o q.npy --perplexity 5,10 --iterations 220 --snapshots movie --snapshot-every 100 --checkpoint state --quiet
check 'several perplexities, snapshots, a checkpoint' ends 0
check 'a map every hundred iterations' [ "$(ls movie)" = "$(printf '%s\n' 000000.npy 000100.npy 000200.npy)" ]
check 'a finished map needs no checkpoint' [ ! -e state ]
limn embed v.csv -o r.npy --perplexity 5,10 --iterations 1 --early 0 --start movie/000100.npy --quiet
check 'a given start' ends 0
limn embed v.csv -o s.npy --preset scikit-learn --perplexity 10 --iterations 300 --quiet
check 'a preset' ends 0
limn embed v.csv -o s1.npy --perplexity 10 --iterations 60 --dims 1 --alpha 0.5 --init spectral --quiet
check 'one dimension, heavy tails, a spectral start' ends 0
head -40 v.csv >few.csv
head -40 l.csv >few-labels.csv
limn embed few.csv -o put.csv --into m.csv --reference v.csv --labels few-labels.csv
check 'vectors into a finished map' ends 0
check 'each has a place' lines put.csv 41
check 'and lies with its kind' says 'label_accuracy \(k = 10\): 1.0000'
rm -rf movie
refused 'a map without its vectors' 2 'goes with `--reference' v.csv -o x.npy --into m.csv
refused 'a start of another shape' 2 'a start of 40 x 2, where a map of 90 x 2' v.csv -o x.npy --start put.csv
refused 'a map of other vectors' 2 'no map of the 40 vectors' v.csv -o x.npy --into m.csv --reference few.csv
refused 'no perplexity' 2 'must be a number from 1 to 1000000, or up to 8' v.csv -o x.npy --perplexity 30,many

refused 'no such file' 2 'nowhere' nowhere.csv -o x.npy
refused 'no name for the map' 2 '-o OUT' v.csv
refused 'another ending' 2 'x\.txt: a map is written as \.npy or \.csv' v.csv -o x.txt
refused 'another ending of the picture' 2 'x\.gif: a picture is written as' v.csv -o x.npy --picture x.gif
refused 'a picture of an odd name' 2 'a;b' v.csv -o x.npy --picture 'a;b.png'
refused 'no such folder' 2 'no/x\.npy: its folder cannot be used' v.csv -o no/x.npy
refused 'no such folder of the picture' 2 'no/x\.png: its folder cannot be used' v.csv -o x.npy --picture no/x.png
refused 'the input as output' 2 'would overwrite' v.csv -o ./v.csv
refused 'perplexity too large' 2 'perplexity 89 is too large for 90 vectors: it must be below n - 1 = 89' v.csv -o x.npy --perplexity 89
head -50 l.csv >short.csv
refused 'labels fewer than vectors' 2 'short\.csv: 50 labels, where v\.csv has 90 vectors' v.csv -o x.npy --labels short.csv
printf '1,2\n3,4,5\n' >ragged.csv
refused 'a ragged table' 2 'ragged\.csv:2: 3 numbers, where the lines before have 2' ragged.csv -o x.npy
printf '1,2\n3,four\n' >word.csv
refused 'a word among numbers' 2 "word\.csv:2: field 2 is 'four'" word.csv -o x.npy
: >empty.csv
refused 'an empty file' 2 'empty\.csv: there are no numbers in it' empty.csv -o x.npy
head -c 200 t1.npy >cut.npy
refused 'a truncated npy' 2 'cut\.npy' cut.npy -o x.npy
sed '8s/^[^,]*/nan/' v.csv >nan.csv
refused 'NaN in the input' 1 'nan\.csv: vector 7 holds NaN at component 0' nan.csv -o x.npy --perplexity 10
LIMN_GNUPLOT=/nowhere/gnuplot limn embed v.csv -o g.csv --picture g.png --perplexity 10 --iterations 60
check 'gnuplot is absent' fails 1 'gnuplot'
check 'the map is there all the same' lines g.csv 91
check 'no picture, no script' eval '[ ! -e g.png ] && [ ! -e gp ]'
finish
