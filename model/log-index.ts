/** The line index of a log: where its blocks begin, when its lines arrived, and where its errors and groups are. */

export const logIndexSchema = 1;

/**
 * A part of the log of at most 256 KiB: its first byte, the number of the line that this byte belongs to, counted from 1,
 * and the colors there, as the parameters of the escape sequence that sets them (`1;31`; empty: none). It begins with a
 * line, unless a line is longer than a block.
 */
export type LogBlock = readonly [offset: number, line: number, colors: string];

/** The first and the last line of a group, and its title. A group that nothing closes ends with the log. */
export type LogGroup = readonly [first: number, last: number, title: string];

export interface LogIndex {
  readonly schema: typeof logIndexSchema;
  readonly bytes: number;
  /** the number of lines; a last line without a line end counts */
  readonly lines: number;
  /** when the log was created: seconds since 1970 */
  readonly startTime: number;
  readonly blocks: readonly LogBlock[];
  /** the resolution of `times`: an earlier or equal time within this many milliseconds is left out */
  readonly timeStepMs: number;
  /**
   * Pairs of numbers, each the difference to the pair before: a line, and the milliseconds from `startTime` to the
   * arrival of its first byte. A line that has no pair arrived with the one before it.
   */
  readonly times: readonly number[];
  readonly firstError?: number;
  readonly lastError?: number;
  readonly groups: readonly LogGroup[];
  /** the line of Soil's own before output that came after the end of the task */
  readonly lateLine?: number;
}

/** Formats an index as its file. */
export const formatLogIndex = (index: LogIndex): string => `${JSON.stringify(index)}\n`;
