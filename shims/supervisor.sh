#!/bin/sh
# supervisor.sh CONTROL REPO: runs the tasks that standard input names, in one shell that lives as long as the job.
#
# In:  lines "NUMBER TRY"; the task is CONTROL/task/NUMBER.sh, its log CONTROL/log/NUMBER.TRY
# Out: "ready PID", then for each task "done NUMBER TRY STATUS" and the two lines of the builtin `times`
#
# It needs nothing but a POSIX sh (dash, busybox ash, bash), and starts nothing but the tasks. Tasks run in the
# foreground: an asynchronous one would ignore SIGINT and SIGQUIT for ever (POSIX, 2.11). Ending a task that runs too
# long is the worker's part.
control=$1
cd "$2" || exit 125

echo "ready $$"
while IFS=' ' read -r number try; do
  /bin/sh -e "$control/task/$number.sh" </dev/null >>"$control/log/$number.$try" 2>&1
  status=$?
  echo "done $number $try $status"
  times
done
