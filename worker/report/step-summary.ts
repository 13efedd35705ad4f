/** Formats a job for the step summary of GitHub Actions: outcome, links, a table of tasks, and failed tasks' logs. */
import type { TaskRow } from '../../model/row.js';
import { logLines, plain } from './format-progress.js';
import type { FinishedJob } from '../record/progress.js';

/** GitHub drops the whole summary of a step if it is larger. */
export const maxSummaryBytes = 1024 * 1024;

export interface SummaryOptions {
  readonly job: string;
  readonly end: Pick<FinishedJob, 'outcome' | 'record' | 'rows'>;
  readonly urls: readonly string[];
  /** the last lines of the failed tasks' logs, by task */
  readonly tails: ReadonlyMap<string, string>;
  /** the remaining part of the limit */
  readonly maxBytes: number;
}

/** Formats as many whole rows and logs as fit, and counts the others. Returns undefined if not even the outcome fits. */
export function formatStepSummary({ job, end, urls, tails, maxBytes }: SummaryOptions): string | undefined {
  // For the lines that count what was left out.
  const reserve = 300;
  let left = maxBytes - reserve;
  const take = (text: string): boolean => {
    const bytes = Buffer.byteLength(text) + 1;
    if (bytes > left) return false;
    left -= bytes;
    return true;
  };
  const head = [`### ${escapeMarkdown(job)}: ${end.outcome}`, ''];
  if (end.record.reason !== undefined) head.push(escapeMarkdown(end.record.reason.slice(0, 2000)), '');
  head.push(...urls.map((url) => `- <${url.replace(/[<>\s]/g, encodeURIComponent)}>`), '');
  if (!take(head.join('\n'))) return undefined;
  const notes = new Map(end.record.tasks.map(({ name, note }) => [name, note]));
  const rows = takeWhile(
    end.rows.map((row) => formatRow(row, notes.get(row.task))),
    take,
  );
  const table =
    rows.length === 0 ? [] : ['| outcome | status | elapsed | task |', '| --- | ---: | ---: | --- |'];
  const logs = takeWhile(
    [...tails].map(([task, tail]) => formatLog(task, tail)),
    take,
  );
  return [
    ...head,
    ...table,
    ...rows,
    ...(table.length === 0 ? [] : ['']),
    ...more(end.rows.length - rows.length, 'task'),
    ...logs,
    ...more(tails.size - logs.length, 'log'),
    '',
  ].join('\n');
}

function takeWhile(texts: readonly string[], take: (text: string) => boolean): string[] {
  const end = texts.findIndex((text) => !take(text));
  return texts.slice(0, end === -1 ? texts.length : end);
}

const more = (count: number, noun: string): string[] =>
  count === 0 ? [] : [`… and ${count} more ${noun}${count === 1 ? '' : 's'}, see the job's log.`, ''];

function formatRow(row: TaskRow, note?: string): string {
  const elapsed = row.elapsedSeconds === undefined ? '' : `${row.elapsedSeconds.toFixed(2)} s`;
  return `| ${row.outcome} | ${row.status} | ${elapsed} | ${escapeMarkdown(row.task)}${note === undefined ? '' : `: ${escapeMarkdown(note)}`} |`;
}

/** Formats a log as HTML, since a log could close a Markdown fence. It cannot close `<pre>`: `<` is escaped. */
function formatLog(task: string, tail: string): string {
  if (tail.trim() === '') return `${escapeMarkdown(task)}: the log is empty\n`;
  const { lines, isWhole } = logLines(tail, 20);
  const shown = lines.map((line) => escapeHtml(plain(line).slice(0, 1000))).join('\n');
  const title = `${escapeHtml(plain(task))}: ${isWhole ? 'the whole log' : `the last ${lines.length} lines`}`;
  return `<details><summary>${title}</summary>\n\n<pre>\n${shown}\n</pre>\n\n</details>\n`;
}

const escapeHtml = (text: string): string => text.replace(/[<>&]/g, (c) => `&#${c.charCodeAt(0)};`);

/** Escapes the characters that Markdown interprets. */
const escapeMarkdown = (text: string): string =>
  plain(text).replace(/[\\|<>&`*_[\]#@!~$:]/g, (c) => `&#${c.charCodeAt(0)};`);
