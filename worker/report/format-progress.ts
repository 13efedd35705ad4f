/** A job's progress -> lines for a terminal or a CI log. Pure. */
import { isGreen, type FinishedOutcome, type TaskOutcome } from '../../model/outcome.js';
import type { TaskRow } from '../../model/row.js';
import type { Progress } from '../record/progress.js';

export interface ReportStyle {
  readonly color: boolean;
}

/** The lines that tell of one step of a job. */
export function formatProgress(progress: Progress, style: ReportStyle): string[] {
  switch (progress.kind) {
    case 'start':
    case 'task-begin':
      return [];
    case 'pull-begin':
      return [`${imageVerbs[progress.way].doing} ${plain(progress.image)}`];
    case 'pull-done':
      return [`${imageVerbs[progress.way].done} ${plain(progress.image)} in ${seconds(progress.seconds)}`];
    case 'task-done':
      return [formatRow(progress.row, style)];
    case 'task-skipped':
      return [
        `${paint('skipped'.padEnd(9), 'skipped', style)} ${''.padStart(8)}  ${progress.task} (${plain(progress.reason)})`,
      ];
    case 'archive':
      return [`archive: ${plural(progress.files, 'file')}, ${bytes(progress.bytes)}`];
    case 'notice':
      return [`notice: ${plain(progress.text)}`];
    case 'done': {
      const reason = progress.reason === undefined ? '' : `: ${plain(progress.reason)}`;
      const word = paint(progress.outcome, progress.outcome, style);
      return [`job ${word}, status ${progress.status}${reason}`];
    }
  }
}

const imageVerbs = {
  pull: { doing: 'pulling', done: 'pulled' },
  load: { doing: 'loading', done: 'loaded' },
  build: { doing: 'building', done: 'built' },
} as const;

/** What is going on now, for the passing line of a terminal; undefined where nothing is that could take long. */
export function formatStatus(progress: Progress): string | undefined {
  switch (progress.kind) {
    case 'pull-begin':
      return `${imageVerbs[progress.way].doing} ${plain(progress.image)}`;
    case 'task-begin':
      return `running ${plain(progress.task)} (${progress.index + 1} of ${progress.of})`;
    case 'task-done':
      return 'writing the archive';
    case 'start':
    case 'pull-done':
    case 'task-skipped':
    case 'archive':
    case 'notice':
    case 'done':
      return undefined;
  }
}

/** One task in one line. */
export function formatRow(row: TaskRow, style: ReportStyle): string {
  const word = paint(row.outcome.padEnd(9), row.outcome, style);
  const elapsed = row.elapsedSeconds === undefined ? '' : seconds(row.elapsedSeconds);
  const facts = [
    ...(row.status === 0 || row.outcome === 'skipped' ? [] : [`status ${row.status}`]),
    ...(row.tries > 1 ? [`${row.tries} tries`] : []),
    ...(row.allowed && row.outcome !== 'passed' ? ['allowed'] : []),
  ];
  return `${word} ${elapsed.padStart(8)}  ${plain(row.task)}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
}

/**
 * The end of a task's log. Every line is set off: nothing that a task printed may reach the terminal as a control
 * sequence, nor GitHub's runner as a command (`::set-env`, `##[...]`).
 */
export function formatLogTail(task: string, log: string, count = 20): string[] {
  if (log.trim() === '') return [`--- ${plain(task)}: its log is empty`];
  const { lines, isWhole } = logLines(log, count);
  return [`--- ${plain(task)}: ${isWhole ? 'its log' : `the last ${count} lines`}`, ...lines.map(setOff)];
}

/** A log's line as it may stand among ours. */
export const setOff = (line: string): string => `| ${plain(line).slice(0, 1000)}`;

/** The last so many lines of a text. */
export function logLines(
  log: string,
  count: number,
): { readonly lines: readonly string[]; readonly isWhole: boolean } {
  const all = log.replace(/\r?\n$/, '').split(/\r?\n/);
  return { lines: all.slice(-count), isWhole: all.length <= count };
}

/** Text without control sequences, and without what a CI host would take for a command. */
export function plain(text: string): string {
  return text
    .replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|.)?/g, '')
    .replace(/\t/g, '    ')
    .replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, ' ')
    .replace(/##\[/g, '## [')
    .replace(/^(\s*):(?=:)/, '$1: ');
}

export function failedRows(rows: readonly TaskRow[]): TaskRow[] {
  return rows.filter((row) => row.outcome !== 'skipped' && !isGreen(row.outcome as FinishedOutcome));
}

function paint(text: string, outcome: TaskOutcome | FinishedOutcome, { color }: ReportStyle): string {
  if (!color) return text;
  return `\u001b[${colourOf(outcome)}m${text}\u001b[0m`;
}

function colourOf(outcome: TaskOutcome | FinishedOutcome): number {
  switch (outcome) {
    case 'passed':
      return 32;
    case 'flaky':
    case 'skipped':
    case 'empty':
      return 33;
    case 'failed':
    case 'timed-out':
    case 'cancelled':
    case 'error':
      return 31;
  }
}

const seconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} s`;
const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

function bytes(count: number): string {
  if (count < 1000) return `${count} bytes`;
  return count < 1_000_000 ? `${(count / 1000).toFixed(1)} kB` : `${(count / 1_000_000).toFixed(1)} MB`;
}
