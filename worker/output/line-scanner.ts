/** Finds the first and the last error, and the groups, of a log while it is written. */
import type { LogGroup, LogIndex } from '../../model/log-index.js';
import { createByteFilter } from './byte-filter.js';
import { errorWords, isErrorLine, isErrorWord, maxErrorLineLength } from './error-line.js';
import { countLineEnds } from './line-count.js';

const lineEnd = 0x0a;
const maxGroups = 2000;
const maxTitleLength = 200;
/** Only the start of a line decides. */
const maxLineBytes = 4 * maxErrorLineLength;
const groupWord = errorWords.length;
const findWords = createByteFilter([...errorWords, ['group', 'gro']]);

/** The numbers of the lines to which the first byte and the end of some bytes belong. */
interface LineRange {
  readonly firstLine: number;
  readonly lastLine: number;
}

/** Give it every byte of the log, in order. */
export class LineScanner {
  /** the start of a line whose end did not come yet */
  #partial: Buffer = Buffer.alloc(0);
  #firstError: number | undefined;
  #lastError: number | undefined;
  readonly #groups: Group[] = [];
  /** the groups that are open, the innermost last */
  readonly #open: Group[] = [];

  add(bytes: Buffer, { firstLine, lastLine }: LineRange): void {
    let start = 0;
    if (this.#partial.length > 0) {
      const end = bytes.indexOf(lineEnd);
      this.#extendPartial(end < 0 ? bytes : bytes.subarray(0, end));
      if (end < 0) return;
      this.#checkPartial(firstLine);
      start = end + 1;
    }
    const end = bytes.lastIndexOf(lineEnd) + 1;
    if (end > start) {
      const whole = bytes.subarray(start, end);
      this.#scan(whole, { firstLine: firstLine + (start > 0 ? 1 : 0), lastLine });
    }
    this.#extendPartial(bytes.subarray(Math.max(start, end)));
  }

  /** Returns what was found in a log of so many lines. */
  finish(lines: number): Pick<LogIndex, 'firstError' | 'lastError' | 'groups'> {
    this.#checkPartial(lines);
    return {
      ...(this.#firstError === undefined ? {} : { firstError: this.#firstError }),
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      groups: this.#groups.map(({ first, last, title }): LogGroup => [first, Math.min(last, lines), title]),
    };
  }

  #extendPartial(bytes: Buffer): void {
    const more = bytes.subarray(0, maxLineBytes - this.#partial.length);
    if (more.length > 0) this.#partial = Buffer.concat([this.#partial, more]);
  }

  #checkPartial(line: number): void {
    const text = plainText(this.#partial);
    this.#partial = Buffer.alloc(0);
    this.#readGroup(text, line);
    if (isErrorLine(text)) this.#noteError(line);
  }

  #noteError(line: number): void {
    this.#firstError ??= line;
    this.#lastError = Math.max(line, this.#lastError ?? 0);
  }

  /** Scans whole lines. */
  #scan(bytes: Buffer, { firstLine, lastLine }: LineRange): void {
    const { ends, words } = findWords(bytes);
    if (ends.length === 0) return;
    let counted = 0;
    let line = firstLine;
    const lineAt = (start: number): number => {
      line += countLineEnds(bytes, counted, start);
      counted = start;
      return line;
    };
    let checkedTo = -1;
    let isFirstKnown = this.#firstError !== undefined;
    for (let i = 0; i < ends.length; i++) {
      const at = ends[i] ?? 0;
      const word = words[i] ?? 0;
      if (word !== groupWord && (isFirstKnown || at < checkedTo || !isErrorWord(bytes, at, word))) continue;
      const { start, end, text } = lineAround(bytes, at);
      if (word === groupWord) this.#readGroup(text, () => lineAt(start));
      else checkedTo = end;
      if (isFirstKnown || !isErrorLine(text)) continue;
      this.#noteError(lineAt(start));
      isFirstKnown = true;
    }
    if (!isFirstKnown) return;
    // Only the last error matters now, so the search goes backwards.
    let checkedFrom = bytes.length;
    for (let i = ends.length - 1; i >= 0; i--) {
      const at = ends[i] ?? 0;
      const word = words[i] ?? 0;
      if (word === groupWord || at >= checkedFrom || !isErrorWord(bytes, at, word)) continue;
      const { start, text } = lineAround(bytes, at);
      checkedFrom = start;
      if (!isErrorLine(text)) continue;
      this.#noteError(lastLine - countLineEnds(bytes, start, bytes.length));
      break;
    }
  }

  #readGroup(text: string, line: number | (() => number)): void {
    const [, word, title = ''] = /^\s*(?:::|##\[)(group|endgroup)(?:::|\])(.*)$/.exec(text) ?? [];
    if (word === undefined) return;
    const number = typeof line === 'number' ? line : line();
    if (word === 'endgroup') {
      const group = this.#open.pop();
      if (group !== undefined) group.last = number;
    } else if (this.#groups.length < maxGroups) {
      const group = { first: number, last: Infinity, title: title.trim().slice(0, maxTitleLength) };
      this.#groups.push(group);
      this.#open.push(group);
    }
  }
}

interface Group {
  readonly first: number;
  last: number;
  readonly title: string;
}

interface Line {
  readonly start: number;
  /** the offset of its line end */
  readonly end: number;
  readonly text: string;
}

/** Returns the line that the byte at `at` belongs to. Every line of `bytes` is whole. */
function lineAround(bytes: Buffer, at: number): Line {
  const start = at === 0 ? 0 : bytes.lastIndexOf(lineEnd, at - 1) + 1;
  const end = bytes.indexOf(lineEnd, at);
  return { start, end, text: plainText(bytes.subarray(start, Math.min(end, start + maxLineBytes))) };
}

/** Returns text without escape sequences and the carriage return at its end. */
function plainText(bytes: Buffer): string {
  const text = bytes.toString();
  if (!/[\u001b\r]/.test(text)) return text;
  return text
    .replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|.)?/g, '')
    .replace(/\r$/, '');
}
