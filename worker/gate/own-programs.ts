/** Refuses to merge with a program that a job could have replaced: this one, Node, or git. */
import { existsSync, realpathSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { delimiter, isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../files/package-root.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { configName } from '../config/project-config.js';
import type { Environment } from '../git/git.js';
import { findRepo } from '../git/git-folder.js';
import type { CommandContext } from '../system/command-context.js';

/**
 * Refuses a program that lies in the checkout from which the gate is called, or in the workspace of the CI host: every job
 * there could write it, and the gate has the right to move the target.
 */
export async function refuseOwnPrograms({
  environment,
  cwd,
}: Pick<CommandContext, 'environment' | 'cwd'>): Promise<Result<undefined>> {
  const { GITHUB_WORKSPACE = '' } = environment;
  const repo = (await findRepo(cwd)) ?? (existsSync(join(cwd, configName)) ? cwd : undefined);
  const trees = [repo ?? [], GITHUB_WORKSPACE === '' ? [] : GITHUB_WORKSPACE].flat();
  const programs: readonly (readonly [string, string | undefined])[] = [
    ['soil-worker', fileURLToPath(packageRoot)],
    ['node', process.execPath],
    ['git', findProgram('git', environment)],
  ];
  for (const named of trees) {
    const folder = await realpath(named).catch(() => named);
    for (const [name, path] of programs) {
      if (path === undefined) continue;
      const real = realpathSync(path);
      if (isInside(real, folder)) {
        return refuse(
          `cannot merge with ${name} ${quote(real, 300)}: it lies in ${quote(folder, 300)}, where a job could have replaced it. ` +
            'Install it elsewhere, and run the gate in a job of its own: see docs/gate.md',
        );
      }
    }
  }
  return accept(undefined);
}

function isInside(path: string, folder: string): boolean {
  const below = relative(folder, path);
  return below === '' || (below !== '..' && !below.startsWith('../') && !isAbsolute(below));
}

/** Returns the path of the program that a name would start. */
function findProgram(name: string, { PATH = '' }: Environment): string | undefined {
  return PATH.split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}
