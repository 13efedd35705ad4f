/** Formats a job's progress as lines for a terminal or a CI log. */
import { isTaskGreen, type FinishedOutcome, type TaskOutcome } from '../../model/outcome.js';
import type { TaskRow } from '../../model/row.js';
import type { Progress } from '../record/progress.js';

export interface ReportStyle {
  readonly color: boolean;
}

/** Formats one step of a job. Most steps are one line, some none. */
export function formatProgress(progress: Progress, style: ReportStyle): string[] {
  switch (progress.kind) {
    case 'start':
    case 'task-begin':
      return [];
    case 'pull-begin':
      return [`${imageVerbs[progress.method].doing} ${plain(progress.image)}`];
    case 'pull-done':
      return [`${imageVerbs[progress.method].done} ${plain(progress.image)} in ${seconds(progress.seconds)}`];
    case 'task-done':
      return formatEnd(progress, style);
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

/** Formats the current activity for the status line. Returns undefined for a step that starts no long activity. */
export function formatStatus(progress: Progress): string | undefined {
  switch (progress.kind) {
    case 'pull-begin':
      return `${imageVerbs[progress.method].doing} ${plain(progress.image)}`;
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

/** Formats the end of a task as one line, and a second one if its outcome needs a word. */
function formatEnd(
  { row, note }: Extract<Progress, { readonly kind: 'task-done' }>,
  style: ReportStyle,
): string[] {
  return [formatRow(row, style), ...(note === undefined ? [] : [`${' '.repeat(20)}${plain(note)}`])];
}

/** Formats a finished task as one line: `failed      1.23 s  unit (status 2)`. */
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
 * Formats the last lines of a task's log. Removes control sequences for the terminal, and escapes commands for GitHub's
 * runner (`::set-env`, `##[...]`).
 */
export function formatLogTail(task: string, log: string, count = 20): string[] {
  if (log.trim() === '') return [`--- ${plain(task)}: the log is empty`];
  const { lines, isWhole } = logLines(log, count);
  return [
    `--- ${plain(task)}: ${isWhole ? 'the whole log' : `the last ${count} lines`}`,
    ...lines.map(quoteLine),
  ];
}

/** Formats a line of a log so that it cannot be mistaken for a line of Soil's own. */
export const quoteLine = (line: string): string => `| ${plain(line).slice(0, 1000)}`;

/** Returns the last `count` lines of a text, and whether the text has no others. */
export function logLines(
  log: string,
  count: number,
): { readonly lines: readonly string[]; readonly isWhole: boolean } {
  const all = log.replace(/\r?\n$/, '').split(/\r?\n/);
  return { lines: all.slice(-count), isWhole: all.length <= count };
}

/** Removes control sequences from a text, and escapes what a CI host would interpret as a command. */
export function plain(text: string): string {
  return text
    .replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|.)?/g, '')
    .replace(/\t/g, '    ')
    .replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, ' ')
    .replace(/##\[/g, '## [')
    .replace(/^(\s*):(?=:)/, '$1: ');
}

/** Returns the rows of tasks that ran and did not pass. */
export function failedRows(rows: readonly TaskRow[]): TaskRow[] {
  return rows.filter((row) => row.outcome !== 'skipped' && !isTaskGreen(row.outcome));
}

function paint(text: string, outcome: TaskOutcome | FinishedOutcome, { color }: ReportStyle): string {
  if (!color) return text;
  return `\u001b[${colorOf(outcome)}m${text}\u001b[0m`;
}

function colorOf(outcome: TaskOutcome | FinishedOutcome): number {
  switch (outcome) {
    case 'passed':
      return 32;
    case 'flaky':
    case 'known-failure':
    case 'skipped':
    case 'empty':
      return 33;
    case 'failed':
    case 'timed-out':
    case 'unexpected-pass':
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
