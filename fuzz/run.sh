#!/usr/bin/env bash
# Builds the fuzz targets and runs each for so long, two at a time: fuzz/run.sh SECONDS [TARGET…]; 0 s only reads the seeds.
# What one run learns the next one begins with (target/fuzz/corpus). Exit code 1 if anything was found. FUZZ_SEED=NUMBER takes the
# chances of that number each time (1, 2, …; 0: others each time).
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:?say for how many seconds}
shift
at_once=${FUZZ_AT_ONCE:-2}
work=target/fuzz
all=$(for file in fuzz/targets/*.rs; do basename "$file" .rs; done)
targets=${*:-$all}

# Its inputs, of those that the schemas show.
examples() { # TARGET
  case $1 in
    call) echo schemas/examples/call.*.json ;;
    record) echo schemas/examples/{interaction,contact,erasure}.*.json ;;
    frame) echo schemas/examples/client-frame.*.json ;;
  esac
}

build() {
  # The development profile with its checks (overflow, debug assertions): libraries are optimised in it, and built already.
  RUSTC_WORKSPACE_WRAPPER=$PWD/fuzz/rustc.sh CARGO_INCREMENTAL=0 \
    cargo build --package backstory-fuzz --bins
}

run() { # TARGET
  local target=$1 log=$work/$1.log code=0
  local seeds=$work/seeds/$target learned=$work/corpus/$target findings=$work/findings/$target words=fuzz/words/$target.dict
  rm -rf "$seeds" "$findings"
  mkdir -p "$seeds" "$learned" "$findings"
  for file in fuzz/corpus/"$target"/* $(examples "$target"); do [ ! -f "$file" ] || cp "$file" "$seeds"; done
  # Ten seconds for one input, or 2 GiB, are findings, too.
  local said=(-seed="${FUZZ_SEED:-0}" -timeout=10 -rss_limit_mb=2048 -max_len=4096)
  if [ "$seconds" -gt 0 ]; then said+=(-max_total_time="$seconds"); else said+=(-runs=0); fi
  [ ! -f "$words" ] || said+=(-dict="$words")
  target/debug/"$target" -print_final_stats=1 -artifact_prefix="$findings/" "${said[@]}" "$learned" "$seeds" >"$log" 2>&1 || code=$?
  echo "$code" >"$work/$target.code"
}

# The last line in which libFuzzer counts has: cov: N … corp: N/BYTES.
row() { # TARGET
  local log=$work/$1.log runs covered corpus found=none
  runs=$(awk '$1 == "stat::number_of_executed_units:" { print $2 }' "$log")
  read -r covered corpus < <(awk '/ cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") c = $(i + 1); if ($i == "corp:") k = $(i + 1) } }
    END { print c + 0, k + 0 }' "$log")
  [ "$(<"$work/$1.code")" = 0 ] || found=FOUND
  printf '%-12s %8s %12s %9s %9s %7s  %s\n' "$1" "$seconds" "${runs:-0}" "$((${runs:-0} / (seconds > 0 ? seconds : 1)))" "$covered" "$corpus" "$found"
}

# What was found, for whoever reads only what this prints.
finding() { # TARGET
  local file inputs=("$work/findings/$1"/*)
  printf '\n== %s: exit code %s\n' "$1" "$(<"$work/$1.code")"
  grep -aE -A12 'panicked at|^==[0-9]+== ERROR|SUMMARY' "$work/$1.log" | head -40 || tail -20 "$work/$1.log"
  if [ ! -f "${inputs[0]}" ]; then
    echo "it wrote no input (killed, or out of stack); the log is $work/$1.log, and this repeats it: fuzz/run.sh $seconds $1"
    return
  fi
  for file in "${inputs[@]}"; do
    printf 'the input is %s, and this repeats it: target/debug/%s %s\nbase64: ' "$file" "$1" "$file"
    base64 -w0 "$file"
    echo
  done
}

mkdir -p "$work"
build
for target in $targets; do
  [ -x "target/debug/$target" ] || { echo "there is no target $target; there are: ${all//$'\n'/ }" >&2; exit 64; }
  while [ "$(jobs -rp | wc -l)" -ge "$at_once" ]; do wait -n; done
  run "$target" &
done
wait

printf '\n%-12s %8s %12s %9s %9s %7s  %s\n' target seconds runs runs/s coverage corpus findings
failed=0
for target in $targets; do row "$target"; done
for target in $targets; do
  [ "$(<"$work/$target.code")" = 0 ] || { failed=1; finding "$target"; }
done
exit "$failed"
