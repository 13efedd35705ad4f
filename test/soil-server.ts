/** Starts the built soil-server on a new site for a test: a folder in, its URL and a token out. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { must, soilServer } from './command.js';

/** A server on a site that is there already. */
export interface ServedSite {
  /** ends in a slash */
  readonly url: string;
  readonly pid: number;
  /** what it has printed on stderr so far */
  readonly log: () => string;
  /** its exit status, when it has ended; null for a signal */
  readonly ended: Promise<number | null>;
  /** ends the process by its id and waits for it; SIGTERM unless told otherwise */
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>;
}

export const serveSite = (site: string, options: readonly string[] = []): Promise<ServedSite> =>
  startServing([process.execPath, soilServer, 'serve', '--site', site, '--port', '0', ...options]);

/** Serves the projects of a soil-server.yml. */
export const serveConfig = (file: string): Promise<ServedSite> =>
  startServing([process.execPath, soilServer, 'serve', '--config', file, '--port', '0']);

/** Runs a command line that ends up as a server. */
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
      reject(new Error(`soil-server ended before it listened\n${log}`));
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

export interface RunningServer extends ServedSite {
  readonly site: string;
  readonly token: string;
  /** stops the server and removes the site */
  readonly close: () => Promise<void>;
}

/** Makes a folder a site; returns a token for it. */
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
