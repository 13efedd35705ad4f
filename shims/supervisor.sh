#!/bin/sh
# supervisor.sh CONTROL REPO LANE [COOKIE]: runs the tasks that standard input names, in one shell that lives as long as the job.
#
# In:  "run N TRY"   runs CONTROL/task/N.sh from REPO, its log is CONTROL/log/N.TRY; "run N TRY tty" gives it a terminal;
#      while it runs:
#      "term" "kill" sends that signal to every process of this PID namespace but the supervisor itself; where a COOKIE
#                    is given (other tasks run beside this one), to those of this task alone
#      "look"        only answers
#      "end"         before the next "run": the guard of the task before may go
#      "rest"        runs nothing and listens like beside a task: process 1 of a container whose tasks run elsewhere
# Out: "ready PID"; to term, kill and look: "left", "gone" or "refused"; at a task's end two lines of the builtin
#      `times`, then "done N TRY STATUS KIB": STATUS is "none" when the log could not be opened, "terminal" when there is
#      none to give; KIB is the largest resident set of one process, or "-"
#
# It needs nothing but a POSIX sh (dash, busybox ash, bash), and nothing but builtins around a task. Tasks run in the
# foreground: an asynchronous command would ignore SIGINT and SIGQUIT for ever (POSIX, 2.11). So it is the guard that
# runs beside the task and listens. It is there before the task begins: a fork bomb that has used up every process of
# the container cannot keep it from `kill`, which is a builtin.
set -u
control=$1
lane=$3
cookie=${4-}
cd "$2" || exit 125
exec 3<&0 </dev/null

# kill -1 spares the caller and process 1 (kill(2)): in a container of our own those are the guard and the supervisor.
# Anywhere else it would reach the whole machine.
send() {
  if [ -n "$cookie" ]; then
    find_tree
    for pid in $tree; do kill "-$1" "$pid" 2>/dev/null; done
  elif [ $$ -eq 1 ]; then
    kill "-$1" -1 2>/dev/null
  fi
}

answer() {
  if [ -n "$cookie" ]; then
    find_tree
    if [ -n "$tree" ]; then echo left; else echo gone; fi
  elif [ $$ -ne 1 ]; then
    echo refused
  elif kill -0 -1 2>/dev/null; then
    echo left
  else
    echo gone
  fi
}

# tree: the processes of the running task. They are known by descent, by the groups and sessions that one of them leads,
# by a word in their environment, and by the task's log as one of their outputs; see worker/process-tree.ts.
find_tree() {
  tree=''
  # Only a shell itself can say who a subshell is.
  read -r self _ </proc/self/stat
  grown=yes
  while [ -n "$grown" ]; do
    grown=''
    for entry in /proc/[0-9]*; do
      case " 1 $$ $self $tree " in *" ${entry#/proc/} "*) continue ;; esac
      if is_ours "$entry"; then
        tree="$tree ${entry#/proc/}"
        grown=yes
      fi
    done
  done 2>/dev/null # a process may be gone before it was looked at
}

is_ours() {
  entry=$1
  facts=''
  # proc(5): the name in brackets may hold anything, a line break too.
  while read -r line; do facts=$line; done <"$entry/stat"
  # Numbers and a letter.
  # shellcheck disable=SC2086
  set -- ${facts##*) }
  [ $# -gt 3 ] || return 1
  case $1 in Z | X) return 1 ;; esac
  [ "$2" -eq $$ ] && return 0
  case " $tree " in *" $2 "* | *" $3 "* | *" $4 "*) return 0 ;; esac
  for output in 1 2; do
    # Not of POSIX, yet dash, busybox ash and bash have it.
    # shellcheck disable=SC3013
    [ "$entry/fd/$output" -ef "$control/log/$number.$try" ] && return 0
  done
  while read -r line || [ -n "$line" ]; do
    case $line in *"$cookie.$number."*) return 0 ;; esac
  done <"$entry/environ"
  return 1
}

guard() {
  while IFS=' ' read -r word <&3; do
    case $word in
      term) send TERM ;;
      kill) send KILL ;;
      end) exit 0 ;;
    esac
    answer
  done
  # The worker is gone: so are we all. Outside a container that is this process group, where it is one.
  if [ $$ -eq 1 ]; then kill -KILL -1; else kill -KILL "-$$"; fi 2>/dev/null
}

# GNU time tells what the kernel said of a task's memory when it was reaped. What others of that name say is no good:
# busybox and GNU's own before 1.8 multiply by the page size.
meter=''
case $(/usr/bin/time --version 2>&1) in *'(GNU Time)'*) meter=/usr/bin/time ;; esac

measured() {
  if [ -n "$meter" ]; then
    "$meter" --quiet --format=%M --output="$control/memory.$lane" "$@"
  else
    "$@"
  fi
}

run_task() {
  if [ "$kind" != tty ]; then
    measured /bin/sh -e "$control/task/$number.sh"
    status=$?
  elif command -v script >/dev/null 2>&1; then
    # A path may hold any sign but NUL, so none of it is spelled out in the command.
    # shellcheck disable=SC2016
    SHELL=/bin/sh SOIL_SCRIPT="$control/task/$number.sh" \
      measured script -q -e -c 'exec /bin/sh -e "$SOIL_SCRIPT"' /dev/null
    status=$?
  else
    status=terminal
  fi
}

echo "ready $$"
while IFS=' ' read -r word number try kind <&3; do
  case $word in run | rest) ;; *) continue ;; esac
  guard &
  guard=$!
  if [ "$word" = run ]; then
    status=none
    kib='-'
    { run_task 3<&-; } >>"$control/log/$number.$try" 2>&1
    if [ -n "$meter" ] && read -r kib <"$control/memory.$lane"; then : >"$control/memory.$lane"; fi 2>/dev/null
    times
    echo "done $number $try $status ${kib:--}"
  fi
  wait "$guard"
done
