#!/bin/sh
# shims/action-run.sh: the second step of action.yml. Runs soil-worker with options from the inputs, which are in the environment.
set -euf
soil=$(dirname "$0")/..

# Job names contain no spaces.
# shellcheck disable=SC2086
set -- -- ${SOIL_ACTION_JOBS:-}
if [ $# -eq 1 ]; then
  echo '::error title=Soil::cannot run: input "job" is empty' >&2
  exit 2
fi
if [ -n "${SOIL_ACTION_ENGINE:-}" ]; then set -- --engine "$SOIL_ACTION_ENGINE" "$@"; fi
if [ -n "${SOIL_ACTION_CONFIG:-}" ]; then set -- --config "$SOIL_ACTION_CONFIG" "$@"; fi
if [ -n "${SOIL_SERVER:-}" ]; then
  set -- --publish "$@"
else
  echo 'input "server" is not set: the results are not published'
fi
unset SOIL_ACTION_JOBS SOIL_ACTION_ENGINE SOIL_ACTION_CONFIG
exec node "$soil/dist/worker/main.js" run "$@"
