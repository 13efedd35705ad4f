#!/bin/sh
# supervisor.sh CONTROL REPO COOKIE [isolate]: runs the tasks that standard input names, in one shell for the whole job.
#
# In:  "key WORD"           first of all: WORD is in the reports that end a try or the job
#      "run N TRY KIND MARK"  runs CONTROL/task/N.sh from REPO, with the FIFO CONTROL/out/N.TRY as its output; KIND is "tty"
#                           for a terminal, else "pipe"
#      while it runs, and after it until "end":
#      "term SCOPE GROUP" "kill SCOPE GROUP"  sends that signal to the processes of this task (SCOPE "task"), or of every
#                           task so far ("job"); GROUP is the process id that the task reported, or "-"
#      "look SCOPE GROUP"   sends no signal, only answers
#      "end"                ends the guard of a finished task, before the next request
#      "left N TRY GROUP"   names a task that ended, whose processes may live on
#      "rest"               runs no task, but answers as during one: for process 1 of a container whose tasks run elsewhere
#      "quit"               says "bye", and exits at the end of the input
# Out: "ready PID", or "unfit REASON" if this shell cannot run tasks; after term, kill and look: "left PIDS", "gone" or
#      "refused"; of a try: "began PID", "memory KIB", with isolate "ended N TRY", which asks for a request "left", the lines of
#      the builtin `times`, then "done N TRY STATUS KEY".
#      STATUS is "none" if there is no such FIFO, "terminal" if there is no terminal, "stuck" if what it left survives KILL
# At the end of the input, what is left of all tasks is ended by KILL.
#
# It needs only a POSIX sh, and runs only builtins in addition to the task; grep, ls and ps help to find its processes. Tasks
# run in the foreground, since asynchronous commands ignore SIGINT and SIGQUIT forever (POSIX, 2.11). So a guard reads the
# input during the task. It starts before the task: when a fork bomb has used up all processes, the guard can still call
# `kill`, which is a builtin. Signals are trapped, not ignored: a task that signals its own group must not end this script
# where there is no program `setsid`, and the processes of a task must begin with the default actions.
#
# A host that needs more than this script defines it in a script of its own, which sets variables and functions and then
# sources this one:
#      host_signal SIGNAL            sends SIGNAL to every other process of the host. Only process 1 of a container may have
#                                    it: it is `kill -1`, which elsewhere ends every process of the user
#      host_begin N TRY MARK         before a try: makes CONTROL/out/N.TRY and reads it
#      host_end N TRY MARK           after a try: all that was written to it before is on the way to the worker
#      host_request WORD ...         answers a request that only this host knows, such as one that brings a script
#      host_quit                     before this script exits: removes what the host made
# A process that such a function starts must be in `spared`, a list with a space before each process id. Descriptors 5 and 6 are the
# host's own, and are closed in tasks.
set -u
control=$1
repo=$2
cookie=$3
isolate=${4-}
# The FIFOs of this script's tasks, between spaces.
outputs=' '
spared='' quitting=''
leaders='' key='' number='' try='' kind='' mark='' group=- scope=job caught='' guard='' self='' lister=''

