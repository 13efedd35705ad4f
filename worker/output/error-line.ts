/** Recognizes the lines of a log that report an error. */

/**
 * Every error line has one of these words, in any case. They select the few lines that isErrorLine() is asked about. A
 * shorter word makes that search slower.
 */
export const errorWords: readonly string[] = [
  ...['error', 'err!', 'fail', 'fatal', 'panic', 'exception', 'traceback', 'assert', 'abort', 'fault'],
  ...[
    'not ok',
    'not found',
    'undefined',
    'no such file',
    'cannot',
    '*** ',
    '.go:',
    '-->',
    'killed',
    'denied',
  ],
  ...['✖ ', '✗ ', '✘ ', '✕ ', '❌'],
];

/** A longer line is data, and patterns would be slow. */
export const maxErrorLineLength = 2000;

/** Matched against a line without escape sequences and leading space. */
const patterns: readonly RegExp[] = [
  // gcc, clang, rustc, tsc, make, linkers, shells, git and many others: `FILE:LINE: error: ...`, `error[E0308]: ...`
  /(?:^|[\s:\])(|-])(?:fatal )?(?:error|ERROR|Error|fatal|FATAL|Fatal|panic|PANIC)(?: ?\[\w+\]| [A-Z]+\d+)?(?: \w+)?:(?:\s|$)/,
  // exceptions of Python, Java, JavaScript and others: `ValueError: ...`, `java.lang.IllegalStateException: ...`
  /(?:^|[\s:(["'])(?:[\w$]+\.)*[A-Z][\w$]*(?:Error|Exception|Failure)(?: \[\w+\])?(?::\s|:$|$)/,
  /^(?:E {3,}\S|Traceback \(most recent call last\):|Exception in thread |goroutine \d+ \[running\]|thread '.*' panicked at )/,
  // test runners: TAP, go, pytest, jest, mocha, node, ctest, googletest, cargo
  /^(?:not ok\b(?!.*# (?:TODO|SKIP))|--- FAIL:|FAIL(?:ED|URE)?(?::|\s|$)|[✖✗✘✕❌]\s?\S|\[ {2}FAILED {2}\])/,
  /(?:^|\s)(?:FAILED|\*\*\*Failed|\.\.\. FAILED|\.\.\. FAIL)(?:\s|$)/,
  // commands for CI hosts
  /^(?:::error[ :]|##\[error\])/,
  /^(?:npm (?:ERR!|error) |make(?:\[\d+\])?: \*\*\* |ninja: build stopped|\[ERROR\]|ERROR\b|error:)/i,
  // shells and the C library
  /: (?:command not found|not found|No such file or directory|Permission denied|cannot .{1,200}|undefined reference to .*)$/,
  /(?:^|\s)(?:Segmentation fault|Aborted|Bus error|Floating point exception|Illegal instruction|Killed)(?: \(core dumped\))?$/,
  /(?:^|[\s:])[Aa]ssert(?:ion)?\b.{0,200}\bfailed/i,
  // go vet and the go compiler
  /^(?:vet: )?[^\s:]+\.go:\d+:(?:\d+:)? \S/,
];

/** Reports whether a line says that something failed. `line` has no escape sequences. */
export function isErrorLine(line: string): boolean {
  if (line.length > maxErrorLineLength) return false;
  const text = line.trimStart();
  return patterns.some((pattern) => pattern.test(text));
}
