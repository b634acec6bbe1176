#!/usr/bin/env bash
# Sees to it that what `make test` needs from the system is there: as root on Debian it installs what is missing, and only
# that; for anyone else it names what is missing and the one command that installs it.
#
# Never installed here: Rust, Node and a C toolchain, which building the service needs anyway.
set -euo pipefail

have() { command -v "$1" >/dev/null 2>&1; }

java_is_new_enough() {
  have java && [ "$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')" -ge 17 ] 2>/dev/null
}

java_package() { # newer releases of Debian have a newer Java only
  if apt-cache show openjdk-17-jre-headless >/dev/null 2>&1; then echo openjdk-17-jre-headless; else echo default-jre-headless; fi
}

have_postgres() { have postgres || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; }

docker_runs() { have docker && docker info >/dev/null 2>&1; }

# Prints the Debian packages that are missing, one a line.
missing() {
  have kcat || echo kcat
  have openssl || echo openssl
  have python3 || echo python3
  [ -e /usr/share/zoneinfo/Europe/Lisbon ] || echo tzdata
  [ -n "${CHROMIUM:-}" ] || have chromium || have google-chrome || echo chromium
  # A server of yours, or a Docker engine, serves instead of these.
  if [ "$(id -u)" -ne 0 ] && docker_runs; then return 0; fi
  if [ -z "${KAFKA_BROKERS:-}" ]; then
    java_is_new_enough || java_package
    have mvn || echo maven
  fi
  [ -n "${DATABASE_URL:-}" ] || have_postgres || echo postgresql
}

for tool in cargo node npm cc make perl; do
  have "$tool" || { echo "make test: $tool is missing; Backstory is built with Rust (rust-toolchain.toml), Node 20 and a C toolchain" >&2; exit 1; }
done

packages=$(missing | tr '\n' ' ')
packages=${packages% }
[ -n "$packages" ] || exit 0

if ! have apt-get; then
  echo "make test: missing here, by the names of Debian's packages: $packages" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "make test: missing: $packages. This installs it:" >&2
  echo "  sudo apt-get update && sudo apt-get install --yes --no-install-recommends $packages" >&2
  exit 1
fi

echo "make test: installing $packages" >&2
export DEBIAN_FRONTEND=noninteractive
# The tests start a PostgreSQL of their own: Debian need not start another one.
if [[ $packages == *postgresql* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
  mkdir -p /etc/postgresql-common
  echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
fi
apt-get update -qq </dev/null
packages=$(missing | tr '\n' ' ') # names again, now that the lists are fresh
# shellcheck disable=SC2086
apt-get install --yes -qq --no-install-recommends -o Dpkg::Options::=--force-confold $packages </dev/null >/dev/null
