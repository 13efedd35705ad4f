/** Starts the built soil-server for tests; returns its URL and, for a new site, a token. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { must, soilServer } from './command.js';

/** A server on an existing site. */
export interface ServedSite {
  /** ends in a slash */
  readonly url: string;
  readonly pid: number;
  /** its stderr so far */
  readonly log: () => string;
  /** resolves with its exit status, or null after a signal */
  readonly ended: Promise<number | null>;
  /** sends a signal, by default SIGTERM, and waits for the end of the process */
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>;
}

export const serveSite = (site: string, options: readonly string[] = []): Promise<ServedSite> =>
  startServing([process.execPath, soilServer, 'serve', '--site', site, '--port', '0', ...options]);

/** Serves the projects of a soil-server.yml. */
export const serveConfig = (file: string): Promise<ServedSite> =>
  startServing([process.execPath, soilServer, 'serve', '--config', file, '--port', '0']);

/** Runs a command line that starts a server. */
export async function startServing(
  [program = '', ...args]: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<ServedSite> {
  const child = spawn(program, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const found = / at (http:\S+)$/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    ended.then(() => {
      reject(new Error(`soil-server exited before it listened\n${log}`));
    }, reject);
  });
  return {
    url,
    pid: child.pid ?? 0,
    log: () => log,
    ended: ended.then(([status]) => status),
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      await ended;
    },
  };
}

/** Waits until all pages are written, as a shell client's hook does. Those at stable URLs follow a little later. */
export async function waitForPages({ url }: Pick<ServedSite, 'url'>, token?: string): Promise<void> {
  const body = new FormData();
  body.append('run-hook', 'soil-event-job-done');
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const answer = await fetch(new URL('wwup.cgi', url), { method: 'POST', headers, body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`cannot wait for the pages: ${answer.status} ${text}`);
}

export interface RunningServer extends ServedSite {
  readonly site: string;
  readonly token: string;
  /** stops the server and removes the site */
  readonly close: () => Promise<void>;
}

/** Initializes a folder as a site; returns a token for it. */
export async function makeSite(site: string, actions = 'append,event,status'): Promise<string> {
  await must(process.execPath, [soilServer, 'init', '--site', site]);
  const created = await must(process.execPath, [
    soilServer,
    ...['token', 'create', '--site', site, '--id', 'test', '--actions', actions],
  ]);
  return created.trim().split('\n').at(-1) ?? '';
}

export async function startServer(actions = 'append,event,status'): Promise<RunningServer> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-site-'));
  const site = join(folder, 'site');
  const token = await makeSite(site, actions);
  const served = await serveSite(site);
  return {
    ...served,
    site,
    token,
    close: async () => {
      await served.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
