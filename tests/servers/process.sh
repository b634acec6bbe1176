# shellcheck shell=bash
# Sourced by the server scripts: a server is ended by the process id that was started, and by nothing else.
# The file `process` holds that id and when it began, so that a number which was given to another process is left alone.

process_birth() { # PID
  if [ -r "/proc/$1/stat" ]; then
    sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 20
  else
    ps -o lstart= -p "$1"
  fi 2>/dev/null
}

remember_process() { # DIR PID
  printf '%s %s\n' "$2" "$(process_birth "$2")" >"$1/process"
}

process_runs() { # DIR
  local pid birth
  [ -s "$1/process" ] || return 1
  read -r pid birth <"$1/process"
  kill -0 "$pid" 2>/dev/null && [ "$(process_birth "$pid")" = "$birth" ]
}

end_process() { # DIR SECONDS [SIGNAL]
  local pid _ limit=$((SECONDS + $2))
  if process_runs "$1"; then
    read -r pid _ <"$1/process"
    kill -"${3:-TERM}" "$pid" 2>/dev/null || true
    while process_runs "$1" && [ $SECONDS -lt $limit ]; do sleep 0.1; done
    if process_runs "$1"; then kill -KILL "$pid" 2>/dev/null || true; fi
  fi
  rm -f "$1/process"
}

free_ports() { # COUNT; held open together, so that they differ
  node -e '
    const net = require("node:net"), count = Number(process.argv[1])
    const servers = Array.from({ length: count }, () => net.createServer())
    Promise.all(servers.map((s) => new Promise((open) => s.listen(0, "127.0.0.1", () => open(s.address().port)))))
      .then((ports) => { console.log(ports.join(" ")); for (const s of servers) s.close() })' "$1"
}
