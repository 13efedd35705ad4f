/** `soil-worker init`: writes soil.yml, a GitHub workflow and a sourcehut manifest that suit the repo. */
import { access, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EntryError } from '../../files/folder-entry.js';
import { UntrustedFolder } from '../../files/untrusted-folder.js';
import { errorMessage } from '../../model/error-message.js';
import { schemaFile } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { configName, parseConfig } from '../config/project-config.js';
import { parseBranch } from '../config/soil-yml-values.js';
import { resolveServer } from '../client/server-url.js';
import { readGitFolder } from '../git/git-folder.js';
import { listRefs, readHeadRef, readSymbolicRef } from '../git/git-refs.js';
import { readRepoSettings } from '../git/git-settings.js';
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
import { readNamedText } from '../system/named-file.js';

export interface InitOptions {
  readonly server?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  /** false: `--no-github` */
  readonly github: boolean;
  readonly sourcehut: boolean;
}

/** Returns 0 if all files were written, 1 if some existed, 2 if an existing soil.yml cannot be read. */
export async function initCommand(options: InitOptions, context: CommandContext): Promise<number> {
  const repo = await chooseRepo(context);
  const planned = await planFiles(repo, options, context);
  if (!planned.ok) {
    context.warn(planned.error);
    return exitStatus.usage;
  }
  let existing = 0;
  for (const { name, text, exists } of planned.value) {
    if (exists && options.force !== true) {
      existing++;
      context.warn(`kept ${name}: it exists. To overwrite it, use --force`);
    } else if (options.dryRun === true) context.print(`--- ${name}\n${text.trimEnd()}`);
    else {
      const written = await write(repo, name, text);
      if (!written.ok) {
        context.warn(written.error);
        return exitStatus.failed;
      }
      context.print(`wrote ${name}`);
    }
  }
  return existing === 0 ? exitStatus.ok : exitStatus.failed;
}

interface PlannedFile {
  readonly name: string;
  readonly text: string;
  readonly exists: boolean;
}

async function planFiles(
  repo: string,
  { server, force, github, sourcehut }: InitOptions,
  context: CommandContext,
): Promise<Result<readonly PlannedFile[]>> {
  const before = await readText(repo, configName);
  const suggested = before === undefined || force === true ? suggestJobs(await readRepo(repo)) : undefined;
  if (suggested?.includes(placeholderJob) === true) {
    context.warn(
      'notice: no known build file at the root of the repo, so job "look" only lists it. Edit its tasks in soil.yml',
    );
  }
  const schema = await findSchema(repo, server, context);
  if (!schema.ok) return schema;
  const soilYml =
    suggested !== undefined
      ? formatSoilYml(suggested, {
          project: projectName(basename(repo)),
          branch: await findBranch(repo),
          ...(schema.value !== undefined && { schema: schema.value }),
        })
      : (before ?? '');
  // The other files run the jobs of soil.yml, whether it is new or existed before.
  const config: Result<ProjectConfig> = parseConfig(soilYml);
  if (!config.ok) return refuse(config.error);
  const { jobs, merge } = config.value;
  const ci = { jobs, tool: `soil-ci@${context.version}`, ...(merge !== undefined && { merge }) };
  const files: readonly (readonly [string, string])[] = [
    [configName, soilYml],
    ...(github ? [[workflowFile, formatWorkflow(ci)] as const] : []),
    ...(sourcehut ? [[manifestFile, formatManifest(ci, await remoteName(repo, context))] as const] : []),
  ];
  const planned: PlannedFile[] = [];
  for (const [name, text] of files) planned.push({ name, text, exists: exists(repo, name) });
  return accept(planned);
}

/** The schema in the installed package, relative to the root of a repo that depends on it. */
const installedSchema = 'node_modules/soil-ci/schema/soil.schema.json';

/** Returns the URL of the schema on the server. Without a server, returns its path in the installed package, if any. */
async function findSchema(
  repo: string,
  server: string | undefined,
  { environment }: CommandContext,
): Promise<Result<string | undefined>> {
  if (server !== undefined || environment.SOIL_SERVER) {
    const url = resolveServer(server, environment);
    return url.ok ? accept(new URL(schemaFile('soil.schema.json'), url.value).href) : url;
  }
  const isInstalled = await access(join(repo, installedSchema)).then(
    () => true,
    () => false,
  );
  return accept(isInstalled ? installedSchema : undefined);
}

/** Reads the files at the root that identify the kind of a project. */
async function readRepo(repo: string): Promise<RepoFiles> {
  const buildFiles =
    /^(package\.json|go\.mod|pyproject\.toml|setup\.(py|cfg)|requirements.*\.txt|tox\.ini|pytest\.ini|.*akefile)$/;
  const names = new Set(await readdir(repo));
  const texts = new Map<string, string>();
  for (const name of [...names].filter((n) => buildFiles.test(n))) {
    texts.set(name, (await readText(repo, name)) ?? '');
  }
  return { names, text: (name) => texts.get(name) ?? '' };
}

const projectName = (folder: string): string => {
  const name = folder.replace(/[^\w.+-]/g, '-').slice(0, 100);
  return name === '' ? 'project' : name;
};

/** Returns the remote's default branch, else `main` or `master` if it exists, else the branch that is checked out. */
async function findBranch(repo: string): Promise<string> {
  const folder = await readGitFolder(repo);
  if (!folder.ok || folder.value === undefined) return 'main';
  const { commonDir } = folder.value;
  const remote = await readSymbolicRef(commonDir, 'refs/remotes/origin/HEAD');
  const known = await listRefs(commonDir);
  const usual = ['main', 'master'].filter((name) => known.has(`refs/heads/${name}`));
  const { ref } = await readHeadRef(folder.value);
  const found = [
    remote?.replace(/^refs\/remotes\/origin\//, ''),
    ...usual,
    ref?.replace(/^refs\/heads\//, ''),
  ];
  return (
    found.find((name) => name !== undefined && parseBranch(name).ok && name !== 'soil-staging') ?? 'main'
  );
}

/** Returns the folder that sourcehut clones into: the last part of the remote's URL. */
async function remoteName(repo: string, { environment }: CommandContext): Promise<string> {
  const folder = await readGitFolder(repo);
  const [url = ''] =
    folder.ok && folder.value !== undefined
      ? await readRepoSettings(folder.value, 'remote.origin.url', environment)
      : [];
  const last =
    url
      .trim()
      .replace(/\/+$/, '')
      .replace(/\.git$/, '')
      .split(/[/:]/)
      .at(-1) ?? '';
  return last === '' ? basename(repo) : last;
}

/** Returns the text of a file of the repo; undefined if there is none, or it is a link out of the repo or a pipe. */
const readText = (repo: string, file: string): Promise<string | undefined> =>
  readNamedText({ repo, cwd: repo, file }).catch(() => undefined);

/** Reports whether something has the name of a file, even if it is a link or cannot be read. */
function exists(repo: string, name: string): boolean {
  const folder = new UntrustedFolder(repo);
  try {
    return folder.stat(name) !== undefined;
  } catch (error) {
    if (error instanceof EntryError) return true;
    throw error;
  } finally {
    folder.close();
  }
}

/** Writes a file of the repo, in place of what has its name, and never through a link. */
async function write(repo: string, name: string, text: string): Promise<Result<undefined>> {
  const folder = new UntrustedFolder(repo);
  try {
    folder.makeFolder(dirname(name));
    await folder.writeFile(name, text);
    return accept(undefined);
  } catch (error) {
    return refuse(`cannot write ${quote(join(repo, name), 300)}: ${errorMessage(error)}`);
  } finally {
    folder.close();
  }
}
