#!/usr/bin/env bash
# One Apache Kafka node (KRaft) for tests, on 127.0.0.1 only.
#
#   tests/servers/kafka.sh start [PORT]   prints its address once it answers; without PORT it takes a free one
#   tests/servers/kafka.sh stop           ends the process (or container) that `start` started, and drops its data
#   tests/servers/kafka.sh halt [SIGNAL]  ends the process by a signal (TERM) and keeps its data
#   tests/servers/kafka.sh resume         starts it again on the data that `halt` kept, at its address
#   tests/servers/kafka.sh jars           only fetches what `start` needs
#
# Beside it listen, for clients that say who they are, `SERVER_DIR/sasl` (SASL over TLS: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and
# OAUTHBEARER, the users `backstory` and, with PLAIN and every right, `admin`; the password is `a-secret-of-tests`) and `SERVER_DIR/tls` (TLS with a client certificate).
# SERVER_DIR/certificates holds what they need for it.
#
# Without java and mvn, a running Docker engine serves as well, in the clear only.
set -euo pipefail
cd "$(dirname "$0")/../.."

name=kafka
image=apache/kafka:4.4.0 # as in kafka/pom.xml
start_limit_s=90
end_signal=TERM
jars=build/kafka/jars
. tests/servers/server.sh
. tests/servers/certificates.sh

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

here() {
  command -v java >/dev/null && command -v mvn >/dev/null
}

start_here() { # PORT
  local controller sasl tls cluster certificates=$PWD/$server_dir/certificates password='a-secret-of-tests'
  local jaas=org.apache.kafka.common.security
  fetch_jars
  read -r controller sasl tls <<<"$(free_ports 3)"
  make_certificates "$certificates"
  cat "$certificates"/server.{key,pem} >"$certificates/server-with-key.pem"
  echo "127.0.0.1:$sasl" >"$server_dir/sasl"
  echo "127.0.0.1:$tls" >"$server_dir/tls"
  {
    cat tests/servers/kafka/server.properties
    echo "listeners=PLAINTEXT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$controller,SASL://127.0.0.1:$sasl,TLS://127.0.0.1:$tls"
    echo "controller.quorum.bootstrap.servers=127.0.0.1:$controller"
    echo "log.dirs=$PWD/$server_dir/data"
    echo "ssl.keystore.type=PEM"
    echo "ssl.keystore.location=$certificates/server-with-key.pem"
    echo "ssl.truststore.type=PEM"
    echo "ssl.truststore.location=$certificates/ca.pem"
    echo "listener.name.tls.ssl.client.auth=required"
    echo "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER"
    echo "listener.name.sasl.plain.sasl.jaas.config=$jaas.plain.PlainLoginModule required user_backstory=\"$password\" user_admin=\"$password\";"
    echo "listener.name.sasl.scram-sha-256.sasl.jaas.config=$jaas.scram.ScramLoginModule required;"
    echo "listener.name.sasl.scram-sha-512.sasl.jaas.config=$jaas.scram.ScramLoginModule required;"
    echo "listener.name.sasl.oauthbearer.sasl.jaas.config=$jaas.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";"
  } >"$server_dir/server.properties"
  cluster=$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | tr -d '=')
  "${java[@]}" kafka.tools.StorageTool format --standalone --cluster-id "$cluster" \
    --add-scram "SCRAM-SHA-256=[name=backstory,password=$password]" --add-scram "SCRAM-SHA-512=[name=backstory,password=$password]" \
    --config "$server_dir/server.properties" >"$server_dir/log" 2>&1 || return
  run_here
}

run_here() {
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
    "$image"
}

answers() { # PORT
  kcat -b "127.0.0.1:$1" -L -m 2 2>/dev/null | grep -q ' 1 brokers'
}

address() { # PORT
  echo "127.0.0.1:$1"
}

drop_data() {
  rm -rf "$server_dir/data"
}

halt() { # [SIGNAL]
  running || { echo "kafka.sh: no process runs in $server_dir" >&2; return 1; }
  end_process "$server_dir" 10 "${1:-TERM}"
}

resume() {
  local port
  port=$(sed 's/.*://' "$server_dir/address")
  run_here
  wait_for_answer "$port"
}

case "${1:-}" in
jars) fetch_jars ;;
halt) halt "${2:-}" ;;
resume) resume ;;
*) serve "$@" ;;
esac
