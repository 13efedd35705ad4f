#!/bin/sh
# container.sh CONTROL REPO COOKIE [isolate]: supervisor.sh in a container, whose processes are all of the job.

# kill(2): -1 does not signal process 1 and the caller. For anything but process 1, supervisor.sh does not call this.
# shellcheck disable=SC2086,SC2154
host_signal() { kill -s "$1" $dashes -1 2>/dev/null; }

# shellcheck source=shims/home.sh
. "$1/home.sh"
# shellcheck source=shims/supervisor.sh
. "$1/supervisor.sh"
