/** `soil-worker wait job JOB`: polls the status API until a job of this run and commit has finished, or the time is up. */
import { parseJobName, type CommitHash, type JobName } from '../../model/name.js';
import { accept, quote, type Result } from '../../model/result.js';
import type { JobStatus } from '../../model/status.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { formatDuration, parseDuration } from '../../model/duration.js';
import { judge } from '../gate/gate.js';
import { readGitHead, resolveCommit } from '../git/git-head.js';
import { chooseRepo, warnOfUnknownJob } from '../config/load-job.js';
import { planStatusRun, type StatusRun } from '../client/status-address.js';
import { resolveServer } from '../client/server-url.js';
import { readStatus } from '../client/status-client.js';
import { pollEndJson, poll, type PollResult } from '../client/poll.js';

export interface WaitJobOptions {
  readonly server?: string;
  readonly host?: string;
  readonly runId?: string;
  readonly attempt?: string;
  readonly commit?: string;
  readonly limit?: string;
  /** succeed when the job has finished, even if it failed */
  readonly ended?: boolean;
  readonly json?: boolean;
}

/** Returns 0 if the job passed, 1 if it did not or the time is up, 2 for misuse, 3 if the server refused. */
export async function waitJobCommand(
  name: string,
  options: WaitJobOptions,
  context: CommandContext,
): Promise<number> {
  const planned = await planWait(name, options, context);
  if (!planned.ok) {
    context.warn(planned.error);
    return exitStatus.usage;
  }
  const { job, run, limitSeconds } = planned.value;
  await warnOfUnknownJob(job, context);
  const waited = await poll(() => checkStatus(planned.value, options.ended === true, context), {
    ...{ limitSeconds, cancel: context.cancel, random: Math.random },
    clock: () => performance.now() / 1000,
    notice: (reason) => {
      context.warn(`waiting at most ${formatDuration(limitSeconds)} for job ${quote(job)}: ${reason}`);
    },
  });
  if (options.json === true) context.print(JSON.stringify({ job, ...run, ...pollEndJson(waited) }));
  switch (waited.kind) {
    case 'found':
      if (options.json !== true)
        context.print(`${job}: ${waited.value.result}, status ${waited.value.status ?? '-'}`);
      if (!waited.value.isGood) context.warn(`job ${quote(job)} did not pass: ${waited.value.reason}`);
      return waited.value.isGood ? exitStatus.ok : exitStatus.failed;
    case 'timeout':
      context.warn(
        `job ${quote(job)} did not finish within ${formatDuration(limitSeconds)}: it ${waited.reason}`,
      );
      return exitStatus.failed;
    case 'impossible':
    case 'refused':
      context.warn(`cannot read the status of job ${quote(job)}: ${waited.reason}`);
      return exitStatus.refused;
    case 'cancelled':
      context.warn('cancelled');
      return 130;
  }
}

interface FinishedStatus {
  readonly isGood: boolean;
  readonly result: string;
  readonly status?: number;
  readonly reason: string;
}

interface WaitPlan {
  readonly job: JobName;
  readonly run: StatusRun;
  readonly commit: CommitHash;
  readonly server: URL;
  readonly limitSeconds: number;
}

/** Reads the status once. As for the gate, only a status of the same run, attempt and commit counts. */
async function checkStatus(
  { job, run, commit, server }: WaitPlan,
  anyOutcome: boolean,
  context: CommandContext,
): Promise<PollResult<FinishedStatus>> {
  const answer = await readStatus({ server: server.href, host: run.host, run: run.run, job });
  if (answer.kind === 'unusable' && answer.isRefusal === true)
    return { kind: 'refused', reason: answer.reason };
  const expected = { ...run, commit, now: context.now().getTime() / 1000, rule: 'none' } as const;
  const verdict = judge([job], new Map([[job, answer]]), expected);
  const status: JobStatus | undefined = answer.kind === 'status' ? answer.status : undefined;
  const shown = {
    result: status?.outcome ?? 'error',
    ...(status !== undefined && { status: status.status }),
  };
  if (verdict.kind === 'green') return { kind: 'found', value: { ...shown, isGood: true, reason: '' } };
  const [block] = verdict.by;
  if (block === undefined || block.mayChange)
    return { kind: 'pending', reason: block?.reason ?? 'is unknown' };
  const isSame = status?.commit === commit && status.attempt === run.attempt && status.run === run.run;
  return { kind: 'found', value: { ...shown, isGood: anyOutcome && isSame, reason: block.reason } };
}

async function planWait(
  name: string,
  options: WaitJobOptions,
  context: CommandContext,
): Promise<Result<WaitPlan>> {
  const { environment } = context;
  const job = parseJobName(name, 'job');
  if (!job.ok) return job;
  const server = resolveServer(options.server, environment);
  if (!server.ok) return server;
  const limit = options.limit === undefined ? accept(0) : parseDuration(options.limit, '--limit');
  if (!limit.ok) return limit;
  const repo = await chooseRepo(context);
  const git = await readGitHead(repo, environment);
  const commit = await resolveCommit(options.commit, git, { repo, environment });
  if (!commit.ok) return commit;
  const run = planStatusRun(options, commit.value, context);
  if (!run.ok) return run;
  return accept({
    ...{ job: job.value, run: run.value, commit: commit.value, server: server.value },
    limitSeconds: limit.value,
  });
}
