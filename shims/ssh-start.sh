#!/bin/sh
# ssh-start.sh: prepares a folder on another machine, and starts ssh-host.sh there. The worker sends this script over stdin,
# without its comments, to the sh that ssh started, after lines that set:
#   mark      a random word at the start of each answer. What a login profile prints has it nowhere
#   name      of the folder, a random word
#   lane      1 unpacks the repo, and the others use it
#   cookie    a random word; with "-" and the lane, it is in the environment of every task
#   isolate   "isolate", or nothing
#   tools     the programs that the job needs
#   old       folders that earlier calls may have left here, between spaces, each as NAME=COOKIE
# Answers: "no PROGRAMS", "failed REASON", "facts SYSTEM HOST RELEASE MACHINE CPUS KIB", "folder PATH", then "start", after
# which supervisor.sh answers. After "folder" it reads "tar RECORDS" and so many records of 10240 bytes, or "join PATH".
# The worker sets these variables before.
# shellcheck disable=SC2154
say() { printf '\n%s %s\n' "$mark" "$*"; }
missing=''
for word in $tools; do
  command -v "$word" >/dev/null 2>&1 || missing="$missing $word"
done
if [ -n "$missing" ]; then
  say "no$missing"
  exit 1
fi
facts=$(uname -s -n -r -m)
host=${facts#* }
host=${host%% *}
remove() {
  rm -rf "$1" 2>/dev/null && return
  chmod -R u+rwX "$1" 2>/dev/null
  rm -rf "$1" 2>/dev/null
}
# The worker knows that this folder is not used any more, though its processes may not, since their connection was cut.
end_old() {
  word=${old#*" $1="}
  word=${word%% *}
  # `-ef` is not in POSIX, but the shells that can run tasks support it.
  # shellcheck disable=SC3013
  if [ "/proc/$owner/cwd" -ef "$entry/repo" ]; then kill -s KILL "$owner"; fi
  for number in "$entry"/control/lanes/*; do
    SOIL_TASK_COOKIE=$word-${number##*/} /bin/sh "$entry/control/supervisor.sh" "$entry/control" . "$word-${number##*/}"
  done
} </dev/null >/dev/null 2>&1
# The name of a folder ends in the machine, which may share its disk with others, and in the process that uses it.
sweep() {
  for entry in "$1"/soil-*."$host".*; do
    if ! [ -d "$entry" ] || ! [ -O "$entry" ]; then continue; fi
    owner=${entry##*.}
    word=${entry##*/soil-}
    case $old in
      *" ${word%%.*}="*) end_old "${word%%.*}" ;;
      *) if [ "$2" = own ] || kill -s 0 "$owner" 2>/dev/null; then continue; fi ;;
    esac
    remove "$entry"
  done
}
folder=''
if [ "$lane" = 1 ]; then
  for base in "${XDG_CACHE_HOME-}/soil" "${HOME-}/.cache/soil" "${TMPDIR-}" /tmp; do
    case $base in
      # It becomes a part of commands.
      /soil | /.cache/soil | '' | [!/]* | *[!A-Za-z0-9_./+@:,=-]*) continue ;;
      # Others can write to the parent of the rest, so only what this worker made is removed there.
      */soil) which=all && [ -d "$base" ] || (umask 077 && mkdir -p "$base") 2>/dev/null || continue ;;
      *) which=own ;;
    esac
    sweep "$base" "$which"
    if [ -z "$folder" ] && (umask 077 && mkdir "$base/soil-$name.$host.$$") 2>/dev/null; then
      folder=$base/soil-$name.$host.$$
    fi
  done
  if [ -z "$folder" ]; then
    say 'failed cannot create a folder in the cache, in TMPDIR or in /tmp'
    exit 1
  fi
fi
cpus=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null)
if [ -r /proc/meminfo ]; then
  read -r word kib word </proc/meminfo
else
  kib=$(($(sysctl -n hw.memsize 2>/dev/null || echo 0) / 1024))
fi
say "facts $facts ${cpus:-0} ${kib:-0}"
say "folder $folder"
if ! IFS=' ' read -r word records; then
  [ -z "$folder" ] || remove "$folder"
  exit 1
fi
if dd if=/dev/null iflag=fullblock 2>/dev/null; then full=iflag=fullblock; else full=''; fi
if [ "$word" = join ]; then
  folder=$records
elif [ -n "$full" ]; then
  dd bs=10240 count="$records" "$full" 2>/dev/null | (cd "$folder" && tar -xpf -)
else
  # A read from a pipe may be short, so what is left is counted.
  left=$((records * 10240))
  while [ "$left" -gt 0 ]; do
    size=65536
    [ "$left" -ge "$size" ] || size=$left
    dd bs="$size" count=1 2>/dev/null >>"$folder/tar" || break
    left=$((records * 10240 - $(wc -c <"$folder/tar")))
  done
  (cd "$folder" && tar -xpf tar && rm -f tar)
fi || {
  say 'failed "tar" cannot unpack the repo'
  remove "$folder"
  exit 1
}
cookie=$cookie-$lane
export SOIL_TASK_COOKIE="${SOIL_TASK_COOKIE:+$SOIL_TASK_COOKIE:}$cookie"
cd "$folder/repo" && : >"$folder/control/lanes/$lane" || exit 1
say start
# Unquoted: without isolation, it is no argument.
# shellcheck disable=SC2086
exec /bin/sh "$folder/control/ssh-host.sh" "$folder" "$lane" "$cookie" "$full" $isolate
