#!/bin/sh
# wordcount.sh: counts the words of its standard input.
set -eu
count=0
while read -r line || [ -n "$line" ]; do
  set -f
  # The line is not quoted, so that the shell splits it into words.
  # shellcheck disable=SC2086
  set -- $line
  count=$((count + $#))
done
echo "$count"
