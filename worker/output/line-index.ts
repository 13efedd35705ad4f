/** Builds the line index of a log while it is written. What it keeps is small, however long the log is. */
import { logIndexSchema, type LogBlock, type LogIndex } from '../../model/log-index.js';
import { LineTimes } from './line-times.js';
import { countLineEnds } from './line-count.js';
import { LineScanner } from './line-scanner.js';
import { SgrState } from './sgr-state.js';

export const blockBytes = 256 * 1024;
const lineEnd = 0x0a;

/** A place in the log: a byte, the number of line ends before it, and the colors there. */
interface Position {
  readonly offset: number;
  readonly lineEnds: number;
  readonly colors: string;
}

/** The index of one log. Give it every byte of the log, in order. */
export class LineIndex {
  readonly #startTime: number;
  readonly #blocks: LogBlock[] = [[0, 1, '']];
  readonly #times: LineTimes;
  readonly #scanner = new LineScanner();
  readonly #sgr = new SgrState();
  /** up to here everything is counted; #colors are those at #offset */
  #offset = 0;
  #lineEnds = 0;
  #isInsideLine = false;
  #lateAt: number | undefined;
  #lateLine: number | undefined;
  /** the end of the last whole line of the current block, if it has one */
  #lastLineEnd: Position | undefined;

  /** `startTime` is in milliseconds since 1970. */
  constructor(startTime: number) {
    this.#startTime = startTime;
    this.#times = new LineTimes(startTime);
  }

  /** Notes when the bytes from `offset` on arrived: milliseconds since 1970. Call it before add() of these bytes. */
  arrive(offset: number, time: number): void {
    this.#times.arrive(offset, time);
  }

  /** Notes that the line at `offset` is the one before late output. Call it before add() of that line. */
  setLate(offset: number): void {
    this.#lateAt ??= offset;
  }

  /** Adds the next bytes of the log. */
  add(bytes: Buffer): void {
    if (bytes.length === 0) return;
    const firstLine = this.#lineEnds + 1;
    const base = this.#offset;
    const end = base + bytes.length;
    while (this.#offset < end) {
      this.#stampLine();
      const limit = this.#blockStart + blockBytes;
      const stop = Math.min(end, limit, this.#times.nextOffset ?? end, this.#nextLate ?? end);
      this.#advance(bytes.subarray(this.#offset - base, stop - base));
      if (stop === limit) this.#beginBlock();
    }
    this.#scanner.add(bytes, { firstLine, lastLine: this.#lineEnds + 1 });
  }

  /** Returns the index. Call it after the last add(). */
  finish(): LogIndex {
    const lines = this.#lineEnds + (this.#isInsideLine ? 1 : 0);
    return {
      schema: logIndexSchema,
      bytes: this.#offset,
      lines,
      startTime: this.#startTime / 1000,
      blocks: this.#offset === 0 ? [] : this.#blocks.filter(([offset]) => offset < this.#offset),
      ...this.#times.finish(lines),
      ...this.#scanner.finish(lines),
      ...(this.#lateLine === undefined ? {} : { lateLine: this.#lateLine }),
    };
  }

  get #blockStart(): number {
    return this.#blocks.at(-1)?.[0] ?? 0;
  }

  get #nextLate(): number | undefined {
    return this.#lateAt !== undefined && this.#lateAt > this.#offset ? this.#lateAt : undefined;
  }

  /** Counts the bytes of a part that lies within one block. */
  #advance(part: Buffer): void {
    if (part.length === 0) return;
    const lineBytes = part.lastIndexOf(lineEnd) + 1;
    if (lineBytes > 0) {
      this.#lineEnds += countLineEnds(part, 0, lineBytes);
      this.#sgr.advance(part.subarray(0, lineBytes));
      this.#lastLineEnd = {
        offset: this.#offset + lineBytes,
        lineEnds: this.#lineEnds,
        colors: this.#sgr.toString(),
      };
    }
    if (lineBytes < part.length) this.#sgr.advance(part.subarray(lineBytes));
    this.#offset += part.length;
    this.#isInsideLine = lineBytes < part.length;
  }

  /** Notes what is known of the line that begins at, or next after, the current offset. */
  #stampLine(): void {
    const next = this.#lineEnds + (this.#isInsideLine ? 2 : 1);
    this.#times.pass(this.#offset, next);
    if (this.#offset === this.#lateAt) this.#lateLine = next;
  }

  #beginBlock(): void {
    const { offset, lineEnds, colors } = this.#lastLineEnd ?? {
      offset: this.#offset,
      lineEnds: this.#lineEnds,
      colors: this.#sgr.toString(),
    };
    this.#blocks.push([offset, lineEnds + 1, colors]);
    this.#lastLineEnd = undefined;
  }
}
