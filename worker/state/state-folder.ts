/** The worker's own folder, outside every repo: `$XDG_STATE_HOME/soil`, by default `~/.local/state/soil`. */
import { chmod, lstat, mkdir, realpath } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { fileErrorMessage } from '../../model/error-message.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { isBelow, realPathOf } from '../../files/real-path.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** What every refusal advises. */
const advice = 'Set XDG_STATE_HOME to a folder of yours outside the repo';

/**
 * Creates the folder, and returns its real path. Refuses a folder in the repo, where tasks could write, and one that is a
 * link, belongs to another user, or can be read by others: it holds the tasks' environment.
 */
export async function openStateFolder(environment: Environment, repo: string): Promise<Result<string>> {
  const chosen = chooseStateFolder(environment);
  if (!chosen.ok) return chosen;
  const folder = chosen.value;
  const because = (reason: string) =>
    refuse(`cannot keep the worker's state in ${quote(folder, 300)}: ${reason}`);
  try {
    const [real, realRepo] = await Promise.all([realPathOf(folder), realpath(repo)]);
    if (isBelow(real, realRepo))
      return because(`it is in the repo ${quote(realRepo, 300)}, where tasks could change it. ${advice}`);
    await mkdir(resolve(folder, '..'), { recursive: true, mode: 0o700 });
    await createPrivately(folder);
    const stats = await lstat(folder);
    const user = process.getuid?.();
    if (stats.isSymbolicLink()) return because(`it is a symbolic link. ${advice}`);
    if (!stats.isDirectory()) return because(`it is not a folder. ${advice}`);
    if (user !== undefined && stats.uid !== user)
      return because(`it belongs to user ${stats.uid}, and you are user ${user}. ${advice}`);
    if ((stats.mode & 0o077) !== 0)
      return because(`other users have access to it. Run: chmod 700 ${quote(folder, 300)}`);
    return accept(await realpath(folder));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return because(`${fileErrorMessage(error)}. ${advice}`);
  }
}

function chooseStateFolder({ XDG_STATE_HOME = '', HOME = '' }: Environment): Result<string> {
  if (XDG_STATE_HOME !== '') {
    return isAbsolute(XDG_STATE_HOME)
      ? accept(join(XDG_STATE_HOME, 'soil'))
      : refuse(`cannot accept XDG_STATE_HOME ${quote(XDG_STATE_HOME, 300)}: it is not an absolute path`);
  }
  if (HOME === '') return refuse(`cannot choose a folder for the worker's state: HOME is not set. ${advice}`);
  return isAbsolute(HOME)
    ? accept(join(HOME, '.local/state/soil'))
    : refuse(
        `cannot choose a folder for the worker's state: HOME ${quote(HOME, 300)} is not an absolute path. ${advice}`,
      );
}

async function createPrivately(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
    // Whatever the umask and the parent's default access list say.
    await chmod(folder, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
