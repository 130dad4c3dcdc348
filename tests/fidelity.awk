# Records (tests/lib/record.h) -> the tables of docs/fidelity.md.
function program(file) {
    if (file ~ /^kerasvis|^origin/) return "keras-vis 0.5.0"
    if (file ~ /^tfkerasvis/) return "tf-keras-vis 0.8.7"
    if (file ~ /^captum/) return "Captum 0.9.0"
    if (file ~ /^gradcam/) return "pytorch-grad-cam 1.5.7"
    if (file ~ /^zennit/) return "Zennit 0.5.1"
    if (file ~ /^quantus/) return "Quantus 0.6.0"
    if (file ~ /hdf5$/) return "iNNvestigate 10e4fc4e"
    if (file ~ /keras311/) return "Keras 3.15.1"
    if (file ~ /^net_|^keras_/) return "tf_keras 2.21.0"
    return file
}
function shown(file) {
    if (file ~ /hdf5$/) return "innvestigate/*.hdf5"
    return file
}
function section(file) {
    if (file ~ /^net_/) return 2
    if (file ~ /hdf5$/) return 3
    return file ~ /npz$/ ? 1 : 4
}
$2 == "formula" { next }
$1 == "input" {
    if ($4 ~ /^not compared/ && !(($2, $3) in noted)) { noted[$2, $3] = 1; left[++n_left] = "`" $2 "` " $3 ": " substr($4, 15) }
    next
}
{
    file = shown($2); p = program($2); named = $9 != ""
    # one row an analyzer of iNNvestigate's, of six layers
    row = $2 ~ /hdf5$/ ? $2 SUBSEP $4 : $2 SUBSEP $3 SUBSEP $4
    if (!(row in maps)) {
        order[++n] = row; of[row] = $2; name[row] = $2 ~ /hdf5$/ ? substr($2, 1, length($2) - 5) : $3
        what[row] = $4; limit[row] = $8; cause[row] = $9
    }
    maps[row] += $5; passed[row] += $6
    if ($7 + 0 >= worst[row] + 0) worst[row] = $7
    key = p SUBSEP file
    if (!(key in all)) files[++n_files] = key
    all[key] += $5; good[key] += $6; arrays[key]++
    if (named) { wide[key] += $5; wide_good[key] += $6 }
    if ((!named && $7 + 0 > most[key] + 0) || most[key] == "") most[key] = named ? "0.0e+00" : $7
}
END {
    split("The example network's arrays|Real networks, by Keras|iNNvestigate's analyzers, of 6 layers with 8 inputs each|EfficientNet-Lite0 and pictures, beside the programs themselves", title, "|")
    print "\n## Files\n\n| program | file | arrays | maps | passed | worst of these | maps of named arrays | of these passed |\n|---|---|---|---|---|---|---|---|"
    for (i = 1; i <= n_files; i++) {
        k = files[i]; split(k, part, SUBSEP)
        printf "| %s | `%s` | %d | %d | %d | %s | %s | %s |\n", part[1], part[2], arrays[k], all[k] - wide[k], good[k] - wide_good[k], most[k], wide[k] + 0 ? wide[k] : "–", wide[k] + 0 ? wide_good[k] : "–"
        total += all[k]; ok += good[k]; named_total += wide[k]; named_ok += wide_good[k]; count += arrays[k]
    }
    for (s = 1; s <= 4; s++) {
        head = 0
        for (i = 1; i <= n; i++) {
            r = order[i]
            if (section(of[r]) != s) continue
            if (!head++) printf "\n## %s\n\n| program | array | limn | maps | passed | worst | limit |\n|---|---|---|---|---|---|---|\n", title[s]
            mark = ""
            if (cause[r] != "") {
                if (!(cause[r] in number)) { number[cause[r]] = ++n_causes; causes[n_causes] = cause[r] }
                mark = " (" number[cause[r]] ")"
            }
            printf "| %s | `%s` | %s | %d | %d | %s%s | %s |\n", program(of[r]), s == 2 ? substr(of[r], 5, length(of[r]) - 8) " " name[r] : name[r], what[r], maps[r], passed[r], worst[r], mark, limit[r]
        }
    }
    print "\n## Wider than the limit, and why\n"
    for (i = 1; i <= n_causes; i++) printf "%d. %s.\n", i, causes[i]
    print "\n## Not compared\n"
    for (i = 1; i <= n_left; i++) print "- " left[i]
    printf "\n## Counts\n\n%d comparisons, %d maps: %d passed, %d did not, all of these in the arrays named above (%d maps, %d passed).\n", count, total, ok, total - ok, named_total, named_ok
}
