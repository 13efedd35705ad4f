#!/bin/sh
# shims/ci-job.sh JOB: runs a job of this repo on a CI host; publishes it where SOIL_SERVER says so.
set -eu
if [ -n "${SOIL_SERVER:-}" ]; then
  exec node dist/worker/main.js run "$1" --publish --server "$SOIL_SERVER"
fi
echo 'SOIL_SERVER is not set: the job runs and is not published' >&2
exec node dist/worker/main.js run "$1"
