/**
 * What a token may say that is limited to some jobs. It reserves no run, and changes nothing that others see: where it is
 * the first to name a run, its jobs are shown as a run of their own. Pure.
 */
import type { JobEvent } from '../../model/event.js';
import { matchesPattern, parseRunId, type RunId } from '../../model/name.js';
import type { Result } from '../../model/result.js';
import { ownRunName } from '../../model/run.js';
import type { Sender } from '../store/log-entry.js';
import type { RecordedJob } from './site-view.js';

/** Reports whether a sender is limited to some jobs. Records that were in the folder have no sender, and are the operator's. */
export const isNarrow = (sender: Sender | undefined): sender is Sender =>
  sender !== undefined && sender.jobs !== '*';

/** Returns the name of the run that the jobs of a narrow sender get, before its attempt. */
export const ownRun = (run: RunId, sender: Sender, runId?: RunId): Result<RunId> =>
  parseRunId(ownRunName(run, sender.id, runId), 'run folder');

/** Returns a job without what its sender must not say about a run of others: its subject, links and other jobs. */
export function limitJob(job: RecordedJob, sender: Sender): RecordedJob {
  const { origin, expectedJobs, ...summary } = job.summary;
  const { runId, commit } = origin;
  return {
    ...job,
    summary: {
      ...summary,
      origin: { ...(runId !== undefined && { runId }), ...(commit !== undefined && { commit }) },
      expectedJobs: expectedJobs.filter((name) => matchesPattern(sender.jobs, name)),
      isLimited: true,
    },
  };
}

/** Returns an event without the commit, the branch and the jobs that its sender must not declare for a run of others. */
export function limitEvent(event: JobEvent, sender: Sender): JobEvent {
  const kept = Object.entries(event).filter(([key]) => key !== 'commit' && key !== 'branch');
  return {
    ...(Object.fromEntries(kept) as unknown as JobEvent),
    expectedJobs: event.expectedJobs.filter((name) => matchesPattern(sender.jobs, name)),
  };
}
