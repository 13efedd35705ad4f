/** Keeps what a job came to: its record and rows in; the wwz, the TSV and last the JSON out. */
import { writeWhole } from '../../files/atomic-file.js';
import { errorMessage } from '../../model/error-message.js';
import { jobStatus } from '../../model/outcome.js';
import { formatRecord, type JobRecord } from '../../model/record.js';
import { quote } from '../../model/result.js';
import { formatRows, type TaskRow } from '../../model/row.js';
import type { TaskDeclaration } from '../../model/task.js';
import { writeJobArchive } from './job-archive.js';
import type { JobFolder } from './job-folder.js';
import type { FinishedJob, ImageMethod, RunJobOptions } from './progress.js';
import type { Redactor } from '../redact/redactor.js';
import { findResults, type ResultFiles } from './result-files.js';
import { redactResults } from './redact-results.js';

/** The tasks as they were listed, and a row for each. */
export interface FinishedTasks {
  readonly tasks: readonly TaskDeclaration[];
  readonly rows: readonly TaskRow[];
  /** how the image came, where it was not there before */
  readonly way?: ImageMethod;
}

/** Writes the three files, JSON last: with it, the job is finished. */
export async function writeRecord(
  record: JobRecord,
  end: FinishedTasks,
  folder: JobFolder,
  options: RunJobOptions & { readonly redactor?: Redactor },
): Promise<FinishedJob> {
  const { report } = options;
  const results = await resultsOf(end, folder, options);
  for (const text of results.notices) report({ kind: 'notice', text });
  const rows = end.rows.map((row) => {
    const link = results.links.get(row.task);
    return link === undefined ? row : { ...row, resultHtml: link };
  });
  let kept = record;
  const { way } = end;
  const whole = { record, rows, folder, results: results.files, hasLogs: true, ...(way && { way }) };
  let archived = await writeJobArchive(whole);
  if (!archived.ok) {
    // Without its results the job is not what it says. What there is room for is kept: the logs, or at least an index.
    const reason = `cannot write the archive: ${archived.error}`;
    report({ kind: 'notice', text: reason });
    kept = { ...record, outcome: 'error', status: jobStatus('error', rows), reason };
    for (const hasLogs of [true, false]) {
      if (!archived.ok) archived = await writeJobArchive({ ...whole, record: kept, results: [], hasLogs });
    }
  }
  if (archived.ok) report({ kind: 'archive', files: archived.value.files, bytes: archived.value.bytes });
  else report({ kind: 'notice', text: `there is no ${quote(folder.files.wwz, 300)}: ${archived.error}` });
  await folder.releaseReserve('record');
  await writeWhole(folder.files.tsv, formatRows(rows), { sync: true });
  await writeWhole(folder.files.json, formatRecord(kept), { sync: true });
  const { outcome = 'error', status = jobStatus('error', rows), reason } = kept;
  report({ kind: 'done', outcome, status, ...(reason === undefined ? {} : { reason }) });
  return { outcome, status, record: kept, rows, files: folder.files };
}

/** The results of the tasks that ran; a repo that a task removed has none. */
async function resultsOf(
  end: FinishedTasks,
  folder: JobFolder,
  { repo, out, redactor }: RunJobOptions & { readonly redactor?: Redactor },
): Promise<ResultFiles> {
  const ran = new Set<string>(end.rows.filter((r) => r.tries > 0).map((r) => r.task));
  const tasks = end.tasks.filter((task) => ran.has(task.name));
  try {
    const found = await findResults({ repo, out }, tasks);
    if (redactor === undefined) return found;
    const { files, notices } = await redactResults(found.files, redactor, (n) => folder.redactedCopy(n));
    return { ...withLinks(found, files), notices: [...found.notices, ...notices] };
  } catch (error) {
    const reason = errorMessage(error);
    return { files: [], links: new Map(), notices: [`cannot look for results: ${reason}`] };
  }
}

/** A row must not link to what was left out. */
function withLinks(
  { links }: ResultFiles,
  files: ResultFiles['files'],
): Pick<ResultFiles, 'files' | 'links'> {
  const isThere = (link: string): boolean =>
    files.some(({ name }) => name === link || (link.endsWith('/') && name.startsWith(link)));
  return { files, links: new Map([...links].filter(([, link]) => isThere(link))) };
}
