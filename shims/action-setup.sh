#!/bin/sh
# shims/action-setup.sh: the first step of action.yml. Builds soil-worker in the checkout of the action, unless it is built.
set -eu
cd "$(dirname "$0")/.."

if [ -e dist/worker/main.js ]; then exit 0; fi
if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)'; then
  echo '::error title=Soil::cannot run soil-worker: Node 20 or later is required; add a step with actions/setup-node before this one' >&2
  exit 2
fi
npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error
npm run --silent build
