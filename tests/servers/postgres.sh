#!/usr/bin/env bash
# One PostgreSQL for tests, on 127.0.0.1 only, with a superuser `backstory` and its own empty database. Whoever else wants in
# comes over TLS, with a password or (`certified`) a certificate; SERVER_DIR/certificates holds what clients need for it.
#
#   tests/servers/postgres.sh start [PORT]   prints its URL once it answers; without PORT it takes a free one
#   tests/servers/postgres.sh stop           ends the process (or container) that `start` started, and drops its data
#
# Without PostgreSQL's programs, a running Docker engine serves as well, without TLS.
set -euo pipefail
cd "$(dirname "$0")/../.."

name=postgres
image=postgres:17
start_limit_s=60
end_signal=INT # it ends its sessions instead of waiting for them
. tests/servers/server.sh
. tests/servers/certificates.sh

# Nothing of it outlives a test: what a power cut would cost does not matter.
settings=(-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=400 -c shared_buffers=256MB)

# Debian keeps the programs out of the way, by version.
programs=$(dirname "$(command -v postgres 2>/dev/null || ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | sort -V | tail -n 1)" 2>/dev/null || true)

# PostgreSQL refuses to be root.
unprivileged() {
  if [ "$(id -u)" -eq 0 ]; then setpriv --reuid=postgres --regid=postgres --init-groups "$@"; else "$@"; fi
}

here() {
  [ -n "$programs" ]
}

start_here() { # PORT
  # A root's folders may be closed to others: the data lies where anybody may make a folder, and its name is kept here.
  local data
  data=$(mktemp -d /tmp/backstory-postgres.XXXXXX)
  echo "$data" >"$server_dir/data-folder"
  [ "$(id -u)" -ne 0 ] || chown postgres: "$data"
  (cd / && unprivileged "$programs/initdb" --pgdata "$data/pg" --username backstory --auth trust --encoding UTF8 --no-locale --no-sync) >"$server_dir/log" 2>&1 || return
  make_certificates "$server_dir/certificates"
  cp "$server_dir"/certificates/{ca.pem,server.pem,server.key} "$data/pg"
  [ "$(id -u)" -ne 0 ] || chown postgres: "$data"/pg/{ca.pem,server.pem,server.key}
  chmod 600 "$data/pg/server.key"
  cat >"$data/pg/pg_hba.conf" <<'END'
host    all backstory 127.0.0.1/32 trust
hostssl all certified 127.0.0.1/32 cert
hostssl all all       127.0.0.1/32 scram-sha-256
END
  cd "$data"
  # A session of its own: Ctrl-C in the terminal reaches the tests first, and they still find a server to close on.
  unprivileged setsid "$programs/postgres" -D "$data/pg" -p "$1" -c listen_addresses=127.0.0.1 -c unix_socket_directories= "${settings[@]}" \
    -c ssl=on -c ssl_cert_file=server.pem -c ssl_key_file=server.key -c ssl_ca_file=ca.pem \
    </dev/null >>"$OLDPWD/$server_dir/log" 2>&1 &
  cd "$OLDPWD"
  remember_process "$server_dir" $!
}

start_docker() { # PORT
  docker run -d --rm -p "127.0.0.1:$1:5432" -e POSTGRES_USER=backstory -e POSTGRES_HOST_AUTH_METHOD=trust "$image" "${settings[@]}"
}

# It says so in its log; asking would need a client. The image starts it twice, the first time for itself.
answers() {
  if [ -s "$server_dir/container" ]; then
    [ "$(docker logs "$(cat "$server_dir/container")" 2>&1 | grep -c 'ready to accept connections')" -ge 2 ]
  else
    grep -q 'ready to accept connections' "$server_dir/log"
  fi
}

address() { # PORT
  echo "postgres://backstory@127.0.0.1:$1/postgres"
}

drop_data() {
  [ ! -s "$server_dir/data-folder" ] || rm -rf "$(cat "$server_dir/data-folder")"
}

serve "$@"
