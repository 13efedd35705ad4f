#!/bin/sh
# shims/action-run.sh: the second step of action.yml: the inputs, in the environment, as soil-worker's words.
set -euf
soil=$(dirname "$0")/..

# Names of jobs have no blanks.
# shellcheck disable=SC2086
set -- -- ${SOIL_ACTION_JOBS:-}
if [ $# -eq 1 ]; then
  echo '::error title=Soil::cannot run: the input job is empty' >&2
  exit 2
fi
if [ -n "${SOIL_ACTION_ENGINE:-}" ]; then set -- --engine "$SOIL_ACTION_ENGINE" "$@"; fi
if [ -n "${SOIL_ACTION_CONFIG:-}" ]; then set -- --config "$SOIL_ACTION_CONFIG" "$@"; fi
if [ -n "${SOIL_SERVER:-}" ]; then
  set -- --publish "$@"
else
  echo 'no server is named: the job runs and is not published'
fi
unset SOIL_ACTION_JOBS SOIL_ACTION_ENGINE SOIL_ACTION_CONFIG
exec node "$soil/dist/worker/main.js" run "$@"
