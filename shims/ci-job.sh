#!/bin/sh
# shims/ci-job.sh JOB...: runs jobs of this repo on a CI host, and publishes them if SOIL_SERVER is set.
set -eu
if [ -n "${SOIL_SERVER:-}" ]; then
  exec node dist/worker/main.js run --publish --server "$SOIL_SERVER" -- "$@"
fi
echo 'SOIL_SERVER is not set: the results are not published' >&2
exec node dist/worker/main.js run -- "$@"
