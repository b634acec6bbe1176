#!/usr/bin/env bash
# One Apache Kafka node (KRaft) for tests, on 127.0.0.1 only.
#
#   tests/servers/kafka.sh start [PORT]   prints its address once it answers; without PORT it takes a free one
#   tests/servers/kafka.sh stop           ends the process (or container) that `start` started, and drops its data
#   tests/servers/kafka.sh jars           only fetches what `start` needs
#
# SERVER_DIR (build/servers/kafka) holds its data, log and process id; another folder is another node.
# Without java and mvn, a running Docker engine serves as well.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/servers/process.sh

server_dir=${SERVER_DIR:-build/servers/kafka}
jars=build/kafka/jars
image=apache/kafka:4.4.0 # as in kafka/pom.xml
start_limit_s=90

fetch_jars() {
  [ "$jars/.complete" -nt tests/servers/kafka/pom.xml ] && return
  rm -rf "$jars"
  mvn -q -B -Dstyle.color=never -f tests/servers/kafka/pom.xml dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$PWD/$jars" </dev/null 2>&1 | sed 's/\x1b\[[0-9;]*m//g' >&2 # colours, though told not to
  touch "$jars/.complete"
}

java=(java -Xms256m -Xmx512m -XX:+UseSerialGC -Djava.awt.headless=true
  -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.showDateTime=true
  -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS -cp "$PWD/$jars/*")

start_java() { # PORT CONTROLLER_PORT
  {
    cat tests/servers/kafka/server.properties
    echo "listeners=PLAINTEXT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$2"
    echo "advertised.listeners=PLAINTEXT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$2"
    echo "controller.quorum.bootstrap.servers=127.0.0.1:$2"
    echo "log.dirs=$PWD/$server_dir/data"
  } >"$server_dir/server.properties"
  local cluster
  cluster=$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | tr -d '=')
  "${java[@]}" kafka.tools.StorageTool format --standalone --cluster-id "$cluster" \
    --config "$server_dir/server.properties" >"$server_dir/log" 2>&1 || return
  # A session of its own: Ctrl-C in the terminal reaches the tests first, and they still find a server to close on.
  setsid "${java[@]}" kafka.Kafka "$server_dir/server.properties" </dev/null >>"$server_dir/log" 2>&1 &
  remember_process "$server_dir" $!
}

start_docker() { # PORT
  local settings=() line
  while IFS='=' read -r line value; do
    settings+=(-e "KAFKA_$(tr 'a-z.' 'A-Z_' <<<"$line")=$value")
  done < <(grep -v '^#' tests/servers/kafka/server.properties | grep '=')
  docker run -d --rm -p "127.0.0.1:$1:$1" "${settings[@]}" \
    -e "KAFKA_LISTENERS=PLAINTEXT://0.0.0.0:$1,CONTROLLER://127.0.0.1:9093" \
    -e "KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://127.0.0.1:$1" \
    -e "KAFKA_CONTROLLER_QUORUM_VOTERS=1@127.0.0.1:9093" \
    "$image" >"$server_dir/container"
}

running() {
  if [ -s "$server_dir/container" ]; then
    docker top "$(cat "$server_dir/container")" >/dev/null 2>&1
  else
    process_runs "$server_dir"
  fi
}

answers() { # PORT; the open port first, as kcat would wait out its whole time limit for a closed one
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && kcat -b "127.0.0.1:$1" -L -m 2 2>/dev/null | grep -q ' 1 brokers'
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
  local tries=3 port controller_port
  [ -z "${1:-}" ] || tries=1
  for _ in $(seq $tries); do # another program may take a free port first
    rm -rf "$server_dir"
    mkdir -p "$server_dir"
    read -r port controller_port < <(free_ports 2)
    port=${1:-$port}
    if command -v java >/dev/null && command -v mvn >/dev/null; then
      fetch_jars
      start_java "$port" "$controller_port" || true
    else
      start_docker "$port"
    fi
    if wait_for_answer "$port"; then
      echo "127.0.0.1:$port" | tee "$server_dir/address"
      return
    fi
    echo "kafka.sh: no answer on 127.0.0.1:$port; the end of $server_dir/log:" >&2
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
  end_process "$server_dir" 5
  rm -rf "$server_dir/data" # the log stays, for whoever wonders
}

case "${1:-}" in
start) start "${2:-}" ;;
stop) stop ;;
jars) fetch_jars ;;
*) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
esac
