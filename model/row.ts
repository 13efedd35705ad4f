/** Parses and formats a job's TSV, one row per task. An invalid line becomes a bad row and does not affect other rows. */
import { parse } from 'csv-parse/sync';
import { parseTaskName, type TaskName } from './name.js';
import { hasTaskPassed, taskOutcomes, type TaskEnd, type TaskOutcome } from './outcome.js';
import { parseExitStatus } from './status.js';
import { maxTasks, parseResultPath } from './task.js';
import { accept, quote, refuse, type Result } from './result.js';
import { errorMessage } from './error-message.js';

/** One task as it ran. */
export interface TaskRow extends TaskEnd {
  readonly kind: 'row';
  /** exit status of the last try, 0 to 255; 124 after a timeout, 128 + n if signal n ended it */
  readonly status: number;
  /** wall time of all tries; absent if it was not measured */
  readonly elapsedSeconds?: number;
  readonly task: TaskName;
  readonly script: string;
  readonly action: string;
  /** a path inside the wwz */
  readonly resultHtml?: string;
  /** seconds since 1970, UTC */
  readonly startTime?: number;
  readonly userSeconds?: number;
  readonly systemSeconds?: number;
  /** the largest resident set of one process, KiB */
  readonly maxRssKib?: number;
  readonly outcome: TaskOutcome;
  /** a tolerated failure */
  readonly allowed: boolean;
  /** number of tries; 1 without retries */
  readonly tries: number;
}

/** A line that is not a row: shown with the reason, and counted as an `error`. */
export interface BadRow extends TaskEnd {
  readonly kind: 'bad';
  /** counted from 1 */
  readonly line: number;
  readonly text: string;
  readonly reason: string;
  readonly outcome: 'error';
}

export type Row = TaskRow | BadRow;

/** The six columns of Soil's shell worker, then newer ones. */
export const columns = [
  'status',
  'elapsed',
  'task',
  'script',
  'action',
  'result_html',
  'start_time',
  'user_secs',
  'system_secs',
  'max_rss_kib',
  'outcome',
  'allowed',
  'tries',
] as const;

/** Formats a TSV with a header line. `-` is an unknown value. */
export function formatRows(rows: readonly TaskRow[]): string {
  const lines = rows.map((r) =>
    [
      String(r.status),
      seconds(r.elapsedSeconds, 3),
      r.task,
      cell(r.script),
      cell(r.action),
      cell(r.resultHtml ?? '-'),
      seconds(r.startTime, 3),
      seconds(r.userSeconds, 2),
      seconds(r.systemSeconds, 2),
      r.maxRssKib === undefined ? '-' : String(r.maxRssKib),
      r.outcome,
      r.allowed ? 'yes' : 'no',
      String(r.tries),
    ].join('\t'),
  );
  return `${[columns.join('\t'), ...lines].join('\n')}\n`;
}

const seconds = (value: number | undefined, digits: number): string =>
  value === undefined ? '-' : value.toFixed(digits);

/** Replaces tabs and line breaks, which a cell cannot contain. */
const cell = (text: string): string => text.replace(/[\t\r\n]+/g, ' ') || '-';

/** The limit for one job: a row for each task. */
export const maxRows = maxTasks;

/** Parses a TSV with or without a header line, with six or more columns. Refuses only text that is not a TSV at all. */
export function parseRows(text: string): Result<Row[]> {
  if (text.includes('\0')) return refuse('cannot read the TSV: it contains a NUL byte');
  // Checked before parsing: a million lines would block the server for seconds.
  const lines = text.match(/\n/g)?.length ?? 0;
  if (lines > maxRows + 1) return refuse(`cannot read the TSV: it has ${lines} lines, more than ${maxRows}`);
  let records: string[][];
  try {
    records = parse(text, {
      delimiter: '\t',
      quote: null,
      escape: null,
      relax_column_count: true,
      record_delimiter: ['\r\n', '\n'],
    });
  } catch (error) {
    return refuse(`cannot read the TSV: ${errorMessage(error)}`);
  }
  const rows: Row[] = [];
  const seen = new Set<string>();
  records.forEach((cells, index) => {
    if (index === 0 && cells[0] === 'status' && cells[2] === 'task') return;
    if (cells.every((c) => c.trim() === '')) return;
    const row = parseRow(cells);
    const repeated = row.ok && seen.has(row.value.task);
    if (row.ok && !repeated) {
      seen.add(row.value.task);
      rows.push(row.value);
      return;
    }
    const reason = row.ok ? `task ${quote(row.value.task)} already has a row` : row.error;
    rows.push({
      kind: 'bad',
      line: index + 1,
      text: cells.join('\t').slice(0, 500),
      reason,
      outcome: 'error',
    });
  });
  return accept(rows);
}

function parseRow(cells: readonly string[]): Result<TaskRow> {
  if (cells.length < 6) return refuse(`it has ${cells.length} columns, not six or more`);
  const [c0 = '', c1 = '', c2 = '', script = '', action = '', result = '', ...more] = cells;
  const status = parseExitStatus(c0, 'status');
  if (!status.ok) return status;
  const task = parseTaskName(c2, 'task');
  if (!task.ok) return task;
  const resultHtml =
    result === '-' || result === '' ? accept(undefined) : parseResultPath(result, 'result_html');
  if (!resultHtml.ok) return resultHtml;
  const numbers: [string, string][] = [
    ['elapsedSeconds', c1],
    ['startTime', more[0] ?? '-'],
    ['userSeconds', more[1] ?? '-'],
    ['systemSeconds', more[2] ?? '-'],
    ['maxRssKib', more[3] ?? '-'],
  ];
  const measured: Record<string, number> = {};
  for (const [key, text] of numbers) {
    if (text === '-' || text === '') continue;
    if (!/^\d{1,15}(\.\d{1,9})?$/.test(text))
      return refuse(`cannot accept ${key} ${quote(text)}: not a number`);
    measured[key] = Number(text);
  }
  const word = more[4] ?? (status.value === 0 ? 'passed' : 'failed');
  const outcome = taskOutcomes.find((o) => o === word);
  if (outcome === undefined) {
    return refuse(`cannot accept outcome ${quote(word)}: it must be one of ${taskOutcomes.join(', ')}`);
  }
  if (hasTaskPassed(outcome) !== (status.value === 0) && outcome !== 'skipped') {
    return refuse(`cannot accept outcome ${quote(word)}: the status is ${status.value}`);
  }
  const tries = more[6] ?? '1';
  if (!/^\d{1,4}$/.test(tries)) return refuse(`cannot accept tries ${quote(tries)}: not a number`);
  return accept({
    kind: 'row',
    status: status.value,
    task: task.value,
    script,
    action,
    ...(resultHtml.value === undefined ? {} : { resultHtml: resultHtml.value }),
    ...measured,
    outcome,
    allowed: more[5] === 'yes',
    tries: Number(tries),
  });
}
