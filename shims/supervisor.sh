#!/bin/sh
# supervisor.sh CONTROL REPO: runs the tasks that standard input names, in one shell that lives as long as the job.
#
# In:  "run N TRY"   runs CONTROL/task/N.sh from REPO, its log is CONTROL/log/N.TRY; while it runs:
#      "term" "kill" sends that signal to every process of this PID namespace but the supervisor itself
#      "look"        only answers
#      "end"         before the next "run": the guard of the task before may go
# Out: "ready PID"; to term, kill and look: "left", "gone" or "refused"; at a task's end two lines of the builtin
#      `times`, then "done N TRY STATUS", where STATUS is "none" when the log could not be opened
#
# It needs nothing but a POSIX sh (dash, busybox ash, bash), and nothing but builtins around a task. Tasks run in the
# foreground: an asynchronous command would ignore SIGINT and SIGQUIT for ever (POSIX, 2.11). So it is the guard that
# runs beside the task and listens. It is there before the task begins: a fork bomb that has used up every process of
# the container cannot keep it from `kill`, which is a builtin.
set -u
control=$1
cd "$2" || exit 125
exec 3<&0 </dev/null

# kill -1 spares the caller and process 1 (kill(2)): in a container of our own those are the guard and the supervisor.
# Anywhere else it would reach the whole machine.
send() {
  [ $$ -eq 1 ] && kill "-$1" -1 2>/dev/null
}

answer() {
  if [ $$ -ne 1 ]; then
    echo refused
  elif kill -0 -1 2>/dev/null; then
    echo left
  else
    echo gone
  fi
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
  if [ $$ -eq 1 ]; then send KILL; else kill -KILL "-$$" 2>/dev/null; fi
}

echo "ready $$"
while IFS=' ' read -r word number try <&3; do
  [ "$word" = run ] || continue
  guard &
  guard=$!
  status=none
  { /bin/sh -e "$control/task/$number.sh" 3<&-; status=$?; } >>"$control/log/$number.$try" 2>&1
  times
  echo "done $number $try $status"
  wait "$guard"
done
