/** `soil-worker shell JOB`: opens a shell, or runs one command, where the job's tasks would run. */
import { quote } from '../../model/result.js';
import { chooseJob } from '../config/load-job.js';
import { admitJobHere } from '../job/admit-jobs.js';
import { planJobSecrets } from '../job/plan-job.js';
import type { TrustOptions } from '../policy/load-policies.js';
import { formatProgress } from '../report/format-progress.js';
import { openShell } from '../runner/open-shell.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';

export interface ShellCommandOptions extends TrustOptions {
  readonly config?: string;
  readonly image?: string;
  readonly engine?: 'podman' | 'docker';
  /** run this instead of an interactive shell */
  readonly command?: string;
}

/** The exit status if the shell could not start: that of a job with an infrastructure failure. */
const notStarted = 125;

/** Returns the exit status of the shell. */
export async function shellCommand(
  name: string,
  options: ShellCommandOptions,
  context: CommandContext,
): Promise<number> {
  const { environment, userPath, cancel, isInteractive, warn } = context;
  if (options.command === undefined && !isInteractive) {
    warn(
      `cannot open a shell in job ${quote(name)}: stdin and stdout are not a terminal; pass a command with -c`,
    );
    return exitStatus.usage;
  }
  const choice = await chooseJob(name, options, context);
  const admitted = choice.ok ? await admitJobHere(choice.value, options, context) : choice;
  if (!choice.ok || !admitted.ok) {
    if (!admitted.ok) warn(admitted.error);
    return exitStatus.usage;
  }
  const { repo } = choice.value;
  const secrets = await planJobSecrets(admitted.value, repo, context);
  if (!secrets.ok) {
    warn(secrets.error);
    return exitStatus.usage;
  }
  const job = admitted.value;
  const ended = await openShell({
    ...{ job, repo, environment, userPath, cancel, ...secrets.value },
    ...(options.engine !== undefined && { engine: options.engine }),
    ...(options.command !== undefined && { command: options.command }),
    report: (progress) => {
      // stdout belongs to the command.
      for (const line of formatProgress(progress, { color: false })) warn(line);
    },
  });
  if (ended.ok) return ended.value;
  warn(ended.error);
  return notStarted;
}
