#!/usr/bin/env bash
# Runs a command with the servers it needs, and ends them however it ends.
#
#   tests/servers/with.sh SERVER… -- COMMAND…
#
# The command finds each server in a variable; where that variable is set already, that server is used and none is started:
#
#   kafka     KAFKA_BROKERS
#   postgres  DATABASE_URL
#
# SERVERS_DIR then holds a folder for each that was started, with the certificates of those that speak TLS.
#
# One more server is one more script beside these that answers `start` with its address and knows `stop`, and one more
# line in variable_of.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/servers/process.sh

variable_of() {
  case "$1" in
  kafka) echo KAFKA_BROKERS ;;
  postgres) echo DATABASE_URL ;;
  *) echo "with.sh: no server is called $1" >&2; return 64 ;;
  esac
}

run_dir=build/servers/run-$$
started=()
child=

stop_servers() { # RUN_DIR
  local dir
  for dir in "$1"/*/; do
    [ -d "$dir" ] || continue
    SERVER_DIR=${dir%/} "tests/servers/$(basename "$dir").sh" stop || true
  done
}

# A run that was killed outright could not end its servers.
stop_abandoned() {
  local dir
  for dir in build/servers/run-*/; do
    if [ -d "$dir" ] && ! process_runs "${dir%/}"; then
      stop_servers "${dir%/}"
      rm -rf "$dir"
    fi
  done
}

finish() {
  local code=$?
  trap '' INT TERM HUP
  if [ -n "$child" ]; then
    kill -TERM -- "-$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  fi
  stop_servers "$run_dir"
  if [ "$code" -eq 0 ]; then
    rm -rf "$run_dir"
  else
    for server in "${started[@]}"; do echo "with.sh: log of $server: $run_dir/$server/log" >&2; done
  fi
  exit "$code"
}

while [ $# -gt 0 ] && [ "$1" != -- ]; do
  variable=$(variable_of "$1")
  [ -n "${!variable:-}" ] || started+=("$1")
  shift
done
[ $# -gt 1 ] || { sed -n '2,14s/^# \{0,1\}//p' "$0" >&2; exit 64; }
shift
[ ${#started[@]} -gt 0 ] || exec "$@"

stop_abandoned
mkdir -p "$run_dir"
remember_process "$run_dir" $$
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
export SERVERS_DIR=$PWD/$run_dir

for server in "${started[@]}"; do
  address=$(SERVER_DIR=$run_dir/$server "tests/servers/$server.sh" start)
  export "$(variable_of "$server")=$address"
  echo "with.sh: $server answers on $address" >&2
done

# In a process group of its own, so that an interrupt ends everything the command started.
set -m
"$@" </dev/null &
child=$!
set +m
code=0
wait "$child" || code=$?
child=
exit "$code"
