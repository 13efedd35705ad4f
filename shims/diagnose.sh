#!/bin/sh
# diagnose.sh [os-info|dump-env]...: prints facts about this machine, and its environment with secrets redacted.
#
# It needs only a POSIX sh, for images without other programs, and uses other programs if they are installed.
set -u

# show LABEL PROGRAM [ARGUMENT...]: prints the output of a program if it is installed
show() {
  label=$1
  shift
  command -v "$1" >/dev/null 2>&1 || return 0
  printf '%s: ' "$label"
  "$@" 2>&1 || printf '(exit status %s)\n' "$?"
}

# file LABEL FILE [LINES]: prints the first lines of a file if it is readable
file() {
  [ -r "$2" ] || return 0
  left=${3:-1}
  while [ "$left" -gt 0 ] && IFS= read -r line; do
    printf '%s: %s\n' "$1" "$line"
    left=$((left - 1))
  done <"$2"
}

count_processors() {
  [ -r /proc/cpuinfo ] || return 0
  processors=0
  model=''
  while IFS= read -r line; do
    case $line in
      processor*) processors=$((processors + 1)) ;;
      'model name'*) model=${line#*: } ;;
    esac
  done </proc/cpuinfo
  printf 'processors: %s%s\n' "$processors" "${model:+ ($model)}"
}

os_info() {
  show system uname -a
  if [ -r /etc/os-release ]; then
    while IFS= read -r line; do
      case $line in PRETTY_NAME=*) printf 'release: %s\n' "${line#PRETTY_NAME=}" ;; esac
    done </etc/os-release
  fi
  show time date -u '+%Y-%m-%dT%H:%M:%SZ'
  show user id
  printf 'umask: %s\n' "$(umask)"
  printf 'folder: %s\n' "$(pwd)"
  count_processors
  file memory /proc/meminfo 3
  file 'load' /proc/loadavg
  for limit in memory.max memory.swap.max pids.max cpu.max; do file "cgroup $limit" "/sys/fs/cgroup/$limit"; done
  file 'cgroup pids.max' /sys/fs/cgroup/pids/pids.max
  file 'cgroup memory.limit_in_bytes' /sys/fs/cgroup/memory/memory.limit_in_bytes
  if [ -r /proc/self/status ]; then
    while IFS= read -r line; do
      case $line in CapEff:* | Seccomp:* | NoNewPrivs:*) printf 'process: %s\n' "$line" ;; esac
    done </proc/self/status
  fi
  printf 'limits:\n'
  # `ulimit -a` is not in POSIX, but common shells support it. Other shells print nothing here.
  # shellcheck disable=SC3045
  ulimit -a 2>/dev/null || :
  command -v df >/dev/null 2>&1 && { printf 'disks:\n' && df -k . /tmp 2>/dev/null; }
  printf 'programs:'
  for program in bash busybox git cc gcc clang c++ make cmake ninja autoconf python3 perl ruby node npm go cargo rustc java docker podman gdb; do
    found=$(command -v "$program" 2>/dev/null) && printf ' %s' "$found"
  done
  printf '\n'
}

# Returns whether the name of a variable looks like that of a secret.
secret_name() {
  case $1 in
    *[Tt][Oo][Kk][Ee][Nn]* | *[Ss][Ee][Cc][Rr][Ee][Tt]* | *[Pp][Aa][Ss][Ss]* | *[Cc][Rr][Ee][Dd]*) return 0 ;;
    *[Pp][Rr][Ii][Vv][Aa][Tt][Ee]* | *[Aa][Pp][Ii][Kk][Ee][Yy]* | *_[Kk][Ee][Yy] | *_[Kk][Ee][Yy]_* | [Kk][Ee][Yy]) return 0 ;;
    *[Cc][Oo][Oo][Kk][Ii][Ee]* | *[Ss][Ee][Ss][Ss][Ii][Oo][Nn]* | *[Ss][Ii][Gg][Nn][Aa][Tt][Uu][Rr][Ee]*) return 0 ;;
    *_PAT | *_pat | *[Aa][Uu][Tt][Hh] | *[Aa][Uu][Tt][Hh]_* | *_DSN | *_dsn | *[Ww][Ee][Bb][Hh][Oo][Oo][Kk]*) return 0 ;;
  esac
  return 1
}

# Returns whether a value looks like a secret.
secret_value() {
  case $1 in
    *gh[pousr]_* | *github_pat_* | *glpat-* | *soil_[a-z]*_*_* | *xox[abprs]-* | *AKIA[0-9A-Z]* | sk-* | *npm_* | *pypi-* | eyJ*.*) return 0 ;;
    *-----BEGIN* | *[Pp][Aa][Ss][Ss][Ww]*[=:]* | *[Tt]oken[=:\"]* | *[Ss]ecret[=:\"]* | *[Pp]rivate_[Kk]ey*) return 0 ;;
    *://*:*@* | *://*[!/]@*) return 0 ;;
    *[!A-Za-z0-9_+/=-]*) return 1 ;;
    */*/*) return 1 ;;
  esac
  # A long word of upper-case and lower-case letters and digits is probably a secret.
  [ "${#1}" -ge 24 ] || return 1
  case $1 in *[A-Z]*) ;; *) return 1 ;; esac
  case $1 in *[a-z]*) ;; *) return 1 ;; esac
  case $1 in *[0-9]*) ;; *) return 1 ;; esac
  return 0
}

# Prints only the first line of a value: other lines may be those of a private key.
show_variable() {
  eval "[ -n \"\${$1+x}\" ]" || return 0
  eval "value=\$$1"
  if secret_name "$1" && [ -n "$value" ] || secret_value "$value"; then
    printf '%s=***\n' "$1"
    return 0
  fi
  first=${value%%"$newline"*}
  if [ "$first" = "$value" ]; then
    printf '%s=%s\n' "$1" "$value"
  else
    printf '%s=%s... (more lines)\n' "$1" "$first"
  fi
}

newline='
'

# A line inside a value may look like an assignment. Then the variable of that name is printed, with its real value.
dump_env() {
  export -p | while IFS= read -r line; do
    case $line in
      'export '[A-Za-z_]*) name=${line#export } ;;
      'declare -x '[A-Za-z_]*) name=${line#declare -x } ;;
      *) continue ;;
    esac
    name=${name%%=*}
    case $name in *[!A-Za-z0-9_]*) continue ;; esac
    show_variable "$name"
  done
}

[ $# -gt 0 ] || set -- os-info dump-env
for task in "$@"; do
  case $task in
    os-info) os_info ;;
    dump-env) dump_env ;;
    *)
      printf 'cannot run "%s": it must be os-info or dump-env\n' "$task" >&2
      exit 2
      ;;
  esac
done
