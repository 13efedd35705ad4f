/** Publishes a job's results: announces their address, uploads them, and writes the step summary of GitHub Actions. */
import { readFile } from 'node:fs/promises';
import { accept, type Result } from '../../model/result.js';
import { parseRows, type TaskRow } from '../../model/row.js';
import { formatShellWord } from '../../model/shell-word.js';
import type { PublishOptions } from '../publish/publish-target.js';
import { jobFilePaths, taskLogPath } from '../state/job-folder.js';
import { failedRows } from '../report/format-progress.js';
import { writeStepSummary } from '../report/github-actions.js';
import { readStoredArtifacts } from '../state/stored-artifacts.js';
import { readLogTail } from '../output/log-tail.js';
import type { JobContext, JobResults, StoredJob } from './job-context.js';

/** Loads the code that uploads. Most jobs on a developer's machine publish nothing. */
const loadUpload = () => import('../publish/upload-job.js');

/** Prints the address of the run page, so that readers can open it before the results arrive. */
export async function announceResults({ command, identity, commit, target }: JobContext): Promise<void> {
  if (target?.kind !== 'server') return;
  const { resultUrls } = await loadUpload();
  command.print(`results will be at ${resultUrls(identity, commit, target.service.url).run}`);
}

/** Uploads the results to the job's target, if it has one. Prints and returns their addresses, or prints the error. */
export async function publishJob(
  context: JobContext,
  results: JobResults,
): Promise<Result<readonly string[]>> {
  const { command, job, identity, target } = context;
  const { record, files, artifacts, tails } = results;
  const sent =
    target === undefined
      ? accept([])
      : await (await loadUpload()).uploadJob({ job, identity, record, files, artifacts }, target, command);
  if (sent.ok) for (const line of sent.value) command.print(line);
  else command.warn(sent.error);
  await writeStepSummary({ job, end: results, urls: sent.ok ? sent.value : [], tails }, command);
  return sent;
}

/** Reads the results that an earlier run stored. */
export async function readResults({ record, files, folder, out, job }: StoredJob): Promise<JobResults> {
  const artifacts = await readStoredArtifacts(folder);
  const read = parseRows(await readFile(files.tsv, 'utf8').catch(() => ''));
  const rows = read.ok ? read.value.filter((row) => row.kind === 'row') : [];
  const { outcome = 'error', status = 125 } = record;
  return {
    outcome,
    status,
    record,
    rows,
    files,
    copies: jobFilePaths(out, job),
    artifacts,
    tails: await readTails(folder, rows),
  };
}

/** Reads the last lines of the failed tasks' logs, if the logs still exist. */
async function readTails(folder: string, rows: readonly TaskRow[]): Promise<ReadonlyMap<string, string>> {
  const tails = new Map<string, string>();
  const { fileExists } = await loadUpload();
  for (const { task } of failedRows(rows)) {
    const log = taskLogPath(folder, task);
    if (await fileExists(log)) tails.set(task, await readLogTail(log));
  }
  return tails;
}

/** Formats the command that publishes the stored results later. It contains no token. */
export function formatPublishCommand({ job, target }: JobContext, options: PublishOptions): string {
  const given: readonly (readonly [string, string | undefined])[] = [
    ['--out', options.out],
    // Also if it came from SOIL_SERVER, since the command may run in another environment.
    ['--server', target?.kind === 'server' ? target.service.url.href : undefined],
    ['--token-file', options.tokenFile],
    ['--ssh', options.ssh],
    ['--ssh-port', options.sshPort],
    ['--ssh-key', options.sshKey],
    ['--known-hosts', options.knownHosts],
  ];
  const flags = options.rebuild === false && target?.kind === 'ssh' ? ['--no-rebuild'] : [];
  const words = given.flatMap(([option, value]) =>
    value === undefined ? [] : [option, formatShellWord(value)],
  );
  return ['soil-worker publish', job, ...words, ...flags].join(' ');
}
