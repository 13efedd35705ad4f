/** `soil-worker run JOB...`: jobs one after another on this machine; the last lines tell what each came to, and where it is. */
import { quote, refuse, type Result } from '../../model/result.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { writeOutputs } from '../report/github-outputs.js';
import { chooseJob } from '../config/load-job.js';
import { plain } from '../report/format-progress.js';
import { runAndPublish } from './run-and-publish.js';
import type { PublishOptions } from '../publish/publish-target.js';
import { runPlain, type JobEnd, type RunOptions } from './execute-job.js';

export interface RunJobsOptions extends RunOptions, PublishOptions {
  readonly publish?: boolean;
  /** what the one job came to, on stdout as JSON */
  readonly json?: boolean;
}

/** Every job runs, whatever the one before it came to; the exit status is the largest. */
export async function runJobsCommand(
  names: readonly string[],
  options: RunJobsOptions,
  context: CommandContext,
): Promise<number> {
  const run = (within: CommandContext) => runJobs(names, options, within);
  const [name = '', ...more] = names;
  if (options.json !== true || more.length > 0) return run(context);
  return (await import('./json-output.js')).runAsJson(run, { name, ...options }, context);
}

async function runJobs(
  names: readonly string[],
  options: RunJobsOptions,
  context: CommandContext,
): Promise<number> {
  const checked = await checkNames(names, options, context);
  if (!checked.ok) {
    context.warn(checked.error);
    return exitStatus.usage;
  }
  const ends: JobEnd[] = [];
  for (const name of names) {
    const run = options.publish === true ? runAndPublish : runPlain;
    ends.push(await run(name, options, context));
  }
  if (ends.length > 1) for (const line of formatEnds(ends)) context.print(line);
  const status = Math.max(...ends.map((end) => end.status));
  const first = ends.find((end) => end.status === status);
  await writeOutputs(
    {
      outcome: first?.outcome ?? 'error',
      status: String(status),
      url: first?.urls[0] ?? '',
      urls: ends.flatMap(({ urls }) => urls.slice(0, 1)).join(' '),
    },
    context,
  );
  return status;
}

/** What is wrong with the last name is told before the first job begins. */
async function checkNames(
  names: readonly string[],
  options: RunJobsOptions,
  context: CommandContext,
): Promise<Result<unknown>> {
  if (names.length === 1) return { ok: true, value: undefined };
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) return refuse(`cannot run job ${quote(twice)}: it stands twice`);
  if (options.tasks !== undefined) return refuse('cannot run several jobs with --tasks: they are of one job');
  if (options.json === true) return refuse('cannot run several jobs with --json: it tells of one');
  for (const name of names) {
    const choice = await chooseJob(name, options, context);
    if (!choice.ok) return choice;
  }
  return { ok: true, value: undefined };
}

/** `unit  failed  status 1  https://...`, a line a job. */
function formatEnds(ends: readonly JobEnd[]): string[] {
  const width = Math.max(...ends.map(({ job }) => job.length));
  return [
    `${ends.length} jobs:`,
    ...ends.map(({ job, outcome, status, urls }) =>
      [job.padEnd(width), (outcome ?? 'not run').padEnd(9), `status ${status}`, plain(urls[0] ?? '')]
        .join('  ')
        .trimEnd(),
    ),
  ];
}
