/** Executes a planned job: runs its tasks, shows their progress, and sends it to the server if results are published. */
import { rm } from 'node:fs/promises';
import { basename, relative } from 'node:path';
import { errorMessage } from '../../model/error-message.js';
import {
  removeLeftovers,
  snapshotUntracked,
  writeLeftoverList,
  type UntrackedSnapshot,
} from '../checkout/leftover-files.js';
import type { EventSender } from '../publish/event-sender.js';
import { createEventBase } from '../publish/job-event.js';
import { JobDisplay } from '../report/job-display.js';
import { containerRepo } from '../host/container-host.js';
import { runJob } from '../runner/run-job.js';
import { jobFilePaths } from '../state/job-folder.js';
import { outFolderName } from '../state/out-path.js';
import { storeArtifacts, type StoredArtifact } from '../state/stored-artifacts.js';
import type { CommandContext } from '../system/command-context.js';
import type { JobResults, PlannedJob } from './job-context.js';

/** Runs the job to its end, prints one line per task, and writes the job's files. Throws if they cannot be written. */
export async function executeJob(planned: PlannedJob): Promise<JobResults> {
  const { command, repo, job, declaration, folder, out, origin, engine, secrets, skip } = planned;
  const { copy, copiesArtifacts, probe } = planned;
  const { environment, userPath, cancel, forceCancel } = command;
  const display = openDisplay(planned);
  const events = await openEvents(planned);
  try {
    showNotices(copy.prepare(), command);
    const before = skip === undefined ? await prepareRepo(planned) : undefined;
    const finished = await runJob({
      ...{
        job: declaration,
        repo,
        state: planned.state,
        out: folder,
        ownFolders: ownFolders(planned),
        origin,
        environment,
        userPath,
        cancel,
        probe,
      },
      ...(engine !== undefined && { engine }),
      ...(secrets !== undefined && { secrets }),
      ...(skip !== undefined && { skip }),
      ...(forceCancel !== undefined && { forceCancel }),
      report: (progress) => {
        display.show(progress);
        events?.report(progress);
      },
    });
    if (before !== undefined) await storeLeftoverList(planned, before);
    // Files of the repo are not artifacts of a job that did not run.
    const artifacts = skip === undefined ? await keepArtifacts(planned, finished.fetched) : [];
    showNotices(await copy.write(folder, { withArtifacts: copiesArtifacts }), command);
    return { ...finished, copies: jobFilePaths(out, job), tails: await display.close(finished), artifacts };
  } finally {
    await events?.close();
  }
}

function showNotices(notices: readonly string[], { warn }: CommandContext): void {
  for (const text of notices) warn(`notice: ${text}`);
}

/** Returns the folders of the repo that hold copies of jobs' files, relative to its root. They are never results. */
function ownFolders({ repo, out }: PlannedJob): readonly string[] {
  const path = relative(repo, out);
  return [outFolderName, ...(path.startsWith('..') ? [] : [path])];
}

/** Stores the artifacts of the repo, or of the files that were fetched from another machine. A failure is a notice. */
async function keepArtifacts(
  { command, repo, declaration, folder }: PlannedJob,
  fetched: string | undefined,
): Promise<readonly StoredArtifact[]> {
  try {
    const { artifacts, notices } = await storeArtifacts(fetched ?? repo, declaration.artifacts, folder);
    if (fetched !== undefined) await rm(fetched, { recursive: true, force: true });
    showNotices(notices, command);
    return artifacts;
  } catch (error) {
    const reason = errorMessage(error);
    showNotices([`cannot store the artifacts: ${reason}`], command);
    return declaration.artifacts.map((path) => ({ kind: 'missing', name: basename(path), reason }));
  }
}

function openDisplay({ command, repo, job, declaration }: PlannedJob): JobDisplay {
  const { tasks, workingFolder } = declaration;
  return new JobDisplay({
    ...{ job, context: command, isGithub: command.environment.GITHUB_ACTIONS === 'true' },
    roots: [containerRepo, repo],
    folderOf: (task) => tasks.find(({ name }) => name === task)?.workingFolder ?? workingFolder,
  });
}

async function openEvents({
  command,
  job,
  origin,
  identity,
  target,
}: PlannedJob): Promise<EventSender | undefined> {
  if (target?.kind !== 'server') return undefined;
  const { EventSender } = await import('../publish/event-sender.js');
  return new EventSender(target.service, {
    base: createEventBase(origin, identity.host, job),
    notice: (text) => {
      command.warn(`notice: ${text}`);
    },
  });
}

/** Removes the leftovers of earlier jobs if the options ask for it, then lists the remaining untracked files. */
async function prepareRepo({ command, repo, clean }: PlannedJob): Promise<UntrackedSnapshot | undefined> {
  const { environment, print, warn } = command;
  if (clean) {
    const removed = await removeLeftovers({ repo, environment }, print);
    if (!removed.ok) warn(`notice: ${removed.error}`);
  }
  return snapshotUntracked({ repo, environment });
}

async function storeLeftoverList({ command, repo }: PlannedJob, before: UntrackedSnapshot): Promise<void> {
  const { environment, warn } = command;
  await writeLeftoverList({ repo, environment }, before).catch((error: unknown) => {
    warn(`notice: cannot write the list of files that the job left in the repo: ${errorMessage(error)}`);
  });
}
