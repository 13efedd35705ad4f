#!/bin/sh
# shims/install-worker.sh PREFIX: builds this checkout, and installs it in PREFIX, where the jobs of the checkout do not write.
set -eu
cd "$(dirname "$0")/.."
npm ci --no-audit --no-fund
mkdir -p "$1"
# npm would install a folder as a link to it, but a package as a copy. Packing builds it.
rm -f "$1"/soil-ci-*.tgz
npm pack --silent --pack-destination "$1"
npm install --global --prefix "$1" --no-audit --no-fund "$1"/soil-ci-*.tgz
