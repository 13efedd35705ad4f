#!/bin/sh
# shims/ci-job.sh JOB...: runs jobs of this repo on a CI host; publishes them where SOIL_SERVER says so.
set -eu
if [ -n "${SOIL_SERVER:-}" ]; then
  exec node dist/worker/main.js run --publish --server "$SOIL_SERVER" -- "$@"
fi
echo 'SOIL_SERVER is not set: the jobs run and are not published' >&2
exec node dist/worker/main.js run -- "$@"
