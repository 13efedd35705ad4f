/** The site's private folder, `.soil/`: where its parts are, and how a folder becomes a site. Never served. */
import { chmod, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface PrivateFolder {
  readonly root: string;
  readonly tokens: string;
  readonly tokensLock: string;
  /** uploads under way; emptied on start */
  readonly staging: string;
  /** files of jobs that a shell client sends one by one */
  readonly partial: string;
  /** a folder of chained files */
  readonly log: string;
  readonly snapshot: string;
  readonly lock: string;
  /** what the site is called on its pages, where it is not called Soil */
  readonly title: string;
}

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

/** Makes `.soil/` for its owner alone, in a folder that is made too; what is there already stays. */
export async function makePrivateFolder(site: string): Promise<PrivateFolder> {
  const folder = privateFolder(site);
  await mkdir(site, { recursive: true });
  for (const path of [folder.root, folder.staging, folder.partial, folder.log]) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chmod(path, 0o700); // a folder that was there may have been opened by an umask or a copy
  }
  return folder;
}

/** Whether `soil-server init` or `rebuild` made the folder a site. */
export async function isSite(site: string): Promise<boolean> {
  try {
    return (await stat(privateFolder(site).root)).isDirectory();
  } catch {
    return false;
  }
}

/** Takes away what an interrupted server left: uploads that nobody was told had arrived, and partial ones of `maxAge`. */
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
