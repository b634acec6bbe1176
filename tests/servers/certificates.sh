# shellcheck shell=bash
# Sourced by the server scripts: certificates for a server that lives as long as a test run. A folder then holds
#
#   ca.pem  other-ca.pem             the authority, and one that has signed nothing
#   server.pem  server.key           for 127.0.0.1 and backstory.test, and for no other name of this machine
#   certified.pem  certified.key     a client called `certified`

new_key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)

make_authority() { # DIR NAME
  openssl req -x509 "${new_key[@]}" -days 30 -subj "/CN=$2 of a test run" -keyout "$1/$2.key" -out "$1/$2.pem" 2>/dev/null
}

make_certificate() { # DIR NAME EXTENSION…
  local dir=$1 name=$2
  shift 2
  openssl req "${new_key[@]}" -subj "/CN=$name" -keyout "$dir/$name.key" -out "$dir/$name.csr" 2>/dev/null
  openssl x509 -req -in "$dir/$name.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 30 \
    -extfile <(printf '%s\n' "$@") -out "$dir/$name.pem" 2>/dev/null
}

make_certificates() { # DIR
  mkdir -p "$1"
  make_authority "$1" ca
  make_authority "$1" other-ca
  make_certificate "$1" server subjectAltName=IP:127.0.0.1,DNS:backstory.test extendedKeyUsage=serverAuth
  make_certificate "$1" certified extendedKeyUsage=clientAuth
}
