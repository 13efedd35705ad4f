/** Options and the environment -> which server, and which commit's folder there, an artifact is about. */
import type { CommitHash, WorkerHost } from '../model/name.js';
import { accept, refuse, type Result } from '../model/result.js';
import type { CommandContext } from './command-context.js';
import { findCommit } from './commit-choice.js';
import { readGitFacts } from './git.js';
import { planRun } from './identity.js';
import { chooseRepo } from './job-choice.js';
import { chooseServer } from './server-url.js';
import { planTarget } from './publish-target.js';
import type { SoilService } from './soil-service.js';

export interface ArtifactOptions {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly commit?: string;
  readonly host?: WorkerHost;
  readonly publishLimit?: string;
  readonly json?: boolean;
}

export interface Place {
  readonly service: SoilService;
  readonly host: WorkerHost;
  readonly commit: CommitHash;
}

/** The server, and the commit's folder there. */
export async function planPlace(options: ArtifactOptions, context: CommandContext): Promise<Result<Place>> {
  const { environment } = context;
  const server = chooseServer(options.server, environment);
  if (!server.ok) return server;
  const target = await planTarget(options, context);
  if (!target.ok) return target;
  if (target.value.kind !== 'server') return refuse('cannot use SSH for artifacts: name a --server');
  const repo = await chooseRepo(context);
  const git = await readGitFacts(repo, environment);
  const commit = await findCommit(options.commit, git, { repo, environment });
  if (!commit.ok) return commit;
  const run = options.host === undefined ? planRun({ environment, now: context.now() }) : undefined;
  if (run?.ok === false) return run;
  return accept({
    service: target.value.service,
    host: options.host ?? run?.value.host ?? 'local',
    commit: commit.value,
  });
}
