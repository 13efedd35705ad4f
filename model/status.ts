/** Parses and formats the status API's files: one line with an exit status and `key=value` words. */
import {
  parseCommitHash,
  parseJobName,
  parseRunId,
  parseWorkerHost,
  type CommitHash,
  type JobName,
  type RunId,
  type WorkerHost,
} from './name.js';
import { finishedOutcomes, type FinishedOutcome } from './outcome.js';
import { formatConditions, parseConditions, type JobConditions } from './job-conditions.js';
import { parseAttempt } from './run.js';
import { accept, quote, refuse, type Result } from './result.js';

/** The status of a job, bound to its run, attempt and commit. */
export interface JobStatus extends JobConditions {
  /** 0 to 255 */
  readonly status: number;
  readonly host: WorkerHost;
  /** GITHUB_RUN_ID, the commit on sourcehut, a local run's id */
  readonly run: RunId;
  readonly attempt: number;
  readonly job: JobName;
  readonly commit: CommitHash;
  readonly outcome: FinishedOutcome;
  /** seconds since 1970, UTC */
  readonly time: number;
}

/** Formats one line with its newline, like `0 host=github run=98765 attempt=1 job=cpp commit=09ab... outcome=passed time=...Z`. */
export function formatStatus(s: JobStatus): string {
  const time = new Date(s.time * 1000).toISOString();
  return (
    `${s.status} host=${s.host} run=${s.run} attempt=${s.attempt} job=${s.job} commit=${s.commit}` +
    ` outcome=${s.outcome} time=${time}${formatConditions(s)}\n`
  );
}

/** Parses a status file. Every known key must occur once. Unknown keys are ignored, so keys can be added later. */
export function parseStatus(text: string): Result<JobStatus> {
  const because = (reason: string) => refuse(`cannot read status ${quote(text)}: ${reason}`);
  if (!text.endsWith('\n') || text.length > 2000 || text.trimEnd().includes('\n')) {
    return because('it must be one complete line');
  }
  const [first = '', ...rest] = text.trimEnd().split(' ');
  const status = parseExitStatus(first);
  if (!status.ok) return status;
  const words = new Map<string, string>();
  for (const word of rest) {
    const at = word.indexOf('=');
    if (at < 1) return because(`${quote(word)} is not key=value`);
    if (words.has(word.slice(0, at))) return because(`${quote(word.slice(0, at))} is a duplicate key`);
    words.set(word.slice(0, at), word.slice(at + 1));
  }
  const get = (key: string) => words.get(key) ?? '';
  const host = parseWorkerHost(get('host'), 'host in status');
  if (!host.ok) return host;
  const run = parseRunId(get('run'), 'run in status');
  if (!run.ok) return run;
  const attempt = parseAttempt(get('attempt'), 'attempt in status');
  if (!attempt.ok) return attempt;
  const job = parseJobName(get('job'), 'job in status');
  if (!job.ok) return job;
  const commit = parseCommitHash(get('commit'), 'commit in status');
  if (!commit.ok) return commit;
  const outcome = finishedOutcomes.find((o) => o === get('outcome'));
  if (outcome === undefined) return because(`outcome ${quote(get('outcome'))} is unknown`);
  const milliseconds = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(get('time')) ? Date.parse(get('time')) : NaN;
  if (Number.isNaN(milliseconds)) return because(`time ${quote(get('time'))} is not a date`);
  const conditions = parseConditions(words);
  if ('wrong' in conditions) {
    return because(`${conditions.wrong} ${quote(get(conditions.wrong))} is unknown`);
  }
  return accept({
    ...conditions,
    status: status.value,
    host: host.value,
    run: run.value,
    attempt: attempt.value,
    job: job.value,
    commit: commit.value,
    outcome,
    time: milliseconds / 1000,
  });
}

/** Parses an exit status: 0 to 255, without sign and leading zeros. */
export function parseExitStatus(text: string, what = 'exit status'): Result<number> {
  if (/^(0|[1-9]\d{0,2})$/.test(text) && Number(text) <= 255) return accept(Number(text));
  return refuse(`cannot accept ${what} ${quote(text)}: it must be a whole number from 0 to 255`);
}
