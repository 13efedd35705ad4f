/** Builds the table of a job's tasks for the run page and for the index of the wwz. Pure. */
import type { TaskCommand } from '../model/record.js';
import type { Row, TaskRow } from '../model/row.js';
import type { BadLineView, Count, Link, TaskTable, TaskView } from './part.js';
import { bytesText, durationText, markOf, outcomesBySeverity, visibleText } from './wording.js';

/** The maximum number of rows in the table of a job. Passed tasks are left out first. */
const maxTasks = 1000;
const maxCommandLength = 600;
const maxEarlierLogs = 20;

export interface TaskTableOptions {
  readonly caption: string;
  readonly rows: readonly Row[];
  /** the full commands from the record */
  readonly commands: readonly TaskCommand[];
  /** Returns the address of a task's log; undefined if there is none. */
  readonly logHref: (row: TaskRow) => string | undefined;
  /** Returns the address of the log of an earlier try, counted from 1. */
  readonly earlierLogHref: (row: TaskRow, attempt: number) => string | undefined;
  /** Returns the address of a result; `path` as in the row. */
  readonly resultHref: (path: string) => string | undefined;
  /** whether a passed task is flaky because it failed before on the same commit */
  readonly isFlaky?: (row: TaskRow) => boolean;
  readonly isDetailed: boolean;
  readonly limit?: number;
}

export function taskTable(options: TaskTableOptions): TaskTable {
  const commands = new Map(options.commands.map((c) => [c.name, c]));
  const all = options.rows.filter((row) => row.kind === 'row');
  const shown = selectRows(all, options.limit ?? maxTasks);
  const tasks = shown.map((row) => {
    const command = commands.get(row.task);
    const view = taskView(row, command?.run, options);
    const note = row.outcome === 'skipped' ? command?.skipped : command?.note;
    return note === undefined ? view : { ...view, note: visibleText(note) };
  });
  return {
    caption: options.caption,
    tasks,
    badLines: badRowViews(options.rows),
    more: all.length - shown.length,
    // There are no results to link to if the wwz was removed.
    hasResults: tasks.some(({ result }) => result !== undefined),
    isDetailed: options.isDetailed,
  };
}

/** Selects `limit` rows, in the order they ran. Leaves out passed tasks before others. */
function selectRows(rows: readonly TaskRow[], limit: number): readonly TaskRow[] {
  if (rows.length <= limit) return rows;
  const others = rows.filter((row) => row.outcome !== 'passed').slice(0, limit);
  const kept = new Set([
    ...others,
    ...rows.filter((r) => r.outcome === 'passed').slice(0, limit - others.length),
  ]);
  return rows.filter((row) => kept.has(row));
}

export function taskView(
  row: TaskRow,
  fullCommand: string | undefined,
  options: Pick<TaskTableOptions, 'logHref' | 'earlierLogHref' | 'resultHref' | 'isFlaky'>,
): TaskView {
  const resultHref = row.resultHtml === undefined ? undefined : options.resultHref(row.resultHtml);
  return {
    mark: markOf(row.outcome),
    note: noteOf(row, options.isFlaky?.(row) === true),
    name: visibleText(row.task),
    logHref: row.outcome === 'skipped' ? undefined : options.logHref(row),
    earlierLogs: earlierLogLinks(row, options),
    command: commandText(row, fullCommand),
    elapsed: row.elapsedSeconds === undefined ? undefined : durationText(row.elapsedSeconds),
    cpu: cpuText(row),
    memory: row.maxRssKib === undefined ? undefined : bytesText(row.maxRssKib * 1024),
    result:
      row.resultHtml === undefined || resultHref === undefined
        ? undefined
        : { text: visibleText(row.resultHtml), href: resultHref },
  };
}

function earlierLogLinks(
  row: TaskRow,
  { earlierLogHref }: Pick<TaskTableOptions, 'earlierLogHref'>,
): readonly Link[] {
  return Array.from({ length: Math.min(row.tries - 1, maxEarlierLogs) }, (_, i) => i + 1).flatMap(
    (attempt) => {
      const href = earlierLogHref(row, attempt);
      return href === undefined ? [] : [{ text: `try ${attempt}`, href }];
    },
  );
}

function noteOf(row: TaskRow, hasFailedBefore: boolean): string | undefined {
  const notes: string[] = [];
  // The exit status of a timeout is always Soil's 124, so it adds nothing.
  if (row.status !== 0 && row.outcome === 'failed') notes.push(`exit ${row.status}`);
  if (row.tries > 1) notes.push(`${row.tries} tries`);
  if (hasFailedBefore && row.outcome === 'flaky') notes.push('failed before on this commit');
  if (row.allowed && row.outcome !== 'passed') notes.push('allowed');
  return notes.length === 0 ? undefined : notes.join(', ');
}

function commandText(row: TaskRow, fullCommand: string | undefined): string {
  const short = row.action === '-' || row.action === '' ? row.script : `${row.script} ${row.action}`;
  const lines = (fullCommand ?? short).trim().split('\n').map(visibleText);
  const text = lines.join('\n');
  return text.length > maxCommandLength ? `${text.slice(0, maxCommandLength)}…` : text;
}

function cpuText(row: TaskRow): string | undefined {
  if (row.userSeconds === undefined && row.systemSeconds === undefined) return undefined;
  return durationText((row.userSeconds ?? 0) + (row.systemSeconds ?? 0));
}

function badRowViews(rows: readonly Row[]): readonly BadLineView[] {
  return rows.flatMap((row) =>
    row.kind === 'bad'
      ? [
          {
            line: row.line,
            reason: visibleText(row.reason),
            text: visibleText(row.text.replaceAll('\t', ' ⇥ ')),
          },
        ]
      : [],
  );
}

/** Counts rows by outcome, most severe first. */
export const countOutcomes = (rows: readonly Row[]): readonly Count[] =>
  countViews(
    Object.fromEntries(
      outcomesBySeverity.map((outcome) => [outcome, rows.filter((row) => row.outcome === outcome).length]),
    ),
  );

/** Turns counts by outcome into views, most severe first. */
export function countViews(counts: Readonly<Partial<Record<string, number>>>): readonly Count[] {
  return outcomesBySeverity.flatMap((outcome) => {
    const count = counts[outcome] ?? 0;
    return count === 0 ? [] : [{ mark: markOf(outcome), count }];
  });
}
