#!/bin/sh
# supervisor.sh CONTROL REPO LANE [COOKIE]: runs the tasks that standard input names, in one shell for the whole job.
#
# In:  "run N TRY"   runs CONTROL/task/N.sh from REPO, its output is the pipe CONTROL/out/N.TRY; "run N TRY tty" gives it a terminal;
#      while it runs:
#      "term" "kill" sends that signal to every process of this PID namespace except the supervisor; with a COOKIE (other
#                    tasks run concurrently), to the processes of this task only
#      "look"        sends no signal, only answers
#      "end"         ends the guard of a finished task, before the next "run"
#      "rest"        runs no task, but answers as during one: for process 1 of a container whose tasks run elsewhere
# Out: "ready PID"; after term, kill and look: "left", "gone" or "refused" (whether processes remain); at the end of a
#      task two lines of the builtin `times`, then "done N TRY STATUS KIB": STATUS is "none" if there is no such pipe, "terminal" if there is no terminal; KIB is the largest resident set of one process, or "-"
#
# It needs only a POSIX sh (dash, busybox ash, bash), and runs only builtins in addition to the task. Tasks run in the foreground,
# since asynchronous commands ignore SIGINT and SIGQUIT forever (POSIX, 2.11). So a guard reads the input during the
# task. It starts before the task: when a fork bomb has used up all processes of the container, the guard can still
# call `kill`, which is a builtin.
#
# A host that needs more than this script defines it in a script of its own, which sets variables and functions and then
# sources this one:
#      host_signal SIGNAL            sends SIGNAL to every other process of the host. Only a container may have it: it is
#                                    `kill -1`, which elsewhere ends every process of the user
#      host_begin N TRY MARK         before a try: makes CONTROL/out/N.TRY and reads it
#      host_end N TRY MARK           after a try: all that was written to it before is on the way to the worker
#      host_request WORD ...         answers a request that only this host knows, such as one that brings a script
#      host_quit                     before this script exits: removes what the host made
set -u
control=$1
lane=$3
cookie=${4-}
cd "$2" || exit 125
exec 3<&0 </dev/null

# kill -1 does not signal the caller and process 1 (kill(2)), which are the guard and the supervisor in Soil's container.
# Anywhere else it would signal all processes of the machine.
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

# Sets `tree` to the processes of the running task. They are found by descent, by the groups and sessions that one of them
# leads, by a word in their environment, and by the task's log as one of their outputs; see worker/host/process-tree.ts.
find_tree() {
  tree=''
  # The process id of this subshell, which no variable has.
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
  done 2>/dev/null # a process may end before it is read
}

is_ours() {
  entry=$1
  facts=''
  # proc(5): the name in parentheses may contain anything, even line breaks.
  while read -r line; do facts=$line; done <"$entry/stat"
  # These are a letter and numbers.
  # shellcheck disable=SC2086
  set -- ${facts##*) }
  [ $# -gt 3 ] || return 1
  case $1 in Z | X) return 1 ;; esac
  [ "$2" -eq $$ ] && return 0
  case " $tree " in *" $2 "* | *" $3 "* | *" $4 "*) return 0 ;; esac
  for output in 1 2; do
    # `-ef` is not in POSIX, but dash, busybox ash and bash support it.
    # shellcheck disable=SC3013
    [ "$entry/fd/$output" -ef "$control/out/$number.$try" ] && return 0
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
  # The worker has ended: kill everything. Outside a container that is this process group, if it is one.
  if [ $$ -eq 1 ]; then kill -KILL -1; else kill -KILL "-$$"; fi 2>/dev/null
}

# GNU time prints the maximum resident set size from wait4(2). Other versions are wrong: busybox, and GNU time before 1.8,
# multiply it by the page size.
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
    # The path may contain any character, so it is not part of the command.
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
    # Else the redirection would make a file.
    if [ -p "$control/out/$number.$try" ]; then { run_task 3<&-; } >"$control/out/$number.$try" 2>&1; fi
    if [ -n "$meter" ] && read -r kib <"$control/memory.$lane"; then : >"$control/memory.$lane"; fi 2>/dev/null
    times
    echo "done $number $try $status ${kib:--}"
  fi
  wait "$guard"
done
