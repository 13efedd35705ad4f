#!/bin/sh
# shims/shellcheck.sh: checks all shell scripts of the repo with shellcheck, and their syntax with dash and busybox ash.
set -eu
cd "$(dirname "$0")/.."

if ! command -v shellcheck >/dev/null; then
  echo 'cannot check the shell scripts: shellcheck is not installed; run: apt-get install shellcheck' >&2
  exit 1
fi
scripts=$(git ls-files --cached --others --exclude-standard -- '*.sh' '.ci/run')
# File names of this repo contain no spaces.
# shellcheck disable=SC2086
shellcheck --severity=style $scripts
for script in $scripts; do
  case $(head -n 1 "$script") in
    '#!/bin/sh')
      dash -n "$script"
      if command -v busybox >/dev/null; then busybox ash -n "$script"; fi
      ;;
  esac
done
