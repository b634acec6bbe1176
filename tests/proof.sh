#!/usr/bin/env bash
# What CI does for minutes, for hours: fuzzing, the faults, the crashes, the Autobahn suite, one after the other, and what came
# of each. Every step runs, also after one that failed. Each variable below may be set otherwise.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

: "${FUZZ_SECONDS:=600}"
export FAULTS_ROUNDS=${FAULTS_ROUNDS:-20} FAULTS_SECONDS=${FAULTS_SECONDS:-10}
export FAULTS_HEARTBEAT_SECONDS=${FAULTS_HEARTBEAT_SECONDS:-10} FAULTS_PAUSE_SECONDS=${FAULTS_PAUSE_SECONDS:-30}
# Each fault keeps two or three nodes busy for minutes: as many at a time as CI has would wait for each other.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-3}
export FENCES_HELD_SECONDS=${FENCES_HELD_SECONDS:-60}
export ODD_FLOOD_RECORDS=${ODD_FLOOD_RECORDS:-1000000} ODD_FLOOD_EVERY=${ODD_FLOOD_EVERY:-1000}
export CRASH_INTERACTIONS=${CRASH_INTERACTIONS:-1000000} CRASH_ROUNDS=${CRASH_ROUNDS:-20}

work=build/proof
mkdir -p "$work"
rows=() failed=0

row() { rows+=("$(printf '%-10s %8s  %s' "$@")"); } # STEP SECONDS WHAT

step() { # NAME COMMAND…
  local name=$1 began=$SECONDS code=0
  shift
  echo "== $name: $*"
  "$@" </dev/null 2>&1 | tee "$work/$name.log" || code=$?
  local said=passed
  [ "$code" -eq 0 ] || { said="FAILED (exit code $code), the log is $work/$name.log"; failed=1; }
  row "$name" "$((SECONDS - began))" "$said"
}

step fuzz make --no-print-directory fuzz SECONDS="$FUZZ_SECONDS" TARGET="${TARGET:-}"
step faults make --no-print-directory test-rust TESTS="${FAULTS_TESTS:-faults::} --nocapture"
step crash make --no-print-directory test-rust TESTS="crash:: --nocapture"
step fences make --no-print-directory test-rust TESTS="fences:: --nocapture"
# One store after the other: the test judges how far recording is behind.
RUST_TEST_THREADS=1 step flood make --no-print-directory test-rust TESTS="odd_flood:: --nocapture"
if tests/servers/autobahn.sh >/dev/null; then
  step autobahn make --no-print-directory autobahn
else
  row autobahn 0 'NOT DONE: there is no Python 2.7 here'
fi

printf '\n%-10s %8s  %s\n' step seconds result
printf '%s\n' "${rows[@]}"
grep -ahE '^test result: ' "$work"/{faults,crash,fences,flood}.log || true
exit "$failed"
