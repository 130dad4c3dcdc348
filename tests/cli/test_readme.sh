#!/usr/bin/env bash
# Every query of README.md and docs/sql.md runs on the demo's database and returns rows.
. tests/lib/tap.sh
limit=
[ -z "${SANITIZED:-}" ] || limit='--limit 600'
# shellcheck disable=SC2086
limn run examples/mnist/experiment.yaml --db "$work/mnist.db" --out "$work/mnist" $limit --quiet
check 'the demo runs' [ "$code" = 0 ]
for f in README.md docs/sql.md; do
    grep -q '^```sql' $f 2>/dev/null || { check "$f has queries" false; continue; }
    bash tests/readme.sh check $f "$work/mnist.db" || tap_bad=1
done
exit $tap_bad
