#!/bin/sh
# shims/demo.sh: shows Soil whole on a fresh machine: a server on a folder, a job in a container, its pages, the gate.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
demo=$root/_soil/demo

say() { printf '\n== %s\n' "$*"; }

say 'Soil itself'
# npm keeps a list of what it installed: a lock file that is newer wants another installation.
if [ ! -e node_modules/.package-lock.json ] || [ -n "$(find package-lock.json -newer node_modules/.package-lock.json)" ]; then
  npm ci --no-audit --no-fund --loglevel=error
fi
npm run --silent build
soil_worker="node $root/dist/worker/main.js"
soil_server="node $root/dist/server/main.js"

# A server that an earlier demo left running is ours to end.
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

# Prints the engine that runs a container here, once the demo's image is made for it; fails where there is none.
prepare_engine() {
  if ! command -v podman >/dev/null && ! docker info >/dev/null 2>&1; then
    sh shims/packages.sh podman busybox-static >&2 || return 1
  fi
  busybox=$(command -v busybox || true)
  if [ -z "$busybox" ] || ldd "$busybox" >/dev/null 2>&1; then
    sh shims/packages.sh busybox-static >&2 || return 1
    busybox=/bin/busybox
  fi
  # The image is one file and its names: no registry is asked.
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
  # Some machines may not raise limits: podman then needs lower ones than its defaults.
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

say 'a container engine and an image of our own'
if engine=$(prepare_engine); then
  echo "$engine, with the image localhost/soil-demo"
  container="--engine $engine"
else
  echo 'no container engine, and no right to install one: the demo goes on with the raw machine'
  container='--image none'
fi
[ ! -e "$demo/containers.conf" ] || export CONTAINERS_CONF="$demo/containers.conf"

say 'a project: a repo of two commits, main and soil-staging, and a bare remote'
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
sed -i 's/^# wordcount.sh: .*/# wordcount.sh: counts the words of its standard input, apart by blanks./' wordcount.sh
git commit -q -a -m 'Say what a word is'
git push -q "$remote" soil-staging

say 'soil-server on a folder'
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
say 'the job container: several tasks, published'
# Words, not one word.
# shellcheck disable=SC2086
$soil_worker run container $container --run-id "$run" --publish --server "$url"
say 'the job raw: the same tests without a container'
$soil_worker run raw --run-id "$run" --publish --server "$url"

say 'the gate: may soil-staging become main?'
$soil_worker maybe-merge --run-id "$run" --server "$url" --remote "$remote"
git --git-dir="$remote" log --oneline --decorate main

say 'Look around'
cat <<END
The site:  $url
The run:   ${url}local-jobs/$run/
A log:     ${url}local-jobs/$run/container.wwz/_soil/logs/unit.txt
Its files: $demo/site
The server goes on until you stop it: kill $server
END
