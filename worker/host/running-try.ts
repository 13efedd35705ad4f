/** One try under way: takes the supervisor's reports about it in their order. */
import type { Report } from './report.js';
import type { TryEnd, TryRequest } from './task-try.js';

/** User and system seconds of all tasks of a supervisor so far. */
export type TaskTimes = readonly [number, number];

/** A try, and the process group of its task if it is known. */
export interface StartedTry extends Pick<TryRequest, 'number' | 'try'> {
  readonly group?: number;
}

export interface RunningTryOptions {
  readonly request: TryRequest;
  /** the word in the report of the end */
  readonly key: string;
  /** when the try began */
  readonly times: TaskTimes;
  /** sends a line to the supervisor */
  readonly send: (line: string) => void;
}

export class RunningTry {
  /** resolves when the end was reported */
  readonly end: Promise<TryEnd>;
  #resolve: (end: TryEnd) => void = () => undefined;
  readonly #options: RunningTryOptions;
  #group: number | undefined;
  #maxRssKib: number | undefined;
  #hasEnded = false;
  #times: TaskTimes;
  #timesLines = 0;

  constructor(options: RunningTryOptions) {
    this.#options = options;
    this.#times = options.times;
    this.end = new Promise((resolve) => (this.#resolve = resolve));
  }

  get times(): TaskTimes {
    return this.#times;
  }

  get started(): StartedTry {
    const { number, try: tryNumber } = this.#options.request;
    return { number, try: tryNumber, ...(this.#group !== undefined && { group: this.#group }) };
  }

  /** Takes a report that is expected now, and returns whether the try is over. Returns undefined if it is out of turn. */
  accept(report: Report): 'running' | 'over' | undefined {
    switch (report.kind) {
      case 'began':
        if (this.#group !== undefined || report.pid <= 1) return undefined;
        this.#group = report.pid;
        return 'running';
      case 'memory':
        if (this.#maxRssKib !== undefined) return undefined;
        this.#maxRssKib = report.kib;
        return 'running';
      case 'ended':
        if (this.#hasEnded || !this.#isOwn(report)) return undefined;
        this.#hasEnded = true;
        this.#options.send(`left ${report.number} ${report.try} ${this.#group ?? '-'}`);
        return 'running';
      case 'times':
        // Two lines, those of the shell and of its children.
        if (++this.#timesLines > 2) return undefined;
        this.#times = report.seconds;
        return 'running';
      case 'done':
        if (report.key !== this.#options.key || this.#timesLines !== 2 || !this.#isOwn(report))
          return undefined;
        this.#resolve(this.#endOf(report.status));
        return 'over';
      case 'ready':
      case 'unfit':
      case 'answer':
      case 'bye':
        return undefined;
    }
  }

  #isOwn(report: { readonly number: number; readonly try: number }): boolean {
    const { request } = this.#options;
    return report.number === request.number && report.try === request.try;
  }

  #endOf(status: string): TryEnd {
    if (status === 'terminal') return { kind: 'no-terminal' };
    if (status === 'stuck')
      return { kind: 'lost', isDistrusted: true, reason: 'a process that the task left survives KILL' };
    if (!/^\d{1,3}$/.test(status)) return { kind: 'unlogged' };
    const before = this.#options.times;
    return {
      kind: 'done',
      status: Number(status),
      userSeconds: Math.max(0, this.#times[0] - before[0]),
      systemSeconds: Math.max(0, this.#times[1] - before[1]),
      ...(this.#maxRssKib !== undefined && { maxRssKib: this.#maxRssKib }),
    };
  }
}
