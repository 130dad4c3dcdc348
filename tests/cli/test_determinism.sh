#!/usr/bin/env bash
# The same digest at 1, 2, 3, 8 and 16 threads (more than the cores, on purpose), for AVX-512 and for AVX2.
. tests/lib/tap.sh
cd "$work" || exit 1
small d "${SAMPLES:-500}" >e.yaml
cat >>e.yaml <<Y
embed:
  - {name: map, of: fc1, method: tsne, iterations: 300}
attribute:
  - {name: saliency, method: saliency}
  - {name: guided, method: guided}
  - {name: cam, method: gradcam}
  - {name: kv, method: gradcam, flavour: keras-vis}
plots: []
Y
for isa in default AVX2; do
    first=
    for t in 1 2 3 8 16; do
        [ $isa = default ] || export DNNL_MAX_CPU_ISA=$isa
        rm -rf d.db d
        limn run e.yaml --threads $t
        digest=$("$LIMN" digest d.db)
        [ -n "$first" ] || first=$digest
        check "$isa, $t threads: the same digest" [ "$code$digest" = "0$first" ]
    done
done
finish
