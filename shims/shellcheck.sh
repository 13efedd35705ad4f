#!/bin/sh
# shims/shellcheck.sh: checks every shell script of the repo, and its syntax in dash and busybox ash.
set -eu
cd "$(dirname "$0")/.."

if ! command -v shellcheck >/dev/null; then
  echo 'cannot check the shell scripts: shellcheck is missing; mend: apt-get install shellcheck' >&2
  exit 1
fi
scripts=$(git ls-files --cached --others --exclude-standard -- '*.sh' '.ci/run')
# The list holds names of this repo, which have no blanks.
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
