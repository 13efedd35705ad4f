/** `soil-worker run JOB...`: runs jobs in the order of their needs, and prints a summary of more than one. */
import { quote, refuse, type Result } from '../../model/result.js';
import { chooseJob } from '../config/load-job.js';
import { runJobs, worstEnd } from '../job/run-jobs.js';
import type { JobOptions } from '../job/plan-job.js';
import { writeOutputs } from '../report/github-actions.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { formatEnds } from './job-summary.js';
import { formatEndsAsJson, quietStdout } from './json-output.js';

export interface RunCommandOptions extends JobOptions {
  /** print how the job ended, as JSON on stdout */
  readonly json?: boolean;
}

/** Runs the jobs, even after one that failed, and first those that they need. Returns the largest exit status. */
export async function runCommand(
  names: readonly string[],
  options: RunCommandOptions,
  context: CommandContext,
): Promise<number> {
  const command = options.json === true ? quietStdout(context) : context;
  const checked = await checkNames(names, options, command);
  if (!checked.ok) {
    command.warn(checked.error);
    return exitStatus.usage;
  }
  const ran = await runJobs(names, options, command);
  if (!ran.ok) {
    command.warn(ran.error);
    return exitStatus.usage;
  }
  const ends = ran.value;
  if (ends.length > 1) for (const line of formatEnds(ends)) command.print(line);
  const status = Math.max(...ends.map((end) => end.status));
  const worst = worstEnd(ends);
  await writeOutputs(
    {
      outcome: worst?.results?.outcome ?? 'error',
      status: String(status),
      url: worst?.urls[0] ?? '',
      urls: ends.flatMap(({ urls }) => urls.slice(0, 1)).join(' '),
    },
    command,
  );
  const json = options.json === true ? await formatEndsAsJson(ends) : undefined;
  if (json !== undefined) context.print(json);
  return status;
}

/** Checks all names before the first job starts, so that a mistake in the last one costs no time. */
async function checkNames(
  names: readonly string[],
  options: RunCommandOptions,
  command: CommandContext,
): Promise<Result<undefined>> {
  if (names.length === 1) return { ok: true, value: undefined };
  const duplicate = names.find((name, i) => names.indexOf(name) < i);
  if (duplicate !== undefined) return refuse(`cannot run job ${quote(duplicate)} twice`);
  if (options.tasks !== undefined) return refuse('cannot run several jobs with --tasks: give one job');
  if (options.json === true) return refuse('cannot run several jobs with --json: give one job');
  for (const name of names) {
    const choice = await chooseJob(name, options, command);
    if (!choice.ok) return choice;
  }
  return { ok: true, value: undefined };
}
