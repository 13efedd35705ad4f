#!/bin/sh
# container.sh CONTROL REPO COOKIE [isolate]: supervisor.sh in a container, whose processes are all of the job.

# kill(2): -1 does not signal process 1 and the caller. For anything but process 1, supervisor.sh does not call this.
# shellcheck disable=SC2086,SC2154
host_signal() { kill -s "$1" $dashes -1 2>/dev/null; }

# A user without an entry in the image's passwd file has / as home, or none.
if ! [ -w "${HOME:-/}" ]; then
  for folder in /tmp /var/tmp /dev/shm; do
    if mkdir -p -m 700 "$folder/soil-home" 2>/dev/null && [ -w "$folder/soil-home" ]; then
      export HOME="$folder/soil-home"
      break
    fi
  done
fi

. "$1/supervisor.sh"
