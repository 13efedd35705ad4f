#!/bin/sh
# test.sh: tests wordcount.sh and writes a report to _test/report.html.
set -eu
mkdir -p _test
report=_test/report.html
printf '<!doctype html><html lang="en"><meta charset="utf-8"><title>wordcount: report</title>\n<h1>wordcount</h1><ul>\n' >"$report"
failed=0

expect() {
  want=$1 input=$2
  got=$(printf '%s' "$input" | ./wordcount.sh)
  if [ "$got" = "$want" ]; then verdict=ok; else verdict='not ok' failed=1; fi
  printf '%s: "%s" has %s words (got %s)\n' "$verdict" "$input" "$want" "$got"
  printf '<li>%s: %s words\n' "$verdict" "$want" >>"$report"
}
expect 0 ''
expect 1 'soil'
expect 3 'no * glob'
expect 3 '  one two  three '
expect 4 'grüne Erde, roter Ton'
printf '</ul></html>\n' >>"$report"
exit "$failed"
