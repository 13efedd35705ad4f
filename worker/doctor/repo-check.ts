/** Checks of the repo that one stands in, as git and soil.yml see it, and of the room on its disk. */
import { stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pasted } from '../../model/shell-word.js';
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

export async function checkGit({ environment, repo, system }: RepoCheckOptions): Promise<Finding[]> {
  const options = { environment, cwd: repo };
  const version = await runGit(['--version'], options);
  if (version.status !== 0) {
    return [
      problem('git', `git does not run: ${failureReason(version)}`, installCommand(system, 'git')),
      skipped('safe-directory', 'there is no git'),
      skipped('git-identity', 'there is no git'),
    ];
  }
  const found = [ok('git', version.stdout.trim())];
  const asked = await runGit(['rev-parse', '--show-toplevel'], options);
  const isRepo = asked.status === 0;
  if (/dubious ownership/i.test(asked.stderr)) {
    found.push(
      problem(
        'safe-directory',
        `git does not trust ${repo}: it belongs to another user`,
        `git config --global --add safe.directory ${pasted(repo)}`,
      ),
    );
  } else {
    found.push(
      isRepo
        ? ok('safe-directory', `git trusts ${repo}`)
        : skipped('safe-directory', `${repo} is no git repo`),
    );
  }
  const [name, email] = await Promise.all(
    ['user.name', 'user.email'].map((key) => runGit(['config', '--get', key], options)),
  );
  const inEnvironment =
    environment.GIT_COMMITTER_NAME !== undefined && environment.GIT_COMMITTER_EMAIL !== undefined;
  const isKnown = inEnvironment || (name?.status === 0 && email?.status === 0);
  found.push(
    isKnown
      ? ok('git-identity', 'git knows who commits')
      : problem(
          'git-identity',
          'git knows no name and address: a task on the raw machine that commits or tags fails',
          `git config --global user.name 'YOUR NAME' && git config --global user.email YOU@example.org`,
        ),
  );
  return found;
}

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
      problem('soil-yml', config.error, `\${EDITOR:-vi} ${pasted(named ?? join(repo, configName))}`),
    );
  else if (config.value === undefined) {
    found.push(
      problem('soil-yml', `there is no ${configName} in ${repo}`, `cd ${pasted(repo)} && soil-worker init`),
    );
  } else found.push(ok('soil-yml', `jobs: ${config.value.jobs.map(({ name }) => name).join(', ')}`));
  found.push(await checkDisk([repo, tmpdir()], sudoPrefix));
  return found;
}

const leastBytes = 1024 ** 3;

/** Whoever fills a disk spoils a job's logs: so that is known before. */
async function checkDisk(folders: readonly string[], asRoot: string): Promise<Finding> {
  const shown: string[] = [];
  for (const folder of folders) {
    const isFolder = await stat(folder).then(
      (s) => s.isDirectory(),
      () => false,
    );
    const space = isFolder ? await statfs(folder) : undefined;
    if (space === undefined) continue;
    const bytes = space.bavail * space.bsize;
    if (bytes < leastBytes) {
      return problem(
        'disk',
        `${folder} has ${Math.floor(bytes / 1024 ** 2)} MiB of room only`,
        `${asRoot}du -xh --max-depth=2 ${pasted(folder)} | sort -h | tail -n 20`,
      );
    }
    shown.push(`${folder} ${Math.floor(bytes / leastBytes)} GiB`);
  }
  return ok('disk', `room: ${shown.join(', ')}`);
}
