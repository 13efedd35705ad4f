#!/bin/sh
# shims/demo.sh: demonstrates Soil on a fresh machine: a server, a job in a container, its pages, and the gate.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
demo=$root/_soil/demo

say() { printf '\n== %s\n' "$*"; }

say 'Build Soil'
# A package-lock.json that is newer than npm's list of installed packages requires a new installation.
if [ ! -e node_modules/.package-lock.json ] || [ -n "$(find package-lock.json -newer node_modules/.package-lock.json)" ]; then
  npm ci --no-audit --no-fund --loglevel=error
fi
npm run --silent build
soil_worker="node $root/dist/worker/main.js"
soil_server="node $root/dist/server/main.js"

# Stop the server of an earlier demo.
if [ -r "$demo/server.pid" ]; then
  old=$(cat "$demo/server.pid")
  case $(tr '\0' ' ' <"/proc/$old/cmdline" 2>/dev/null || true) in
    *"$demo/site"*)
      kill "$old"
      while kill -0 "$old" 2>/dev/null; do sleep 0.1; done
      ;;
  esac
fi
rm -rf "$demo"
mkdir -p "$demo"
printf '*\n' >"$root/_soil/.gitignore"

# Builds the demo's image, and prints the engine that can run it. Fails if there is none.
prepare_engine() {
  if ! command -v podman >/dev/null && ! docker info >/dev/null 2>&1; then
    sh shims/packages.sh podman busybox-static >&2 || return 1
  fi
  busybox=$(command -v busybox || true)
  if [ -z "$busybox" ] || ldd "$busybox" >/dev/null 2>&1; then
    sh shims/packages.sh busybox-static >&2 || return 1
    busybox=/bin/busybox
  fi
  # The image contains only busybox, so no registry is needed.
  mkdir -p "$demo/image/bin" "$demo/image/tmp" "$demo/image/etc"
  cp "$busybox" "$demo/image/bin/busybox"
  for applet in $("$busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$demo/image/bin/$applet"
  done
  printf 'root:x:0:0:root:/:/bin/sh\n' >"$demo/image/etc/passwd"
  tar -C "$demo/image" -cf "$demo/image.tar" .
  for engine in podman docker; do
    command -v "$engine" >/dev/null || continue
    "$engine" import "$demo/image.tar" localhost/soil-demo >"$demo/engine.log" 2>&1 || continue
    if "$engine" run --rm --network=none localhost/soil-demo true >>"$demo/engine.log" 2>&1; then
      echo "$engine"
      return
    fi
  done
  # Where processes cannot raise limits, podman needs lower ones than its defaults.
  if [ "$(id -u)" -eq 0 ] && command -v podman >/dev/null; then
    sh shims/packages.sh runc >&2 || return 1
    printf '[containers]\ndefault_ulimits=["nofile=1024:1024","nproc=1024:1024"]\n[engine]\nruntime="runc"\n' \
      >"$demo/containers.conf"
    if CONTAINERS_CONF=$demo/containers.conf podman run --rm --network=none localhost/soil-demo true \
      >>"$demo/engine.log" 2>&1; then
      echo podman
      return
    fi
  fi
  return 1
}

say 'Find a container engine and build an image'
if engine=$(prepare_engine); then
  echo "using $engine with image localhost/soil-demo"
  container="--engine $engine"
else
  echo 'no container engine, and no permission to install one: running without containers'
  container='--image none'
fi
[ ! -e "$demo/containers.conf" ] || export CONTAINERS_CONF="$demo/containers.conf"

say 'Create a project: a repo with branches main and soil-staging, and a bare remote'
project=$demo/wordcount
remote=$demo/remote.git
cp -R docs/example "$project"
git init -q --bare -b main "$remote"
cd "$project"
git init -q -b main
git config user.name 'Soil demo'
git config user.email demo@example.org
printf '_soil/\n_test/\n' >.gitignore
git add .
git commit -q -m 'Count words'
git push -q "$remote" main
git checkout -q -b soil-staging
sed -i 's/^# wordcount.sh: .*/# wordcount.sh: counts the words of its standard input, separated by spaces./' wordcount.sh
git commit -q -a -m 'Say what a word is'
git push -q "$remote" soil-staging

say 'Start soil-server'
$soil_server init --site "$demo/site"
SOIL_TOKEN=$($soil_server token create --site "$demo/site" --id demo --actions append,event,status | tail -n 1)
export SOIL_TOKEN
nohup node "$root/dist/server/main.js" serve --site "$demo/site" --port "${SOIL_DEMO_PORT:-0}" \
  >"$demo/server.out" 2>"$demo/server.log" </dev/null &
server=$!
echo "$server" >"$demo/server.pid"
url=''
tries=0
while [ -z "$url" ]; do
  url=$(sed -n 's/.*serving .* at \(http.*\)$/\1/p' "$demo/server.out")
  tries=$((tries + 1))
  if [ "$tries" -gt 100 ] || ! kill -0 "$server" 2>/dev/null; then
    cat "$demo/server.out" "$demo/server.log" >&2
    echo 'cannot start soil-server: see above' >&2
    exit 1
  fi
  sleep 0.1
done
echo "$url"

run=demo$(date -u +%Y%m%dT%H%M%SZ)
say 'Run job "container" and publish it'
# $container and $soil_worker are several words.
# shellcheck disable=SC2086
$soil_worker run container $container --run-id "$run" --publish --server "$url"
say 'Run job "raw", the same tests without a container'
$soil_worker run raw --run-id "$run" --publish --server "$url"

say 'Merge soil-staging into main if all jobs are green'
$soil_worker maybe-merge --run-id "$run" --server "$url" --remote "$remote"
git --git-dir="$remote" log --oneline --decorate main

say 'Explore the results'
cat <<END
The site:  $url
The run:   ${url}local-jobs/$run/
A log:     ${url}local-jobs/$run/container.wwz/_soil/logs/unit.txt
Its files: $demo/site
The server is still running. To stop it: kill $server
END
