#!/bin/sh
# shims/sourcehut-job.sh JOB...: sets up a builds.sr.ht machine, then runs jobs of this repo there.
set -eu
cd "$(dirname "$0")/.."
# The project's secret file is optional. It is a shell script that sets SOIL_SERVER and SOIL_TOKEN.
if [ -r "$HOME/.soil-secret" ]; then
  set -a
  # shellcheck source=/dev/null
  . "$HOME/.soil-secret"
  set +a
fi
sh shims/test-packages.sh
npm ci --no-audit --no-fund
npm run build
exec sh shims/ci-job.sh "$@"