refuse() {
  echo "unfit $*"
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# posh has no builtin `kill`, and some shells of long ago cannot cut a prefix.
probe() {
  for word in kill read trap times wait; do
    case $(command -v "$word") in
      '') refuse "it has no command \"$word\"" ;;
      /*) refuse "its command \"$word\" is not a builtin" ;;
    esac
  done
  facts='1 (a) b) S 2'
  [ "${facts##*\) }" = 'S 2' ] || refuse "it cannot cut a prefix by \${x##pattern}"
  kill -s 0 "$$" 2>/dev/null || refuse 'its command "kill" does not know -s'
  # In busybox, the separator is an error.
  if kill -s 0 -- "$$" 2>/dev/null; then dashes=--; else dashes=''; fi
}

# A subshell begins without the traps of its parent. zsh has no ABRT.
trap_signals() {
  for word in HUP INT QUIT USR1 USR2 PIPE ALRM TERM TSTP TTIN TTOU VTALRM PROF XCPU XFSZ; do
    trap 'caught=yes' "$word"
  done
}

# Reads a request. `read` fails at the end of the input, and in most shells also when a trapped signal comes.
read_request() {
  while :; do
    caught=''
    IFS=' ' read -r word number_read try_read kind_read mark_read <&3 && return 0
    [ -n "$caught" ] || return 1
  done
}

# `kill -KILL -123` is `kill -KILL -1` in the kill of procps: never without -s.
# shellcheck disable=SC2086
signal_group() { kill -s "$1" $dashes "-$2" 2>/dev/null; }

# Chooses how to list processes, when it is needed first: /proc; `ps` that shows environments (axeww on Linux and BSD, axEww
# on macOS); or neither, and then only the process group of the task can be signalled.
find_lister() {
  [ -z "$lister" ] || return 0
  lister=none
  if has ps; then
    for options in axeww axEww; do
      # The host gave this script the cookie in its environment.
      case $(ps "$options" -o pid=,command= 2>/dev/null) in *"SOIL_TASK_COOKIE=$outer$cookie"*) lister=$options && return ;; esac
    done
  fi
}

# Sets `tree` to the living processes of this task or of all tasks, and `members` to them with their groups. They are found
# by descent, by the groups and sessions that one of them leads or led, by a word in their environment, and by the task's
# FIFO as one of their outputs.
find_tree() {
  tree='' members='' processes='' marked=' '
  if [ "$scope" = job ]; then sign=$cookie. mine=$outputs; else sign=$cookie.$number.$try. mine=" $number.$try "; fi
  find_lister
  case $lister in
    proc)
      # The process id of this subshell, which no variable has.
      read -r self line </proc/self/stat
      find_marked
      list_processes
      ;;
    none)
      if [ "$group" = - ]; then
        :
      elif [ -z "$setsid" ]; then
        if kill -s 0 "$group" 2>/dev/null; then tree=" $group" members=" $group:0"; fi
      elif signal_group 0 "$group"; then
        tree=" $group" members=" $group:$group"
      fi
      return
      ;;
    *)
      self=$(exec sh -c 'echo "$PPID"')
      for entry in $(list_by_ps); do
        case $entry in *:*) processes="$processes $entry" ;; *) marked="$marked$entry " ;; esac
      done
      ;;
  esac
  # A group whose leader ended, but whose id is not in use again.
  ended=' '
  for pid in $group $leaders; do
    case "$processes" in *" $pid:"*) ;; *) ended="$ended$pid " ;; esac
  done
  own="$ended"
  [ "$scope" = task ] || own="$own$$ "
  # What this subshell itself started, such as ps, is not of a task.
  helpers=" $self "
  grown=$self
  while [ -n "$grown" ]; do
    grown=''
    for entry in $processes; do
      pid=${entry%%:*}
      entry=${entry#*:}
      case $helpers in *" $pid "*) continue ;; *" ${entry%%:*} "*) helpers="$helpers$pid " grown=yes ;; esac
    done
  done
  grown=yes
  while [ -n "$grown" ]; do
    grown=''
    for entry in $processes; do
      pid=${entry%%:*}
      # The worker, which holds the FIFOs, is the parent of this script or elsewhere.
      case " 1 $PPID $$ $guard$spared$tree$helpers" in *" $pid "*) continue ;; esac
      entry=${entry#*:}
      parent=${entry%%:*}
      entry=${entry#*:}
      case "$own$tree " in
        *" ${entry%:*} "* | *" ${entry#*:} "*) ;;
        *)
          case " $$$tree " in
            *" $parent "*) ;;
            *) case $marked in *" $pid "*) ;; *) continue ;; esac ;;
          esac
          ;;
      esac
      tree="$tree $pid"
      members="$members $pid:${entry%:*}"
      grown=yes
    done
  done
}

# Sets `marked` to the processes that have the word of this task, or of this job, in their environment, or that can write
# to its FIFO. The mode of the link in /proc shows how a file was opened (proc(5)): `tail -f` on a FIFO is not the task's.
find_marked() {
  lines=$(list_environments; list_writers)
  split_lines
  for line in $lines; do
    case $line in
      /proc/*) line=${line#/proc/} ;;
      l?w*" -> $control/out/"*)
        file=${line##*"$control/out/"}
        case $mine in *" ${file% (deleted)} "*) line=${line#* /proc/} ;; *) continue ;; esac
        ;;
      *) continue ;;
    esac
    marked="$marked${line%%/*} "
  done
  split_words
}

# The output of a substitution is read in blocks, but `read` reads a pipe byte by byte.
split_lines() {
  IFS='
'
  set -f
}

split_words() {
  IFS=' 
'
  set +f
}

list_environments() {
  if has grep; then
    grep -lszF "$sign" /proc/[0-9]*/environ
    # 2: this grep does not know -z, or it could not read one of the files.
    if [ $? -ne 2 ] || echo x | grep -qzF x; then return; fi
  fi
  for entry in /proc/[0-9]*; do
    while read -r line || [ -n "$line" ]; do
      case $line in *"$sign"*) echo "$entry/" && break ;; esac
    done <"$entry/environ"
  done
}

