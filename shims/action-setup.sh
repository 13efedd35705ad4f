#!/bin/sh
# shims/action-setup.sh: the first step of action.yml: builds soil-worker where the action was checked out, once.
set -eu
cd "$(dirname "$0")/.."

if [ -e dist/worker/main.js ]; then exit 0; fi
if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)'; then
  echo '::error title=Soil::cannot run soil-worker: Node 20 is needed; mend: actions/setup-node in a step before' >&2
  exit 2
fi
npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error
npm run --silent build
