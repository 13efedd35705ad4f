/** `soil-worker run JOB --publish`: a job that ran and its files at a server, or in a folder over SSH; its exit status. */
import { join } from 'node:path';
import type { JobName } from '../../model/name.js';
import type { JobIdentity } from '../../model/run.js';
import { identityOf, recordSchema, type JobRecord } from '../../model/record.js';
import type { Result } from '../../model/result.js';
import { pasted } from '../../model/shell-word.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { EventSender } from '../publish/event-sender.js';
import { planEvent, planEventBase } from '../publish/job-event.js';
import { planTarget, type PublishOptions, type PublishTarget } from '../publish/publish-target.js';
import { writeStepSummary } from '../report/github-outputs.js';
import { executeJob, planJob, type JobEnd, type RunOptions } from './execute-job.js';
import { plannedUrls, sendStored, type StoredJob } from '../publish/publish-job.js';

/** Where the pages will be, before anything is sent: whoever waits can open them already. */
export function announce(
  identity: JobIdentity,
  commit: JobRecord['commit'],
  { target, context }: { readonly target: PublishTarget; readonly context: CommandContext },
): void {
  if (target.kind !== 'server') return;
  context.print(`results will be at ${plannedUrls(identity, commit, target.service.url).run}`);
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
    return { job: name, status: exitStatus.usage, urls: [] };
  }
  const { job, origin, repo } = planned.value;
  const notice = (text: string): void => {
    context.warn(`notice: ${text}`);
  };
  const host = origin.host ?? 'local';
  const identity = identityOf({ ...origin, schema: recordSchema, tasks: [] }, { host, job: job.name });
  if (identity.ok) announce(identity.value, origin.commit, { target: target.value, context });
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
  return { job: name, outcome: end.outcome, status: end.status === 0 ? exitStatus.failed : end.status, urls };
}

/** A server gives a job up after half an hour of silence; a task may well take longer than that. */
const heartbeatSeconds = 300;

/** Sends it all; prints the addresses, or why not. */
export async function publishStored(
  stored: StoredJob,
  target: PublishTarget,
  context: CommandContext,
): Promise<Result<readonly string[]>> {
  const sent = await sendStored(stored, target, context);
  if (sent.ok) for (const line of sent.value) context.print(line);
  else context.warn(sent.error);
  return sent;
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
