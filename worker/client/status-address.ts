/** Finds the worker host, run and attempt whose statuses are read, from options and the environment. Pure. */
import { parseRunId, parseWorkerHost, type CommitHash, type WorkerHost } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { parseAttempt } from '../../model/run.js';
import type { CommandContext } from '../system/command-context.js';
import { identifyRun, type RunIdentity } from '../record/run-identity.js';

/** Options that name the run. */
export interface StatusRunOptions {
  readonly host?: string;
  readonly runId?: string;
  readonly attempt?: string;
}

/** The run whose statuses are read. */
export interface StatusRun {
  readonly host: WorkerHost;
  /** as in `status-api/HOST/RUN/JOB` */
  readonly run: string;
  readonly attempt: number;
}

/** Finds the run from the options, or else from the CI host's variables. */
export function planStatusRun(
  options: StatusRunOptions,
  commit: CommitHash | undefined,
  context: CommandContext,
): Result<StatusRun> {
  const { environment } = context;
  if (options.host !== undefined && options.runId !== undefined) {
    const host = parseWorkerHost(options.host, '--host');
    if (!host.ok) return host;
    // An empty variable counts as unset.
    const attemptText = options.attempt ?? environment.SOIL_ATTEMPT ?? '';
    const attempt = parseAttempt(attemptText === '' ? '1' : attemptText, '--attempt');
    if (!attempt.ok) return attempt;
    const run = parseRunId(options.runId, '--run-id');
    if (!run.ok) return run;
    return accept({ host: host.value, run: run.value, attempt: attempt.value });
  }
  const run = identifyRun({
    ...{ environment, now: context.now() },
    ...(options.runId !== undefined && { runId: options.runId }),
    ...(options.attempt !== undefined && { attempt: options.attempt }),
  });
  if (!run.ok) return run;
  const planned = statusRunOf(run.value, commit);
  if (planned.ok && options.host !== undefined && options.host !== planned.value.host) {
    return refuse(`cannot read statuses of host ${quote(options.host)}: pass --run-id, too`);
  }
  return planned;
}

function statusRunOf(run: RunIdentity, commit: CommitHash | undefined): Result<StatusRun> {
  switch (run.host) {
    case 'github':
      return accept({ host: 'github', run: run.runId, attempt: run.attempt });
    case 'sourcehut':
      // On sourcehut the commit identifies the run.
      return commit === undefined
        ? refuse('no run given: on sourcehut pass --commit')
        : accept({ host: 'sourcehut', run: commit, attempt: 1 });
    case 'local':
      return run.named
        ? accept({ host: 'local', run: run.run, attempt: run.attempt })
        : refuse('no run given: pass --run-id or set SOIL_RUN');
  }
}
