/** Recognizes the lines of a log that report an error. */
import type { FilterWord } from './byte-filter.js';

/**
 * Every error line has one of these words, in any case. They select the few lines that isErrorLine() is asked about. The
 * second text is the part of the word that is the rarest in logs.
 */
export const errorWords: readonly FilterWord[] = [
  ...wordsOf(
    'error/rro fatal/fat panic/nic exception/exc failure/fai fail/fai err!/rr! traceback/eba assert/ass',
  ),
  ...wordsOf(
    'abort/abo fault/aul not_ok/t_o not_found/_fo undefined_reference/efe no_such_file/suc cannot_/nno',
  ),
  ...wordsOf('***_/**_ .go:/go: killed/kil denied/nie panicked/ick illegal_instr/ega build_stopped/opp'),
  ...['✖', '✗', '✘', '✕', '❌'].map((mark): FilterWord => [`${mark} `, mark]),
];

/** Parses `word/rare` pairs, with `_` for a space. */
function wordsOf(text: string): FilterWord[] {
  return text.split(' ').map((pair): FilterWord => {
    const [word = '', rare = ''] = pair.replaceAll('_', ' ').split('/');
    return [word, rare];
  });
}

/** What must be around a word in an error line, so that most lines that only mention errors need not be decoded. */
const contexts: Readonly<Record<string, (bytes: Uint8Array, end: number) => boolean>> = {
  error: (bytes, end) => isOneOf(bytes[end + 1], ': []!\u001b\r\n'),
  exception: (bytes, end) => isOneOf(bytes[end - 8], 'E') && isOneOf(bytes[end + 1], ': [\u001b\r\n'),
  failure: (bytes, end) => isOneOf(bytes[end - 6], 'F') && isOneOf(bytes[end + 1], ': [\u001b\r\n'),
  fail: (bytes, end) => isOneOf(bytes[end - 3], 'F'),
  // `Assertion ... failed`, and `E       assert` of pytest
  assert: (bytes, end) => isOneOf(bytes[end - 5], 'A') || isOneOf(bytes[end - 7], ' '),
  'cannot ': (bytes, end) => isOneOf(bytes[end - 8], ':'),
  'not found': (bytes, end) => isOneOf(bytes[end + 1], '\u001b\r\n'),
  denied: (bytes, end) => isOneOf(bytes[end + 1], '\u001b\r\n'),
  '.go:': (bytes, end) => isOneOf(bytes[end + 1], '0123456789'),
};
const contextOf = errorWords.map(([word]) => contexts[word]);

/** Reports whether the word that ends at `end` may be in an error line, by the bytes around it. */
export const isErrorWord = (bytes: Uint8Array, end: number, word: number): boolean =>
  contextOf[word]?.(bytes, end) ?? true;

function isOneOf(byte: number | undefined, characters: string): boolean {
  return byte !== undefined && characters.includes(String.fromCharCode(byte));
}

/** A longer line is data, and patterns would be slow. */
export const maxErrorLineLength = 2000;

/** Matched against a line without escape sequences and leading space. */
const patterns: readonly RegExp[] = [
  // gcc, clang, rustc, tsc, make, linkers, shells, git and many others: `FILE:LINE: error: ...`, `error[E0308]: ...`
  /(?:^|[\s:\])(|-])(?:fatal )?(?:error|ERROR|Error|fatal|FATAL|Fatal|panic|PANIC)(?: ?\[\w+\]| [A-Z]+\d+)?(?: \w+)?:(?:\s|$)/,
  // exceptions of Python, Java, JavaScript and others: `ValueError: ...`, `java.lang.IllegalStateException: ...`
  /(?:^|[\s:(["'])(?:[\w$]+\.)*[A-Z][\w$]*(?:Error|Exception|Failure)(?: \[\w+\])?(?::\s|:$|$)/,
  /^(?:E {3,}\S|Traceback \(most recent call last\):|Exception in thread |thread '.*' panicked at )/,
  // test runners: TAP, go, pytest, jest, mocha, node, ctest, googletest, cargo
  /^(?:not ok\b(?!.*# (?:TODO|SKIP))|--- FAIL:|FAIL(?:ED|URE)?(?::|\s|$)|[✖✗✘✕❌] \S|\[ {2}FAILED {2}\])/,
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

/** One expression for all, which is faster than one after the other. */
const anyPattern = new RegExp(patterns.map(({ source }) => source).join('|'));

/** Reports whether a line says that something failed. `line` has no escape sequences. */
export function isErrorLine(line: string): boolean {
  if (line.length > maxErrorLineLength) return false;
  return anyPattern.test(line.trimStart());
}
