#!/usr/bin/env bash
# One PostgreSQL for tests, on 127.0.0.1 only, with a superuser `backstory` and its own empty database.
#
#   tests/servers/postgres.sh start [PORT]   prints its URL once it answers; without PORT it takes a free one
#   tests/servers/postgres.sh stop           ends the process (or container) that `start` started, and drops its data
#
# SERVER_DIR (build/servers/postgres) holds its data, log and process id; another folder is another server.
# Without PostgreSQL's programs, a running Docker engine serves as well.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/servers/process.sh

server_dir=${SERVER_DIR:-build/servers/postgres}
image=postgres:17
start_limit_s=60
# Nothing of it outlives a test: what a power cut would cost does not matter.
settings=(-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=400 -c shared_buffers=256MB)

# Debian keeps the programs out of the way, by version.
programs=$(dirname "$(command -v postgres 2>/dev/null || ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | sort -V | tail -n 1)" 2>/dev/null || true)

# PostgreSQL refuses to be root.
unprivileged() {
  if [ "$(id -u)" -eq 0 ]; then setpriv --reuid=postgres --regid=postgres --init-groups "$@"; else "$@"; fi
}

start_here() { # PORT
  # A root's folders may be closed to others: the data lies where anybody may make a folder, and its name is kept here.
  local data
  data=$(mktemp -d /tmp/backstory-postgres.XXXXXX)
  echo "$data" >"$server_dir/data-folder"
  [ "$(id -u)" -ne 0 ] || chown postgres: "$data"
  (cd / && unprivileged "$programs/initdb" --pgdata "$data/pg" --username backstory --auth trust --encoding UTF8 --no-locale --no-sync) >"$server_dir/log" 2>&1 || return
  cd "$data"
  # A session of its own: Ctrl-C in the terminal reaches the tests first, and they still find a server to close on.
  unprivileged setsid "$programs/postgres" -D "$data/pg" -p "$1" -c listen_addresses=127.0.0.1 -c unix_socket_directories= "${settings[@]}" \
    </dev/null >>"$OLDPWD/$server_dir/log" 2>&1 &
  cd "$OLDPWD"
  remember_process "$server_dir" $!
}

start_docker() { # PORT
  docker run -d --rm -p "127.0.0.1:$1:5432" -e POSTGRES_USER=backstory -e POSTGRES_HOST_AUTH_METHOD=trust "$image" "${settings[@]}" \
    >"$server_dir/container"
}

running() {
  if [ -s "$server_dir/container" ]; then
    docker top "$(cat "$server_dir/container")" >/dev/null 2>&1
  else
    process_runs "$server_dir"
  fi
}

# It says so in its log; asking would need a client. The image starts it twice, the first time for itself.
answers() { # PORT
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null || return
  if [ -s "$server_dir/container" ]; then
    [ "$(docker logs "$(cat "$server_dir/container")" 2>&1 | grep -c 'ready to accept connections')" -ge 2 ]
  else
    grep -q 'ready to accept connections' "$server_dir/log"
  fi
}

wait_for_answer() { # PORT
  local limit=$((SECONDS + start_limit_s))
  while ! answers "$1"; do
    running || return 1
    [ $SECONDS -lt $limit ] || return 1
    sleep 0.1
  done
}

start() {
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
    if [ -n "$programs" ]; then start_here "$port" || true; else start_docker "$port"; fi
    if wait_for_answer "$port"; then
      echo "postgres://backstory@127.0.0.1:$port/postgres" | tee "$server_dir/address"
      return
    fi
    echo "postgres.sh: no answer on 127.0.0.1:$port; the end of $server_dir/log:" >&2
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
  # INT: it ends its sessions instead of waiting for them.
  end_process "$server_dir" 5 INT
  [ ! -s "$server_dir/data-folder" ] || rm -rf "$(cat "$server_dir/data-folder")" # the log stays, for whoever wonders
}

case "${1:-}" in
start) start "${2:-}" ;;
stop) stop ;;
*) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
esac
