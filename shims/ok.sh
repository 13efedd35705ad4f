#!/bin/sh
# shims/ok.sh: runs all checks that a commit must pass (`npm run ok`). Each failure says how to fix it.
set -eu
cd "$(dirname "$0")/.."

check() {
  name=$1 fix=$2
  shift 2
  printf '== %s\n' "$name"
  if ! "$@"; then
    printf 'not ok: %s; to fix it: %s\n' "$name" "$fix" >&2
    exit 1
  fi
}
check format 'npx prettier --write .' npx prettier --check --log-level warn .
check types 'see the errors above' npm run --silent build
check lint 'npx eslint . --fix, then fix the remaining errors' npx eslint . --max-warnings 0
check shellcheck 'see the findings above' sh shims/shellcheck.sh
check prose 'write what the lines above suggest, or add a correct word to docs/dictionary.txt' npm run --silent prose
check tests 'npm test -- PART-OF-A-PATH runs one file' node dist/test/run.js
