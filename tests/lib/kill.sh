# shellcheck shell=bash disable=SC2154,SC2034
# kills COUNT SEED: runs an experiment, kills it (SIGKILL) at COUNT seeded random moments, resumes each, and compares the
# digest with that of an undisturbed run. Expects tap.sh; prints one check a kill.
kills() {
    local count=$1 seed=$2 whole start took want i delay
    small k "${SAMPLES:-1000}" >k.yaml
    cat >>k.yaml <<Y
embed:
  - {name: map, of: fc1, method: tsne, iterations: 150}
attribute:
  - {name: saliency, method: saliency}
  - {name: guided, method: guided}
  - {name: cam, method: gradcam}
plots:
  - {scatter: map, colour: label, format: [png, svg]}
  - {heatmaps: [input, saliency, cam], per_class: 1, format: png}
Y
    start=$(date +%s%N)
    limn run k.yaml
    took=$((($(date +%s%N) - start) / 1000000))
    want=$("$LIMN" digest k.db)
    check "undisturbed run (${took} ms)" [ "$code" = 0 ]
    RANDOM=$seed
    for i in $(seq 1 "$count"); do
        rm -rf k.db k.db-wal k.db-shm k
        delay=$(((RANDOM * 32768 + RANDOM) % took))
        "$LIMN" run k.yaml >/dev/null 2>&1 &
        whole=$!
        sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
        kill -KILL $whole 2>/dev/null
        wait $whole 2>/dev/null
        limn run k.yaml
        check "killed after $delay ms, resumed (kill $i, seed $seed)" \
            [ "$code $(sqlite3 k.db 'PRAGMA integrity_check' 2>&1) $("$LIMN" digest k.db)" = "0 ok $want" ]
        check "kill $i: no half-written picture" [ -z "$(find k -name '*.part*' -o -size 0 2>/dev/null)" ]
    done
}
