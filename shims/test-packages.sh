#!/bin/sh
# shims/test-packages.sh: installs the Debian packages that the tests need.
set -eu
exec sh "$(dirname "$0")/packages.sh" apache2 bash busybox-static ca-certificates chromium curl dash debootstrap \
  docker.io docker-registry dpkg-dev fuse-overlayfs gcc libc6-dev lighttpd make nginx-light openssh-client \
  openssh-server podman procps runc shellcheck strace uidmap unzip xz-utils zip
