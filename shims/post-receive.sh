#!/bin/sh
# shims/post-receive.sh: a git hook for a bare repo. Runs jobs for each pushed branch, and publishes them under local-jobs/.
#
#   cp shims/post-receive.sh REPO.git/hooks/post-receive; chmod +x REPO.git/hooks/post-receive
#   git -C REPO.git config soil.jobs 'unit lint'                  names of jobs; all jobs of soil.yml if unset
#   git -C REPO.git config soil.server https://ci.example.org/    results are not published if unset
#   git -C REPO.git config soil.tokenFile /etc/soil/token         readable by the hook's user only
#   git -C REPO.git config soil.branches 'main topic/*'           patterns; all branches if unset
#   git -C REPO.git config soil.worker 'node /opt/soil/dist/worker/main.js'
#   git -C REPO.git config soil.detach true                       the push does not wait; the log is REPO.git/soil.log
#
# The hook runs after the push: a failed job is reported, but does not undo the push.
set -euf

setting() { git config --get "soil.$1" || printf '%s' "${2:-}"; }

# run BRANCH COMMIT: runs the jobs in a fresh clone, without files of other jobs.
# `set -e` has no effect here, since the caller tests the status: each required step exits itself.
run() (
  branch=$1 commit=$2
  folder=$(mktemp -d "${TMPDIR:-/tmp}/soil-push-XXXXXX") || exit
  trap 'rm -rf "$folder"' EXIT
  bare=$(git rev-parse --absolute-git-dir) || exit
  jobs=$(setting jobs)
  server=$(setting server)
  token=$(setting tokenFile)
  worker=$(setting worker soil-worker)
  # These variables name the bare repo; the clone is another one.
  # shellcheck disable=SC2046
  unset $(git rev-parse --local-env-vars)
  git clone --quiet --no-checkout "$bare" "$folder/repo" || exit
  cd "$folder/repo" || exit
  # Check out a branch, so that the record has its name.
  git checkout --quiet -B "$branch" "$commit" || exit
  # Commands and lists can have several words.
  # shellcheck disable=SC2086
  [ -n "$jobs" ] || jobs=$($worker list-jobs) || exit
  # shellcheck disable=SC2086
  set -- -- $jobs
  if [ -n "$token" ]; then set -- --token-file "$token" "$@"; fi
  if [ -n "$server" ]; then set -- --publish --server "$server" "$@"; fi
  # The time sorts the runs; the commit distinguishes pushes within one second.
  # shellcheck disable=SC2086
  $worker run --run-id "$(date -u +%Y%m%dT%H%M%SZ)-$(git rev-parse --short=12 HEAD)" "$@"
)

is_wanted() {
  patterns=$(setting branches)
  [ -n "$patterns" ] || return 0
  for pattern in $patterns; do
    # It is not quoted, because it is a pattern.
    # shellcheck disable=SC2254
    case $1 in $pattern) return 0 ;; esac
  done
  return 1
}

run_pushed() {
  while read -r _ new ref; do
    case $ref in refs/heads/*) branch=${ref#refs/heads/} ;; *) continue ;; esac
    # For a deleted branch, the hash is all zeros.
    case $new in *[!0]*) ;; *) continue ;; esac
    is_wanted "$branch" || continue
    echo "soil: $branch at $new"
    status=0
    run "$branch" "$new" </dev/null || status=$?
    echo "soil: $branch at $new finished with status $status"
  done
}

if [ -n "${SOIL_HOOK_REFS:-}" ]; then
  run_pushed <"$SOIL_HOOK_REFS"
  rm -f "$SOIL_HOOK_REFS"
elif [ "$(setting detach false)" = true ]; then
  refs=$(mktemp "${TMPDIR:-/tmp}/soil-refs-XXXXXX")
  cat >"$refs"
  log=$(git rev-parse --absolute-git-dir)/soil.log
  echo "soil: running the jobs in the background; log: $log"
  # Start a new session, which survives the end of the connection and its signals.
  SOIL_HOOK_REFS=$refs setsid sh "$0" >>"$log" 2>&1 </dev/null &
else
  run_pushed
fi
