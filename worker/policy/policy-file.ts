/** Finds and reads the policy files of the machine and of the user. They are never read from the repo. */
import { constants, type Stats } from 'node:fs';
import { lstat, open, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, sep } from 'node:path';
import { fileErrorMessage } from '../../model/error-message.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { formatShellWord } from '../../model/shell-word.js';
import { parsePolicy, type PolicySource } from './policy.js';

export const machinePolicyFile = '/etc/soil/policy.yml';

/** No policy is longer. */
const maxBytes = 1_000_000;

export interface PolicyFileOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** absolute path of the repo whose jobs are about to run */
  readonly repo: string;
}

/** Returns the paths of the files that are read, if they exist: the machine's first. */
export function policyFiles(environment: PolicyFileOptions['environment']): readonly string[] {
  const { XDG_CONFIG_HOME = '', HOME = '' } = environment;
  const config = isAbsolute(XDG_CONFIG_HOME) ? XDG_CONFIG_HOME : join(HOME, '.config');
  return [machinePolicyFile, ...(isAbsolute(config) ? [join(config, 'soil', 'policy.yml')] : [])];
}

/**
 * Reads every policy file that exists. Fails if one cannot be read, has a fault, lies in the repo, or could have been
 * written by another user: a policy that is in doubt must not be skipped.
 */
export async function readPolicies({
  environment,
  repo,
}: PolicyFileOptions): Promise<Result<readonly PolicySource[]>> {
  const found: PolicySource[] = [];
  for (const file of policyFiles(environment)) {
    const owners = file === machinePolicyFile ? [0] : [0, process.getuid?.() ?? 0];
    const text = await readOwned(file, { owners, repo });
    if (!text.ok) return text;
    if (text.value === undefined) continue;
    const policy = parsePolicy(text.value, file);
    if (!policy.ok) return policy;
    found.push({ policy: policy.value, origin: { kind: 'file', file } });
  }
  return accept(found);
}

interface Ownership {
  readonly owners: readonly number[];
  readonly repo: string;
}

/** Reads a file that only its owner can change. Returns undefined if it does not exist. */
async function readOwned(file: string, { owners, repo }: Ownership): Promise<Result<string | undefined>> {
  const because = (reason: string) => refuse(`cannot use policy ${quote(file, 300)}: ${reason}`);
  try {
    await lstat(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? accept(undefined) : because(fileErrorMessage(error));
  }
  try {
    const real = await realpath(file);
    if (isInside(real, await realpath(repo)) || isInside(file, repo)) {
      return because(`it lies in the repo ${quote(repo, 300)}, whose jobs it is about`);
    }
    const folder = dirname(real);
    // Not blocked by a FIFO in its place.
    const handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) return because('not a regular file');
      const reason =
        findOtherWriter(real, stats, owners) ?? findOtherWriter(folder, await stat(folder), owners);
      if (reason !== undefined) return because(reason);
      if (stats.size > maxBytes) return because(`larger than ${maxBytes} bytes`);
      return accept(await handle.readFile('utf8'));
    } finally {
      await handle.close();
    }
  } catch (error) {
    return because(fileErrorMessage(error));
  }
}

/** Returns why another user could have written a file, or a file in a folder. */
function findOtherWriter(path: string, { uid, mode }: Stats, owners: readonly number[]): string | undefined {
  const shown = quote(path, 300);
  if (!owners.includes(uid)) return `user ${uid} owns ${shown}; it must be user ${owners.join(' or ')}`;
  if ((mode & 0o022) === 0) return undefined;
  return `other users can write ${shown}; run: chmod go-w ${formatShellWord(path)}`;
}

const isInside = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
