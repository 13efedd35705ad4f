/** `soil-worker publish JOB`: what an earlier run left in its folder -> the server, or a folder over SSH. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parseJobName, type JobName } from '../../model/name.js';
import { parseRows, type TaskRow } from '../../model/row.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { writeStepSummary } from '../report/github-outputs.js';
import { chooseRepo, readConfig } from '../config/load-job.js';
import { taskLogPath } from '../record/job-folder.js';
import { failedRows } from '../report/format-progress.js';
import { readLogTail } from '../system/log-tail.js';
import { artifactsFolderName, outFolderPath } from '../record/out-folder.js';
import { announce, publishStored } from './run-and-publish.js';
import { planTarget, type PublishOptions } from '../publish/publish-target.js';
import { isThere, readStored } from '../publish/publish-job.js';

/** With `--json` what became of it stands on stdout, all else on stderr. */
export async function publishCommand(
  name: string,
  options: PublishOptions & { readonly json?: boolean },
  context: CommandContext,
): Promise<number> {
  if (options.json !== true) return (await publishKept(name, options, context)).status;
  const { status, ...told } = await publishKept(name, options, { ...context, print: context.warn });
  if (status !== exitStatus.usage) context.print(JSON.stringify({ job: name, status, ...told }));
  return status;
}

interface PublishEnd {
  readonly status: number;
  readonly urls: readonly string[];
  readonly reason?: string;
}

async function publishKept(
  name: string,
  options: PublishOptions,
  context: CommandContext,
): Promise<PublishEnd> {
  const wrongUse = { status: exitStatus.usage, urls: [] };
  const job = parseJobName(name, 'job');
  const target = job.ok ? await planTarget(options, context) : job;
  const repo = await chooseRepo(context);
  const stored = job.ok
    ? await readStored(outFolderPath(options.out, { repo, cwd: context.cwd, job: job.value }), job.value)
    : job;
  for (const result of [target, stored]) {
    if (result.ok) continue;
    context.warn(result.error);
    return wrongUse;
  }
  if (!target.ok || !stored.ok) return wrongUse;
  const { identity, record, files } = stored.value;
  announce(identity, record.commit, { target: target.value, context });
  const artifacts = await declaredArtifacts(repo, stored.value.job, options, context);
  const published = await publishStored({ ...stored.value, artifacts }, target.value, context);
  const urls = published.ok ? published.value : [];
  const read = parseRows(await readFile(files.tsv, 'utf8').catch(() => ''));
  const rows = read.ok ? read.value.filter((row) => row.kind === 'row') : [];
  const tails = await readTails(dirname(files.json), rows);
  const end = { outcome: record.outcome ?? 'error', record, rows };
  await writeStepSummary({ job: name, end, urls, tails }, context);
  return published.ok
    ? { status: exitStatus.ok, urls }
    : { status: exitStatus.failed, urls, reason: published.error };
}

/** The ends of the failed tasks' logs, where these are still beside the job's files. */
async function readTails(folder: string, rows: readonly TaskRow[]): Promise<ReadonlyMap<string, string>> {
  const tails = new Map<string, string>();
  for (const { task } of failedRows(rows)) {
    const log = taskLogPath(folder, task);
    if (await isThere(log)) tails.set(task, await readLogTail(log));
  }
  return tails;
}

async function declaredArtifacts(
  repo: string,
  job: JobName,
  options: PublishOptions,
  context: CommandContext,
): Promise<readonly string[]> {
  const config = await readConfig(repo, context.cwd, options.config);
  if (!config.ok) {
    context.warn(`notice: no artifact is published: ${config.error}`);
    return [];
  }
  const declared = config.value?.jobs.find(({ name }) => name === job)?.artifacts ?? [];
  const kept = join(outFolderPath(options.out, { repo, cwd: context.cwd, job }), artifactsFolderName);
  return Promise.all(
    declared.map(async (path) => {
      const copy = join(kept, basename(path));
      return (await isThere(copy)) ? copy : join(repo, path);
    }),
  );
}
