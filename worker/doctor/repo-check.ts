/** Checks git, soil.yml and the free disk space of the current repo. */
import { stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatShellWord } from '../../model/shell-word.js';
import { runGit, type Environment } from '../system/git.js';
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
  const options = { environment, cwd: repo };
  const version = await runGit(['--version'], options);
  if (version.status !== 0) {
    return [
      problem('git', `cannot run git: ${failureReason(version)}`, installCommand(system, 'git')),
      skipped('safe-directory', 'git does not run'),
      skipped('git-identity', 'git does not run'),
    ];
  }
  const found = [ok('git', version.stdout.trim())];
  const root = await runGit(['rev-parse', '--show-toplevel'], options);
  const isRepo = root.status === 0;
  if (/dubious ownership/i.test(root.stderr)) {
    found.push(
      problem(
        'safe-directory',
        `git does not trust ${repo}: it belongs to another user`,
        `git config --global --add safe.directory ${formatShellWord(repo)}`,
      ),
    );
  } else {
    found.push(
      isRepo
        ? ok('safe-directory', `git trusts ${repo}`)
        : skipped('safe-directory', `${repo} is not a git repo`),
    );
  }
  const [name, email] = await Promise.all(
    ['user.name', 'user.email'].map((key) => runGit(['config', '--get', key], options)),
  );
  const inEnvironment =
    environment.GIT_COMMITTER_NAME !== undefined && environment.GIT_COMMITTER_EMAIL !== undefined;
  const isSet = inEnvironment || (name?.status === 0 && email?.status === 0);
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
