#!/usr/bin/env bash
# limn embed and databases: a layer's vectors in, maps into one (of a layer, of a file's vectors), maps of one as a start; and
# maps of several seeds.
. tests/lib/tap.sh
cd "$work" || exit 1
rows() { awk -v n="$1" 'BEGIN { srand(7); for (i = 0; i < n; i++) { for (c = 0; c < 6; c++) printf "%s%.5f", c ? "," : "", (i % 3 == c % 3) * 5 + rand(); print "" } }'; }
ask() { "$LIMN" sql "$1" "$2" --csv | tail -n +2 | tr '\n' ' ' | sed 's/ $//'; }
lines() { [ "$(wc -l <"$1")" = "$2" ]; }
refused() {
    local name=$1 regex=$2
    shift 2
    before=$(find . | sort)
    limn embed "$@"
    check "$name" fails 2 "$regex"
    check "$name: nothing is made" [ "$(find . | sort)" = "$before" ]
}
{ small m 90; echo 'embed: [{name: map, perplexity: 10, iterations: 120}]'; } >m.yaml
limn run m.yaml --quiet
check 'a database' [ "$code" = 0 ]
"$LIMN" sql m.db 'SELECT x, y FROM point JOIN sample USING (sample_id) ORDER BY idx' --csv >want.csv

# ---- a layer in
limn embed m.db:fc1 -o layer.csv --perplexity 10 --iterations 120 --picture layer.svg
check 'a layer of a database' [ "$code" = 0 ]
check 'the map that the run made' [ "$(tail -n +2 layer.csv | awk -F, '{ printf "%.4f %.4f\n", $1, $2 }')" = "$(tail -n +2 want.csv | awk -F, '{ printf "%.4f %.4f\n", $1, $2 }')" ]
check 'its labels come along' grep -q 'label_accuracy' err
limn embed m.db --layer fc1 -o layer2.csv --perplexity 10 --iterations 120 --quiet
check '--layer says the same' cmp -s layer.csv layer2.csv
limn embed m.db -o layer3.csv --perplexity 10 --iterations 120 --quiet
check 'the only layer needs no name' cmp -s layer.csv layer3.csv
refused 'no such layer' 'm\.db: there is no layer .* `fc9` in it; there are: fc1' m.db:fc9 -o x.npy
refused 'no such map' 'm\.db: there is no map `other` in it; there are: map' m.db:fc1 -o x.npy --start m.db:other

# ---- a map into the layer's database
limn embed m.db:fc1 -o m.db:again --perplexity 10 --iterations 120
check 'a map into the database' [ "$code" = 0 ]
check 'which has it: it is said' grep -q '1 of 1 maps was there already' err
check 'under both names' [ "$(ask m.db 'SELECT count(*), count(DISTINCT embedding_id) FROM result WHERE embedding_id IS NOT NULL')" = '2,1' ]
limn embed m.db:fc1 -o m.db:wide --perplexity 20 --iterations 120 --seeds 3,8 --quiet
check 'maps of two seeds into the database' [ "$code" = 0 ]
check 'with their agreement' [ "$(ask m.db "SELECT count(*), min(name || other_name || (SELECT count(*) FROM overlap)) FROM v_comparison")" = '2,wide.8wide90' ]
limn digest m.db --check
check 'the digest is that of the last run' [ "$code" = 0 ]
limn run m.yaml --quiet
check 'the experiment still runs, and has nothing to do' [ "$code" = 0 ]
limn plot m.db -o figs scatter=map colour=label format=png
check 'its figures are drawn again' [ -s figs/map-label.png ]
limn embed m.db:fc1 -o m.db:warm --perplexity 10 --iterations 60 --early 0 --start m.db:map --quiet
check 'a stored map as the start' [ "$code" = 0 ]
check 'and as a part of what the map is' [ "$(ask m.db "SELECT count(*) FROM embedding WHERE json_extract(options, '$.start') IS NOT NULL")" = 1 ]
cat >w.yaml <<Y
$(small m 90)
embed:
  - {name: map, perplexity: 10, iterations: 120}
  - {name: warm, perplexity: 10, iterations: 60, early: 0, start: map}
