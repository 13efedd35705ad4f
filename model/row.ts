/** A job's TSV, one row a task, both ways. What cannot be read as a row is kept as a bad row and never hides others. */
import { parse } from 'csv-parse/sync';
import { parseTaskName, type TaskName } from './name.js';
import { taskOutcomes, type TaskEnd, type TaskOutcome } from './outcome.js';
import { parseExitStatus } from './status.js';
import { parseResultPath } from './task.js';
import { accept, quote, refuse, type Result } from './result.js';
import { errorMessage } from './error-message.js';

/** One task as it ran. */
export interface TaskRow extends TaskEnd {
  readonly kind: 'row';
  /** exit status of the last try, 0 to 255; 124 when it ran too long, 128 + n when signal n ended it */
  readonly status: number;
  /** wall time of all tries; absent where nobody measured it */
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
  /** how often it was tried; 1 without retries */
  readonly tries: number;
}

/** A line that is no row: shown with its reason, and counted as an `error`. */
export interface BadRow extends TaskEnd {
  readonly kind: 'bad';
  /** counted from 1 */
  readonly line: number;
  readonly text: string;
  readonly reason: string;
  readonly outcome: 'error';
}

export type Row = TaskRow | BadRow;

/** The six columns that Soil's files have had from the start, then ours. */
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

/** The TSV with our header line; `-` stands for what is not known. */
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

/** No cell can hold a tab or a line break. */
const cell = (text: string): string => text.replace(/[\t\r\n]+/g, ' ') || '-';

/** Of one job: their names stay in memory as long as the job is in the site. */
const mostRows = 50_000;

/** Reads a TSV with or without a header line, with six columns or more. Only text that is no TSV at all is refused. */
export function parseRows(text: string): Result<Row[]> {
  if (text.includes('\0')) return refuse('cannot read the TSV: it has a NUL byte');
  // Counted before it is parsed: a million lines would hold everybody up for seconds.
  const lines = text.match(/\n/g)?.length ?? 0;
  if (lines > mostRows + 1)
    return refuse(`cannot read the TSV: it has ${lines} lines, more than ${mostRows}`);
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
    const reason = row.ok ? `task ${quote(row.value.task)} has a row already` : row.error;
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
  if ((outcome === 'passed' || outcome === 'flaky') !== (status.value === 0) && outcome !== 'skipped') {
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