list_writers() {
  # shellcheck disable=SC2010,SC2012
  if has grep; then
    ls -l /proc/[0-9]*/fd/[0-9] | grep -F " -> $control/out/"
  else
    ls -l /proc/[0-9]*/fd/[0-9]
  fi
}

# Adds id, parent, group and session of each living process to `processes`. proc(5): the name in parentheses may contain
# anything, even line breaks; the facts follow the last parenthesis.
list_processes() {
  lines=$(if has grep; then grep -H '' /proc/[0-9]*/stat; else list_stats; fi)
  split_lines
  last=''
  for line in $lines /proc//; do
    line=${line#/proc/}
    if [ "${line%%/*}" != "$last" ] && [ -n "$last" ]; then
      split_words
      # These are a letter and numbers.
      # shellcheck disable=SC2086
      set -- $facts
      case ${1-Z} in Z | X) ;; *) processes="$processes $last:$2:$3:$4" ;; esac
      split_lines
    fi
    last=${line%%/*}
    facts=${line##*\) }
  done
  split_words
}

list_stats() {
  for entry in /proc/[0-9]*; do
    while read -r line; do echo "$entry/stat:$line"; done <"$entry/stat"
  done
}

list_by_ps() {
  ps "$lister" -o pid=,ppid=,pgid=,stat=,command= | while read -r pid parent leader state line; do
    case $state in Z*) continue ;; esac
    echo "$pid:$parent:$leader:$leader"
    case $line in *"$sign"*) echo "$pid" ;; esac
  done
}

# Signals groups as a whole: their members cannot fork faster than they are found.
signal_tree() {
  for entry in $members; do
    if [ "${entry%:*}" = "${entry#*:}" ]; then signal_group "$1" "${entry%:*}"; fi
  done
  for entry in $members; do
    case "$members " in *" ${entry#*:}:${entry#*:} "*) ;; *) kill -s "$1" "${entry%:*}" 2>/dev/null ;; esac
  done
}

# Whether this is process 1 of a container, which can signal all others without looking for them.
is_first() { [ $$ -eq 1 ] && has host_signal; }

send() {
  if is_first; then
    host_signal "$1"
  else
    find_tree
    signal_tree "$1"
  fi
}

# Does what the worker asks for while a task runs, or after it.
obey() {
  scope=$number_read
  group=$try_read
  case $word in
    term) send TERM ;;
    kill) send KILL ;;
  esac
  if is_first; then
    if host_signal 0; then echo left; else echo gone; fi
    return
  fi
  find_tree
  if [ -n "$tree" ]; then
    echo "left$tree"
  elif [ "$lister" = none ] && [ "$group" = - ]; then
    echo refused
  else
    echo gone
  fi
}

obey_other() {
  case $word in
    term | kill | look) obey ;;
    left) adopt ;;
  esac
}

# Remembers a task that ended: its output, and its session if something is left in it.
adopt() {
  case $outputs in *" $number_read.$try_read "*) ;; *) outputs="$outputs$number_read.$try_read " ;; esac
  if [ "$kind_read" != - ] && signal_group 0 "$kind_read"; then leaders="$leaders $kind_read"; fi
}

# Ends all that the tasks left. Fails if something survives KILL.
end_all() {
  scope=job
  round=0
  while [ "$round" -lt 500 ]; do
    if is_first; then
      host_signal KILL || return 0
      # A shell collects its ended children, and those of others that process 1 inherits, when it waits for one.
      (:)
    else
      find_tree
      [ -n "$tree" ] || return 0
      signal_tree KILL
    fi
    round=$((round + 1))
  done
  return 1
}

guard() {
  trap_signals
  guard=''
  while read_request; do
    case $word in
      term | kill | look) obey ;;
      end) exit 0 ;;
    esac
  done
  # The worker has ended.
  end_all
  is_first && exit
  if has host_quit; then host_quit; fi
  signal_group KILL "$$" || kill -s KILL "$$"
}

start_guard() {
  guard &
  guard=$!
}

# `wait` also ends when a trapped signal comes.
wait_for_guard() {
  while :; do
    wait "$guard"
    if [ $? -le 128 ] || ! kill -s 0 "$guard" 2>/dev/null; then break; fi
  done
  guard=''
}

# Runs the task with its FIFO, descriptor 4, as stdout and stderr. The first line of its script reports the process id of the
# shell, which is that of its group, on descriptor 7, and closes the descriptors from 3 to 8. Paths can contain any
# character, so they are not part of commands.
# shellcheck disable=SC2016,SC2086
run_task() {
  if [ "$kind" != tty ]; then
    measure $setsid /bin/sh -e "$control/task/$number.sh"
  elif has script; then
    # `script` makes a session of its own, on a terminal without a size.
    measure /bin/sh -c 'SHELL=/bin/sh SOIL_SCRIPT=$1; export SHELL SOIL_SCRIPT; exec script -q -e -c "$2" /dev/null' \
      sh "$control/task/$number.sh" 'stty rows 24 cols 80 2>/dev/null; exec /bin/sh -e "$SOIL_SCRIPT"'
  else
    status=terminal
    return
  fi
  # 256 + n in ksh93 and 384 + n in yash: ended by signal n.
  if [ "$status" -gt 384 ]; then
    status=$((status - 256))
  elif [ "$status" -gt 256 ]; then
    status=$((status - 128))
  fi
}

# In a subshell: some shells print "Killed" on their stderr of that moment. The meter writes to a pipe that this shell reads.
measure() {
  if [ -n "$meter" ]; then
    memory=$("$meter" --quiet --format=%M --output=/dev/fd/8 "$@" 8>&1 >&4 2>&4 3<&- 4>&- 5>&- 6>&-)
    status=$?
    case $memory in '' | *[!0-9]*) ;; *) echo "memory $memory" ;; esac
  else
    (exec "$@" >&4 2>&4 3<&- 4>&- 5>&- 6>&-)
    status=$?
  fi
}

run_request() {
  number=$number_read try=$try_read kind=$kind_read mark=$mark_read
  outputs="$outputs$number.$try "
  is_first || export SOIL_TASK_COOKIE="$outer$cookie.$number.$try."
  status=none
  output=$control/out/$number.$try
  begun=yes
  if has host_begin && ! host_begin "$number" "$try" "$mark"; then begun=''; fi
  # After host_begin, so that it spares what that started.
  start_guard
  if [ -n "$begun" ]; then
    # Else the redirection would make a file.
    if [ -p "$output" ]; then { run_task; } 4>"$output" 7>&1; fi
    if [ -n "$isolate" ]; then
      # Before the report: what the task left could read the next request, and answer it.
      kill -s KILL "$guard"
      wait_for_guard
      echo "ended $number $try"
      while read_request; do
        obey_other
        [ "$word" != left ] || break
      done
      end_all || status=stuck
    fi
    if has host_end; then host_end "$number" "$try" "$mark"; fi
  fi
  times
  echo "done $number $try $status $key"
  [ -z "$guard" ] || wait_for_guard
}

probe
trap_signals
cd -P "$control" && control=$PWD && cd "$repo" || exit 125
outer=${SOIL_TASK_COOKIE-}
case $outer in
  *:*) outer=${outer%:*}: ;;
  *) outer='' ;;
esac
# The session of a task is its own, so that a task that signals its group signals itself alone.
setsid=''
if has setsid && (exec setsid /bin/sh -c :) >/dev/null 2>&1; then setsid=setsid; fi
# GNU time prints the maximum resident set size from wait4(2). Other versions are wrong: busybox, and GNU time before 1.8,
# multiply it by the page size. Without `setsid`, a task that signals its group would end it.
meter=''
case $setsid$(/usr/bin/time --version 2>&1) in
  setsid*'(GNU Time)'*)
    # A shell can have a builtin `setsid` that no other program finds.
    memory=$(/usr/bin/time --quiet --format=%M --output=/dev/fd/8 setsid /bin/sh -c : 8>&1 2>/dev/null) &&
      case $memory in '' | *[!0-9]*) ;; *) meter=/usr/bin/time ;; esac
    ;;
esac
if [ -r "/proc/$$/stat" ]; then lister=proc; fi
exec 3<&0 </dev/null

# What shells print about ended processes is nobody's message.
exec 2>/dev/null
split_words
echo "ready $$"
while read_request; do
  case $word in
    key) key=$number_read ;;
    run) run_request ;;
    rest)
      start_guard
      wait_for_guard
      ;;
    term | kill | look) obey ;;
    left) adopt ;;
    quit)
      quitting=yes
      if has host_quit; then host_quit; fi
      echo "bye $key"
      ;;
    *) if has host_request; then host_request "$word" "$number_read" "$try_read" "$kind_read" "$mark_read"; fi ;;
  esac
done
if [ -z "$quitting" ]; then
  end_all
  if has host_quit; then host_quit; fi
fi
