/** Identities of runs, attempts and jobs, and their folders in the site. */
import { parseRunId, type CommitHash, type JobName, type RunId, type WorkerHost } from './name.js';
import { accept, quote, refuse, type Result } from './result.js';

/**
 * One job of one attempt. A GitHub run has two numbers: `number` counts the runs of a workflow and is shown, `runId` is
 * unique. sourcehut has jobs only, no runs: the commit identifies the run.
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

/** A folder `HOST-jobs/NAME/` of the site: one attempt of a run, or one sourcehut job. */
export interface RunFolder {
  readonly host: WorkerHost;
  readonly name: RunId;
}

/** The address of a job's three files: `HOST-jobs/FOLDER/JOB.{json,tsv,wwz}`. */
export interface JobAddress extends RunFolder {
  readonly job: JobName;
}

/** Returns the folder of an attempt: `1234` for the first, `1234-2` for the second. */
export function folderName(run: RunId, attempt: number): RunId {
  return attempt <= 1 ? run : (`${run}-${attempt}` as RunId);
}

/** Returns the address of a job's files, which depends on the identity only. */
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

/** Returns the id of the run in the status API: `status-api/HOST/ID/JOB`. */
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

/** The maximum length, in characters, of text that pages show: a commit's subject, a branch, a URL. */
export const maxTextLength = 4000;

/** How many jobs a run can declare. Each is a row on its pages. A matrix on GitHub has at most 256 jobs. */
export const maxExpectedJobs = 1000;

/** Parses the number of an attempt: 1 to 9999. */
export function parseAttempt(text: string, what = 'attempt'): Result<number> {
  if (/^[1-9]\d{0,3}$/.test(text)) return accept(Number(text));
  return refuse(`cannot accept ${what} ${quote(text)}: it must be a whole number from 1 to 9999`);
}

/**
 * Parses GITHUB_RUN_NUMBER ("a unique number for each run of a particular workflow"): digits only, so `1234-2` is always
 * a second attempt.
 */
export function parseRunNumber(text: string, what = 'run number'): Result<RunId> {
  if (/^[1-9]\d{0,18}$/.test(text)) return accept(text as RunId);
  return refuse(`cannot accept ${what} ${quote(text)}: it must be a whole number from 1`);
}

/** Returns the name of the run that jobs of a token get which is not allowed to name a run for all jobs. */
export const ownRunName = (run: RunId, tokenId: string, runId?: RunId): string =>
  `${run}-by-${tokenId}${runId === undefined ? '' : `-id${runId}`}-token`;

/** Reports whether a run, or the folder of one of its attempts, has a name of ownRunName(). */
export const isOwnRun = (name: string): boolean => /-by-[a-z0-9-]+-token(-[1-9]\d{0,3})?$/.test(name);

/**
 * Parses the id of a local run. It must not end like `-2`, which is the suffix of a second attempt, nor like the run of a
 * token.
 */
export function parseLocalRun(text: string, what = 'run'): Result<RunId> {
  const id = parseRunId(text, what);
  if (id.ok && isOwnRun(text)) {
    return refuse(
      `cannot accept ${what} ${quote(text)}: it ends like the runs that a server names after a token`,
    );
  }
  if (id.ok && /-[1-9]\d{0,3}$/.test(text)) {
    return refuse(`cannot accept ${what} ${quote(text)}: it ends with "-" and a number, like an attempt`);
  }
  return id;
}

/** Splits the name of a folder into run and attempt: `1234-2` is attempt 2 of run 1234. */
export function splitFolder(folder: RunFolder): { readonly run: string; readonly attempt: number } {
  if (folder.host === 'sourcehut') return { run: folder.name, attempt: 1 };
  const [, run, attempt] = /^(.+)-([1-9]\d{0,3})$/.exec(folder.name) ?? [];
  return run !== undefined && attempt !== undefined && attempt !== '1'
    ? { run, attempt: Number(attempt) }
    : { run: folder.name, attempt: 1 };
}

/** Compares run names with groups of digits by value, so 998 sorts before 1000; other parts by code unit. */
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

/** Compares decimal numbers of any length, which the number type would round. */
function compareDigits(a: string, b: string): number {
  const x = a.replace(/^0+/, '');
  const y = b.replace(/^0+/, '');
  if (x.length !== y.length) return x.length - y.length;
  return x < y ? -1 : x > y ? 1 : 0;
}
