/** The private folder of a site, `.soil/`. A folder that has one is a site. It is never served. */
import { chmod, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { quote } from '../../model/result.js';

export interface PrivateFolder {
  readonly root: string;
  readonly tokens: string;
  readonly tokensLock: string;
  /** uploads in progress; emptied on start */
  readonly staging: string;
  /** files of jobs that a shell client sends one by one */
  readonly partial: string;
  /** the folder of the event log */
  readonly log: string;
  readonly snapshot: string;
  readonly lock: string;
  /** the title of the site, if it is not Soil */
  readonly title: string;
}

/** Returns the paths in the private folder of a site. */
export function privateFolder(site: string): PrivateFolder {
  const root = join(site, '.soil');
  return {
    root,
    tokens: join(root, 'tokens.json'),
    tokensLock: join(root, 'tokens.lock'),
    staging: join(root, 'staging'),
    partial: join(root, 'partial'),
    log: join(root, 'log'),
    snapshot: join(root, 'snapshot.jsonl'),
    lock: join(root, 'lock'),
    title: join(root, 'title'),
  };
}

/** Creates the site's folder and `.soil/`, which only its owner can read. Existing files are not changed. */
export async function makePrivateFolder(site: string): Promise<PrivateFolder> {
  const folder = privateFolder(site);
  await mkdir(site, { recursive: true });
  for (const path of [folder.root, folder.staging, folder.partial, folder.log]) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chmod(path, 0o700); // an existing folder may have a wider mode, for example after a copy
  }
  return folder;
}

/** Reports whether a folder is a site, which `soil-server init` or `rebuild` created. */
export async function isSite(site: string): Promise<boolean> {
  try {
    return (await stat(privateFolder(site).root)).isDirectory();
  } catch {
    return false;
  }
}

/** Returns the message for a folder that is not a site. `action`: `cannot check`. */
export const notASite = (action: string, folder: string): string =>
  `${action} ${quote(folder)}: not a site. To create one: soil-server init --site ${quote(folder)}`;

/**
 * Removes the uploads that an interrupted server left, and partial uploads older than `partialSeconds`. `now` in
 * seconds since 1970.
 */
export async function emptyStaging(
  folder: PrivateFolder,
  { now, partialSeconds }: { readonly now: number; readonly partialSeconds: number },
): Promise<void> {
  for (const name of await readdir(folder.staging)) {
    await rm(join(folder.staging, name), { recursive: true, force: true });
  }
  for (const name of await readdir(folder.partial)) {
    const path = join(folder.partial, name);
    const { mtimeMs } = await stat(path);
    if (mtimeMs / 1000 < now - partialSeconds) await rm(path, { recursive: true, force: true });
  }
}
