#!/bin/sh
# shims/ci.sh: installs what the tests need on a fresh Debian or Ubuntu with Node 20 and git, then runs all checks.
set -eu
cd "$(dirname "$0")/.."

sh shims/test-packages.sh
npm ci --no-audit --no-fund --loglevel=error
exec sh shims/ok.sh
