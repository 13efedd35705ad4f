/** Which run, attempt and job: identities as their hosts give them, and the folder of the site where each lives. */
import { parseRunId, type CommitHash, type JobName, type RunId, type WorkerHost } from './name.js';
import { accept, quote, refuse, type Result } from './result.js';

/**
 * One job of one attempt, in its host's own terms. GitHub numbers a run twice: `number` counts within a workflow and is
 * shown, `runId` is unique everywhere. sourcehut has no runs, only jobs: the commit stands in for the run.
 */
export type JobIdentity =
  | {
      readonly host: 'github';
      readonly number: RunId;
      readonly runId: RunId;
      readonly attempt: number;
      readonly job: JobName;
    }
  | { readonly host: 'sourcehut'; readonly jobId: RunId; readonly commit: CommitHash; readonly job: JobName }
  | { readonly host: 'local'; readonly run: RunId; readonly attempt: number; readonly job: JobName };

/** A folder `HOST-jobs/NAME/` of the site: one attempt of one run (on sourcehut: one job). */
export interface RunFolder {
  readonly host: WorkerHost;
  readonly name: RunId;
}

/** Where a job's three files are: `HOST-jobs/FOLDER/JOB.{json,tsv,wwz}`. */
export interface JobAddress extends RunFolder {
  readonly job: JobName;
}

/** The folder of a run's attempt: `1234`, and `1234-2` for the second attempt. */
export function folderName(run: RunId, attempt: number): RunId {
  return attempt <= 1 ? run : (`${run}-${attempt}` as RunId);
}

/** Where the files of a job go. Pure: the same identity always has the same address. */
export function addressOf(identity: JobIdentity): JobAddress {
  const { host, job } = identity;
  switch (identity.host) {
    case 'github':
      return { host, name: folderName(identity.number, identity.attempt), job };
    case 'sourcehut':
      return { host, name: identity.jobId, job };
    case 'local':
      return { host, name: folderName(identity.run, identity.attempt), job };
  }
}

/** The id under which the status API knows the run: `status-api/HOST/ID/JOB`. */
export function statusRunId(identity: JobIdentity): string {
  switch (identity.host) {
    case 'github':
      return identity.runId;
    case 'sourcehut':
      return identity.commit;
    case 'local':
      return identity.run;
  }
}

/** Of any text that a page may show in each of its lines: the subject of a commit, a branch, an address. In characters. */
export const longestText = 4000;

/** How many jobs a run may declare: each is a row of its pages, and on GitHub a matrix has 256 at most. */
export const mostExpectedJobs = 1000;

/** An attempt: 1 for the first; at most 9999. */
export function parseAttempt(text: string, what = 'attempt'): Result<number> {
  if (/^[1-9]\d{0,3}$/.test(text)) return accept(Number(text));
  return refuse(`cannot accept ${what} ${quote(text)}: it must be a whole number from 1 to 9999`);
}

/**
 * A GitHub run number: digits only, so that `1234-2` can only be a second attempt.
 * (GITHUB_RUN_NUMBER, "a unique number for each run of a particular workflow, begins at 1".)
 */
export function parseRunNumber(text: string, what = 'run number'): Result<RunId> {
  if (/^[1-9]\d{0,18}$/.test(text)) return accept(text as RunId);
  return refuse(`cannot accept ${what} ${quote(text)}: it must be a whole number from 1`);
}

/** A local run's id. It may not end like an attempt (`-2`), since its second attempt will. */
export function parseLocalRun(text: string, what = 'run'): Result<RunId> {
  const id = parseRunId(text, what);
  if (id.ok && /-[1-9]\d{0,3}$/.test(text)) {
    return refuse(`cannot accept ${what} ${quote(text)}: it ends like the number of an attempt`);
  }
  return id;
}

/** Splits a folder's name into run and attempt; `1234-2` -> 1234, attempt 2. */
export function splitFolder(folder: RunFolder): { readonly run: string; readonly attempt: number } {
  if (folder.host === 'sourcehut') return { run: folder.name, attempt: 1 };
  const [, run, attempt] = /^(.+)-([1-9]\d{0,3})$/.exec(folder.name) ?? [];
  return run !== undefined && attempt !== undefined && attempt !== '1'
    ? { run, attempt: Number(attempt) }
    : { run: folder.name, attempt: 1 };
}

/** Orders run names as people count: digit groups by value, so 998 stands before 1000; ties by code unit. */
export function compareRunNames(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const x = left[i] ?? '';
    const y = right[i] ?? '';
    const byValue = /^\d/.test(x) && /^\d/.test(y) ? compareDigits(x, y) : 0;
    if (byValue !== 0) return byValue;
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

/** Digits of any length by value, without a number type that would round them. */
function compareDigits(a: string, b: string): number {
  const x = a.replace(/^0+/, '');
  const y = b.replace(/^0+/, '');
  if (x.length !== y.length) return x.length - y.length;
  return x < y ? -1 : x > y ? 1 : 0;
}
