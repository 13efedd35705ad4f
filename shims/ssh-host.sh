#!/bin/sh
# ssh-host.sh FOLDER LANE COOKIE FULL [isolate]: supervisor.sh on another machine, which the worker reaches over SSH.
#
# FOLDER/repo is the repo, and FOLDER/control what the worker sent beside it. The worker cannot open the FIFOs of this machine,
# so each is copied to stderr, between MARK+ and MARK-, where MARK is a random word of the worker; MARK* instead of MARK+ says
# that processes of the task before may still write. FULL is `iflag=fullblock`, or empty if `dd` does not know it.
#
# In, beside the requests of supervisor.sh, each while no task runs:
#      "mark MARK"          MARK is that of the next try
#      "script N BYTES"     the script of task N follows
#      "lines N LINES"      the same, for a short one in ASCII, which is read without starting a program
#      "send MARK NAME"     sends the file FOLDER/control/NAME
#      "retired MARK"       sends the tries whose processes wrote to their FIFO while later tasks ran, as N.TRY, one a line
#      "late MARK N.TRY"    sends what these wrote
#      "find MARK BYTES"    paths below the repo follow, one a line; sends the names of the files there, each with a NUL
#      "pack MARK BYTES"    names of files follow, one a line; sends a tar of them
#      "drop MARK"          the job is over: removes FOLDER, and sends nothing between the marks
# At the end of the input without "quit", FOLDER is removed by the last lane that uses it.
set -u
folder=$1
lane=$2
place=$folder/control
full=$4
try_mark=''
# The process that copies the FIFO of the last task, that task as N.TRY, and the earlier tasks whose FIFO is still open.
copier='' copied='' retired=''
# Descriptor 6 is the stream of output. Some shells print on stderr that a process was stopped.
exec 6>&2 2>/dev/null

# Copies so many bytes of the input. Without `fullblock`, a read from a pipe may be short.
take_bytes() {
  if [ "$1" -eq 0 ]; then
    :
  elif [ -n "$full" ]; then
    dd bs="$1" count=1 "$full" <&3
  else
    dd bs=1 count="$1" <&3
  fi
}

# An ended process remains as a zombie until this shell waits for it.
state_of() {
  if [ -r "/proc/$$/stat" ]; then
    state=gone
    if read -r line <"/proc/$1/stat"; then state=${line##*\) }; fi
  else
    state=$(ps -o stat= -p "$1")
  fi
  state=${state%% *}
}

has_ended() {
  state_of "$1"
  case $state in Z* | X* | gone | '') return 0 ;; *) return 1 ;; esac
}

# Copies a FIFO until nobody can write to it anymore. Without `exec`, some shells start a shell that starts cat. Descriptor 5 holds it open while it is opened, and is closed first.
start_copier() {
  exec cat <"$place/out/$1" 3<&- 4>&- 5>&- 6>&- &
  spared="$spared $!"
}

# Processes that the last task left may still write to its FIFO. Then its copier is stopped, not ended: it may hold bytes
# that it has not written yet, and goes on when the job is over. Another one copies what follows to a file.
retire_copier() {
  sign=+
  [ -n "$copier" ] || return 0
  if has_ended "$copier"; then
    wait "$copier"
    spared=${spared% "$copier"}
  else
    kill -s STOP "$copier"
    rounds=0
    while [ "$rounds" -lt 10000 ]; do
      state_of "$copier"
      case $state in T* | t* | Z* | X* | gone | '') break ;; esac
      rounds=$((rounds + 1))
    done
    exec 5<>"$place/out/$copied"
    start_copier "$copied" >"$place/late/$copied"
    exec 5>&-
    retired="$retired $copied:$copier:$!"
    sign='*'
  fi
  copier=''
}

# Makes a FIFO, and those of the next tasks: one call of `mkfifo` takes as long as a task.
make_pipes() {
  next=$1
  rounds=0
  set -- "$place/out/$1.$2"
  while [ "$rounds" -lt 15 ]; do
    rounds=$((rounds + 1))
    next=$((next + 1))
    set -- "$@" "$place/out/$next.1"
  done
  # Another lane may have made some of them.
  mkfifo -m 600 "$@"
}

host_begin() {
  retire_copier
  copied=$1.$2
  [ -p "$place/out/$copied" ] || make_pipes "$1" "$2"
  if ! [ -p "$place/out/$copied" ]; then
    printf '%s%s%s-' "$try_mark" "$sign" "$try_mark" >&6
    return 1
  fi
  # The list of `tasks-from`.
  if [ "$1" = 0 ]; then : >"$place/out/$copied.list"; fi
  exec 5<>"$place/out/$copied"
  printf '%s%s' "$try_mark" "$sign" >&6
  start_copier "$copied" >&6
  copier=$!
}

# The mark goes through the FIFO, so that it comes after all that the task wrote.
host_end() {
  printf '%s-' "$try_mark" >&5
  exec 5>&-
}

# Waits until a process has ended, for some seconds: a process of another user may hold the FIFO open.
await_end() {
  rounds=0
  until has_ended "$1"; do
    [ "$rounds" -lt 50 ] || break
    # Not every `sleep` knows fractions.
    sleep 0.02 || sleep 1
    rounds=$((rounds + 1))
  done
  kill -s KILL "$1"
}

send_late() {
  for entry in $retired; do
    case $entry in "$1:"*) ;; *) continue ;; esac
    entry=${entry#*:}
    kill -s CONT "${entry%:*}"
    await_end "${entry%:*}"
    await_end "${entry#*:}"
    cat "$place/late/$1"
  done
}

# Reads what follows a request into a file.
take_names() { take_bytes "$1" >"$place/names"; }

# busybox's tar has no option to read names from a file.
pack_names() {
  set --
  while IFS= read -r path; do set -- "$@" "$path"; done <"$place/names"
  tar -cf - "$@"
}

remove_folder() {
  cd / || return
  rm -rf "$folder" && return
  # A task may have made folders that nobody can write to.
  chmod -R u+rwX "$folder"
  rm -rf "$folder"
}

host_request() {
  case $1 in
    mark)
      try_mark=$2
      return
      ;;
    lines)
      rounds=0
      while [ "$rounds" -lt "$3" ]; do
        IFS= read -r line <&3
        printf '%s\n' "$line"
        rounds=$((rounds + 1))
      done >"$place/task/$2.sh"
      return
      ;;
    script)
      take_bytes "$3" >"$place/task/$2.sh"
      return
      ;;
    find | pack) take_names "$3" ;;
    retired)
      if [ -n "$copier" ]; then await_end "$copier"; fi
      copier=''
      ;;
    send | late | drop) ;;
    *) return ;;
  esac
  printf '%s+' "$2" >&6
  case $1 in
    send) cat "$place/$3" ;;
    retired) for entry in $retired; do echo "${entry%%:*}"; done ;;
    late) send_late "$3" ;;
    find) while IFS= read -r path; do find "./$path" -name .git -prune -o -type f -print0; done <"$place/names" ;;
    pack) pack_names ;;
    drop) remove_folder ;;
  esac >&6
  printf '%s-' "$2" >&6
}

host_quit() {
  for entry in $spared; do kill -s KILL "$entry"; done
  # shellcheck disable=SC2154
  [ -z "$quitting" ] || return 0
  rm -f "$place/lanes/$lane"
  if rmdir "$place/lanes"; then remove_folder; fi
}

cookie=$3
isolate=${5-}
# Unquoted: without isolation, it is no argument.
# shellcheck disable=SC2086
set -- "$place" "$folder/repo" "$cookie" $isolate
# shellcheck disable=SC1091
. "$place/supervisor.sh"
