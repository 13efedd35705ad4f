/** Writes the three files of a finished job: the wwz, the TSV and the JSON. */
import { writeWhole } from '../../files/atomic-file.js';
import { UntrustedFolder } from '../../files/untrusted-folder.js';
import { errorMessage } from '../../model/error-message.js';
import { jobStatus } from '../../model/outcome.js';
import { formatRecord, type JobRecord } from '../../model/record.js';
import { formatLeftOut, type LeftOut } from '../../model/left-out.js';
import { quote } from '../../model/result.js';
import { formatRows, type TaskRow } from '../../model/row.js';
import type { TaskDeclaration } from '../../model/task.js';
import { writeJobArchive } from './job-archive.js';
import type { JobFolder } from '../state/job-folder.js';
import type { FinishedJob, ImageMethod, RunJobOptions } from './progress.js';
import type { Redactor } from '../redact/redactor.js';
import { findResults, type ResultFiles } from './result-files.js';
import { limitResults } from './result-limit.js';
import { redactResults } from './redact-results.js';

/** The tasks of a job and a row for each. */
export interface FinishedTasks {
  readonly tasks: readonly TaskDeclaration[];
  readonly rows: readonly TaskRow[];
  /** absent when the engine already had the image */
  readonly imageMethod?: ImageMethod;
}

/** The results that fit, and what does not. */
type LimitedResults = ResultFiles & { readonly leftOut: readonly LeftOut[] };

/** Writes the three files. The JSON file is last: it marks the job as finished. */
export async function writeRecord(
  record: JobRecord,
  finished: FinishedTasks,
  folder: JobFolder,
  options: RunJobOptions & { readonly redactor?: Redactor },
): Promise<FinishedJob> {
  let repo: UntrustedFolder | undefined;
  try {
    // The results are opened when they are written to the wwz.
    const openRepo = (): UntrustedFolder => (repo = new UntrustedFolder(options.repo));
    const results = await collectResults(finished, folder, { ...options, openRepo });
    return await writeFiles(record, { ...finished, results }, folder, options);
  } finally {
    repo?.close();
  }
}

async function writeFiles(
  base: JobRecord,
  { results, ...finished }: FinishedTasks & { readonly results: LimitedResults },
  folder: JobFolder,
  { report }: RunJobOptions,
): Promise<FinishedJob> {
  const { leftOut } = results;
  for (const text of [...results.notices, ...leftOut.map(formatLeftOut)]) report({ kind: 'notice', text });
  const record: JobRecord = leftOut.length === 0 ? base : { ...base, leftOut };
  const rows = finished.rows.map((row) => {
    const link = results.links.get(row.task);
    return link === undefined ? row : { ...row, resultHtml: link };
  });
  let finalRecord = record;
  const { imageMethod } = finished;
  const parts = {
    ...{ record, rows, folder, results: results.files, hasLogs: true },
    ...(imageMethod && { imageMethod }),
  };
  let archived = await writeJobArchive(parts);
  if (!archived.ok) {
    // Without its results the job is incomplete, which is an error. Store what fits: the logs, or at least the index.
    const reason = `cannot write the archive: ${archived.error}`;
    report({ kind: 'notice', text: reason });
    finalRecord = { ...record, outcome: 'error', status: jobStatus('error', rows), reason };
    for (const hasLogs of [true, false]) {
      if (!archived.ok)
        archived = await writeJobArchive({ ...parts, record: finalRecord, results: [], hasLogs });
    }
  }
  if (archived.ok) report({ kind: 'archive', files: archived.value.files, bytes: archived.value.bytes });
  else report({ kind: 'notice', text: `cannot write ${quote(folder.files.wwz, 300)}: ${archived.error}` });
  await folder.releaseReserve('record');
  await writeWhole(folder.files.tsv, formatRows(rows), { sync: true });
  await writeWhole(folder.files.json, formatRecord(finalRecord), { sync: true });
  const { outcome = 'error', status = jobStatus('error', rows), reason } = finalRecord;
  report({ kind: 'done', outcome, status, ...(reason === undefined ? {} : { reason }) });
  return { outcome, status, record: finalRecord, rows, files: folder.files };
}

/** Finds and redacts the results of the tasks that ran. If a task removed the repo, returns none and a notice. */
async function collectResults(
  finished: FinishedTasks,
  folder: JobFolder,
  { openRepo, ownFolders, redactor }: CollectOptions,
): Promise<LimitedResults> {
  const ran = new Set<string>(finished.rows.filter((r) => r.tries > 0).map((r) => r.task));
  const tasks = finished.tasks.filter((task) => ran.has(task.name));
  try {
    const found = await findResults({ repo: openRepo(), ownFolders }, tasks);
    const { files: fitting, leftOut } = await limitResults(found.files, finished.rows);
    if (redactor === undefined) return { ...withLinks(found, fitting), notices: found.notices, leftOut };
    const { files, notices } = await redactResults(fitting, redactor, (n) => folder.redactedCopy(n));
    return { ...withLinks(found, files), notices: [...found.notices, ...notices], leftOut };
  } catch (error) {
    const reason = errorMessage(error);
    return { files: [], links: new Map(), notices: [`cannot find results: ${reason}`], leftOut: [] };
  }
}

interface CollectOptions {
  readonly openRepo: () => UntrustedFolder;
  readonly ownFolders: readonly string[];
  readonly redactor?: Redactor;
}

/** Drops links to results that were left out. */
function withLinks(
  { links }: ResultFiles,
  files: ResultFiles['files'],
): Pick<ResultFiles, 'files' | 'links'> {
  const exists = (link: string): boolean =>
    files.some(({ name }) => name === link || (link.endsWith('/') && name.startsWith(link)));
  return { files, links: new Map([...links].filter(([, link]) => exists(link))) };
}
