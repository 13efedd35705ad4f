#!/bin/sh
# shims/sourcehut-job.sh JOB: sets up a builds.sr.ht machine, then runs a job of this repo there, and publishes it.
set -eu
cd "$(dirname "$0")/.."
sh shims/test-packages.sh
sh shims/install-worker.sh "$HOME/.soil-ci"
worker=$HOME/.soil-ci/bin/soil-worker

# The project's secret file is optional. It is a shell script that sets SOIL_SERVER and SOIL_TOKEN. Tasks run on this
# machine, so only the commands that send something have the token in their environment.
with_token() (
  if [ ! -r "$HOME/.soil-secret" ]; then
    echo "no file ~/.soil-secret: soil-worker $* is left out" >&2
    exit 0
  fi
  set -a
  # shellcheck source=/dev/null
  . "$HOME/.soil-secret"
  set +a
  exec "$worker" "$@"
)
status=0
with_token announce "$1" || true
"$worker" run "$1" --no-untrusted || status=$?
with_token publish "$1" || status=$?
exit "$status"
