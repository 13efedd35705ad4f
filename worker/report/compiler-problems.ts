/** Finds the errors of compilers and test runners in a log, with file and line. */
import { posix } from 'node:path';

export interface Problem {
  /** path relative to the repo's root, without `./` */
  readonly file: string;
  readonly line: number;
  readonly column?: number;
  readonly message: string;
}

export interface ProblemOptions {
  /** absolute paths of the repo's root, as the task may have seen it */
  readonly roots: readonly string[];
  /** the folder in which the task ran, relative to the repo's root; absent: the root */
  readonly folder?: string | undefined;
  /** the largest number of problems to return */
  readonly limit: number;
}

/** Recognizes the format of one tool at a line. */
type Matcher = (line: string, position: LogPosition) => Found | undefined;
interface Found {
  readonly file: string | undefined;
  readonly line: string | undefined;
  readonly column?: string | undefined;
  readonly message: string | undefined;
}
interface LogPosition {
  readonly lines: readonly string[];
  /** index of the line in `lines` */
  readonly at: number;
}

/** Finds the problems of a log, without duplicates. */
export function findProblems(log: string, { roots, folder = '', limit }: ProblemOptions): Problem[] {
  const lines = log.split(/\r?\n/).map(withoutColor);
  const problems = new Map<string, Problem>();
  /** the folders that make has entered, the innermost last */
  const entered: string[] = [];
  for (const [at, line] of lines.entries()) {
    if (problems.size >= limit) break;
    // A long line is not a message, and the patterns below would be slow.
    if (line.length > 2000) continue;
    const [, direction, enteredFolder = ''] =
      /^\w*make(?:\[\d+\])?: (Entering|Leaving) directory ['`](.+)'$/.exec(line) ?? [];
    if (direction === 'Entering') entered.push(enteredFolder);
    else if (direction === 'Leaving') entered.pop();
    const found = firstMatch(line, { lines, at });
    const within = entered.at(-1) ?? folder;
    const file = found?.file === undefined ? undefined : fileInRepo(found.file, { roots, within });
    if (found === undefined || file === undefined) continue;
    const problem: Problem = {
      file,
      line: Number(found.line),
      ...(found.column !== undefined && { column: Number(found.column) }),
      message: (found.message ?? '').trim() || 'failed',
    };
    const key = JSON.stringify([problem.file, problem.line, problem.message]);
    if (!problems.has(key)) problems.set(key, problem);
  }
  return [...problems.values()];
}

function firstMatch(line: string, position: LogPosition): Found | undefined {
  for (const matcher of matchers) {
    const found = matcher(line, position);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `src/a.c:3:5: error: ...`, the format of gcc, clang, shellcheck -f gcc and many others. */
const gcc: Matcher = (line) => {
  const match = /^([^\s:][^:]*):(\d+):(?:(\d+):)? (?:fatal )?error: (.+)$/.exec(line);
  return match === null ? undefined : found(match);
};

/** `src/a.ts(3,5): error TS2322: ...`, or with colons if tsc writes to a terminal. */
const tsc: Matcher = (line) => {
  const match =
    /^([^\s(][^(]*)\((\d+),(\d+)\): error (TS\d+: .+)$/.exec(line) ??
    /^([^\s:][^:]*):(\d+):(\d+) - error (TS\d+: .+)$/.exec(line);
  return match === null ? undefined : found(match);
};

/** `test_a.py:3: AssertionError`, with the `E` lines of pytest above it. */
const pytest: Matcher = (line, { lines, at }) => {
  const match = /^([^\s:][^:]*\.py):(\d+): ([A-Za-z_][\w.]*)$/.exec(line);
  if (match === null) return undefined;
  let first: string | undefined;
  for (let i = at - 1; i >= 0 && i > at - 60; i--) {
    const text = lines[i] ?? '';
    const message = /^E {3,}(\S.*)$/.exec(text)?.[1];
    if (message !== undefined) first = message;
    else if (first !== undefined) break;
    else if (text.trim() !== '') break;
  }
  const [, file, number, kind = ''] = match;
  return { file, line: number, message: first ?? kind };
};

/** The last `File "a.py", line 3` of a traceback, and the exception below it. */
const python: Matcher = (line, { lines, at }) => {
  const match = /^ {2}File "([^"]+)", line (\d+)/.exec(line);
  if (match === null) return undefined;
  for (let i = at + 1; i < lines.length && i < at + 6; i++) {
    const text = lines[i] ?? '';
    if (/^ {2}File "/.test(text)) return undefined; // an outer frame
    if (/^[A-Za-z_][\w.]*(: |$)/.test(text)) return { file: match[1], line: match[2], message: text };
  }
  return undefined;
};

/** `./a.go:3:5: undefined: x` of the compiler, `    a_test.go:3: ...` of a test. */
const go: Matcher = (line) => {
  const match = /^\s*(?:vet: )?([^\s:][^:]*\.go):(\d+):(?:(\d+):)? (.+)$/.exec(line);
  return match === null ? undefined : found(match);
};

/** `  --> src/main.rs:3:5` below `error[E0308]: ...`, or the location of a panic above its message. */
const rustc: Matcher = (line, { lines, at }) => {
  const panic = /panicked at (?:'(.*)', )?([^\s:'][^:']*\.rs):(\d+):(\d+):?$/.exec(line);
  if (panic !== null) {
    const [, message, file, number, column] = panic;
    return { file, line: number, column, message: message ?? lines[at + 1] };
  }
  const match = /^\s*--> ([^\s:][^:]*):(\d+):(\d+)$/.exec(line);
  const message = /^error(?:\[E\d+\])?: (.+)$/.exec(lines[at - 1] ?? '')?.[1];
  return match === null || message === undefined
    ? undefined
    : { file: match[1], line: match[2], column: match[3], message };
};

const matchers: readonly Matcher[] = [gcc, tsc, pytest, python, go, rustc];

const found = ([, file, line, column, message]: RegExpExecArray): Found => ({ file, line, column, message });

/** Returns the path relative to the repo's root; undefined for files outside, such as system headers. */
function fileInRepo(
  path: string,
  { roots, within }: { readonly roots: readonly string[]; readonly within: string },
): string | undefined {
  // `12:30:01: error: ...` is a time of day.
  if (!/\p{L}/u.test(path)) return undefined;
  const whole = path.startsWith('/') ? posix.normalize(path) : posix.join(within, path);
  const root = roots.find((known) => whole.startsWith(`${known}/`));
  const inside = root === undefined ? whole : whole.slice(root.length + 1);
  return inside.startsWith('/') || inside.split('/').includes('..') ? undefined : inside;
}

const withoutColor = (line: string): string => line.replace(/\u001b\[[0-9;]*[A-Za-z]/g, '');
