#!/bin/sh
# shims/test-packages.sh: installs the Debian packages that the tests need.
set -eu
exec sh "$(dirname "$0")/packages.sh" aardvark-dns apache2 bash busybox-static ca-certificates caddy chromium curl dash \
  debootstrap docker.io docker-registry dpkg-dev fuse-overlayfs gcc jq ksh libc6-dev lighttpd make mksh netavark nginx-light \
  openssh-client openssh-server perl podman posh procps python3 runc shellcheck slirp4netns strace time uidmap unzip xxd xz-utils yash zip zsh
