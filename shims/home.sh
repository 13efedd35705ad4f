#!/bin/sh
# home.sh: sets HOME to a folder that the user of a container can write. Sourced, so that it holds for what runs next.

# A user without an entry in the image's passwd file has / as home, or none.
if ! [ -w "${HOME:-/}" ]; then
  for folder in /tmp /var/tmp /dev/shm; do
    { [ -d "$folder/soil-home" ] || mkdir -m 700 "$folder/soil-home"; } 2>/dev/null
    if [ -w "$folder/soil-home" ]; then
      export HOME="$folder/soil-home"
      break
    fi
  done
fi
