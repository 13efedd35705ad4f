/** Checks git, soil.yml and the free disk space of the current repo. */
import { lstat, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatShellWord } from '../../model/shell-word.js';
import { runGit, type Environment } from '../git/git.js';
import { readGitFolder, type GitFolder } from '../git/git-folder.js';
import { readRepoSettings, readUserSettings } from '../git/git-settings.js';
import { configName } from '../config/project-config.js';
import { readConfig } from '../config/load-job.js';
import { failureReason } from '../system/run-process.js';
import { problem, skipped, ok, type Finding } from './finding.js';
import { installCommand, type HostFacts } from './host-facts.js';

export interface RepoCheckOptions {
  readonly environment: Environment;
  readonly cwd: string;
  readonly repo: string;
  readonly system: HostFacts;
  /** `--config` */
  readonly config?: string;
}

/** Checks that git runs, trusts the repo, and has a name and an email address for commits. */
export async function checkGit({ environment, repo, system }: RepoCheckOptions): Promise<Finding[]> {
  const version = await runGit(['--version'], { environment });
  if (version.status !== 0) {
    return [
      problem('git', `cannot run git: ${failureReason(version)}`, installCommand(system, 'git')),
      skipped('safe-directory', 'git does not run'),
      skipped('git-identity', 'git does not run'),
    ];
  }
  const found = [ok('git', version.stdout.trim())];
  const read = await readGitFolder(repo);
  const folder = read.ok ? read.value : undefined;
  const trusted = folder !== undefined && (await isTrusted(folder, environment)) ? folder : undefined;
  if (folder !== trusted) {
    found.push(
      problem(
        'safe-directory',
        `git does not trust ${repo}: it belongs to another user`,
        `git config --global --add safe.directory ${formatShellWord(repo)}`,
      ),
    );
  } else {
    found.push(
      trusted !== undefined
        ? ok('safe-directory', `git trusts ${repo}`)
        : skipped('safe-directory', read.ok ? `${repo} is not a git repo` : read.error),
    );
  }
  const isConfigured = async (key: string): Promise<boolean> =>
    (await readUserSettings(key, environment)).length > 0 ||
    (trusted !== undefined && (await readRepoSettings(trusted, key, environment)).length > 0);
  const inEnvironment =
    environment.GIT_COMMITTER_NAME !== undefined && environment.GIT_COMMITTER_EMAIL !== undefined;
  const isSet = inEnvironment || ((await isConfigured('user.name')) && (await isConfigured('user.email')));
  found.push(
    isSet
      ? ok('git-identity', 'user.name and user.email are set')
      : problem(
          'git-identity',
          'user.name or user.email is not set: tasks on the raw machine cannot commit or tag',
          `git config --global user.name 'YOUR NAME' && git config --global user.email YOU@example.org`,
        ),
  );
  return found;
}

/** Reports whether git of a task accepts a repo: this user owns it, or `safe.directory` names it (git-config(1)). */
async function isTrusted({ root, gitDir }: GitFolder, environment: Environment): Promise<boolean> {
  const user = process.geteuid?.();
  const owners = await Promise.all([root, join(root, '.git'), gitDir].map((path) => lstat(path)));
  if (user === undefined || owners.every(({ uid }) => uid === user)) return true;
  // Git lets root use the repos of the user who called sudo.
  const caller = user === 0 ? Number(environment.SUDO_UID ?? Number.NaN) : undefined;
  if (owners.every(({ uid }) => uid === user || uid === caller)) return true;
  const trusted = await readUserSettings('safe.directory', environment, ['--type=path']);
  const since = trusted.slice(trusted.lastIndexOf('') + 1);
  return since.includes('*') || since.includes(root);
}

/** Checks soil.yml, and the free disk space of the repo and the temporary folder. */
export async function checkConfig({
  repo,
  cwd,
  config: named,
  system,
}: RepoCheckOptions): Promise<Finding[]> {
  const config = await readConfig(repo, cwd, named);
  const { sudoPrefix } = system;
  const found: Finding[] = [];
  if (!config.ok)
    found.push(
      problem('soil-yml', config.error, `\${EDITOR:-vi} ${formatShellWord(named ?? join(repo, configName))}`),
    );
  else if (config.value === undefined) {
    found.push(
      problem('soil-yml', `no ${configName} in ${repo}`, `cd ${formatShellWord(repo)} && soil-worker init`),
    );
  } else found.push(ok('soil-yml', `jobs: ${config.value.jobs.map(({ name }) => name).join(', ')}`));
  found.push(await checkDisk([repo, tmpdir()], sudoPrefix));
  return found;
}

const minFreeBytes = 1024 ** 3;

/** Checks the free space, since a job loses its logs if the disk is full. */
async function checkDisk(folders: readonly string[], sudoPrefix: string): Promise<Finding> {
  const shown: string[] = [];
  for (const folder of folders) {
    const isFolder = await stat(folder).then(
      (s) => s.isDirectory(),
      () => false,
    );
    const space = isFolder ? await statfs(folder) : undefined;
    if (space === undefined) continue;
    const bytes = space.bavail * space.bsize;
    if (bytes < minFreeBytes) {
      return problem(
        'disk',
        `${folder} has only ${Math.floor(bytes / 1024 ** 2)} MiB free`,
        `${sudoPrefix}du -xh --max-depth=2 ${formatShellWord(folder)} | sort -h | tail -n 20`,
      );
    }
    shown.push(`${folder} ${Math.floor(bytes / minFreeBytes)} GiB`);
  }
  return ok('disk', `free: ${shown.join(', ')}`);
}
