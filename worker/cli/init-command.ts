/** `soil-worker init`: looks at what the repo is, and writes soil.yml, GitHub's workflow and sourcehut's manifest for it. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorMessage } from '../../model/error-message.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { configName, parseConfig } from '../config/project-config.js';
import { parseBranch } from '../config/soil-yml-values.js';
import { runGit } from '../system/git.js';
import { suggestJobs, placeholderJob, type RepoFiles } from '../init/project-kind.js';
import {
  formatManifest,
  formatSoilYml,
  formatWorkflow,
  manifestFile,
  workflowFile,
} from '../init/starting-files.js';
import type { ProjectConfig } from '../config/job-declaration.js';
import { chooseRepo } from '../config/load-job.js';

export interface InitOptions {
  readonly force?: boolean;
  readonly dryRun?: boolean;
  /** false: `--no-github` */
  readonly github: boolean;
  readonly sourcehut: boolean;
}

/** 0: all are written. 1: some were there and are kept. 2: an existing soil.yml cannot be read. */
export async function initCommand(options: InitOptions, context: CommandContext): Promise<number> {
  const repo = await chooseRepo(context);
  const planned = await planFiles(repo, options, context);
  if (!planned.ok) {
    context.warn(planned.error);
    return exitStatus.usage;
  }
  let kept = 0;
  for (const { name, text, isThere } of planned.value) {
    if (isThere && options.force !== true) {
      kept++;
      context.warn(`kept ${name}: it is there already; --force writes it anew`);
    } else if (options.dryRun === true) context.print(`--- ${name}\n${text.trimEnd()}`);
    else {
      const written = await write(join(repo, name), text, options.force === true);
      if (!written.ok) {
        context.warn(written.error);
        return exitStatus.failed;
      }
      context.print(`wrote ${name}`);
    }
  }
  return kept === 0 ? exitStatus.ok : exitStatus.failed;
}

interface PlannedFile {
  readonly name: string;
  readonly text: string;
  readonly isThere: boolean;
}

async function planFiles(
  repo: string,
  { force, github, sourcehut }: InitOptions,
  context: CommandContext,
): Promise<Result<readonly PlannedFile[]>> {
  const read = (name: string): Promise<string | undefined> =>
    readFile(join(repo, name), 'utf8').catch(() => undefined);
  const before = await read(configName);
  const sketched = before === undefined || force === true ? suggestJobs(await readRepo(repo)) : undefined;
  if (sketched?.includes(placeholderJob) === true) {
    context.warn(
      'notice: no file at the root tells what this repo is: job "look" only lists it; put your own commands there',
    );
  }
  const made =
    sketched !== undefined
      ? formatSoilYml(sketched, {
          project: projectName(basename(repo)),
          branch: await findBranch(repo, context),
        })
      : (before ?? '');
  // The other files are for the jobs that soil.yml has, whoever wrote it.
  const config: Result<ProjectConfig> = parseConfig(made);
  if (!config.ok) return refuse(config.error);
  const { jobs, merge } = config.value;
  const ci = { jobs, tool: `soil-ci@${context.version}`, ...(merge !== undefined && { merge }) };
  const files: readonly (readonly [string, string])[] = [
    [configName, made],
    ...(github ? [[workflowFile, formatWorkflow(ci)] as const] : []),
    ...(sourcehut ? [[manifestFile, formatManifest(ci, await remoteName(repo, context))] as const] : []),
  ];
  const planned: PlannedFile[] = [];
  for (const [name, text] of files) planned.push({ name, text, isThere: (await read(name)) !== undefined });
  return accept(planned);
}

/** Enough of the files at the root to tell what they are; none is larger than a person would write. */
async function readRepo(repo: string): Promise<RepoFiles> {
  const asked =
    /^(package\.json|go\.mod|pyproject\.toml|setup\.(py|cfg)|requirements.*\.txt|tox\.ini|pytest\.ini|.*akefile)$/;
  const names = new Set(await readdir(repo));
  const texts = new Map<string, string>();
  for (const name of [...names].filter((n) => asked.test(n))) {
    texts.set(name, await readFile(join(repo, name), 'utf8').catch(() => ''));
  }
  return { names, text: (name) => texts.get(name) ?? '' };
}

const projectName = (folder: string): string => {
  const name = folder.replace(/[^\w.+-]/g, '-').slice(0, 100);
  return name === '' ? 'project' : name;
};

/** The branch that others clone; where no remote tells, `main` or `master`, else the one that is checked out. */
async function findBranch(repo: string, { environment }: CommandContext): Promise<string> {
  const options = { environment, cwd: repo };
  const remote = await runGit(['symbolic-ref', '--short', '--quiet', 'refs/remotes/origin/HEAD'], options);
  const local = await runGit(['symbolic-ref', '--short', '--quiet', 'HEAD'], options);
  const usual = ['main', 'master'];
  const refs = usual.map((name) => `refs/heads/${name}`);
  const there = await runGit(['for-each-ref', '--format=%(refname:short)', '--', ...refs], options);
  const known = there.stdout.split('\n');
  const found = [
    remote.stdout.trim().replace(/^origin\//, ''),
    ...usual.filter((name) => known.includes(name)),
    local.stdout.trim(),
  ];
  return found.find((name) => parseBranch(name).ok && name !== 'soil-staging') ?? 'main';
}

/** The folder that sourcehut clones into: the last part of the remote's address. */
async function remoteName(repo: string, { environment }: CommandContext): Promise<string> {
  const remote = await runGit(['config', '--get', 'remote.origin.url'], { environment, cwd: repo });
  const last =
    remote.stdout
      .trim()
      .replace(/\/+$/, '')
      .replace(/\.git$/, '')
      .split(/[/:]/)
      .at(-1) ?? '';
  return remote.status === 0 && last !== '' ? last : basename(repo);
}

async function write(file: string, text: string, force: boolean): Promise<Result<undefined>> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { flag: force ? 'w' : 'wx' });
    return accept(undefined);
  } catch (error) {
    return refuse(`cannot write ${quote(file, 300)}: ${errorMessage(error)}`);
  }
}
