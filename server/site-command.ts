/** `soil-server init` and `rebuild`: a folder in, its pages out. */
import { mkdir } from 'node:fs/promises';
import type { CommandContext, ExitStatus } from './command-context.js';
import { rebuildSite } from './site.js';

/** Makes a folder a site: its private folder and its first pages. A site that is there stays as it is. */
export async function init(folder: string, { print, warn }: CommandContext): Promise<ExitStatus> {
  await mkdir(folder, { recursive: true });
  const made = await rebuildSite(folder, warn);
  if (!made.ok) {
    warn(made.error);
    return 2;
  }
  print(
    `soil-server: ${folder} is a site; next: soil-server token create --site ${folder} --id ci --actions append,event,status`,
  );
  return 0;
}

/** Bad records are told on stderr, and shown on their own pages; every other page is written. */
export async function rebuild(folder: string, { print, warn }: CommandContext): Promise<ExitStatus> {
  const written = await rebuildSite(folder, (fault) => {
    warn(`soil-server: ${fault}`);
  });
  if (!written.ok) {
    warn(written.error);
    return 2;
  }
  print(`soil-server: ${written.value} pages written in ${folder}`);
  return 0;
}
