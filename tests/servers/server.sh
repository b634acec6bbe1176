# shellcheck shell=bash
# Sourced by the script of each server: what starting, waiting and ending have in common. The script says before it
#
#   name  image  start_limit_s  end_signal     what it is called, its container, seconds until it answers, what ends it in order
#   here                                       succeeds where its programs are on this machine
#   start_here PORT, start_docker PORT         starts it, in either way
#   answers PORT                               succeeds once it can be used
#   address PORT                               prints what a client is given
#   drop_data                                  removes what it kept
#
# and after it `serve "$@"`. SERVER_DIR (build/servers/NAME) holds data, log and process id; another folder is another server.
. tests/servers/process.sh

server_dir=${SERVER_DIR:-build/servers/$name}

running() {
  if [ -s "$server_dir/container" ]; then
    docker top "$(cat "$server_dir/container")" >/dev/null 2>&1
  else
    process_runs "$server_dir"
  fi
}

port_open() { # PORT
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

wait_for_answer() { # PORT
  local limit=$((SECONDS + start_limit_s))
  while ! { port_open "$1" && answers "$1"; }; do
    running || return 1
    [ $SECONDS -lt $limit ] || return 1
    sleep 0.1
  done
}

start() { # [PORT]
  if running; then
    cat "$server_dir/address"
    return
  fi
  local tries=3 port
  [ -z "${1:-}" ] || tries=1
  for _ in $(seq $tries); do # another program may take a free port first
    rm -rf "$server_dir"
    mkdir -p "$server_dir"
    port=${1:-$(free_ports 1)}
    if here; then start_here "$port" || true; else start_docker "$port" >"$server_dir/container"; fi
    if wait_for_answer "$port"; then
      address "$port" | tee "$server_dir/address"
      return
    fi
    echo "$name.sh: no answer on 127.0.0.1:$port; the end of $server_dir/log:" >&2
    tail -n 20 "$server_dir/log" >&2 || true
    stop
  done
  return 1
}

stop() {
  if [ -s "$server_dir/container" ]; then
    docker kill "$(cat "$server_dir/container")" >/dev/null 2>&1 || true
    rm -f "$server_dir/container"
  fi
  end_process "$server_dir" 5 "$end_signal"
  drop_data # the log stays, for whoever wonders
}

serve() { # start [PORT] | stop
  case "${1:-}" in
  start) start "${2:-}" ;;
  stop) stop ;;
  *) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
  esac
}
