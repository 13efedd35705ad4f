#!/bin/sh
# shims/post-receive.sh: a git hook for a bare repo: runs jobs for each pushed branch, and publishes them under local-jobs/.
#
#   cp shims/post-receive.sh REPO.git/hooks/post-receive; chmod +x REPO.git/hooks/post-receive
#   git -C REPO.git config soil.jobs 'unit lint'                  names of jobs; without it all of soil.yml
#   git -C REPO.git config soil.server https://ci.example.org/    without it jobs run and are not published
#   git -C REPO.git config soil.tokenFile /etc/soil/token         readable by the hook's user alone
#   git -C REPO.git config soil.branches 'main topic/*'           patterns; without it every branch
#   git -C REPO.git config soil.worker 'node /opt/soil/dist/worker/main.js'
#   git -C REPO.git config soil.detach true                       whoever pushes does not wait; the log is REPO.git/soil.log
#
# A push has arrived before this hook begins: what a job comes to is told, and undoes nothing.
set -euf

setting() { git config --get "soil.$1" || printf '%s' "${2:-}"; }

# run BRANCH COMMIT: a clone of its own for each commit, so that nothing of another job is in it.
# `set -e` means nothing here, since somebody asks for the status: each step that the next one needs says so itself.
run() (
  branch=$1 commit=$2
  folder=$(mktemp -d "${TMPDIR:-/tmp}/soil-push-XXXXXX") || exit
  trap 'rm -rf "$folder"' EXIT
  bare=$(git rev-parse --absolute-git-dir) || exit
  jobs=$(setting jobs)
  server=$(setting server)
  token=$(setting tokenFile)
  worker=$(setting worker soil-worker)
  # git tells its hooks where it is at work; the clone is another place.
  # shellcheck disable=SC2046
  unset $(git rev-parse --local-env-vars)
  git clone --quiet --no-checkout "$bare" "$folder/repo" || exit
  cd "$folder/repo" || exit
  # By its name, so that the record has the branch.
  git checkout --quiet -B "$branch" "$commit" || exit
  # Several words each.
  # shellcheck disable=SC2086
  [ -n "$jobs" ] || jobs=$($worker list-jobs) || exit
  # shellcheck disable=SC2086
  set -- -- $jobs
  if [ -n "$token" ]; then set -- --token-file "$token" "$@"; fi
  if [ -n "$server" ]; then set -- --publish --server "$server" "$@"; fi
  # A time first, so that runs are in order; a push within the same second has another commit.
  # shellcheck disable=SC2086
  $worker run --run-id "$(date -u +%Y%m%dT%H%M%SZ)-$(git rev-parse --short=12 HEAD)" "$@"
)

wanted() {
  patterns=$(setting branches)
  [ -n "$patterns" ] || return 0
  for pattern in $patterns; do
    # A pattern is meant as one.
    # shellcheck disable=SC2254
    case $1 in $pattern) return 0 ;; esac
  done
  return 1
}

pushed() {
  while read -r _ new ref; do
    case $ref in refs/heads/*) branch=${ref#refs/heads/} ;; *) continue ;; esac
    # A deleted branch has a commit of zeros only.
    case $new in *[!0]*) ;; *) continue ;; esac
    wanted "$branch" || continue
    echo "soil: $branch at $new"
    status=0
    run "$branch" "$new" </dev/null || status=$?
    echo "soil: $branch at $new ended with status $status"
  done
}

if [ -n "${SOIL_HOOK_REFS:-}" ]; then
  pushed <"$SOIL_HOOK_REFS"
  rm -f "$SOIL_HOOK_REFS"
elif [ "$(setting detach false)" = true ]; then
  refs=$(mktemp "${TMPDIR:-/tmp}/soil-refs-XXXXXX")
  cat >"$refs"
  log=$(git rev-parse --absolute-git-dir)/soil.log
  echo "soil: the jobs run; their log is $log"
  # Another session: neither the end of the connection nor its signals reach it.
  SOIL_HOOK_REFS=$refs setsid sh "$0" >>"$log" 2>&1 </dev/null &
else
  pushed
fi
