#!/bin/sh
# shims/packages.sh PACKAGE...: installs packages of Debian or Ubuntu. Without permission, prints the command to run.
set -eu

missing=''
for package in "$@"; do
  state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) || state=none
  [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

line="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -eq 0 ]; then
  as_root=''
elif sudo -n true 2>/dev/null; then
  as_root='sudo -n'
else
  printf 'cannot install packages as %s: run this command, then retry:\n  sudo %s\n' "$(id -un)" "$line" >&2
  exit 3
fi
# RUNLEVEL=1 keeps the services of installed packages from starting: the tests start their own.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() {
  # The prefix is empty or two words, and the names contain no spaces.
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 "$@" >>"$log" 2>&1
}
printf 'installing:%s\n' "$missing"
# shellcheck disable=SC2086
if ! { run apt-get update && run $line; }; then
  tail -n 20 "$log" >&2
  printf 'cannot install packages: see above; the command was:\n  sudo %s\n' "$line" >&2
  exit 3
fi
