/** A site's folder on another machine -> its pages written again, there and by that machine's own soil-server. */
import { setTimeout as wait } from 'node:timers/promises';
import { shellWord } from '../model/shell-word.js';
import type { SshHost } from './ssh-connection.js';

export type RemoteRebuild =
  /** `text`: what soil-server tells of it */
  | { readonly kind: 'rebuilt'; readonly text: string }
  | { readonly kind: 'no-server' }
  /** somebody else writes the site: a server that runs there, or a rebuild that takes long */
  | { readonly kind: 'busy'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** How long another writer of the same site is waited for: two jobs may well be published at once. */
const busySeconds = 60;
const pauseSeconds = 0.5;

/** Undefined where the host does not have the program, or lets nobody run anything. */
export async function readToolVersion({ execute }: SshHost, name: string): Promise<string | undefined> {
  const end = await execute(`command -v ${name} >/dev/null 2>&1 && ${name} --version`).catch(() => undefined);
  return end?.status === 0 ? end.stdout.trim() : undefined;
}

export async function rebuildRemotely(host: SshHost, folder: string): Promise<RemoteRebuild> {
  if ((await readToolVersion(host, 'soil-server')) === undefined) return { kind: 'no-server' };
  // `--site=` takes whatever follows, also a folder that begins with a hyphen.
  const line = `soil-server rebuild --site=${shellWord(folder)}`;
  for (const limit = performance.now() + busySeconds * 1000; ;) {
    const end = await host.execute(line);
    if (end.status === 0) return { kind: 'rebuilt', text: end.stdout.trim() };
    const reason = end.stderr.trim() || `status ${String(end.status)}`;
    if (!/cannot take the site: process \d+ has it/.test(reason)) return { kind: 'failed', reason };
    if (performance.now() > limit) return { kind: 'busy', reason };
    await wait(pauseSeconds * 1000);
  }
}
