#!/usr/bin/env bash
# Fetches the Autobahn test suite for WebSockets, once, and prints the command that runs it.
#
# It is written for Python 2.7, which no distribution has any more: `pyenv install 2.7.18`, or PYTHON27=PATH.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=25.10.1
packages=$PWD/build/autobahn/$version

python27() {
  local candidate
  for candidate in "${PYTHON27:-}" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7.*/bin/python2.7 "$(command -v python2.7 || true)"; do
    if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "autobahn.sh: no Python 2.7 here: pyenv install 2.7.18, or name one with PYTHON27=PATH" >&2
  return 1
}

python=$(python27)
if [ ! -e "$packages/.complete" ]; then
  rm -rf "$packages"
  mkdir -p "$packages"
  "$python" -m pip install --quiet --disable-pip-version-check --target "$packages" "autobahntestsuite==$version" 2> >(grep -v DEPRECATION >&2)
  # A folder of packages by itself has no namespaces (zope): as a site it has.
  cat >"$packages/run.py" <<'EOF_RUN'
import os, site
site.addsitedir(os.path.dirname(os.path.abspath(__file__)))
from autobahntestsuite.wstest import run
run()
EOF_RUN
  touch "$packages/.complete"
fi
echo "$python $packages/run.py"
