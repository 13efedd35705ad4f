/** A finished job -> its part of GitHub's step summary: outcome, a table of tasks, the end of each failed log, links. Pure. */
import type { TaskRow } from '../../model/row.js';
import { logLines, plain } from './format-progress.js';
import type { FinishedJob } from '../record/progress.js';

/** GitHub drops the whole summary of a step that is larger. */
export const summaryBytes = 1024 * 1024;

export interface SummaryOptions {
  readonly job: string;
  readonly end: Pick<FinishedJob, 'outcome' | 'record' | 'rows'>;
  readonly urls: readonly string[];
  /** the ends of the failed tasks' logs, by task */
  readonly tails: ReadonlyMap<string, string>;
  /** what is left of the limit */
  readonly maxBytes: number;
}

/** Whole lines and whole logs, as many as fit; what does not is counted. Undefined where not even the outcome fits. */
export function formatStepSummary({ job, end, urls, tails, maxBytes }: SummaryOptions): string | undefined {
  // What is left out is told in the reserve.
  const reserve = 300;
  let left = maxBytes - reserve;
  const take = (text: string): boolean => {
    const bytes = Buffer.byteLength(text) + 1;
    if (bytes > left) return false;
    left -= bytes;
    return true;
  };
  const head = [`### ${cell(job)}: ${end.outcome}`, ''];
  if (end.record.reason !== undefined) head.push(cell(end.record.reason.slice(0, 2000)), '');
  head.push(...urls.map((url) => `- <${url.replace(/[<>\s]/g, encodeURIComponent)}>`), '');
  if (!take(head.join('\n'))) return undefined;
  const rows = takeWhile(end.rows.map(formatRow), take);
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
  count === 0 ? [] : [`… and ${count} more ${noun}${count === 1 ? '' : 's'}, in the job's own log.`, ''];

function formatRow(row: TaskRow): string {
  const elapsed = row.elapsedSeconds === undefined ? '' : `${row.elapsedSeconds.toFixed(2)} s`;
  return `| ${row.outcome} | ${row.status} | ${elapsed} | ${cell(row.task)} |`;
}

/** HTML, since any fence of Markdown could be closed by a log; `<pre>` ends only where it is said to. */
function formatLog(task: string, tail: string): string {
  if (tail.trim() === '') return `${cell(task)}: its log is empty\n`;
  const { lines, isWhole } = logLines(tail, 20);
  const shown = lines.map((line) => markup(plain(line).slice(0, 1000))).join('\n');
  const title = `${markup(plain(task))}: ${isWhole ? 'its log' : `the last ${lines.length} lines`}`;
  return `<details><summary>${title}</summary>\n\n<pre>\n${shown}\n</pre>\n\n</details>\n`;
}

const markup = (text: string): string => text.replace(/[<>&]/g, (c) => `&#${c.charCodeAt(0)};`);

/** No sign of Markdown is left, so that a name is shown as it is. */
const cell = (text: string): string =>
  plain(text).replace(/[\\|<>&`*_[\]#@!~$:]/g, (c) => `&#${c.charCodeAt(0)};`);
