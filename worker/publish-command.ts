/** `soil-worker publish JOB` and `run JOB --publish`: a finished job's files -> the server, or a folder over SSH. */
import { basename, join } from 'node:path';
import { parseJobName, type JobName } from '../model/name.js';
import { identityOf, recordSchema } from '../model/record.js';
import type { Result } from '../model/result.js';
import { pasted } from '../model/shell-word.js';
import { exit, type CommandContext } from './command-context.js';
import { EventSender } from './event-sender.js';
import { chooseRepo, readConfig } from './job-choice.js';
import { planEvent, planEventBase } from './job-event.js';
import { artifactsName, planOutFolder } from './out-folder.js';
import { planTarget, type PublishOptions, type PublishTarget } from './publish-target.js';
import { writeStepSummary } from './github-files.js';
import { executeJob, planJob, type JobEnd, type RunOptions } from './run-command.js';
import { isThere, plannedUrls, readStored, sendStored, type StoredJob } from './stored-job.js';

/** `publish JOB`: what an earlier `run` left behind. */
export async function publishCommand(
  name: string,
  options: PublishOptions,
  context: CommandContext,
): Promise<number> {
  const job = parseJobName(name, 'job');
  const target = job.ok ? await planTarget(options, context) : job;
  const repo = await chooseRepo(context);
  const stored = job.ok
    ? await readStored(planOutFolder(options.out, { repo, cwd: context.cwd, job: job.value }), job.value)
    : job;
  for (const result of [target, stored]) {
    if (result.ok) continue;
    context.warn(result.error);
    return exit.wrongUse;
  }
  if (!target.ok || !stored.ok) return exit.wrongUse;
  const artifacts = await declaredArtifacts(repo, stored.value.job, options, context);
  const published = await publishStored({ ...stored.value, artifacts }, target.value, context);
  return published.ok ? exit.fine : exit.failed;
}

/** `run JOB --publish`: the exit status is the job's; 1 where only the publishing failed. */
export async function runAndPublish(
  name: string,
  options: RunOptions & PublishOptions,
  context: CommandContext,
): Promise<JobEnd> {
  const target = await planTarget(options, context);
  const planned = target.ok ? await planJob(name, options, context) : target;
  if (!target.ok || !planned.ok) {
    context.warn(target.ok ? (planned.ok ? '' : planned.error) : target.error);
    return { job: name, status: exit.wrongUse, urls: [] };
  }
  const { job, origin, repo } = planned.value;
  const notice = (text: string): void => {
    context.warn(`notice: ${text}`);
  };
  const host = origin.host ?? 'local';
  const identity = identityOf({ ...origin, schema: recordSchema, tasks: [] }, { host, job: job.name });
  if (identity.ok && target.value.kind === 'server') {
    context.print(
      `results will be at ${plannedUrls(identity.value, origin.commit, target.value.service.url).run}`,
    );
  }
  const base = planEventBase(origin, host, job.name);
  const events = target.value.kind === 'server' ? new EventSender(target.value.service, notice) : undefined;
  const heartbeat = setInterval(() => events?.send({ ...base, name: 'heartbeat' }), heartbeatSeconds * 1000);
  const end = await executeJob(planned.value, options, context, (progress) => {
    const event = planEvent(progress, base);
    if (event !== undefined) events?.send(event);
  });
  clearInterval(heartbeat);
  await events?.close();
  const artifacts = job.artifacts.map((path) => join(repo, path));
  const published = identity.ok
    ? await publishStored(
        { job: job.name, identity: identity.value, record: end.record, files: end.files, artifacts },
        target.value,
        context,
      )
    : identity;
  if (!identity.ok) context.warn(identity.error);
  const urls = published.ok ? published.value : [];
  await writeStepSummary({ job: name, end, urls, tails: end.tails }, context);
  if (published.ok) return { job: name, outcome: end.outcome, status: end.status, urls };
  context.warn(`the files are kept; to publish them later: ${publishLater(job.name, options, target.value)}`);
  return { job: name, outcome: end.outcome, status: end.status === 0 ? exit.failed : end.status, urls };
}

/** A server gives a job up after half an hour of silence; a task may well take longer than that. */
const heartbeatSeconds = 300;

/** Sends it all; prints the addresses, or why not. */
async function publishStored(
  stored: StoredJob,
  target: PublishTarget,
  context: CommandContext,
): Promise<Result<readonly string[]>> {
  const sent = await sendStored(stored, target, context);
  if (sent.ok) for (const line of sent.value) context.print(line);
  else context.warn(sent.error);
  return sent;
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
  const kept = join(planOutFolder(options.out, { repo, cwd: context.cwd, job }), artifactsName);
  return Promise.all(
    declared.map(async (path) => {
      const copy = join(kept, basename(path));
      return (await isThere(copy)) ? copy : join(repo, path);
    }),
  );
}

/** The command that publishes what is kept, without the token. */
function publishLater(job: JobName, options: PublishOptions, target: PublishTarget): string {
  const given: readonly (readonly [string, string | undefined])[] = [
    ['--out', options.out],
    ['--config', options.laterConfig ?? options.config],
    // Also where the environment named it: who gives the command may be somebody else.
    ['--server', target.kind === 'server' ? target.service.url.href : undefined],
    ['--token-file', options.tokenFile],
    ['--ssh', options.ssh],
    ['--ssh-port', options.sshPort],
    ['--ssh-key', options.sshKey],
    ['--known-hosts', options.knownHosts],
  ];
  const flags = options.rebuild === false && target.kind === 'ssh' ? ['--no-rebuild'] : [];
  const words = given.flatMap(([option, value]) => (value === undefined ? [] : [option, pasted(value)]));
  return ['soil-worker publish', job, ...words, ...flags].join(' ');
}
