/** Finds the record that an earlier command stored for a job, and decides whether it still counts. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isGreen, type FinishedOutcome } from '../../model/outcome.js';
import type { JobRecord } from '../../model/record.js';
import { parseRecord } from '../../model/record-reader.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import { identifyRun, type RunIdentity } from '../record/run-identity.js';
import { jobFilePaths } from '../state/job-folder.js';
import { locateJob } from '../state/job-state.js';
import type { CommandContext } from '../system/command-context.js';
import { readGitHead } from '../git/git-head.js';
import type { JobOptions } from './plan-job.js';
import { findTreeChanges } from './working-tree.js';

export interface StoredEnd {
  readonly outcome: FinishedOutcome;
  /** false: it passed in another run, for the same commit */
  readonly isSameRun: boolean;
  /** completes the sentence "its outcome is passed ..." */
  readonly source: string;
}

/** Returns how a job ended in this run, or that it passed for the same commit and clean tree; undefined if neither. */
export async function findStoredEnd(
  declaration: JobDeclaration,
  {
    repo,
    options,
    command,
  }: { readonly repo: string; readonly options: JobOptions; readonly command: CommandContext },
): Promise<StoredEnd | undefined> {
  const { environment, cwd } = command;
  const { out, outRepo = repo } = options;
  const located = await locateJob(environment, { repo: outRepo, cwd, out, job: declaration.name });
  const record = located.ok ? await readStoredRecord(located.value.folder, declaration) : undefined;
  const { outcome, commit } = record ?? {};
  if (record === undefined || outcome === undefined || commit === undefined) return undefined;
  const head = await readGitHead(repo, environment);
  if (head.commit !== commit) return undefined;
  const { runId, attempt } = options;
  const run = identifyRun({
    ...{ environment, now: command.now() },
    ...(runId !== undefined && { runId }),
    ...(attempt !== undefined && { attempt }),
  });
  if (run.ok && isOfRun(record, run.value)) return { outcome, isSameRun: true, source: 'in this run' };
  if (!isGreen(outcome) || !hasSameTasks(record, declaration)) return undefined;
  if (!passedCommit(record)) return undefined;
  const uncommitted = await findTreeChanges(
    { repo, ...(out !== undefined && { out: resolve(cwd, out) }) },
    environment,
  );
  if (!uncommitted.ok || uncommitted.value.length > 0) return undefined;
  return { outcome, isSameRun: false, source: `for this commit (${describeTime(record)})` };
}

async function readStoredRecord(folder: string, { name }: JobDeclaration): Promise<JobRecord | undefined> {
  const text = await readFile(jobFilePaths(folder, name).json, 'utf8').catch(() => undefined);
  const record = text === undefined ? undefined : parseRecord(text);
  return record?.ok === true && record.value.job === name ? record.value : undefined;
}

/** Returns whether a record is of this run and attempt. A local run without a name is always a new one. */
function isOfRun(record: JobRecord, run: RunIdentity): boolean {
  if (record.host !== run.host) return false;
  switch (run.host) {
    case 'github':
      return record.runId === run.runId && record.attempt === run.attempt;
    case 'sourcehut':
      return record.jobId === run.jobId;
    case 'local':
      return run.named && record.localRun === run.run && record.attempt === run.attempt;
  }
}

/** Returns whether a record is of the commit alone: nothing was uncommitted before the job began. */
function passedCommit({ uncommitted }: JobRecord): boolean {
  return typeof uncommitted === 'object' && uncommitted.count === 0;
}

/** Returns whether a job ran the tasks that it declares now, and not those of `--tasks` or of another `--config`. */
function hasSameTasks({ tasks }: JobRecord, declaration: JobDeclaration): boolean {
  if (declaration.tasksFrom !== undefined) return true;
  return (
    tasks.length === declaration.tasks.length &&
    declaration.tasks.every(({ name, run }, i) => tasks[i]?.name === name && tasks[i].run === run)
  );
}

const describeTime = ({ startTime }: JobRecord): string =>
  startTime === undefined
    ? 'at an unknown time'
    : `at ${new Date(startTime * 1000).toISOString().slice(0, 16)}Z`;
