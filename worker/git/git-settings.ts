/** Reads single values of git's configuration: the user's and the machine's, and as plain data those of a repository. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accept, refuse, type Result } from '../../model/result.js';
import type { CommandResult } from '../system/run-process.js';
import { gitReason, runGit, type Environment } from './git.js';
import type { GitFolder } from './git-folder.js';
import { readPlainFile } from './plain-file.js';

const limits = { timeoutSeconds: 10 };

/** Returns all values of a key that the user and the machine set, the user's first. Includes are followed: they are theirs. */
export async function readUserSettings(
  key: string,
  environment: Environment,
  flags: readonly string[] = [],
): Promise<readonly string[]> {
  const { GIT_CONFIG_GLOBAL, GIT_CONFIG_SYSTEM } = environment;
  const read = (scope: string): Promise<CommandResult> =>
    runGit(['config', scope, '--includes', '-z', ...flags, '--get-all', key], {
      ...{ environment, ...limits },
      variables: { GIT_CONFIG_GLOBAL, GIT_CONFIG_SYSTEM },
    });
  const [user, system] = await Promise.all([read('--global'), read('--system')]);
  return [...parseValues(user), ...parseValues(system)];
}

/**
 * Returns all values of a key in the configuration of a repository. A task could have written them, so they must not
 * decide what git runs or contacts. Includes are not followed.
 */
export async function readRepoSettings(
  folder: Pick<GitFolder, 'commonDir'>,
  key: string,
  environment: Environment,
): Promise<readonly string[]> {
  const text = await readPlainFile(join(folder.commonDir, 'config'), 1_000_000);
  if (text === undefined) return [];
  return parseValues(await readText(text, ['--get-all', key], environment));
}

/** Parses a file in the format of git's configuration. The last value of each key is returned, as git uses it. */
export async function parseConfigEntries(
  text: string,
  environment: Environment,
): Promise<Result<ReadonlyMap<string, string>>> {
  const listed = await readText(text, ['--list'], environment);
  if (listed.status !== 0) return refuse(gitReason(listed));
  return accept(
    new Map(
      parseValues(listed).map((entry) => {
        const at = entry.indexOf('\n');
        return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
      }),
    ),
  );
}

/** Runs `git config` on a private copy of a file, so that git opens nothing that a task could have put in its place. */
async function readText(
  text: string,
  words: readonly string[],
  environment: Environment,
): Promise<CommandResult> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-git-'));
  try {
    const file = join(folder, 'config');
    await writeFile(file, text, { mode: 0o600 });
    return await runGit(['config', '--file', file, '--no-includes', '-z', ...words], {
      environment,
      ...limits,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const parseValues = ({ status, stdout }: CommandResult): readonly string[] =>
  status === 0 ? stdout.split('\0').slice(0, -1) : [];
