#!/usr/bin/env bash
# SIGKILL at 30 seeded random moments of a small demo, each resumed to the digest of an undisturbed run. (make torture: more.)
. tests/lib/tap.sh
. tests/lib/kill.sh
cd "$work" || exit 1
SAMPLES=${SAMPLES:-300} kills "${KILLS:-30}" "${SEED:-1}"
finish
