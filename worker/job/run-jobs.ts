/** Runs the jobs of one command in the order of their needs, and those that they need. */
import { isGreen } from '../../model/outcome.js';
import { withoutUndefined } from '../../model/record.js';
import { accept, type Result } from '../../model/result.js';
import { chooseJob, type JobChoice } from '../config/load-job.js';
import type { CommandContext } from '../system/command-context.js';
import { admitJobsHere } from './admit-jobs.js';
import { runPipeline, type JobEnd } from './job-pipeline.js';
import { findSkipReason, type NeedEnd } from './job-order.js';
import { planNeededJobs } from './needed-jobs.js';
import type { JobOptions } from './plan-job.js';

/**
 * Runs the named jobs, even after one that failed, but skips a job if one that it needs did not pass. Returns how each
 * ended, in the order in which they ran.
 */
export async function runJobs(
  names: readonly string[],
  options: JobOptions,
  command: CommandContext,
): Promise<Result<readonly JobEnd[]>> {
  const planned = await planNeededJobs(names, options, command);
  if (!planned.ok) return planned;
  const { order, needs } = planned.value;
  const optionsOf = (name: string): JobOptions => {
    const { tasks, ...others } = options;
    return { ...others, ...(names.includes(name) && tasks !== undefined && { tasks }) };
  };
  const admitted = await admitAll(order, options, command);
  if (!admitted.ok) return admitted;
  const known = new Map<string, NeedEnd>(planned.value.ends);
  const ends: JobEnd[] = [];
  for (const name of order) {
    // A cancelled command ends its remaining jobs as cancelled, whatever they need.
    const skip = command.cancel.aborted ? undefined : findSkipReason(name, needs, known);
    if (skip !== undefined) command.print(`skipping job ${name}: ${skip}`);
    const end = await runPipeline(name, optionsOf(name), command, skip);
    ends.push({ ...end, isNamed: names.includes(name) });
    known.set(name, needEnd(end));
  }
  return accept(ends);
}

/** Before the first of several jobs starts, names everything that this machine refuses to any of them. */
async function admitAll(
  names: readonly string[],
  options: JobOptions,
  command: CommandContext,
): Promise<Result<undefined>> {
  // planJob() admits a single job. With several, each is in soil.yml, and its tasks do not matter here.
  if (names.length === 1) return accept(undefined);
  const { config, image } = options;
  const choices: JobChoice[] = [];
  for (const name of names) {
    const choice = await chooseJob(name, withoutUndefined({ config, image }), command);
    if (!choice.ok) return choice;
    choices.push(choice.value);
  }
  return admitJobsHere(choices, options, command);
}

function needEnd({ results, skip }: JobEnd): NeedEnd {
  if (skip !== undefined) return { kind: 'skipped' };
  return results === undefined ? { kind: 'not-started' } : { kind: 'ended', outcome: results.outcome };
}

/** Returns the end with the largest status: the first that is not green, if several have it. */
export function worstEnd(ends: readonly JobEnd[]): JobEnd | undefined {
  const status = Math.max(...ends.map((end) => end.status));
  const worst = ends.filter((end) => end.status === status);
  return worst.find(({ results }) => !isGreen(results?.outcome ?? 'error')) ?? worst[0];
}
