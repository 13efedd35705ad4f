/** Notes when the lines of a log arrived, in a list that stays small. */
import type { LogIndex } from '../../model/log-index.js';

/** Differences below this are not noted. */
const firstStepMs = 10;
/** When the list has this many entries, its resolution is halved, which removes up to half of them. */
const maxEntries = 32 * 1024;

/** The times of the lines of one log. */
export class LineTimes {
  readonly #startTime: number;
  #stepMs = firstStepMs;
  /** bytes that are not counted yet, and when they arrived */
  readonly #arrivals: { readonly offset: number; readonly time: number }[] = [];
  #lastArrival = -Infinity;
  /** line numbers, and milliseconds since the start */
  #lines: number[] = [];
  #times: number[] = [];

  constructor(startTime: number) {
    this.#startTime = startTime;
  }

  /** Notes when the bytes from `offset` on arrived: milliseconds since 1970. */
  arrive(offset: number, time: number): void {
    // The clock of the machine can be set back.
    if (time < this.#lastArrival + this.#stepMs) return;
    this.#lastArrival = time;
    this.#arrivals.push({ offset, time });
  }

  /** The offset of the first bytes whose line is still unknown. */
  get nextOffset(): number | undefined {
    return this.#arrivals[0]?.offset;
  }

  /** Notes that `line` is the first one that begins at or after `offset`. */
  pass(offset: number, line: number): void {
    for (
      let next = this.#arrivals[0];
      next !== undefined && next.offset <= offset;
      next = this.#arrivals[0]
    ) {
      this.#arrivals.shift();
      this.#note(line, Math.round(next.time - this.#startTime));
    }
  }

  /** Returns the times of a log of so many lines, in the form of the index. */
  finish(lines: number): Pick<LogIndex, 'timeStepMs' | 'times'> {
    // The last entry can be of a line that did not come.
    const count = this.#lines.filter((line) => line <= lines).length;
    const times = this.#lines
      .slice(0, count)
      .flatMap((line, i) => [
        line - (this.#lines[i - 1] ?? 0),
        (this.#times[i] ?? 0) - (this.#times[i - 1] ?? 0),
      ]);
    return { timeStepMs: this.#stepMs, times };
  }

  #note(line: number, time: number): void {
    // The end of a long line arrived later than its start: the line itself keeps its time.
    if (this.#lines.at(-1) === line) {
      this.#lines.pop();
      this.#times.pop();
    }
    const last = this.#times.at(-1);
    if (last !== undefined && time - last < this.#stepMs) return;
    this.#lines.push(line);
    this.#times.push(time);
    if (this.#lines.length < maxEntries) return;
    this.#stepMs *= 2;
    let kept = -Infinity;
    const isKept = this.#times.map((at) => {
      if (at - kept < this.#stepMs) return false;
      kept = at;
      return true;
    });
    this.#lines = this.#lines.filter((_, i) => isKept[i]);
    this.#times = this.#times.filter((_, i) => isKept[i]);
  }
}
