/** What the worker keeps for a repo, and the removal of what it kept for repos that no longer exist. */
import { lstat, mkdir, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../files/atomic-file.js';
import { tryLock } from '../../files/process-lock.js';
import { accept, type Result } from '../../model/result.js';
import { openStateFolder } from './state-folder.js';
import { anchorFile, jobsFolder, reposFolder, stateKey, writeAnchor } from './state-key.js';

/** Returns the path of a file for a repo, in a folder of its own that exists. */
export async function openRepoState(
  environment: Readonly<Record<string, string | undefined>>,
  repo: string,
  name: string,
): Promise<Result<string>> {
  const state = await openStateFolder(environment, repo);
  if (!state.ok) return state;
  const real = await realpath(repo);
  const folder = join(state.value, reposFolder, stateKey(real));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeAnchor(folder, real);
  return accept(join(folder, name));
}

/** As many folders of each kind are looked at after one job, so that a job never waits long for them. */
const maxChecked = 50;

/**
 * Removes what the state holds for repos and output folders that no longer exist: a few are looked at, from a
 * random one on, so that in time all are. `state` is the worker's state.
 */
export async function removeForgottenState(state: string): Promise<void> {
  for (const kind of [jobsFolder, reposFolder]) {
    const folder = join(state, kind);
    const names = await readdir(folder).catch(() => []);
    const start = Math.floor(Math.random() * names.length);
    const chosen = [...names.slice(start), ...names.slice(0, start)].slice(0, maxChecked);
    for (const name of chosen) await removeIfForgotten(join(folder, name));
  }
}

async function removeIfForgotten(folder: string): Promise<void> {
  const anchor = await readFile(join(folder, anchorFile), 'utf8').catch(() => '');
  if (anchor === '' || !(await isGone(anchor))) return;
  // What cannot be removed now may be removed by a later command.
  if (!(await isInUse(folder))) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
}

const isGone = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => false,
    (error: unknown) => isMissing(error),
  );

/** Reports whether a job of the folder runs. */
async function isInUse(folder: string): Promise<boolean> {
  const locks = new Set(
    (await readdir(folder)).flatMap((name) => /^(.*\.lock)\.\d+$/.exec(name)?.slice(1, 2) ?? []),
  );
  for (const name of locks) {
    const attempt = await tryLock(join(folder, name));
    if (attempt.kind === 'held') return true;
    await attempt.lock.release();
  }
  return false;
}
