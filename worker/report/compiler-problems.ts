/** A task's log -> the faults that compilers and test runners name in it, with file and line. Pure. */
import { posix } from 'node:path';

export interface Problem {
  /** below the repo's root, without `./` */
  readonly file: string;
  readonly line: number;
  readonly column?: number;
  readonly message: string;
}

export interface ProblemOptions {
  /** the repo's root as the task saw it: what stands in front of an absolute path that is meant */
  readonly roots: readonly string[];
  /** below the repo's root: where the task ran; absent: the root itself */
  readonly folder?: string | undefined;
  /** no more than this many */
  readonly limit: number;
}

/** Reads one form at a line; `after` and `before` are the lines around it. */
type Matcher = (line: string, around: Surroundings) => Found | undefined;
interface Found {
  readonly file: string | undefined;
  readonly line: string | undefined;
  readonly column?: string | undefined;
  readonly message: string | undefined;
}
interface Surroundings {
  readonly lines: readonly string[];
  readonly at: number;
}

/** The same place and sentence is told once, however often a log has it. */
export function findProblems(log: string, { roots, folder = '', limit }: ProblemOptions): Problem[] {
  const lines = log.split(/\r?\n/).map(withoutColour);
  const problems = new Map<string, Problem>();
  /** where make has gone, the innermost last */
  const entered: string[] = [];
  for (const [at, line] of lines.entries()) {
    if (problems.size >= limit) break;
    // The expressions below look at a line several times: a megabyte without a line end is no message.
    if (line.length > 2000) continue;
    const [, way, place = ''] =
      /^\w*make(?:\[\d+\])?: (Entering|Leaving) directory ['`](.+)'$/.exec(line) ?? [];
    if (way === 'Entering') entered.push(place);
    else if (way === 'Leaving') entered.pop();
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

function firstMatch(line: string, around: Surroundings): Found | undefined {
  for (const matcher of matchers) {
    const found = matcher(line, around);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `src/a.c:3:5: error: ...`, as gcc, clang, shellcheck -f gcc and many others write. */
const gcc: Matcher = (line) => {
  const match = /^([^\s:][^:]*):(\d+):(?:(\d+):)? (?:fatal )?error: (.+)$/.exec(line);
  return match === null ? undefined : found(match);
};

/** `src/a.ts(3,5): error TS2322: ...`, and the same with colons on a terminal. */
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
    const said = /^E {3,}(\S.*)$/.exec(text)?.[1];
    if (said !== undefined) first = said;
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
    if (/^ {2}File "/.test(text)) return undefined; // a frame further out
    if (/^[A-Za-z_][\w.]*(: |$)/.test(text)) return { file: match[1], line: match[2], message: text };
  }
  return undefined;
};

/** `./a.go:3:5: undefined: x` of the compiler, `    a_test.go:3: ...` of a test. */
const go: Matcher = (line) => {
  const match = /^\s*(?:vet: )?([^\s:][^:]*\.go):(\d+):(?:(\d+):)? (.+)$/.exec(line);
  return match === null ? undefined : found(match);
};

/** `  --> src/main.rs:3:5` below `error[E0308]: ...`, and a panic's place above its message. */
const rustc: Matcher = (line, { lines, at }) => {
  const panic = /panicked at (?:'(.*)', )?([^\s:'][^:']*\.rs):(\d+):(\d+):?$/.exec(line);
  if (panic !== null) {
    const [, said, file, number, column] = panic;
    return { file, line: number, column, message: said ?? lines[at + 1] };
  }
  const match = /^\s*--> ([^\s:][^:]*):(\d+):(\d+)$/.exec(line);
  const message = /^error(?:\[E\d+\])?: (.+)$/.exec(lines[at - 1] ?? '')?.[1];
  return match === null || message === undefined
    ? undefined
    : { file: match[1], line: match[2], column: match[3], message };
};

const matchers: readonly Matcher[] = [gcc, tsc, pytest, python, go, rustc];

const found = ([, file, line, column, message]: RegExpExecArray): Found => ({ file, line, column, message });

/** The path below the repo's root; undefined for one that is not: a system header, a library. */
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

const withoutColour = (line: string): string => line.replace(/\u001b\[[0-9;]*[A-Za-z]/g, '');
