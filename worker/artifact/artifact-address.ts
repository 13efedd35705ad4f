/** Finds the server and the commit whose artifacts a command reads or writes, from options and the environment. */
import type { CommitHash, WorkerHost } from '../../model/name.js';
import { accept, refuse, type Result } from '../../model/result.js';
import type { CommandContext } from '../system/command-context.js';
import { readGitHead, resolveCommit } from '../git/git-head.js';
import { identifyRun } from '../record/run-identity.js';
import { chooseRepo } from '../config/load-job.js';
import { resolveServer } from '../client/server-url.js';
import { planTarget } from '../publish/publish-target.js';
import type { SoilService } from '../client/soil-server.js';

export interface ArtifactOptions {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly commit?: string;
  readonly host?: WorkerHost;
  readonly publishLimit?: string;
  readonly json?: boolean;
}

/** A commit's folder of artifacts on a server. */
export interface ArtifactFolder {
  readonly service: SoilService;
  readonly host: WorkerHost;
  readonly commit: CommitHash;
}

/** Finds the folder. Refuses an SSH address, because only a server has artifacts. */
export async function planArtifactFolder(
  options: ArtifactOptions,
  context: CommandContext,
): Promise<Result<ArtifactFolder>> {
  const { environment } = context;
  const server = resolveServer(options.server, environment);
  if (!server.ok) return server;
  const target = await planTarget(options, context);
  if (!target.ok) return target;
  if (target.value.kind !== 'server') return refuse('artifacts need a server, not SSH: pass --server');
  const repo = await chooseRepo(context);
  const git = await readGitHead(repo, environment);
  const commit = await resolveCommit(options.commit, git, { repo, environment });
  if (!commit.ok) return commit;
  const run = options.host === undefined ? identifyRun({ environment, now: context.now() }) : undefined;
  if (run?.ok === false) return run;
  return accept({
    service: target.value.service,
    host: options.host ?? run?.value.host ?? 'local',
    commit: commit.value,
  });
}
