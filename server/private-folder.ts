/** The site's private folder `.soil/`: where it is and what is in it. No web server may show it; its mode is 0700. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface PrivateFolder {
  readonly folder: string;
  readonly tokens: string;
  readonly events: string;
  readonly lock: string;
  /** on the site's own file system, so that a rename moves files out of it whole */
  readonly staging: string;
}

export function privateFolder(site: string): PrivateFolder {
  const folder = join(site, '.soil');
  return {
    folder,
    tokens: join(folder, 'tokens.json'),
    events: join(folder, 'events.jsonl'),
    lock: join(folder, 'lock'),
    staging: join(folder, 'staging'),
  };
}

export async function makePrivateFolder(site: string): Promise<PrivateFolder> {
  const made = privateFolder(site);
  await mkdir(made.folder, { recursive: true, mode: 0o700 });
  await mkdir(made.staging, { recursive: true, mode: 0o700 });
  return made;
}

/** What an earlier process left half done was never acknowledged. */
export async function emptyStaging({ staging }: PrivateFolder): Promise<void> {
  for (const name of await readdir(staging)) await rm(join(staging, name), { recursive: true, force: true });
}
