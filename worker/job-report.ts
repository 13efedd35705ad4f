/** A job's progress -> lines for a terminal or a CI log, and a table for GitHub's step summary. Pure. */
import { isGreen, type FinishedOutcome, type TaskOutcome } from '../model/outcome.js';
import type { TaskRow } from '../model/row.js';
import type { FinishedJob, Progress } from './progress.js';

export interface ReportStyle {
  readonly colour: boolean;
}

/** The lines that tell of one step of a job. */
export function formatProgress(progress: Progress, style: ReportStyle): string[] {
  switch (progress.kind) {
    case 'start':
    case 'task-begin':
      return [];
    case 'pull-begin':
      return [`pulling ${progress.image}`];
    case 'pull-done':
      return [`pulled ${progress.image} in ${seconds(progress.seconds)}`];
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

function formatRow(row: TaskRow, style: ReportStyle): string {
  const word = paint(row.outcome.padEnd(9), row.outcome, style);
  const elapsed = row.elapsedSeconds === undefined ? '' : seconds(row.elapsedSeconds);
  const facts = [
    ...(row.status === 0 || row.outcome === 'skipped' ? [] : [`status ${row.status}`]),
    ...(row.tries > 1 ? [`${row.tries} tries`] : []),
    ...(row.allowed && row.outcome !== 'passed' ? ['allowed'] : []),
  ];
  return `${word} ${elapsed.padStart(8)}  ${row.task}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
}

/**
 * The end of a failed task's log. Every line is set off: nothing that a task printed may reach the terminal as a
 * control sequence, nor GitHub's runner as a command (`::set-env`, `##[...]`).
 */
export function formatLogTail(task: string, log: string, lines = 20): string[] {
  const all = log.replace(/\r?\n$/, '').split(/\r?\n/);
  const kept = all.slice(-lines);
  return [
    `--- ${task}: ${kept.length < all.length ? `the last ${lines} lines` : 'its log'}`,
    ...kept.map((line) => `| ${plain(line).slice(0, 1000)}`),
  ];
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

/** GitHub's step summary: the outcome, a table of the tasks, the addresses. */
export function formatStepSummary(job: string, end: FinishedJob, urls: readonly string[]): string {
  const cell = (text: string): string =>
    plain(text).replace(/[\\|<>&`*_[\]#@!~$]/g, (c) => `&#${c.charCodeAt(0)};`);
  const rows = end.rows.map((row) => {
    const elapsed = row.elapsedSeconds === undefined ? '' : seconds(row.elapsedSeconds);
    return `| ${row.outcome} | ${row.status} | ${elapsed} | ${cell(row.task)} |`;
  });
  return [
    `### ${cell(job)}: ${end.outcome}`,
    '',
    ...(end.record.reason === undefined ? [] : [cell(end.record.reason), '']),
    ...(rows.length === 0
      ? []
      : ['| outcome | status | elapsed | task |', '| --- | ---: | ---: | --- |', ...rows, '']),
    ...urls.map((url) => `- <${url}>`),
    '',
  ].join('\n');
}

function paint(text: string, outcome: TaskOutcome | FinishedOutcome, { colour }: ReportStyle): string {
  if (!colour) return text;
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