Y
limn run w.yaml --db m.db --quiet
check 'the experiment file says the same with `start`' [ "$code$(ask m.db "SELECT count(*) FROM embedding WHERE json_extract(options, '$.start') IS NOT NULL")" = 01 ]
limn run w.yaml --db w.db --quiet
check 'and gets the same map' [ "$(ask m.db "SELECT x, y FROM v_point WHERE name = 'warm' ORDER BY idx")" = "$(ask w.db "SELECT x, y FROM v_point WHERE name = 'warm' ORDER BY idx")" ]

# ---- vectors of a file into a database
rows 60 >v.csv
awk 'BEGIN { for (i = 0; i < 60; i++) print i % 3 }' >l.csv
limn embed v.csv -o v.db --labels l.csv --perplexity 10 --iterations 120
check 'vectors of a file into a new database' [ "$code" = 0 ]
limn embed v.csv -o v.csv.csv --perplexity 10 --iterations 120 --quiet
check 'the same map as in a file' [ "$(ask v.db "SELECT round(x, 3) || ' ' || round(y, 3) FROM v_point WHERE name = 'map' AND idx = 41")" = "$(sed -n 43p v.csv.csv | awk -F, '{ printf "%.3f %.3f", $1, $2 }' | sed 's/0* / /; s/0*$//')" ]
check 'labels, vectors, figures are there' [ "$(ask v.db "SELECT (SELECT count(*) FROM sample WHERE label IS NOT NULL), (SELECT length(vector) FROM feature LIMIT 1), (SELECT value > 0.9 FROM quality WHERE metric = 'label_accuracy')")" = '60,24,1' ]
limn embed v.csv -o v.db:pca --labels l.csv --method pca --quiet
check 'a second map of the same vectors' [ "$(ask v.db 'SELECT (SELECT count(*) FROM sample), (SELECT count(*) FROM embedding)')" = '60,2' ]
limn embed v.db:vectors -o back.csv --perplexity 10 --iterations 120 --quiet
check 'and out of it again' cmp -s back.csv v.csv.csv
cp v.db copy.db
refused 'a layer into another database' 'copy\.db.*goes into the database that the layer is in, m\.db' m.db:fc1 -o copy.db
refused 'a name that is none' 'a map.s name is a letter' v.csv -o 'v.db:a b'
echo text >text.db
refused 'what is no database' 'text\.db' v.csv -o text.db

# ---- several seeds
limn embed v.csv -o s.csv --perplexity 10 --iterations 120 --seeds 1,5,9 --overlap share.csv --init random
check 'a map a seed' lines s.csv 61
check 'named by their seeds' [ "$(ls s*.csv)" = "$(printf '%s\n' s.5.csv s.9.csv s.csv share.csv)" ]
check 'how far they agree is told' grep -qE '3 maps share [0-9.]+ % of a vector.s 10 neighbours \(least [0-9.]+ %\); Procrustes [0-9.]+' err
limn embed v.csv -o s5.csv --perplexity 10 --iterations 120 --seed 5 --init random --quiet
check 'each is the map of its seed' cmp -s s5.csv s.5.csv
check 'a share a vector' [ "$(head -1 share.csv) $(wc -l <share.csv) $(awk -F, 'NR > 1 && ($1 < 0 || $1 > 1)' share.csv | wc -l)" = 'overlap 61 0' ]
refused 'a seed twice' 'the seed 5 is given twice' v.csv -o x.csv --seeds 5,1,5
refused 'seeds of PCA' 'several seeds are for t-SNE' v.csv -o x.csv --seeds 1,2 --method pca
refused 'a seed that is none' 'must be whole numbers from 0' v.csv -o x.csv --seeds 1,-2
refused 'an overlap of one map' 'several seeds are needed' v.csv -o x.csv --overlap y.csv
finish
