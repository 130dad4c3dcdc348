#!/usr/bin/env bash
# limn attribute: maps without an experiment file. limn plot: figures again, from anywhere, also of a file that nobody may write.
. tests/lib/tap.sh
mnist=$top/examples/mnist
cd "$work" || exit 1
ask() { "$LIMN" sql "$1" --csv "$2" | tail -n +2 | tr '\n' ' '; }

# ---- attribute
odd="it's \"a\" picture, #1 {x}: [y] & -z.png"
cp "$mnist/x_train_1.png" "$odd"
limn attribute "$mnist/mnist_small.h5" "$odd" --scale 1/255 --mean '[.1]' --std 2 --db one.db -o one --quiet
check 'scale, mean and std together; a picture with an odd name' [ "$code" = 0 ]
check 'are what the data set says' [ "$(ask one.db "SELECT options ->> '$.preprocess.std[0]', source FROM dataset JOIN sample USING (dataset_id)" | grep -c '^2,.*a.*#1 {x}')" = 1 ]
limn attribute "$mnist/mnist_small.h5" "$mnist/x_train_1.png" --method saliency --channels keep --target '{contrast: [4, 9]}' \
    --output fc2 --grad-modifier none --palette jet --set format=png --set overlay=true --set rows=3 --set name=n --set seed=7 --db two.db -o two
check 'every kind of option' [ "$code$(ask two.db 'SELECT experiment, target, contrast FROM run, map')" = '0n,4,9 ' ]
check 'its figure' [ -s two/maps.png ]
limn attribute "$mnist/mnist_small.h5" "$mnist/x_train_1.png" --target '3, method: gradcam' --db three.db
check 'a value is no door to other keys' fails 2 'target|YAML'
check 'and nothing is made' [ ! -e three.db ]

# ---- plot: an experiment written as one line of JSON; from another folder; nothing may be written but the folder of figures
printf '{"name": "flow", "model": "%s/mnist_small.h5", "data": {"images": "%s/x_train_1.png"}, "features": ["fc1"],
"attribute": [{"name": "s", "method": "saliency", "target": 3}], "plots": [{"picture": "s", "name": "p"}]}\n' "$mnist" "$mnist" >flow.yaml
limn run flow.yaml
mkdir ro away && mv flow.db ro/ && chmod a-w ro ro/flow.db && rm flow.yaml
cd away || exit 1
limn plot ../ro/flow.db -o again
check 'figures again, from another folder' [ "$code" = 0 ]
check 'the same' cmp -s again/p.png ../flow/p.png
limn plot ../ro/flow.db 'heatmaps=[input, s]' select=first format=png name=grid -o again
check 'a figure by keys' [ "$code $(ls again)" = '0 gp
grid.png
p.png' ]
limn plot ../ro/flow.db picture=q -o again
check 'a name that is not there' fails 2 'q.*not in .attribute'
limn plot ../ro/flow.db --sql "SELECT idx, class, 'it''s \`date\`: @x' AS word FROM v_sample" format=png -o again
check 'the points of a query' [ "$code$(find again -name query.png)" = 0again/query.png ]
limn plot ../ro/flow.db bars=query format=png --sql 'SELECT class, probability AS "p: [x" FROM v_sample' -o again
check 'the bars of a query' [ "$code$(find again -name bars.png)" = 0again/bars.png ]
limn plot ../ro/flow.db 'heatmaps=[input, s]' format=png name=asked --sql 'SELECT sample_id FROM sample' -o again
check 'the grid of a query' [ "$code$(find again -name asked.png)" = 0again/asked.png ]
limn plot ../ro/flow.db matrix=confusion format=png -o again
check 'without labels no confusion' fails 2 'confusion.*nothing to draw'
limn plot ../ro/flow.db --sql 'DELETE FROM sample' -o again
check 'a query that writes is refused' fails 2 'only read'
check 'the database is as it was' [ "$(ls ../ro)" = flow.db ]
finish
