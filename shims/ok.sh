#!/bin/sh
# shims/ok.sh: everything that must hold before a commit lands; each failure says how to mend it. `npm run ok`.
set -eu
cd "$(dirname "$0")/.."

check() {
  name=$1 mend=$2
  shift 2
  printf '== %s\n' "$name"
  if ! "$@"; then
    printf 'not ok: %s; mend: %s\n' "$name" "$mend" >&2
    exit 1
  fi
}
check format 'npx prettier --write .' npx prettier --check --log-level warn .
check types 'see the errors above' npm run --silent build
check lint 'npx eslint . --fix, then see what is left' npx eslint . --max-warnings 0
check shellcheck 'see the findings above' sh shims/shellcheck.sh
check tests 'node dist/test/run.js PART-OF-A-PATH runs one file' node dist/test/run.js
