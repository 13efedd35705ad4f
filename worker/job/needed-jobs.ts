/**
 * Finds out which jobs must run so that the needs of the named jobs are met. A need that is not named is met by a pass
 * in the same run, or by a stored record of a pass for the same commit; else it must run first.
 */
import type { JobName } from '../../model/name.js';
import { isGreen } from '../../model/outcome.js';
import { accept, quote, type Result } from '../../model/result.js';
import { readStatus } from '../client/status-client.js';
import { planStatusRun } from '../client/status-address.js';
import { resolveServer } from '../client/server-url.js';
import { chooseRepo, readConfig } from '../config/load-job.js';
import type { ProjectConfig } from '../config/job-declaration.js';
import type { CommandContext } from '../system/command-context.js';
import { readGitHead } from '../git/git-head.js';
import { orderByNeeds, type JobNeeds, type NeedEnd } from './job-order.js';
import { findStoredEnd, type StoredEnd } from './stored-end.js';
import type { JobOptions } from './plan-job.js';

export interface NeededJobs {
  /** what to run, in order: the named jobs, and those that they need */
  readonly order: readonly string[];
  readonly needs: JobNeeds;
  /** how jobs ended that are needed and do not run now */
  readonly ends: ReadonlyMap<string, NeedEnd>;
}

/** Plans the jobs of a command. Prints how each need that is not named is met. Fails if soil.yml cannot be read. */
export async function planNeededJobs(
  names: readonly string[],
  options: JobOptions,
  command: CommandContext,
): Promise<Result<NeededJobs>> {
  const repo = await chooseRepo(command);
  const config = await readConfig(repo, command.cwd, options.config);
  if (!config.ok) return config;
  const needs: JobNeeds = new Map(
    options.needs === false ? [] : config.value?.jobs.map((job) => [job.name, job.needs]),
  );
  const ends = new Map<string, NeedEnd>();
  const selected = [...names];
  // `selected` grows while it is read.
  for (const name of selected) {
    for (const need of needs.get(name) ?? []) {
      if (selected.includes(need) || ends.has(need)) continue;
      const found = await findEnd(need as JobName, { repo, config: config.value, options, command });
      const what = `job ${quote(name)} needs job ${quote(need)}`;
      if (found === undefined) {
        command.print(`${what}, which has no pass for this commit: running it first`);
        selected.push(need);
      } else {
        const { outcome, source } = found;
        command.print(`${what}, whose outcome is ${outcome} ${source}`);
        ends.set(need, { kind: 'ended', outcome });
      }
    }
  }
  return accept({ order: orderByNeeds(selected, needs), needs, ends });
}

interface NeedSearch {
  readonly repo: string;
  readonly config: ProjectConfig | undefined;
  readonly options: JobOptions;
  readonly command: CommandContext;
}

/** Returns how a needed job ended in this run, or that it passed for this commit; undefined if it must run. */
async function findEnd(job: JobName, search: NeedSearch): Promise<StoredEnd | undefined> {
  const declaration = search.config?.jobs.find(({ name }) => name === job);
  if (declaration === undefined) return undefined;
  const { repo, options, command } = search;
  const stored = await findStoredEnd(declaration, { repo, options, command });
  if (stored?.isSameRun === true) return stored;
  return (await findPublishedEnd(job, search)) ?? stored;
}

/** Asks the server for the job's status in this run, since another machine may have run the job. */
async function findPublishedEnd(
  job: JobName,
  { repo, options, command }: NeedSearch,
): Promise<StoredEnd | undefined> {
  if (options.publish !== true || options.ssh !== undefined) return undefined;
  const { environment } = command;
  const server = resolveServer(options.server, environment);
  const { commit } = await readGitHead(repo, environment);
  if (!server.ok || commit === undefined) return undefined;
  const run = planStatusRun(options, commit, command);
  if (!run.ok) return undefined;
  const answer = await readStatus({
    server: server.value.href,
    host: run.value.host,
    run: run.value.run,
    job,
  });
  if (answer.kind !== 'status') return undefined;
  const { status } = answer;
  if (status.job !== job || status.host !== run.value.host || status.run !== run.value.run) return undefined;
  if (status.commit !== commit || status.attempt > run.value.attempt) return undefined;
  const isSameRun = status.attempt === run.value.attempt;
  // An earlier attempt counts only if it passed, and with the commit alone.
  if (!isSameRun && !(isGreen(status.outcome) && status.uncommitted === 0)) return undefined;
  return { outcome: status.outcome, isSameRun, source: 'in this run, as the server says' };
}
