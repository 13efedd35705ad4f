/** Rebuilds the pages of a site on another machine, with the soil-server of that machine. */
import { setTimeout as wait } from 'node:timers/promises';
import { quoteShellWord } from '../model/shell-word.js';
import type { SshHost } from './ssh-connection.js';

export type RemoteRebuild =
  /** `text`: the output of soil-server */
  | { readonly kind: 'rebuilt'; readonly text: string }
  | { readonly kind: 'no-server' }
  /** another process writes the site: a running server or another rebuild */
  | { readonly kind: 'busy'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** How long to wait for another writer of the site, such as another job's upload. */
const busySeconds = 60;
const pauseSeconds = 0.5;

/** Returns the version of a program on the host; undefined if it is not installed or the host does not run commands. */
export async function readToolVersion({ execute }: SshHost, name: string): Promise<string | undefined> {
  const end = await execute(`command -v ${name} >/dev/null 2>&1 && ${name} --version`).catch(() => undefined);
  return end?.status === 0 ? end.stdout.trim() : undefined;
}

/** Rebuilds the site in `folder` on the host. */
export async function rebuildRemotely(host: SshHost, folder: string): Promise<RemoteRebuild> {
  if ((await readToolVersion(host, 'soil-server')) === undefined) return { kind: 'no-server' };
  // With `--site=` the folder may start with a hyphen.
  const line = `soil-server rebuild --site=${quoteShellWord(folder)}`;
  for (const limit = performance.now() + busySeconds * 1000; ;) {
    const end = await host.execute(line);
    if (end.status === 0) return { kind: 'rebuilt', text: end.stdout.trim() };
    const reason = end.stderr.trim() || `status ${String(end.status)}`;
    // `take` is the wording of soil-server 0.1.0.
    if (!/cannot (?:lock|take) the site: process \d+ /.test(reason)) return { kind: 'failed', reason };
    if (performance.now() > limit) return { kind: 'busy', reason };
    await wait(pauseSeconds * 1000);
  }
}
